//! Lennard-Jones: 4 ε [(σ/r)^12 - (σ/r)^6], cut in one of three ways, with long-range corrections.

use super::pairwise::{PairFunction, Pairwise, Words};
use crate::elements::Element;
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

/// Lennard-Jones between one pair of elements, with the constants as the loop wants them:
/// V = c12/r^12 - c6/r^6 + v0 + v1 r.
#[derive(Clone, Copy, Debug, Default)]
pub struct LennardJonesPair {
    c12: f64,
    c6: f64,
    v0: f64,
    v1: f64,
    cutoff2: f64,
    tail: (f64, f64),
}

/// The Lennard-Jones potential: one set of parameters for all pairs of atoms, or others for pairs of elements.
pub type LennardJones = Pairwise<LennardJonesPair>;

/// Parameters of a pair that does not interact.
const NONE: PairParameters = PairParameters {
    epsilon: 0.0,
    sigma: 1.0,
    cutoff: 1.0,
};

impl LennardJones {
    /// One set of parameters for every pair of atoms, whatever their elements. Errors, a sentence, when a number makes no
    /// sense.
    pub fn uniform(p: PairParameters, scheme: Scheme, tail: bool) -> Result<LennardJones, String> {
        let function = LennardJonesPair::new(p, scheme)?;
        let details = vec![in_words(scheme, tail)?, pair_in_words("all pairs", &p)];
        Ok(Pairwise::one_for_all(function, tail, words(details)))
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
        let of = |a: Element, b: Element| -> Result<PairParameters, String> {
            let (p, q) = (like(a)?, like(b)?);
            Ok(find(a, b).unwrap_or(PairParameters {
                epsilon: (p.epsilon * q.epsilon).sqrt(),
                sigma: 0.5 * (p.sigma + q.sigma),
                cutoff: p.cutoff.max(q.cutoff),
            }))
        };
        let mut details = vec![in_words(scheme, tail)?];
        for (i, &a) in elements.iter().enumerate() {
            for &b in &elements[i..] {
                details.push(pair_in_words(&format!("{a}-{b}"), &of(a, b)?));
            }
        }
        let function = |pair: Option<(Element, Element)>| {
            let p = pair.map_or(Ok(NONE), |(a, b)| of(a, b))?;
            LennardJonesPair::new(p, scheme)
        };
        Pairwise::by_elements(elements, function, tail, words(details))
    }
}

fn words(details: Vec<String>) -> Words {
    Words {
        name: "Lennard-Jones",
        any_element: false,
        reference: "J. E. Jones, Proc. R. Soc. Lond. A 106, 463 (1924)",
        details,
    }
}

/// The scheme in words, or why it cannot have long-range corrections.
fn in_words(scheme: Scheme, tail: bool) -> Result<String, String> {
    if tail && scheme != Scheme::Truncated {
        return Err(
            "long-range corrections belong to the truncated potential; use scheme = \"truncated\""
                .into(),
        );
    }
    Ok(format!(
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
    ))
}

fn pair_in_words(what: &str, p: &PairParameters) -> String {
    format!(
        "{what}: epsilon {} eV, sigma {} Å, cutoff {} Å",
        p.epsilon, p.sigma, p.cutoff
    )
}

impl LennardJonesPair {
    fn new(p: PairParameters, scheme: Scheme) -> Result<LennardJonesPair, String> {
        if !(p.cutoff > 0.0 && p.cutoff.is_finite()) {
            return Err(format!("the cutoff must be positive, not {} Å", p.cutoff));
        }
        if !(p.sigma > 0.0 && p.sigma.is_finite() && p.epsilon.is_finite()) {
            return Err(format!(
                "sigma must be positive and epsilon finite, not {} Å and {} eV",
                p.sigma, p.epsilon
            ));
        }
        let s6 = p.sigma.powi(6);
        Ok(Self::with_coefficients(
            4.0 * p.epsilon * s6 * s6,
            4.0 * p.epsilon * s6,
            p.cutoff,
            scheme != Scheme::Truncated,
            scheme == Scheme::ForceShifted,
        ))
    }

