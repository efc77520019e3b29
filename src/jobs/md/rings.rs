//! Quantum nuclei: from the deck's words to ring polymers, and the estimates that need evaluations of their own.

use super::ensemble::{Setting, temperature};
use super::momentum::{self, Momentum};
use super::simulation::Simulation;
use crate::deck::{MdDeck, ModeThermostatDeck, StageDeck, ThermostatDeck};
use crate::dynamics::rings::{ModeBath, Order, Propagator};
use crate::dynamics::thermostat::GleMatrices;
use crate::dynamics::{RingColumns, RingDynamics, name};
use crate::error::{Error, Result};
use crate::io::gle;
use crate::jobs::selection::select;
use crate::neighbours::RingReference;
use crate::potential::{EvaluationError, Evaluator, Term};
use crate::system::{Atoms, Cell};
use crate::units::{BOLTZMANN, FS};
use nalgebra::DMatrix;
use std::collections::BTreeMap;
use std::path::Path;

/// How the rings of a stage move; none for classical nuclei.
///
/// Errors when the rest of the deck does not go with rings.
pub(super) fn dynamics(setting: Setting<'_>, stage: &StageDeck) -> Result<Option<RingDynamics>> {
    let md = setting.md;
    let beads = md.ring_beads();
    if beads == 1 {
        return Ok(None);
    }
    if setting.constraints.is_some() {
        return setting.refuse(
            "bonds of fixed length do not go with quantum nuclei: a bead has no room to move in them",
            "remove [md.constraints], or `beads`",
        );
    }
    if stage.temperature.is_none_or(|t| t <= 0.0) {
        return setting.refuse(
            "quantum nuclei need a temperature above zero in every stage",
            "add `temperature = \"300 K\"`",
        );
    }
    let order = md.rings.order;
    if order != Order::Second && !md.substeps.is_empty() {
        return setting.refuse(
            "operators of fourth order do not go with [md.substeps]: they need all forces at once",
            "remove one of the two",
        );
    }
    let mut rings = RingDynamics::new(temperature(stage), setting.seed);
    rings.order = order;
    rings.adiabatic = md.rings.frequency;
    rings.contraction = contraction(setting, beads)?;
    rings.bath = match &stage.mode_thermostat {
        None => ModeBath::None,
        Some(ModeThermostatDeck::Pile { lambda }) => ModeBath::Pile { lambda: *lambda },
        Some(ModeThermostatDeck::Gle { drift, covariance }) => {
            ModeBath::Gle(matrices(drift, covariance.as_deref(), beads)?)
        }
    };
    rings.propagator = md.rings.propagator.unwrap_or(match rings.bath {
        ModeBath::None => Propagator::Exact,
        _ => Propagator::Cayley,
    });
    Ok(Some(rings))
}

/// The matrices of the modes: one for each, or one for all. Covariances of files are those of rings at P times the temperature;
/// the modes here are at the temperature itself.
pub(super) fn matrices(
    drift: &Path,
    covariance: Option<&Path>,
    beads: usize,
) -> Result<Vec<GleMatrices>> {
    let count = |found: usize, file: &Path| {
        if found == 1 || found == beads {
            return Ok(());
        }
        let reason = format!("there are {found} matrices in it, and the rings have {beads} modes");
        Err(Error::file(file, reason)
            .advise("give one matrix for all modes, or one for each: GLE4MD makes them for a number of beads"))
    };
    let a = gle::read_mode_drifts(drift)?;
    count(a.len(), drift)?;
    let c = covariance.map(gle::read_mode_covariances).transpose()?;
    if let (Some(c), Some(file)) = (&c, covariance) {
        count(c.len(), file)?;
    }
    let number = a.len().max(c.as_ref().map_or(1, Vec::len));
    let of = |list: &Vec<DMatrix<f64>>, k: usize| list.get(k).or(list.last()).cloned();
    let one = |k: usize| {
        let c = c.as_ref().and_then(|c| of(c, k));
        let c = c.map(|c| c / beads as f64);
        GleMatrices::new(of(&a, k).unwrap_or_default(), c)
            .map_err(|why| Error::file(drift, format!("matrix {}: {why}", k + 1)))
    };
    (0..number).map(one).collect()
}

