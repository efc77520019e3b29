//! The Lennard-Jones baseline, as in `IP LJ` of a sum with a GAP.
//!
//! V = eps12 (sigma/r)^12 - eps6 (sigma/r)^6 inside the cutoff, without a factor 4; `energy_shift` subtracts V(cutoff),
//! `linear_force_shift` (r - cutoff) V'(cutoff). Half of a pair's energy falls to either atom.

use super::xml::{Node, Tag, Xml};
use crate::error::Result;
use crate::potential::pair::{LennardJonesPair, PairFunction};
use crate::potential::{RowResults, Rows};

/// The parameters of a `<LJ_params>`.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJonesParameters {
    /// Atomic number of each type.
    pub types: Vec<u8>,
    /// Pairs of types; those that are missing do not interact.
    pub pairs: Vec<LennardJonesTypes>,
}

/// The parameters of one pair of types.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJonesTypes {
    /// Indices (from 0) into the types.
    pub types: [usize; 2],
    /// Length (Å).
    pub sigma: f64,
    /// Factor of the attraction (eV).
    pub eps6: f64,
    /// Factor of the repulsion (eV).
    pub eps12: f64,
    /// Range (Å).
    pub cutoff: f64,
    /// Whether the energy is shifted to zero at the cutoff.
    pub energy_shift: bool,
    /// Whether the force is.
    pub linear_force_shift: bool,
}

/// Largest cutoff (Å) taken for meant.
const LARGEST_CUTOFF: f64 = 100.0;

impl LennardJonesParameters {
    /// Reads a `<LJ_params>` whose start has just been read.
    pub(super) fn read(xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<LennardJonesParameters> {
        let n_types = xml.attributes(tag)?.required_count("n_types")?;
        let mut types: Vec<(usize, u8)> = Vec::new();
        let mut pairs: Vec<LennardJonesTypes> = Vec::new();
        while let Some(node) = xml.child()? {
            let Node::Start(child) = node else { continue };
            let attributes = xml.attributes(&child)?;
            match child.name() {
                "per_type_data" => {
                    let number = attributes.required_count("atomic_num")?;
                    let number = u8::try_from(number).ok().filter(|z| (1..=118).contains(z));
                    let number = number
                        .ok_or_else(|| attributes.error("`atomic_num` must be an atomic number"))?;
                    let index = attributes.required_count("type")?;
                    if types.iter().any(|t| t.0 == index || t.1 == number) {
                        return Err(attributes.error("this type or element is there twice"));
                    }
                    types.push((index, number));
                }
                "per_pair_data" => {
                    let of = |key: &str| -> Result<usize> {
                        let t = attributes.required_count(key)?;
                        if t == 0 || t > n_types {
                            return Err(attributes.error("the pair names a type that is not there"));
                        }
                        Ok(t - 1)
                    };
                    let flag = |key: &str| -> Result<bool> {
                        attributes.required(key)?;
                        Ok(attributes.logical(key)?.unwrap_or(false))
                    };
                    if attributes.logical("only_inter_resid")? == Some(true) {
                        return Err(attributes.error(
                            "`only_inter_resid=\"T\"` is not supported: it needs molecules",
                        ));
                    }
                    if attributes.number("smooth_cutoff_width")?.unwrap_or(0.0) != 0.0 {
                        return Err(attributes.error("`smooth_cutoff_width` is not supported"));
                    }
                    let pair = LennardJonesTypes {
                        types: [of("type1")?, of("type2")?],
                        sigma: attributes.required_number("sigma")?,
                        eps6: attributes.required_number("eps6")?,
                        eps12: attributes.required_number("eps12")?,
                        cutoff: attributes.required_number("cutoff")?,
                        energy_shift: flag("energy_shift")?,
                        linear_force_shift: flag("linear_force_shift")?,
                    };
                    if !(pair.cutoff > 0.0 && pair.cutoff <= LARGEST_CUTOFF) {
                        return Err(attributes.error(format!(
                            "the cutoff must lie between 0 and {LARGEST_CUTOFF} Å, it is {}",
                            pair.cutoff
                        )));
                    }
                    if !pair.function().is_finite() {
                        return Err(
                            attributes.error("the parameters are beyond what can be evaluated")
                        );
                    }
                    let sorted = |p: &LennardJonesTypes| {
                        (p.types[0].min(p.types[1]), p.types[0].max(p.types[1]))
                    };
                    if pairs.iter().any(|other| sorted(other) == sorted(&pair)) {
                        return Err(attributes.error("this pair of types is there twice"));
                    }
                    pairs.push(pair);
                }
                _ => {}
            }
            xml.skip()?;
        }
        types.sort_unstable();
        if types.len() != n_types || types.iter().enumerate().any(|(k, t)| t.0 != k + 1) {
            return Err(xml.error(
                tag.line,
                format!("n_types announces {n_types} types; they must be there, numbered from 1"),
            ));
        }
        Ok(LennardJonesParameters {
            types: types.into_iter().map(|t| t.1).collect(),
            pairs,
        })
    }
}

impl LennardJonesTypes {
    fn function(&self) -> LennardJonesPair {
        let s6 = self.sigma.powi(6);
        LennardJonesPair::with_coefficients(
            self.eps12 * s6 * s6,
            self.eps6 * s6,
            self.cutoff,
            self.energy_shift,
            self.linear_force_shift,
        )
    }
}

/// No type.
const NONE: u8 = u8::MAX;

/// The energies of a `<LJ_params>`. Elements without a type are passed over.
#[derive(Clone, Debug)]
pub(super) struct LennardJonesBaseline {
    /// Type of each atomic number.
    types: [u8; 119],
    /// Row-major by types.
    pairs: Vec<Option<LennardJonesPair>>,
    count: usize,
    cutoff: f64,
}

impl LennardJonesBaseline {
    /// The model of some parameters.
    pub(super) fn new(parameters: &LennardJonesParameters) -> LennardJonesBaseline {
        let count = parameters.types.len();
        let mut types = [NONE; 119];
        for (k, z) in parameters.types.iter().enumerate() {
            types[usize::from(*z)] = k as u8;
        }
        let mut pairs = vec![None; count * count];
        for p in &parameters.pairs {
            pairs[p.types[0] * count + p.types[1]] = Some(p.function());
            pairs[p.types[1] * count + p.types[0]] = Some(p.function());
        }
        LennardJonesBaseline {
            types,
            pairs,
            count,
            cutoff: parameters
                .pairs
                .iter()
                .map(|p| p.cutoff)
                .fold(0.0, f64::max),
        }
    }

