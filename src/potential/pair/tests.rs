//! Pair potentials against numbers from elsewhere, and against themselves.

use super::{
    Damping, Dispersion, DispersionCoefficients, LennardJones, PairFunction, PairParameters,
    Pairwise, Scheme, Zbl,
};
use crate::elements::Element;
use crate::potential::{Configuration, Evaluation, Evaluator, Local, Potential, Term, Want};
use crate::system::Cell;
use crate::units::{BOHR, HARTREE};
use std::sync::Arc;

fn evaluate<F: PairFunction + 'static>(
    p: Pairwise<F>,
    cell: &Cell,
    positions: &[[f64; 3]],
    skin: f64,
) -> Evaluation {
    let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
    let potential: Arc<dyn Potential> = Arc::new(Local(p));
    let mut evaluator = Evaluator::new(vec![Term::new("lj", potential)], skin);
    let mut result = [Evaluation::default()];
    let c = Configuration {
        cell,
        elements: &elements,
        positions,
    };
    evaluator.evaluate(&[c], Want::ALL, &mut result).unwrap();
    let [r] = result;
    let sites: f64 = r.site_energies.iter().sum();
    assert!((sites - r.energy).abs() < 1e-11 * r.energy.abs().max(1.0));
    r
}

const UNIT: PairParameters = PairParameters {
    epsilon: 1.0,
    sigma: 1.0,
    cutoff: 2.5,
};

#[test]
fn dimer() {
    let cell = Cell::isolated();
    for (scheme, tail) in [
        (Scheme::Truncated, false),
        (Scheme::Shifted, false),
        (Scheme::ForceShifted, false),
    ] {
        let at = |r: f64| {
            evaluate(
                LennardJones::uniform(UNIT, scheme, tail).unwrap(),
                &cell,
                &[[0.0; 3], [0.0, r, 0.0]],
                0.3,
            )
        };
        let v = |r: f64| 4.0 * (r.powi(-12) - r.powi(-6));
        let slope = |r: f64| -48.0 * r.powi(-13) + 24.0 * r.powi(-7);
        for r in [0.9, 1.2, 2.2, 2.499] {
            let (e, f) = match scheme {
                Scheme::Truncated => (v(r), -slope(r)),
                Scheme::Shifted => (v(r) - v(2.5), -slope(r)),
                Scheme::ForceShifted => (
                    v(r) - v(2.5) - (r - 2.5) * slope(2.5),
                    slope(2.5) - slope(r),
                ),
            };
            let got = at(r);
            assert!(
                (got.energy - e).abs() < 1e-12 && (got.forces[1][1] - f).abs() < 1e-11,
                "{scheme:?} {r}"
            );
            assert!((got.virial[1][1] - r * f).abs() < 1e-11);
        }
        assert_eq!(at(2.501).energy, 0.0);
    }
}

#[test]
fn mixtures_agree_with_the_uniform_form() {
    let (ar, ne) = (
        Element::from_symbol("Ar").unwrap(),
        Element::from_symbol("Ne").unwrap(),
    );
    // The same numbers by way of the table; the unlike pair follows from mixing.
    let mixture =
        LennardJones::mixture(&[(ar, ar, UNIT), (ne, ne, UNIT)], Scheme::Truncated, true).unwrap();
    let cell = Cell::new(
        [[3.0, 0.0, 0.0], [0.5, 3.1, 0.0], [-0.4, 0.2, 2.9]],
        [true; 3],
    )
    .unwrap();
    let positions = [[0.1, 0.2, 0.3], [1.4, 1.6, 1.5], [2.6, 0.4, 1.4]];
    let elements = [ar, ne, ar];
    let mut evaluator = Evaluator::new(
        vec![Term::new(
            "lj",
            Arc::new(Local(mixture)) as Arc<dyn Potential>,
        )],
        0.4,
    );
    let mut result = [Evaluation::default()];
    let c = Configuration {
        cell: &cell,
        elements: &elements,
        positions: &positions,
    };
    evaluator.evaluate(&[c], Want::ALL, &mut result).unwrap();
    let uniform = LennardJones::uniform(UNIT, Scheme::Truncated, true).unwrap();
    let expected = evaluate(uniform, &cell, &positions, 0.1);
    assert!((result[0].energy - expected.energy).abs() < 1e-12 * expected.energy.abs());
    for (a, b) in result[0]
        .forces
        .as_flattened()
        .iter()
        .zip(expected.forces.as_flattened())
    {
        assert!((a - b).abs() < 1e-11);
    }
}

