//! What all functions of time share: the lags, the passes over the files, the tables of peaks.

use super::findings::{Columns, Findings, Table, measured};
use super::options::{Options, Resolution};
use super::trajectory::{Needs, Snapshot, Trajectory, short};
use crate::analysis::{
    Band, Correlations, Correlator, Grid, Measured, Peak, WAVENUMBER_IN_PER_FS, WAVENUMBER_IN_THZ,
    resolution,
};
use crate::error::{Error, Result};
use crate::report::{Console, Task, human_bytes};
use crate::vector::dot;

/// Fewer frames say nothing about motion.
const FEWEST: usize = 8;
/// The resolution (cm⁻¹) that is aimed at when none is given.
const USUAL: f64 = 10.0;

/// The time between frames (fs), which must be that of all files.
pub(super) fn interval(trajectories: &[Trajectory]) -> Result<f64> {
    let mut common = None;
    for t in trajectories {
        if t.number < FEWEST {
            return Err(Error::file(
                &t.path,
                match t.number {
                    1 => "one frame is too few for a function of time".to_owned(),
                    n => format!("{n} frames are too few for a function of time"),
                },
            )
            .advise(format!(
                "at least {FEWEST} are needed, and thousands are good"
            )));
        }
        let dt = t.interval()?;
        match common {
            Some(first) if f64::abs(first - dt) > 1e-4 * dt => {
                return Err(Error::file(
                    &t.path,
                    format!(
                        "its frames are {} fs apart, those of {} {} fs",
                        short(dt),
                        trajectories[0].path.display(),
                        short(first)
                    ),
                ));
            }
            Some(_) => {}
            None => common = Some(dt),
        }
    }
    common.ok_or_else(|| Error::Bug("no trajectory".into()))
}

/// The longest lag of a spectrum (in frames), and warnings about it.
pub(super) fn spectrum_lags(
    trajectories: &[Trajectory],
    interval: f64,
    options: &Options,
    findings: &mut Findings,
) -> usize {
    let longest = trajectories.iter().map(|t| t.number).max().unwrap_or(0);
    let for_width =
        |w: f64| (options.window.width() / (w * WAVENUMBER_IN_PER_FS) / interval).ceil() as usize;
    let lags = match options.resolution {
        Some(Resolution::Width(w)) => for_width(w),
        Some(Resolution::Lag(t)) => (t / interval).round() as usize,
        None => for_width(USUAL).min(longest / 4),
    };
    let most = longest - 1;
    if lags > most {
        findings.warn(format!(
            "the trajectory is too short for this resolution: {:.1} cm⁻¹ is the best it can give",
            resolution(most as f64 * interval, options.window)
        ));
    } else if 2 * lags > longest {
        findings.warn(
            "the longest lag is more than half of the trajectory: few pairs of frames are that far apart, and the spectrum is noisy",
        );
    }
    lags.clamp(4, most)
}

/// Makes the vectors of a frame: called with the frame, the number of its file, and where the vectors go.
type Rows<'a> = dyn FnMut(&Snapshot<'_>, usize, &mut dyn FnMut(&[[f64; 3]])) -> Result<()> + 'a;

/// Reads all files as often as the memory makes necessary, and correlates the vectors that `rows` makes of each frame.
pub(super) fn correlate(
    mut correlator: Correlator,
    trajectories: &[Trajectory],
    needs: Needs,
    options: &Options,
    console: &Console,
    findings: &mut Findings,
    rows: &mut Rows<'_>,
) -> Result<Correlations> {
    let frames: usize = trajectories.iter().map(|t| t.number).sum();
    let fixed = correlator.fixed_bytes(frames);
    let free = options.memory.saturating_sub(fixed).max(options.memory / 8);
    let passes = correlator.passes(free);
    if fixed > options.memory {
        findings.warn(format!(
            "sums and scratch alone take {}, more than --memory allows: a coarser resolution or fewer groups would do with less",
            human_bytes(fixed as f64)
        ));
    }
    let number = passes.len();
    if number > 1 {
        findings.fact(
            "passes",
            format!(
                "the file was read {number} times to stay within {}",
                human_bytes(options.memory as f64)
            ),
        );
    }
    for (k, pass) in passes.into_iter().enumerate() {
        correlator.begin(pass);
        let what = if number > 1 {
            format!("frames, pass {} of {number}", k + 1)
        } else {
            "frames".to_owned()
        };
        let mut task = Task::new(console, &what, frames);
        for t in trajectories {
            t.visit(needs, &mut |frame| {
                task.advance(1);
                rows(frame, k, &mut |row| correlator.push(row))
            })?;
            correlator.end();
        }
    }
    Ok(correlator.finish())
}

