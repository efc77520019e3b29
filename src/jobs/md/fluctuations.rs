//! Response functions from fluctuations: heat capacities, compressibility, thermal expansion.
//!
//! The formulas are those of the classical ensembles (Allen, Tildesley, Computer Simulation of Liquids, 2nd ed., section 2.5).
//! Kinetic energies are taken as they are in theory, N_f kT/2 with variance N_f (kT)^2/2 and independent of the positions,
//! since those at the end of a step are slightly cold.

use super::ledger::{Ledger, Moments};
use crate::analysis::{Average, jackknife};
use crate::deck::{
    BarostatMethod, Coupling, MdDeck, ModeThermostatDeck, StageDeck, ThermostatDeck,
};
use crate::units::{AVOGADRO, BOLTZMANN, BOLTZMANN_J, EV_PER_A3_IN_GPA};

/// The gas constant (J/mol/K).
const GAS: f64 = BOLTZMANN_J * AVOGADRO;

/// What a stage samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ensemble {
    /// Constant energy and volume.
    Nve,
    /// The canonical ensemble at a temperature (K).
    Nvt(f64),
    /// The isothermal-isobaric ensemble at a temperature (K) and a pressure (eV/Å^3), with a volume that may take any value.
    Npt(f64, f64),
}

/// A property of the ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    HeatCapacityVolume,
    HeatCapacityPressure,
    Compressibility,
    BulkModulus,
    Expansion,
}

impl Property {
    /// Name and unit.
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Property::HeatCapacityVolume => ("heat_capacity_cv", "J mol-1 K-1"),
            Property::HeatCapacityPressure => ("heat_capacity_cp", "J mol-1 K-1"),
            Property::Compressibility => ("compressibility", "GPa-1"),
            Property::BulkModulus => ("bulk_modulus", "GPa"),
            Property::Expansion => ("thermal_expansion", "K-1"),
        }
    }
}

impl Ensemble {
    /// The ensemble of a stage; none when it samples none of these: a ramp, weak coupling, a quantum thermostat, groups with a
    /// temperature of their own, atoms or strains that are held, a pressure that is not hydrostatic.
    pub fn of(md: &MdDeck, stage: &StageDeck) -> Option<Ensemble> {
        let disturbed =
            |g: &crate::deck::GroupDeck| g.thermostat.is_some() || g.held.contains(&true);
        if stage.has_ramp() || md.groups.iter().any(disturbed) {
            return None;
        }
        let quantum = md.ring_beads() > 1;
        let coloured = matches!(stage.mode_thermostat, Some(ModeThermostatDeck::Gle { .. }));
        if quantum && (coloured || stage.mode_thermostat.is_none() || md.rings.frequency.is_some())
        {
            return None;
        }
        let Some(thermostat) = &stage.thermostat else {
            return (stage.barostat.is_none() && !quantum).then_some(Ensemble::Nve);
        };
        let temperature = stage.temperature.filter(|t| *t > 0.0)?;
        match thermostat {
            ThermostatDeck::Berendsen { .. } => return None,
            ThermostatDeck::Gle { covariance, .. } if covariance.is_some() => return None,
            _ => {}
        }
        let Some(b) = &stage.barostat else {
            return Some(Ensemble::Nvt(temperature));
        };
        let hydrostatic =
            b.stress[..3].iter().all(|p| *p == b.stress[0]) && b.stress[3..] == [0.0; 3];
        let samples = !matches!(b.method, BarostatMethod::Berendsen { .. });
        let free = b.coupling == Coupling::Isotropic || b.fixed[..3] == [false; 3];
        (hydrostatic && samples && free).then_some(Ensemble::Npt(temperature, b.stress[0]))
    }

    /// What can be had from it.
    pub fn properties(self) -> &'static [Property] {
        match self {
            Ensemble::Nve | Ensemble::Nvt(_) => &[Property::HeatCapacityVolume],
            Ensemble::Npt(..) => &[
                Property::HeatCapacityPressure,
                Property::Compressibility,
                Property::BulkModulus,
                Property::Expansion,
            ],
        }
    }
}

