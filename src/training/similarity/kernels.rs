//! Kernels of structures.

use crate::error::{Error, Result};
use crate::parallel::{self, PerThread};
use crate::training::Monitor;
use crate::training::assignment;
use crate::vector::inner;

/// Atoms of two structures of different size are matched in copies of both, of which there are no more than this.
const MOST_COPIES: usize = 4096;
/// Sums over rows and columns of a regularised match are right to this.
const BALANCED: f64 = 1e-10;
/// Sweeps after which a match is taken as it is.
const SWEEPS: usize = 20_000;

/// How atoms are put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// The mean of the vectors of all atoms, compared.
    Average,
    /// Each atom with a partner of its own, so that the sum of likenesses is the largest possible.
    BestMatch,
    /// A match smeared by an entropy of weight γ: smooth, between the two others.
    Rematch {
        /// The weight; small for the best match, large for the mean of all pairs.
        gamma: f64,
    },
}

/// The SOAP vectors of the atoms of structures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environments {
    /// Length of a vector.
    pub dimensions: usize,
    /// The vectors of each structure, one after the other.
    pub structures: Vec<Vec<f64>>,
}

impl Environments {
    fn atoms(&self, k: usize) -> usize {
        self.structures[k].len() / self.dimensions.max(1)
    }

    /// The mean of the vectors of each structure, one after the other.
    pub fn means(&self) -> Vec<f64> {
        let d = self.dimensions;
        let mut out = vec![0.0; d * self.structures.len()];
        for (structure, mean) in self.structures.iter().zip(out.chunks_mut(d.max(1))) {
            let n = (structure.len() / d.max(1)).max(1) as f64;
            for vector in structure.chunks(d.max(1)) {
                mean.iter_mut().zip(vector).for_each(|(m, x)| *m += x / n);
            }
        }
        out
    }
}

/// A symmetric matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub size: usize,
    /// The entries.
    pub entries: Vec<f64>,
}

impl Matrix {
    /// An entry.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.entries[i * self.size + j]
    }
}

/// How alike all structures are to each other; none when it was asked to stop. ζ is a positive power.
///
/// Errors (without a place) when two structures have so many atoms that they cannot be matched.
pub fn matrix(
    environments: &Environments,
    kernel: Kernel,
    zeta: f64,
    monitor: &mut dyn Monitor,
) -> Result<Option<Matrix>> {
    let size = environments.structures.len();
    if kernel == Kernel::BestMatch {
        let mut sizes: Vec<usize> = (0..size).map(|k| environments.atoms(k)).collect();
        sizes.sort_unstable();
        sizes.dedup();
        for (k, a) in sizes.iter().enumerate() {
            if let Some(b) = sizes[k..].iter().find(|b| common(*a, **b) > MOST_COPIES) {
                return Err(Error::input(
                    "",
                    format!("structures of {a} and {b} atoms cannot be matched atom by atom"),
                )
                .advise("use the kernel `rematch` or `average`"));
            }
        }
    }
    let means = match kernel {
        Kernel::Average => environments.means(),
        _ => Vec::new(),
    };
    let d = environments.dimensions;
    let mut threads = PerThread::<Scratch>::default();
    threads.prepare();
    let raw = |i: usize, j: usize, scratch: &mut Scratch| match kernel {
        Kernel::Average => inner(&means[i * d..][..d], &means[j * d..][..d]).powf(zeta),
        Kernel::BestMatch => {
            let (a, b) = (&environments.structures[i], &environments.structures[j]);
            best_match(a, b, d, zeta, scratch)
        }
        Kernel::Rematch { gamma } => {
            let (a, b) = (&environments.structures[i], &environments.structures[j]);
            rematch(a, b, d, zeta, gamma, scratch)
        }
    };
    let mut own = vec![0.0; size];
    parallel::for_each_mut(&mut own, |k, own| {
        *own = raw(k, k, &mut threads.get());
    });
    let mut entries = vec![0.0; size * size];
    monitor.stage("structures compared", size);
    let mut rows: Vec<&mut [f64]> = entries.chunks_mut(size.max(1)).collect();
    // Rows in groups, between which it can be stopped.
    let mut done = 0;
    for group in rows.chunks_mut(4 * parallel::threads().max(1)) {
        if monitor.stopped() {
            return Ok(None);
        }
        let first = done;
        parallel::for_each_mut(group, |k, row| {
            let i = first + k;
            let mut scratch = threads.get();
            for j in 0..i {
                let norm = (own[i] * own[j]).sqrt();
                row[j] = match norm > 0.0 {
                    true => raw(i, j, &mut scratch) / norm,
                    false => 0.0,
                };
            }
            row[i] = 1.0;
        });
        done += group.len();
        monitor.advance(group.len());
    }
    for i in 0..size {
        for j in 0..i {
            entries[j * size + i] = entries[i * size + j];
        }
    }
    Ok(Some(Matrix { size, entries }))
}

