//! One structure: every thread works on it, and the way down is kept.

use super::record;
use super::saved::{self, One, State};
use super::source::Start;
use super::{Plan, pages};
use crate::error::{Error, Result};
use crate::io::{Format, Frame, atomic, render_frame};
use crate::jobs::limits::Limits;
use crate::jobs::md::TextFile;
use crate::jobs::outputs::csv_row;
use crate::jobs::{Outcome, parts};
use crate::relax::{self, End, Measure};
use crate::report::{Chart, Console, Curve, human_duration};
use crate::units::EV_PER_A3_IN_GPA;
use std::time::{Duration, Instant};

/// Pause between two states on disk, and between two lines of progress.
const SAVE_EVERY: Duration = Duration::from_secs(60);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Relaxes the structure of the deck.
pub(super) fn run(
    plan: &Plan<'_>,
    resume: Option<One>,
    content: Frame,
    limits: &Limits,
    console: &Console,
) -> Result<Outcome> {
    let files = &plan.job.files;
    let structure = &plan.deck.system.structure;
    let origin = content.system.clone();
    let mut system = origin.clone();
    let mut evaluator = plan.evaluator(&system, structure)?;
    let settings = plan.settings(&system)?;
    let before = plan.group(&origin);
    pages::describe(&origin, before.as_ref(), console);
    let began = Instant::now();
    let (snapshot, mut rows, mut trajectory, earlier) = match resume {
        Some(one) => {
            let file = files.trajectory.as_ref();
            let file = file.map(|f| TextFile::append(f, one.trajectory));
            let steps = one.snapshot.steps();
            console.fact("resumed", format!("after {steps} steps"));
            (Some(one.snapshot), one.rows, file.transpose()?, one.wall)
        }
        None => {
            let file = files.trajectory.as_ref().map(|f| {
                let mut file = TextFile::open(f)?;
                file.cut(0)?;
                Ok::<_, Error>(file)
            });
            (None, Vec::new(), file.transpose()?, 0.0)
        }
    };
    let mut stopped = None;
    let mut trouble: Option<Error> = None;
    let mut last_save = Instant::now();
    let mut last_line = None;
    let result = {
        let mut observe = |step: &relax::Step<'_>| -> bool {
            rows.push((step.step, step.calls, step.measure));
            let now = Instant::now();
            stopped = limits.reached_at(now);
            let shown = last_line.is_none_or(|t| now.duration_since(t) >= LINE_EVERY);
            if shown || stopped.is_some() {
                last_line = Some(now);
                console.say(line(step.step, step.calls, &step.measure, step.step == 0));
            }
            let done = (|| {
                if let Some(file) = &mut trajectory {
                    file.write(&frame(&content, step)?)?;
                    file.flush()?;
                }
                if step.step == 0
                    || stopped.is_some()
                    || now.duration_since(last_save) >= SAVE_EVERY
                {
                    last_save = now;
                    if let Some(file) = &mut trajectory {
                        file.sync()?;
                    }
                    let one = One {
                        snapshot: step.snapshot(),
                        rows: rows.clone(),
                        trajectory: trajectory.as_ref().map_or(0, |t| t.length),
                        wall: earlier + began.elapsed().as_secs_f64(),
                    };
                    saved::write(&files.checkpoint, plan.deck, State::One(Box::new(one)))?;
                }
                Ok(())
            })();
            match done {
                Ok(()) => stopped.is_none(),
                Err(e) => {
                    trouble = Some(e);
                    false
                }
            }
        };
        match snapshot {
            None => relax::relax(&mut system, &mut evaluator, &settings, &mut observe),
            Some(s) => relax::resume(&mut system, &mut evaluator, &settings, s, &mut observe),
        }
    };
    if let Some(e) = trouble {
        return Err(e);
    }
    let result = result.map_err(|e| e.within(&plan.deck.source.path))?;
    write_way(plan, &rows)?;
    if let (End::Stopped, Some(outcome)) = (result.end, stopped) {
        console.say("stopped; --resume goes on from here");
        return Ok(outcome);
    }
    let start = Start {
        number: 0,
        file: structure.clone(),
        frame: None,
        content,
    };
    let record = record::record(
        start,
        &system,
        &result,
        before,
        plan.job.tolerance,
        settings.cell.as_ref(),
    )?;
    atomic::write(&files.structure, &record.frame, "cannot write")?;
    let table = record::head() + &record.row;
    atomic::write(&files.table, table.as_bytes(), "cannot write")?;
    if let Some(file) = &mut trajectory {
        file.sync()?;
    }
    saved::write(&files.checkpoint, plan.deck, State::Done)?;
    if let Some((steps, calls, m)) = rows.last() {
        console.say(line(*steps, *calls, m, false));
    }
    let wall = earlier + began.elapsed().as_secs_f64();
    pages::conclude(&origin, &system, &result, &record.brief, &settings, console);
    console.fact("time", human_duration(wall));
    for file in plan.deck.job.files().iter().filter(|f| f.is_file()) {
        console.fact("written", file.display().to_string());
    }
    match result.end {
        End::Converged => Ok(Outcome::Done),
        _ => {
            let (reason, advice) = pages::failure(&result, &settings);
            let (reason, advice) = match result.end {
                End::Failed(e) => {
                    let (what, help) = parts::describe_evaluation_error(e, &system);
                    (format!("{reason}: {what}"), help)
                }
                _ => (reason, advice),
            };
            Err(Error::run(reason, advice))
        }
    }
}

