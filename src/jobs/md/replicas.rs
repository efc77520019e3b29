//! Several independent copies of a run, side by side.

use super::files::Files;
use super::summary::Summary;
use super::{Plan, advance, resume, start};
use crate::error::{Error, Result};
use crate::jobs::limits::Limits;
use crate::parallel;
use crate::report::Console;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Runs all replicas and returns their summaries in order. When some fail, the others still run to their end.
///
/// All replicas are begun, with a first checkpoint each, before any goes on: whenever the run is stopped after that, all can
/// be resumed. A replica shares no memory with the others, so its bits are those of a run of its own.
pub(super) fn run(
    plan: &Plan<'_>,
    all: &[Files],
    resuming: bool,
    limits: &Limits,
    console: &Console,
) -> Result<Vec<Summary>> {
    let replica = replica_number;
    let label = |i: usize| {
        format!(
            "replica {:>width$}",
            i + 1,
            width = all.len().to_string().len()
        )
    };
    if !resuming {
        for (i, files) in all.iter().enumerate() {
            start(plan, replica(i), files)
                .map_err(|e| of_replica(e, i))?
                .sinks
                .close()?;
            if i == 0 {
                // Should this be stopped before all are begun, nothing of an earlier run may look like a part of this one.
                all[1..].iter().try_for_each(Files::remove_checkpoints)?;
            }
        }
    }
    let silent = Console::silent();
    let one = |i: usize| {
        let (files, label) = (&all[i], label(i));
        let begun = resume(
            plan,
            replica(i),
            files,
            &label,
            if resuming { console } else { &silent },
        )?;
        advance(plan, begun, files, &label, limits, console)
    };
    // Each worker has threads of its own: with shared ones, a replica that waits would begin another inside itself.
    let threads = parallel::threads();
    let workers = threads.min(all.len());
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<Summary>)>> = Mutex::default();
    let add = |i: usize, result| {
        results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((i, result))
    };
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let share = threads / workers + usize::from(worker < threads % workers);
            let (next, add, one) = (&next, &add, &one);
            scope.spawn(move || {
                let work = || {
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        if i >= all.len() {
                            break;
                        }
                        add(i, one(i));
                    }
                };
                if let Err(why) = parallel::with_threads(share, work) {
                    add(usize::MAX, Err(Error::input("--threads", why)));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|r| r.0);
    let mut summaries = Vec::new();
    let mut failures = Vec::new();
    for (i, result) in results {
        match result {
            Ok(summary) => summaries.push(summary),
            Err(e) => failures.push(of_replica(e, i)),
        }
    }
    let Some(last) = failures.pop() else {
        return Ok(summaries);
    };
    super::summary::print(&summaries, console);
    failures
        .iter()
        .for_each(|e| console.warn(format!("a replica failed\n{e}")));
    Err(last)
}

/// The number of a replica, counted from 1.
pub(super) fn replica_number(i: usize) -> u32 {
    u32::try_from(i + 1).unwrap_or(u32::MAX)
}

/// Says which replica an error concerns.
pub(super) fn of_replica(mut e: Error, i: usize) -> Error {
    let which = format!("replica {}: ", i.saturating_add(1));
    match &mut e {
        Error::Run(e) => e.reason.insert_str(0, &which),
        Error::Environment(e) => e.doing.insert_str(0, &which),
        // Input errors name the file, which has the number in its name.
        _ => {}
    }
    e
}
