//! Bond-orientational order (Steinhardt, Nelson, Ronchetti, Phys. Rev. B 28, 784 (1983)) and its average over neighbours
//! (Lechner, Dellago, J. Chem. Phys. 129, 114707 (2008)).

use super::neighbourhood::Neighbourhood;
use crate::error::Result;
use crate::neighbours::ListKind;
use crate::parallel;
use crate::system::Configuration;
use realfft::num_complex::Complex64;
use std::f64::consts::PI;

/// q4, q6, w4, w6 and the averaged q4, q6, w4, w6 of an atom.
pub type Order = [f64; 8];

/// Names of the numbers of [`Order`].
pub const ORDER_NAMES: [&str; 8] = [
    "q4",
    "q6",
    "w4",
    "w6",
    "averaged q4",
    "averaged q6",
    "averaged w4",
    "averaged w6",
];

/// Q_lm of an atom for l = 4 and 6, m = 0 to l; those of negative m follow.
type Moments = [Complex64; 12];

/// The order about each atom.
pub struct Steinhardt {
    cutoff: f64,
    neighbourhood: Neighbourhood,
    symbols: [Vec<(i32, i32, f64)>; 2],
}

impl Steinhardt {
    /// Neighbours are the atoms closer than `cutoff` (Å).
    pub fn new(cutoff: f64) -> Steinhardt {
        Steinhardt {
            cutoff,
            neighbourhood: Neighbourhood::default(),
            symbols: [wigner_symbols(4), wigner_symbols(6)],
        }
    }

    /// The order about each atom of a configuration, and the number of its neighbours. Without any neighbour all is zero.
    pub fn evaluate(&mut self, c: Configuration<'_>) -> Result<Vec<(Order, usize)>> {
        self.neighbourhood.find(c, ListKind::Full, self.cutoff)?;
        type Row = (usize, Moments, Vec<u32>);
        let square = self.cutoff * self.cutoff;
        let parts = self
            .neighbourhood
            .rows(c.positions, |rows: &mut Vec<Row>, i, near| {
                let mut sum = Moments::default();
                let mut who = Vec::with_capacity(near.len());
                for &(j, d) in near {
                    let r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
                    if r2 < square && r2 > 0.0 {
                        let y = harmonics(d, r2.sqrt());
                        sum.iter_mut().zip(&y).for_each(|(s, y)| *s += y);
                        who.push(j);
                    }
                }
                let n = who.len().max(1) as f64;
                sum.iter_mut().for_each(|s| *s /= n);
                rows.push((i, sum, who));
            });
        let mut all: Vec<Row> = parts.into_iter().flatten().collect();
        all.sort_unstable_by_key(|r| r.0);
        let mut out = vec![([0.0; 8], 0); all.len()];
        let (all, symbols) = (&all, &self.symbols);
        parallel::for_each_mut(&mut out, |i, slot| {
            let (_, own, who) = &all[i];
            let mut mean = *own;
            for &j in who {
                mean.iter_mut()
                    .zip(&all[j as usize].1)
                    .for_each(|(m, q)| *m += q);
            }
            let n = (who.len() + 1) as f64;
            mean.iter_mut().for_each(|m| *m /= n);
            let ([q4, w4], [q6, w6]) = (
                invariants(&own[..5], &symbols[0]),
                invariants(&own[5..], &symbols[1]),
            );
            let ([a4, v4], [a6, v6]) = (
                invariants(&mean[..5], &symbols[0]),
                invariants(&mean[5..], &symbols[1]),
            );
            *slot = ([q4, q6, w4, w6, a4, a6, v4, v6], who.len());
        });
        Ok(out)
    }
}

/// Y_lm of a direction for l = 4, 6 and m = 0 to l.
fn harmonics([x, y, z]: [f64; 3], r: f64) -> Moments {
    let (c, s) = (z / r, x.hypot(y) / r);
    let turn = match x.hypot(y) {
        0.0 => Complex64::new(1.0, 0.0),
        rho => Complex64::new(x / rho, y / rho),
    };
    let mut out = Moments::default();
    for (l, begin) in [(4usize, 0), (6, 5)] {
        let mut phase = Complex64::new(1.0, 0.0);
        // Normalised Legendre functions: up in m along the diagonal, then up in l.
        let mut diagonal = (0.25 / PI).sqrt();
        for m in 0..=l {
            let (mut before, mut now) = (0.0, diagonal);
            for k in m + 1..=l {
                let (k, m) = (k as f64, m as f64);
                let a = ((4.0 * k * k - 1.0) / (k * k - m * m)).sqrt();
                let b = (((k - 1.0).powi(2) - m * m) / (4.0 * (k - 1.0).powi(2) - 1.0))
                    .max(0.0)
                    .sqrt();
                (before, now) = (now, a * (c * now - b * before));
            }
            out[begin + m] = phase * now;
            let m = m as f64;
            diagonal *= -((2.0 * m + 3.0) / (2.0 * m + 2.0)).sqrt() * s;
            phase *= turn;
        }
    }
    out
}

/// q and w from the moments with m = 0 to l.
fn invariants(q: &[Complex64], symbols: &[(i32, i32, f64)]) -> [f64; 2] {
    let l = q.len() - 1;
    let at = |m: i32| {
        let z = q[m.unsigned_abs() as usize];
        match (m < 0, m % 2 == 0) {
            (false, _) => z,
            (true, true) => z.conj(),
            (true, false) => -z.conj(),
        }
    };
    let square = q[0].norm_sqr() + 2.0 * q[1..].iter().map(Complex64::norm_sqr).sum::<f64>();
    if square < 1e-28 {
        return [0.0; 2];
    }
    let cubic: f64 = symbols
        .iter()
        .map(|&(a, b, s)| s * (at(a) * at(b) * at(-a - b)).re)
        .sum();
    [
        (4.0 * PI / (2 * l + 1) as f64 * square).sqrt(),
        cubic / square.powf(1.5),
    ]
}

