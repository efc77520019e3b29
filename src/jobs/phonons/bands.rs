//! Bands along a path.

use crate::error::Result;
use crate::parallel;
use crate::vibrations::phonons::{Path, Phonons};

/// Bands along a path.
pub(super) struct Bands {
    /// One row a wave vector.
    pub rows: Vec<Row>,
    /// Where named points are along the path; ends of two stretches share a place.
    pub marks: Vec<(f64, String)>,
}

/// The bands at a wave vector.
pub(super) struct Row {
    /// Name of the point; empty between points.
    pub name: String,
    /// Number of the stretch.
    pub stretch: usize,
    /// Way along the path (1/Å, with the factor 2π).
    pub distance: f64,
    /// In the reciprocal lattice of the primitive cell.
    pub reduced: [f64; 3],
    /// THz, ascending; imaginary ones negative.
    pub frequencies: Vec<f64>,
    /// Å/ps.
    pub velocities: Vec<[f64; 3]>,
    /// Mode Grüneisen parameters; empty when there are none.
    pub grueneisen: Vec<f64>,
}

impl Bands {
    /// The bands along a path with about `count` wave vectors, those between two named points in equal steps.
    pub fn along(phonons: &Phonons, path: &Path, count: usize) -> Result<Bands> {
        let length =
            |a: &[f64; 3], b: &[f64; 3]| (phonons.wave_vector(*b) - phonons.wave_vector(*a)).norm();
        let legs = path.stretches.iter().flat_map(|s| s.windows(2));
        let total: f64 = legs.map(|w| length(&w[0].reduced, &w[1].reduced)).sum();
        let mut rows: Vec<Row> = Vec::new();
        let mut marks: Vec<(f64, String)> = Vec::new();
        let mut distance = 0.0;
        for (stretch, points) in path.stretches.iter().enumerate() {
            let row = |name: &str, distance, reduced| Row {
                name: name.to_owned(),
                stretch,
                distance,
                reduced,
                frequencies: Vec::new(),
                velocities: Vec::new(),
                grueneisen: Vec::new(),
            };
            let Some(first) = points.first() else {
                continue;
            };
            match marks.last_mut() {
                // The end of one stretch and the beginning of the next stand at the same place.
                Some(last) if stretch > 0 && last.1 != first.name => {
                    last.1 = format!("{}|{}", last.1, first.name);
                }
                Some(_) if stretch > 0 => {}
                _ => marks.push((distance, first.name.clone())),
            }
            rows.push(row(&first.name, distance, first.reduced));
            for leg in points.windows(2) {
                let way = length(&leg[0].reduced, &leg[1].reduced);
                let steps = (count as f64 * way / total.max(1e-12)).round().max(1.0) as usize;
                for k in 1..=steps {
                    let s = k as f64 / steps as f64;
                    let reduced = std::array::from_fn(|i| {
                        leg[0].reduced[i] + s * (leg[1].reduced[i] - leg[0].reduced[i])
                    });
                    let name = if k == steps { &leg[1].name } else { "" };
                    rows.push(row(name, distance + s * way, reduced));
                }
                distance += way;
                marks.push((distance, leg[1].name.clone()));
            }
        }
        let mut found: Vec<Result<()>> = rows.iter().map(|_| Ok(())).collect();
        let mut both: Vec<(&mut Row, &mut Result<()>)> = rows.iter_mut().zip(&mut found).collect();
        parallel::for_each_mut(&mut both, |_, (row, outcome)| {
            match phonons.at(phonons.wave_vector(row.reduced), true) {
                Ok(branches) => {
                    row.frequencies = branches.frequencies;
                    row.velocities = branches.velocities;
                }
                Err(e) => **outcome = Err(e),
            }
        });
        found.into_iter().collect::<Result<()>>()?;
        Ok(Bands { rows, marks })
    }

    /// Adds the mode Grüneisen parameters from crystals of two volumes (Å^3).
    pub fn add_grueneisen(
        &mut self,
        phonons: &Phonons,
        neighbours: (&Phonons, &Phonons),
        volumes: (f64, f64),
    ) -> Result<()> {
        self.rows.iter_mut().try_for_each(|row| {
            row.grueneisen = phonons.grueneisen(row.reduced, neighbours, volumes)?;
            Ok(())
        })
    }

    /// The lowest and highest frequency (THz).
    pub fn range(&self) -> (f64, f64) {
        let all = self.rows.iter().flat_map(|r| r.frequencies.iter().copied());
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), f| {
            (a.min(f), b.max(f))
        })
    }
}
