//! Phonons against exact results: chains and crystals of springs, sums of oscillators, the edge of the Brillouin zone.

use super::*;
use crate::elements::Species;
use crate::potential::pair::{LennardJones, PairParameters, Scheme};
use crate::potential::{Evaluation, Evaluator, Local, Term, Want};
use crate::random::{Purpose, Stream};
use crate::system::{Atoms, Cell, SpaceGroup, System};
use nalgebra::{Matrix3, Vector3};
use std::sync::Arc;

fn crystal(rows: [[f64; 3]; 3], atoms: &[(&str, [f64; 3])]) -> System {
    let cell = Cell::new(rows, [true; 3]).unwrap();
    let mut all = Atoms::default();
    for (name, s) in atoms {
        all.push(Species::from_name(name).unwrap(), cell.cartesian(*s));
    }
    System { cell, atoms: all }
}

fn cube(a: f64) -> [[f64; 3]; 3] {
    [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]]
}

fn fcc(a: f64) -> System {
    let places = [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
    crystal(cube(a), &places.map(|p| ("Ar", p)))
}

fn evaluator(cutoff: f64) -> Evaluator {
    let parameters = PairParameters {
        epsilon: 0.0104,
        sigma: 3.4,
        cutoff,
    };
    let lj = LennardJones::uniform(parameters, Scheme::ForceShifted, false).unwrap();
    Evaluator::new(vec![Term::new("lj", Arc::new(Local(lj)))], 0.5)
}

/// Force constants of a unit cell repeated so often.
fn solved(
    unit: &System,
    copies: [usize; 3],
    symmetric: bool,
    cutoff: f64,
) -> (Supercell, ForceConstants, usize) {
    let supercell = Supercell::new(unit, copies, 1e-4, symmetric).unwrap();
    let all = displacements(&supercell, 0.002).unwrap();
    let mut evaluator = evaluator(cutoff);
    let mut forces = Vec::new();
    for d in &all {
        let mut moved = supercell.system.clone();
        for k in 0..3 {
            moved.atoms.positions[d.atom][k] += d.by[k];
        }
        let mut result = [Evaluation::default()];
        evaluator
            .evaluate(&[moved.configuration()], Want::DYNAMICS, &mut result)
            .unwrap();
        forces.push(result[0].forces.clone());
    }
    let constants = force_constants(&supercell, &all, &forces).unwrap();
    (supercell, constants, all.len())
}

/// Nearest neighbours only: the frequencies of a face-centred cubic crystal are known in closed form.
#[test]
fn fcc_with_nearest_neighbours() {
    // The cutoff lies between the first (3.72 Å) and the second shell (5.26 Å); at this lattice constant the first derivative does not
    // vanish, so both springs of a pair count.
    let a = 5.26;
    let unit = fcc(a);
    let cutoff = 4.5;
    let (supercell, constants, count) = solved(&unit, [2, 2, 2], true, cutoff);
    assert_eq!(count, 1, "one displacement is enough in this crystal");
    assert!(constants.drift < 1e-10 && constants.asymmetry < 1e-10);
    let r = a / 2f64.sqrt();
    // u'' and u'/r of the shifted pair at the first shell.
    let (eps, sigma) = (0.0104, 3.4f64);
    let slope = |r: f64| -24.0 * eps * (2.0 * (sigma / r).powi(12) - (sigma / r).powi(6)) / r;
    let first = (slope(r) - slope(cutoff)) / r;
    let second = 24.0 * eps * (26.0 * (sigma / r).powi(12) - 7.0 * (sigma / r).powi(6)) / (r * r);
    let mass = unit.atoms.masses[0];
    let phonons = Phonons::new(&supercell, &constants);
    assert_eq!(phonons.branches(), 3);
    // Along [100]: w_L^2 = (8 (K + k) ... ) with K = u'', k = u'/r, by the sum over twelve neighbours.
    let bonds: Vec<Vector3<f64>> = (0..3)
        .flat_map(|k| {
            [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)].map(move |(s, t)| {
                let mut v = Vector3::zeros();
                v[k] = s;
                v[(k + 1) % 3] = t;
                v * (a / 2.0)
            })
        })
        .collect();
    let mut draws = Stream::new(3, Purpose::Displacement, 0, 0, 0);
    for _ in 0..20 {
        let q = Vector3::from_fn(|_, _| 2.0 * (draws.uniform() - 0.5));
        let mut d = Matrix3::zeros();
        for b in &bonds {
            let n = b / b.norm();
            let spring = n * n.transpose() * (second - first) + Matrix3::identity() * first;
            d += spring * ((1.0 - q.dot(b).cos()) / mass);
        }
        let mut exact: Vec<f64> = d
            .symmetric_eigenvalues()
            .iter()
            .map(|s| s.signum() * s.abs().sqrt() / THZ)
            .collect();
        exact.sort_by(f64::total_cmp);
        let found = phonons.at(q, false).unwrap().frequencies;
        for (e, f) in exact.iter().zip(&found) {
            // Fourth order in the displacement.
            assert!((e - f).abs() < 5e-6 * exact[2], "{exact:?} {found:?}");
        }
    }
}

