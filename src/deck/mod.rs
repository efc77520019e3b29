//! The deck: a TOML file that says what to run. Schema, quantities with units, and diagnostics that point at the line.
//!
//! [`read`] gives a [`Deck`] whose values are in internal units, or one error that shows *all* mistakes of the deck, each
//! at its place with what to write instead. `docs/deck.md` describes every key.
//!
//! To add a key, add the call that reads it (`md.rs` shows how): it is then checked, described in the manual, and written
//! into the resolved deck. To add a model or a job, add an entry to the list of variants in `potential.rs` or `schema.rs`.

mod atoms;
mod barostat;
mod constraints;
mod diagnostics;
mod dispersion;
mod document;
mod duration;
mod elastic;
mod ensemble;
mod eos;
mod exchange;
mod external;
mod files;
mod fit;
mod group;
mod kinds;
mod lennard_jones;
mod md;
mod neb;
mod output;
mod pack;
mod pairs;
mod phonons;
mod potential;
mod reader;
mod reference;
mod relax;
mod reliability;
mod resolved;
mod rings;
mod schema;
mod spelling;
mod stage;
mod system;
mod temperatures;
mod templates;
mod thermostat;
mod vibrations;
mod zbl;

pub use atoms::AtomsDeck;
pub use barostat::{BarostatDeck, BarostatMethod, Coupling};
pub use constraints::ConstraintsDeck;
pub use diagnostics::{Diagnostic, Diagnostics, Severity, colour_wanted};
pub use dispersion::{DispersionDeck, DispersionPairDeck};
pub use document::Source;
pub use duration::parse_duration;
pub use elastic::{Before, ElasticDeck, ElasticFiles};
pub use eos::{
    Around, EosDeck, FluidDeck, FluidFiles, FluidSet, Given, MeltDeck, PhaseDeck, SolidDeck,
    SolidFiles, ThermalDeck, VapourDeck, VolumesDeck,
};
pub use exchange::ExchangeDeck;
pub use external::{
    ExternalDeck, ForceDeck, RestraintDeck, RestraintKind, Share, SurfaceDeck, WallDeck,
};
pub use fit::{
    DataDeck, FitDeck, FitFiles, FitMethod, GapChoice, GapDescriptorDeck, GapFitDeck,
    GapIsolatedDeck, GapSigmasDeck, GapTermDeck, GapTheta, MtpFitDeck, SgdmlEnergies, SgdmlFitDeck,
    SgdmlSolver, SgdmlSymmetry, SplitDeck, SplitMethod, Use,
};
pub use group::GroupDeck;
pub use kinds::Amount;
pub use lennard_jones::{CutoffScheme, LennardJonesDeck, LennardJonesParameters, PairDeck};
pub use md::{GuardDeck, MdDeck, VelocitiesDeck, VelocitySource};
pub use neb::{NebDeck, NebFiles};
pub use output::{
    BeadsOutputDeck, CheckpointDeck, FramesDeck, OutputDeck, Precision, ThermoDeck, TrajectoryDeck,
};
pub use pack::{AlsoDeck, BoxSize, PackDeck};
pub use phonons::{ExpansionDeck, LatticeDeck, PhononsDeck, PhononsFiles, Relaxed};
pub use potential::{ModelDeck, PotentialDeck, TermDeck};
pub use reference::reference;
pub use relax::{CellChange, RattleDeck, RelaxCellDeck, RelaxDeck, RelaxFiles};
pub use reliability::{ReliabilityDeck, SaveDeck};
pub use resolved::{Difference, differences, forbidden};
pub use rings::{Beads, EstimatorsDeck, IsotopeDeck, ModeThermostatDeck, MomentumDeck, RingsDeck};
pub use schema::{JobDeck, VERSION};
pub use stage::StageDeck;
pub use system::{FrameChoice, SystemDeck};
pub use temperatures::Temperatures;
pub use templates::{JOBS, template};
pub use thermostat::ThermostatDeck;
pub use vibrations::{Motion, Rigid, ThermochemistryDeck, VibrationsDeck, VibrationsFiles};
pub use zbl::ZblDeck;

use crate::error::{Error, Result};
use reader::{Context, Table};
use resolved::{Recorder, Step};
use schema::Parts;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A larger file is not a deck.
const LARGEST: u64 = 1 << 20;

