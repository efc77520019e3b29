//! Neighbourhoods of small systems by brute force, and models with made-up weights.

use super::SoapParameters;
use crate::elements::Element;
use crate::potential::gap::density::{DensityScratch, DensityTerm, RadialMode, Weights};
use crate::potential::{Names, RowResults, Rows, Want};
use crate::system::Cell;

/// Owned rows of all atoms of a configuration, with the atom each neighbour is an image of.
pub(super) struct OwnedRows {
    pub(super) centres: Vec<Element>,
    pub(super) first: Vec<u32>,
    pub(super) elements: Vec<Element>,
    pub(super) atom: Vec<usize>,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) z: Vec<f64>,
    pub(super) r2: Vec<f64>,
}

impl OwnedRows {
    /// All images within `reach` of every atom.
    pub(super) fn build(
        cell: &Cell,
        numbers: &[u8],
        positions: &[[f64; 3]],
        reach: f64,
    ) -> OwnedRows {
        let elements: Vec<Element> = numbers
            .iter()
            .map(|z| Element::from_number(*z).unwrap())
            .collect();
        let mut rows = OwnedRows {
            centres: elements.clone(),
            first: vec![0],
            elements: Vec::new(),
            atom: Vec::new(),
            x: Vec::new(),
            y: Vec::new(),
            z: Vec::new(),
            r2: Vec::new(),
        };
        let widths = cell.widths();
        let spread: [f64; 3] = std::array::from_fn(|k| {
            let s: Vec<f64> = positions.iter().map(|p| cell.fractional(*p)[k]).collect();
            s.iter().cloned().fold(f64::MIN, f64::max) - s.iter().cloned().fold(f64::MAX, f64::min)
        });
        let n: [i32; 3] = std::array::from_fn(|k| {
            if cell.periodic()[k] {
                (reach / widths[k] + spread[k]).ceil() as i32
            } else {
                0
            }
        });
        for i in 0..positions.len() {
            for j in 0..positions.len() {
                for a in -n[0]..=n[0] {
                    for b in -n[1]..=n[1] {
                        for c in -n[2]..=n[2] {
                            let t = cell.translation([a, b, c]);
                            let d: [f64; 3] =
                                std::array::from_fn(|k| positions[j][k] + t[k] - positions[i][k]);
                            let r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
                            if r2 < reach * reach && (i != j || [a, b, c] != [0; 3]) {
                                rows.push(elements[j], j, d);
                            }
                        }
                    }
                }
            }
            rows.first.push(rows.x.len() as u32);
        }
        rows
    }

    fn push(&mut self, element: Element, atom: usize, d: [f64; 3]) {
        self.elements.push(element);
        self.atom.push(atom);
        self.x.push(d[0]);
        self.y.push(d[1]);
        self.z.push(d[2]);
        self.r2.push(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    }

    pub(super) fn view(&self) -> Rows<'_> {
        Rows {
            centres: &self.centres,
            first: &self.first,
            elements: &self.elements,
            x: &self.x,
            y: &self.y,
            z: &self.z,
            r2: &self.r2,
            names: Names::default(),
        }
    }
}

/// Energies of centres and dE/dr of neighbours.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Output {
    pub(super) energy: Vec<f64>,
    pub(super) g: [Vec<f64>; 3],
}

impl Output {
    pub(super) fn of(
        soap: &DensityTerm,
        rows: &OwnedRows,
        want: Want,
        scratch: &mut DensityScratch,
    ) -> Output {
        let n = if want.forces || want.virial {
            rows.x.len()
        } else {
            0
        };
        let mut out = Output {
            energy: vec![0.0; rows.centres.len()],
            g: std::array::from_fn(|_| vec![0.0; n]),
        };
        let [gx, gy, gz] = &mut out.g;
        let mut results = RowResults {
            energy: &mut out.energy,
            gx,
            gy,
            gz,
            radial: &mut [],
            booked: &mut [],
            reliability: &mut [],
        };
        soap.evaluate(&rows.view(), want, scratch, &mut results);
        out
    }

    pub(super) fn forces(&self, rows: &OwnedRows) -> Vec<[f64; 3]> {
        let mut forces = vec![[0.0; 3]; rows.centres.len()];
        for i in 0..rows.centres.len() {
            for p in rows.view().of(i) {
                for k in 0..3 {
                    forces[i][k] += self.g[k][p];
                    forces[rows.atom[p]][k] -= self.g[k][p];
                }
            }
        }
        forces
    }
}

/// Uniform numbers from a fixed sequence.
pub(super) struct Sequence(pub(super) u64);

impl Sequence {
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A model with made-up sparse points near unit length and weights of both signs.
pub(super) fn made_up(
    parameters: &SoapParameters,
    zeta: f64,
    points: usize,
    mode: RadialMode,
) -> DensityTerm {
    let d = parameters.dimensions();
    let mut random = Sequence(42);
    let mut sparse = Vec::with_capacity(points * d);
    for _ in 0..points {
        let mut x: Vec<f64> = (0..d)
            .map(|i| (random.next() - 0.3) / (1 + i % (parameters.l_max + 1)) as f64)
            .collect();
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        x.iter_mut().for_each(|x| *x /= norm);
        x[d - 1] = parameters.covariance_sigma0;
        sparse.append(&mut x);
    }
    let alpha = (0..points).map(|_| 20.0 * (random.next() - 0.4)).collect();
    let weights = Weights {
        delta: 0.7,
        zeta,
        alpha,
        sparse_cutoff: vec![1.0; points],
        sparse,
    };
    parameters.term(weights, mode).unwrap()
}