/// The matrices for the centroid where those of the modes include it.
///
/// Errors when the deck has another thermostat for it.
pub(super) fn centroid_matrices(
    setting: Setting<'_>,
    stage: &StageDeck,
) -> Result<Option<GleMatrices>> {
    let beads = setting.md.ring_beads();
    let Some(ModeThermostatDeck::Gle { drift, covariance }) = &stage.mode_thermostat else {
        return Ok(None);
    };
    let usual = |t: &ThermostatDeck| {
        let friction = 1e-3 / FS;
        matches!(t, ThermostatDeck::Langevin { friction: f, middle: None } if (f / friction - 1.0).abs() < 1e-12)
    };
    match &stage.thermostat {
        _ if beads == 1 => Ok(None),
        None => Ok(None),
        Some(t) if !usual(t) => setting.refuse(
            "the matrices of `mode_thermostat` have the centroid's too, so that it cannot have another thermostat",
            "leave out `thermostat`, or write `thermostat = \"none\"`",
        ),
        Some(_) => {
            let mut all = matrices(drift, covariance.as_deref(), beads)?;
            Ok(Some(all.swap_remove(0)))
        }
    }
}

/// Where the lists of rings were built, as plain numbers.
pub(super) fn lists(evaluator: &Evaluator) -> Vec<f64> {
    let mut numbers = Vec::new();
    for r in evaluator.ring_references() {
        numbers.push((r.beads.len() / r.centroid.len().max(1)) as f64);
        numbers.push(r.centroid.len() as f64);
        numbers.extend(r.cell.row_vectors().as_flattened());
        numbers.extend(r.centroid.as_flattened());
        numbers.extend(r.beads.as_flattened());
    }
    numbers
}

/// Builds the lists again that [`lists`] has noted; none when there are no such numbers.
pub(super) fn restore_lists(
    evaluator: &mut Evaluator,
    numbers: &BTreeMap<String, Vec<f64>>,
    periodic: [bool; 3],
) -> Option<()> {
    let Some(mut rest) = numbers.get("ring_lists").map(Vec::as_slice) else {
        return Some(());
    };
    while let Some((&[beads, atoms], more)) = rest.split_first_chunk::<2>() {
        let (beads, atoms) = (beads as usize, atoms as usize);
        let (&rows, more) = more.split_first_chunk::<9>()?;
        let (centroid, more) = more.split_at_checked(3 * atoms)?;
        let (positions, more) = more.split_at_checked(3 * atoms.checked_mul(beads)?)?;
        rest = more;
        let rows = std::array::from_fn(|i| std::array::from_fn(|j| rows[3 * i + j]));
        let cell = Cell::new(rows, periodic).ok()?;
        let reference = RingReference {
            cell: &cell,
            centroid: centroid.as_chunks::<3>().0,
            beads: positions.as_chunks::<3>().0,
        };
        evaluator.restore_ring(reference).then_some(())?;
    }
    Some(())
}

/// The beads of each term, by its place.
fn contraction(setting: Setting<'_>, beads: usize) -> Result<Vec<Option<usize>>> {
    let given = &setting.md.rings.contraction;
    let terms = setting.evaluator.terms();
    setting.require_terms("[md.ring_polymer.contraction]", given)?;
    for (term, n) in given {
        if *n as usize > beads {
            let reason =
                format!("`{term}` is to be contracted to {n} beads, and the rings have {beads}");
            return Err(Error::input(setting.source, reason)
                .advise(format!("at most {beads} are possible")));
        }
    }
    let count = |t: &Term| {
        let own = given.iter().find(|g| g.0 == t.name);
        own.map(|g| g.1 as usize)
    };
    Ok(terms.iter().map(count).collect())
}

/// Estimates that need evaluations of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimators {
    heat_capacity: bool,
    isotopes: Vec<Isotope>,
    /// The momentum distribution of an atom.
    pub momentum: Option<Momentum>,
    /// The latest numbers, in the order of [`RingColumns::further`].
    pub numbers: Vec<f64>,
}

/// Some of the atoms with another mass.
#[derive(Clone, Debug)]
struct Isotope {
    scaled: &'static str,
    springs: &'static str,
    /// Ratio of the other mass to its own, 1 where it stays.
    ratio: Vec<f64>,
}

/// The name of the column of the double virial.
pub(super) const DOUBLE_VIRIAL: &str = "heat_capacity_slope";
/// What the columns of isotopes begin with.
pub(super) const ISOTOPE: &str = "isotope_h_";
/// Part of kT by which the temperature is varied in the double virial.
const VARIATION: f64 = 0.01;

