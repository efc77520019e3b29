//! Half of a symmetric matrix, and its Cholesky factorisation in place.
//!
//! The lower triangle is stored in panels of columns, each from its diagonal block down: half of the memory of the square.
//! Panels and tiles have fixed sizes and every product runs on one thread, so that the factor has the same bits on any number of
//! threads; tiles are what threads share. Between panels the work can be watched and stopped.

use crate::parallel;
use crate::training::Monitor;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltError, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Accum, MatMut, MatRef, Par};

/// Columns of a panel.
pub(super) const PANEL: usize = 256;
/// Rows of a tile of what a panel changes.
const TILE: usize = 512;

/// The lower triangle of a symmetric matrix, or its Cholesky factor.
pub(super) struct Packed {
    size: usize,
    /// Panel p has the columns from `PANEL * p` on, and the rows from there down, column by column.
    panels: Vec<Vec<f64>>,
}

/// How a factorisation ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    Done,
    /// The matrix is not positive definite to working precision.
    NotPositive,
    Stopped,
}

impl Packed {
    /// Zeros.
    pub fn zeros(size: usize) -> Packed {
        let panels = (0..size)
            .step_by(PANEL)
            .map(|from| vec![0.0; (size - from) * PANEL.min(size - from)])
            .collect();
        Packed { size, panels }
    }

    /// Bytes of a matrix of `size` rows, as a number that cannot overflow.
    pub fn bytes(size: usize) -> f64 {
        4.0 * size as f64 * (size + PANEL) as f64
    }

    /// Rows and columns.
    #[cfg(test)]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The panels with the first column of each, for filling.
    pub fn panels_mut(&mut self) -> &mut [Vec<f64>] {
        &mut self.panels
    }

    /// The panels.
    #[cfg(test)]
    pub fn panels(&self) -> &[Vec<f64>] {
        &self.panels
    }

    /// Adds to the diagonal.
    pub fn add_to_diagonal(&mut self, x: f64) {
        for (p, panel) in self.panels.iter_mut().enumerate() {
            let rows = self.size - p * PANEL;
            panel.iter_mut().step_by(rows + 1).for_each(|d| *d += x);
        }
    }

    /// The columns of panel p from the diagonal down.
    fn panel(&self, p: usize) -> MatRef<'_, f64> {
        let rows = self.size - p * PANEL;
        MatRef::from_column_major_slice(&self.panels[p], rows, PANEL.min(rows))
    }

    /// Replaces the matrix by its Cholesky factor.
    pub fn factorise(&mut self, monitor: &mut dyn Monitor) -> Outcome {
        let size = self.size;
        monitor.stage("Cholesky factorisation, panels", self.panels.len());
        for p in 0..self.panels.len() {
            if monitor.stopped() {
                return Outcome::Stopped;
            }
            let rows = size - p * PANEL;
            let width = PANEL.min(rows);
            let (left, right) = self.panels.split_at_mut(p + 1);
            let panel = MatMut::from_column_major_slice_mut(&mut left[p], rows, width);
            let (mut diagonal, mut below) = panel.split_at_row_mut(width);
            if !factorise_block(diagonal.as_mut()) {
                return Outcome::NotPositive;
            }
            solve_right(diagonal.as_ref(), below.as_mut());
            let below = below.as_ref();
            let mut tiles = Vec::new();
            for (q, panel) in right.iter_mut().enumerate() {
                let (from, rows) = (q * PANEL, below.nrows() - q * PANEL);
                let panel = MatMut::from_column_major_slice_mut(panel, rows, PANEL.min(rows));
                tiles.extend(
                    cut(panel)
                        .into_iter()
                        .map(|(row, tile)| (from + row, from, tile)),
                );
            }
            parallel::for_each_mut(&mut tiles, |_, (row, column, tile)| {
                let left = below.subrows(*row, tile.nrows());
                let right = below.subrows(*column, tile.ncols());
                matmul(
                    tile.as_mut(),
                    Accum::Add,
                    left,
                    right.transpose(),
                    -1.0,
                    Par::Seq,
                );
            });
            monitor.advance(1);
        }
        Outcome::Done
    }

    /// With the factor: B := B L⁻ᵀ for a matrix B with `size` columns, column by column.
    pub fn solve_right(&self, b: &mut [f64], rows: usize) {
        for p in 0..self.panels.len() {
            let panel = self.panel(p);
            let width = panel.ncols();
            let (l, below) = panel.split_at_row(width);
            let (done, rest) = b[p * PANEL * rows..].split_at_mut(width * rows);
            solve_right(l, MatMut::from_column_major_slice_mut(done, rows, width));
            let done = MatRef::from_column_major_slice(done, rows, width);
            let rest = MatMut::from_column_major_slice_mut(rest, rows, below.nrows());
            parallel::for_each_mut(&mut cut(rest), |_, (row, tile)| {
                let left = done.subrows(*row, tile.nrows());
                matmul(
                    tile.as_mut(),
                    Accum::Add,
                    left,
                    below.transpose(),
                    -1.0,
                    Par::Seq,
                );
            });
        }
    }

    /// With the factor: solves L Lᵀ x = b in place.
    pub fn solve(&self, b: &mut [f64]) {
        for p in 0..self.panels.len() {
            let panel = self.panel(p);
            let (l, below) = panel.split_at_row(panel.ncols());
            let (done, rest) = b[p * PANEL..].split_at_mut(l.nrows());
            let mut done = MatMut::from_column_major_slice_mut(done, l.nrows(), 1);
            solve_lower_triangular_in_place(l, done.as_mut(), Par::Seq);
            let rest = MatMut::from_column_major_slice_mut(rest, below.nrows(), 1);
            matmul(rest, Accum::Add, below, done.as_ref(), -1.0, Par::Seq);
        }
        for p in (0..self.panels.len()).rev() {
            let panel = self.panel(p);
            let (l, below) = panel.split_at_row(panel.ncols());
            let (done, rest) = b[p * PANEL..].split_at_mut(l.nrows());
            let mut done = MatMut::from_column_major_slice_mut(done, l.nrows(), 1);
            let rest = MatRef::from_column_major_slice(rest, below.nrows(), 1);
            matmul(
                done.as_mut(),
                Accum::Add,
                below.transpose(),
                rest,
                -1.0,
                Par::Seq,
            );
            solve_upper_triangular_in_place(l.transpose(), done, Par::Seq);
        }
    }
}

