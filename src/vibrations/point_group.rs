//! The point group of a molecule, and the symmetry species of its modes.
//!
//! Operations are found as what maps the atoms onto each other. The mean of ⟨e, R e⟩ over a class of operations is χ/d for a mode e
//! of a species with character χ and dimension d (Schur), so that every mode has its species by itself, degenerate or not. Names are
//! Mulliken's, with the axes of J. Chem. Phys. 23, 1997 (1955): of a planar molecule x is perpendicular to the plane, and z passes through most
//! atoms.

use super::Modes;
use super::species::Names;
use crate::elements::Element;
use crate::vector::{cross, dot, minus};
use nalgebra::{Matrix3, Vector3};

/// How far (Å) an operation may miss an atom.
const TOLERANCE: f64 = 0.02;
/// Atoms beyond which nobody looks for symmetry: the search takes their number to the fourth power.
const MOST: usize = 400;

/// An operation of a point group, about the centre of mass.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// x' = R x.
    pub matrix: Matrix3<f64>,
    /// The atom to whose place each atom goes.
    pub to: Vec<usize>,
}

impl Turn {
    /// Whether it is a rotation, without a reflection.
    pub fn is_proper(&self) -> bool {
        self.matrix.determinant() > 0.0
    }

    /// The angle (0 to π) of its rotation; of an improper one that before the reflection.
    pub fn angle(&self) -> f64 {
        let sign = if self.is_proper() { 1.0 } else { -1.0 };
        (0.5 * (self.matrix.trace() - sign)).clamp(-1.0, 1.0).acos()
    }

    /// The axis of its rotation, or the normal of its plane; none for the identity and the inversion.
    pub fn axis(&self) -> Option<Vector3<f64>> {
        let sign = if self.is_proper() { 1.0 } else { -1.0 };
        // R v = ±v: the null vector of R ∓ 1.
        let m = self.matrix - Matrix3::identity() * sign;
        let columns: Vec<Vector3<f64>> = (0..3).map(|k| m.row(k).transpose()).collect();
        let mut best = Vector3::zeros();
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let c = columns[a].cross(&columns[b]);
            if c.norm() > best.norm() {
                best = c;
            }
        }
        (best.norm() > 1e-3).then(|| best.normalize())
    }

    /// The least number of times after which nothing has moved (up to 24).
    pub fn order(&self) -> usize {
        let mut power = self.matrix;
        for n in 1..=24 {
            if (power - Matrix3::identity()).norm() < 0.05 {
                return n;
            }
            power *= self.matrix;
        }
        0
    }

    /// Whether it does the same to space as another one.
    pub fn is_like(&self, matrix: &Matrix3<f64>) -> bool {
        (self.matrix - matrix).norm() < 0.1
    }
}

/// The point group of a molecule.
#[derive(Clone, Debug)]
pub struct PointGroup {
    /// Its Schoenflies symbol, such as `C3v`; `C∞v` and `D∞h` for molecules on a line.
    pub name: String,
    /// For a molecule on a line its axis.
    line: Option<Vector3<f64>>,
    turns: Vec<Turn>,
    /// Positions relative to the centre of mass.
    positions: Vec<[f64; 3]>,
    /// The atoms of the system.
    atoms: Vec<usize>,
}

