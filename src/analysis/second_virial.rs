//! Second virial coefficients of molecules by quadrature.
//!
//! > B(T) = -2π ∫ ⟨exp(-u/kT) - 1⟩ r² dr
//!
//! over the distance r of the centres of mass, the mean being over the orientations of both molecules. The distances are those of
//! Gauss and Kronrod in panels, from the outside in; the orientations are points of a low-discrepancy sequence, moved by random
//! shifts that are independent of each other: each shift gives an estimate without bias, and their spread the standard error
//! (Cranley, Patterson, SIAM J. Numer. Anal. 13, 904 (1976)).
//!
//! The first quantum correction, of the order ħ², is that of Wigner and Kirkwood for the relative translation of two molecules and for
//! the rotation of rigid ones (Hirschfelder, Curtiss, Bird, Molecular Theory of Gases and Liquids (1954), section 6.5; Pack, J. Chem.
//! Phys. 78, 7217 (1983)):
//!
//! > ΔB(T) = 2π ħ²/(24 (kT)³) ∫ ⟨exp(-u/kT) (F²/μ + Σ τ²/I)⟩ r² dr
//!
//! with the force F between the molecules, their reduced mass μ, the torques τ about the principal axes of both and the moments of
//! inertia I.

use crate::units::{AVOGADRO, BOLTZMANN, HBAR};
use nalgebra::{Quaternion, UnitQuaternion};
use std::f64::consts::PI;

/// Å³ for each molecule in cm³/mol.
pub const CM3_PER_MOL: f64 = AVOGADRO * 1e-24;

/// A distance with its weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Distance (Å).
    pub r: f64,
    /// Weight (Å) in the rule of Kronrod.
    pub weight: f64,
    /// Weight (Å) in the rule of Gauss that it contains.
    pub coarse: f64,
}

/// Nodes and weights of the 15-point rule of Kronrod on [-1, 1], with the weights of the 7-point rule of Gauss (Piessens et al.,
/// QUADPACK (1983)); the other half is symmetric.
const RULE: [[f64; 3]; 8] = [
    [0.991_455_371_120_812_6, 0.022_935_322_010_529_224, 0.0],
    [
        0.949_107_912_342_758_5,
        0.063_092_092_629_978_56,
        0.129_484_966_168_869_7,
    ],
    [0.864_864_423_359_769_1, 0.104_790_010_322_250_18, 0.0],
    [
        0.741_531_185_599_394_4,
        0.140_653_259_715_525_92,
        0.279_705_391_489_276_64,
    ],
    [0.586_087_235_467_691_1, 0.169_004_726_639_267_9, 0.0],
    [
        0.405_845_151_377_397_2,
        0.190_350_578_064_785_4,
        0.381_830_050_505_118_9,
    ],
    [0.207_784_955_007_898_47, 0.204_432_940_075_298_9, 0.0],
    [0.0, 0.209_482_141_084_727_82, 0.417_959_183_673_469_4],
];

/// How much longer panels are further out, as a share of the distance.
const GROWTH: f64 = 0.15;

/// Distances from `outer` (Å) to zero, from the outside in. Panels are as long as `panel` (Å), or longer far away; none
/// reaches across one of the `breaks`, where the potential is not smooth.
pub fn nodes(outer: f64, panel: f64, breaks: &[f64]) -> Vec<Node> {
    let inside = breaks.iter().copied().filter(|b| *b > 0.0 && *b < outer);
    let mut ends: Vec<f64> = [0.0, outer].into_iter().chain(inside).collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup();
    let mut edges = vec![0.0];
    for w in ends.windows(2) {
        let mut own = vec![w[0]];
        let mut x = w[0];
        while x < w[1] {
            x += panel.max(GROWTH * x);
            own.push(x);
        }
        // The last panel would reach too far: all are shortened a little.
        let shrink = (w[1] - w[0]) / (x - w[0]);
        edges.extend(own[1..].iter().map(|x| w[0] + (x - w[0]) * shrink));
    }
    let mut all = Vec::new();
    for w in edges.windows(2).rev() {
        let (middle, half) = (0.5 * (w[0] + w[1]), 0.5 * (w[1] - w[0]));
        let node = |x: f64, [_, k, g]: [f64; 3]| Node {
            r: middle + half * x,
            weight: half * k,
            coarse: half * g,
        };
        all.extend(RULE.iter().map(|row| node(row[0], *row)));
        all.extend(RULE[..7].iter().rev().map(|row| node(-row[0], *row)));
    }
    all
}