/// The properties of an ensemble from the rows of a stage after its equilibration, for `freedom` degrees of freedom of `atoms`
/// atoms. A property without an error is left out.
pub(super) fn properties(
    ledger: &Ledger,
    first: usize,
    ensemble: Ensemble,
    freedom: usize,
    atoms: usize,
) -> Vec<(Property, Average)> {
    let (blocks, shift) = ledger.moments(first);
    let nuclei = match ledger.places().quantum {
        false => Nuclei::Classical,
        true if ledger.places().slope => Nuclei::Quantum,
        true => Nuclei::Unknown,
    };
    of_moments(
        &blocks,
        shift,
        ensemble,
        freedom as f64,
        atoms as f64,
        nuclei,
    )
}

/// What the heat capacity has beside the fluctuations of the energy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Nuclei {
    /// k/2 from the velocity of each degree of freedom.
    Classical,
    /// The same from the centroid, and the mean slope of the energy estimator, which stands in the place of the kinetic energy: the
    /// double virial (Yamamoto, J. Chem. Phys. 123, 104101 (2005)).
    Quantum,
    /// Something that was not estimated.
    Unknown,
}

fn of_moments(
    blocks: &[Moments],
    [_, v0, k0]: [f64; 3],
    ensemble: Ensemble,
    freedom: f64,
    atoms: f64,
    nuclei: Nuclei,
) -> Vec<(Property, Average)> {
    let one = |property: Property, f: &dyn Fn(&Moments) -> f64| {
        let e = jackknife(blocks, f)?;
        let average = Average {
            mean: e.value,
            error: Some(e.error),
            certain: blocks.len() >= 10 && 3.0 * e.error < e.value.abs(),
            deviation: f64::NAN,
            independent: blocks.len() as f64,
        };
        Some((property, average))
    };
    let slope = move |m: &Moments| match nuclei {
        Nuclei::Quantum => k0 + m[5],
        _ => 0.0,
    };
    let variance = |m: &Moments, k: usize| m[k + 1] - m[k] * m[k];
    let covariance = |m: &Moments| m[4] - m[0] * m[2];
    let found = match ensemble {
        Ensemble::Nve => {
            // Lebowitz, Percus, Verlet, Phys. Rev. 153, 250 (1967): the part of the kinetic fluctuation that is missing.
            let half = 0.5 * freedom;
            let missing = |m: &Moments| 1.0 - half * variance(m, 5) / (k0 + m[5]).powi(2);
            let d = jackknife(blocks, missing);
            // The inverse of a number that could be zero says nothing.
            vec![d.filter(|d| d.value > 3.0 * d.error).map(|d| {
                let c = GAS * half / d.value / atoms;
                let average = Average {
                    mean: c,
                    error: Some(c * d.error / d.value),
                    certain: blocks.len() >= 10,
                    deviation: f64::NAN,
                    independent: blocks.len() as f64,
                };
                (Property::HeatCapacityVolume, average)
            })]
        }
        Ensemble::Nvt(t) => {
            let kt = BOLTZMANN * t;
            vec![one(Property::HeatCapacityVolume, &|m| {
                GAS * (variance(m, 0) / (kt * kt) + 0.5 * freedom + slope(m)) / atoms
            })]
        }
        Ensemble::Npt(t, p) => {
            let kt = BOLTZMANN * t;
            let enthalpy =
                |m: &Moments| variance(m, 0) + 2.0 * p * covariance(m) + p * p * variance(m, 2);
            // 1/(eV/Å^3) to 1/GPa.
            let kappa = move |m: &Moments| variance(m, 2) / ((v0 + m[2]) * kt) / EV_PER_A3_IN_GPA;
            vec![
                one(Property::HeatCapacityPressure, &|m| {
                    GAS * (enthalpy(m) / (kt * kt) + 0.5 * freedom + slope(m)) / atoms
                }),
                one(Property::Compressibility, &kappa),
                one(Property::BulkModulus, &|m| 1.0 / kappa(m)),
                one(Property::Expansion, &|m| {
                    (covariance(m) + p * variance(m, 2)) / ((v0 + m[2]) * kt * t)
                }),
            ]
        }
    };
    let known = |p: &Property| match p {
        Property::HeatCapacityVolume | Property::HeatCapacityPressure => nuclei != Nuclei::Unknown,
        _ => true,
    };
    found
        .into_iter()
        .flatten()
        .filter(|f| known(&f.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// Blocks of 500 draws of (U, V, K), each a sum of unit exponentials: Gamma variables of whole shape.
    fn blocks(
        n: u64,
        [u0, v0, k0]: [f64; 3],
        draw: impl Fn(&mut dyn FnMut(usize) -> f64, &mut dyn FnMut() -> f64) -> [f64; 3],
    ) -> Vec<Moments> {
        (0..n)
            .map(|b| {
                let mut sum = [0.0; 7];
                for k in 0..500 {
                    let s = std::cell::RefCell::new(Stream::new(5, Purpose::Displacement, b, k, 0));
                    let mut normal = || s.borrow_mut().normal();
                    // A pair of squared normals is twice an exponential.
                    let mut gamma = |shape: usize| {
                        (0..2 * shape)
                            .map(|_| 0.5 * s.borrow_mut().normal().powi(2))
                            .sum()
                    };
                    let [u, v, q] = draw(&mut gamma, &mut normal);
                    let (u, v, q) = (u - u0, v - v0, q - k0);
                    let row = [u, u * u, v, v * v, u * v, q, q * q];
                    sum.iter_mut().zip(row).for_each(|(s, x)| *s += x / 500.0);
                }
                sum
            })
            .collect()
    }

    fn check(found: &[(Property, Average)], property: Property, exact: f64) {
        let a = found.iter().find(|f| f.0 == property).unwrap().1;
        let e = a.error.unwrap();
        eprintln!("{property:?}: {} exact {exact:.6}", a.display());
        assert!(a.certain && e < 0.05 * exact, "{property:?}: {a:?}");
        // Four standard errors: a false alarm in 16 000.
        assert!(
            (a.mean - exact).abs() < 4.0 * e,
            "{property:?}: {a:?} {exact}"
        );
    }

    #[test]
    fn harmonic_wells() {
        // 12 atoms in wells: U is Gamma with shape 18 in kT, so that Cv is 3 k per atom (with all 36 degrees of freedom).
        let kt = BOLTZMANN * 300.0;
        let shift = [0.4, 0.0, 0.5];
        let b = blocks(40, shift, |gamma, _| [kt * gamma(18), 0.0, kt * gamma(18)]);
        let found = of_moments(
            &b,
            shift,
            Ensemble::Nvt(300.0),
            36.0,
            12.0,
            Nuclei::Classical,
        );
        check(&found, Property::HeatCapacityVolume, 3.0 * GAS);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn ideal_gas_at_constant_pressure() {
        // 8 atoms: P V/kT is Gamma with shape 9. κ = 1/P, α = 1/T, and Cp = (9 + 12) k.
        let (t, kt) = (300.0, BOLTZMANN * 300.0);
        let p = kt / 200.0;
        let shift = [0.0, 1500.0, 0.0];
        let b = blocks(60, shift, |gamma, _| {
            [0.0, gamma(9) * kt / p, kt * gamma(12)]
        });
        let found = of_moments(&b, shift, Ensemble::Npt(t, p), 24.0, 8.0, Nuclei::Classical);
        check(&found, Property::HeatCapacityPressure, GAS * 21.0 / 8.0);
        check(
            &found,
            Property::Compressibility,
            1.0 / (p * EV_PER_A3_IN_GPA),
        );
        check(&found, Property::BulkModulus, p * EV_PER_A3_IN_GPA);
        check(&found, Property::Expansion, 1.0 / t);
    }

    #[test]
    fn wells_of_constant_energy() {
        // 30 harmonic degrees of freedom with a fixed energy: K/E is Beta(15, 15), and C = 30 k, whatever the energy.
        let e = 1.7;
        let shift = [0.0, 0.0, 0.8];
        let b = blocks(60, shift, |gamma, _| {
            let (k, u) = (gamma(15), gamma(15));
            [e * u / (k + u), 0.0, e * k / (k + u)]
        });
        let found = of_moments(&b, shift, Ensemble::Nve, 30.0, 10.0, Nuclei::Classical);
        // Of order 1/N: the exact variance of Beta(15, 15) is 1/(4·31), where the formula has 1/(4·30).
        let a = found[0].1;
        let exact = 3.0 * GAS;
        eprintln!("NVE: {} exact {exact:.3}", a.display());
        assert!((a.mean / exact - 1.0).abs() < 4.0 * a.error.unwrap() / exact + 1.0 / 30.0);
    }
}
