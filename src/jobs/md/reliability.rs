//! What the model says about its own reliability during a run: limits, and the frames that are worth a closer look.

use super::failure::with_unit;
use crate::deck::{ReliabilityDeck, SaveDeck};
use crate::dynamics::State;
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::{self, Column, ColumnData, Format, Frame, ReadOptions};
use crate::potential::{EvaluationError, Evaluator, Reliability, Selection};
use std::path::Path;

/// Watches the reliability number of one term.
pub(super) struct Watch {
    deck: ReliabilityDeck,
    /// What the number is.
    pub what: Reliability,
    /// Decides what is worth saving; without one, everything beyond the limit is.
    selection: Option<Box<dyn Selection>>,
    /// The numbers of the elements in MLIP's cfg files.
    labels: Vec<(i64, Element)>,
    tally: Tally,
}

/// What was seen so far; part of a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// How often the number was evaluated.
    pub evaluated: u64,
    /// How often it was beyond the limit of `note`.
    pub beyond: u64,
    /// The largest number.
    pub largest: f64,
    /// The step of the largest number.
    pub at: u64,
    /// Frames saved.
    pub saved: u64,
    /// The largest number that was announced.
    announced: f64,
}

/// What a number calls for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    /// The step that was judged.
    pub step: u64,
    /// The number.
    pub value: f64,
    /// The atom that has it, when it is one of an atom.
    pub atom: Option<usize>,
    /// Whether a person should hear of it now.
    pub announce: bool,
    /// The limit that ends the run, when it was passed.
    pub stop: Option<f64>,
}

impl Watch {
    /// The watch that a deck asks for. `deck_path` is for messages.
    ///
    /// Errors when no term, or another one than was named, gives such a number.
    pub fn new(
        deck: &ReliabilityDeck,
        evaluator: &mut Evaluator,
        deck_path: &str,
    ) -> Result<Watch> {
        let place = format!("{deck_path}: [md.reliability.{}]", deck.measure.name());
        let gives = |t: &crate::potential::Term| {
            let number = t.potential.description().gives.reliability;
            number.filter(|r| r.measure == deck.measure)
        };
        let able: Vec<(usize, Reliability)> = evaluator
            .terms()
            .iter()
            .enumerate()
            .filter(|(_, t)| deck.term.as_ref().is_none_or(|name| *name == t.name))
            .filter_map(|(k, t)| Some((k, gives(t)?)))
            .collect();
        let &[(term, what)] = &able[..] else {
            return Err(if able.is_empty() {
                let there: Vec<String> = evaluator
                    .terms()
                    .iter()
                    .map(|t| {
                        let number = t.potential.description().gives.reliability;
                        let number = number.map_or("no such number", |r| r.measure.name());
                        format!("`{}` gives {number}", t.name)
                    })
                    .collect();
                let which = match &deck.term {
                    Some(name) => format!("the term `{name}` gives"),
                    None => "the potential gives".to_owned(),
                };
                let reason = format!("{which} no {}", deck.measure.name());
                Error::input(place, reason).advise(format!("here {}", there.join(", ")))
            } else {
                let names: Vec<&str> = able
                    .iter()
                    .map(|(k, _)| evaluator.terms()[*k].name.as_str())
                    .collect();
                Error::input(place, "several terms give this number")
                    .advise(format!("choose one with `term`, of {}", names.join(", ")))
            });
        };
        evaluator.watch(term);
        let selection = deck
            .save
            .as_ref()
            .and_then(|_| evaluator.terms()[term].potential.selection());
        Ok(Watch {
            deck: deck.clone(),
            what,
            selection,
            labels: evaluator.terms()[term].potential.species_labels(),
            tally: Tally::default(),
        })
    }

    /// The limit of `note`.
    pub fn note(&self) -> Option<f64> {
        self.deck.note
    }

