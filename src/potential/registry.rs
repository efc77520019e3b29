//! From files to potentials: a model file is recognised by its content.

use super::gap::Gap;
use super::mtp::{self, Mtp};
use super::{Local, Potential};
use crate::elements::Element;
use crate::error::{Error, Result};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// The kinds of model file that are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelFormat {
    /// QUIP's XML with a Gaussian approximation potential.
    GapXml,
    /// A moment tensor potential of MLIP-2 or MLIP-3.
    Mtp,
}

/// The format of a model file, by its first bytes; `None` when it is none of ours.
pub fn recognise(path: &Path) -> Result<Option<ModelFormat>> {
    let file = std::fs::File::open(path).map_err(|e| Error::reading(path, &e))?;
    let mut head = Vec::new();
    file.take(1 << 16)
        .read_to_end(&mut head)
        .map_err(|e| Error::reading(path, &e))?;
    let text = String::from_utf8_lossy(&head);
    if mtp::recognise(&text) {
        return Ok(Some(ModelFormat::Mtp));
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

/// Loads a model file. `species` names the elements of models whose files do not; giving it for one whose file does is an
/// error only when they disagree.
pub fn load(path: &Path, species: Option<&[Element]>) -> Result<Arc<dyn Potential>> {
    let Some(format) = recognise(path)? else {
        return Err(
            Error::file(path, "this is not a model file that zundel knows").advise(
                "known are GAP files in QUIP's XML format and MLIP's `.mtp` and `.almtp` files; `zundel info FILE` says what a file is",
            ),
        );
    };
    let potential: Arc<dyn Potential> = match format {
        ModelFormat::GapXml => Arc::new(Local(Gap::load(path)?)),
        ModelFormat::Mtp => Arc::new(Local(Mtp::load(path, species)?)),
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
