//! The deck of a state point: an ordinary deck of dynamics, made from that of the equation of state.

use super::point::{Condition, Point};
use crate::deck::{Deck, FluidDeck};
use crate::error::{Error, Result};
use crate::units::{EV_PER_A3_IN_BAR, TIME_FS};
use std::path::{Component, Path, PathBuf};
use toml::{Table, Value};

/// Names of the files in a point's folder.
pub(super) const DECK: &str = "point.toml";
/// The structure from which it starts.
pub(super) const START: &str = "start.extxyz";
/// What is written during the run.
pub(super) const SAMPLES: &str = "point.csv";
/// What md makes of the samples.
pub(super) const AVERAGES: &str = "point.averages.csv";
/// The state from which it goes on.
pub(super) const CHECKPOINT: &str = "point.chk";

/// The stage that is sampled, where there is one before it.
const SAMPLED: &str = "sample";

/// Relaxation time (fs) of the usual barostat.
const BAROSTAT_FS: f64 = 1000.0;
/// The bulk modulus (bar) that it is told at least: it is as stiff as a gas of so many times its pressure, and a liquid, which is stiffer,
/// only answers faster.
const SOFTEST: f64 = 500.0;

/// How long a point is: steps before sampling, and of sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub before: u64,
    pub sampled: u64,
}

/// The deck of a point of `length`, in TOML; `molecular` says whether molecules have more than one atom.
///
/// Errors when the deck that it is made from is not what it should be.
pub(super) fn text(
    deck: &Deck,
    job: &FluidDeck,
    point: &Point,
    length: Length,
    molecular: bool,
) -> Result<String> {
    let bug = |what: &str| Error::Bug(format!("the resolved deck has no usable {what}"));
    let whole: Table = toml::from_str(&deck.resolved()).map_err(|e| bug(&e.to_string()))?;
    let fluid = whole.get("eos").and_then(|e| e.get("fluid"));
    let md = fluid.and_then(|f| f.get("md")).and_then(Value::as_table);
    let mut md = md.cloned().ok_or_else(|| bug("md"))?;
    let mut potential = whole
        .get("potential")
        .cloned()
        .ok_or_else(|| bug("potential"))?;
    let folder = job.points.join(&point.name);
    let prefix = way_back(&job.points_text, &deck.folder)?;
    repath(&mut potential, deck, &prefix);
    let mut md_value = Value::Table(std::mem::take(&mut md));
    repath(&mut md_value, deck, &prefix);
    if let Value::Table(table) = md_value {
        md = table;
    }
    if point.classical {
        for key in ["beads", "ring_polymer", "mode_thermostat", "estimators"] {
            md.remove(key);
        }
    }
    let kelvin = |t: f64| Value::String(format!("{t} K"));
    let steps = |n: u64| Value::String(format!("{n} steps"));
    md.insert("temperature".into(), kelvin(point.temperature));
    match &point.condition {
        Condition::Pressure(p, text) => under_pressure(&mut md, *p, text, job, molecular),
        Condition::Density(..) => {
            md.remove("barostat");
            if molecular && !md.contains_key("pressure_of") {
                // Bonds are noise in a pressure of atoms, and their time step shows in it.
                md.insert("pressure_of".into(), "molecules".into());
            }
        }
        Condition::Molecule => drop(md.remove("barostat")),
    }
    if let Some(seed) = md.get("seed").and_then(Value::as_integer) {
        // Points must not share their noise; the same name has the same seed. TOML's integers are signed, and no bit of the
        // deck's seed may be lost: two seeds are two runs.
        let mixed = (seed as u64 ^ hash(&point.name)) & i64::MAX as u64;
        md.insert("seed".into(), Value::Integer(mixed as i64));
    }
    let mut own = Table::new();
    own.insert("version".into(), Value::Integer(i64::from(deck.version)));
    let mut system = Table::new();
    system.insert("structure".into(), START.into());
    own.insert("system".into(), Value::Table(system));
    own.insert("potential".into(), potential);
    let melt = job.melt.filter(|_| point.condition != Condition::Molecule);
    match melt {
        None => drop(md.insert("length".into(), steps(length.sampled))),
        Some(melt) => {
            let stage = |name: &str, n: u64, t: f64| {
                let mut stage = Table::new();
                stage.insert("name".into(), name.into());
                stage.insert("length".into(), steps(n));
                stage.insert("temperature".into(), kelvin(t));
                stage
            };
            let mut first = stage("melt", melt.steps, melt.temperature);
            first.insert("barostat".into(), "none".into());
            let stages = [first, stage(SAMPLED, length.sampled, point.temperature)];
            let stages = stages.into_iter().map(Value::Table).collect();
            own.insert("stage".into(), Value::Array(stages));
        }
    }
    own.insert("md".into(), Value::Table(md));
    own.insert("output".into(), Value::Table(output(job)));
    let body =
        toml::to_string(&own).map_err(|e| Error::Bug(format!("{}: {e}", folder.display())))?;
    Ok(format!(
        "# The state point {} of {}. It is a deck of its own: `zundel run {DECK} --resume` goes on with it.\n\n{body}",
        point.title(),
        deck.source.path
    ))
}

