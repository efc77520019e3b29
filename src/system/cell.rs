//! The periodic cell: three row vectors, any mix of periodic directions.

use nalgebra::{Matrix3, RowVector3, Vector3};

/// A simulation cell. The cell vectors are the **rows** of a 3×3 matrix `h` (Å), so Cartesian = fractional · h.
///
/// Directions that are not periodic may carry a vector (a slab's vacuum, kept for output) or none; missing ones are
/// completed internally so that fractional coordinates always exist.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    given: [[f64; 3]; 3],
    rows: Matrix3<f64>,
    inverse: Matrix3<f64>,
    periodic: [bool; 3],
}

impl Cell {
    /// A cell from row vectors (Å) and the periodic directions.
    ///
    /// Errors (a sentence for the user) when a component is not finite, a periodic vector is zero, or the periodic
    /// vectors span no volume.
    pub fn new(rows: [[f64; 3]; 3], periodic: [bool; 3]) -> Result<Cell, String> {
        if rows.as_flattened().iter().any(|x| !x.is_finite()) {
            return Err("the cell has a component that is not a finite number".into());
        }
        let mut m = Matrix3::from_fn(|i, j| rows[i][j]);
        let length = |m: &Matrix3<f64>, k: usize| m.row(k).norm();
        for k in 0..3 {
            if periodic[k] && length(&m, k) < 1e-6 {
                return Err(format!(
                    "cell vector {} is periodic but has no length",
                    ["a", "b", "c"][k]
                ));
            }
        }
        if !spans_volume(&m) {
            // A vector of a direction that is not periodic carries no physics: replace those that do not help.
            for k in 0..3 {
                if !periodic[k] {
                    m.set_row(k, &RowVector3::zeros());
                }
            }
            complete(&mut m);
            if !spans_volume(&m) {
                return Err(
                    "the periodic cell vectors lie in a plane or on a line: the cell has no volume"
                        .into(),
                );
            }
        }
        let inverse = m.try_inverse().ok_or_else(|| {
            "the cell vectors are linearly dependent: the cell has no volume".to_owned()
        })?;
        Ok(Cell {
            given: rows,
            rows: m,
            inverse,
            periodic,
        })
    }

    /// No periodic direction at all.
    pub fn isolated() -> Cell {
        Cell {
            given: [[0.0; 3]; 3],
            rows: Matrix3::identity(),
            inverse: Matrix3::identity(),
            periodic: [false; 3],
        }
    }

    /// An orthorhombic, fully periodic cell with the given edge lengths (Å).
    pub fn orthorhombic(a: f64, b: f64, c: f64) -> Result<Cell, String> {
        Cell::new([[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]], [true; 3])
    }

    /// The row vectors as given (Å); zero where none was given.
    pub fn row_vectors(&self) -> [[f64; 3]; 3] {
        self.given
    }

    /// The row vectors with missing non-periodic ones completed to a basis (Å).
    pub fn basis(&self) -> &Matrix3<f64> {
        &self.rows
    }

    /// The inverse of [`Cell::basis`]: fractional = Cartesian · inverse.
    pub fn inverse(&self) -> &Matrix3<f64> {
        &self.inverse
    }

    /// Which of the three directions are periodic.
    pub fn periodic(&self) -> [bool; 3] {
        self.periodic
    }

    /// True when all three directions are periodic, so that volume, pressure and stress have a meaning.
    pub fn is_bulk(&self) -> bool {
        self.periodic == [true; 3]
    }

    /// True when no direction is periodic.
    pub fn is_isolated(&self) -> bool {
        self.periodic == [false; 3]
    }

    /// Volume (Å^3) of a cell that is periodic in three directions.
    pub fn volume(&self) -> Option<f64> {
        self.is_bulk().then(|| self.rows.determinant().abs())
    }

    /// Lengths of the vectors (Å), and the angles between b and c, a and c, a and b (degrees).
    pub fn lengths_and_angles(&self) -> ([f64; 3], [f64; 3]) {
        let rows = self.given.map(Vector3::from);
        let lengths = [rows[0].norm(), rows[1].norm(), rows[2].norm()];
        let angle = |i: usize, j: usize| {
            let cosine = rows[i].dot(&rows[j]) / (lengths[i] * lengths[j]);
            cosine.clamp(-1.0, 1.0).acos().to_degrees()
        };
        (lengths, [angle(1, 2), angle(0, 2), angle(0, 1)])
    }

    /// Perpendicular distance (Å) between the two faces of each direction.
    pub fn widths(&self) -> [f64; 3] {
        // Column k of the inverse is the reciprocal vector of direction k.
        std::array::from_fn(|k| 1.0 / self.inverse.column(k).norm())
    }

    /// Fractional coordinates of a Cartesian position.
    pub fn fractional(&self, x: [f64; 3]) -> [f64; 3] {
        let m = &self.inverse;
        std::array::from_fn(|k| x[0] * m[(0, k)] + x[1] * m[(1, k)] + x[2] * m[(2, k)])
    }

    /// Cartesian position (Å) of fractional coordinates.
    pub fn cartesian(&self, s: [f64; 3]) -> [f64; 3] {
        let m = &self.rows;
        std::array::from_fn(|k| s[0] * m[(0, k)] + s[1] * m[(1, k)] + s[2] * m[(2, k)])
    }

    /// The translation (Å) of an image shift counted in cell vectors.
    pub fn translation(&self, shift: [i32; 3]) -> [f64; 3] {
        self.cartesian(shift.map(f64::from))
    }

