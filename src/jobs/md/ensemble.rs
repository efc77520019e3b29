//! From the deck's words to the integrator: thermostats, barostats, groups, degrees of freedom.

use crate::deck::{
    BarostatDeck, BarostatMethod, Coupling, GroupDeck, MdDeck, StageDeck, ThermostatDeck,
};
use crate::dynamics::barostat::{Barostat, CellRescaling, Method, Piston, StrainSpace};
use crate::dynamics::thermostat::{
    Andersen, Berendsen, Gle, GleMatrices, Group, Langevin, NoseHoover, Thermostat,
    VelocityRescaling,
};
use crate::dynamics::{Constraints, Integrator, Ramp, Splitting};
use crate::error::{Error, Result};
use crate::io::gle;
use crate::potential::{Evaluator, Term};
use crate::system::{Atoms, System, rotations};
use crate::units::BOLTZMANN;

/// Sub-steps of a Nosé–Hoover chain in half a step; with the fourth-order weights this is plenty for τ above 10 steps.
const SUBSTEPS: u32 = 1;

/// Which atoms are where: the groups of the deck applied to a system.
pub(super) struct Membership {
    /// Components that never move, by atom; none when all move.
    pub held: Option<Vec<[bool; 3]>>,
    /// The atoms of the run's own thermostat, and of each group that has one.
    baths: Vec<(Option<usize>, Group)>,
}

impl Membership {
    /// Errors when a group names atoms that are not there, or has none.
    pub fn new(md: &MdDeck, source: &str, atoms: &Atoms) -> Result<Membership> {
        let groups = &md.groups;
        let n = atoms.len();
        let mut held = vec![[false; 3]; n];
        let mut owner: Vec<Option<usize>> = vec![None; n];
        for (g, group) in groups.iter().enumerate() {
            let wrong =
                |reason: String, advice: &str| Err(Error::input(source, reason).advise(advice));
            if let Some(&(_, last)) = group.atoms.iter().find(|r| r.1 as usize >= n) {
                return wrong(
                    format!(
                        "the group `{}` names atom {last}, and the system has {n} atoms",
                        group.name
                    ),
                    "atoms are counted from 0",
                );
            }
            let mut members = 0;
            for i in 0..n {
                if !is_member(group, atoms, i) {
                    continue;
                }
                members += 1;
                (0..3).for_each(|k| held[i][k] |= group.held[k]);
                if group.thermostat.is_some() {
                    if let Some(other) = owner[i] {
                        return wrong(
                            format!(
                                "atom {i} is in the groups `{}` and `{}`, which both have a thermostat",
                                groups[other].name, group.name
                            ),
                            "an atom can have one thermostat only",
                        );
                    }
                    owner[i] = Some(g);
                }
            }
            if members == 0 {
                return wrong(
                    format!("the group `{}` has no atoms", group.name),
                    "look at its `atoms` and `elements`",
                );
            }
        }
        let held = Some(held).filter(|h| h.as_flattened().contains(&true));
        let of = |wanted: Option<usize>| -> Vec<u32> {
            (0..n)
                .filter(|&i| owner[i] == wanted)
                .map(|i| i as u32)
                .collect()
        };
        let mut baths = Vec::new();
        let own = of(None);
        match own.len() {
            0 => {}
            len if len == n => baths.push((None, Group::All)),
            _ => baths.push((None, Group::Some(own))),
        }
        let mine = groups
            .iter()
            .enumerate()
            .filter(|g| g.1.thermostat.is_some());
        baths.extend(mine.map(|(g, _)| (Some(g), Group::Some(of(Some(g))))));
        Ok(Membership { held, baths })
    }

    fn free(&self, i: usize) -> [bool; 3] {
        self.held.as_ref().map_or([true; 3], |h| h[i].map(|h| !h))
    }

