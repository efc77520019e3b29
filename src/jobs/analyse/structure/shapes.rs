//! Bonds, angles and dihedral angles.

use super::Observer;
use crate::analysis::{Geometry, Shape, Topology};
use crate::error::{Error, Result};
use crate::jobs::analyse::atoms::Chosen;
use crate::jobs::analyse::findings::{Columns, Figure, Findings, Table, plain, with_error};
use crate::jobs::analyse::options::Options;
use crate::jobs::analyse::trajectory::Trajectory;
use crate::report::{Chart, Curve};
use crate::system::Cell;

/// Bonds, angles or dihedral angles of the topology of the first frame.
pub(super) struct Shapes {
    shape: Shape,
    chosen: Chosen,
    inner: Geometry,
    bonds: usize,
    scale: f64,
    name: &'static str,
}

impl Shapes {
    pub fn new(
        shape: Shape,
        t: &Trajectory,
        chosen: Chosen,
        options: &Options,
        topology: &Topology,
        expected: usize,
    ) -> Result<Shapes> {
        let (name, bins) = match shape {
            Shape::Bonds => ("bonds", 250),
            Shape::Angles => ("angles", 180),
            Shape::Dihedrals => ("dihedrals", 180),
        };
        let widest = chosen
            .elements
            .iter()
            .map(|e| e.covalent_radius())
            .fold(0.0, f64::max);
        let longest = options
            .reach
            .unwrap_or(2.0 * widest * (options.bond_scale + 0.3));
        let inner = Geometry::new(
            shape,
            topology,
            &chosen.kinds,
            options.bins.unwrap_or(bins),
            longest,
            expected,
        );
        let inner = inner.ok_or_else(|| {
            Error::file(&t.path, format!("there are far too many {name}"))
                .advise("choose atoms with --atoms or --elements")
        })?;
        if inner.is_empty() {
            return Err(Error::file(&t.path, format!(
                "there are no {name}: in the first frame, {} pairs of atoms are within {} times the sum of their covalent radii",
                topology.bonds.len(),
                options.bond_scale
            ))
            .advise("--bond-scale 1.4 takes longer bonds"));
        }
        Ok(Shapes {
            shape,
            bonds: topology.bonds.len(),
            scale: options.bond_scale,
            chosen,
            inner,
            name,
        })
    }
}

impl Observer for Shapes {
    fn add(&mut self, cell: &Cell, positions: &[[f64; 3]], _: f64) -> Result<()> {
        let chosen: Vec<[f64; 3]> = self.chosen.indices.iter().map(|&i| positions[i]).collect();
        self.inner.add(cell, &chosen);
        Ok(())
    }

    fn finish(&self) -> Result<Findings> {
        let (title, unit) = match self.shape {
            Shape::Bonds => ("Lengths of bonds", "Å"),
            Shape::Angles => ("Angles between bonds", "°"),
            Shape::Dihedrals => ("Dihedral angles", "°"),
        };
        let mut findings = Findings::new(title);
        findings.fact(
            "bonds",
            format!(
                "{} bonds of the first frame: closer than {} times the sum of the covalent radii",
                self.bonds, self.scale
            ),
        );
        if self.shape == Shape::Dihedrals {
            findings.fact("mean", "mean and deviation are those of directions on a circle; 180 is trans, signs follow IUPAC");
        }
        let curves = self.inner.finish();
        let mut columns = vec![curves.first().map_or(Vec::new(), |c| c.places.clone())];
        let mut heads = vec![format!("{} ({unit})", self.name.trim_end_matches('s'))];
        let (mut lines, mut rows) = (Vec::new(), Vec::new());
        for c in &curves {
            let name = c
                .kinds
                .iter()
                .map(|&k| self.chosen.names[k as usize].as_str())
                .collect::<Vec<_>>()
                .join("-");
            heads.push(format!("{name} (1/{unit})"));
            columns.push(c.density.clone());
            let mut line = Curve::line(
                name.clone(),
                c.places
                    .iter()
                    .copied()
                    .zip(c.density.iter().copied())
                    .collect(),
            );
            if let Some(errors) = &c.errors {
                heads.push(format!("error of {name} (1/{unit})"));
                columns.push(errors.clone());
                line = line.with_band(errors);
            }
            lines.push(line);
            // Directions all around the circle have no mean.
            let around = self.shape == Shape::Dihedrals && c.deviation > 60.0;
            let mean = match around {
                true => "—".to_owned(),
                false => with_error(c.mean.0, c.mean.1),
            };
            rows.push(vec![name, c.members.to_string(), mean, plain(c.deviation)]);
        }
        let used = curves.iter().flat_map(|c| {
            c.places
                .iter()
                .zip(&c.density)
                .filter(|p| *p.1 > 0.0)
                .map(|p| *p.0)
        });
        let (low, high) = used.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| {
            (a.min(x), b.max(x))
        });
        let room = 0.05 * (high - low) + 0.01;
        findings.tables.push(Table {
            title: "Means".into(),
            heads: vec![
                "type".into(),
                "number".into(),
                format!("mean ({unit})"),
                format!("standard deviation ({unit})"),
            ],
            rows,
            ..Table::default()
        });
        findings.columns.push(Columns {
            name: self.name.into(),
            heads,
            columns,
        });
        findings.figures.push(Figure {
            name: self.name.into(),
            chart: Chart {
                title: title.into(),
                x: format!("{} ({unit})", self.name.trim_end_matches('s')),
                y: format!("density (1/{unit})"),
                curves: lines,
                x_range: (low < high).then_some([low - room, high + room]),
                ..Chart::default()
            },
            caption: "Distributions by types of atoms, each with the integral 1. Bands are standard errors.".into(),
        });
        Ok(findings)
    }
}
