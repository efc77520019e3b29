//! Checkpoints: everything a run needs to go on with the same bits as if it had not been interrupted.
//!
//! A binary file of named blocks (little-endian), closed by the SHA-256 of all that comes before:
//!
//! ```text
//! "ZUNDELCP"  u32 format
//! u16 length, name   u8 kind   u64 count   data        kind 1 text, 2 unsigned integers, 3 floating-point numbers
//! ...
//! 32 bytes of SHA-256
//! ```
//!
//! It is replaced atomically and the one before is kept as `NAME.prev`. A file that was cut short or altered is
//! recognised by its hash. Blocks of any name can be added by those who need them (thermostats, averages).

use super::atomic;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::system::{Atoms, Cell, System};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The version of the format this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

const MAGIC: &[u8; 8] = b"ZUNDELCP";
const HASH: usize = 32;

/// The state of a run at the end of a time step; internal units.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Version of the program that wrote it.
    pub version: String,
    /// The resolved deck.
    pub deck: String,
    /// Number of the last completed time step.
    pub step: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Cell, elements, masses, positions, velocities.
    pub system: System,
    /// Potential energy (eV).
    pub energy: f64,
    /// Forces at these positions (eV/Å).
    pub forces: Vec<[f64; 3]>,
    /// Virial (eV), if it was being computed.
    pub virial: Option<[[f64; 3]; 3]>,
    /// Cell and positions (Å) for which the neighbour list was built; from them the same list is built again.
    pub list: Option<(Cell, Vec<[f64; 3]>)>,
    /// Everything else by name: sums with their compensation, thermostats, averages, lengths of other files.
    pub numbers: BTreeMap<String, Vec<f64>>,
}

impl Checkpoint {
    /// Writes the checkpoint; what was there becomes `NAME.prev`. At no moment is there none.
    pub fn write(&self, path: &Path) -> Result<()> {
        let doing = "cannot write the checkpoint";
        let bytes = self.encode()?;
        if path.is_file() {
            let previous = previous(path);
            let link = atomic::temporary_name(&previous);
            let _ = std::fs::remove_file(&link);
            // A second name for the old file costs nothing; where there are no links it is copied.
            let kept = std::fs::hard_link(path, &link)
                .or_else(|_| std::fs::copy(path, &link).map(|_| ()))
                .and_then(|()| std::fs::rename(&link, &previous));
            kept.map_err(|e| Error::environment(doing, &previous, atomic::describe(&e)))?;
        }
        atomic::write(path, &bytes, doing)
    }

    /// Reads one file.
    pub fn read_file(path: &Path) -> Result<Checkpoint> {
        let bytes = std::fs::read(path).map_err(|e| Error::reading(path, &e))?;
        Self::decode(&bytes, path)
    }

    /// Reads the newest checkpoint that is whole: the file itself, or, if that is damaged or missing, the one before.
    /// The text says so if it was not the file itself.
    pub fn read(path: &Path) -> Result<(Checkpoint, Option<String>)> {
        let error = match Self::read_file(path) {
            Ok(checkpoint) => return Ok((checkpoint, None)),
            Err(e) => e,
        };
        let previous = previous(path);
        if !previous.is_file() {
            return Err(error);
        }
        match Self::read_file(&previous) {
            Ok(checkpoint) => {
                let step = checkpoint.step;
                let name = previous.display();
                let why = error.to_string();
                let why = why
                    .strip_prefix("error: ")
                    .unwrap_or(&why)
                    .lines()
                    .next()
                    .unwrap_or("")
                    .to_owned();
                Ok((
                    checkpoint,
                    Some(format!(
                        "{why}; going on from the checkpoint before, {name}, at step {step}"
                    )),
                ))
            }
            Err(_) => Err(error),
        }
    }

