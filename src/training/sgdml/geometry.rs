//! Labelled frames of one molecule or cell, in the units of the model file, and their descriptors.

use crate::elements::Element;
use crate::error::{Error, Result};
use crate::potential::sgdml::descriptor::Pairs;
use crate::system::Cell;
use crate::training::data::LabelledFrame;

/// Cells whose vectors differ by less (Å) are the same.
const SAME_CELL: f64 = 1e-6;
/// More atoms than any global kernel model has: descriptors grow with their square.
const MOST_ATOMS: usize = 1000;

/// Frames of one list of atoms, in Å and the unit of energy of the model.
#[derive(Clone, Debug, Default)]
pub(super) struct Geometries {
    pub elements: Vec<Element>,
    /// The cell of all frames when they are periodic.
    pub cell: Option<Cell>,
    /// Positions (Å), frame by frame.
    pub positions: Vec<Vec<[f64; 3]>>,
    /// Forces (unit of energy/Å), frame by frame.
    pub forces: Vec<Vec<[f64; 3]>>,
    /// Energy of each frame; empty when one has none.
    pub energies: Vec<f64>,
}

impl Geometries {
    /// Gathers frames, with forces and energies in units of `unit` eV.
    ///
    /// Errors are the user's, with the place of the frame: none at all, other atoms or another order than in the first one, another
    /// cell, no forces, numbers that are none, atoms at the same place.
    pub fn gather(frames: &[LabelledFrame], unit: f64) -> Result<Geometries> {
        let Some(first) = frames.first() else {
            return Err(Error::input("", "there is no frame to learn from"));
        };
        let n = first.len();
        if !(2..=MOST_ATOMS).contains(&n) {
            return Err(at(
                first,
                format!("it has {n} atoms; an sGDML model is of 2 to {MOST_ATOMS}"),
            )
            .advise("these models are of one molecule or one small cell; `[fit.gap]` and `[fit.mtp]` make models of any number of atoms"));
        }
        let cell = cell(first)?;
        let mut all = Geometries {
            elements: first.system.atoms.elements.clone(),
            cell,
            ..Geometries::default()
        };
        let mut energies = true;
        for frame in frames {
            all.same(first, frame)?;
            let Some(forces) = &frame.forces else {
                return Err(at(
                    frame,
                    "it has no forces, and forces are what an sGDML model learns",
                )
                .advise("give the name of the column with forces, or leave such frames out"));
            };
            if forces.len() != n {
                return Err(at(
                    frame,
                    format!("it has {} forces for {n} atoms", forces.len()),
                ));
            }
            let finite = |v: &[[f64; 3]]| v.as_flattened().iter().all(|x| x.is_finite());
            if !finite(&frame.system.atoms.positions) || !finite(forces) {
                return Err(at(frame, "a position or force is no finite number"));
            }
            if let Some(e) = frame.energy.filter(|e| !e.is_finite()) {
                return Err(at(frame, format!("its energy is {e}")));
            }
            let scaled = forces.iter().map(|f| f.map(|f| f / unit)).collect();
            all.positions.push(frame.system.atoms.positions.clone());
            all.forces.push(scaled);
            energies &= frame.energy.is_some();
            all.energies.extend(frame.energy.map(|e| e / unit));
        }
        if !energies {
            all.energies.clear();
        }
        let mut pairs = Pairs::default();
        for (frame, x) in frames.iter().zip(&all.positions) {
            pairs.compute(x, all.cell.as_ref());
            if !pairs.d.iter().all(|d| d.is_finite() && *d < 1e3) {
                return Err(at(frame, "two of its atoms are at the same place"));
            }
        }
        Ok(all)
    }

    fn same(&self, first: &LabelledFrame, frame: &LabelledFrame) -> Result<()> {
        let elements = &frame.system.atoms.elements;
        if *elements != self.elements {
            let i = (0..elements.len().max(self.elements.len()))
                .find(|i| elements.get(*i) != self.elements.get(*i))
                .unwrap_or(0);
            let word = |e: Option<&Element>| e.map_or("no atom".to_owned(), Element::to_string);
            let reason = format!(
                "its atoms are not those of {}: atom {i} (from 0) is {} here and {} there",
                first.place,
                word(elements.get(i)),
                word(self.elements.get(i)),
            );
            return Err(at(frame, reason).advise(
                "an sGDML model is of one list of atoms in one order; bring all frames into it, or leave others out",
            ));
        }
        match (&self.cell, cell(frame)?) {
            (None, None) => Ok(()),
            (Some(a), Some(b)) => {
                let (a, b) = (a.row_vectors(), b.row_vectors());
                let worst = (a.as_flattened().iter())
                    .zip(b.as_flattened())
                    .fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
                if worst <= SAME_CELL {
                    return Ok(());
                }
                let reason = format!(
                    "its cell differs by {worst:.2e} Å from that of {}",
                    first.place
                );
                Err(at(frame, reason).advise("a periodic sGDML model knows one cell only"))
            }
            _ => Err(at(
                frame,
                format!(
                    "of this frame and {} one is periodic and one is not",
                    first.place
                ),
            )),
        }
    }

