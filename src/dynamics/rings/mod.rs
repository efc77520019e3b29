//! Path integrals: quantum nuclei as ring polymers, P copies ("beads") of every atom that springs hold together.
//!
//! The rings are sampled with the Hamiltonian (Parrinello, Rahman, J. Chem. Phys. 80, 860 (1984); per bead)
//!
//! > H = (1/P) Σ_j V(x_j) + Σ_k [ ½ μ_k v_k² + ½ m ω_k² u_k² ],  ω_k = 2 ω_P sin(kπ/P),  ω_P = P kT/ħ,
//!
//! in normal modes that are scaled so that all of them have the temperature T of the system ([`NormalModes`]). Mode 0 is the
//! centroid, and a classical particle under the mean force: it is the [`State`](super::State) that integrators, thermostats
//! and barostats move as ever. What is here is the rest: [`Rings`], the internal modes of a state, and [`RingDynamics`], how
//! an integrator moves them.

mod dynamics;
mod estimators;
mod evaluate;
mod kernels;
mod modes;
mod order;

pub use dynamics::{ModeBath, Propagator, RingDynamics};
pub use estimators::RingEstimates;
pub use modes::NormalModes;
pub use order::Order;

use crate::potential::{Configuration, Evaluation};
use crate::random::{self, Purpose};
use crate::system::Atoms;
use crate::units::BOLTZMANN;
use dynamics::Operation;
use std::collections::BTreeMap;

/// The internal modes of the ring polymers of all atoms, beside the centroid, which is the system of a state.
///
/// Arrays over modes are rows [mode][3 × atom + axis].
#[derive(Clone, Debug)]
pub struct Rings {
    modes: NormalModes,
    atoms: usize,
    /// u_k (Å); row 0 is the centroid at the latest evaluation.
    amplitudes: Vec<f64>,
    /// du_k/dt (internal); row 0 is not used.
    velocities: Vec<f64>,
    /// Forces on the modes (eV/Å) of each level of the potential, slowest first.
    forces: Vec<Vec<f64>>,
    /// The energy (eV) that operators of fourth order add: (1/P) Σ_j d_j f⊗f/m of each atom, in the order of
    /// [`VOIGT`](super::barostat::VOIGT).
    corrections: Vec<[f64; 6]>,
    /// Positions of the beads (Å) at the latest evaluation, [bead][atom].
    positions: Vec<[f64; 3]>,
    /// Potential energy of each bead (eV), of the terms that are evaluated on all beads.
    energies: Vec<f64>,
    /// Operations that are done together, when their outcome is needed.
    pending: Vec<Operation>,
    space: evaluate::Space,
}

impl Rings {
    /// Rings of `beads` beads (at least one) for so many atoms, all beads at the centroid and at rest.
    pub fn new(beads: usize, atoms: usize) -> Rings {
        let modes = NormalModes::new(beads);
        let n = modes.beads() * 3 * atoms;
        Rings {
            atoms,
            amplitudes: vec![0.0; n],
            velocities: vec![0.0; n],
            forces: vec![vec![0.0; n]],
            corrections: vec![[0.0; 6]; atoms],
            positions: vec![[0.0; 3]; modes.beads() * atoms],
            energies: vec![0.0; modes.beads()],
            pending: Vec::new(),
            space: evaluate::Space::default(),
            modes,
        }
    }

    /// Number of beads.
    pub fn beads(&self) -> usize {
        self.modes.beads()
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.atoms
    }

    /// Length of a row.
    fn row(&self) -> usize {
        3 * self.atoms
    }

    /// Draws the velocities of the internal modes at a temperature (K), for masses as in `dynamics`; held components, whose
    /// inverse mass is zero, stay at rest.
    pub fn draw_velocities(
        &mut self,
        dynamics: &mut RingDynamics,
        inverse_masses: &[f64],
        temperature: f64,
        seed: u64,
    ) {
        let row = self.row();
        dynamics.prepare(self.beads(), inverse_masses);
        let kt = BOLTZMANN * temperature;
        for k in 1..self.beads() {
            let v = &mut self.velocities[k * row..(k + 1) * row];
            random::normals(seed, Purpose::InitialVelocities, 0, k as u32, 0, 0, v);
            let s = (kt / dynamics.mass_factor(k)).sqrt();
            for (v, w) in v.iter_mut().zip(inverse_masses) {
                *v *= s * w.sqrt();
            }
        }
    }

    /// Amplitudes (Å) and velocities (internal) of the modes, as rows [mode][3 × atom + axis]. The first row is the centroid's, and
    /// not used here.
    pub fn modes_mut(&mut self) -> [&mut [f64]; 2] {
        [&mut self.amplitudes, &mut self.velocities]
    }

    /// Scales amplitudes and velocities of the internal modes so that free rings of one temperature become free rings of another:
    /// the energies of springs and velocities in units of kT stay.
    pub(super) fn change_temperature(&mut self, from: &RingDynamics, to: &RingDynamics) {
        let row = self.row();
        for k in 1..self.beads() {
            let own = k * row..(k + 1) * row;
            let warmer = (to.temperature() / from.temperature()).sqrt();
            let stiffer = to.frequency(k) / from.frequency(k);
            let heavier = to.mass_factor(k) / from.mass_factor(k);
            let [u, v] = [warmer / stiffer, warmer / heavier.sqrt()];
            self.amplitudes[own.clone()]
                .iter_mut()
                .for_each(|x| *x *= u);
            self.velocities[own].iter_mut().for_each(|x| *x *= v);
        }
    }

