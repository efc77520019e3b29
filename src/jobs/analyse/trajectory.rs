//! One way to read the frames of any trajectory: H5MD of ours or others, extended XYZ, XYZ and what else holds many frames.
//! Only a few frames are in memory at a time, and a file can be read as often as is needed.

use super::options::Options;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::h5md::TrajectoryReader;
use crate::io::{self, FrameReader, ReadOptions};
use crate::system::{Cell, nearest_image};
use crate::vector::minus;
use std::path::{Path, PathBuf};

/// A trajectory whose frames are counted, and which of them are wanted.
pub(super) struct Trajectory {
    pub path: PathBuf,
    source: Source,
    /// Frames in the file.
    pub frames: usize,
    pub elements: Vec<Element>,
    pub masses: Vec<f64>,
    /// The cell of the first frame.
    pub cell: Cell,
    pub has_velocities: bool,
    pub has_dipole: bool,
    /// Charges of the atoms (e), if the file has them.
    pub charges: Option<Vec<f64>>,
    /// Whether atoms move continuously in the file.
    unwrapped: bool,
    clock: Clock,
    /// The first frame that is wanted, how many, and their distance.
    pub first: usize,
    pub number: usize,
    pub stride: usize,
    pub notes: Vec<String>,
}

enum Source {
    H5md(Box<TrajectoryReader>, Option<Vec<[f64; 3]>>),
    Text(ReadOptions),
}

/// When the frames are.
enum Clock {
    /// The time (fs) of each.
    Each(Vec<f64>),
    /// The first, and the time between two.
    Even(f64, f64),
    Unknown,
}

/// What is wanted of each frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    pub positions: bool,
    /// Positions that move continuously.
    pub continuous: bool,
    pub velocities: bool,
    pub dipole: bool,
}

/// A frame as it is shown.
pub(super) struct Snapshot<'a> {
    /// Its number among those wanted of this file.
    pub index: usize,
    /// Its time (fs).
    pub time: Option<f64>,
    pub cell: &'a Cell,
    /// Å; empty when not wanted.
    pub positions: &'a [[f64; 3]],
    /// Internal units; empty when not wanted.
    pub velocities: &'a [[f64; 3]],
    /// e Å.
    pub dipole: [f64; 3],
}

/// Names under which frames of text files have a dipole moment.
const DIPOLES: [&str; 4] = ["dipole", "Dipole", "dipole_moment", "mu"];
/// Names of a column of charges.
const CHARGES: [&str; 5] = ["charges", "charge", "initial_charges", "q", "Charges"];
/// Bytes that are read at a time.
const BATCH: usize = 8 << 20;

impl Trajectory {
    /// Looks into a file and chooses the frames of the options.
    pub fn open(path: &Path, options: &Options) -> Result<Trajectory> {
        let mut t = match io::is_hdf5(path) {
            true => Self::h5md(path)?,
            false => Self::text(path)?,
        };
        if let Some(dt) = options.timestep {
            t.note_timestep(dt);
            t.clock = Clock::Even(0.0, dt);
        }
        t.choose(options)?;
        Ok(t)
    }

    fn h5md(path: &Path) -> Result<Trajectory> {
        let reader = TrajectoryReader::open(path)?;
        if reader.frames() == 0 {
            return Err(Error::file(path, "the trajectory has no complete frame"));
        }
        let first = reader.read_frame(0)?;
        let dipoles = reader.dipoles()?;
        let mut notes = reader.notes().to_vec();
        if let Some((_, unit)) = &dipoles
            && !matches!(unit.as_str(), "e Angstrom" | "e A" | "e*Angstrom")
        {
            notes.push(format!(
                "the dipole moments have the unit `{unit}`; e Å is assumed"
            ));
        }
        let times = reader.times_fs();
        Ok(Trajectory {
            path: path.to_path_buf(),
            frames: reader.frames(),
            elements: first.system.atoms.elements.clone(),
            masses: first.system.atoms.masses.clone(),
            cell: first.system.cell,
            has_velocities: first.has_velocities,
            has_dipole: dipoles.is_some(),
            charges: reader.charges()?,
            unwrapped: reader.is_unwrapped(),
            clock: match times.is_empty() {
                true => Clock::Unknown,
                false => Clock::Each(times.to_vec()),
            },
            first: 0,
            number: 0,
            stride: 1,
            notes,
            source: Source::H5md(Box::new(reader), dipoles.map(|d| d.0)),
        })
    }

