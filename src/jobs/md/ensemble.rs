//! From the deck's words to the integrator: thermostats, barostats, degrees of freedom.

use super::membership::Membership;
use super::{bonds, rings};
use crate::deck::{
    BarostatDeck, BarostatMethod, Coupling, GroupDeck, MdDeck, StageDeck, ThermostatDeck,
};
use crate::dynamics::barostat::{Barostat, CellRescaling, Method, Piston, StrainSpace};
use crate::dynamics::thermostat::{
    Andersen, Berendsen, Gle, GleMatrices, Group, Langevin, NoseHoover, Thermostat,
    VelocityRescaling,
};
use crate::dynamics::{Constraints, Integrator, Ramp, Sites, Splitting};
use crate::error::{Error, Result};
use crate::io::gle;
use crate::potential::{Evaluator, Term};
use crate::system::{Atoms, System, rotations};
use crate::units::BOLTZMANN;

/// Sub-steps of a Nosé–Hoover chain in half a step; with the fourth-order weights this is plenty for τ above 10 steps.
const SUBSTEPS: u32 = 1;

/// Whether the centre of mass is held: what multiplies all velocities alike keeps a momentum of zero; other thermostats need
/// to be told.
pub(super) fn holds_centre(md: &MdDeck, stage: &StageDeck) -> bool {
    let alike = stage
        .thermostat
        .as_ref()
        .is_none_or(ThermostatDeck::is_global)
        && md.groups.iter().all(|g| g.thermostat.is_none());
    let held = md.groups.iter().any(|g| g.held.contains(&true));
    md.fix_centre_of_mass.unwrap_or(alike) && !held
}

/// What of the rigid motion is held, as degrees of freedom.
fn rigid(md: &MdDeck, stage: &StageDeck, system: &System) -> usize {
    let atoms = &system.atoms;
    let mut held = 0;
    if atoms.len() > 1 && holds_centre(md, stage) {
        held += 3;
    }
    if md.fix_rotation {
        held += rotations(atoms);
    }
    held
}

/// What the integrator of every stage of a run is made from.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub md: &'a MdDeck,
    /// The deck, for messages.
    pub source: &'a str,
    pub evaluator: &'a Evaluator,
    pub constraints: Option<&'a Constraints>,
    /// Molecules that a barostat moves as one, or whose pressure is asked for.
    pub molecules: Option<&'a Sites>,
    pub seed: u64,
}

impl Setting<'_> {
    /// Refuses a table of the deck that gives a number to a term that is not there.
    pub(super) fn require_terms(&self, table: &str, given: &[(String, u32)]) -> Result<()> {
        let terms = self.evaluator.terms();
        let Some((name, _)) = given.iter().find(|g| terms.iter().all(|t| t.name != g.0)) else {
            return Ok(());
        };
        let names: Vec<String> = terms.iter().map(|t| format!("`{}`", t.name)).collect();
        let reason = format!("{table} names `{name}`, and no term of the potential is called so");
        Err(Error::input(self.source, reason).advise(format!("the terms are {}", names.join(", "))))
    }

    pub(super) fn refuse<T>(&self, reason: &str, advice: &str) -> Result<T> {
        Err(Error::input(self.source, reason).advise(advice))
    }
}

