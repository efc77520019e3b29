//! Lennard-Jones: 4 ε [(σ/r)^12 - (σ/r)^6], cut in one of three ways, with long-range corrections.

use crate::elements::Element;
use crate::potential::{
    Configuration, Description, Evaluation, Gives, ListKind, LocalModel, NeighbourRequest,
    RowResults, RowStyle, Rows, Want,
};
use crate::simd::{fma, simd_dispatch};
use std::f64::consts::PI;

/// How the potential ends at the cutoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// V(r) below the cutoff, zero beyond; the energy jumps.
    Truncated,
    /// V(r) - V(rc): the energy is continuous, the force jumps.
    Shifted,
    /// V(r) - V(rc) - (r - rc) V'(rc): energy and force are continuous.
    ForceShifted,
}

/// Parameters of one pair of elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairParameters {
    /// Depth of the well (eV).
    pub epsilon: f64,
    /// Distance (Å) at which the energy crosses zero.
    pub sigma: f64,
    /// Distance (Å) beyond which the pair does not interact.
    pub cutoff: f64,
}

/// Constants of one pair of elements as the loop wants them: V = c12/r^12 - c6/r^6 + v0 + v1 r.
#[derive(Clone, Copy, Debug, Default)]
struct Coefficients {
    c12: f64,
    c6: f64,
    v0: f64,
    v1: f64,
    cutoff2: f64,
}

/// The Lennard-Jones potential: one set of parameters for all pairs of atoms, and others for pairs of elements.
#[derive(Debug)]
pub struct LennardJones {
    description: Description,
    tail: bool,
    /// Type of each atomic number: its place among the elements that were named, or `types - 1` for all others.
    type_of: [u8; 120],
    types: usize,
    /// By pair of types.
    table: Vec<Coefficients>,
    parameters: Vec<PairParameters>,
}

impl LennardJones {
    /// One set of parameters for every pair of atoms, whatever their elements. Errors, a sentence, when a number makes no
    /// sense.
    pub fn uniform(p: PairParameters, scheme: Scheme, tail: bool) -> Result<LennardJones, String> {
        Self::build(Vec::new(), vec![p], scheme, tail)
    }

    /// Parameters by pair of elements. `pairs` has every like pair; unlike pairs that are missing follow Lorentz and
    /// Berthelot: arithmetic mean of σ, geometric mean of ε, and the longer cutoff.
    pub fn mixture(
        pairs: &[(Element, Element, PairParameters)],
        scheme: Scheme,
        tail: bool,
    ) -> Result<LennardJones, String> {
        let mut elements: Vec<Element> = pairs.iter().flat_map(|p| [p.0, p.1]).collect();
        elements.sort_unstable();
        elements.dedup();
        let find = |a: Element, b: Element| {
            pairs
                .iter()
                .find(|p| (p.0, p.1) == (a, b) || (p.0, p.1) == (b, a))
                .map(|p| p.2)
        };
        let like =
            |e: Element| find(e, e).ok_or_else(|| format!("no parameters for the pair {e}-{e}"));
        // One type more than there are elements: atoms of other elements, which do not interact.
        let none = PairParameters {
            epsilon: 0.0,
            sigma: 1.0,
            cutoff: 1.0,
        };
        let types = elements.len() + 1;
        let mut parameters = vec![none; types * types];
        for (i, &a) in elements.iter().enumerate() {
            for (j, &b) in elements.iter().enumerate() {
                let (p, q) = (like(a)?, like(b)?);
                parameters[i * types + j] = find(a, b).unwrap_or(PairParameters {
                    epsilon: (p.epsilon * q.epsilon).sqrt(),
                    sigma: 0.5 * (p.sigma + q.sigma),
                    cutoff: p.cutoff.max(q.cutoff),
                });
            }
        }
        Self::build(elements, parameters, scheme, tail)
    }

