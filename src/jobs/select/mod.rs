//! `zundel select`: a few frames that stand for many, how alike frames are, and a map of them.

mod frames;
mod pictures;
mod vectors;

use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{Format, Frame, atomic, render_frame};
use crate::jobs::eval;
use crate::jobs::outputs::csv_row;
use crate::jobs::stages::Progress;
use crate::jobs::{RunOptions, StopFlag};
use crate::potential::Selection;
use crate::report::Console;
use crate::training::Monitor;
use crate::training::choose::{self, Table};
use crate::training::similarity::{self, Kernel, Map};
use std::path::{Path, PathBuf};

/// How frames are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Leverage scores of the mean SOAP vectors.
    Cur,
    /// Each next frame is the one farthest from those before.
    Farthest,
    /// The frames nearest to the centres of clusters.
    KMeans,
    /// Every frame alike.
    Random,
    /// Frames that enlarge the active set of a moment tensor potential.
    MaxVol,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Structure files or trajectories.
    pub inputs: Vec<PathBuf>,
    /// How frames are chosen.
    pub method: Method,
    /// How many; all are kept when nothing is to be chosen.
    pub number: Option<usize>,
    /// Every how many-th frame is looked at.
    pub every: usize,
    /// Where the frames go (extended XYZ).
    pub output: Option<PathBuf>,
    /// The model of [`Method::MaxVol`].
    pub model: Option<PathBuf>,
    /// Elements of a model that does not name them.
    pub species: Option<Vec<Element>>,
    /// The SOAP vectors.
    pub soap: Soap,
    /// Seed of what is left to chance.
    pub seed: u64,
    /// How frames are compared.
    pub kernel: Kernel,
    /// Power of the kernel of atoms.
    pub zeta: f64,
    /// Where the matrix of likeness goes (CSV).
    pub similarity: Option<PathBuf>,
    /// Where the map goes (SVG); its points go beside it (CSV).
    pub map: Option<PathBuf>,
}

/// The SOAP vectors that frames are compared by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Soap {
    /// Cutoff radius (Å).
    pub cutoff: f64,
    /// Number of radial functions.
    pub n_max: usize,
    /// Highest angular momentum.
    pub l_max: usize,
    /// Width (Å) of the Gaussian on each neighbour.
    pub sigma: f64,
}

/// More frames are not compared with each other: the matrix would not fit.
const MOST_COMPARED: usize = 20_000;

