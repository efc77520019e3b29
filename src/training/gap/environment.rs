//! Who is near whom in one frame, as rows that descriptors read.

use crate::elements::Element;
use crate::error::{Error, Result};
use crate::neighbours::{BuildError, ListKind, NeighbourList, NeighbourRequest};
use crate::potential::{Names, Rows};
use crate::system::Configuration;

/// The neighbours of every atom within a cutoff, sorted by (atom, image), so that they do not depend on how they were found.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) elements: Vec<Element>,
    first: Vec<u32>,
    neighbours: Vec<Element>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    r2: Vec<f64>,
    /// Atom behind each neighbour.
    pub(crate) atoms: Vec<u32>,
    /// Its lattice translation.
    pub(crate) shifts: Vec<[i32; 3]>,
}

/// Atoms nearer than this (Å) are said to be at one place.
const COINCIDENT: f64 = 1e-3;

impl Environment {
    /// The rows of a configuration within `cutoff` (Å). Errors carry no place.
    pub(crate) fn new(configuration: Configuration<'_>, cutoff: f64) -> Result<Environment> {
        let mut list = NeighbourList::new();
        let request = NeighbourRequest {
            cutoff,
            kind: ListKind::Full,
            chunk: 64,
            grain: 1,
        };
        list.build(configuration, request, cutoff)
            .map_err(|e| match e {
                BuildError::NotFinite(a) => Error::input(
                    "",
                    format!("the position of atom {} is not a finite number", a + 1),
                ),
                BuildError::TooMany => Error::input(
                    "",
                    format!("the cell is far too small for a cutoff of {cutoff} Å"),
                ),
            })?;
        let n = configuration.positions.len();
        let mut pairs: Vec<(u32, u32, [i32; 3])> = Vec::with_capacity(list.pairs());
        pairs.extend(list.iter_pairs().map(|p| (p.i, p.j, p.shift)));
        pairs.sort_unstable();
        let mut rows = Environment {
            elements: configuration.elements.to_vec(),
            first: Vec::with_capacity(n + 1),
            ..Environment::default()
        };
        rows.first.push(0);
        for (i, j, shift) in pairs {
            while rows.first.len() <= i as usize {
                rows.first.push(rows.r2.len() as u32);
            }
            let (a, b) = (
                configuration.positions[i as usize],
                configuration.positions[j as usize],
            );
            let t = configuration.cell.translation(shift);
            let d: [f64; 3] = std::array::from_fn(|k| b[k] - a[k] + t[k]);
            let r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
            if r2 >= cutoff * cutoff {
                continue;
            }
            if r2 < COINCIDENT * COINCIDENT {
                let reason = format!("atoms {} and {} are at the same place", i + 1, j + 1);
                return Err(Error::input("", reason));
            }
            rows.neighbours.push(configuration.elements[j as usize]);
            rows.x.push(d[0]);
            rows.y.push(d[1]);
            rows.z.push(d[2]);
            rows.r2.push(r2);
            rows.atoms.push(j);
            rows.shifts.push(shift);
        }
        while rows.first.len() <= n {
            rows.first.push(rows.r2.len() as u32);
        }
        Ok(rows)
    }

    /// As a model sees them.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows {
            centres: &self.elements,
            first: &self.first,
            elements: &self.neighbours,
            x: &self.x,
            y: &self.y,
            z: &self.z,
            r2: &self.r2,
            names: Names {
                atoms: &self.atoms,
                shifts: &self.shifts,
            },
        }
    }

    /// Displacement (Å) of the neighbour at a place of the rows.
    #[inline]
    pub(crate) fn displacement(&self, place: usize) -> [f64; 3] {
        [self.x[place], self.y[place], self.z[place]]
    }
}
