//! Where a run comes from: hashes of the files it was made from, and the mark that ties its output to its checkpoint.

use crate::deck::Deck;
use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::io::digest::hexadecimal;
use crate::potential::registry;
use crate::simd;
use crate::system::System;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The SHA-256 of something.
pub(super) type Hash = [u8; 32];

/// A file that the run was made from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    /// The term of the potential that it belongs to; empty for the structure.
    pub term: String,
    pub path: PathBuf,
    pub hash: Hash,
}

impl Source {
    /// The name of its hash in a checkpoint; folders may move.
    fn key(&self) -> String {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("sha256:{}/{file}", self.term)
    }

    /// One line: path and hash, as `sha256sum` has them.
    pub fn line(&self) -> String {
        format!("{} sha256 {}", self.path.display(), hexadecimal(&self.hash))
    }
}

/// Larger structure files (bytes) are not hashed.
const LARGEST_STRUCTURE: u64 = 1 << 28;

/// Model files of a deck with the files they name, and the structure file last.
pub(super) fn sources(deck: &Deck) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for term in &deck.potential.terms {
        if let Some(file) = term.model.file() {
            let (source, bytes) = read(&term.name, file)?;
            found.push(source);
            // A card names the model itself.
            let model = registry::model_file(file)?;
            if model != file {
                found.push(read(&term.name, &model)?.0);
            }
            for sparse in sparse_files(file, &String::from_utf8_lossy(&bytes)) {
                found.push(read(&term.name, &sparse)?.0);
            }
        }
    }
    for (name, file) in deck.external.files() {
        found.push(read(name, file)?.0);
    }
    // A structure that has gone or changed does not concern a run that was begun. One in a huge trajectory is not hashed.
    let structure = &deck.system.structure;
    if std::fs::metadata(structure).is_ok_and(|m| m.is_file() && m.len() <= LARGEST_STRUCTURE)
        && let Ok((source, _)) = read("", structure)
    {
        found.push(source);
    }
    Ok(found)
}

/// One line for each file of the models and of what acts beside them, without their folders.
pub(in crate::jobs) fn models(deck: &Deck) -> Result<Vec<String>> {
    let all = sources(deck)?;
    let models = all.iter().filter(|s| !s.term.is_empty());
    Ok(models
        .map(|s| format!("{} {}", s.key(), hexadecimal(&s.hash)))
        .collect())
}

fn read(term: &str, path: &Path) -> Result<(Source, Vec<u8>)> {
    let bytes = std::fs::read(path).map_err(|e| Error::reading(path, &e))?;
    let source = Source {
        term: term.to_owned(),
        path: path.to_path_buf(),
        hash: Sha256::digest(&bytes).into(),
    };
    Ok((source, bytes))
}

/// The files with sparse points that an XML file names, each once, as far as they are there.
fn sparse_files(xml: &Path, text: &str) -> Vec<PathBuf> {
    let folder = xml.parent().unwrap_or(Path::new(""));
    let mut files: Vec<PathBuf> = Vec::new();
    for rest in text.split("sparseX_filename=").skip(1) {
        let mut chars = rest.chars();
        let Some(quote) = chars.next().filter(|c| ['"', '\''].contains(c)) else {
            continue;
        };
        let name = chars.as_str().split(quote).next().unwrap_or_default();
        let bare = Path::new(name).file_name().unwrap_or_default();
        let found = [folder.join(name), folder.join(bare)]
            .into_iter()
            .find(|p| p.is_file());
        if let Some(path) = found.filter(|p| !files.contains(p)) {
            files.push(path);
        }
    }
    files
}

/// What identifies a run: its deck (but for its length), its models, its seed and the state it starts from. Two runs with
/// the same mark write the same frames.
pub(super) fn mark(resolved: &str, sources: &[Source], seed: u64, start: &System) -> Hash {
    let mut hash = Sha256::new();
    for line in resolved.lines().filter(|l| !l.starts_with("length = ")) {
        hash.update(line);
        hash.update("\n");
    }
    for source in sources.iter().filter(|s| !s.term.is_empty()) {
        hash.update(source.hash);
    }
    hash.update(seed.to_le_bytes());
    let atoms = &start.atoms;
    atoms
        .elements
        .iter()
        .for_each(|e| hash.update([e.number()]));
    let cell = start.cell.row_vectors();
    let numbers = [
        cell.as_flattened(),
        &atoms.masses,
        atoms.positions.as_flattened(),
        atoms.velocities.as_flattened(),
    ];
    for x in numbers.into_iter().flatten() {
        hash.update(x.to_le_bytes());
    }
    hash.finalize().into()
}

