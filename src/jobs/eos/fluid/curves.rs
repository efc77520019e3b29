//! Curves through the points: isotherms and isobars, their slopes, virial coefficients.

use super::table::Row;
use crate::analysis::{Measured, Spline, VirialSeries};
use crate::jobs::outputs::csv_row;
use crate::units::AVOGADRO;
use serde_json::{Value, json};

/// Neighbours on an isotherm whose densities differ by more than this factor may be on two sides of a transition: no curve goes
/// between them.
const JUMP: f64 = 2.5;
/// Points of a curve between two neighbours.
const FINE: usize = 24;
/// One nm^3 per molecule in cm^3/mol.
const NM3_IN_CM3_MOL: f64 = AVOGADRO * 1e-21;

/// A property at a state point.
pub(super) struct Property {
    pub point: String,
    pub temperature: f64,
    pub pressure: f64,
    pub name: &'static str,
    pub unit: &'static str,
    /// Along a curve through neighbours, or from fluctuations at the point itself.
    pub source: &'static str,
    pub value: Measured,
}

/// An isotherm.
pub(super) struct Isotherm {
    pub temperature: f64,
    pub classical: bool,
    /// B2, B3, ... (cm^3/mol, cm^6/mol^2, ...), when the points of low density are described by a series.
    pub virial: Option<VirialSeries>,
    /// Pressure (bar) and density (g/cm^3), one piece for each branch.
    pub pieces: Vec<Vec<(f64, f64)>>,
}

/// Everything that follows from points beside each other.
#[derive(Default)]
pub(super) struct Curves {
    pub isotherms: Vec<Isotherm>,
    pub properties: Vec<Property>,
}

/// The rows in groups of those that are `same`, each in order of `along`.
fn groups(
    rows: &[Row],
    same: impl Fn(&Row, &Row) -> bool,
    along: impl Fn(&Row) -> f64,
) -> Vec<Vec<&Row>> {
    let mut all: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        match all.iter_mut().find(|g| same(g[0], row)) {
            Some(group) => group.push(row),
            None => all.push(vec![row]),
        }
    }
    for group in &mut all {
        group.sort_by(|a, b| along(a).total_cmp(&along(b)));
    }
    all
}

fn isotherms(rows: &[Row]) -> Vec<Vec<&Row>> {
    let same = |a: &Row, b: &Row| {
        a.point.temperature == b.point.temperature && a.point.classical == b.point.classical
    };
    groups(rows, same, |r| r.density.value)
}

/// The parts of an isotherm between jumps of the density, of points that measure the same.
fn branches<'a>(isotherm: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut all: Vec<Vec<&Row>> = Vec::new();
    for kind in [true, false] {
        let mut fresh = true;
        for row in isotherm.iter().filter(|r| r.measures_density() == kind) {
            let near = |last: &Vec<&Row>| {
                let before = last.last().map_or(0.0, |l| l.density.value);
                row.density.value < JUMP * before
            };
            match all.last_mut().filter(|last| !fresh && near(last)) {
                Some(last) => last.push(row),
                None => all.push(vec![row]),
            }
            fresh = false;
        }
    }
    all
}

impl Curves {
    /// From the rows of the table.
    pub fn of(rows: &[Row]) -> Curves {
        let mut curves = Curves::default();
        for isotherm in isotherms(rows) {
            curves.isotherm(&isotherm);
        }
        let same = |a: &Row, b: &Row| {
            a.measures_density()
                && b.measures_density()
                && a.point.condition == b.point.condition
                && a.point.classical == b.point.classical
        };
        for isobar in groups(rows, same, |r| r.point.temperature) {
            curves.isobar(&isobar);
        }
        for row in rows {
            curves.fluctuations(row);
        }
        curves
    }

