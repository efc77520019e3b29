//! How the internal modes move: free rings solved exactly, kicks, and friction with noise.

use super::{NormalModes, Order, Rings, kernels};
use crate::dynamics::Ramp;
use crate::dynamics::kernels::kick;
use crate::dynamics::thermostat::{GleMatrices, GleRows};
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
    /// Generalised Langevin, with matrices for each mode, in order from the centroid's (which is not used here), or one for all:
    /// PI+GLE (Ceriotti, Manolopoulos, Parrinello, J. Chem. Phys. 134, 084104 (2011)) and PIGLET (Ceriotti, Manolopoulos,
    /// Phys. Rev. Lett. 109, 100604 (2012)).
    Gle(Vec<GleMatrices>),
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
    /// What each mode has of its own.
    own: Vec<Own>,
    noise: Threads,
}

/// What a mode has of its own.
#[derive(Debug, Default)]
struct Own {
    /// Energy (eV) that the bath took from it.
    taken: f64,
    /// Its auxiliary momenta, and the roots of its masses.
    gle: Option<(GleRows, Vec<f64>)>,
}

/// Scratch for noise.
#[derive(Default)]
struct Threads(PerThread<Vec<f64>>);

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("scratch")
    }
}

/// Fewer components of all modes are not worth several threads.
const WORTH: usize = 8192;
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
            own: Vec::new(),
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
    pub(in crate::dynamics) fn prepare(&mut self, beads: usize, inverse_masses: &[f64]) {
        if self.masses.len() != inverse_masses.len() {
            let mass = |w: &f64| if *w > 0.0 { 1.0 / w } else { 0.0 };
            self.masses = inverse_masses.iter().map(mass).collect();
            self.inverse_roots = inverse_masses.iter().map(|w| w.sqrt()).collect();
        }
        if self.own.len() != beads {
            self.own.resize_with(beads, Own::default);
        }
        if self.frequencies.len() != beads {
            let start = self.temperature.start();
            let now = if self.now.is_nan() { start } else { self.now };
            self.heat(beads, now);
        }
    }

    /// What must be remembered between steps.
    pub(in crate::dynamics) fn numbers(&self) -> Vec<f64> {
        let mut numbers = vec![self.now];
        for (rows, _) in self.own.iter().filter_map(|o| o.gle.as_ref()) {
            numbers.push(rows.auxiliary().len() as f64);
            numbers.extend(rows.auxiliary());
        }
        numbers
    }

    /// Takes back what [`numbers`](Self::numbers) gave; false when they are not such numbers.
    pub(in crate::dynamics) fn restore(
        &mut self,
        numbers: &[f64],
        beads: usize,
        inverse_masses: &[f64],
    ) -> bool {
        let Some((now, mut rest)) = numbers.split_first() else {
            return false;
        };
        self.now = *now;
        self.frequencies.clear();
        self.prepare(beads, inverse_masses);
        for (rows, _) in self.own.iter_mut().filter_map(|o| o.gle.as_mut()) {
            let Some((n, more)) = rest.split_first() else {
                return false;
            };
            let Some((auxiliary, more)) = more.split_at_checked(*n as usize) else {
                return false;
            };
            rest = more;
            if !rows.restore(auxiliary) {
                return false;
            }
        }
        rest.is_empty()
    }

    /// Sets the temperature of the springs.
    fn heat(&mut self, beads: usize, temperature: f64) {
        self.now = temperature;
        let spring = self.spring(beads);
        let frequency = |k: usize| spring * NormalModes::frequency(beads, k);
        self.frequencies = (0..beads).map(frequency).collect();
        let factor = |w: &f64| match self.adiabatic {
            Some(all) if *w > 0.0 => (w / all).powi(2),
            _ => 1.0,
        };
        self.factors = self.frequencies.iter().map(factor).collect();
        if let ModeBath::Gle(all) = &self.bath {
            for (k, own) in self.own.iter_mut().enumerate().skip(1) {
                let root = |m: &f64| (m * self.factors[k]).sqrt();
                let roots = self.masses.iter().map(root).collect();
                let rows = own.gle.take().map(|g| g.0);
                let matrices = all.get(k).or(all.last());
                own.gle = rows
                    .or(matrices.map(|m| GleRows::new(m.clone(), self.masses.len())))
                    .map(|rows| (rows, roots));
            }
        }
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
        let mut all = std::mem::take(&mut dynamics.own);
        dynamics.noise.0.prepare();
        let (d, pending, forces) = (&*dynamics, &self.pending, &self.forces);
        let amplitudes = Disjoint::new(&mut self.amplitudes);
        let velocities = Disjoint::new(&mut self.velocities);
        // Coloured noise has pieces of its own.
        let block = match d.bath {
            ModeBath::Gle(_) => row,
            _ => BLOCK,
        };
        let work = |k: usize, own: &mut Own| {
            own.taken = 0.0;
            // The centroid is moved by the integrator.
            if k == 0 {
                return;
            }
            for start in (0..row).step_by(block) {
                let len = block.min(row - start);
                let at = k * row + start;
                // SAFETY: each mode is met by one piece of work, and its blocks do not overlap.
                let u = unsafe { amplitudes.range(at, len) };
                // SAFETY: as above.
                let v = unsafe { velocities.range(at, len) };
                let columns = start..start + len;
                for operation in pending {
                    let columns = columns.clone();
                    d.operate(*operation, k, u, v, columns, forces, inverse_masses, own);
                }
            }
        };
        // Small rings are done before other threads would have begun.
        if beads * row < WORTH {
            all.iter_mut().enumerate().for_each(|(k, own)| work(k, own));
        } else {
            parallel::for_each_mut(&mut all, work);
        }
        let sum = all.iter().map(|own| own.taken).sum();
        dynamics.own = all;
        self.pending.clear();
        sum
    }
}

