//! The least squares: what the data ask of a potential, and how far it is from that.

use super::environment::Environment;
use super::form::Form;
use super::settings::{Settings, Weights};
use super::site::{Scratch, Target, VIRIAL, add_site, flat, flat_mut};
use crate::error::{Error, Result};
use crate::parallel::{self, Disjoint, PerThread};
use crate::simd::{F64x8, simd_dispatch};
use crate::training::data::LabelledFrame;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use std::sync::Mutex;

/// Equations taken together before they are multiplied; more where one frame has more.
const EQUATIONS: usize = 768;
/// Columns of one piece of the normal matrix, about.
const PIECE: usize = 64;

/// Frames with what is asked of them.
pub(super) struct Problem {
    frames: Vec<Asked>,
}

/// One frame.
struct Asked {
    environment: Environment,
    /// What is known of energy, forces and virial (six components), and the square root of the weight of each; zero weight where nothing
    /// is known.
    known: Vec<f64>,
    weights: Vec<f64>,
}

/// Errors as MLIP measures them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Root mean square error of the energy per atom (eV/atom); zero without energies.
    pub energy: f64,
    /// Root mean square error of a component of a force (eV/Å); zero without forces.
    pub forces: f64,
    /// Root mean square error of a component of the virial (eV; nine components); zero without virials.
    pub virial: f64,
}

/// The normal equations at some coefficients.
pub(super) struct Normal {
    /// Jᵀ J, in the order of the coefficients; both triangles.
    pub matrix: Mat<f64>,
    /// Jᵀ r: half of the gradient of the sum of squares.
    pub gradient: Vec<f64>,
}

impl Problem {
    /// Prepares frames. Errors name the frame.
    pub fn new(settings: &Settings, cutoff: f64, frames: &[LabelledFrame]) -> Result<Problem> {
        let slots: Vec<Mutex<Option<Result<Asked>>>> =
            frames.iter().map(|_| Mutex::new(None)).collect();
        parallel::for_each(frames.len(), |i| {
            let made = Asked::new(settings, cutoff, &frames[i], frames.len());
            if let Ok(mut slot) = slots[i].lock() {
                *slot = Some(made);
            }
        });
        let frames: Result<Vec<Asked>> = slots
            .into_iter()
            .filter_map(|s| s.into_inner().ok().flatten())
            .collect();
        Ok(Problem { frames: frames? })
    }

