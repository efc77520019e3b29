//! The rows of the table: what each state point says, in the units of a person.

use super::curves::Curves;
use super::point::{Condition, Point};
use super::record::Record;
use super::reference::Reference;
use super::start::Fluid;
use super::{advance, curves};
use crate::analysis::Measured;
use crate::deck::{Deck, FluidDeck};
use crate::error::{Error, Result};
use crate::jobs::outputs::csv_row;
use crate::jobs::parts;
use crate::potential::{Evaluation, Evaluator, Want};
use crate::units::{AMU_PER_A3_IN_G_PER_CM3, BOLTZMANN, EV_IN_KJ_MOL, EV_PER_A3_IN_BAR};
use serde_json::json;

/// A finished state point.
pub(super) struct Row {
    pub point: Point,
    pub record: Record,
    /// Bar; the given one has no error.
    pub pressure: Measured,
    /// g/cm^3; the given one has no error.
    pub density: Measured,
    /// Molecules (or atoms) in a nm^3.
    pub number: Measured,
    /// P V/(N k T).
    pub factor: Measured,
    /// kJ/mol of molecules.
    pub energy: Measured,
    /// kJ/mol: the enthalpy of the ideal gas above that of the fluid.
    pub vaporisation: Option<Measured>,
    /// What the table to compare with has in the place of what was measured, in its unit.
    pub reference: Option<f64>,
}

impl Row {
    /// Whether the density is what was measured.
    pub fn measures_density(&self) -> bool {
        matches!(self.point.condition, Condition::Pressure(..))
    }

    /// What was measured, and its unit.
    pub fn measured(&self) -> (Measured, &'static str) {
        match self.measures_density() {
            true => (self.density, "g/cm^3"),
            false => (self.pressure, "bar"),
        }
    }

    /// The deviation from the table to compare with: in per cent of a density, in bar of a pressure.
    pub fn deviation(&self) -> Option<Measured> {
        let reference = self.reference?;
        let (found, _) = self.measured();
        let off = Measured {
            value: found.value - reference,
            error: found.error,
        };
        Some(match self.measures_density() {
            true => off.times(100.0 / reference),
            false => off,
        })
    }
}

/// Quantum minus classical.
pub(super) struct Shift {
    pub title: String,
    pub difference: Measured,
    pub unit: &'static str,
    /// Per cent of the classical value.
    pub percent: Measured,
}

/// Everything that was found.
pub(super) struct Results {
    pub rows: Vec<Row>,
    pub shifts: Vec<Shift>,
    pub curves: Curves,
    pub reference: Option<Reference>,
    /// Whether molecules have more than one atom.
    pub molecular: bool,
    /// What is odd about points beside each other.
    pub remarks: Vec<String>,
}

/// The root of the sum of squares of errors.
pub(super) fn quadrature(errors: &[Option<f64>]) -> Option<f64> {
    let squares: Option<Vec<f64>> = errors.iter().map(|e| e.map(|e| e * e)).collect();
    squares.map(|s| s.iter().sum::<f64>().sqrt())
}

impl Results {
    /// From the points that are finished.
    pub fn of(
        deck: &Deck,
        job: &FluidDeck,
        fluid: &Fluid,
        found: Vec<(Point, Record)>,
    ) -> Result<Results> {
        let reference = job.reference.as_deref().map(Reference::read).transpose()?;
        let mut remarks = Vec::new();
        let (molecules, points): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(p, _)| p.condition == Condition::Molecule);
        let atom = match job.vapour.is_some() && !fluid.is_molecular() {
            true => match energy_of_atom(deck, fluid) {
                Ok(e) => Some(e),
                Err(e) => {
                    remarks.push(format!("no heats of vaporisation: {e}"));
                    None
                }
            },
            false => None,
        };
        let gas = |p: &Point| {
            let same = |m: &&(Point, Record)| {
                m.0.temperature == p.temperature && m.0.classical == p.classical
            };
            let one = molecules.iter().find(same).map(|m| m.1.energy);
            one.or(atom.map(|value| Measured {
                value,
                error: Some(0.0),
            }))
        };
        let rows: Vec<Row> = points
            .into_iter()
            .filter_map(|(point, record)| {
                let gas = gas(&point);
                row(point, record, gas, reference.as_ref())
            })
            .collect();
        let curves = Curves::of(&rows);
        remarks.extend(curves::oddities(&rows));
        Ok(Results {
            shifts: shifts(&rows),
            rows,
            curves,
            reference,
            molecular: fluid.is_molecular(),
            remarks,
        })
    }

    /// Everything that a person should not overlook; sentences.
    pub fn warnings(&self) -> Vec<String> {
        let of_points = self.rows.iter().flat_map(|r| {
            let title = r.point.title();
            r.record
                .remarks
                .iter()
                .map(move |m| format!("{title}: {m}"))
        });
        of_points.chain(self.remarks.iter().cloned()).collect()
    }
}