/// Replaces a small block by its factor; false when it is not positive definite.
fn factorise_block(mut a: MatMut<'_, f64>) -> bool {
    let scratch = cholesky_in_place_scratch::<f64>(a.nrows(), Par::Seq, Default::default());
    let done: Result<_, LltError> = cholesky_in_place(
        a.as_mut(),
        LltRegularization::default(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    done.is_ok()
}

/// B := B L⁻ᵀ.
fn solve_right(l: MatRef<'_, f64>, b: MatMut<'_, f64>) {
    parallel::for_each_mut(&mut cut(b), |_, (_, piece)| {
        solve_lower_triangular_in_place(l, piece.as_mut().transpose_mut(), Par::Seq);
    });
}

/// The rows of a matrix in pieces, with the first row of each.
fn cut(b: MatMut<'_, f64>) -> Vec<(usize, MatMut<'_, f64>)> {
    let mut pieces = Vec::new();
    let mut rest = b;
    let mut row = 0;
    while rest.nrows() > 0 && rest.ncols() > 0 {
        let rows = TILE.min(rest.nrows());
        let (piece, others) = rest.split_at_row_mut(rows);
        pieces.push((row, piece));
        row += rows;
        rest = others;
    }
    pieces
}

/// Bᵀ B of a matrix of `rows` rows, column by column, in tiles of full depth.
pub(super) fn gram(b: &[f64], rows: usize, columns: usize) -> Packed {
    let b = MatRef::from_column_major_slice(b, rows, columns);
    let mut c = Packed::zeros(columns);
    let mut tiles = Vec::new();
    for (p, panel) in c.panels.iter_mut().enumerate() {
        let from = p * PANEL;
        let height = columns - from;
        let panel = MatMut::from_column_major_slice_mut(panel, height, PANEL.min(height));
        tiles.extend(
            cut(panel)
                .into_iter()
                .map(|(row, tile)| (from + row, from, tile)),
        );
    }
    parallel::for_each_mut(&mut tiles, |_, (row, column, tile)| {
        let left = b.subcols(*row, tile.nrows());
        let right = b.subcols(*column, tile.ncols());
        matmul(
            tile.as_mut(),
            Accum::Replace,
            left.transpose(),
            right,
            1.0,
            Par::Seq,
        );
    });
    c
}