    /// The smallest distance (Å) between two atoms within the cutoff.
    pub fn closest(&self) -> f64 {
        let of = |f: &Asked| f.environment.closest;
        self.frames.iter().map(of).fold(f64::INFINITY, f64::min)
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// Number of equations with a weight, and of atoms.
    pub fn sizes(&self) -> [usize; 2] {
        let weighted = |f: &Asked| f.weights.iter().filter(|w| **w > 0.0).count();
        [
            self.frames.iter().map(weighted).sum(),
            self.frames.iter().map(|f| f.environment.sites.len()).sum(),
        ]
    }

    /// The mean over all sites of the sum of (R - r)² over the neighbours (Å²): what the simplest basic moment is without a
    /// coefficient.
    pub fn reach(&self, cutoff: f64) -> f64 {
        let mut sum = 0.0;
        for eight in self
            .frames
            .iter()
            .flat_map(|f| &f.environment.sites)
            .flat_map(|s| &s.neighbours)
        {
            for r in &eight.r.0[..eight.count] {
                sum += (cutoff - r) * (cutoff - r);
            }
        }
        sum / (self.sizes()[1].max(1)) as f64
    }

    /// The weighted sum of squares of the frames whose numbers are given, and their errors.
    pub fn residuals(&self, form: &Form, theta: &[f64], chosen: &[usize]) -> (f64, Errors) {
        let mut threads = PerThread::<Work>::default();
        threads.prepare();
        let mut found = vec![[0.0; 7]; chosen.len()];
        let slots = Disjoint::new(&mut found);
        parallel::for_each(chosen.len(), |i| {
            let work = &mut *threads.get();
            let frame = &self.frames[chosen[i]];
            frame.evaluate(form, theta, work, &mut []);
            // SAFETY: one piece of work for each frame.
            let slot = unsafe { slots.range(i, 1) };
            slot[0] = frame.squares(&work.values);
        });
        let mut sum = [0.0; 7];
        for one in &found {
            for (sum, x) in sum.iter_mut().zip(one) {
                *sum += x;
            }
        }
        let root = |square: f64, count: f64| {
            if count > 0.0 {
                (square / count).sqrt()
            } else {
                0.0
            }
        };
        let errors = Errors {
            energy: root(sum[1], sum[2]),
            forces: root(sum[3], sum[4]),
            virial: root(sum[5], sum[6]),
        };
        (sum[0], errors)
    }

    /// The normal equations of the frames whose numbers are given.
    pub fn normal(&self, form: &Form, theta: &[f64], chosen: &[usize]) -> Normal {
        let stride = form.lanes();
        let width = stride * F64x8::WIDTH;
        let pieces = width.div_ceil(PIECE);
        let bounds: Vec<usize> = (0..=pieces).map(|k| k * width / pieces).collect();
        let tiles: Vec<[usize; 2]> = (0..pieces)
            .flat_map(|i| (0..=i).map(move |j| [i, j]))
            .collect();
        let mut sums: Vec<Mat<f64>> = tiles
            .iter()
            .map(|[i, j]| Mat::zeros(bounds[i + 1] - bounds[*i], bounds[j + 1] - bounds[*j]))
            .collect();
        let mut threads = PerThread::<Work>::default();
        threads.prepare();
        let mut equations: Vec<F64x8> = Vec::new();
        let mut next = 0;
        while next < chosen.len() {
            let (first, mut rows) = (next, 0);
            let mut starts = Vec::new();
            while next < chosen.len() {
                let own = self.frames[chosen[next]].known.len();
                if rows > 0 && rows + own > EQUATIONS {
                    break;
                }
                starts.push((rows, own));
                rows += own;
                next += 1;
            }
            equations.clear();
            equations.resize(rows * stride, F64x8::ZERO);
            let slots = Disjoint::new(&mut equations);
            parallel::for_each(starts.len(), |k| {
                let frame = &self.frames[chosen[first + k]];
                let (start, own) = starts[k];
                // SAFETY: the rows of different frames do not overlap.
                let part = unsafe { slots.range(start * stride, own * stride) };
                let work = &mut *threads.get();
                frame.evaluate(form, theta, work, part);
                frame.finish(form, &work.values, part);
            });
            let all = MatRef::from_row_major_slice(flat(&equations), rows, width);
            parallel::for_each_mut(&mut sums, |k, sum| {
                let [i, j] = tiles[k];
                matmul(
                    sum.as_mut(),
                    Accum::Add,
                    all.subcols(bounds[i], bounds[i + 1] - bounds[i])
                        .transpose(),
                    all.subcols(bounds[j], bounds[j + 1] - bounds[j]),
                    1.0,
                    Par::Seq,
                );
            });
        }
        let piece = |c: usize| bounds.partition_point(|b| *b <= c) - 1;
        let at = |a: usize, b: usize| {
            let (a, b) = (a.max(b), a.min(b));
            let (i, j) = (piece(a), piece(b));
            sums[i * (i + 1) / 2 + j][(a - bounds[i], b - bounds[j])]
        };
        let columns = form.columns();
        let matrix = Mat::from_fn(columns.len(), columns.len(), |i, j| {
            at(columns[i], columns[j])
        });
        let gradient = columns.iter().map(|c| at(*c, form.remainder())).collect();
        Normal { matrix, gradient }
    }
}

/// Work arrays of a thread.
#[derive(Default)]
struct Work {
    scratch: Scratch,
    forces: Vec<[f64; 3]>,
    /// Energy, forces and virial of a frame.
    values: Vec<f64>,
}

impl Asked {
    fn new(
        settings: &Settings,
        cutoff: f64,
        frame: &LabelledFrame,
        frames: usize,
    ) -> Result<Asked> {
        let environment = Environment::new(frame, &settings.species, cutoff)?;
        let n = frame.len();
        let wrong = |reason: &str| Err(Error::input(frame.place.clone(), reason.to_owned()));
        if n == 0 {
            return wrong("the frame has no atoms");
        }
        let Weights {
            energy,
            forces,
            virial,
            ..
        } = settings.weights;
        let kind = settings.kinds.get(&frame.kind).copied().unwrap_or(1.0);
        let by_size = |power: f64| kind / frames as f64 / (n as f64).powf(power);
        let (mut known, mut weights) = (vec![0.0; 3 * n + 7], vec![0.0; 3 * n + 7]);
        let scaling = settings.weights.size_power;
        if let Some(e) = frame.energy {
            known[0] = e;
            weights[0] = energy * by_size(scaling);
        }
        if let Some(list) = &frame.forces {
            if list.len() != n {
                return wrong("there are not as many forces as atoms");
            }
            for (i, f) in list.iter().enumerate() {
                let square = f[0] * f[0] + f[1] * f[1] + f[2] * f[2];
                let soft = settings.weights.scale_by_force;
                let less = if soft > 0.0 {
                    soft / (square + soft)
                } else {
                    1.0
                };
                for axis in 0..3 {
                    known[1 + 3 * i + axis] = f[axis];
                    weights[1 + 3 * i + axis] =
                        forces * less * by_size(settings.weights.force_size_power);
                }
            }
        }
        if let Some(w) = &frame.virial {
            for (v, [a, b]) in VIRIAL.iter().enumerate() {
                known[1 + 3 * n + v] = 0.5 * (w[*a][*b] + w[*b][*a]);
                // Both off-diagonal components count.
                let twice = if a == b { 1.0 } else { 2.0 };
                weights[1 + 3 * n + v] = virial * twice * by_size(scaling);
            }
        }
        if known.iter().any(|x| !x.is_finite()) {
            return wrong("an energy, a force or a virial of the frame is not finite");
        }
        weights.iter_mut().for_each(|w| *w = w.sqrt());
        Ok(Asked {
            environment,
            known,
            weights,
        })
    }