/// Energy (eV) of one atom without others.
fn energy_of_atom(deck: &Deck, fluid: &Fluid) -> Result<f64> {
    let point = Point {
        name: String::new(),
        temperature: 0.0,
        condition: Condition::Molecule,
        start: None,
        wanted: f64::INFINITY,
        classical: true,
    };
    let one = fluid.start(&point, &deck.system)?;
    let (terms, _) = parts::deck_terms(deck, &one)?;
    let mut result = [Evaluation::default()];
    Evaluator::new(terms, 0.0)
        .evaluate(&[one.configuration()], Want::DYNAMICS, &mut result)
        .map_err(|e| {
            let (reason, advice) = parts::describe_evaluation_error(e, &one);
            Error::file(&deck.system.structure, reason).advise(advice)
        })?;
    Ok(result[0].energy)
}

/// The row of a point; none when its result lacks what it should have.
fn row(
    point: Point,
    record: Record,
    gas: Option<Measured>,
    reference: Option<&Reference>,
) -> Option<Row> {
    let exact = |value: f64| Measured {
        value,
        error: Some(0.0),
    };
    let found = advance::density_of(&record)?;
    let (pressure, density) = match &point.condition {
        Condition::Pressure(p, _) => (exact(p * EV_PER_A3_IN_BAR), found),
        Condition::Density(d, _) => (record.pressure?, exact(d * AMU_PER_A3_IN_G_PER_CM3)),
        Condition::Molecule => return None,
    };
    let n = record.molecules.max(1) as f64;
    let kt = BOLTZMANN * point.temperature;
    let per_density = n / record.mass_amu * 1e3 / AMU_PER_A3_IN_G_PER_CM3;
    let number = density.times(per_density);
    // One of the two has no error.
    let ideal = number.value * 1e-3 * kt * EV_PER_A3_IN_BAR;
    let z = pressure.value / ideal;
    let relative = |m: Measured| m.error.map(|e| e / m.value.abs().max(f64::MIN_POSITIVE));
    let factor = Measured {
        value: z,
        error: match &point.condition {
            Condition::Pressure(..) => relative(density).map(|e| e * z.abs()),
            _ => pressure.error.map(|e| e / ideal),
        },
    };
    let energy = record.energy.times(EV_IN_KJ_MOL / n);
    let pv = pressure.value / EV_PER_A3_IN_BAR / (number.value * 1e-3);
    let vaporisation = gas.map(|gas| {
        let gas = gas.times(EV_IN_KJ_MOL);
        let mechanical = (kt - pv) * EV_IN_KJ_MOL;
        let of_volume = factor.error.map(|e| e * kt * EV_IN_KJ_MOL);
        Measured {
            value: gas.value - energy.value + mechanical,
            error: quadrature(&[gas.error, energy.error, of_volume]),
        }
    });
    let compared = reference.and_then(|r| match &point.condition {
        Condition::Pressure(..) => r.density(point.temperature, pressure.value),
        _ => r.pressure(point.temperature, density.value),
    });
    Some(Row {
        pressure,
        density,
        number,
        factor,
        energy,
        vaporisation,
        reference: compared,
        point,
        record,
    })
}

/// Quantum minus classical, of points that were run both ways.
fn shifts(rows: &[Row]) -> Vec<Shift> {
    let twin = |q: &Row| {
        rows.iter().find(|c| {
            c.point.classical
                && c.point.temperature == q.point.temperature
                && c.point.condition == q.point.condition
        })
    };
    let quantum = rows.iter().filter(|r| !r.point.classical);
    quantum
        .filter_map(|q| {
            let c = twin(q)?;
            let ((a, unit), (b, _)) = (q.measured(), c.measured());
            // Runs of their own: their errors do not know of each other.
            let difference = Measured {
                value: a.value - b.value,
                error: quadrature(&[a.error, b.error]),
            };
            Some(Shift {
                title: q.point.title(),
                unit,
                percent: difference.times(100.0 / b.value),
                difference,
            })
        })
        .collect()
}