    fn text(path: &Path) -> Result<Trajectory> {
        let options = ReadOptions::default();
        let mut reader = FrameReader::open(path, &options)?;
        let mut next = || reader.next().transpose();
        let first = next()?.ok_or_else(|| Error::file(path, "the file holds no frame"))?;
        let second = next()?;
        let mut frames = 1 + usize::from(second.is_some());
        while second.is_some() && reader.skip_frame()? {
            frames += 1;
        }
        let time = |f: &io::Frame| {
            let named = |name: &str| f.value(name).and_then(io::Value::as_real);
            named("time_fs").map(|t| (t, true)).or_else(|| {
                let other = named("time").or_else(|| named("Time"));
                other.map(|t| (t, false))
            })
        };
        let mut notes = Vec::new();
        let clock = match (time(&first), second.as_ref().and_then(time)) {
            (Some((a, sure)), Some((b, _))) if b > a => {
                if !sure {
                    notes.push("frames say their time without a unit; fs are assumed (--timestep says otherwise)".into());
                }
                Clock::Even(a, b - a)
            }
            _ => Clock::Unknown,
        };
        let charges = CHARGES
            .iter()
            .find_map(|c| first.scalars(c))
            .map(<[f64]>::to_vec);
        let has_dipole = DIPOLES.iter().any(|d| {
            first
                .value(d)
                .and_then(io::Value::as_reals)
                .is_some_and(|v| v.len() == 3)
        });
        let atoms = first.system.atoms;
        if atoms.is_empty() {
            return Err(Error::file(path, "the first frame has no atoms"));
        }
        Ok(Trajectory {
            path: path.to_path_buf(),
            frames,
            elements: atoms.elements,
            masses: atoms.masses,
            // Those who write velocities and positions beside each other do not always unwrap.
            unwrapped: first.system.cell.is_isolated()
                || first.info.iter().any(|i| i.0 == "time_fs"),
            cell: first.system.cell,
            has_velocities: first.has_velocities,
            has_dipole,
            charges,
            clock,
            first: 0,
            number: 0,
            stride: 1,
            notes,
            source: Source::Text(options),
        })
    }

    fn note_timestep(&mut self, dt: f64) {
        if let Some(own) = self.step_guess()
            && (own - dt).abs() > 1e-6 * dt
        {
            self.notes.push(format!(
                "the file says that frames are {own} fs apart; --timestep makes it {dt} fs"
            ));
        }
    }

    fn step_guess(&self) -> Option<f64> {
        match &self.clock {
            Clock::Each(t) => t.get(1).map(|b| b - t[0]),
            Clock::Even(_, dt) => Some(*dt),
            Clock::Unknown => None,
        }
    }

    /// The time (fs) of a frame of the file.
    pub fn time(&self, frame: usize) -> Option<f64> {
        match &self.clock {
            Clock::Each(t) => t.get(frame).copied(),
            Clock::Even(first, dt) => Some(first + frame as f64 * dt),
            Clock::Unknown => None,
        }
    }

