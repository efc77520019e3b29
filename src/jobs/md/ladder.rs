//! The book of replica exchange: who is where, how often pairs changed places, and the file that tells.

use super::simulation::Simulation;
use super::text_file::TextFile;
use crate::deck::ExchangeDeck;
use crate::dynamics::Exchanged;
use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::units::EV_PER_A3_IN_GPA;
use std::path::Path;

/// What is known of a pair of neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pair {
    pub attempts: u64,
    pub accepted: u64,
    /// Sum of the probabilities.
    pub probability: f64,
}

impl Pair {
    /// Mean probability; none before the first attempt.
    pub fn acceptance(&self) -> Option<f64> {
        (self.attempts > 0).then(|| self.probability / self.attempts as f64)
    }
}

/// A configuration on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Traveller {
    /// The end of the ladder where it was last: 1 the first replica, 2 the last, 0 none so far.
    end: u8,
    /// How often it went from the first to the last and came back.
    trips: u64,
}

/// Who is where.
#[derive(Debug)]
pub(super) struct Ladder {
    every: u64,
    /// Temperature and pressure of each replica, in words.
    pub rungs: Vec<String>,
    pub pairs: Vec<Pair>,
    /// The configuration at each replica.
    at: Vec<usize>,
    travellers: Vec<Traveller>,
    file: TextFile,
}

const NUMBERS: &str = "exchange";
const BYTES: &str = "exchange_bytes";
/// A pair is judged after so many attempts.
const ENOUGH: u64 = 50;
/// Below this hardly anything goes through, above it there are more replicas than are needed.
const SOUND: (f64, f64) = (0.05, 0.9);

impl Ladder {
    /// A new one with its file; that of an earlier run is replaced.
    pub fn create(deck: &ExchangeDeck, first: &Simulation) -> Result<Ladder> {
        let mut file = TextFile::open(&deck.file)?;
        file.cut(0)?;
        let mut ladder = Self::of(deck, file);
        let columns: Vec<String> = ladder
            .rungs
            .iter()
            .map(|r| format!("configuration at {r}"))
            .collect();
        let head = format!("step,time (fs),{}\n", columns.join(","));
        ladder.file.write(head.as_bytes())?;
        ladder.write(first)?;
        Ok(ladder)
    }

    /// That of a checkpoint.
    pub fn resume(deck: &ExchangeDeck, saved: &Checkpoint) -> Result<Ladder> {
        let broken = |what: &str| Error::Bug(format!("the checkpoint has no usable `{what}`"));
        let of = |name: &str| saved.numbers.get(name).ok_or_else(|| broken(name));
        let length = of(BYTES)?.first().copied().ok_or_else(|| broken(BYTES))?;
        let mut ladder = Self::of(deck, TextFile::append(&deck.file, length as u64)?);
        ladder
            .restore(of(NUMBERS)?)
            .ok_or_else(|| broken(NUMBERS))?;
        Ok(ladder)
    }

    fn of(deck: &ExchangeDeck, file: TextFile) -> Ladder {
        let n = deck.temperatures.len();
        let mut travellers = vec![Traveller::default(); n];
        if let Some(t) = travellers.first_mut() {
            t.end = 1;
        }
        if let Some(t) = travellers.last_mut() {
            t.end = 2;
        }
        Ladder {
            every: deck.every,
            rungs: (0..n).map(|k| rung(deck, k)).collect(),
            pairs: vec![Pair::default(); n.saturating_sub(1)],
            at: (0..n).collect(),
            travellers,
            file,
        }
    }

    /// The first replicas of the pairs that may change places at a step: even pairs and odd pairs in turn.
    pub fn pairs(&self, step: u64) -> impl Iterator<Item = usize> + use<> {
        let pairs = self.pairs.len();
        let turn = match pairs {
            // An only pair has no turns.
            1 => 0,
            _ => (step / self.every + 1) % 2,
        };
        (turn as usize..pairs).step_by(2)
    }

    /// Notes what came of an attempt.
    pub fn count(&mut self, pair: usize, outcome: Exchanged) {
        let book = &mut self.pairs[pair];
        book.attempts += 1;
        book.probability += outcome.probability;
        if !outcome.accepted {
            return;
        }
        book.accepted += 1;
        self.at.swap(pair, pair + 1);
        let last = self.at.len() - 1;
        let first = &mut self.travellers[self.at[0]];
        if first.end == 2 {
            first.trips += 1;
        }
        first.end = 1;
        self.travellers[self.at[last]].end = 2;
    }

