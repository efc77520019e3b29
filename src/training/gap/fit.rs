//! The fit, stage by stage.

use super::covariance;
use super::expand::{Planned, expand};
use super::isolated;
use super::points::{Instances, choose_points, cutoff_of};
use super::report::{GapReport, TermReport};
use super::rows::{self, Block, Taken};
use super::settings::{Choice, GapSettings, Sigmas};
use super::text::{WRITTEN_GAP_VERSION, descriptor_text};
use super::write;
use crate::error::{Error, Result};
use crate::io::digest::hexadecimal;
use crate::potential::gap::{Composition, Coordinate, Covariance, GapFile};
use crate::training::Monitor;
use crate::training::data::LabelledFrame;
use crate::training::linear::{LeastSquares, Plan, Solution};
use md5::{Digest, Md5};
use std::path::{Path, PathBuf};

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGap {
    /// The contents of its file.
    pub file: GapFile,
    /// How it was fitted.
    pub report: GapReport,
}

impl FittedGap {
    /// Writes the XML file, and the sparse files beside it; each is replaced at once, the XML file last.
    pub fn write(&self, path: &Path) -> Result<()> {
        write::write(&self.file, path)
    }
}

/// Fits a model to the energies, forces and virials of frames.
///
/// Errors name what is wrong with settings and frames, or say what does not fit into the memory limit. The weights have the same bits on
/// any number of threads.
pub fn fit(
    frames: &[LabelledFrame],
    settings: &GapSettings,
    monitor: &mut dyn Monitor,
) -> Result<FittedGap> {
    check(settings)?;
    if frames.is_empty() {
        return Err(Error::input("", "there are no frames to fit"));
    }
    frames.iter().try_for_each(rows::check)?;
    let elements = elements(frames);
    let planned = expand(&settings.terms, &elements)?;
    let cutoff = planned
        .iter()
        .map(|p| cutoff_of(&p.descriptor))
        .fold(0.0, f64::max);
    let isolated = isolated::energies(frames, &elements, &settings.isolated, cutoff)?;
    let taken: Vec<Taken> = frames.iter().map(|f| Taken::of(f, settings)).collect();
    for kind in settings.kinds.keys() {
        if !frames.iter().any(|f| f.kind == *kind) {
            monitor.say(&format!(
                "no frame is of the kind `{kind}`, for which sigmas are given"
            ));
        }
    }
    if taken.iter().all(|t| t.rows() == 0) {
        return Err(Error::input("", "the frames have nothing to fit")
            .advise("give energies or forces, and a sigma for them"));
    }
    let Points {
        coordinates,
        mut terms,
        left_out,
    } = choose(&planned, frames, settings, monitor)?;
    let solved = solve(
        frames,
        &taken,
        &isolated,
        &coordinates,
        cutoff,
        settings,
        monitor,
    )?;
    for (term, jitter) in terms.iter_mut().zip(&solved.jitters) {
        if *jitter > settings.jitter {
            monitor.say(&format!(
                "{}: the sparse points are nearly dependent, the jitter is {jitter:.0e} eV² there",
                term.descriptor
            ));
        }
        term.jitter = *jitter;
    }
    let mut rows = [0; 3];
    for t in &taken {
        for (sum, n) in rows.iter_mut().zip(t.counts()) {
            *sum += n;
        }
    }
    let report = GapReport {
        terms,
        left_out,
        isolated: isolated.iter().map(|(z, e)| (*z, *e)).collect(),
        rows,
        condition: solved.solution.condition,
        residual: solved.solution.residual,
        largest_weight: solved
            .solution
            .weights
            .iter()
            .fold(0.0, |a, w| w.abs().max(a)),
        bytes: solved.bytes,
        blocks: solved.blocks,
    };
    let file = assemble(coordinates, &isolated, &solved.solution.weights);
    Ok(FittedGap { file, report })
}

/// The coordinates that a fit would have: descriptor, and the number of sparse points asked for. Costs nothing.
pub fn planned(frames: &[LabelledFrame], settings: &GapSettings) -> Result<Vec<(String, usize)>> {
    check(settings)?;
    let planned = expand(&settings.terms, &elements(frames))?;
    Ok(planned.into_iter().map(|p| (p.text, p.points)).collect())
}

fn stopped() -> Error {
    Error::run(
        "the fit was stopped before it was done; nothing was written",
        "start it again",
    )
}

