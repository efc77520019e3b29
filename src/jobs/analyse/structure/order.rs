//! Bond-orientational order.

use super::Observer;
use crate::analysis::{BlockMeans, ORDER_NAMES, Steinhardt};
use crate::error::Result;
use crate::jobs::analyse::atoms::Chosen;
use crate::jobs::analyse::findings::{Columns, Figure, Findings, Table, plain, with_error};
use crate::report::{Chart, Curve, CurveStyle};
use crate::system::Cell;

/// Bins of a distribution of order, and its range.
const ORDER_BINS: usize = 120;
const ORDER_RANGE: [[f64; 2]; 8] = [
    [0.0, 1.0],
    [0.0, 1.0],
    [-0.24, 0.24],
    [-0.24, 0.24],
    [0.0, 1.0],
    [0.0, 1.0],
    [-0.24, 0.24],
    [-0.24, 0.24],
];

/// Steinhardt's numbers of each atom.
pub(super) struct Orders {
    chosen: Chosen,
    inner: Steinhardt,
    cutoff: f64,
    automatic: bool,
    /// Histograms, means and squares of all numbers.
    sums: BlockMeans,
    neighbours: BlockMeans,
    lonely: usize,
    last: Vec<(f64, f64)>,
    series: Vec<(f64, [f64; 8])>,
}

impl Orders {
    pub fn new(chosen: Chosen, cutoff: f64, automatic: bool, expected: usize) -> Orders {
        Orders {
            chosen,
            inner: Steinhardt::new(cutoff),
            cutoff,
            automatic,
            sums: BlockMeans::new(8 * (ORDER_BINS + 2), expected),
            neighbours: BlockMeans::new(1, expected),
            lonely: 0,
            last: Vec::new(),
            series: Vec::new(),
        }
    }
}

impl Observer for Orders {
    fn add(&mut self, cell: &Cell, positions: &[[f64; 3]], time: f64) -> Result<()> {
        let found = self
            .inner
            .evaluate(self.chosen.configuration(cell, positions))?;
        let each = ORDER_BINS + 2;
        let mut row = vec![0.0; 8 * each];
        let one = 1.0 / found.len() as f64;
        let mut count = 0.0;
        for (order, near) in &found {
            self.lonely += usize::from(*near == 0);
            count += one * *near as f64;
            for (k, x) in order.iter().enumerate() {
                let [a, b] = ORDER_RANGE[k];
                let bin = ((x - a) / (b - a) * ORDER_BINS as f64)
                    .clamp(0.0, ORDER_BINS as f64 - 1.0) as usize;
                row[k * each + bin] += one;
                row[k * each + ORDER_BINS] += one * x;
                row[k * each + ORDER_BINS + 1] += one * x * x;
            }
        }
        self.series
            .push((time, std::array::from_fn(|k| row[k * each + ORDER_BINS])));
        self.sums.add(row);
        self.neighbours.add([count]);
        self.last = found.iter().map(|(o, _)| (o[4], o[5])).collect();
        Ok(())
    }

