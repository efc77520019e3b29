//! The structures of a deck, one after the other: files, their frames, rattled copies.

use crate::deck::{Deck, FrameChoice, RattleDeck, RelaxDeck};
use crate::error::{Error, Result};
use crate::io::{Frame, FrameReader, ReadOptions};
use crate::jobs::parts;
use crate::random::{Purpose, Stream};
use nalgebra::Matrix3;
use std::path::PathBuf;
use std::vec::IntoIter;

/// One structure of many.
pub(super) struct Start {
    /// Its number, from 0.
    pub number: usize,
    /// Where it comes from.
    pub file: PathBuf,
    /// The frame of that file (from 0), where all are taken.
    pub frame: Option<usize>,
    /// The structure with all that its file says.
    pub content: Frame,
}

/// Gives the structures in their order; only one frame is in memory.
pub(super) struct Starts<'a> {
    deck: &'a Deck,
    files: IntoIter<PathBuf>,
    open: Option<(PathBuf, FrameReader, usize)>,
    rattle: Option<RattleDeck>,
    /// The structure that is copied, and how many copies are still to be made.
    copied: Option<(PathBuf, Option<usize>, Frame, usize)>,
    number: usize,
}

/// Whether the deck means many structures.
pub(super) fn are_many(deck: &Deck, job: &RelaxDeck) -> bool {
    deck.system.frame == FrameChoice::All || deck.system.is_pattern() || job.rattle.is_some()
}

/// The structure files, without those that the job writes.
pub(super) fn files(deck: &Deck) -> Result<Vec<PathBuf>> {
    let written = deck.job.files();
    let mut files = deck.system.files()?;
    files.retain(|f| !written.contains(f));
    Ok(files)
}

impl<'a> Starts<'a> {
    /// The structures of a deck.
    pub fn of(deck: &'a Deck, job: &RelaxDeck) -> Result<Starts<'a>> {
        Ok(Starts {
            deck,
            files: files(deck)?.into_iter(),
            open: None,
            rattle: job.rattle,
            copied: None,
            number: 0,
        })
    }

    /// The number of the next one.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next one.
    pub fn next(&mut self) -> Result<Option<Start>> {
        let found = match self.rattle {
            None => self.next_frame()?,
            Some(rattle) => self.next_copy(rattle)?,
        };
        let number = self.number;
        self.number += 1;
        Ok(found.map(|(file, frame, content)| Start {
            number,
            file,
            frame,
            content,
        }))
    }

    fn next_copy(&mut self, rattle: RattleDeck) -> Result<Option<(PathBuf, Option<usize>, Frame)>> {
        if self.copied.as_ref().is_none_or(|c| c.3 == 0) {
            let next = self.next_frame()?;
            self.copied = next.map(|(file, frame, content)| (file, frame, content, rattle.copies));
        }
        let Some((file, frame, content, left)) = &mut self.copied else {
            return Ok(None);
        };
        *left -= 1;
        let mut copy = content.clone();
        shake(&mut copy, rattle, self.number as u64)
            .map_err(|why| Error::file(file, why).advise("choose a smaller `strain`"))?;
        Ok(Some((file.clone(), *frame, copy)))
    }

    fn next_frame(&mut self) -> Result<Option<(PathBuf, Option<usize>, Frame)>> {
        loop {
            if self.open.is_none() {
                let Some(file) = self.files.next() else {
                    return Ok(None);
                };
                if self.deck.system.frame != FrameChoice::All {
                    let content = parts::one_frame(&self.deck.system, &file)?;
                    return Ok(Some((file, None, content)));
                }
                let reader = FrameReader::open(&file, &ReadOptions::default())?;
                self.open = Some((file, reader, 0));
            }
            if let Some((file, reader, count)) = &mut self.open {
                if let Some(frame) = reader.next() {
                    let mut content = frame?;
                    let before = content.system.atoms.len();
                    content.system = parts::adjust(&self.deck.system, file, content.system)
                        .map_err(|e| e.within(&format!("frame {count}")))?;
                    if content.system.atoms.len() != before {
                        content.columns.clear();
                    }
                    *count += 1;
                    return Ok(Some((file.clone(), Some(*count - 1), content)));
                }
                if *count == 0 {
                    return Err(Error::file(file, "the file holds no structure"));
                }
            }
            self.open = None;
        }
    }
}

/// Displaces atoms and strains the cell at random.
fn shake(frame: &mut Frame, rattle: RattleDeck, number: u64) -> std::result::Result<(), String> {
    let system = &mut frame.system;
    let mut draws = Stream::new(rattle.seed, Purpose::Displacement, number, 0, 0);
    if rattle.strain > 0.0 {
        let mut strain = Matrix3::zeros();
        for i in 0..3 {
            for j in i..3 {
                let e = rattle.strain * (2.0 * draws.uniform() - 1.0);
                strain[(i, j)] = e;
                strain[(j, i)] = e;
            }
        }
        let f = Matrix3::identity() + strain;
        system.cell = system.cell.deformed(&f)?;
        for x in &mut system.atoms.positions {
            *x = std::array::from_fn(|k| x[0] * f[(0, k)] + x[1] * f[(1, k)] + x[2] * f[(2, k)]);
        }
    }
    for (i, x) in system.atoms.positions.iter_mut().enumerate() {
        let mut draws = Stream::new(rattle.seed, Purpose::Displacement, number, i as u64, 1);
        x.iter_mut()
            .for_each(|x| *x += rattle.displacement * draws.normal());
    }
    Ok(())
}
