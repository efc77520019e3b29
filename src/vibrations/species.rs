//! Names: of a point group (Schoenflies) and of its irreducible representations (Mulliken).

use super::point_group::Turn;
use nalgebra::{Matrix3, Vector3};
use std::f64::consts::PI;

/// What names are made from.
struct Elements<'a> {
    turns: &'a [Turn],
    /// Operations in the group, and those without a reflection.
    order: usize,
    proper: usize,
    /// The highest order of a rotation, and its axis.
    n: usize,
    axis: Option<Vector3<f64>>,
    inversion: Option<usize>,
}

impl<'a> Elements<'a> {
    fn new(turns: &'a [Turn]) -> Elements<'a> {
        // Of several axes of the highest order the one with most operations, which in D2d is that of the S4.
        let about = |axis: Option<Vector3<f64>>| {
            let axis = axis.unwrap_or_else(Vector3::zeros);
            let along = |t: &&Turn| t.axis().is_some_and(|a| a.dot(&axis).abs() > 0.98);
            turns.iter().filter(along).count()
        };
        let main = turns
            .iter()
            .filter(|t| t.is_proper() && t.angle() > 0.1)
            .max_by_key(|t| (t.order(), about(t.axis())));
        Elements {
            turns,
            order: turns.len(),
            proper: turns.iter().filter(|t| t.is_proper()).count(),
            n: main.map_or(1, Turn::order),
            axis: main.and_then(Turn::axis),
            inversion: turns.iter().position(|t| t.is_like(&-Matrix3::identity())),
        }
    }

    /// Places of reflections.
    fn mirrors(&self) -> impl Iterator<Item = usize> {
        let is_mirror = |t: &Turn| !t.is_proper() && t.angle() < 0.1;
        (0..self.order).filter(move |i| is_mirror(&self.turns[*i]))
    }

    /// The reflection through the plane perpendicular to an axis.
    fn horizontal(&self, axis: &Vector3<f64>) -> Option<usize> {
        let along = |i: &usize| {
            let normal = self.turns[*i].axis();
            normal.is_some_and(|n| n.dot(axis).abs() > 0.98)
        };
        self.mirrors().find(along)
    }

    /// Whether there are several axes of order three or more.
    fn is_cubic(&self) -> bool {
        let threefold = self
            .turns
            .iter()
            .filter(|t| t.is_proper() && t.order() == 3);
        threefold.count() >= 8
    }
}

/// The Schoenflies symbol of a group that is not that of a line.
pub(super) fn schoenflies(turns: &[Turn]) -> String {
    let e = Elements::new(turns);
    let doubled = e.order > e.proper;
    if e.is_cubic() {
        let name = match (e.proper, doubled, e.inversion.is_some()) {
            (12, false, _) => "T",
            (12, true, true) => "Th",
            (12, true, false) => "Td",
            (24, false, _) => "O",
            (24, true, _) => "Oh",
            (60, false, _) => "I",
            (60, true, _) => "Ih",
            // Not a group: the structure has its symmetry only about.
            _ => "C1",
        };
        return name.to_owned();
    }
    let n = e.n;
    let Some(axis) = e.axis.filter(|_| n > 1) else {
        return match (doubled, e.inversion.is_some()) {
            (false, _) => "C1",
            (_, true) => "Ci",
            _ => "Cs",
        }
        .to_owned();
    };
    let horizontal = e.horizontal(&axis).is_some();
    match (e.proper, e.order) {
        (p, o) if p == n && o == p => format!("C{n}"),
        (p, o) if p == n && o == 2 * p && horizontal => format!("C{n}h"),
        (p, o) if p == n && o == 2 * p && e.mirrors().next().is_some() => format!("C{n}v"),
        (p, o) if p == n && o == 2 * p => format!("S{}", 2 * n),
        (p, o) if p == 2 * n && o == p => format!("D{n}"),
        (p, o) if p == 2 * n && o == 2 * p && horizontal => format!("D{n}h"),
        (p, o) if p == 2 * n && o == 2 * p => format!("D{n}d"),
        _ => "C1".to_owned(),
    }
}

/// Which operations decide about the parts of a name.
pub(super) struct Names {
    order: usize,
    /// Operations of each class.
    classes: Vec<Vec<usize>>,
    /// +1 is A and -1 is B; and the m of an E is found by it, 2 cos(2 π m/order).
    main: Option<(usize, usize)>,
    /// +1 is 1 and -1 is 2.
    second: Option<usize>,
    /// Three axes of the same kind: the rotations about x, y and z, for B1 (z), B2 (y) and B3 (x).
    three: Option<[usize; 3]>,
    /// T1 has this sign of the character of this operation.
    cubic: Option<usize>,
    inversion: Option<usize>,
    horizontal: Option<usize>,
    icosahedral: bool,
}

impl Names {
    pub fn new(name: &str, turns: &[Turn], positions: &[[f64; 3]]) -> Names {
        let e = Elements::new(turns);
        let on = |axis: &Vector3<f64>| {
            let away = |x: &&[f64; 3]| Vector3::from(**x).cross(axis).norm() < 0.1;
            positions.iter().filter(away).count()
        };
        let in_plane = |normal: &Vector3<f64>| {
            let near = |x: &&[f64; 3]| Vector3::from(**x).dot(normal).abs() < 0.1;
            positions.iter().filter(near).count()
        };
        let planar = |normal: &Vector3<f64>| in_plane(normal) == positions.len();
        let mut names = Names {
            order: e.order,
            classes: classes(turns),
            main: None,
            second: None,
            three: None,
            cubic: None,
            inversion: e.inversion,
            horizontal: None,
            icosahedral: name.starts_with('I'),
        };
        let with = |order: usize, angle: f64, proper: bool| {
            turns.iter().position(|t| {
                t.is_proper() == proper && t.order() == order && (t.angle() - angle).abs() < 0.05
            })
        };
        if e.is_cubic() {
            // Quarter turns (O) or quarter turns with reflection (Td) tell 1 from 2; fifths in the icosahedron.
            names.cubic = match name {
                "O" | "Oh" => with(4, 0.5 * PI, true),
                "Td" => with(4, 0.5 * PI, false),
                "I" | "Ih" => with(5, 0.4 * PI, true),
                _ => None,
            };
            return names;
        }
        if name == "Cs" {
            names.horizontal = e.mirrors().next();
            return names;
        }
        let Some(axis) = e.axis else {
            return names;
        };
        if name == "D2" || name == "D2h" {
            names.three = three_axes(turns, positions, &on, &planar);
            return names;
        }
        names.horizontal = e.horizontal(&axis).filter(|_| e.inversion.is_none());
        let about = |i: &usize| {
            let a = turns[*i].axis();
            a.is_some_and(|a| a.dot(&axis).abs() > 0.98)
        };
        let twice = (name.starts_with('S') || name.ends_with('d')) && e.n.is_multiple_of(2);
        let (order, proper) = if twice { (2 * e.n, false) } else { (e.n, true) };
        let step = 2.0 * PI / order as f64;
        names.main = (0..turns.len())
            .filter(|i| {
                let t = &turns[*i];
                t.is_proper() == proper && (t.angle() - step).abs() < 0.05
            })
            .find(about)
            .map(|i| (i, order));
        let across = |i: &usize| {
            let a = turns[*i].axis();
            a.is_some_and(|a| a.dot(&axis).abs() < 0.02)
        };
        names.second = if name.starts_with('D') {
            let half = (0..turns.len()).filter(|i| turns[*i].is_proper() && turns[*i].order() == 2);
            half.filter(across).max_by_key(|i| {
                let count = turns[*i].axis().map_or(0, |a| on(&a));
                (count, usize::MAX - i)
            })
        } else if name.ends_with('v') {
            // In C2v the plane xz, which is perpendicular to a planar molecule; else the one that holds most atoms is yz.
            let held = |i: &usize| turns[*i].axis().map_or(0, |a| in_plane(&a));
            let vertical = e.mirrors().filter(across);
            match name {
                "C2v" => vertical.min_by_key(|i| (held(i), *i)),
                _ => vertical.max_by_key(|i| (held(i), usize::MAX - i)),
            }
        } else {
            None
        };
        names
    }

