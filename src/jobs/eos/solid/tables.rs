//! What programs read: points, enthalpies and thermal properties as CSV, the summary as JSON.

use super::results::{self, Curve, Results};
use super::thermal::Thermal;
use crate::analysis::equation_of_state::Fit;
use crate::deck::SolidDeck;
use crate::jobs::outputs::csv_row;
use crate::units::EV_PER_A3_IN_GPA as GPA;
use serde_json::{Map, Value, json};

/// A number for a table; nothing for what is not known.
pub(super) fn cell(x: Option<f64>, digits: usize) -> String {
    let text = x.filter(|x| x.is_finite()).map(|x| format!("{x:.digits$}"));
    let text = text.unwrap_or_default();
    // Rounding around zero has no sign.
    match text.strip_prefix('-') {
        Some(rest) if !rest.contains(|c: char| ('1'..='9').contains(&c)) => rest.to_owned(),
        _ => text,
    }
}

/// Points of all phases, with what each form makes of them.
pub(super) fn points(r: &Results) -> String {
    let mut out = String::new();
    let mut heads: Vec<String> = [
        "phase",
        "ratio",
        "volume_A3_per_atom",
        "energy_eV_per_atom",
        "pressure_virial_GPa",
        "pressure_fit_GPa",
        "other_stress_GPa",
        "fmax_eV_per_A",
        "relaxed",
    ]
    .map(str::to_owned)
    .to_vec();
    let forms: Vec<_> = r
        .curves
        .first()
        .map_or(Vec::new(), |c| c.fits.iter().map(|f| f.0.word()).collect());
    heads.extend(forms.iter().map(|f| format!("energy_{f}_eV_per_atom")));
    csv_row(&mut out, heads);
    for c in &r.curves {
        for p in &c.points {
            let fitted = c.chosen.map(|f| f.equation.pressure_at(p.volume) * GPA);
            let mut row = vec![
                c.phase.name.clone(),
                format!("{:.6}", p.ratio),
                format!("{:.8}", p.volume),
                format!("{:.9}", p.energy),
                cell(p.pressure.map(|p| p * GPA), 6),
                cell(fitted, 6),
                cell(Some(p.shear * GPA), 6),
                format!("{:.2e}", p.fmax),
                u8::from(p.converged).to_string(),
            ];
            let energies = c.fits.iter();
            row.extend(energies.map(|(_, f)| cell(f.map(|f| f.equation.energy_at(p.volume)), 9)));
            csv_row(&mut out, row);
        }
    }
    out
}

/// Enthalpies and volumes of all phases against pressure, and the stable one.
pub(super) fn enthalpies(r: &Results) -> String {
    let mut out = String::new();
    let mut heads = vec!["pressure_GPa".to_owned(), "stable".to_owned()];
    for c in &r.curves {
        let name = &c.phase.name;
        heads.push(format!("enthalpy_{name}_eV_per_atom"));
        heads.push(format!("volume_{name}_A3_per_atom"));
        heads.push(format!("bulk_modulus_{name}_GPa"));
        heads.push(format!("extrapolated_{name}"));
    }
    csv_row(&mut out, heads);
    for p in r.pressures() {
        let stable = r.stable(p).map_or("", |k| r.name(k));
        let mut row = vec![cell(Some(p * GPA), 6), stable.to_owned()];
        for c in &r.curves {
            let at = c.enthalpy(p);
            let modulus = at
                .zip(c.chosen)
                .map(|((_, v), f)| f.equation.bulk_modulus_at(v) * GPA);
            row.push(cell(at.map(|a| a.0), 9));
            row.push(cell(at.map(|a| a.1), 6));
            row.push(cell(modulus, 4));
            row.push(at.map_or(String::new(), |a| u8::from(!c.covers(a.1)).to_string()));
        }
        csv_row(&mut out, row);
    }
    out
}

