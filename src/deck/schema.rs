//! The top level of a deck.

use super::diagnostics::Diagnostic;
use super::document::Place;
use super::elastic::{self, ElasticDeck};
use super::eos::{self, EosDeck};
use super::external::{self, ExternalDeck};
use super::fit::{self, FitDeck};
use super::kinds::Count;
use super::md::{self, MdDeck};
use super::neb::{self, NebDeck};
use super::output::{self, OutputDeck};
use super::phonons::{self, PhononsDeck};
use super::potential::{self, PotentialDeck};
use super::reader::{Choice, Table, Variant};
use super::relax::{self, RelaxDeck};
use super::stage;
use super::system::{self, SystemDeck};
use super::vibrations::{self, VibrationsDeck};
use std::path::PathBuf;

/// The version of the deck format that this program reads.
pub const VERSION: u32 = 1;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum JobDeck {
    /// Molecular dynamics, and what it writes: `[md]` with `[[stage]]` and `[output]`.
    Md(Box<MdDeck>, Box<OutputDeck>),
    /// Phonons of a crystal.
    Phonons(Box<PhononsDeck>),
    /// Normal modes and thermochemistry.
    Vibrations(Box<VibrationsDeck>),
    /// Elastic constants of a crystal.
    Elastic(Box<ElasticDeck>),
    /// Equations of state.
    Eos(Box<EosDeck>),
    /// Minima near structures.
    Relax(Box<RelaxDeck>),
    /// The path of least energy between two structures.
    Neb(Box<NebDeck>),
}

impl JobDeck {
    /// The files that the job writes.
    pub fn files(&self) -> Vec<PathBuf> {
        self.outputs().into_iter().map(|o| o.1).collect()
    }

    /// The files that the job writes: the key and the path of each.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let (md, output) = match self {
            JobDeck::Md(md, output) => (md, output),
            JobDeck::Phonons(phonons) => return phonons.outputs(),
            JobDeck::Vibrations(vibrations) => return vibrations.outputs(),
            JobDeck::Elastic(elastic) => return elastic.outputs(),
            JobDeck::Eos(eos) => return eos.outputs(),
            JobDeck::Relax(relax) => return relax.outputs(),
            JobDeck::Neb(neb) => return neb.outputs(),
        };
        let saved = md.reliability.iter().filter_map(|r| {
            let key = format!("md.reliability.{}.file", r.measure.name());
            Some((key, r.save.as_ref()?.file.clone()))
        });
        let momentum = md.estimators.momentum.iter();
        let momentum = momentum.map(|m| ("md.estimators.momentum.file".to_owned(), m.file.clone()));
        let exchange = md.exchange.iter();
        let exchange = exchange.map(|e| ("md.exchange.file".to_owned(), e.file.clone()));
        let general = output.files();
        let general = general.map(|(key, file)| (key.to_owned(), file.to_path_buf()));
        let of_md = saved.chain(momentum).chain(exchange);
        general.chain(of_md).collect()
    }
}

/// The table of a job, as it was read.
enum JobTable {
    /// Dynamics, which has tables beside its own.
    Md(Box<MdDeck>),
    /// Any other job: its own table says everything.
    Other(JobDeck),
}

/// Every job; one more is one more line here.
const JOBS: &[Variant<JobTable>] = &[
    Variant {
        name: "md",
        doc: "Molecular dynamics.",
        read: |t| md::read(t).map(|md| JobTable::Md(Box::new(md))),
    },
    Variant {
        name: "phonons",
        doc: "Phonons of a crystal from displaced supercells, and what follows from them.",
        read: |t| other(phonons::read(t), JobDeck::Phonons),
    },
    Variant {
        name: "vibrations",
        doc: "Normal modes of a molecule, a cluster or a cell, and thermochemistry from them.",
        read: |t| other(vibrations::read(t), JobDeck::Vibrations),
    },
    Variant {
        name: "elastic",
        doc: "Elastic constants of a crystal from small strains.",
        read: |t| other(elastic::read(t), JobDeck::Elastic),
    },
    Variant {
        name: "eos",
        doc: "Equations of state: exactly one table below says of what.",
        read: |t| other(eos::read(t), JobDeck::Eos),
    },
    Variant {
        name: "relax",
        doc: "The minimum of the energy near a structure, or near each of many.",
        read: |t| other(relax::read(t), JobDeck::Relax),
    },
    Variant {
        name: "neb",
        doc: "The path of least energy between two structures, and the barrier on it.",
        read: |t| other(neb::read(t), JobDeck::Neb),
    },
];

fn other<T>(deck: Option<T>, job: fn(Box<T>) -> JobDeck) -> Option<JobTable> {
    deck.map(|deck| JobTable::Other(job(Box::new(deck))))
}

/// What is done to atoms, and by what.
pub(super) struct Simulation {
    pub system: SystemDeck,
    pub potential: PotentialDeck,
    pub external: ExternalDeck,
    pub job: JobDeck,
}

/// What a deck holds.
pub(super) enum Parts {
    /// What is done to atoms.
    Simulation(Box<Simulation>),
    /// The model that is made.
    Training(Box<FitDeck>),
}

impl Parts {
    /// The files that are read, with their keys.
    pub fn inputs(&self) -> Vec<(String, PathBuf)> {
        let s = match self {
            Parts::Simulation(simulation) => simulation,
            Parts::Training(fit) => return fit.inputs(),
        };
        let mut inputs = vec![("system.structure".to_owned(), s.system.structure.clone())];
        if let Some(pack) = &s.system.pack {
            let also = pack.also.iter().map(|a| a.structure.clone());
            inputs.extend(also.map(|file| ("system.pack.also.structure".to_owned(), file)));
        }
        for term in &s.potential.terms {
            if let Some(file) = term.model.file() {
                inputs.push(("potential".to_owned(), file.to_path_buf()));
            }
        }
        let outside = s.external.files();
        inputs.extend(outside.map(|(name, file)| (name.to_owned(), file.to_path_buf())));
        if let JobDeck::Neb(neb) = &s.job {
            inputs.push(("neb.end".to_owned(), neb.end.clone()));
        }
        if let JobDeck::Eos(eos) = &s.job {
            inputs.extend(eos.inputs());
        }
        inputs
    }

