//! Frames to learn from, frames to decide by, frames to judge by.

use super::LabelledFrame;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How frames are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// At random.
    Random,
    /// At random, so that energies per atom are spread as in the whole set.
    Stratified,
    /// In their order: first those to learn from, then validation, then test.
    Order,
}

/// How many frames go where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// How frames are chosen.
    pub method: Method,
    /// Frames to learn from; all that are left when not given.
    pub train: Option<usize>,
    /// Frames to decide by.
    pub validation: usize,
    /// Frames to judge by.
    pub test: usize,
    /// Seed of what is left to chance.
    pub seed: u64,
}

/// Numbers of frames (from 0, growing) in each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Frames to learn from.
    pub train: Vec<usize>,
    /// Frames to decide by.
    pub validation: Vec<usize>,
    /// Frames to judge by.
    pub test: Vec<usize>,
}

impl Split {
    /// Divides frames. What is asked for nothing is in no part.
    ///
    /// Errors (a sentence) when more frames are asked for than there are, or none is left to learn from.
    pub fn of(&self, frames: &[LabelledFrame]) -> Result<Parts, String> {
        let total = frames.len();
        let aside = self.validation.saturating_add(self.test);
        let asked = aside.saturating_add(self.train.unwrap_or(1));
        if asked > total {
            return Err(format!(
                "{total} frames cannot give {} to learn from, {} for validation and {} for tests",
                self.train.map_or("any".to_owned(), |n| n.to_string()),
                self.validation,
                self.test
            ));
        }
        let train = self.train.unwrap_or(total - aside);
        let order = self.order(frames);
        // Test frames are drawn first: they are the same however many are learnt from.
        let (test, validation) = (self.test, self.validation);
        let mut parts = match self.method {
            Method::Order => Parts {
                train: order[..train].to_vec(),
                validation: order[train..train + validation].to_vec(),
                test: order[train + validation..train + aside].to_vec(),
            },
            Method::Random | Method::Stratified => Parts {
                test: order[..test].to_vec(),
                validation: order[test..aside].to_vec(),
                train: order[aside..aside + train].to_vec(),
            },
        };
        for part in [&mut parts.train, &mut parts.validation, &mut parts.test] {
            part.sort_unstable();
        }
        Ok(parts)
    }

    /// All frames in an order of which every beginning and every stretch is a fair sample.
    fn order(&self, frames: &[LabelledFrame]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..frames.len()).collect();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        match self.method {
            Method::Order => {}
            Method::Random => order.shuffle(&mut rng),
            Method::Stratified => {
                let energy = |k: &usize| {
                    let f = &frames[*k];
                    f.energy.unwrap_or(0.0) / f.len().max(1) as f64
                };
                // Frames of equal energy are in no order of their own.
                order.shuffle(&mut rng);
                order.sort_by(|a, b| energy(a).total_cmp(&energy(b)));
                order = spread(&order, &mut rng);
            }
        }
        order
    }
}

/// A sorted list in an order of which every stretch samples the whole range evenly: a random start, then steps of the golden
/// section around the circle of ranks, each taking the nearest rank that is left (a low-discrepancy sequence).
fn spread(sorted: &[usize], rng: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let n = sorted.len();
    let mut left: std::collections::BTreeSet<usize> = (0..n).collect();
    let mut at: f64 = rng.random();
    let mut out = Vec::with_capacity(n);
    while !left.is_empty() {
        let rank = ((at * n as f64) as usize).min(n - 1);
        let above = left.range(rank..).next().copied();
        let below = left.range(..rank).next_back().copied();
        let nearest = match (below, above) {
            (Some(b), Some(a)) if rank - b < a - rank => b,
            (_, Some(a)) => a,
            (Some(b), None) => b,
            (None, None) => break,
        };
        left.remove(&nearest);
        out.push(sorted[nearest]);
        at = (at + GOLDEN).fract();
    }
    out
}
