//! Coordination numbers.

use super::Observer;
use crate::analysis::{Coordination, MOST_NEIGHBOURS};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::jobs::analyse::atoms::Chosen;
use crate::jobs::analyse::findings::{Columns, Figure, Findings, Table, with_error};
use crate::jobs::analyse::options::Options;
use crate::jobs::analyse::trajectory::Trajectory;
use crate::report::{Chart, Curve, CurveStyle};
use crate::system::Cell;

/// Neighbours are within this times the sum of the covalent radii when no distance is given.
const BONDED: f64 = 1.25;

/// Neighbours of each kind within cutoffs.
pub(super) struct Neighbours {
    chosen: Chosen,
    names: Vec<String>,
    words: Vec<String>,
    inner: Coordination,
    series: Vec<(f64, Vec<f64>)>,
}

impl Neighbours {
    pub fn new(
        t: &Trajectory,
        mut chosen: Chosen,
        options: &Options,
        positions: &[[f64; 3]],
        expected: usize,
    ) -> Result<Neighbours> {
        let mut elements: Vec<Element> = chosen.elements.clone();
        elements.sort_by_key(|e| std::cmp::Reverse(e.number()));
        elements.dedup();
        let kind = |e: &Element| elements.iter().position(|o| o == e).unwrap_or(0) as u32;
        let kinds: Vec<u32> = chosen.elements.iter().map(kind).collect();
        let mut words = Vec::new();
        let mut chosen_by_hand = options.cutoff.is_some();
        let mut cutoffs = vec![vec![0.0; elements.len()]; elements.len()];
        for (a, ea) in elements.iter().enumerate() {
            for (b, eb) in elements.iter().enumerate() {
                let named = options
                    .pair_cutoffs
                    .iter()
                    .find(|(p, _)| *p == [*ea, *eb] || *p == [*eb, *ea]);
                chosen_by_hand |= named.is_some();
                let bonded = BONDED * (ea.covalent_radius() + eb.covalent_radius());
                cutoffs[a][b] = named.map(|n| n.1).or(options.cutoff).unwrap_or(bonded);
                if a <= b {
                    words.push(format!(
                        "{}-{} {:.2} Å",
                        ea.symbol(),
                        eb.symbol(),
                        cutoffs[a][b]
                    ));
                }
            }
        }
        let mut inner = Coordination::new(kinds.clone(), cutoffs.clone(), expected);
        inner
            .add(chosen.configuration(&t.cell, positions))
            .map_err(|e| e.within(&t.path.display().to_string()))?;
        if !chosen_by_hand && inner.latest().iter().all(|n| *n == 0.0) {
            return Err(Error::file(
                &t.path,
                "no atom has a neighbour within the usual length of a bond",
            )
            .advise("say what a neighbour is, as in --cutoff \"5 Å\" or --cutoff \"Si-O=2.2 Å\""));
        }
        Ok(Neighbours {
            inner: Coordination::new(kinds, cutoffs, expected),
            names: elements.iter().map(|e| e.symbol().to_owned()).collect(),
            chosen,
            words,
            series: Vec::new(),
        })
    }
}

impl Observer for Neighbours {
    fn add(&mut self, cell: &Cell, positions: &[[f64; 3]], time: f64) -> Result<()> {
        let configuration = self.chosen.configuration(cell, positions);
        self.inner.add(configuration)?;
        self.series.push((time, self.inner.latest()));
        Ok(())
    }

    fn finish(&self) -> Result<Findings> {
        let mut findings = Findings::new("Coordination numbers");
        findings.fact(
            "neighbours",
            format!("closer than {}", self.words.join(", ")),
        );
        let curves = self.inner.finish();
        let used = curves
            .iter()
            .filter_map(|c| c.parts.iter().rposition(|p| *p > 0.0))
            .max()
            .unwrap_or(0);
        let mut heads = vec!["number of neighbours".to_owned()];
        let mut columns = vec![(0..=used).map(|n| n as f64).collect::<Vec<f64>>()];
        let (mut lines, mut rows) = (Vec::new(), Vec::new());
        for c in &curves {
            let other = c.kinds.1.map_or("any", |b| &self.names[b]);
            let name = format!("{other} about {}", self.names[c.kinds.0]);
            heads.push(name.clone());
            columns.push(c.parts[..=used].to_vec());
            if let Some(e) = &c.errors {
                heads.push(format!("error of {name}"));
                columns.push(e[..=used].to_vec());
            }
            rows.push(vec![name.clone(), with_error(c.mean.0, c.mean.1)]);
            let points = (0..=used).map(|n| (n as f64, c.parts[n])).collect();
            lines.push(Curve::line(name, points).styled(CurveStyle::Steps));
        }
        if used == MOST_NEIGHBOURS {
            findings.warn(format!("there are atoms with {MOST_NEIGHBOURS} neighbours or more, which are counted as {MOST_NEIGHBOURS}"));
        }
        findings.tables.push(Table {
            title: "Mean numbers".into(),
            heads: vec!["neighbours".into(), "mean number".into()],
            rows,
            ..Table::default()
        });
        findings.columns.push(Columns {
            name: "coordination".into(),
            heads,
            columns,
        });
        findings.figures.push(Figure {
            name: "coordination".into(),
            chart: Chart {
                title: "Coordination numbers".into(),
                x: "number of neighbours".into(),
                y: "part of the atoms".into(),
                curves: lines,
                x_range: Some([-0.5, used as f64 + 0.5]),
                ..Chart::default()
            },
            caption: "How many atoms have so many neighbours.".into(),
        });
        if self.series.len() > 1 {
            let mut heads = vec!["time (ps)".to_owned()];
            let mut columns = vec![self.series.iter().map(|s| s.0).collect::<Vec<f64>>()];
            let mut lines = Vec::new();
            for (k, name) in self.names.iter().enumerate() {
                heads.push(format!("neighbours of {name}"));
                columns.push(self.series.iter().map(|s| s.1[k]).collect());
                lines.push(Curve::line(
                    name.clone(),
                    self.series.iter().map(|s| (s.0, s.1[k])).collect(),
                ));
            }
            findings.columns.push(Columns {
                name: "coordination.time".into(),
                heads,
                columns,
            });
            findings.figures.push(Figure {
                name: "coordination.time".into(),
                chart: Chart {
                    title: "Mean coordination number over time".into(),
                    x: "time (ps)".into(),
                    y: "mean number of neighbours of any kind".into(),
                    curves: lines,
                    ..Chart::default()
                },
                caption: "Mean number of neighbours of each element.".into(),
            });
        }
        Ok(findings)
    }
}
