//! Point groups and symmetry species of molecules whose modes are known.

use super::*;

/// Springs between all atoms that are nearer than a distance: enough for species, whatever the frequencies.
fn springs(system: &System, reach: f64) -> Hessian {
    let x = &system.atoms.positions;
    let n = x.len();
    let mut matrix = faer::Mat::zeros(3 * n, 3 * n);
    for i in 0..n {
        for j in 0..i {
            let v = crate::vector::minus(x[i], x[j]);
            let r2 = crate::vector::dot(v, v);
            if r2 > reach * reach {
                continue;
            }
            let strength = 30.0 / r2.powf(1.5) + 2.0;
            // Across the bond, weaker with the distance: equal springs between all atoms would make different species of a flat
            // molecule vibrate alike.
            let across = 0.4 / r2;
            for a in 0..3 {
                for b in 0..3 {
                    let h = strength * v[a] * v[b] / r2 + if a == b { across } else { 0.0 };
                    for (p, q, sign) in [(i, i, 1.0), (j, j, 1.0), (i, j, -1.0), (j, i, -1.0)] {
                        matrix[(3 * p + a, 3 * q + b)] += sign * h;
                    }
                }
            }
        }
    }
    Hessian {
        atoms: (0..n).collect(),
        matrix,
        asymmetry: 0.0,
        source: Source::Analytic,
    }
}

/// Atoms at places, turned so that no axis of the molecule is one of space.
fn molecule(atoms: &[(&str, [f64; 3])]) -> System {
    let turn = nalgebra::Rotation3::from_euler_angles(0.4, -0.7, 1.1);
    let mut all = Atoms::default();
    for (symbol, x) in atoms {
        let x = turn * nalgebra::Vector3::from(*x);
        all.push(
            Species::from_name(symbol).unwrap(),
            [x[0] + 3.0, x[1], x[2] - 1.0],
        );
    }
    System {
        cell: Cell::isolated(),
        atoms: all,
    }
}

fn group(system: &System) -> PointGroup {
    let a = &system.atoms;
    let kinds: Vec<_> = a
        .elements
        .iter()
        .copied()
        .zip(a.masses.iter().copied())
        .collect();
    let all: Vec<usize> = (0..a.len()).collect();
    PointGroup::of(&a.positions, &kinds, &all)
}

/// Symbol, symmetry number, and how often each species occurs among the vibrations.
fn species(atoms: &[(&str, [f64; 3])]) -> (String, u64, String) {
    let system = molecule(atoms);
    let group = group(&system);
    let h = springs(&system, 9.0);
    let modes = Modes::of(&system, &h, &system.atoms.masses, Freedom::Molecule).unwrap();
    let mut counts: std::collections::BTreeMap<String, usize> = Default::default();
    for label in group.labels(&modes) {
        *counts.entry(label).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(l, n)| format!("{n}{l}")).collect();
    (group.name.clone(), group.symmetry_number(), words.join(" "))
}

fn ring(n: usize, radius: f64, z: f64, start: f64) -> Vec<[f64; 3]> {
    let angle = |k: usize| (k as f64 + start) * 2.0 * std::f64::consts::PI / n as f64;
    (0..n)
        .map(|k| [radius * angle(k).cos(), radius * angle(k).sin(), z])
        .collect()
}

fn all<'a>(symbol: &'a str, x: &[[f64; 3]]) -> Vec<(&'a str, [f64; 3])> {
    x.iter().map(|x| (symbol, *x)).collect()
}

