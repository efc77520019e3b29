//! MLIP's standard levels: the index lists of a moment tensor potential from one number.
//!
//! A basic moment of radial function μ and rank ν has level 2 + 4μ + ν. The scalars of level L are all full contractions of
//! at most four basic moments whose levels sum up to L at most (Shapeev, Multiscale Model. Simul. 14, 1153 (2016)): a multigraph
//! whose nodes are the moments and whose edges are contracted indices, each counted once up to the order of its nodes.
//!
//! Each contraction is then split into two smaller ones again and again, by the rule of MLIP's own lists: where the fewest
//! indices are contracted in the last step, a single moment before a pair, and the smallest moment (μ first, then rank) of
//! those. Equal parts are shared, and components that are the same sum of products are one moment.

use crate::potential::mtp::{BasicIndex, Product};
use std::collections::{BTreeMap, HashMap};

/// Most moments in one contraction: five-body energies.
const BODIES: usize = 4;
/// Largest radial function and rank in MLIP's own lists.
const LARGEST_FUNCTION: usize = 5;
const LARGEST_RANK: usize = 10;

/// The lowest and the highest level.
pub const LEVELS: std::ops::RangeInclusive<usize> = 2..=28;

/// The index lists of a level.
#[derive(Clone, Debug, PartialEq)]
pub struct Lists {
    /// Number of radial functions.
    pub functions: usize,
    /// The basic moments.
    pub basic: Vec<BasicIndex>,
    /// The products, operands before targets.
    pub products: Vec<Product>,
    /// The moments that are scalars with a coefficient.
    pub scalars: Vec<u32>,
    /// Number of moments.
    pub moments: usize,
}

/// Radial function and rank of a node.
type Node = (usize, usize);
/// Powers of x, y and z.
type Powers = [u8; 3];
/// The free indices of each node of a contraction.
type Component = [Powers; BODIES];

/// A contraction: nodes, and the number of indices contracted between each two of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Contraction {
    nodes: Vec<Node>,
    edges: [[usize; BODIES]; BODIES],
}

impl Contraction {
    fn free(&self, i: usize) -> usize {
        self.nodes[i].1 - self.edges[i].iter().sum::<usize>()
    }

    /// The contraction with its nodes in another order.
    fn permuted(&self, order: &[usize]) -> Contraction {
        let mut edges = [[0; BODIES]; BODIES];
        for (a, i) in order.iter().enumerate() {
            for (b, j) in order.iter().enumerate() {
                edges[a][b] = self.edges[*i][*j];
            }
        }
        Contraction {
            nodes: order.iter().map(|i| self.nodes[*i]).collect(),
            edges,
        }
    }

    /// The order of nodes whose contraction is the smallest of all orders.
    fn canonical_order(&self) -> Vec<usize> {
        let mut best: Option<(Contraction, Vec<usize>)> = None;
        permutations(self.nodes.len(), &mut Vec::new(), &mut |order| {
            let sorted = order
                .windows(2)
                .all(|w| self.nodes[w[0]] <= self.nodes[w[1]]);
            if sorted {
                let found = self.permuted(order);
                if best.as_ref().is_none_or(|b| found < b.0) {
                    best = Some((found, order.to_vec()));
                }
            }
        });
        best.map_or_else(Vec::new, |b| b.1)
    }
}

fn permutations(n: usize, order: &mut Vec<usize>, each: &mut impl FnMut(&[usize])) {
    if order.len() == n {
        return each(order);
    }
    for i in 0..n {
        if !order.contains(&i) {
            order.push(i);
            permutations(n, order, each);
            order.pop();
        }
    }
}

/// All scalars of a level, smallest first.
fn scalars(level: usize) -> Vec<Contraction> {
    let mut found = std::collections::BTreeSet::new();
    for k in 1..=BODIES {
        let pairs: Vec<(usize, usize)> = (0..k)
            .flat_map(|a| (a + 1..k).map(move |b| (a, b)))
            .collect();
        let mut functions = vec![0; k];
        loop {
            let base: usize = functions.iter().map(|mu| 2 + 4 * mu).sum();
            if base <= level {
                let mut edges = vec![0; pairs.len()];
                collect(
                    &functions,
                    &pairs,
                    (level - base) / 2,
                    0,
                    &mut edges,
                    &mut found,
                );
            }
            // The next list of functions that does not fall.
            let Some(at) = functions.iter().rposition(|mu| *mu < LARGEST_FUNCTION) else {
                break;
            };
            let next = functions[at] + 1;
            functions[at..].fill(next);
        }
    }
    let mut all: Vec<Contraction> = found.into_iter().collect();
    // Few moments first, as in MLIP's lists.
    all.sort_by_key(|c| c.nodes.len());
    all
}

