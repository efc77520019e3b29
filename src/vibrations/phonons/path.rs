//! The standard path of a band structure through the Brillouin zone.
//!
//! Points and paths are those of Setyawan and Curtarolo, Comput. Mater. Sci. 49, 299 (2010), found from the Bravais lattice of the
//! crystal; for centred monoclinic and triclinic lattices the axes and corners of the reduced reciprocal cell are taken.

use crate::error::{Error, Result};
use crate::system::SpaceGroup;
use nalgebra::{Matrix3, Vector3};

/// A named wave vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its name, as in `X`; the origin is `Γ`.
    pub name: String,
    /// Coordinates in the reciprocal lattice of the primitive cell.
    pub reduced: [f64; 3],
}

/// A path: several stretches, each through named points in straight lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// What the path follows, as in `face-centred cubic`.
    pub lattice: String,
    /// The stretches.
    pub stretches: Vec<Vec<Point>>,
}

/// A lattice of the tables: its primitive vectors (rows, Å, of the lattice as it lies in space), points and path.
struct Table {
    lattice: &'static str,
    vectors: Matrix3<f64>,
    points: Vec<(&'static str, [f64; 3])>,
    path: &'static str,
}

impl Path {
    /// The standard path for a crystal.
    pub fn standard(group: &SpaceGroup) -> Path {
        let table = table(group);
        // From the primitive vectors of the table to those of the space group.
        let primitive = Matrix3::from_fn(|i, j| group.primitive[i][j]);
        let inverse = table.vectors.try_inverse().unwrap_or_else(Matrix3::zeros);
        let change = primitive * inverse;
        let of = |name: &str| {
            let own = table.points.iter().find(|p| p.0 == name);
            let reduced = own.map_or([0.0; 3], |p| p.1);
            let there = change * Vector3::from(reduced);
            Point {
                name: if name == "G" { "Γ" } else { name }.to_owned(),
                reduced: there.map(tidy).into(),
            }
        };
        let stretches = table
            .path
            .split('|')
            .map(|s| s.split('-').map(of).collect());
        Path {
            lattice: table.lattice.to_owned(),
            stretches: stretches.collect(),
        }
    }

    /// A path through points that the user names: words such as `"Γ X | K Γ"`, coordinates from `own` first, else from the standard
    /// path.
    pub fn chosen(group: &SpaceGroup, words: &str, own: &[(String, [f64; 3])]) -> Result<Path> {
        let standard = Path::standard(group);
        let mut known: Vec<Point> = own
            .iter()
            .map(|(name, reduced)| Point {
                name: name.clone(),
                reduced: *reduced,
            })
            .collect();
        for p in standard.stretches.iter().flatten() {
            if !known.iter().any(|k| k.name == p.name) {
                known.push(p.clone());
            }
        }
        let find = |word: &str| {
            let word = match word.to_lowercase().as_str() {
                "g" | "gamma" => "Γ",
                _ => word,
            };
            let found = known.iter().find(|k| k.name == word);
            found.cloned().ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|k| k.name.as_str()).collect();
                Error::input("path", format!("there is no point `{word}`")).advise(format!(
                    "known for this {} lattice: {}; give others under [phonons.points]",
                    standard.lattice,
                    names.join(" ")
                ))
            })
        };
        let stretch = |s: &str| {
            let words = s.split(|c: char| c.is_whitespace() || "-–—>".contains(c));
            words.filter(|w| !w.is_empty()).map(find).collect()
        };
        let stretches: Vec<Vec<Point>> = words.split('|').map(stretch).collect::<Result<_>>()?;
        if stretches.iter().any(|s| s.len() < 2) {
            return Err(
                Error::input("path", "a stretch of the path has fewer than two points")
                    .advise("write for example \"Γ X U | K Γ L\""),
            );
        }
        Ok(Path {
            lattice: standard.lattice,
            stretches,
        })
    }
}

/// Rounding in a coordinate that is a simple fraction.
fn tidy(x: f64) -> f64 {
    let parts = (x * 48.0).round() / 48.0;
    if (x - parts).abs() < 1e-7 { parts } else { x }
}

