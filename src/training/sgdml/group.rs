//! Groups of permutations.

use std::collections::BTreeSet;

/// a after b: the atom i goes to a[b[i]].
pub(super) fn compose(a: &[usize], b: &[usize]) -> Vec<usize> {
    b.iter().map(|i| a[*i]).collect()
}

/// All products of the given permutations and the identity, which stands first; the rest in the order of discovery. `None` when there are
/// more than `most`.
pub(super) fn close(seeds: &[Vec<usize>], atoms: usize, most: usize) -> Option<Vec<Vec<usize>>> {
    let identity: Vec<usize> = (0..atoms).collect();
    let mut known: BTreeSet<Vec<usize>> = BTreeSet::new();
    let mut all = Vec::new();
    let mut sorted = seeds.to_vec();
    sorted.sort();
    sorted.dedup();
    for p in std::iter::once(identity).chain(sorted.iter().cloned()) {
        if known.insert(p.clone()) {
            all.push(p);
        }
    }
    // In a finite group products of generators reach inverses too.
    let mut next = 0;
    while next < all.len() {
        for s in &sorted {
            let p = compose(s, &all[next]);
            if known.insert(p.clone()) {
                all.push(p);
            }
            if all.len() > most {
                return None;
            }
        }
        next += 1;
    }
    Some(all)
}

/// The cycles of two or more atoms.
pub(super) fn cycles(p: &[usize]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; p.len()];
    let mut found = Vec::new();
    for start in 0..p.len() {
        let mut cycle = Vec::new();
        let mut i = start;
        while !std::mem::replace(&mut seen[i], true) {
            cycle.push(i);
            i = p[i];
        }
        if cycle.len() > 1 {
            found.push(cycle);
        }
    }
    found
}

/// The permutations without those that own a cycle which shares an atom with a longer cycle of another one.
pub(super) fn without_crossing(seeds: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let all: Vec<Vec<Vec<usize>>> = seeds.iter().map(|p| cycles(p)).collect();
    let longest = |atom: usize| {
        let through = all.iter().flatten().filter(|c| c.contains(&atom));
        through.map(Vec::len).max().unwrap_or(0)
    };
    let most: Vec<usize> = (0..seeds.first().map_or(0, Vec::len))
        .map(longest)
        .collect();
    let keeps = |c: &Vec<Vec<usize>>| c.iter().all(|c| c.iter().all(|i| most[*i] <= c.len()));
    let kept = seeds.iter().zip(&all).filter(|(_, c)| keeps(c));
    kept.map(|(p, _)| p.clone()).collect()
}
