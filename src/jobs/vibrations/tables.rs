//! What programs read: frequencies and thermochemistry as CSV, the summary as JSON, animated modes as extended XYZ, sticks as SVG.

use super::{Results, Species};
use crate::deck::VibrationsDeck;
use crate::error::{Error, Result};
use crate::io::{Format, Frame, render_frame};
use crate::jobs::outputs::csv_row;
use crate::report::{Chart, Curve, CurveStyle};
use crate::units::EV_PER_A3_IN_BAR;
use crate::vibrations::{Ensemble, Modes, wavenumber};
use serde_json::{Value, json};

/// What forces and differences can tell (cm⁻¹): a mode within it is zero, one below its negative is imaginary. Rigid motions, which
/// must be zero, are the measure.
pub(super) fn resolution(modes: &Modes) -> f64 {
    (2.0 * wavenumber(modes.residual())).clamp(0.2, 1.0)
}

/// Modes that make it a saddle.
pub(super) fn order_of_saddle(modes: &Modes) -> usize {
    let least = resolution(modes);
    let below = modes.modes.iter().filter(|m| m.wavenumber() < -least);
    below.count()
}

/// Modes that nothing holds, though they are no rigid motions.
pub(super) fn free_modes(modes: &Modes) -> usize {
    let least = resolution(modes);
    let within = modes.modes.iter().filter(|m| m.wavenumber().abs() <= least);
    within.count()
}

/// How isotopologues are called in tables.
pub(super) fn name(s: &Species) -> &str {
    if s.name.is_empty() { "-" } else { &s.name }
}

/// What a structure with these modes is, in a word.
pub(super) fn verdict(modes: &Modes) -> String {
    match order_of_saddle(modes) {
        0 => "minimum".to_owned(),
        n => format!("saddle of order {n}"),
    }
}

