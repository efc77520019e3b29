//! Damped dispersion between pairs of atoms, -s6 C6/(r⁶ + f⁶) - s8 C8/(r⁸ + f⁸) with f = a1 R0 + a2.

use super::pairwise::{PairFunction, Pairwise, Words};
use super::taper::Taper;
use crate::elements::Element;
use std::f64::consts::PI;

/// What all pairs share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Damping {
    /// Factor of the C6 term.
    pub s6: f64,
    /// Factor of the C8 term.
    pub s8: f64,
    /// Share of R0 in the damping length.
    pub a1: f64,
    /// Constant part of the damping length (Å).
    pub a2: f64,
    /// Distance (Å) at which the energy begins to be tapered.
    pub inner: f64,
    /// Distance (Å) from which on there is none.
    pub cutoff: f64,
    /// Whether a uniform fluid is corrected for what the taper leaves out.
    pub tail: bool,
}

/// Coefficients of one pair of elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DispersionCoefficients {
    /// C6 (eV Å⁶).
    pub c6: f64,
    /// C8 (eV Å⁸); 0 for none.
    pub c8: f64,
    /// R0 (Å).
    pub r0: f64,
}

/// Dispersion of one pair of elements.
#[derive(Clone, Copy, Debug)]
pub struct DispersionPair {
    c6: f64,
    c8: f64,
    f6: f64,
    f8: f64,
    taper: Taper,
    /// Squared distance (Å²) from which on there is none: everywhere without coefficients.
    cutoff2: f64,
}

/// Damped dispersion by pairs of elements (Becke and Johnson, J. Chem. Phys. 122, 154104 (2005); in this form Grimme,
/// Ehrlich and Goerigk, J. Comput. Chem. 32, 1456 (2011), eq. 5).
pub type Dispersion = Pairwise<DispersionPair>;

impl DispersionPair {
    fn new(p: DispersionCoefficients, d: Damping) -> Result<DispersionPair, String> {
        let length = d.a1 * p.r0 + d.a2;
        let numbers = [d.s6, d.s8, p.c6, p.c8, p.r0, length];
        if let Some(wrong) = numbers.iter().find(|x| !(x.is_finite() && **x >= 0.0)) {
            return Err(format!(
                "coefficients, factors and the damping length a1·R0 + a2 must not be negative; one is {wrong}"
            ));
        }
        let taper = Taper::new(d.inner, d.cutoff)?;
        let (c6, c8) = (d.s6 * p.c6, d.s8 * p.c8);
        Ok(DispersionPair {
            c6,
            c8,
            f6: length.powi(6),
            f8: length.powi(8),
            cutoff2: match c6 == 0.0 && c8 == 0.0 {
                true => 0.0,
                false => taper.outer() * taper.outer(),
            },
            taper,
        })
    }

    /// Without the taper: energy (eV) and (dV/dr)/r (eV/Å²).
    fn bare(&self, r2: f64) -> (f64, f64) {
        let r4 = r2 * r2;
        let (i6, i8) = (1.0 / (r4 * r2 + self.f6), 1.0 / (r4 * r4 + self.f8));
        (
            -self.c6 * i6 - self.c8 * i8,
            6.0 * self.c6 * r4 * i6 * i6 + 8.0 * self.c8 * r4 * r2 * i8 * i8,
        )
    }
}

impl PairFunction for DispersionPair {
    fn cutoff2(&self) -> f64 {
        self.cutoff2
    }

    fn energy_and_slope(&self, r2: f64) -> (f64, f64) {
        let r = r2.sqrt();
        let ((v, g), (f, df)) = (self.bare(r2), self.taper.at(r));
        (v * f, g * f + v * df / r)
    }

    fn curvature(&self, r2: f64) -> f64 {
        let r = r2.sqrt();
        let ((v, g), (f, df)) = (self.bare(r2), self.taper.at(r));
        // V = -C/(rⁿ + fⁿ) = -C I: V'' = C n rⁿ⁻² I² ((n - 1) - 2 n rⁿ I), term by term.
        let r4 = r2 * r2;
        let (i6, i8) = (1.0 / (r4 * r2 + self.f6), 1.0 / (r4 * r4 + self.f8));
        let ddv = self.c6 * r4 * i6 * i6 * (30.0 - 72.0 * r4 * r2 * i6)
            + self.c8 * r4 * r2 * i8 * i8 * (56.0 - 128.0 * r4 * r4 * i8);
        ddv * f + 2.0 * g * r * df + v * self.taper.curvature(r)
    }

    /// What is left out, V (1 - taper), is continuous and vanishes at both ends: by parts the second integral is three
    /// times the first.
    fn tail(&self) -> (f64, f64) {
        let energy = 2.0 * PI * self.taper.integral_beyond(|r| self.bare(r * r).0);
        (energy, 3.0 * energy)
    }
}

impl Dispersion {
    /// Dispersion by pairs of elements. `pairs` has every like pair; unlike pairs that are missing have geometric means of
    /// C6 and C8 and the arithmetic mean of R0. Atoms of other elements have none.
    ///
    /// Errors, a sentence, when a number makes no sense or a like pair is missing.
    pub fn new(
        pairs: &[(Element, Element, DispersionCoefficients)],
        damping: Damping,
    ) -> Result<Dispersion, String> {
        let find = |a: Element, b: Element| {
            let same = |p: &&(Element, Element, DispersionCoefficients)| {
                (p.0, p.1) == (a, b) || (p.0, p.1) == (b, a)
            };
            pairs.iter().find(same).map(|p| p.2)
        };
        let like =
            |e: Element| find(e, e).ok_or_else(|| format!("no coefficients for the pair {e}-{e}"));
        let of = |a: Element, b: Element| -> Result<DispersionCoefficients, String> {
            let (p, q) = (like(a)?, like(b)?);
            Ok(find(a, b).unwrap_or(DispersionCoefficients {
                c6: (p.c6 * q.c6).sqrt(),
                c8: (p.c8 * q.c8).sqrt(),
                r0: 0.5 * (p.r0 + q.r0),
            }))
        };
        let mut elements: Vec<Element> = pairs.iter().flat_map(|p| [p.0, p.1]).collect();
        elements.sort_unstable();
        elements.dedup();
        let mut details = vec![format!(
            "s6 {}, s8 {}, a1 {}, a2 {} Å, tapered from {} Å to {} Å{}",
            damping.s6,
            damping.s8,
            damping.a1,
            damping.a2,
            damping.inner,
            damping.cutoff,
            if damping.tail {
                ", with long-range corrections for a homogeneous fluid"
            } else {
                ""
            }
        )];
        for (i, &a) in elements.iter().enumerate() {
            for &b in &elements[i..] {
                let p = of(a, b)?;
                details.push(format!(
                    "{a}-{b}: C6 {} eV Å^6, C8 {} eV Å^8, R0 {} Å",
                    p.c6, p.c8, p.r0
                ));
            }
        }
        let words = Words {
            name: "damped dispersion",
            any_element: false,
            reference: "S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 32, 1456 (2011)",
            details,
        };
        let none = DispersionCoefficients {
            c6: 0.0,
            c8: 0.0,
            r0: 1.0,
        };
        let function = |pair: Option<(Element, Element)>| {
            let p = pair.map_or(Ok(none), |(a, b)| of(a, b))?;
            DispersionPair::new(p, damping)
        };
        Pairwise::by_elements(elements, function, damping.tail, words)
    }
}
