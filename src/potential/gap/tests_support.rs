//! Neighbourhoods by brute force over all images, and reference frames: for the tests of this family.

use crate::elements::Element;
use crate::potential::{Evaluation, LocalModel, Names, RowResults, Rows, Want};
use crate::system::Cell;
use std::path::{Path, PathBuf};

/// Rows that own their arrays, with the atom behind each neighbour.
pub(super) struct BruteRows {
    centres: Vec<Element>,
    first: Vec<u32>,
    elements: Vec<Element>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    r2: Vec<f64>,
    atoms: Vec<u32>,
    shifts: Vec<[i32; 3]>,
}

/// All neighbours of all atoms inside the cutoff, every periodic image counted.
pub(super) fn brute_rows(
    cell: &Cell,
    elements: &[Element],
    positions: &[[f64; 3]],
    cutoff: f64,
) -> BruteRows {
    let mut rows = BruteRows {
        centres: elements.to_vec(),
        first: vec![0],
        elements: Vec::new(),
        x: Vec::new(),
        y: Vec::new(),
        z: Vec::new(),
        r2: Vec::new(),
        atoms: Vec::new(),
        shifts: Vec::new(),
    };
    // Positions need not be wrapped: their own spread adds to the images needed.
    let spread = |k: usize| {
        let s = positions.iter().map(|x| cell.fractional(*x)[k]);
        s.clone().fold(f64::MIN, f64::max) - s.fold(f64::MAX, f64::min)
    };
    let reach: [i32; 3] = std::array::from_fn(|k| {
        if cell.periodic()[k] {
            (cutoff / cell.widths()[k] + spread(k)).ceil() as i32 + 1
        } else {
            0
        }
    });
    for o in positions {
        for (j, p) in positions.iter().enumerate() {
            for a in -reach[0]..=reach[0] {
                for b in -reach[1]..=reach[1] {
                    for c in -reach[2]..=reach[2] {
                        let t = cell.translation([a, b, c]);
                        let d: [f64; 3] = std::array::from_fn(|k| p[k] + t[k] - o[k]);
                        let r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
                        if r2 > 1e-12 && r2 < cutoff * cutoff {
                            rows.elements.push(elements[j]);
                            rows.x.push(d[0]);
                            rows.y.push(d[1]);
                            rows.z.push(d[2]);
                            rows.r2.push(r2);
                            rows.atoms.push(j as u32);
                            rows.shifts.push([a, b, c]);
                        }
                    }
                }
            }
        }
        rows.first.push(rows.r2.len() as u32);
    }
    rows
}

/// Energy, forces, virial and site energies of a configuration, by brute force.
pub(crate) fn evaluate<M: LocalModel>(
    model: &M,
    cell: &Cell,
    elements: &[Element],
    positions: &[[f64; 3]],
) -> Evaluation {
    let cutoff = model.description().neighbours.map_or(0.0, |n| n.cutoff);
    let rows = brute_rows(cell, elements, positions, cutoff);
    let (n, pairs) = (elements.len(), rows.r2.len());
    let (mut energy, mut booked) = (vec![0.0; n], vec![0.0; pairs]);
    let (mut gx, mut gy, mut gz) = (vec![0.0; pairs], vec![0.0; pairs], vec![0.0; pairs]);
    let view = Rows {
        centres: &rows.centres,
        first: &rows.first,
        elements: &rows.elements,
        x: &rows.x,
        y: &rows.y,
        z: &rows.z,
        r2: &rows.r2,
        names: Names {
            atoms: &rows.atoms,
            shifts: &rows.shifts,
        },
    };
    let mut results = RowResults {
        energy: &mut energy,
        gx: &mut gx,
        gy: &mut gy,
        gz: &mut gz,
        radial: &mut [],
        booked: &mut booked,
        reliability: &mut [],
    };
    model.evaluate(&view, Want::ALL, &mut M::Scratch::default(), &mut results);
    let mut out = Evaluation::default();
    out.reset(n, Want::ALL);
    out.energy = energy.iter().sum::<f64>() + booked.iter().sum::<f64>();
    out.site_energies.copy_from_slice(&energy);
    for i in 0..n {
        for k in view.of(i) {
            let j = rows.atoms[k] as usize;
            let (g, d) = ([gx[k], gy[k], gz[k]], [rows.x[k], rows.y[k], rows.z[k]]);
            out.site_energies[j] += booked[k];
            for a in 0..3 {
                out.forces[j][a] -= g[a];
                out.forces[i][a] += g[a];
                for b in 0..3 {
                    out.virial[a][b] -= d[a] * g[b];
                }
            }
        }
    }
    out
}