    /// Whether nothing follows from the points.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.isotherms.iter().all(|i| i.virial.is_none())
    }

    fn isotherm(&mut self, rows: &[&Row]) {
        let points: Vec<(f64, f64, f64)> = rows
            .iter()
            .filter_map(|r| Some((r.number.value, r.factor.value, r.factor.error?)))
            .collect();
        let virial = VirialSeries::fit(&points).map(|mut v| {
            for (k, (b, e)) in v.coefficients.iter_mut().zip(&mut v.errors).enumerate() {
                let unit = NM3_IN_CM3_MOL.powi(k as i32 + 1);
                *b *= unit;
                *e *= unit;
            }
            v
        });
        let mut pieces = Vec::new();
        for branch in branches(rows) {
            let by_pressure = branch[0].measures_density();
            let point = |r: &&&Row| {
                let (x, y) = match by_pressure {
                    true => (r.pressure, r.density),
                    false => (r.density, r.pressure),
                };
                Some((x.value, y.value, y.error?))
            };
            let points: Vec<_> = branch.iter().filter_map(|r| point(&r)).collect();
            let Some(spline) = Spline::through(&points) else {
                continue;
            };
            let turned = |(x, y): (f64, f64)| if by_pressure { (x, y) } else { (y, x) };
            pieces.push(drawn(&spline, &points).into_iter().map(turned).collect());
            for row in &branch {
                let density = row.density.value;
                // 1/bar; a slope that could be zero has no inverse.
                let value = match by_pressure {
                    true => {
                        let (s, e) = spline.slope(row.pressure.value);
                        Some((s / density, e / density))
                    }
                    false => {
                        let (s, e) = spline.slope(density);
                        (s.abs() > 2.0 * e).then(|| (1.0 / (density * s), e / (density * s * s)))
                    }
                };
                let Some((kappa, error)) = value else {
                    continue;
                };
                // 1/bar to 1/GPa.
                self.put(
                    row,
                    "isothermal compressibility",
                    "1/GPa",
                    "isotherm",
                    kappa * 1e4,
                    error * 1e4,
                );
            }
        }
        if let Some(first) = rows.first() {
            self.isotherms.push(Isotherm {
                temperature: first.point.temperature,
                classical: first.point.classical,
                virial,
                pieces,
            });
        }
    }

    fn isobar(&mut self, rows: &[&Row]) {
        let mut piece: Vec<&Row> = Vec::new();
        let mut pieces: Vec<Vec<&Row>> = Vec::new();
        for row in rows.iter().filter(|r| r.measures_density()) {
            if piece
                .last()
                .is_some_and(|l| l.density.value > JUMP * row.density.value)
            {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push(row);
        }
        pieces.push(piece);
        for piece in pieces {
            let point = |r: &&Row| Some((r.point.temperature, r.density.value, r.density.error?));
            let points: Vec<_> = piece.iter().filter_map(point).collect();
            let Some(spline) = Spline::through(&points) else {
                continue;
            };
            for row in piece {
                let (s, e) = spline.slope(row.point.temperature);
                let density = row.density.value;
                self.put(
                    row,
                    "thermal expansion",
                    "1/K",
                    "isobar",
                    -s / density,
                    e / density,
                );
            }
        }
    }

    fn fluctuations(&mut self, row: &Row) {
        let atoms = row.record.atoms as f64 / row.record.molecules.max(1) as f64;
        for (name, m) in &row.record.properties {
            let (name, unit, factor) = match name.as_str() {
                "heat_capacity_cv" => ("heat capacity Cv", "J/mol/K", atoms),
                "heat_capacity_cp" => ("heat capacity Cp", "J/mol/K", atoms),
                "compressibility" => ("isothermal compressibility", "1/GPa", 1.0),
                "thermal_expansion" => ("thermal expansion", "1/K", 1.0),
                _ => continue,
            };
            let value = m.times(factor);
            let property = property(row, name, unit, "fluctuations", value);
            self.properties.push(property);
        }
    }

    fn put(
        &mut self,
        row: &Row,
        name: &'static str,
        unit: &'static str,
        source: &'static str,
        value: f64,
        error: f64,
    ) {
        let value = Measured {
            value,
            error: Some(error),
        };
        self.properties
            .push(property(row, name, unit, source, value));
    }
}

fn property(
    row: &Row,
    name: &'static str,
    unit: &'static str,
    source: &'static str,
    value: Measured,
) -> Property {
    Property {
        point: row.point.name.clone(),
        temperature: row.point.temperature,
        pressure: row.pressure.value,
        name,
        unit,
        source,
        value,
    }
}

/// A spline as a line.
fn drawn(spline: &Spline, points: &[(f64, f64, f64)]) -> Vec<(f64, f64)> {
    let mut places: Vec<f64> = points.iter().map(|p| p.0).collect();
    places.sort_by(f64::total_cmp);
    let mut line = Vec::new();
    for pair in places.windows(2) {
        for k in 0..FINE {
            let x = pair[0] + (pair[1] - pair[0]) * k as f64 / FINE as f64;
            line.push((x, spline.value(x).0));
        }
    }
    line.extend(places.last().map(|&x| (x, spline.value(x).0)));
    line
}

