//! The permutations of atoms that a training set itself shows to be symmetries.
//!
//! Chmiela, Sauceda, Poltavsky, Müller and Tkatchenko, Nat. Commun. 9, 3887 (2018): every two geometries are matched through the
//! eigenvectors of their distance matrices; the matches that are consistent with each other are those along a spanning tree of
//! least cost, and what they generate is the group. So a methyl group that turns in the data is found, and an exchange
//! that would break bonds is not.

use super::geometry::Geometries;
use super::group::{close, without_crossing};
use crate::elements::Element;
use crate::error::Result;
use crate::parallel;
use crate::potential::sgdml::descriptor::pair;
use crate::training::{Monitor, assignment};
use crate::vibrations::eigen::eigen;
use faer::Mat;

/// Groups of more elements come from wrong matches, or would cost more than they bring.
pub(super) const MOST: usize = 100;
/// Geometries that are matched; pairs of them grow with the square.
const MOST_GEOMETRIES: usize = 1000;
/// Scores that agree to this are the same.
const SAME: f64 = 1e-8;

/// The permutations under which the training set looks the same, the identity first.
pub(super) fn discover(
    set: &Geometries,
    descriptors: &[&[f64]],
    monitor: &mut dyn Monitor,
) -> Result<Vec<Vec<usize>>> {
    let n = set.atoms();
    let used = descriptors.len().min(MOST_GEOMETRIES);
    let views = Views::new(&descriptors[..used], n)?;
    let edges = views.edges(&set.elements, monitor);
    if monitor.stopped() {
        return Ok(vec![(0..n).collect()]);
    }
    let seeds: Vec<Vec<usize>> = spanning_tree(used, &edges)
        .into_iter()
        .filter_map(|e| edges[e].permutation.clone())
        .collect();
    if let Some(group) = close(&seeds, n, MOST) {
        return Ok(group);
    }
    let fewer = without_crossing(&seeds);
    match close(&fewer, n, MOST) {
        Some(group) => {
            monitor.say(&format!(
                "the permutations that were found generate more than {MOST}; those of which cycles cross longer ones were left out"
            ));
            Ok(group)
        }
        None => {
            monitor.say(&format!(
                "the permutations that were found generate more than {MOST}, and none is used; give the permutations yourself"
            ));
            Ok(vec![(0..n).collect()])
        }
    }
}

/// How two geometries match.
struct Edge {
    cost: f64,
    /// `None` for the identity.
    permutation: Option<Vec<usize>>,
}

struct Views {
    n: usize,
    /// Distance matrices, row by row.
    distances: Vec<Vec<f64>>,
    /// Absolute values of their eigenvectors, by falling eigenvalue: row i has the components of atom i.
    vectors: Vec<Vec<f64>>,
}

impl Views {
    fn new(descriptors: &[&[f64]], n: usize) -> Result<Views> {
        let mut views = Views {
            n,
            distances: Vec::with_capacity(descriptors.len()),
            vectors: Vec::with_capacity(descriptors.len()),
        };
        for d in descriptors {
            let distance = |i: usize, j: usize| if i == j { 0.0 } else { 1.0 / d[pair(i, j)] };
            let (_, v) = eigen(&Mat::from_fn(n, n, distance))?;
            let falling = |i: usize, k: usize| v[(i, n - 1 - k)].abs();
            let all = (0..n * n).map(|x| (x / n, x % n));
            views
                .distances
                .push(all.clone().map(|(i, j)| distance(i, j)).collect());
            views
                .vectors
                .push(all.map(|(i, k)| falling(i, k)).collect());
        }
        Ok(views)
    }

    /// All pairs a < b, row by row.
    fn edges(&self, elements: &[Element], monitor: &mut dyn Monitor) -> Vec<Edge> {
        let m = self.distances.len();
        monitor.stage("geometries matched for symmetries", m);
        let mut edges = Vec::with_capacity(m * m.saturating_sub(1) / 2);
        for a in 0..m {
            if monitor.stopped() {
                break;
            }
            let others = m - a - 1;
            let pieces = others.div_ceil(64);
            let mut found: Vec<Vec<Edge>> = (0..pieces).map(|_| Vec::new()).collect();
            parallel::for_each_mut(&mut found, |p, edges| {
                let mut scratch = Matching::default();
                for b in a + 1 + 64 * p..(a + 1 + 64 * (p + 1)).min(m) {
                    edges.push(self.edge(a, b, elements, &mut scratch));
                }
            });
            edges.extend(found.into_iter().flatten());
            monitor.advance(1);
        }
        edges
    }

    fn edge(&self, a: usize, b: usize, elements: &[Element], s: &mut Matching) -> Edge {
        let n = self.n;
        let (va, vb) = (&self.vectors[a], &self.vectors[b]);
        s.cost.clear();
        s.cost.resize(n * n, 0.0);
        let mut largest: f64 = 0.0;
        for i in 0..n {
            for j in 0..n {
                let rows = va[i * n..(i + 1) * n].iter().zip(&vb[j * n..(j + 1) * n]);
                let overlap: f64 = rows.map(|(x, y)| x * y).sum();
                s.cost[i * n + j] = -overlap;
                largest = largest.max(overlap);
            }
        }
        for i in 0..n {
            for j in 0..n {
                if elements[i] != elements[j] {
                    s.cost[i * n + j] += largest;
                }
            }
        }
        assignment::assign(&s.cost, n, &mut s.scratch, &mut s.permutation);
        let (da, db) = (&self.distances[a], &self.distances[b]);
        let (mut before, mut after) = (0.0, 0.0);
        let p = &s.permutation;
        for i in 0..n {
            for j in 0..n {
                before += (da[i * n + j] - db[i * n + j]).powi(2);
                after += (da[p[i] * n + p[j]] - db[i * n + j]).powi(2);
            }
        }
        let (before, after) = (before.sqrt(), after.sqrt());
        // An exchange of different elements is never a symmetry, however well distances match.
        let allowed = (0..n).all(|i| elements[i] == elements[p[i]]);
        if after >= before || !allowed {
            return Edge {
                cost: before,
                permutation: None,
            };
        }
        let same = (after - before).abs() <= SAME + 1e-5 * before;
        Edge {
            cost: after,
            permutation: (!same).then(|| p.clone()),
        }
    }
}

#[derive(Default)]
struct Matching {
    cost: Vec<f64>,
    permutation: Vec<usize>,
    scratch: assignment::Scratch,
}

/// The edges (places in the list of all pairs a < b) of the tree of least cost (Prim's).
fn spanning_tree(m: usize, edges: &[Edge]) -> Vec<usize> {
    // Place of the pair (a, b) with a < b.
    let place = |a: usize, b: usize| a * m - a * (a + 1) / 2 + (b - a - 1);
    let of = |a: usize, b: usize| place(a.min(b), a.max(b));
    let mut best: Vec<usize> = (0..m).map(|i| if i == 0 { 0 } else { of(0, i) }).collect();
    let mut inside = vec![false; m];
    if let Some(first) = inside.first_mut() {
        *first = true;
    }
    let mut tree = Vec::new();
    for _ in 1..m {
        let outside = (0..m).filter(|i| !inside[*i]);
        let nearest = outside.min_by(|i, j| edges[best[*i]].cost.total_cmp(&edges[best[*j]].cost));
        let Some(next) = nearest else { break };
        inside[next] = true;
        tree.push(best[next]);
        for i in (0..m).filter(|i| !inside[*i]) {
            if edges[of(next, i)].cost < edges[best[i]].cost {
                best[i] = of(next, i);
            }
        }
    }
    tree
}
