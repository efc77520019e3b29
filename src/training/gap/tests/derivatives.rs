//! Rows of forces and virials against finite differences of rows of energies.

use super::super::points::{Chosen, Instances, choose_points};
use super::super::rows::{Block, Taken};
use super::super::settings::{
    Choice, GapSettings, Sigmas, TermDescriptor, TermSettings, Theta, TripletKernel,
};
use super::{bare, numbers, shaken};
use crate::potential::gap::Coordinate;
use crate::potential::gap::soap_turbo::{Basis, Compress, SoapTurboParameters, TurboSpecies};
use crate::training::data::LabelledFrame;

/// Terms of all kinds, small.
pub(super) fn terms() -> Vec<TermSettings> {
    let mut pair = TermSettings::pair(4.1);
    pair.points = 11;
    let mut triplet = TermSettings::triplet(3.1);
    triplet.points = 20;
    let mut compact = TermSettings::triplet(2.9);
    compact.points = 9;
    compact.choice = Choice::FarthestPoints;
    if let TermDescriptor::Triplet { kernel, theta, .. } = &mut compact.descriptor {
        *kernel = TripletKernel::Polynomial;
        *theta = Theta::Each(vec![2.5, 2.0, 3.0]);
    }
    let mut soap = TermSettings::soap(3.4);
    soap.points = 21;
    if let TermDescriptor::Soap { parameters, zeta } = &mut soap.descriptor {
        parameters.n_max = 3;
        parameters.l_max = 3;
        parameters.covariance_sigma0 = 0.1;
        *zeta = 3.0;
    }
    let species = TurboSpecies {
        number: 0,
        alpha_max: 3,
        sigma_r: 0.5,
        sigma_t: 0.5,
        sigma_r_scaling: 0.1,
        sigma_t_scaling: 0.1,
        amplitude_scaling: 1.0,
        central_weight: 1.0,
    };
    let turbo = TermSettings {
        descriptor: TermDescriptor::SoapTurbo {
            parameters: SoapTurboParameters {
                rcut_hard: 3.6,
                rcut_soft: 3.0,
                nf: 4.0,
                l_max: 3,
                basis: Basis::Poly3Gauss,
                radial_enhancement: 1,
                species: vec![species],
                central: 0,
                compress: Compress::Trivial,
            },
            zeta: 2.5,
            centres: Vec::new(),
        },
        delta: 0.3,
        points: 17,
        choice: Choice::KMeans,
    };
    vec![pair, triplet, compact, soap, turbo]
}

/// The coordinates of a term with the points chosen from some frames.
fn coordinates(term: &TermSettings, frames: &[LabelledFrame]) -> Vec<(Coordinate, Instances)> {
    let planned = super::super::expand::expand(std::slice::from_ref(term), &[6, 14]).unwrap();
    assert!(planned.len() >= 2);
    planned
        .iter()
        .filter_map(|p| choose_points(p, frames, 1, 1 << 30, String::new()).unwrap())
        .map(
            |Chosen {
                 coordinate,
                 instances,
                 ..
             }| (coordinate, instances),
        )
        .collect()
}

/// The columns of one row over all coordinates.
fn row(block: &Block<'_>, row: usize) -> Vec<f64> {
    let parts = block.parts();
    let of = parts
        .iter()
        .flat_map(|p| p.data[row * p.stride..][..p.width].to_vec());
    of.collect()
}