    /// Free components of the atoms.
    pub fn free_components(&self, atoms: usize) -> usize {
        match &self.held {
            None => 3 * atoms,
            Some(h) => h.as_flattened().iter().filter(|h| !**h).count(),
        }
    }
}

fn is_member(group: &GroupDeck, atoms: &Atoms, i: usize) -> bool {
    let named = |&(a, b): &(u32, u32)| (a as usize..=b as usize).contains(&i);
    (group.atoms.is_empty() || group.atoms.iter().any(named))
        && (group.elements.is_empty() || group.elements.contains(&atoms.elements[i]))
}

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
    pub seed: u64,
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
        md,
        source,
        evaluator,
        constraints,
        seed,
    } = setting;
    let atoms = &system.atoms;
    let members = Membership::new(md, source, atoms)?;
    let refuse = |reason: &str, advice: &str| Err(Error::input(source, reason).advise(advice));
    if md.fix_rotation && !system.cell.is_isolated() {
        return refuse(
            "only what is not periodic can be kept from turning",
            "leave out `fix_rotation`, or write `periodic = [false, false, false]` in [system]",
        );
    }
    if md.fix_rotation && members.held.is_some() {
        return refuse(
            "the rotation cannot be held where atoms are held",
            "leave out `fix_rotation` or the `fixed` axes of the groups",
        );
    }
    if let (Some(c), Some(held)) = (constraints, &members.held) {
        let ends = c.bonds().iter().flat_map(|b| [b.i, b.j]);
        if ends.clone().any(|i| held[i as usize].contains(&true)) {
            return refuse(
                "an atom with a bond of fixed length cannot be held as well",
                "take it out of the group with `fixed` axes, or out of [md.constraints]",
            );
        }
    }
    if md.fix_centre_of_mass == Some(true) && members.held.is_some() {
        return refuse(
            "the centre of mass cannot be kept at rest where atoms are held",
            "leave out `fix_centre_of_mass` or the `fixed` axes of the groups",
        );
    }
    let bonds = constraints.map_or(0, Constraints::rank);
    let free = members.free_components(atoms.len()) - bonds;
    let freedom = free.saturating_sub(rigid(md, stage, system));
    let piston = stage.barostat.as_ref().is_some_and(|b| {
        matches!(
            b.method,
            BarostatMethod::Mtk { .. } | BarostatMethod::Bzp { .. }
        )
    });
    let decks: Vec<(&ThermostatDeck, &Group, Option<&GroupDeck>)> = members
        .baths
        .iter()
        .filter_map(|(g, group)| {
            let own = g.map(|g| &md.groups[g]);
            let deck = match own {
                Some(own) => own.thermostat.as_ref(),
                None => stage.thermostat.as_ref(),
            };
            deck.map(|d| (d, group, own))
        })
        .collect();
    let bathed = !decks.is_empty();
    let wishes: Vec<bool> = decks.iter().filter_map(|d| d.0.middle()).collect();
    if piston && wishes.contains(&true) {
        return refuse(
            "a barostat whose cell has inertia needs the thermostat at the ends of the step: in the middle, the pressure \
             would see velocities that are slightly cold",
            "write `splitting = \"obabo\"`, or leave `splitting` out",
        );
    }
    let middle = !piston && !wishes.contains(&false);
    let splitting = if middle {
        Splitting::Middle
    } else {
        Splitting::Ends
    };
    let mut integrator = substeps(Integrator::split(splitting, md.timestep), setting)?;
    for (id, (deck, group, own)) in decks.into_iter().enumerate() {
        let ramp = match own.and_then(|g| g.temperature) {
            Some(t) => Ramp::constant(t),
            None => temperature(stage),
        };
        if let Some(reason) = against_bonds(deck).filter(|_| constraints.is_some()) {
            return refuse(
                reason,
                "`langevin`, or `velocity_rescaling` or `nose_hoover` with scope \"global\", go with them",
            );
        }
        let freedom = match group {
            Group::All => freedom,
            Group::Some(list) => {
                let free = |i: &u32| members.free(*i as usize).iter().filter(|f| **f).count();
                let own: usize = list.iter().map(free).sum();
                let bonds = constraints.map_or(Some(0), |c| {
                    c.rank_within(|i| list.binary_search(&i).is_ok())
                });
                let Some(bonds) = bonds else {
                    return refuse(
                        "a bond of fixed length joins atoms of two groups with a thermostat each",
                        "put bonded atoms into the same group",
                    );
                };
                own - bonds
            }
        };
        let bath = thermostat(
            deck,
            group.clone(),
            &members,
            atoms,
            freedom,
            seed,
            id as u64,
        )?;
        integrator = integrator.with_thermostat(bath, ramp);
    }
    if let Some(deck) = &stage.barostat {
        if !bathed {
            return refuse(
                "a barostat needs a thermostat beside it",
                "add [md.thermostat.velocity_rescaling], or leave out `thermostat = \"none\"`",
            );
        }
        if !system.cell.is_bulk() {
            return refuse(
                "a barostat needs three periodic directions",
                "remove [md.barostat], or give the structure a periodic cell",
            );
        }
        if members.held.is_some() {
            return refuse(
                "a barostat moves all atoms with the cell, and cannot go together with atoms that are held",
                "remove the `fixed` axes of the groups, or the barostat",
            );
        }
        let blind = evaluator
            .terms()
            .iter()
            .find(|t| !t.potential.description().gives.virial);
        if let Some(term) = blind {
            let d = term.potential.description();
            return Err(Error::input(
                source,
                format!(
                    "the model `{}` ({}) gives no virial, so that there is no pressure to keep",
                    term.name, d.name
                ),
            )
            .advise("remove the barostat, or use a model that is made for periodic systems"));
        }
        if let Some((term, why)) = evaluator.fixed_cell() {
            let d = term.potential.description();
            return Err(Error::input(
                source,
                format!(
                    "`{}` ({}) cannot follow a cell that changes: {why}",
                    term.name, d.name
                ),
            )
            .advise("remove the barostat: NVE or NVT"));
        }
        // The cell moves the centres of what fixed bonds hold together.
        let sites = constraints.map_or(atoms.len(), |c| c.sites().len());
        let freedom = (3 * sites).saturating_sub(rigid(md, stage, system));
        integrator =
            integrator.with_barostat(barostat(stage, deck, system, [sites, freedom], seed));
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
    let terms = setting.evaluator.terms();
    if let Some((name, _)) = given.iter().find(|g| terms.iter().all(|t| t.name != g.0)) {
        let names: Vec<String> = terms.iter().map(|t| format!("`{}`", t.name)).collect();
        let reason =
            format!("[md.substeps] names `{name}`, and no term of the potential is called so");
        return Err(Error::input(setting.source, reason)
            .advise(format!("the terms are {}", names.join(", "))));
    }
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
fn temperature(stage: &StageDeck) -> Ramp {
    let from = stage.temperature.unwrap_or(0.0);
    match stage.final_temperature {
        Some(to) => Ramp::linear(from, to, stage.first, stage.steps),
        None => Ramp::constant(from),
    }
}

fn thermostat(
    deck: &ThermostatDeck,
    group: Group,
    members: &Membership,
    atoms: &Atoms,
    freedom: usize,
    seed: u64,
    id: u64,
) -> Result<Box<dyn Thermostat>> {
    let list: Vec<usize> = (0..group.len(atoms.len())).map(|k| group.atom(k)).collect();
    let free: Vec<[bool; 3]> = list.iter().map(|&i| members.free(i)).collect();
    Ok(match *deck {
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
    let last = deck.final_stress.unwrap_or(deck.stress);
    let target =
        std::array::from_fn(|k| Ramp::linear(deck.stress[k], last[k], stage.first, stage.steps));
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