#[derive(Default)]
struct Scratch {
    c: Vec<f64>,
    cost: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    partner: Vec<usize>,
    assignment: assignment::Scratch,
}

/// C_ij of two structures, row by row.
fn likeness(a: &[f64], b: &[f64], d: usize, zeta: f64, out: &mut Vec<f64>) -> (usize, usize) {
    let (n, m) = (a.len() / d.max(1), b.len() / d.max(1));
    out.clear();
    for x in a.chunks(d.max(1)) {
        // A likeness is not negative, but for rounding.
        out.extend(b.chunks(d.max(1)).map(|y| inner(x, y).max(0.0).powf(zeta)));
    }
    (n, m)
}

/// The least common multiple.
fn common(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}

fn best_match(a: &[f64], b: &[f64], d: usize, zeta: f64, s: &mut Scratch) -> f64 {
    let (n, m) = likeness(a, b, d, zeta, &mut s.c);
    let size = common(n, m);
    if size == 0 {
        return 0.0;
    }
    s.cost.clear();
    for i in 0..size {
        s.cost
            .extend((0..size).map(|j| 1.0 - s.c[(i % n) * m + j % m]));
    }
    assignment::assign(&s.cost, size, &mut s.assignment, &mut s.partner);
    let all = s.partner.iter().enumerate();
    all.map(|(i, j)| s.c[(i % n) * m + j % m]).sum::<f64>() / size as f64
}

/// Tr(P^T C) with P the match of least Σ P (1 - C + γ ln P) among those that give every atom its share (M. Cuturi, NIPS 26 (2013)).
fn rematch(a: &[f64], b: &[f64], d: usize, zeta: f64, gamma: f64, s: &mut Scratch) -> f64 {
    let (n, m) = likeness(a, b, d, zeta, &mut s.c);
    if n == 0 || m == 0 {
        return 0.0;
    }
    s.cost.clear();
    // Shares of equal atoms are 1; numbers stay in range however small γ is, since every row has a best partner.
    let best = s.c.iter().copied().fold(0.0, f64::max);
    s.cost
        .extend(s.c.iter().map(|c| ((c - best) / gamma).max(-600.0).exp()));
    s.u.clear();
    s.u.resize(n, 1.0);
    s.v.clear();
    s.v.resize(m, 1.0);
    let (row, column) = (1.0 / n as f64, 1.0 / m as f64);
    for _ in 0..SWEEPS {
        for i in 0..n {
            s.u[i] = row / inner(&s.cost[i * m..][..m], &s.v);
        }
        let mut off: f64 = 0.0;
        for j in 0..m {
            let sum: f64 = (0..n).map(|i| s.cost[i * m + j] * s.u[i]).sum();
            off = off.max((sum * s.v[j] - column).abs());
            s.v[j] = column / sum;
        }
        if off < BALANCED * column {
            break;
        }
    }
    let mut total = 0.0;
    for i in 0..n {
        for j in 0..m {
            total += s.u[i] * s.cost[i * m + j] * s.v[j] * s.c[i * m + j];
        }
    }
    total
}
