//! The sparse points of a coordinate.

use super::densities;
use super::environment::Environment;
use super::expand::{Planned, PlannedKernel};
use super::pairs::Pairs;
use super::settings::{Choice, Theta};
use super::triplets::Triplets;
use crate::error::{Error, Result};
use crate::parallel;
use crate::potential::gap::density::{DensityScratch, DensityTerm};
use crate::potential::gap::{Coordinate, Covariance, Descriptor, GapFile};
use crate::training::choose::{self, Table};
use crate::training::data::LabelledFrame;

/// What computes the instances of a coordinate.
#[derive(Debug)]
pub(super) enum Instances {
    Pairs(Pairs),
    Triplets(Triplets),
    /// With the constant last element of the descriptor.
    Density(Box<DensityTerm>, Option<f64>),
}

/// Frames whose instances are computed together.
const FRAMES: usize = 32;
/// Most instances among which points are chosen.
const MOST_CANDIDATES: usize = 4_000_000;
/// Copies of the candidates that the choosers make, at most.
const COPIES: usize = 4;

impl Instances {
    /// Errors, without a place, when the descriptor makes no sense.
    pub(super) fn new(descriptor: &Descriptor) -> Result<Instances> {
        let bad = |e: String| Error::input("", e);
        Ok(match descriptor {
            Descriptor::Distance2b(d) => Instances::Pairs(Pairs::new(d)),
            Descriptor::Angle3b(d) => Instances::Triplets(Triplets::new(d)),
            Descriptor::Soap(p) => {
                let term = p.describer().map_err(bad)?;
                Instances::Density(Box::new(term), Some(p.covariance_sigma0))
            }
            Descriptor::SoapTurbo(p) => {
                Instances::Density(Box::new(p.describer().map_err(bad)?), None)
            }
            Descriptor::DistanceNb(_) => {
                return Err(Error::Bug("a fit of distance_Nb is not offered".into()));
            }
        })
    }

    /// Length of the vectors.
    pub(super) fn dimensions(&self) -> usize {
        match self {
            Instances::Pairs(_) => 1,
            Instances::Triplets(_) => 3,
            Instances::Density(term, constant) => term.length() + usize::from(constant.is_some()),
        }
    }

    /// Vectors and switches of the instances of a frame.
    fn of(&self, frame: &LabelledFrame, cutoff: f64) -> Result<Candidates> {
        let environment = Environment::new(frame.system.configuration(), cutoff)
            .map_err(|e| e.within(&frame.place))?;
        let mut found = Candidates::default();
        let mut visit = |x: &[f64], fc: f64| {
            found.vectors.extend_from_slice(x);
            found.switches.push(fc);
        };
        match self {
            Instances::Pairs(pairs) => pairs.candidates(&environment, &mut visit),
            Instances::Triplets(triplets) => triplets.candidates(&environment, &mut visit),
            Instances::Density(term, constant) => {
                let mut scratch = DensityScratch::default();
                densities::candidates(term, &environment, &mut scratch, *constant, &mut visit);
            }
        }
        Ok(found)
    }
}

/// Instances to choose from.
#[derive(Debug, Default)]
struct Candidates {
    vectors: Vec<f64>,
    switches: Vec<f64>,
    /// Every so many instances of the data is here.
    every: usize,
    /// Instances of the data.
    seen: usize,
}

impl Candidates {
    /// The instances of all frames; when they would take more than `memory` bytes or are too many, every second is dropped,
    /// and so on.
    fn gather(
        instances: &Instances,
        frames: &[LabelledFrame],
        cutoff: f64,
        memory: usize,
    ) -> Result<Candidates> {
        let d = instances.dimensions();
        let most = (memory / (8 * d * COPIES)).clamp(1, MOST_CANDIDATES);
        let mut all = Candidates {
            every: 1,
            ..Candidates::default()
        };
        for some in frames.chunks(FRAMES) {
            let mut found: Vec<Result<Candidates>> = Vec::new();
            found.resize_with(some.len(), || Ok(Candidates::default()));
            parallel::for_each_mut(&mut found, |k, found| {
                *found = instances.of(&some[k], cutoff);
            });
            for found in found {
                let found = found?;
                for (x, fc) in found.vectors.chunks_exact(d).zip(&found.switches) {
                    if all.seen.is_multiple_of(all.every) {
                        all.vectors.extend_from_slice(x);
                        all.switches.push(*fc);
                    }
                    all.seen += 1;
                }
                while all.switches.len() > most {
                    all.thin(d);
                }
            }
        }
        Ok(all)
    }

