//! What the errors look like.

use super::card::digits;
use super::{Judged, Results};
use crate::error::Result;
use crate::report::{Chart, Curve, CurveStyle};
use crate::training::accuracy::{COMPONENTS, Spread, force_components};

/// No more points of a part are drawn: beyond, every so-manyth.
const POINTS: usize = 1500;
/// Bins of a histogram on either side of zero.
const BINS: usize = 30;

/// A picture with what stands beside it.
pub(super) struct Picture {
    pub name: &'static str,
    pub title: String,
    pub caption: String,
    pub svg: String,
}

/// A parity plot: its name, what it shows, the unit, and how its pairs are found.
type Parity = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Judged) -> Pairs,
);
/// Label and prediction of each number of a part.
type Pairs = Vec<(f64, f64)>;

/// Every picture that there are labels for.
pub(super) fn all(results: &Results) -> Result<Vec<Picture>> {
    let mut out = Vec::new();
    let parities: [Parity; 3] = [
        ("energy", "Energy", "eV/atom", energies),
        ("forces", "Force components", "eV/Å", forces),
        ("virial", "Virial components", "eV/atom", virials),
    ];
    for (name, title, unit, of) in parities {
        let sets: Vec<(&Judged, Pairs)> = results.parts.iter().map(|p| (p, of(p))).collect();
        if sets.iter().any(|s| !s.1.is_empty()) {
            out.push(parity(name, title, unit, &sets)?);
        }
    }
    out.push(histogram(results)?);
    if !results.learning.is_empty() {
        out.push(learning(results)?);
    }
    Ok(out)
}

fn energies(part: &Judged) -> Pairs {
    let pairs = part.frames.iter().zip(&part.predictions);
    pairs
        .filter_map(|(f, p)| {
            let n = f.len().max(1) as f64;
            Some((f.energy? / n, p.energy / n))
        })
        .collect()
}

fn forces(part: &Judged) -> Pairs {
    let pairs = part.frames.iter().zip(&part.predictions).enumerate();
    force_components(pairs.map(|(k, (f, p))| (k, f, p)))
        .map(|(label, model, _)| (label, model))
        .collect()
}

fn virials(part: &Judged) -> Pairs {
    let pairs = part.frames.iter().zip(&part.predictions);
    let both = pairs.filter_map(|(f, p)| Some((f.len().max(1) as f64, f.virial?, p.virial?)));
    both.flat_map(|(n, w, m)| COMPONENTS.map(|(a, b)| (w[a][b] / n, m[a][b] / n)))
        .collect()
}

/// A part of the points, evenly.
fn thinned(pairs: &Pairs) -> Pairs {
    let step = pairs.len().div_ceil(POINTS).max(1);
    pairs.iter().step_by(step).copied().collect()
}

fn parity(
    name: &'static str,
    title: &str,
    unit: &str,
    sets: &[(&Judged, Pairs)],
) -> Result<Picture> {
    // Energies may lie far from zero: what counts is where they lie to each other.
    let all = sets.iter().flat_map(|s| &s.1);
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| {
        (a.min(p.0), b.max(p.0))
    });
    let mut curves = vec![
        Curve::line("", vec![(low, low), (high, high)])
            .styled(CurveStyle::Dashed)
            .coloured(6),
    ];
    for (k, (part, pairs)) in sets.iter().enumerate() {
        let curve = Curve::line(part.name, thinned(pairs));
        curves.push(curve.styled(CurveStyle::Points).coloured(k));
    }
    let thin = sets.iter().any(|s| s.1.len() > POINTS);
    let svg = Chart {
        title: format!("{title} ({unit})"),
        x: format!("data ({unit})"),
        y: format!("model ({unit})"),
        curves,
        ..Chart::default()
    }
    .svg()?;
    let note = match thin {
        true => format!(" No more than {POINTS} points of each part are shown."),
        false => String::new(),
    };
    Ok(Picture {
        name,
        title: title.to_owned(),
        caption: format!(
            "{title} of the model against the data; on the dashed line both agree.{note}"
        ),
        svg,
    })
}

/// Errors of forces (of energies where there are no forces) as densities, each in units of its own root mean square.
fn histogram(results: &Results) -> Result<Picture> {
    let has_forces = results.parts.iter().any(|p| p.accuracy.forces.is_some());
    let (what, unit, of): (_, _, fn(&Judged) -> Pairs) = match has_forces {
        true => ("force components", "meV/Å", forces),
        false => ("energies", "meV/atom", energies),
    };
    let of_part = |p: &Judged| -> Option<Spread> {
        match has_forces {
            true => p.accuracy.forces,
            false => p.accuracy.energy,
        }
    };
    let widest = results
        .parts
        .iter()
        .filter_map(|p| Some(of_part(p)?.rmse))
        .fold(0.0, f64::max);
    let width = 4.0 * widest.max(f64::MIN_POSITIVE) / BINS as f64;
    let mut curves = Vec::new();
    for (k, part) in results.parts.iter().enumerate() {
        let pairs = of(part);
        if pairs.is_empty() {
            continue;
        }
        let mut bins = vec![0usize; 2 * BINS + 1];
        for (label, model) in &pairs {
            let bin = ((model - label) / width).round() + BINS as f64;
            if (0.0..bins.len() as f64).contains(&bin) {
                bins[bin as usize] += 1;
            }
        }
        let density = |(b, count): (usize, &usize)| {
            let at = 1e3 * (b as f64 - BINS as f64) * width;
            (at, *count as f64 / pairs.len() as f64 / (1e3 * width))
        };
        let points = bins.iter().enumerate().map(density).collect();
        let spread = of_part(part).unwrap_or_default();
        let name = format!("{}, RMSE {} {unit}", part.name, digits(1e3 * spread.rmse));
        curves.push(
            Curve::line(name, points)
                .styled(CurveStyle::Steps)
                .coloured(k),
        );
    }
    let svg = Chart {
        title: format!("Errors of {what}"),
        x: format!("model − data ({unit})"),
        y: format!("share of all numbers (1/({unit}))"),
        curves,
        ..Chart::default()
    }
    .svg()?;
    Ok(Picture {
        name: "errors",
        title: format!("Errors of {what}"),
        caption: format!(
            "How errors of {what} are spread; those beyond four times the largest RMSE are off the picture."
        ),
        svg,
    })
}

fn learning(results: &Results) -> Result<Picture> {
    let whole = results
        .parts
        .last()
        .map(|p| (results.data.train.len(), p.accuracy));
    let all: Vec<_> = results.learning.iter().copied().chain(whole).collect();
    let points =
        |of: &dyn Fn(&crate::training::accuracy::Accuracy) -> Option<Spread>| -> Vec<(f64, f64)> {
            all.iter()
                .filter_map(|(n, a)| Some((*n as f64, 1e3 * of(a)?.rmse)))
                .collect()
        };
    let curves = [
        ("energy (meV/atom)", points(&|a| a.energy)),
        ("forces (meV/Å)", points(&|a| a.forces)),
    ];
    let svg = Chart {
        title: "Errors with the number of frames".to_owned(),
        x: "frames that are learnt from".to_owned(),
        y: "RMSE".to_owned(),
        curves: curves
            .into_iter()
            .filter(|c| !c.1.is_empty())
            .map(|(name, points)| Curve::line(name, points))
            .collect(),
        log_x: true,
        log_y: true,
        ..Chart::default()
    }
    .svg()?;
    Ok(Picture {
        name: "learning",
        title: "Learning curve".to_owned(),
        caption: "Errors on frames that were not learnt from. A straight line that falls says that more data help.".to_owned(),
        svg,
    })
}