/// Steps before sampling.
pub(super) fn before(job: &FluidDeck, point: &Point) -> u64 {
    let melts = point.condition != Condition::Molecule;
    job.melt.filter(|_| melts).map_or(0, |m| m.steps)
}

/// What a point writes.
fn output(job: &FluidDeck) -> Table {
    let steps = |n: u64| Value::String(format!("{n} steps"));
    let file = |name: &str, every: u64| {
        let mut table = Table::new();
        table.insert("file".into(), name.into());
        table.insert("every".into(), steps(every));
        Value::Table(table)
    };
    let mut checkpoint = Table::new();
    checkpoint.insert("file".into(), CHECKPOINT.into());
    let wall = format!("{} s", job.checkpoint.as_secs_f64());
    checkpoint.insert("wall".into(), wall.into());
    let mut output = Table::new();
    output.insert("thermo_every".into(), steps(job.sample));
    output.insert("final_structure".into(), "point.final.extxyz".into());
    output.insert("thermo".into(), file(SAMPLES, job.sample));
    output.insert("checkpoint".into(), Value::Table(checkpoint));
    if let Some(every) = job.frames {
        output.insert("trajectory".into(), file("point.h5md", every));
    }
    output
}

/// Puts the pressure into the barostat of the deck, or names the usual one.
fn under_pressure(md: &mut Table, pressure: f64, text: &str, job: &FluidDeck, molecular: bool) {
    if !job.has_barostat {
        let mut usual = Table::new();
        let modulus = (2.0 * pressure.abs() * EV_PER_A3_IN_BAR).max(SOFTEST);
        // A barostat knows no time below some steps.
        let time = BAROSTAT_FS.max(200.0 * job.timestep * TIME_FS);
        usual.insert("bulk_modulus".into(), format!("{modulus} bar").into());
        usual.insert("time".into(), format!("{time} fs").into());
        if molecular {
            // Bonds that are scaled ring, and take heat from nowhere.
            usual.insert("scale".into(), "molecules".into());
        }
        let mut barostat = Table::new();
        barostat.insert("cell_rescaling".into(), Value::Table(usual));
        md.insert("barostat".into(), Value::Table(barostat));
    }
    let methods = md.get_mut("barostat").and_then(Value::as_table_mut);
    for (_, method) in methods.into_iter().flatten() {
        if let Some(method) = method.as_table_mut() {
            method.insert("pressure".into(), text.into());
        }
    }
}

/// What leads from a point's folder back to the folder of the deck.
fn way_back(points: &str, folder: &Path) -> Result<PathBuf> {
    let mut back = PathBuf::from("..");
    for part in Path::new(points).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => back.push(".."),
            // Points that lie elsewhere know the deck by its absolute place.
            _ => {
                let folder = match folder.as_os_str().is_empty() {
                    true => Path::new("."),
                    false => folder,
                };
                return std::path::absolute(folder)
                    .map_err(|e| Error::environment("cannot find", folder, e));
            }
        }
    }
    Ok(back)
}

/// Makes the paths of files that are read right in another folder.
fn repath(value: &mut Value, deck: &Deck, prefix: &Path) {
    match value {
        Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                match value {
                    Value::String(text) if deck.names_input(key, text) => {
                        *text = prefix.join(&*text).to_string_lossy().into_owned();
                    }
                    other => repath(other, deck, prefix),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| repath(v, deck, prefix)),
        _ => {}
    }
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// The length that a point's deck has, and the same deck without it.
///
/// Errors when the text is not that of such a deck.
pub(super) fn without_length(text: &str, path: &Path) -> Result<(u64, String)> {
    let strange = || {
        Error::file(path, "this is not the deck of a state point any more")
            .advise("put it back, or begin the point anew with --overwrite")
    };
    let mut table: Table = toml::from_str(text).map_err(|_| strange())?;
    let key = |table: &mut Table| table.insert("length".into(), "1 steps".into());
    let old = match table.get_mut("stage").and_then(Value::as_array_mut) {
        Some(stages) => stages
            .last_mut()
            .and_then(Value::as_table_mut)
            .and_then(key),
        None => table
            .get_mut("md")
            .and_then(Value::as_table_mut)
            .and_then(key),
    };
    let steps = old
        .as_ref()
        .and_then(Value::as_str)
        .and_then(|t| t.strip_suffix(" steps")?.parse().ok())
        .ok_or_else(strange)?;
    let rest = toml::to_string(&table).map_err(|e| Error::Bug(e.to_string()))?;
    Ok((steps, rest))
}