/// Runs the command.
pub fn run(options: &Options, stop: &StopFlag, console: &Console) -> Result<Vec<usize>> {
    check(options)?;
    let run = RunOptions {
        stop: stop.clone(),
        ..RunOptions::default()
    };
    let mut progress = Progress::new(console, &run);
    let wants_matrix = options.similarity.is_some() || options.map.is_some();
    let by_vectors = matches!(
        options.method,
        Method::Cur | Method::Farthest | Method::KMeans
    ) && options.number.is_some();
    let elements = frames::elements(options)?;
    let count = elements.frames;
    console.fact(
        "frames",
        format!(
            "{count} with {}",
            elements
                .elements
                .iter()
                .map(|e| e.symbol())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    );
    if options.number.is_some_and(|n| n > count) {
        let n = options.number.unwrap_or(0);
        return Err(Error::input(
            "--number",
            format!("{n} frames are asked for, and there are {count}"),
        ));
    }
    if wants_matrix && count > MOST_COMPARED {
        return Err(Error::input(
            "--similarity, --map",
            format!("{count} frames are too many to be compared with each other"),
        )
        .advise(format!(
            "take fewer with --every; {MOST_COMPARED} are possible"
        )));
    }
    let average = matches!(options.kernel, Kernel::Average) || !wants_matrix;
    let environments = match by_vectors || wants_matrix {
        true => match vectors::of(options, &elements, average, &mut progress)? {
            Some(found) => Some(found),
            None => return Ok(Vec::new()),
        },
        false => None,
    };
    let mut chosen = match (options.number, options.method, &environments) {
        (_, Method::MaxVol, _) => match enlarging(options, count, &mut progress)? {
            Some(chosen) => chosen,
            None => return Ok(Vec::new()),
        },
        (None, ..) => (0..count).collect(),
        (Some(n), Method::Random, _) => random(count, n, options.seed),
        (Some(n), method, Some(environments)) => {
            let means = environments.means();
            let table = Table::new(&means, environments.dimensions)?;
            match method {
                Method::Cur => choose::cur(table, n, options.seed)?,
                Method::Farthest => choose::farthest_points(table, n, options.seed),
                _ => choose::k_means(table, n, options.seed),
            }
        }
        (Some(_), _, None) => return Err(Error::Bug("frames are chosen without vectors".into())),
    };
    chosen.sort_unstable();
    if let Some(n) = options.number
        && chosen.len() < n
        && options.method != Method::MaxVol
    {
        console.warn(format!(
            "only {} of the frames differ from each other: fewer were chosen than the {n} asked for",
            chosen.len()
        ));
    }
    if let (true, Some(environments)) = (wants_matrix, &environments) {
        let matrix = similarity::matrix(environments, options.kernel, options.zeta, &mut progress)?;
        let Some(matrix) = matrix else {
            return Ok(Vec::new());
        };
        if let Some(path) = &options.similarity {
            atomic::write(path, pictures::matrix(&matrix).as_bytes(), "cannot write")?;
        }
        if let Some(path) = &options.map {
            let map = similarity::map(&matrix)?;
            let energies = &elements.energies;
            let svg = pictures::map(&map, &chosen, energies)?;
            atomic::write(path, svg.as_bytes(), "cannot write")?;
            let table = table(&map, &chosen, &elements);
            atomic::write(
                &path.with_extension("csv"),
                table.as_bytes(),
                "cannot write",
            )?;
        }
    }
    progress.end();
    if let Some(path) = &options.output {
        write(options, &chosen, path)?;
    }
    console.fact("chosen", format!("{} of {count} frames", chosen.len()));
    for path in [&options.output, &options.similarity, &options.map]
        .into_iter()
        .flatten()
    {
        console.fact("wrote", path.display().to_string());
    }
    Ok(chosen)
}

fn check(options: &Options) -> Result<()> {
    if options.output.is_none() && options.similarity.is_none() && options.map.is_none() {
        return Err(Error::input("select", "nothing is to be written")
            .advise("name a file: --output for the chosen frames, --similarity, --map"));
    }
    if options.method == Method::MaxVol && options.model.is_none() {
        return Err(
            Error::input("--method maxvol", "it needs a moment tensor potential")
                .advise("name one with a selection state: --model FILE.almtp"),
        );
    }
    if options.output.is_some() && options.number.is_none() && options.method != Method::MaxVol {
        return Err(
            Error::input("--output", "how many frames are to be chosen?")
                .advise("write for example --number 100"),
        );
    }
    for out in [&options.output, &options.similarity, &options.map]
        .into_iter()
        .flatten()
    {
        if options.inputs.iter().any(|i| same(i, out)) {
            return Err(Error::file(
                out,
                "this file is read and must not be written",
            ));
        }
    }
    Ok(())
}

fn same(a: &Path, b: &Path) -> bool {
    let real = |p: &Path| std::fs::canonicalize(p).ok();
    real(a).is_some_and(|a| real(b) == Some(a))
}

/// Some of the numbers below `count`, all alike likely.
fn random(count: usize, n: usize, seed: u64) -> Vec<usize> {
    let rows: Vec<f64> = (0..count).map(|k| k as f64).collect();
    match Table::new(&rows, 1) {
        Ok(table) => choose::random(table, n, seed),
        Err(_) => Vec::new(),
    }
}

/// The frames that enlarge the active set of a model; none when it was asked to stop.
fn enlarging(
    options: &Options,
    count: usize,
    progress: &mut Progress<'_>,
) -> Result<Option<Vec<usize>>> {
    let model = options.model.clone().unwrap_or_default();
    let terms = eval::load_model(&model, options.species.as_deref())?;
    let selection = || -> Result<Box<dyn Selection>> {
        terms[0].potential.selection().ok_or_else(|| {
            Error::file(&model, "this model cannot choose frames").advise(
                "a moment tensor potential can whose file has a selection state (.almtp); the other methods need no model",
            )
        })
    };
    let all = frames::read(options)?.collect::<Result<Vec<_>>>()?;
    let mut chosen: Vec<usize> = Vec::new();
    // A frame that was taken may be put out by later ones: those that are still needed are found by offering the chosen
    // ones alone, in the other order.
    for round in 0..2 {
        let mut now = selection()?;
        progress.stage(
            "frames offered",
            if round == 0 { count } else { chosen.len() },
        );
        let mut taken = Vec::new();
        let order: Vec<usize> = match round {
            0 => (0..count).collect(),
            _ => chosen.iter().rev().copied().collect(),
        };
        for k in order {
            if progress.stopped() {
                return Ok(None);
            }
            let frame = &all[k];
            let added = now.consider(frame.system.configuration()).map_err(|e| {
                let (reason, advice) = crate::jobs::describe_evaluation_error(e, &frame.system);
                Error::input(format!("frame {k}"), reason).advise(advice)
            })?;
            if added {
                taken.push(k);
            }
            progress.advance(1);
        }
        chosen = taken;
    }
    Ok(Some(chosen))
}

/// Writes the chosen frames with all that their files say.
fn write(options: &Options, chosen: &[usize], path: &Path) -> Result<()> {
    let mut text = Vec::new();
    let mut next = chosen.iter().copied().peekable();
    for (k, frame) in frames::read(options)?.enumerate() {
        let frame: Frame = frame?;
        if next.next_if_eq(&k).is_some() {
            render_frame(&frame, Format::ExtendedXyz, &mut text)?;
        }
        if next.peek().is_none() {
            break;
        }
    }
    atomic::write(path, &text, "cannot write")
}

fn table(map: &Map, chosen: &[usize], frames: &frames::Survey) -> String {
    let mut out = String::new();
    let heads = [
        "frame",
        "chosen",
        "first coordinate",
        "second coordinate",
        "energy (eV/atom)",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for (k, p) in map.points.iter().enumerate() {
        csv_row(
            &mut out,
            [
                k.to_string(),
                chosen.binary_search(&k).is_ok().to_string(),
                format!("{:.8}", p[0]),
                format!("{:.8}", p[1]),
                frames.energies[k].map_or(String::new(), |e| format!("{e:.8}")),
            ],
        );
    }
    out
}