/// One frame of a reference file.
pub(super) struct Frame {
    pub name: String,
    pub cell: Cell,
    pub elements: Vec<Element>,
    pub positions: Vec<[f64; 3]>,
    pub energy: f64,
    pub virial: [[f64; 3]; 3],
    pub forces: Vec<[f64; 3]>,
    pub site_energies: Vec<f64>,
}

/// The frames of an extended XYZ file with columns species, pos, forces, local_energy.
pub(super) fn frames(path: &Path) -> Vec<Frame> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let mut frames = Vec::new();
    while let Some(count) = lines.next().and_then(|l| l.trim().parse::<usize>().ok()) {
        let header = lines.next().unwrap();
        assert!(
            header.contains("Properties=species:S:1:pos:R:3:forces:R:3:local_energy:R:1"),
            "{header}"
        );
        let value = |key: &str| {
            let start = header.find(&format!("{key}="))? + key.len() + 1;
            let rest = &header[start..];
            Some(match rest.strip_prefix('"') {
                Some(quoted) => &quoted[..quoted.find('"').unwrap()],
                None => rest.split_whitespace().next().unwrap(),
            })
        };
        let numbers = |text: &str| {
            text.split_whitespace()
                .map(|w| w.parse().unwrap())
                .collect::<Vec<f64>>()
        };
        let matrix = |v: Vec<f64>| std::array::from_fn(|i| std::array::from_fn(|j| v[3 * i + j]));
        let periodic: Vec<bool> = value("pbc")
            .unwrap()
            .split_whitespace()
            .map(|w| w == "T")
            .collect();
        let cell = match value("Lattice") {
            Some(lattice) => Cell::new(
                matrix(numbers(lattice)),
                [periodic[0], periodic[1], periodic[2]],
            )
            .unwrap(),
            None => Cell::isolated(),
        };
        let mut frame = Frame {
            name: value("name").unwrap().to_owned(),
            cell,
            elements: Vec::new(),
            positions: Vec::new(),
            energy: value("energy").unwrap().parse().unwrap(),
            virial: matrix(numbers(value("virial").unwrap())),
            forces: Vec::new(),
            site_energies: Vec::new(),
        };
        for _ in 0..count {
            let words: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
            let v = numbers(&words[1..].join(" "));
            frame.elements.push(Element::from_symbol(words[0]).unwrap());
            frame.positions.push([v[0], v[1], v[2]]);
            frame.forces.push([v[3], v[4], v[5]]);
            frame.site_energies.push(v[6]);
        }
        frames.push(frame);
    }
    assert!(!frames.is_empty(), "no frames in {}", path.display());
    frames
}

/// The folder of reference data that is not part of the package, if it is there.
pub(crate) fn reference(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ZUNDEL_REFERENCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference"),
        PathBuf::from,
    );
    let folder = root.join("gap").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no reference data for {name}");
    None
}

