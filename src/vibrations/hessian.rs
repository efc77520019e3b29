//! The Hessian: in closed form where the terms have it, by central differences of the forces for all others.
//!
//! Displaced copies are evaluated together, in blocks, and share one neighbour list as the beads of a ring polymer do. Every row
//! that is known is kept in [`Rows`], so that differences of a large system can be interrupted and gone on with.

use crate::error::{Error, Result};
use crate::potential::{Evaluation, EvaluationError, Evaluator, Want};
use crate::system::{Configuration, System};
use faer::Mat;

/// How differences are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Differences {
    /// Displacement (Å) to either side.
    pub step: f64,
    /// Closed forms are not used, even where terms have them.
    pub only: bool,
    /// Displaced copies in one call; the memory that a call needs is in proportion to it.
    pub block: usize,
}

/// Memory (bytes) that positions and results of a block of displaced copies may take.
const BLOCK_MEMORY: usize = 64 << 20;
/// Most copies in a block: more do not share anything better.
const MOST: usize = 64;

impl Differences {
    /// Displacements of `step` Å for a system of so many atoms, with closed forms where there are any.
    pub fn new(step: f64, atoms: usize) -> Differences {
        // Positions, forces and what evaluators keep beside them.
        let each = atoms.saturating_mul(256).max(1);
        let block = (BLOCK_MEMORY / each).clamp(2, MOST) / 2 * 2;
        Differences {
            step,
            only: false,
            block,
        }
    }
}

/// Where the second derivatives come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Closed forms of all terms.
    Analytic,
    /// Central differences of the forces.
    Differences,
    /// Closed forms of some terms, differences of the others.
    Both,
}

/// The second derivatives of the energy by the positions of some atoms, the others held.
#[derive(Clone, Debug)]
pub struct Hessian {
    /// The free atoms, ascending.
    pub atoms: Vec<usize>,
    /// d²E/dx dx' (eV/Å²), symmetric: rows and columns are x, y, z of the first free atom, then of the second, ...
    pub matrix: Mat<f64>,
    /// The largest |H - Hᵀ| (eV/Å²) before it was made symmetric; it measures the error of differences.
    pub asymmetry: f64,
    /// Where it comes from.
    pub source: Source,
}

/// Rows of the Hessian that differences have given so far: x, y, z of the first free atom, then of the second, ...
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Minus the derivatives of the forces on the free atoms (eV/Å²), row by row.
    pub values: Vec<f64>,
}

/// How far differences are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows that are known.
    pub done: usize,
    /// All rows.
    pub all: usize,
}

impl Hessian {
    /// The Hessian of the free atoms (`atoms`, ascending) at the positions of `system`.
    ///
    /// `rows` has what an earlier call gave, or nothing; rows are added to it as they come. `observe` is called after each block,
    /// and ends the work when it gives `false`; then the result is `None`.
    pub fn of(
        system: &System,
        evaluator: &mut Evaluator,
        atoms: &[usize],
        how: Differences,
        rows: &mut Rows,
        observe: &mut dyn FnMut(Progress, &Rows) -> Result<bool>,
    ) -> Result<Option<Hessian>> {
        let size = 3 * atoms.len();
        check(system, atoms, how, rows)?;
        let closed: Vec<bool> = evaluator
            .terms()
            .iter()
            .map(|t| !how.only && t.has_curvature())
            .collect();
        let source = match (closed.iter().all(|c| *c), closed.iter().any(|c| *c)) {
            (true, _) => Source::Analytic,
            (_, true) => Source::Both,
            _ => Source::Differences,
        };
        let mut matrix = Mat::zeros(size, size);
        if source != Source::Analytic {
            let open = |t: usize| !closed[t];
            if !differences(system, evaluator, atoms, how, &open, rows, observe)? {
                return Ok(None);
            }
            for i in 0..size {
                for j in 0..size {
                    matrix[(i, j)] = rows.values[i * size + j];
                }
            }
        }
        if source != Source::Differences {
            add_closed(system, evaluator, atoms, &mut matrix)?;
        }
        let mut asymmetry = 0.0f64;
        for i in 0..size {
            for j in 0..i {
                let (a, b) = (matrix[(i, j)], matrix[(j, i)]);
                asymmetry = asymmetry.max((a - b).abs());
                (matrix[(i, j)], matrix[(j, i)]) = (0.5 * (a + b), 0.5 * (a + b));
            }
        }
        Ok(Some(Hessian {
            atoms: atoms.to_vec(),
            matrix,
            asymmetry,
            source,
        }))
    }

    /// Calls of the potential for one configuration each that the remaining rows take.
    pub fn evaluations(
        evaluator: &Evaluator,
        atoms: usize,
        how: Differences,
        rows: &Rows,
    ) -> usize {
        if !how.only && evaluator.terms().iter().all(|t| t.has_curvature()) {
            return 0;
        }
        let done = rows.values.len() / (3 * atoms).max(1);
        2 * (3 * atoms).saturating_sub(done)
    }
}

