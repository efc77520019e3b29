use super::*;
use crate::elements::{Element, Species};
use crate::parallel::with_threads;
use crate::random::normals;

/// Atoms of two masses with velocities.
fn mixture(n: usize) -> Atoms {
    let mut atoms = Atoms::default();
    let [light, heavy] = ["C", "Ar"].map(|s| Species::natural(Element::from_symbol(s).unwrap()));
    for i in 0..n {
        atoms.push([light, heavy][i % 2], [i as f64, 0.0, 0.0]);
        atoms.velocities[i] = [0.01, -0.02, 0.001 * (i % 10) as f64];
    }
    atoms
}

const MOMENT: Moment = Moment {
    kt: 0.1,
    h: 0.5,
    draw: 77,
};

#[test]
fn langevin_step_is_its_formula() {
    let held: Vec<[bool; 3]> = (0..2100).map(|i| [i % 3 == 0, false, i % 5 == 0]).collect();
    for n in [1, 2, 5, 128, 864, 2100] {
        let before = mixture(n);
        let mut after = before.clone();
        let held = held[..n].to_vec();
        let mut bath = Langevin::new(0.3, 9).on(Group::All, Some(held.clone()));
        let exchange = bath.apply(&mut after, MOMENT);
        let mut xi = vec![0.0; 3 * n];
        normals(9, Purpose::Langevin, 77, 0, 0, 0, &mut xi);
        let c = (-0.15f64).exp();
        for i in 0..n {
            for k in 0..3 {
                let width = ((1.0 - c * c) * 0.1 / before.masses[i]).sqrt();
                let noise = if held[i][k] {
                    0.0
                } else {
                    width * xi[3 * i + k]
                };
                let right = c * before.velocities[i][k] + noise;
                assert!(
                    (after.velocities[i][k] - right).abs() < 1e-15,
                    "{n} {i} {k}"
                );
            }
        }
        let [k0, k1] = [&before, &after].map(|a| Group::All.kinetic_energy(a));
        assert!((exchange.after - k1).abs() < 1e-12 * k1, "{n}");
        assert!(
            (exchange.taken - (k0 - k1)).abs() < 1e-12 * k0.max(k1),
            "{n}"
        );
    }
}

#[test]
fn langevin_on_a_group_is_that_on_all() {
    let n = 4000;
    let list: Vec<u32> = (0..n as u32).filter(|i| i % 7 != 3 && i % 5 < 4).collect();
    let (mut all, mut some) = (mixture(n), mixture(n));
    let before = mixture(n);
    Langevin::new(0.3, 9).apply(&mut all, MOMENT);
    let group = Group::Some(list.clone());
    let exchange = Langevin::new(0.3, 9)
        .on(group.clone(), None)
        .apply(&mut some, MOMENT);
    for i in 0..n {
        let right = if list.contains(&(i as u32)) {
            &all
        } else {
            &before
        };
        assert_eq!(some.velocities[i], right.velocities[i]);
    }
    let [k0, k1] = [&before, &some].map(|a| group.kinetic_energy(a));
    assert!((exchange.after - k1).abs() < 1e-12 * k1);
    assert!((exchange.taken - (k0 - k1)).abs() < 1e-12 * k1);
}

#[test]
fn langevin_is_the_same_on_any_number_of_threads() {
    let run = |threads: usize| {
        with_threads(threads, || {
            let mut atoms = mixture(5000);
            let mut bath = Langevin::new(0.3, 9);
            let exchange = [1, 2].map(|draw| bath.apply(&mut atoms, Moment { draw, ..MOMENT }));
            (atoms.velocities, exchange)
        })
        .unwrap()
    };
    let one = run(1);
    assert_eq!(run(2), one);
    assert_eq!(run(5), one);
}