impl PointGroup {
    /// Of positions (Å) of one piece, with element and mass (amu) of each; `atoms` are the numbers of these atoms in the system.
    pub fn of(positions: &[[f64; 3]], kinds: &[(Element, f64)], atoms: &[usize]) -> PointGroup {
        let mass: f64 = kinds.iter().map(|k| k.1).sum();
        let mut centre = [0.0; 3];
        for (x, k) in positions.iter().zip(kinds) {
            (0..3).for_each(|a| centre[a] += x[a] * k.1 / mass);
        }
        let x: Vec<[f64; 3]> = positions.iter().map(|x| minus(*x, centre)).collect();
        let masses: Vec<f64> = kinds.iter().map(|k| k.1).collect();
        let inertia = super::Inertia::of(&x, &masses);
        let line = (inertia.rotations == 2).then(|| Vector3::from(inertia.axes[2]));
        let turns = match (x.len(), line) {
            (n, _) if n > MOST => trivial(n),
            (_, Some(_)) => on_a_line(&x, kinds),
            _ => turns(&x, kinds),
        };
        let mut group = PointGroup {
            name: String::new(),
            line,
            turns,
            positions: x,
            atoms: atoms.to_vec(),
        };
        group.name = match (group.line, group.positions.len()) {
            (Some(_), _) if group.turns.len() > 1 => "D∞h".to_owned(),
            (Some(_), _) => "C∞v".to_owned(),
            (_, 1) => "K".to_owned(),
            _ => super::species::schoenflies(&group.turns),
        };
        group
    }

    /// The number of rotations that bring the molecule onto itself.
    pub fn symmetry_number(&self) -> u64 {
        match self.line {
            // Half a turn about any axis perpendicular to the line.
            Some(_) => self.turns.len() as u64,
            None => self.turns.iter().filter(|t| t.is_proper()).count() as u64,
        }
    }

    /// The symmetry species of each mode; `?` for one that has none, because the structure has the symmetry only about or modes of
    /// several species coincide.
    pub fn labels(&self, modes: &Modes) -> Vec<String> {
        let own = |m: &super::Mode| -> Vec<Vector3<f64>> {
            let x = self
                .atoms
                .iter()
                .map(|a| Vector3::from(m.displacements[*a]));
            x.collect()
        };
        let all = modes.modes.iter().map(own);
        if let Some(axis) = self.line {
            return all.map(|e| self.on_line(&e, &axis)).collect();
        }
        let names = Names::new(&self.name, &self.turns, &self.positions);
        all.map(|e| {
            let norm: f64 = e.iter().map(Vector3::norm_squared).sum();
            let expectation = |t: &Turn| {
                let parts = e
                    .iter()
                    .zip(&t.to)
                    .map(|(x, to)| e[*to].dot(&(t.matrix * x)));
                parts.sum::<f64>() / norm
            };
            let values: Vec<f64> = self.turns.iter().map(expectation).collect();
            names.of(&values).unwrap_or_else(|| "?".to_owned())
        })
        .collect()
    }

    /// Σ along the line, Π across; g and u under inversion.
    fn on_line(&self, e: &[Vector3<f64>], axis: &Vector3<f64>) -> String {
        let norm: f64 = e.iter().map(Vector3::norm_squared).sum();
        let along: f64 = e.iter().map(|x| x.dot(axis).powi(2)).sum::<f64>() / norm;
        let kind = match along {
            a if a > 0.99 => "Σ",
            a if a < 0.01 => "Π",
            _ => return "?".to_owned(),
        };
        let plus = if kind == "Σ" { "+" } else { "" };
        let Some(inversion) = self.turns.get(1) else {
            return format!("{kind}{plus}");
        };
        let parts = e.iter().zip(&inversion.to).map(|(x, to)| -e[*to].dot(x));
        match parts.sum::<f64>() / norm {
            c if c > 0.99 => format!("{kind}g{plus}"),
            c if c < -0.99 => format!("{kind}u{plus}"),
            _ => "?".to_owned(),
        }
    }
}

fn trivial(atoms: usize) -> Vec<Turn> {
    vec![Turn {
        matrix: Matrix3::identity(),
        to: (0..atoms).collect(),
    }]
}

/// Identity, and the inversion if the line has it.
fn on_a_line(x: &[[f64; 3]], kinds: &[(Element, f64)]) -> Vec<Turn> {
    let mut all = trivial(x.len());
    let matrix = -Matrix3::identity();
    all.extend(mapped(x, kinds, &matrix).map(|to| Turn { matrix, to }));
    all
}