/// Numbers of the vibrations of each species as in textbooks (Wilson, Decius and Cross; Harris and Bertolucci). Each of the
/// modes of a degenerate species is counted.
#[test]
fn vibrations_have_the_species_of_textbooks() {
    let water = [
        ("O", [0.0, 0.0, 0.0]),
        ("H", [0.76, 0.0, 0.59]),
        ("H", [-0.76, 0.0, 0.59]),
    ];
    let ammonia: Vec<_> = [("N", [0.0, 0.0, 0.3])]
        .into_iter()
        .chain(all("H", &ring(3, 0.94, -0.07, 0.0)))
        .collect();
    let benzene: Vec<_> = all("C", &ring(6, 1.39, 0.0, 0.0))
        .into_iter()
        .chain(all("H", &ring(6, 2.48, 0.0, 0.0)))
        .collect();
    let cube = |s: f64, signs: &[[f64; 3]]| -> Vec<[f64; 3]> {
        signs.iter().map(|v| v.map(|x| s * x)).collect()
    };
    let tetrahedron = [
        [1.0, 1.0, 1.0],
        [1.0, -1.0, -1.0],
        [-1.0, 1.0, -1.0],
        [-1.0, -1.0, 1.0],
    ];
    let octahedron = [
        [1.0, 0.0, 0.0],
        [-1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, -1.0, 0.0],
        [0.0, 0.0, 1.0],
        [0.0, 0.0, -1.0],
    ];
    let methane: Vec<_> = [("C", [0.0; 3])]
        .into_iter()
        .chain(all("H", &cube(0.63, &tetrahedron)))
        .collect();
    let fluoride: Vec<_> = [("S", [0.0; 3])]
        .into_iter()
        .chain(all("F", &cube(1.56, &octahedron)))
        .collect();
    let boron: Vec<_> = [("B", [0.0; 3])]
        .into_iter()
        .chain(all("F", &ring(3, 1.31, 0.0, 0.0)))
        .collect();
    let ethylene = [
        ("C", [0.0, 0.0, 0.67]),
        ("C", [0.0, 0.0, -0.67]),
        ("H", [0.0, 0.92, 1.23]),
        ("H", [0.0, -0.92, 1.23]),
        ("H", [0.0, 0.92, -1.23]),
        ("H", [0.0, -0.92, -1.23]),
    ];
    let allene = [
        ("C", [0.0, 0.0, 0.0]),
        ("C", [0.0, 0.0, 1.31]),
        ("C", [0.0, 0.0, -1.31]),
        ("H", [0.92, 0.0, 1.87]),
        ("H", [-0.92, 0.0, 1.87]),
        ("H", [0.0, 0.92, -1.87]),
        ("H", [0.0, -0.92, -1.87]),
    ];
    let ethane: Vec<_> = all("C", &[[0.0, 0.0, 0.77], [0.0, 0.0, -0.77]])
        .into_iter()
        .chain(all("H", &ring(3, 1.02, 1.16, 0.0)))
        .chain(all("H", &ring(3, 1.02, -1.16, 0.5)))
        .collect();
    let peroxide = [
        ("O", [0.0, 0.73, 0.0]),
        ("O", [0.0, -0.73, 0.0]),
        ("H", [0.8, 0.9, 0.5]),
        ("H", [-0.8, -0.9, 0.5]),
    ];
    let trans = [
        ("C", [0.66, 0.0, 0.0]),
        ("C", [-0.66, 0.0, 0.0]),
        ("Cl", [1.6, 1.4, 0.0]),
        ("Cl", [-1.6, -1.4, 0.0]),
        ("H", [1.2, -0.95, 0.0]),
        ("H", [-1.2, 0.95, 0.0]),
    ];
    for (atoms, name, number, counts) in [
        (&water[..], "C2v", 2, "2A1 1B2"),
        (&ammonia, "C3v", 3, "2A1 4E"),
        (&boron, "D3h", 6, "1A1' 1A2'' 4E'"),
        (
            &benzene,
            "D6h",
            12,
            "2A1g 1A2g 1A2u 2B1u 2B2g 2B2u 2E1g 6E1u 8E2g 4E2u",
        ),
        (&methane, "Td", 12, "1A1 2E 6T2"),
        (&fluoride, "Oh", 24, "1A1g 2Eg 6T1u 3T2g 3T2u"),
        (&ethylene, "D2h", 4, "3Ag 1Au 2B1u 1B2g 2B2u 2B3g 1B3u"),
        (&allene, "D2d", 4, "3A1 1B1 3B2 8E"),
        (&ethane, "D3d", 6, "3A1g 1A1u 2A2u 6Eg 6Eu"),
        (&peroxide, "C2", 2, "4A 2B"),
        (&trans, "C2h", 2, "5Ag 2Au 1Bg 4Bu"),
    ] {
        assert_eq!(
            species(atoms),
            (name.to_owned(), number, counts.to_owned()),
            "{name}"
        );
    }
}

#[test]
fn the_icosahedron_and_its_modes() {
    let phi = 0.5 * (1.0 + 5f64.sqrt());
    let mut corners = Vec::new();
    for a in [1.0, -1.0] {
        for b in [phi, -phi] {
            corners.extend([[0.0, a, b], [a, b, 0.0], [b, 0.0, a]]);
        }
    }
    let atoms: Vec<_> = all("B", &corners);
    // Twelve corners: Ag + Gg + 2 Hg + T1u + Gu + Hu + T2u (Boyle and Parker).
    let found = species(&atoms);
    assert_eq!(found.0, "Ih");
    assert_eq!(found.1, 60);
    assert_eq!(found.2, "1Ag 4Gg 4Gu 10Hg 5Hu 3T1u 3T2u");
}

#[test]
fn lines_isotopes_and_no_symmetry() {
    let carbon_dioxide = [
        ("C", [0.0; 3]),
        ("O", [0.0, 0.0, 1.16]),
        ("O", [0.0, 0.0, -1.16]),
    ];
    assert_eq!(
        species(&carbon_dioxide),
        ("D∞h".into(), 2, "2Πu 1Σg+ 1Σu+".into())
    );
    let mut oxide = carbon_dioxide;
    oxide[0].0 = "O";
    oxide[1].0 = "N";
    assert_eq!(species(&oxide), ("C∞v".into(), 1, "2Π 2Σ+".into()));
    // One deuterium leaves a plane of water.
    let heavy = [
        ("O", [0.0, 0.0, 0.0]),
        ("D", [0.76, 0.0, 0.59]),
        ("H", [-0.76, 0.0, 0.59]),
    ];
    assert_eq!(species(&heavy), ("Cs".into(), 1, "3A'".into()));
    let chiral = [
        ("C", [0.0; 3]),
        ("H", [0.6, 0.6, 0.6]),
        ("F", [0.8, -0.8, -0.8]),
        ("Cl", [-1.0, 1.0, -1.0]),
        ("Br", [-1.1, -1.1, 1.1]),
    ];
    assert_eq!(species(&chiral), ("C1".into(), 1, "9A".into()));
    let one = molecule(&[("Ar", [0.0; 3])]);
    assert_eq!(
        (group(&one).name.as_str(), group(&one).symmetry_number()),
        ("K", 1)
    );
}
