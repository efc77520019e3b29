//! What programs read: coefficients and energies as CSV, the summary as JSON, the picture as SVG.

use super::{Results, reference};
use crate::analysis::second_virial::{CM3_PER_MOL, Coefficient};
use crate::error::Result;
use crate::jobs::outputs::csv_row;
use crate::report::{Chart, Curve, CurveStyle};
use serde_json::{Value, json};

/// The classical coefficient with both corrections (Å³), and its standard error: the sets are the same for all parts.
pub(super) fn total(c: &Coefficient) -> (f64, f64) {
    let value = c.classical + c.translation.0 + c.rotation.0;
    let parts = [c.error, c.translation.1, c.rotation.1];
    (value, parts.iter().map(|e| e * e).sum::<f64>().sqrt())
}

/// The table.
pub(super) fn table(r: &Results) -> String {
    let mut out = String::new();
    let heads = [
        "T_K",
        "B_cm3_mol",
        "error_cm3_mol",
        "tail_cm3_mol",
        "quantum_translation_cm3_mol",
        "quantum_rotation_cm3_mol",
        "B_quantum_cm3_mol",
        "B_quantum_error_cm3_mol",
        "reference_cm3_mol",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for c in &r.coefficients {
        let (all, error) = total(c);
        let numbers = [
            c.classical,
            c.error,
            c.tail,
            c.translation.0,
            c.rotation.0,
            all,
            error,
        ];
        let mut row = vec![c.temperature.to_string()];
        row.extend(numbers.map(|x| format!("{:.6}", x * CM3_PER_MOL)));
        let known = reference::at(&r.measured, c.temperature);
        row.push(known.map_or(String::new(), |x| x.to_string()));
        csv_row(&mut out, row);
    }
    out
}

/// Energies against distances.
pub(super) fn curve(r: &Results) -> String {
    let mut out = String::new();
    let heads = ["r_A", "lowest_eV", "mean_eV", "overlap"];
    csv_row(&mut out, heads.map(str::to_owned));
    for s in r.found.shells.iter().rev() {
        let word = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.9}"));
        csv_row(
            &mut out,
            [
                format!("{:.6}", s.r),
                word(s.lowest),
                word(s.mean),
                format!("{:.6}", s.overlap),
            ],
        );
    }
    out
}

/// Where the classical coefficient goes through zero (K), on a straight line in 1/T.
pub(super) fn boyle(r: &Results) -> Option<f64> {
    let mut all: Vec<(f64, f64)> = r
        .coefficients
        .iter()
        .map(|c| (1.0 / c.temperature, c.classical))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let pair = all.windows(2).find(|w| w[0].1 < 0.0 && w[1].1 >= 0.0)?;
    let [(x, a), (y, b)] = [pair[0], pair[1]];
    Some(1.0 / (x + (y - x) * a / (a - b)))
}

/// The summary.
pub(super) fn summary(r: &Results) -> String {
    let cm3 = |x: f64| x * CM3_PER_MOL;
    let rows: Vec<Value> = r
        .coefficients
        .iter()
        .map(|c| {
            let (all, error) = total(c);
            json!({
                "temperature_K": c.temperature,
                "B_cm3_mol": cm3(c.classical),
                "error_cm3_mol": cm3(c.error),
                "coarse_rule_differs_cm3_mol": cm3(c.coarse),
                "tail_cm3_mol": cm3(c.tail),
                "quantum_translation_cm3_mol": cm3(c.translation.0),
                "quantum_rotation_cm3_mol": cm3(c.rotation.0),
                "B_quantum_cm3_mol": cm3(all),
                "B_quantum_error_cm3_mol": cm3(error),
                "reference_cm3_mol": reference::at(&r.measured, c.temperature),
            })
        })
        .collect();
    let deepest = r.found.deepest.as_ref();
    let all = json!({
        "molecules": r.names,
        "coefficients": rows,
        "boyle_temperature_K": boyle(r),
        "outer_A": r.outer,
        "tail_C6_eV_A6": r.tail.c6,
        "lowest_energy_eV": deepest.map(|d| d.0),
        "lowest_energy_at_A": deepest.map(|d| d.1),
        "orientations": r.orientations[0],
        "sets": r.orientations[1],
        "dimers": r.found.evaluated,
        "orientations_without_wall": r.found.without_wall,
    });
    format!("{all:#}\n")
}

/// Coefficients against temperatures.
pub(super) fn picture(r: &Results) -> Result<String> {
    let by = |value: &dyn Fn(&Coefficient) -> f64| {
        let mut points: Vec<(f64, f64)> = r
            .coefficients
            .iter()
            .map(|c| (c.temperature, value(c) * CM3_PER_MOL))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let classical = by(&|c| c.classical);
    let errors = by(&|c| c.error).into_iter().map(|p| p.1).collect();
    let mut curves = vec![
        Curve::line("", classical.clone()).coloured(0),
        Curve::line("classical", classical)
            .with_errors(errors)
            .styled(CurveStyle::Points)
            .coloured(0),
    ];
    if r.coefficients.iter().any(|c| c.translation.0 != 0.0) {
        let all = by(&|c| total(c).0);
        let line = Curve::line("with the first quantum correction", all);
        curves.push(line.styled(CurveStyle::Dashed).coloured(1));
    }
    if !r.measured.is_empty() {
        let points = r.measured.iter().map(|m| (m.temperature, m.value));
        let errors = r.measured.iter().map(|m| m.error.unwrap_or(0.0)).collect();
        curves.push(
            Curve::line("reference", points.collect())
                .with_errors(errors)
                .styled(CurveStyle::Points)
                .coloured(2),
        );
    }
    let chart = Chart {
        title: format!("Second virial coefficient of {}", r.names.join(" and ")),
        x: "temperature (K)".to_owned(),
        y: "B (cm^3/mol)".to_owned(),
        curves,
        levels: vec![(0.0, String::new())],
        ..Chart::default()
    };
    chart.svg()
}

/// The lowest and the mean energy against the distance.
pub(super) fn wells(r: &Results) -> Result<String> {
    let depth = r.found.deepest.as_ref().map_or(1.0, |d| d.0.abs() * 1e3);
    let of = |value: &dyn Fn(&super::dimers::Shell) -> Option<f64>| {
        let shells = r.found.shells.iter().rev();
        let points = shells.filter_map(|s| Some((s.r, value(s)? * 1e3)));
        points.filter(|p| p.1 < 2.0 * depth).collect()
    };
    let chart = Chart {
        title: "Energy of two molecules".to_owned(),
        x: "distance of the centres of mass (Å)".to_owned(),
        y: "energy (meV)".to_owned(),
        curves: vec![
            Curve::line("lowest of all orientations", of(&|s| s.lowest)),
            Curve::line("mean of all orientations", of(&|s| s.mean)).styled(CurveStyle::Dashed),
        ],
        levels: vec![(0.0, String::new())],
        ..Chart::default()
    };
    chart.svg()
}
