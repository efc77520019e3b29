//! Extended XYZ: frames one after the other, each a count, a line of keys and values, and one line per atom.
//!
//! The comment line follows the grammar that ASE reads: `key=value`, values in quotes, braces or brackets, backslash
//! escapes. `Lattice` holds the rows a, b, c of the cell; `pbc` the periodic directions (all when there is a `Lattice`,
//! none otherwise); `Properties` the columns.
//!
//! Columns that become part of the system: `species` or `Z`, `pos` (Å), `masses` or `mass` (amu), `momenta`
//! (sqrt(eV·amu), the unit of ASE) and `velo`, `vel`, `velocity` or `velocities` (Å/fs, as QUIP and GPUMD have it). A
//! column `mass` in the units of QUIP (eV·fs²/Å², 103.6 per amu) is recognised by its size and converted. Everything
//! else is kept as it is.
//!
//! Velocities are written as `momenta`, which ASE understands; masses are written when one of them is not the standard
//! weight of its element. What was read is written back with the same bits; velocities that come from elsewhere may
//! change in the last bit once, since momenta are rounded.

mod comment;
mod header;
mod properties;
mod reader;
mod writer;

pub(super) use reader::read;
pub(super) use writer::render;
