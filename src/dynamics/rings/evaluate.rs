//! Energies and forces of rings: all beads in one call, contracted terms on fewer beads, operators of fourth order.

use super::{NormalModes, Order, RingDynamics, Rings, add_weighted};
use crate::dynamics::barostat::VOIGT;
use crate::potential::{Configuration, Evaluation, EvaluationError, Evaluator, Want, recycle};
use crate::system::System;

/// Scratch memory.
#[derive(Default)]
pub(super) struct Space {
    /// Rings of fewer beads.
    contracted: Vec<NormalModes>,
    /// Modes and positions of these, and rows of forces.
    modes: Vec<f64>,
    positions: Vec<[f64; 3]>,
    forces: Vec<[f64; 3]>,
    evaluations: Vec<Evaluation>,
    displaced: [Vec<Evaluation>; 2],
    /// Only its memory lives between calls.
    configurations: Vec<Configuration<'static>>,
}

impl Clone for Space {
    fn clone(&self) -> Space {
        Space::default()
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("scratch")
    }
}

/// The derivative of the forces along themselves is taken over a displacement (Å) of this size of the atom that moves most.
const DISPLACEMENT: f64 = 1e-3;

impl Rings {
    /// Evaluates some of the terms for the rings about a centroid: sets the forces on the modes of a level and, as those of the
    /// centroid, mean energy, mean forces and the centroid virial -dE/d(strain) for strains that move the centroids and
    /// leave the internal modes as they are.
    pub fn evaluate(
        &mut self,
        dynamics: &mut RingDynamics,
        inverse_masses: &[f64],
        centroid: &System,
        evaluator: &mut Evaluator,
        chosen: impl Fn(usize) -> bool,
        want: Want,
        level: usize,
        out: &mut Evaluation,
    ) -> Result<(), EvaluationError> {
        let (beads, row, atoms) = (self.beads(), self.row(), self.atoms);
        dynamics.prepare(beads, inverse_masses);
        self.place(&centroid.atoms.positions);
        out.reset(atoms, want);
        while self.forces.len() <= level {
            self.forces.push(vec![0.0; beads * row]);
        }
        self.forces[level].fill(0.0);
        let terms = evaluator.terms().len();
        let count = |t: usize| dynamics.beads_of(t, beads);
        // From the largest number of beads to the smallest.
        let mut last = usize::MAX;
        loop {
            let next = (0..terms)
                .filter(|&t| chosen(t) && count(t) < last)
                .map(count)
                .max();
            let Some(fewer) = next else { break };
            last = fewer;
            let own = |t: usize| chosen(t) && count(t) == fewer;
            if fewer == beads {
                self.evaluate_all(
                    dynamics,
                    inverse_masses,
                    centroid,
                    evaluator,
                    own,
                    want,
                    level,
                    out,
                )?;
            } else {
                self.evaluate_contracted(fewer, centroid, evaluator, own, want, level, out)?;
            }
        }
        let forces = &self.forces[level];
        out.forces
            .as_flattened_mut()
            .copy_from_slice(&forces[..row]);
        if want.virial {
            // The internal modes do not follow the cell.
            let (modes, _) = self.amplitudes[row..].as_chunks::<3>();
            let (forces, _) = forces[row..].as_chunks::<3>();
            for (u, f) in modes.iter().zip(forces) {
                for (a, r) in out.virial.iter_mut().zip(u) {
                    for (w, f) in a.iter_mut().zip(f) {
                        *w -= r * f;
                    }
                }
            }
        }
        Ok(())
    }

    /// Terms on all beads.
    fn evaluate_all(
        &mut self,
        dynamics: &RingDynamics,
        inverse_masses: &[f64],
        centroid: &System,
        evaluator: &mut Evaluator,
        chosen: impl Fn(usize) -> bool,
        want: Want,
        level: usize,
        out: &mut Evaluation,
    ) -> Result<(), EvaluationError> {
        let beads = self.beads();
        let space = &mut self.space;
        space.call(
            &self.positions,
            centroid,
            evaluator,
            &chosen,
            want,
            beads,
            0,
        )?;
        let order = dynamics.order;
        self.corrections.fill([0.0; 6]);
        space.forces.resize(beads * self.atoms, [0.0; 3]);
        for (j, e) in space.evaluations.iter().enumerate() {
            let weight = order.weight(j);
            add_weighted(out, e, weight / beads as f64);
            self.energies[j] = e.energy;
            let target = &mut space.forces[j * self.atoms..(j + 1) * self.atoms];
            for (target, f) in target.iter_mut().zip(&e.forces) {
                *target = f.map(|f| weight * f);
            }
        }
        if order != Order::Second {
            self.add_fourth_order(
                dynamics,
                inverse_masses,
                centroid,
                evaluator,
                chosen,
                want,
                out,
            )?;
            out.energy += self.correction();
        }
        let space = &mut self.space;
        space.modes.resize(beads * 3 * self.atoms, 0.0);
        self.modes
            .to_modes(space.forces.as_flattened(), &mut space.modes);
        let forces = &mut self.forces[level];
        forces
            .iter_mut()
            .zip(&space.modes)
            .for_each(|(a, b)| *a += b);
        Ok(())
    }

