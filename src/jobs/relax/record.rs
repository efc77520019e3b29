//! What is written of a relaxed structure: a frame and a row.

use super::source::Start;
use crate::error::Result;
use crate::io::{Format, Frame, Value, render_frame};
use crate::jobs::outputs::csv_row;
use crate::relax::{CellSettings, End, Outcome};
use crate::system::{SpaceGroup, System};
use crate::units::EV_PER_A3_IN_GPA;

/// A relaxed structure with what is said of it.
pub(super) struct Record {
    /// The frame as extended XYZ.
    pub frame: Vec<u8>,
    /// Its row of the table.
    pub row: String,
    /// In few numbers.
    pub brief: Brief,
}

/// A relaxed structure in few numbers.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Brief {
    pub number: usize,
    pub name: String,
    pub end: String,
    pub converged: bool,
    pub steps: u64,
    pub calls: u64,
    pub fmax: f64,
    pub enthalpy_per_atom: f64,
    /// The lowest curvature (eV/Å^2), when it was looked for.
    pub curvature: Option<f64>,
    /// Space groups before and after.
    pub groups: Option<(String, String)>,
    /// Space-group operations after over before.
    pub symmetry_change: Option<(usize, usize)>,
}

/// The columns of the table.
const COLUMNS: [&str; 17] = [
    "structure",
    "file",
    "frame",
    "atoms",
    "end",
    "steps",
    "calls",
    "energy (eV)",
    "energy (eV/atom)",
    "enthalpy (eV)",
    "fmax (eV/Å)",
    "stress excess (GPa)",
    "pressure (GPa)",
    "volume (Å^3/atom)",
    "space group before",
    "space group",
    "lowest curvature (eV/Å^2)",
];

/// The head of the table.
pub(super) fn head() -> String {
    let mut text = String::new();
    csv_row(&mut text, COLUMNS.map(str::to_owned));
    text
}

/// The space group, where there is one.
pub(super) fn group(system: &System, tolerance: f64) -> Option<(String, usize)> {
    let found = SpaceGroup::of(system, tolerance).ok()?;
    Some((found.name(), found.operations.len()))
}

/// The frame of a structure with results.
pub(super) fn annotated(
    mut frame: Frame,
    system: &System,
    energy: f64,
    stress: [[f64; 3]; 3],
    forces: &[[f64; 3]],
) -> Frame {
    // Names that mean the same in other programs' files must not contradict ours.
    const KEYS: [&str; 6] = [
        "energy",
        "free_energy",
        "virial",
        "stress",
        "converged",
        "fmax",
    ];
    frame.info.retain(|(key, _)| !KEYS.contains(&key.as_str()));
    const NAMES: [&str; 6] = [
        "forces",
        "force",
        "local_energy",
        "variance",
        "grade",
        "distance",
    ];
    frame.columns.retain(|c| !NAMES.contains(&c.name.as_str()));
    frame.system.cell.clone_from(&system.cell);
    frame
        .system
        .atoms
        .positions
        .clone_from(&system.atoms.positions);
    frame
        .system
        .atoms
        .velocities
        .iter_mut()
        .for_each(|v| *v = [0.0; 3]);
    frame.has_velocities = false;
    frame.set_value("energy", Value::Real(energy));
    if system.cell.is_bulk() {
        let stress = stress.as_flattened().to_vec();
        frame.set_value("stress", Value::Reals(stress));
    }
    frame.set_vectors("forces", forces);
    frame
}

/// The record of a structure that was relaxed.
pub(super) fn record(
    start: Start,
    system: &System,
    outcome: &Outcome,
    before: Option<(String, usize)>,
    tolerance: f64,
    cell: Option<&CellSettings>,
) -> Result<Record> {
    let m = &outcome.measure;
    let atoms = system.atoms.len().max(1) as f64;
    let failed = matches!(outcome.end, End::Failed(_)) && outcome.steps == 0;
    let after = before.as_ref().and_then(|_| group(system, tolerance));
    let name = match start.frame {
        Some(frame) => format!("{} frame {frame}", start.file.display()),
        None => start.file.display().to_string(),
    };
    let curvature = outcome.curvature.as_ref().map(|c| c.lowest);
    let number = |x: f64| {
        if failed {
            String::new()
        } else {
            format!("{x:.12e}")
        }
    };
    let bulk = system.cell.is_bulk() && !failed;
    let in_bulk = |x: f64| {
        if bulk {
            format!("{x:.6}")
        } else {
            String::new()
        }
    };
    let pressure = -(m.stress[0][0] + m.stress[1][1] + m.stress[2][2]) / 3.0;
    let excess = match cell {
        Some(_) if bulk => format!("{:.3e}", m.stress_excess * EV_PER_A3_IN_GPA),
        _ => String::new(),
    };
    let mut row = String::new();
    let words = |g: &Option<(String, usize)>| g.as_ref().map_or(String::new(), |g| g.0.clone());
    csv_row(
        &mut row,
        [
            start.number.to_string(),
            start.file.display().to_string(),
            start.frame.map_or(String::new(), |f| f.to_string()),
            system.atoms.len().to_string(),
            outcome.end.word().to_owned(),
            outcome.steps.to_string(),
            outcome.calls.to_string(),
            number(m.energy),
            number(m.energy / atoms),
            number(m.enthalpy),
            if failed {
                String::new()
            } else {
                format!("{:.3e}", m.fmax)
            },
            excess,
            in_bulk(pressure * EV_PER_A3_IN_GPA),
            in_bulk(m.volume / atoms),
            words(&before),
            words(&after),
            curvature.map_or(String::new(), |c| format!("{c:.6}")),
        ],
    );
    let forces: &[[f64; 3]] = &outcome.evaluation.forces;
    let mut frame = if failed {
        start.content
    } else {
        annotated(start.content, system, m.energy, m.stress, forces)
    };
    frame.set_value("converged", outcome.converged());
    frame.set_value("end", outcome.end.word());
    frame.set_value("steps", outcome.steps as i64);
    frame.set_value("calls", outcome.calls as i64);
    if !failed {
        frame.set_value("fmax", Value::Real(m.fmax));
    }
    if m.enthalpy != m.energy {
        frame.set_value("enthalpy", Value::Real(m.enthalpy));
    }
    if let (Some(b), Some(a)) = (&before, &after) {
        frame.set_value("space_group_before", b.0.as_str());
        frame.set_value("space_group", a.0.as_str());
    }
    if let Some(c) = curvature {
        frame.set_value("lowest_curvature", Value::Real(c));
    }
    let mut text = Vec::new();
    render_frame(&frame, Format::ExtendedXyz, &mut text)?;
    Ok(Record {
        frame: text,
        row,
        brief: Brief {
            number: start.number,
            name,
            end: outcome.end.word().to_owned(),
            converged: outcome.converged(),
            steps: outcome.steps,
            calls: outcome.calls,
            fmax: m.fmax,
            enthalpy_per_atom: m.enthalpy / atoms,
            curvature,
            symmetry_change: before.as_ref().zip(after.as_ref()).map(|(b, a)| (b.1, a.1)),
            groups: before.zip(after).map(|(b, a)| (b.0, a.0)),
        },
    })
}
