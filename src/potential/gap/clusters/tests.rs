//! Grids against the sums that they stand for.

use super::super::coordinate::Covariance;
use super::super::descriptor::Descriptor;
use super::super::tests_support::{check_gradients, evaluate, frames, reference};
use super::super::variance::JITTER;
use super::super::{Gap, GapFile};
use super::grid::{Grid, SHORTEST, samples};
use super::process::{Inputs, Outputs, Process};
use super::*;
use crate::potential::LocalModel;
use crate::simd::{Level, with_level};

/// Numbers from 0 to 1, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.roll()
    }
}

const CUTOFF: f64 = 3.5;

/// A `distance_Nb` coordinate on three like atoms. Its weights reach `size` and cancel as those of fits do: they take third
/// differences of the kernel with steps up to `step` (Å).
fn coordinate(points: usize, theta: f64, size: f64, step: f64) -> Coordinate {
    let mut dice = Dice(7);
    let (mut sparse, mut alpha) = (Vec::new(), Vec::new());
    for _ in 0..points / 4 {
        let at: [f64; 3] = std::array::from_fn(|d| dice.between(0.8, ends()[d][1]));
        let by: [f64; 3] = std::array::from_fn(|_| dice.between(-step, step));
        let weight = dice.between(-size, size);
        for (k, b) in [1.0, -3.0, 3.0, -1.0].into_iter().enumerate() {
            sparse.extend((0..3).map(|d| at[d] + k as f64 * by[d]));
            alpha.push(b * weight);
        }
    }
    Coordinate {
        label: "test".into(),
        dimensions: 3,
        delta: 0.3,
        f0: 0.0,
        covariance: Covariance::ArdSe {
            theta: vec![theta; 3],
        },
        permutations: vec![vec![0, 1, 2], vec![1, 0, 2]],
        descriptor: Descriptor::DistanceNb(DistanceNb {
            cutoff: CUTOFF,
            transition_width: 0.5,
            z: vec![14; 3],
            compact: true,
        }),
        sparse_cutoff: vec![1.0; alpha.len()],
        alpha,
        sparse,
    }
}

fn ends() -> [[f64; 2]; 3] {
    [
        [SHORTEST, CUTOFF],
        [SHORTEST, CUTOFF],
        [SHORTEST, 2.0 * CUTOFF],
    ]
}

fn grid(process: &Process) -> Option<Grid> {
    let triangles = samples(CUTOFF, |r| r);
    Grid::new(process, ends(), &triangles, &mut Budget::default())
}

/// Triples of sides, many of them at or very near the faces of the grid.
fn triangles(count: usize) -> Vec<Inputs> {
    let mut dice = Dice(11);
    let mut out = vec![Inputs::default(); count.div_ceil(8)];
    for x in &mut out {
        for (d, [low, high]) in ends().into_iter().enumerate() {
            for l in 0..8 {
                let inside = dice.between(low, high);
                x[d].0[l] = match (10.0 * dice.roll()) as usize {
                    0 => low,
                    1 => high,
                    2 => low + 1e-9 * dice.roll(),
                    3 => high - 1e-9 * dice.roll(),
                    _ => inside,
                };
            }
        }
    }
    out
}

fn sums(grid: &Grid, x: &[Inputs]) -> (Vec<Outputs>, Vec<u32>) {
    let mut out = vec![Outputs::default(); x.len()];
    let mut outside = Vec::new();
    grid.sums(x, 8 * x.len(), &mut out, &mut outside);
    (out, outside)
}

#[test]
fn grids_give_the_sums_to_their_rounding() {
    for (theta, size, step) in [(2.0, 1.0, 1.0), (2.0, 1e6, 0.01), (1.2, 1e3, 0.1)] {
        let process = Process::new(&coordinate(160, theta, size, step), 1.0);
        let grid = grid(&process).expect("a grid");
        let x = triangles(4000);
        let mut exact = vec![Outputs::default(); x.len()];
        process.sums(&x, &mut exact);
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            let (got, outside) = with_level(level, || sums(&grid, &x));
            assert!(outside.is_empty());
            let mut worst = [0.0f64; 2];
            for (g, e) in got.iter().zip(&exact) {
                for d in 0..4 {
                    for l in 0..8 {
                        let off = (g[d].0[l] - e[d].0[l]).abs();
                        assert!(off.is_finite());
                        worst[d.min(1)] = worst[d.min(1)].max(off);
                    }
                }
            }
            println!(
                "theta {theta}, weights to {size}, {level:?}: {worst:?}, said {:e}",
                grid.error()
            );
            assert!(
                worst[0] < 3e-12 + 1e-15 * size && worst[1] < 1e-10 + 1e-14 * size,
                "{worst:?}"
            );
            // The places where the grid was measured stand for all.
            assert!(worst[0] < 3.0 * grid.error(), "{worst:?}");
        }
    }
}

