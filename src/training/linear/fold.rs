//! Householder QR of a triangle above a block.
//!
//! Each reflector is I - τ [e; v] [e; v]ᵀ with e a unit vector in the rows of the triangle and v in those of the block, as the
//! triangle is zero below its diagonal; w of them are I - [I; V] T [I; V]ᵀ (Schreiber and Van Loan, SIAM J. Sci. Stat. Comput.
//! 10, 53 (1989)). Panels are factorised by recursive halving, so that all but thin slivers are matrix products; no column is
//! passed over for being nearly dependent, because it is the regularising rows that make them independent.

use crate::parallel;
use crate::simd::{fma, simd_dispatch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// Columns of a panel.
const PANEL: usize = 64;
/// Columns that are factorised one by one.
const SLIVER: usize = 8;
/// Columns right of a panel in one piece of work.
const STRIP: usize = 96;

/// Folds `rows` rows (`block`, column after column, `n` + 1 columns of `rows` numbers) into the triangle (`n` rows, `n` + 1
/// columns). The last column is the right-hand side. With `triangular`, row i of the block is zero before column i. Returns the sum of
/// squares of what is left of the right-hand side of the block, which is used up.
pub(super) fn fold(
    triangle: &mut [f64],
    n: usize,
    block: &mut [f64],
    rows: usize,
    triangular: bool,
) -> f64 {
    let mut t = Mat::zeros(PANEL, PANEL);
    for first in (0..n).step_by(PANEL) {
        let width = PANEL.min(n - first);
        let active = if triangular {
            rows.min(first + width)
        } else {
            rows
        };
        let (head, tail) = block.split_at_mut((first + width) * rows);
        let v = &mut head[first * rows..];
        let (r_head, r_tail) = triangle.split_at_mut((first + width) * n);
        let panel = Panel { n, rows, active };
        let mut t = t.as_mut().submatrix_mut(0, 0, width, width);
        t.fill(0.0);
        panel.factorise(&mut r_head[first * n..], v, first, width, t.rb_mut());
        let v: &[f64] = v;
        let t = t.rb();
        let mut strips: Vec<(&mut [f64], &mut [f64])> = r_tail
            .chunks_mut(STRIP * n)
            .zip(tail.chunks_mut(STRIP * rows))
            .collect();
        parallel::for_each_mut(&mut strips, |_, (r, b)| {
            panel.apply(v, t, first, r, b);
        });
    }
    block[n * rows..(n + 1) * rows].iter().map(|x| x * x).sum()
}

use faer::prelude::Reborrow as _;
use faer::prelude::ReborrowMut as _;

/// Sizes of a panel.
#[derive(Clone, Copy)]
struct Panel {
    /// Rows of the triangle.
    n: usize,
    /// Rows of the block, and those of them that the panel touches.
    rows: usize,
    active: usize,
}

impl Panel {
    /// Factorises `width` columns: `r` and `v` begin with them, `at` is the row of the triangle of the first.
    fn factorise(
        self,
        r: &mut [f64],
        v: &mut [f64],
        at: usize,
        width: usize,
        mut t: MatMut<'_, f64>,
    ) {
        if width <= SLIVER {
            return self.sliver(r, v, at, width, t);
        }
        let half = (width / 2).next_multiple_of(SLIVER).min(width - 1);
        let (r_left, r_right) = r.split_at_mut(half * self.n);
        let (v_left, v_right) = v.split_at_mut(half * self.rows);
        let right = width - half;
        self.factorise(
            r_left,
            v_left,
            at,
            half,
            t.rb_mut().submatrix_mut(0, 0, half, half),
        );
        self.apply(
            v_left,
            t.rb().submatrix(0, 0, half, half),
            at,
            &mut r_right[..right * self.n],
            &mut v_right[..right * self.rows],
        );
        let t22 = t.rb_mut().submatrix_mut(half, half, right, right);
        self.factorise(r_right, v_right, at + half, right, t22);
        // T12 = -T11 (V1ᵀ V2) T22; the parts in the triangle are orthogonal.
        let mut cross = Mat::zeros(half, right);
        let mut product = Mat::zeros(half, right);
        let (v1, v2) = (self.matrix(v_left, half), self.matrix(v_right, right));
        matmul(
            cross.as_mut(),
            Accum::Replace,
            v1.transpose(),
            v2,
            1.0,
            Par::Seq,
        );
        let t11 = t.rb().submatrix(0, 0, half, half).to_owned();
        matmul(
            product.as_mut(),
            Accum::Replace,
            t11.as_ref(),
            cross.as_ref(),
            -1.0,
            Par::Seq,
        );
        let t22 = t.rb().submatrix(half, half, right, right).to_owned();
        let t12 = t.rb_mut().submatrix_mut(0, half, half, right);
        matmul(
            t12,
            Accum::Replace,
            product.as_ref(),
            t22.as_ref(),
            1.0,
            Par::Seq,
        );
    }

    /// Columns of the block, the rows that count.
    fn matrix(self, v: &[f64], width: usize) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice_with_stride(
            &v[..(width - 1) * self.rows + self.active],
            self.active,
            width,
            self.rows,
        )
    }

    /// A few columns, one by one.
    fn sliver(self, r: &mut [f64], v: &mut [f64], at: usize, width: usize, mut t: MatMut<'_, f64>) {
        let (n, rows, active) = (self.n, self.rows, self.active);
        for j in 0..width {
            let (left, rest) = v.split_at_mut((j + 1) * rows);
            let x = &mut left[j * rows..][..active];
            let diagonal = j * n + at + j;
            let alpha = r[diagonal];
            let norm = dot(x, x).sqrt();
            if norm == 0.0 {
                continue;
            }
            let beta = -alpha.hypot(norm).copysign(alpha);
            let tau = (beta - alpha) / beta;
            let scale = 1.0 / (alpha - beta);
            for x in x.iter_mut() {
                *x *= scale;
            }
            r[diagonal] = beta;
            let x: &[f64] = x;
            for (k, column) in rest.chunks_mut(rows).take(width - j - 1).enumerate() {
                let head = &mut r[(j + 1 + k) * n + at + j];
                let sum = tau * (*head + dot(x, &column[..active]));
                *head -= sum;
                add(-sum, x, &mut column[..active]);
            }
            t[(j, j)] = tau;
            for i in 0..j {
                let mut sum = 0.0;
                for k in i..j {
                    sum +=
                        t[(i, k)] * dot(&left[k * rows..][..active], &left[j * rows..][..active]);
                }
                t[(i, j)] = -tau * sum;
            }
        }
    }

    /// Applies the transposed reflectors to further columns.
    fn apply(self, v: &[f64], t: MatRef<'_, f64>, at: usize, r: &mut [f64], b: &mut [f64]) {
        let (width, columns) = (t.nrows(), r.len() / self.n);
        if columns == 0 || self.active == 0 {
            return;
        }
        let v = self.matrix(v, width);
        let below = MatMut::from_column_major_slice_with_stride_mut(
            &mut b[..(columns - 1) * self.rows + self.active],
            self.active,
            columns,
            self.rows,
        );
        let mut s = Mat::zeros(width, columns);
        matmul(
            s.as_mut(),
            Accum::Replace,
            v.transpose(),
            below.rb(),
            1.0,
            Par::Seq,
        );
        for (k, column) in r.chunks_exact(self.n).enumerate() {
            for i in 0..width {
                s[(i, k)] += column[at + i];
            }
        }
        let mut ts = Mat::zeros(width, columns);
        matmul(
            ts.as_mut(),
            Accum::Replace,
            t.transpose(),
            s.as_ref(),
            1.0,
            Par::Seq,
        );
        for (k, column) in r.chunks_exact_mut(self.n).enumerate() {
            for i in 0..width {
                column[at + i] -= ts[(i, k)];
            }
        }
        matmul(below, Accum::Add, v, ts.as_ref(), -1.0, Par::Seq);
    }
}