#[test]
fn nonsense_is_refused() {
    let zero = PairParameters {
        cutoff: 0.0,
        ..UNIT
    };
    assert!(LennardJones::uniform(zero, Scheme::Truncated, false).is_err());
    assert!(LennardJones::uniform(UNIT, Scheme::Shifted, true).is_err());
    let negative = PairParameters {
        sigma: -1.0,
        ..UNIT
    };
    let ar = Element::from_symbol("Ar").unwrap();
    assert!(LennardJones::mixture(&[(ar, ar, negative)], Scheme::Shifted, false).is_err());
    let ne = Element::from_symbol("Ne").unwrap();
    assert!(LennardJones::mixture(&[(ar, ne, UNIT)], Scheme::Shifted, false).is_err());
}

fn element(symbol: &str) -> Element {
    Element::from_symbol(symbol).unwrap()
}

/// Energy, and force on the second atom, of two atoms at a distance.
fn pair_at<F: PairFunction + 'static>(
    model: Pairwise<F>,
    elements: [&str; 2],
    distances: &[f64],
) -> Vec<(f64, f64)> {
    let model: Arc<dyn Potential> = Arc::new(Local(model));
    let mut evaluator = Evaluator::new(vec![Term::new("pair", model)], 0.3);
    let elements = elements.map(element);
    distances
        .iter()
        .map(|r| {
            let configuration = Configuration {
                cell: &Cell::isolated(),
                elements: &elements,
                positions: &[[0.1, 0.0, 0.0], [0.1, 0.0, *r]],
            };
            let mut result = [Evaluation::default()];
            evaluator
                .evaluate(&[configuration], Want::ALL, &mut result)
                .unwrap();
            assert!((result[0].virial[2][2] - r * result[0].forces[1][2]).abs() < 1e-9);
            (result[0].energy, result[0].forces[1][2])
        })
        .collect()
}

/// Forces are slopes of energies between distances `from` and `to`.
fn slopes<F: PairFunction + 'static>(
    make: impl Fn() -> Pairwise<F>,
    elements: [&str; 2],
    (from, to): (f64, f64),
) {
    let h = 1e-4;
    for k in 0..=40 {
        let r = from + (to - from) * f64::from(k) / 40.0;
        let got = pair_at(make(), elements, &[r - h, r, r + h]);
        let slope = (got[2].0 - got[0].0) / (2.0 * h);
        assert!(
            (slope + got[1].1).abs() < 2e-6 * (1.0 + got[1].1.abs()),
            "{r}: {slope} {}",
            got[1].1
        );
    }
}

#[test]
fn screened_repulsion() {
    // The formula with its published constants, in forty digits.
    for (elements, r, expected) in [
        (["Si", "Si"], 0.5, 470.493_113_485_970_6),
        (["Si", "Si"], 1.0, 50.974_363_650_339_87),
        (["Si", "Si"], 2.0, 2.406_770_569_371_149_5),
        (["C", "Si"], 0.8, 59.435_913_130_971_55),
        (["H", "U"], 1.3, 7.341_975_408_589_331),
    ] {
        let got = pair_at(Zbl::new(Some((2.5, 3.0)), &[]).unwrap(), elements, &[r]);
        assert!(
            (got[0].0 - expected).abs() < 1e-12 * expected,
            "{elements:?} {r}: {}",
            got[0].0
        );
    }
    // LAMMPS (22 July 2025), pair_style zbl 9.9 9.99, whose e²/4πε0 has seven digits and whose energy is shifted a little.
    let lammps = [
        (0.5, 2_615.591_908_817),
        (1.0, 189.796_219_426),
        (1.4, 40.900_268_610),
    ];
    for (r, force) in lammps {
        let got = pair_at(Zbl::new(Some((2.5, 3.0)), &[]).unwrap(), ["Si", "Si"], &[r]);
        assert!((got[0].1 / force - 1.0).abs() < 1e-6, "{r}: {}", got[0].1);
    }
    let faded = || Zbl::new(Some((0.8, 1.6)), &[]).unwrap();
    slopes(faded, ["Si", "C"], (0.5, 1.7));
    let end = pair_at(faded(), ["Si", "C"], &[1.6 - 1e-4, 1.6, 1.9]);
    assert!(end[0].0 > 0.0 && end[0].0 < 1e-9, "{end:?}");
    assert_eq!(end[1..], [(0.0, 0.0); 2]);
}

