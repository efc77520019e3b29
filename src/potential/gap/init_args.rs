//! The `init_args` of a `<Potential>`: what the file adds up to its energy.

use super::arguments::{Arguments, shorten};
use crate::error::{Error, Result};

/// The sum a model file describes.
#[derive(Clone, Debug, PartialEq)]
pub enum Composition {
    /// A Gaussian approximation potential; the label picks one of several in the file.
    Gap {
        /// The label, when the file gives one.
        label: Option<String>,
        /// Factor of its energies.
        scale: f64,
    },
    /// A Glue baseline (embedded atoms from tables).
    Glue {
        /// The label, when the file gives one.
        label: Option<String>,
    },
    /// A Lennard-Jones baseline.
    LennardJones {
        /// The label, when the file gives one.
        label: Option<String>,
    },
    /// The sum of two or more terms.
    Sum(Vec<Composition>),
}

/// How deep sums may be nested.
const DEEPEST: usize = 8;

impl Composition {
    /// Reads an argument string such as `IP GAP label=L` or `Sum init_args_pot1={...} init_args_pot2={...}`.
    pub(super) fn parse(text: &str) -> Result<Composition> {
        Self::parse_at(text, DEEPEST)
    }

    fn parse_at(text: &str, depth: usize) -> Result<Composition> {
        let arguments = Arguments::parse(text)?;
        let words: Vec<&str> = arguments.words().collect();
        match words[..] {
            ["ip", kind @ ("gap" | "glue" | "lj")] => {
                let scale = scales(&arguments, kind == "gap", text)?;
                if let Some(key) = arguments
                    .keys()
                    .find(|k| !["label", "xml_label", "e_scale", "r_scale"].contains(k))
                {
                    return Err(Error::input(
                        "",
                        format!("`{key}` in `{}` is not supported", shorten(text)),
                    ));
                }
                let label = arguments.text("label").map(str::to_owned);
                Ok(match kind {
                    "gap" => Composition::Gap { label, scale },
                    "glue" => Composition::Glue { label },
                    _ => Composition::LennardJones { label },
                })
            }
            ["sum"] if depth > 0 => {
                let mut terms = Vec::new();
                scales(&arguments, false, text)?;
                for key in arguments.keys().filter(|k| !k.ends_with("_scale")) {
                    if !key.starts_with("init_args_pot") {
                        return Err(Error::input(
                            "",
                            format!("`{key}` in a sum of potentials is not supported"),
                        ));
                    }
                    terms.push(Self::parse_at(
                        arguments.text(key).unwrap_or_default(),
                        depth - 1,
                    )?);
                }
                if terms.len() < 2 {
                    return Err(Error::input(
                        "",
                        "a sum of potentials needs two `init_args_pot`",
                    ));
                }
                Ok(Composition::Sum(terms))
            }
            ["sum"] => Err(Error::input(
                "",
                "the sums of potentials are nested too deeply",
            )),
            _ => Err(Error::input(
                "",
                format!("the potential `{}` is not supported", shorten(text.trim())),
            )
            .advise("supported are `IP GAP`, `IP Glue`, `IP LJ` and their `Sum`")),
        }
    }

    /// The terms that are no sums, in order.
    pub fn leaves(&self) -> Vec<&Composition> {
        match self {
            Composition::Sum(terms) => terms.iter().flat_map(Composition::leaves).collect(),
            leaf => vec![leaf],
        }
    }
}

/// The factor `E_scale`, and a refusal of scales that QUIP itself takes no notice of: it knows none but that of `IP GAP`.
fn scales(arguments: &Arguments, known: bool, text: &str) -> Result<f64> {
    let energy = arguments.number(&["e_scale"])?.unwrap_or(1.0);
    let length = arguments.number(&["r_scale"])?.unwrap_or(1.0);
    for (key, value, meant) in [("e_scale", energy, known), ("r_scale", length, false)] {
        if value != 1.0 && !meant {
            return Err(Error::input(
                "",
                format!("`{key}` in `{}` is not supported", shorten(text)),
            )
            .advise("QUIP reads it and evaluates as if it were not there; remove it if that is what you want"));
        }
    }
    Ok(energy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read() {
        let gap = Composition::Gap {
            label: Some("GAP_1".into()),
            scale: 1.0,
        };
        let glue = Composition::Glue { label: None };
        assert_eq!(Composition::parse("IP GAP label=GAP_1").unwrap(), gap);
        let text = "Sum init_args_pot1={IP Glue} init_args_pot2={Sum init_args_pot1={ip glue} init_args_pot2={IP GAP label=GAP_1}}";
        let sum = Composition::parse(text).unwrap();
        assert_eq!(sum.leaves(), [&glue, &glue, &gap]);
        let scaled = Composition::Gap {
            label: None,
            scale: -0.5,
        };
        assert_eq!(
            Composition::parse("IP GAP E_scale=-0.5 r_scale=1").unwrap(),
            scaled
        );
    }

    #[test]
    fn other_potentials_are_refused_by_name() {
        for (text, part) in [
            ("IP ZBL", "`IP ZBL` is not supported"),
            ("", "is not supported"),
            ("IP GAP r_scale=1.1", "`r_scale`"),
            ("IP GAP do_rescale_E=T", "`do_rescale_e`"),
            ("IP Glue E_scale=2", "`e_scale`"),
            ("IP LJ r_scale=0.9", "`r_scale`"),
            (
                "Sum init_args_pot1={IP GAP} init_args_pot2={IP Glue} E_scale=2",
                "`e_scale`",
            ),
            ("Sum init_args_pot1={IP GAP}", "two"),
            (
                "Sum init_args_pot1={IP GAP} init_args_pot2={IP DispTS a=1}",
                "`IP DispTS a=1`",
            ),
            ("Sum a={IP GAP} b={IP GAP}", "`a` in a sum"),
        ] {
            let message = Composition::parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        let deep = (0..30).fold("IP GAP".to_owned(), |s, _| {
            format!("Sum init_args_pot1={{{s}}} init_args_pot2={{IP Glue}}")
        });
        assert!(
            Composition::parse(&deep)
                .unwrap_err()
                .to_string()
                .contains("deeply")
        );
    }
}
