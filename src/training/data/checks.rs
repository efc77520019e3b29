//! What makes labelled frames doubtful: wrong units, forces that do not add up, frames that stand out.
//!
//! Nothing here is proof; a person decides. Each doubt names the frames.

use super::LabelledFrame;
use crate::elements::Element;
use crate::neighbours::{ListKind, NeighbourList, NeighbourRequest};
use nalgebra::{DMatrix, DVector};

/// Something that makes frames doubtful.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// A sentence.
    pub what: String,
    /// The frames (from 0), the worst first.
    pub frames: Vec<usize>,
}

/// Frames named in a sentence.
const NAMED: usize = 5;

/// What is doubtful about frames.
pub fn doubts(frames: &[LabelledFrame]) -> Vec<Doubt> {
    let mut found = Vec::new();
    found.extend(lengths(frames));
    found.extend(net_forces(frames));
    found.extend(large_forces(frames));
    found.extend(energies(frames));
    found.extend(pressures(frames));
    found
}

impl Doubt {
    fn of(what: String, mut worst: Vec<(f64, usize)>, frames: &[LabelledFrame]) -> Doubt {
        worst.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let named: Vec<&str> = worst
            .iter()
            .take(NAMED)
            .map(|w| frames[w.1].place.as_str())
            .collect();
        let more = match worst.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        Doubt {
            what: format!("{what}: {}{more}", named.join("; ")),
            frames: worst.into_iter().map(|w| w.1).collect(),
        }
    }
}

/// The shortest distance between atoms as a ratio to the sum of their covalent radii; none when no two atoms are within
/// three times that, or neighbours cannot be listed.
fn closest(frame: &LabelledFrame) -> Option<f64> {
    let atoms = &frame.system.atoms;
    let widest = atoms.elements.iter().map(|e| e.covalent_radius());
    let cutoff = 6.0 * widest.fold(0.0, f64::max);
    let request = NeighbourRequest {
        cutoff,
        kind: ListKind::Full,
        chunk: 1024,
        grain: 256,
    };
    let mut list = NeighbourList::new();
    list.build(frame.system.configuration(), request, cutoff)
        .ok()?;
    let ratio = |pair: crate::neighbours::Pair| {
        let (i, j) = (pair.i as usize, pair.j as usize);
        let t = frame.system.cell.translation(pair.shift);
        let (x, y) = (atoms.positions[i], atoms.positions[j]);
        let r: f64 = (0..3)
            .map(|k| (y[k] + t[k] - x[k]).powi(2))
            .sum::<f64>()
            .sqrt();
        r / (atoms.elements[i].covalent_radius() + atoms.elements[j].covalent_radius())
    };
    list.iter_pairs().map(ratio).min_by(f64::total_cmp)
}

/// Distances that no chemistry has: positions in other units, or atoms on top of each other.
fn lengths(frames: &[LabelledFrame]) -> Vec<Doubt> {
    let ratios: Vec<(f64, usize)> = frames
        .iter()
        .enumerate()
        .filter_map(|(k, f)| Some((closest(f)?, k)))
        .collect();
    let mut sorted: Vec<f64> = ratios.iter().map(|r| r.0).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&median) = sorted.get(sorted.len() / 2) else {
        return Vec::new();
    };
    if !(0.6..=1.6).contains(&median) {
        let hint = match median > 1.6 {
            true => "positions in Bohr look like this (`length_unit = \"Bohr\"`), and so do gases",
            false => "positions in nm look like this (`length_unit = \"nm\"`)",
        };
        let what = format!(
            "the nearest atoms are mostly {median:.2} times the sum of their covalent radii apart; {hint}"
        );
        let all = ratios
            .iter()
            .map(|r| ((r.0 / median).ln().abs(), r.1))
            .collect();
        return vec![Doubt::of(what, all, frames)];
    }
    let close: Vec<(f64, usize)> = ratios
        .into_iter()
        .filter(|r| r.0 < 0.5)
        .map(|r| (-r.0, r.1))
        .collect();
    match close.is_empty() {
        true => Vec::new(),
        false => vec![Doubt::of(
            "atoms are closer than half the sum of their covalent radii".to_owned(),
            close,
            frames,
        )],
    }
}

/// Forces of an isolated or periodic system add up to nothing.
fn net_forces(frames: &[LabelledFrame]) -> Option<Doubt> {
    let net = |f: &LabelledFrame| -> Option<(f64, f64)> {
        let forces = f.forces.as_ref()?;
        let sum: [f64; 3] = std::array::from_fn(|k| forces.iter().map(|f| f[k]).sum());
        let all: f64 = forces.as_flattened().iter().map(|x| x * x).sum();
        let n = forces.len().max(1) as f64;
        // What each atom has too much, against the size of forces.
        let mean = sum.iter().map(|x| x * x).sum::<f64>().sqrt() / n;
        Some((mean, (all / (3.0 * n)).sqrt()))
    };
    let nets: Vec<_> = frames.iter().map(net).collect();
    let sizes: Vec<f64> = nets.iter().flatten().map(|n| n.1).collect();
    let size = median(&sizes)?;
    let bad: Vec<(f64, usize)> = nets
        .iter()
        .enumerate()
        .filter_map(|(k, n)| Some((n.as_ref()?.0, k)))
        .filter(|n| n.0 > 1e-3 && n.0 > 0.02 * size)
        .collect();
    let worst = bad.iter().map(|b| b.0).fold(0.0, f64::max);
    (!bad.is_empty()).then(|| {
        let what = format!(
            "forces do not add up to zero (up to {:.1} meV/Å for each atom) in {} frames: loose convergence, or an atom is missing",
            1e3 * worst,
            bad.len()
        );
        Doubt::of(what, bad, frames)
    })
}

