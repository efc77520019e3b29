//! Whole files that are replaced at once: a reader sees the old content or the new one, never a mixture, also after a
//! kill or a power cut.

use crate::error::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces the content of `path` by `bytes`: a temporary file in the same folder is written, synchronised and renamed.
///
/// `doing` begins the error message, as in "cannot write the checkpoint". A path that names a device or a pipe is
/// written to directly; a symbolic link is followed.
pub fn write(path: &Path, bytes: &[u8], doing: &str) -> Result<()> {
    let fail = |e: io::Error| Error::environment(doing, path, describe(&e));
    match fs::metadata(path) {
        Ok(m) if m.is_dir() => return Err(Error::environment(doing, path, "this is a folder")),
        Ok(m) if !m.is_file() => {
            let mut f = OpenOptions::new().write(true).open(path).map_err(fail)?;
            return f.write_all(bytes).and_then(|()| f.flush()).map_err(fail);
        }
        _ => {}
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let temporary = temporary_name(&target);
    let written = fill(&temporary, bytes).and_then(|()| rename(&temporary, &target));
    if written.is_err() {
        // The temporary file is of no use to anybody; that it cannot be removed is not worth a second message.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(fail)
}

/// The hidden name beside `path` under which its new content is written before the rename.
pub fn temporary_name(path: &Path) -> PathBuf {
    beside(path, "tmp")
}

/// A hidden file `.NAME.SUFFIX` in the folder of `path`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// Renames a file over another one and makes the rename itself durable.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

/// Makes the directory entry of `path` durable (a file that was created or renamed is otherwise lost in a power cut).
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        match File::open(folder).and_then(|f| f.sync_all()) {
            // Some network file systems refuse to synchronise a folder; the data is as safe as they make it.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            other => other,
        }
    } else {
        Ok(())
    }
}

/// What the system said, with a hint for the commonest cases.
pub(crate) fn describe(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::StorageFull => format!("the disk is full ({e})"),
        io::ErrorKind::QuotaExceeded => format!("the disk quota is used up ({e})"),
        io::ErrorKind::FileTooLarge => format!("the file may not grow further ({e})"),
        io::ErrorKind::NotFound => format!("the folder does not exist ({e})"),
        _ => e.to_string(),
    }
}

fn fill(temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut f = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(temporary)?;
    if let Err(fs::TryLockError::WouldBlock) = f.try_lock() {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another process is writing the same file",
        ));
    }
    f.set_len(0)?;
    f.write_all(bytes)?;
    f.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.bin");
        write(&path, b"first, longer", "cannot write").unwrap();
        write(&path, b"second", "cannot write").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_a_full_device_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, b"new", "cannot write").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        if Path::new("/dev/full").exists() {
            let e = write(Path::new("/dev/full"), b"x", "cannot write the checkpoint")
                .unwrap_err()
                .to_string();
            assert!(e.contains("/dev/full") && e.contains("full"), "{e}");
        }
    }

    #[test]
    fn failures_keep_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such/folder/file");
        let e = write(&missing, b"x", "cannot write the checkpoint").unwrap_err();
        assert_eq!(e.exit_code(), 1);
        assert!(
            write(folder.path(), b"x", "cannot write")
                .unwrap_err()
                .to_string()
                .contains("folder")
        );

        // Somebody else holds the temporary file: the write is refused and the target stays as it was.
        let path = folder.path().join("state.bin");
        fs::write(&path, b"old").unwrap();
        let other = File::create(temporary_name(&path)).unwrap();
        other.lock().unwrap();
        assert!(
            write(&path, b"new", "cannot write")
                .unwrap_err()
                .to_string()
                .contains("another process")
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
