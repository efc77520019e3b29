//! From numbered atom types to species.

use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::lines::shortened;
use std::path::Path;

/// How near (amu) a mass must be to a standard weight to name the element.
const TOLERANCE: f64 = 0.05;

/// What a file says about one atom type.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeInfo {
    pub mass: Option<f64>,
    pub label: String,
    pub remark: String,
    /// Line of the mass.
    pub line: usize,
}

/// The species of type `number` (from 1).
pub(super) fn species_of(
    path: &Path,
    number: usize,
    info: &TypeInfo,
    chosen: &[Species],
) -> Result<Species> {
    if !chosen.is_empty() {
        return chosen.get(number - 1).copied().ok_or_else(|| {
            Error::file(
                path,
                format!(
                    "there is an atom type {number}, but only {} species are given",
                    chosen.len()
                ),
            )
            .advise("give one species for each atom type, in order")
        });
    }
    let place = |reason: String| {
        if info.line > 0 {
            Error::line(path, info.line, reason)
        } else {
            Error::file(path, reason)
        }
    };
    let first_word = info.remark.split_ascii_whitespace().next().unwrap_or("");
    let named = [info.label.as_str(), first_word]
        .into_iter()
        .find_map(|n| Some((n, Species::from_name(n)?)));
    let Some(mass) = info.mass else {
        return named.map(|n| n.1).ok_or_else(|| {
            place(format!("atom type {number} has neither a mass nor a name"))
                .advise("add a section Masses with lines such as `1 28.085 # Si`")
        });
    };
    let near: Vec<Element> = (1..=118u8)
        .filter_map(Element::from_number)
        .filter(|e| (e.mass() - mass).abs() <= TOLERANCE)
        .collect();
    match (named, near.as_slice()) {
        (Some((name, species)), near) => {
            if near.is_empty() || near.contains(&species.element) {
                Ok(Species { mass, ..species })
            } else {
                Err(place(format!(
                    "atom type {number} is called `{name}` but its mass {mass} is that of {}",
                    near[0]
                ))
                .advise("give the species of all types explicitly, or correct the name after `#`"))
            }
        }
        (None, [element]) => Ok(Species {
            element: *element,
            mass,
        }),
        (None, near) => {
            let found = match near {
                [] => "no element has the mass".to_owned(),
                several => {
                    let names: Vec<&str> = several.iter().map(|e| e.symbol()).collect();
                    format!("{} have nearly the mass", names.join(" and "))
                }
            };
            let called = if first_word.is_empty() {
                String::new()
            } else {
                format!(" (`{}`)", shortened(first_word))
            };
            Err(place(format!(
                "cannot tell the element of atom type {number}{called}: {found} {mass}"
            ))
            .advise("write the symbol after the mass, as in `1 28.085 # Si`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mass: Option<f64>, remark: &str) -> Result<Species> {
        let info = TypeInfo {
            mass,
            remark: remark.into(),
            ..TypeInfo::default()
        };
        species_of(Path::new("d"), 1, &info, &[])
    }

    #[test]
    fn names_masses_and_contradictions() {
        assert_eq!(of(Some(28.0855), "").unwrap().element.symbol(), "Si");
        assert_eq!(of(Some(28.0855), "").unwrap().mass, 28.0855);
        assert_eq!(
            of(Some(2.014), "H of heavy water")
                .unwrap()
                .element
                .symbol(),
            "H"
        );
        assert_eq!(of(None, "O").unwrap().mass, 15.999);
        assert_eq!(of(Some(12.01), "CA").unwrap().element.symbol(), "C");
        assert!(
            of(Some(15.999), "Co")
                .unwrap_err()
                .to_string()
                .contains("that of O")
        );
        assert!(
            of(Some(72.0), "W1")
                .unwrap_err()
                .to_string()
                .contains("no element")
        );
        assert!(of(Some(58.8), "").is_err()); // between Co and Ni, near neither by 0.05
        assert!(
            of(Some(247.0), "")
                .unwrap_err()
                .to_string()
                .contains("Cm and Bk")
        );
        assert!(of(None, "").is_err());
        let chosen = [Species::from_name("Ar").unwrap()];
        assert!(species_of(Path::new("d"), 2, &TypeInfo::default(), &chosen).is_err());
        assert_eq!(
            species_of(Path::new("d"), 1, &TypeInfo::default(), &chosen).unwrap(),
            chosen[0]
        );
    }
}