/// The integrator of a stage, and its degrees of freedom.
///
/// Errors when the ensemble does not go with the system or the model.
pub(super) fn integrator(
    setting: Setting<'_>,
    stage: &StageDeck,
    system: &System,
) -> Result<(Integrator, usize)> {
    let Setting {
        md, constraints, ..
    } = setting;
    let atoms = &system.atoms;
    let members = Membership::new(md, setting.source, atoms)?;
    refuse_contradictions(setting, &members, system)?;
    let bonds = constraints.map_or(0, Constraints::rank);
    let free = members.free_components(atoms.len()) - bonds;
    let freedom = free.saturating_sub(rigid(md, stage, system));
    let baths = baths(md, stage, &members);
    let coloured = rings::centroid_matrices(setting, stage)?;
    let splitting = splitting(setting, stage, &baths)?;
    let mut integrator = substeps(Integrator::split(splitting, md.timestep), setting)?;
    for (id, bath) in baths.iter().enumerate() {
        let ramp = match bath.own.and_then(|g| g.temperature) {
            Some(t) => Ramp::constant(t),
            None => temperature(stage),
        };
        let freedom = match bath.group {
            Group::All => freedom,
            Group::Some(list) => group_freedom(setting, &members, list)?,
        };
        let thermostat: Box<dyn Thermostat> = match (&coloured, bath.own) {
            (Some(matrices), None) => {
                let list = (0..bath.group.len(atoms.len())).map(|k| bath.group.atom(k));
                let free = list.map(|i| members.free(i)).collect();
                let group = bath.group.clone();
                Box::new(Gle::new(group, free, matrices.clone(), setting.seed))
            }
            _ => thermostat(setting, bath, &members, atoms, freedom, id as u64)?,
        };
        integrator = integrator.with_thermostat(thermostat, ramp);
    }
    let molecules = setting.molecules.filter(|_| bonds::of_molecules(md, stage));
    if let Some(molecules) = molecules {
        integrator = integrator.with_sites(molecules.clone());
    }
    if let Some(deck) = &stage.barostat {
        refuse_barostat(setting, &members, system, baths.is_empty())?;
        // The cell moves the centres of what bonds hold together.
        let clusters = molecules.or(constraints.map(Constraints::sites));
        let sites = clusters.map_or(atoms.len(), Sites::len);
        let freedom = (3 * sites).saturating_sub(rigid(md, stage, system));
        let barostat = barostat(stage, deck, system, [sites, freedom], setting.seed);
        integrator = integrator.with_barostat(barostat);
    }
    if let Some(dynamics) = rings::dynamics(setting, stage)? {
        integrator = integrator.with_rings(dynamics);
    }
    integrator.fix_centre_of_mass = holds_centre(md, stage);
    integrator.fix_rotation = md.fix_rotation;
    if let Some(c) = constraints {
        integrator = integrator.with_constraints(c.clone());
    }
    if let Some(held) = members.held {
        integrator = integrator.with_held(held);
    }
    Ok((integrator, freedom))
}

/// A thermostat of the deck with its atoms.
struct Bath<'a> {
    deck: &'a ThermostatDeck,
    group: &'a Group,
    /// The group of the deck, unless it is the run's thermostat.
    own: Option<&'a GroupDeck>,
}

fn baths<'a>(md: &'a MdDeck, stage: &'a StageDeck, members: &'a Membership) -> Vec<Bath<'a>> {
    let bath = |(g, group): &'a (Option<usize>, Group)| {
        let own = g.map(|g| &md.groups[g]);
        let deck = match own {
            Some(own) => own.thermostat.as_ref(),
            None => stage.thermostat.as_ref(),
        };
        Some(Bath {
            deck: deck?,
            group,
            own,
        })
    };
    members.baths.iter().filter_map(bath).collect()
}

/// Where the thermostats stand in the step.
fn splitting(setting: Setting<'_>, stage: &StageDeck, baths: &[Bath<'_>]) -> Result<Splitting> {
    let piston = stage.barostat.as_ref().is_some_and(|b| {
        matches!(
            b.method,
            BarostatMethod::Mtk { .. } | BarostatMethod::Bzp { .. }
        )
    });
    let wishes: Vec<bool> = baths.iter().filter_map(|b| b.deck.middle()).collect();
    if piston && wishes.contains(&true) {
        return setting.refuse(
            "a barostat whose cell has inertia needs the thermostat at the ends of the step: in the middle, the pressure \
             would see velocities that are slightly cold",
            "write `splitting = \"obabo\"`, or leave `splitting` out",
        );
    }
    // The internal modes of rings have their thermostat where that of the centroid is.
    Ok(match piston || wishes.contains(&false) {
        true => Splitting::Ends,
        false => Splitting::Middle,
    })
}

/// Refuses what cannot be held together.
fn refuse_contradictions(
    setting: Setting<'_>,
    members: &Membership,
    system: &System,
) -> Result<()> {
    let md = setting.md;
    if md.fix_rotation && !system.cell.is_isolated() {
        return setting.refuse(
            "only what is not periodic can be kept from turning",
            "leave out `fix_rotation`, or write `periodic = [false, false, false]` in [system]",
        );
    }
    let Some(held) = &members.held else {
        return Ok(());
    };
    if md.fix_rotation {
        return setting.refuse(
            "the rotation cannot be held where atoms are held",
            "leave out `fix_rotation` or the `fixed` axes of the groups",
        );
    }
    let bonds = setting.constraints.map_or(&[][..], Constraints::bonds);
    let ends = bonds.iter().flat_map(|b| [b.i, b.j]);
    if ends.clone().any(|i| held[i as usize].contains(&true)) {
        return setting.refuse(
            "an atom with a bond of fixed length cannot be held as well",
            "take it out of the group with `fixed` axes, or out of [md.constraints]",
        );
    }
    if md.fix_centre_of_mass == Some(true) {
        return setting.refuse(
            "the centre of mass cannot be kept at rest where atoms are held",
            "leave out `fix_centre_of_mass` or the `fixed` axes of the groups",
        );
    }
    Ok(())
}

