//! Radial distribution functions of all pairs of kinds of atoms.

use super::BlockMeans;
use super::neighbourhood::Neighbourhood;
use crate::error::Result;
use crate::neighbours::ListKind;
use crate::system::Configuration;
use std::f64::consts::PI;

/// Histograms of distances, frame by frame.
///
/// Pairs come from cell lists with all images, so that any cell and any distance will do. In a cell with a volume V,
/// g_ab(r) = V n_ab(r)/(N_a N_b v(r)), with n_ab ordered pairs in a shell of volume v: it goes to 1, or to 1 - 1/N for equal atoms.
/// Without a volume there is the density of distances, 1/Å.
pub struct PairDistribution {
    kinds: Vec<u32>,
    counts: Vec<f64>,
    reach: f64,
    bins: usize,
    bulk: bool,
    sums: BlockMeans,
    neighbourhood: Neighbourhood,
}

/// The result for a pair of kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct PairCurve {
    /// The kinds, the first not above the second.
    pub kinds: [usize; 2],
    /// Middles of the shells (Å).
    pub distances: Vec<f64>,
    /// g(r), or the density of distances (1/Å) where there is no volume.
    pub values: Vec<f64>,
    /// Standard errors; none when there are fewer than four frames.
    pub errors: Option<Vec<f64>>,
    /// Mean number of atoms of the second kind about one of the first, up to the end of each shell.
    pub running: Vec<f64>,
}

impl PairDistribution {
    /// For atoms of these kinds, up to `reach` (Å) in `bins` shells; `expected` configurations will come.
    pub fn new(
        kinds: Vec<u32>,
        reach: f64,
        bins: usize,
        bulk: bool,
        expected: usize,
    ) -> PairDistribution {
        let number = kinds.iter().max().map_or(0, |k| *k as usize + 1);
        let mut counts = vec![0.0; number];
        kinds.iter().for_each(|k| counts[*k as usize] += 1.0);
        let pairs = number * (number + 1) / 2;
        PairDistribution {
            kinds,
            counts,
            reach,
            bins,
            bulk,
            sums: BlockMeans::new(2 * pairs * bins, expected),
            neighbourhood: Neighbourhood::default(),
        }
    }

    /// Where a pair of kinds a ≤ b has its histogram.
    fn place(number: usize, a: usize, b: usize) -> usize {
        a * number - a * (a + 1) / 2 + b
    }

    /// Counts a configuration.
    pub fn add(&mut self, c: Configuration<'_>) -> Result<()> {
        self.neighbourhood.find(c, ListKind::Half, self.reach)?;
        let number = self.counts.len();
        let (kinds, bins) = (&self.kinds, self.bins);
        let per_length = bins as f64 / self.reach;
        let size = number * (number + 1) / 2 * bins;
        let parts = self
            .neighbourhood
            .rows(c.positions, |histogram: &mut Vec<u32>, i, near| {
                histogram.resize(size, 0);
                let a = kinds[i] as usize;
                for &(j, d) in near {
                    let b = kinds[j as usize] as usize;
                    let r = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
                    let bin = (r * per_length) as usize;
                    if bin < bins {
                        histogram[Self::place(number, a.min(b), a.max(b)) * bins + bin] += 1;
                    }
                }
            });
        // Whole numbers: the order of the threads does not matter.
        let mut whole = vec![0u64; size];
        for part in &parts {
            whole
                .iter_mut()
                .zip(part)
                .for_each(|(w, p)| *w += u64::from(*p));
        }
        let volume = if self.bulk {
            c.cell.volume().unwrap_or(0.0)
        } else {
            1.0
        };
        // Weighted with the volume for g, and as they are for the number of neighbours.
        let weighted = whole.iter().map(|&w| volume * w as f64);
        self.sums
            .add(weighted.chain(whole.iter().map(|&w| w as f64)));
        Ok(())
    }

    /// The functions of all pairs of kinds.
    pub fn finish(&self) -> Vec<PairCurve> {
        let width = self.reach / self.bins as f64;
        let number = self.counts.len();
        let size = number * (number + 1) / 2 * self.bins;
        let mut out = Vec::new();
        for a in 0..number {
            for b in a..number {
                let (na, nb) = (self.counts[a], self.counts[b]);
                // Each unordered pair of equal atoms is two ordered ones.
                let ordered = if a == b { 2.0 } else { 1.0 };
                let begin = Self::place(number, a, b) * self.bins;
                let per_shell = |k: usize| match self.bulk {
                    true => {
                        let shell = 4.0 / 3.0 * PI * width.powi(3) * ((k + 1) as f64).powi(3)
                            - 4.0 / 3.0 * PI * width.powi(3) * (k as f64).powi(3);
                        ordered / (na * nb * shell)
                    }
                    false => {
                        let all = if a == b {
                            0.5 * na * (na - 1.0)
                        } else {
                            na * nb
                        };
                        1.0 / (all.max(1.0) * width)
                    }
                };
                let scale = |h: &[f64]| {
                    h.iter()
                        .enumerate()
                        .map(|(k, x)| x * per_shell(k))
                        .collect()
                };
                let counted = self
                    .sums
                    .map(size + begin..size + begin + self.bins, <[f64]>::to_vec);
                let running = counted.iter().scan(0.0, |sum, x| {
                    *sum += ordered * x / na;
                    Some(*sum)
                });
                out.push(PairCurve {
                    kinds: [a, b],
                    distances: (0..self.bins).map(|k| (k as f64 + 0.5) * width).collect(),
                    values: self.sums.map(begin..begin + self.bins, scale),
                    errors: self.sums.errors_of(begin..begin + self.bins, scale),
                    running: running.collect(),
                });
            }
        }
        out
    }
}
