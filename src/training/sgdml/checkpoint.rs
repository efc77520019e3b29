//! An unfinished fit in a file: what was tried, the best solution, and where the iterative solver was.

use super::equations::Solved;
use super::iterative::State;
use super::settings::Solution;
use crate::error::Result;
use crate::io::npz::{Archive, ArchiveWriter, Array};
use crate::potential::sgdml::TestErrors;
use std::path::Path;

/// What is known of a fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress {
    /// Tells fits apart: data and settings.
    pub key: String,
    /// The group of permutations, once found.
    pub permutations: Vec<Vec<usize>>,
    /// The place in the list of length scales from which the search begins, once found.
    pub start: Option<usize>,
    /// Places in the list that were tried, in that order, with errors on the validation set.
    pub tried: Vec<(usize, Option<TestErrors>)>,
    /// The best solution so far, and its place.
    pub best: Option<(usize, Solved)>,
    /// A solution under way, and its place.
    pub running: Option<(usize, State)>,
}

impl Progress {
    /// Writes the file, complete or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut out = ArchiveWriter::new(path);
        let list = |v: &[i64]| Array::integer(&[v.len()], v.to_vec());
        let reals = |v: &[f64]| Array::real(&[v.len()], v.to_vec());
        out.add("zundel_fit", &Array::text(&self.key))?;
        let flat: Vec<i64> = self
            .permutations
            .iter()
            .flatten()
            .map(|i| *i as i64)
            .collect();
        out.add("perms", &list(&flat))?;
        out.add("perms_count", &list(&[self.permutations.len() as i64]))?;
        out.add(
            "start",
            &list(&self.start.map(|s| s as i64).into_iter().collect::<Vec<_>>()),
        )?;
        let places: Vec<i64> = self.tried.iter().map(|t| t.0 as i64).collect();
        out.add("tried", &list(&places))?;
        let errors: Vec<f64> = self
            .tried
            .iter()
            .flat_map(|t| match t.1 {
                Some(e) => [
                    e.geometries as f64,
                    e.energy[0],
                    e.energy[1],
                    e.force[0],
                    e.force[1],
                ],
                None => [0.0; 5],
            })
            .collect();
        out.add("tried_errors", &reals(&errors))?;
        if let Some((place, solved)) = &self.best {
            out.add("best", &list(&[*place as i64]))?;
            out.add("best_x", &reals(&solved.x))?;
            let how = match solved.how {
                Solution::ClosedForm => vec![solved.lambda],
                Solution::Iterative {
                    steps,
                    residual,
                    inducing,
                } => vec![solved.lambda, steps as f64, residual, inducing as f64],
            };
            out.add("best_how", &reals(&how))?;
        }
        if let Some((place, s)) = &self.running {
            out.add("running", &list(&[*place as i64]))?;
            out.add("running_x", &reals(&s.x))?;
            out.add("running_residual", &reals(&s.residual))?;
            out.add("running_direction", &reals(&s.direction))?;
            let numbers = [s.step, s.lowest_at, s.inducing, s.restarts].map(|n| n as i64);
            out.add("running_counts", &list(&numbers))?;
            out.add("running_numbers", &reals(&[s.product, s.lowest]))?;
        }
        out.finish()
    }

    /// Reads a file; `None` when it is not the progress of the fit `key` of `atoms` atoms with `unknowns` unknowns and `scales` length
    /// scales, or is damaged.
    pub fn read(
        path: &Path,
        key: &str,
        atoms: usize,
        unknowns: usize,
        scales: usize,
    ) -> Option<Progress> {
        let mut a = Archive::open(path).ok()?;
        if a.get("zundel_fit").ok()??.string() != Some(key) {
            return None;
        }
        let flat = wholes(&mut a, "perms")?;
        let count = *wholes(&mut a, "perms_count")?.first()?;
        let permutations: Vec<Vec<usize>> =
            flat.chunks_exact(atoms).map(<[usize]>::to_vec).collect();
        let good = |p: &Vec<usize>| {
            let mut sorted = p.clone();
            sorted.sort_unstable();
            sorted.iter().enumerate().all(|(i, x)| i == *x)
        };
        if permutations.len() != count
            || flat.len() != count * atoms
            || !permutations.iter().all(good)
        {
            return None;
        }
        let place = |p: usize| (p < scales).then_some(p);
        let places = wholes(&mut a, "tried")?;
        let errors = numbers(&mut a, "tried_errors")?;
        if errors.len() != 5 * places.len() || places.iter().any(|p| *p >= scales) {
            return None;
        }
        let tried = places.iter().zip(errors.chunks_exact(5)).map(|(p, e)| {
            let errors = TestErrors {
                geometries: e[0] as usize,
                energy: [e[1], e[2]],
                force: [e[3], e[4]],
            };
            (*p, (e[0] > 0.0).then_some(errors))
        });
        let mut progress = Progress {
            key: key.to_owned(),
            permutations,
            start: wholes(&mut a, "start")?.first().copied().and_then(place),
            tried: tried.collect(),
            ..Progress::default()
        };
        if a.has("best") {
            let x = vector(&mut a, "best_x", unknowns)?;
            let how = numbers(&mut a, "best_how")?;
            let (lambda, how) = match how[..] {
                [lambda] => (lambda, Solution::ClosedForm),
                [lambda, steps, residual, inducing] => {
                    let how = Solution::Iterative {
                        steps: steps as usize,
                        residual,
                        inducing: inducing as usize,
                    };
                    (lambda, how)
                }
                _ => return None,
            };
            let at = place(*wholes(&mut a, "best")?.first()?)?;
            progress.best = Some((at, Solved { lambda, x, how }));
        }
        if a.has("running") {
            let counts = wholes(&mut a, "running_counts")?;
            let reals = numbers(&mut a, "running_numbers")?;
            let ([step, lowest_at, inducing, restarts], [product, lowest]) =
                (&counts[..], &reals[..])
            else {
                return None;
            };
            let state = State {
                x: vector(&mut a, "running_x", unknowns)?,
                residual: vector(&mut a, "running_residual", unknowns)?,
                direction: vector(&mut a, "running_direction", unknowns)?,
                product: *product,
                step: *step,
                lowest: *lowest,
                lowest_at: (*lowest_at).min(*step),
                inducing: *inducing,
                restarts: *restarts,
            };
            progress.running = Some((place(*wholes(&mut a, "running")?.first()?)?, state));
        }
        Some(progress)
    }
}

fn wholes(a: &mut Archive, name: &str) -> Option<Vec<usize>> {
    let array = a.get(name).ok()??;
    let list = array.integers()?.iter();
    list.map(|x| usize::try_from(*x).ok()).collect()
}

fn numbers(a: &mut Archive, name: &str) -> Option<Vec<f64>> {
    a.get(name).ok()??.numbers()
}

fn vector(a: &mut Archive, name: &str, length: usize) -> Option<Vec<f64>> {
    let v = numbers(a, name)?;
    (v.len() == length && v.iter().all(|x| x.is_finite())).then_some(v)
}
