//! The variance against QUIP's, at sparse points, far away, and as a process of plain matrices.

use super::super::tests_support::frames;
use super::super::{Gap, GapFile};
use super::*;
use crate::elements::Element;
use crate::potential::{Configuration, Evaluation, Evaluator, Local, Potential, Term, Want};
use crate::simd::{F64x8, Level, with_level};
use crate::system::Cell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

fn file(name: &str) -> GapFile {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gap");
    GapFile::read(&folder.join(name).join(format!("{name}.xml"))).unwrap()
}

/// Energy and variances of a configuration.
fn evaluation(
    file: &GapFile,
    jitter: f64,
    cell: &Cell,
    elements: &[Element],
    positions: &[[f64; 3]],
) -> Evaluation {
    let gap: Arc<dyn Potential> = Arc::new(Local(Gap::with(file.clone(), false, jitter).unwrap()));
    let mut evaluator = Evaluator::new(vec![Term::new("gap", gap)], 0.0);
    let mut result = [Evaluation::default()];
    let configuration = Configuration {
        cell,
        elements,
        positions,
    };
    let want = Want {
        reliability: true,
        ..Want::ALL
    };
    evaluator
        .evaluate(&[configuration], want, &mut result)
        .unwrap();
    let [result] = result;
    result
}

/// The sums of K(x, x) fc² with another prefactor: the variance when no sparse point counts.
fn prior(file: &GapFile, delta: f64, f: &super::super::tests_support::Frame) -> Vec<f64> {
    let mut file = file.clone();
    for c in &mut file.coordinates {
        c.sparse_cutoff.fill(0.0);
        c.delta = delta;
    }
    evaluation(&file, JITTER, &f.cell, &f.elements, &f.positions).reliability
}

#[test]
fn variances_of_quip() {
    for name in [
        "pair",
        "pairs",
        "soap",
        "soap_species",
        "old",
        "glue",
        "angles",
        "chains",
        "clusters",
        "turbo",
    ] {
        // QUIP breaks off series of soap_turbo at 1e-7.
        let relative = if name.starts_with("turbo") {
            1e-6
        } else {
            1e-9
        };
        // QUIP divides the variance of a `distance_Nb` of three among its atoms: there only the sums agree.
        let sums = ["chains", "clusters"].contains(&name);
        let mut file = file(name);
        // See tools/synthetic_gap.py.
        file.coordinates.iter_mut().for_each(|c| c.f0 = 0.0);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gap");
        let text = std::fs::read_to_string(folder.join(name).join("variance.txt")).unwrap();
        let frames: HashMap<String, _> = frames(&folder.join(name).join("reference.extxyz"))
            .into_iter()
            .map(|f| (f.name.clone(), f))
            .collect();
        let (mut worst, mut checked) = (0.0f64, 0);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let mut words = line.split_whitespace();
            let f = &frames[words.next().unwrap()];
            let sigma: f64 = words.next().unwrap().parse().unwrap();
            let jitter = sigma * sigma;
            let got = evaluation(&file, jitter, &f.cell, &f.elements, &f.positions).reliability;
            // QUIP adds the regularisation to K(x, x), too.
            let extra = prior(&file, sigma, f);
            let largest = prior(&file, 1.0, f).into_iter().fold(0.0, f64::max);
            assert_eq!(words.clone().count(), got.len());
            let mut expected: Vec<f64> = words.map(|w| w.parse().unwrap()).collect();
            let mut got: Vec<f64> = got.iter().zip(&extra).map(|(g, e)| g + e).collect();
            if sums {
                (got, expected) = (vec![got.iter().sum()], vec![expected.iter().sum()]);
            }
            for (got, expected) in got.into_iter().zip(expected) {
                let off = (got - expected).abs();
                worst = worst.max(off);
                // Both sides solve ill-conditioned systems: rounding of the largest number over the jitter's share.
                let noise = 1e-13 * (1.0 + largest) / sigma.sqrt();
                assert!(
                    off <= relative * expected + noise,
                    "{name} {} sigma {sigma}: {got} instead of {expected}, off by {off:e}",
                    f.name
                );
                checked += 1;
            }
        }
        println!("{name}: {checked} variances, off by {worst:.1e} eV²");
        assert!(checked >= 20);
    }
}

/// Two silicon atoms at a distance.
fn dimer(r: f64) -> (Vec<Element>, Vec<[f64; 3]>) {
    let silicon = Element::from_symbol("Si").unwrap();
    (vec![silicon; 2], vec![[0.0; 3], [0.0, 0.0, r]])
}

#[test]
fn known_points_and_unknown_ones() {
    let file = file("pair");
    let c = &file.coordinates[0];
    let at = |r: f64| {
        let (elements, positions) = dimer(r);
        evaluation(&file, JITTER, &Cell::isolated(), &elements, &positions).reliability
    };
    for (s, r) in c.sparse.iter().enumerate() {
        if c.sparse_cutoff[s] == 1.0 && *r < 3.5 {
            let v = at(*r);
            assert!(v[0] > 0.0 && v[0] < 1.01 * JITTER, "{r}: {v:?}");
            assert_eq!(v[0], v[1]);
        }
    }
    // Between the points there is something, and far from all of them everything, to learn.
    assert!(at(1.66)[0] > 100.0 * JITTER);
    assert!(at(0.01)[0] > 0.8 * c.delta * c.delta);
    assert_eq!(at(4.6), [0.0; 2]);
}

