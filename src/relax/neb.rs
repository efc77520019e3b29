//! The nudged elastic band: the path of least energy between two minima, and the saddle on it.
//!
//! Tangents of Henkelman, Jónsson, J. Chem. Phys. 113, 9978 (2000); the climbing image of Henkelman, Uberuaga, Jónsson, J. Chem.
//! Phys. 113, 9901 (2000). All images are one batch of the evaluator. The forces of a band are no gradient of anything, so that only an
//! optimiser that looks at forces alone is safe: FIRE.

use super::fire::{Field, Fire};
use super::idpp::Idpp;
use super::line_search::dot;
use super::objective::Point;
use super::relaxation::Advance;
use crate::error::{Error, Result};
use crate::potential::{Configuration, Evaluation, EvaluationError, Evaluator, Want};
use crate::system::{System, nearest_image};

/// How a path begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// Straight lines.
    Linear,
    /// The image-dependent pair potential: distances change evenly, and no atoms run through each other (Smidstrup, Pedersen, Stokbro,
    /// Jónsson, J. Chem. Phys. 140, 214106 (2014)).
    #[default]
    Idpp,
}

/// What is asked of a band.
#[derive(Clone, Debug, PartialEq)]
pub struct BandSettings {
    /// Images between the ends.
    pub images: usize,
    /// Longest force of the band on an atom (eV/Å) at the end.
    pub fmax: f64,
    /// Stiffness (eV/Å^2) of the springs between images.
    pub spring: f64,
    /// Whether the highest image climbs to the saddle.
    pub climb: bool,
    /// The path to begin with.
    pub interpolation: Interpolation,
    /// Most steps.
    pub max_steps: u64,
    /// Longest way (Å) of an atom in one step.
    pub max_move: f64,
    /// Directions in which each atom is held; empty: none.
    pub held: Vec<[bool; 3]>,
}

/// What is shown of each step of a band.
pub struct BandStep<'a> {
    /// Number of steps done.
    pub step: u64,
    /// Longest force of the band on an atom (eV/Å).
    pub fmax: f64,
    /// Energy (eV) of every image, ends included.
    pub energies: &'a [f64],
    /// Whether an image climbs.
    pub climbing: bool,
    progress: &'a Progress,
}

impl BandStep<'_> {
    /// All that is needed to go on from here with the same bits.
    pub fn snapshot(&self) -> BandSnapshot {
        BandSnapshot(self.progress.clone())
    }
}

/// What a band knows between two steps. Its lists are built anew at every step, so that nothing else matters.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Progress {
    steps: u64,
    point: Point,
    fire: Fire,
    climbing: bool,
    energies: Vec<f64>,
}

/// All that is needed to go on with a band.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct BandSnapshot(Progress);

/// How a band ended.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BandEnd {
    /// The forces of the band are within what was asked for.
    Converged,
    /// The observer wanted no more.
    Stopped,
    /// The number of steps is used up.
    TooManySteps,
    /// The images, or every step from where they were, could not be evaluated.
    Failed(EvaluationError),
}

/// An image of a finished band.
#[derive(Clone, Debug)]
pub struct Image {
    /// Cell and atoms.
    pub system: System,
    /// Length (Å) of the path up to it.
    pub along: f64,
    /// Energy (eV).
    pub energy: f64,
    /// Forces on the atoms (eV/Å).
    pub forces: Vec<[f64; 3]>,
    /// Derivative of the energy along the path (eV/Å).
    pub slope: f64,
}

/// What came of a band.
#[derive(Clone, Debug)]
pub struct BandOutcome {
    /// How it ended.
    pub end: BandEnd,
    /// Number of steps.
    pub steps: u64,
    /// Longest force of the band on an atom (eV/Å).
    pub fmax: f64,
    /// All images, ends included.
    pub images: Vec<Image>,
    /// The highest image.
    pub highest: usize,
    /// Whether it climbed.
    pub climbed: bool,
}

