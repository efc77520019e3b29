//! Sparse points in a file of their own: one number a line, point after point.

use super::numbers::number;
use crate::error::{Error, Result};
use md5::{Digest, Md5};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Opens a regular file; anything else (a folder, a pipe, a device) is refused.
fn open_regular(path: &Path) -> Result<File> {
    let about = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
    if !about.is_file() {
        return Err(Error::file(path, "this is not a regular file"));
    }
    File::open(path).map_err(|e| Error::reading(path, &e))
}

/// Reads a regular file whole.
pub(super) fn read_regular(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open_regular(path)?.read_to_end(&mut bytes);
    read.map_err(|e| Error::reading(path, &e))?;
    Ok(bytes)
}

/// Where a sparse file lies: beside the XML file. The path in the file counts from the folder of the fit, so its
/// folders may be gone; then the bare name is tried.
pub(super) fn find(xml: &Path, name: &str) -> PathBuf {
    let folder = xml.parent().unwrap_or(Path::new(""));
    let stated = folder.join(name);
    match Path::new(name).file_name() {
        Some(bare) if !stated.exists() && folder.join(bare).exists() => folder.join(bare),
        _ => stated,
    }
}

/// Reads exactly `expected` numbers and checks the digest when one is given.
pub(super) fn read(path: &Path, expected: usize, md5sum: Option<&str>) -> Result<Vec<f64>> {
    let about = std::fs::metadata(path).map_err(|e| match Error::reading(path, &e) {
        e @ Error::Input(_) => e.advise(
            "keep the `.sparseX` files in the folder of the XML file, under the names it gives",
        ),
        e => e,
    })?;
    // A number takes some twenty bytes; a file far larger than that is not a sparse file and need not be read.
    let most = (expected as u64)
        .saturating_mul(200)
        .saturating_add(1 << 16);
    if about.is_file() && about.len() > most {
        let reason = format!("the file is far larger than the {expected} numbers it should hold");
        return Err(Error::file(path, reason).advise("it does not belong to this model"));
    }
    let (values, digest) = parse(path, open_regular(path)?, expected)?;
    if let Some(stated) = md5sum.map(str::trim).filter(|s| !s.is_empty())
        && !digest.eq_ignore_ascii_case(stated)
    {
        return Err(Error::file(path, "the md5 digest is not the one in the XML file").advise(
            "the sparse file was changed or belongs to another model; if you are sure of it, remove `sparseX_md5sum` from the XML file",
        ));
    }
    Ok(values)
}

/// Reads the numbers line by line, so that a large file is never in memory as text. Returns them with the MD5 digest of
/// everything read, in lower-case hexadecimal: a check against mix-ups, not against malice.
fn parse(path: &Path, source: impl Read, expected: usize) -> Result<(Vec<f64>, String)> {
    let mut source = BufReader::with_capacity(1 << 18, source);
    let mut digest = Md5::new();
    let mut values = Vec::new();
    let mut text = Vec::new();
    let mut line = 0;
    loop {
        text.clear();
        let read = source.read_until(b'\n', &mut text);
        if read.map_err(|e| Error::reading(path, &e))? == 0 {
            break;
        }
        digest.update(&text);
        line += 1;
        for word in text
            .split(u8::is_ascii_whitespace)
            .filter(|w| !w.is_empty())
        {
            let value = std::str::from_utf8(word)
                .ok()
                .and_then(number)
                .ok_or_else(|| {
                    let word = super::arguments::shorten(&String::from_utf8_lossy(word)).to_owned();
                    Error::line(path, line, format!("`{word}` is not a finite number"))
                })?;
            if values.len() == expected {
                let reason = format!(
                    "the file goes on after the {expected} numbers that the XML file announces"
                );
                return Err(
                    Error::line(path, line, reason).advise("it does not belong to this model")
                );
            }
            if values.len() == values.capacity() {
                // Grown by half at most, and never beyond what is expected: a short file makes no large allocation.
                let more = (values.len() / 2).max(1 << 16);
                values.reserve_exact(more.min(expected - values.len()));
            }
            values.push(value);
        }
    }
    if values.len() < expected {
        let reason = format!("the file ends after {} of {expected} numbers", values.len());
        return Err(Error::line(path, line, reason)
            .advise("it is cut off or does not belong to this model; get a complete copy"));
    }
    let digest = digest.finalize();
    Ok((values, digest.iter().map(|b| format!("{b:02x}")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_numbers_are_checked() {
        let p = Path::new("s");
        assert_eq!(
            parse(p, &b" 1.0\n.5\r\n0.1D+001\n"[..], 3).unwrap().0,
            [1.0, 0.5, 1.0]
        );
        for (text, part) in [
            (&b"1\n2\n"[..], "s:2: the file ends after 2 of 3"),
            (b"1\n2\n3\n4\n", "s:4: the file goes on"),
            (b"1\nx\n3\n", "s:2: `x`"),
            (b"1\nnan\n3\n", "s:2: `nan`"),
            (b"1\n\xff\xfe\n3\n", "s:2: "),
            (b"", "0 of 3"),
        ] {
            let message = parse(p, text, 3).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        assert!(parse(p, &b"1\n"[..], usize::MAX).is_err());
    }

    #[test]
    fn files_are_found_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let xml = folder.path().join("m.xml");
        let sparse = folder.path().join("s.dat");
        std::fs::write(&sparse, "1\n2\n").unwrap();
        assert_eq!(find(&xml, "s.dat"), sparse);
        assert_eq!(find(&xml, "/gone/fit/s.dat"), sparse);
        assert_eq!(
            find(&xml, "fit/other.dat"),
            folder.path().join("fit/other.dat")
        );
        let digest = parse(Path::new("s"), &b"1\n2\n"[..], 2)
            .unwrap()
            .1
            .to_uppercase();
        assert_eq!(read(&sparse, 2, Some(&digest)).unwrap(), [1.0, 2.0]);
        assert!(
            read(&sparse, 2, Some("0"))
                .unwrap_err()
                .to_string()
                .contains("md5")
        );
        std::fs::write(&sparse, vec![b'\n'; 70_000]).unwrap();
        assert!(
            read(&sparse, 2, None)
                .unwrap_err()
                .to_string()
                .contains("far larger")
        );
        assert!(read(folder.path(), 2, None).is_err());
        assert!(
            read(&folder.path().join("none"), 2, None)
                .unwrap_err()
                .to_string()
                .contains("sparseX")
        );
    }
}
