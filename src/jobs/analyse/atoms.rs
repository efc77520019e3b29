//! Which atoms are looked at, and under which names.

use super::options::{AtomGroup, Options};
use crate::analysis::LEFT_OUT;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::system::{Cell, Configuration};

/// The chosen atoms of a system.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Their numbers, rising.
    pub indices: Vec<usize>,
    pub elements: Vec<Element>,
    /// What they are called: their element, or the first group that has them; as a number in `names`.
    pub kinds: Vec<u32>,
    pub names: Vec<String>,
    positions: Vec<[f64; 3]>,
}

/// A name with the classes of a correlator that belong to it, and its number of atoms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub name: String,
    pub classes: Vec<usize>,
    pub atoms: usize,
}

fn has(group: &AtomGroup, atom: usize) -> bool {
    group.ranges.iter().any(|r| (r.0..=r.1).contains(&atom))
}

impl Chosen {
    pub fn new(elements: &[Element], options: &Options) -> Result<Chosen> {
        let n = elements.len();
        for group in options.groups.iter().chain(&options.atoms) {
            if let Some(r) = group.ranges.iter().find(|r| r.1 >= n) {
                let who = if group.name.is_empty() {
                    "--atoms".to_owned()
                } else {
                    format!("group `{}`", group.name)
                };
                return Err(Error::input(
                    who,
                    format!("there is no atom {}; the trajectory has {n}", r.1),
                )
                .advise("atoms are counted from 0"));
            }
        }
        if let Some(e) = options.elements.iter().find(|e| !elements.contains(e)) {
            return Err(Error::input(
                "--elements",
                format!("the trajectory has no {}", e.symbol()),
            ));
        }
        let wanted = |i: &usize| {
            (options.elements.is_empty() || options.elements.contains(&elements[*i]))
                && options.atoms.as_ref().is_none_or(|g| has(g, *i))
        };
        let indices: Vec<usize> = (0..n).filter(wanted).collect();
        if indices.is_empty() {
            return Err(Error::input("--atoms, --elements", "no atom is in both"));
        }
        let name = |i: usize| {
            let group = options.groups.iter().find(|g| has(g, i));
            group.map_or_else(|| elements[i].symbol().to_owned(), |g| g.name.clone())
        };
        let own: Vec<Element> = indices.iter().map(|&i| elements[i]).collect();
        let mut names: Vec<String> = Vec::new();
        let all: Vec<String> = indices.iter().map(|&i| name(i)).collect();
        for name in &all {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let number = |name: &String| names.iter().position(|n| n == name).unwrap_or(0) as u32;
        Ok(Chosen {
            kinds: all.iter().map(number).collect(),
            names,
            elements: own,
            indices,
            positions: Vec::new(),
        })
    }

    /// The chosen atoms of a frame.
    pub fn configuration<'a>(
        &'a mut self,
        cell: &'a Cell,
        positions: &[[f64; 3]],
    ) -> Configuration<'a> {
        self.positions.clear();
        self.positions
            .extend(self.indices.iter().map(|&i| positions[i]));
        Configuration {
            cell,
            elements: &self.elements,
            positions: &self.positions,
        }
    }

    /// Classes for a correlator over all atoms of the system, each atom in one, and what is to be shown: all atoms, each element
    /// where there are several, and each group.
    pub fn classes(&self, all: &[Element], options: &Options) -> (Vec<u32>, Vec<Part>) {
        let mut keys: Vec<(Element, Vec<bool>)> = Vec::new();
        let mut members: Vec<usize> = Vec::new();
        let mut class_of = vec![LEFT_OUT; all.len()];
        for &i in &self.indices {
            let key = (all[i], options.groups.iter().map(|g| has(g, i)).collect());
            let class = match keys.iter().position(|k| *k == key) {
                Some(class) => class,
                None => {
                    keys.push(key);
                    members.push(0);
                    keys.len() - 1
                }
            };
            members[class] += 1;
            class_of[i] = class as u32;
        }
        type Key = (Element, Vec<bool>);
        let part = |name: &str, wanted: &dyn Fn(&Key) -> bool| {
            let classes: Vec<usize> = (0..keys.len()).filter(|&c| wanted(&keys[c])).collect();
            Part {
                name: name.to_owned(),
                atoms: classes.iter().map(|&c| members[c]).sum(),
                classes,
            }
        };
        let mut parts = vec![part("all", &|_| true)];
        let mut elements: Vec<Element> = keys.iter().map(|k| k.0).collect();
        elements.sort_by_key(|e| std::cmp::Reverse(e.number()));
        elements.dedup();
        if elements.len() > 1 {
            parts.extend(elements.iter().map(|e| part(e.symbol(), &|k| k.0 == *e)));
        }
        for (g, group) in options.groups.iter().enumerate() {
            let found = part(&group.name, &|k| k.1[g]);
            if found.atoms > 0 {
                parts.push(found);
            }
        }
        (class_of, parts)
    }
}