/// The velocity or place of the centre of mass.
pub(super) fn centre(vectors: &[[f64; 3]], masses: &[f64]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    let mut whole = 0.0;
    for (v, m) in vectors.iter().zip(masses) {
        whole += m;
        (0..3).for_each(|k| sum[k] += m * v[k]);
    }
    sum.map(|s| s / whole)
}

/// Twice the kinetic energy of a vector.
pub(super) fn square(v: [f64; 3]) -> f64 {
    dot(v, v)
}

/// The highest wavenumber that is worth showing: where the last thousandth of the area begins, and some room.
pub(super) fn highest(grid: &Grid, options: &Options) -> f64 {
    if let Some(highest) = options.highest {
        return highest;
    }
    let top = grid.values.iter().copied().fold(0.0, f64::max);
    let last = grid
        .values
        .iter()
        .rposition(|v| *v > 0.01 * top)
        .unwrap_or(0);
    let w = grid.wavenumbers.get(last).copied().unwrap_or(1.0);
    (1.15 * w).clamp(
        1.0,
        grid.wavenumbers.last().copied().unwrap_or(1.0).max(1.0),
    )
}

/// The tables of peaks and bands, for people and for a file; `unit` is that of areas.
pub(super) fn peak_tables(
    findings: &mut Findings,
    name: &str,
    parts: &[(String, Vec<Peak>, Vec<Band>)],
    unit: &str,
) {
    let several = parts.len() > 1;
    let mut text = format!(
        "part,position (cm^-1),error (cm^-1),position (THz),width at half height (cm^-1),error (cm^-1),area ({unit}),error ({unit}),height,from (cm^-1),to (cm^-1)\n"
    );
    let error = |m: Measured| {
        m.error
            .filter(|e| e.is_finite())
            .map_or(String::new(), |e| format!("{e:?}"))
    };
    for (k, (part, peaks, bands)) in parts.iter().enumerate() {
        let detail = k > 0;
        let title = |what: &str| {
            if several {
                format!("{what} of {part}")
            } else {
                what.to_owned()
            }
        };
        let rows = peaks.iter().map(|p| {
            let thz = p.position.value * WAVENUMBER_IN_THZ;
            vec![
                measured(p.position),
                format!("{thz:.3}"),
                p.width.map_or("—".to_owned(), measured),
                measured(p.area),
            ]
        });
        findings.tables.push(Table {
            title: title("Peaks"),
            heads: vec![
                "position (cm⁻¹)".into(),
                "(THz)".into(),
                "width (cm⁻¹)".into(),
                format!("area ({unit})"),
            ],
            rows: rows.collect(),
            detail,
        });
        if !bands.is_empty() {
            let rows = bands.iter().map(|b| {
                let range = format!("{:.0} to {:.0}", b.range[0], b.range[1]);
                vec![
                    range,
                    measured(b.centre),
                    measured(b.spread),
                    measured(b.area),
                ]
            });
            findings.tables.push(Table {
                title: title("Bands"),
                heads: vec![
                    "range (cm⁻¹)".into(),
                    "centre (cm⁻¹)".into(),
                    "spread (cm⁻¹)".into(),
                    format!("area ({unit})"),
                ],
                rows: rows.collect(),
                detail,
            });
        }
        for p in peaks {
            let (width, width_error) = p
                .width
                .map_or_else(Default::default, |w| (format!("{:?}", w.value), error(w)));
            text.push_str(&format!(
                "{},{:?},{},{:?},{width},{width_error},{:?},{},{:?},{:?},{:?}\n",
                super::findings::quoted(part),
                p.position.value,
                error(p.position),
                p.position.value * WAVENUMBER_IN_THZ,
                p.area.value,
                error(p.area),
                p.height,
                p.range[0],
                p.range[1]
            ));
        }
    }
    findings.texts.push((format!("{name}.peaks"), text));
    let bands: Vec<(&String, &Band)> = parts
        .iter()
        .flat_map(|p| p.2.iter().map(move |b| (&p.0, b)))
        .collect();
    if !bands.is_empty() {
        let mut text = format!(
            "part,from (cm^-1),to (cm^-1),centre (cm^-1),error (cm^-1),spread (cm^-1),error (cm^-1),area ({unit}),error ({unit})\n"
        );
        for (part, b) in bands {
            text.push_str(&format!(
                "{},{:?},{:?},{:?},{},{:?},{},{:?},{}\n",
                super::findings::quoted(part),
                b.range[0],
                b.range[1],
                b.centre.value,
                error(b.centre),
                b.spread.value,
                error(b.spread),
                b.area.value,
                error(b.area)
            ));
        }
        findings.texts.push((format!("{name}.bands"), text));
    }
}

