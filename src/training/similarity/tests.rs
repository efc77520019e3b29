use super::*;
use crate::training::Silent;

/// Structures of atoms with these vectors.
fn environments(structures: &[&[[f64; 2]]]) -> Environments {
    Environments {
        dimensions: 2,
        structures: structures
            .iter()
            .map(|s| s.as_flattened().to_vec())
            .collect(),
    }
}

fn unit(degrees: f64) -> [f64; 2] {
    let a = degrees.to_radians();
    [a.cos(), a.sin()]
}

fn kernel(e: &Environments, kernel: Kernel, zeta: f64) -> Matrix {
    matrix(e, kernel, zeta, &mut Silent).unwrap().unwrap()
}

#[test]
fn likeness_by_hand() {
    let (a, b) = ([unit(0.0), unit(90.0)], [unit(30.0), unit(90.0)]);
    let e = environments(&[&a, &b]);
    // Means (½, ½) and (cos 30/2, (sin 30 + 1)/2).
    let (x, y) = (30f64.to_radians().cos() / 2.0, 0.75);
    let want = (0.5 * (x + y)) / (0.5f64.sqrt() * (x * x + y * y).sqrt());
    let k = kernel(&e, Kernel::Average, 1.0);
    assert!((k.at(0, 1) - want).abs() < 1e-14 && k.at(0, 0) == 1.0);
    let k = kernel(&e, Kernel::Average, 2.0);
    assert!((k.at(1, 0) - want * want).abs() < 1e-14);
    // Best partners: 0 with 30 and 90 with 90 degrees.
    let k = kernel(&e, Kernel::BestMatch, 2.0);
    assert!((k.at(0, 1) - (0.75 + 1.0) / 2.0).abs() < 1e-14);
    // The order of atoms does not count, and copies of a structure are alike it.
    let swapped = [b[1], b[0], b[1], b[0]];
    let e = environments(&[&a, &b, &swapped]);
    let k = kernel(&e, Kernel::BestMatch, 2.0);
    assert!((k.at(1, 2) - 1.0).abs() < 1e-14 && (k.at(0, 2) - 0.875).abs() < 1e-14);
    for gamma in [0.01, 0.3] {
        let k = kernel(&e, Kernel::Rematch { gamma }, 2.0);
        assert!((k.at(1, 2) - 1.0).abs() < 1e-9, "{}", k.at(1, 2));
    }
}

/// A small weight of the entropy gives the best match, a large one the mean of all pairs.
#[test]
fn rematch_lies_between() {
    let a = [unit(0.0), unit(50.0), unit(85.0)];
    let b = [unit(20.0), unit(40.0), unit(90.0)];
    let e = environments(&[&a, &b]);
    let best = kernel(&e, Kernel::BestMatch, 2.0).at(0, 1);
    let near = kernel(&e, Kernel::Rematch { gamma: 2e-3 }, 2.0).at(0, 1);
    assert!((near - best).abs() < 1e-6, "{near} {best}");
    let pairs = |a: &[[f64; 2]], b: &[[f64; 2]]| {
        let all = a
            .iter()
            .flat_map(|x| b.iter().map(move |y| (x[0] * y[0] + x[1] * y[1]).powi(2)));
        all.sum::<f64>() / 9.0
    };
    let mean = pairs(&a, &b) / (pairs(&a, &a) * pairs(&b, &b)).sqrt();
    let far = kernel(&e, Kernel::Rematch { gamma: 1e4 }, 2.0).at(0, 1);
    assert!((far - mean).abs() < 1e-4, "{far} {mean}");
}

/// Structures on a line in the space of vectors lie on a line of the map, in their order.
#[test]
fn maps_keep_order() {
    let all: Vec<Vec<[f64; 2]>> = (0..20).map(|k| vec![unit(2.0 * f64::from(k))]).collect();
    let slices: Vec<&[[f64; 2]]> = all.iter().map(Vec::as_slice).collect();
    let k = kernel(&environments(&slices), Kernel::Average, 1.0);
    let map = map(&k).unwrap();
    assert!(map.shares[0] > 0.95 && map.shares[0] + map.shares[1] > 1.0 - 1e-9);
    let rising = map.points.windows(2).all(|w| w[0][0] < w[1][0]);
    let falling = map.points.windows(2).all(|w| w[0][0] > w[1][0]);
    assert!(rising || falling);
    // Distances are those of the kernel.
    let d = |i: usize, j: usize| {
        let (p, q) = (map.points[i], map.points[j]);
        (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)
    };
    assert!((d(3, 17) - (2.0 - 2.0 * k.at(3, 17))).abs() < 1e-10);
}

#[test]
fn sizes_that_cannot_be_matched() {
    let (a, b) = (vec![unit(0.0); 1021], vec![unit(1.0); 7]);
    let e = environments(&[&a, &b]);
    let why = matrix(&e, Kernel::BestMatch, 1.0, &mut Silent)
        .unwrap_err()
        .to_string();
    assert!(why.contains("7 and 1021 atoms"), "{why}");
    let k = kernel(&e, Kernel::Rematch { gamma: 0.1 }, 1.0);
    assert!((k.at(0, 1) - 1f64.to_radians().cos()).abs() < 1e-9);
}