#[test]
fn slopes_are_those_of_the_spline() {
    let process = Process::new(&coordinate(100, 1.5, 1e3, 0.1), 1.0);
    let grid = grid(&process).expect("a grid");
    let mut dice = Dice(3);
    let h = 1e-4;
    for _ in 0..50 {
        let at: [f64; 3] = std::array::from_fn(|d| {
            let [low, high] = ends()[d];
            dice.between(low + 3.0 * h, high - 3.0 * h)
        });
        let value = |x: [f64; 3]| sums(&grid, &[x.map(crate::simd::F64x8::splat)]).0[0];
        for d in 0..3 {
            let moved = |s: f64| {
                let mut x = at;
                x[d] += s * h;
                value(x)[0].0[0]
            };
            let slope =
                (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * h);
            let given = value(at)[d + 1].0[0];
            assert!(
                (slope - given).abs() < 1e-8 * (1.0 + given.abs()),
                "{slope} {given}"
            );
        }
    }
}

#[test]
fn what_is_outside_is_left_alone_and_named() {
    let process = Process::new(&coordinate(100, 1.5, 1.0, 1.0), 1.0);
    let grid = grid(&process).expect("a grid");
    let mut x = triangles(16);
    x[0][0].0[3] = 0.49;
    x[1][2].0[0] = 7.001;
    x[1][1].0[7] = f64::NAN;
    let mut out = vec![[crate::simd::F64x8::splat(-1.0); 4]; 2];
    let mut outside = Vec::new();
    grid.sums(&x, 15, &mut out, &mut outside);
    assert_eq!(outside, [3, 8]);
    assert_eq!(out[0][0].0[3], -1.0);
    assert_eq!(out[1][3].0[7], -1.0, "beyond the count");
}

#[test]
fn no_grid_where_it_does_not_pay_or_fit() {
    let few = Process::new(&coordinate(20, 2.0, 1.0, 1.0), 1.0);
    assert!(grid(&few).is_none());
    let narrow = Process::new(&coordinate(100, 0.05, 1.0, 1.0), 1.0);
    assert!(grid(&narrow).is_none());
    let mut c = coordinate(100, 2.0, 1.0, 1.0);
    c.covariance = Covariance::Pp {
        theta: vec![2.0; 3],
    };
    assert!(grid(&Process::new(&c, 1.0)).is_none());
    let process = Process::new(&coordinate(100, 2.0, 1.0, 1.0), 1.0);
    let mut nothing = Budget {
        numbers: 0,
        products: usize::MAX,
    };
    let triangles = samples(CUTOFF, |r| r);
    assert!(Grid::new(&process, ends(), &triangles, &mut nothing).is_none());
}

#[test]
fn a_model_with_grids_is_the_model() {
    let Some(folder) = reference("sic_nb") else {
        return;
    };
    let file = GapFile::read(&folder.join("GAP.xml")).unwrap();
    let (exact, fast) = (
        Gap::with(file.clone(), false, JITTER).unwrap(),
        Gap::new(file).unwrap(),
    );
    let said = fast.description().details.join("\n");
    assert!(said.contains("4 of 4 triplet terms tabulated"), "{said}");
    println!("{said}");
    let (mut energy, mut force, mut checked) = (0.0f64, 0.0f64, 0);
    for mut f in frames(&folder.join("reference.extxyz")) {
        if f.elements.len() > 16 {
            continue;
        }
        if check_gradients(&fast, &f, &[3.0, 3.5, 4.0, 4.5], 1e-4) {
            checked += 1;
        }
        for squeeze in [1.0, 0.3] {
            // A squeezed cluster has sides shorter than the grids begin.
            if squeeze < 1.0 && !f.cell.is_isolated() {
                continue;
            }
            f.positions.iter_mut().flatten().for_each(|x| *x *= squeeze);
            let a = evaluate(&exact, &f.cell, &f.elements, &f.positions);
            let b = evaluate(&fast, &f.cell, &f.elements, &f.positions);
            energy = energy.max((a.energy - b.energy).abs() / f.elements.len() as f64);
            for (a, b) in a.forces.iter().flatten().zip(b.forces.iter().flatten()) {
                force = force.max((a - b).abs());
            }
            println!("{} {squeeze}: {energy:e} {force:e}", f.name);
        }
    }
    // Weights of two million cancel: a sum of either form is off by up to 3e-10 eV, and an atom of a crystal has a hundred
    // triangles that are all alike.
    assert!(energy < 4e-8 && force < 1e-6);
    assert!(checked >= 1, "{checked}");
}