/// Points of the unit cube of any dimension: the additive sequence of the powers of 1/φ, where φ > 1 solves φ^(d+1) = φ + 1 (for
/// d = 1 the golden ratio), moved by `shift`.
pub fn sequence(count: usize, shift: &[f64]) -> Vec<Vec<f64>> {
    let d = shift.len();
    let mut phi: f64 = 1.5;
    for _ in 0..100 {
        phi = (1.0 + phi).powf(1.0 / (d as f64 + 1.0));
    }
    let step: Vec<f64> = (1..=d).map(|k| phi.powi(-(k as i32))).collect();
    let point = |n: usize| {
        let pairs = shift.iter().zip(&step);
        pairs
            .map(|(s, a)| (s + a * (n as f64 + 0.5)).rem_euclid(1.0))
            .collect()
    };
    (0..count).map(point).collect()
}

/// An orientation from a point of the unit cube, uniform when the point is (Shoemake, Graphics Gems III, 124 (1992)).
pub fn orientation(u: [f64; 3]) -> UnitQuaternion<f64> {
    let (a, b) = ((1.0 - u[0]).sqrt(), u[0].sqrt());
    let (s, t) = (2.0 * PI * u[1], 2.0 * PI * u[2]);
    UnitQuaternion::new_normalize(Quaternion::new(
        b * t.cos(),
        a * s.sin(),
        a * s.cos(),
        b * t.sin(),
    ))
}

/// What two molecules do to each other in one orientation at one distance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interaction {
    /// Energy (eV) beside that of the two alone.
    pub energy: f64,
    /// F²/μ (eV²/(Å² amu)).
    pub translation: f64,
    /// Σ τ²/I (eV²/(Å² amu)).
    pub rotation: f64,
}

/// The sums of one shift at one distance and one temperature.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cell {
    boltzmann: f64,
    translation: f64,
    rotation: f64,
}

/// Sums over orientations.
pub struct SecondVirial {
    nodes: Vec<Node>,
    temperatures: Vec<f64>,
    shifts: usize,
    orientations: usize,
    cells: Vec<Cell>,
}

/// What lies beyond the outermost distance, -C6/r⁶ - C8/r⁸ + C12/r¹².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tail {
    /// C6 (eV Å⁶).
    pub c6: f64,
    /// C8 (eV Å⁸).
    pub c8: f64,
    /// C12 (eV Å¹²).
    pub c12: f64,
}

impl Tail {
    /// Its part of the coefficient (Å³) from a distance (Å) on, in first order.
    pub fn beyond(&self, r: f64, temperature: f64) -> f64 {
        let integral = -self.c6 / (3.0 * r.powi(3)) - self.c8 / (5.0 * r.powi(5))
            + self.c12 / (9.0 * r.powi(9));
        2.0 * PI * integral / (BOLTZMANN * temperature)
    }
}

/// The coefficient at one temperature; all in Å³ for each molecule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// K.
    pub temperature: f64,
    /// The classical coefficient, with the tail.
    pub classical: f64,
    /// Its standard error, from the shifts; zero when there is one orientation only.
    pub error: f64,
    /// How much the coarser rule in the distances differs: far more than the error of the finer one.
    pub coarse: f64,
    /// Of it, what lies beyond the outermost distance.
    pub tail: f64,
    /// The first quantum correction of the translation, with its standard error.
    pub translation: (f64, f64),
    /// The first quantum correction of the rotation, with its standard error.
    pub rotation: (f64, f64),
}

impl SecondVirial {
    /// No sums yet.
    pub fn new(
        nodes: Vec<Node>,
        temperatures: &[f64],
        shifts: usize,
        orientations: usize,
    ) -> SecondVirial {
        SecondVirial {
            cells: vec![Cell::default(); nodes.len() * shifts * temperatures.len()],
            temperatures: temperatures.to_vec(),
            nodes,
            shifts,
            orientations,
        }
    }

    /// The distances, from the outside in.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Adds one orientation of a shift at a distance. What is not added is an overlap.
    pub fn add(&mut self, node: usize, shift: usize, what: Interaction) {
        let first = (node * self.shifts + shift) * self.temperatures.len();
        let cells = self.cells[first..].iter_mut();
        for (cell, t) in cells.zip(&self.temperatures) {
            let b = (-what.energy / (BOLTZMANN * t)).exp();
            cell.boltzmann += b;
            cell.translation += b * what.translation;
            cell.rotation += b * what.rotation;
        }
    }

