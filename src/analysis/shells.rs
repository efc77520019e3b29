//! Shells of neighbours in units of the density: what tells whether two crystals are the same one.

use super::neighbourhood::Neighbourhood;
use crate::error::{Error, Result};
use crate::neighbours::ListKind;
use crate::system::Configuration;

/// Places (in units of the cube root of the volume of an atom) around which neighbours are counted.
const PLACES: usize = 24;
/// The first of them, and the distance between them.
const FIRST: f64 = 0.5;
const STEP: f64 = 0.07;
/// Width of the Gaussian with which a neighbour counts.
const WIDTH: f64 = 0.07;
/// What adds up exactly: fractions of a neighbour.
const PARTS: f64 = (1u64 << 30) as f64;

/// How many neighbours an atom has, on average, around each of some distances that grow with the density. Crystals that differ by their
/// volume alone have the same numbers; elements are not told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Shells(Vec<f64>);

impl Shells {
    /// Of a crystal; an error when its positions are not finite, or the cell is far too small.
    pub fn of(c: Configuration<'_>) -> Result<Shells> {
        let Some(volume) = c.cell.volume().filter(|_| !c.positions.is_empty()) else {
            return Err(Error::input("", "shells of neighbours need a crystal"));
        };
        let unit = (volume / c.positions.len() as f64).cbrt();
        let reach = FIRST + STEP * PLACES as f64 + 4.0 * WIDTH;
        let mut near = Neighbourhood::default();
        near.find(c, ListKind::Full, reach * unit)?;
        let sums = near.rows(c.positions, |sum: &mut [u64; PLACES], _, near| {
            for (_, d) in near {
                let r = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt() / unit;
                for (k, sum) in sum.iter_mut().enumerate() {
                    let off = (r - FIRST - STEP * k as f64) / WIDTH;
                    *sum += (PARTS * (-0.5 * off * off).exp()) as u64;
                }
            }
        });
        let mean = |k: usize| {
            let all: u64 = sums.iter().map(|s| s[k]).sum();
            all as f64 / PARTS / c.positions.len() as f64
        };
        Ok(Shells((0..PLACES).map(mean).collect()))
    }

    /// The largest difference in the number of neighbours around a distance.
    pub fn difference(&self, other: &Shells) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;
    use crate::system::{Atoms, Cell, System};

    fn crystal(rows: [[f64; 3]; 3], places: &[[f64; 3]], scale: f64) -> Shells {
        let rows = rows.map(|r| r.map(|x| x * scale));
        let cell = Cell::new(rows, [true; 3]).unwrap();
        let mut atoms = Atoms::default();
        for s in places {
            atoms.push(Species::from_name("Ar").unwrap(), cell.cartesian(*s));
        }
        let system = System { cell, atoms };
        Shells::of(system.configuration()).unwrap()
    }

    /// A crystal is itself at any volume and in any cell, and no close packing of spheres is another.
    #[test]
    fn crystals_are_told_apart() {
        let half = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
        let cube = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let four = [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
        let fcc = crystal(half, &[[0.0; 3]], 5.0);
        assert!(fcc.difference(&crystal(cube, &four, 5.3)) < 1e-6);
        let c = (8.0f64 / 3.0).sqrt();
        let hexagonal = [[1.0, 0.0, 0.0], [-0.5, 0.75f64.sqrt(), 0.0], [0.0, 0.0, c]];
        let two = [[0.0; 3], [1.0 / 3.0, 2.0 / 3.0, 0.5]];
        let hcp = crystal(hexagonal, &two, 4.0);
        assert!(fcc.difference(&hcp) > 1.0, "{}", fcc.difference(&hcp));
        let bcc = crystal(cube, &[[0.0; 3], [0.5; 3]], 4.0);
        assert!(bcc.difference(&hcp) > 1.0);
    }
}