    /// How many cells `x` lies away from the home cell along each periodic direction (0 where not periodic).
    pub fn image_of(&self, x: [f64; 3]) -> [i32; 3] {
        let s = self.fractional(x);
        std::array::from_fn(|k| {
            if self.periodic[k] {
                s[k].floor() as i32
            } else {
                0
            }
        })
    }

    /// `x` moved into the home cell along the periodic directions.
    pub fn wrap(&self, x: [f64; 3]) -> [f64; 3] {
        let t = self.translation(self.image_of(x));
        std::array::from_fn(|k| x[k] - t[k])
    }

    /// The cell with every vector multiplied by the 3×3 deformation `f` from the right (rows · f).
    pub fn deformed(&self, f: &Matrix3<f64>) -> Result<Cell, String> {
        let given = Matrix3::from_fn(|i, j| self.given[i][j]) * f;
        Cell::new(
            std::array::from_fn(|i| std::array::from_fn(|j| given[(i, j)])),
            self.periodic,
        )
    }

    /// The same lattice with shorter vectors, when a periodic vector of this cell leans over another by clearly more
    /// than half of its length; `None` while it does not. A vector b becomes b - n a, which moves no atom.
    pub fn reduced(&self) -> Option<Cell> {
        // Some way beyond a half, so that a cell at the border does not flip to and fro.
        const LEAN: f64 = 0.6;
        let both = |&(a, b): &(usize, usize)| self.periodic[a] && self.periodic[b];
        let mut rows = self.given.map(Vector3::from);
        let mut changed = false;
        // Each turn shortens a vector, so that this ends; the bound is for numbers that are not finite.
        for _ in 0..100 {
            let mut turned = false;
            let pairs = [(1, 0), (2, 0), (2, 1), (0, 1), (0, 2), (1, 2)];
            for (of, over) in pairs.into_iter().filter(both) {
                let lean = rows[of].dot(&rows[over]) / rows[over].norm_squared();
                if lean.abs() > LEAN {
                    let shift = rows[over] * lean.round();
                    rows[of] -= shift;
                    turned = true;
                }
            }
            changed |= turned;
            if !turned {
                break;
            }
        }
        changed
            .then(|| Cell::new(rows.map(|r| [r[0], r[1], r[2]]), self.periodic).ok())
            .flatten()
    }

    /// A supercell of `n` repetitions along each direction.
    pub fn repeated(&self, n: [usize; 3]) -> Result<Cell, String> {
        let rows = std::array::from_fn(|i| self.given[i].map(|x| x * n[i] as f64));
        Cell::new(rows, self.periodic)
    }
}

/// True when the three rows enclose a volume that is not lost in rounding beside their lengths.
fn spans_volume(m: &Matrix3<f64>) -> bool {
    let lengths = m.row(0).norm() * m.row(1).norm() * m.row(2).norm();
    lengths > 0.0 && m.determinant().abs() > 1e-9 * lengths
}

/// Replaces zero rows by unit vectors orthogonal to the others.
fn complete(m: &mut Matrix3<f64>) {
    for k in 0..3 {
        if m.row(k).norm() > 0.0 {
            continue;
        }
        let mut best = RowVector3::zeros();
        for axis in 0..3 {
            let mut v = RowVector3::zeros();
            v[axis] = 1.0;
            // Gram–Schmidt twice, against an orthonormal basis of the other rows.
            let mut basis: Vec<RowVector3<f64>> = Vec::with_capacity(2);
            for o in 0..3 {
                let mut w: RowVector3<f64> = m.row(o).into_owned();
                for b in &basis {
                    w -= b * w.dot(b);
                }
                if o != k && w.norm() > 1e-12 {
                    basis.push(w.normalize());
                }
            }
            for b in basis.iter().chain(basis.iter()) {
                v -= b * v.dot(b);
            }
            if v.norm() > best.norm() {
                best = v;
            }
        }
        if best.norm() > 1e-6 {
            m.set_row(k, &best.normalize());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractional_and_cartesian_are_inverse() {
        let c = Cell::new(
            [[4.0, 0.1, 0.0], [1.0, 5.0, -0.3], [-2.0, 0.7, 6.0]],
            [true; 3],
        )
        .unwrap();
        let x = [1.3, -7.2, 11.9];
        let y = c.cartesian(c.fractional(x));
        for k in 0..3 {
            assert!((x[k] - y[k]).abs() < 1e-12);
        }
        let w = c.fractional(c.wrap(x));
        assert!(w.iter().all(|s| (-1e-12..1.0 + 1e-12).contains(s)));
    }

    #[test]
    fn missing_vectors_of_open_directions_are_completed() {
        let slab = Cell::new(
            [[3.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.0; 3]],
            [true, true, false],
        )
        .unwrap();
        assert!((slab.widths()[0] - slab.basis().determinant() / (10.0f64).sqrt()).abs() < 1e-12);
        assert_eq!(slab.row_vectors()[2], [0.0; 3]);
        assert!(slab.volume().is_none());
        let wire = Cell::new([[0.0; 3], [0.0; 3], [0.0, 0.0, 2.5]], [false, false, true]).unwrap();
        assert!((wire.basis().determinant().abs() - 2.5).abs() < 1e-12);
    }

    #[test]
    fn flat_cells_are_refused() {
        assert!(
            Cell::new(
                [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
                [true; 3]
            )
            .is_err()
        );
        assert!(Cell::new([[0.0; 3]; 3], [true; 3]).is_err());
        assert!(
            Cell::new(
                [[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
                [true; 3]
            )
            .is_err()
        );
    }
}