/// Compares every frame of a file with a model: energies per atom, site energies, forces and virial per atom.
pub(super) fn compare<M: LocalModel>(model: &M, path: &Path, energy: f64, force: f64) {
    let mut worst = [0f64; 4];
    for f in frames(path) {
        let got = evaluate(model, &f.cell, &f.elements, &f.positions);
        let n = f.elements.len() as f64;
        let off = (got.energy - f.energy).abs() / n;
        worst[0] = worst[0].max(off);
        assert!(
            off <= energy,
            "{}: energy {} instead of {}, off by {off:e} eV/atom",
            f.name,
            got.energy,
            f.energy
        );
        for i in 0..f.elements.len() {
            let off = (got.site_energies[i] - f.site_energies[i]).abs();
            worst[1] = worst[1].max(off);
            assert!(
                off <= 3.0 * energy,
                "{}: site energy of atom {i} off by {off:e} eV",
                f.name
            );
            for a in 0..3 {
                let off = (got.forces[i][a] - f.forces[i][a]).abs();
                worst[2] = worst[2].max(off);
                assert!(
                    off <= force,
                    "{}: force on atom {i} off by {off:e} eV/Å",
                    f.name
                );
            }
        }
        for a in 0..3 {
            for b in 0..3 {
                let off = (got.virial[a][b] - f.virial[a][b]).abs() / n;
                worst[3] = worst[3].max(off);
                assert!(
                    off <= 10.0 * force,
                    "{}: virial [{a}][{b}] off by {off:e} eV/atom",
                    f.name
                );
            }
        }
    }
    let [e, site, force, virial] = worst;
    println!(
        "{}: off by {e:.1e} eV/atom, {site:.1e} eV/site, {force:.1e} eV/Å, {virial:.1e} eV/atom of virial",
        path.display()
    );
}

/// Forces and virial must be the derivatives of the energy: central differences of some displacements and strains.
///
/// The second derivative of a switch jumps at both its ends. Frames that have a distance near one of these `kinks` are
/// left out: false is returned.
pub(super) fn check_gradients<M: LocalModel>(
    model: &M,
    f: &Frame,
    kinks: &[f64],
    tolerance: f64,
) -> bool {
    let (cell, elements, positions) = (&f.cell, &f.elements[..], &f.positions[..]);
    // Fourth order in h, so that truncation stays far below rounding.
    let h = 2e-4;
    let reach = kinks.iter().copied().fold(0.0, f64::max) + 0.1;
    let rows = brute_rows(cell, elements, positions, reach);
    if rows
        .r2
        .iter()
        .any(|r2| kinks.iter().any(|k| (r2.sqrt() - k).abs() < 12.0 * h))
    {
        return false;
    }
    let exact = evaluate(model, cell, elements, positions);
    let weights = [
        (-2.0, 1.0 / 12.0),
        (-1.0, -2.0 / 3.0),
        (1.0, 2.0 / 3.0),
        (2.0, -1.0 / 12.0),
    ];
    for i in 0..elements.len().min(4) {
        for a in 0..3 {
            let slope: f64 = weights
                .iter()
                .map(|(s, w)| {
                    let mut moved = positions.to_vec();
                    moved[i][a] += s * h;
                    w * evaluate(model, cell, elements, &moved).energy / h
                })
                .sum();
            let off = (slope + exact.forces[i][a]).abs();
            assert!(
                off < tolerance,
                "force {i} {a}: {} against {}",
                exact.forces[i][a],
                -slope
            );
        }
    }
    for (a, b) in [(0, 0), (1, 2), (2, 0)] {
        let slope: f64 = weights
            .iter()
            .map(|(s, w)| {
                let mut f = nalgebra::Matrix3::identity();
                f[(a, b)] += s * h;
                let strained = cell.deformed(&f).unwrap();
                let moved: Vec<[f64; 3]> = positions
                    .iter()
                    .map(|x| std::array::from_fn(|k| (0..3).map(|l| x[l] * f[(l, k)]).sum()))
                    .collect();
                w * evaluate(model, &strained, elements, &moved).energy / h
            })
            .sum();
        let off = (slope + exact.virial[a][b]).abs();
        assert!(
            off < tolerance * elements.len() as f64,
            "virial {a}{b}: {} against {}",
            exact.virial[a][b],
            -slope
        );
    }
    true
}
