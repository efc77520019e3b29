//! What a band leaves behind: the images, the profile, the picture, and a summary.

use crate::deck::{Deck, NebDeck};
use crate::error::Result;
use crate::io::{Format, Frame, Value, atomic, render_frame};
use crate::jobs::outputs::csv_row;
use crate::relax::{BandOutcome, BandStep, Image};
use crate::report::{Chart, Console, Curve, CurveStyle};

/// Points of the curve between two images.
const POINTS: usize = 20;

/// A line of progress.
pub(super) fn line(step: &BandStep<'_>) -> String {
    let highest = step.energies.iter().copied().fold(f64::MIN, f64::max);
    let first = step.energies.first().copied().unwrap_or(0.0);
    let climbing = if step.climbing { "  climbing" } else { "" };
    format!(
        "{:>8} {:>14.6} {:>14.3e}{climbing}",
        step.step,
        highest - first,
        step.fmax
    )
}

/// Writes everything.
pub(super) fn write(deck: &Deck, job: &NebDeck, outcome: &BandOutcome) -> Result<()> {
    let first = outcome.images.first().map_or(0.0, |i| i.energy);
    let mut frames = Vec::new();
    let mut table = String::new();
    let heads = [
        "image",
        "along (Å)",
        "energy (eV)",
        "energy above the first (eV)",
        "slope (eV/Å)",
        "role",
    ];
    csv_row(&mut table, heads.map(str::to_owned));
    for (k, image) in outcome.images.iter().enumerate() {
        let mut frame = Frame::from(image.system.clone());
        frame.set_value("energy", Value::Real(image.energy));
        frame.set_value("image", k as i64);
        frame.set_value("along", Value::Real(image.along));
        frame.set_value("role", role(outcome, k));
        frame.set_vectors("forces", &image.forces);
        render_frame(&frame, Format::ExtendedXyz, &mut frames)?;
        csv_row(
            &mut table,
            [
                k.to_string(),
                format!("{:.9}", image.along),
                format!("{:.12e}", image.energy),
                format!("{:.9}", image.energy - first),
                format!("{:.6e}", image.slope),
                role(outcome, k).to_owned(),
            ],
        );
    }
    atomic::write(&job.files.images, &frames, "cannot write")?;
    atomic::write(&job.files.profile, table.as_bytes(), "cannot write")?;
    let Some(path) = &job.files.plot else {
        return Ok(());
    };
    let points = outcome.images.iter();
    let points = points.map(|i| (i.along, i.energy - first)).collect();
    let chart = Chart {
        title: format!("Path of least energy: {}", deck.source.path),
        x: "along the path (Å)".to_owned(),
        y: "energy (eV)".to_owned(),
        curves: vec![
            Curve::line("", curve(&outcome.images, first)).coloured(0),
            Curve::line("", points)
                .styled(CurveStyle::Points)
                .coloured(0),
        ],
        levels: vec![(
            outcome.barrier(),
            format!("barrier {:.4} eV", outcome.barrier()),
        )],
        ..Chart::default()
    };
    atomic::write(path, chart.svg()?.as_bytes(), "cannot write")
}

fn role(outcome: &BandOutcome, k: usize) -> &'static str {
    if k == 0 || k + 1 == outcome.images.len() {
        "end"
    } else if k == outcome.highest && outcome.climbed {
        "saddle"
    } else {
        "image"
    }
}

/// Cubic pieces through energies and slopes.
fn curve(images: &[Image], first: f64) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for pair in images.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        let h = b.along - a.along;
        for p in 0..POINTS {
            let t = p as f64 / POINTS as f64;
            let (t2, t3) = (t * t, t * t * t);
            let e = (2.0 * t3 - 3.0 * t2 + 1.0) * (a.energy - first)
                + (t3 - 2.0 * t2 + t) * h * a.slope
                + (3.0 * t2 - 2.0 * t3) * (b.energy - first)
                + (t3 - t2) * h * b.slope;
            points.push((a.along + t * h, e));
        }
    }
    points.extend(images.last().map(|i| (i.along, i.energy - first)));
    points
}

/// Says what came of it.
pub(super) fn print(job: &NebDeck, outcome: &BandOutcome, console: &Console) {
    console.say("");
    let ends = (outcome.images.first(), outcome.images.last());
    if outcome.highest == 0 || outcome.highest + 1 == outcome.images.len() {
        console.warn("there is no barrier: the highest point of the path is one of its ends");
    }
    console.fact(
        "barrier",
        format!(
            "{:.6} eV forth, {:.6} eV back",
            outcome.barrier(),
            outcome.barrier_back()
        ),
    );
    if let (Some(a), Some(b)) = ends {
        console.fact(
            "reaction",
            format!(
                "{:+.6} eV, {:.4} Å along the path",
                b.energy - a.energy,
                b.along
            ),
        );
    }
    console.fact(
        "band",
        format!(
            "{} steps, longest force {:.2e} eV/Å (wanted: below {:.2e})",
            outcome.steps, outcome.fmax, job.fmax
        ),
    );
    // A dip between two images is a minimum that the path should be cut at.
    let e = |k: usize| outcome.images[k].energy;
    let inner = 1..outcome.images.len().saturating_sub(1);
    let dips = inner.filter(|&k| e(k) < e(k - 1) - 1e-4 && e(k) < e(k + 1) - 1e-4);
    for k in dips {
        console.warn(format!(
            "image {k} lies in a dip: there may be another minimum on the path, and each barrier beside it deserves a band of its own"
        ));
    }
    if !outcome.climbed {
        console
            .warn("no image climbed: the barrier is that of the highest image, not of the saddle");
    }
}
