//! Many structures: one for each thread at a time, written in their order.
//!
//! Each structure is relaxed by one thread with lists of its own, so that the results do not depend on how many threads there are. No more
//! than a window of structures is in memory.

use super::Plan;
use super::record::{self, Record};
use super::saved::{self, Many, State};
use super::source::{Start, Starts};
use super::tally::Tally;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::jobs::limits::Limits;
use crate::jobs::md::TextFile;
use crate::jobs::{Outcome, parts};
use crate::parallel;
use crate::potential::Evaluator;
use crate::relax::{self, Settings};
use crate::report::{Console, Task};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Structures of each thread that may wait for one before them.
const WINDOW: usize = 64;
/// Pause between two states on disk.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// What the threads share.
struct Shared<'a> {
    starts: Starts<'a>,
    /// Finished structures that wait for one before them.
    finished: BTreeMap<usize, Record>,
    /// How many were written.
    written: usize,
    /// Whether there are no more.
    empty: bool,
    /// Whether the threads shall end.
    stop: bool,
    error: Option<Error>,
    working: usize,
}

/// Relaxes all structures of the deck. `total` is their number, where it is known.
pub(super) fn run(
    plan: &Plan<'_>,
    resume: Option<Many>,
    total: Option<usize>,
    limits: &Limits,
    console: &Console,
) -> Result<Outcome> {
    let files = &plan.job.files;
    let (mut out, mut table, mut state) = match resume {
        Some(state) => (
            TextFile::append(&files.structure, state.structure)?,
            TextFile::append(&files.table, state.table)?,
            state,
        ),
        None => {
            let (mut out, mut table) = (
                TextFile::open(&files.structure)?,
                TextFile::open(&files.table)?,
            );
            out.cut(0)?;
            table.cut(0)?;
            table.write(record::head().as_bytes())?;
            let state = Many {
                done: 0,
                structure: 0,
                table: table.length,
                tally: Tally::default(),
            };
            (out, table, state)
        }
    };
    let mut starts = Starts::of(plan.deck, plan.job)?;
    for _ in 0..state.done {
        if starts.next()?.is_none() {
            return Err(Error::file(
                &plan.deck.system.structure,
                "there are fewer structures than were relaxed already",
            )
            .advise("start again with --overwrite"));
        }
    }
    if state.done > 0 {
        console.fact("resumed", format!("{} structures are done", state.done));
    }
    let shared = Mutex::new(Shared {
        starts,
        finished: BTreeMap::new(),
        written: state.done,
        empty: false,
        stop: false,
        error: None,
        working: 0,
    });
    let changed = Condvar::new();
    let threads = parallel::threads();
    let mut task = Task::new(console, "structures", total.unwrap_or(0));
    task.advance(state.done);
    let began = Instant::now();
    let first = state.done;
    let save = |out: &mut TextFile, table: &mut TextFile, state: &mut Many| -> Result<()> {
        out.sync()?;
        table.sync()?;
        state.structure = out.length;
        state.table = table.length;
        saved::write(
            &files.checkpoint,
            plan.deck,
            State::Many(Box::new(state.clone())),
        )
    };
    save(&mut out, &mut table, &mut state)?;
    let ended: Result<Outcome> = std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // One thread a structure: its loops stay in this thread.
                let worked = parallel::with_threads(1, || work(plan, &shared, &changed, threads));
                if let Err(why) = worked {
                    let mut s = lock(&shared);
                    s.error.get_or_insert(Error::input("--threads", why));
                    s.stop = true;
                    changed.notify_all();
                }
            });
        }
        let written = (|| {
            let mut last_save = Instant::now();
            loop {
                let mut ready = Vec::new();
                let mut s = lock(&shared);
                while let Some(record) = {
                    let k = s.written;
                    s.finished.remove(&k)
                } {
                    s.written += 1;
                    ready.push(record);
                }
                let over = s.finished.is_empty() && s.working == 0 && (s.empty || s.stop);
                if limits.reached().is_some() {
                    s.stop = true;
                }
                if ready.is_empty() && !over {
                    let waited = changed.wait_timeout(s, Duration::from_millis(100));
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                    continue;
                }
                drop(s);
                changed.notify_all();
                for record in &ready {
                    out.write(&record.frame)?;
                    table.write(record.row.as_bytes())?;
                    state.tally.add(&record.brief);
                    state.done += 1;
                }
                task.advance(ready.len());
                if over && ready.is_empty() {
                    return Ok(());
                }
                if last_save.elapsed() >= SAVE_EVERY {
                    save(&mut out, &mut table, &mut state)?;
                    last_save = Instant::now();
                }
            }
        })();
        // Also when the disk is full: the threads must not wait for ever.
        lock(&shared).stop = true;
        changed.notify_all();
        written.map(|()| limits.reached().unwrap_or(Outcome::Done))
    });
    drop(task);
    let outcome = ended?;
    save(&mut out, &mut table, &mut state)?;
    let mut s = lock(&shared);
    if let Some(e) = s.error.take() {
        return Err(e);
    }
    let outcome = if s.empty { Outcome::Done } else { outcome };
    drop(s);
    if state.tally.count() == 0 && outcome == Outcome::Done {
        return Err(Error::file(
            &plan.deck.system.structure,
            "there is no structure to relax",
        ));
    }
    state.tally.print(console);
    let wall = began.elapsed().as_secs_f64();
    if state.done > first {
        console.fact(
            "speed",
            format!(
                "{:.1} ms for each structure on {threads} {}",
                1e3 * wall / (state.done - first) as f64,
                if threads == 1 { "thread" } else { "threads" }
            ),
        );
    }
    Ok(outcome)
}

