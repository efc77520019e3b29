//! Coordination numbers: how many atoms of a kind are within a distance of those of another.

use super::BlockMeans;
use super::neighbourhood::Neighbourhood;
use crate::error::Result;
use crate::neighbours::ListKind;
use crate::system::Configuration;

/// Numbers of neighbours above this are counted together.
pub const MOST_NEIGHBOURS: usize = 40;

/// Distributions of coordination numbers, frame by frame.
pub struct Coordination {
    kinds: Vec<u32>,
    counts: Vec<f64>,
    /// Distance (Å) of each pair of kinds, row by row.
    cutoffs: Vec<f64>,
    sums: BlockMeans,
    neighbourhood: Neighbourhood,
    latest: Vec<f64>,
}

/// The result for a centre and a kind of neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct CoordinationCurve {
    /// Kind of the centre and of its neighbours; `None` is all kinds.
    pub kinds: (usize, Option<usize>),
    /// Mean number with its error.
    pub mean: (f64, Option<f64>),
    /// The part of centres with 0, 1, 2, ... neighbours.
    pub parts: Vec<f64>,
    /// Standard errors of the parts.
    pub errors: Option<Vec<f64>>,
}

impl Coordination {
    /// For atoms of these kinds and a table of distances (Å); `expected` configurations will come.
    pub fn new(kinds: Vec<u32>, cutoffs: Vec<Vec<f64>>, expected: usize) -> Coordination {
        let number = cutoffs.len();
        let mut counts = vec![0.0; number];
        kinds.iter().for_each(|k| counts[*k as usize] += 1.0);
        let width = number * (number + 1) * (MOST_NEIGHBOURS + 1);
        Coordination {
            kinds,
            counts,
            cutoffs: cutoffs.into_iter().flatten().collect(),
            sums: BlockMeans::new(width, expected),
            neighbourhood: Neighbourhood::default(),
            latest: Vec::new(),
        }
    }

    /// Counts a configuration.
    pub fn add(&mut self, c: Configuration<'_>) -> Result<()> {
        let number = self.counts.len();
        let longest = self.cutoffs.iter().copied().fold(0.0, f64::max);
        self.neighbourhood.find(c, ListKind::Full, longest)?;
        let (kinds, cutoffs) = (&self.kinds, &self.cutoffs);
        let each = MOST_NEIGHBOURS + 1;
        let size = number * (number + 1) * each;
        let parts = self
            .neighbourhood
            .rows(c.positions, |histogram: &mut Vec<u32>, i, near| {
                histogram.resize(size, 0);
                let a = kinds[i] as usize;
                let mut found = vec![0usize; number + 1];
                for &(j, d) in near {
                    let b = kinds[j as usize] as usize;
                    let most = cutoffs[a * number + b];
                    if d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < most * most {
                        found[b] += 1;
                        found[number] += 1;
                    }
                }
                for (b, n) in found.into_iter().enumerate() {
                    histogram[(a * (number + 1) + b) * each + n.min(MOST_NEIGHBOURS)] += 1;
                }
            });
        let mut whole = vec![0u64; size];
        for part in &parts {
            whole
                .iter_mut()
                .zip(part)
                .for_each(|(w, p)| *w += u64::from(*p));
        }
        let counts = &self.counts;
        self.latest = (0..size)
            .map(|k| whole[k] as f64 / counts[k / each / (number + 1)].max(1.0))
            .collect();
        self.sums.add(self.latest.iter().copied());
        Ok(())
    }

    /// The mean number of neighbours of any kind in the configuration that was added last, of each kind of centre.
    pub fn latest(&self) -> Vec<f64> {
        let (number, each) = (self.counts.len(), MOST_NEIGHBOURS + 1);
        (0..number)
            .map(|a| {
                let begin = (a * (number + 1) + number) * each;
                self.latest
                    .get(begin..begin + each)
                    .map_or(0.0, mean_number)
            })
            .collect()
    }

    /// The distributions.
    pub fn finish(&self) -> Vec<CoordinationCurve> {
        let (number, each) = (self.counts.len(), MOST_NEIGHBOURS + 1);
        let mut out = Vec::new();
        for a in 0..number {
            for b in 0..=number {
                if b < number && number == 1 {
                    continue;
                }
                let begin = (a * (number + 1) + b) * each;
                let part = begin..begin + each;
                let mean = |h: &[f64]| vec![mean_number(h)];
                out.push(CoordinationCurve {
                    kinds: (a, (b < number).then_some(b)),
                    mean: (
                        self.sums.map(part.clone(), mean)[0],
                        self.sums.errors_of(part.clone(), mean).map(|e| e[0]),
                    ),
                    parts: self.sums.map(part.clone(), <[f64]>::to_vec),
                    errors: self.sums.errors_of(part, <[f64]>::to_vec),
                });
            }
        }
        out
    }
}

fn mean_number(parts: &[f64]) -> f64 {
    parts.iter().enumerate().map(|(n, p)| n as f64 * p).sum()
}
