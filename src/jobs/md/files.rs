//! The files of a run: their names, what may be replaced, and the lock that keeps a second process away.

use crate::deck::{MdDeck, OutputDeck};
use crate::error::{Error, Result};
use crate::io::{atomic, checkpoint};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The files of one replica.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Files {
    pub trajectory: Option<PathBuf>,
    pub extxyz: Option<PathBuf>,
    pub csv: Option<PathBuf>,
    pub averages: Option<PathBuf>,
    pub plot: Option<PathBuf>,
    pub final_structure: Option<PathBuf>,
    /// Frames that the model does not know.
    pub unknown: Option<PathBuf>,
    /// The book of replica exchange, which the first replica has for all.
    pub exchange: Option<PathBuf>,
    /// The momentum distribution of an atom.
    pub momentum: Option<PathBuf>,
    pub checkpoint: PathBuf,
    /// The frame of a failure, beside the checkpoint.
    pub failed: PathBuf,
}

impl Files {
    /// The files of replica `replica` (from 1).
    pub fn of(output: &OutputDeck, md: &MdDeck, replica: u32) -> Files {
        let name = |p: &PathBuf| replica_path(p, replica, md.replicas);
        let unknown = md.reliability.as_ref().and_then(|r| r.save.as_ref());
        Files {
            trajectory: output.trajectory.as_ref().map(|t| name(&t.file)),
            extxyz: output.extxyz.as_ref().map(|t| name(&t.file)),
            csv: output.thermo.as_ref().map(|t| name(&t.file)),
            averages: output.averages.as_ref().map(name),
            plot: output.plot.as_ref().map(name),
            final_structure: output.final_structure.as_ref().map(name),
            unknown: unknown.map(|save| name(&save.file)),
            exchange: md
                .exchange
                .as_ref()
                .filter(|_| replica == 1)
                .map(|e| e.file.clone()),
            momentum: md.estimators.momentum.as_ref().map(|m| name(&m.file)),
            checkpoint: name(&output.checkpoint.file),
            failed: name(&output.checkpoint.file.with_extension("failed.extxyz")),
        }
    }

    /// What the run writes, the checkpoint last.
    fn written(&self) -> impl Iterator<Item = &PathBuf> {
        let optional = [
            &self.trajectory,
            &self.extxyz,
            &self.csv,
            &self.averages,
            &self.plot,
            &self.final_structure,
            &self.unknown,
            &self.exchange,
            &self.momentum,
        ];
        optional.into_iter().flatten().chain([&self.checkpoint])
    }

    /// Whether there is a checkpoint to go on from.
    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint.is_file() || checkpoint::previous(&self.checkpoint).is_file()
    }

    /// The first file of an earlier run that is there. Devices and pipes are never in the way.
    fn existing(&self) -> Option<PathBuf> {
        let previous = checkpoint::previous(&self.checkpoint);
        self.written()
            .chain([&previous])
            .find(|p| p.is_file())
            .cloned()
    }

    /// Refuses to start where an earlier run has left files.
    pub fn refuse_existing(&self) -> Result<()> {
        let Some(there) = self.existing() else {
            return Ok(());
        };
        let resume = if self.has_checkpoint() {
            "go on with that run (--resume), "
        } else {
            ""
        };
        Err(
            Error::file(&there, "this file of an earlier run is already there").advise(format!(
                "{resume}replace its files (--overwrite), or name other files in [output]"
            )),
        )
    }

    /// Refuses to resume where there is nothing to go on from.
    pub fn require_checkpoint(&self) -> Result<()> {
        if self.has_checkpoint() {
            return Ok(());
        }
        let start = match self.existing() {
            Some(there) => format!(
                "start it from the beginning, with --overwrite instead of --resume ({} is already there)",
                there.display()
            ),
            None => "start it without --resume".to_owned(),
        };
        Err(Error::file(
            &self.checkpoint,
            "there is no checkpoint to go on from: the run was never started, or was stopped before its first step",
        )
        .advise(start))
    }

    /// Refuses output in folders that do not exist.
    pub fn check_folders(&self) -> Result<()> {
        for file in self.written() {
            let folder = folder_of(file);
            if !folder.is_dir() {
                return Err(Error::file(
                    file,
                    format!("the folder {} does not exist", folder.display()),
                )
                .advise(format!(
                    "make it (mkdir -p {}), or name another file in [output]",
                    folder.display()
                )));
            }
        }
        Ok(())
    }

    /// Takes away what belongs to the run that is being replaced, so that nothing of it can be resumed or taken for a result by
    /// mistake.
    pub fn remove_checkpoints(&self) -> Result<()> {
        let previous = checkpoint::previous(&self.checkpoint);
        let state = [&self.checkpoint, &previous, &self.failed];
        let results = [&self.averages, &self.plot, &self.momentum]
            .into_iter()
            .flatten();
        for path in state.into_iter().chain(results.filter(|p| p.is_file())) {
            match std::fs::remove_file(path) {
                Err(e) if path.is_file() => {
                    return Err(Error::environment("cannot replace", path, e));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// `silicon.h5md` for a single run, `silicon.r03.h5md` for the third of several.
fn replica_path(path: &Path, replica: u32, replicas: u32) -> PathBuf {
    // A device or a pipe has no replicas.
    if replicas <= 1 || (path.exists() && !path.is_file()) {
        return path.to_path_buf();
    }
    let width = replicas.to_string().len().max(2);
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!(".r{replica:0width$}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Keeps two processes from running the same deck at once: a lock on a hidden file beside the checkpoint, which goes with
/// the process however it ends.
#[derive(Debug)]
pub(in crate::jobs) struct RunLock {
    path: PathBuf,
    _file: File,
}

impl RunLock {
    /// Takes the lock, or says that another process has it.
    pub fn take(checkpoint: &Path) -> Result<RunLock> {
        let doing = "cannot start the run";
        let path = atomic::beside(checkpoint, "lock");
        loop {
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(|e| Error::environment(doing, checkpoint, e))?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    let held = "another process is running this deck; wait for it, or stop it with Ctrl-C or kill";
                    return Err(Error::environment(doing, checkpoint, held));
                }
                // The other process may have finished and removed the file just before it was locked here.
                Ok(()) if !is_at(&file, &path) => {}
                // Some network file systems know no locks.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(RunLock { path, _file: file }),
            }
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_replicas() {
        let p = Path::new("out/si.2.h5md");
        assert_eq!(replica_path(p, 1, 1), p);
        assert_eq!(replica_path(p, 3, 8), Path::new("out/si.2.r03.h5md"));
        assert_eq!(replica_path(p, 3, 1000), Path::new("out/si.2.r0003.h5md"));
        assert_eq!(replica_path(Path::new("bare"), 2, 2), Path::new("bare.r02"));
    }

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("x.chk");
        let first = RunLock::take(&checkpoint).unwrap();
        let message = RunLock::take(&checkpoint).unwrap_err().to_string();
        assert!(message.contains("another process"), "{message}");
        drop(first);
        drop(RunLock::take(&checkpoint).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
