//! Walls: planes and spheres that keep atoms on one side.

use super::{External, Failed, Sink};
use crate::potential::Symmetry;
use crate::system::Configuration;
use crate::vector::{dot, minus};

/// A wall that keeps atoms on one side. It acts on the positions as they are, which a run never wraps.
pub struct Wall {
    /// Where it is.
    pub surface: Surface,
    /// How it acts.
    pub law: Law,
    /// The atoms that feel it.
    pub atoms: Vec<u32>,
}

/// Where a wall is, and on which side of it the atoms are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Surface {
    /// A plane perpendicular to a Cartesian axis.
    Plane {
        /// The axis, 0 to 2.
        axis: usize,
        /// Where it crosses the axis (Å).
        position: f64,
        /// Whether the atoms are above it (`true`) or below.
        above: bool,
    },
    /// A sphere.
    Sphere {
        /// Its centre (Å).
        centre: [f64; 3],
        /// Its radius (Å).
        radius: f64,
        /// Whether the atoms are inside (`true`) or outside.
        inside: bool,
    },
}

/// How a wall acts on an atom at a depth d (Å), positive on the side of the atoms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// k/2 d² behind the wall, nothing in front of it.
    Harmonic {
        /// Force constant (eV/Å²).
        constant: f64,
    },
    /// ε [2/15 (σ/d)⁹ - (σ/d)³], the Lennard-Jones potential summed over a half-space: with ρ atoms per volume, ε is 2/3 π ρ σ³
    /// times that of a pair. Its well is 1.054 ε deep, at 0.858 σ.
    LennardJones {
        /// Energy (eV).
        epsilon: f64,
        /// Length (Å).
        sigma: f64,
    },
    /// The same up to its minimum, lifted to zero there: repulsion only.
    Repulsive {
        /// Energy (eV).
        epsilon: f64,
        /// Length (Å).
        sigma: f64,
    },
}

impl Surface {
    /// How deep (Å) a point lies on the side of the atoms, and the direction in which that grows.
    #[inline]
    pub fn depth(&self, x: [f64; 3]) -> (f64, [f64; 3]) {
        match *self {
            Surface::Plane {
                axis,
                position,
                above,
            } => {
                let sign = if above { 1.0 } else { -1.0 };
                let normal = std::array::from_fn(|k| if k == axis { sign } else { 0.0 });
                (sign * (x[axis] - position), normal)
            }
            Surface::Sphere {
                centre,
                radius,
                inside,
            } => {
                let d = minus(x, centre);
                let r = dot(d, d).sqrt();
                let sign = if inside { -1.0 } else { 1.0 };
                // At the very centre no direction leads out.
                let normal = if r > 0.0 {
                    d.map(|d| sign * d / r)
                } else {
                    [0.0; 3]
                };
                (sign * (r - radius), normal)
            }
        }
    }
}

/// Where the 9-3 potential has its minimum, in σ: (2/5)^(1/6).
const MINIMUM: f64 = 0.858_374_218_932_559_5;

impl Law {
    /// Energy (eV) and its derivative (eV/Å) at a depth; `None` behind a wall that cannot be crossed.
    #[inline]
    pub fn at(&self, depth: f64) -> Option<(f64, f64)> {
        match *self {
            Law::Harmonic { constant } => {
                let d = depth.min(0.0);
                Some((0.5 * constant * d * d, constant * d))
            }
            Law::LennardJones { epsilon, sigma } => nine_three(epsilon, sigma, depth),
            Law::Repulsive { sigma, .. } if depth >= MINIMUM * sigma => Some((0.0, 0.0)),
            Law::Repulsive { epsilon, sigma } => {
                let (e, slope) = nine_three(epsilon, sigma, depth)?;
                // The depth of the well is ε sqrt(10)/3.
                Some((e + epsilon * 10f64.sqrt() / 3.0, slope))
            }
        }
    }
}

#[inline]
fn nine_three(epsilon: f64, sigma: f64, d: f64) -> Option<(f64, f64)> {
    if d <= 0.0 {
        return None;
    }
    let x3 = (sigma / d).powi(3);
    let x9 = x3 * x3 * x3;
    Some((
        epsilon * (2.0 / 15.0 * x9 - x3),
        epsilon * (3.0 * x3 - 1.2 * x9) / d,
    ))
}

impl External for Wall {
    fn name(&self) -> String {
        let law = match self.law {
            Law::Harmonic { constant } => format!("harmonic wall, {constant} eV/Å^2"),
            Law::LennardJones { epsilon, sigma } => {
                format!("Lennard-Jones 9-3 wall, {epsilon} eV, {sigma} Å")
            }
            Law::Repulsive { epsilon, sigma } => {
                format!("repulsive 9-3 wall, {epsilon} eV, {sigma} Å")
            }
        };
        let surface = match self.surface {
            Surface::Plane {
                axis,
                position,
                above,
            } => {
                let sign = if above { '>' } else { '<' };
                format!("{} {sign} {position} Å", ["x", "y", "z"][axis])
            }
            Surface::Sphere {
                centre: [x, y, z],
                radius,
                inside,
            } => {
                let side = if inside { "inside" } else { "outside" };
                format!("{side} a sphere of {radius} Å about ({x:.3}, {y:.3}, {z:.3}) Å")
            }
        };
        format!("{law}: {} atoms {surface}", self.atoms.len())
    }

    fn symmetry(&self) -> Symmetry {
        Symmetry::Anchored
    }

    fn fixed_cell(&self) -> Option<&'static str> {
        Some(
            "a wall stays where it is in space, and its share in the pressure depends on the origin",
        )
    }

    fn last_atom(&self) -> Option<u32> {
        self.atoms.iter().copied().max()
    }

    fn add(&self, c: Configuration<'_>, sink: &mut Sink<'_>) -> Result<(), Failed> {
        for &atom in &self.atoms {
            let x = c.positions[atom as usize];
            let (depth, normal) = self.surface.depth(x);
            let (energy, slope) = self.law.at(depth).ok_or(Failed::BehindWall(atom))?;
            sink.energy(atom, energy);
            if slope != 0.0 {
                sink.force(atom, normal.map(|n| -slope * n), x);
            }
        }
        Ok(())
    }
}
