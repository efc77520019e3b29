//! The index lists of the standard levels.

use super::super::level::{self, Lists};

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