/// The atom to which each atom is brought; none when one is brought to no atom of its kind.
fn mapped(x: &[[f64; 3]], kinds: &[(Element, f64)], matrix: &Matrix3<f64>) -> Option<Vec<usize>> {
    let mut taken = vec![false; x.len()];
    let find = |i: usize| {
        let y: [f64; 3] = (matrix * Vector3::from(x[i])).into();
        let is_there = |j: &usize| {
            let d = minus(x[*j], y);
            !taken[*j] && kinds[*j] == kinds[i] && dot(d, d) < TOLERANCE * TOLERANCE
        };
        let found = (0..x.len()).find(is_there)?;
        taken[found] = true;
        Some(found)
    };
    (0..x.len()).map(find).collect()
}

/// All operations of a molecule that is on no line, the identity first.
fn turns(x: &[[f64; 3]], kinds: &[(Element, f64)]) -> Vec<Turn> {
    let mut all = trivial(x.len());
    let radius = |i: usize| dot(x[i], x[i]).sqrt();
    let alike = |i: usize, j: usize| {
        kinds[i] == kinds[j] && (radius(i) - radius(j)).abs() < 2.0 * TOLERANCE
    };
    let rarity = |i: &usize| (0..x.len()).filter(|j| alike(*i, *j)).count();
    // Two atoms that are not on a line with the centre, the first from the smallest set of atoms that might be equivalent.
    let off = (0..x.len()).filter(|i| radius(*i) > 0.3);
    let Some(first) = off.clone().min_by_key(rarity) else {
        return all;
    };
    let area = |a: usize, b: usize| {
        let c = cross(x[a], x[b]);
        dot(c, c).sqrt() / (radius(a) * radius(b))
    };
    let Some(second) = off.filter(|i| area(first, *i) > 0.2).min_by_key(rarity) else {
        return all;
    };
    let distance = |i: usize, j: usize| {
        let d = minus(x[i], x[j]);
        dot(d, d).sqrt()
    };
    let from = frame(x[first], x[second]);
    let apart = distance(first, second);
    for a in (0..x.len()).filter(|a| alike(first, *a)) {
        for b in (0..x.len()).filter(|b| alike(second, *b)) {
            if a == b || (distance(a, b) - apart).abs() > 4.0 * TOLERANCE {
                continue;
            }
            for sign in [1.0, -1.0] {
                let mut to = frame(x[a], x[b]);
                let normal = to.column(2) * sign;
                to.set_column(2, &normal);
                let rough = to * from.transpose();
                if all.iter().any(|t| t.is_like(&rough)) {
                    continue;
                }
                if let Some(found) = mapped(x, kinds, &rough) {
                    let matrix = fitted(x, &found, rough.determinant() > 0.0);
                    all.push(Turn { matrix, to: found });
                }
            }
        }
    }
    all
}

/// An orthonormal frame of two vectors: along the first, across it in their plane, and perpendicular.
fn frame(a: [f64; 3], b: [f64; 3]) -> Matrix3<f64> {
    let (a, b) = (Vector3::from(a).normalize(), Vector3::from(b));
    let normal = a.cross(&b).normalize();
    Matrix3::from_columns(&[a, normal.cross(&a), normal])
}

/// The orthogonal matrix that brings all atoms nearest to their images, with a reflection or without (Kabsch, Acta Cryst. A 32,
/// 922 (1976)).
fn fitted(x: &[[f64; 3]], to: &[usize], proper: bool) -> Matrix3<f64> {
    let mut sum = Matrix3::zeros();
    for (i, j) in to.iter().enumerate() {
        sum += Vector3::from(x[*j]) * Vector3::from(x[i]).transpose();
    }
    let svd = sum.svd(true, true);
    let (Some(mut u), Some(v)) = (svd.u, svd.v_t) else {
        return Matrix3::identity();
    };
    if ((u * v).determinant() > 0.0) != proper {
        // The direction in which the molecule is flat, or flattest.
        let least = svd.singular_values.imin();
        let turned = -u.column(least);
        u.set_column(least, &turned);
    }
    u * v
}