/// Properties against temperature.
pub(super) fn thermal(r: &Results, t: &Thermal) -> String {
    /// eV/K per atom in J/K per mole of atoms.
    const MOLAR: f64 = crate::jobs::phonons::tables::MOLAR;
    let mut out = String::new();
    let heads = [
        "phase",
        "temperature_K",
        "pressure_GPa",
        "volume_A3_per_atom",
        "gibbs_eV_per_atom",
        "volume_expansion_per_K",
        "bulk_modulus_GPa",
        "heat_capacity_p_J_per_K_mol",
        "entropy_J_per_K_mol",
        "grueneisen",
        "why_not",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for (k, phase) in t.phases.iter().enumerate() {
        for (temperature, row) in &phase.rows {
            let e = row.as_ref().ok();
            let of = |f: &dyn Fn(&crate::vibrations::quasi_harmonic::Expanded) -> f64| e.map(f);
            let why = row
                .as_ref()
                .err()
                .map_or("", |w| crate::jobs::phonons::tables::lost(*w));
            csv_row(
                &mut out,
                [
                    r.name(k).to_owned(),
                    format!("{temperature}"),
                    cell(Some(t.pressure * GPA), 4),
                    cell(of(&|e| e.volume), 6),
                    cell(of(&|e| e.gibbs), 9),
                    of(&|e| e.expansion).map_or(String::new(), |x| format!("{x:.6e}")),
                    cell(of(&|e| e.bulk_modulus * GPA), 4),
                    cell(of(&|e| e.heat_capacity_p * MOLAR), 6),
                    cell(of(&|e| e.entropy * MOLAR), 6),
                    cell(of(&|e| e.grueneisen), 5),
                    why.to_owned(),
                ],
            );
        }
    }
    out
}

/// Transitions against temperature.
pub(super) fn boundaries(r: &Results, t: &Thermal) -> String {
    let mut out = String::new();
    let heads = ["temperature_K", "pressure_GPa", "below", "above"];
    csv_row(&mut out, heads.map(str::to_owned));
    for (temperature, sequence) in &t.boundaries {
        for x in &sequence.transitions {
            let names = x.phases.map(|p| r.name(p).to_owned());
            let [below, above] = names;
            let pressure = cell(Some(x.pressure * GPA), 6);
            csv_row(&mut out, [format!("{temperature}"), pressure, below, above]);
        }
    }
    out
}

/// Parameters of a fit with their errors, in the units of people.
pub(super) fn parameters(f: &Fit) -> [(&'static str, f64, Option<f64>); 5] {
    const NAMES: [&str; 5] = [
        "energy_eV_per_atom",
        "volume_A3_per_atom",
        "bulk_modulus_GPa",
        "bulk_modulus_derivative",
        "bulk_modulus_second_derivative_per_GPa",
    ];
    const UNITS: [f64; 5] = [1.0, 1.0, GPA, 1.0, 1.0 / GPA];
    let values = f.equation.parameters();
    let free = f.equation.form.free();
    std::array::from_fn(|k| {
        let error = f.errors.filter(|_| k < free).map(|e| e[k] * UNITS[k]);
        (NAMES[k], values[k] * UNITS[k], error)
    })
}

fn fitted(c: &Curve, f: &Fit) -> Value {
    let mut all = Map::new();
    for (name, value, error) in parameters(f) {
        all.insert(name.to_owned(), json!(value));
        all.insert(format!("{name}_error"), json!(error));
    }
    all.insert("residual_eV_per_atom".to_owned(), json!(f.residual));
    let deviation = f.deviation(c.points.len());
    all.insert(
        "standard_deviation_eV_per_atom".to_owned(),
        json!(deviation),
    );
    all.insert(
        "minimum_is_covered".to_owned(),
        json!(c.covers(f.equation.volume)),
    );
    Value::Object(all)
}

fn curve(c: &Curve) -> Value {
    let fits: Map<String, Value> = c
        .fits
        .iter()
        .map(|(form, f)| (form.word().to_owned(), json!(f.map(|f| fitted(c, &f)))))
        .collect();
    let (lengths, angles) = c.phase.system.cell.lengths_and_angles();
    json!({
        "name": c.phase.name,
        "atoms": c.phase.system.atoms.len(),
        "space_group": c.phase.group.as_ref().map(|g| g.name()),
        "reference_volume_A3_per_atom": c.phase.volume(),
        "reference_cell_A": lengths,
        "reference_cell_degrees": angles,
        "volumes": c.points.len(),
        "evaluations": c.points.iter().map(|p| p.calls).sum::<u64>(),
        "fits": fits,
        "pressure_reach_GPa": c.reach.map(|r| r.map(|p| p * GPA)),
        "virial_difference_GPa": c.agreement.map(|a| a.difference * GPA),
    })
}

/// Everything a program may want to know.
pub(super) fn summary(job: &SolidDeck, r: &Results) -> String {
    let transitions: Vec<Value> = r
        .sequence
        .transitions
        .iter()
        .map(|t| {
            let volumes = t
                .phases
                .map(|p| r.curves[p].enthalpy(t.pressure).map(|e| e.1));
            let covered = |k: usize| volumes[k].is_some_and(|v| r.curves[t.phases[k]].covers(v));
            json!({
                "below": r.name(t.phases[0]),
                "above": r.name(t.phases[1]),
                "pressure_GPa": t.pressure * GPA,
                "volumes_A3_per_atom": volumes,
                "extrapolated": !(covered(0) && covered(1)),
            })
        })
        .collect();
    let thermal = r.thermal.as_ref().map(|t| {
        let boundaries: Vec<Value> = t
            .boundaries
            .iter()
            .flat_map(|(temperature, s)| {
                s.transitions.iter().map(move |x| {
                    json!({
                        "temperature_K": temperature,
                        "pressure_GPa": x.pressure * GPA,
                        "below": r.name(x.phases[0]),
                        "above": r.name(x.phases[1]),
                    })
                })
            })
            .collect();
        let used: Vec<usize> = t.phases.iter().map(|p| p.points.len()).collect();
        json!({
            "pressure_GPa": t.pressure * GPA,
            "volumes_used": used,
            "boundaries": boundaries,
        })
    });
    let whole = json!({
        "program": format!("zundel {}", env!("CARGO_PKG_VERSION")),
        "job": "eos.solid",
        "equation": r.form.word(),
        "errors": "standard errors by the covariance of least squares; energies without noise are left by a form in a smooth way, so that they say how well it suits the volumes",
        "phases": r.curves.iter().map(curve).collect::<Vec<_>>(),
        "pressures_GPa": r.range.map(|(a, b)| [a * GPA, b * GPA]),
        "stable_at_lowest_pressure": r.sequence.first.map(|k| r.name(k)),
        "transitions": transitions,
        "thermal": thermal,
        "warnings": results::warnings(job, r),
    });
    let mut text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    text.push('\n');
    text
}
