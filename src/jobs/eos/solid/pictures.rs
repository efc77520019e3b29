//! Pictures (SVG) of curves, enthalpies and thermal properties.

use super::results::Results;
use super::thermal::Thermal;
use crate::error::Result;
use crate::report::{Chart, Curve, CurveStyle};
use crate::units::EV_PER_A3_IN_GPA as GPA;

/// Points of a smooth line.
const SMOOTH: usize = 200;

/// Energies of all phases with the curves through them.
pub(super) fn energies(r: &Results) -> Result<String> {
    let mut curves = Vec::new();
    for (k, c) in r.curves.iter().enumerate() {
        let points: Vec<(f64, f64)> = c.points.iter().map(|p| (p.volume, p.energy)).collect();
        if let (Some(f), Some(a), Some(b)) = (c.chosen, points.first(), points.last()) {
            let step = (b.0 - a.0) / SMOOTH as f64;
            let volumes = (0..=SMOOTH).map(|k| a.0 + step * k as f64);
            let line = volumes.map(|v| (v, f.equation.energy_at(v))).collect();
            curves.push(Curve::line("", line).coloured(k));
        }
        let points = Curve::line(c.phase.name.as_str(), points);
        curves.push(points.styled(CurveStyle::Points).coloured(k));
    }
    // Common tangents.
    for t in &r.sequence.transitions {
        let ends = t.phases.map(|p| {
            let c = &r.curves[p];
            let (h, v) = c.enthalpy(t.pressure)?;
            Some((v, h - t.pressure * v))
        });
        if let [Some(a), Some(b)] = ends {
            let tangent = Curve::line("", vec![a, b]);
            curves.push(tangent.styled(CurveStyle::Dashed).coloured(r.curves.len()));
        }
    }
    let chart = Chart {
        title: format!("Energy against volume, {}", r.form.name()),
        x: "volume (Å^3/atom)".to_owned(),
        y: "energy (eV/atom)".to_owned(),
        curves,
        ..Chart::default()
    };
    chart.svg()
}

/// Enthalpies of all phases above that of the first; of one phase alone its volume.
pub(super) fn enthalpies(r: &Results) -> Result<String> {
    let pressures = r.pressures();
    let first = |p: f64| r.curves.first().and_then(|c| c.enthalpy(p));
    let alone = r.curves.len() == 1;
    let curves = r.curves.iter().enumerate().map(|(k, c)| {
        let at = |p: &f64| {
            let (h, v) = c.enthalpy(*p)?;
            let y = if alone { v } else { 1e3 * (h - first(*p)?.0) };
            Some((p * GPA, y))
        };
        let line = pressures.iter().filter_map(at).collect();
        Curve::line(c.phase.name.as_str(), line).coloured(k)
    });
    let mark = |p: f64| (p * GPA, format!("{:.2} GPa", p * GPA));
    let chart = Chart {
        title: match alone {
            true => format!("Volume against pressure, {}", r.form.name()),
            false => format!("Enthalpy against pressure, {}", r.form.name()),
        },
        x: "pressure (GPa)".to_owned(),
        y: match alone {
            true => "volume (Å^3/atom)".to_owned(),
            false => format!("enthalpy above that of {} (meV/atom)", r.name(0)),
        },
        curves: curves.collect(),
        marks: r
            .sequence
            .transitions
            .iter()
            .map(|t| mark(t.pressure))
            .collect(),
        ..Chart::default()
    };
    chart.svg()
}

/// Volumes against temperature.
pub(super) fn thermal(r: &Results, t: &Thermal) -> Result<String> {
    let curves = t.phases.iter().enumerate().map(|(k, p)| {
        let rows = p.rows.iter();
        let found = rows.filter_map(|(t, e)| Some((*t, e.as_ref().ok()?.volume)));
        Curve::line(r.name(k), found.collect()).coloured(k)
    });
    let chart = Chart {
        title: format!("Volume at {:.2} GPa", t.pressure * GPA),
        x: "temperature (K)".to_owned(),
        y: "volume (Å^3/atom)".to_owned(),
        curves: curves.collect(),
        ..Chart::default()
    };
    chart.svg()
}

/// Pressures of transitions against temperature.
pub(super) fn boundaries(r: &Results, t: &Thermal) -> Result<String> {
    // A line for each pair of phases.
    let mut pairs: Vec<[usize; 2]> = Vec::new();
    for x in t.boundaries.iter().flat_map(|b| &b.1.transitions) {
        if !pairs.contains(&x.phases) {
            pairs.push(x.phases);
        }
    }
    let curves = pairs.iter().map(|pair| {
        let found = t.boundaries.iter().flat_map(|(temperature, s)| {
            let own = s.transitions.iter().filter(|x| x.phases == *pair);
            own.map(|x| (*temperature, x.pressure * GPA))
        });
        let name = format!("{} to {}", r.name(pair[0]), r.name(pair[1]));
        Curve::line(name, found.collect())
    });
    let chart = Chart {
        title: "Phases".to_owned(),
        x: "temperature (K)".to_owned(),
        y: "pressure (GPa)".to_owned(),
        curves: curves.collect(),
        ..Chart::default()
    };
    chart.svg()
}
