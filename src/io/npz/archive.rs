//! The container: a zip of `.npy` members.

use super::array::{Array, Data};
use crate::error::{Error, Result};
use crate::io::atomic;
use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Members are not larger than this: kernel models of this size could not be trained.
const LARGEST_MEMBER: u64 = 2 << 30;
/// Numbers of a model hardly compress. Beyond a free allowance, a member that unpacks to more than this many times the
/// size of the archive is a bomb.
const LARGEST_RATIO: u64 = 100;
/// What a member may have in any case.
const FREE: u64 = 16 << 20;
/// More members than any model has.
const MOST_MEMBERS: usize = 10_000;

/// Whether bytes begin as a zip archive does.
pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

/// An open archive; members are unpacked when they are asked for, and only those.
pub struct Archive {
    zip: ZipArchive<Cursor<Vec<u8>>>,
    path: PathBuf,
    bytes: u64,
}

impl Archive {
    /// Opens a file and reads its table of contents.
    pub fn open(path: &Path) -> Result<Archive> {
        let mut file = File::open(path).map_err(|e| Error::reading(path, &e))?;
        let size = file.metadata().map_or(0, |m| m.len());
        if size > LARGEST_MEMBER {
            return Err(Error::file(path, "the archive is larger than 2 GiB"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|e| Error::reading(path, &e))?;
        Archive::parse(bytes, path)
    }

    /// Opens an archive in memory; `path` is for messages only.
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Archive> {
        let size = bytes.len() as u64;
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| {
            Error::file(path, format!("the archive cannot be opened: {e}"))
                .advise("the file is cut off or damaged; fetch it again")
        })?;
        if zip.len() > MOST_MEMBERS {
            return Err(Error::file(
                path,
                format!("the archive has {} members", zip.len()),
            ));
        }
        Ok(Archive {
            zip,
            path: path.to_path_buf(),
            bytes: size,
        })
    }

    /// The path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the arrays, without `.npy`.
    pub fn names(&self) -> Vec<String> {
        self.zip
            .file_names()
            .flatten()
            .map(|n| n.strip_suffix(".npy").unwrap_or(&n).to_owned())
            .collect()
    }

    /// Whether there is a member of that name.
    pub fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(&format!("{name}.npy")).is_some()
    }

    /// An error that names a member.
    pub fn complain(&self, name: &str, reason: impl std::fmt::Display) -> Error {
        Error::file(&self.path, format!("member `{name}`: {reason}"))
    }

    /// A member; `None` when there is none of that name, or when it is a pickled object.
    pub fn get(&mut self, name: &str) -> Result<Option<Array>> {
        if !self.has(name) {
            return Ok(None);
        }
        let bytes = self.unpack(name)?;
        let array = Array::parse(&bytes).map_err(|why| self.complain(name, why))?;
        Ok((array.data != Data::Object).then_some(array))
    }

    /// A member that must be there.
    pub fn need(&mut self, name: &str) -> Result<Array> {
        self.get(name)?
            .ok_or_else(|| Error::file(&self.path, format!("the member `{name}` is missing")))
    }

    fn unpack(&mut self, name: &str) -> Result<Vec<u8>> {
        let path = self.path.clone();
        let complain = |reason: String| Error::file(&path, format!("member `{name}`: {reason}"));
        let limit = LARGEST_MEMBER.min(FREE.max(self.bytes.saturating_mul(LARGEST_RATIO)));
        let member = self
            .zip
            .by_name(&format!("{name}.npy"))
            .map_err(|e| complain(format!("it cannot be unpacked: {e}")))?;
        let declared = member.size();
        if declared > limit {
            return Err(complain(format!(
                "it says that it unpacks to {declared} bytes, from an archive of {} bytes",
                self.bytes
            ))
            .advise(
                "no model compresses like that; the file is damaged or made to fill the memory",
            ));
        }
        let mut bytes = Vec::new();
        member
            .take(declared + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| complain(format!("it cannot be unpacked: {e}")))?;
        if bytes.len() as u64 != declared {
            return Err(complain(format!(
                "it should unpack to {declared} bytes, and does not"
            )));
        }
        Ok(bytes)
    }
}

/// An archive being made in memory, written at once.
pub struct ArchiveWriter {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    path: PathBuf,
}

impl ArchiveWriter {
    /// An empty archive that will be written to `path`.
    pub fn new(path: &Path) -> ArchiveWriter {
        ArchiveWriter {
            zip: ZipWriter::new(Cursor::new(Vec::new())),
            path: path.to_path_buf(),
        }
    }

    /// Adds an array in C order.
    pub fn add(&mut self, name: &str, array: &Array) -> Result<()> {
        self.add_bytes(name, &array.render(false))
    }

    /// Adds an array in Fortran order.
    pub fn add_fortran(&mut self, name: &str, array: &Array) -> Result<()> {
        self.add_bytes(name, &array.render(true))
    }

    /// Adds a member that is ready.
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        // No time of day: the same content gives the same file.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let failed = |e: &dyn std::fmt::Display| Error::environment("cannot write", &self.path, e);
        self.zip
            .start_file(format!("{name}.npy"), options)
            .map_err(|e| failed(&e))?;
        self.zip.write_all(bytes).map_err(|e| failed(&e))
    }

    /// Writes the file, which is complete or not there.
    pub fn finish(self) -> Result<()> {
        let path = self.path;
        let bytes = self
            .zip
            .finish()
            .map_err(|e| Error::environment("cannot write", &path, e))?;
        atomic::write(&path, bytes.get_ref(), "cannot write")
    }
}