/// Wigner's symbols (l l l; a b -a-b) by Racah's formula, those that are not zero.
fn wigner_symbols(l: i32) -> Vec<(i32, i32, f64)> {
    let f = |n: i32| (1..=n).map(f64::from).product::<f64>();
    let mut out = Vec::new();
    for a in -l..=l {
        for b in -l..=l {
            let c = -a - b;
            if c.abs() > l {
                continue;
            }
            let triangle = f(l).powi(3) / f(3 * l + 1);
            let roots: f64 = [a, b, c].iter().map(|&m| f(l + m) * f(l - m)).product();
            let sum: f64 = (0..=l)
                .filter(|&k| l - a - k >= 0 && l + b - k >= 0 && a + k >= 0 && k - b >= 0)
                .map(|k| {
                    let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
                    sign / (f(k) * f(l - k) * f(l - a - k) * f(l + b - k) * f(a + k) * f(k - b))
                })
                .sum();
            // The sign (-1)^(l - l - c).
            let sign = if c % 2 == 0 { 1.0 } else { -1.0 };
            let symbol = sign * (triangle * roots).sqrt() * sum;
            if symbol != 0.0 {
                out.push((a, b, symbol));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Element;
    use crate::system::Cell;

    fn order(cell: &Cell, positions: &[[f64; 3]], cutoff: f64) -> Vec<(Order, usize)> {
        let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
        let c = Configuration {
            cell,
            elements: &elements,
            positions,
        };
        Steinhardt::new(cutoff).evaluate(c).unwrap()
    }

    fn expect(found: &(Order, usize), neighbours: usize, values: [f64; 4]) {
        assert_eq!(found.1, neighbours);
        for (k, v) in values.into_iter().enumerate() {
            assert!(
                (found.0[k] - v).abs() < 2e-6,
                "{} is {}, not {v}",
                ORDER_NAMES[k],
                found.0[k]
            );
        }
    }

    #[test]
    fn perfect_crystals_have_the_values_of_the_literature() {
        // Table I of Mickel et al., J. Chem. Phys. 138, 044501 (2013) and Steinhardt et al. (1983).
        let h = 0.5;
        let fcc = Cell::new([[0.0, h, h], [h, 0.0, h], [h, h, 0.0]], [true; 3]).unwrap();
        let fcc_values = [0.190_941, 0.574_524, -0.159_317, -0.013_161];
        let found = order(&fcc, &[[0.1; 3]], 0.85);
        expect(&found[0], 12, fcc_values);
        // All atoms are alike: the averaged ones are the same.
        for k in 0..4 {
            assert!((found[0].0[k] - found[0].0[k + 4]).abs() < 1e-12);
        }
        let bcc = Cell::new([[-h, h, h], [h, -h, h], [h, h, -h]], [true; 3]).unwrap();
        expect(
            &order(&bcc, &[[0.0; 3]], 0.95)[0],
            8,
            [0.509_175, 0.628_539, -0.159_317, 0.013_161],
        );
        expect(
            &order(&bcc, &[[0.0; 3]], 1.2)[0],
            14,
            [0.036_370, 0.510_688, 0.159_317, 0.013_161],
        );
        let simple = Cell::orthorhombic(1.0, 1.0, 1.0).unwrap();
        expect(
            &order(&simple, &[[0.0; 3]], 1.2)[0],
            6,
            [0.763_763, 0.353_553, 0.159_317, 0.013_161],
        );
        let (r3, c) = (3f64.sqrt(), (8f64 / 3.0).sqrt());
        let hcp = Cell::new(
            [[1.0, 0.0, 0.0], [-0.5, 0.5 * r3, 0.0], [0.0, 0.0, c]],
            [true; 3],
        )
        .unwrap();
        let second = hcp.cartesian([1.0 / 3.0, 2.0 / 3.0, 0.5]);
        let found = order(&hcp, &[[0.0; 3], second], 1.2);
        expect(&found[0], 12, [0.097_222, 0.484_762, 0.134_097, -0.012_442]);
    }

    #[test]
    fn an_icosahedron_in_any_orientation() {
        let g = 0.5 * (1.0 + 5f64.sqrt());
        let mut x = vec![[0.0; 3]];
        for (a, b) in [(1.0, g), (1.0, -g), (-1.0, g), (-1.0, -g)] {
            x.extend([[0.0, a, b], [a, b, 0.0], [b, 0.0, a]]);
        }
        for turn in [0.0f64, 0.7] {
            let (s, c) = turn.sin_cos();
            let turned: Vec<[f64; 3]> = x
                .iter()
                .map(|v| [v[0], c * v[1] - s * v[2], s * v[1] + c * v[2]])
                .collect();
            let found = order(&Cell::isolated(), &turned, 1.95);
            expect(&found[0], 12, [0.0, 0.663_324, found[0].0[2], -0.169_754]);
        }
    }

    #[test]
    fn lonely_atoms_have_none() {
        assert_eq!(
            order(&Cell::isolated(), &[[0.0; 3], [9.0; 3]], 2.0)[0],
            ([0.0; 8], 0)
        );
    }
}
