use super::*;
use crate::simd::{Level, with_level};

#[test]
fn known_answers() {
    // The vectors published with the Random123 library.
    assert_eq!(
        philox([0; 4], [0; 2]),
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
    );
    assert_eq!(
        philox([u32::MAX; 4], [u32::MAX; 2]),
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    );
    assert_eq!(
        philox(
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0]
        ),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    );
}

#[test]
fn streams_are_named() {
    let draw = |seed, step, atom, bead| {
        let mut s = Stream::new(seed, Purpose::Langevin, step, atom, bead);
        [s.normal(), s.normal(), s.normal()]
    };
    assert_eq!(draw(1, 2, 3, 4), draw(1, 2, 3, 4));
    let reference = draw(1, 2, 3, 4);
    for other in [
        draw(2, 2, 3, 4),
        draw(1, 3, 3, 4),
        draw(1, 2, 4, 4),
        draw(1, 2, 3, 5),
        draw(1, 2 + (1 << 32), 3, 4),
    ] {
        assert_ne!(reference, other);
    }
}

/// Whether the first four moments are those of the standard normal distribution, within 4.5 standard errors: a false-alarm
/// rate of 7e-6 each.
fn assert_moments(numbers: impl Iterator<Item = f64>) {
    let (mut m, mut count) = ([0.0; 4], 0.0);
    for x in numbers {
        for (k, m) in m.iter_mut().enumerate() {
            *m += x.powi(k as i32 + 1);
        }
        count += 1.0;
    }
    let error = 4.5 / f64::sqrt(count);
    assert!((m[0] / count).abs() < error, "{m:?}");
    assert!((m[1] / count - 1.0).abs() < error * 2f64.sqrt(), "{m:?}");
    assert!((m[2] / count).abs() < error * 15f64.sqrt(), "{m:?}");
    assert!((m[3] / count - 3.0).abs() < error * 96f64.sqrt(), "{m:?}");
}

#[test]
fn moments_of_the_normals() {
    assert_moments((0..100_000).flat_map(|atom| {
        let mut s = Stream::new(42, Purpose::Langevin, 17, atom, 0);
        [s.normal(), s.normal(), s.normal()]
    }));
}

/// Normals for `atoms` atoms.
fn drawn(seed: u64, step: u64, atoms: usize) -> Vec<f64> {
    let mut out = vec![0.0; 3 * atoms];
    normals(seed, Purpose::Langevin, step, 0, 0, 0, &mut out);
    out
}

#[test]
fn normals_of_many_atoms_are_normal() {
    let mut x = drawn(42, 17, 400_000);
    assert_moments(x.iter().copied());
    // The first and the last eight of a group are a cosine and a sine each.
    assert_moments(x.chunks(16).flat_map(|g| &g[..8]).copied());
    assert_moments(x.chunks(16).flat_map(|g| &g[8..]).copied());
    // Kolmogorov and Smirnov: the largest distance from the distribution exceeds 2.5/sqrt(n) with a probability of 7e-6.
    x.sort_unstable_by(f64::total_cmp);
    let n = x.len() as f64;
    let distance = x
        .iter()
        .enumerate()
        .map(|(k, x)| {
            let p = 0.5 * libm::erfc(-x / 2f64.sqrt());
            (p - k as f64 / n).max((k + 1) as f64 / n - p)
        })
        .fold(0.0, f64::max);
    assert!(distance < 2.5 / n.sqrt(), "{distance}");
}

#[test]
fn tails_of_the_normals() {
    // Of 6.3 million numbers as many lie beyond 3, 4 and 5 as should, within 4.5 of their standard deviations (for 5, where
    // 3.6 are expected, at most 15: 1e-5 for either).
    let mut beyond = [0.0; 3];
    let mut count = 0.0;
    for step in 0..21 {
        let x = drawn(1, step, 100_000);
        count += x.len() as f64;
        for (bound, beyond) in [3.0, 4.0, 5.0].into_iter().zip(&mut beyond) {
            *beyond += x.iter().filter(|x| x.abs() > bound).count() as f64;
        }
    }
    for (bound, found) in [3.0f64, 4.0, 5.0].into_iter().zip(beyond) {
        let expected = count * libm::erfc(bound / 2f64.sqrt());
        let most = if bound == 5.0 {
            11.4
        } else {
            4.5 * expected.sqrt()
        };
        assert!(
            (found - expected).abs() <= most,
            "{bound}: {found} {expected}"
        );
    }
}