/// A line of progress, with its head before the first.
fn line(step: u64, calls: u64, m: &Measure, headed: bool) -> String {
    let head = if headed {
        "    step   calls     enthalpy (eV)   force (eV/Å)   stress off by (GPa)\n"
    } else {
        ""
    };
    format!(
        "{head}{step:>8} {calls:>7} {:>17.9} {:>14.3e} {:>21.3e}",
        m.enthalpy,
        m.fmax,
        m.stress_excess * EV_PER_A3_IN_GPA
    )
}

/// A frame of the trajectory.
fn frame(content: &Frame, step: &relax::Step<'_>) -> Result<Vec<u8>> {
    let m = &step.measure;
    let mut frame = record::annotated(
        content.clone(),
        step.system,
        m.energy,
        m.stress,
        step.forces,
    );
    frame.set_value("step", step.step as i64);
    let mut text = Vec::new();
    render_frame(&frame, Format::ExtendedXyz, &mut text)?;
    Ok(text)
}

/// The table and the picture of the way down.
fn write_way(plan: &Plan<'_>, rows: &[(u64, u64, Measure)]) -> Result<()> {
    let files = &plan.job.files;
    if let Some(path) = &files.steps {
        let mut text = String::new();
        let heads = [
            "step",
            "calls",
            "energy (eV)",
            "enthalpy (eV)",
            "fmax (eV/Å)",
            "stress excess (GPa)",
            "volume (Å^3)",
        ];
        csv_row(&mut text, heads.map(str::to_owned));
        for (step, calls, m) in rows {
            csv_row(
                &mut text,
                [
                    step.to_string(),
                    calls.to_string(),
                    format!("{:.12e}", m.energy),
                    format!("{:.12e}", m.enthalpy),
                    format!("{:.6e}", m.fmax),
                    format!("{:.6e}", m.stress_excess * EV_PER_A3_IN_GPA),
                    format!("{:.6}", m.volume),
                ],
            );
        }
        atomic::write(path, text.as_bytes(), "cannot write")?;
    }
    if let Some(path) = &files.plot {
        let points = |of: &dyn Fn(&Measure) -> f64| -> Vec<(f64, f64)> {
            rows.iter().map(|(s, _, m)| (*s as f64, of(m))).collect()
        };
        let last = rows.last().map_or(0.0, |r| r.2.enthalpy);
        let mut curves = vec![Curve::line("longest force (eV/Å)", points(&|m| m.fmax))];
        if plan.job.cell.is_some() {
            let off = points(&|m| m.stress_excess * EV_PER_A3_IN_GPA);
            curves.push(Curve::line("stress off by (GPa)", off));
        }
        let above = points(&|m| m.enthalpy - last);
        curves.push(Curve::line("enthalpy above the last (eV)", above));
        let chart = Chart {
            title: format!("Relaxation of {}", plan.deck.system.structure.display()),
            x: "step".to_owned(),
            y: "see the legend".to_owned(),
            curves,
            levels: vec![(plan.job.fmax, "fmax".to_owned())],
            log_y: true,
            ..Chart::default()
        };
        atomic::write(path, chart.svg()?.as_bytes(), "cannot write")?;
    }
    Ok(())
}
