//! Least squares against a plain solution.

use super::*;
use crate::parallel::with_threads;

fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        })
        .collect()
}

/// A problem: rows (row-major), scales, targets and one lower triangle.
struct Problem {
    n: usize,
    a: Vec<f64>,
    scale: Vec<f64>,
    y: Vec<f64>,
    l: Vec<f64>,
}

impl Problem {
    fn new(n: usize, rows: usize) -> Problem {
        let mut l = vec![0.0; n * n];
        let off = numbers(n * n, 7);
        for c in 0..n {
            for r in c..n {
                l[c * n + r] = if r == c {
                    1.0 + off[r * n + c]
                } else {
                    0.3 * off[r * n + c]
                };
            }
        }
        Problem {
            n,
            a: numbers(rows * n, 1),
            scale: (0..rows).map(|i| [1.0, 30.0, 0.2][i % 3]).collect(),
            y: numbers(rows, 2),
            l,
        }
    }

    /// In blocks of so many rows, the columns in three parts.
    fn solve(&self, block: usize, shares: usize) -> Solution {
        let n = self.n;
        let plan = Plan {
            columns: n,
            shares,
            rows: block,
        };
        let mut squares = LeastSquares::new(plan);
        let cuts = [0, n / 3, n / 3 + n / 4, n];
        for start in (0..self.y.len()).step_by(block) {
            let end = (start + block).min(self.y.len());
            let data: Vec<Vec<f64>> = cuts
                .windows(2)
                .map(|w| {
                    (start..end)
                        .flat_map(|r| self.a[r * n + w[0]..r * n + w[1]].to_vec())
                        .collect()
                })
                .collect();
            let parts: Vec<Part<'_>> = cuts
                .windows(2)
                .zip(&data)
                .map(|(w, data)| Part {
                    first: w[0],
                    width: w[1] - w[0],
                    stride: w[1] - w[0],
                    data,
                })
                .collect();
            squares.absorb(&parts, &self.scale[start..end], &self.y[start..end]);
        }
        squares.solve(&[(0, n, self.l.clone())]).unwrap()
    }

    /// By the normal equations, which are good enough for these.
    fn plain(&self) -> (Vec<f64>, f64) {
        let (n, rows) = (self.n, self.y.len());
        let a = nalgebra::DMatrix::from_fn(rows, n, |r, c| self.a[r * n + c] * self.scale[r]);
        let y = nalgebra::DVector::from_fn(rows, |r, _| self.y[r] * self.scale[r]);
        let l = nalgebra::DMatrix::from_column_slice(n, n, &self.l);
        let m = a.transpose() * &a + &l * l.transpose();
        let x = m.cholesky().unwrap().solve(&(a.transpose() * &y));
        let rest = (&a * &x - y).norm_squared() + (l.transpose() * &x).norm_squared();
        (x.iter().copied().collect(), rest.sqrt())
    }
}

#[test]
fn blocked_is_unblocked_is_plain() {
    for (n, rows) in [(5, 40), (70, 333), (201, 1000), (30, 12), (130, 4)] {
        let p = Problem::new(n, rows);
        let (expected, rest) = p.plain();
        for (block, shares) in [(rows, 1), (rows, 4), (17, 1), (64, 2), (50, 4), (1, 3)] {
            let s = p.solve(block, shares);
            assert_eq!(s.rows, rows);
            for (a, b) in s.weights.iter().zip(&expected) {
                assert!(
                    (a - b).abs() < 1e-11,
                    "{n} {rows} {block} {shares}: {a} {b}"
                );
            }
            assert!(
                (s.residual - rest).abs() < 1e-10 * rest,
                "{} {rest}",
                s.residual
            );
        }
    }
}

#[test]
fn threads_give_the_same_bits() {
    let p = Problem::new(230, 900);
    let of = |threads: usize| with_threads(threads, || p.solve(300, 4)).unwrap();
    let one = of(1);
    for threads in [2, 3] {
        assert_eq!(of(threads), one);
    }
}