    /// A frame as it stands in a file of saved frames: extended XYZ, or MLIP's cfg where the name ends like that.
    pub fn render(&self, mut frame: Frame, file: &Path) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        if !is_cfg(file) {
            io::render_frame(&frame, Format::ExtendedXyz, &mut text)?;
            return Ok(text);
        }
        let number = |e: &Element| {
            let found = self.labels.iter().find(|(_, known)| known == e);
            found.map(|(label, _)| *label).ok_or_else(|| {
                Error::file(file, format!("the model has no number for {e}"))
                    .advise("save the frames as extended XYZ")
            })
        };
        let numbers: Result<_> = frame.system.atoms.elements.iter().map(number).collect();
        frame.set_column(Column {
            name: io::CFG_TYPES.to_owned(),
            width: 1,
            data: ColumnData::Integer(numbers?),
        });
        // The name that MLIP has for it.
        if let Some(column) = frame.columns.iter_mut().find(|c| c.name == "grade") {
            column.name = "nbh_grades".to_owned();
        }
        io::render_frame(&frame, Format::MlipCfg, &mut text)?;
        Ok(text)
    }

    /// What was seen so far, in a sentence or two.
    pub fn summary(&self) -> String {
        let (t, measure) = (&self.tally, self.what.measure);
        let mut text = format!(
            "largest {} {} at step {}",
            measure.name(),
            with_unit(t.largest, measure),
            t.at
        );
        if let Some(limit) = self.deck.note {
            text += &format!(
                "; above {} in {} of {} looks",
                with_unit(limit, measure),
                t.beyond,
                t.evaluated
            );
        }
        if let Some(save) = &self.deck.save {
            text += &format!(
                "; {} frames above {} saved",
                t.saved,
                with_unit(save.above, measure)
            );
            if t.saved == save.most {
                text += ", which is as many as `most` allows";
            }
        }
        text
    }

    /// Judges a state whose evaluation holds the number.
    pub fn judge(&mut self, state: &State) -> Verdict {
        let value = self.what.largest(&state.evaluation);
        let tally = &mut self.tally;
        tally.evaluated += 1;
        if value > tally.largest || tally.evaluated == 1 {
            (tally.largest, tally.at) = (value, state.step);
        }
        let mut announce = false;
        if self.deck.note.is_some_and(|limit| value > limit) {
            tally.beyond += 1;
            // The first time, and then when it has become twice as bad.
            announce = tally.announced == 0.0 || value > 2.0 * tally.announced;
            if announce {
                tally.announced = value;
            }
        }
        Verdict {
            step: state.step,
            value,
            atom: self.what.worst_atom(&state.evaluation),
            announce,
            stop: self.deck.stop.filter(|limit| value > *limit),
        }
    }

    /// Whether the state, judged before, is to be saved; it counts as saved if so.
    pub fn saves(&mut self, state: &State) -> std::result::Result<bool, EvaluationError> {
        let Some(SaveDeck { above, most, .. }) = &self.deck.save else {
            return Ok(false);
        };
        let value = self.what.largest(&state.evaluation);
        if value <= *above || self.tally.saved >= *most {
            return Ok(false);
        }
        let new = match &mut self.selection {
            Some(selection) => selection.consider(state.configuration())?,
            None => true,
        };
        self.tally.saved += u64::from(new);
        Ok(new)
    }

    /// The numbers that a checkpoint keeps.
    pub fn to_numbers(&self) -> Vec<f64> {
        let t = &self.tally;
        vec![
            t.evaluated as f64,
            t.beyond as f64,
            t.largest,
            t.at as f64,
            t.saved as f64,
            t.announced,
        ]
    }

    /// Goes on from the numbers of a checkpoint. `file` holds the frames that were saved until then, and perhaps later ones:
    /// the selection sees them again, in their order, and comes to where it was.
    ///
    /// Returns `None` when the numbers are not ours.
    pub fn restore(&mut self, numbers: &[f64], file: Option<&Path>) -> Option<Result<()>> {
        let &[evaluated, beyond, largest, at, saved, announced] = numbers else {
            return None;
        };
        self.tally = Tally {
            evaluated: evaluated as u64,
            beyond: beyond as u64,
            largest,
            at: at as u64,
            saved: saved as u64,
            announced,
        };
        let (Some(selection), Some(file)) = (&mut self.selection, file) else {
            return Some(Ok(()));
        };
        let natural = |(label, e): &(i64, Element)| (*label, Species::natural(*e));
        let options = ReadOptions {
            labels: self.labels.iter().map(natural).collect(),
            ..ReadOptions::default()
        };
        let saved = self.tally.saved;
        Some(reconsider(selection.as_mut(), file, &options, saved))
    }
}

fn is_cfg(file: &Path) -> bool {
    file.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("cfg"))
}

/// Shows a selection the first `count` frames of a file.
fn reconsider(
    selection: &mut dyn Selection,
    file: &Path,
    options: &ReadOptions,
    count: u64,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let changed = || {
        Error::file(
            file,
            "this file does not hold the frames that the run had saved",
        )
        .advise("put the right file back, or run again from the start with --overwrite")
    };
    let mut seen = 0;
    for frame in io::FrameReader::open(file, options)?.take(count as usize) {
        let Frame { system, .. } = frame?;
        match selection.consider(system.configuration()) {
            Ok(true) => seen += 1,
            _ => return Err(changed()),
        }
    }
    if seen == count {
        Ok(())
    } else {
        Err(changed())
    }
}