#[test]
fn repulsion_by_pairs() {
    let (si, c) = (element("Si"), element("C"));
    let of_pair = |range| Zbl::new(range, &[(c, si, (0.5, 0.9))]).unwrap();
    // Only this pair.
    assert!(pair_at(of_pair(None), ["Si", "C"], &[0.8])[0].0 > 0.0);
    for other in [["Si", "Si"], ["C", "C"], ["Xe", "C"]] {
        assert_eq!(pair_at(of_pair(None), other, &[0.8]), [(0.0, 0.0)]);
    }
    // This pair differently from the others.
    let got = pair_at(of_pair(Some((1.0, 2.0))), ["C", "Si"], &[1.2]);
    assert_eq!(got, [(0.0, 0.0)]);
    assert!(pair_at(of_pair(Some((1.0, 2.0))), ["Xe", "Si"], &[1.2])[0].0 > 0.0);
    assert!(Zbl::new(Some((1.0, 1.0)), &[]).is_err());
    assert!(Zbl::new(None, &[(c, si, (-1.0, 1.0))]).is_err());
}

const DAMPING: Damping = Damping {
    s6: 1.0,
    s8: 0.8,
    a1: 0.4,
    a2: 2.3,
    inner: 6.0,
    cutoff: 9.0,
    tail: false,
};

const ARGON: DispersionCoefficients = DispersionCoefficients {
    c6: 38.4,
    c8: 250.0,
    r0: 3.4,
};

fn dispersion(damping: Damping) -> Dispersion {
    let (ar, ne) = (element("Ar"), element("Ne"));
    let neon = DispersionCoefficients {
        c6: 3.8,
        c8: 0.0,
        r0: 2.6,
    };
    Dispersion::new(&[(ar, ar, ARGON), (ne, ne, neon)], damping).unwrap()
}

#[test]
fn damped_dispersion() {
    let got = pair_at(
        dispersion(DAMPING),
        ["Ar", "Ar"],
        &[2.0, 3.8, 5.9, 7.5, 9.0],
    );
    let f: f64 = 0.4 * 3.4 + 2.3;
    let v = |r: f64| -38.4 / (r.powi(6) + f.powi(6)) - 0.8 * 250.0 / (r.powi(8) + f.powi(8));
    for (k, r) in [2.0, 3.8, 5.9].into_iter().enumerate() {
        assert!((got[k].0 - v(r)).abs() < 1e-14);
    }
    assert!((got[3].0 - 0.5 * v(7.5)).abs() < 1e-15);
    assert_eq!(got[4], (0.0, 0.0));
    slopes(|| dispersion(DAMPING), ["Ar", "Ar"], (1.0, 9.1));
    // Mixing: geometric means of the coefficients, the arithmetic mean of R0.
    let f: f64 = 0.4 * 3.0 + 2.3;
    let c6 = (38.4f64 * 3.8).sqrt();
    let got = pair_at(dispersion(DAMPING), ["Ne", "Ar"], &[3.0]);
    assert!((got[0].0 + c6 / (729.0 + f.powi(6))).abs() < 1e-14);
    // Without damping it is London's formula.
    let bare = Damping {
        a1: 0.0,
        a2: 0.0,
        s8: 0.0,
        ..DAMPING
    };
    let got = pair_at(dispersion(bare), ["Ar", "Ar"], &[4.0]);
    assert!((got[0].0 + 38.4 / 4096.0).abs() < 1e-16);
}