    /// Energy, forces and virial into the values of `work`, and their derivatives into `equations` unless that is empty.
    fn evaluate(&self, form: &Form, theta: &[f64], work: &mut Work, equations: &mut [F64x8]) {
        let n = self.environment.sites.len();
        work.forces.clear();
        work.forces.resize(n, [0.0; 3]);
        let mut virial = [0.0; 6];
        let target = Target {
            forces: &mut work.forces,
            virial: &mut virial,
            equations,
        };
        let energy = add_frame(form, theta, &self.environment, &mut work.scratch, target);
        work.values.clear();
        work.values.push(energy);
        work.values.extend(work.forces.as_flattened());
        work.values.extend(virial);
    }

    /// Puts the remainders into the equations and weights these.
    fn finish(&self, form: &Form, values: &[f64], equations: &mut [F64x8]) {
        for (k, row) in equations.chunks_exact_mut(form.lanes()).enumerate() {
            flat_mut(row)[form.remainder()] = values[k] - self.known[k];
            let weight = F64x8::splat(self.weights[k]);
            row.iter_mut().for_each(|x| *x = *x * weight);
        }
    }

    /// The weighted sum of squares; then squares and counts of energies per atom, forces and virial.
    fn squares(&self, values: &[f64]) -> [f64; 7] {
        let n = self.environment.sites.len();
        let mut out = [0.0; 7];
        for (k, value) in values.iter().enumerate() {
            let (off, weight) = (value - self.known[k], self.weights[k]);
            if weight == 0.0 {
                continue;
            }
            out[0] += (weight * off) * (weight * off);
            let (place, square, count) = match k {
                0 => (1, (off / n as f64) * (off / n as f64), 1.0),
                _ if k <= 3 * n => (3, off * off, 1.0),
                _ if k <= 3 * n + 3 => (5, off * off, 1.0),
                _ => (5, 2.0 * off * off, 2.0),
            };
            out[place] += square;
            out[place + 1] += count;
        }
        out
    }
}

simd_dispatch! {
    fn add_frame(
        form: &Form,
        theta: &[f64],
        environment: &Environment,
        scratch: &mut Scratch,
        target: Target<'_>,
    ) -> f64 = add_frame_body;
}

#[inline(always)]
fn add_frame_body<const FMA: bool>(
    form: &Form,
    theta: &[f64],
    environment: &Environment,
    scratch: &mut Scratch,
    mut target: Target<'_>,
) -> f64 {
    let mut energy = 0.0;
    for (i, site) in environment.sites.iter().enumerate() {
        energy += add_site::<FMA>(form, theta, i, site, scratch, &mut target);
    }
    energy
}