    /// Drops every second instance.
    fn thin(&mut self, d: usize) {
        self.every *= 2;
        let kept = self.switches.len().div_ceil(2);
        for k in 0..kept {
            self.switches[k] = self.switches[2 * k];
            self.vectors.copy_within(2 * k * d..(2 * k + 1) * d, k * d);
        }
        self.switches.truncate(kept);
        self.vectors.truncate(kept * d);
    }
}

/// A coordinate with its points, and what was chosen from.
pub(super) struct Chosen {
    pub(super) coordinate: Coordinate,
    pub(super) instances: Instances,
    /// Instances in the data; `None` when they were not looked at.
    pub(super) candidates: Option<usize>,
}

/// Chooses the points of a planned coordinate; `None` when the data have no instance of it.
pub(super) fn choose_points(
    planned: &Planned,
    frames: &[LabelledFrame],
    seed: u64,
    memory: usize,
    label: String,
) -> Result<Option<Chosen>> {
    let instances = Instances::new(&planned.descriptor)?;
    let d = instances.dimensions();
    let cutoff = cutoff_of(&planned.descriptor);
    let theta = match &planned.kernel {
        PlannedKernel::Gaussian(theta) | PlannedKernel::Polynomial(theta) => Some(theta),
        PlannedKernel::DotProduct(_) => None,
    };
    let looks = !matches!(planned.choice, Choice::Given(_) | Choice::Model(_))
        || matches!(theta, Some(Theta::Factor(_)));
    let candidates = if looks {
        let found = Candidates::gather(&instances, frames, cutoff, memory)?;
        if found.seen == 0 {
            return Ok(None);
        }
        Some(found)
    } else {
        None
    };
    let (sparse, sparse_cutoff) = match (&planned.choice, &candidates) {
        (Choice::Given(numbers), _) => given(numbers, &instances)?,
        (Choice::Model(path), _) => from_model(path, planned)?,
        (choice, Some(found)) => {
            let table = Table::new(&found.vectors, d)?;
            let rows = match choice {
                Choice::FarthestPoints => choose::farthest_points(table, planned.points, seed),
                Choice::KMeans => choose::k_means(table, planned.points, seed),
                Choice::Random => choose::random(table, planned.points, seed),
                Choice::Uniform if d <= 3 => choose::uniform_grid(table, planned.points, seed),
                Choice::Uniform => {
                    return Err(Error::input(
                        "",
                        format!("a uniform grid in {d} dimensions would be nearly empty"),
                    )
                    .advise("choose by cur, farthest points or k-means"));
                }
                _ => choose::cur(table, planned.points, seed)?,
            };
            let of = |r: &usize| found.vectors[r * d..(r + 1) * d].to_vec();
            let sparse: Vec<f64> = rows.iter().flat_map(of).collect();
            (sparse, rows.iter().map(|r| found.switches[*r]).collect())
        }
        (_, None) => return Err(Error::Bug("sparse points without candidates".into())),
    };
    let ranges = candidates.as_ref().map(|c| ranges(&c.vectors, d));
    let lengths = |theta: &Theta| lengths(theta, d, ranges.as_deref());
    let covariance = match &planned.kernel {
        PlannedKernel::DotProduct(zeta) => Covariance::DotProduct { zeta: *zeta },
        PlannedKernel::Gaussian(theta) => Covariance::ArdSe {
            theta: lengths(theta),
        },
        PlannedKernel::Polynomial(theta) => Covariance::Pp {
            theta: lengths(theta),
        },
    };
    let identity = match covariance {
        Covariance::DotProduct { .. } => vec![0],
        _ => (0..d).collect(),
    };
    Ok(Some(Chosen {
        coordinate: Coordinate {
            label,
            dimensions: d,
            delta: planned.delta,
            f0: 0.0,
            covariance,
            permutations: vec![identity],
            descriptor: planned.descriptor.clone(),
            alpha: vec![0.0; sparse_cutoff.len()],
            sparse_cutoff,
            sparse,
        },
        candidates: candidates.map(|c| c.seen),
        instances,
    }))
}