/// Words about window, lag and resolution.
pub(super) fn describe_resolution(
    findings: &mut Findings,
    lags: usize,
    interval: f64,
    options: &Options,
    blocks: usize,
) {
    let longest = lags as f64 * interval;
    let width = resolution(longest, options.window);
    findings.fact(
        "resolution",
        format!(
            "{:.2} cm⁻¹ ({:.4} THz) at half height: {} window, lags up to {} ps, padded {} times",
            width,
            width * WAVENUMBER_IN_THZ,
            options.window.name(),
            short((longest).round() * 1e-3),
            options.padding
        ),
    );
    let nyquist = 0.5 / interval / WAVENUMBER_IN_PER_FS;
    findings.fact(
        "up to",
        format!("{nyquist:.0} cm⁻¹: half of the rate of the frames"),
    );
    findings.fact(
        "errors",
        match blocks {
            0..4 => "none: the trajectory is shorter than four of the longest lags (a shorter --lag or a longer run gives them)".to_owned(),
            n => format!("standard errors by the jackknife over {} blocks of time", n.min(32)),
        },
    );
    if nyquist < 4000.0 && lags > 0 {
        findings.fact("beware", format!("vibrations above {nyquist:.0} cm⁻¹ appear mirrored below it; write frames more often if there are any"));
    }
}

/// Spectra of several parts on one grid as columns.
pub(super) fn spectrum_columns(
    name: &str,
    unit: &str,
    grids: &[(String, Grid)],
    highest: f64,
) -> Columns {
    let Some((_, first)) = grids.first() else {
        return Columns::default();
    };
    let rows = first.wavenumbers.iter().filter(|w| **w <= highest).count();
    let mut heads = vec![
        "wavenumber (cm^-1)".to_owned(),
        "frequency (THz)".to_owned(),
    ];
    let w: Vec<f64> = first.wavenumbers[..rows].to_vec();
    let mut columns = vec![w.clone(), w.iter().map(|w| w * WAVENUMBER_IN_THZ).collect()];
    for (part, grid) in grids {
        heads.push(format!("{part} ({unit})"));
        columns.push(grid.values[..rows].to_vec());
        if !grid.errors.is_empty() {
            heads.push(format!("error of {part} ({unit})"));
            columns.push(grid.errors[..rows].to_vec());
        }
    }
    Columns {
        name: name.to_owned(),
        heads,
        columns,
    }
}
