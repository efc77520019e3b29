//! Springs that hold atoms at places, distances or angles.

use super::{External, Failed, Sink, spring};
use crate::potential::Symmetry;
use crate::system::nearest_image;
use crate::system::{Cell, Configuration};
use crate::vector::{cross, dot, minus};

/// Atoms held near places by springs: the sum of k/2 max(0, |d| - w)², with d the way from its place along the chosen axes.
///
/// The places follow a cell that changes: each is kept in fractional coordinates along the periodic directions, so that
/// in a cell that is periodic in all three the virial of a spring is d ⊗ f. Nothing here is periodic itself: an atom that has
/// moved by a cell vector is away from its place by that vector.
pub struct PositionRestraint {
    /// Force constant (eV/Å²).
    pub constant: f64,
    /// Distance (Å) up to which nothing pulls.
    pub width: f64,
    /// Axes along which it pulls.
    pub axes: [bool; 3],
    /// The atoms and their places.
    pub places: Vec<(u32, Anchor)>,
}

/// A place that follows the cell along the periodic directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// Fractional coordinates along the periodic directions, zero along others.
    fraction: [f64; 3],
    /// What stays where it is (Å).
    rest: [f64; 3],
}

impl Anchor {
    /// A position (Å) in a cell.
    pub fn new(cell: &Cell, position: [f64; 3]) -> Anchor {
        let periodic = cell.periodic();
        let s = cell.fractional(position);
        let fraction = std::array::from_fn(|k| if periodic[k] { s[k] } else { 0.0 });
        Anchor {
            fraction,
            rest: if cell.is_bulk() {
                [0.0; 3]
            } else {
                minus(position, cell.cartesian(fraction))
            },
        }
    }

    /// The part of the position (Å) that follows the cell, and the position.
    #[inline]
    fn place(&self, cell: &Cell) -> ([f64; 3], [f64; 3]) {
        let moving = cell.cartesian(self.fraction);
        (moving, std::array::from_fn(|k| moving[k] + self.rest[k]))
    }

    /// The position (Å) in a cell.
    pub fn position(&self, cell: &Cell) -> [f64; 3] {
        self.place(cell).1
    }
}

impl External for PositionRestraint {
    fn name(&self) -> String {
        let axes: String = (0..3)
            .filter(|&k| self.axes[k])
            .map(|k| ["x", "y", "z"][k])
            .collect();
        let along = if axes == "xyz" {
            String::new()
        } else {
            format!(" along {axes}")
        };
        format!(
            "position restraint of {} atoms{along}, {} eV/Å^2",
            self.places.len(),
            self.constant
        )
    }

    fn symmetry(&self) -> Symmetry {
        Symmetry::Anchored
    }

    fn last_atom(&self) -> Option<u32> {
        self.places.iter().map(|p| p.0).max()
    }

    fn add(&self, c: Configuration<'_>, sink: &mut Sink<'_>) -> Result<(), Failed> {
        for (atom, anchor) in &self.places {
            let x = c.positions[*atom as usize];
            let (moving, place) = anchor.place(c.cell);
            let mut d = minus(x, place);
            (0..3).filter(|&k| !self.axes[k]).for_each(|k| d[k] = 0.0);
            let far = dot(d, d).sqrt();
            let (energy, slope) = spring(self.constant, far, self.width);
            if energy == 0.0 {
                continue;
            }
            sink.energy(*atom, energy);
            sink.force(*atom, d.map(|d| -slope * d / far), minus(x, moving));
        }
        Ok(())
    }
}

/// Two atoms held at a distance by a spring, k/2 max(0, |r - r0| - w)²; r is that of the nearest images.
pub struct DistanceRestraint {
    /// The atoms.
    pub atoms: [u32; 2],
    /// Force constant (eV/Å²).
    pub constant: f64,
    /// Distance (Å) at rest.
    pub length: f64,
    /// Deviation (Å) up to which nothing pulls.
    pub width: f64,
}

impl External for DistanceRestraint {
    fn name(&self) -> String {
        let [i, j] = self.atoms;
        format!(
            "distance restraint of atoms {i} and {j} to {:.4} Å, {} eV/Å^2",
            self.length, self.constant
        )
    }

    fn symmetry(&self) -> Symmetry {
        Symmetry::Numbered
    }