/// What is odd about points beside each other.
pub(super) fn oddities(rows: &[Row]) -> Vec<String> {
    let mut all = Vec::new();
    for isotherm in isotherms(rows) {
        for pair in isotherm.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let error = |m: Measured| m.error.unwrap_or(0.0);
            let fall = a.pressure.value - b.pressure.value;
            let doubt = (error(a.pressure).powi(2) + error(b.pressure).powi(2)).sqrt();
            // In order of the density; where that was measured, it is known as well as its error.
            let known = b.density.value - a.density.value
                > 2.0 * (error(a.density).powi(2) + error(b.density).powi(2)).sqrt();
            if fall > 2.0 * doubt && known {
                all.push(format!(
                    "negative compressibility: between {} and {} the pressure falls by {fall:.1} bar while the density rises: two phases, or runs that have not come to rest",
                    a.point.title(),
                    b.point.title()
                ));
            }
            if a.measures_density()
                && b.measures_density()
                && b.density.value > JUMP * a.density.value
            {
                all.push(format!(
                    "between {} and {} the density jumps from {:.4} to {:.4} g/cm^3: there may be a transition; a point near it keeps the phase that it started in for long",
                    a.point.title(),
                    b.point.title(),
                    a.density.value,
                    b.density.value
                ));
            }
        }
    }
    all
}

fn cell(x: Option<f64>) -> String {
    x.map_or(String::new(), |x| format!("{x:.6e}"))
}

/// The table of properties and coefficients.
pub(super) fn csv(curves: &Curves) -> String {
    let mut out = String::new();
    let heads = [
        "quantity", "source", "point", "T (K)", "P (bar)", "value", "error", "unit",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for isotherm in &curves.isotherms {
        for (k, b, e) in coefficients(isotherm) {
            csv_row(
                &mut out,
                [
                    format!("B{k}"),
                    "virial series".to_owned(),
                    if isotherm.classical { "classical" } else { "" }.to_owned(),
                    isotherm.temperature.to_string(),
                    String::new(),
                    cell(Some(b)),
                    cell(Some(e)),
                    unit(k),
                ],
            );
        }
    }
    for p in &curves.properties {
        csv_row(
            &mut out,
            [
                p.name.to_owned(),
                p.source.to_owned(),
                p.point.clone(),
                p.temperature.to_string(),
                format!("{:.6}", p.pressure),
                cell(Some(p.value.value)),
                cell(p.value.error),
                p.unit.to_owned(),
            ],
        );
    }
    out
}

/// Number (2, 3, ...), value and error of the coefficients of an isotherm.
pub(super) fn coefficients(isotherm: &Isotherm) -> Vec<(usize, f64, f64)> {
    let Some(v) = &isotherm.virial else {
        return Vec::new();
    };
    let pairs = v.coefficients.iter().zip(&v.errors).enumerate();
    pairs.map(|(k, (b, e))| (k + 2, *b, *e)).collect()
}

/// The unit of the virial coefficient of a number.
pub(super) fn unit(number: usize) -> String {
    match number {
        2 => "cm^3/mol".to_owned(),
        n => format!("cm^{}/mol^{}", 3 * (n - 1), n - 1),
    }
}

/// The same for programs.
pub(super) fn json(curves: &Curves) -> Value {
    let isotherms: Vec<Value> = curves
        .isotherms
        .iter()
        .map(|i| {
            let all: Vec<Value> = coefficients(i)
                .into_iter()
                .map(|(k, b, e)| json!({ "name": format!("B{k}"), "value": b, "error": e, "unit": unit(k) }))
                .collect();
            json!({
                "temperature_K": i.temperature,
                "classical": i.classical,
                "virial_series": all,
                "points_fitted": i.virial.as_ref().map(|v| v.points),
                "chi_square": i.virial.as_ref().and_then(|v| v.chi_square),
            })
        })
        .collect();
    let properties: Vec<Value> = curves
        .properties
        .iter()
        .map(|p| {
            json!({
                "name": p.name, "source": p.source, "point": p.point, "temperature_K": p.temperature,
                "pressure_bar": p.pressure, "value": p.value.value, "error": p.value.error, "unit": p.unit,
            })
        })
        .collect();
    json!({ "isotherms": isotherms, "properties": properties })
}