/// Rows a million times larger than the regularising ones, which alone determine half of the unknowns: unknowns along
/// nearly empty directions must keep their digits.
#[test]
fn small_regularising_rows_survive() {
    let n = 20;
    let rows = 10;
    let mut a = vec![0.0; rows * n];
    let random = numbers(rows * n, 3);
    for r in 0..rows {
        for c in 0..n {
            a[r * n + c] = random[r * n + c];
        }
    }
    let mut l = vec![0.0; n * n];
    for k in 0..n {
        l[k * n + k] = 1e-5 * (1.0 + k as f64);
    }
    let p = Problem {
        n,
        a: a.clone(),
        scale: vec![1e5; rows],
        y: numbers(rows, 4),
        l,
    };
    let s = p.solve(rows, 4);
    // The exact rows are met, and among all solutions that of the least weighted norm: x = D⁻²Aᵀ(A D⁻² Aᵀ)⁻¹ y.
    let m = nalgebra::DMatrix::from_row_slice(rows, n, &a);
    let inverse = nalgebra::DMatrix::from_fn(n, n, |i, j| {
        if i == j {
            (1.0 + i as f64).powi(-2)
        } else {
            0.0
        }
    });
    let y = nalgebra::DVector::from_vec(p.y.clone());
    let core = &m * &inverse * m.transpose();
    let x = &inverse * m.transpose() * core.lu().solve(&y).unwrap();
    for (a, b) in s.weights.iter().zip(x.iter()) {
        assert!((a - b).abs() < 1e-8 * x.amax(), "{a} {b}");
    }
    assert!(s.condition > 1e8 && s.condition < 1e13, "{}", s.condition);
}

#[test]
fn condition_of_a_diagonal() {
    let n = 6;
    let l: Vec<f64> = (0..n * n)
        .map(|i| {
            if i % (n + 1) == 0 {
                10f64.powi((i / n) as i32)
            } else {
                0.0
            }
        })
        .collect();
    let p = Problem {
        n,
        a: vec![0.0; n],
        scale: vec![1.0],
        y: vec![1.0],
        l,
    };
    let s = p.solve(1, 1);
    assert!((s.condition / 1e5 - 1.0).abs() < 1e-6, "{}", s.condition);
    assert_eq!(s.weights, vec![0.0; n]);
}

#[test]
fn hopeless_problems_are_errors() {
    let mut p = Problem::new(8, 3);
    p.l.fill(0.0);
    let plan = Plan {
        columns: 8,
        shares: 1,
        rows: 3,
    };
    let data = p.a.clone();
    let part = [Part {
        first: 0,
        width: 8,
        stride: 8,
        data: &data,
    }];
    let mut squares = LeastSquares::new(plan);
    squares.absorb(&part, &p.scale, &p.y);
    assert!(
        squares
            .solve(&[])
            .unwrap_err()
            .to_string()
            .contains("no finite solution")
    );
    let mut squares = LeastSquares::new(plan);
    squares.absorb(&part, &[f64::NAN; 3], &p.y);
    assert!(squares.solve(&[(0, 8, Problem::new(8, 1).l)]).is_err());
}

#[test]
fn plans_respect_the_memory() {
    for memory in [3_000_000, 20_000_000, 200_000_000, 8_000_000_000] {
        for columns in [10, 300, 1000] {
            for least in [1, 400, 3000] {
                let Ok(plan) = Plan::new(columns, 100_000, least, 8 * columns, memory) else {
                    let smallest = 16 * columns * (columns + 1)
                        + 8 * (least + 1) * (columns + 1)
                        + 8 * least * columns;
                    assert!(smallest > memory, "{columns} {least} {memory}");
                    continue;
                };
                assert!(plan.rows >= least);
                assert!(plan.bytes().unwrap() + 8 * columns * plan.rows <= memory);
                // What is really held.
                let mut squares = LeastSquares::new(plan);
                let rows = plan.rows.min(500);
                let data = vec![0.25; rows * columns];
                let part = [Part {
                    first: 0,
                    width: columns,
                    stride: columns,
                    data: &data,
                }];
                squares.absorb(&part, &vec![1.0; rows], &vec![1.0; rows]);
                let held: usize = squares
                    .shares
                    .iter()
                    .map(|s| s.triangle.capacity() + s.block.capacity())
                    .sum();
                assert!(8 * held <= plan.bytes().unwrap(), "{plan:?} {held}");
            }
        }
    }
    let message = Plan::new(5000, 10_000, 100, 0, 100_000_000)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("5000 weights") && message.contains("100 MB"),
        "{message}"
    );
    assert!(Plan::new(usize::MAX, 1, 1, 1, usize::MAX).is_err());
}