    /// From the elements that have a type of their own (none: one type for all) and the parameters by pair of types.
    fn build(
        elements: Vec<Element>,
        parameters: Vec<PairParameters>,
        scheme: Scheme,
        tail: bool,
    ) -> Result<LennardJones, String> {
        for p in &parameters {
            if !(p.cutoff > 0.0 && p.cutoff.is_finite()) {
                return Err(format!("the cutoff must be positive, not {} Å", p.cutoff));
            }
            if !(p.sigma > 0.0 && p.sigma.is_finite() && p.epsilon.is_finite()) {
                return Err(format!(
                    "sigma must be positive and epsilon finite, not {} Å and {} eV",
                    p.sigma, p.epsilon
                ));
            }
        }
        if tail && scheme != Scheme::Truncated {
            return Err("long-range corrections belong to the truncated potential; use scheme = \"truncated\"".into());
        }
        let known = elements.len();
        let types = if elements.is_empty() { 1 } else { known + 1 };
        let mut type_of = [known as u8; 120];
        elements
            .iter()
            .enumerate()
            .for_each(|(t, e)| type_of[usize::from(e.number())] = t as u8);
        let cutoff = parameters.iter().map(|p| p.cutoff).fold(0.0, f64::max);
        let mut details = vec![format!(
            "{}{}",
            match scheme {
                Scheme::Truncated => "truncated at the cutoff",
                Scheme::Shifted => "energy shifted to zero at the cutoff",
                Scheme::ForceShifted => "energy and force shifted to zero at the cutoff",
            },
            if tail {
                ", with long-range corrections for a homogeneous fluid"
            } else {
                ""
            }
        )];
        let mut describe = |what: String, p: &PairParameters| {
            details.push(format!(
                "{what}: epsilon {} eV, sigma {} Å, cutoff {} Å",
                p.epsilon, p.sigma, p.cutoff
            ));
        };
        if elements.is_empty() {
            describe("all pairs".into(), &parameters[0]);
        }
        for i in 0..known {
            for j in i..known {
                describe(
                    format!("{}-{}", elements[i], elements[j]),
                    &parameters[i * types + j],
                );
            }
        }
        let description = Description {
            name: "Lennard-Jones".into(),
            elements: (known > 0).then_some(elements),
            neighbours: Some(NeighbourRequest {
                cutoff,
                kind: ListKind::Half,
                chunk: 1024,
                grain: 256,
            }),
            gives: Gives {
                virial: true,
                site_energies: true,
                reliability: None,
            },
            closest_seen: Vec::new(),
            references: vec!["J. E. Jones, Proc. R. Soc. Lond. A 106, 463 (1924)".into()],
            details,
            fixed_cell: None,
        };
        let table = parameters
            .iter()
            .map(|p| Coefficients::new(*p, scheme))
            .collect();
        Ok(LennardJones {
            description,
            tail,
            type_of,
            types,
            table,
            parameters,
        })
    }
}

impl LennardJones {
    /// Energies and (dV/dr)/r of pairs of several types.
    fn mixed_pairs(&self, rows: &Rows<'_>, energies: &mut [f64], slopes: &mut [f64]) {
        for (k, centre) in rows.centres.iter().enumerate() {
            let row = usize::from(self.type_of[usize::from(centre.number())]) * self.types;
            for n in rows.of(k) {
                let other = usize::from(self.type_of[usize::from(rows.elements[n].number())]);
                let c = &self.table[row + other];
                let inside = rows.r2[n] < c.cutoff2;
                (energies[n], slopes[n]) = if inside {
                    c.energy_and_slope::<false>(rows.r2[n])
                } else {
                    (0.0, 0.0)
                };
            }
        }
    }
}