    /// Positions of a bead (Å) at the latest evaluation.
    pub fn positions(&self, bead: usize) -> &[[f64; 3]] {
        &self.positions[bead * self.atoms..(bead + 1) * self.atoms]
    }

    /// What potentials see of a bead.
    pub fn configuration<'a>(
        &'a self,
        bead: usize,
        centroid: Configuration<'a>,
    ) -> Configuration<'a> {
        Configuration {
            positions: self.positions(bead),
            ..centroid
        }
    }

    /// Potential energies of the beads (eV), of the terms that are evaluated on all beads.
    pub fn energies(&self) -> &[f64] {
        &self.energies
    }

    /// Velocities of the beads (internal), bead after bead; `centroid` has those of the centroid.
    pub fn bead_velocities(&mut self, centroid: &Atoms) -> Vec<[f64; 3]> {
        let row = self.row();
        self.velocities[..row].copy_from_slice(centroid.velocities.as_flattened());
        let mut out = vec![[0.0; 3]; self.beads() * self.atoms];
        self.modes
            .to_beads(&self.velocities, out.as_flattened_mut());
        self.velocities[..row].fill(0.0);
        out
    }

    /// Forces on the beads (eV/Å) as the dynamics has them, bead after bead: contracted terms smoothly, and with those of the
    /// fourth order.
    pub fn bead_forces(&mut self) -> Vec<[f64; 3]> {
        let mut sum = self.forces[0].clone();
        for level in &self.forces[1..] {
            sum.iter_mut().zip(level).for_each(|(s, f)| *s += f);
        }
        let mut out = vec![[0.0; 3]; self.beads() * self.atoms];
        self.modes.to_beads(&sum, out.as_flattened_mut());
        out
    }

    /// Moves the centroid's row with the system and makes the beads' positions from the modes.
    pub fn place(&mut self, centroid: &[[f64; 3]]) {
        let row = self.row();
        self.amplitudes[..row].copy_from_slice(centroid.as_flattened());
        self.modes
            .to_beads(&self.amplitudes, self.positions.as_flattened_mut());
    }

    /// The energy (eV) that operators of fourth order add to the potential.
    pub(super) fn correction(&self) -> f64 {
        let trace = |c: &[f64; 6]| c[0] + c[1] + c[2];
        self.corrections.iter().map(trace).sum()
    }

    /// Everything that must be remembered between steps, by name.
    pub fn numbers(&self) -> BTreeMap<String, Vec<f64>> {
        let row = self.row();
        let mut all = BTreeMap::from([
            (
                "ring_amplitudes".to_owned(),
                self.amplitudes[row..].to_vec(),
            ),
            (
                "ring_velocities".to_owned(),
                self.velocities[row..].to_vec(),
            ),
            (
                "ring_corrections".to_owned(),
                self.corrections.as_flattened().to_vec(),
            ),
            ("ring_energies".to_owned(), self.energies.clone()),
        ]);
        for (k, level) in self.forces.iter().enumerate() {
            all.insert(format!("ring_forces_{k}"), level.clone());
        }
        all
    }

    /// Takes back what [`numbers`](Self::numbers) gave. Errors with the name that is missing or does not fit.
    pub fn restore(&mut self, numbers: &BTreeMap<String, Vec<f64>>) -> Result<(), String> {
        let row = self.row();
        let of = |name: &str, n: usize| {
            let found = numbers.get(name).filter(|v| v.len() == n);
            found.map(Vec::as_slice).ok_or_else(|| name.to_owned())
        };
        let n = self.amplitudes.len();
        self.amplitudes[row..].copy_from_slice(of("ring_amplitudes", n - row)?);
        self.velocities[row..].copy_from_slice(of("ring_velocities", n - row)?);
        self.corrections
            .as_flattened_mut()
            .copy_from_slice(of("ring_corrections", 6 * self.atoms)?);
        self.energies = of("ring_energies", self.beads())?.to_vec();
        self.forces.clear();
        while let Ok(level) = of(&format!("ring_forces_{}", self.forces.len()), n) {
            self.forces.push(level.to_vec());
        }
        if self.forces.is_empty() {
            return Err("ring_forces_0".to_owned());
        }
        Ok(())
    }
}

/// The reliability of rings is that of their worst bead; energies and the rest are means.
fn add_weighted(sum: &mut Evaluation, bead: &Evaluation, weight: f64) {
    sum.energy += weight * bead.energy;
    sum.external += weight * bead.external;
    sum.closest = sum.closest.min(bead.closest);
    sum.frame_reliability = sum.frame_reliability.max(bead.frame_reliability);
    let virial = sum.virial.as_flattened_mut().iter_mut();
    virial
        .zip(bead.virial.as_flattened())
        .for_each(|(a, b)| *a += weight * b);
    let sites = sum.site_energies.iter_mut().zip(&bead.site_energies);
    sites.for_each(|(a, b)| *a += weight * b);
    let numbers = sum.reliability.iter_mut().zip(&bead.reliability);
    numbers.for_each(|(a, b)| *a = a.max(*b));
}
