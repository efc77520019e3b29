//! Bonds of fixed length: from the deck's words to constraints.

use crate::deck::{MdDeck, StageDeck};
use crate::dynamics::{Bond, Constraints, Sites};
use crate::error::{Error, Result};
use crate::jobs::bonds::partners;
use crate::jobs::selection::no_such_atom;
use crate::molecules::Molecules;
use crate::system::{System, nearest_image};
use std::collections::BTreeMap;

/// The constraints of a deck on its structure; `source` is the deck, for messages. Atoms that are bonded across a boundary of
/// the cell are moved by its vectors, so that they lie next to each other.
///
/// Errors when a bond names an atom that is not there, or an atom has nothing to be bonded to.
pub(super) fn constraints(
    md: &MdDeck,
    source: &str,
    system: &mut System,
) -> Result<Option<Constraints>> {
    let Some(deck) = &md.constraints else {
        return Ok(None);
    };
    let refuse =
        |reason: String, advice: &str| Err(Error::input(source, reason).advise(advice.to_owned()));
    let n = system.atoms.len();
    let mut found: Vec<([u32; 2], Option<f64>)> = Vec::new();
    for (atoms, length) in &deck.bonds {
        if let Some(beyond) = atoms.iter().find(|a| **a as usize >= n) {
            let who = "a bond of [md.constraints]";
            return Err(no_such_atom(*beyond, &system.atoms, source, who));
        }
        found.push((*atoms, *length));
    }
    if !deck.elements.is_empty() {
        let Some(partner) = partners(system, |e| deck.elements.contains(&e)) else {
            return refuse(
                "the bonds of [md.constraints] cannot be found: a position is no number, or the cell is far too small".to_owned(),
                "check the structure",
            );
        };
        let elements = &system.atoms.elements;
        if let Some(e) = deck.elements.iter().find(|e| !elements.contains(e)) {
            return refuse(
                format!("[md.constraints] names {e}, and the structure has none"),
                "remove it from `elements`",
            );
        }
        for i in (0..n).filter(|&i| deck.elements.contains(&elements[i])) {
            let Some(j) = partner[i] else {
                return refuse(
                    format!(
                        "atom {i} ({}, counted from 0) is bonded to no atom of another element that [md.constraints] could keep it at",
                        elements[i]
                    ),
                    "check the structure, or name the bonds one by one: [[md.constraints.bond]]",
                );
            };
            found.push(([i as u32, j as u32], None));
        }
    }
    // What is named by itself goes before what was found.
    let mut bonds: BTreeMap<[u32; 2], Option<f64>> = BTreeMap::new();
    for ([i, j], length) in found {
        bonds.entry([i.min(j), i.max(j)]).or_insert(length);
    }
    make_whole(system, &bonds, source)?;
    let atoms = &system.atoms;
    let bonds = bonds.into_iter().map(|([i, j], length)| {
        let mut bond = Bond { i, j, length: 0.0 };
        let r = bond.vector(atoms);
        bond.length = length.unwrap_or((r[0] * r[0] + r[1] * r[1] + r[2] * r[2]).sqrt());
        bond
    });
    Ok(Some(Constraints::new(bonds.collect(), atoms)))
}

/// Whether the pressure of a stage is that of molecules.
pub(super) fn of_molecules(md: &MdDeck, stage: &StageDeck) -> bool {
    match &stage.barostat {
        Some(barostat) => barostat.molecules,
        None => md.molecular_pressure,
    }
}

/// The molecules that a barostat of the deck moves as one, or whose pressure is asked for, when there are any. Those that a boundary of the cell cuts are made whole.
///
/// Errors when the structure is a network, and when bonds of fixed length join molecules.
pub(super) fn molecules(
    md: &MdDeck,
    source: &str,
    constraints: Option<&Constraints>,
    system: &mut System,
) -> Result<Option<Sites>> {
    let stages = md.schedule();
    let key = match stages.iter().find(|stage| of_molecules(md, stage)) {
        None => return Ok(None),
        Some(stage) if stage.barostat.is_some() => "scale",
        Some(_) => "pressure_of",
    };
    let refuse = |reason: String| {
        Err(
            Error::input(source, format!("`{key} = \"molecules\"`: {reason}")).advise(format!(
                "write `{key} = \"atoms\"` for what is not made of molecules"
            )),
        )
    };
    let molecules = match Molecules::find(system.configuration()) {
        Ok(found) => found,
        Err(why) => return refuse(why.describe()),
    };
    let mut whole = Vec::new();
    let System { cell, atoms } = system;
    if let Err(torn) = molecules.make_whole(cell, &atoms.positions, &mut whole) {
        return refuse(torn.describe());
    }
    atoms.positions = whole;
    let bonds: Vec<(u32, u32)> = molecules.tree().collect();
    let sites = Sites::new(&bonds, atoms);
    for b in constraints.map_or(&[][..], Constraints::bonds) {
        if sites.cluster_of(b.i) != sites.cluster_of(b.j) {
            return refuse(format!(
                "[md.constraints] joins atoms {} and {} (counted from 0), which are of two molecules",
                b.i, b.j
            ));
        }
    }
    Ok(Some(sites))
}

/// Moves atoms by cell vectors, so that each bond is the shortest vector between images of its atoms.
fn make_whole(
    system: &mut System,
    bonds: &BTreeMap<[u32; 2], Option<f64>>,
    source: &str,
) -> Result<()> {
    let n = system.atoms.len();
    let mut next: Vec<Vec<u32>> = vec![Vec::new(); n];
    for [i, j] in bonds.keys() {
        next[*i as usize].push(*j);
        next[*j as usize].push(*i);
    }
    let System { cell, atoms } = system;
    let step =
        |x: [f64; 3], y: [f64; 3]| nearest_image(cell, [y[0] - x[0], y[1] - x[1], y[2] - x[2]]);
    let mut placed = vec![false; n];
    for first in 0..n {
        if placed[first] {
            continue;
        }
        placed[first] = true;
        let mut waiting = vec![first];
        while let Some(i) = waiting.pop() {
            for &j in &next[i] {
                let j = j as usize;
                let x = atoms.positions[i];
                let r = step(x, atoms.positions[j]);
                let there: [f64; 3] = std::array::from_fn(|k| x[k] + r[k]);
                let off = (0..3).map(|k| (there[k] - atoms.positions[j][k]).abs());
                let off = off.fold(0.0, f64::max);
                if !placed[j] {
                    // To the bit where it was, when it need not move.
                    if off > 1e-6 {
                        atoms.positions[j] = there;
                    }
                    placed[j] = true;
                    waiting.push(j);
                } else if off > 1e-6 {
                    return Err(Error::input(
                        source,
                        format!("the bonds of [md.constraints] at atoms {i} and {j} run through the whole cell"),
                    )
                    .advise("fixed bonds can hold molecules together, not crystals"));
                }
            }
        }
    }
    Ok(())
}