/// Symmetry saves work and changes nothing: a low-symmetry crystal with all displacements and with few.
#[test]
fn symmetry_gives_the_same_force_constants() {
    let hcp = crystal(
        [[3.7, 0.0, 0.0], [-1.85, 3.2043, 0.0], [0.0, 0.0, 6.1]],
        &[
            ("Ar", [1.0 / 3.0, 2.0 / 3.0, 0.25]),
            ("Ar", [2.0 / 3.0, 1.0 / 3.0, 0.75]),
        ],
    );
    let (crystal_a, few, count) = solved(&hcp, [3, 3, 2], true, 6.0);
    let (_, many, all) = solved(&hcp, [3, 3, 2], false, 6.0);
    assert!(count < all && all == 12, "{count} {all}");
    let largest = few.rows[0][0].amax();
    for (a, b) in few.rows.iter().flatten().zip(many.rows.iter().flatten()) {
        assert!((a - b).amax() < 2e-5 * largest, "{a} {b}");
    }
    // Rows of other atoms are moved ones.
    let row = few.row(&crystal_a, 1).unwrap();
    let sum: Matrix3<f64> = row.iter().sum();
    assert!(sum.amax() < 1e-9 * largest);
}

/// Group velocities are the slopes of the bands, also where bands cross, and Grüneisen parameters those of the logarithms.
#[test]
fn slopes_of_bands() {
    let at = |a: f64| {
        let (supercell, constants, _) = solved(&fcc(a), [3, 3, 3], true, 7.5);
        Phonons::new(&supercell, &constants)
    };
    let phonons = at(5.26);
    for reduced in [[0.13, 0.21, 0.05], [0.3, 0.1, -0.2]] {
        let q = phonons.wave_vector(reduced);
        let here = phonons.at(q, true).unwrap();
        for k in 0..3 {
            let mut step = Vector3::zeros();
            step[k] = 1e-4;
            let up = phonons.at(q + step, false).unwrap().frequencies;
            let down = phonons.at(q - step, false).unwrap().frequencies;
            for i in 0..3 {
                // THz per 1/Å times 2π is Å/ps.
                let slope = (up[i] - down[i]) / 2e-4 * 2.0 * std::f64::consts::PI;
                let found = here.velocities[i][k];
                assert!((slope - found).abs() < 1e-5 * 10.0, "{slope} {found}");
            }
        }
        let (low, high) = (at(5.24), at(5.28));
        let volumes = (5.24f64.powi(3), 5.28f64.powi(3));
        let gamma = phonons.grueneisen(reduced, (&low, &high), volumes).unwrap();
        let bands = |p: &Phonons| p.at(p.wave_vector(reduced), false).unwrap().frequencies;
        let (a, b) = (bands(&low), bands(&high));
        for i in 0..3 {
            let exact = -(b[i] / a[i]).ln() / (volumes.1 / volumes.0).ln();
            assert!(
                (gamma[i] - exact).abs() < 2e-3 * exact.abs(),
                "{gamma:?} {exact}"
            );
        }
    }
    // Along [100] two transverse branches are degenerate and have one slope.
    let along = phonons
        .at(phonons.wave_vector([0.2, 0.0, 0.2]), true)
        .unwrap();
    let speed = |i: usize| Vector3::from(along.velocities[i]).norm();
    assert!((speed(0) - speed(1)).abs() < 1e-6 && speed(2) > 1.2 * speed(1));
}

