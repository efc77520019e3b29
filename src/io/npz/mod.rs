//! Numpy's `.npz` archives: a zip of arrays, read without ever executing anything and written so that numpy opens them.
//!
//! [`Archive`] and [`ArchiveWriter`] are the container, [`Array`] a member, [`Dataset`] the labelled geometries that the
//! sGDML package keeps in such files. The header of an array is parsed here, by a reader that knows nothing but the one
//! dictionary it must be; pickled members are passed over by their header alone.

mod archive;
mod array;
mod dataset;
mod header;
mod pickle;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

pub use archive::{Archive, ArchiveWriter, is_zip};
pub use array::{Array, Data};
pub use dataset::{Dataset, write_frames};
pub(crate) use dataset::{elements, finite, lattice, unit};
pub use pickle::errors_object;
