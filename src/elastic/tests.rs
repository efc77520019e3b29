//! Constants against closed forms.

use super::*;
use nalgebra::{Matrix6, Rotation3, Vector3};

fn cubic(c11: f64, c12: f64, c44: f64) -> Stiffness {
    Stiffness(Matrix6::from_fn(|a, b| match (a, b) {
        (a, b) if a == b && a < 3 => c11,
        (a, b) if a == b => c44,
        (a, b) if a < 3 && b < 3 => c12,
        _ => 0.0,
    }))
}

fn cube() -> Vec<Matrix3<f64>> {
    let mut all = Vec::new();
    for a in 0..4 {
        for b in 0..4 {
            for c in 0..4 {
                let quarter = std::f64::consts::FRAC_PI_2;
                let turn = |axis, n: i32| {
                    *Rotation3::from_axis_angle(&axis, quarter * f64::from(n)).matrix()
                };
                let r = turn(Vector3::x_axis(), a)
                    * turn(Vector3::y_axis(), b)
                    * turn(Vector3::z_axis(), c);
                if all.iter().all(|o: &Matrix3<f64>| (o - r).norm() > 1e-6) {
                    all.push(r);
                }
            }
        }
    }
    assert_eq!(all.len(), 24);
    all
}

#[test]
fn a_slope_is_free_of_even_and_cubic_parts() {
    let stress = |e: f64| 0.3 + 2.5 * e - 40.0 * e * e + 900.0 * e * e * e;
    let at = |e: f64| (e, stress(e), stress(-e));
    let found = fit(&[at(0.002), at(0.004), at(0.006)]);
    assert!((found.slope - 2.5).abs() < 1e-10 && (found.cubic - 900.0).abs() < 1e-6);
    assert!(found.error.unwrap() < 1e-10);
    // Noise shows in the error; two strains have none to spare.
    let mut noisy = [at(0.002), at(0.004), at(0.006), at(0.008)];
    noisy[1].1 += 1e-4;
    let found = fit(&noisy);
    let error = found.error.unwrap();
    assert!(
        error > 1e-3 && (found.slope - 2.5).abs() < 5.0 * error,
        "{found:?}"
    );
    assert_eq!(fit(&noisy[..2]).error, None);
}

#[test]
fn moduli_of_silicon_are_those_of_its_constants() {
    // C11, C12, C44 = 165.7, 63.9, 79.6 GPa.
    let c = cubic(165.7, 63.9, 79.6);
    let m = c.moduli().unwrap();
    let bulk = (165.7 + 2.0 * 63.9) / 3.0;
    assert!(m.bulk.iter().all(|k| (k - bulk).abs() < 1e-10));
    let voigt = (165.7 - 63.9 + 3.0 * 79.6) / 5.0;
    let reuss = 5.0 * (165.7 - 63.9) * 79.6 / (4.0 * 79.6 + 3.0 * (165.7 - 63.9));
    assert!((m.shear[0] - voigt).abs() < 1e-10 && (m.shear[1] - reuss).abs() < 1e-10);
    let hill = 0.5 * (voigt + reuss);
    assert!((m.young - 9.0 * bulk * hill / (3.0 * bulk + hill)).abs() < 1e-10);
    assert!((m.poisson - (m.young / (2.0 * hill) - 1.0)).abs() < 1e-12);
    assert!((m.anisotropy - 5.0 * (voigt / reuss - 1.0)).abs() < 1e-10);
    let stable = c.stability();
    assert!(stable.is_stable());
    let mut expected = [101.8, 101.8, 159.2, 159.2, 159.2, 293.5];
    expected.sort_by(f64::total_cmp);
    for (e, x) in stable.eigenvalues.iter().zip(expected) {
        assert!((e - x).abs() < 1e-9);
    }
    let sets = c.distinct(1e-9);
    assert_eq!(sets.len(), 3);
    assert_eq!(sets[1].0, [(0, 1), (0, 2), (1, 2)]);
    // An isotropic solid has no anisotropy.
    let isotropic = cubic(200.0, 100.0, 50.0).moduli().unwrap();
    assert!(isotropic.anisotropy.abs() < 1e-12 && (isotropic.poisson - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn a_crystal_that_shears_by_itself_is_found() {
    // C' = (C11 - C12)/2 < 0.
    let s = cubic(100.0, 110.0, 50.0).stability();
    assert!(!s.is_stable() && (s.eigenvalues[0] + 10.0).abs() < 1e-9);
    assert!(s.softest[3..].iter().all(|x| x.abs() < 1e-9));
    assert!(s.softest.iter().sum::<f64>().abs() < 1e-9);
    let s = cubic(100.0, 50.0, -5.0).stability();
    assert!((s.eigenvalues[0] + 10.0).abs() < 1e-9);
    assert!(
        cubic(100.0, 100.0, 50.0)
            .moduli()
            .is_none_or(|m| !m.shear[1].is_normal() || m.shear[1].abs() < 1e-6)
    );
}

#[test]
fn symmetry_leaves_three_constants_of_a_cube() {
    let base = cubic(165.7, 63.9, 79.6);
    let noisy = Stiffness(Matrix6::from_fn(|a, b| {
        base.0[(a, b)] + ((7 * a + 3 * b) % 5) as f64 - 2.0
    }));
    let c = noisy.symmetric().symmetrised(&cube());
    let sets = c.distinct(1e-9);
    assert_eq!(sets.len(), 3, "{sets:?}");
    // The cube itself is not changed; turned, it is another matrix with the same invariants.
    assert!((base.symmetrised(&cube()).0 - base.0).norm() < 1e-10);
    let r = *Rotation3::from_euler_angles(0.3, 0.5, -0.2).matrix();
    let turned = base.symmetrised(&[r]);
    assert!((turned.0 - base.0).norm() > 1.0);
    let (a, b) = (turned.moduli().unwrap(), base.moduli().unwrap());
    assert!((a.bulk[0] - b.bulk[0]).abs() < 1e-9 && (a.shear[1] - b.shear[1]).abs() < 1e-9);
    assert!((turned.symmetrised(&[r.transpose()]).0 - base.0).norm() < 1e-9);
    for (x, y) in turned
        .stability()
        .eigenvalues
        .iter()
        .zip(base.stability().eigenvalues)
    {
        assert!((x - y).abs() < 1e-9);
    }
}

/// Under a pressure p: B11 = C11 - p, B12 = C12 + p, B44 = C44 - p.
#[test]
fn pressure_is_taken_off() {
    let p = 7.0;
    let slopes = cubic(100.0 - p, 60.0 + p, 40.0 - p);
    let c = slopes.without_stress(&(Matrix3::identity() * -p));
    assert!((c.0 - cubic(100.0, 60.0, 40.0).0).norm() < 1e-12);
}
