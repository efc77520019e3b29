use super::*;
use crate::elements::{Element, Species};
use crate::parallel::with_threads;
use crate::random::normals;
use nalgebra::{DMatrix, DVector};

/// Matrices of a random sort: a drift with relaxing momenta, and a covariance that goes with it when asked for.
fn matrices(n: usize, seed: u64, quantum: bool) -> GleMatrices {
    matrices_and_covariance(n, seed, quantum).0
}

fn matrices_and_covariance(n: usize, seed: u64, quantum: bool) -> (GleMatrices, DMatrix<f64>) {
    let mut x = vec![0.0; 2 * (n + 1) * (n + 1)];
    normals(seed, Purpose::Displacement, 0, 0, 0, 0, &mut x);
    let (a, b) = x.split_at((n + 1) * (n + 1));
    // A symmetric positive part and an antisymmetric one; B Bᵀ + 1 as the noise's covariance D = A C + C Aᵀ.
    let a = DMatrix::from_row_slice(n + 1, n + 1, a);
    let drift =
        &a * a.transpose() * 0.3 + DMatrix::identity(n + 1, n + 1) * 0.2 + &a - a.transpose();
    let b = DMatrix::from_row_slice(n + 1, n + 1, b) * 0.1;
    let d = &b * b.transpose() + DMatrix::identity(n + 1, n + 1) * 0.3;
    let covariance = quantum.then(|| lyapunov(&drift, &d));
    let matrices = GleMatrices::new(drift, covariance.clone()).unwrap();
    let canonical = DMatrix::identity(n + 1, n + 1);
    (matrices, covariance.unwrap_or(canonical))
}

/// C with A C + C Aᵀ = D, by solving the linear equations.
fn lyapunov(a: &DMatrix<f64>, d: &DMatrix<f64>) -> DMatrix<f64> {
    let n = a.nrows();
    let one = DMatrix::<f64>::identity(n, n);
    let all = one.kronecker(a) + a.kronecker(&one);
    let c = all.lu().solve(&DVector::from_column_slice(d.as_slice()));
    DMatrix::from_column_slice(n, n, c.unwrap().as_slice())
}

/// The noise that tests use.
fn noise(step: u64) -> impl Fn(usize, u32, &mut [f64]) + Sync {
    move |column, draw, out| {
        normals(11, Purpose::Gle, step, 3, (column / 3) as u64, draw, out);
    }
}

fn roots(len: usize) -> Vec<f64> {
    (0..len).map(|k| [1.0, 0.0, 3.5, 0.7][k / 3 % 4]).collect()
}

#[test]
fn a_step_is_the_matrix_product() {
    // Against the formula by nalgebra, for sizes that fill blocks and tiles and such that do not.
    for (n, len, quantum) in [
        (0, 3, false),
        (1, 999, false),
        (2, 48, true),
        (3, 51, false),
        (6, 2400, true),
        (8, 768, true),
        (31, 150, false),
    ] {
        let m = matrices(n, n as u64, quantum);
        let (kt, h, d) = (0.4, 0.3, n + 1);
        let roots = roots(len);
        let mut rows = GleRows::new(m.clone(), len);
        let mut v = vec![0.0; len];
        normals(1, Purpose::Gle, 0, 0, 0, 0, &mut v);
        rows.apply(&mut v, &roots, kt, h, noise(1));
        let (v0, s0) = (v.clone(), rows.auxiliary().to_vec());
        let exchange = rows.apply(&mut v, &roots, kt, h, noise(2));
        let [t, s] = m.step(h);
        let scale = if quantum { 1.0 } else { kt.sqrt() };
        let mut xi = vec![vec![0.0; len]; d];
        for (draw, xi) in xi.iter_mut().enumerate() {
            noise(2)(0, draw as u32, xi);
        }
        let (mut before, mut after) = (0.0, 0.0);
        for c in 0..len {
            let x = DVector::from_fn(d, |j, _| match j {
                0 => roots[c] * v0[c],
                _ => s0[(j - 1) * len + c],
            });
            let new = &t * &x + &s * DVector::from_fn(d, |j, _| scale * xi[j][c]);
            for j in 1..d {
                let found = rows.auxiliary()[(j - 1) * len + c];
                assert!(
                    (found - new[j]).abs() < 1e-12,
                    "{n} {len}: {found} {}",
                    new[j]
                );
            }
            if roots[c] > 0.0 {
                assert!((v[c] - new[0] / roots[c]).abs() < 1e-12, "{n} {len}");
                before += 0.5 * x[0] * x[0];
                after += 0.5 * new[0] * new[0];
            } else {
                assert_eq!(v[c], v0[c]);
            }
        }
        assert!((exchange.after - after).abs() < 1e-12 * after);
        assert!((exchange.taken - (before - after)).abs() < 1e-12 * before.max(after));
    }
}

