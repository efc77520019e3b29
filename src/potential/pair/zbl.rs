//! Ziegler, Biersack and Littmark: the repulsion of nuclei screened by their electrons.

use super::pairwise::{PairFunction, Pairwise, Words};
use super::taper::Taper;
use crate::elements::Element;
use crate::units::{BOHR, HARTREE};

/// Weight and decay of each exponential of the universal screening function; the weights add up to 1.
const SCREENING: [(f64, f64); 4] = [
    (0.18175, 3.19980),
    (0.50986, 0.94229),
    (0.28022, 0.40290),
    (0.02817, 0.20162),
];

/// Screening length (Å) of two hydrogen atoms, times two, and the exponent of the charge.
const SCREENING_LENGTH: (f64, f64) = (0.46850, 0.23);

/// Z₁ Z₂ e²/(4πε₀ r) φ(r/a) with a = 0.46850 Å/(Z₁^0.23 + Z₂^0.23), times a taper.
///
/// φ(x) = 0.18175 exp(-3.19980 x) + 0.50986 exp(-0.94229 x) + 0.28022 exp(-0.40290 x) + 0.02817 exp(-0.20162 x).
#[derive(Clone, Copy, Debug)]
pub struct ZblPair {
    /// Weight (eV Å) and decay (1/Å) of each exponential.
    terms: [(f64, f64); 4],
    taper: Taper,
}

/// The potential of Ziegler, Biersack and Littmark for all pairs, or those of some elements.
pub type Zbl = Pairwise<ZblPair>;

/// Where the repulsion of a pair of elements ends: full up to the first distance, none from the second on (Å).
pub type ZblRange = (f64, f64);

impl ZblPair {
    fn new(a: f64, b: f64, range: ZblRange) -> Result<ZblPair, String> {
        let (length, power) = SCREENING_LENGTH;
        let length = length / (a.powf(power) + b.powf(power));
        let charge = HARTREE * BOHR * a * b;
        Ok(ZblPair {
            terms: SCREENING.map(|(weight, decay)| (charge * weight, decay / length)),
            taper: Taper::new(range.0, range.1)?,
        })
    }

    /// Without the taper: energy (eV) and derivative (eV/Å).
    fn bare(&self, r: f64) -> (f64, f64) {
        let (mut sum, mut slope) = (0.0, 0.0);
        for (weight, decay) in self.terms {
            let e = weight * (-decay * r).exp();
            sum += e;
            slope -= decay * e;
        }
        let inverse = 1.0 / r;
        (sum * inverse, (slope - sum * inverse) * inverse)
    }
}

impl PairFunction for ZblPair {
    fn cutoff2(&self) -> f64 {
        self.taper.outer() * self.taper.outer()
    }

    fn energy_and_slope(&self, r2: f64) -> (f64, f64) {
        let r = r2.sqrt();
        let ((v, dv), (f, df)) = (self.bare(r), self.taper.at(r));
        (v * f, (dv * f + v * df) / r)
    }

    fn curvature(&self, r2: f64) -> f64 {
        let r = r2.sqrt();
        let ((v, dv), (f, df)) = (self.bare(r), self.taper.at(r));
        // V = s/r, V'' = s''/r - 2 V'/r.
        let terms = self.terms.iter();
        let bend: f64 = terms.map(|(w, d)| w * d * d * (-d * r).exp()).sum();
        let ddv = (bend - 2.0 * dv) / r;
        ddv * f + 2.0 * dv * df + v * self.taper.curvature(r)
    }

    /// A repulsion that only close atoms feel has nothing beyond.
    fn tail(&self) -> (f64, f64) {
        (0.0, 0.0)
    }
}

impl Zbl {
    /// The repulsion with one range for all pairs of elements, and other ranges, or the only ones, for those in `pairs`.
    ///
    /// Errors, a sentence, when a range makes no sense.
    pub fn new(
        range: Option<ZblRange>,
        pairs: &[(Element, Element, ZblRange)],
    ) -> Result<Zbl, String> {
        let find = |a: Element, b: Element| {
            let given = pairs
                .iter()
                .find(|p| (p.0, p.1) == (a, b) || (p.0, p.1) == (b, a));
            given.map(|p| p.2).or(range)
        };
        let elements: Vec<Element> = match range {
            Some(_) => (1..=118).filter_map(Element::from_number).collect(),
            None => pairs.iter().flat_map(|p| [p.0, p.1]).collect(),
        };
        let mut details =
            vec!["universal screening, tapered with two continuous derivatives".to_owned()];
        let in_words = |what: String, (inner, outer): ZblRange| {
            format!("{what}: full to {inner} Å, none from {outer} Å")
        };
        details.extend(range.map(|range| in_words("all pairs".into(), range)));
        details.extend(
            pairs
                .iter()
                .map(|(a, b, range)| in_words(format!("{a}-{b}"), *range)),
        );
        let words = Words {
            name: "ZBL",
            any_element: true,
            reference: "J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Solids, Pergamon (1985)",
            details,
        };
        let nothing = ZblPair {
            terms: [(0.0, 0.0); 4],
            taper: Taper::new(0.0, 1e-3)?,
        };
        let function = |pair: Option<(Element, Element)>| match pair
            .and_then(|(a, b)| Some((a, b, find(a, b)?)))
        {
            Some((a, b, range)) => {
                ZblPair::new(f64::from(a.number()), f64::from(b.number()), range)
            }
            None => Ok(nothing),
        };
        Pairwise::by_elements(elements, function, false, words)
    }
}