fn check(settings: &GapSettings) -> Result<()> {
    let sigmas = |place: &str, s: &Sigmas| {
        let all = [
            ("energy", s.energy),
            ("force", s.force),
            ("virial", s.virial),
        ];
        for (name, sigma) in all {
            if let Some(value) = sigma.filter(|v| !(1e-10..=1e10).contains(v)) {
                let reason = format!(
                    "the sigma of the {name} must lie between 1e-10 and 1e10, it is {value}"
                );
                return Err(
                    Error::input(place, reason).advise("leave it out to leave such data out")
                );
            }
        }
        Ok(())
    };
    sigmas("", &settings.sigmas)?;
    for (kind, s) in &settings.kinds {
        sigmas(&format!("kind `{kind}`"), s)?;
    }
    if !(0.0..=1.0).contains(&settings.jitter) {
        let reason = format!(
            "the jitter must lie between 0 and 1 eV², it is {}",
            settings.jitter
        );
        return Err(Error::input("", reason));
    }
    Ok(())
}

/// Atomic numbers in the data, ascending.
fn elements(frames: &[LabelledFrame]) -> Vec<u8> {
    let mut numbers: Vec<u8> = frames
        .iter()
        .flat_map(|f| f.system.atoms.distinct_elements())
        .map(|e| e.number())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Coordinates with their points.
struct Points {
    coordinates: Vec<(Coordinate, Instances)>,
    terms: Vec<TermReport>,
    left_out: Vec<String>,
}

fn choose(
    planned: &[Planned],
    frames: &[LabelledFrame],
    settings: &GapSettings,
    monitor: &mut dyn Monitor,
) -> Result<Points> {
    monitor.stage("choices of sparse points", planned.len());
    let mut points = Points {
        coordinates: Vec::new(),
        terms: Vec::new(),
        left_out: Vec::new(),
    };
    for (k, plan) in planned.iter().enumerate() {
        if monitor.stopped() {
            return Err(stopped());
        }
        // Every coordinate has a seed of its own.
        let seed = settings
            .seed
            .wrapping_add(0x9E37_79B9_7F4A_7C15u64.wrapping_mul(k as u64));
        let place = format!("term {}", plan.term + 1);
        let chosen = choose_points(plan, frames, seed, settings.memory / 2, String::new())
            .map_err(|e| e.within(&place))?;
        monitor.advance(1);
        let Some(chosen) = chosen else {
            monitor.say(&format!(
                "{}: the data have none, it is left out",
                plan.text
            ));
            points.left_out.push(plan.text.clone());
            continue;
        };
        let c = &chosen.coordinate;
        let theta = match &c.covariance {
            Covariance::ArdSe { theta } | Covariance::Pp { theta } => theta.clone(),
            Covariance::DotProduct { .. } => Vec::new(),
        };
        let given = matches!(plan.choice, Choice::Given(_) | Choice::Model(_));
        if !given && c.alpha.len() < plan.points {
            monitor.say(&format!(
                "{}: only {} different instances in the data, {} sparse points were asked for",
                plan.text,
                c.alpha.len(),
                plan.points
            ));
        }
        points.terms.push(TermReport {
            descriptor: plan.text.clone(),
            candidates: chosen.candidates,
            points: c.alpha.len(),
            dimensions: c.dimensions,
            theta,
            jitter: settings.jitter,
        });
        points
            .coordinates
            .push((chosen.coordinate, chosen.instances));
    }
    if points.coordinates.is_empty() {
        return Err(Error::input("", "the data have no instance of any term")
            .advise("the cutoffs are shorter than all distances, or the elements are others"));
    }
    Ok(points)
}

/// The weights, and what it took to find them.
struct Solved {
    solution: Solution,
    jitters: Vec<f64>,
    bytes: usize,
    blocks: usize,
}

#[allow(clippy::too_many_arguments)]
fn solve(
    frames: &[LabelledFrame],
    taken: &[Taken],
    isolated: &std::collections::BTreeMap<u8, f64>,
    coordinates: &[(Coordinate, Instances)],
    cutoff: f64,
    settings: &GapSettings,
    monitor: &mut dyn Monitor,
) -> Result<Solved> {
    let points: Vec<usize> = coordinates.iter().map(|c| c.0.alpha.len()).collect();
    let columns = points.iter().sum();
    let total = taken.iter().map(Taken::rows).sum();
    let least = taken.iter().map(Taken::rows).max().unwrap_or(0);
    let sparse: usize = coordinates.iter().map(|c| 8 * c.0.sparse.len()).sum();
    // The factors of the covariances, and the largest of them in the making.
    let largest = points.iter().copied().max().unwrap_or(0);
    let factors = points.iter().map(|n| 8 * n * n).sum::<usize>() + 16 * largest * largest;
    let fixed = Block::point_bytes(coordinates) + sparse + factors;
    let per_row = Block::per_row(&points);
    let left = settings.memory.saturating_sub(fixed);
    let plan = Plan::new(columns, total, least, per_row, left)?;
    let bytes = fixed
        + plan
            .bytes()
            .unwrap_or(usize::MAX)
            .saturating_add(plan.rows * per_row);
    monitor.say(&format!(
        "{total} rows of {columns} weights, in blocks of {} rows, {:.0} MB",
        plan.rows,
        bytes as f64 / 1e6
    ));
    let mut block = Block::new(coordinates, cutoff);
    let mut squares = LeastSquares::new(plan);
    monitor.stage("frames", frames.len());
    let (mut at, mut blocks) = (0, 0);
    while at < frames.len() {
        let mut end = at;
        let mut rows = 0;
        while end < frames.len() && (rows == 0 || rows + taken[end].rows() <= plan.rows) {
            rows += taken[end].rows();
            end += 1;
        }
        let here: Vec<usize> = (at..end).filter(|k| taken[*k].rows() > 0).collect();
        let some: Vec<&LabelledFrame> = here.iter().map(|k| &frames[*k]).collect();
        let of: Vec<Taken> = here.iter().map(|k| taken[*k]).collect();
        block.compute(&some, &of, &|| monitor.stopped())?;
        if monitor.stopped() {
            return Err(stopped());
        }
        let (mut scale, mut target) = (Vec::new(), Vec::new());
        for (frame, taken) in some.iter().zip(&of) {
            rows::targets(frame, taken, isolated, &mut scale, &mut target);
        }
        squares.absorb(&block.parts(), &scale, &target);
        monitor.advance(end - at);
        at = end;
        blocks += 1;
    }
    drop(block);
    monitor.stage("least squares", 1);
    let mut triangles = Vec::with_capacity(coordinates.len());
    let mut jitters = Vec::with_capacity(coordinates.len());
    let mut first = 0;
    for (c, _) in coordinates {
        let (l, jitter) =
            covariance::factor(c, settings.jitter).map_err(|e| {
                match descriptor_text(&c.descriptor) {
                    Ok(text) => e.within(&text),
                    Err(_) => e,
                }
            })?;
        triangles.push((first, c.alpha.len(), l));
        jitters.push(jitter);
        first += c.alpha.len();
    }
    let solution = squares.solve(&triangles)?;
    monitor.advance(1);
    Ok(Solved {
        solution,
        jitters,
        bytes,
        blocks,
    })
}

/// The contents of the file.
fn assemble(
    coordinates: Vec<(Coordinate, Instances)>,
    isolated: &std::collections::BTreeMap<u8, f64>,
    weights: &[f64],
) -> GapFile {
    let mut digest = Md5::new();
    for w in weights {
        digest.update(w.to_le_bytes());
    }
    let digest = hexadecimal(&digest.finalize()[..8]);
    let label = format!("GAP_zundel_{digest}");
    let mut e0 = vec![0.0; 118];
    for (z, e) in isolated {
        e0[usize::from(*z) - 1] = *e;
    }
    let mut rest = weights;
    let coordinates = coordinates
        .into_iter()
        .enumerate()
        .map(|(k, (mut c, _))| {
            let (own, later) = rest.split_at(c.alpha.len());
            c.alpha.copy_from_slice(own);
            rest = later;
            c.label = format!("{label}{}", k + 1);
            c
        })
        .collect();
    GapFile {
        path: PathBuf::from(format!("{label}.xml")),
        composition: Composition::Gap {
            label: Some(label.clone()),
            scale: 1.0,
        },
        label,
        gap_version: WRITTEN_GAP_VERSION,
        do_core: false,
        e0,
        coordinates,
        glues: Vec::new(),
        lennard_jones: Vec::new(),
    }
}
