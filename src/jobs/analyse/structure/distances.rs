//! Radial distribution functions.

use super::Observer;
use crate::analysis::PairDistribution;
use crate::error::Result;
use crate::jobs::analyse::atoms::Chosen;
use crate::jobs::analyse::findings::{Columns, Figure, Findings, Table, with_error};
use crate::jobs::analyse::options::Options;
use crate::jobs::analyse::trajectory::Trajectory;
use crate::report::{Chart, Curve};
use crate::system::Cell;

/// A trajectory's radial distribution functions, by pairs of kinds.
pub(super) struct Rdf {
    chosen: Chosen,
    inner: PairDistribution,
    bulk: bool,
}

impl Rdf {
    pub fn new(t: &Trajectory, chosen: Chosen, options: &Options, expected: usize) -> Rdf {
        let widths = t.cell.widths();
        let half = (0..3)
            .filter(|&k| t.cell.periodic()[k])
            .map(|k| 0.5 * widths[k])
            .fold(10.0, f64::min);
        let reach = options.reach.unwrap_or(half);
        let bins = options
            .bins
            .unwrap_or((reach / 0.05).ceil().clamp(10.0, 2000.0) as usize);
        let bulk = t.cell.is_bulk();
        Rdf {
            inner: PairDistribution::new(chosen.kinds.clone(), reach, bins, bulk, expected),
            chosen,
            bulk,
        }
    }
}

impl Observer for Rdf {
    fn add(&mut self, cell: &Cell, positions: &[[f64; 3]], _: f64) -> Result<()> {
        let configuration = self.chosen.configuration(cell, positions);
        self.inner.add(configuration)
    }

    fn finish(&self) -> Result<Findings> {
        let mut findings = Findings::new("Radial distribution functions");
        let curves = self.inner.finish();
        let (y, what) = match self.bulk {
            true => ("g(r)", "g"),
            false => ("density of distances (1/Å)", "p"),
        };
        let unit = if self.bulk { "" } else { " (1/Å)" };
        if self.bulk {
            findings.fact("normal", "g goes to 1 far away (to 1 - 1/N for N equal atoms); any cell and distance: all periodic images count");
        } else {
            findings.fact(
                "normal",
                "there is no volume, so that the density of distances is shown, not g(r)",
            );
        }
        let mut columns = vec![curves.first().map_or(Vec::new(), |c| c.distances.clone())];
        let mut heads = vec!["r (Å)".to_owned()];
        let (mut lines, mut rows, mut running) = (Vec::new(), Vec::new(), Vec::new());
        for c in &curves {
            let name = format!(
                "{}-{}",
                self.chosen.names[c.kinds[0]], self.chosen.names[c.kinds[1]]
            );
            heads.push(format!("{what} {name}{unit}"));
            columns.push(c.values.clone());
            let points: Vec<(f64, f64)> = c
                .distances
                .iter()
                .copied()
                .zip(c.values.iter().copied())
                .collect();
            let mut line = Curve::line(name.clone(), points);
            if let Some(errors) = &c.errors {
                heads.push(format!("error of {what} {name}{unit}"));
                columns.push(errors.clone());
                line = line.with_band(errors);
            }
            heads.push(format!(
                "{} about one {}",
                self.chosen.names[c.kinds[1]], self.chosen.names[c.kinds[0]]
            ));
            columns.push(c.running.clone());
            lines.push(line);
            running.push(Curve::line(
                name.clone(),
                c.distances
                    .iter()
                    .copied()
                    .zip(c.running.iter().copied())
                    .collect(),
            ));
            let top = (0..c.values.len())
                .max_by(|a, b| c.values[*a].total_cmp(&c.values[*b]).then(b.cmp(a)));
            if let Some(top) = top.filter(|&t| c.values[t] > 0.0) {
                let end = c
                    .distances
                    .iter()
                    .position(|r| *r > 1.9 * c.distances[top])
                    .unwrap_or(c.values.len());
                let low = (top..end)
                    .min_by(|a, b| c.values[*a].total_cmp(&c.values[*b]))
                    .unwrap_or(top);
                rows.push(vec![
                    name,
                    format!("{:.3}", c.distances[top]),
                    with_error(c.values[top], c.errors.as_ref().map(|e| e[top])),
                    format!("{:.3}", c.distances[low]),
                    format!("{:.3}", c.running[low]),
                ]);
            }
        }
        findings.tables.push(Table {
            title: "Highest peaks".into(),
            heads: vec![
                "pair".into(),
                "r (Å)".into(),
                format!("height{unit}"),
                "minimum behind it (Å)".into(),
                "neighbours up to there".into(),
            ],
            rows,
            ..Table::default()
        });
        findings.columns.push(Columns {
            name: "rdf".into(),
            heads,
            columns,
        });
        let levels = if self.bulk {
            vec![(1.0, String::new())]
        } else {
            Vec::new()
        };
        findings.figures.push(Figure {
            name: "rdf".into(),
            chart: Chart {
                title: "Radial distribution functions".into(),
                x: "r (Å)".into(),
                y: y.into(),
                curves: lines,
                levels,
                ..Chart::default()
            },
            caption: "Bands are standard errors from blocks of time.".into(),
        });
        findings.figures.push(Figure {
            name: "rdf.neighbours".into(),
            chart: Chart {
                title: "Number of neighbours".into(),
                x: "r (Å)".into(),
                y: "second kind within r of one of the first".into(),
                curves: running,
                ..Chart::default()
            },
            caption: "The integral of the radial distribution functions: the mean number of atoms of the second kind within r.".into(),
        });
        Ok(findings)
    }
}
