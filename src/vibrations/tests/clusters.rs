//! Lennard-Jones clusters, whose frequencies are known.

use super::*;

/// Positions of the seven- and the thirteen-atom cluster of least energy (Cambridge Cluster Database, in our orientation).
const SEVEN: [[f64; 3]; 7] = [
    [0.336154497102, -0.752003580182, -0.485614331627],
    [0.312482522777, 0.311723264519, -0.848241585985],
    [-0.520862513424, -0.088032121312, -0.224231039414],
    [0.520862513991, 0.088032121222, 0.224231038751],
    [-0.143029676815, 0.944659150955, -0.038627797733],
    [-0.10472761811, -0.776487034612, 0.548115424279],
    [-0.400879725521, 0.27210819941, 0.82436829173],
];
const THIRTEEN: [[f64; 3]; 13] = [
    [0.545531407044, 0.239542132589, -0.902988999852],
    [-0.578076679462, -0.914359662854, -0.012159006681],
    [0.578076682758, 0.914359661607, 0.012159004937],
    [0.476508626022, 0.258723168824, 0.936149526415],
    [-0.381190840894, 0.821299997401, -0.592059067147],
    [-0.545531409484, -0.239542133021, 0.902988996912],
    [1.075618831243, -0.108149470213, 0.041495853535],
    [0.423849267198, -0.833154528187, -0.544591051744],
    [-0.423849266078, 0.833154529581, 0.544591050653],
    [-0.476508628503, -0.25872316763, -0.936149523398],
    [6.99e-10, 3.57e-10, 6.44e-10],
    [0.381190840196, -0.821299996671, 0.592059068605],
    [-1.07561883074, 0.108149468216, -0.041495852881],
];
const SEVEN_OMEGA: [f64; 15] = [
    5.88176171,
    5.88176171,
    8.11628890,
    8.11628890,
    8.32946149,
    8.97479512,
    8.97479512,
    10.91495451,
    12.27524409,
    12.27524409,
    12.47936754,
    12.47936754,
    15.74281073,
    15.74281073,
    15.91878486,
];
const THIRTEEN_DISTINCT: [(f64, usize); 8] = [
    (6.53100716, 5),
    (8.80495151, 4),
    (9.47024264, 5),
    (9.78832586, 3),
    (12.09211684, 4),
    (12.17198663, 3),
    (14.00492535, 5),
    (15.07462353, 1),
];
const HIGHEST: f64 = 24.34624738;

fn relaxed(positions: &[[f64; 3]]) -> System {
    let mut system = cluster(positions, "Ar", 1.0);
    rattle(&mut system, 0.02, 1);
    settle(&mut system, &lennard_jones(50.0));
    system
}

fn modes(system: &System, how: Differences) -> Modes {
    let h = hessian(system, &lennard_jones(50.0), how);
    Modes::of(system, &h, &system.atoms.masses, Freedom::Molecule).unwrap()
}

