//! One bead's part of a growing dataset as an HDF5 virtual dataset: three C calls.
//!
//! The `hdf5` crate makes virtual datasets too, but limits every selection to the rows that there are when it is made. A
//! view is to grow with its source, and to have no rows (not rows of zeros) where the source is missing, and for that
//! both selections must be without end (`H5Pset_virtual`, "unlimited selections").

use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, Dataspace, Datatype, Extent, Group, H5Type, Result, SimpleExtents};
use std::ffi::{CString, c_char, c_int};

type Id = i64;
const UNLIMITED: u64 = u64::MAX;
const SELECT_SET: c_int = 0;
const DEFAULT: Id = 0;

unsafe extern "C" {
    fn H5Sselect_hyperslab(
        space: Id,
        operation: c_int,
        start: *const u64,
        stride: *const u64,
        count: *const u64,
        block: *const u64,
    ) -> c_int;
    fn H5Pset_virtual(
        creation: Id,
        view: Id,
        file: *const c_char,
        dataset: *const c_char,
        source: Id,
    ) -> c_int;
    fn H5Dcreate2(
        parent: Id,
        name: *const c_char,
        kind: Id,
        space: Id,
        links: Id,
        creation: Id,
        access: Id,
    ) -> Id;
}

/// Creates `name` [rows][...] in `to`: bead number `bead` of the dataset `source` [rows][beads][...] of another file,
/// which has this shape now. The name of the file may be relative to that of the view.
pub(super) fn create<T: H5Type>(
    to: &Group,
    name: &str,
    (file, source): (&str, &str),
    shape: &[usize],
    bead: usize,
) -> Result<Dataset> {
    let [rows, beads, inner @ ..] = shape else {
        return Err("a dataset without beads".into());
    };
    if bead >= *beads {
        return Err("a bead that is not there".into());
    }
    let of_source = space(&[&[*rows, *beads], inner].concat())?;
    let of_view = space(&[&[*rows], inner].concat())?;
    let creation = DatasetCreate::build().obj_track_times(false).finish()?;
    let kind = Datatype::from_type::<T>()?;
    // HDF5 counts files with %b in their names; a per cent by itself is written twice.
    let c = |text: String| CString::new(text).map_err(|e| hdf5::Error::from(e.to_string()));
    let (file, source) = (c(file.replace('%', "%%"))?, c(source.replace('%', "%%"))?);
    let name = c(name.to_owned())?;
    select(
        &of_source,
        &[&[bead], &vec![0; inner.len()][..]].concat(),
        &[&[1], inner].concat(),
    )?;
    select(&of_view, &vec![0; inner.len()], inner)?;
    hdf5::sync::sync(|| {
        // SAFETY: the ids are valid while their owners live, the names are C strings, and HDF5 calls are serialised by
        // `sync`. The new id's ownership passes to the returned value.
        unsafe {
            let (file, source) = (file.as_ptr(), source.as_ptr());
            if H5Pset_virtual(creation.id(), of_view.id(), file, source, of_source.id()) < 0 {
                return Err(last_error());
            }
            let (kind, space, creation) = (kind.id(), of_view.id(), creation.id());
            let id = H5Dcreate2(
                to.id(),
                name.as_ptr(),
                kind,
                space,
                DEFAULT,
                creation,
                DEFAULT,
            );
            if id < 0 {
                return Err(last_error());
            }
            hdf5::from_id(id)
        }
    })
}

/// A space of this shape whose first dimension may grow.
fn space(shape: &[usize]) -> Result<Dataspace> {
    let extent = |(axis, &n): (usize, &usize)| match axis {
        0 => Extent::resizable(n),
        _ => Extent::fixed(n),
    };
    let extents: Vec<Extent> = shape.iter().enumerate().map(extent).collect();
    Dataspace::try_new(SimpleExtents::from_vec(extents))
}

/// Selects all rows, however many there will be, and of the other dimensions `length` from `start`.
fn select(space: &Dataspace, start: &[usize], length: &[usize]) -> Result<()> {
    let after = |first: u64, rest: &[usize]| {
        let rest = rest.iter().map(|&n| n as u64);
        std::iter::once(first).chain(rest).collect::<Vec<u64>>()
    };
    let (start, block) = (after(0, start), after(1, length));
    let mut count = vec![1; block.len()];
    count[0] = UNLIMITED;
    // A stride must not be shorter than its block.
    let stride = block.clone();
    if space.ndim() != count.len() || start.len() != count.len() || block.contains(&0) {
        return Err("a selection of another rank than its space".into());
    }
    hdf5::sync::sync(|| {
        // SAFETY: a valid id, and lists with one number for each of its dimensions.
        let done = unsafe {
            H5Sselect_hyperslab(
                space.id(),
                SELECT_SET,
                start.as_ptr(),
                stride.as_ptr(),
                count.as_ptr(),
                block.as_ptr(),
            )
        };
        if done < 0 { Err(last_error()) } else { Ok(()) }
    })
}

fn last_error() -> hdf5::Error {
    hdf5::Error::query().unwrap_or_else(|e| e)
}
