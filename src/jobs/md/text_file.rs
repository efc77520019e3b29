//! A text file that grows during a run and can be cut back to where a checkpoint left it.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A growing text file.
#[derive(Debug)]
pub(in crate::jobs) struct TextFile {
    path: PathBuf,
    out: BufWriter<File>,
    /// Bytes written, those that still wait included.
    pub length: u64,
    /// Whether it can be cut: devices and pipes cannot.
    regular: bool,
}

impl TextFile {
    /// Opens a file for writing and makes it if need be; what it holds is left alone until [`cut`](Self::cut).
    pub fn open(path: &Path) -> Result<TextFile> {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = file.map_err(|e| Error::environment("cannot write", path, e))?;
        Self::of(file, path)
    }

    fn of(file: File, path: &Path) -> Result<TextFile> {
        let about = file
            .metadata()
            .map_err(|e| Error::environment("cannot write", path, e))?;
        Ok(TextFile {
            path: path.to_path_buf(),
            out: BufWriter::new(file),
            length: 0,
            regular: about.is_file(),
        })
    }

    /// Opens the file of an interrupted run and cuts it to `length` bytes.
    pub fn append(path: &Path, length: u64) -> Result<TextFile> {
        let changed = |what: &str| {
            Error::file(
                path,
                format!("{what}: it was changed since the checkpoint was written"),
            )
            .advise("put the right file back, or run again from the start with --overwrite")
        };
        let opened = File::options().read(true).write(true).open(path);
        let mut file = match opened {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(Error::file(path, "the file to be continued is not there")
                    .advise("put it back, or run again from the start with --overwrite"));
            }
            other => other.map_err(|e| Error::environment("cannot continue", path, e))?,
        };
        let about = file
            .metadata()
            .map_err(|e| Error::environment("cannot continue", path, e))?;
        if about.is_file() && length > 0 {
            if about.len() < length {
                return Err(changed("the file is too short"));
            }
            let mut last = [0];
            let read = file
                .seek(SeekFrom::Start(length - 1))
                .and_then(|_| file.read_exact(&mut last));
            read.map_err(|e| Error::environment("cannot continue", path, e))?;
            if last != *b"\n" {
                return Err(changed(
                    "the file does not have a line's end where the run had written one",
                ));
            }
        }
        let mut file = Self::of(file, path)?;
        file.cut(length)?;
        Ok(file)
    }

    /// Cuts the file to its first `length` bytes; writing goes on there.
    pub fn cut(&mut self, length: u64) -> Result<()> {
        self.length = length;
        if !self.regular {
            return Ok(());
        }
        let file = self.out.get_mut();
        let done = file
            .set_len(length)
            .and_then(|()| file.seek(SeekFrom::Start(length)));
        done.map(drop)
            .map_err(|e| Error::environment("cannot write", &self.path, e))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds text.
    pub fn write(&mut self, text: &[u8]) -> Result<()> {
        self.length += text.len() as u64;
        self.out
            .write_all(text)
            .map_err(|e| Error::environment("cannot write", &self.path, e))
    }

    /// Hands everything to the system, so that the death of this process loses nothing.
    pub fn flush(&mut self) -> Result<()> {
        self.out
            .flush()
            .map_err(|e| Error::environment("cannot write", &self.path, e))
    }

    /// As [`flush`](Self::flush), and waits for the disk.
    pub fn sync(&mut self) -> Result<()> {
        self.flush()?;
        match self.out.get_ref().sync_data() {
            Err(e) if self.regular => Err(Error::environment("cannot write", &self.path, e)),
            // Devices and pipes have nothing to wait for.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_and_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "of an earlier run").unwrap();
        let mut f = TextFile::open(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"of an earlier run");
        f.cut(0).unwrap();
        f.write(b"one\n").unwrap();
        let mark = f.length;
        f.write(b"two\nthr").unwrap();
        f.sync().unwrap();
        drop(f);
        let mut f = TextFile::append(&path, mark).unwrap();
        f.write(b"TWO\n").unwrap();
        f.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one\nTWO\n");

        for (length, words) in [(100, "too short"), (3, "line's end")] {
            let message = TextFile::append(&path, length).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"one\nTWO\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(TextFile::append(&path, 4).unwrap_err().exit_code(), 2);
    }
}
