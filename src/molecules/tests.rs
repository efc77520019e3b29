use super::*;
use crate::elements::Species as Kind;
use crate::neighbours::{ListKind, NeighbourList, NeighbourRequest};
use crate::system::{Atoms, Cell, System};
use crate::units::AMU_PER_A3_IN_G_PER_CM3;

fn molecule(symbols: &[&str], positions: &[[f64; 3]]) -> Atoms {
    let mut atoms = Atoms::default();
    for (s, x) in symbols.iter().zip(positions) {
        atoms.push(Kind::from_name(s).unwrap(), *x);
    }
    atoms
}

fn methane() -> Atoms {
    let d = 1.09 / 3f64.sqrt();
    molecule(
        &["C", "H", "H", "H", "H"],
        &[[0.0; 3], [d, d, d], [-d, -d, d], [-d, d, -d], [d, -d, -d]],
    )
}

fn water() -> Atoms {
    molecule(
        &["H", "O", "H"],
        &[[0.757, 0.586, 0.0], [0.0; 3], [-0.757, 0.586, 0.0]],
    )
}

/// The least distance of atoms of two molecules of so many atoms each.
fn least_contact(system: &System, each: usize) -> f64 {
    let request = NeighbourRequest {
        cutoff: 4.0,
        kind: ListKind::Half,
        chunk: 256,
        grain: 32,
    };
    let mut list = NeighbourList::new();
    list.build(system.configuration(), request, 4.0).unwrap();
    let mut least = f64::INFINITY;
    for p in list.iter_pairs() {
        let (i, j) = (p.i as usize, p.j as usize);
        if i / each != j / each || p.shift != [0; 3] {
            let t = system.cell.translation(p.shift);
            let (x, y) = (system.atoms.positions[i], system.atoms.positions[j]);
            let r2: f64 = (0..3).map(|k| (y[k] + t[k] - x[k]).powi(2)).sum();
            least = least.min(r2.sqrt());
        }
    }
    least
}

fn boxed(atoms: &Atoms, count: usize, density: f64, seed: u64) -> Result<Packed, String> {
    let mass = atoms.masses.iter().sum::<f64>() * count as f64;
    let edge = (mass / (density / AMU_PER_A3_IN_G_PER_CM3)).cbrt();
    pack(&Packing {
        species: &[Species {
            molecule: atoms,
            count,
        }],
        edge,
        seed,
    })
}

#[test]
fn liquids_can_be_packed() {
    for (atoms, density, count) in [
        (methane(), 0.45, 216),
        (water(), 1.0, 216),
        (water(), 1.0, 8),
    ] {
        let made = boxed(&atoms, count, density, 7).unwrap();
        let system = &made.system;
        assert_eq!(system.atoms.len(), count * atoms.len());
        let mass: f64 = system.atoms.masses.iter().sum();
        let got = mass / system.cell.volume().unwrap() * AMU_PER_A3_IN_G_PER_CM3;
        assert!((got - density).abs() < 1e-9);
        // Contacts of hydrogens, the nearest there are: 2.02 Å are wanted, and 0.8 of that are let pass.
        assert!(made.closest >= 0.8, "{}", made.closest);
        assert!(least_contact(system, atoms.len()) > 1.6);
        let found = Molecules::find(system.configuration()).unwrap();
        assert_eq!(found.count(), count);
        // Rigid: every molecule is the one that was given.
        let length = |a: [f64; 3], b: [f64; 3]| (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>();
        for m in system.atoms.positions.chunks(atoms.len()) {
            for i in 0..m.len() {
                let (a, b) = (
                    length(m[0], m[i]),
                    length(atoms.positions[0], atoms.positions[i]),
                );
                assert!((a - b).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn the_same_seed_packs_the_same_box() {
    let [a, b, c] = [3, 3, 4].map(|seed| boxed(&water(), 64, 0.9, seed).unwrap().system);
    assert_eq!(a, b);
    assert_ne!(a.atoms.positions, c.atoms.positions);
}

#[test]
fn two_kinds_in_one_box() {
    let (a, b) = (water(), methane());
    let species = [(&a, 40), (&b, 20)].map(|(molecule, count)| Species { molecule, count });
    let made = pack(&Packing {
        species: &species,
        edge: 14.0,
        seed: 1,
    })
    .unwrap();
    let found = Molecules::find(made.system.configuration()).unwrap();
    assert_eq!(
        found.composition(&made.system.atoms.elements),
        "40 H2O and 20 CH4"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let said = boxed(&methane(), 64, 2.5, 1).map(|_| ()).unwrap_err();
    assert!(said.contains("cannot be packed"), "{said}");
}

#[test]
fn orientations_are_uniform() {
    // In a dilute box nothing is pushed: the mean of the squared z component of a bond is 1/3 within 4.5 standard errors, one false
    // alarm in 150 000.
    let n = 4000;
    let made = boxed(&methane(), n, 0.002, 11).unwrap();
    let mean: f64 = made
        .system
        .atoms
        .positions
        .chunks(5)
        .map(|m| ((m[1][2] - m[0][2]) / 1.09).powi(2))
        .sum::<f64>()
        / n as f64;
    let error = (4.0f64 / 45.0 / n as f64).sqrt();
    assert!((mean - 1.0 / 3.0).abs() < 4.5 * error, "{mean} ± {error}");
}

#[test]
fn molecules_across_the_border_are_made_whole() {
    let a = water();
    let cell = Cell::orthorhombic(5.0, 6.0, 7.0).unwrap();
    let mut atoms = a.clone();
    atoms.positions = a.positions.iter().map(|x| cell.wrap(*x)).collect();
    let system = System { cell, atoms };
    let found = Molecules::find(system.configuration()).unwrap();
    assert_eq!(found.count(), 1);
    let mut whole = Vec::new();
    found
        .make_whole(&system.cell, &system.atoms.positions, &mut whole)
        .unwrap();
    for k in 0..3 {
        let (x, y) = (
            whole[0][k] - whole[1][k],
            a.positions[0][k] - a.positions[1][k],
        );
        assert!((x - y).abs() < 1e-12);
        let (x, y) = (
            whole[2][k] - whole[1][k],
            a.positions[2][k] - a.positions[1][k],
        );
        assert!((x - y).abs() < 1e-12);
    }
    let mut torn = system.atoms.positions.clone();
    torn[1][2] += 3.0;
    let said = found
        .make_whole(&system.cell, &torn, &mut whole)
        .unwrap_err();
    assert!(said.distance > 2.5 && (said.i == 1 || said.j == 1));
}

#[test]
fn a_network_is_no_molecule() {
    let a = 5.43;
    let row = a / 2.0;
    let cell = Cell::new(
        [[0.0, row, row], [row, 0.0, row], [row, row, 0.0]],
        [true; 3],
    )
    .unwrap();
    let atoms = molecule(&["Si", "Si"], &[[0.0; 3], [a / 4.0; 3]]);
    let system = System { cell, atoms };
    assert!(matches!(
        Molecules::find(system.configuration()),
        Err(Network::Endless(_))
    ));
}
