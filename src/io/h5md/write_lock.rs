//! One writer at a time.

use crate::error::{Error, Result};
use crate::io::atomic;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Keeps two processes from writing the same trajectory. A lock on a file beside it, so that readers are not locked out.
#[derive(Debug)]
pub(super) struct WriteLock {
    path: PathBuf,
    file: Option<File>,
}

impl WriteLock {
    pub(super) fn take(trajectory: &Path) -> Result<WriteLock> {
        let doing = "cannot write the trajectory";
        let path = atomic::beside(trajectory, "lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(|e| Error::environment(doing, trajectory, atomic::describe(&e)))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::environment(
                doing,
                trajectory,
                "another process is writing this file",
            )),
            // Some network file systems know no locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(WriteLock {
                path,
                file: Some(file),
            }),
        }
    }

    pub(super) fn release(&mut self) {
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.path);
            self.file = None;
        }
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        self.release();
    }
}