/// A sum in eight interleaved parts, so that it vectorises with a fixed order.
fn lane_sum(x: &[f64]) -> f64 {
    let (blocks, rest) = x.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for b in blocks {
        for l in 0..8 {
            lanes[l] += b[l];
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

impl Coefficients {
    fn new(p: PairParameters, scheme: Scheme) -> Coefficients {
        let (s6, rc) = (p.sigma.powi(6), p.cutoff);
        let (c12, c6) = (4.0 * p.epsilon * s6 * s6, 4.0 * p.epsilon * s6);
        let v = c12 * rc.powi(-12) - c6 * rc.powi(-6);
        let slope = -12.0 * c12 * rc.powi(-13) + 6.0 * c6 * rc.powi(-7);
        let (v0, v1) = match scheme {
            Scheme::Truncated => (0.0, 0.0),
            Scheme::Shifted => (-v, 0.0),
            Scheme::ForceShifted => (-v + rc * slope, -slope),
        };
        Coefficients {
            c12,
            c6,
            v0,
            v1,
            cutoff2: rc * rc,
        }
    }

    /// Energy at squared distance `r2`, and (dV/dr)/r.
    #[inline(always)]
    fn energy_and_slope<const FMA: bool>(&self, r2: f64) -> (f64, f64) {
        let i2 = 1.0 / r2;
        let i6 = i2 * i2 * i2;
        let a = self.c12 * i6;
        let r = r2.sqrt();
        let v = fma::<FMA>(a - self.c6, i6, fma::<FMA>(self.v1, r, self.v0));
        // dV/dr / r = (-12 c12/r^12 + 6 c6/r^6)/r^2 + v1/r
        let g = fma::<FMA>(
            fma::<FMA>(-12.0, a, 6.0 * self.c6) * i6,
            i2,
            self.v1 * (r * i2),
        );
        (v, g)
    }
}

simd_dispatch! {
    /// Energies and (dV/dr)/r of pairs that share one set of coefficients; zero beyond the cutoff.
    fn uniform_pairs(c: &Coefficients, r2: &[f64], energy: &mut [f64], slope: &mut [f64]) = uniform_pairs_body;
}

#[inline(always)]
fn uniform_pairs_body<const FMA: bool>(
    c: &Coefficients,
    r2: &[f64],
    energy: &mut [f64],
    slope: &mut [f64],
) {
    let one = |r2: f64| -> (f64, f64) {
        let (e, s) = c.energy_and_slope::<FMA>(r2);
        if r2 < c.cutoff2 { (e, s) } else { (0.0, 0.0) }
    };
    for ((r2, e), s) in r2.iter().zip(energy).zip(slope) {
        (*e, *s) = one(*r2);
    }
}

impl LocalModel for LennardJones {
    /// Energies and slopes of the pairs of a block.
    type Scratch = (Vec<f64>, Vec<f64>);

    fn description(&self) -> &Description {
        &self.description
    }

    fn block(&self) -> usize {
        64
    }

    fn style(&self) -> RowStyle {
        RowStyle::Distances {
            elements: self.types > 1,
        }
    }

    fn evaluate(
        &self,
        rows: &Rows<'_>,
        _want: Want,
        (energies, slopes): &mut (Vec<f64>, Vec<f64>),
        results: &mut RowResults<'_>,
    ) {
        let pairs = rows.r2.len();
        energies.resize(pairs, 0.0);
        slopes.resize(pairs, 0.0);
        if self.types == 1 {
            uniform_pairs(&self.table[0], rows.r2, energies, slopes);
        } else {
            self.mixed_pairs(rows, energies, slopes);
        }
        let book = !results.booked.is_empty();
        for (k, sum) in results.energy.iter_mut().enumerate() {
            let total = lane_sum(&energies[rows.of(k)]);
            *sum += if book { 0.5 * total } else { total };
        }
        results
            .booked
            .iter_mut()
            .zip(energies.iter())
            .for_each(|(b, e)| *b += 0.5 * e);
        results
            .radial
            .iter_mut()
            .zip(slopes.iter())
            .for_each(|(g, s)| *g += s);
    }

    /// Long-range corrections (Allen and Tildesley, Computer Simulation of Liquids, 2nd ed., eqs. 2.144 and 2.148, summed
    /// over pairs of types), where all three directions are periodic.
    fn add_global(&self, configuration: Configuration<'_>, want: Want, result: &mut Evaluation) {
        let (true, Some(volume)) = (self.tail, configuration.cell.volume()) else {
            return;
        };
        let mut counts = [0.0f64; 256];
        for e in configuration.elements {
            counts[usize::from(self.type_of[usize::from(e.number())])] += 1.0;
        }
        let (mut energy, mut virial) = (0.0, 0.0);
        for a in 0..self.types {
            for b in 0..self.types {
                let p = self.parameters[a * self.types + b];
                let x3 = (p.sigma / p.cutoff).powi(3);
                let x9 = x3 * x3 * x3;
                let weight = PI * counts[a] * counts[b] / volume * p.epsilon * p.sigma.powi(3);
                energy += weight * 8.0 / 3.0 * (x9 / 3.0 - x3);
                virial += weight * 16.0 * (2.0 * x9 / 3.0 - x3);
            }
        }
        result.energy += energy;
        if want.virial {
            for k in 0..3 {
                result.virial[k][k] += virial / 3.0;
            }
        }
        let n = configuration.elements.len() as f64;
        result
            .site_energies
            .iter_mut()
            .for_each(|e| *e += energy / n);
    }
}