#[test]
fn stationary_covariance_is_that_of_the_matrices() {
    // 9000 components over 40 steps of 5 relaxation times: 360 000 independent samples. Each element of the covariance lies
    // within 4.5 standard errors sqrt((C_ii C_jj + C_ij²)/samples): false alarms at 7e-6 each, of 16.
    let (n, len, samples) = (3, 9000, 40);
    for quantum in [false, true] {
        let (m, covariance) = matrices_and_covariance(n, 5, quantum);
        let kt = 0.7;
        let mut rows = GleRows::new(m, len);
        let (mut v, roots) = (vec![0.0; len], vec![2.0; len]);
        let mut sum = DMatrix::<f64>::zeros(n + 1, n + 1);
        let h = 25.0;
        for step in 0..samples {
            rows.apply(&mut v, &roots, kt, h, noise(step));
            for c in 0..len {
                let x = DVector::from_fn(n + 1, |j, _| match j {
                    0 => 2.0 * v[c],
                    _ => rows.auxiliary()[(j - 1) * len + c],
                });
                sum += &x * x.transpose();
            }
        }
        let count = (samples * len as u64) as f64;
        let exact = covariance * if quantum { 1.0 } else { kt };
        for i in 0..=n {
            for j in 0..=n {
                let error = (exact[(i, i)] * exact[(j, j)] + exact[(i, j)].powi(2)) / count;
                let off = (sum[(i, j)] / count - exact[(i, j)]).abs();
                assert!(off < 4.5 * error.sqrt(), "{i} {j}: {off} {}", error.sqrt());
            }
        }
    }
}

#[test]
fn auxiliary_momenta_begin_with_their_covariance() {
    // A step of no length leaves what was drawn.
    let (n, len) = (4, 30_000);
    let m = matrices(n, 9, true);
    let mut rows = GleRows::new(m.clone(), len);
    let (mut v, roots) = (vec![0.5; len], vec![2.0; len]);
    rows.apply(&mut v, &roots, 1.0, 0.0, noise(0));
    assert!(v.iter().all(|v| (v - 0.5).abs() < 1e-6));
    let root = m.auxiliary_root();
    let exact = &root * root.transpose();
    let row = |j: usize| &rows.auxiliary()[j * len..(j + 1) * len];
    for i in 0..n {
        for j in 0..n {
            let found: f64 = row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum();
            let error = (exact[(i, i)] * exact[(j, j)] + exact[(i, j)].powi(2)) / len as f64;
            let off = (found / len as f64 - exact[(i, j)]).abs();
            // 4.5 standard errors: false alarms at 7e-6 each.
            assert!(off < 4.5 * error.sqrt(), "{i} {j}: {off}");
        }
    }
}

#[test]
fn same_bits_on_any_threads_and_after_resuming() {
    let (n, len) = (6, 5001);
    let run = |threads: usize, interrupted: bool| {
        with_threads(threads, || {
            let m = matrices(n, 2, false);
            let mut rows = GleRows::new(m.clone(), len);
            let (mut v, roots) = (vec![0.1; len], roots(len));
            let mut taken = Vec::new();
            for step in 0..4 {
                if interrupted && step == 2 {
                    let numbers = rows.auxiliary().to_vec();
                    rows = GleRows::new(m.clone(), len);
                    assert!(rows.restore(&numbers));
                    assert!(!rows.clone().restore(&numbers[1..]));
                }
                taken.push(rows.apply(&mut v, &roots, 0.3, 0.2, noise(step)));
            }
            (v, taken, rows.auxiliary().to_vec())
        })
        .unwrap()
    };
    let one = run(1, false);
    for (threads, interrupted) in [(1, true), (2, false), (5, true)] {
        assert_eq!(run(threads, interrupted), one);
    }
}

/// Argon atoms with small velocities.
fn argon(n: usize) -> Atoms {
    let mut atoms = Atoms::default();
    let species = Species::natural(Element::from_symbol("Ar").unwrap());
    for i in 0..n {
        atoms.push(species, [i as f64, 0.0, 0.0]);
        atoms.velocities[i] = [0.01, -0.02, 0.03];
    }
    atoms
}

#[test]
fn a_group_moves_as_its_atoms_do_among_all() {
    let n = 700;
    let list: Vec<u32> = (0..n as u32).filter(|i| i % 7 != 3 && i % 5 < 4).collect();
    let moment = |draw| Moment {
        kt: 0.1,
        h: 0.5,
        draw,
    };
    let m = matrices(3, 4, false);
    let (mut all, mut some) = (argon(n), argon(n));
    let mut whole = Gle::new(Group::All, vec![[true; 3]; n], m.clone(), 8);
    let free = vec![[true; 3]; list.len()];
    let mut part = Gle::new(Group::Some(list.clone()), free, m, 8);
    for draw in 0..3 {
        whole.apply(&mut all, moment(draw));
        part.apply(&mut some, moment(draw));
    }
    for i in 0..n {
        if list.contains(&(i as u32)) {
            assert_eq!(some.velocities[i], all.velocities[i]);
        } else {
            assert_eq!(some.velocities[i], [0.01, -0.02, 0.03]);
        }
    }
}
