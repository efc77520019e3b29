//! Regularised linear least squares in bounded memory.
//!
//! [`LeastSquares`] solves
//!
//! ```text
//! min || [ A/σ ; Lᵀ ] α - [ y/σ ; 0 ] ||
//! ```
//!
//! for a tall A whose rows come in blocks and never are in memory together. A QR decomposition of the rows so far is all
//! that is kept (Golub and Van Loan, Matrix Computations, section 5.2, and Demmel et al., SIAM J. Sci. Comput. 34, A206 (2012)
//! for its blocks): R and Qᵀy, into which each block is folded. That does not square the condition number as the normal
//! equations do, and the covariance of sparse points is nearly singular by nature. The regularising rows come last, as
//! they are many orders smaller: small rows above large ones would be lost in the rounding of those.
//!
//! A block is cut into a fixed number of shares, each of which has an R of its own and a thread to itself; they are united
//! at the end. Neither the shares nor the order of any sum depends on the number of threads, so the solution has the same bits on
//! any number of them.

mod condition;
mod fold;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::parallel;
use fold::fold;

/// Shares that a block is cut into, if there is memory for an R for each.
const SHARES: usize = 4;
/// Rows of a share in a full block: matrix products of this depth run at full speed.
const SHARE_ROWS: usize = 1024;

/// Condition number from which on the weights are nothing but rounding. Those of fits reach 10¹³ or so.
const SINGULAR: f64 = 1e22;

/// Sizes of the arrays of a solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Unknowns.
    pub columns: usize,
    /// Parts of a block, each with its own R.
    pub shares: usize,
    /// Most rows in one block.
    pub rows: usize,
}

impl Plan {
    /// The plan for so many unknowns and rows in all, where `least` rows at least must fit into one block (those of the
    /// largest frame), within `memory` bytes. `per_row` bytes more are needed by the caller for each row of a block.
    ///
    /// Errors in words when not even the smallest arrays fit.
    pub fn new(
        columns: usize,
        total: usize,
        least: usize,
        per_row: usize,
        memory: usize,
    ) -> Result<Plan> {
        let (least, total) = (least.max(1), total.max(1));
        let most = total.min(SHARES * SHARE_ROWS).max(least);
        let try_with = |shares: usize, rows: usize| {
            let plan = Plan {
                columns,
                shares,
                rows,
            };
            let own = plan.bytes()?;
            own.checked_add(rows.checked_mul(per_row)?)
        };
        for shares in [SHARES, 2, 1] {
            // Beyond a quarter of the memory, several R cost more than they give.
            let triangles = try_with(shares, 0);
            if shares > 1 && triangles.is_none_or(|b| b > memory / 4) {
                continue;
            }
            let mut rows = most;
            while rows > least && try_with(shares, rows).is_none_or(|b| b > memory) {
                rows = (rows / 2).max(least);
            }
            if try_with(shares, rows).is_some_and(|b| b <= memory) {
                return Ok(Plan {
                    columns,
                    shares,
                    rows,
                });
            }
        }
        let needed = try_with(1, least).map_or(f64::INFINITY, |b| b as f64);
        Err(Error::input(
            "",
            format!(
                "the fit of {columns} weights needs at least {:.0} MB for its least squares, the limit leaves {:.0} MB",
                needed / 1e6,
                memory as f64 / 1e6
            ),
        )
        .advise("raise the memory limit, or choose fewer sparse points"))
    }

    /// Bytes of the arrays of [`LeastSquares`].
    pub fn bytes(&self) -> Option<usize> {
        let width = self.columns.checked_add(1)?;
        // One more for the regularising rows.
        let triangles = self
            .columns
            .checked_mul(width)?
            .checked_mul(self.shares.checked_add(1)?)?;
        // The share of a block is rounded up.
        let block = self.rows.checked_add(self.shares)?.checked_mul(width)?;
        triangles.checked_add(block)?.checked_mul(size_of::<f64>())
    }
}

/// A part of the columns of a block: rows of `stride` numbers each, of which the first `width` count.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Number of the first column.
    pub first: usize,
    /// Columns.
    pub width: usize,
    /// Numbers from one row to the next.
    pub stride: usize,
    /// The numbers.
    pub data: &'a [f64],
}

/// The rows so far.
#[derive(Debug)]
pub struct LeastSquares {
    plan: Plan,
    shares: Vec<Share>,
    rows: usize,
}

/// One share of the rows: R and Qᵀy as a matrix of `columns` rows and one more column, column after column.
#[derive(Debug)]
struct Share {
    triangle: Vec<f64>,
    block: Vec<f64>,
    /// Sum of squares that no α can remove.
    rest: f64,
}