#[test]
fn pairs_without_coefficients_have_no_dispersion() {
    let (ar, ne) = (element("Ar"), element("Ne"));
    let none = DispersionCoefficients {
        c6: 0.0,
        c8: 0.0,
        r0: 0.0,
    };
    let some = || Dispersion::new(&[(ar, ar, ARGON), (ne, ne, none)], DAMPING).unwrap();
    for names in [["Ne", "Ne"], ["Ne", "Ar"]] {
        assert_eq!(pair_at(some(), names, &[1.0, 5.0]), [(0.0, 0.0); 2]);
    }
    let [with, alone] = [some(), dispersion(DAMPING)].map(|m| pair_at(m, ["Ar", "Ar"], &[4.0]));
    assert_eq!(with, alone);
    // A model of such pairs only is zero, not a fault.
    let model = Dispersion::new(&[(ne, ne, none)], DAMPING).unwrap();
    assert_eq!(pair_at(model, ["Ne", "Ne"], &[3.0]), [(0.0, 0.0)]);
}

#[test]
fn dispersion_of_an_atomic_unit() {
    // C6 = 1 Hartree bohr^6 at 2 bohr, damped by 1 bohr: -1/(64 + 1) Hartree.
    let unit = DispersionCoefficients {
        c6: HARTREE * BOHR.powi(6),
        c8: 0.0,
        r0: 0.0,
    };
    let damping = Damping {
        a2: BOHR,
        ..DAMPING
    };
    let model = Dispersion::new(&[(element("H"), element("H"), unit)], damping).unwrap();
    let got = pair_at(model, ["H", "H"], &[2.0 * BOHR]);
    assert!((got[0].0 + HARTREE / 65.0).abs() < 1e-14);
}

#[test]
fn tails_are_what_is_left_out() {
    // With an almost sharp end and C6 alone the integral is 2/3 π C6 atan(f³/rc³)/f³.
    let sharp = Damping {
        s8: 0.0,
        inner: 9.0 - 1e-7,
        tail: true,
        ..DAMPING
    };
    let cell = Cell::new(
        [[20.0, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 0.0, 20.0]],
        [true; 3],
    )
    .unwrap();
    let alone = |model: Dispersion| evaluate(model, &cell, &[[0.0; 3]], 0.0);
    let got = alone(dispersion(sharp));
    let f3 = (0.4f64 * 3.4 + 2.3).powi(3);
    let expected = -2.0 / 3.0 * std::f64::consts::PI * 38.4 * (f3 / 729.0).atan() / f3 / 8000.0;
    assert!(
        (got.energy / expected - 1.0).abs() < 1e-7,
        "{} {expected}",
        got.energy
    );
    // The pressure follows from the energy, which goes with the density.
    for k in 0..3 {
        assert!((got.virial[k][k] / got.energy - 1.0).abs() < 1e-12);
    }
    // In a uniform fluid energy and pressure do not depend on the cutoff: a dense grid of atoms, far beyond damping.
    let n = 9;
    let positions: Vec<[f64; 3]> = (0..n * n * n)
        .map(|i| [i % n, i / n % n, i / n / n].map(|k| k as f64 * 20.0 / n as f64))
        .collect();
    let with = |inner, cutoff| {
        let damping = Damping {
            inner,
            cutoff,
            tail: true,
            ..DAMPING
        };
        evaluate(dispersion(damping), &cell, &positions, 0.0)
    };
    let (short, long) = (with(6.0, 12.0), with(11.0, 19.0));
    assert!((short.energy / long.energy - 1.0).abs() < 2e-4);
    assert!((short.virial[0][0] / long.virial[0][0] - 1.0).abs() < 1e-3);
    let without = {
        let damping = Damping {
            inner: 6.0,
            cutoff: 12.0,
            ..DAMPING
        };
        evaluate(dispersion(damping), &cell, &positions, 0.0)
    };
    assert!((without.energy / long.energy - 1.0).abs() > 1e-2);
}

#[test]
fn nonsense_dispersion_is_refused() {
    let ar = element("Ar");
    for damping in [
        Damping {
            inner: 9.0,
            ..DAMPING
        },
        Damping {
            s6: f64::NAN,
            ..DAMPING
        },
        Damping {
            a1: -2.0,
            ..DAMPING
        },
    ] {
        assert!(Dispersion::new(&[(ar, ar, ARGON)], damping).is_err());
    }
    let ne = element("Ne");
    let error = Dispersion::new(&[(ar, ne, ARGON)], DAMPING).unwrap_err();
    assert!(
        error.contains("Ar-Ar") || error.contains("Ne-Ne"),
        "{error}"
    );
}
