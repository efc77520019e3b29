//! A model with what its file does not say: a small TOML file beside it.
//!
//! ```toml
//! [model]
//! file = "bas_l20.mtp"                # relative to this file
//! species = ["B", "As"]
//! citation = "Appl. Phys. Lett. 125, 172202 (2024)"
//! training = "boron arsenide, bulk crystal up to 1000 K"
//! ```

use crate::elements::Element;
use crate::error::{Error, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// No card is longer.
const LONGEST: u64 = 1 << 16;

/// What a card says.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// The model file.
    pub file: PathBuf,
    /// Elements in the order of the model file.
    pub species: Option<Vec<Element>>,
    /// What to cite.
    pub citation: Option<String>,
    /// What the model was trained on, and what it is good for.
    pub training: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    model: Model,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    file: PathBuf,
    species: Option<Vec<String>>,
    citation: Option<String>,
    training: Option<String>,
}

/// Whether a file that begins with this text is a card: TOML whose first table is `[model]`.
pub(super) fn recognise(head: &str) -> bool {
    let mut lines = head
        .trim_start_matches('\u{feff}')
        .lines()
        .map(|l| l.split('#').next().unwrap_or("").trim());
    lines.find(|l| !l.is_empty()) == Some("[model]")
}

impl ModelCard {
    /// Reads a card.
    pub fn read(path: &Path) -> Result<ModelCard> {
        let about = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
        if about.len() > LONGEST {
            return Err(Error::file(
                path,
                "this file is too long to describe a model",
            ));
        }
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidData => Error::file(path, "the file is not text in UTF-8"),
            _ => Error::reading(path, &e),
        })?;
        let document: Document = toml::from_str(&text).map_err(|e| {
            let line = e
                .span()
                .map_or(1, |s| 1 + text[..s.start].matches('\n').count());
            Error::line(path, line, e.message().to_owned()).advise(
                "under [model] stand `file`, and where wanted `species`, `citation` and `training`",
            )
        })?;
        let model = document.model;
        let element = |name: &String| {
            Element::from_symbol(name).ok_or_else(|| {
                Error::file(
                    path,
                    format!("`{name}` in `species` is not a chemical element"),
                )
            })
        };
        let species = match &model.species {
            Some(names) => Some(names.iter().map(element).collect::<Result<_>>()?),
            None => None,
        };
        Ok(ModelCard {
            file: path.parent().unwrap_or(Path::new("")).join(&model.file),
            species,
            citation: model.citation,
            training: model.training,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ModelCard> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.toml");
        std::fs::write(&path, text).unwrap();
        assert!(recognise(text), "{text}");
        ModelCard::read(&path).map(|mut card| {
            card.file = card.file.strip_prefix(folder.path()).unwrap().to_owned();
            card
        })
    }

    #[test]
    fn cards() {
        let card =
            read("# a model\n\n[model] # here\nfile = \"a/b.mtp\"\nspecies = [\"B\", \"As\"]\n")
                .unwrap();
        assert_eq!(card.file, Path::new("a/b.mtp"));
        let elements = ["B", "As"].map(|s| Element::from_symbol(s).unwrap());
        assert_eq!(card.species.as_deref(), Some(&elements[..]));
        assert!(card.citation.is_none() && card.training.is_none());
        for (text, part) in [
            ("[model]\nspecies = [\"B\"]\n", "missing field `file`"),
            ("[model]\nfile = \"b\"\nspecies = [\"Bo\"]\n", "`Bo`"),
            (
                "[model]\nfile = \"b\"\nelements = [\"B\"]\n",
                ":3: unknown field `elements`",
            ),
            ("[model]\nfile = 3\n", ":2: "),
            ("[model]\nfile = \"b\n", "card.toml:2"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(!recognise("version = 1\n[model]\n") && !recognise(""));
    }
}