fn lock<'s, 'a>(shared: &'s Mutex<Shared<'a>>) -> MutexGuard<'s, Shared<'a>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one thread does.
fn work(plan: &Plan<'_>, shared: &Mutex<Shared<'_>>, changed: &Condvar, threads: usize) {
    let mut kept: Option<(Vec<Element>, Evaluator)> = None;
    loop {
        let start = {
            let mut s = lock(shared);
            while !s.stop && !s.empty && s.starts.number() >= s.written + WINDOW * threads {
                s = changed.wait(s).unwrap_or_else(PoisonError::into_inner);
            }
            if s.stop || s.empty {
                break;
            }
            match s.starts.next() {
                Ok(Some(start)) => {
                    s.working += 1;
                    start
                }
                Ok(None) => {
                    s.empty = true;
                    break;
                }
                Err(e) => {
                    s.error.get_or_insert(e);
                    s.stop = true;
                    break;
                }
            }
        };
        let number = start.number;
        let done = one(plan, start, &mut kept);
        let mut s = lock(shared);
        s.working -= 1;
        match done {
            Ok(record) => {
                s.finished.insert(number, record);
            }
            Err(e) => {
                s.error.get_or_insert(e);
                s.stop = true;
            }
        }
        drop(s);
        changed.notify_all();
    }
    changed.notify_all();
}

/// Relaxes one of the structures.
fn one(
    plan: &Plan<'_>,
    start: Start,
    kept: &mut Option<(Vec<Element>, Evaluator)>,
) -> Result<Record> {
    let mut system = start.content.system.clone();
    let within = |e: Error| match start.frame {
        Some(frame) => e.within(&format!("frame {frame}")),
        None => e,
    };
    if kept.as_ref().is_none_or(|k| k.0 != system.atoms.elements) {
        let evaluator = plan.evaluator(&system, &start.file).map_err(within)?;
        *kept = Some((system.atoms.elements.clone(), evaluator));
    }
    let Some((_, evaluator)) = kept else {
        return Err(Error::Bug("an evaluator that was just made".to_owned()));
    };
    let settings: Settings = plan.settings(&system)?;
    // The lists of the structure before would give other last digits.
    let _ = evaluator.build_lists(0, system.configuration());
    let before = plan.group(&system);
    let place = start.file.display().to_string();
    let outcome = relax::relax(&mut system, evaluator, &settings, &mut |_| true)
        .map_err(|e| within(e).within(&place))?;
    if let relax::End::Failed(e) = outcome.end {
        let (reason, _) = parts::describe_evaluation_error(e, &system);
        log::info!("structure {}: {reason}", start.number);
    }
    record::record(
        start,
        &system,
        &outcome,
        before,
        plan.job.tolerance,
        settings.cell.as_ref(),
    )
}