/// Refuses a barostat that does not go with the rest.
fn refuse_barostat(
    setting: Setting<'_>,
    members: &Membership,
    system: &System,
    alone: bool,
) -> Result<()> {
    if alone {
        return setting.refuse(
            "a barostat needs a thermostat beside it",
            "add [md.thermostat.velocity_rescaling], or leave out `thermostat = \"none\"`",
        );
    }
    if !system.cell.is_bulk() {
        return setting.refuse(
            "a barostat needs three periodic directions",
            "remove [md.barostat], or give the structure a periodic cell",
        );
    }
    if members.held.is_some() {
        return setting.refuse(
            "a barostat moves all atoms with the cell, and cannot go together with atoms that are held",
            "remove the `fixed` axes of the groups, or the barostat",
        );
    }
    let terms = setting.evaluator.terms();
    let blind = |t: &&Term| !t.potential.description().gives.virial;
    if let Some(term) = terms.iter().find(blind) {
        return setting.refuse(
            &format!(
                "the model `{}` ({}) gives no virial, so that there is no pressure to keep",
                term.name,
                term.potential.description().name
            ),
            "remove the barostat, or use a model that is made for periodic systems",
        );
    }
    if let Some((term, why)) = setting.evaluator.fixed_cell() {
        return setting.refuse(
            &format!(
                "`{}` ({}) cannot follow a cell that changes: {why}",
                term.name,
                term.potential.description().name
            ),
            "remove the barostat: NVE or NVT",
        );
    }
    Ok(())
}

/// Degrees of freedom of a group with a thermostat of its own.
fn group_freedom(setting: Setting<'_>, members: &Membership, list: &[u32]) -> Result<usize> {
    let free = |i: &u32| members.free(*i as usize).iter().filter(|f| **f).count();
    let own: usize = list.iter().map(free).sum();
    let inside = |i: u32| list.binary_search(&i).is_ok();
    match setting
        .constraints
        .map_or(Some(0), |c| c.rank_within(inside))
    {
        Some(bonds) => Ok(own - bonds),
        None => setting.refuse(
            "a bond of fixed length joins atoms of two groups with a thermostat each",
            "put bonded atoms into the same group",
        ),
    }
}

/// Why a thermostat does not go with bonds of fixed length.
fn against_bonds(deck: &ThermostatDeck) -> Option<&'static str> {
    match deck {
        ThermostatDeck::VelocityRescaling { local: true, .. }
        | ThermostatDeck::NoseHoover { local: true, .. } => {
            Some("a thermostat of single atoms does not go with bonds of fixed length")
        }
        ThermostatDeck::Gle { .. } => Some(
            "a generalised Langevin thermostat does not go with bonds of fixed length: its auxiliary momenta know nothing of them",
        ),
        ThermostatDeck::Andersen { .. } => {
            Some("Andersen's collisions of single atoms do not go with bonds of fixed length")
        }
        _ => None,
    }
}

/// Gives the terms their numbers of evaluations in a step.
fn substeps(integrator: Integrator, setting: Setting<'_>) -> Result<Integrator> {
    let given = &setting.md.substeps;
    if given.is_empty() {
        return Ok(integrator);
    }
    setting.require_terms("[md.substeps]", given)?;
    let terms = setting.evaluator.terms();
    let count = |t: &Term| given.iter().find(|g| g.0 == t.name).map_or(1, |g| g.1);
    let counts: Vec<u32> = terms.iter().map(count).collect();
    integrator.with_substeps(&counts).map_err(|[a, b]| {
        let reason =
            format!("[md.substeps] has the numbers {a} and {b}, and {a} does not divide {b}");
        Error::input(setting.source, reason)
            .advise("steps within steps need numbers that divide the larger ones, as 1, 2 and 6 do")
    })
}

/// The target temperature (K) of a stage.
pub(super) fn temperature(stage: &StageDeck) -> Ramp {
    let from = stage.temperature.unwrap_or(0.0);
    match stage.final_temperature {
        Some(to) => Ramp::linear(from, to, stage.first, stage.steps),
        None => Ramp::constant(from),
    }
}

