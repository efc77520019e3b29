//! All points of a deck, side by side: each in a process of its own, so that one that dies costs nobody else anything.

use super::advance::{self, Ended, LOOK, Task};
use super::claim;
use super::point::Point;
use super::record::{self, Record};
use super::start::Fluid;
use crate::deck::{Deck, FluidDeck};
use crate::error::{Error, Result};
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, RunOptions};
use crate::parallel;
use crate::report::{Board, Console};
use std::ffi::OsString;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that was killed is started again so often.
const AGAIN: usize = 3;
/// Time between two looks at points of other machines.
const ELSEWHERE: Duration = Duration::from_secs(5);
/// What a process says, in the folder of its point.
const LOG: &str = "log.txt";

/// How a point stands.
pub(super) enum Standing {
    Finished(Box<Record>),
    /// With the reason.
    Failed(String),
    /// It was stopped, or never begun.
    Open,
}

/// Runs every point that has no result yet.
pub(super) fn run(
    deck: &Deck,
    job: &FluidDeck,
    fluid: &Fluid,
    points: &[Point],
    options: &RunOptions,
    limits: &Limits,
    console: &Console,
) -> Result<(Vec<Standing>, Option<Outcome>)> {
    let tasks: Vec<Task<'_>> = points
        .iter()
        .map(|point| Task {
            deck,
            job,
            fluid,
            point,
        })
        .collect();
    let mut standings: Vec<Standing> = Vec::new();
    for task in &tasks {
        if options.overwrite {
            task.clear()?;
        }
        standings.push(match task.finished()? {
            Some(record) => Standing::Finished(Box::new(record)),
            None => Standing::Open,
        });
    }
    let open = |s: &[Standing]| s.iter().filter(|s| matches!(s, Standing::Open)).count();
    let left = open(&standings);
    if left < points.len() {
        console.fact(
            "finished",
            format!(
                "{} of {} points, of an earlier run",
                points.len() - left,
                points.len()
            ),
        );
    }
    if left == 0 {
        return Ok((standings, None));
    }
    let outcome = match &options.points.command {
        None => one_by_one(&tasks, &mut standings, options, limits, console)?,
        Some(command) => Crew::new(&tasks, command, left, console).run(&mut standings, limits)?,
    };
    Ok((standings, outcome))
}

/// In this process, one after the other.
fn one_by_one(
    tasks: &[Task<'_>],
    standings: &mut [Standing],
    options: &RunOptions,
    limits: &Limits,
    console: &Console,
) -> Result<Option<Outcome>> {
    for (task, standing) in tasks.iter().zip(standings) {
        if matches!(standing, Standing::Finished(_)) {
            continue;
        }
        if let Some(outcome) = limits.reached() {
            return Ok(Some(outcome));
        }
        let options = RunOptions {
            walltime: limits.left(),
            ..options.clone()
        };
        match task.run(&options, console) {
            Ok(Ended::Finished(record)) => *standing = Standing::Finished(record),
            Ok(Ended::Stopped(outcome)) => return Ok(Some(outcome)),
            Err(e) => *standing = Standing::Failed(e.to_string()),
        }
    }
    Ok(None)
}

/// A process at work on a point.
struct Worker {
    task: usize,
    child: Child,
}

/// The processes.
struct Crew<'a> {
    tasks: &'a [Task<'a>],
    command: &'a [OsString],
    /// How many may work at once, and threads of each.
    most: usize,
    threads: usize,
    workers: Vec<Worker>,
    /// How often each point was begun.
    tries: Vec<usize>,
    board: Board,
    console: &'a Console,
}