impl BandOutcome {
    /// Energy (eV) of the highest image above the first.
    pub fn barrier(&self) -> f64 {
        self.images[self.highest].energy - self.images[0].energy
    }

    /// Energy (eV) of the highest image above the last.
    pub fn barrier_back(&self) -> f64 {
        self.images[self.highest].energy - self.images[self.images.len() - 1].energy
    }
}

/// Where the forces of the images come from.
pub(super) enum Model<'a> {
    /// The potential.
    Evaluator(&'a mut Evaluator),
    /// The pair potential that makes the first path.
    Idpp(&'a Idpp),
}

/// A band as a field of forces: the positions of all images between the ends, one after the other.
pub(super) struct Band<'a> {
    first: &'a System,
    /// Positions of the last image, next to those of the first.
    last: Vec<[f64; 3]>,
    /// Energies of the ends.
    ends: [f64; 2],
    settings: &'a BandSettings,
    model: Model<'a>,
    results: Vec<Evaluation>,
    climbing: bool,
    /// Of the last evaluation: energies of all images, and slopes of those between.
    energies: Vec<f64>,
    slopes: Vec<f64>,
}

impl<'a> Band<'a> {
    fn new(
        first: &'a System,
        last: &[[f64; 3]],
        settings: &'a BandSettings,
        model: Model<'a>,
        ends: [f64; 2],
    ) -> Band<'a> {
        Band {
            first,
            last: last.to_vec(),
            ends,
            settings,
            model,
            results: Vec::new(),
            climbing: false,
            energies: Vec::new(),
            slopes: Vec::new(),
        }
    }

    fn atoms(&self) -> usize {
        self.first.atoms.len()
    }

    /// The positions of an image, ends included.
    fn image<'b>(&'b self, x: &'b [f64], k: usize) -> &'b [f64] {
        let n = 3 * self.atoms();
        match k {
            0 => self.first.atoms.positions.as_flattened(),
            k if k == self.settings.images + 1 => self.last.as_flattened(),
            k => &x[(k - 1) * n..k * n],
        }
    }

    /// Energies and forces of all images.
    fn evaluate_images(&mut self, x: &[f64]) -> std::result::Result<(), EvaluationError> {
        let (n, images) = (self.atoms(), self.settings.images);
        self.results.resize_with(images, Evaluation::default);
        match &mut self.model {
            Model::Idpp(idpp) => {
                for (k, result) in self.results.iter_mut().enumerate() {
                    let (positions, _) = x[3 * k * n..3 * (k + 1) * n].as_chunks::<3>();
                    idpp.evaluate(k + 1, positions, result)?;
                }
            }
            Model::Evaluator(evaluator) => {
                let configurations: Vec<Configuration<'_>> = x
                    .chunks_exact(3 * n)
                    .map(|x| Configuration {
                        cell: &self.first.cell,
                        elements: &self.first.atoms.elements,
                        positions: x.as_chunks::<3>().0,
                    })
                    .collect();
                // New lists every time: what is left of an earlier step would be in the last digits.
                for (k, c) in configurations.iter().enumerate() {
                    evaluator.build_lists(k, *c)?;
                }
                let want = Want {
                    forces: true,
                    ..Want::ENERGY
                };
                evaluator.evaluate(&configurations, want, &mut self.results)?;
            }
        }
        let finite = |r: &Evaluation| {
            r.energy.is_finite() && r.forces.as_flattened().iter().all(|f| f.is_finite())
        };
        match self.results.iter().position(|r| !finite(r)) {
            Some(member) => Err(EvaluationError::NotFinite { member, atom: None }),
            None => Ok(()),
        }
    }

    /// The tangent at an image, of unit length: towards the higher neighbour, or a mixture at a maximum or minimum.
    fn tangent(&self, x: &[f64], k: usize) -> Vec<f64> {
        let (before, here, after) = (self.image(x, k - 1), self.image(x, k), self.image(x, k + 1));
        let e = |k: usize| self.energies[k];
        let ahead = |i: usize| after[i] - here[i];
        let behind = |i: usize| here[i] - before[i];
        let indices = 0..here.len();
        let mut t: Vec<f64> = if e(k + 1) > e(k) && e(k) > e(k - 1) {
            indices.map(ahead).collect()
        } else if e(k + 1) < e(k) && e(k) < e(k - 1) {
            indices.map(behind).collect()
        } else {
            let (a, b) = ((e(k + 1) - e(k)).abs(), (e(k - 1) - e(k)).abs());
            let (large, small) = (a.max(b), a.min(b));
            let (wa, wb) = match e(k + 1) > e(k - 1) {
                true => (large, small),
                false => (small, large),
            };
            // All three alike: between the neighbours.
            let (wa, wb) = if large > 0.0 { (wa, wb) } else { (1.0, 1.0) };
            indices.map(|i| wa * ahead(i) + wb * behind(i)).collect()
        };
        let length = dot(&t, &t).sqrt();
        if length > 0.0 {
            t.iter_mut().for_each(|x| *x /= length);
        }
        t
    }

    /// The image that climbs.
    fn highest(&self) -> usize {
        let inner = 1..=self.settings.images;
        inner
            .max_by(|a, b| self.energies[*a].total_cmp(&self.energies[*b]))
            .unwrap_or(1)
    }
}

