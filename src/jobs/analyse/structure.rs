//! What is counted frame by frame: distances, angles, neighbours, order, density.

use super::atoms::Chosen;
use super::findings::{Columns, Figure, Findings, Table, plain, with_error};
use super::options::{Kind, Options};
use super::trajectory::{Needs, Trajectory};
use crate::analysis::{
    Average, BlockMeans, Coordination, Geometry, MOST_NEIGHBOURS, ORDER_NAMES, PairDistribution,
    Series, Shape, Steinhardt, Topology, nearest_distance,
};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::report::{Chart, Console, Curve, CurveStyle, Task};
use crate::system::Cell;
use crate::units::AMU_PER_A3_IN_G_PER_CM3;

/// Something that looks at every frame.
pub(super) trait Observer {
    /// A frame: all atoms, which move continuously, and the time (ps).
    fn add(&mut self, cell: &Cell, positions: &[[f64; 3]], time: f64) -> Result<()>;

    /// What it has seen.
    fn finish(&self) -> Result<Findings>;
}

/// The observer of a kind; it is told the first frame and how many configurations will come.
pub(super) fn observer(
    kind: Kind,
    t: &Trajectory,
    chosen: &Chosen,
    options: &Options,
    positions: &[[f64; 3]],
    expected: usize,
) -> Result<Box<dyn Observer>> {
    let mut chosen = chosen.clone();
    let place = |e: Error| e.within(&t.path.display().to_string());
    Ok(match kind {
        Kind::Rdf => Box::new(Rdf::new(t, chosen, options, expected)),
        Kind::Bonds | Kind::Angles | Kind::Dihedrals => {
            let shape = match kind {
                Kind::Bonds => Shape::Bonds,
                Kind::Angles => Shape::Angles,
                _ => Shape::Dihedrals,
            };
            let configuration = chosen.configuration(&t.cell, positions);
            let topology = Topology::find(configuration, options.bond_scale).map_err(place)?;
            Box::new(Shapes::new(shape, t, chosen, options, &topology, expected)?)
        }
        Kind::Coordination => Box::new(Neighbours::new(t, chosen, options, positions, expected)?),
        Kind::Steinhardt => {
            let cutoff = match options.cutoff {
                Some(c) => c,
                None => {
                    1.35 * nearest_distance(chosen.configuration(&t.cell, positions))
                        .map_err(place)?
                }
            };
            Box::new(Orders::new(
                chosen,
                cutoff,
                options.cutoff.is_none(),
                expected,
            ))
        }
        Kind::Density => {
            if !t.cell.is_bulk() {
                return Err(Error::file(
                    &t.path,
                    "a density needs a cell that is periodic in three directions",
                ));
            }
            let mass = chosen.indices.iter().map(|&i| t.masses[i]).sum();
            Box::new(Density::new(chosen.indices.len(), mass))
        }
        Kind::Vdos | Kind::Ir | Kind::Msd => {
            return Err(Error::Bug("a function of time is no structure".into()));
        }
    })
}

/// Shows all frames, or all beads, to the observers.
pub(super) fn observe(
    trajectories: &[Trajectory],
    observers: &mut [Box<dyn Observer>],
    options: &Options,
    console: &Console,
) -> Result<()> {
    let rows: usize = trajectories.iter().map(|t| t.number).sum();
    let mut task = Task::new(console, "frames", rows);
    for t in trajectories {
        let place = |e: Error| match e {
            Error::Input(ref i) if i.place.is_empty() => e.within(&t.path.display().to_string()),
            e => e,
        };
        if options.beads {
            let Some(beads) = t.reader().map(|r| r.beads()).transpose()?.flatten() else {
                return Err(Error::file(
                    &t.path,
                    "the file holds no beads of a path integral",
                ));
            };
            for row in t.bead_rows()? {
                let all = beads.read(row, 0..beads.number())?;
                for positions in &all.positions {
                    for o in observers.iter_mut() {
                        o.add(&all.cell, positions, 1e-3 * all.time_fs)
                            .map_err(place)?;
                    }
                }
                task.advance(1);
            }
            continue;
        }
        let needs = Needs {
            positions: true,
            continuous: true,
            ..Needs::default()
        };
        t.visit(needs, &mut |frame| {
            task.advance(1);
            for o in observers.iter_mut() {
                o.add(
                    frame.cell,
                    frame.positions,
                    frame.time.map_or(frame.index as f64, |t| 1e-3 * t),
                )
                .map_err(place)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

struct Rdf {
    chosen: Chosen,
    inner: PairDistribution,
    bulk: bool,
}

impl Rdf {
    fn new(t: &Trajectory, chosen: Chosen, options: &Options, expected: usize) -> Rdf {
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

struct Shapes {
    shape: Shape,
    chosen: Chosen,
    inner: Geometry,
    bonds: usize,
    scale: f64,
    name: &'static str,
}

impl Shapes {
    fn new(
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

/// Neighbours are within this times the sum of the covalent radii when no distance is given.
const BONDED: f64 = 1.25;

struct Neighbours {
    chosen: Chosen,
    names: Vec<String>,
    words: Vec<String>,
    inner: Coordination,
    series: Vec<(f64, Vec<f64>)>,
}

impl Neighbours {
    fn new(
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

struct Orders {
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
    fn new(chosen: Chosen, cutoff: f64, automatic: bool, expected: usize) -> Orders {
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

struct Density {
    atoms: usize,
    mass: f64,
    series: Vec<(f64, f64)>,
}

impl Density {
    fn new(atoms: usize, mass: f64) -> Density {
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
                // A cell that stays has no error.
                let mean = if a.deviation <= 1e-9 * a.mean {
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
