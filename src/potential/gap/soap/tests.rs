//! The whole descriptor and its gradients against mathematics.

use super::SoapParameters;
use super::tests_support::{Output, OwnedRows, Sequence, made_up};
use crate::potential::Want;
use crate::potential::gap::density::{
    DensityScratch, DensityTerm, Directions, Harmonics, RadialFunctions, RadialMode, Weights,
};
use crate::simd::{Level, with_level};
use crate::system::Cell;

fn two_species() -> SoapParameters {
    SoapParameters {
        cutoff: 4.0,
        transition_width: 1.0,
        l_max: 5,
        n_max: 5,
        atom_sigma: 0.5,
        species: vec![6, 1],
        central_reference_all_species: false,
        ..SoapParameters::default()
    }
}

fn one_species(n_max: usize, l_max: usize) -> SoapParameters {
    SoapParameters {
        l_max,
        n_max,
        species: vec![14],
        ..two_species()
    }
}

/// A jumble of atoms in a skewed cell with room between them.
fn jumble(seed: u64, count: usize, kinds: &[u8]) -> (Cell, Vec<u8>, Vec<[f64; 3]>) {
    let mut random = Sequence(seed);
    let edge = 2.3 * (count as f64).cbrt();
    let cell = Cell::new(
        [[edge, 0.2, 0.0], [0.9, edge, -0.3], [-0.4, 0.6, edge]],
        [true; 3],
    )
    .unwrap();
    let mut positions: Vec<[f64; 3]> = Vec::new();
    while positions.len() < count {
        let p = cell.cartesian([random.next(), random.next(), random.next()]);
        let clear = positions.iter().all(|q| {
            let s = cell.fractional(std::array::from_fn(|k| p[k] - q[k]));
            let d = cell.cartesian(s.map(|x| x - x.round()));
            d.iter().map(|x| x * x).sum::<f64>() > 1.2 * 1.2
        });
        if clear {
            positions.push(p);
        }
    }
    let numbers = (0..count).map(|i| kinds[i % kinds.len()]).collect();
    (cell, numbers, positions)
}

fn rows_of((cell, numbers, positions): &(Cell, Vec<u8>, Vec<[f64; 3]>), reach: f64) -> OwnedRows {
    OwnedRows::build(cell, numbers, positions, reach)
}

fn run(soap: &DensityTerm, rows: &OwnedRows) -> Output {
    Output::of(soap, rows, Want::DYNAMICS, &mut DensityScratch::default())
}

fn assert_close(a: &Output, b: &Output, tolerance: f64) {
    let scale = a.energy.iter().map(|e| e.abs()).fold(1.0, f64::max);
    for (x, y) in a.energy.iter().zip(&b.energy) {
        assert!((x - y).abs() <= tolerance * scale, "energy {x} {y}");
    }
    for k in 0..3 {
        for (x, y) in a.g[k].iter().zip(&b.g[k]) {
            assert!(
                (x - y).abs() <= 30.0 * tolerance * scale,
                "gradient {x} {y}"
            );
        }
    }
}

