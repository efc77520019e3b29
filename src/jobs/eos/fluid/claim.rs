//! Who runs a state point: one process on one machine.
//!
//! On one machine a lock says so, which goes with the process however it ends. Locks do not reach other machines on every file
//! system, so there is a file beside it, too, that is written anew every while: one that is not is left behind. Ages are compared with the
//! clock of the file system, not with those of the machines.

use crate::error::{Error, Result};
use crate::io::atomic;
use crate::jobs::md::RunLock;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime};

/// Time between two signs of life.
const BEAT: Duration = Duration::from_secs(20);
/// A claim without a sign of life for so long is left behind.
const STALE: Duration = Duration::from_secs(180);

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    host: String,
    process: u32,
}

impl Holder {
    fn me() -> Holder {
        Holder {
            host: crate::jobs::md::host(),
            process: std::process::id(),
        }
    }
}

/// The right to run a point, given back when it is dropped.
pub(super) struct Claim {
    path: PathBuf,
    /// Ends the signs of life when it is dropped.
    alive: Option<Sender<()>>,
    beating: Option<std::thread::JoinHandle<()>>,
    _lock: RunLock,
}

impl Claim {
    /// Claims the point in a folder.
    ///
    /// Errors when another process, here or on another machine, has it.
    pub fn take(folder: &Path) -> Result<Claim> {
        let path = folder.join("claim.json");
        let lock = RunLock::take(&path)?;
        if let Some(holder) = elsewhere(folder) {
            return Err(Error::environment(
                "cannot run the state point",
                folder,
                format!("process {} on {} runs it", holder.process, holder.host),
            ));
        }
        let me = Holder::me();
        seize(&path, &me)?;
        let (alive, ended) = channel();
        let again = path.clone();
        let beating = std::thread::spawn(move || {
            while ended.recv_timeout(BEAT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                // A sign that cannot be given now is given the next time.
                let _ = super::record::write(&again, &me);
            }
        });
        Ok(Claim {
            path,
            alive: Some(alive),
            beating: Some(beating),
            _lock: lock,
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.alive.take();
        if let Some(beating) = self.beating.take() {
            let _ = beating.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes the file of a claim. What is left behind is put away first; of two machines that come at once, one finds the file there.
fn seize(path: &Path, me: &Holder) -> Result<()> {
    let fail = |e: std::io::Error| Error::environment("cannot claim the state point", path, e);
    let away = atomic::beside(path, &format!("{}-{}", me.host, me.process));
    if std::fs::rename(path, &away).is_ok() {
        let _ = std::fs::remove_file(&away);
    }
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(fail)?;
    let text = serde_json::to_vec(me).map_err(|e| Error::Bug(e.to_string()))?;
    file.write_all(&text).map_err(fail)
}

/// Whether a living process on another machine has the point of a folder.
fn elsewhere(folder: &Path) -> Option<Holder> {
    let path = folder.join("claim.json");
    let holder: Holder = super::record::read(&path)?;
    if holder.host == Holder::me().host {
        // The lock knows better.
        return None;
    }
    let written = std::fs::metadata(&path).ok()?.modified().ok()?;
    let age = now_in(folder)?.duration_since(written).unwrap_or_default();
    (age < STALE).then_some(holder)
}

/// The machine, other than this one, on which the point of a folder is running.
pub(super) fn machine_of(folder: &Path) -> Option<String> {
    elsewhere(folder).map(|h| h.host)
}

/// What time it is for the file system of a folder.
fn now_in(folder: &Path) -> Option<SystemTime> {
    let probe = atomic::beside(&folder.join("clock"), &std::process::id().to_string());
    std::fs::write(&probe, b"").ok()?;
    let time = std::fs::metadata(&probe).and_then(|m| m.modified()).ok();
    let _ = std::fs::remove_file(&probe);
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_here_and_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mine = Claim::take(folder).unwrap();
        assert!(Claim::take(folder).is_err() && machine_of(folder).is_none());
        drop(mine);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        // Somebody elsewhere who is alive, and one who has not been heard of.
        let other = Holder {
            host: "another machine".into(),
            process: 7,
        };
        let path = folder.join("claim.json");
        super::super::record::write(&path, &other).unwrap();
        assert_eq!(machine_of(folder).as_deref(), Some("another machine"));
        let message = Claim::take(folder).err().unwrap().to_string();
        assert!(
            message.contains("process 7 on another machine"),
            "{message}"
        );
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - 2 * STALE).unwrap();
        assert!(machine_of(folder).is_none());
        // A claim of a process of this machine that died is nothing.
        drop(Claim::take(folder).unwrap());
        super::super::record::write(&path, &Holder::me()).unwrap();
        drop(Claim::take(folder).unwrap());
        // Rubbish is no claim.
        std::fs::write(&path, "{").unwrap();
        drop(Claim::take(folder).unwrap());
    }
}