    /// The files that are written, with their keys.
    pub fn outputs(&self) -> Vec<(String, PathBuf)> {
        match self {
            Parts::Simulation(s) => s.job.outputs(),
            Parts::Training(fit) => fit.outputs(),
        }
    }
}

/// Reads a whole deck, or describes it. None when something was wrong.
pub(super) fn deck(root: &Table<'_>) -> Option<Parts> {
    let version = version(root);
    if version.is_none() && root.place_of("version").is_some() {
        // A deck of another version may mean anything: its keys are not judged.
        return None;
    }
    if root.place_of("fit").is_some() {
        return training(root, version);
    }
    let simulation = simulation(root);
    if root.cx.describing {
        training(root, version);
    }
    root.finish();
    version?;
    simulation
}

/// A deck that makes a model.
fn training(root: &Table<'_>, version: Option<u64>) -> Option<Parts> {
    let doc = "A model made from labelled frames. A deck with this table has no other.";
    let fit = root.optional_table("fit", doc, fit::read);
    if !root.cx.describing {
        let jobs = JOBS.iter().map(|j| j.name);
        for name in ["system", "potential", "output", "stage"]
            .into_iter()
            .chain(jobs)
        {
            if let Some(place) = root.claim(name) {
                root.complain(
                    Diagnostic::error(format!("this deck has both [fit] and `{name}`"))
                        .at(place, "")
                        .and_at(root.key_place("fit"), "")
                        .help("making a model and using it are two decks"),
                );
            }
        }
        root.finish();
    }
    version?;
    Some(Parts::Training(Box::new(fit?)))
}

/// A deck that does something to atoms.
fn simulation(root: &Table<'_>) -> Option<Parts> {
    let system = system::read(root);
    let potential = potential::read(root);
    let external = external::read(root, potential.as_ref());
    // With stages, `[md]` need not say how long it is.
    root.cx.staged.set(root.place_of("stage").is_some());
    let job = match root.choice("job", JOBS) {
        Choice::Chosen(_, JobTable::Md(md)) => dynamics(root, external.as_ref(), Some(*md)),
        Choice::Chosen(name, JobTable::Other(job)) => {
            refuse_dynamics(root, name);
            Some(job)
        }
        Choice::Failed => {
            // The tables beside it are those of the job that was meant.
            let meant = JOBS.iter().find(|j| root.key_place(j.name).is_some());
            match meant.filter(|j| j.name != "md") {
                Some(job) => refuse_dynamics(root, job.name),
                None => drop(dynamics(root, external.as_ref(), None)),
            }
            None
        }
        Choice::Absent => {
            root.nothing_chosen(
                Diagnostic::error("the deck names no job")
                    .help("add for example\n[md]\ntimestep = \"1 fs\"\nlength = \"2 ps\"\ntemperature = \"300 K\""),
            );
            dynamics(root, external.as_ref(), None);
            None
        }
    };
    Some(Parts::Simulation(Box::new(Simulation {
        system: system?,
        potential: potential?,
        external: external?,
        job: job?,
    })))
}

/// What belongs to dynamics beside `[md]`; read even when that is wrong, so that all mistakes are seen at once.
fn dynamics(
    root: &Table<'_>,
    external: Option<&ExternalDeck>,
    md: Option<MdDeck>,
) -> Option<JobDeck> {
    let md = stage::read(root, md);
    let output = output::read(root);
    let mut md = md?;
    if let Some(external) = external {
        external::fit(root, external, &mut md);
    }
    Some(JobDeck::Md(Box::new(md), Box::new(output?)))
}

/// Refuses the tables that only dynamics has.
fn refuse_dynamics(root: &Table<'_>, job: &str) {
    let tables = [
        (
            "output",
            format!("the files of this job are keys of [{job}]"),
        ),
        ("stage", "stages are parts of a run of dynamics".to_owned()),
    ];
    for (name, help) in tables {
        if let Some(place) = root.claim(name) {
            root.complain(
                Diagnostic::error(format!(
                    "`{name}` belongs to [md], and this deck has [{job}]"
                ))
                .at(place, "")
                .and_at(root.key_place(job), "")
                .help(help),
            );
        }
    }
}

fn version(root: &Table<'_>) -> Option<u64> {
    let doc = "Version of the deck format.";
    let field = root.key(
        "version",
        Count {
            least: 0,
            most: u64::MAX,
        },
        doc,
    );
    let given = root.place_of("version");
    if given.is_none() && !root.cx.describing {
        let start = Place {
            source: 0,
            span: 0..0,
        };
        let line = format!("version = {VERSION}\n");
        let d = Diagnostic::error("the deck does not say its `version`").at(start.clone(), "");
        root.lacks("version", d.replace("begin the deck with", start, line));
        return None;
    }
    let version = field.required("1")?;
    if version == u64::from(VERSION) {
        return Some(version);
    }
    let place = given?;
    let d = Diagnostic::error(format!(
        "this deck has version {version}; this program reads version {VERSION}"
    ))
    .at(place.clone(), "");
    root.complain(if version > u64::from(VERSION) {
        d.help("a newer zundel is needed for it")
    } else {
        d.replace("write", place, VERSION.to_string())
    });
    None
}