/// What a fit of rows gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// The unknowns.
    pub weights: Vec<f64>,
    /// Rows of A.
    pub rows: usize,
    /// Norm of the residual, regularising rows included.
    pub residual: f64,
    /// Estimate of the condition number of the augmented matrix (2-norm).
    pub condition: f64,
}

impl LeastSquares {
    /// No rows yet.
    pub fn new(plan: Plan) -> LeastSquares {
        let size = plan.columns * (plan.columns + 1);
        let share = || Share {
            triangle: vec![0.0; size],
            block: Vec::new(),
            rest: 0.0,
        };
        LeastSquares {
            plan,
            shares: (0..plan.shares.max(1)).map(|_| share()).collect(),
            rows: 0,
        }
    }

    /// Folds a block in: row i is row i of all `parts` together times `scale[i]`, with the target `targets[i] · scale[i]`.
    /// Columns that no part has are zero. As many rows as `scale` has elements, at most those of the plan.
    pub fn absorb(&mut self, parts: &[Part<'_>], scale: &[f64], targets: &[f64]) {
        let (rows, n) = (scale.len().min(targets.len()), self.plan.columns);
        let share = rows.div_ceil(self.shares.len()).max(1);
        self.rows += rows;
        parallel::for_each_mut(&mut self.shares, |s, own| {
            let from = (s * share).min(rows);
            let count = share.min(rows - from);
            if count == 0 {
                return;
            }
            let size = count * (n + 1);
            if own.block.len() < size {
                own.block.resize(size, 0.0);
            }
            let block = &mut own.block[..size];
            block.fill(0.0);
            let here = from..from + count;
            for part in parts {
                let data = &part.data[from * part.stride..];
                let columns = &mut block[part.first * count..];
                transpose(data, part.width, part.stride, &scale[here.clone()], columns);
            }
            let target = targets[here.clone()].iter().zip(&scale[here.clone()]);
            for (b, (y, w)) in block[n * count..].iter_mut().zip(target) {
                *b = y * w;
            }
            own.rest += fold(&mut own.triangle, n, block, count, false);
        });
    }

    /// Folds in the regularising rows Lᵀ, of lower triangles `(first column, order, elements by columns)` along the
    /// diagonal, and solves.
    ///
    /// Errors when the rows hold numbers that are not finite, or do not determine the unknowns.
    pub fn solve(mut self, triangles: &[(usize, usize, Vec<f64>)]) -> Result<Solution> {
        let n = self.plan.columns;
        let mut rest = 0.0;
        // As a tree, each pair on its own thread.
        while self.shares.len() > 1 {
            let half = self.shares.len().div_ceil(2);
            let others = self.shares.split_off(half);
            let mut pairs: Vec<(&mut Share, Share)> = self.shares.iter_mut().zip(others).collect();
            parallel::for_each_mut(&mut pairs, |_, (one, other)| {
                one.block = Vec::new();
                one.rest += other.rest + fold(&mut one.triangle, n, &mut other.triangle, n, true);
            });
        }
        let Some(mut share) = self.shares.pop() else {
            return Err(Error::Bug("a least-squares problem without a share".into()));
        };
        share.block = Vec::new();
        if !triangles.is_empty() {
            let mut block = vec![0.0; n * (n + 1)];
            for (first, order, l) in triangles {
                for column in 0..*order {
                    for row in column..*order {
                        block[(first + row) * n + first + column] = l[column * order + row];
                    }
                }
            }
            rest += fold(&mut share.triangle, n, &mut block, n, true);
        }
        rest += share.rest;
        let condition = condition::estimate(&share.triangle, n);
        let weights = fold::back_substitute(&share.triangle, n)
            .filter(|_| condition < SINGULAR)
            .ok_or_else(|| {
                Error::run(
                    "the least squares of the fit have no finite solution",
                    "look for impossible energies or forces among the data, and for a jitter or sigmas that are zero",
                )
            })?;
        Ok(Solution {
            weights,
            rows: self.rows,
            residual: rest.sqrt(),
            condition,
        })
    }
}

/// Rows, of which the first `width` numbers count, scaled, into columns of as many numbers as there are scales.
fn transpose(data: &[f64], width: usize, stride: usize, scale: &[f64], columns: &mut [f64]) {
    const TILE: usize = 16;
    let rows = scale.len();
    for r0 in (0..rows).step_by(TILE) {
        let end = (r0 + TILE).min(rows);
        for c in 0..width {
            for r in r0..end {
                columns[c * rows + r] = data[r * stride + c] * scale[r];
            }
        }
    }
}
