//! How the internal modes move: free rings solved exactly, kicks, and friction with noise.

use super::{Order, Rings, kernels};
use crate::dynamics::Ramp;
use crate::parallel::{self, Disjoint, PerThread};
use crate::random::{self, Purpose};
use crate::units::{BOLTZMANN, HBAR};

/// How free rings move in a time step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagator {
    /// As the springs do.
    Exact,
    /// By Cayley's transform, whose square root stands on each side of a thermostat in the middle of the step ("BCOCB"): no
    /// time step makes it resonate with the forces (Korol, Rosa-Raíces, Bou-Rabee, Miller, J. Chem. Phys. 152, 104102 (2020)).
    Cayley,
}

/// What keeps the internal modes at the temperature.
#[derive(Clone, Debug)]
pub enum ModeBath {
    /// Nothing: ring-polymer molecular dynamics (Craig, Manolopoulos, J. Chem. Phys. 121, 3368 (2004)).
    None,
    /// Friction 2 λ ω_k and noise on mode k; λ = 1 damps a free mode critically (Ceriotti, Parrinello, Markland, Manolopoulos, J.
    /// Chem. Phys. 133, 124104 (2010)), λ = 1/2 is thermostatted RPMD (Rossi, Ceriotti, Manolopoulos, J. Chem. Phys. 140, 234116
    /// (2014)).
    Pile {
        /// λ.
        lambda: f64,
    },
}

/// An operation on all internal modes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    Kick { h: f64, level: usize },
    Drift { h: f64, whole: f64 },
    Stir { h: f64, draw: u64, kt: f64 },
}

/// How an integrator moves the internal modes of rings.
#[derive(Debug)]
pub struct RingDynamics {
    /// Temperature (K), which the springs depend on.
    temperature: Ramp,
    /// How free rings move.
    pub propagator: Propagator,
    /// What keeps the internal modes at the temperature.
    pub bath: ModeBath,
    /// All internal modes have this frequency (inverse internal time), by masses of their own; none: the masses of the atoms.
    /// Partially adiabatic centroid dynamics (Hone, Rossky, Voth, J. Chem. Phys. 124, 154103 (2006)).
    pub adiabatic: Option<f64>,
    /// The splitting of the quantum Boltzmann operator.
    pub order: Order,
    /// The number of beads on which each term of the potential is evaluated, when it is not all (ring-polymer contraction:
    /// Markland, Manolopoulos, J. Chem. Phys. 129, 024105 (2008)).
    pub contraction: Vec<Option<usize>>,
    seed: u64,
    /// The temperature that `frequencies` are for.
    now: f64,
    /// ω_k (inverse internal time).
    frequencies: Vec<f64>,
    /// μ_k/m.
    factors: Vec<f64>,
    /// m and 1/sqrt(m) of each component, zero where it is held.
    masses: Vec<f64>,
    inverse_roots: Vec<f64>,
    /// Energy taken by the bath, by mode and operation.
    taken: Vec<f64>,
    noise: Threads,
}

/// Scratch for noise.
#[derive(Default)]
struct Threads(PerThread<Vec<f64>>);

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("scratch")
    }
}

/// Components on which all waiting operations are done while they are in the cache.
const BLOCK: usize = 768;

impl RingDynamics {
    /// Rings at a temperature (K), with PILE of λ = 1 and the exact propagator.
    pub fn new(temperature: Ramp, seed: u64) -> RingDynamics {
        RingDynamics {
            temperature,
            propagator: Propagator::Exact,
            bath: ModeBath::Pile { lambda: 1.0 },
            adiabatic: None,
            order: Order::Second,
            contraction: Vec::new(),
            seed,
            now: f64::NAN,
            frequencies: Vec::new(),
            factors: Vec::new(),
            masses: Vec::new(),
            inverse_roots: Vec::new(),
            taken: Vec::new(),
            noise: Threads::default(),
        }
    }

    /// Temperature (K) that the springs belong to now.
    pub fn temperature(&self) -> f64 {
        self.now
    }

