//! Showing the frames, a few in memory at a time.

use super::open::DIPOLES;
use super::{Source, Trajectory};
use crate::error::{Error, Result};
use crate::io::{FrameReader, ReadOptions};
use crate::system::{Cell, nearest_image};
use crate::vector::minus;

/// Bytes that are read at a time.
const BATCH: usize = 8 << 20;

/// What is wanted of each frame.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::jobs::analyse) struct Needs {
    pub positions: bool,
    /// Positions that move continuously.
    pub continuous: bool,
    pub velocities: bool,
    pub dipole: bool,
}

/// A frame as it is shown.
pub(in crate::jobs::analyse) struct Snapshot<'a> {
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

impl Trajectory {
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