fn table(group: &SpaceGroup) -> Table {
    let rows = group.conventional.map(Vector3::from);
    let lattice: String = group.pearson.chars().take(2).collect();
    // Orthorhombic and tetragonal tables want their axes in an order.
    let matrix = |r: [Vector3<f64>; 3]| Matrix3::from_fn(|i, j| r[i][j]);
    let mut sorted = rows;
    sorted.sort_by(|a, b| a.norm().total_cmp(&b.norm()));
    match lattice.as_str() {
        "cP" => cubic(matrix(rows)),
        "cF" => face_centred_cubic(matrix(rows)),
        "cI" => body_centred_cubic(matrix(rows)),
        "tP" => tetragonal(matrix(rows)),
        "tI" => body_centred_tetragonal(matrix(rows)),
        "oP" => orthorhombic(matrix(sorted)),
        "oF" => face_centred_orthorhombic(matrix(sorted)),
        "oI" => body_centred_orthorhombic(matrix(sorted)),
        "oS" | "oC" | "oA" | "oB" => base_centred_orthorhombic(group, rows),
        "hP" => hexagonal(matrix(rows)),
        "hR" => rhombohedral(matrix(rows)),
        "mP" => monoclinic(rows),
        _ => triclinic(group),
    }
}

const H: f64 = 0.5;