/// The density of states holds all branches, and its moments are those of the mesh.
#[test]
fn density_of_states() {
    let (supercell, constants, _) = solved(&fcc(5.26), [2, 2, 2], true, 6.0);
    let phonons = Phonons::new(&supercell, &constants);
    let rotations = supercell.group.rotations();
    let mesh = Mesh::new([36, 36, 36], &phonons.cell, &rotations).unwrap();
    assert_eq!(mesh.weights.iter().sum::<usize>(), 36usize.pow(3));
    assert!(mesh.points.len() * 25 < mesh.total());
    let rows = mesh.frequencies(&phonons).unwrap();
    // Symmetry changes nothing.
    let whole = Mesh::new([36, 36, 36], &phonons.cell, &[]).unwrap();
    let every = whole.frequencies(&phonons).unwrap();
    let mean = |m: &Mesh, rows: &[Vec<f64>]| -> f64 {
        let parts = rows.iter().zip(&m.weights);
        parts
            .map(|(r, w)| r.iter().map(|f| f * f).sum::<f64>() * *w as f64)
            .sum::<f64>()
            / m.total() as f64
    };
    assert!((mean(&mesh, &rows) / mean(&whole, &every) - 1.0).abs() < 1e-9);
    let highest = rows.iter().flatten().copied().fold(0.0, f64::max);
    let n = 2000;
    let step = 1.02 * highest / f64::from(n);
    let at: Vec<f64> = (0..n).map(|k| (f64::from(k) + 0.5) * step).collect();
    let density = mesh.density(&rows, &at);
    let states: f64 = density.iter().sum::<f64>() * step;
    assert!((states - 3.0).abs() < 2e-3, "{states}");
    let second: f64 = at.iter().zip(&density).map(|(x, g)| g * x * x * step).sum();
    assert!((second / mean(&mesh, &rows) - 1.0).abs() < 1e-2, "{second}");
    // Debye: it begins with the square of the frequency.
    let (low, twice) = (density[240], density[480]);
    assert!((twice / low - 4.0).abs() < 0.4, "{}", twice / low);
}

#[test]
fn sums_over_oscillators() {
    let mesh = Mesh::new([1, 1, 1], &cube(1.0), &[]).unwrap();
    let f = 5.0;
    let quantum = crate::units::HBAR * THZ * f;
    for t in [0.0, 20.0, 300.0, 3000.0] {
        let found = thermal(&mesh, &[vec![f, -1.0, 0.0]], t, Nuclei::Quantum);
        let kt = crate::units::BOLTZMANN * t;
        let x = quantum / kt.max(1e-300);
        let exact = 0.5 * quantum / (0.5 * x).tanh();
        assert!((found.energy / exact - 1.0).abs() < 1e-13, "{t}");
        let free = if t == 0.0 {
            exact
        } else {
            kt * (2.0 * (0.5 * x).sinh()).ln()
        };
        assert!((found.free_energy - free).abs() < 1e-13, "{t}");
        assert!((found.free_energy - found.energy + t * found.entropy).abs() < 1e-13);
    }
    // Classical at high temperature.
    let [quantum, classical] =
        [Nuclei::Quantum, Nuclei::Classical].map(|n| thermal(&mesh, &[vec![f]], 1e5, n));
    assert!((quantum.heat_capacity / classical.heat_capacity - 1.0).abs() < 1e-6);
    assert!((quantum.entropy / classical.entropy - 1.0).abs() < 1e-6);
    assert!((quantum.free_energy / classical.free_energy - 1.0).abs() < 1e-6);
}