    /// The coefficients.
    pub fn finish(&self, tail: Tail) -> Vec<Coefficient> {
        let outer = self.nodes.iter().map(|n| n.r).fold(0.0, f64::max);
        let all: f64 = self.nodes.iter().map(|n| n.weight).sum();
        // The nodes do not reach the end of the outermost panel, and their weights do.
        let outer = outer.max(all);
        let of = |(k, &t): (usize, &f64)| {
            let estimates: Vec<[f64; 4]> = (0..self.shifts).map(|s| self.estimate(k, s)).collect();
            let n = self.shifts as f64;
            let mean = |i: usize| estimates.iter().map(|e| e[i]).sum::<f64>() / n;
            let error = |i: usize| {
                let m = mean(i);
                let square: f64 = estimates.iter().map(|e| (e[i] - m).powi(2)).sum();
                if self.shifts > 1 {
                    (square / (n - 1.0) / n).sqrt()
                } else {
                    0.0
                }
            };
            let beyond = tail.beyond(outer, t);
            Coefficient {
                temperature: t,
                classical: mean(0) + beyond,
                error: error(0),
                coarse: (mean(1) - mean(0)).abs(),
                tail: beyond,
                translation: (mean(2), error(2)),
                rotation: (mean(3), error(3)),
            }
        };
        self.temperatures.iter().enumerate().map(of).collect()
    }