/// ħ = 1 and mass 1: ω is a number in the unit of the potential, as everything inside is.
#[test]
fn frequencies_and_zero_point_energies_are_those_published() {
    for (positions, energy, zero_point) in [
        (&SEVEN[..], -16.505384168012213, 81.051868),
        (&THIRTEEN[..], -44.32680141873, 193.806726),
    ] {
        let system = relaxed(positions);
        let e = forces(&system, &lennard_jones(50.0)).energy;
        assert!((e - energy).abs() < 1e-8, "{e}");
        let n = positions.len();
        for (how, width) in [(Differences::new(0.01, n), 1e-6), (differences(1e-4), 1e-4)] {
            let m = modes(&system, how);
            assert_eq!((m.rigid, m.modes.len()), (6, 3 * n - 6));
            // Differences are wrong by h² times fourth derivatives, and ω is the root of that.
            let least = if how.only { 1e-2 } else { 1e-3 };
            let zero = m.unprojected.iter().filter(|w| w.abs() < least).count();
            assert_eq!(zero, 6, "{:?}", &m.unprojected[..8]);
            assert!(m.residual() < least && m.mixing() < 1e-6, "{}", m.mixing());
            let half: f64 = 0.5 * m.modes.iter().map(|m| m.omega).sum::<f64>();
            assert!((half - zero_point).abs() < 1e-6 + 10.0 * width, "{half}");
            let expected: Vec<f64> = if n == 7 {
                SEVEN_OMEGA.to_vec()
            } else {
                let mut all: Vec<f64> = THIRTEEN_DISTINCT
                    .iter()
                    .flat_map(|(w, n)| vec![*w; *n])
                    .collect();
                all.extend([HIGHEST; 3]);
                all
            };
            assert_eq!(expected.len(), m.modes.len());
            for (mode, w) in m.modes.iter().zip(&expected) {
                assert!((mode.omega - w).abs() < width, "{} {w}", mode.omega);
                let square: f64 = mode
                    .displacements
                    .as_flattened()
                    .iter()
                    .map(|x| x * x)
                    .sum();
                assert!((square - 1.0).abs() < 1e-12);
                // Equal masses: every mode has that mass.
                assert!((mode.reduced_mass - 1.0).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn a_line_of_atoms_has_five_rigid_motions() {
    let terms = lennard_jones(50.0);
    let mut pair = cluster(&[[0.0; 3], [0.7, 0.6, 0.65]], "Ar", 2.0);
    settle(&mut pair, &terms);
    let h = hessian(&pair, &terms, Differences::new(0.01, 2));
    let m = Modes::of(&pair, &h, &pair.atoms.masses, Freedom::Molecule).unwrap();
    // k = 57.14643787, reduced mass 1.
    assert_eq!((m.rigid, m.modes.len()), (5, 1));
    assert!((m.modes[0].omega - 57.146_437_870_855_f64.sqrt()).abs() < 1e-8);
    // A mode of two equal atoms of mass 2: each moves by 1/√2 of the unit vector.
    assert!((m.modes[0].reduced_mass - 2.0).abs() < 1e-12);
    let mut three = cluster(
        &[[-1.1, 0.0, 0.1], [0.0, 0.0, 0.0], [1.1, 0.0, -0.1]],
        "Ar",
        1.0,
    );
    settle(&mut three, &terms);
    let h = hessian(&three, &terms, Differences::new(0.01, 3));
    let m = Modes::of(&three, &h, &three.atoms.masses, Freedom::Molecule).unwrap();
    // On a line the middle atom is pushed out: two imaginary modes, a saddle of second order.
    assert_eq!((m.rigid, m.modes.len()), (5, 4));
    assert_eq!(m.imaginary(1e-3), 2);
    assert!(m.modes[0].omega < 0.0 && m.modes[0].wavenumber() < 0.0);
}

#[test]
fn rigid_motions_do_not_mix_into_modes_off_a_minimum() {
    let mut system = relaxed(&SEVEN);
    rattle(&mut system, 0.03, 7);
    let m = modes(&system, Differences::new(0.01, 7));
    // Rotations are no zero modes any more, and the report of that is not zero.
    assert!(m.residual() > 0.1 && m.mixing() > 1e-3);
    for mode in &m.modes {
        for k in 0..3 {
            let drift: f64 = mode.displacements.iter().map(|x| x[k]).sum();
            assert!(drift.abs() < 1e-10, "{drift}");
        }
        let inertia = Inertia::of(&system.atoms.positions, &system.atoms.masses);
        let mut turn = [0.0; 3];
        for (x, d) in system.atoms.positions.iter().zip(&mode.displacements) {
            let arm = crate::vector::minus(*x, inertia.centre);
            let part = crate::vector::cross(arm, *d);
            (0..3).for_each(|k| turn[k] += part[k]);
        }
        assert!(turn.iter().all(|t| t.abs() < 1e-9), "{turn:?}");
    }
}

#[test]
fn held_atoms_leave_no_rigid_motion() {
    let system = relaxed(&SEVEN);
    let terms = lennard_jones(50.0);
    let mut evaluator = Evaluator::new(terms.clone(), 0.1);
    let free = [1, 2, 5];
    let of = |evaluator: &mut Evaluator, how| {
        let mut rows = Rows::default();
        Hessian::of(&system, evaluator, &free, how, &mut rows, &mut |_, _| {
            Ok(true)
        })
        .unwrap()
        .unwrap()
    };
    let h = of(&mut evaluator, Differences::new(0.01, 7));
    let by_differences = of(&mut evaluator, differences(1e-4));
    assert!(largest_difference(&h, &by_differences) < 1e-4);
    let m = Modes::of(
        &system,
        &h,
        &system.atoms.masses,
        Freedom::of(&system, true),
    )
    .unwrap();
    assert_eq!((m.rigid, m.modes.len()), (0, 9));
    for mode in &m.modes {
        assert!(mode.omega > 1.0);
        assert!(
            [0, 3, 4, 6]
                .iter()
                .all(|a| mode.displacements[*a] == [0.0; 3])
        );
    }
    let full = hessian(&system, &terms, Differences::new(0.01, 7));
    let part = |i: usize| 3 * free[i / 3] + i % 3;
    for (i, j) in (0..9).flat_map(|i| (0..9).map(move |j| (i, j))) {
        assert_eq!(h.matrix[(i, j)], full.matrix[(part(i), part(j))]);
    }
}

#[test]
fn interrupted_differences_go_on_to_the_same_bits() {
    let system = relaxed(&SEVEN);
    let terms = lennard_jones(50.0);
    let all: Vec<usize> = (0..7).collect();
    let how = Differences {
        block: 6,
        ..differences(1e-3)
    };
    let whole = hessian(&system, &terms, how);
    let mut rows = Rows::default();
    let mut stops = 0;
    let found = loop {
        // A new evaluator each time, as after a kill.
        let mut evaluator = Evaluator::new(terms.clone(), 0.1);
        let mut left = 2;
        let found = Hessian::of(
            &system,
            &mut evaluator,
            &all,
            how,
            &mut rows,
            &mut |_, _| {
                left -= 1;
                Ok(left > 0)
            },
        );
        if let Some(found) = found.unwrap() {
            break found;
        }
        stops += 1;
        assert_eq!(rows.values.len(), stops * 6 * 21);
    };
    assert_eq!(stops, 3);
    assert_eq!(largest_difference(&whole, &found), 0.0);
    assert!(whole.asymmetry > 0.0 && whole.asymmetry < 1e-2);
    assert_eq!(whole.source, Source::Differences);
}

#[test]
fn a_crystal_keeps_three_zero_modes_and_heavier_atoms_are_slower() {
    let terms = lennard_jones(2.5);
    let mut system = cluster(
        &[
            [0.0; 3],
            [0.0, 0.78, 0.78],
            [0.78, 0.0, 0.78],
            [0.78, 0.78, 0.0],
        ],
        "Ar",
        1.0,
    );
    system.cell = Cell::orthorhombic(1.56, 1.56, 1.56).unwrap();
    let h = hessian(&system, &terms, Differences::new(0.01, 4));
    let by_differences = hessian(&system, &terms, differences(1e-4));
    assert!(largest_difference(&h, &by_differences) < 2e-4);
    let freedom = Freedom::of(&system, false);
    assert_eq!(freedom, Freedom::Translations);
    let m = Modes::of(&system, &h, &system.atoms.masses, freedom).unwrap();
    assert_eq!((m.rigid, m.modes.len()), (3, 9));
    assert!(m.residual() < 1e-5, "{}", m.residual());
    let heavy = Modes::of(&system, &h, &[4.0; 4], freedom).unwrap();
    for (light, heavy) in m.modes.iter().zip(&heavy.modes) {
        assert!((light.omega - 2.0 * heavy.omega).abs() < 1e-9);
        assert!((heavy.reduced_mass - 4.0).abs() < 1e-10);
    }
    assert!(Modes::of(&system, &h, &[1.0, 1.0, 0.0, 1.0], freedom).is_err());
}
