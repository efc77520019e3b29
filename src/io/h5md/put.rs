//! Putting rows of numbers into datasets.

use hdf5::{Dataset, H5Type, Hyperslab, SliceOrIndex};
use ndarray::ArrayView;

/// Rows of steps, times and values that are not yet in HDF5.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    steps: Vec<i64>,
    times: Vec<f64>,
    /// One list for each quantity.
    values: Vec<Vec<f64>>,
}

impl Numbers {
    /// No rows of so many quantities.
    pub(super) fn of(quantities: usize) -> Numbers {
        Numbers {
            values: vec![Vec::new(); quantities],
            ..Numbers::default()
        }
    }

    /// Number of rows that wait.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn push(&mut self, step: u64, time: f64, values: &[f64]) {
        self.steps.push(step as i64);
        self.times.push(time);
        for (list, v) in self.values.iter_mut().zip(values) {
            list.push(*v);
        }
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.times.clear();
        self.values.iter_mut().for_each(Vec::clear);
    }

    pub(super) fn write(
        &self,
        step: &Dataset,
        time: &Dataset,
        values: &[Dataset],
        first: usize,
    ) -> hdf5::Result<()> {
        put_rows(step, first, &[], &self.steps)?;
        put_rows(time, first, &[], &self.times)?;
        values
            .iter()
            .zip(&self.values)
            .try_for_each(|(set, list)| put_rows(set, first, &[], list))
    }
}

/// Room for numbers that are scaled, or made shorter.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    double: Vec<f64>,
    single: Vec<f32>,
}

/// Writes rows behind the first `first` ones and makes the dataset that long.
pub(super) fn put_rows<T: H5Type>(
    set: &Dataset,
    first: usize,
    row: &[usize],
    data: &[T],
) -> hdf5::Result<()> {
    let size = row.iter().product::<usize>().max(1);
    let rows = data.len() / size;
    if rows == 0 {
        return Ok(());
    }
    let mut shape = vec![first + rows];
    shape.extend_from_slice(row);
    set.resize(shape.clone())?;
    shape[0] = rows;
    let mut selection = vec![SliceOrIndex::from(first..first + rows)];
    selection.extend(row.iter().map(|&n| SliceOrIndex::from(0..n)));
    let view = ArrayView::from_shape(shape, data).map_err(|e| e.to_string())?;
    set.write_slice(view, Hyperslab::new(selection))
}

/// Writes one vector per atom as row `row`, multiplied by `factor`.
pub(super) fn put_vectors(
    set: &Dataset,
    row: usize,
    vectors: &[[f64; 3]],
    factor: f64,
    single: bool,
    scratch: &mut Scratch,
) -> hdf5::Result<()> {
    let flat = vectors.as_flattened();
    let shape = [vectors.len(), 3];
    if !single && factor == 1.0 {
        put_rows(set, row, &shape, flat)
    } else {
        put_scaled(
            set,
            row,
            &shape,
            std::iter::once(flat),
            factor,
            single,
            scratch,
        )
    }
}

/// Writes numbers that come in pieces as row `row` of shape `shape`, multiplied by `factor`.
pub(super) fn put_scaled<'a>(
    set: &Dataset,
    row: usize,
    shape: &[usize],
    pieces: impl Iterator<Item = &'a [f64]>,
    factor: f64,
    single: bool,
    scratch: &mut Scratch,
) -> hdf5::Result<()> {
    if single {
        scratch.single.clear();
        for piece in pieces {
            let scaled = piece.iter().map(|x| (x * factor) as f32);
            scratch.single.extend(scaled);
        }
        put_rows(set, row, shape, &scratch.single)
    } else {
        scratch.double.clear();
        for piece in pieces {
            scratch.double.extend(piece.iter().map(|x| x * factor));
        }
        put_rows(set, row, shape, &scratch.double)
    }
}