    fn choose(&mut self, options: &Options) -> Result<()> {
        let (mut first, mut end) = (0, self.frames);
        if options.from.is_some() || options.to.is_some() {
            let Some(dt) = self.step_guess().or((self.frames == 1).then_some(1.0)) else {
                return Err(self.no_clock("--from and --to"));
            };
            let slack = 1e-6 * dt.abs();
            let time = |k: usize| self.time(k).unwrap_or(f64::NAN);
            if let Some(from) = options.from {
                first = (0..end).find(|&k| time(k) >= from - slack).unwrap_or(end);
            }
            if let Some(to) = options.to {
                end = (first..end).find(|&k| time(k) > to + slack).unwrap_or(end);
            }
        }
        if first >= end {
            let (a, b) = (
                self.time(0).unwrap_or(0.0),
                self.time(self.frames - 1).unwrap_or(0.0),
            );
            return Err(
                Error::file(&self.path, "no frame is between --from and --to").advise(format!(
                    "the trajectory goes from {} to {} ps",
                    1e-3 * a,
                    1e-3 * b
                )),
            );
        }
        self.first = first;
        self.stride = options.stride.max(1);
        self.number = (end - first).div_ceil(self.stride);
        Ok(())
    }

    fn no_clock(&self, what: &str) -> Error {
        Error::file(
            &self.path,
            format!(
                "the file does not say how far apart in time its frames are, and {what} need it"
            ),
        )
        .advise("write for example --timestep \"0.5 fs\"")
    }

    /// The time between wanted frames (fs), which must be the same everywhere.
    pub fn interval(&self) -> Result<f64> {
        let dt = self
            .step_guess()
            .ok_or_else(|| self.no_clock("functions of time"))?;
        let even = |k: usize| Some(self.time(self.first + k)? - self.time(self.first)?);
        let last = (self.number - 1) * self.stride;
        let dt = match even(last) {
            Some(t) if last > 0 => t / last as f64,
            _ => dt,
        };
        if !(dt.is_finite() && dt > 0.0) {
            return Err(
                Error::file(&self.path, "the times of the frames do not rise")
                    .advise("write how far apart they are, as in --timestep \"0.5 fs\""),
            );
        }
        // Times are written with a few digits by some programs.
        let uneven =
            (0..=last).find(|&k| even(k).is_none_or(|t| (t - k as f64 * dt).abs() > 0.02 * dt));
        if let Some(k) = uneven {
            let at = self.first + k;
            return Err(Error::file(&self.path, format!("the frames are not evenly spaced in time: look at frame {at}"))
                .advise("choose an even part with --from, --to, or say how far apart they are with --timestep"));
        }
        Ok(dt * self.stride as f64)
    }

    /// Words about what was read.
    pub fn describe(&self) -> String {
        let n = self.elements.len();
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let which = match self.number == self.frames {
            true => format!("{} frame{}", self.frames, plural(self.frames)),
            false => format!("{} of {} frames", self.number, self.frames),
        };
        let last = self.first + (self.number - 1) * self.stride;
        let when = match (self.time(self.first), self.time(last)) {
            (Some(a), Some(b)) if self.number > 1 => {
                let step = (b - a) / (self.number - 1) as f64;
                format!(
                    ", {} to {} ps, {} fs apart",
                    short(1e-3 * a),
                    short(1e-3 * b),
                    short(step)
                )
            }
            _ => String::new(),
        };
        format!(
            "{}: {which} of {n} atom{}{when}",
            self.path.display(),
            plural(n)
        )
    }

    /// The texts that the program stored with a trajectory of its own.
    pub fn parameters(&self) -> Vec<(String, String)> {
        match &self.source {
            Source::H5md(reader, _) => reader.parameters(),
            Source::Text(_) => Vec::new(),
        }
    }

    /// The reader of an H5MD file.
    pub fn reader(&self) -> Option<&TrajectoryReader> {
        match &self.source {
            Source::H5md(reader, _) => Some(reader),
            Source::Text(_) => None,
        }
    }

    /// Leaves out what is before a time (fs), as far as a frame is left.
    pub fn begin_at(&mut self, from: f64) {
        let end = self.first + (self.number - 1) * self.stride;
        let slack = 1e-6 * self.step_guess().unwrap_or(0.0).abs();
        let first = (self.first..=end).find(|&k| self.time(k).is_some_and(|t| t >= from - slack));
        if let Some(first) = first {
            self.first = first;
            self.number = (end - first) / self.stride + 1;
        }
    }