    fn last_atom(&self) -> Option<u32> {
        self.atoms.iter().copied().max()
    }

    fn add(&self, c: Configuration<'_>, sink: &mut Sink<'_>) -> Result<(), Failed> {
        let [i, j] = self.atoms;
        let r = between(c, i, j);
        let distance = dot(r, r).sqrt();
        let (energy, slope) = spring(self.constant, distance - self.length, self.width);
        sink.energy(i, 0.5 * energy);
        sink.energy(j, 0.5 * energy);
        if slope == 0.0 {
            return Ok(());
        }
        if distance < NO_DIRECTION {
            return Err(Failed::Coincident(i, j, distance));
        }
        let f = r.map(|r| -slope * r / distance);
        sink.force(j, f, r);
        sink.force(i, f.map(|f| -f), [0.0; 3]);
        Ok(())
    }
}

/// The angle of three atoms, the second at its vertex, held by a spring: k/2 max(0, |θ - θ0| - w)²; arms go to nearest
/// images.
///
/// Where the arms are parallel no direction opens the angle, and the force is zero: exact for a rest at 180°, a cusp of the
/// energy for others.
pub struct AngleRestraint {
    /// The atoms; the second is at the vertex.
    pub atoms: [u32; 3],
    /// Force constant (eV/rad²).
    pub constant: f64,
    /// Angle (rad) at rest.
    pub angle: f64,
    /// Deviation (rad) up to which nothing pulls.
    pub width: f64,
}

impl External for AngleRestraint {
    fn name(&self) -> String {
        let [i, j, k] = self.atoms;
        format!(
            "angle restraint of atoms {i}, {j} and {k} to {:.3} deg, {} eV/rad^2",
            self.angle.to_degrees(),
            self.constant
        )
    }

    fn symmetry(&self) -> Symmetry {
        Symmetry::Numbered
    }

    fn last_atom(&self) -> Option<u32> {
        self.atoms.iter().copied().max()
    }

    fn add(&self, c: Configuration<'_>, sink: &mut Sink<'_>) -> Result<(), Failed> {
        let [i, j, k] = self.atoms;
        let (a, b) = (between(c, j, i), between(c, j, k));
        for (end, arm) in [(i, a), (k, b)] {
            let length = dot(arm, arm).sqrt();
            if length < NO_DIRECTION {
                return Err(Failed::Coincident(j, end, length));
            }
        }
        let normal = cross(a, b);
        let area = dot(normal, normal).sqrt();
        // Exact at all angles; an arc cosine loses half of its digits near 0 and 180°.
        let angle = area.atan2(dot(a, b));
        let (energy, slope) = spring(self.constant, angle - self.angle, self.width);
        sink.energy(j, energy);
        if slope == 0.0 || area == 0.0 {
            return Ok(());
        }
        // dθ/da = a × (a × b) / (a² |a × b|): perpendicular to the arm, in the plane, away from the other arm.
        let scale = |arm: [f64; 3]| slope / (dot(arm, arm) * area);
        let fa = cross(a, normal).map(|g| -scale(a) * g);
        let fb = cross(b, normal).map(|g| scale(b) * g);
        sink.force(i, fa, a);
        sink.force(k, fb, b);
        sink.force(j, std::array::from_fn(|d| -fa[d] - fb[d]), [0.0; 3]);
        Ok(())
    }
}

/// The angle (rad) that an [`AngleRestraint`] of these atoms sees.
pub fn angle(c: Configuration<'_>, [i, j, k]: [u32; 3]) -> f64 {
    let (a, b) = (between(c, j, i), between(c, j, k));
    let normal = cross(a, b);
    dot(normal, normal).sqrt().atan2(dot(a, b))
}

/// The distance (Å) that a [`DistanceRestraint`] of these atoms sees.
pub fn distance(c: Configuration<'_>, [i, j]: [u32; 2]) -> f64 {
    let r = between(c, i, j);
    dot(r, r).sqrt()
}

/// Below this distance (Å) two atoms have no direction between them.
const NO_DIRECTION: f64 = 1e-6;

/// From one atom to the nearest image of another (Å).
#[inline]
fn between(c: Configuration<'_>, from: u32, to: u32) -> [f64; 3] {
    let v = minus(c.positions[to as usize], c.positions[from as usize]);
    nearest_image(c.cell, v)
}