fn thermostat(
    setting: Setting<'_>,
    bath: &Bath<'_>,
    members: &Membership,
    atoms: &Atoms,
    freedom: usize,
    id: u64,
) -> Result<Box<dyn Thermostat>> {
    if let Some(reason) = against_bonds(bath.deck).filter(|_| setting.constraints.is_some()) {
        return setting.refuse(
            reason,
            "`langevin`, or `velocity_rescaling` or `nose_hoover` with scope \"global\", go with them",
        );
    }
    let (group, seed) = (bath.group.clone(), setting.seed);
    let list: Vec<usize> = (0..group.len(atoms.len())).map(|k| group.atom(k)).collect();
    let free: Vec<[bool; 3]> = list.iter().map(|&i| members.free(i)).collect();
    Ok(match *bath.deck {
        ThermostatDeck::Langevin { friction, .. } => {
            Box::new(Langevin::new(friction, seed).on(group, members.held.clone()))
        }
        ThermostatDeck::VelocityRescaling { time, local: false } => {
            Box::new(VelocityRescaling::global(group, freedom, time, seed, id))
        }
        ThermostatDeck::VelocityRescaling { time, local: true } => {
            let count = |f: &[bool; 3]| f.iter().map(|f| u8::from(*f)).sum();
            let freedoms = free.iter().map(count).collect();
            Box::new(VelocityRescaling::local(group, freedoms, time, seed))
        }
        ThermostatDeck::NoseHoover {
            time,
            chain,
            local: false,
        } => Box::new(NoseHoover::global(group, freedom, time, chain, SUBSTEPS)),
        ThermostatDeck::NoseHoover {
            time,
            chain,
            local: true,
        } => {
            let axes = list.iter().zip(&free).flat_map(|(&i, f)| {
                (0..3u8)
                    .filter(|k| f[usize::from(*k)])
                    .map(move |k| (i as u32, k))
            });
            Box::new(NoseHoover::local(
                group,
                axes.collect(),
                time,
                chain,
                SUBSTEPS,
            ))
        }
        ThermostatDeck::Gle {
            ref drift,
            ref covariance,
            ..
        } => {
            let a = gle::read_drift(drift)?;
            let c = covariance
                .as_deref()
                .map(gle::read_covariance)
                .transpose()?;
            let matrices = GleMatrices::new(a, c).map_err(|why| {
                Error::file(drift, why)
                    .advise("the matrices of GLE4MD (gle4md.org) are sound; take one from there")
            })?;
            Box::new(Gle::new(group, free, matrices, seed))
        }
        ThermostatDeck::Andersen { rate } => Box::new(Andersen::new(group, free, rate, seed)),
        ThermostatDeck::Berendsen { time } => Box::new(Berendsen::new(group, freedom, time)),
    })
}

/// The target stress (eV/Å^3) of a stage.
pub(super) fn pressure(stage: &StageDeck, deck: &BarostatDeck) -> [Ramp; 6] {
    let last = deck.final_stress.unwrap_or(deck.stress);
    std::array::from_fn(|k| Ramp::linear(deck.stress[k], last[k], stage.first, stage.steps))
}

fn barostat(
    stage: &StageDeck,
    deck: &BarostatDeck,
    system: &System,
    [sites, freedom]: [usize; 2],
    seed: u64,
) -> Barostat {
    let free = deck.fixed.map(|f| !f);
    let space = match deck.coupling {
        Coupling::Isotropic => StrainSpace::isotropic(),
        Coupling::SemiIsotropic => {
            let across = (0..3).filter(|k| *k != deck.axis).all(|k| free[k]);
            StrainSpace::semi_isotropic(deck.axis, free[deck.axis], across)
        }
        Coupling::Anisotropic => {
            StrainSpace::components([free[0], free[1], free[2], false, false, false])
        }
        Coupling::Triclinic => StrainSpace::components(free),
    };
    let target = pressure(stage, deck);
    let temperature = temperature(stage);
    let kt = BOLTZMANN * temperature.largest().max(1.0);
    // The volume oscillates with the time of the deck, if the bulk modulus is right.
    let volume = system.cell.volume().unwrap_or(0.0);
    let inertia = |bulk_modulus: f64| {
        3.0 * bulk_modulus * volume * (deck.time / (2.0 * std::f64::consts::PI)).powi(2)
    };
    let method = match deck.method {
        BarostatMethod::CellRescaling { bulk_modulus } => {
            Method::Rescaling(CellRescaling::new(1.0 / bulk_modulus, deck.time, seed))
        }
        BarostatMethod::Berendsen { bulk_modulus } => {
            Method::Rescaling(CellRescaling::berendsen(1.0 / bulk_modulus, deck.time))
        }
        BarostatMethod::Mtk {
            chain,
            bulk_modulus,
        } => {
            let piston = Piston::mtk(&space, freedom, kt, deck.time, chain, SUBSTEPS);
            Method::Piston(piston.with_inertia(inertia(bulk_modulus)))
        }
        BarostatMethod::Bzp {
            friction,
            bulk_modulus,
        } => {
            let piston = Piston::bzp(&space, sites, kt, deck.time, friction, seed);
            Method::Piston(piston.with_inertia(inertia(bulk_modulus)))
        }
    };
    Barostat {
        space,
        target,
        temperature,
        method,
    }
}