    /// kT (eV) of now.
    pub(super) fn kt(&self) -> f64 {
        BOLTZMANN * self.now
    }

    /// ω_P = P kT/ħ (inverse internal time).
    pub(super) fn spring(&self, beads: usize) -> f64 {
        beads as f64 * self.kt() / HBAR
    }

    /// The frequency ω_k of the springs in mode `k` (inverse internal time).
    pub fn frequency(&self, k: usize) -> f64 {
        self.frequencies[k]
    }

    /// The frequency with which mode `k` moves when it is free.
    pub fn motion(&self, k: usize) -> f64 {
        self.frequencies[k] / self.factors[k].sqrt()
    }

    /// Mass of mode `k` in units of that of the atom.
    pub(super) fn mass_factor(&self, k: usize) -> f64 {
        self.factors[k]
    }

    /// Masses of the components, zero where they are held.
    pub(super) fn masses(&self) -> &[f64] {
        &self.masses
    }

    /// On how many of `beads` beads a term of the potential is evaluated.
    pub(super) fn beads_of(&self, term: usize, beads: usize) -> usize {
        let given = self.contraction.get(term).copied().flatten();
        given.unwrap_or(beads).min(beads)
    }

    /// Makes tables for rings of `beads` beads whose components have these inverse masses.
    pub(super) fn prepare(&mut self, beads: usize, inverse_masses: &[f64]) {
        if self.masses.len() != inverse_masses.len() {
            let mass = |w: &f64| if *w > 0.0 { 1.0 / w } else { 0.0 };
            self.masses = inverse_masses.iter().map(mass).collect();
            self.inverse_roots = inverse_masses.iter().map(|w| w.sqrt()).collect();
        }
        if self.frequencies.len() != beads {
            let start = self.temperature.start();
            let now = if self.now.is_nan() { start } else { self.now };
            self.heat(beads, now);
        }
    }

    /// What must be remembered between steps.
    pub(in crate::dynamics) fn numbers(&self) -> Vec<f64> {
        vec![self.now]
    }

    /// Takes back what [`numbers`](Self::numbers) gave; false when they are not such numbers.
    pub(in crate::dynamics) fn restore(&mut self, numbers: &[f64]) -> bool {
        let [now] = *numbers else { return false };
        // The tables are made again.
        self.frequencies.clear();
        self.now = now;
        true
    }

    /// Sets the temperature of the springs.
    fn heat(&mut self, beads: usize, temperature: f64) {
        self.now = temperature;
        let spring = self.spring(beads);
        let p = beads as f64;
        let frequency = |k: usize| 2.0 * spring * (std::f64::consts::PI * k as f64 / p).sin();
        self.frequencies = (0..beads).map(frequency).collect();
        let factor = |w: &f64| match self.adiabatic {
            Some(all) if *w > 0.0 => (w / all).powi(2),
            _ => 1.0,
        };
        self.factors = self.frequencies.iter().map(factor).collect();
    }

    /// Follows the temperature to that of a step; the energy (eV) that this took out of the springs.
    pub fn follow(&mut self, rings: &Rings, inverse_masses: &[f64], step: u64) -> f64 {
        let beads = rings.beads();
        self.prepare(beads, inverse_masses);
        let wanted = self.temperature.at(step);
        if wanted == self.now {
            return 0.0;
        }
        let before = rings.internal_energy(self);
        self.heat(beads, wanted);
        before - rings.internal_energy(self)
    }

    /// cos, sin/ω and ω sin of the rotation of mode `k` in a part `h` of a drift of `whole`.
    fn rotation(&self, k: usize, h: f64, whole: f64) -> [f64; 3] {
        let w = self.motion(k);
        let angle = match self.propagator {
            Propagator::Exact => w * h,
            Propagator::Cayley => 2.0 * h / whole * (0.5 * w * whole).atan(),
        };
        let (sin, cos) = angle.sin_cos();
        // A spring without strength, at no temperature, leaves free motion.
        let over = if w > 0.0 { sin / w } else { h };
        [cos, over, w * sin]
    }
}