/// A deck of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyDeck {
    /// Something is done to atoms with a potential.
    Simulation(Box<Deck>),
    /// A model is made from data.
    Training(Box<TrainingDeck>),
}

impl AnyDeck {
    /// The canonical TOML of this deck; see [`Deck::resolved`].
    pub fn resolved(&self) -> String {
        match self {
            AnyDeck::Simulation(deck) => deck.resolved(),
            AnyDeck::Training(deck) => deck.resolved(),
        }
    }

    /// Things that are possible but odd; the caller prints them.
    pub fn warnings(&self) -> &Diagnostics {
        match self {
            AnyDeck::Simulation(deck) => &deck.warnings,
            AnyDeck::Training(deck) => &deck.warnings,
        }
    }

    /// The files that the job writes.
    pub fn files(&self) -> Vec<PathBuf> {
        match self {
            AnyDeck::Simulation(deck) => deck.job.files(),
            AnyDeck::Training(deck) => deck.files(),
        }
    }

    /// Whether two decks mean the same, wherever and however they were written.
    pub fn means_the_same(&self, other: &AnyDeck) -> bool {
        match (self, other) {
            (AnyDeck::Simulation(a), AnyDeck::Simulation(b)) => {
                (&a.system, &a.potential, &a.external, &a.job)
                    == (&b.system, &b.potential, &b.external, &b.job)
            }
            (AnyDeck::Training(a), AnyDeck::Training(b)) => a.fit == b.fit,
            _ => false,
        }
    }

    /// The deck, when it is one of a simulation.
    pub fn simulation(self) -> Option<Deck> {
        match self {
            AnyDeck::Simulation(deck) => Some(*deck),
            AnyDeck::Training(_) => None,
        }
    }
}

/// A deck that makes a model from data.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingDeck {
    /// Version of the deck format.
    pub version: u32,
    /// Path and text of the deck.
    pub source: Source,
    /// The folder of the deck, to which its paths are relative.
    pub folder: PathBuf,
    /// The model and the data.
    pub fit: FitDeck,
    /// Things that are possible but odd; the caller prints them.
    pub warnings: Diagnostics,
    resolved: Recorder,
}

impl TrainingDeck {
    /// The canonical TOML of this deck; see [`Deck::resolved`].
    pub fn resolved(&self) -> String {
        self.resolved.text()
    }

    /// The files that the fit writes.
    pub fn files(&self) -> Vec<PathBuf> {
        self.fit.outputs().into_iter().map(|o| o.1).collect()
    }
}

/// A deck that does something to atoms.
#[derive(Clone, Debug, PartialEq)]
pub struct Deck {
    /// Version of the deck format.
    pub version: u32,
    /// Path and text of the deck.
    pub source: Source,
    /// The folder of the deck, to which its paths are relative.
    pub folder: PathBuf,
    /// What is simulated.
    pub system: SystemDeck,
    /// Where energies and forces come from.
    pub potential: PotentialDeck,
    /// What acts on atoms beside the model.
    pub external: ExternalDeck,
    /// What is to be done, and what it writes.
    pub job: JobDeck,
    /// Things that are possible but odd; the caller prints them.
    pub warnings: Diagnostics,
    resolved: Recorder,
    /// The files that are read, by key and as they are written.
    read: Vec<(String, String)>,
}

impl Deck {
    /// Whether the text of a key names a file that is read, relative to the deck.
    pub fn names_input(&self, key: &str, text: &str) -> bool {
        self.read.iter().any(|r| r.0 == key && r.1 == text)
    }

    /// The canonical TOML of this deck: every default filled in, always in the same order. It is itself a deck that means
    /// the same.
    pub fn resolved(&self) -> String {
        self.resolved.text()
    }

    /// Records the number of beads that was found for `beads = "auto"`.
    pub fn set_beads(&mut self, beads: u32) {
        if let JobDeck::Md(md, _) = &mut self.job {
            md.beads = Beads::Given(beads);
        }
        self.resolved.put(
            &[Step::Key("md".to_owned())],
            "beads",
            Some(beads.to_string()),
        );
    }

