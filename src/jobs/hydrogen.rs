//! Heavier hydrogen: mass moved from the atoms that hydrogens are bonded to.

use super::bonds::partners;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::system::System;

/// Gives every hydrogen the mass `mass` (amu), taken from the atom that it is bonded to: the nearest of another element
/// within the sum of the covalent radii and 0.4 Å. The total mass stays (Feenstra, Hess, Berendsen, J. Comput. Chem. 20, 786
/// (1999)). Returns the number of hydrogens.
///
/// Errors, with nothing changed, when there is no hydrogen, or one that is heavier already, has no such neighbour, or would
/// leave its neighbour lighter than itself.
pub fn repartition_hydrogen(system: &mut System, mass: f64) -> Result<usize> {
    let atoms = &system.atoms;
    let refuse = |reason: String, advice: &str| Err(Error::input("", reason).advise(advice));
    let name = |i: usize| format!("atom {i} ({}, counted from 0)", atoms.elements[i]);
    let hydrogens: Vec<usize> = (0..atoms.len())
        .filter(|&i| is_hydrogen(atoms.elements[i]))
        .collect();
    if hydrogens.is_empty() {
        return refuse(
            "the structure has no hydrogen for `hydrogen_mass`".to_owned(),
            "leave `hydrogen_mass` out of [system]",
        );
    }
    if let Some(&i) = hydrogens.iter().find(|&&i| atoms.masses[i] > mass) {
        let now = atoms.masses[i];
        return refuse(
            format!(
                "{} has {now} u, more than the `hydrogen_mass` of {mass} u",
                name(i)
            ),
            "give a larger `hydrogen_mass`, or leave it out",
        );
    }
    let Some(partner) = partners(system, is_hydrogen) else {
        return refuse(
            "the bonds of the hydrogens cannot be found: a position is no number, or the cell is far too small".to_owned(),
            "check the structure",
        );
    };
    let mut masses = atoms.masses.clone();
    for &i in &hydrogens {
        let Some(j) = partner[i] else {
            return refuse(
                format!(
                    "{} is bonded to no heavier atom that could give it mass for `hydrogen_mass`",
                    name(i)
                ),
                "check the structure; `masses = { H = \"3 u\" }` makes hydrogen heavier without taking mass from others",
            );
        };
        masses[j] -= mass - masses[i];
        masses[i] = mass;
    }
    if let Some(j) = partner.into_iter().flatten().find(|&j| masses[j] < mass) {
        let left = masses[j];
        return refuse(
            format!(
                "{} would keep {left:.3} u, less than the `hydrogen_mass` of {mass} u",
                name(j)
            ),
            "give a smaller `hydrogen_mass`: 3 u suit water and organic molecules",
        );
    }
    let number = hydrogens.len();
    system.atoms.masses = masses;
    Ok(number)
}

fn is_hydrogen(e: Element) -> bool {
    e.number() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;
    use crate::system::{Atoms, Cell};

    fn system(cell: Cell, atoms: &[(&str, [f64; 3])]) -> System {
        let mut all = Atoms::default();
        for (name, x) in atoms {
            all.push(Species::from_name(name).unwrap(), *x);
        }
        System { cell, atoms: all }
    }

    /// Two molecules of water, one of them cut by the border of the cell.
    fn water() -> System {
        system(
            Cell::orthorhombic(6.0, 6.0, 6.0).unwrap(),
            &[
                ("H", [2.76, 3.59, 3.0]),
                ("O", [2.0, 3.0, 3.0]),
                ("H", [1.24, 3.59, 3.0]),
                ("O", [5.9, 0.1, 0.1]),
                ("H", [0.6, 0.7, 0.1]),
                ("D", [5.2, 0.65, 6.1]),
            ],
        )
    }

    #[test]
    fn mass_moves_along_bonds() {
        let mut s = water();
        let total: f64 = s.atoms.masses.iter().sum();
        assert_eq!(repartition_hydrogen(&mut s, 3.0).unwrap(), 4);
        let m = &s.atoms.masses;
        assert_eq!([m[0], m[2], m[4], m[5]], [3.0; 4]);
        assert!((m[1] - (15.999 - 2.0 * 1.992)).abs() < 1e-12);
        assert!((m[3] - (15.999 - 1.992 - (3.0 - 2.014_101_777_8))).abs() < 1e-12);
        assert!((m.iter().sum::<f64>() - total).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let refused = |s: &mut System, mass: f64, words: &str| {
            let before = s.clone();
            let e = repartition_hydrogen(s, mass).unwrap_err();
            assert_eq!(e.exit_code(), 2);
            assert!(
                e.to_string().contains(words) && e.to_string().contains("help:"),
                "{e}"
            );
            assert_eq!(*s, before);
        };
        refused(
            &mut water(),
            1.5,
            "atom 5 (H, counted from 0) has 2.0141017778 u",
        );
        refused(
            &mut water(),
            7.0,
            "atom 1 (O, counted from 0) would keep 4.015 u",
        );
        let far = [
            ("H", [0.0; 3]),
            ("H", [0.74, 0.0, 0.0]),
            ("O", [0.0, 0.0, 1.5]),
        ];
        refused(
            &mut system(Cell::isolated(), &far),
            2.0,
            "atom 0 (H, counted from 0) is bonded to no",
        );
        refused(
            &mut system(Cell::isolated(), &[("O", [0.0; 3])]),
            2.0,
            "no hydrogen",
        );
    }
}
