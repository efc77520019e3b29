//! What the positions of the beads say of quantum nuclei.

use super::{Order, RingDynamics, Rings, kernels};
use crate::dynamics::barostat::VOIGT;
use crate::parallel;
use crate::units::BOLTZMANN;

/// Estimates from the rings at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RingEstimates {
    /// Potential energy (eV).
    pub potential: f64,
    /// Kinetic energy of the nuclei (eV) by the centroid virial (Herman, Bruskin, Berne, J. Chem. Phys. 76, 5150 (1982)). Every
    /// component that moves has kT/2 from its centroid, also when the centre of mass is held, of which the positions do not know.
    pub kinetic: f64,
    /// The same by the primitive estimator (Barker, J. Chem. Phys. 70, 2914 (1979)), whose noise grows with the number of beads.
    pub primitive: f64,
    /// Its tensor (eV) by the centroid virial, in the order xx, yy, zz, yz, xz, xy.
    pub tensor: [f64; 6],
    /// Kinetic energy of each atom (eV) by the centroid virial.
    pub kinetic_of: Vec<f64>,
    /// Squared radius of gyration of each atom (Å^2): the mean squared distance of its beads from the centroid; with Suzuki and
    /// Chin's splitting of the even ones.
    pub gyration2_of: Vec<f64>,
}

impl Rings {
    /// Kinetic and spring energy (eV) of the internal modes: a part of the conserved energy. No operation may be waiting.
    pub fn internal_energy(&self, dynamics: &RingDynamics) -> f64 {
        let mut parts = vec![0.0; self.beads()];
        let row = self.row();
        parallel::for_each_mut(&mut parts, |k, part| {
            if k == 0 {
                return;
            }
            let own = k * row..(k + 1) * row;
            let (u, v) = (&self.amplitudes[own.clone()], &self.velocities[own]);
            let m = dynamics.masses();
            let w2 = dynamics.frequency(k).powi(2);
            *part = 0.5
                * (dynamics.mass_factor(k) * kernels::weighted_dot(m, v, v)
                    + w2 * kernels::weighted_dot(m, u, u));
        });
        parts.iter().sum()
    }

    /// Energy of the springs (eV): (1/P) Σ_j ½ m ω_P² |x_j - x_{j+1}|².
    pub fn spring_energy(&self, dynamics: &RingDynamics) -> f64 {
        self.spring_energy_of(dynamics, |_| true)
    }

    /// Energy (eV) of the springs of some of the atoms.
    pub fn spring_energy_of(&self, dynamics: &RingDynamics, chosen: impl Fn(usize) -> bool) -> f64 {
        let row = self.row();
        let m = dynamics.masses();
        let mut sum = 0.0;
        for k in 1..self.beads() {
            let u = &self.amplitudes[k * row..(k + 1) * row];
            let mut own = 0.0;
            for (i, (u, m)) in u.chunks_exact(3).zip(m.chunks_exact(3)).enumerate() {
                if chosen(i) {
                    own += m[0] * u[0] * u[0] + m[1] * u[1] * u[1] + m[2] * u[2] * u[2];
                }
            }
            sum += 0.5 * dynamics.frequency(k).powi(2) * own;
        }
        sum
    }

    /// Estimates from the positions and forces of the latest evaluation, of which `energy` is the potential energy (eV) that the
    /// dynamics has.
    pub fn estimate(&self, dynamics: &RingDynamics, energy: f64, out: &mut RingEstimates) {
        let (row, beads) = (self.row(), self.beads());
        let half = 0.5 * dynamics.kt();
        let masses = dynamics.masses();
        let moves = |i: usize| masses[i] > 0.0;
        out.kinetic_of.clear();
        out.gyration2_of.clear();
        out.kinetic_of.resize(self.atoms, 0.0);
        out.gyration2_of.resize(self.atoms, 0.0);
        let mut outer = [[0.0; 3]; 3];
        for k in 1..beads {
            let (u, _) = self.amplitudes[k * row..(k + 1) * row].as_chunks::<3>();
            for (level, forces) in self.forces.iter().enumerate() {
                let (f, _) = forces[k * row..(k + 1) * row].as_chunks::<3>();
                for i in 0..self.atoms {
                    let (u, f) = (u[i], f[i]);
                    out.kinetic_of[i] -= 0.5 * (u[0] * f[0] + u[1] * f[1] + u[2] * f[2]);
                    if level == 0 {
                        out.gyration2_of[i] += u[0] * u[0] + u[1] * u[1] + u[2] * u[2];
                    }
                    for a in 0..3 {
                        for b in 0..3 {
                            outer[a][b] += u[a] * f[b];
                        }
                    }
                }
            }
        }
        if let Order::SuzukiChin { .. } = dynamics.order {
            self.gyration_of_even_beads(&mut out.gyration2_of);
        }
        let mut corrections = [0.0; 6];
        for (i, c) in self.corrections.iter().enumerate() {
            out.kinetic_of[i] += c[0] + c[1] + c[2];
            corrections.iter_mut().zip(c).for_each(|(s, c)| *s += c);
        }
        let correction = corrections[0] + corrections[1] + corrections[2];
        let mut moving = [0.0; 3];
        for (i, kinetic) in out.kinetic_of.iter_mut().enumerate() {
            for a in 0..3 {
                if moves(3 * i + a) {
                    *kinetic += half;
                    moving[a] += 1.0;
                }
            }
        }
        out.kinetic = out.kinetic_of.iter().sum();
        for (n, (a, b)) in VOIGT.into_iter().enumerate() {
            let free = if a == b { half * moving[a] } else { 0.0 };
            out.tensor[n] = free - 0.25 * (outer[a][b] + outer[b][a]) + corrections[n];
        }
        let total: f64 = moving.iter().sum();
        out.primitive = half * total * beads as f64 - self.spring_energy(dynamics) + correction;
        out.potential = energy + correction;
    }

    /// The squared radius of gyration (Å^2) from the even beads only: those that have the distribution of fourth order in Suzuki and
    /// Chin's splitting (Jang, Jang, Voth, J. Chem. Phys. 115, 7832 (2001)).
    fn gyration_of_even_beads(&self, radii: &mut [f64]) {
        let (centre, _) = self.amplitudes[..self.row()].as_chunks::<3>();
        let even = (0..self.beads()).step_by(2);
        let weight = 1.0 / even.len() as f64;
        radii.fill(0.0);
        for bead in even {
            let places = self.positions(bead).iter().zip(centre);
            for (radius, (x, c)) in radii.iter_mut().zip(places) {
                *radius += weight * (0..3).map(|k| (x[k] - c[k]).powi(2)).sum::<f64>();
            }
        }
    }

    /// How much of a ring's extent the springs alone would allow at a temperature (K): β ħ²(1 - 1/P²)/(4m) for a mass (amu), in
    /// Å^2.
    pub fn free_gyration2(beads: usize, mass: f64, temperature: f64) -> f64 {
        let p = beads as f64;
        let hbar = crate::units::HBAR;
        hbar * hbar * (1.0 - 1.0 / (p * p)) / (4.0 * mass * BOLTZMANN * temperature)
    }
}
