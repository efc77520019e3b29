//! From the label of an atom in a file to its species.

use crate::elements::{Element, Species};

/// Remembers the labels met, since files repeat few labels many times.
#[derive(Debug, Default)]
pub(super) struct SpeciesLabels(Vec<(String, Species)>);

/// Why a label is no species, and what to write instead.
#[derive(Debug)]
pub(super) struct UnknownLabel {
    pub reason: String,
    pub advice: String,
}

impl SpeciesLabels {
    /// The species of a chemical symbol, an isotope name or an atomic number.
    pub fn find(&mut self, label: &str) -> Result<Species, UnknownLabel> {
        if let Some((_, species)) = self.0.iter().find(|(l, _)| l == label) {
            return Ok(*species);
        }
        let species = species_of(label)?;
        // There are few good labels, but `014`, `0014`, ... are good as well: those are not worth remembering.
        if self.0.len() < 256 {
            self.0.push((label.to_owned(), species));
        }
        Ok(species)
    }
}

/// The species of a chemical symbol, an isotope name or an atomic number.
pub(super) fn species_of(label: &str) -> Result<Species, UnknownLabel> {
    let by_number = || {
        label
            .parse()
            .ok()
            .and_then(Element::from_number)
            .map(Species::natural)
    };
    Species::from_name(label).or_else(by_number).ok_or_else(|| {
        let reason = format!(
            "`{}` is not a chemical symbol",
            super::lines::shortened(label)
        );
        let advice = match nearest(label) {
            Some(symbol) => format!("write `{symbol}` if that is meant"),
            None => {
                "write a symbol such as `Si`, an isotope such as `D` or `13C`, or an atomic number"
                    .to_owned()
            }
        };
        UnknownLabel { reason, advice }
    })
}

/// The symbol that was probably meant: other capitals (`SI`), or decorated with numbers, charges or names (`Si1`).
fn nearest(label: &str) -> Option<&'static str> {
    let letters: String = label
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .take(3)
        .collect();
    (1..=letters.len().min(2)).rev().find_map(|n| {
        if letters.len() == 3 && label.len() == 3 {
            return None; // a word, not a decorated symbol
        }
        let mut symbol = letters[..n].to_ascii_lowercase();
        symbol[..1].make_ascii_uppercase();
        Element::from_symbol(&symbol).map(Element::symbol)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        assert_eq!(species_of("Si").unwrap().element.number(), 14);
        assert_eq!(species_of("14").unwrap().element.number(), 14);
        assert!(species_of("D").unwrap().mass > 2.0);
        for (wrong, right) in [
            ("SI", "`Si`"),
            ("si", "`Si`"),
            ("Fe2+", "`Fe`"),
            ("O_w", "`O`"),
            ("Hw", "`H`"),
        ] {
            let e = species_of(wrong).unwrap_err();
            assert!(e.advice.contains(right), "{wrong}: {}", e.advice);
        }
        for wrong in ["", "Xx", "0", "119", "-1", "Å"] {
            assert!(species_of(wrong).is_err(), "{wrong}");
        }
    }
}