impl Rings {
    /// The modes are to be kicked for `h` with the forces of a level.
    pub fn kick(&mut self, h: f64, level: usize) {
        self.pending.push(Operation::Kick { h, level });
    }

    /// The modes are to move freely for `h`, a part of a drift of `whole`.
    pub fn drift(&mut self, h: f64, whole: f64) {
        self.pending.push(Operation::Drift { h, whole });
    }

    /// The modes are to meet their bath for `h`; `draw` numbers the random numbers.
    pub fn stir(&mut self, h: f64, draw: u64, dynamics: &RingDynamics) {
        if !matches!(dynamics.bath, ModeBath::None) {
            let kt = dynamics.kt();
            self.pending.push(Operation::Stir { h, draw, kt });
        }
    }

    /// Does the operations that wait, mode by mode; the energy (eV) that the bath took.
    pub fn settle(&mut self, dynamics: &mut RingDynamics, inverse_masses: &[f64]) -> f64 {
        if self.pending.is_empty() {
            return 0.0;
        }
        let (beads, row) = (self.beads(), self.row());
        dynamics.prepare(beads, inverse_masses);
        let mut taken = std::mem::take(&mut dynamics.taken);
        taken.resize(beads, 0.0);
        dynamics.noise.0.prepare();
        let (d, pending, forces) = (&*dynamics, &self.pending, &self.forces);
        let amplitudes = Disjoint::new(&mut self.amplitudes);
        let velocities = Disjoint::new(&mut self.velocities);
        parallel::for_each_mut(&mut taken, |k, taken| {
            *taken = 0.0;
            // The centroid is moved by the integrator.
            if k == 0 {
                return;
            }
            let noise = &mut *d.noise.0.get();
            for start in (0..row).step_by(BLOCK) {
                let len = BLOCK.min(row - start);
                let at = k * row + start;
                // SAFETY: each mode is met by one piece of work, and its blocks do not overlap.
                let u = unsafe { amplitudes.range(at, len) };
                // SAFETY: as above.
                let v = unsafe { velocities.range(at, len) };
                let columns = start..start + len;
                for operation in pending {
                    *taken += d.operate(*operation, k, u, v, columns.clone(), forces, inverse_masses, noise);
                }
            }
        });
        let sum = taken.iter().sum();
        dynamics.taken = taken;
        self.pending.clear();
        sum
    }
}

impl RingDynamics {
    /// One operation on some columns of mode `k`; the energy (eV) that the bath took.
    fn operate(
        &self,
        operation: Operation,
        k: usize,
        u: &mut [f64],
        v: &mut [f64],
        columns: std::ops::Range<usize>,
        forces: &[Vec<f64>],
        inverse_masses: &[f64],
        noise: &mut Vec<f64>,
    ) -> f64 {
        let row = inverse_masses.len();
        match operation {
            Operation::Kick { h, level } => {
                let f = &forces[level][k * row + columns.start..k * row + columns.end];
                kernels::kick(v, f, &inverse_masses[columns], h / self.factors[k]);
                0.0
            }
            Operation::Drift { h, whole } => {
                let [a, b, c] = self.rotation(k, h, whole);
                kernels::rotate(u, v, a, b, c);
                0.0
            }
            Operation::Stir { h, draw, kt } => {
                let ModeBath::Pile { lambda } = self.bath else {
                    return 0.0;
                };
                noise.resize(BLOCK, 0.0);
                let noise = &mut noise[..columns.len()];
                let first = columns.start as u64 / 3;
                random::normals(self.seed, Purpose::Rings, draw, k as u32, first, 0, noise);
                let friction = 2.0 * lambda * self.motion(k) * h;
                // 1 - c² without cancellation for weak friction.
                let width = (-(-2.0 * friction).exp_m1() * kt / self.factors[k]).sqrt();
                let (roots, masses) = (&self.inverse_roots[columns.clone()], &self.masses[columns]);
                let twice = kernels::stir(v, roots, noise, masses, (-friction).exp(), width);
                0.5 * self.factors[k] * twice
            }
        }
    }
}
