//! `zundel eval`: energies, forces and virials of every frame of a structure file.

use super::parts;
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::{self, Format, Frame, FrameReader, ReadOptions, Value};
use crate::potential::{Evaluation, Evaluator, Gives, Potential, Scope, Term, Want, registry};
use crate::report::Console;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

/// Loads a model file as the only term of a sum.
pub fn load_model(path: &Path, species: Option<&[Element]>) -> Result<Vec<Term>> {
    let potential: Arc<dyn Potential> = registry::load(path, species)?;
    Ok(vec![Term::new("model", potential)])
}

/// How structures are read for a model: in a cfg file the numbers of the species are the model's.
pub fn read_options(terms: &[Term]) -> ReadOptions {
    let labels = terms
        .iter()
        .find(|t| t.potential.description().elements.is_some())
        .map_or_else(Vec::new, |t| t.potential.species_labels());
    ReadOptions {
        labels: labels
            .into_iter()
            .map(|(label, e)| (label, Species::natural(e)))
            .collect(),
        ..ReadOptions::default()
    }
}

/// Evaluates every frame of `structures` and writes extended XYZ to `out`, a path for messages being `out_path`.
///
/// Each frame gets `energy` (eV), `virial` (eV, positive for compression), `stress` (eV/Å^3, in the sign of ASE) where three
/// directions are periodic, and the columns `forces` (eV/Å), `local_energy` (eV) and the reliability number where the
/// model has them. Numbers are written so that they read back to the same bits.
pub fn run(
    model: &Path,
    species: Option<&[Element]>,
    structures: &Path,
    out: &mut dyn Write,
    out_path: &Path,
    console: &Console,
) -> Result<usize> {
    let terms = load_model(model, species)?;
    let gives = terms[0].potential.description().gives;
    let mut evaluator = Evaluator::new(terms.clone(), 0.0);
    // The atoms for which the evaluator was made; frames of a file mostly have the same.
    let mut made_for: Option<Vec<Element>> = None;
    let mut said: Vec<String> = Vec::new();
    let mut frames = 0;
    for frame in FrameReader::open(structures, &read_options(evaluator.terms()))? {
        let mut frame = frame?;
        let place = format!("frame {frames}");
        let present = frame.system.atoms.distinct_elements();
        parts::check_elements(&evaluator, &present, structures).map_err(|e| e.within(&place))?;
        if made_for.as_ref() != Some(&frame.system.atoms.elements) {
            let (fitted, notes) = parts::fit_terms(&terms, &frame.system, structures)
                .map_err(|e| e.within(&place))?;
            for note in notes
                .into_iter()
                .filter(|n| !said.contains(n))
                .collect::<Vec<_>>()
            {
                console.say(format!("{place}: {note}"));
                said.push(note);
            }
            evaluator = Evaluator::new(fitted, 0.0);
            made_for = Some(frame.system.atoms.elements.clone());
        }
        let want = Want {
            reliability: gives.reliability.is_some(),
            ..Want::ALL
        };
        let mut result = [Evaluation::default()];
        let system = &frame.system;
        let configuration = system.configuration();
        evaluator
            .evaluate(&[configuration], want, &mut result)
            .map_err(|e| {
                let (reason, advice) = parts::describe_evaluation_error(e, system);
                Error::line(structures, frame.line, format!("{place}: {reason}")).advise(advice)
            })?;
        annotate(&mut frame, &result[0], gives);
        let mut text = Vec::new();
        io::render_frame(&frame, Format::ExtendedXyz, &mut text)?;
        frames += 1;
        match out.write_all(&text) {
            // Whoever reads (`| head`) has seen enough.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(frames),
            other => other.map_err(|e| Error::environment("cannot write", out_path, e))?,
        }
    }
    if frames == 0 {
        return Err(Error::file(structures, "the file holds no structure"));
    }
    match out.flush() {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::environment("cannot write", out_path, e))
        }
        _ => Ok(frames),
    }
}

/// Puts the results of an evaluation on a frame, replacing values of the same names.
fn annotate(frame: &mut Frame, result: &Evaluation, gives: Gives) {
    // Names that mean the same in other programs' files must not contradict ours.
    frame.info.retain(|(key, _)| {
        ![
            "energy",
            "virial",
            "stress",
            "free_energy",
            "variance",
            "grade",
            "distance",
        ]
        .contains(&key.as_str())
    });
    frame.columns.retain(|c| {
        ![
            "forces",
            "force",
            "local_energy",
            "variance",
            "grade",
            "distance",
        ]
        .contains(&c.name.as_str())
    });
    frame.set_value("energy", Value::Real(result.energy));
    let virial: Vec<f64> = result.virial.as_flattened().to_vec();
    if let Some(volume) = frame.system.cell.volume() {
        let w = &result.virial;
        let stress = (0..9)
            .map(|k| -0.5 * (w[k / 3][k % 3] + w[k % 3][k / 3]) / volume)
            .collect();
        frame.set_value("stress", Value::Reals(stress));
    }
    frame.set_value("virial", Value::Reals(virial));
    frame.set_vectors("forces", &result.forces);
    if gives.site_energies {
        frame.set_scalars("local_energy", result.site_energies.clone());
    }
    let Some(reliability) = gives.reliability else {
        return;
    };
    let name = reliability.measure.name();
    match reliability.scope {
        Scope::Atom => frame.set_scalars(name, result.reliability.clone()),
        Scope::Frame => frame.set_value(name, Value::Real(result.frame_reliability)),
    }
}
