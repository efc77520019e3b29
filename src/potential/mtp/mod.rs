//! Moment tensor potentials from MLIP's files, `.mtp` (MLIP-2) and `.almtp` (MLIP-3) (Shapeev, Multiscale Model. Simul. 14, 1153
//! (2016); Novikov, Gubaev, Podryabinkin and Shapeev, Mach. Learn.: Sci. Technol. 2, 025002 (2021)).
//!
//! [`MtpFile`] is the file as data; [`Mtp`] is the model made of it.

mod choose;
mod describe;
mod evaluate;
mod file;
mod grade;
mod graph;
mod lattice;
mod maxvol;
mod neighbours;
mod program;
mod radial;
mod scanner;
mod schedule;
mod state;
mod sums;
#[cfg(test)]
mod tests;
mod work;
mod write;

pub use choose::active_set;
pub use evaluate::{MtpScratch, Stage};
pub use file::{BasicIndex, BasisKind, Coefficients, MAX_RANK, MtpFile, Product, RadialBasis};
pub use state::{SelectionMode, SelectionState};
pub use work::Work;

use super::{Description, LocalModel, ModelCard, RowResults, Rows, Selection, Want};
use crate::elements::Element;
use crate::error::{Error, Result};
use choose::MtpSelection;
use grade::Grader;
use neighbours::UNKNOWN;
use radial::Radial;
use schedule::{Keep, Schedule};
use std::path::Path;
use std::sync::Arc;

/// Most centres in one call.
const BLOCK: usize = 64;

/// A moment tensor potential.
pub struct Mtp {
    description: Description,
    core: Arc<Core>,
}

/// What evaluation needs; shared with selections.
struct Core {
    /// Index of the species by atomic number.
    kinds: [u8; 119],
    coefficients: Coefficients,
    radial: Radial,
    schedule: Schedule,
    grader: Option<Grader>,
}

impl Mtp {
    /// Reads a `.mtp` or `.almtp` file. `species` are the elements of the file's species, in their order.
    ///
    /// Errors name file and place: anything missing, damaged or not supported, and elements that do not fit.
    /// What a card says beside that becomes part of the description.
    pub fn load(path: &Path, species: Option<&[Element]>, card: Option<&ModelCard>) -> Result<Mtp> {
        let mut model = Mtp::new(MtpFile::read(path)?, species)?;
        if let Some(card) = card {
            let about = &mut model.description;
            about.references.splice(..0, card.citation.clone());
            let training = card.training.as_ref().map(|t| format!("trained on {t}"));
            about.details.extend(training);
        }
        Ok(model)
    }

    /// The model of a file that has been read.
    pub fn new(file: MtpFile, species: Option<&[Element]>) -> Result<Mtp> {
        let coefficients = file.trained()?.clone();
        let species = check_species(&file, &coefficients, species)?;
        let mut kinds = [UNKNOWN; 119];
        for (k, e) in species.iter().enumerate() {
            kinds[usize::from(e.number())] = k as u8;
        }
        let schedule = Schedule::new(&file, &coefficients.moments, Keep::Energy)?;
        let description = describe::describe(&file, &schedule, species, BLOCK);
        let radial = Radial::new(&file, &coefficients);
        let grader = match &file.selection {
            Some(state) => Some(Grader::new(&file, state, &coefficients.moments)?),
            None => None,
        };
        let core = Core {
            grader,
            kinds,
            coefficients,
            radial,
            schedule,
        };
        Ok(Mtp {
            description,
            core: Arc::new(core),
        })
    }

    /// Adds the energies of the centres and the derivatives by the neighbours' displacements, or stops after a stage and leaves
    /// what comes later as it is: to measure what each stage costs.
    pub fn evaluate_up_to(
        &self,
        last: Stage,
        rows: &Rows<'_>,
        scratch: &mut MtpScratch,
        results: &mut RowResults<'_>,
    ) {
        self.core.evaluate(rows, last, scratch, results);
    }
}

