//! Thermochemistry against closed formulas evaluated elsewhere, and against itself.

use super::*;
use crate::units::{BOLTZMANN, EV_PER_A3_IN_BAR, HBAR};

#[test]
fn oscillators_are_those_of_the_textbook() {
    // x = 1: n = 1/(e - 1).
    let q = BOLTZMANN * 300.0;
    let n = 1.0 / (1f64.exp() - 1.0);
    let [u, s, c] = oscillator(q, 300.0);
    assert!((u / q - 0.5 - n).abs() < 1e-14);
    assert!((s / BOLTZMANN - (n + (1.0 + n).ln())).abs() < 1e-14);
    assert!((c / BOLTZMANN - n * (n + 1.0)).abs() < 1e-14);
    // Both ends: frozen and classical.
    assert_eq!(oscillator(1.0, 0.0), [0.5, 0.0, 0.0]);
    assert_eq!(oscillator(5.0, 10.0), [2.5, 0.0, 0.0]);
    let [u, _, c] = oscillator(1e-9, 300.0);
    assert!((u / q - 1.0).abs() < 1e-9 && (c / BOLTZMANN - 1.0).abs() < 1e-9);
}

/// dF/dT = -S, F = U - T S, dU/dT = Cv, dG/dp of a gas = V.
#[test]
fn thermodynamics_is_consistent() {
    let gas = IdealGas {
        mass: 18.015,
        moments: vec![0.6, 1.2, 1.8],
        symmetry_number: 2.0,
        multiplicity: 3.0,
    };
    for ensemble in [Ensemble::Harmonic { volume: 40.0 }, Ensemble::IdealGas(gas)] {
        let at = |t: f64, p: f64| {
            let system = Thermochemistry {
                energy: -3.0,
                quanta: vec![-0.03, 0.0, 0.2, 0.45, 0.46],
                ensemble: ensemble.clone(),
                pressure: p,
            };
            assert!((system.zero_point_energy() - 0.555).abs() < 1e-15);
            system.at(t)
        };
        let (t, p, h) = (700.0, 1.0 / EV_PER_A3_IN_BAR, 0.01);
        let (low, now, high) = (at(t - h, p), at(t, p), at(t + h, p));
        assert!(((high.internal - low.internal) / (2.0 * h) - now.cv).abs() < 1e-9);
        assert!(((high.enthalpy - low.enthalpy) / (2.0 * h) - now.cp).abs() < 1e-9);
        assert!(((high.gibbs - low.gibbs) / (2.0 * h) + now.entropy).abs() < 1e-9);
        assert!((now.helmholtz - now.internal + t * now.entropy).abs() < 1e-14);
        let volume = (at(t, 1.001 * p).gibbs - at(t, 0.999 * p).gibbs) / (0.002 * p);
        let expected = match ensemble {
            Ensemble::Harmonic { volume } => volume,
            Ensemble::IdealGas(_) => BOLTZMANN * t / p,
        };
        assert!(
            (volume / expected - 1.0).abs() < 1e-6,
            "{volume} {expected}"
        );
        let zero = at(0.0, p);
        assert_eq!((zero.entropy, zero.cv - zero.cv), (0.0, 0.0));
        assert!((zero.internal + 3.0 - 0.555).abs() < 1e-12);
    }
}

#[test]
fn argon_has_its_tabulated_entropy() {
    // CODATA: S(Ar, 298.15 K, 1 bar) = 154.846 J/(mol K).
    let gas = IdealGas {
        mass: 39.948,
        moments: Vec::new(),
        symmetry_number: 1.0,
        multiplicity: 1.0,
    };
    let s = gas.entropy(298.15, 1.0 / EV_PER_A3_IN_BAR);
    let molar = s * 1e3 * crate::units::EV_IN_KJ_MOL;
    assert!((molar - 154.846).abs() < 0.003, "{molar}");
}

#[test]
fn nitrogen_is_a_rotor_with_two_axes() {
    // NIST: B = 1.98957 /cm, ω = 2330 /cm give S(298.15 K, 1 bar) = 191.5 J/(mol K) for σ = 2.
    let wave = |cm: f64| {
        HBAR * cm * 2.0 * std::f64::consts::PI * 2.997_924_58e10 * 1e-15 / crate::units::FS
    };
    let moment = HBAR * HBAR / (2.0 * wave(1.98957));
    let gas = IdealGas {
        mass: 28.0134,
        moments: vec![moment; 2],
        symmetry_number: 2.0,
        multiplicity: 1.0,
    };
    let system = Thermochemistry {
        energy: 0.0,
        quanta: vec![wave(2330.0)],
        ensemble: Ensemble::IdealGas(gas),
        pressure: 1.0 / EV_PER_A3_IN_BAR,
    };
    let row = system.at(298.15);
    let molar = row.entropy * 1e3 * crate::units::EV_IN_KJ_MOL;
    // The rotor's quantum correction, k (Θ/T)²/90 and the like, is below 0.02 %.
    assert!((molar - 191.61).abs() < 0.15, "{molar}");
    assert!((row.cp / BOLTZMANN - 3.5).abs() < 2e-3);
}

#[test]
fn moments_and_axes_of_a_molecule() {
    let line = [[0.0; 3], [0.0, 0.0, 1.1], [0.0, 1e-5, 2.2]];
    let inertia = Inertia::of(&line, &[16.0, 12.0, 16.0]);
    assert_eq!(inertia.rotations, 2);
    assert!((inertia.moments[0] - 32.0 * 1.21).abs() < 1e-6);
    assert_eq!(Inertia::of(&line[..1], &[1.0]).rotations, 0);
    let bent = [[0.0; 3], [0.0, 0.0, 1.1], [0.0, 0.1, 2.2]];
    assert_eq!(Inertia::of(&bent, &[16.0, 12.0, 16.0]).rotations, 3);
}

#[test]
fn molecules_cut_by_the_boundary_are_made_whole() {
    let mut system = cluster(
        &[[0.1, 0.0, 0.0], [3.9, 0.2, 0.0], [1.0, 0.0, 3.8]],
        "O",
        16.0,
    );
    system.cell = Cell::orthorhombic(4.0, 4.0, 4.0).unwrap();
    let x = whole(&system, &[0, 1, 2]);
    let expected = [[0.1, 0.0, 0.0], [-0.1, 0.2, 0.0], [1.0, 0.0, -0.2]];
    for (x, e) in x.as_flattened().iter().zip(expected.as_flattened()) {
        assert!((x - e).abs() < 1e-12);
    }
}