#[test]
fn normals_are_independent() {
    // Products of numbers that stand apart by some places, and of sets whose names differ in one thing, have the mean 0;
    // so have the products of their squares less 1. Bounds are 4.5 standard errors.
    let n = 100_000;
    let set = |seed, step, bead, first, draw| {
        let mut out = vec![0.0; 3 * n];
        normals(seed, Purpose::Gle, step, bead, first, draw, &mut out);
        out
    };
    let x = set(5, 7, 0, 0, 0);
    let check = |what: &str, a: &[f64], b: &[f64]| {
        let count = a.len().min(b.len()) as f64;
        let pairs = || a.iter().zip(b);
        let first: f64 = pairs().map(|(a, b)| a * b).sum();
        let second: f64 = pairs().map(|(a, b)| (a * a - 1.0) * (b * b - 1.0)).sum();
        assert!(first.abs() < 4.5 * count.sqrt(), "{what}: {first}");
        assert!(second.abs() < 9.0 * count.sqrt(), "{what}: {second}");
    };
    for apart in [1, 2, 3, 7, 8, 9, 16, 48] {
        check(&format!("{apart} places apart"), &x, &x[apart..]);
    }
    check("seed", &x, &set(6, 7, 0, 0, 0));
    check("seed's upper half", &x, &set(5 + (1 << 32), 7, 0, 0, 0));
    check("step", &x, &set(5, 8, 0, 0, 0));
    check("step's upper half", &x, &set(5, 7 + (1 << 32), 0, 0, 0));
    check("bead", &x, &set(5, 7, 1, 0, 0));
    check("last bead", &x, &set(5, 7, 4095, 0, 0));
    check("atom", &x, &set(5, 7, 0, n as u64, 0));
    check("last atoms", &x, &set(5, 7, 0, (1 << 32) - n as u64, 0));
    check("draw", &x, &set(5, 7, 0, 0, 1));
    check("last draw", &x, &set(5, 7, 0, 0, 2047));
    let mut other = vec![0.0; 3 * n];
    normals(5, Purpose::Langevin, 7, 0, 0, 0, &mut other);
    check("purpose", &x, &other);
}

#[test]
fn normals_are_the_same_however_they_are_drawn() {
    for level in [Level::Portable, Level::Avx2, Level::Avx512] {
        with_level(level, || {
            // Around the start, and where the number of a block passes 2^32.
            for first in [0, 2_863_311_530 - 40, (1 << 32) - 100] {
                let mut all = vec![0.0; 300];
                normals(3, Purpose::Gle, 1 << 40, 9, first, 4, &mut all);
                for from in 0..40 {
                    for atoms in [0, 1, 2, 5, 6, 16, 47] {
                        let mut some = vec![0.0; 3 * atoms];
                        let atom = first + from as u64;
                        normals(3, Purpose::Gle, 1 << 40, 9, atom, 4, &mut some);
                        assert_eq!(some, all[3 * from..3 * (from + atoms)]);
                    }
                }
                let places = [0, 1, 2, 3, 7, 40, 41, 99, 50, 50];
                let list = places.map(|k| (first + k as u64) as u32);
                let mut some = vec![0.0; 30];
                normals_of(3, Purpose::Gle, 1 << 40, 9, &list, 4, &mut some);
                for (k, x) in places.into_iter().zip(some.chunks(3)) {
                    assert_eq!(x, &all[3 * k..3 * k + 3]);
                }
            }
        });
    }
}

#[test]
fn normals_of_all_levels_agree() {
    let of = |level| with_level(level, || drawn(8, 3, 20_000));
    let plain = of(Level::Portable);
    for level in [Level::Avx2, Level::Avx512] {
        for (x, y) in plain.iter().zip(of(level)) {
            assert!((x - y).abs() < 1e-15 * x.abs().max(1.0), "{x} {y}");
        }
    }
}

#[test]
fn known_normals() {
    // The formula of Box and Muller on the blocks of the generator, written out once more: atom 5, y is component 16 = group
    // 1, lane 0 of the cosines; and its partner, eight places on, is the sine.
    let block = philox(
        [(3 << 20) | (5 << 12) | (1 << 19) | (2 << 1), 8, 7, 1],
        [9, 0],
    );
    let word =
        |high: u32, low: u32| (u64::from(high) << 32 | u64::from(low)) as f64 / 2f64.powi(64);
    let (u, t) = (word(block[0], block[1]), word(block[2], block[3]));
    let radius = (-2.0 * u.ln()).sqrt();
    let angle = std::f64::consts::TAU * t;
    let mut out = [0.0; 12];
    normals(9, Purpose::Gle, 7 + (1 << 32), 3, 5, 2, &mut out);
    assert!((out[1] - radius * angle.cos()).abs() < 1e-14, "{out:?}");
    assert!((out[9] - radius * angle.sin()).abs() < 1e-14, "{out:?}");
}