impl Estimators {
    /// What the deck asks for.
    ///
    /// Errors when an isotope names an atom that is not there, or nothing that could be estimated.
    pub fn new(md: &MdDeck, source: &str, atoms: &Atoms) -> Result<Estimators> {
        let deck = &md.estimators;
        if md.ring_beads() == 1 {
            return Ok(Estimators::default());
        }
        let asked = deck.heat_capacity || !deck.isotopes.is_empty() || deck.momentum.is_some();
        if asked && md.rings.order != Order::Second {
            return Err(Error::input(
                source,
                "the estimates of [md.estimators] are those of Trotter's splitting",
            )
            .advise("remove them, or `order` in [md.ring_polymer]"));
        }
        let isotopes = deck.isotopes.iter().map(|isotope| {
            let who = format!("the isotope `{}`", isotope.name);
            let chosen = select(&isotope.atoms, atoms, source, &who)?;
            let mut ratio = vec![1.0; atoms.len()];
            for i in chosen {
                ratio[i as usize] = isotope.mass / atoms.masses[i as usize];
            }
            Ok(Isotope {
                scaled: name(&format!("{ISOTOPE}{}", isotope.name)),
                springs: name(&format!("{ISOTOPE}{}_springs", isotope.name)),
                ratio,
            })
        });
        Ok(Estimators {
            heat_capacity: deck.heat_capacity,
            isotopes: isotopes.collect::<Result<_>>()?,
            momentum: momentum::asked(md, source, atoms)?,
            numbers: Vec::new(),
        })
    }

    /// The columns of rings about these atoms.
    pub fn columns(&self, atoms: &Atoms) -> RingColumns {
        let of = |e| {
            (0..atoms.len())
                .filter(|&i| atoms.elements[i] == e)
                .collect()
        };
        let mut further = Vec::new();
        if self.heat_capacity {
            further.push((DOUBLE_VIRIAL, ""));
        }
        for isotope in &self.isotopes {
            further.extend([(isotope.scaled, ""), (isotope.springs, "")]);
        }
        RingColumns {
            elements: atoms
                .distinct_elements()
                .into_iter()
                .map(|e| (e, of(e)))
                .collect(),
            further,
        }
    }
}

impl Simulation {
    /// Makes the estimates that need evaluations of their own, for the state of now.
    /// Those that are averaged by themselves are only made for a `row` of the table.
    pub fn estimate(&mut self, row: bool) -> std::result::Result<(), EvaluationError> {
        let (Some(rings), Some(dynamics)) = (&mut self.state.rings, self.integrator.rings()) else {
            return Ok(());
        };
        let estimators = &mut self.estimators;
        estimators.numbers.clear();
        let (system, evaluator) = (&self.state.system, &mut self.evaluator);
        if let Some(momentum) = estimators.momentum.as_mut().filter(|_| row) {
            momentum.add(rings, dynamics, system, evaluator)?;
        }
        if !estimators.heat_capacity && estimators.isotopes.is_empty() {
            return Ok(());
        }
        let beta = 1.0 / (BOLTZMANN * dynamics.temperature());
        let now = self.state.evaluation.energy;
        if estimators.heat_capacity {
            // The second derivative of (1 + d) V(paths × sqrt(1 + d)) at d = 0 (Yamamoto, J. Chem. Phys. 123, 104101 (2005)).
            let mut at = |d: f64| {
                let scale = (1.0 + d).sqrt();
                let v = rings.scaled_energy(dynamics, system, evaluator, |_| scale)?;
                Ok((1.0 + d) * v)
            };
            let second = (at(VARIATION)? - 2.0 * now + at(-VARIATION)?) / (VARIATION * VARIATION);
            estimators.numbers.push(-beta * second);
        }
        let beads = rings.beads() as f64;
        for isotope in &estimators.isotopes {
            let ratio = &isotope.ratio;
            let scaled =
                rings.scaled_energy(dynamics, system, evaluator, |i| ratio[i].powf(-0.5))?;
            let mut exponent = 0.0;
            // Atoms of one ratio have their springs together.
            let mut done: Vec<f64> = vec![1.0];
            for &a in ratio {
                if !done.contains(&a) {
                    done.push(a);
                    let count = ratio.iter().filter(|r| **r == a).count() as f64;
                    let springs = rings.spring_energy_of(dynamics, |i| ratio[i] == a);
                    exponent += 1.5 * (beads - 1.0) * count * a.ln() - (a - 1.0) * beta * springs;
                }
            }
            estimators
                .numbers
                .extend([(-beta * (scaled - now)).exp(), exponent.exp()]);
        }
        Ok(())
    }
}