/// The most important number of a point.
pub(super) fn headline(point: &Point, record: &Record) -> String {
    let with = |m: Measured, decimals: usize, unit: &str| {
        let error = match m.error {
            Some(e) => format!("{e:.decimals$}"),
            None => "?".to_owned(),
        };
        format!("{:.decimals$} ± {error} {unit}", m.value)
    };
    match &point.condition {
        Condition::Pressure(..) => {
            advance::density_of(record).map_or(String::new(), |d| with(d, 4, "g/cm^3"))
        }
        Condition::Density(..) => record.pressure.map_or(String::new(), |p| with(p, 1, "bar")),
        Condition::Molecule => with(record.energy, 5, "eV"),
    }
}

/// A number with its error as cells.
fn cells(m: Option<Measured>) -> [String; 2] {
    match m {
        None => [String::new(), String::new()],
        Some(m) => [
            format!("{:.8e}", m.value),
            m.error.map_or(String::new(), |e| format!("{e:.3e}")),
        ],
    }
}

/// The table.
pub(super) fn csv(results: &Results) -> String {
    let mut out = String::new();
    let heads = [
        "point",
        "nuclei",
        "T (K)",
        "P (bar)",
        "P_error (bar)",
        "density (g/cm^3)",
        "density_error (g/cm^3)",
        "number_density (1/nm^3)",
        "number_density_error (1/nm^3)",
        "Z",
        "Z_error",
        "energy (kJ/mol)",
        "energy_error (kJ/mol)",
        "vaporisation (kJ/mol)",
        "vaporisation_error (kJ/mol)",
        "reference",
        "deviation (% or bar)",
        "deviation_error",
        "mean_temperature (K)",
        "independent_samples",
        "inefficiency (fs)",
        "discarded (ps)",
        "length (ps)",
        "error_reached",
        "remarks",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for r in &results.rows {
        let record = &r.record;
        let ps = |steps: u64| format!("{:.6}", steps as f64 * record.timestep_fs * 1e-3);
        let mut row = vec![
            r.point.name.clone(),
            nuclei(r).to_owned(),
            format!("{}", r.point.temperature),
        ];
        for m in [r.pressure, r.density, r.number, r.factor, r.energy] {
            row.extend(cells(Some(m)));
        }
        row.extend(cells(r.vaporisation));
        row.push(r.reference.map_or(String::new(), |x| format!("{x:.6}")));
        row.extend(cells(r.deviation()));
        row.extend([
            format!("{:.4}", record.temperature.value),
            format!("{:.1}", record.independent),
            format!("{:.2}", record.inefficiency_fs),
            ps(record.discarded),
            ps(record.steps),
            if record.met { "yes" } else { "no" }.to_owned(),
            record.remarks.join("; "),
        ]);
        csv_row(&mut out, row);
    }
    out
}

/// Which nuclei a row is of.
pub(super) fn nuclei(r: &Row) -> &'static str {
    if r.record.quantum {
        "quantum"
    } else {
        "classical"
    }
}

/// Everything that a program may want to know.
pub(super) fn json(results: &Results) -> Result<String> {
    let rows: Vec<serde_json::Value> = results
        .rows
        .iter()
        .map(|r| {
            json!({
                "point": r.point.name,
                "temperature_K": r.point.temperature,
                "given": if r.measures_density() { "pressure" } else { "density" },
                "nuclei": nuclei(r),
                "pressure_bar": r.pressure,
                "density_g_cm3": r.density,
                "number_density_nm-3": r.number,
                "compressibility_factor": r.factor,
                "energy_kJ_mol": r.energy,
                "vaporisation_kJ_mol": r.vaporisation,
                "reference": r.reference,
                "deviation": r.deviation(),
                "record": r.record,
            })
        })
        .collect();
    let shifts: Vec<serde_json::Value> = results
        .shifts
        .iter()
        .map(|s| {
            json!({ "point": s.title, "difference": s.difference, "unit": s.unit, "percent": s.percent })
        })
        .collect();
    let whole = json!({
        "program": format!("zundel {}", env!("CARGO_PKG_VERSION")),
        "job": "eos.fluid",
        "errors": "standard errors (one sigma) with Student's factor for the number of independent samples",
        "points": rows,
        "quantum_shift": shifts,
        "curves": curves::json(&results.curves),
        "warnings": results.warnings(),
    });
    let mut text = serde_json::to_string_pretty(&whole).map_err(|e| Error::Bug(e.to_string()))?;
    text.push('\n');
    Ok(text)
}
