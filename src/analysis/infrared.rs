//! Infrared absorption from the motion of the dipole.
//!
//! α(ω) n(ω) = β/(6 ε0 c V) ∫ exp(-iωt) <M'(0)·M'(t)> dt over all times, in SI units (M' is the derivative of the dipole moment of
//! the volume V). This holds for the Kubo function of quantum nuclei, which ring polymers give (centroids of RPMD, TRPMD, CMD), and for
//! the classical one with the harmonic correction of Ramírez, López-Ciudad, Kumar P and Marx (J. Chem. Phys. 121, 3973 (2004)): the
//! factor βħω/(1 - exp(-βħω)) of the line shape cancels 1 - exp(-βħω) and 1/ħ of the golden rule. Other corrections of the classical
//! line shape change the result by their quotient with the harmonic one.

use super::WAVENUMBER_IN_PER_FS;
use crate::units::{AMU_KG, AVOGADRO, ELEMENTARY_CHARGE_C, LIGHT_M_S};

/// The factor that makes the classical line shape obey detailed balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuantumCorrection {
    /// x/(1 - exp(-x)), x = βħω: exact for harmonic motion with a linear dipole, and for Kubo functions.
    #[default]
    Harmonic,
    /// 2/(1 + exp(-x)).
    Standard,
    /// exp(x/2) (Schofield).
    Schofield,
    /// 1: the golden rule with the classical line shape as it is.
    None,
}

/// h c/k in cm K: x = βħω = this times wavenumber over temperature.
const SECOND_RADIATION: f64 =
    crate::units::PLANCK_J_S * LIGHT_M_S * 100.0 / crate::units::BOLTZMANN_J;

impl QuantumCorrection {
    /// The corrections by the names that users write.
    pub const NAMES: [(&'static str, QuantumCorrection); 4] = [
        ("harmonic", QuantumCorrection::Harmonic),
        ("standard", QuantumCorrection::Standard),
        ("schofield", QuantumCorrection::Schofield),
        ("none", QuantumCorrection::None),
    ];

    /// The name that users write.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|n| n.1 == self).map_or("", |n| n.0)
    }

    /// The formula.
    pub fn formula(self) -> &'static str {
        match self {
            QuantumCorrection::Harmonic => "βħω/(1 - exp(-βħω))",
            QuantumCorrection::Standard => "2/(1 + exp(-βħω))",
            QuantumCorrection::Schofield => "exp(βħω/2)",
            QuantumCorrection::None => "1",
        }
    }

    /// The correction divided by the harmonic one, at a wavenumber (cm⁻¹) and a temperature (K).
    pub fn beside_harmonic(self, wavenumber: f64, temperature: f64) -> f64 {
        let x = SECOND_RADIATION * wavenumber / temperature;
        if self == QuantumCorrection::Harmonic || x == 0.0 {
            return 1.0;
        }
        let one = -(-x).exp_m1() / x;
        match self {
            QuantumCorrection::Harmonic => 1.0,
            QuantumCorrection::Standard => 2.0 / (1.0 + (-x).exp()) * one,
            QuantumCorrection::Schofield => 2.0 * (0.5 * x).sinh() / x,
            QuantumCorrection::None => one,
        }
    }
}

/// β/(6 ε0 c) ∫ C(t) dt of a correlation function of dM/dt in e²·eV/u (internal units), times Avogadro's number, with the integral
/// over all times in units of 1/cm⁻¹: what a [`Spectrum`](super::Spectrum) of that function is to be multiplied with to be in
/// km/mol per cm⁻¹.
pub fn molar_factor(temperature: f64) -> f64 {
    // ∫ over all t is a density in ω; the density in wavenumbers that `Spectrum` gives has 2 ∫ C cos dt c, so that the area of the
    // spectrum is C(0)/2 and that of the absorption N_A C(0)/(12 ε0 c² kT).
    const VACUUM: f64 = 8.854_187_818_8e-12;
    let square_speed = ELEMENTARY_CHARGE_C / AMU_KG;
    let kt = crate::units::BOLTZMANN_J * temperature;
    let area = AVOGADRO * ELEMENTARY_CHARGE_C.powi(2) * square_speed
        / (6.0 * VACUUM * LIGHT_M_S.powi(2) * kt);
    1e-3 * area
}

/// What a molar absorption in km/mol per cm⁻¹ is to be multiplied with to be the absorption coefficient α n in cm⁻¹ of a volume
/// (Å³).
pub fn per_volume(volume: f64) -> f64 {
    // 1 km/mol is 1e5 cm/mol; divided by N_A and by the volume in cm³ it is an absorption in cm⁻¹ per cm⁻¹.
    1e5 / AVOGADRO / (volume * 1e-24)
}

/// What the square of a difference quotient over `interval` (fs) lacks of the square of the derivative at a wavenumber (cm⁻¹).
pub fn difference_gain(wavenumber: f64, interval: f64) -> f64 {
    let x = std::f64::consts::PI * wavenumber * WAVENUMBER_IN_PER_FS * interval;
    match x < 1e-6 {
        true => 1.0,
        false => (x / x.sin()).powi(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_obey_their_limits() {
        for (name, c) in QuantumCorrection::NAMES {
            assert_eq!(c.name(), name);
            assert!(
                (c.beside_harmonic(1e-3, 300.0) - 1.0).abs() < 1e-5,
                "classical limit"
            );
            // Detailed balance of the corrected line shape: f(x)/f(-x) = exp(x).
            let f = |x: f64| match c {
                QuantumCorrection::Harmonic => x / (1.0 - (-x).exp()),
                QuantumCorrection::Standard => 2.0 / (1.0 + (-x).exp()),
                QuantumCorrection::Schofield => (0.5 * x).exp(),
                QuantumCorrection::None => 1.0,
            };
            let x = 1.438_776_877 * 2000.0 / 300.0;
            let beside = f(x) / (x / (1.0 - (-x).exp()));
            assert!(
                (c.beside_harmonic(2000.0, 300.0) / beside - 1.0).abs() < 1e-8,
                "{name}"
            );
            if c != QuantumCorrection::None {
                assert!((f(x) / f(-x) / x.exp() - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_strength_of_a_harmonic_vibration() {
        // 974.88 km/mol for (dμ/dQ)² of 1 e²/u: <M'²> = (dμ/dQ)² kT, and the area of a spectrum is C(0)/2.
        let t = 321.0;
        let area = molar_factor(t) * 0.5 * crate::units::BOLTZMANN * t;
        assert!((area - 974.88).abs() < 0.02, "{area}");
    }

    #[test]
    fn differences() {
        // sin(ωt) sampled every 4 fs: (Δx/Δt)² is smaller than ω² by the gain.
        let (place, dt) = (1500.0, 4.0);
        let omega = 2.0 * std::f64::consts::PI * place * WAVENUMBER_IN_PER_FS;
        let quotient: f64 = 2.0 * (0.5 * omega * dt).sin() / dt;
        assert!((difference_gain(place, dt) * (quotient / omega).powi(2) - 1.0).abs() < 1e-12);
        assert_eq!(difference_gain(0.0, dt), 1.0);
    }
}
