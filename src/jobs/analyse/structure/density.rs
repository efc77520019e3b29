//! The density, and the volume it comes from.

use super::Observer;
use crate::analysis::{Average, Series};
use crate::error::Result;
use crate::jobs::analyse::findings::{Columns, Figure, Findings, Table, plain};
use crate::report::{Chart, Curve};
use crate::system::Cell;
use crate::units::AMU_PER_A3_IN_G_PER_CM3;

/// The volume of every frame.
pub(super) struct Density {
    atoms: usize,
    mass: f64,
    series: Vec<(f64, f64)>,
}

impl Density {
    pub fn new(atoms: usize, mass: f64) -> Density {
        Density {
            atoms,
            mass,
            series: Vec::new(),
        }
    }
}

impl Observer for Density {
    fn add(&mut self, cell: &Cell, _: &[[f64; 3]], time: f64) -> Result<()> {
        self.series.push((time, cell.volume().unwrap_or(f64::NAN)));
        Ok(())
    }

    fn finish(&self) -> Result<Findings> {
        let mut findings = Findings::new("Density");
        let of = |v: f64| {
            [
                v,
                self.atoms as f64 / v,
                self.mass * AMU_PER_A3_IN_G_PER_CM3 / v,
            ]
        };
        let average = |k: usize| {
            let mut blocks = Series::new(2);
            let mut square = 0.0;
            for (_, v) in &self.series {
                let x = of(*v)[k];
                blocks.add(&[x, 0.0]);
                square += x * x / self.series.len() as f64;
            }
            Average::of_blocks(&blocks.channel(0, 0), square, blocks.block_length())
        };
        let names = ["volume (Å³)", "atoms (1/Å³)", "density (g/cm³)"];
        let row = |k: usize| {
            average(k).map(|a| {
                // A cell that stays has no error; its deviation is what rounding leaves of the mean square.
                let mean = if a.deviation <= 1e-6 * a.mean {
                    plain(a.mean)
                } else {
                    a.display()
                };
                vec![names[k].to_owned(), mean, plain(a.deviation)]
            })
        };
        findings.tables.push(Table {
            title: "Means".into(),
            heads: vec![String::new(), "mean".into(), "standard deviation".into()],
            rows: (0..3).filter_map(row).collect(),
            ..Table::default()
        });
        let column = |k: usize| self.series.iter().map(|s| of(s.1)[k]).collect::<Vec<f64>>();
        findings.columns.push(Columns {
            name: "density".into(),
            heads: vec![
                "time (ps)".into(),
                "volume (Å^3)".into(),
                "atoms (1/Å^3)".into(),
                "density (g/cm^3)".into(),
            ],
            columns: vec![
                self.series.iter().map(|s| s.0).collect(),
                column(0),
                column(1),
                column(2),
            ],
        });
        findings.figures.push(Figure {
            name: "density".into(),
            chart: Chart {
                title: "Density".into(),
                x: "time (ps)".into(),
                y: names[2].into(),
                curves: vec![Curve::line(
                    "",
                    self.series.iter().map(|s| (s.0, of(s.1)[2])).collect(),
                )],
                ..Chart::default()
            },
            caption: "Density over time.".into(),
        });
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of a cell that stays are written with as many digits as those without an error.
    #[test]
    fn a_constant_volume_has_no_error() {
        for edge in [7.1, 10.123, 21.72, 37.0] {
            let cell = Cell::orthorhombic(edge, 1.1 * edge, 0.97 * edge).unwrap();
            let mut density = Density::new(216, 216.0 * 28.085);
            for frame in 0..1000 {
                density.add(&cell, &[], 0.1 * f64::from(frame)).unwrap();
            }
            let findings = density.finish().unwrap();
            let rows = &findings.tables[0].rows;
            let volume = cell.volume().unwrap();
            assert_eq!(rows[0][1], plain(volume), "{edge}");
            assert_eq!(rows[1][1], plain(216.0 / volume), "{edge}");
            assert_eq!(rows.len(), 3);
            assert!(rows[2][1].len() < 9, "{}", rows[2][1]);
        }
    }
}