/// The table of frequencies.
pub(super) fn frequencies(r: &Results) -> String {
    let mut out = String::new();
    let heads = [
        "isotopologue",
        "mode",
        "wavenumber (cm^-1)",
        "energy (meV)",
        "frequency (THz)",
        "reduced_mass (u)",
        "force_constant (eV/Angstrom^2)",
        "symmetry",
        "kind",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for s in &r.species {
        let least = resolution(&s.modes);
        for (k, m) in s.modes.modes.iter().enumerate() {
            let kind = match m.wavenumber() {
                w if w < -least => "imaginary",
                w if w <= least => "free",
                _ => "real",
            };
            csv_row(
                &mut out,
                [
                    name(s).to_owned(),
                    (k + 1).to_string(),
                    format!("{:.6}", m.wavenumber()),
                    format!("{:.8}", 1e3 * m.energy()),
                    format!("{:.8}", m.terahertz()),
                    format!("{:.8}", m.reduced_mass),
                    format!("{:.8}", m.force_constant()),
                    s.labels.get(k).cloned().unwrap_or_default(),
                    kind.to_owned(),
                ],
            );
        }
    }
    out
}

/// The table of thermochemistry.
pub(super) fn thermochemistry(r: &Results) -> String {
    let mut out = String::new();
    let heads = [
        "isotopologue",
        "temperature (K)",
        "internal_energy (eV)",
        "enthalpy (eV)",
        "entropy (meV/K)",
        "heat_capacity_v (meV/K)",
        "heat_capacity_p (meV/K)",
        "helmholtz_energy (eV)",
        "gibbs_energy (eV)",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for s in &r.species {
        for row in &s.rows {
            // A gas has no classical entropy at 0 K; its other numbers have their limits.
            csv_row(
                &mut out,
                [
                    name(s).to_owned(),
                    format!("{}", row.temperature),
                    format!("{:.9}", row.internal),
                    format!("{:.9}", row.enthalpy),
                    format!("{:.9}", 1e3 * row.entropy),
                    format!("{:.9}", 1e3 * row.cv),
                    format!("{:.9}", 1e3 * row.cp),
                    format!("{:.9}", row.helmholtz),
                    format!("{:.9}", row.gibbs),
                ],
            );
        }
    }
    out
}

/// Everything a program may want to know.
pub(super) fn summary(r: &Results) -> String {
    let species: Vec<Value> = r.species.iter().map(|s| of_species(r, s)).collect();
    let whole = json!({
        "program": format!("zundel {}", env!("CARGO_PKG_VERSION")),
        "job": "vibrations",
        "atoms": r.system.atoms.len(),
        "free_atoms": r.hessian.atoms.len(),
        "energy_eV": r.energy,
        "fmax_eV_per_Angstrom": r.fmax,
        "relaxed": r.trouble.is_empty(),
        "is_minimum": r.species.first().is_some_and(|s| order_of_saddle(&s.modes) == 0),
        "hessian": super::source(&r.hessian),
        "hessian_asymmetry_eV_per_Angstrom2": r.hessian.asymmetry,
        "warnings": super::page::warnings(r),
        "isotopologues": species,
    });
    let mut text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    text.push('\n');
    text
}

fn of_species(_: &Results, s: &Species) -> Value {
    let modes: Vec<Value> = s
        .modes
        .modes
        .iter()
        .enumerate()
        .map(|(k, m)| {
            json!({
                "wavenumber_per_cm": m.wavenumber(),
                "reduced_mass_u": m.reduced_mass,
                "symmetry": s.labels.get(k),
            })
        })
        .collect();
    let (ensemble, moments) = match &s.thermochemistry.ensemble {
        Ensemble::Harmonic { .. } => ("harmonic", Vec::new()),
        Ensemble::IdealGas(gas) => ("ideal gas", gas.moments.clone()),
    };
    let standard = s.thermochemistry.at(298.15);
    json!({
        "name": name(s),
        "is_minimum": order_of_saddle(&s.modes) == 0,
        "imaginary_modes": order_of_saddle(&s.modes),
        "free_modes": free_modes(&s.modes),
        "rigid_motions": s.modes.rigid,
        "largest_rigid_per_cm": wavenumber(s.modes.residual()),
        "largest_mixing_per_cm": wavenumber(s.modes.mixing()),
        "point_group": s.group.as_ref().map(|g| g.name.clone()),
        "symmetry_number": s.symmetry_number,
        "moments_of_inertia_u_Angstrom2": moments,
        "ensemble": ensemble,
        "pressure_bar": s.thermochemistry.pressure * EV_PER_A3_IN_BAR,
        "zero_point_energy_eV": s.thermochemistry.zero_point_energy(),
        "at_298.15_K": {
            "internal_energy_eV": standard.internal,
            "enthalpy_eV": standard.enthalpy,
            "entropy_eV_per_K": standard.entropy,
            "gibbs_energy_eV": standard.gibbs,
        },
        "modes": modes,
    })
}

/// Every mode as a period of its motion, one after the other in one file; each frame says which mode it shows.
pub(super) fn animations(job: &VibrationsDeck, r: &Results) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for s in &r.species {
        for (k, mode) in s.modes.modes.iter().enumerate() {
            let longest = mode
                .displacements
                .iter()
                .map(|d| d.iter().map(|x| x * x).sum::<f64>().sqrt())
                .fold(0.0, f64::max);
            if longest.is_nan() || longest <= 0.0 {
                return Err(Error::Bug("a mode in which nothing moves".into()));
            }
            let scale = job.amplitude / longest;
            for f in 0..job.frames {
                let phase = f as f64 / job.frames as f64;
                let sine = match job.frames {
                    1 => 1.0,
                    _ => (2.0 * std::f64::consts::PI * phase).sin(),
                };
                let mut system = r.system.clone();
                system.atoms.masses.clone_from(&s.masses);
                let flat = system.atoms.positions.as_flattened_mut();
                for (x, d) in flat.iter_mut().zip(mode.displacements.as_flattened()) {
                    *x += sine * scale * d;
                }
                let mut frame = Frame::from(system);
                frame.set_value("isotopologue", name(s));
                frame.set_value("mode", (k + 1) as i64);
                frame.set_value("wavenumber", mode.wavenumber());
                frame.set_value("phase", phase);
                if let Some(label) = s.labels.get(k) {
                    frame.set_value("symmetry", label.as_str());
                }
                frame.set_vectors("displacement", &mode.displacements);
                render_frame(&frame, Format::ExtendedXyz, &mut text)?;
            }
        }
    }
    Ok(text)
}

/// The frequencies as sticks; imaginary ones below zero. The height is the reduced mass, since nothing here knows intensities.
pub(super) fn sticks(r: &Results) -> Result<String> {
    let curves = r.species.iter().map(|s| {
        let points = s.modes.modes.iter();
        let points = points.map(|m| (m.wavenumber(), m.reduced_mass)).collect();
        let title = match (r.species.len(), s.name.as_str()) {
            (1, _) => "",
            (_, "") => "as it is",
            (_, name) => name,
        };
        Curve::line(title, points).styled(CurveStyle::Sticks)
    });
    let all = r.species.iter().flat_map(|s| &s.modes.modes);
    let (low, high) = all.fold((0.0f64, 0.0f64), |(a, b), m| {
        (a.min(m.wavenumber()), b.max(m.wavenumber()))
    });
    let room = 0.02 * (high - low);
    let chart = Chart {
        title: "Normal modes".to_owned(),
        x: "wavenumber (cm⁻¹); imaginary ones are negative".to_owned(),
        y: "reduced mass (u)".to_owned(),
        curves: curves.collect(),
        x_range: (room > 0.0).then_some([low - room, high + room]),
        ..Chart::default()
    };
    chart.svg()
}