    /// Adds the forces and the virial of d_j Σ|f_j|²/m to those of the beads, by differences of forces along f/m (Kapil,
    /// Behler, Ceriotti, J. Chem. Phys. 145, 054103 (2016)), and notes its energy.
    fn add_fourth_order(
        &mut self,
        dynamics: &RingDynamics,
        inverse_masses: &[f64],
        centroid: &System,
        evaluator: &mut Evaluator,
        chosen: impl Fn(usize) -> bool,
        want: Want,
        out: &mut Evaluation,
    ) -> Result<(), EvaluationError> {
        let (beads, n) = (self.beads(), self.atoms);
        let order = dynamics.order;
        let unit = dynamics.spring(beads).powi(-2);
        let space = &mut self.space;
        let own: Vec<usize> = (0..beads).filter(|&j| order.correction(j) != 0.0).collect();
        let accelerate = |f: &[f64; 3], i: usize| -> [f64; 3] {
            std::array::from_fn(|k| f[k] * inverse_masses[3 * i + k])
        };
        let largest = own
            .iter()
            .flat_map(|&j| space.evaluations[j].forces.iter().enumerate())
            .map(|(i, f)| accelerate(f, i).iter().map(|x| x * x).sum::<f64>())
            .fold(0.0, f64::max)
            .sqrt();
        if largest == 0.0 {
            return Ok(());
        }
        let delta = DISPLACEMENT / largest;
        for side in 0..2 {
            let step = if side == 0 { delta } else { -delta };
            let mut positions = std::mem::take(&mut space.positions);
            positions.clear();
            for &j in &own {
                let forces = space.evaluations[j].forces.iter().enumerate();
                let places = self.positions[j * n..(j + 1) * n].iter();
                positions.extend(places.zip(forces).map(|(x, (i, f))| {
                    let a = accelerate(f, i);
                    std::array::from_fn(|k| x[k] + step * a[k])
                }));
            }
            let outcome = space.call(
                &positions,
                centroid,
                evaluator,
                &chosen,
                want,
                own.len(),
                1 + side,
            );
            space.positions = positions;
            outcome?;
        }
        let Space {
            evaluations,
            displaced: [plus, minus],
            forces,
            ..
        } = space;
        for (place, &j) in own.iter().enumerate() {
            let d = order.correction(j) * unit;
            let (e, plus, minus) = (&evaluations[j], &plus[place], &minus[place]);
            let target = &mut forces[j * n..(j + 1) * n];
            let differences = plus.forces.iter().zip(&minus.forces);
            for (t, (p, m)) in target.iter_mut().zip(differences) {
                for k in 0..3 {
                    t[k] += d / delta * (m[k] - p[k]);
                }
            }
            let part = d / beads as f64;
            for (i, f) in e.forces.iter().enumerate() {
                let a = accelerate(f, i);
                for (c, (k, l)) in self.corrections[i].iter_mut().zip(VOIGT) {
                    *c += part * f[k] * a[l];
                }
                for k in 0..3 {
                    for l in 0..3 {
                        out.virial[k][l] += 2.0 * part * f[k] * a[l];
                    }
                }
            }
            for k in 0..3 {
                for l in 0..3 {
                    out.virial[k][l] -= part / delta * (plus.virial[k][l] - minus.virial[k][l]);
                }
            }
        }
        Ok(())
    }

    /// Terms on fewer beads, which see the smooth part of the path: the modes that rings of so many beads have.
    fn evaluate_contracted(
        &mut self,
        fewer: usize,
        centroid: &System,
        evaluator: &mut Evaluator,
        chosen: impl Fn(usize) -> bool,
        want: Want,
        level: usize,
        out: &mut Evaluation,
    ) -> Result<(), EvaluationError> {
        let (beads, row) = (self.beads(), self.row());
        let space = &mut self.space;
        let place = space.contract(fewer, beads, &self.amplitudes);
        let positions = std::mem::take(&mut space.positions);
        let outcome = space.call(&positions, centroid, evaluator, &chosen, want, fewer, 0);
        space.positions = positions;
        outcome?;
        space.forces.resize(fewer * self.atoms, [0.0; 3]);
        for (j, e) in space.evaluations.iter().enumerate() {
            add_weighted(out, e, 1.0 / fewer as f64);
            space.forces[j * self.atoms..(j + 1) * self.atoms].copy_from_slice(&e.forces);
        }
        let (from, to) = (space.forces.as_flattened(), &mut space.modes[..fewer * row]);
        space.contracted[place].to_modes(&from[..fewer * row], to);
        for (n, k) in space.contracted[place].within(beads).enumerate() {
            let target = &mut self.forces[level][k * row..(k + 1) * row];
            let own = &space.modes[n * row..(n + 1) * row];
            target.iter_mut().zip(own).for_each(|(a, b)| *a += b);
        }
        Ok(())
    }