/// The energy of centre 0 by the formulas of the method, sum by sum, sharing only the radial functions' definition.
fn by_definition(
    p: &SoapParameters,
    points: &[Vec<f64>],
    alpha: &[f64],
    zeta: f64,
    rows: &OwnedRows,
) -> f64 {
    let basis = super::RadialBasis::new(p).unwrap();
    let weight = super::cutoff::Cutoff::new(p);
    let harmonics = Harmonics::new(p.l_max);
    let size = (p.l_max + 1) * (p.l_max + 1);
    let per_l = p.n_max.div_ceil(4);
    let n = p.n_max;
    let mut c = vec![0.0; p.channels() * size];
    for (z, &kind) in p.species.iter().enumerate() {
        if p.central_reference_all_species || kind == rows.centres[0].number() || kind == 0 {
            c[z * n * size] +=
                p.central_weight * basis.centre / (4.0 * std::f64::consts::PI).sqrt();
        }
        for j in rows.view().of(0) {
            if (kind != 0 && rows.elements[j].number() != kind) || rows.r2[j] >= p.cutoff * p.cutoff
            {
                continue;
            }
            let r = rows.r2[j].sqrt();
            let mut g = vec![crate::simd::F64x4::ZERO; (p.l_max + 1) * per_l];
            let mut slope = g.clone();
            basis.exact(r, &mut g, &mut slope, &mut Vec::new());
            let mut directions = Directions::default();
            let mut y = vec![crate::simd::F64x4::ZERO; size];
            let [ux, uy, uz] =
                [rows.x[j], rows.y[j], rows.z[j]].map(|x| crate::simd::F64x4::splat(x / r));
            harmonics.directions::<false>(
                ux,
                uy,
                uz,
                crate::simd::F64x4::splat(1.0),
                &mut directions,
            );
            harmonics.products(&directions, &mut y);
            let f = weight.value_and_slope(r).0;
            for k in 0..n {
                for l in 0..=p.l_max {
                    for i in l * l..(l + 1) * (l + 1) {
                        c[(z * n + k) * size + i] += f * g[l * per_l + k / 4].0[k % 4] * y[i].0[0];
                    }
                }
            }
        }
    }
    let mut q = Vec::new();
    for a in 0..p.channels() {
        for b in 0..=a {
            for l in 0..=p.l_max {
                let sum: f64 = (l * l..(l + 1) * (l + 1))
                    .map(|i| c[a * size + i] * c[b * size + i])
                    .sum();
                let root = if p.divide_by_sqrt_2l1 {
                    ((2 * l + 1) as f64).sqrt()
                } else {
                    1.0
                };
                q.push(sum / root * if a == b { 1.0 } else { 2f64.sqrt() });
            }
        }
    }
    let norm = q.iter().map(|x| x * x).sum::<f64>().sqrt();
    if p.normalise {
        q.iter_mut().for_each(|x| *x /= norm);
    }
    q.push(p.covariance_sigma0);
    points
        .iter()
        .zip(alpha)
        .map(|(x, a)| a * 0.49 * x.iter().zip(&q).map(|(x, q)| x * q).sum::<f64>().powf(zeta))
        .sum()
}

#[test]
fn energies_follow_the_definition() {
    let system = jumble(5, 6, &[6, 1, 8]);
    let variants = [
        two_species(),
        SoapParameters {
            central_reference_all_species: true,
            central_weight: 0.3,
            ..two_species()
        },
        SoapParameters {
            species: vec![0],
            n_max: 3,
            divide_by_sqrt_2l1: false,
            ..two_species()
        },
        SoapParameters {
            covariance_sigma0: 0.4,
            cutoff_dexp: 2.0,
            cutoff_rate: 1.5,
            ..two_species()
        },
        SoapParameters {
            normalise: false,
            l_max: 0,
            n_max: 1,
            ..two_species()
        },
    ];
    for p in variants {
        let rows = rows_of(&system, 4.5);
        let d = p.dimensions();
        let mut random = Sequence(9);
        let points: Vec<Vec<f64>> = (0..13)
            .map(|_| (0..d).map(|_| 0.1 * random.next()).collect())
            .collect();
        let alpha: Vec<f64> = (0..13).map(|_| random.next() - 0.5).collect();
        for zeta in [1.0, 2.0, 3.7, 4.0] {
            let weights = Weights {
                delta: 0.7,
                zeta,
                alpha: alpha.clone(),
                sparse_cutoff: vec![1.0; 13],
                sparse: points.concat(),
            };
            let soap = p.term(weights, RadialMode::Table).unwrap();
            let energy = run(&soap, &rows).energy[0];
            let expected = by_definition(&p, &points, &alpha, zeta, &rows);
            assert!(
                (energy - expected).abs() < 1e-12 * expected.abs().max(1.0),
                "{energy} {expected}"
            );
        }
    }
}