fn collect(
    functions: &[usize],
    pairs: &[(usize, usize)],
    left: usize,
    at: usize,
    edges: &mut Vec<usize>,
    found: &mut std::collections::BTreeSet<Contraction>,
) {
    if at < pairs.len() {
        for e in 0..=left {
            edges[at] = e;
            collect(functions, pairs, left - e, at + 1, edges, found);
        }
        edges[at] = 0;
        return;
    }
    let mut matrix = [[0; BODIES]; BODIES];
    for ((a, b), e) in pairs.iter().zip(edges.iter()) {
        matrix[*a][*b] = *e;
        matrix[*b][*a] = *e;
    }
    let rank = |i: usize| matrix[i].iter().sum::<usize>();
    if (0..functions.len()).any(|i| rank(i) > LARGEST_RANK) {
        return;
    }
    let nodes = functions
        .iter()
        .enumerate()
        .map(|(i, mu)| (*mu, rank(i)))
        .collect();
    let contraction = Contraction {
        nodes,
        edges: matrix,
    };
    let order = contraction.canonical_order();
    found.insert(contraction.permuted(&order));
}

/// All monomials of a rank: falling powers of x, then of y.
fn monomials(rank: usize) -> Vec<Powers> {
    let rank = rank as u8;
    (0..=rank)
        .flat_map(|m| (0..=m).map(move |c| [rank - m, m - c, c]))
        .collect()
}

/// The number of ways to put indices into an order.
fn multiplicity(p: Powers) -> i64 {
    let factorial = |n: u8| (1..=i64::from(n)).product::<i64>();
    factorial(p[0] + p[1] + p[2]) / (factorial(p[0]) * factorial(p[1]) * factorial(p[2]))
}