fn check(term: &TermSettings) {
    let mut frames = shaken(3, 5);
    for f in &mut frames {
        f.energy = Some(0.0);
    }
    let coordinates = coordinates(term, &frames);
    let settings = GapSettings {
        sigmas: Sigmas {
            energy: Some(1.0),
            force: Some(1.0),
            virial: Some(1.0),
        },
        ..GapSettings::default()
    };
    let mut block = Block::new(&coordinates, 4.2);
    let mut rows_of = |frame: &LabelledFrame, first: usize, count: usize| -> Vec<Vec<f64>> {
        let taken = Taken::of(frame, &settings);
        block.compute(&[frame], &[taken], &|| false).unwrap();
        (first..first + count).map(|r| row(&block, r)).collect()
    };
    let mut full = frames[1].clone();
    let n = full.len();
    full.forces = Some(vec![[0.0; 3]; n]);
    full.virial = Some([[0.0; 3]; 3]);
    let all = rows_of(&full, 0, 7 + 3 * n);
    let largest = all[7..]
        .iter()
        .flatten()
        .fold(0.0f64, |a, b| a.max(b.abs()));
    assert!(largest > 1e-9, "{largest}");
    // f'' jumps where switches begin and end: steps small enough that few pairs cross, differences of second order.
    let h = 2e-5;
    let tolerance = 2e-6 * largest;
    let mut energy = |cell: crate::system::Cell, x: &[[f64; 3]]| {
        let mut f = bare(cell, &full.system.atoms.elements, x, "");
        f.energy = Some(0.0);
        rows_of(&f, 0, 1).remove(0)
    };
    let (cell, x) = (
        full.system.cell.clone(),
        full.system.atoms.positions.clone(),
    );
    assert_eq!(energy(cell.clone(), &x), all[0]);
    for a in 0..n {
        for k in 0..3 {
            let mut moved = |h: f64| {
                let mut x = x.clone();
                x[a][k] += h;
                energy(cell.clone(), &x)
            };
            let (minus, plus) = (moved(-h), moved(h));
            for (s, analytic) in all[7 + 3 * a + k].iter().enumerate() {
                let numeric = (plus[s] - minus[s]) / (2.0 * h);
                assert!(
                    (numeric - analytic).abs() < tolerance,
                    "atom {a} {k} point {s}: {analytic} {numeric}"
                );
            }
        }
    }
    for (v, (a, b)) in [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
        .into_iter()
        .enumerate()
    {
        let mut strained = |h: f64| {
            let mut f = nalgebra::Matrix3::identity();
            f[(a, b)] += 0.5 * h;
            f[(b, a)] += 0.5 * h;
            let cell = cell.deformed(&f).unwrap();
            let x: Vec<[f64; 3]> = x
                .iter()
                .map(|x| std::array::from_fn(|k| (0..3).map(|l| x[l] * f[(l, k)]).sum()))
                .collect();
            energy(cell, &x)
        };
        let (minus, plus) = (strained(-h), strained(h));
        for (s, analytic) in all[1 + v].iter().enumerate() {
            let numeric = (plus[s] - minus[s]) / (2.0 * h);
            assert!(
                (numeric - analytic).abs() < 5.0 * tolerance,
                "virial {v} point {s}: {analytic} {numeric}"
            );
        }
    }
}

#[test]
fn rows_of_pairs() {
    check(&terms()[0]);
}

#[test]
fn rows_of_triplets() {
    check(&terms()[1]);
    check(&terms()[2]);
}

#[test]
fn rows_of_soap() {
    check(&terms()[3]);
    // A power of the density that needs no unit length.
    let mut plain = terms()[3].clone();
    if let TermDescriptor::Soap { parameters, zeta } = &mut plain.descriptor {
        parameters.normalise = false;
        *zeta = 1.0;
    }
    check(&plain);
}

#[test]
fn rows_of_soap_turbo() {
    check(&terms()[4]);
}

/// Frames in one block have the rows that they have alone.
#[test]
fn frames_of_a_block_do_not_touch_each_other() {
    let mut frames = shaken(3, 9);
    for (k, f) in frames.iter_mut().enumerate() {
        f.energy = Some(numbers(1, k as u64)[0]);
        f.forces = (k != 1).then(|| vec![[0.0; 3]; 5]);
        f.virial = (k == 2).then_some([[0.0; 3]; 3]);
    }
    let settings = GapSettings::default();
    for term in terms() {
        let coordinates = coordinates(&term, &frames);
        let mut block = Block::new(&coordinates, 4.2);
        let taken: Vec<Taken> = frames.iter().map(|f| Taken::of(f, &settings)).collect();
        let all: Vec<&LabelledFrame> = frames.iter().collect();
        block.compute(&all, &taken, &|| false).unwrap();
        let total: usize = taken.iter().map(Taken::rows).sum();
        let together: Vec<Vec<f64>> = (0..total).map(|r| row(&block, r)).collect();
        let mut at = 0;
        for (f, t) in frames.iter().zip(&taken) {
            block.compute(&[f], &[*t], &|| false).unwrap();
            for r in 0..t.rows() {
                assert_eq!(row(&block, r), together[at + r]);
            }
            at += t.rows();
        }
        assert_eq!((at, total), (total, 16 + 1 + 22));
    }
}