/// The elements of the species of a file; an error that says what is expected when they are missing or do not fit.
fn check_species<'a>(
    file: &MtpFile,
    coefficients: &Coefficients,
    species: Option<&'a [Element]>,
) -> Result<&'a [Element]> {
    let n = coefficients.labels.len();
    let plural = if n == 1 { "" } else { "s" };
    let labels: Vec<String> = coefficients.labels.iter().map(i64::to_string).collect();
    let expected = format!("{n} species, labelled {}", labels.join(", "));
    let advice = || {
        let example: Vec<&str> = ["B", "As", "C", "Si"]
            .into_iter()
            .cycle()
            .take(n.min(4))
            .collect();
        let more = if n > 4 { ", ..." } else { "" };
        format!(
            "name {n} element{plural} in the order of the labels: `species = [\"{}\"{more}]` under [potential] in a deck, `--species {}{}` on the command line, or a file that describes the model (docs/potentials.md)",
            example.join("\", \""),
            example.join(","),
            if n > 4 { ",..." } else { "" }
        )
    };
    let Some(species) = species else {
        let reason = format!("the file does not name the elements of its {expected}");
        return Err(Error::file(&file.path, reason).advise(advice()));
    };
    if species.len() != n {
        let given: Vec<&str> = species.iter().map(|e| e.symbol()).collect();
        let reason = format!(
            "{} given ({}), but the file has {expected}",
            match species.len() {
                1 => "1 element is".to_owned(),
                k => format!("{k} elements are"),
            },
            given.join(", ")
        );
        return Err(Error::file(&file.path, reason).advise(advice()));
    }
    if let Some(k) = (1..n).find(|k| species[..*k].contains(&species[*k])) {
        let reason = format!("{} is given for two species", species[k]);
        return Err(
            Error::file(&file.path, reason).advise("each species needs an element of its own")
        );
    }
    Ok(species)
}

impl LocalModel for Mtp {
    type Scratch = MtpScratch;

    fn description(&self) -> &Description {
        &self.description
    }

    fn block(&self) -> usize {
        BLOCK
    }

    fn evaluate(
        &self,
        rows: &Rows<'_>,
        want: Want,
        scratch: &mut MtpScratch,
        results: &mut RowResults<'_>,
    ) {
        let last = match want.forces || want.virial {
            true => Stage::Gradients,
            false => Stage::Products,
        };
        self.core.evaluate(rows, last, scratch, results);
        if want.reliability
            && let Some(grader) = &self.core.grader
            && grader.mode == SelectionMode::Neighbourhood
        {
            self.core.grades(grader, rows, scratch, results.reliability);
        }
    }

    fn features(&self) -> usize {
        match &self.core.grader {
            Some(grader) if grader.mode == SelectionMode::Configuration => grader.size,
            _ => 0,
        }
    }

    fn add_features(&self, rows: &Rows<'_>, scratch: &mut MtpScratch, features: &mut [f64]) {
        if let Some(grader) = &self.core.grader {
            self.core.add_rows(grader, rows, scratch, features);
        }
    }

    fn frame_reliability(&self, features: &[f64], atoms: usize) -> f64 {
        let Some(grader) = &self.core.grader else {
            return 0.0;
        };
        // The weight is positive or negative as it stands in the file; a grade is a modulus.
        grader.configuration_weight(atoms).abs() * grade::grade(&grader.q, features)
    }

    fn species_labels(&self) -> Vec<(i64, Element)> {
        let labels = self.core.coefficients.labels.iter().copied();
        let elements = self.description.elements.iter().flatten().copied();
        labels.zip(elements).collect()
    }

    fn selection(&self) -> Option<Box<dyn Selection>> {
        let grader = self.core.grader.as_ref()?;
        let request = self.description.neighbours?;
        let selection = MtpSelection::new(self.core.clone(), grader, request);
        Some(Box::new(selection))
    }
}

/// Whether a file that begins with this text is a moment tensor potential.
pub(super) fn recognise(head: &str) -> bool {
    let mut lines = head
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.next() == Some("MTP")
}
