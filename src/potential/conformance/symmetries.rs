//! What moving, turning, renumbering and repeating a structure must do.

use super::{Check, Suite, evaluate, largest, made_for, transform};
use crate::potential::EvaluationError;
use crate::system;
use nalgebra::{Matrix3, Rotation3, RowVector3, Vector3};

impl Suite<'_> {
    pub(super) fn no_net_force(&self) -> Check {
        let name = "the forces add up to zero";
        if let Some(check) = self.anchored(name) {
            return check;
        }
        let scale = self.scales().1 * (self.system.atoms.len() as f64).sqrt();
        let sum = |k: usize| self.base.forces.iter().map(|f| f[k]).sum::<f64>();
        self.rounding(name, largest((0..3).map(|k| sum(k) / scale)), String::new())
    }

    pub(super) fn translation(&self) -> Result<Check, EvaluationError> {
        let name = "nothing changes when all atoms are translated";
        if let Some(check) = self.anchored(name) {
            return Ok(check);
        }
        let mut moved = self.system.clone();
        moved
            .atoms
            .positions
            .iter_mut()
            .for_each(|x| *x = [x[0] + 1.37, x[1] - 4.11, x[2] + 0.77]);
        let other = evaluate(self.terms, &moved, 0.5)?;
        Ok(self.conditioned(name, self.deviation(&other)))
    }

    pub(super) fn rotation(&self) -> Result<Check, EvaluationError> {
        let name = "forces and virial turn with the structure";
        if let Some(check) = self.anchored(name) {
            return Ok(check);
        }
        let q = Rotation3::from_axis_angle(&Vector3::y_axis(), 0.7)
            * Rotation3::from_axis_angle(&Vector3::x_axis(), -1.9);
        let q = q.into_inner();
        let mut other = evaluate(self.terms, &transform(self.system, &q), 0.5)?;
        let back = q.transpose();
        for f in &mut other.forces {
            let v = RowVector3::from(*f) * back;
            *f = [v[0], v[1], v[2]];
        }
        let w = back.transpose() * Matrix3::from_fn(|i, j| other.virial[i][j]) * back;
        other.virial = std::array::from_fn(|i| std::array::from_fn(|j| w[(i, j)]));
        Ok(self.conditioned(name, self.deviation(&other)))
    }

    pub(super) fn permutation(&self) -> Result<Check, EvaluationError> {
        let name = "nothing changes when atoms are renumbered";
        if let Some(check) = self.one_cell(name) {
            return Ok(check);
        }
        let n = self.system.atoms.len();
        // A fixed shuffle; stride and length have no common factor.
        let stride = (n / 2 + 1..).find(|s| gcd(*s, n.max(1)) == 1).unwrap_or(1);
        let order: Vec<usize> = (0..n).map(|i| (i * stride + 1) % n.max(1)).collect();
        let mut shuffled = self.system.clone();
        for (to, &from) in order.iter().enumerate() {
            shuffled.atoms.positions[to] = self.system.atoms.positions[from];
            shuffled.atoms.elements[to] = self.system.atoms.elements[from];
            shuffled.atoms.masses[to] = self.system.atoms.masses[from];
        }
        let mut other = evaluate(&made_for(self.terms, &shuffled)?, &shuffled, 0.5)?;
        let mut forces = other.forces.clone();
        for (to, &from) in order.iter().enumerate() {
            forces[from] = other.forces[to];
        }
        other.forces = forces;
        Ok(self.conditioned(name, self.deviation(&other)))
    }

    pub(super) fn doubled_cell(&self) -> Result<Check, EvaluationError> {
        let name = "a doubled cell has twice the energy and the same forces";
        if let Some(check) = self.one_cell(name) {
            return Ok(check);
        }
        let Some(k) = (0..3).find(|&k| self.system.cell.periodic()[k]) else {
            let note = "no periodic direction".into();
            return Ok(Check {
                name,
                deviation: None,
                tolerance: 1e-9,
                unit: "relative",
                note,
            });
        };
        let mut n = [1; 3];
        n[k] = 2;
        let Ok(doubled) = system::repeat(self.system, n) else {
            let note = "the structure is too large to be doubled".into();
            return Ok(Check {
                name,
                deviation: None,
                tolerance: 1e-9,
                unit: "relative",
                note,
            });
        };
        let mut other = evaluate(&made_for(self.terms, &doubled)?, &doubled, 0.5)?;
        let atoms = self.system.atoms.len();
        let second = other.forces.split_off(atoms);
        other.energy *= 0.5;
        other
            .virial
            .as_flattened_mut()
            .iter_mut()
            .for_each(|w| *w *= 0.5);
        let first = self.deviation(&other);
        other.forces = second;
        Ok(self.conditioned(name, first.max(self.deviation(&other))))
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