    fn finish(&self) -> Result<Findings> {
        let mut findings = Findings::new("Bond-orientational order");
        let how = if self.automatic {
            " (1.35 times the mean distance to the nearest atom in the first frame; --cutoff changes it)"
        } else {
            ""
        };
        findings.fact(
            "neighbours",
            format!("closer than {:.3} Å{how}", self.cutoff),
        );
        let mean = with_error(
            self.neighbours.means()[0],
            self.neighbours.errors().map(|e| e[0]),
        );
        findings.fact("", format!("{mean} on average"));
        if self.lonely > 0 {
            findings.warn(format!(
                "{} times an atom had no neighbour at all; its order counts as zero",
                self.lonely
            ));
        }
        let each = ORDER_BINS + 2;
        let (mut rows, mut curves, mut heads, mut columns) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let perfect = ["0.1909", "0.5745", "-0.1593", "-0.0132"];
        let others = [
            ["0.0364", "0.0972", "0"],
            ["0.5107", "0.4848", "0.6633"],
            ["0.1593", "0.1341", "—"],
            ["0.0132", "-0.0124", "-0.1698"],
        ];
        for (k, name) in ORDER_NAMES.iter().enumerate() {
            let moments = k * each + ORDER_BINS..(k + 1) * each;
            let numbers = |m: &[f64]| vec![m[0], (m[1] - m[0] * m[0]).max(0.0).sqrt()];
            let values = self.sums.map(moments.clone(), numbers);
            let error = self.sums.errors_of(moments, numbers).map(|e| e[0]);
            let mut row = vec![
                (*name).to_owned(),
                with_error(values[0], error),
                plain(values[1]),
            ];
            row.push(perfect[k % 4].to_owned());
            row.extend(others[k % 4].iter().map(|s| (*s).to_owned()));
            rows.push(row);
            let [a, b] = ORDER_RANGE[k];
            let width = (b - a) / ORDER_BINS as f64;
            let places: Vec<f64> = (0..ORDER_BINS)
                .map(|i| a + (i as f64 + 0.5) * width)
                .collect();
            let density = self.sums.map(k * each..k * each + ORDER_BINS, |h| {
                h.iter().map(|x| x / width).collect()
            });
            heads.extend([(*name).to_owned(), format!("density of {name}")]);
            if matches!(k, 0 | 1 | 4 | 5) {
                let points = places
                    .iter()
                    .copied()
                    .zip(density.iter().copied())
                    .collect();
                curves.push(Curve::line(*name, points).styled(CurveStyle::Steps));
            }
            columns.extend([places, density]);
        }
        findings.tables.push(Table {
            title: "Means over atoms and time, beside perfect surroundings".into(),
            heads: [
                "",
                "mean",
                "standard deviation",
                "fcc",
                "bcc (14)",
                "hcp",
                "icosahedron",
            ]
            .map(String::from)
            .to_vec(),
            rows,
            ..Table::default()
        });
        findings.columns.push(Columns {
            name: "steinhardt".into(),
            heads,
            columns,
        });
        let mut heads = vec!["time (ps)".to_owned()];
        heads.extend(ORDER_NAMES.iter().map(|n| format!("mean {n}")));
        let mut columns = vec![self.series.iter().map(|s| s.0).collect::<Vec<f64>>()];
        columns.extend((0..8).map(|k| self.series.iter().map(|s| s.1[k]).collect()));
        findings.columns.push(Columns {
            name: "steinhardt.time".into(),
            heads,
            columns,
        });
        findings.figures.push(Figure {
            name: "steinhardt".into(),
            chart: Chart {
                title: "Bond-orientational order".into(),
                x: "order".into(),
                y: "density".into(),
                curves,
                ..Chart::default()
            },
            caption:
                "Distributions of q4 and q6 of the atoms, and of their averages over neighbours."
                    .into(),
        });
        let known = [
            ("fcc", (0.190_9, 0.574_5)),
            ("bcc", (0.036_4, 0.510_7)),
            ("hcp", (0.097_2, 0.484_8)),
        ];
        let mut map = vec![
            Curve::line("atoms of the last frame", self.last.clone()).styled(CurveStyle::Points),
        ];
        map.extend(known.map(|(name, p)| {
            Curve::line(format!("perfect {name}"), vec![p]).styled(CurveStyle::Points)
        }));
        findings.figures.push(Figure {
            name: "steinhardt.map".into(),
            chart: Chart {
                title: "Averaged order of each atom in the last frame".into(),
                x: "averaged q4".into(),
                y: "averaged q6".into(),
                curves: map,
                ..Chart::default()
            },
            caption: "Lechner and Dellago's plane: crystals lie near the points of their kind, liquids at low q6.".into(),
        });
        Ok(findings)
    }
}
