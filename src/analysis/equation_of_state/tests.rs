use super::*;

/// B0'' of the fourth order, away from what the third implies.
const SECOND: f64 = -12.0;

fn made(form: Form) -> (EquationOfState, Vec<(f64, f64)>) {
    let e = EquationOfState::new(form, [-10.0, 40.0, 0.5, 4.3, SECOND]);
    let volumes = (0..7).map(|k| 40.0 * (0.9 + f64::from(k) / 30.0));
    (e, volumes.map(|v| (v, e.energy_at(v))).collect())
}

/// Points on a curve give back the curve to 1e-10, and other forms leave something.
#[test]
fn parameters_are_recovered() {
    for form in Form::ALL {
        let (e, points) = made(form);
        let found = fit(form, &points).unwrap();
        let (f, e) = (found.equation.parameters(), e.parameters());
        for k in 0..form.free() {
            // A parameter that is the fourth derivative of energies with 1e-15 of rounding.
            let tolerance = if k == 4 { 1e-8 } else { 1e-10 };
            assert!((f[k] / e[k] - 1.0).abs() < tolerance, "{form:?} {k} {f:?}");
        }
        assert!(found.residual < 1e-13, "{form:?} {}", found.residual);
        let errors = found.errors.unwrap();
        for k in 0..5 {
            let small = errors[k] <= 1e-8 * e[k].abs();
            assert!(small, "{form:?} {k} {errors:?}");
            assert_eq!(errors[k] == 0.0, k >= form.free());
        }
        // A form of higher order of the same series contains the lower ones.
        let contains = |other: Form| {
            use Form::{BirchMurnaghan as B3, BirchMurnaghan2 as B2, BirchMurnaghan4 as B4};
            matches!((other, form), (B3, B2) | (B4, B2) | (B4, B3))
        };
        for other in Form::ALL.into_iter().filter(|o| *o != form) {
            let left = fit(other, &points).unwrap().residual;
            assert_eq!(
                left < 1e-13,
                contains(other),
                "{other:?} on {form:?}: {left}"
            );
        }
    }
}

#[test]
fn derivatives_are_consistent() {
    for form in Form::ALL {
        let (e, _) = made(form);
        for v in [30.0, 38.0, 40.0, 44.0] {
            let h = 1e-4;
            let slope = (e.energy_at(v + h) - e.energy_at(v - h)) / (2.0 * h);
            assert!((e.pressure_at(v) + slope).abs() < 1e-8, "{form:?} {v}");
            let slope = (e.pressure_at(v + h) - e.pressure_at(v - h)) / (2.0 * h);
            let b = e.bulk_modulus_at(v);
            assert!((b + v * slope).abs() < 1e-8, "{form:?} {v}");
            let p = e.pressure_at(v);
            assert!((e.volume_at(p).unwrap() - v).abs() < 1e-9, "{form:?} {v}");
            let (enthalpy, _) = e.enthalpy_at(p).unwrap();
            assert!((enthalpy - e.energy_at(v) - p * v).abs() < 1e-9);
        }
        // B0, B0' and B0'' are derivatives by the pressure: of B(P), by differences of two pressures.
        let b = |p: f64| e.bulk_modulus_at(e.volume_at(p).unwrap());
        assert!((b(0.0) - 0.5).abs() < 1e-12);
        let h = 1e-3;
        let first = (8.0 * (b(h) - b(-h)) - (b(2.0 * h) - b(-2.0 * h))) / (12.0 * h);
        assert!((first - e.derivative).abs() < 1e-6, "{form:?} {first}");
        let near = b(h) + b(-h) - 2.0 * b(0.0);
        let far = b(2.0 * h) + b(-2.0 * h) - 2.0 * b(0.0);
        let second = (16.0 * near - far) / (12.0 * h * h);
        assert!(
            (second - e.second_derivative).abs() < 1e-3,
            "{form:?} {second} {}",
            e.second_derivative
        );
    }
}

/// The pressure has a least value: no volume answers to one below it.
#[test]
fn no_volume_beyond_the_spinodal() {
    for form in [Form::BirchMurnaghan, Form::Vinet, Form::BirchMurnaghan2] {
        let (e, _) = made(form);
        assert!(e.volume_at(-0.02).is_some(), "{form:?}");
        assert_eq!(e.volume_at(-0.2), None, "{form:?}");
        assert_eq!(e.enthalpy_at(-0.2), None, "{form:?}");
    }
}

/// Errors of the parameters are what many fits of noisy points show.
#[test]
fn errors_are_honest() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
    for form in Form::ALL {
        let e = EquationOfState::new(form, [-10.0, 40.0, 0.5, 4.3, SECOND]);
        let free = form.free();
        let fits: Vec<Fit> = (0..400)
            .map(|_| {
                let points: Vec<(f64, f64)> = (0..15)
                    .map(|k| {
                        let v = 40.0 * (0.9 + 0.2 * f64::from(k) / 14.0);
                        let noise: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
                        (v, e.energy_at(v) + 1e-5 * noise)
                    })
                    .collect();
                fit(form, &points).unwrap()
            })
            .collect();
        for k in 0..free {
            let spread = fits
                .iter()
                .map(|f| (f.equation.parameters()[k] - e.parameters()[k]).powi(2))
                .sum::<f64>();
            let claimed = fits
                .iter()
                .map(|f| f.errors.unwrap()[k].powi(2))
                .sum::<f64>();
            let ratio = (spread / claimed).sqrt();
            assert!((0.85..1.15).contains(&ratio), "{form:?} {k} {ratio}");
        }
    }
}

#[test]
fn what_cannot_be_fitted() {
    for form in Form::ALL {
        assert!(fit(form, &[]).is_none());
        assert!(fit(form, &[(1.0, 2.0); 2]).is_none());
        assert!(fit(form, &[(1.0, 2.0); 9]).is_none());
        let falling: Vec<(f64, f64)> = (40..49).map(|k| (f64::from(k), -f64::from(k))).collect();
        assert!(fit(form, &falling).is_none(), "{form:?}");
        let bad = [
            (-1.0, 0.0),
            (1.0, f64::NAN),
            (2.0, 1.0),
            (3.0, 2.0),
            (4.0, 5.0),
        ];
        assert!(fit(form, &bad).is_none());
    }
    let (_, points) = made(Form::Vinet);
    assert!(fit(Form::Vinet, &points[..3]).is_none());
    let exact = fit(Form::Vinet, &points[..4]).unwrap();
    assert_eq!(exact.errors, None);
    assert_eq!(exact.deviation(4), None);
    assert!(fit(Form::BirchMurnaghan4, &points[..4]).is_none());
}