    /// Shows the wanted frames in their order.
    pub fn visit(
        &self,
        needs: Needs,
        show: &mut dyn FnMut(&Snapshot<'_>) -> Result<()>,
    ) -> Result<()> {
        self.visit_first(self.number, needs, show)
    }

    /// Shows so many of the wanted frames.
    pub fn visit_first(
        &self,
        number: usize,
        needs: Needs,
        show: &mut dyn FnMut(&Snapshot<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut unwrapper = (needs.continuous && !self.unwrapped).then(Unwrapper::default);
        let mut show = |index: usize,
                        time,
                        cell: &Cell,
                        positions: &[[f64; 3]],
                        velocities: &[[f64; 3]],
                        dipole| {
            let frame = self.first + index * self.stride;
            self.finite(frame, "position", positions)?;
            self.finite(frame, "velocity", velocities)?;
            self.finite(frame, "dipole moment", &[dipole])?;
            let positions = match &mut unwrapper {
                Some(u) => u.follow(cell, positions),
                None => positions,
            };
            show(&Snapshot {
                index,
                time,
                cell,
                positions,
                velocities,
                dipole,
            })
        };
        match &self.source {
            Source::H5md(reader, dipoles) => {
                let n = self.elements.len();
                let batch = match self.stride {
                    1 => (BATCH / (24 * n)).clamp(1, 512),
                    _ => 1,
                };
                let mut k = 0;
                while k < number {
                    let frame = self.first + k * self.stride;
                    let some = batch.min(number - k);
                    let frames = frame..frame + some;
                    let cells = reader.cells(frames.clone())?;
                    let wanted = needs.positions || needs.continuous;
                    let positions = if wanted {
                        reader.positions(frames.clone())?
                    } else {
                        Vec::new()
                    };
                    let velocities = match needs.velocities {
                        true => reader.velocities(frames)?.unwrap_or_default(),
                        false => Vec::new(),
                    };
                    let row = |all: &'_ [[f64; 3]], i: usize| -> std::ops::Range<usize> {
                        if all.is_empty() {
                            0..0
                        } else {
                            i * n..(i + 1) * n
                        }
                    };
                    for (i, cell) in cells.iter().enumerate() {
                        let (x, v) = (row(&positions, i), row(&velocities, i));
                        let dipole = dipoles.as_ref().map_or([0.0; 3], |d| d[frame + i]);
                        show(
                            k + i,
                            self.time(frame + i),
                            cell,
                            &positions[x],
                            &velocities[v],
                            dipole,
                        )?;
                    }
                    k += some;
                }
                Ok(())
            }
            Source::Text(options) => self.visit_text(options, number, needs, &mut show),
        }
    }

    #[allow(clippy::type_complexity)]
    fn visit_text(
        &self,
        options: &ReadOptions,
        number: usize,
        needs: Needs,
        show: &mut dyn FnMut(
            usize,
            Option<f64>,
            &Cell,
            &[[f64; 3]],
            &[[f64; 3]],
            [f64; 3],
        ) -> Result<()>,
    ) -> Result<()> {
        let mut reader = FrameReader::open(&self.path, options)?;
        let ended = || Error::file(&self.path, "the file became shorter while it was read");
        for _ in 0..self.first {
            if !reader.skip_frame()? {
                return Err(ended());
            }
        }
        for k in 0..number {
            if k > 0 {
                for _ in 1..self.stride {
                    reader.skip_frame()?;
                }
            }
            let frame = reader.next().transpose()?.ok_or_else(ended)?;
            let atoms = &frame.system.atoms;
            if atoms.elements != self.elements {
                let (n, m) = (atoms.len(), self.elements.len());
                let what = match n == m {
                    true => "other elements than the first frame".to_owned(),
                    false => format!("{n} atoms, and the first frame has {m}"),
                };
                return Err(
                    Error::line(&self.path, frame.line, format!("this frame has {what}")).advise(
                        "a trajectory has the same atoms in the same order in all its frames",
                    ),
                );
            }
            if needs.velocities && !frame.has_velocities {
                return Err(Error::line(
                    &self.path,
                    frame.line,
                    "this frame has no velocities, and the first one has",
                ));
            }
            let dipole = match needs.dipole {
                false => [0.0; 3],
                true => {
                    let found = DIPOLES.iter().find_map(|d| frame.value(d)?.as_reals());
                    let found = found.and_then(|v| <[f64; 3]>::try_from(v).ok());
                    found.ok_or_else(|| {
                        Error::line(
                            &self.path,
                            frame.line,
                            "this frame has no dipole moment of three numbers",
                        )
                    })?
                }
            };
            let at = self.time(self.first + k * self.stride);
            let velocities = if needs.velocities {
                &atoms.velocities[..]
            } else {
                &[]
            };
            show(
                k,
                at,
                &frame.system.cell,
                &atoms.positions,
                velocities,
                dipole,
            )?;
        }
        Ok(())
    }

    fn finite(&self, frame: usize, what: &str, vectors: &[[f64; 3]]) -> Result<()> {
        // One sum finds what is not finite, and is fast.
        let sum: f64 = vectors.as_flattened().iter().map(|x| x * 0.0).sum();
        if sum == 0.0 {
            return Ok(());
        }
        let atom = vectors
            .iter()
            .position(|v| v.iter().any(|x| !x.is_finite()))
            .unwrap_or(0);
        Err(Error::file(
            &self.path,
            format!("frame {frame}: the {what} of atom {atom} is not a finite number"),
        )
        .advise("leave that part of the trajectory out with --from, --to"))
    }

    /// The beads of all wanted times, for what depends on positions only. The number of rows, and a loop over them.
    pub fn bead_rows(&self) -> Result<Vec<usize>> {
        let reader = self.reader();
        let Some(beads) = reader.map(TrajectoryReader::beads).transpose()?.flatten() else {
            return Err(
                Error::file(&self.path, "the file holds no beads of a path integral")
                    .advise("beads are stored when the deck has `[output] beads = { ... }`"),
            );
        };
        let step = |k: usize| reader.and_then(|r| r.steps().get(k).copied());
        let last = self.first + (self.number - 1) * self.stride;
        let (Some(a), Some(b)) = (step(self.first), step(last)) else {
            return Ok(Vec::new());
        };
        let steps = beads.steps();
        let inside =
            (0..beads.rows()).filter(|&r| steps.get(r).is_some_and(|s| (a..=b).contains(s)));
        Ok(inside.collect())
    }
}

/// A number with as many digits as it needs.
pub(super) fn short(x: f64) -> String {
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Makes positions continuous that were wrapped into a cell: the step from frame to frame is the shortest one, also when the cell
/// changes (von Bülow, Bullerjahn, Hummer, J. Chem. Phys. 153, 021101 (2020)).
#[derive(Default)]
struct Unwrapper {
    before: Vec<[f64; 3]>,
    now: Vec<[f64; 3]>,
}

impl Unwrapper {
    fn follow(&mut self, cell: &Cell, positions: &[[f64; 3]]) -> &[[f64; 3]] {
        if self.now.is_empty() {
            self.now = positions.to_vec();
        } else {
            for ((now, before), x) in self.now.iter_mut().zip(&self.before).zip(positions) {
                let step = nearest_image(cell, minus(*x, *before));
                *now = std::array::from_fn(|k| now[k] + step[k]);
            }
        }
        self.before.clear();
        self.before.extend_from_slice(positions);
        &self.now
    }
}

/// Charges (e) of the atoms by a structure file with a column of them.
pub(super) fn charges_of_file(path: &Path, elements: &[Element]) -> Result<Vec<f64>> {
    let frame = io::read_frame(path, io::FrameIndex::First, &ReadOptions::default())?;
    if frame.system.atoms.elements != elements {
        return Err(Error::file(
            path,
            "its atoms are not those of the trajectory, in the same order",
        ));
    }
    let found = CHARGES.iter().find_map(|c| frame.scalars(c));
    found.map(<[f64]>::to_vec).ok_or_else(|| {
        Error::file(path, "there is no column of charges")
            .advise(format!("name a column one of {}", CHARGES.join(", ")))
    })
}