impl RingDynamics {
    /// One operation on some columns of mode `k`.
    fn operate(
        &self,
        operation: Operation,
        k: usize,
        u: &mut [f64],
        v: &mut [f64],
        columns: std::ops::Range<usize>,
        forces: &[Vec<f64>],
        inverse_masses: &[f64],
        own: &mut Own,
    ) {
        let row = inverse_masses.len();
        match operation {
            Operation::Kick { h, level } => {
                let f = &forces[level][k * row + columns.start..k * row + columns.end];
                kick(v, f, &inverse_masses[columns], h / self.factors[k]);
            }
            Operation::Drift { h, whole } => {
                let [a, b, c] = self.rotation(k, h, whole);
                kernels::rotate(u, v, a, b, c);
            }
            Operation::Stir { h, draw, kt } => {
                let normals = |column: usize, set: u32, out: &mut [f64]| {
                    let first = column as u64 / 3;
                    random::normals(self.seed, Purpose::Rings, draw, k as u32, first, set, out);
                };
                match (&self.bath, &mut own.gle) {
                    (ModeBath::Pile { lambda }, _) => {
                        let mut noise = self.noise.0.get();
                        noise.resize(BLOCK, 0.0);
                        let noise = &mut noise[..columns.len()];
                        normals(columns.start, 0, noise);
                        let friction = 2.0 * lambda * self.motion(k) * h;
                        // 1 - c² without cancellation for weak friction.
                        let width = (-(-2.0 * friction).exp_m1() * kt / self.factors[k]).sqrt();
                        let roots = &self.inverse_roots[columns.clone()];
                        let masses = &self.masses[columns];
                        let c = (-friction).exp();
                        let twice = kernels::stir(v, roots, noise, masses, c, width);
                        own.taken += 0.5 * self.factors[k] * twice;
                    }
                    (ModeBath::Gle(_), Some((rows, roots))) => {
                        own.taken += rows.apply(v, roots, kt, h, normals).taken;
                    }
                    _ => {}
                }
            }
        }
    }
}
