//! The results as tables (CSV) and pictures (SVG).

use super::bands::Bands;
use crate::error::Result;
use crate::jobs::outputs::csv_row;
use crate::report::{Chart, Curve, CurveStyle, Ticks};
use crate::units::{AVOGADRO, ELEMENTARY_CHARGE_C, EV_PER_A3_IN_GPA};
use crate::vibrations::phonons::{Mesh, Thermal};
use crate::vibrations::quasi_harmonic::{Expanded, Lost};

/// One eV/K for each atom in J/K/mol.
pub(in crate::jobs) const MOLAR: f64 = ELEMENTARY_CHARGE_C * AVOGADRO;

/// Bands: a row for each wave vector.
pub(super) fn bands_csv(bands: &Bands) -> String {
    let mut out = String::new();
    let branches = bands.rows.first().map_or(0, |r| r.frequencies.len());
    let head = ["point", "path (1/Å)", "q1", "q2", "q3"].map(str::to_owned);
    let mut heads: Vec<String> = head.to_vec();
    heads.extend((1..=branches).map(|k| format!("frequency {k} (THz)")));
    heads.extend((1..=branches).map(|k| format!("group velocity {k} (Å/ps)")));
    if bands.rows.iter().any(|r| !r.grueneisen.is_empty()) {
        heads.extend((1..=branches).map(|k| format!("Grüneisen parameter {k}")));
    }
    csv_row(&mut out, heads);
    for row in &bands.rows {
        let mut cells = vec![row.name.clone(), format!("{:.6}", row.distance)];
        cells.extend(row.reduced.map(|q| format!("{q:.8}")));
        cells.extend(row.frequencies.iter().map(|f| format!("{f:.6}")));
        let speed = |v: &[f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        cells.extend(row.velocities.iter().map(|v| format!("{:.5}", speed(v))));
        let number = |g: &f64| match g.is_finite() {
            true => format!("{g:.5}"),
            false => String::new(),
        };
        cells.extend(row.grueneisen.iter().map(number));
        csv_row(&mut out, cells);
    }
    out
}

/// The band structure.
pub(super) fn bands_svg(bands: &Bands, title: &str) -> Result<String> {
    let mut chart = Chart {
        title: title.to_owned(),
        y: "frequency (THz)".to_owned(),
        marks: bands.marks.clone(),
        ticks: Ticks::Marks,
        levels: vec![(0.0, String::new())],
        ..Chart::default()
    };
    let branches = bands.rows.first().map_or(0, |r| r.frequencies.len());
    for k in 0..branches {
        let mut points = Vec::new();
        for (i, row) in bands.rows.iter().enumerate() {
            // Stretches do not hang together.
            if i > 0 && row.stretch != bands.rows[i - 1].stretch {
                points.push((row.distance, f64::NAN));
            }
            points.push((row.distance, row.frequencies[k]));
        }
        chart.curves.push(Curve::line("", points).coloured(0));
    }
    chart.svg()
}

/// Mode Grüneisen parameters along the path; none where they were not computed.
pub(super) fn grueneisen_svg(bands: &Bands, title: &str) -> Option<Result<String>> {
    let branches = bands.rows.first().map_or(0, |r| r.grueneisen.len());
    if branches == 0 {
        return None;
    }
    let mut chart = Chart {
        title: title.to_owned(),
        y: "mode Grüneisen parameter".to_owned(),
        marks: bands.marks.clone(),
        ticks: Ticks::Marks,
        levels: vec![(0.0, String::new())],
        ..Chart::default()
    };
    for k in 0..branches {
        let points = bands.rows.iter().map(|r| (r.distance, r.grueneisen[k]));
        let curve = Curve::line("", points.collect()).coloured(k % 3);
        chart.curves.push(curve.styled(CurveStyle::Points));
    }
    Some(chart.svg())
}

/// A density of states.
pub(super) struct Dos {
    /// Frequencies (THz).
    pub at: Vec<f64>,
    /// States per THz and primitive cell.
    pub density: Vec<f64>,
}

impl Dos {
    /// That of a mesh, from below the lowest frequency to above the highest.
    pub fn of(mesh: &Mesh, rows: &[Vec<f64>]) -> Dos {
        const POINTS: usize = 600;
        let (low, high) = rows
            .iter()
            .flatten()
            .fold((0.0f64, 0.0f64), |(a, b), f| (a.min(*f), b.max(*f)));
        let width = (high - low).max(1e-3);
        let low = if low < -0.02 { low - 0.03 * width } else { 0.0 };
        let step = (high + 0.03 * width - low) / POINTS as f64;
        let at: Vec<f64> = (0..=POINTS).map(|k| low + step * k as f64).collect();
        Dos {
            density: mesh.density(rows, &at),
            at,
        }
    }

    pub fn csv(&self) -> String {
        let mut out = String::new();
        let heads = [
            "frequency (THz)",
            "wavenumber (1/cm)",
            "density (states/THz/primitive cell)",
        ];
        csv_row(&mut out, heads.map(str::to_owned));
        for (f, g) in self.at.iter().zip(&self.density) {
            let cells = [
                format!("{f:.5}"),
                format!("{:.4}", f * THZ_IN_WAVENUMBERS),
                format!("{g:.6}"),
            ];
            csv_row(&mut out, cells);
        }
        out
    }

    pub fn svg(&self, title: &str) -> Result<String> {
        let points = self.at.iter().copied().zip(self.density.iter().copied());
        Chart {
            title: title.to_owned(),
            x: "frequency (THz)".to_owned(),
            y: "states/THz/primitive cell".to_owned(),
            curves: vec![Curve::line("", points.collect())],
            ..Chart::default()
        }
        .svg()
    }
}

/// One THz in 1/cm.
pub(super) const THZ_IN_WAVENUMBERS: f64 = 1e12 / (100.0 * crate::units::LIGHT_M_S);

/// Thermal properties: a row for each temperature.
pub(super) fn thermal_csv(rows: &[Thermal], atoms: usize) -> String {
    let mut out = String::new();
    let heads = [
        "temperature (K)",
        "free energy (eV/atom)",
        "energy (eV/atom)",
        "entropy (J/K/mol of atoms)",
        "heat capacity at constant volume (J/K/mol of atoms)",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    let n = atoms as f64;
    for t in rows {
        let cells = [
            format!("{}", t.temperature),
            format!("{:.9}", t.free_energy / n),
            format!("{:.9}", t.energy / n),
            format!("{:.7}", t.entropy / n * MOLAR),
            format!("{:.7}", t.heat_capacity / n * MOLAR),
        ];
        csv_row(&mut out, cells);
    }
    out
}

pub(super) fn thermal_svg(rows: &[Thermal], atoms: usize, title: &str) -> Result<String> {
    let of = |f: &dyn Fn(&Thermal) -> f64| -> Vec<(f64, f64)> {
        rows.iter()
            .map(|t| (t.temperature, f(t) / atoms as f64 * MOLAR))
            .collect()
    };
    Chart {
        title: title.to_owned(),
        x: "temperature (K)".to_owned(),
        y: "J/K/mol of atoms".to_owned(),
        curves: vec![
            Curve::line("heat capacity at constant volume", of(&|t| t.heat_capacity)),
            Curve::line("entropy", of(&|t| t.entropy)),
        ],
        ..Chart::default()
    }
    .svg()
}

/// Thermal expansion: a row for each temperature; empty cells where there is no equilibrium.
pub(super) fn expansion_csv(
    rows: &[(f64, std::result::Result<Expanded, Lost>)],
    atoms: usize,
    edge: impl Fn(f64) -> f64,
) -> String {
    let mut out = String::new();
    let heads = [
        "temperature (K)",
        "volume (Å^3/atom)",
        "cube root of the unit cell's volume (Å)",
        "volume expansion coefficient (1e-6/K)",
        "bulk modulus (GPa)",
        "heat capacity at constant pressure (J/K/mol of atoms)",
        "heat capacity at constant volume (J/K/mol of atoms)",
        "entropy (J/K/mol of atoms)",
        "Gibbs energy (eV/atom)",
        "Grüneisen parameter",
        "misfit of the free energies (eV/atom)",
        "remark",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    let n = atoms as f64;
    for (temperature, row) in rows {
        let mut cells = vec![format!("{temperature}")];
        match row {
            Ok(e) => {
                let gamma = match e.grueneisen.is_finite() {
                    true => format!("{:.5}", e.grueneisen),
                    false => String::new(),
                };
                cells.extend([
                    format!("{:.7}", e.volume / n),
                    format!("{:.7}", edge(e.volume)),
                    format!("{:.5}", e.expansion * 1e6),
                    format!("{:.5}", e.bulk_modulus * EV_PER_A3_IN_GPA),
                    format!("{:.6}", e.heat_capacity_p / n * MOLAR),
                    format!("{:.6}", e.heat_capacity_v / n * MOLAR),
                    format!("{:.6}", e.entropy / n * MOLAR),
                    format!("{:.9}", e.gibbs / n),
                    gamma,
                    format!("{:.2e}", e.residual / n),
                    String::new(),
                ]);
            }
            Err(why) => {
                cells.extend(std::iter::repeat_n(String::new(), 10));
                cells.push(lost(*why).to_owned());
            }
        }
        csv_row(&mut out, cells);
    }
    out
}

/// Why there is no equilibrium, in words.
pub(in crate::jobs) fn lost(why: Lost) -> &'static str {
    match why {
        Lost::NoMinimum => "no equilibrium volume",
        Lost::Outside => "the equilibrium volume lies outside of those computed",
    }
}

pub(super) fn expansion_svg(
    rows: &[(f64, std::result::Result<Expanded, Lost>)],
    edge: impl Fn(f64) -> f64,
    title: &str,
) -> Result<String> {
    let sound = rows
        .iter()
        .filter_map(|(t, r)| Some((*t, r.as_ref().ok()?)));
    let points = sound.map(|(t, e)| (t, edge(e.volume)));
    Chart {
        title: title.to_owned(),
        x: "temperature (K)".to_owned(),
        y: "cube root of the volume (Å)".to_owned(),
        curves: vec![Curve::line("quasi-harmonic", points.collect())],
        ..Chart::default()
    }
    .svg()
}
