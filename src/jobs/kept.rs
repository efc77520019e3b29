//! A file of frames that grows with a job, and from which a stopped run goes on.

use crate::error::{Error, Result};
use crate::io::{Format, Frame, FrameReader, ReadOptions, atomic, render_frame};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file of frames (extended XYZ), and what it held when the run began.
pub(super) struct KeptFrames {
    path: PathBuf,
    known: Vec<Frame>,
    file: File,
}

impl KeptFrames {
    /// A new file, or with `resume` the old one as far as it is whole; of its frames those that are `wanted` stay.
    pub fn open(path: &Path, resume: bool, wanted: impl Fn(&Frame) -> bool) -> Result<KeptFrames> {
        let mut known = Vec::new();
        if resume && std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 0) {
            let options = ReadOptions {
                format: Some(Format::ExtendedXyz),
                ..ReadOptions::default()
            };
            // A frame that is not whole was being written when the run stopped.
            let mut broken = false;
            for frame in FrameReader::open(path, &options)? {
                match frame {
                    Ok(frame) => known.push(frame),
                    Err(_) => {
                        broken = true;
                        break;
                    }
                }
            }
            // The last number of a line without an end may lack digits.
            if !broken && !ends_with_line(path)? {
                known.pop();
            }
            known.retain(wanted);
        }
        atomic::write(path, &rendered(&known)?, "cannot write")?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(|e| Error::environment("cannot write", path, e))?;
        Ok(KeptFrames {
            path: path.to_path_buf(),
            known,
            file,
        })
    }

    /// What the file held when the run began.
    pub fn known(&self) -> &[Frame] {
        &self.known
    }

    /// Adds frames to the file, safe from the end of this process and of the machine.
    pub fn keep(&mut self, frames: &[Frame]) -> Result<()> {
        let text = rendered(frames)?;
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
            .map_err(|e| Error::environment("cannot write", &self.path, e))
    }
}

/// Whether the last line of a file has its end.
fn ends_with_line(path: &Path) -> Result<bool> {
    let mut last = [0];
    File::open(path)
        .and_then(|mut file| {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)
        })
        .map_err(|e| Error::reading(path, &e))?;
    Ok(last == *b"\n")
}

fn rendered(frames: &[Frame]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for frame in frames {
        render_frame(frame, Format::ExtendedXyz, &mut text)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;
    use crate::system::{Atoms, Cell, System};

    fn frame(x: f64) -> Frame {
        let mut atoms = Atoms::default();
        atoms.push(Species::from_name("Ar").unwrap(), [x, 0.25, 1.0 / 3.0]);
        let cell = Cell::isolated();
        Frame::from(System { cell, atoms })
    }

    /// What was cut off in the middle of a frame is dropped, what is whole and wanted stays, and more is added behind it.
    #[test]
    fn going_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.extxyz");
        let mut kept = KeptFrames::open(&path, false, |_| true).unwrap();
        kept.keep(&[frame(1.0), frame(2.0), frame(3.0)]).unwrap();
        drop(kept);
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();

        let places = |kept: &KeptFrames| -> Vec<f64> {
            let x = |f: &Frame| f.system.atoms.positions[0][0];
            kept.known().iter().map(x).collect()
        };
        let unwanted = |f: &Frame| f.system.atoms.positions[0][0] != 1.0;
        let mut kept = KeptFrames::open(&path, true, unwanted).unwrap();
        let first = places(&kept);
        assert_eq!(first, [2.0]);
        kept.keep(&[frame(4.0)]).unwrap();
        drop(kept);
        let all = places(&KeptFrames::open(&path, true, |_| true).unwrap());
        assert_eq!(all, [2.0, 4.0]);
        assert!(
            KeptFrames::open(&path, false, |_| true)
                .unwrap()
                .known()
                .is_empty()
        );
    }
}
