//! Harmonic thermochemistry: energies and entropies of oscillators, and of a rigid molecule that moves and turns in an ideal gas.
//!
//! McQuarrie, Statistical Mechanics (1976), chapters 5, 6 and 8. All numbers are for one system (a molecule, a cell), in eV and
//! eV/K.

use crate::units::{BOLTZMANN, HBAR};
use std::f64::consts::PI;

/// A molecule in an ideal gas, turning as a rigid body.
#[derive(Clone, Debug, PartialEq)]
pub struct IdealGas {
    /// Mass (amu).
    pub mass: f64,
    /// Moments of inertia (amu Å²) of the axes about which it turns: three, two equal ones for a linear molecule, none for an
    /// atom.
    pub moments: Vec<f64>,
    /// Number of ways in which rotations bring it onto itself.
    pub symmetry_number: f64,
    /// 2S + 1.
    pub multiplicity: f64,
}

/// What moves beside the oscillators.
#[derive(Clone, Debug, PartialEq)]
pub enum Ensemble {
    /// Nothing: a crystal, or a cluster that is held. The volume (Å³) adds p V, when there is one.
    Harmonic {
        /// Volume of the cell (Å³); 0 when it has none.
        volume: f64,
    },
    /// The whole molecule.
    IdealGas(IdealGas),
}

/// A system whose thermochemistry is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Thermochemistry {
    /// Potential energy at rest (eV).
    pub energy: f64,
    /// ħω (eV) of the modes; what is not positive is left out.
    pub quanta: Vec<f64>,
    /// What moves beside them.
    pub ensemble: Ensemble,
    /// Pressure (eV/Å³).
    pub pressure: f64,
}

/// Thermochemistry at one temperature, the potential energy at rest included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ThermoRow {
    /// Temperature (K).
    pub temperature: f64,
    /// Internal energy (eV).
    pub internal: f64,
    /// Enthalpy (eV).
    pub enthalpy: f64,
    /// Entropy (eV/K).
    pub entropy: f64,
    /// Heat capacity at constant volume (eV/K).
    pub cv: f64,
    /// Heat capacity at constant pressure (eV/K): of an ideal gas Cv + k; without thermal expansion Cv.
    pub cp: f64,
    /// Helmholtz energy (eV).
    pub helmholtz: f64,
    /// Gibbs energy (eV).
    pub gibbs: f64,
}

/// Energy (eV, zero point included), entropy and heat capacity (eV/K) of an oscillator with quantum `quantum` (eV).
pub fn oscillator(quantum: f64, temperature: f64) -> [f64; 3] {
    if temperature <= 0.0 {
        return [0.5 * quantum, 0.0, 0.0];
    }
    let x = quantum / (BOLTZMANN * temperature);
    // 1/(eˣ - 1) and eˣ/(eˣ - 1)² without cancellation or overflow.
    let decay = (-x).exp();
    let less = -(-x).exp_m1();
    let number = decay / less;
    let entropy = BOLTZMANN * (x * number - less.ln());
    let heat = BOLTZMANN * x * x * number / less;
    [quantum * (0.5 + number), entropy, heat]
}

impl Thermochemistry {
    /// Zero-point energy (eV).
    pub fn zero_point_energy(&self) -> f64 {
        0.5 * self.real().sum::<f64>()
    }

    fn real(&self) -> impl Iterator<Item = f64> {
        self.quanta.iter().copied().filter(|q| *q > 0.0)
    }

    /// At a temperature (K) from 0 on. At 0 K a gas has the entropy of its ground state, 0, though classical motion has none.
    pub fn at(&self, temperature: f64) -> ThermoRow {
        let t = temperature.max(0.0);
        let thermal = BOLTZMANN * t;
        let (mut u, mut s, mut c) = (self.energy, 0.0, 0.0);
        for quantum in self.real() {
            let [energy, entropy, heat] = oscillator(quantum, t);
            (u, s, c) = (u + energy, s + entropy, c + heat);
        }
        let (work, cp) = match &self.ensemble {
            Ensemble::Harmonic { volume } => (self.pressure * volume, 0.0),
            Ensemble::IdealGas(gas) => {
                let freedom = 0.5 * (3 + gas.moments.len()) as f64;
                u += freedom * thermal;
                c += freedom * BOLTZMANN;
                if t > 0.0 {
                    s += gas.entropy(t, self.pressure);
                }
                (thermal, BOLTZMANN)
            }
        };
        let (h, ts) = (u + work, t * s);
        ThermoRow {
            temperature: t,
            internal: u,
            enthalpy: h,
            entropy: s,
            cv: c,
            cp: c + cp,
            helmholtz: u - ts,
            gibbs: h - ts,
        }
    }
}

impl IdealGas {
    /// Entropy (eV/K) of moving, turning and spin at a temperature (K) and pressure (eV/Å³), both positive.
    pub fn entropy(&self, temperature: f64, pressure: f64) -> f64 {
        let thermal = BOLTZMANN * temperature;
        // (2π m k T/h²)^(3/2) k T/p
        let wave = (self.mass * thermal / (2.0 * PI * HBAR * HBAR)).powf(1.5);
        let moving = (wave * thermal / pressure).ln() + 2.5;
        let turns = self
            .moments
            .iter()
            .map(|i| 2.0 * i * thermal / (HBAR * HBAR));
        let turning = match self.moments.len() {
            0 => 0.0,
            // T/(σΘ), with Θ = ħ²/(2 I k).
            2 => (turns.product::<f64>().sqrt() / self.symmetry_number).ln() + 1.0,
            _ => ((PI * turns.product::<f64>()).sqrt() / self.symmetry_number).ln() + 1.5,
        };
        BOLTZMANN * (moving + turning + self.multiplicity.ln())
    }
}