    /// The species from the expectation of every operation; none when they are those of no single species.
    pub fn of(&self, values: &[f64]) -> Option<String> {
        // The mean over a class is χ/d.
        let mut ratio = vec![0.0; values.len()];
        for class in &self.classes {
            let mean = class.iter().map(|i| values[*i]).sum::<f64>() / class.len() as f64;
            class.iter().for_each(|i| ratio[*i] = mean);
        }
        // Σ (χ/d)² = |G|/d²; for two complex species that make a pair it is |G|/2.
        let square = self.order as f64 / ratio.iter().map(|r| r * r).sum::<f64>();
        let d = [1.0, 2.0, 4.0, 9.0, 16.0, 25.0];
        let (k, _) = d
            .iter()
            .enumerate()
            .find(|(_, d)| (square - **d).abs() < 0.03 * **d)?;
        let dimension = [1, 2, 2, 3, 4, 5][k];
        let character = |i: usize| ratio[i] * dimension as f64;
        let mut name = match dimension {
            1 => match self.main {
                Some((i, _)) if ratio[i] < 0.0 => "B",
                _ => "A",
            },
            2 => "E",
            3 => "T",
            4 => "G",
            _ => "H",
        }
        .to_owned();
        let sign = |i: usize| if ratio[i] > 0.0 { "1" } else { "2" };
        match dimension {
            1 => {
                if let Some(three) = self.three {
                    let even = three.map(|i| ratio[i] > 0.0);
                    name = match even {
                        [true, true, true] => "A",
                        [_, _, true] => "B1",
                        [_, true, _] => "B2",
                        _ => "B3",
                    }
                    .to_owned();
                } else if let Some(i) = self.cubic.filter(|_| !self.icosahedral) {
                    name += sign(i);
                } else if let Some(i) = self.second {
                    name += sign(i);
                }
            }
            2 => {
                if let Some((i, n)) = self.main.filter(|m| m.1 >= 5) {
                    let angle = (0.5 * character(i)).clamp(-1.0, 1.0).acos();
                    let m = (angle * n as f64 / (2.0 * PI)).round();
                    name += &format!("{m}");
                }
            }
            3 => {
                if let Some(i) = self.cubic {
                    name += sign(i);
                }
            }
            _ => {}
        }
        if let Some(i) = self.inversion {
            name += if ratio[i] > 0.0 { "g" } else { "u" };
        }
        if let Some(i) = self.horizontal {
            name += if ratio[i] > 0.0 { "'" } else { "''" };
        }
        Some(name)
    }
}

/// Operations that some operation turns into each other.
fn classes(turns: &[Turn]) -> Vec<Vec<usize>> {
    let mut classes: Vec<Vec<usize>> = Vec::new();
    let mut seen = vec![false; turns.len()];
    for i in 0..turns.len() {
        if seen[i] {
            continue;
        }
        let mut class = Vec::new();
        for q in turns {
            let turned = q.matrix * turns[i].matrix * q.matrix.transpose();
            let found = (0..turns.len()).find(|k| !seen[*k] && turns[*k].is_like(&turned));
            if let Some(k) = found {
                seen[k] = true;
                class.push(k);
            }
        }
        if class.is_empty() {
            seen[i] = true;
            class.push(i);
        }
        classes.push(class);
    }
    classes
}

/// The half turns about x, y and z of D2 and D2h.
fn three_axes(
    turns: &[Turn],
    positions: &[[f64; 3]],
    on: &dyn Fn(&Vector3<f64>) -> usize,
    planar: &dyn Fn(&Vector3<f64>) -> bool,
) -> Option<[usize; 3]> {
    let mut axes: Vec<(usize, Vector3<f64>)> = (0..turns.len())
        .filter(|i| turns[*i].is_proper() && turns[*i].order() == 2)
        .filter_map(|i| Some((i, turns[i].axis()?)))
        .collect();
    // The extent along the axis decides between axes with as many atoms on them.
    let extent = |a: &Vector3<f64>| -> f64 {
        positions
            .iter()
            .map(|x| Vector3::from(*x).dot(a).powi(2))
            .sum()
    };
    axes.sort_by(|a, b| {
        let flat = planar(&b.1).cmp(&planar(&a.1));
        flat.then(on(&a.1).cmp(&on(&b.1)))
            .then(extent(&a.1).total_cmp(&extent(&b.1)))
    });
    let [x, y, z] = axes.as_slice() else {
        return None;
    };
    Some([x.0, y.0, z.0])
}
