//! From files to potentials: a model file is recognised by its content.

use super::card::{self, ModelCard};
use super::gap::Gap;
use super::mtp::{self, Mtp};
use super::sgdml::{Sgdml, SgdmlFile};
use super::{Local, Potential};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::npz::{self, Archive};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The kinds of model file that are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelFormat {
    /// QUIP's XML with a Gaussian approximation potential.
    GapXml,
    /// A moment tensor potential of MLIP-2 or MLIP-3.
    Mtp,
    /// A TOML file that describes a model beside it; see [`ModelCard`].
    Card,
    /// An sGDML model in numpy's archive format.
    SgdmlNpz,
}

/// The format of a model file, by its first bytes; `None` when it is none of ours.
pub fn recognise(path: &Path) -> Result<Option<ModelFormat>> {
    let file = std::fs::File::open(path).map_err(|e| Error::reading(path, &e))?;
    let mut head = Vec::new();
    file.take(1 << 16)
        .read_to_end(&mut head)
        .map_err(|e| Error::reading(path, &e))?;
    if npz::is_zip(&head) {
        // A damaged archive is taken for a model: reading it says what is wrong.
        let other = Archive::open(path).is_ok_and(|a| !SgdmlFile::is_one(&a));
        return Ok((!other).then_some(ModelFormat::SgdmlNpz));
    }
    let text = String::from_utf8_lossy(&head);
    if mtp::recognise(&text) {
        return Ok(Some(ModelFormat::Mtp));
    }
    if card::recognise(&text) {
        return Ok(Some(ModelFormat::Card));
    }
    let xml = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<');
    let gap = ["GAP_params", "IP GAP", "<GAP", "<Potential"]
        .iter()
        .any(|mark| text.contains(mark));
    Ok((xml && gap).then_some(ModelFormat::GapXml))
}

/// The file with the model itself: that which a card names, any other file as it is.
pub fn model_file(path: &Path) -> Result<PathBuf> {
    Ok(match recognise(path)? {
        Some(ModelFormat::Card) => ModelCard::read(path)?.file,
        _ => path.to_owned(),
    })
}

/// Loads a model file, or the model of a card. `species` names the elements of models whose files do not, and goes before what
/// a card says; giving it for a model whose file names them is an error only when they disagree.
pub fn load(path: &Path, species: Option<&[Element]>) -> Result<Arc<dyn Potential>> {
    if recognise(path)? != Some(ModelFormat::Card) {
        return load_file(path, species, None);
    }
    let card = ModelCard::read(path)?;
    let within = |e: Error| e.within(&path.display().to_string());
    if recognise(&card.file).map_err(within)? == Some(ModelFormat::Card) {
        return Err(Error::file(
            path,
            "`file` must be a model, not another description of one",
        ));
    }
    let species = species.or(card.species.as_deref());
    load_file(&card.file, species, Some(&card)).map_err(within)
}

fn load_file(
    path: &Path,
    species: Option<&[Element]>,
    card: Option<&ModelCard>,
) -> Result<Arc<dyn Potential>> {
    let Some(format) = recognise(path)? else {
        return Err(
            Error::file(path, "this is not a model file that zundel knows").advise(
                "known are GAP files in QUIP's XML format, MLIP's `.mtp` and `.almtp` files and sGDML's npz archives; `zundel info FILE` says what a file is",
            ),
        );
    };
    let potential: Arc<dyn Potential> = match format {
        ModelFormat::GapXml => Arc::new(Local(Gap::load(path)?)),
        ModelFormat::Mtp => Arc::new(Local(Mtp::load(path, species, card)?)),
        ModelFormat::Card => return Err(Error::Bug("a card is no model".into())),
        ModelFormat::SgdmlNpz => Arc::new(Sgdml::load(path, card)?),
    };
    if let (Some(given), Some(known)) = (species, &potential.description().elements)
        && let Some(foreign) = given.iter().find(|e| !known.contains(e))
    {
        let list: Vec<&str> = known.iter().map(|e| e.symbol()).collect();
        return Err(
            Error::file(path, format!("the model does not know {foreign}")).advise(format!(
                "the file names its own elements, {}; leave `species` out",
                list.join(", ")
            )),
        );
    }
    Ok(potential)
}