    /// The file as bytes.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let n = self.system.atoms.len();
        let atoms = &self.system.atoms;
        if [
            atoms.elements.len(),
            atoms.masses.len(),
            atoms.velocities.len(),
            self.forces.len(),
        ] != [n; 4]
            || self.list.as_ref().is_some_and(|l| l.1.len() != n)
        {
            return Err(Error::Bug(
                "a checkpoint with arrays of different lengths".into(),
            ));
        }
        let mut out = Encoder {
            bytes: MAGIC.to_vec(),
        };
        out.bytes.extend_from_slice(&FORMAT.to_le_bytes());
        out.text("version", &self.version);
        out.text("deck", &self.deck);
        out.integers("step", &[self.step]);
        out.integers("seed", &[self.seed]);
        out.cell("cell", &self.system.cell);
        let elements: Vec<u64> = atoms
            .elements
            .iter()
            .map(|e| u64::from(e.number()))
            .collect();
        out.integers("elements", &elements);
        out.numbers("masses", &atoms.masses);
        out.numbers("positions", atoms.positions.as_flattened());
        out.numbers("velocities", atoms.velocities.as_flattened());
        out.numbers("forces", self.forces.as_flattened());
        out.numbers("energy", &[self.energy]);
        if let Some(virial) = &self.virial {
            out.numbers("virial", virial.as_flattened());
        }
        if let Some(list) = &self.list {
            out.cell("list_cell", &list.0);
            out.numbers("list_positions", list.1.as_flattened());
        }
        for (name, values) in &self.numbers {
            out.numbers(&format!("number:{name}"), values);
        }
        let hash = Sha256::digest(&out.bytes);
        out.bytes.extend_from_slice(&hash);
        Ok(out.bytes)
    }

    /// Reads the bytes of a file; `path` is for messages.
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Checkpoint> {
        let body = verified(bytes, path)?;
        let mut blocks =
            Blocks::parse(body).ok_or_else(|| damaged(path, "its blocks do not fit together"))?;
        let found = (|| {
            let elements = blocks.integers("elements")?;
            let elements: Option<Vec<Element>> = elements
                .iter()
                .map(|&z| Element::from_number(u8::try_from(z).ok()?))
                .collect();
            let atoms = Atoms {
                elements: elements?,
                masses: blocks.numbers("masses")?,
                positions: blocks.vectors("positions")?,
                velocities: blocks.vectors("velocities")?,
            };
            let list = match blocks.vectors("list_positions") {
                Some(positions) => Some((blocks.cell("list_cell")?, positions)),
                None => None,
            };
            let virial = blocks.numbers("virial");
            let virial = match virial.as_deref().map(<[[f64; 3]]>::try_from_flat) {
                Some(rows) => Some(rows?),
                None => None,
            };
            Some(Checkpoint {
                version: blocks.text("version")?,
                deck: blocks.text("deck")?,
                step: blocks.one("step")?,
                seed: blocks.one("seed")?,
                system: System {
                    cell: blocks.cell("cell")?,
                    atoms,
                },
                forces: blocks.vectors("forces")?,
                energy: blocks.number("energy")?,
                virial,
                list,
                numbers: std::mem::take(&mut blocks.more_numbers),
            })
        })();
        let c = found
            .ok_or_else(|| damaged(path, "something that every checkpoint has is missing in it"))?;
        let n = c.system.atoms.len();
        let atoms = &c.system.atoms;
        let lengths = [
            atoms.elements.len(),
            atoms.masses.len(),
            atoms.velocities.len(),
            c.forces.len(),
        ];
        if lengths != [n; 4] || c.list.as_ref().is_some_and(|l| l.1.len() != n) {
            return Err(damaged(path, "its arrays have different numbers of atoms"));
        }
        Ok(c)
    }
}

/// Three rows of a matrix from nine numbers.
trait Rows {
    fn try_from_flat(flat: &[f64]) -> Option<[[f64; 3]; 3]>;
}

impl Rows for [[f64; 3]] {
    fn try_from_flat(flat: &[f64]) -> Option<[[f64; 3]; 3]> {
        let (rows, rest) = flat.as_chunks::<3>();
        if rest.is_empty() {
            rows.try_into().ok()
        } else {
            None
        }
    }
}

/// The name under which the checkpoint before is kept.
pub fn previous(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".prev");
    path.with_file_name(name)
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::file(path, format!("this checkpoint is damaged: {why}"))
        .advise("resume from an earlier one (the run keeps the last but one with the ending .prev)")
}