fn large_forces(frames: &[LabelledFrame]) -> Option<Doubt> {
    let largest = |f: &LabelledFrame| -> Option<f64> {
        let forces = f.forces.as_ref()?.iter();
        forces
            .map(|f| f.iter().map(|x| x * x).sum::<f64>().sqrt())
            .max_by(f64::total_cmp)
    };
    let all: Vec<(f64, usize)> = frames
        .iter()
        .enumerate()
        .filter_map(|(k, f)| Some((largest(f)?, k)))
        .collect();
    let sizes: Vec<f64> = all.iter().map(|a| a.0).collect();
    let typical = median(&sizes)?;
    let bad: Vec<_> = all
        .into_iter()
        .filter(|a| a.0 > 100.0 || (a.0 > 10.0 && a.0 > 20.0 * typical))
        .collect();
    let worst = bad.iter().map(|b| b.0).fold(0.0, f64::max);
    (!bad.is_empty()).then(|| {
        let what = format!(
            "forces of up to {worst:.0} eV/Å, where the largest force of a frame is mostly {typical:.2} eV/Å"
        );
        Doubt::of(what, bad, frames)
    })
}

/// Energies that stand out once the composition is accounted for.
fn energies(frames: &[LabelledFrame]) -> Option<Doubt> {
    let mut elements: Vec<Element> = frames
        .iter()
        .flat_map(|f| f.system.atoms.distinct_elements())
        .collect();
    elements.sort_unstable_by_key(|e| e.number());
    elements.dedup();
    let known: Vec<(usize, f64)> = frames
        .iter()
        .enumerate()
        .filter_map(|(k, f)| Some((k, f.energy?)))
        .collect();
    if known.len() < 10 || known.len() < 3 * elements.len() {
        return None;
    }
    let share = |k: usize, e: Element| {
        let list = &frames[k].system.atoms.elements;
        list.iter().filter(|x| **x == e).count() as f64 / list.len().max(1) as f64
    };
    let a = DMatrix::from_fn(known.len(), elements.len(), |r, c| {
        share(known[r].0, elements[c])
    });
    let b = DVector::from_iterator(
        known.len(),
        known
            .iter()
            .map(|(k, e)| e / frames[*k].len().max(1) as f64),
    );
    // Composition explains what it can; elements in fixed shares leave no more than a constant.
    let x = a.clone().svd(true, true).solve(&b, 1e-9).ok()?;
    let rest = b - a * x;
    let centre = median(rest.as_slice())?;
    let off: Vec<f64> = rest.iter().map(|r| (r - centre).abs()).collect();
    let spread = 1.4826 * median(&off)?;
    let bad: Vec<(f64, usize)> = off
        .iter()
        .zip(&known)
        .map(|(o, k)| (*o, k.0))
        .filter(|o| o.0 > 0.05 && o.0 > 15.0 * spread)
        .collect();
    let worst = bad.iter().map(|b| b.0).fold(0.0, f64::max);
    (!bad.is_empty() && bad.len() * 5 < known.len()).then(|| {
        let what = format!(
            "energies stand out by up to {worst:.3} eV/atom, where the others spread over {spread:.4} eV/atom"
        );
        Doubt::of(what, bad, frames)
    })
}

/// Virials of which the pressure could not be borne by any solid: other units, or another sign convention of the volume.
fn pressures(frames: &[LabelledFrame]) -> Option<Doubt> {
    let pressure = |f: &LabelledFrame| -> Option<f64> {
        let (w, v) = (f.virial?, f.system.cell.volume()?);
        Some((w[0][0] + w[1][1] + w[2][2]).abs() / (3.0 * v) * crate::units::EV_PER_A3_IN_GPA)
    };
    let all: Vec<(f64, usize)> = frames
        .iter()
        .enumerate()
        .filter_map(|(k, f)| Some((pressure(f)?, k)))
        .collect();
    let sizes: Vec<f64> = all.iter().map(|a| a.0).collect();
    let typical = median(&sizes)?;
    (typical > 500.0).then(|| {
        let what = format!(
            "virials stand for pressures of mostly {typical:.0} GPa: a virial is in eV; a stress in kbar or GPa needs converting"
        );
        Doubt::of(what, all, frames)
    })
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