impl Field for Band<'_> {
    fn evaluate(&mut self, point: &mut Point) -> std::result::Result<(), EvaluationError> {
        self.evaluate_images(&point.x)?;
        let (n, images) = (3 * self.atoms(), self.settings.images);
        self.energies.clear();
        self.energies.push(self.ends[0]);
        self.energies.extend(self.results.iter().map(|r| r.energy));
        self.energies.push(self.ends[1]);
        let climber = self.climbing.then(|| self.highest());
        self.slopes.clear();
        point.gradient.clear();
        point.gradient.resize(n * images, 0.0);
        let mut longest: f64 = 0.0;
        for k in 1..=images {
            let t = self.tangent(&point.x, k);
            let forces = &self.results[k - 1].forces;
            let mut f: Vec<f64> = forces.as_flattened().to_vec();
            for (f, held) in f.chunks_exact_mut(3).zip(&self.settings.held) {
                (0..3).filter(|d| held[*d]).for_each(|d| f[d] = 0.0);
            }
            let along = dot(&f, &t);
            self.slopes.push(-along);
            let pull = if climber == Some(k) {
                -2.0 * along
            } else {
                let length = |a: usize, b: usize| {
                    let (a, b) = (self.image(&point.x, a), self.image(&point.x, b));
                    a.iter()
                        .zip(b)
                        .map(|(a, b)| (a - b) * (a - b))
                        .sum::<f64>()
                        .sqrt()
                };
                self.settings.spring * (length(k + 1, k) - length(k, k - 1)) - along
            };
            for (i, f) in f.iter_mut().enumerate() {
                *f += pull * t[i];
            }
            for (f, held) in f.chunks_exact_mut(3).zip(&self.settings.held) {
                (0..3).filter(|d| held[*d]).for_each(|d| f[d] = 0.0);
            }
            for f in f.chunks_exact(3) {
                longest = longest.max(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
            }
            let gradient = &mut point.gradient[(k - 1) * n..k * n];
            gradient.iter_mut().zip(&f).for_each(|(g, f)| *g = -f);
        }
        point.measure.fmax = longest.sqrt();
        Ok(())
    }

    fn length_of(&self, step: &[f64]) -> f64 {
        let longest = step
            .chunks_exact(3)
            .map(|d| d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
            .fold(0.0, f64::max);
        longest.sqrt() / self.settings.max_move
    }
}

/// An image begins to climb when the forces of the band are within this many times what is asked for.
const CLIMB_BELOW: f64 = 20.0;
/// Steps and force (of the pair potential) of the first path.
const FIRST_PATH: (u64, f64) = (500, 0.01);

/// Finds the path of least energy from `first` to `last`, which have the same cell and the same atoms in the same order. Both should be
/// relaxed. With a snapshot it goes on from there.
///
/// Not converging is a [`BandEnd`], not an error. Errors are the user's: ends that do not fit together.
pub fn band(
    first: &System,
    last: &System,
    evaluator: &mut Evaluator,
    settings: &BandSettings,
    snapshot: Option<BandSnapshot>,
    observe: &mut dyn FnMut(&BandStep<'_>) -> bool,
) -> Result<BandOutcome> {
    check(first, last, settings)?;
    let n = first.atoms.len();
    // The way from each atom to its nearest image at the other end.
    let last: Vec<[f64; 3]> = first
        .atoms
        .positions
        .iter()
        .zip(&last.atoms.positions)
        .map(|(a, b)| {
            let d = nearest_image(&first.cell, crate::vector::minus(*b, *a));
            std::array::from_fn(|k| a[k] + d[k])
        })
        .collect();
    let mut results = [Evaluation::default(), Evaluation::default()];
    let mut at_ends = |positions: &[[f64; 3]], result: &mut Evaluation| {
        let c = Configuration {
            positions,
            ..first.configuration()
        };
        let want = Want {
            forces: true,
            ..Want::ENERGY
        };
        evaluator
            .build_lists(0, c)
            .and_then(|()| evaluator.evaluate(&[c], want, std::slice::from_mut(result)))
    };
    let failed = |e: EvaluationError| BandOutcome {
        end: BandEnd::Failed(e),
        steps: 0,
        fmax: f64::NAN,
        images: Vec::new(),
        highest: 0,
        climbed: false,
    };
    let [of_first, of_last] = &mut results;
    let ends = at_ends(&first.atoms.positions, of_first).and_then(|()| at_ends(&last, of_last));
    if let Err(e) = ends {
        return Ok(failed(e));
    }
    let mut x: Vec<f64> = Vec::with_capacity(3 * n * settings.images);
    for k in 1..=settings.images {
        let t = k as f64 / (settings.images + 1) as f64;
        let flat = last.as_flattened().iter();
        let line = first.atoms.positions.as_flattened().iter().zip(flat);
        x.extend(line.map(|(a, b)| a + t * (b - a)));
    }
    if settings.interpolation == Interpolation::Idpp && snapshot.is_none() {
        let idpp = Idpp::between(first, &last, settings.images);
        let mut path = Band::new(first, &last, settings, Model::Idpp(&idpp), [0.0; 2]);
        let mut point = Point {
            x: x.clone(),
            ..Point::default()
        };
        let mut fire = Fire::default();
        let mut good = path.evaluate(&mut point).is_ok();
        for _ in 0..FIRST_PATH.0 {
            if !good || point.measure.fmax < FIRST_PATH.1 {
                break;
            }
            good = matches!(fire.step(&mut path, &mut point), Advance::Moved);
        }
        x = point.x;
    }
    let ends = [results[0].energy, results[1].energy];
    let mut field = Band::new(first, &last, settings, Model::Evaluator(evaluator), ends);
    let mut p = match snapshot {
        Some(BandSnapshot(p)) if p.point.x.len() == x.len() && p.fire.fits(x.len()) => p,
        Some(_) => {
            return Err(Error::input(
                "band",
                "the state to go on from belongs to another system or another number of images",
            ));
        }
        None => {
            let mut point = Point {
                x,
                ..Point::default()
            };
            if let Err(e) = field.evaluate(&mut point) {
                return Ok(failed(e));
            }
            Progress {
                steps: 0,
                point,
                fire: Fire::default(),
                climbing: false,
                energies: field.energies.clone(),
            }
        }
    };
    field.climbing = p.climbing;
    let mut seen = p.steps > 0;
    let end = loop {
        let shown = BandStep {
            step: p.steps,
            fmax: p.point.measure.fmax,
            energies: &p.energies,
            climbing: p.climbing,
            progress: &p,
        };
        if !std::mem::take(&mut seen) && !observe(&shown) {
            break BandEnd::Stopped;
        }
        let fmax = p.point.measure.fmax;
        if fmax <= settings.fmax && (p.climbing || !settings.climb) {
            break BandEnd::Converged;
        }
        if settings.climb && !p.climbing && fmax <= CLIMB_BELOW * settings.fmax {
            p.climbing = true;
            field.climbing = true;
            p.fire.forget();
            if let Err(e) = field.evaluate(&mut p.point) {
                break BandEnd::Failed(e);
            }
        }
        if p.steps >= settings.max_steps {
            break BandEnd::TooManySteps;
        }
        match p.fire.step(&mut field, &mut p.point) {
            Advance::Moved => p.steps += 1,
            Advance::Rounding => break BandEnd::Converged,
            Advance::Failed(e) => break BandEnd::Failed(e),
        }
        p.energies.clone_from(&field.energies);
    };
    if field.evaluate(&mut p.point).is_err() && !matches!(end, BandEnd::Failed(_)) {
        return Err(Error::Bug(
            "a band that was evaluated before cannot be evaluated".to_owned(),
        ));
    }
    Ok(conclude(field, p, end, results))
}

/// What came of the band.
fn conclude(field: Band<'_>, p: Progress, end: BandEnd, ends: [Evaluation; 2]) -> BandOutcome {
    let count = field.settings.images + 2;
    let mut along = 0.0;
    let mut images = Vec::with_capacity(count);
    for k in 0..count {
        let here = field.image(&p.point.x, k);
        if k > 0 {
            let before = field.image(&p.point.x, k - 1);
            let square: f64 = here.iter().zip(before).map(|(a, b)| (a - b).powi(2)).sum();
            along += square.sqrt();
        }
        let mut system = field.first.clone();
        system
            .atoms
            .positions
            .as_flattened_mut()
            .copy_from_slice(here);
        let result = match k {
            0 => &ends[0],
            k if k == count - 1 => &ends[1],
            k => field.results.get(k - 1).unwrap_or(&ends[0]),
        };
        let inner = k.checked_sub(1).and_then(|k| field.slopes.get(k));
        images.push(Image {
            system,
            along,
            energy: result.energy,
            forces: result.forces.clone(),
            // Ends are minima.
            slope: inner.copied().unwrap_or(0.0),
        });
    }
    let highest = (0..count)
        .max_by(|a, b| images[*a].energy.total_cmp(&images[*b].energy))
        .unwrap_or(0);
    BandOutcome {
        end,
        steps: p.steps,
        fmax: p.point.measure.fmax,
        images,
        highest,
        climbed: p.climbing,
    }
}

/// Refuses ends that do not fit together.
fn check(first: &System, last: &System, settings: &BandSettings) -> Result<()> {
    let bad = |reason: String, advice: &str| Err(Error::input("band", reason).advise(advice));
    let (a, b) = (&first.atoms, &last.atoms);
    if a.len() != b.len() {
        return bad(
            format!(
                "the ends have {} and {} atoms: a path needs the same atoms at both",
                a.len(),
                b.len()
            ),
            "",
        );
    }
    if let Some(i) = (0..a.len()).find(|i| a.elements[*i] != b.elements[*i]) {
        return bad(
            format!(
                "atom {i} (counted from 0) is {} at one end and {} at the other",
                a.elements[i].symbol(),
                b.elements[i].symbol()
            ),
            "write the atoms of both files in the same order",
        );
    }
    if (first.cell.basis() - last.cell.basis()).norm() > 1e-6
        || first.cell.periodic() != last.cell.periodic()
    {
        return bad(
            "the ends have different cells".to_owned(),
            "relax both in the same cell",
        );
    }
    if settings.images == 0 {
        return bad("there are no images between the ends".to_owned(), "");
    }
    let same = a.positions.iter().zip(&b.positions).all(|(a, b)| {
        let d = nearest_image(&first.cell, crate::vector::minus(*b, *a));
        crate::vector::dot(d, d) < 1e-6
    });
    if same {
        return bad(
            "both ends are the same structure: there is no path to find".to_owned(),
            "are the atoms that change places numbered alike at both ends?",
        );
    }
    Ok(())
}