fn check(system: &System, atoms: &[usize], how: Differences, rows: &Rows) -> Result<()> {
    let size = 3 * atoms.len();
    let ascending = atoms.windows(2).all(|w| w[0] < w[1]);
    if !ascending || atoms.last().is_some_and(|a| *a >= system.atoms.len()) {
        return Err(Error::Bug("free atoms are not ascending".into()));
    }
    if !(how.step > 0.0 && how.step.is_finite()) {
        return Err(Error::input(
            "",
            format!("a displacement of {} Å gives no differences", how.step),
        ));
    }
    let whole = rows.values.len().checked_rem(size).unwrap_or(0) == 0;
    if !whole || rows.values.len() > size * size {
        return Err(Error::Bug("rows of another Hessian".into()));
    }
    Ok(())
}

/// A sentence about a displaced configuration that has no energy.
pub(crate) fn failed(e: EvaluationError) -> Error {
    let what = match e {
        EvaluationError::Coincident { i, j, distance, .. } => {
            format!(
                "atoms {i} and {j} (counted from 0) are at the same place, {distance:.1e} Å apart"
            )
        }
        EvaluationError::NotFinite { atom: Some(a), .. } => {
            format!("the force on atom {a} (counted from 0) is not a finite number")
        }
        EvaluationError::NotFinite { .. } => "the energy is not a finite number".into(),
        EvaluationError::OtherAtoms { .. } => "the model was made for other atoms".into(),
        EvaluationError::BehindWall { atom, .. } => {
            format!("atom {atom} (counted from 0) is behind a wall")
        }
        EvaluationError::Torn { i, j, .. } => {
            format!("the bond between atoms {i} and {j} (counted from 0) is broken")
        }
        EvaluationError::TooManyNeighbours { .. } => {
            "there are more neighbours than can be counted".into()
        }
    };
    Error::run(
        format!("the forces near this structure cannot be computed: {what}"),
        "look at the structure; relax it first",
    )
}

/// Goes on with the rows until all are known; `false` when `observe` ended it.
fn differences(
    system: &System,
    evaluator: &mut Evaluator,
    atoms: &[usize],
    how: Differences,
    chosen: &dyn Fn(usize) -> bool,
    rows: &mut Rows,
    observe: &mut dyn FnMut(Progress, &Rows) -> Result<bool>,
) -> Result<bool> {
    let size = 3 * atoms.len();
    let n = system.atoms.len();
    let per_block = (how.block / 2).max(1);
    let mut done = rows.values.len().checked_div(size).unwrap_or(0);
    let mut positions = vec![[0.0; 3]; 2 * per_block * n];
    let mut results = vec![Evaluation::default(); 2 * per_block];
    let want = Want {
        forces: true,
        ..Want::ENERGY
    };
    let centroid = system.configuration();
    while done < size {
        let count = per_block.min(size - done);
        // All blocks have the same number of copies, so that they share their lists; the last ones may repeat the reference.
        for copy in positions.chunks_exact_mut(n) {
            copy.copy_from_slice(&system.atoms.positions);
        }
        let mut steps = vec![[0.0; 2]; count];
        for (row, steps) in steps.iter_mut().enumerate() {
            let (atom, axis) = (atoms[(done + row) / 3], (done + row) % 3);
            for (side, sign) in [1.0, -1.0].into_iter().enumerate() {
                let x = &mut positions[(2 * row + side) * n + atom][axis];
                let start = *x;
                *x += sign * how.step;
                // What was really added.
                steps[side] = *x - start;
            }
        }
        let copies: Vec<Configuration<'_>> = positions
            .chunks_exact(n)
            .map(|positions| Configuration {
                positions,
                ..centroid
            })
            .collect();
        evaluator
            .evaluate_ring(chosen, centroid, &copies, want, &mut results)
            .map_err(failed)?;
        for (row, steps) in steps.iter().enumerate() {
            let (plus, minus) = (&results[2 * row].forces, &results[2 * row + 1].forces);
            let width = steps[0] - steps[1];
            for a in atoms {
                for k in 0..3 {
                    rows.values.push((minus[*a][k] - plus[*a][k]) / width);
                }
            }
        }
        done += count;
        if !observe(Progress { done, all: size }, rows)? && done < size {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds what closed forms give.
fn add_closed(
    system: &System,
    evaluator: &mut Evaluator,
    atoms: &[usize],
    matrix: &mut Mat<f64>,
) -> Result<()> {
    let mut place = vec![None; system.atoms.len()];
    for (at, a) in atoms.iter().enumerate() {
        place[*a] = Some(at);
    }
    let mut add = |i: usize, j: usize, h: &[[f64; 3]; 3]| {
        let (Some(p), Some(q)) = (place[i], place[j]) else {
            return;
        };
        for a in 0..3 {
            for b in 0..3 {
                matrix[(3 * p + a, 3 * q + b)] += h[a][b];
                if p != q {
                    matrix[(3 * q + b, 3 * p + a)] += h[a][b];
                }
            }
        }
    };
    evaluator
        .curvature(system.configuration(), &mut add)
        .map_err(failed)
}
