//! `[fit.mtp]`.

use super::family::{End, Made, Order};
use crate::deck::MtpFitDeck;
use crate::error::Result;
use crate::jobs::stages::Progress;
use crate::training::Monitor as _;
use crate::training::mtp::{Form, Settings, Weights, fit, planned};
use std::path::Path;

/// Makes the model.
pub(super) fn make(
    deck: &MtpFitDeck,
    order: &Order<'_>,
    progress: &mut Progress<'_>,
) -> Result<End> {
    let settings = settings(deck, order);
    let fitted = fit(&settings, order.train, order.validation, progress)?;
    if !fitted.report.finished && progress.stopped() {
        let kept = order.checkpoint.is_some_and(Path::exists);
        return Ok(End::Stopped { kept });
    }
    fitted.write(order.model)?;
    let report = &fitted.report;
    let mut made = Made {
        species: Some(fitted.species.clone()),
        ..Made::default()
    };
    let mut fact = |name: &str, value: String| made.facts.push((name.to_owned(), value));
    fact("coefficients", report.coefficients.to_string());
    fact(
        "equations",
        format!(
            "{} of {} frames with {} atoms",
            report.equations, report.frames, report.atoms
        ),
    );
    fact(
        "radial basis",
        format!(
            "from {:.4} Å (the smallest distance is {:.4} Å) to {} Å",
            report.min_dist, report.closest, fitted.file.basis.max_dist
        ),
    );
    if let (Some(first), Some(last)) = (report.history.first(), report.history.last()) {
        let steps = report.history.len() - 1;
        fact(
            "sum of squares",
            format!("from {first:.4e} to {last:.4e} in {steps} steps"),
        );
    }
    if let Some(rows) = report.active_rows {
        fact(
            "active set",
            format!("{rows} of {} rows filled", report.coefficients),
        );
        // Some combinations of coefficients change nothing, as a factor that goes from a radial function to the scalars: their
        // rows are never filled, and no environment depends on them.
        let empty = report.coefficients - rows;
        if 10 * empty > report.coefficients {
            made.warnings.push(format!(
                "{empty} of {} rows of the active set are not filled: the data do not determine so many coefficients, and environments that depend on them have grades far above 1",
                report.coefficients
            ));
        }
    }
    if report.equations < report.coefficients {
        made.warnings.push(format!(
            "there are fewer equations ({}) than coefficients ({})",
            report.equations, report.coefficients
        ));
    }
    Ok(End::Made(made))
}

/// What making it would take: names and values.
pub(super) fn plan(deck: &MtpFitDeck, order: &Order<'_>) -> Result<Vec<(String, String)>> {
    let sizes = planned(&settings(deck, order))?;
    Ok(vec![
        ("scalars".to_owned(), sizes.scalars.to_string()),
        (
            "coefficients".to_owned(),
            format!("{} ({} radial)", sizes.coefficients, sizes.radial),
        ),
    ])
}

fn settings(deck: &MtpFitDeck, order: &Order<'_>) -> Settings {
    let [energy, forces, virial] = deck.weights;
    let [size_power, force_size_power] = deck.size_powers;
    Settings {
        species: deck
            .species
            .clone()
            .unwrap_or_else(|| order.elements.to_vec()),
        form: match &deck.start {
            Some(file) => Form::File(file.clone()),
            None => Form::Level(deck.level),
        },
        polynomials: deck.polynomials,
        min_dist: deck.min_dist,
        cutoff: deck.cutoff,
        weights: Weights {
            energy,
            forces,
            virial,
            size_power,
            force_size_power,
            scale_by_force: deck.scale_by_force,
        },
        kinds: deck.kinds.iter().cloned().collect(),
        penalty: deck.penalty,
        ridge: deck.ridge,
        steps: deck.steps,
        tolerance: deck.tolerance,
        tries: deck.tries[0],
        try_steps: deck.tries[1],
        patience: deck.patience,
        seed: order.deck.fit.seed,
        selection: deck.selection,
        checkpoint: order.checkpoint.map(Path::to_path_buf),
        resume: order.resume,
    }
}