/// Every point of a standard path lies on the border of the first Brillouin zone: it is as near to another reciprocal lattice point as to the
/// origin, or to several when it is moved by one. The path itself is the same for the primitive and a conventional cell.
#[test]
fn standard_points_lie_on_the_border() {
    let silicon = |places: &[[f64; 3]], a: f64, b: f64, c: f64| {
        let rows = [[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]];
        crystal(rows, &places.iter().map(|p| ("Si", *p)).collect::<Vec<_>>())
    };
    let body = [[0.0; 3], [0.5; 3]];
    let faces = [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
    let base = [[0.0; 3], [0.5, 0.5, 0.0]];
    let side = [[0.0; 3], [0.0, 0.5, 0.5]];
    let one = [[0.0; 3]];
    let hexagonal = |c: f64| {
        [
            [3.0, 0.0, 0.0],
            [-1.5, 3.0 * 0.75f64.sqrt(), 0.0],
            [0.0, 0.0, c],
        ]
    };
    let trigonal = |t: f64, z: f64| {
        let (s, h) = (t, 0.75f64.sqrt() * t);
        [[s, 0.0, z], [-0.5 * s, h, z], [-0.5 * s, -h, z]]
    };
    let cases = [
        ("cubic", silicon(&one, 3.0, 3.0, 3.0)),
        ("face-centred cubic", silicon(&faces, 4.0, 4.0, 4.0)),
        ("body-centred cubic", silicon(&body, 3.0, 3.0, 3.0)),
        ("tetragonal", silicon(&one, 3.0, 3.0, 4.0)),
        ("body-centred tetragonal", silicon(&body, 3.0, 3.0, 2.0)),
        ("body-centred tetragonal", silicon(&body, 3.0, 3.0, 5.0)),
        ("orthorhombic", silicon(&one, 5.0, 3.0, 4.0)),
        ("face-centred orthorhombic", silicon(&faces, 4.0, 6.0, 9.0)),
        ("face-centred orthorhombic", silicon(&faces, 8.0, 6.0, 5.5)),
        ("body-centred orthorhombic", silicon(&body, 4.0, 3.0, 5.0)),
        ("base-centred orthorhombic", silicon(&base, 3.0, 5.0, 4.0)),
        ("base-centred orthorhombic", silicon(&side, 4.0, 5.0, 3.0)),
        ("hexagonal", crystal(hexagonal(5.0), &[("Si", [0.0; 3])])),
        (
            "rhombohedral",
            crystal(trigonal(1.5, 2.0), &[("Si", [0.0; 3])]),
        ),
        (
            "rhombohedral",
            crystal(trigonal(2.5, 0.9), &[("Si", [0.0; 3])]),
        ),
        (
            "monoclinic",
            crystal(
                [[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [-1.0, 0.0, 5.0]],
                &[("Si", [0.0; 3])],
            ),
        ),
        (
            "triclinic (reduced cell)",
            crystal(
                [[3.0, 0.0, 0.0], [0.4, 4.0, 0.0], [-1.0, 0.7, 5.0]],
                &[("Si", [0.0; 3])],
            ),
        ),
    ];
    for (name, system) in cases {
        let group = SpaceGroup::of(&system, 1e-5).unwrap();
        let path = Path::standard(&group);
        assert_eq!(path.lattice, name, "{}", group.name());
        let rows = Matrix3::from_fn(|i, j| group.primitive[i][j]);
        let reciprocal = rows.try_inverse().unwrap();
        for point in path.stretches.iter().flatten() {
            let mut lengths = Vec::new();
            for a in -6..=6 {
                for b in -6..=6 {
                    for c in -6..=6 {
                        let g = [a, b, c].map(f64::from);
                        let k = Vector3::from_fn(|i, _| point.reduced[i] - g[i]);
                        lengths.push((reciprocal * k).norm());
                    }
                }
            }
            lengths.sort_by(f64::total_cmp);
            if point.name == "Γ" {
                assert!(lengths[0] < 1e-9);
            } else {
                let tie = (lengths[1] - lengths[0]).abs() < 1e-7;
                assert!(
                    tie && lengths[0] > 1e-3,
                    "{name} {} {:?}",
                    point.name,
                    &lengths[..4]
                );
            }
        }
    }
}