impl<'a> Crew<'a> {
    fn new(
        tasks: &'a [Task<'a>],
        command: &'a [OsString],
        open: usize,
        console: &'a Console,
    ) -> Crew<'a> {
        let cores = parallel::threads().max(1);
        let most = open.min(cores).max(1);
        let threads = (cores / most).max(1);
        console.fact(
            "processes",
            format!(
                "{most} at once, {threads} thread{} each",
                if threads == 1 { "" } else { "s" }
            ),
        );
        let width = tasks.iter().map(|t| t.point.title().chars().count()).max();
        Crew {
            tasks,
            command,
            most,
            threads,
            workers: Vec::new(),
            tries: vec![0; tasks.len()],
            board: Board::new(console, tasks.len(), width.unwrap_or(0)),
            console,
        }
    }

    fn run(mut self, standings: &mut [Standing], limits: &Limits) -> Result<Option<Outcome>> {
        let mut looked: Option<Instant> = None;
        loop {
            if let Some(outcome) = limits.reached() {
                self.dismiss(standings);
                return Ok(Some(outcome));
            }
            self.look_after(standings)?;
            // Points that others work on are done when they say so.
            if looked.is_none_or(|l| l.elapsed() >= ELSEWHERE) {
                looked = Some(Instant::now());
                self.look_elsewhere(standings)?;
            }
            self.employ(standings)?;
            self.show(standings);
            let open = standings.iter().any(|s| matches!(s, Standing::Open));
            if !open && self.workers.is_empty() {
                self.show(standings);
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Begins what can be begun.
    fn employ(&mut self, standings: &[Standing]) -> Result<()> {
        for task in 0..self.tasks.len() {
            if self.workers.len() >= self.most {
                break;
            }
            let idle = !self.workers.iter().any(|w| w.task == task);
            let open = matches!(standings[task], Standing::Open);
            if idle && open && claim::machine_of(&self.tasks[task].folder()).is_none() {
                let child = self.begin(task)?;
                self.tries[task] += 1;
                self.workers.push(Worker { task, child });
            }
        }
        Ok(())
    }

    fn begin(&self, task: usize) -> Result<Child> {
        let task = &self.tasks[task];
        let folder = task.folder();
        let fail =
            |e: std::io::Error| Error::environment("cannot begin the state point in", &folder, e);
        std::fs::create_dir_all(&folder).map_err(fail)?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join(LOG))
            .map_err(fail)?;
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Error::Bug("no program for state points".to_owned()));
        };
        // Its standard input ends when this process does, or when it is closed: then it stops, with a checkpoint.
        Command::new(program)
            .args(arguments)
            .arg("--point")
            .arg(&task.point.name)
            .arg("--threads")
            .arg(self.threads.to_string())
            .arg("--until-input-ends")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(fail)
    }

    /// Takes note of processes that have ended.
    fn look_after(&mut self, standings: &mut [Standing]) -> Result<()> {
        let mut k = 0;
        while k < self.workers.len() {
            let worker = &mut self.workers[k];
            let ended = worker.child.try_wait().map_err(|e| {
                Error::environment("cannot wait for", &self.tasks[worker.task].folder(), e)
            })?;
            let Some(status) = ended else {
                k += 1;
                continue;
            };
            let task = self.workers.swap_remove(k).task;
            let folder = self.tasks[task].folder();
            if let Some(record) = self.tasks[task].finished()? {
                standings[task] = Standing::Finished(Box::new(record));
                continue;
            }
            let title = self.tasks[task].point.title();
            match status.code() {
                // Killed, or gone for another reason of the system: it goes on from its checkpoint.
                None if self.tries[task] <= AGAIN => {
                    self.console.warn(format!(
                        "{title}: its process was killed; it goes on from its checkpoint"
                    ));
                }
                None => {
                    standings[task] =
                        Standing::Failed(format!("its process was killed {AGAIN} times"))
                }
                Some(_) if claim::machine_of(&folder).is_some() => {}
                Some(_) => {
                    let reason = std::fs::read_to_string(folder.join(record::FAILURE))
                        .unwrap_or_else(|_| format!("see {}", folder.join(LOG).display()));
                    self.console
                        .warn(format!("{title}: {}", first_line(&reason)));
                    standings[task] = Standing::Failed(reason);
                }
            }
        }
        Ok(())
    }

    /// Takes note of points that other machines have finished.
    fn look_elsewhere(&self, standings: &mut [Standing]) -> Result<()> {
        for (task, standing) in self.tasks.iter().zip(standings) {
            let there = || task.folder().join(record::RESULT).is_file();
            if matches!(standing, Standing::Open)
                && there()
                && let Some(record) = task.finished()?
            {
                *standing = Standing::Finished(Box::new(record));
            }
        }
        Ok(())
    }

    /// Asks all to stop and waits for their checkpoints.
    fn dismiss(&mut self, standings: &mut [Standing]) {
        self.console
            .say("stopping; the points write their checkpoints");
        for worker in &mut self.workers {
            drop(worker.child.stdin.take());
        }
        for mut worker in self.workers.drain(..) {
            // It goes by itself; that it cannot be waited for changes nothing.
            let _ = worker.child.wait();
            if let Ok(Some(record)) = self.tasks[worker.task].finished() {
                standings[worker.task] = Standing::Finished(Box::new(record));
            }
        }
    }

    fn show(&mut self, standings: &[Standing]) {
        for (k, (task, standing)) in self.tasks.iter().zip(standings).enumerate() {
            let title = task.point.title();
            let (state, done, shown) = match standing {
                Standing::Finished(record) => ("done", 1.0, summary(task, record)),
                Standing::Failed(why) => ("failed", 0.0, first_line(why).to_owned()),
                Standing::Open if self.workers.iter().any(|w| w.task == k) => {
                    match advance::progress(&task.folder()) {
                        Some((step, status)) => (
                            "runs",
                            step as f64 / status.goal.max(1) as f64,
                            status.shown,
                        ),
                        None => ("runs", 0.0, String::new()),
                    }
                }
                Standing::Open => ("waits", 0.0, String::new()),
            };
            self.board.set(k, &title, state, done.min(1.0), &shown);
        }
        self.board.draw();
    }
}

/// What a finished point has found, in a few words.
fn summary(task: &Task<'_>, record: &Record) -> String {
    let remark = match record.remarks.len() {
        0 => "",
        _ => "  (!)",
    };
    format!("{}{remark}", super::table::headline(task.point, record))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}