    /// The coefficient by both rules and the two corrections, from one shift.
    fn estimate(&self, temperature: usize, shift: usize) -> [f64; 4] {
        let kt = BOLTZMANN * self.temperatures[temperature];
        let quantum = HBAR * HBAR / (24.0 * kt.powi(3));
        let each = 1.0 / self.orientations as f64;
        let mut sums = [0.0; 4];
        for (n, node) in self.nodes.iter().enumerate() {
            let at = (n * self.shifts + shift) * self.temperatures.len() + temperature;
            let cell = self.cells[at];
            let shell = 2.0 * PI * node.r * node.r;
            let mayer = cell.boltzmann * each - 1.0;
            sums[0] -= shell * node.weight * mayer;
            sums[1] -= shell * node.coarse * mayer;
            sums[2] += shell * node.weight * quantum * cell.translation * each;
            sums[3] += shell * node.weight * quantum * cell.rotation * each;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B*(T*) of a Lennard-Jones fluid in units of 2π σ³/3: -Σ 2^(n-3/2)/n! Γ((2n - 1)/4) T*^-(2n+1)/4, the closed series.
    fn series(t: f64) -> f64 {
        let mut sum = 0.0;
        // ln Γ by recursion: Γ(n/2 - 1/4) from Γ(-1/4) and Γ(1/4).
        let mut gamma = [-4.901_666_809_860_711, 3.625_609_908_221_908];
        let mut factorial = 1.0;
        for n in 0..60 {
            if n > 0 {
                factorial *= f64::from(n);
            }
            let g = gamma[n as usize % 2];
            let x = (2.0 * f64::from(n) - 1.0) / 4.0;
            gamma[n as usize % 2] = g * x;
            let power = t.powf(-(2.0 * f64::from(n) + 1.0) / 4.0);
            sum -= 2f64.powf(f64::from(n) - 1.5) / factorial * g * power;
        }
        sum
    }

    fn atoms(t: &[f64], u: impl Fn(f64) -> (f64, f64), tail: Tail, outer: f64) -> Vec<Coefficient> {
        let mut sums = SecondVirial::new(nodes(outer, 0.5, &[]), t, 1, 1);
        for n in 0..sums.nodes().len() {
            let (energy, force) = u(sums.nodes()[n].r);
            let translation = force * force;
            let what = Interaction {
                energy,
                translation,
                rotation: 0.0,
            };
            if energy < 100.0 {
                sums.add(n, 0, what);
            }
        }
        sums.finish(tail)
    }

    #[test]
    fn the_rule_integrates_polynomials() {
        let n = nodes(4.0, 0.9, &[1.5]);
        let of = |f: &dyn Fn(f64) -> f64| {
            let fine: f64 = n.iter().map(|n| n.weight * f(n.r)).sum();
            let coarse: f64 = n.iter().map(|n| n.coarse * f(n.r)).sum();
            (fine, coarse)
        };
        for k in 0..23 {
            let (fine, coarse) = of(&|x| x.powi(k));
            let exact = 4f64.powi(k + 1) / f64::from(k + 1);
            assert!((fine / exact - 1.0).abs() < 1e-13, "{k}: {fine} {exact}");
            assert!(k > 13 || (coarse / exact - 1.0).abs() < 1e-13, "{k}");
        }
        assert!(n.windows(2).all(|w| w[0].r > w[1].r));
        // No panel reaches across a break.
        let below: f64 = n.iter().filter(|n| n.r < 1.5).map(|n| n.weight).sum();
        assert!((below - 1.5).abs() < 1e-13);
    }

    #[test]
    fn lennard_jones_has_the_closed_series() {
        // The tabulated value at T* = 1 (Hirschfelder, Curtiss, Bird, table I-B).
        assert!((series(1.0) + 2.538_08).abs() < 1e-5, "{}", series(1.0));
        let (sigma, epsilon) = (3.4, 0.0103);
        let lj = |r: f64| {
            let s6 = (sigma / r).powi(6);
            let slope = 24.0 * epsilon * (s6 - 2.0 * s6 * s6) / r;
            (4.0 * epsilon * (s6 * s6 - s6), slope)
        };
        let tail = Tail {
            c6: 4.0 * epsilon * sigma.powi(6),
            c8: 0.0,
            c12: 4.0 * epsilon * sigma.powi(12),
        };
        let reduced = [0.7, 1.0, 2.0, 3.418, 10.0, 100.0];
        let kelvin: Vec<f64> = reduced.iter().map(|t| t * epsilon / BOLTZMANN).collect();
        let unit = 2.0 * PI * sigma.powi(3) / 3.0;
        for (c, t) in atoms(&kelvin, lj, tail, 30.0).iter().zip(reduced) {
            let b = c.classical / unit;
            assert!(
                (b - series(t)).abs() < 2e-6 * series(t).abs().max(1.0),
                "{t}: {b}"
            );
            assert!(c.tail < 0.0);
        }
        // Without the tail the far attraction is missing.
        let cut = atoms(&kelvin, lj, Tail::default(), 30.0);
        assert!(cut[1].classical / unit > series(1.0) + 1e-4);
    }

    #[test]
    fn a_hard_wall_is_four_volumes() {
        let wall = |r: f64| (if r < 3.0 { 1e3 } else { 0.0 }, 0.0);
        let mut sums = SecondVirial::new(nodes(8.0, 0.5, &[3.0]), &[300.0], 1, 1);
        for n in 0..sums.nodes().len() {
            let energy = wall(sums.nodes()[n].r).0;
            if energy == 0.0 {
                sums.add(n, 0, Interaction::default());
            }
        }
        let b = sums.finish(Tail::default())[0].classical;
        assert!((b / (2.0 * PI / 3.0 * 27.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_first_quantum_correction_of_lennard_jones() {
        // By parts ∫ exp(-u/kT) u'² r² dr = kT ∫ exp(-u/kT) (u'' + 2 u'/r) r² dr - kT exp(-u/kT) u' r² at the outer end.
        let (sigma, epsilon) = (2.8, 0.003);
        let both = |r: f64| {
            let s6 = (sigma / r).powi(6);
            let u = 4.0 * epsilon * (s6 * s6 - s6);
            let d1 = 24.0 * epsilon * (s6 - 2.0 * s6 * s6) / r;
            let d2 = 24.0 * epsilon * (26.0 * s6 * s6 - 7.0 * s6) / (r * r);
            (u, d1, d2)
        };
        let t = [60.0];
        let got = atoms(&t, |r| (both(r).0, both(r).1), Tail::default(), 25.0)[0];
        let kt = BOLTZMANN * t[0];
        let laplacian: f64 = nodes(25.0, 0.5, &[])
            .iter()
            .filter(|n| both(n.r).0 < 100.0)
            .map(|n| {
                let (u, d1, d2) = both(n.r);
                n.weight * (-u / kt).exp() * (d2 + 2.0 * d1 / n.r) * n.r * n.r
            })
            .sum();
        let (u, d1, _) = both(25.0);
        let end = (-u / kt).exp() * d1 * 25.0 * 25.0;
        let want = 2.0 * PI * HBAR * HBAR / (24.0 * kt * kt) * (laplacian - end);
        assert!((got.translation.0 / want - 1.0).abs() < 1e-8);
        assert!(want > 0.0);
    }

    #[test]
    fn orientations_of_the_sequence_are_even() {
        // Second moments of a turned axis: 1/3 for each component, far better than random points (0.009 for 1000).
        let points = sequence(1000, &[0.1, 0.7, 0.3]);
        let mut sums = [0.0; 3];
        for p in &points {
            assert!(p.iter().all(|x| (0.0..1.0).contains(x)));
            let x = orientation([p[0], p[1], p[2]]) * nalgebra::Vector3::new(0.0, 0.0, 1.0);
            (0..3).for_each(|k| sums[k] += x[k] * x[k] / 1000.0);
        }
        assert!(
            sums.iter().all(|s| (s - 1.0 / 3.0).abs() < 2e-3),
            "{sums:?}"
        );
    }
}