    /// Range (Å).
    pub(super) fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Adds the energies and, if there is room for them, the derivatives.
    pub(super) fn evaluate(&self, rows: &Rows<'_>, results: &mut RowResults<'_>) {
        for (c, centre) in rows.centres.iter().enumerate() {
            let row = usize::from(self.types[usize::from(centre.number())]);
            if row == usize::from(NONE) {
                continue;
            }
            for k in rows.of(c) {
                let other = usize::from(self.types[usize::from(rows.elements[k].number())]);
                if other == usize::from(NONE) {
                    continue;
                }
                let Some(pair) = &self.pairs[row * self.count + other] else {
                    continue;
                };
                if rows.r2[k] >= pair.cutoff2() {
                    continue;
                }
                let (energy, slope) = pair.energy_and_slope(rows.r2[k]);
                results.energy[c] += 0.5 * energy;
                if let Some(gx) = results.gx.get_mut(k) {
                    *gx += 0.5 * slope * rows.x[k];
                    results.gy[k] += 0.5 * slope * rows.y[k];
                    results.gz[k] += 0.5 * slope * rows.z[k];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> Result<LennardJonesParameters> {
        let mut xml = Xml::new(text, Path::new("l.xml"));
        let Some(Node::Start(tag)) = xml.next()? else {
            panic!()
        };
        LennardJonesParameters::read(&mut xml, &tag)
    }

    fn text(pair: &str) -> String {
        format!(
            "<LJ_params n_types=\"1\">\n<per_type_data type=\"1\" atomic_num=\"29\"/>\n\
             <per_pair_data type1=\"1\" type2=\"1\" sigma=\"2.0\" eps6=\"2.0\" eps12=\"3.0\" {pair}/>\n</LJ_params>"
        )
    }

    #[test]
    fn energies_of_quip() {
        // quippy-ase 0.10.3: two atoms of copper at 4 Å.
        for (shift, linear, expected) in [
            ("F", "F", -0.030_517_578_125),
            ("T", "T", -0.022_315_350_596_450_265),
            ("F", "T", -0.025_053_189_792_146_498),
            ("T", "F", -0.027_779_738_929_303_77),
        ] {
            let flags =
                format!("cutoff=\"6\" energy_shift=\"{shift}\" linear_force_shift=\"{linear}\"");
            let parameters = read(&text(&flags)).unwrap();
            let (energy, _) = parameters.pairs[0].function().energy_and_slope(16.0);
            assert!(
                (energy - expected).abs() < 1e-14,
                "{shift} {linear} {energy}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        let whole = "cutoff=\"6\" energy_shift=\"F\" linear_force_shift=\"F\"";
        assert!(
            read(&text(&format!(
                "{whole} smooth_cutoff_width=\"0.0\" only_inter_resid=\"F\""
            )))
            .is_ok()
        );
        for (pair, part) in [
            (
                format!("{whole} smooth_cutoff_width=\"1.0\""),
                "smooth_cutoff_width",
            ),
            (
                format!("{whole} only_inter_resid=\"T\""),
                "only_inter_resid",
            ),
            (
                "cutoff=\"6\" energy_shift=\"F\"".into(),
                "linear_force_shift",
            ),
            (
                "energy_shift=\"F\" linear_force_shift=\"F\"".into(),
                "cutoff",
            ),
            (whole.replace('6', "1e9"), "between 0 and 100"),
            (
                whole
                    .replace('6', "1e-40")
                    .replace("energy_shift=\"F", "energy_shift=\"T"),
                "beyond what can be evaluated",
            ),
        ] {
            let message = read(&text(&pair)).unwrap_err().to_string();
            assert!(
                message.contains(part) && message.contains("l.xml:3"),
                "{message}"
            );
        }
        let twice = text(whole).replace("n_types=\"1\"", "n_types=\"2\"");
        assert!(
            read(&twice)
                .unwrap_err()
                .to_string()
                .contains("announces 2")
        );
        let other = text(whole).replace("type2=\"1\"", "type2=\"7\"");
        assert!(read(&other).unwrap_err().to_string().contains("l.xml:3"));
    }
}
