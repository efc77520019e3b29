//! Tables against exact sums, and exact sums against a double-double evaluation.

use super::super::descriptor::Descriptor;
use super::*;
use crate::potential::gap::coordinate::Covariance;
use crate::potential::gap::cutoff::Zone;

/// A coordinate with `n` points from 1 Å to its cutoff and weights of alternating sign as big as fits make them.
fn coordinate(z: [u8; 2], cutoff: f64, width: f64, theta: f64, size: f64) -> Coordinate {
    let n = 12;
    let points: Vec<f64> = (0..n)
        .map(|k| 1.0 + (cutoff - 1.2) * f64::from(k) / f64::from(n - 1))
        .collect();
    let alpha = (0..n)
        .map(|k| size * (f64::from(k) * 1.7).sin() * if k % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    Coordinate {
        label: "test".into(),
        dimensions: 1,
        delta: 0.7,
        f0: 0.0,
        covariance: Covariance::ArdSe { theta: vec![theta] },
        permutations: vec![vec![0]],
        descriptor: Descriptor::Distance2b(Distance2b {
            cutoff,
            transition_width: width,
            z1: z[0],
            z2: z[1],
            exponents: vec![1],
            tail_exponent: 0.0,
            tail_range: 1.0,
        }),
        alpha,
        sparse_cutoff: points
            .iter()
            .map(|r| if *r > cutoff - width { 0.4 } else { 1.0 })
            .collect(),
        sparse: points,
    }
}

fn edit(c: &mut Coordinate, change: impl Fn(&mut Distance2b)) {
    if let Descriptor::Distance2b(d) = &mut c.descriptor {
        change(d);
    }
}

/// Largest deviations of a table from the exact form, in energy relative to 1 eV + |E| + |dE/dr| 1 Å and in slope
/// relative to 1 eV/Å + the largest |dE/dr|; the exact values have thirty digits.
fn deviation(f: &PairFunction) -> (f64, f64) {
    let table = f.table.as_ref().expect("a table");
    let (mut energy, mut slope, mut steepest) = (0f64, 0f64, 1f64);
    let end = f.cutoff2.sqrt();
    for k in 0..20_000 {
        let r = 0.2 + (end - 0.2) * (f64::from(k) + 0.37) / 20_000.0;
        let exact = f
            .terms
            .iter()
            .fold([0.0; 2], |a, t| match t.switch.zone(r) {
                Zone::Beyond => a,
                zone => {
                    let part = t.smooth(r, zone);
                    [a[0] + part[0].value(), a[1] + part[1].value()]
                }
            });
        let got = table.at(r).expect("inside the table");
        energy = energy.max((got.0 - exact[0]).abs() / (1.0 + exact[0].abs() + exact[1].abs()));
        slope = slope.max((got.1 - exact[1]).abs());
        steepest = steepest.max(exact[1].abs());
    }
    (energy, slope / (1.0 + steepest))
}

#[test]
fn tables_hold_the_energy_to_rounding() {
    for size in [1.0, 1e3, 4e6] {
        let mut short = coordinate([8, 8], 4.0, 0.5, 1.0, size);
        edit(&mut short, |d| (d.tail_exponent, d.tail_range) = (2.0, 0.7));
        for coordinates in [
            vec![coordinate([8, 8], 4.0, 0.5, 1.0, size)],
            vec![
                coordinate([8, 8], 5.0, 1.0, 0.5, size),
                coordinate([0, 8], 3.1, 0.3, 1.3, size),
            ],
            vec![short],
        ] {
            let t = TwoBody::new(&coordinates, true);
            for f in &t.functions {
                let (energy, slope) = deviation(f);
                println!(
                    "weights {size:e}: energy {energy:.1e}, slope {slope:.1e}, table error {:.1e}, {} intervals",
                    f.table.as_ref().unwrap().error(),
                    f.table.as_ref().unwrap().len()
                );
                // The stated bounds: 5e-14 of (1 eV + |E| + |dE/dr| 1 Å), 5e-12 of (1 eV/Å + the largest |dE/dr|).
                assert!(energy < 5e-14 && slope < 5e-12, "{energy:e} {slope:e}");
                assert_eq!(
                    f.table.as_ref().unwrap().at(f.cutoff2.sqrt() + 1e-9),
                    Some((0.0, 0.0))
                );
            }
        }
    }
}

#[test]
fn exact_sums_agree_with_thirty_digits() {
    let t = TwoBody::new(&[coordinate([8, 1], 4.0, 0.5, 1.0, 1.0)], false);
    assert!(t.functions[0].table.is_none());
    for k in 1..400 {
        let r = f64::from(k) * 0.01;
        let (value, slope) = t.functions[0].at(r);
        let term = &t.functions[0].terms[0];
        let wide = term.smooth(r, term.switch.zone(r));
        assert!((value - wide[0].value()).abs() < 2e-15 * 12.0, "{r}");
        assert!((slope - wide[1].value()).abs() < 2e-14 * 12.0, "{r}");
    }
}

#[test]
fn slopes_are_derivatives_for_every_kernel_and_power() {
    let mut powers = coordinate([0, 0], 4.0, 0.8, 0.6, 1.0);
    edit(&mut powers, |d| d.exponents = vec![-1, -2]);
    powers.dimensions = 2;
    powers.sparse = powers
        .sparse
        .iter()
        .flat_map(|r| [1.0 / r, 1.0 / (r * r)])
        .collect();
    powers.covariance = Covariance::ArdSe {
        theta: vec![0.3, 0.4],
    };
    let mut polynomial = coordinate([0, 0], 4.0, 0.8, 0.6, 1.0);
    polynomial.covariance = Covariance::Pp { theta: vec![0.9] };
    polynomial.f0 = 0.3;
    let mut tail = coordinate([0, 0], 4.0, 0.8, 0.6, 1.0);
    edit(&mut tail, |d| d.tail_exponent = 6.0);
    for c in [powers, polynomial, tail] {
        let t = TwoBody::new(std::slice::from_ref(&c), false);
        for r in [0.9, 1.4, 2.3, 3.11, 3.5, 3.97] {
            let h = 1e-4;
            let numeric = (t.functions[0].at(r + h).0 - t.functions[0].at(r - h).0) / (2.0 * h);
            let slope = t.functions[0].at(r).1;
            assert!(
                (numeric - slope).abs() < 1e-6 * (1.0 + slope.abs()),
                "{r}: {numeric} {slope}"
            );
        }
    }
}

#[test]
fn what_a_table_cannot_hold_stays_exact() {
    let mut polynomial = coordinate([14, 14], 4.0, 0.8, 0.6, 1.0);
    polynomial.covariance = Covariance::Pp { theta: vec![0.9] };
    let mut narrow = coordinate([14, 6], 4.0, 0.8, 1.0, 1.0);
    narrow.covariance = Covariance::ArdSe { theta: vec![1e-3] };
    let t = TwoBody::new(
        &[polynomial, narrow, coordinate([6, 6], 4.0, 0.5, 1.0, 1.0)],
        true,
    );
    assert_eq!(t.functions.iter().filter(|f| f.table.is_some()).count(), 1);
    assert!(t.table_error().unwrap() < 1e-12);
}

#[test]
fn elements_meet_their_coordinates() {
    let any = |c: &TwoBody, a: u8, b: u8| {
        let of = |z| c.slot(Element::from_number(z).unwrap());
        let index = c.pairs[of(a) * c.slot_count + of(b)];
        c.functions.get(index as usize).map_or(0, |f| f.terms.len())
    };
    let t = TwoBody::new(
        &[
            coordinate([8, 1], 4.0, 0.5, 1.0, 1.0),
            coordinate([0, 8], 3.0, 0.5, 1.0, 1.0),
        ],
        false,
    );
    assert_eq!(
        [
            any(&t, 8, 1),
            any(&t, 1, 8),
            any(&t, 8, 8),
            any(&t, 8, 14),
            any(&t, 1, 1),
            any(&t, 14, 6)
        ],
        [2, 2, 1, 1, 0, 0]
    );
    let t = TwoBody::new(&[coordinate([0, 0], 4.0, 0.5, 1.0, 1.0)], false);
    assert_eq!([any(&t, 8, 1), any(&t, 118, 118)], [1, 1]);
}
