//! What programs read: constants and moduli as CSV, the summary as JSON, stresses as SVG.

use super::{Constants, Results};
use crate::elastic::NAMES;
use crate::error::Result;
use crate::jobs::outputs::csv_row;
use crate::report::{Chart, Curve, CurveStyle};
use crate::units::EV_PER_A3_IN_GPA as GPA;
use serde_json::{Value, json};

/// Numbers of one set of constants with their names and units.
pub(super) fn moduli(c: &Constants) -> Vec<(&'static str, f64, &'static str)> {
    let Some(m) = &c.moduli else {
        return Vec::new();
    };
    let ([kv, kr, kh], [gv, gr, gh]) = (m.bulk, m.shear);
    vec![
        ("bulk modulus (Voigt)", kv * GPA, "GPa"),
        ("bulk modulus (Reuss)", kr * GPA, "GPa"),
        ("bulk modulus (Hill)", kh * GPA, "GPa"),
        ("shear modulus (Voigt)", gv * GPA, "GPa"),
        ("shear modulus (Reuss)", gr * GPA, "GPa"),
        ("shear modulus (Hill)", gh * GPA, "GPa"),
        ("Young's modulus (Hill)", m.young * GPA, "GPa"),
        ("Poisson's ratio (Hill)", m.poisson, ""),
        ("universal anisotropy", m.anisotropy, ""),
    ]
}

/// The sets of constants with their names.
pub(super) fn sets(r: &Results) -> Vec<(&'static str, &Constants)> {
    let mut all = vec![(
        match r.clamped {
            Some(_) => "relaxed",
            None => "clamped",
        },
        &r.constants,
    )];
    all.extend(r.clamped.as_ref().map(|c| ("clamped", c)));
    all
}

/// C11, C12, ... of row and column (from 0).
pub(super) fn name(a: usize, b: usize) -> String {
    format!("C{}{}", a + 1, b + 1)
}

/// The largest standard error of the fits of a constant and its mirror image (eV/Å^3).
pub(super) fn error(c: &Constants, a: usize, b: usize) -> Option<f64> {
    let (x, y) = (c.responses[a][b].error?, c.responses[b][a].error?);
    Some(x.max(y))
}

/// A number that rounds to zero as zero, without a sign.
pub(super) fn tidy(x: f64) -> f64 {
    if x.abs() < 5e-7 { 0.0 } else { x }
}

/// The table: what it is of, the name, the number, its error, the unit.
pub(super) fn table(r: &Results) -> String {
    let mut out = String::new();
    let heads = ["ions", "quantity", "value", "fit_error", "unit"];
    csv_row(&mut out, heads.map(str::to_owned));
    let mut put = |row: [String; 5]| csv_row(&mut out, row);
    for (ions, c) in sets(r) {
        for a in 0..6 {
            for b in a..6 {
                let error = error(c, a, b).map_or(String::new(), |e| format!("{:.6}", e * GPA));
                let value = format!("{:.6}", tidy(c.slopes.0[(a, b)] * GPA));
                put([ions.into(), name(a, b), value, error, "GPa".into()]);
            }
        }
        for a in 0..6 {
            for b in a..6 {
                let value = format!("{:.6}", tidy(c.energies.0[(a, b)] * GPA));
                let name = format!("{} (energy derivative)", name(a, b));
                put([ions.into(), name, value, String::new(), "GPa".into()]);
            }
        }
        for (name, value, unit) in moduli(c) {
            put([
                ions.into(),
                name.into(),
                format!("{value:.6}"),
                String::new(),
                unit.into(),
            ]);
        }
        for (k, e) in c.stability.eigenvalues.iter().enumerate() {
            let name = format!("eigenvalue {}", k + 1);
            put([
                ions.into(),
                name,
                format!("{:.6}", e * GPA),
                String::new(),
                "GPa".into(),
            ]);
        }
        let word = if c.stability.is_stable() { "1" } else { "0" };
        put([
            ions.into(),
            "stable".into(),
            word.into(),
            String::new(),
            String::new(),
        ]);
    }
    out
}

/// Everything a program may want to know.
pub(super) fn summary(r: &Results) -> String {
    let matrix = |m: &nalgebra::Matrix6<f64>| -> Vec<Vec<f64>> {
        (0..6)
            .map(|a| (0..6).map(|b| tidy(m[(a, b)] * GPA)).collect())
            .collect()
    };
    let set = |c: &Constants| -> Value {
        let errors: Vec<Vec<Option<f64>>> = (0..6)
            .map(|a| {
                (0..6)
                    .map(|b| c.responses[a][b].error.map(|e| e * GPA))
                    .collect()
            })
            .collect();
        let moduli: serde_json::Map<String, Value> = moduli(c)
            .into_iter()
            .map(|(name, value, _)| (name.to_owned(), json!(value)))
            .collect();
        json!({
            "C_GPa": matrix(&c.slopes.0),
            "fit_errors_GPa": errors,
            "energy_derivatives_GPa": matrix(&c.energies.0),
            "change_by_symmetry_GPa": c.change * GPA,
            "moduli_GPa": moduli,
            "eigenvalues_GPa": c.stability.eigenvalues.map(|e| e * GPA),
            "softest_strain": c.stability.softest,
            "stable": c.stability.is_stable(),
        })
    };
    let reference = &r.reference;
    let sets: serde_json::Map<String, Value> = sets(r)
        .into_iter()
        .map(|(name, c)| (name.to_owned(), set(c)))
        .collect();
    let whole = json!({
        "program": format!("zundel {}", env!("CARGO_PKG_VERSION")),
        "job": "elastic",
        "atoms": reference.system.atoms.len(),
        "energy_eV": reference.energy,
        "fmax_eV_per_Angstrom": reference.fmax,
        "pressure_GPa": -reference.stress.trace() / 3.0 * GPA,
        "space_group": reference.group.as_ref().map(|g| g.name()),
        "relaxed": reference.trouble.is_empty(),
        "definition": "C is the slope of the Cauchy stress with the strain (stress-strain coefficients); energy derivatives are by Lagrangian strain",
        "order": NAMES,
        "warnings": super::page::warnings(r),
        "constants": sets,
    });
    let mut text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    text.push('\n');
    text
}

/// The stress of each component against its own strain.
pub(super) fn picture(r: &Results) -> Result<String> {
    let curves = (0..6).map(|c| {
        let mut points: Vec<(f64, f64)> = r
            .strained
            .iter()
            .filter(|s| s.component == c)
            .map(|s| (s.strain, s.stress[c] * GPA))
            .collect();
        let rest = crate::elastic::stress_vector(&r.reference.stress)[c];
        points.push((0.0, rest * GPA));
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let style = match c {
            0..3 => CurveStyle::Line,
            _ => CurveStyle::Dashed,
        };
        Curve::line(NAMES[c], points).styled(style)
    });
    let chart = Chart {
        title: "Stress under strain".to_owned(),
        x: "strain".to_owned(),
        y: "stress (GPa), tension positive".to_owned(),
        curves: curves.collect(),
        ..Chart::default()
    };
    chart.svg()
}