fn plus(a: Powers, b: Powers) -> Powers {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[derive(Default)]
struct Builder {
    basic: Vec<BasicIndex>,
    places: HashMap<(usize, Powers), u32>,
    products: Vec<Product>,
    /// Moments by their sum of products.
    known: HashMap<Vec<([u32; 2], i64)>, u32>,
    tensors: HashMap<Contraction, HashMap<Component, u32>>,
    moments: u32,
}

impl Builder {
    /// The moment of each component of a contraction.
    fn tensor(&mut self, contraction: &Contraction) -> HashMap<Component, u32> {
        let order = contraction.canonical_order();
        let canonical = contraction.permuted(&order);
        if !self.tensors.contains_key(&canonical) {
            let made = self.make(&canonical);
            self.tensors.insert(canonical.clone(), made);
        }
        let mut out = HashMap::new();
        for (component, moment) in &self.tensors[&canonical] {
            let mut own = Component::default();
            for (a, i) in order.iter().enumerate() {
                own[*i] = component[a];
            }
            out.insert(own, *moment);
        }
        out
    }

    fn make(&mut self, c: &Contraction) -> HashMap<Component, u32> {
        let k = c.nodes.len();
        let mut out = HashMap::new();
        if let [(mu, rank)] = c.nodes[..] {
            for p in monomials(rank) {
                let mut component = Component::default();
                component[0] = p;
                out.insert(component, self.places[&(mu, p)]);
            }
            return out;
        }
        let (left, right) = split(c);
        let part = |nodes: &[usize]| c.permuted(nodes);
        let (a, b) = (part(&left), part(&right));
        let (of_a, of_b) = (self.tensor(&a), self.tensor(&b));
        let between: Vec<(usize, usize)> = left
            .iter()
            .flat_map(|i| right.iter().map(move |j| (*i, *j)))
            .filter(|(i, j)| c.edges[*i][*j] > 0)
            .collect();
        let free: Vec<usize> = (0..k).map(|i| c.free(i)).collect();
        for component in choices(&free) {
            let mut sum: BTreeMap<[u32; 2], i64> = BTreeMap::new();
            let contracted: Vec<usize> = between.iter().map(|(i, j)| c.edges[*i][*j]).collect();
            for choice in choices(&contracted) {
                let mut total = Component::default();
                total[..k].copy_from_slice(&component[..k]);
                let mut weight = 1;
                for ((i, j), p) in between.iter().zip(&choice) {
                    weight *= multiplicity(*p);
                    total[*i] = plus(total[*i], *p);
                    total[*j] = plus(total[*j], *p);
                }
                let take = |nodes: &[usize]| {
                    let mut own = Component::default();
                    for (a, i) in nodes.iter().enumerate() {
                        own[a] = total[*i];
                    }
                    own
                };
                let (x, y) = (of_a[&take(&left)], of_b[&take(&right)]);
                *sum.entry([x.min(y), x.max(y)]).or_default() += weight;
            }
            let mut key = Component::default();
            key[..k].copy_from_slice(&component[..k]);
            out.insert(key, self.moment(sum.into_iter().collect()));
        }
        out
    }

    /// The moment that is a sum of products, made when there is none yet.
    fn moment(&mut self, sum: Vec<([u32; 2], i64)>) -> u32 {
        if let Some(known) = self.known.get(&sum) {
            return *known;
        }
        let target = self.moments;
        self.moments += 1;
        self.products
            .extend(sum.iter().map(|([a, b], factor)| Product {
                a: *a,
                b: *b,
                factor: *factor as i32,
                target,
            }));
        self.known.insert(sum, target);
        target
    }
}

/// All ways to choose monomials of the given ranks, one of each; at most six.
fn choices(ranks: &[usize]) -> Vec<Vec<Powers>> {
    let mut all = vec![Vec::new()];
    for rank in ranks {
        let options = monomials(*rank);
        all = all
            .into_iter()
            .flat_map(|before: Vec<Powers>| {
                options.iter().map(move |p| {
                    let mut next = before.clone();
                    next.push(*p);
                    next
                })
            })
            .collect();
    }
    all
}

/// The two parts of a contraction.
fn split(c: &Contraction) -> (Vec<usize>, Vec<usize>) {
    let k = c.nodes.len();
    let mut parts: Vec<Vec<usize>> = match k {
        2 => vec![vec![0]],
        _ => (0..k).map(|i| vec![i]).collect(),
    };
    if k == 4 {
        parts.extend((1..4).map(|i| vec![0, i]));
    }
    let rest = |part: &[usize]| (0..k).filter(|i| !part.contains(i)).collect::<Vec<_>>();
    let best = parts.into_iter().min_by_key(|part| {
        let others = rest(part);
        let edges: usize = part
            .iter()
            .map(|i| others.iter().map(|j| c.edges[*i][*j]).sum::<usize>())
            .sum();
        (edges, part.len(), c.nodes[part[0]], part.clone())
    });
    let part = best.unwrap_or_default();
    let others = rest(&part);
    (part, others)
}

/// The index lists of a level. `None` outside of [`LEVELS`] and for odd numbers, which add nothing to the even ones below.
pub fn lists(level: usize) -> Option<Lists> {
    if !LEVELS.contains(&level) || level % 2 == 1 {
        return None;
    }
    let scalars = scalars(level);
    // Ranks of each radial function up to the largest that a scalar needs.
    let mut ranks: Vec<usize> = Vec::new();
    for (mu, rank) in scalars.iter().flat_map(|s| &s.nodes) {
        if ranks.len() <= *mu {
            ranks.resize(mu + 1, 0);
        }
        ranks[*mu] = ranks[*mu].max(*rank);
    }
    let mut builder = Builder::default();
    for (mu, largest) in ranks.iter().enumerate() {
        for powers in (0..=*largest).flat_map(monomials) {
            builder
                .places
                .insert((mu, powers), builder.basic.len() as u32);
            builder.basic.push(BasicIndex {
                mu: mu as u16,
                powers,
            });
        }
    }
    builder.moments = builder.basic.len() as u32;
    let mut list: Vec<u32> = scalars
        .iter()
        .filter_map(|s| builder.tensor(s).into_values().next())
        .collect();
    list.sort_unstable();
    Some(Lists {
        functions: ranks.len(),
        basic: builder.basic,
        products: builder.products,
        scalars: list,
        moments: builder.moments as usize,
    })
}
