//! The index lists of the standard levels.

use super::super::contraction::Contraction;
use super::super::level::{self, Lists};
use super::data::reference;
use crate::potential::mtp::MtpFile;
use crate::random::{Purpose, Stream};

/// Level, moments, basic moments, products, scalars, radial functions: counted from MLIP's own templates.
const TABLE: [[usize; 6]; 14] = [
    [2, 1, 1, 0, 1, 1],
    [4, 2, 1, 1, 2, 1],
    [6, 8, 5, 5, 5, 2],
    [8, 18, 11, 14, 9, 2],
    [10, 41, 25, 42, 16, 3],
    [12, 84, 46, 117, 29, 3],
    [14, 174, 81, 348, 52, 4],
    [16, 350, 130, 969, 92, 4],
    [18, 718, 201, 2634, 163, 5],
    [20, 1352, 295, 6349, 288, 5],
    [22, 2621, 421, 15431, 500, 6],
    [24, 4991, 581, 36170, 864, 6],
    [26, 9396, 706, 82520, 1464, 6],
    [28, 17366, 866, 180_069, 2445, 6],
];

fn sizes(level: usize, lists: &Lists) -> [usize; 6] {
    [
        level,
        lists.moments,
        lists.basic.len(),
        lists.products.len(),
        lists.scalars.len(),
        lists.functions,
    ]
}

#[test]
fn sizes_of_all_levels() {
    for row in TABLE {
        let lists = level::lists(row[0]).unwrap();
        assert_eq!(sizes(row[0], &lists), row);
        for p in &lists.products {
            assert!(p.a < p.target && p.b < p.target && p.factor > 0);
        }
        let mut distinct = lists.scalars.clone();
        distinct.dedup();
        assert_eq!(distinct.len(), lists.scalars.len());
    }
    for none in [0, 1, 3, 7, 29, 30, 1000] {
        assert!(level::lists(none).is_none());
    }
}

/// The values of all scalars for some basic moments, each divided by a norm, in a sorted list.
fn values(file: &MtpFile, basic: &[f64]) -> Vec<f64> {
    let contraction = Contraction::new(file).unwrap();
    let mut m = vec![0.0; file.moments];
    m[..basic.len()].copy_from_slice(basic);
    contraction.forward(&mut m);
    let mut values: Vec<f64> = file.scalars.iter().map(|i| m[*i as usize]).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[test]
fn scalars_are_those_of_the_templates() {
    let Some(reference) = reference() else { return };
    for row in TABLE {
        let path = reference.join(format!("mtp/templates/{:02}.almtp", row[0]));
        let theirs = MtpFile::read(&path).unwrap();
        let lists = level::lists(row[0]).unwrap();
        let found = [
            row[0],
            theirs.moments,
            theirs.basic.len(),
            theirs.products.len(),
            theirs.scalars.len(),
            theirs.functions,
        ];
        assert_eq!(found, row);
        assert_eq!(lists.basic, theirs.basic);
        let mut ours = theirs.clone();
        (ours.products, ours.scalars) = (lists.products, lists.scalars);
        // The moments of a random neighbourhood: contractions of these tensors do not change with the order of their indices.
        let mut s = Stream::new(4, Purpose::Displacement, row[0] as u64, 0, 0);
        let mut basic = vec![0.0; theirs.basic.len()];
        for _ in 0..6 {
            let u: [f64; 3] = std::array::from_fn(|_| 0.6 * s.normal());
            let f: Vec<f64> = (0..theirs.functions).map(|_| s.normal()).collect();
            for (m, index) in basic.iter_mut().zip(&theirs.basic) {
                let power = |k: usize| u[k].powi(i32::from(index.powers[k]));
                *m += f[usize::from(index.mu)] * power(0) * power(1) * power(2);
            }
        }
        for (a, b) in values(&ours, &basic).iter().zip(values(&theirs, &basic)) {
            assert!(
                (a - b).abs() <= 1e-9 * (a.abs() + b.abs()) + 1e-12,
                "level {}: {a} {b}",
                row[0]
            );
        }
    }
}
