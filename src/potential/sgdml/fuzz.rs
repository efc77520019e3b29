//! Damaged and hostile model files: each is refused, or gives a model that evaluates or says why not. None panics.

use super::tests::{Members, members, read, zipped};
use super::*;
use crate::potential::{Evaluation, Evaluator, Term};
use crate::system::{Atoms as AtomList, Cell, System};
use std::time::{Duration, Instant};

/// A small generator of its own (xorshift), so that a failure can be repeated by its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

const NUMBERS: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    -1.0,
    1e308,
    -1e308,
    1e-308,
    5e-324,
    1e16,
    1e150,
];
const SNIPPETS: [&str; 16] = [
    "(0,)",
    "(1,)",
    "()",
    "(6, 21)",
    "(21, 6)",
    "(99999999999, 99999999999)",
    "(-1,)",
    "|O",
    "<f8",
    ">f8",
    "<f4",
    "<i8",
    "<U8",
    "|S2",
    "True",
    "False",
];

/// Damages one array: its header as text, a number in its body, its length, or any byte.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let body = bytes.len().min(128);
    match dice.roll(6) {
        0 => bytes.truncate(dice.roll(bytes.len() + 1)),
        1 if bytes.len() >= body + 8 => {
            let at = body + dice.roll((bytes.len() - body) / 8) * 8;
            let number = NUMBERS[dice.roll(NUMBERS.len())];
            if let Some(place) = bytes.get_mut(at..at + 8) {
                place.copy_from_slice(&number.to_le_bytes());
            }
        }
        2 if bytes.len() >= body + 8 => {
            let at = body + dice.roll((bytes.len() - body) / 8) * 8;
            let number = [-1i64, 0, 1, 3, 1 << 40, i64::MIN, i64::MAX][dice.roll(7)];
            if let Some(place) = bytes.get_mut(at..at + 8) {
                place.copy_from_slice(&number.to_le_bytes());
            }
        }
        3 => {
            let snippet = SNIPPETS[dice.roll(SNIPPETS.len())];
            let at = dice.roll(body + 1);
            let end = (at + dice.roll(12)).min(bytes.len());
            bytes.splice(at..end, snippet.bytes());
        }
        4 if !bytes.is_empty() => {
            let at = dice.roll(bytes.len());
            bytes[at] ^= 1 << dice.roll(8);
        }
        _ => {
            let extra = dice.roll(64);
            bytes.extend(std::iter::repeat_n(0, extra));
        }
    }
}

/// A file made of good ones.
fn hostile(good: &[Members], dice: &mut Dice) -> Vec<u8> {
    let mut all = good[dice.roll(good.len())].clone();
    let damaged = dice.roll(4);
    for _ in 0..damaged {
        let at = dice.roll(all.len());
        match dice.roll(8) {
            0 => drop(all.remove(at)),
            1 => {
                // The member of another model, or another member of this one.
                let other = &good[dice.roll(good.len())];
                all[at].1.clone_from(&other[dice.roll(other.len())].1);
            }
            2 => {
                let other = dice.roll(all.len());
                let name = all[other].0.clone();
                if at != other {
                    all.remove(other);
                    let at = at - usize::from(other < at);
                    all[at].0 = name;
                }
            }
            _ => damage(&mut all[at].1, dice),
        }
        if all.is_empty() {
            break;
        }
    }
    let mut archive = zipped(&all);
    if damaged == 0 || dice.roll(6) == 0 {
        for _ in 0..=dice.roll(3) {
            if dice.roll(3) == 0 {
                archive.truncate(dice.roll(archive.len() + 1));
            } else if !archive.is_empty() {
                let at = dice.roll(archive.len());
                archive[at] ^= 1 << dice.roll(8);
            }
        }
    }
    archive
}

/// Uses a model as a run would: on a system of its atoms, in and out of order, and on nonsense. Whatever comes is an answer.
fn use_it(file: &SgdmlFile, dice: &mut Dice) {
    let model = Arc::new(Sgdml::new(file));
    let mut atoms = AtomList::default();
    let mut order = file.elements.clone();
    if dice.roll(2) == 0 {
        order.reverse();
    }
    for (i, e) in order.into_iter().enumerate() {
        let x = i as f64;
        let species = crate::elements::Species::natural(e);
        atoms.push(
            species,
            [0.9 * x, 0.5 * (x * 1.7).sin(), 0.3 * (x * 2.9).cos()],
        );
    }
    let cell = match file.lattice {
        Some(rows) => Cell::new(rows, [true; 3]).unwrap_or_else(|_| Cell::isolated()),
        None => Cell::isolated(),
    };
    let system = System { cell, atoms };
    let potential = match model.for_system(&system) {
        Ok(Some(made)) => made.potential,
        Ok(None) => model,
        Err(e) => return assert_eq!(e.exit_code(), 2, "{e}"),
    };
    let mut result = [Evaluation::default()];
    let want = Want {
        reliability: true,
        ..Want::ALL
    };
    let mut evaluator = Evaluator::new(vec![Term::new("m", potential)], 0.0);
    if evaluator
        .evaluate(&[system.configuration()], want, &mut result)
        .is_ok()
    {
        assert!(result[0].energy.is_finite());
    }
}

fn run(seed: u64, time: Duration, most: u64) -> (u64, u64) {
    let names = ["ammonia", "bohr", "cell", "formaldehyde", "old"];
    let good: Vec<Members> = names.into_iter().map(members).collect();
    let (mut dice, mut tried, mut accepted) = (Dice(seed), 0u64, 0u64);
    let until = Instant::now() + time;
    while Instant::now() < until && tried < most {
        let archive = hostile(&good, &mut dice);
        tried += 1;
        let begin = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            match read(archive.clone()) {
                Ok(file) => {
                    use_it(&file, &mut dice);
                    true
                }
                Err(error) => {
                    let message = error.to_string();
                    assert!(message.starts_with("error: m.npz: "), "{message}");
                    assert_eq!(error.exit_code(), 2, "{message}");
                    false
                }
            }
        }));
        match outcome {
            Ok(good) => accepted += u64::from(good),
            Err(_) => {
                let kept = std::env::temp_dir().join("fuzz_sgdml_reader.npz");
                std::fs::write(&kept, &archive).unwrap();
                panic!(
                    "input {tried} made the reader panic; it is kept as {}",
                    kept.display()
                );
            }
        }
        assert!(
            begin.elapsed().as_secs() < 20,
            "input {tried} took {:?}",
            begin.elapsed()
        );
    }
    (tried, accepted)
}

#[test]
fn damaged_models_never_panic() {
    let (tried, accepted) = run(2026, Duration::from_secs(60), 3000);
    assert!(accepted > 0 && accepted < tried);
}

/// `ZUNDEL_FUZZ_SECONDS=3600 cargo test --release --lib fuzz_sgdml_reader -- --ignored`
#[test]
#[ignore = "lasts a minute, or as many seconds as ZUNDEL_FUZZ_SECONDS says"]
fn fuzz_sgdml_reader() {
    let length = Duration::from_secs_f64(crate::fuzzing::seconds(60.0));
    // Another stretch of the generator each time.
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(1, |d| d.as_nanos() as u64);
    println!("seed {}", seed | 1);
    let (tried, accepted) = run(seed | 1, length, u64::MAX);
    println!("{tried} inputs, {accepted} of them still models");
    assert!(tried > 100 && accepted > 0);
}
