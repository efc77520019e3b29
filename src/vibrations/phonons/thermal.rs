//! Thermal properties of harmonic phonons: sums over oscillators.

use super::dynamical::THZ;
use super::mesh::Mesh;
use crate::units::{BOLTZMANN, HBAR};
use crate::vibrations::oscillator;

/// Frequencies (THz) below this count as zero: the crystal moved as a whole.
const ZERO: f64 = 1e-3;

/// What a crystal of harmonic oscillators has at a temperature, for one primitive cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thermal {
    /// Temperature (K).
    pub temperature: f64,
    /// Free energy (eV), with the zero-point energy.
    pub free_energy: f64,
    /// Energy (eV), with the zero-point energy.
    pub energy: f64,
    /// Entropy (eV/K).
    pub entropy: f64,
    /// Heat capacity at constant volume (eV/K).
    pub heat_capacity: f64,
}

/// What the nuclei are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nuclei {
    /// As they are: with zero-point energy.
    #[default]
    Quantum,
    /// As in dynamics without beads, to be compared with it.
    Classical,
}

/// Sums over the modes of a mesh. Imaginary modes, and those of zero frequency, are left out. Classical entropies make sense above
/// absolute zero only.
pub fn thermal(mesh: &Mesh, rows: &[Vec<f64>], temperature: f64, nuclei: Nuclei) -> Thermal {
    let mut sum = Thermal {
        temperature,
        ..Thermal::default()
    };
    for (row, &weight) in rows.iter().zip(&mesh.weights) {
        let share = weight as f64 / mesh.total() as f64;
        for f in row.iter().filter(|f| **f > ZERO) {
            let quantum = HBAR * THZ * f;
            let [energy, entropy, heat] = match nuclei {
                Nuclei::Quantum => oscillator(quantum, temperature),
                Nuclei::Classical => {
                    let kt = BOLTZMANN * temperature;
                    [kt, BOLTZMANN * (1.0 - (quantum / kt).ln()), BOLTZMANN]
                }
            };
            sum.free_energy += share * (energy - temperature * entropy);
            sum.energy += share * energy;
            sum.entropy += share * entropy;
            sum.heat_capacity += share * heat;
        }
    }
    sum
}

/// The modes of a mesh that make a crystal unstable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Imaginary {
    /// Their share of all modes of the mesh.
    pub share: f64,
    /// The lowest frequency (THz, negative).
    pub lowest: f64,
    /// Where it is, in reduced coordinates.
    pub at: [f64; 3],
}

/// Imaginary modes on a mesh; none in a stable crystal. Acoustic modes near the origin may be slightly negative by rounding.
pub fn imaginary(mesh: &Mesh, rows: &[Vec<f64>]) -> Option<Imaginary> {
    const NOISE: f64 = -0.02;
    let branches = rows.first()?.len();
    let mut found = Imaginary {
        share: 0.0,
        lowest: 0.0,
        at: [0.0; 3],
    };
    for ((row, &weight), point) in rows.iter().zip(&mesh.weights).zip(&mesh.points) {
        for &f in row.iter().filter(|f| **f < NOISE) {
            found.share += weight as f64 / (mesh.total() * branches) as f64;
            if f < found.lowest {
                (found.lowest, found.at) = (f, *point);
            }
        }
    }
    (found.share > 0.0).then_some(found)
}
