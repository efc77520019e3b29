//! A table to compare with: densities at temperatures and pressures, interpolated along isotherms.

use crate::error::{Error, Result};
use crate::jobs::eos::columns::Columns;
use std::path::Path;

/// Isotherms of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reference {
    branches: Vec<Branch>,
}

/// Points of one temperature and one phase, in order of the pressure: pressure (bar), density (g/cm^3).
#[derive(Clone, Debug, PartialEq)]
struct Branch {
    temperature: f64,
    points: Vec<(f64, f64)>,
}

/// Temperatures (K) that differ by less are one.
const SAME: f64 = 0.05;
/// Neighbours on an isotherm between which the density rises by more than this times the ratio of their pressures (which is how a gas does it) are on two
/// sides of a transition.
const JUMP: f64 = 2.5;

impl Reference {
    /// Reads a table with columns `T_K`, `P_bar`, `rho_kg_m3` and, perhaps, `phase`; other columns are not looked at.
    ///
    /// Errors when a column is missing or a number cannot be read, with the line.
    pub fn read(path: &Path) -> Result<Reference> {
        let table = Columns::read(path)?;
        let column = |name: &str| {
            table.column(name).ok_or_else(|| {
                Error::file(path, format!("there is no column `{name}`"))
                    .advise("a table to compare with has columns T_K, P_bar and rho_kg_m3 in its first line")
            })
        };
        let [t, p, rho] = [column("T_K")?, column("P_bar")?, column("rho_kg_m3")?];
        let mut rows: Vec<(f64, f64, f64)> = Vec::new();
        for line in table.lines() {
            rows.push((line.number(t)?, line.number(p)?, line.number(rho)? * 1e-3));
        }
        rows.sort_by(|a, b| {
            a.0.total_cmp(&b.0)
                .then(a.1.total_cmp(&b.1))
                .then(a.2.total_cmp(&b.2))
        });
        let mut branches: Vec<Branch> = Vec::new();
        let gas = |from: f64, to: f64| {
            if from > 0.0 {
                (to / from).max(1.0)
            } else {
                1.0
            }
        };
        for (temperature, pressure, density) in rows {
            let last = branches.last_mut().filter(|b| {
                b.temperature == temperature
                    && b.points
                        .last()
                        .is_none_or(|l| density < JUMP * l.1.max(1e-12) * gas(l.0, pressure))
            });
            match last {
                Some(branch) => branch.points.push((pressure, density)),
                None => branches.push(Branch {
                    temperature,
                    points: vec![(pressure, density)],
                }),
            }
        }
        Ok(Reference { branches })
    }

    fn of(&self, temperature: f64) -> impl Iterator<Item = &Branch> {
        let near = move |b: &&Branch| (b.temperature - temperature).abs() < SAME;
        self.branches.iter().filter(near)
    }

    /// The density (g/cm^3) at a temperature (K) of the table and a pressure (bar); none outside of it.
    pub fn density(&self, temperature: f64, pressure: f64) -> Option<f64> {
        self.of(temperature)
            .find_map(|b| interpolated(&b.points, pressure))
    }

    /// The pressure (bar) at a temperature of the table and a density (g/cm^3); none outside of it, or between two phases.
    pub fn pressure(&self, temperature: f64, density: f64) -> Option<f64> {
        self.of(temperature).find_map(|b| {
            let turned: Vec<(f64, f64)> = b.points.iter().map(|p| (p.1, p.0)).collect();
            interpolated(&turned, density)
        })
    }

    /// The isotherms of a temperature, one for each phase: pressure (bar), density (g/cm^3).
    pub fn isotherms(&self, temperature: f64) -> Vec<&[(f64, f64)]> {
        self.of(temperature).map(|b| b.points.as_slice()).collect()
    }
}

/// The value at x of points in rising order; through four neighbours where there are so many.
fn interpolated(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let last = points.last()?;
    let k = points.partition_point(|p| p.0 < x);
    match points.get(k) {
        Some(p) if p.0 == x => return Some(p.1),
        None => return (last.0 == x).then_some(last.1),
        _ if k == 0 => return None,
        _ => {}
    }
    // Lagrange's polynomial through up to two points on either side.
    let from = k.saturating_sub(2);
    let some = &points[from..(k + 2).min(points.len())];
    let steep = some.windows(2).any(|w| w[1].0 <= w[0].0);
    let some = if steep { &points[k - 1..=k] } else { some };
    let term = |i: usize| {
        let others = some.iter().enumerate().filter(|(j, _)| *j != i);
        others
            .map(|(_, o)| (x - o.0) / (some[i].0 - o.0))
            .product::<f64>()
            * some[i].1
    };
    Some((0..some.len()).map(term).sum()).filter(|v: &f64| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isotherms_of_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        let mut text = String::from("T_K,P_bar,phase,rho_kg_m3,x\n");
        // A gas up to 10 bar, then a liquid whose density is 400 + p/10.
        for p in [1.0f64, 5.0, 10.0] {
            text += &format!("110,{p},gas,{},\n", 2.0 * p);
        }
        for p in [10.0f64, 100.0, 200.0, 400.0] {
            text += &format!("110,{p},liquid,{},\n", 400.0 + p / 10.0);
        }
        std::fs::write(&path, &text).unwrap();
        let r = Reference::read(&path).unwrap();
        assert_eq!(r.isotherms(110.0).len(), 2);
        assert!((r.density(110.0, 150.0).unwrap() - 0.415).abs() < 1e-12);
        assert!((r.density(110.0, 3.0).unwrap() - 0.006).abs() < 1e-12);
        assert!((r.pressure(110.0, 0.43).unwrap() - 300.0).abs() < 1e-9);
        assert_eq!(r.density(110.0, 400.0), Some(0.44));
        for (t, p) in [(110.0, 0.5), (110.0, 401.0), (111.0, 100.0)] {
            assert!(r.density(t, p).is_none(), "{t} {p}");
        }
        assert!(r.pressure(110.0, 0.2).is_none());
        for (bad, words) in [
            ("", "empty"),
            ("T_K,P_bar\n", "rho_kg_m3"),
            ("T_K,P_bar,rho_kg_m3\n1,2,x\n", "r.csv:2"),
        ] {
            std::fs::write(&path, bad).unwrap();
            let message = Reference::read(&path).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