    /// Refuses frames (the first of them from `place`) that are of other atoms or another cell than those of `training`.
    pub fn like(&self, training: &Geometries, place: &str) -> Result<()> {
        let rows = |g: &Geometries| g.cell.as_ref().map(|c| c.row_vectors());
        let near = match (rows(self), rows(training)) {
            (None, None) => true,
            (Some(a), Some(b)) => (a.as_flattened().iter())
                .zip(b.as_flattened())
                .all(|(a, b)| (a - b).abs() <= SAME_CELL),
            _ => false,
        };
        if self.elements == training.elements && near {
            return Ok(());
        }
        Err(Error::input(
            place.to_owned(),
            "the frames are of other atoms, another order or another cell than the training frames",
        )
        .advise("an sGDML model is of one list of atoms in one order, and of one cell"))
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.elements.len()
    }

    /// The frames of the given rows.
    pub fn rows(&self, rows: &[usize]) -> Geometries {
        Geometries {
            elements: self.elements.clone(),
            cell: self.cell.clone(),
            positions: rows.iter().map(|r| self.positions[*r].clone()).collect(),
            forces: rows.iter().map(|r| self.forces[*r].clone()).collect(),
            energies: match self.energies.is_empty() {
                true => Vec::new(),
                false => rows.iter().map(|r| self.energies[*r]).collect(),
            },
        }
    }

    /// What the kernel needs of each frame.
    pub fn points(&self) -> Vec<Point> {
        let mut points = Vec::with_capacity(self.len());
        for x in &self.positions {
            let mut p = Pairs::default();
            p.compute(x, self.cell.as_ref());
            let gradient = (0..p.d.len())
                .map(|k| {
                    let cube = p.d[k].powi(3);
                    std::array::from_fn(|a| p.v[a][k] * cube)
                })
                .collect();
            points.push(Point {
                d: p.d,
                g: gradient,
            });
        }
        points
    }
}

/// The descriptor of a frame and its derivatives.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Point {
    /// Inverse distances (1/Å).
    pub d: Vec<f64>,
    /// (r_i - r_j)/r³ of each pair (1/Å²): the derivative by r_j, and less that by r_i.
    pub g: Vec<[f64; 3]>,
}

impl Point {
    /// J a: what displacements `a` of the atoms do to the descriptor.
    pub fn along(&self, a: &[f64], out: &mut [f64]) {
        let n = a.len() / 3;
        let mut k = 0;
        for i in 1..n {
            for j in 0..i {
                let g = &self.g[k];
                let mut sum = 0.0;
                for x in 0..3 {
                    sum += g[x] * (a[3 * j + x] - a[3 * i + x]);
                }
                out[k] = sum;
                k += 1;
            }
        }
    }

    /// Jᵀ f: what derivatives by the descriptor are by the atoms.
    pub fn back(&self, f: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let n = out.len() / 3;
        let mut k = 0;
        for i in 1..n {
            for j in 0..i {
                let g = &self.g[k];
                for x in 0..3 {
                    out[3 * j + x] += f[k] * g[x];
                    out[3 * i + x] -= f[k] * g[x];
                }
                k += 1;
            }
        }
    }
}

fn cell(frame: &LabelledFrame) -> Result<Option<Cell>> {
    let cell = &frame.system.cell;
    match (cell.is_isolated(), cell.is_bulk()) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(cell.clone())),
        _ => Err(at(frame, "it is periodic in some directions only").advise(
            "an sGDML model is of a molecule without a cell, or of a cell that is periodic in all three directions",
        )),
    }
}

fn at(frame: &LabelledFrame, reason: impl Into<String>) -> Error {
    Error::input(frame.place.clone(), reason)
}