    /// The potential energy (eV) when each atom's path about its centroid is `scale` times as large. For estimators.
    pub fn scaled_energy(
        &mut self,
        dynamics: &RingDynamics,
        centroid: &System,
        evaluator: &mut Evaluator,
        scale: impl Fn(usize) -> f64,
    ) -> Result<f64, EvaluationError> {
        let (beads, row) = (self.beads(), self.row());
        let mut scaled = self.amplitudes.clone();
        scaled[..row].copy_from_slice(centroid.atoms.positions.as_flattened());
        for own in scaled[row..].chunks_exact_mut(row) {
            for (i, u) in own.chunks_exact_mut(3).enumerate() {
                let s = scale(i);
                u.iter_mut().for_each(|u| *u *= s);
            }
        }
        let mut counts: Vec<usize> = (0..evaluator.terms().len())
            .map(|t| dynamics.beads_of(t, beads))
            .collect();
        let of_term = counts.clone();
        counts.sort_unstable();
        counts.dedup();
        let mut energy = 0.0;
        for fewer in counts {
            let space = &mut self.space;
            if fewer == beads {
                space.positions.resize(beads * self.atoms, [0.0; 3]);
                let positions = space.positions.as_flattened_mut();
                self.modes.to_beads(&scaled, positions);
            } else {
                space.contract(fewer, beads, &scaled);
            }
            let own = |t: usize| of_term[t] == fewer;
            let positions = std::mem::take(&mut space.positions);
            let outcome = space.call(
                &positions,
                centroid,
                evaluator,
                &own,
                Want::ENERGY,
                fewer,
                1,
            );
            space.positions = positions;
            outcome?;
            energy += space.displaced[0].iter().map(|e| e.energy).sum::<f64>() / fewer as f64;
        }
        Ok(energy)
    }

    /// Energies (eV), all terms on full beads, where an atom of some beads is moved by some vectors. For estimators.
    pub fn displaced_energies(
        &mut self,
        centroid: &System,
        evaluator: &mut Evaluator,
        atom: usize,
        moves: impl Iterator<Item = (usize, [f64; 3])>,
        energies: &mut Vec<f64>,
    ) -> Result<(), EvaluationError> {
        let n = self.atoms;
        self.place(&centroid.atoms.positions);
        let mut positions = Vec::new();
        for (bead, d) in moves {
            let first = positions.len();
            positions.extend_from_slice(&self.positions[bead * n..(bead + 1) * n]);
            let x = &mut positions[first + atom];
            (0..3).for_each(|k| x[k] += d[k]);
        }
        let (space, count) = (&mut self.space, positions.len() / n);
        space.call(
            &positions,
            centroid,
            evaluator,
            &|_| true,
            Want::ENERGY,
            count,
            1,
        )?;
        energies.clear();
        energies.extend(space.displaced[0].iter().map(|e| e.energy));
        Ok(())
    }
}

impl Space {
    /// The positions of rings of fewer beads that have the modes of these amplitudes; the place of their modes.
    fn contract(&mut self, fewer: usize, beads: usize, amplitudes: &[f64]) -> usize {
        let known = self.contracted.iter().position(|m| m.beads() == fewer);
        let place = known.unwrap_or_else(|| {
            self.contracted.push(NormalModes::new(fewer));
            self.contracted.len() - 1
        });
        let row = amplitudes.len() / beads;
        self.modes.resize(beads * row, 0.0);
        for (n, k) in self.contracted[place].within(beads).enumerate() {
            let own = &mut self.modes[n * row..(n + 1) * row];
            own.copy_from_slice(&amplitudes[k * row..(k + 1) * row]);
        }
        self.positions.resize(fewer * row / 3, [0.0; 3]);
        let positions = self.positions.as_flattened_mut();
        self.contracted[place].to_beads(&self.modes[..fewer * row], positions);
        place
    }

    /// Evaluates some terms for the configurations at `positions`, [bead][atom]; into the place `which`.
    fn call(
        &mut self,
        positions: &[[f64; 3]],
        centroid: &System,
        evaluator: &mut Evaluator,
        chosen: &impl Fn(usize) -> bool,
        want: Want,
        beads: usize,
        which: usize,
    ) -> Result<(), EvaluationError> {
        let mut configurations = recycle(std::mem::take(&mut self.configurations));
        let whole = centroid.configuration();
        let n = centroid.atoms.len();
        configurations.extend(
            positions
                .chunks_exact(n)
                .map(|positions| Configuration { positions, ..whole }),
        );
        let results = match which {
            0 => &mut self.evaluations,
            k => &mut self.displaced[k - 1],
        };
        results.resize_with(beads, Evaluation::default);
        let outcome = evaluator.evaluate_ring(chosen, whole, &configurations, want, results);
        configurations.clear();
        self.configurations = recycle(configurations);
        outcome
    }
}