fn with(
    lattice: &'static str,
    centring: [[f64; 3]; 3],
    conventional: Matrix3<f64>,
    points: &[(&'static str, [f64; 3])],
    path: &'static str,
) -> Table {
    let centring = Matrix3::from_fn(|i, j| centring[i][j]);
    Table {
        lattice,
        vectors: centring * conventional,
        points: points.to_vec(),
        path,
    }
}

const PRIMITIVE: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
const FACES: [[f64; 3]; 3] = [[0.0, H, H], [H, 0.0, H], [H, H, 0.0]];
const BODY: [[f64; 3]; 3] = [[-H, H, H], [H, -H, H], [H, H, -H]];

fn cubic(c: Matrix3<f64>) -> Table {
    let points = [("M", [H, H, 0.0]), ("R", [H, H, H]), ("X", [0.0, H, 0.0])];
    with("cubic", PRIMITIVE, c, &points, "G-X-M-G-R-X|M-R")
}

fn face_centred_cubic(c: Matrix3<f64>) -> Table {
    let points = [
        ("K", [0.375, 0.375, 0.75]),
        ("L", [H, H, H]),
        ("U", [0.625, 0.25, 0.625]),
        ("W", [H, 0.25, 0.75]),
        ("X", [H, 0.0, H]),
    ];
    let path = "G-X-W-K-G-L-U-W-L-K|U-X";
    with("face-centred cubic", FACES, c, &points, path)
}

fn body_centred_cubic(c: Matrix3<f64>) -> Table {
    let points = [("H", [H, -H, H]), ("P", [0.25; 3]), ("N", [0.0, 0.0, H])];
    with("body-centred cubic", BODY, c, &points, "G-H-N-G-P-H|P-N")
}

fn tetragonal(c: Matrix3<f64>) -> Table {
    let points = [
        ("A", [H, H, H]),
        ("M", [H, H, 0.0]),
        ("R", [0.0, H, H]),
        ("X", [0.0, H, 0.0]),
        ("Z", [0.0, 0.0, H]),
    ];
    with(
        "tetragonal",
        PRIMITIVE,
        c,
        &points,
        "G-X-M-G-Z-R-A-Z|X-R|M-A",
    )
}

fn body_centred_tetragonal(m: Matrix3<f64>) -> Table {
    let (a, c) = (m.row(0).norm(), m.row(2).norm());
    let name = "body-centred tetragonal";
    if c < a {
        let eta = (1.0 + (c / a).powi(2)) / 4.0;
        let points = [
            ("M", [-H, H, H]),
            ("N", [0.0, H, 0.0]),
            ("P", [0.25; 3]),
            ("X", [0.0, 0.0, H]),
            ("Z", [eta, eta, -eta]),
            ("Z1", [-eta, 1.0 - eta, eta]),
        ];
        return with(name, BODY, m, &points, "G-X-M-G-Z-P-N-Z1-M|X-P");
    }
    let eta = (1.0 + (a / c).powi(2)) / 4.0;
    let zeta = 0.5 * (a / c).powi(2);
    let points = [
        ("N", [0.0, H, 0.0]),
        ("P", [0.25; 3]),
        ("Σ", [-eta, eta, eta]),
        ("Σ1", [eta, 1.0 - eta, -eta]),
        ("X", [0.0, 0.0, H]),
        ("Y", [-zeta, zeta, H]),
        ("Y1", [H, H, -zeta]),
        ("Z", [H, H, -H]),
    ];
    with(name, BODY, m, &points, "G-X-Y-Σ-G-Z-Σ1-N-P-Y1-Z|X-P")
}

fn orthorhombic(m: Matrix3<f64>) -> Table {
    let points = [
        ("R", [H, H, H]),
        ("S", [H, H, 0.0]),
        ("T", [0.0, H, H]),
        ("U", [H, 0.0, H]),
        ("X", [H, 0.0, 0.0]),
        ("Y", [0.0, H, 0.0]),
        ("Z", [0.0, 0.0, H]),
    ];
    with(
        "orthorhombic",
        PRIMITIVE,
        m,
        &points,
        "G-X-S-Y-G-Z-U-R-T-Z|Y-T|U-X|S-R",
    )
}

fn face_centred_orthorhombic(m: Matrix3<f64>) -> Table {
    let [a, b, c] = [0, 1, 2].map(|k| m.row(k).norm_squared());
    let name = "face-centred orthorhombic";
    let excess = 1.0 / a - 1.0 / b - 1.0 / c;
    if excess > -1e-9 / a {
        let zeta = (1.0 + a / b - a / c) / 4.0;
        let eta = (1.0 + a / b + a / c) / 4.0;
        let points = [
            ("A", [H, H + zeta, zeta]),
            ("A1", [H, H - zeta, 1.0 - zeta]),
            ("L", [H, H, H]),
            ("T", [1.0, H, H]),
            ("X", [0.0, eta, eta]),
            ("X1", [1.0, 1.0 - eta, 1.0 - eta]),
            ("Y", [H, 0.0, H]),
            ("Z", [H, H, 0.0]),
        ];
        let path = match excess > 1e-9 / a {
            true => "G-Y-T-Z-G-X-A1-Y|T-X1|X-A-Z|L-G",
            false => "G-Y-T-Z-G-X-A1-Y|X-A-Z|L-G",
        };
        return with(name, FACES, m, &points, path);
    }
    let eta = (1.0 + a / b - a / c) / 4.0;
    let phi = (1.0 + c / b - c / a) / 4.0;
    let delta = (1.0 + b / a - b / c) / 4.0;
    let points = [
        ("C", [H, H - eta, 1.0 - eta]),
        ("C1", [H, H + eta, eta]),
        ("D", [H - delta, H, 1.0 - delta]),
        ("D1", [H + delta, H, delta]),
        ("L", [H, H, H]),
        ("H", [1.0 - phi, H - phi, H]),
        ("H1", [phi, H + phi, H]),
        ("X", [0.0, H, H]),
        ("Y", [H, 0.0, H]),
        ("Z", [H, H, 0.0]),
    ];
    with(
        name,
        FACES,
        m,
        &points,
        "G-Y-C-D-X-G-Z-D1-H-C|C1-Z|X-H1|H-Y|L-G",
    )
}

fn body_centred_orthorhombic(m: Matrix3<f64>) -> Table {
    let [a, b, c] = [0, 1, 2].map(|k| m.row(k).norm_squared());
    let zeta = (1.0 + a / c) / 4.0;
    let eta = (1.0 + b / c) / 4.0;
    let delta = (b - a) / (4.0 * c);
    let mu = (a + b) / (4.0 * c);
    let points = [
        ("L", [-mu, mu, H - delta]),
        ("L1", [mu, -mu, H + delta]),
        ("L2", [H - delta, H + delta, -mu]),
        ("R", [0.0, H, 0.0]),
        ("S", [H, 0.0, 0.0]),
        ("T", [0.0, 0.0, H]),
        ("W", [0.25; 3]),
        ("X", [-zeta, zeta, zeta]),
        ("X1", [zeta, 1.0 - zeta, -zeta]),
        ("Y", [eta, -eta, eta]),
        ("Y1", [1.0 - eta, eta, -eta]),
        ("Z", [H, H, -H]),
    ];
    let path = "G-X-L-T-W-R-X1-Z-G-Y-S-W|L1-Y|Y1-Z";
    with("body-centred orthorhombic", BODY, m, &points, path)
}

fn base_centred_orthorhombic(group: &SpaceGroup, rows: [Vector3<f64>; 3]) -> Table {
    // The axis across the centred face: the one along which no primitive vector has half a step.
    let primitive = group.primitive.map(Vector3::from);
    let conventional = Matrix3::from_fn(|i, j| rows[i][j]);
    let inverse = conventional.try_inverse().unwrap_or_else(Matrix3::zeros);
    let halves = |k: usize| {
        primitive.iter().any(|p| {
            let s = (p.transpose() * inverse)[k];
            (s - s.round()).abs() > 0.25
        })
    };
    let across = (0..3).find(|k| !halves(*k)).unwrap_or(2);
    let (mut a, mut b) = (rows[(across + 1) % 3], rows[(across + 2) % 3]);
    if a.norm() > b.norm() {
        (a, b) = (b, a);
    }
    let m = Matrix3::from_rows(&[a.transpose(), b.transpose(), rows[across].transpose()]);
    let zeta = (1.0 + a.norm_squared() / b.norm_squared()) / 4.0;
    let points = [
        ("A", [zeta, zeta, H]),
        ("A1", [-zeta, 1.0 - zeta, H]),
        ("R", [0.0, H, H]),
        ("S", [0.0, H, 0.0]),
        ("T", [-H, H, H]),
        ("X", [zeta, zeta, 0.0]),
        ("X1", [-zeta, 1.0 - zeta, 0.0]),
        ("Y", [-H, H, 0.0]),
        ("Z", [0.0, 0.0, H]),
    ];
    let base = [[H, -H, 0.0], [H, H, 0.0], [0.0, 0.0, 1.0]];
    let path = "G-X-S-R-A-Z-G-Y-X1-A1-T-Y|Z-T";
    with("base-centred orthorhombic", base, m, &points, path)
}

fn hexagonal(m: Matrix3<f64>) -> Table {
    let third = 1.0 / 3.0;
    let points = [
        ("A", [0.0, 0.0, H]),
        ("H", [third, third, H]),
        ("K", [third, third, 0.0]),
        ("L", [H, 0.0, H]),
        ("M", [H, 0.0, 0.0]),
    ];
    with(
        "hexagonal",
        PRIMITIVE,
        m,
        &points,
        "G-M-K-G-A-L-H-A|L-M|K-H",
    )
}

fn rhombohedral(m: Matrix3<f64>) -> Table {
    let third = 1.0 / 3.0;
    let obverse = [
        [2.0 * third, third, third],
        [-third, third, third],
        [-third, -2.0 * third, third],
    ];
    let vectors = Matrix3::from_fn(|i, j| obverse[i][j]) * m;
    let (r0, r1) = (vectors.row(0), vectors.row(1));
    let cosine = r0.dot(&r1) / (r0.norm() * r1.norm());
    if cosine > 0.0 {
        let eta = (1.0 + 4.0 * cosine) / (2.0 + 4.0 * cosine);
        let nu = 0.75 - 0.5 * eta;
        let points = [
            ("B", [eta, H, 1.0 - eta]),
            ("B1", [H, 1.0 - eta, eta - 1.0]),
            ("F", [H, H, 0.0]),
            ("L", [H, 0.0, 0.0]),
            ("L1", [0.0, 0.0, -H]),
            ("P", [eta, nu, nu]),
            ("P1", [1.0 - nu, 1.0 - nu, 1.0 - eta]),
            ("P2", [nu, nu, eta - 1.0]),
            ("Q", [1.0 - nu, nu, 0.0]),
            ("X", [nu, 0.0, -nu]),
            ("Z", [H, H, H]),
        ];
        return with(
            "rhombohedral",
            obverse,
            m,
            &points,
            "G-L-B1|B-Z-G-X|Q-F-P1-Z|L-P",
        );
    }
    // 1 / (2 tan^2(alpha/2)) with tan^2(alpha/2) = (1 - cos alpha) / (1 + cos alpha)
    let eta = 0.5 * (1.0 + cosine) / (1.0 - cosine);
    let nu = 0.75 - 0.5 * eta;
    let points = [
        ("F", [H, -H, 0.0]),
        ("L", [H, 0.0, 0.0]),
        ("P", [1.0 - nu, -nu, 1.0 - nu]),
        ("P1", [nu, nu - 1.0, nu - 1.0]),
        ("Q", [eta, eta, eta]),
        ("Q1", [1.0 - eta, -eta, -eta]),
        ("Z", [H, -H, H]),
    ];
    with("rhombohedral", obverse, m, &points, "G-P-Z-Q-G-F-P1-Q1-L-Z")
}

fn monoclinic(rows: [Vector3<f64>; 3]) -> Table {
    // The tables want the unique axis first, and an acute angle between the others, the shorter of which is the second.
    let unique = (0..3)
        .min_by(|i, j| {
            let lean = |k: usize| {
                let (a, b) = (rows[(k + 1) % 3].normalize(), rows[(k + 2) % 3].normalize());
                let r = rows[k].normalize();
                r.dot(&a).abs() + r.dot(&b).abs()
            };
            lean(*i).total_cmp(&lean(*j))
        })
        .unwrap_or(1);
    let (mut b, mut c) = (rows[(unique + 1) % 3], rows[(unique + 2) % 3]);
    if b.norm() > c.norm() {
        (b, c) = (c, b);
    }
    if b.dot(&c) < 0.0 {
        c = -c;
    }
    let m = Matrix3::from_rows(&[rows[unique].transpose(), b.transpose(), c.transpose()]);
    let cosine = b.dot(&c) / (b.norm() * c.norm());
    let eta = (1.0 - b.norm() * cosine / c.norm()) / (2.0 * (1.0 - cosine * cosine));
    let nu = 0.5 - eta * c.norm() * cosine / b.norm();
    let points = [
        ("A", [H, H, 0.0]),
        ("C", [0.0, H, H]),
        ("D", [H, 0.0, H]),
        ("D1", [H, 0.0, -H]),
        ("E", [H, H, H]),
        ("H", [0.0, eta, 1.0 - nu]),
        ("H1", [0.0, 1.0 - eta, nu]),
        ("H2", [0.0, eta, -nu]),
        ("M", [H, eta, 1.0 - nu]),
        ("M1", [H, 1.0 - eta, nu]),
        ("M2", [H, eta, -nu]),
        ("X", [0.0, H, 0.0]),
        ("Y", [0.0, 0.0, H]),
        ("Y1", [0.0, 0.0, -H]),
        ("Z", [H, 0.0, 0.0]),
    ];
    with(
        "monoclinic",
        PRIMITIVE,
        m,
        &points,
        "G-Y-H-C-E-M1-A-X-H1|M-D-Z|Y-D",
    )
}

fn triclinic(group: &SpaceGroup) -> Table {
    let own = Matrix3::from_fn(|i, j| group.primitive[i][j]);
    let reduced = moyo::base::Lattice::from_basis(group.primitive).niggli_reduce();
    let vectors = reduced.map_or(own, |r| r.0.basis.transpose());
    let points = [
        ("X", [H, 0.0, 0.0]),
        ("Y", [0.0, H, 0.0]),
        ("Z", [0.0, 0.0, H]),
        ("L", [H, H, 0.0]),
        ("M", [0.0, H, H]),
        ("N", [H, 0.0, H]),
        ("R", [H, H, H]),
    ];
    Table {
        lattice: "triclinic (reduced cell)",
        vectors,
        points: points.to_vec(),
        path: "X-G-Y|L-G-Z|N-G-M|R-G",
    }
}