#[test]
fn the_variance_is_that_of_a_textbook() {
    // k(x,x) - kᵀ K⁻¹ k with nalgebra, for a three-dimensional process with permutations and both kernels.
    let points: Vec<f64> = (0..27)
        .map(|i| 1.0 + ((i * 37 % 23) as f64) * 0.11)
        .collect();
    for polynomial in [false, true] {
        let mut c = file("pair").coordinates[0].clone();
        let theta = vec![1.7, 2.1, 2.2];
        c.covariance = if polynomial {
            Covariance::Pp { theta }
        } else {
            Covariance::ArdSe { theta }
        };
        c.dimensions = 3;
        c.permutations = vec![vec![0, 1, 2], vec![1, 0, 2]];
        (c.delta, c.f0) = (1.3, 0.2);
        c.sparse = points.clone();
        c.sparse_cutoff = (0..9).map(|k| 1.0 - 0.05 * f64::from(k)).collect();
        c.alpha = vec![1.0; 9];
        let kernel = Distances::new(&c);
        let process = Variance::new(&c, 1e-8);
        let x: Vec<[f64; 3]> = (0..19)
            .map(|i| [1.5 + 0.1 * f64::from(i), 2.0, 3.0 - 0.07 * f64::from(i)])
            .collect();
        let mut reliability = vec![0.0; x.len()];
        let mut scratch = VarianceScratch::default();
        let mut batch = Batch::new(&process, &kernel, &mut scratch, &mut reliability);
        for (n, x) in x.iter().enumerate() {
            batch.push(n, 0.25, x);
        }
        batch.finish();
        let base = |a: &[f64], b: &[f64]| {
            let q: f64 = (0..3)
                .map(|d| ((a[d] - b[d]) / [1.9, 1.9, 2.2][d]).powi(2))
                .sum();
            let s = q.sqrt();
            match polynomial {
                true if s >= 1.0 => 0.0,
                true => (1.0 - s).powi(4) * (4.0 * s + 1.0),
                false => (-0.5 * q).exp(),
            }
        };
        let s = |a: &[f64], b: &[f64]| base(a, b) + base(&[a[1], a[0], a[2]], b);
        let k = |a: &[f64], b: &[f64]| 1.3 * 1.3 * s(a, b) / (s(a, a) * s(b, b)).sqrt() + 0.2 * 0.2;
        let point = |m: usize| &points[3 * m..3 * m + 3];
        let mm = nalgebra::DMatrix::from_fn(9, 9, |a, b| {
            k(point(a), point(b)) * c.sparse_cutoff[a] * c.sparse_cutoff[b]
                + if a == b { 1e-8 } else { 0.0 }
        });
        let inverse = mm.try_inverse().unwrap();
        for (n, x) in x.iter().enumerate() {
            let km = nalgebra::DVector::from_fn(9, |m, _| k(point(m), x) * c.sparse_cutoff[m]);
            let expected = 0.25 * (k(x, x) - (km.transpose() * &inverse * &km)[0]);
            assert!(
                // The explicit inverse of the test loses some digits.
                (reliability[n] - expected).abs() < 1e-10,
                "{n}: {} {expected}",
                reliability[n]
            );
        }
    }
}

#[test]
fn levels_and_blocks_agree() {
    // More centres than a block holds, in one row of calls and alone.
    let file = file("soap");
    let silicon = Element::from_symbol("Si").unwrap();
    let positions: Vec<[f64; 3]> = (0..75)
        .map(|i| {
            let [a, b, c] = [i % 5, i / 5 % 5, i / 25].map(f64::from);
            [2.4 * a + 0.1 * b, 2.5 * b, 2.6 * c + 0.13 * a]
        })
        .collect();
    let elements = vec![silicon; positions.len()];
    let value = |level| {
        with_level(level, || {
            evaluation(&file, JITTER, &Cell::isolated(), &elements, &positions).reliability
        })
    };
    let best = value(Level::Avx512);
    assert!(best.iter().all(|v| *v > 0.0 && *v < 0.36));
    for (a, b) in value(Level::Portable).iter().zip(&best) {
        assert!((a - b).abs() < 1e-10, "{a} {b}");
    }
}

#[test]
fn hopeless_covariances_are_called_infinite() {
    let mut c = file("pair").coordinates[0].clone();
    c.delta = 1e200;
    let mut scratch = VarianceScratch::default();
    scratch.groups(
        &Variance::new(&c, JITTER),
        &Distances::new(&c),
        &[F64x8::splat(2.0)],
        1,
    );
    assert_eq!(scratch.variance(0, 0), f64::INFINITY);
    // Points that are there many times raise the jitter as far as needed.
    c.delta = 3e4;
    c.sparse = vec![2.0; 50];
    (c.alpha, c.sparse_cutoff) = (vec![1.0; 50], vec![1.0; 50]);
    let kernel = Distances::new(&c);
    let process = Variance::new(&c, JITTER);
    assert!(process.factor(&kernel).unwrap().jitter > JITTER);
    scratch.groups(&process, &kernel, &[F64x8::splat(2.0)], 1);
    assert!(scratch.variance(0, 0).abs() < 1e-3 * 9e8);
}

#[test]
fn too_many_points_are_not_offered() {
    let mut file = file("pair");
    assert!(Variances::new(&file.coordinates, JITTER).is_some());
    file.coordinates[0].alpha = vec![0.0; MOST_POINTS + 1];
    assert!(Variances::new(&file.coordinates, JITTER).is_none());
}