#[test]
fn forces_are_the_gradient_of_the_energy() {
    let cases = [
        (two_species(), 4.0, vec![6u8, 1, 8]),
        (
            SoapParameters {
                centre: vec![1],
                ..two_species()
            },
            2.0,
            vec![6, 1],
        ),
        (
            SoapParameters {
                central_weight: 0.0,
                ..one_species(4, 6)
            },
            2.5,
            vec![14],
        ),
        (
            SoapParameters {
                normalise: false,
                central_weight: 0.2,
                ..one_species(3, 2)
            },
            1.0,
            vec![14],
        ),
        (
            SoapParameters {
                cutoff_dexp: 3.0,
                covariance_sigma0: 0.5,
                ..one_species(9, 9)
            },
            4.0,
            vec![14],
        ),
        (
            SoapParameters {
                species: vec![0],
                l_max: 0,
                n_max: 3,
                ..two_species()
            },
            4.0,
            vec![14, 6],
        ),
    ];
    for (p, zeta, kinds) in cases {
        let soap = made_up(&p, zeta, 25, RadialMode::Table);
        let (cell, numbers, positions) = jumble(3, 7, &kinds);
        let energy = |positions: &[[f64; 3]]| -> f64 {
            let rows = OwnedRows::build(&cell, &numbers, positions, 4.0);
            Output::of(&soap, &rows, Want::ENERGY, &mut DensityScratch::default())
                .energy
                .iter()
                .sum()
        };
        let rows = OwnedRows::build(&cell, &numbers, &positions, 4.0);
        let out = run(&soap, &rows);
        let forces = out.forces(&rows);
        let largest = forces
            .as_flattened()
            .iter()
            .fold(0.0, |m: f64, f| m.max(f.abs()));
        assert!(largest > 1e-3, "the test must see forces");
        for atom in [0, 1, 4] {
            for k in 0..3 {
                let at = |h: f64| {
                    let mut moved = positions.clone();
                    moved[atom][k] += h;
                    energy(&moved)
                };
                let h = 1e-4;
                let numeric = -(8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let error = (numeric - forces[atom][k]).abs();
                // f'' of the cutoff jumps where its cosine starts: pairs that cross it spoil the fourth order.
                assert!(
                    error < 2e-6 * largest,
                    "{p:?}: {numeric} {}",
                    forces[atom][k]
                );
            }
        }
    }
}

#[test]
fn rotation_and_order_do_not_matter() {
    let soap = made_up(&two_species(), 4.0, 30, RadialMode::Table);
    let mut random = Sequence(11);
    let positions: Vec<[f64; 3]> = (0..9)
        .map(|_| std::array::from_fn(|_| 4.0 * random.next()))
        .collect();
    let numbers = [6u8, 1, 1, 1, 6, 1, 6, 1, 1];
    let cell = Cell::isolated();
    let rows = OwnedRows::build(&cell, &numbers, &positions, 4.0);
    let out = run(&soap, &rows);

    let rotation = nalgebra::Rotation3::from_euler_angles(0.4, -1.2, 2.2);
    let turn = |p: &[f64; 3]| -> [f64; 3] { (rotation * nalgebra::Vector3::from(*p)).into() };
    let turned: Vec<[f64; 3]> = positions.iter().map(turn).collect();
    let turned_rows = OwnedRows::build(&cell, &numbers, &turned, 4.0);
    let turned_out = run(&soap, &turned_rows);
    for (a, b) in out.energy.iter().zip(&turned_out.energy) {
        assert!((a - b).abs() < 1e-12 * a.abs().max(1.0), "{a} {b}");
    }
    for (a, b) in out
        .forces(&rows)
        .iter()
        .map(turn)
        .zip(turned_out.forces(&turned_rows))
    {
        for k in 0..3 {
            assert!((a[k] - b[k]).abs() < 1e-10, "{a:?} {b:?}");
        }
    }

    let order = [3, 8, 0, 5, 2, 7, 1, 6, 4];
    let shuffled: Vec<[f64; 3]> = order.iter().map(|i| positions[*i]).collect();
    let shuffled_numbers: Vec<u8> = order.iter().map(|i| numbers[*i]).collect();
    let shuffled_rows = OwnedRows::build(&cell, &shuffled_numbers, &shuffled, 4.0);
    let shuffled_out = run(&soap, &shuffled_rows);
    for (at, i) in order.iter().enumerate() {
        // Neighbours are sorted by distance, so even the last bits agree.
        assert_eq!(shuffled_out.energy[at].to_bits(), out.energy[*i].to_bits());
    }
}

#[test]
fn table_and_exact_radial_functions_agree() {
    for p in [two_species(), one_species(10, 12), one_species(8, 8)] {
        let system = jumble(8, 12, &p.species);
        let rows = rows_of(&system, 4.0);
        let table = made_up(&p, 4.0, 40, RadialMode::Table);
        let exact = made_up(&p, 4.0, 40, RadialMode::Exact);
        assert!(table.radial_error() < 1e-14, "{}", table.radial_error());
        assert_close(&run(&table, &rows), &run(&exact, &rows), 1e-12);
    }
}

#[test]
fn simd_levels_agree_to_rounding() {
    for p in [two_species(), one_species(10, 7)] {
        let rows = rows_of(&jumble(4, 19, &p.species), 4.0);
        let soap = made_up(&p, 4.0, 50, RadialMode::Table);
        let plain = with_level(Level::Portable, || run(&soap, &rows));
        for level in [Level::Avx2, Level::Avx512] {
            assert_close(&plain, &with_level(level, || run(&soap, &rows)), 1e-13);
        }
    }
}

#[test]
fn blocking_does_not_change_a_bit() {
    let system = jumble(21, 45, &[6, 1, 1]);
    let p = SoapParameters {
        centre: vec![1],
        ..two_species()
    };
    let soap = made_up(&p, 4.0, 20, RadialMode::Table);
    let all = rows_of(&system, 4.0);
    let mut scratch = DensityScratch::default();
    let together = Output::of(&soap, &all, Want::DYNAMICS, &mut scratch);
    for count in [1usize, 3, 8, 13, 32] {
        let mut from = 0;
        while from < 45 {
            let to = (from + count).min(45);
            let range = all.first[from] as usize..all.first[to] as usize;
            let part = OwnedRows {
                centres: all.centres[from..to].to_vec(),
                first: all.first[from..=to]
                    .iter()
                    .map(|f| f - all.first[from])
                    .collect(),
                elements: all.elements[range.clone()].to_vec(),
                atom: all.atom[range.clone()].to_vec(),
                x: all.x[range.clone()].to_vec(),
                y: all.y[range.clone()].to_vec(),
                z: all.z[range.clone()].to_vec(),
                r2: all.r2[range.clone()].to_vec(),
            };
            let out = Output::of(&soap, &part, Want::DYNAMICS, &mut scratch);
            assert_eq!(out.energy, together.energy[from..to]);
            for k in 0..3 {
                assert_eq!(out.g[k], together.g[k][range.clone()]);
            }
            from = to;
        }
    }
    // Energy alone takes a shorter way to the same number, and other models may have used the scratch.
    let other = made_up(&one_species(6, 3), 2.0, 9, RadialMode::Table);
    Output::of(
        &other,
        &rows_of(&jumble(1, 10, &[14]), 4.0),
        Want::DYNAMICS,
        &mut scratch,
    );
    assert_eq!(
        Output::of(&soap, &all, Want::ENERGY, &mut scratch).energy,
        together.energy
    );
}

#[test]
fn results_are_added_and_only_for_centres() {
    let rows = rows_of(&jumble(2, 9, &[6, 1]), 5.0);
    let soap = made_up(
        &SoapParameters {
            centre: vec![6],
            ..two_species()
        },
        4.0,
        12,
        RadialMode::Table,
    );
    let once = run(&soap, &rows);
    for (e, element) in once.energy.iter().zip(&rows.centres) {
        assert_eq!(*e != 0.0, element.number() == 6);
    }
    for (i, r2) in rows.r2.iter().enumerate() {
        if *r2 >= 16.0 {
            assert_eq!([once.g[0][i], once.g[1][i], once.g[2][i]], [0.0; 3]);
        }
    }
    let mut twice = once.clone();
    let [gx, gy, gz] = &mut twice.g;
    let mut results = crate::potential::RowResults {
        energy: &mut twice.energy,
        gx,
        gy,
        gz,
        radial: &mut [],
        booked: &mut [],
        reliability: &mut [],
    };
    soap.evaluate(
        &rows.view(),
        Want::DYNAMICS,
        &mut DensityScratch::default(),
        &mut results,
    );
    for (a, b) in once.energy.iter().zip(&twice.energy) {
        assert_eq!(2.0 * a, *b);
    }
    for (a, b) in once.g[2].iter().zip(&twice.g[2]) {
        assert_eq!(2.0 * a, *b);
    }
}

#[test]
fn lonely_and_crowded_atoms() {
    let lone = OwnedRows::build(&Cell::isolated(), &[14], &[[0.0; 3]], 4.0);
    let with_centre = made_up(&one_species(5, 4), 4.0, 10, RadialMode::Table);
    assert!(run(&with_centre, &lone).energy[0] != 0.0);
    let bare = SoapParameters {
        central_weight: 0.0,
        centre: vec![14],
        ..one_species(5, 4)
    };
    let without = made_up(&bare, 4.0, 10, RadialMode::Table);
    assert_eq!(run(&without, &lone).energy[0], 0.0);
    // A foreign neighbour is not seen either.
    let foreign = OwnedRows::build(
        &Cell::isolated(),
        &[14, 8],
        &[[0.0; 3], [1.5, 0.0, 0.0]],
        4.0,
    );
    assert_eq!(
        run(&without, &foreign),
        Output {
            energy: vec![0.0; 2],
            g: std::array::from_fn(|_| vec![0.0; 2])
        }
    );
    // Neighbours at and about the cutoff, nearly on top of each other, and on the poles.
    let last_below = 4.0 - 1e-12;
    for distance in [1e-9, 1e-3, 0.5, last_below, 4.0, 4.0 + 1e-12] {
        for axis in 0..3 {
            let mut p = [0.0; 3];
            p[axis] = distance;
            let pair = OwnedRows::build(&Cell::isolated(), &[14, 14], &[[0.0; 3], p], 5.0);
            for soap in [&with_centre, &without] {
                let out = run(soap, &pair);
                assert!(
                    out.energy
                        .iter()
                        .chain(out.g.iter().flatten())
                        .all(|x| x.is_finite()),
                    "{distance} {out:?}"
                );
            }
            if distance >= last_below {
                let out = run(&with_centre, &pair);
                assert!((out.energy[0] - run(&with_centre, &lone).energy[0]).abs() < 1e-14);
                assert!(out.g.iter().flatten().all(|g| g.abs() < 1e-9));
            }
        }
    }
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let p = one_species(2, 1);
    let d = p.dimensions();
    let make = |p: &SoapParameters, delta: f64, zeta: f64, alpha: Vec<f64>, x: Vec<f64>| {
        let weights = Weights {
            delta,
            zeta,
            sparse_cutoff: vec![1.0; alpha.len()],
            alpha,
            sparse: x,
        };
        p.term(weights, RadialMode::Table).unwrap_err()
    };
    assert!(make(&p, 1.0, 4.0, vec![], vec![]).contains("no sparse points"));
    assert!(make(&p, 1.0, 4.0, vec![1.0; 2], vec![0.5; 2 * d - 1]).contains("numbers"));
    assert!(make(&p, 1.0, 0.0, vec![1.0], vec![0.5; d]).contains("zeta"));
    assert!(make(&p, 1.0, 4.0, vec![1.0, f64::NAN], vec![0.5; 2 * d]).contains("point 2"));
    let mut x = vec![0.5; 2 * d];
    x[d] = f64::INFINITY;
    assert!(make(&p, 1.0, 4.0, vec![1.0; 2], x).contains("point 2"));
    let weights = Weights {
        delta: 1.0,
        zeta: 4.0,
        alpha: vec![1.0],
        sparse_cutoff: vec![],
        sparse: vec![0.5; d],
    };
    let message = p.term(weights, RadialMode::Table).unwrap_err();
    assert!(message.contains("sparseCutoff"));
    let bad = |p: SoapParameters| make(&p, 1.0, 4.0, vec![1.0], vec![0.5; d]);
    assert!(
        bad(SoapParameters {
            cutoff: f64::NAN,
            ..p.clone()
        })
        .contains("cutoff")
    );
    assert!(
        bad(SoapParameters {
            l_max: 4000,
            ..p.clone()
        })
        .contains("l_max")
    );
    assert!(
        bad(SoapParameters {
            n_max: 0,
            ..p.clone()
        })
        .contains("n_max")
    );
    assert!(
        bad(SoapParameters {
            atom_sigma: 0.0,
            ..p.clone()
        })
        .contains("atom_sigma")
    );
    assert!(
        bad(SoapParameters {
            species: vec![6, 6],
            ..p.clone()
        })
        .contains("twice")
    );
    assert!(
        bad(SoapParameters {
            species: vec![0, 6],
            ..p.clone()
        })
        .contains("any element")
    );
    assert!(
        bad(SoapParameters {
            species: vec![],
            ..p.clone()
        })
        .contains("n_species")
    );
    assert!(
        bad(SoapParameters {
            transition_width: -1.0,
            ..p
        })
        .contains("transition")
    );
}