/// Range (Å) of a descriptor.
pub(super) fn cutoff_of(descriptor: &Descriptor) -> f64 {
    match descriptor {
        Descriptor::Distance2b(d) => d.cutoff,
        Descriptor::Angle3b(d) => d.cutoff,
        Descriptor::DistanceNb(d) => d.cutoff,
        Descriptor::Soap(p) => p.cutoff,
        Descriptor::SoapTurbo(p) => p.rcut_hard,
    }
}

/// Points that the user gave.
fn given(numbers: &[f64], instances: &Instances) -> Result<(Vec<f64>, Vec<f64>)> {
    let d = instances.dimensions();
    if numbers.is_empty() || !numbers.len().is_multiple_of(d) {
        let reason = format!(
            "{} numbers are given for sparse points of {d} numbers each",
            numbers.len()
        );
        return Err(Error::input("", reason));
    }
    if let Some(k) = numbers.iter().position(|x| !x.is_finite()) {
        return Err(Error::input(
            "",
            format!("sparse point {} is not a finite number", k / d + 1),
        ));
    }
    let switches: Vec<f64> = numbers
        .chunks_exact(d)
        .map(|x| match instances {
            Instances::Pairs(pairs) => pairs.switch(x[0]),
            Instances::Triplets(triplets) => triplets.switch(x),
            Instances::Density(..) => 1.0,
        })
        .collect();
    if let Some(k) = switches.iter().position(|fc| *fc == 0.0) {
        let reason = format!("sparse point {} lies beyond the cutoff", k + 1);
        return Err(Error::input("", reason));
    }
    Ok((numbers.to_vec(), switches))
}

/// Points of the coordinate with the same descriptor in a model file.
fn from_model(path: &std::path::Path, planned: &Planned) -> Result<(Vec<f64>, Vec<f64>)> {
    let file = GapFile::read(path)?;
    let found = file
        .coordinates
        .into_iter()
        .find(|c| super::expand::same(&c.descriptor, &planned.descriptor));
    match found {
        Some(c) => Ok((c.sparse, c.sparse_cutoff)),
        None => Err(Error::file(
            path,
            format!("no coordinate has the descriptor `{}`", planned.text),
        )
        .advise("sparse points can be taken from a coordinate with equal parameters only")),
    }
}

/// Range of each number of the vectors.
fn ranges(vectors: &[f64], d: usize) -> Vec<f64> {
    let mut ends = vec![[f64::INFINITY, f64::NEG_INFINITY]; d];
    for x in vectors.chunks_exact(d) {
        for (e, x) in ends.iter_mut().zip(x) {
            *e = [e[0].min(*x), e[1].max(*x)];
        }
    }
    ends.iter().map(|e| e[1] - e[0]).collect()
}

/// The length scales; a range of nothing counts as 1.
fn lengths(theta: &Theta, d: usize, ranges: Option<&[f64]>) -> Vec<f64> {
    match theta {
        Theta::Uniform(t) => vec![*t; d],
        Theta::Each(list) => list.clone(),
        Theta::Factor(f) => (0..d)
            .map(|k| {
                let range = ranges.map_or(1.0, |r| r[k]);
                let range = if range > 0.0 { range } else { 1.0 };
                (f * range).clamp(1e-3, 1e6)
            })
            .collect(),
    }
}