    /// How often configurations went from one end of the ladder to the other and back.
    pub fn trips(&self) -> u64 {
        self.travellers.iter().map(|t| t.trips).sum()
    }

    /// Writes a row for the step of now.
    pub fn write(&mut self, s: &Simulation) -> Result<()> {
        let mut line = format!("{},{:?}", s.state.step, s.time_fs());
        self.at
            .iter()
            .for_each(|c| line.push_str(&format!(",{}", c + 1)));
        line.push('\n');
        self.file.write(line.as_bytes())
    }

    pub fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }

    pub fn sync(&mut self) -> Result<()> {
        self.file.sync()
    }

    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Notes itself in a checkpoint; call after [`sync`](Self::sync).
    pub fn note(&self, checkpoint: &mut Checkpoint) {
        let numbers = &mut checkpoint.numbers;
        numbers.insert(BYTES.to_owned(), vec![self.file.length as f64]);
        let pairs = self.pairs.iter();
        let pairs = pairs.flat_map(|p| [p.attempts as f64, p.accepted as f64, p.probability]);
        let travellers = self.travellers.iter();
        let travellers = travellers.flat_map(|t| [f64::from(t.end), t.trips as f64]);
        let at = self.at.iter().map(|c| *c as f64);
        numbers.insert(
            NUMBERS.to_owned(),
            pairs.chain(travellers).chain(at).collect(),
        );
    }

    fn restore(&mut self, numbers: &[f64]) -> Option<()> {
        let n = self.at.len();
        let (pairs, rest) = numbers.split_at_checked(3 * self.pairs.len())?;
        let (travellers, at) = rest.split_at_checked(2 * n)?;
        for (own, p) in self.pairs.iter_mut().zip(pairs.chunks_exact(3)) {
            *own = Pair {
                attempts: p[0] as u64,
                accepted: p[1] as u64,
                probability: p[2],
            };
        }
        for (own, t) in self.travellers.iter_mut().zip(travellers.chunks_exact(2)) {
            *own = Traveller {
                end: t[0] as u8,
                trips: t[1] as u64,
            };
        }
        let at: Vec<usize> = at.iter().map(|c| *c as usize).collect();
        let mut sorted = at.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..n) {
            return None;
        }
        self.at = at;
        Some(())
    }

    /// What a person should know about how dense the ladder is.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let judged = |p: &&Pair| p.attempts >= ENOUGH;
        for (k, p) in self.pairs.iter().enumerate() {
            let Some(a) = p.acceptance().filter(|a| judged(&p) && *a < SOUND.0) else {
                continue;
            };
            remarks.push(format!(
                "{} and {} exchange with a probability of {:.1} % only: hardly anything goes through; put another temperature \
                 between them",
                self.rungs[k],
                self.rungs[k + 1],
                100.0 * a
            ));
        }
        let dense = |p: &Pair| judged(&p) && p.acceptance().is_some_and(|a| a > SOUND.1);
        if !self.pairs.is_empty() && self.pairs.iter().all(dense) {
            remarks.push(format!(
                "all pairs exchange with a probability above {:.0} %: fewer temperatures would do, 20 to 40 % are usual",
                100.0 * SOUND.1
            ));
        } else {
            for (k, _) in self.pairs.iter().enumerate().filter(|p| dense(p.1)) {
                remarks.push(format!(
                    "{} and {} exchange with a probability above {:.0} %: they need not be so close",
                    self.rungs[k],
                    self.rungs[k + 1],
                    100.0 * SOUND.1
                ));
            }
        }
        remarks
    }
}

/// Temperature and pressure of a replica in words.
pub(super) fn rung(deck: &ExchangeDeck, k: usize) -> String {
    let tidy = |x: f64| -> f64 { format!("{x:.5e}").parse().unwrap_or(x) };
    let mut text = format!(
        "{} K",
        tidy(deck.temperatures.get(k).copied().unwrap_or(0.0))
    );
    if let Some(p) = deck.pressures.as_ref().and_then(|p| p.get(k)) {
        text.push_str(&format!(" {} GPa", tidy(p * EV_PER_A3_IN_GPA)));
    }
    text
}
