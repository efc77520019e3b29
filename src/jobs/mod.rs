//! The jobs: one module each, from a deck (or a command's arguments) through parts and loop to the output.

pub mod analyse;
mod announce;
pub mod bench;
mod bonds;
pub mod check_model;
pub mod convert;
mod convert_beads;
pub mod elastic;
pub mod eos;
pub mod eval;
mod external;
pub mod fit;
mod hydrogen;
pub mod info;
mod kept;
mod limits;
pub mod md;
mod neb;
mod outputs;
mod parts;
pub mod phonons;
pub mod relax;
pub mod select;
mod selection;
mod stages;
pub mod vibrations;

pub use hydrogen::repartition_hydrogen;
pub use parts::{build_system, build_terms, check_elements, deck_terms, describe_evaluation_error};

use crate::deck::{AnyDeck, Deck, EosDeck, JobDeck};
use crate::error::{Error, Result};
use crate::report::{Console, Page};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How a job came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for was done.
    Done,
    /// It was asked to stop and left a checkpoint.
    Interrupted,
    /// The wall-time limit came and it left a checkpoint.
    OutOfTime,
}

/// What the command line says about a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Go on from the checkpoint.
    pub resume: bool,
    /// Replace the output of an earlier run.
    pub overwrite: bool,
    /// Stop cleanly after this much wall time.
    pub walltime: Option<Duration>,
    /// Set by signal handlers: stop cleanly.
    pub stop: StopFlag,
    /// How the points of a job that has many independent ones are run.
    pub points: PointOptions,
}

/// How the points of a job that has many independent ones are run.
#[derive(Clone, Debug, Default)]
pub struct PointOptions {
    /// Only this one, by its name or its number from 1.
    pub only: Option<String>,
    /// The program and arguments that run one point of the deck when `--point NAME` and `--threads N` are added: points are then run
    /// side by side in processes of their own. Without it they are run one after the other in this one.
    ///
    /// Such a process stops cleanly when its standard input ends, which it does however this process ends.
    pub command: Option<Vec<std::ffi::OsString>>,
}

/// A request to stop, shared with signal handlers.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(pub Arc<AtomicBool>);

impl StopFlag {
    /// Whether somebody asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs the job of a deck.
pub fn run(deck: AnyDeck, options: &RunOptions, console: &Console) -> Result<Outcome> {
    let has_points = matches!(
        &deck,
        AnyDeck::Simulation(d) if matches!(&d.job, JobDeck::Eos(e) if matches!(**e, EosDeck::Fluid(_)))
    );
    if options.points.only.is_some() && !has_points {
        return Err(
            Error::input("--point", "this deck has no state points to run one by one")
                .advise("[eos.fluid] has; run any other job as a whole"),
        );
    }
    match deck {
        AnyDeck::Simulation(deck) => simulate(*deck, options, console),
        AnyDeck::Training(deck) => fit::run(&deck, options, console),
    }
}

/// Runs the job of a deck that does something to atoms.
pub fn simulate(deck: Deck, options: &RunOptions, console: &Console) -> Result<Outcome> {
    match deck.job.clone() {
        JobDeck::Md(md, output) => md::run(deck, *md, &output, options, console),
        JobDeck::Phonons(job) => phonons::run(&deck, &job, options, console),
        JobDeck::Vibrations(job) => vibrations::run(&deck, &job, options, console),
        JobDeck::Elastic(job) => elastic::run(&deck, &job, options, console),
        JobDeck::Eos(job) => eos::run(&deck, &job, options, console),
        JobDeck::Neb(job) => neb::run(&deck, &job, options, console),
        JobDeck::Relax(job) => relax::run(&deck, &job, options, console),
    }
}

/// What a run of the deck would do and cost; runs nothing.
pub fn check(deck: &AnyDeck) -> Result<Page> {
    let deck = match deck {
        AnyDeck::Simulation(deck) => deck,
        AnyDeck::Training(deck) => return fit::check(deck),
    };
    match &deck.job {
        JobDeck::Md(md, output) => md::check(deck, md, output),
        JobDeck::Phonons(job) => phonons::check(deck, job),
        JobDeck::Vibrations(job) => vibrations::check(deck, job),
        JobDeck::Elastic(job) => elastic::check(deck, job),
        JobDeck::Eos(job) => eos::check(deck, job),
        JobDeck::Neb(job) => neb::check(deck, job),
        JobDeck::Relax(job) => relax::check(deck, job),
    }
}