/// The blocks of a file whose magic, format and hash are right.
fn verified<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a [u8]> {
    let Some((magic, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(damaged(path, "it is empty or cut short"));
    };
    if magic != MAGIC {
        return Err(Error::file(path, "this is not a checkpoint")
            .advise("give the file that a run wrote as its checkpoint"));
    }
    let Some((format, _)) = rest.split_first_chunk::<4>() else {
        return Err(damaged(path, "it is cut short"));
    };
    let format = u32::from_le_bytes(*format);
    if format > FORMAT {
        let reason = format!(
            "this checkpoint has format {format}, this program reads formats up to {FORMAT}"
        );
        return Err(Error::file(path, reason)
            .advise("resume with the version of the program that wrote it, or a newer one"));
    }
    let Some((body, hash)) = bytes.split_last_chunk::<HASH>().filter(|s| s.0.len() >= 12) else {
        return Err(damaged(path, "it is cut short"));
    };
    if Sha256::digest(body).as_slice() != hash {
        return Err(damaged(
            path,
            "its content does not agree with its hash (cut short or altered)",
        ));
    }
    Ok(&body[12..])
}

struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    fn header(&mut self, name: &str, kind: u8, count: usize) {
        self.bytes
            .extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, name: &str, text: &str) {
        self.header(name, 1, text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn integers(&mut self, name: &str, values: &[u64]) {
        self.header(name, 2, values.len());
        values
            .iter()
            .for_each(|v| self.bytes.extend_from_slice(&v.to_le_bytes()));
    }

    fn numbers(&mut self, name: &str, values: &[f64]) {
        self.header(name, 3, values.len());
        values
            .iter()
            .for_each(|v| self.bytes.extend_from_slice(&v.to_le_bytes()));
    }

    fn cell(&mut self, name: &str, cell: &Cell) {
        self.numbers(name, cell.row_vectors().as_flattened());
        self.integers(&format!("{name}_periodic"), &cell.periodic().map(u64::from));
    }
}

/// The blocks of a file by name; reading one takes it out.
#[derive(Default)]
struct Blocks {
    texts: BTreeMap<String, String>,
    integers: BTreeMap<String, Vec<u64>>,
    numbers: BTreeMap<String, Vec<f64>>,
    more_numbers: BTreeMap<String, Vec<f64>>,
}

impl Blocks {
    /// `None` if a block does not fit into what is left, or a name comes twice. Never takes more memory than the file.
    fn parse(mut rest: &[u8]) -> Option<Blocks> {
        let mut blocks = Blocks::default();
        while !rest.is_empty() {
            let name = take(&mut rest, 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))?;
            let name = std::str::from_utf8(take(&mut rest, name)?).ok()?.to_owned();
            let kind = take(&mut rest, 1)?[0];
            let count =
                take(&mut rest, 8).map(|b| u64::from_le_bytes(std::array::from_fn(|i| b[i])))?;
            let count = usize::try_from(count).ok()?;
            let size = if kind == 1 {
                count
            } else {
                count.checked_mul(8)?
            };
            let data = take(&mut rest, size)?;
            let words = || {
                data.chunks_exact(8)
                    .map(|c| u64::from_le_bytes(std::array::from_fn(|i| c[i])))
            };
            let twice = match (kind, name.split_once(':')) {
                (1, _) => blocks
                    .texts
                    .insert(name, String::from_utf8(data.to_vec()).ok()?)
                    .is_some(),
                (2, _) => blocks.integers.insert(name, words().collect()).is_some(),
                (3, Some(("number", own))) => blocks
                    .more_numbers
                    .insert(own.to_owned(), words().map(f64::from_bits).collect())
                    .is_some(),
                (3, _) => blocks
                    .numbers
                    .insert(name, words().map(f64::from_bits).collect())
                    .is_some(),
                _ => return None,
            };
            if twice {
                return None;
            }
        }
        Some(blocks)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.texts.remove(name)
    }

    fn integers(&mut self, name: &str) -> Option<Vec<u64>> {
        self.integers.remove(name)
    }

    fn numbers(&mut self, name: &str) -> Option<Vec<f64>> {
        self.numbers.remove(name)
    }

    fn one(&mut self, name: &str) -> Option<u64> {
        self.integers(name).filter(|v| v.len() == 1).map(|v| v[0])
    }

    fn number(&mut self, name: &str) -> Option<f64> {
        self.numbers(name).filter(|v| v.len() == 1).map(|v| v[0])
    }

    fn vectors(&mut self, name: &str) -> Option<Vec<[f64; 3]>> {
        let flat = self.numbers(name)?;
        let (vectors, rest) = flat.as_chunks::<3>();
        rest.is_empty().then(|| vectors.to_vec())
    }

    fn cell(&mut self, name: &str) -> Option<Cell> {
        let rows = <[[f64; 3]]>::try_from_flat(&self.numbers(name)?)?;
        let periodic = self
            .integers(&format!("{name}_periodic"))
            .filter(|p| p.len() == 3)?;
        Cell::new(rows, std::array::from_fn(|k| periodic[k] != 0)).ok()
    }
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;
    use rand::{Rng, RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn example(n: usize) -> Checkpoint {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(n as u64);
        let mut vectors = || -> Vec<[f64; 3]> {
            (0..n)
                .map(|_| std::array::from_fn(|_| f64::from_bits(random.next_u64() >> 2)))
                .collect()
        };
        let mut atoms = Atoms::default();
        vectors()
            .into_iter()
            .for_each(|x| atoms.push(Species::from_name("D").unwrap(), x));
        atoms.velocities = vectors();
        let cell = Cell::new(
            [[3.0, 0.1, 0.0], [0.0, 4.0, 0.0], [0.0; 3]],
            [true, true, false],
        )
        .unwrap();
        let mut numbers = BTreeMap::new();
        numbers.insert(
            "nose_hoover".to_owned(),
            vec![0.1, -0.0, f64::MIN_POSITIVE / 8.0, f64::NAN],
        );
        numbers.insert("empty".to_owned(), vec![]);
        Checkpoint {
            version: "0.1.0".into(),
            deck: "version = 1 # \u{c5}\n".into(),
            step: u64::MAX,
            seed: 7,
            list: Some((Cell::isolated(), vectors())),
            forces: vectors(),
            system: System { cell, atoms },
            energy: -1e-300,
            virial: Some([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 0.1]]),
            numbers,
        }
    }

    #[test]
    fn every_bit_comes_back() {
        for n in [0, 1, 100] {
            let mut c = example(n);
            let path = Path::new("x");
            let bytes = c.encode().unwrap();
            let back = Checkpoint::decode(&bytes, path).unwrap();
            // NaN is not equal to itself; the second encoding is compared instead.
            assert_eq!(back.encode().unwrap(), bytes);
            assert_eq!(
                back.numbers["nose_hoover"][1].to_bits(),
                (-0.0f64).to_bits()
            );
            c.numbers.clear();
            c.virial = None;
            c.list = None;
            assert_eq!(Checkpoint::decode(&c.encode().unwrap(), path).unwrap(), c);
        }
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = example(2).encode().unwrap();
        let path = Path::new("run.checkpoint");
        for n in 0..bytes.len() {
            let e = Checkpoint::decode(&bytes[..n], path).unwrap_err();
            assert_eq!(e.exit_code(), 2);
            assert!(e.to_string().contains("run.checkpoint"));
            let mut altered = bytes.clone();
            altered[n] ^= 1 << (n % 8);
            assert!(Checkpoint::decode(&altered, path).is_err(), "byte {n}");
        }
        let mut newer = bytes.clone();
        newer[8] = 200;
        assert!(
            Checkpoint::decode(&newer, path)
                .unwrap_err()
                .to_string()
                .contains("format 200")
        );
        let e = Checkpoint::decode(b"something else entirely", path)
            .unwrap_err()
            .to_string();
        assert!(e.contains("not a checkpoint"), "{e}");
    }

    #[test]
    fn the_one_before_is_kept_and_used_when_the_newest_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.checkpoint");
        let at = |step| Checkpoint { step, ..example(5) };
        for step in [1, 2, 3] {
            at(step).write(&path).unwrap();
        }
        let (newest, message) = Checkpoint::read(&path).unwrap();
        assert_eq!((newest.step, message), (3, None));
        assert_eq!(Checkpoint::read_file(&previous(&path)).unwrap().step, 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);

        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
        let (older, message) = Checkpoint::read(&path).unwrap();
        let message = message.unwrap();
        assert_eq!(older.step, 2);
        assert!(
            message.contains("damaged") && message.contains("step 2") && message.contains(".prev"),
            "{message}"
        );
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap().0.step, 2);
        std::fs::write(previous(&path), b"").unwrap();
        assert!(
            Checkpoint::read(&path)
                .unwrap_err()
                .to_string()
                .contains("no such file")
        );
    }

    #[test]
    fn a_failed_write_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.checkpoint");
        example(3).write(&path).unwrap();
        let blocker = std::fs::File::create(atomic::temporary_name(&path)).unwrap();
        blocker.lock().unwrap();
        let e = Checkpoint {
            step: 9,
            ..example(3)
        }
        .write(&path)
        .unwrap_err();
        assert!(e.to_string().contains("cannot write the checkpoint"), "{e}");
        assert_eq!(Checkpoint::read(&path).unwrap().0.step, u64::MAX);
    }

    /// Damaged files that carry the right hash, so that the parser itself is exercised.
    fn hostile(rounds: usize, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let good = example(3).encode().unwrap();
        let mut accepted = 0;
        for _ in 0..rounds {
            let mut bytes = good[..good.len() - HASH].to_vec();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(12..bytes.len());
                match random.random_range(0..4) {
                    0 => bytes[at] = random.next_u32() as u8,
                    1 => bytes.truncate(at.max(13)),
                    2 => {
                        let end = (at + random.random_range(1..40)).min(bytes.len());
                        bytes.drain(at..end);
                    }
                    _ => bytes.insert(at, 0xff),
                }
                if bytes.len() < 14 {
                    break;
                }
            }
            let hash = Sha256::digest(&bytes);
            bytes.extend_from_slice(&hash);
            accepted += usize::from(Checkpoint::decode(&bytes, Path::new("fuzzed")).is_ok());
        }
        // Changed numbers are still numbers: some files are fine, but most are refused.
        assert!(accepted < rounds, "{accepted} of {rounds}");
    }

    #[test]
    fn hostile_files_are_refused_in_peace() {
        hostile(3000, 1);
    }

    #[test]
    #[ignore = "long; run on purpose"]
    fn fuzz_checkpoint() {
        hostile(2_000_000, 2);
    }
}
