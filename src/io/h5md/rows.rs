//! Datasets that grow with time as other programs store them: rows with steps and times of their own.

use super::scan::Scan;
use crate::error::{Error, Result};
use crate::system::Cell;
use hdf5::{Dataset, H5Type, Hyperslab, SliceOrIndex};

/// Steps and times of the rows of an element.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    pub(super) steps: Vec<i64>,
    /// In fs; empty if not stored.
    pub(super) times: Vec<f64>,
}

/// A dataset [frames][atoms][3] or, without axis, [atoms][3].
#[derive(Debug)]
pub(super) struct Element3 {
    pub(super) set: Dataset,
    pub(super) factor: f64,
    pub(super) axis: Option<Axis>,
}

#[derive(Debug)]
pub(super) enum Edges {
    None,
    Fixed([[f64; 3]; 3]),
    Moving {
        set: Dataset,
        factor: f64,
        axis: Option<Axis>,
    },
}

#[derive(Debug)]
pub(super) struct Observable {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) set: Dataset,
    pub(super) axis: Axis,
}

impl Axis {
    /// The row that was stored at `step`; `hint` is tried first.
    pub(super) fn find(&self, hint: usize, step: i64) -> Option<usize> {
        if self.steps.get(hint) == Some(&step) {
            return Some(hint);
        }
        self.steps.iter().position(|&s| s == step)
    }
}

impl Element3 {
    pub(super) fn find(&self, hint: usize, step: i64) -> Option<usize> {
        let rows = if self.axis.is_some() {
            self.set.shape().first().copied().unwrap_or(0)
        } else {
            usize::MAX
        };
        self.axis
            .as_ref()
            .map_or(Some(0), |a| a.find(hint, step))
            .filter(|&r| r < rows)
    }

    /// The vectors of one row, in internal units.
    pub(super) fn row(&self, row: usize, atoms: usize, scan: &Scan<'_>) -> Result<Vec<[f64; 3]>> {
        let numbers = match &self.axis {
            Some(_) => slice::<f64>(&self.set, row, &[atoms, 3]),
            None => self.set.read_raw::<f64>(),
        };
        let numbers = numbers.map_err(|e| scan.unreadable(&self.set.name(), &e))?;
        if numbers.len() != 3 * atoms {
            return Err(Error::file(
                scan.path,
                format!("`{}` does not have one vector per atom", self.set.name()),
            ));
        }
        Ok(numbers
            .chunks_exact(3)
            .map(|c| [c[0] * self.factor, c[1] * self.factor, c[2] * self.factor])
            .collect())
    }
}

impl Edges {
    /// The cell at row `i` of the positions, which was taken at `step`.
    pub(super) fn cell(
        &self,
        periodic: [bool; 3],
        i: usize,
        step: i64,
        scan: &Scan<'_>,
    ) -> Result<Cell> {
        let rows = match self {
            Edges::None => return Ok(Cell::isolated()),
            Edges::Fixed(rows) => *rows,
            Edges::Moving { set, factor, axis } => {
                let row = axis.as_ref().map_or(Some(i), |a| a.find(i, step));
                let shape = set.shape();
                let row = row.filter(|&r| r < shape[0]).ok_or_else(|| {
                    scan.bad(format!(
                        "frame {i} has no box: `box/edges` was not stored at step {step}"
                    ))
                })?;
                let numbers = slice::<f64>(set, row, &shape[1..])
                    .map_err(|e| scan.unreadable("box/edges", &e))?;
                box_rows(&numbers, *factor)
            }
        };
        Cell::new(rows, periodic).map_err(|e| scan.bad(format!("frame {i}: {e}")))
    }
}

/// Reads one row of a dataset.
pub(super) fn slice<T: H5Type>(set: &Dataset, row: usize, shape: &[usize]) -> hdf5::Result<Vec<T>> {
    let mut selection = vec![SliceOrIndex::from(row..row + 1)];
    selection.extend(shape.iter().map(|&n| SliceOrIndex::from(0..n)));
    let array = set.read_slice::<T, _, ndarray::IxDyn>(Hyperslab::new(selection))?;
    let numbers = array.into_raw_vec_and_offset().0;
    if numbers.is_empty() {
        Err("an empty row".into())
    } else {
        Ok(numbers)
    }
}

/// Cell vectors from three numbers (a cuboid) or nine (rows).
pub(super) fn box_rows(numbers: &[f64], factor: f64) -> [[f64; 3]; 3] {
    let at = |a: usize, b: usize| match numbers.len() {
        3 if a == b => numbers[a],
        9 => numbers[3 * a + b],
        _ => 0.0,
    };
    std::array::from_fn(|a| std::array::from_fn(|b| at(a, b) * factor))
}