/// The first digits of a hash: enough to tell runs apart.
pub(super) fn short(hash: &Hash) -> String {
    hexadecimal(&hash[..8])
}

/// A hash as numbers that a checkpoint can hold.
pub(super) fn to_numbers(hash: &Hash) -> Vec<f64> {
    let (words, _) = hash.as_chunks::<4>();
    words
        .iter()
        .map(|w| f64::from(u32::from_be_bytes(*w)))
        .collect()
}

/// The hash of [`to_numbers`]; `None` when they are no such numbers.
pub(super) fn from_numbers(numbers: &[f64]) -> Option<Hash> {
    let mut hash = [0; 32];
    if numbers.len() != 8 {
        return None;
    }
    for (bytes, x) in hash.chunks_exact_mut(4).zip(numbers) {
        bytes.copy_from_slice(&(*x as u32).to_be_bytes());
    }
    Some(hash)
}

const INSTRUCTION_SET: &str = "instruction_set";

/// Notes the hashes in a checkpoint, and the instruction set, on which last digits depend.
pub(super) fn note(sources: &[Source], checkpoint: &mut Checkpoint) {
    let name = simd::level_name().bytes().map(f64::from).collect();
    checkpoint.numbers.insert(INSTRUCTION_SET.to_owned(), name);
    for source in sources {
        checkpoint
            .numbers
            .insert(source.key(), to_numbers(&source.hash));
    }
}

/// Compares what a run is resumed with to what its checkpoint knows: a model that changed is an error, for the run could not
/// go on as it began. Returns what is only worth a word: another structure file (the first structure no longer matters), and
/// another processor or program, which may change last digits.
pub(super) fn compare(sources: &[Source], checkpoint: &Checkpoint) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    for source in sources {
        let known = checkpoint
            .numbers
            .get(&source.key())
            .and_then(|n| from_numbers(n));
        let path = source.path.display();
        match known {
            Some(hash) if hash == source.hash => {}
            _ if source.term.is_empty() => remarks.push(format!(
                "{path} has changed since the run began; the run goes on from its checkpoint"
            )),
            known => {
                let then = known.map_or("not part of the model".to_owned(), |h| hexadecimal(&h));
                let now = hexadecimal(&source.hash);
                let reason = format!(
                    "the model file has changed since the run began\n    SHA-256 then: {then}\n    SHA-256 now:  {now}"
                );
                return Err(Error::file(&source.path, reason).advise(
                    "put the file back that the run began with, or start a new run without --resume",
                ));
            }
        }
    }
    let (version, now) = (&checkpoint.version, env!("CARGO_PKG_VERSION"));
    if version != now {
        remarks.push(format!(
            "the checkpoint was written by zundel {version}, this is {now}: from here on, last digits may differ from those of an \
             undisturbed run"
        ));
    }
    let numbers = checkpoint.numbers.get(INSTRUCTION_SET);
    let then: String = numbers
        .into_iter()
        .flatten()
        .map(|x| char::from(*x as u8))
        .collect();
    if !then.is_empty() && then != simd::level_name() {
        remarks.push(format!(
            "the run was using {then}, this processor has {}: from here on, last digits differ from those of an undisturbed run",
            simd::level_name()
        ));
    }
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_survive_as_numbers() {
        let hash: Hash = Sha256::digest(b"zundel").into();
        assert_eq!(from_numbers(&to_numbers(&hash)), Some(hash));
        assert_eq!(from_numbers(&[1.0; 7]), None);
        assert_eq!(short(&hash).len(), 16);
    }

    #[test]
    fn sparse_files_are_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let xml = folder.path().join("m.xml");
        std::fs::write(folder.path().join("points.1"), "1").unwrap();
        let text = "<a sparseX_filename=\"old/folder/points.1\"/><b sparseX_filename='points.1'/>\
                    <c sparseX_filename=\"missing\"/><d sparseX_filename=";
        assert_eq!(sparse_files(&xml, text), [folder.path().join("points.1")]);
    }
}
