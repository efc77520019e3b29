//! Groups of atoms in a run: who is held, and by which thermostat who is kept.

use crate::deck::MdDeck;
use crate::dynamics::thermostat::Group;
use crate::error::{Error, Result};
use crate::jobs::selection::select;
use crate::system::Atoms;

/// Which atoms are where: the groups of the deck applied to a system.
pub(super) struct Membership {
    /// Components that never move, by atom; none when all move.
    pub held: Option<Vec<[bool; 3]>>,
    /// The atoms of the run's own thermostat, and of each group that has one.
    pub baths: Vec<(Option<usize>, Group)>,
}

impl Membership {
    /// Errors when a group names atoms that are not there, or has none.
    pub fn new(md: &MdDeck, source: &str, atoms: &Atoms) -> Result<Membership> {
        let groups = &md.groups;
        let n = atoms.len();
        let mut held = vec![[false; 3]; n];
        let mut owner: Vec<Option<usize>> = vec![None; n];
        for (g, group) in groups.iter().enumerate() {
            let who = format!("the group `{}`", group.name);
            for i in select(&group.atoms, atoms, source, &who)? {
                let i = i as usize;
                (0..3).for_each(|k| held[i][k] |= group.held[k]);
                if group.thermostat.is_none() {
                    continue;
                }
                if let Some(other) = owner[i].replace(g) {
                    let reason = format!(
                        "atom {i} is in the groups `{}` and `{}`, which both have a thermostat",
                        groups[other].name, group.name
                    );
                    return Err(
                        Error::input(source, reason).advise("an atom can have one thermostat only")
                    );
                }
            }
        }
        let held = Some(held).filter(|h| h.as_flattened().contains(&true));
        let of = |wanted: Option<usize>| -> Vec<u32> {
            (0..n)
                .filter(|&i| owner[i] == wanted)
                .map(|i| i as u32)
                .collect()
        };
        let mut baths = Vec::new();
        let own = of(None);
        match own.len() {
            0 => {}
            len if len == n => baths.push((None, Group::All)),
            _ => baths.push((None, Group::Some(own))),
        }
        let mine = groups
            .iter()
            .enumerate()
            .filter(|g| g.1.thermostat.is_some());
        baths.extend(mine.map(|(g, _)| (Some(g), Group::Some(of(Some(g))))));
        Ok(Membership { held, baths })
    }

    /// Which components of an atom move.
    pub fn free(&self, i: usize) -> [bool; 3] {
        self.held.as_ref().map_or([true; 3], |h| h[i].map(|h| !h))
    }

    /// Free components of the atoms.
    pub fn free_components(&self, atoms: usize) -> usize {
        match &self.held {
            None => 3 * atoms,
            Some(h) => h.as_flattened().iter().filter(|h| !**h).count(),
        }
    }
}