    /// c12/r^12 - c6/r^6 (eV Å^12, eV Å^6) up to a cutoff (Å), with V(rc) subtracted, (r - rc) V'(rc) subtracted, or both.
    pub fn with_coefficients(
        c12: f64,
        c6: f64,
        cutoff: f64,
        energy_shift: bool,
        force_shift: bool,
    ) -> LennardJonesPair {
        let rc = cutoff;
        let v = c12 * rc.powi(-12) - c6 * rc.powi(-6);
        let slope = -12.0 * c12 * rc.powi(-13) + 6.0 * c6 * rc.powi(-7);
        let v1 = if force_shift { -slope } else { 0.0 };
        let v0 = if energy_shift { -v } else { 0.0 } - rc * v1;
        // Allen and Tildesley, Computer Simulation of Liquids, 2nd ed., eqs. 2.144 and 2.148.
        let (i3, i9) = (rc.powi(-3), rc.powi(-9));
        LennardJonesPair {
            c12,
            c6,
            v0,
            v1,
            cutoff2: rc * rc,
            tail: (
                2.0 * PI * (c12 * i9 / 9.0 - c6 * i3 / 3.0),
                2.0 * PI * (4.0 / 3.0 * c12 * i9 - 2.0 * c6 * i3),
            ),
        }
    }

    /// Whether all its constants are numbers.
    pub fn is_finite(&self) -> bool {
        [self.c12, self.c6, self.v0, self.v1]
            .iter()
            .all(|x| x.is_finite())
    }

    /// Energy at squared distance `r2`, and (dV/dr)/r. `ROOT` says whether the root is needed: where there is a force shift.
    #[inline(always)]
    fn at<const FMA: bool, const ROOT: bool>(&self, r2: f64) -> (f64, f64) {
        let i2 = 1.0 / r2;
        let i6 = i2 * i2 * i2;
        let a = self.c12 * i6;
        let r = if ROOT { r2.sqrt() } else { 0.0 };
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
    fn uniform_pairs(c: &LennardJonesPair, r2: &[f64], energy: &mut [f64], slope: &mut [f64]) = uniform_pairs_body;
}

#[inline(always)]
fn uniform_pairs_body<const FMA: bool>(
    c: &LennardJonesPair,
    r2: &[f64],
    energy: &mut [f64],
    slope: &mut [f64],
) {
    if c.v1 == 0.0 {
        uniform::<FMA, false>(c, r2, energy, slope);
    } else {
        uniform::<FMA, true>(c, r2, energy, slope);
    }
}

#[inline(always)]
fn uniform<const FMA: bool, const ROOT: bool>(
    c: &LennardJonesPair,
    r2: &[f64],
    energy: &mut [f64],
    slope: &mut [f64],
) {
    for ((r2, energy), slope) in r2.iter().zip(energy).zip(slope) {
        let (e, s) = c.at::<FMA, ROOT>(*r2);
        let inside = *r2 < c.cutoff2;
        *energy = if inside { e } else { 0.0 };
        *slope = if inside { s } else { 0.0 };
    }
}

impl PairFunction for LennardJonesPair {
    fn cutoff2(&self) -> f64 {
        self.cutoff2
    }

    #[inline]
    fn energy_and_slope(&self, r2: f64) -> (f64, f64) {
        self.at::<false, true>(r2)
    }

    fn many(&self, r2: &[f64], energy: &mut [f64], slope: &mut [f64]) {
        uniform_pairs(self, r2, energy, slope);
    }

    fn curvature(&self, r2: f64) -> f64 {
        let i2 = 1.0 / r2;
        let i6 = i2 * i2 * i2;
        (156.0 * self.c12 * i6 - 42.0 * self.c6) * i6 * i2
    }

    fn tail(&self) -> (f64, f64) {
        self.tail
    }
}
