//! The guard: stops a run that has left the world its model knows, before the numbers turn into noise.

use super::State;
use crate::elements::Element;
use crate::neighbours::NeighbourList;
use crate::potential::{Configuration, Description, Evaluator};

/// Two atoms and their distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// First atom.
    pub i: usize,
    /// Second atom; the same one for a periodic image of itself.
    pub j: usize,
    /// Their distance (Å).
    pub distance: f64,
    /// The least distance (Å) that is allowed for this pair.
    pub least: f64,
}

/// What the guard found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Violation {
    /// Two atoms are closer than the model has seen.
    TooClose(Contact),
    /// An atom moves further in one step than any atom can.
    TooFast {
        /// The atom.
        atom: usize,
        /// How far it moves in one step (Å).
        distance: f64,
    },
}

/// Limits that are checked after every step.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Least distances by pair of elements; zero where there is no limit.
    least: Vec<(Element, Element, f64)>,
    /// The largest of them: while no pair is closer than that, nothing needs to be looked at.
    alarm: f64,
    /// Furthest an atom may move in one step (Å).
    furthest: f64,
}

/// No atom of condensed matter moves by this (Å) in a step that resolves its motion.
const FURTHEST: f64 = 1.0;

impl Guard {
    /// Limits from what the models have seen, or one distance (Å) for all pairs when `closest` is given.
    pub fn new<'a>(
        models: impl Iterator<Item = &'a Description>,
        present: &[Element],
        closest: Option<f64>,
    ) -> Guard {
        let mut least: Vec<(Element, Element, f64)> = Vec::new();
        for d in models {
            for &(a, b, distance) in &d.closest_seen {
                if present.contains(&a) && present.contains(&b) {
                    // A sum of models has seen what all of its terms have seen.
                    match least
                        .iter_mut()
                        .find(|l| (l.0, l.1) == (a, b) || (l.0, l.1) == (b, a))
                    {
                        Some(l) => l.2 = l.2.max(distance),
                        None => least.push((a, b, distance)),
                    }
                }
            }
        }
        if let Some(distance) = closest {
            least = present
                .iter()
                .flat_map(|a| present.iter().map(move |b| (*a, *b, distance)))
                .collect();
        }
        let alarm = least.iter().map(|l| l.2).fold(0.0, f64::max);
        Guard {
            least,
            alarm,
            furthest: FURTHEST,
        }
    }

    /// The limits by pair of elements (Å).
    pub fn limits(&self) -> &[(Element, Element, f64)] {
        &self.least
    }

    /// Checks a state that was just stepped with `timestep` (internal units).
    pub fn check(&self, state: &State, evaluator: &Evaluator, timestep: f64) -> Option<Violation> {
        let limit = (self.furthest / timestep).powi(2);
        let v2 = |v: &[f64; 3]| v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        let velocities = &state.system.atoms.velocities;
        // Blocks without a branch inside, so that they vectorise.
        let slow = |block: &[[f64; 3]]| block.iter().fold(true, |ok, v| ok & (v2(v) <= limit));
        if !velocities.chunks(64).all(slow) {
            let fastest = velocities
                .iter()
                .enumerate()
                .max_by(|a, b| v2(a.1).total_cmp(&v2(b.1)));
            let (atom, v) = fastest.unwrap_or((0, &[0.0; 3]));
            return Some(Violation::TooFast {
                atom,
                distance: v2(v).sqrt() * timestep,
            });
        }
        if state.evaluation.closest < self.alarm {
            return self
                .worst_contact(state, evaluator)
                .map(Violation::TooClose);
        }
        None
    }

    /// The pair that is closest in units of its own limit, if any is below it.
    fn worst_contact(&self, state: &State, evaluator: &Evaluator) -> Option<Contact> {
        let centroid = state.configuration();
        let Some(rings) = &state.rings else {
            return self.worst_of(centroid, evaluator.longest_list(0)?);
        };
        let beads = (0..rings.beads()).filter_map(|j| {
            let list = evaluator.longest_list(j)?;
            self.worst_of(rings.configuration(j, centroid), list)
        });
        beads.min_by(|a, b| (a.distance / a.least).total_cmp(&(b.distance / b.least)))
    }

    fn worst_of(&self, configuration: Configuration<'_>, list: &NeighbourList) -> Option<Contact> {
        let mut translations = Vec::new();
        list.translations(configuration.cell, &mut translations);
        let place = |a: u32, image: u32| {
            let (x, t) = (
                configuration.positions[a as usize],
                translations[image as usize],
            );
            [x[0] + t[0], x[1] + t[1], x[2] + t[2]]
        };
        let mut worst: Option<Contact> = None;
        for chunk in list.chunks() {
            for c in 0..chunk.own {
                let i = chunk.atoms[c];
                let x = place(i, chunk.image[c]);
                for &k in &chunk.neighbours[chunk.first[c] as usize..chunk.first[c + 1] as usize] {
                    let j = chunk.atoms[k as usize];
                    let y = place(j, chunk.image[k as usize]);
                    let r2: f64 = (0..3).map(|d| (y[d] - x[d]).powi(2)).sum();
                    if r2 >= self.alarm * self.alarm {
                        continue;
                    }
                    let pair = (
                        configuration.elements[i as usize],
                        configuration.elements[j as usize],
                    );
                    let least = self.least_of(pair.0, pair.1);
                    let distance = r2.sqrt();
                    if distance < least
                        && worst.is_none_or(|w| distance / least < w.distance / w.least)
                    {
                        let (i, j) = (i.min(j) as usize, i.max(j) as usize);
                        worst = Some(Contact {
                            i,
                            j,
                            distance,
                            least,
                        });
                    }
                }
            }
        }
        worst
    }

    fn least_of(&self, a: Element, b: Element) -> f64 {
        self.least
            .iter()
            .find(|l| (l.0, l.1) == (a, b) || (l.0, l.1) == (b, a))
            .map_or(0.0, |l| l.2)
    }
}
