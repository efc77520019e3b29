//! Matching the atoms of two molecules through their bond graphs.

use crate::elements::Element;

/// Steps after which a search ends with what it has found; molecules need a few hundred.
const MOST_STEPS: usize = 1_000_000;

/// Atoms with the bonded atoms of each.
pub(super) struct Graph<'a> {
    pub elements: &'a [Element],
    pub bonded: &'a [Vec<usize>],
}

impl Graph<'_> {
    /// An atom with its bonds in words, as in `C bonded to C, H, H, H`.
    pub fn environment(&self, i: usize) -> String {
        let mut around: Vec<&str> = self.bonded[i]
            .iter()
            .map(|j| self.elements[*j].symbol())
            .collect();
        around.sort_unstable();
        if around.is_empty() {
            format!("{} without bonds", self.elements[i])
        } else {
            format!("{} bonded to {}", self.elements[i], around.join(", "))
        }
    }
}

/// Up to `most` ways to put the atoms of `other` in the order of `model`: for each atom of the model the atom of the other
/// graph, elements and bonds the same. Found in a fixed order.
pub(super) fn matchings(model: &Graph<'_>, other: &Graph<'_>, most: usize) -> Vec<Vec<usize>> {
    let n = model.elements.len();
    if other.elements.len() != n {
        return Vec::new();
    }
    let mut search = Search {
        model,
        other,
        order: search_order(model),
        to: vec![usize::MAX; n],
        used: vec![false; n],
        found: Vec::new(),
        most,
        steps: 0,
    };
    search.descend(0);
    search.found
}

/// Each atom after one that it is bonded to, where there is one: so every choice but the first of a part is among few.
fn search_order(graph: &Graph<'_>) -> Vec<usize> {
    let n = graph.elements.len();
    let mut order: Vec<usize> = Vec::with_capacity(n);
    let mut seen = vec![false; n];
    let mut next = 0;
    while order.len() < n {
        if next == order.len() {
            // The atom with most bonds begins a part.
            let start = (0..n)
                .filter(|i| !seen[*i])
                .max_by_key(|i| (graph.bonded[*i].len(), n - i));
            let Some(start) = start else { break };
            seen[start] = true;
            order.push(start);
        }
        for &j in &graph.bonded[order[next]] {
            if !std::mem::replace(&mut seen[j], true) {
                order.push(j);
            }
        }
        next += 1;
    }
    order
}

struct Search<'a> {
    model: &'a Graph<'a>,
    other: &'a Graph<'a>,
    order: Vec<usize>,
    to: Vec<usize>,
    used: Vec<bool>,
    found: Vec<Vec<usize>>,
    most: usize,
    steps: usize,
}

impl Search<'_> {
    /// Depth is bounded by the number of atoms of a model, a few hundred.
    fn descend(&mut self, depth: usize) {
        let Some(&i) = self.order.get(depth) else {
            self.found.push(self.to.clone());
            return;
        };
        let anchor = self.model.bonded[i]
            .iter()
            .map(|j| self.to[*j])
            .find(|j| *j != usize::MAX);
        let candidates: Vec<usize> = match anchor {
            Some(a) => self.other.bonded[a].clone(),
            None => (0..self.to.len()).collect(),
        };
        for c in candidates {
            self.steps += 1;
            if self.found.len() >= self.most || self.steps > MOST_STEPS {
                return;
            }
            if self.fits(i, c) {
                self.to[i] = c;
                self.used[c] = true;
                self.descend(depth + 1);
                self.to[i] = usize::MAX;
                self.used[c] = false;
            }
        }
    }

    fn fits(&self, i: usize, c: usize) -> bool {
        let (own, theirs) = (&self.model.bonded[i], &self.other.bonded[c]);
        !self.used[c]
            && self.model.elements[i] == self.other.elements[c]
            && own.len() == theirs.len()
            && own
                .iter()
                .all(|j| self.to[*j] == usize::MAX || theirs.binary_search(&self.to[*j]).is_ok())
    }
}