    /// Records the seed that a run picked because its deck names none.
    pub fn set_seed(&mut self, seed: u64) {
        if let JobDeck::Md(md, _) = &mut self.job {
            md.seed = Some(seed);
        }
        self.resolved.put(
            &[Step::Key("md".to_owned())],
            "seed",
            Some(seed.to_string()),
        );
    }
}

/// Reads a deck, with overrides such as `md.length=5 ps` from the command line.
///
/// Errors when the file cannot be read, and with one input error that shows every mistake of the deck.
pub fn read(path: &Path, overrides: &[String]) -> Result<AnyDeck> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|e| Error::reading(path, &e))?;
    if bytes.len() as u64 > LARGEST {
        let reason = format!("this file has more than {LARGEST} bytes, it is not a deck");
        return Err(Error::file(path, reason).advise("`zundel info FILE` says what a file is"));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let sound = e.utf8_error().valid_up_to();
        let line = e
            .as_bytes()
            .iter()
            .take(sound)
            .filter(|&&b| b == b'\n')
            .count()
            + 1;
        Error::line(path, line, "the file is not UTF-8 text from here on")
            .advise("a deck is a text file in TOML")
    })?;
    Ok(parse(&text, path, overrides)?)
}

/// As [`read`] for a text that is already there; `path` is shown in messages, and its folder is where paths start.
///
/// Errors with all that is wrong, to be rendered with or without colours.
pub fn parse(
    text: &str,
    path: &Path,
    overrides: &[String],
) -> std::result::Result<AnyDeck, Diagnostics> {
    understood(text, path, overrides, false)
}

/// The deck of a run that is over, as it is stored in a trajectory: its files need not be there any more.
///
/// Errors with all that is not understood, as in a deck of another version.
pub fn parse_stored(text: &str) -> std::result::Result<AnyDeck, Diagnostics> {
    understood(text, Path::new("stored deck"), &[], true)
}

fn understood(
    text: &str,
    path: &Path,
    overrides: &[String],
    stored: bool,
) -> std::result::Result<AnyDeck, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source {
        path: path.display().to_string(),
        text: text.to_owned(),
    };
    let mut sources = vec![source.clone()];
    sources.extend(overrides.iter().map(|o| Source {
        path: String::new(),
        text: format!("--set {o}"),
    }));
    let mut root = match document::parse(text) {
        Ok(root) => root,
        Err(errors) => return Err(Diagnostics::new(errors, sources)),
    };
    let applied = (1..sources.len()).filter_map(|i| {
        document::apply(&mut root, i, &sources[i].text)
            .err()
            .map(|d| *d)
    });
    let wrong_overrides: Vec<Diagnostic> = applied.collect();

    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let stem = path
        .file_stem()
        .map_or_else(|| "run".to_owned(), |s| s.to_string_lossy().into_owned());
    let cx = Context {
        folder: folder.clone(),
        stem,
        sources,
        stored,
        ..Context::default()
    };
    cx.diagnostics.borrow_mut().extend(wrong_overrides);
    let table = Table::root(&cx, root.entries().unwrap_or_default());
    let parts = schema::deck(&table);
    if let Some(parts) = &parts {
        let mut inputs = parts.inputs();
        inputs.push(("the deck".to_owned(), path.to_path_buf()));
        output::collisions(&table, parts.outputs(), inputs);
    }
    drop(table);

    let resolved = cx.recorder.into_inner();
    let read = cx.read.into_inner();
    let found = cx.diagnostics.into_inner();
    let wrong = found.iter().any(|d| d.severity == Severity::Error);
    let diagnostics = Diagnostics::new(found, cx.sources);
    let (version, warnings) = (VERSION, diagnostics);
    match parts {
        _ if wrong => Err(warnings),
        None => Err(warnings),
        Some(Parts::Simulation(s)) => Ok(AnyDeck::Simulation(Box::new(Deck {
            version,
            source,
            folder,
            system: s.system,
            potential: s.potential,
            external: s.external,
            job: s.job,
            warnings,
            resolved,
            read,
        }))),
        Some(Parts::Training(fit)) => Ok(AnyDeck::Training(Box::new(TrainingDeck {
            version,
            source,
            folder,
            fit: *fit,
            warnings,
            resolved,
        }))),
    }
}