/// Solves R α = Qᵀy. `None` when a diagonal element is zero or anything is not finite.
pub(super) fn back_substitute(triangle: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut x = triangle[n * n..n * (n + 1)].to_vec();
    for k in (0..n).rev() {
        let column = &triangle[k * n..k * n + k + 1];
        x[k] /= column[k];
        if !x[k].is_finite() {
            return None;
        }
        let (before, rest) = x.split_at_mut(k);
        add(-rest[0], &column[..k], before);
    }
    Some(x)
}

simd_dispatch! {
    /// Scalar product.
    pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 = dot_body;
}

#[inline(always)]
fn dot_body<const FMA: bool>(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [[0.0; 8]; 4];
    let (a32, a_rest) = a.as_chunks::<32>();
    let (b32, b_rest) = b.as_chunks::<32>();
    for (a, b) in a32.iter().zip(b32) {
        for s in 0..4 {
            for k in 0..8 {
                sums[s][k] = fma::<FMA>(a[8 * s + k], b[8 * s + k], sums[s][k]);
            }
        }
    }
    let mut sum = 0.0;
    for k in 0..8 {
        sum += (sums[0][k] + sums[1][k]) + (sums[2][k] + sums[3][k]);
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum = fma::<FMA>(*a, *b, sum);
    }
    sum
}

simd_dispatch! {
    /// y += s x.
    pub(super) fn add(s: f64, x: &[f64], y: &mut [f64]) = add_body;
}

#[inline(always)]
fn add_body<const FMA: bool>(s: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = fma::<FMA>(s, *x, *y);
    }
}
