//! Digests as text.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Bytes as pairs of hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The SHA-256 of a file of any length, as text.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let mut file = std::fs::File::open(path).map_err(|e| Error::reading(path, &e))?;
    let mut all = Sha256::new();
    std::io::copy(&mut file, &mut all).map_err(|e| Error::reading(path, &e))?;
    Ok(hexadecimal(&all.finalize()))
}
