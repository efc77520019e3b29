//! `[fit.sgdml]`.

use super::family::{End, Made, Order};
use crate::deck::{SgdmlEnergies, SgdmlFitDeck, SgdmlSolver, SgdmlSymmetry};
use crate::error::Result;
use crate::jobs::stages::Progress;
use crate::report::human_bytes;
use crate::training::sgdml::{
    Energies, Report, Settings, Solution, Solver, Symmetries, fit, planned,
};

/// Makes the model.
pub(super) fn make(
    deck: &SgdmlFitDeck,
    order: &Order<'_>,
    progress: &mut Progress<'_>,
) -> Result<End> {
    let settings = settings(deck, order);
    if let Some(old) = settings
        .checkpoint
        .as_ref()
        .filter(|c| !order.resume && c.exists())
    {
        // A fit that begins anew; the name is taken by this fit alone.
        std::fs::remove_file(old)
            .map_err(|e| crate::error::Error::environment("cannot remove", old, e))?;
    }
    let Some(fitted) = fit(&settings, order.train, order.validation, progress)? else {
        let kept = settings.checkpoint.is_some_and(|c| c.exists());
        return Ok(End::Stopped { kept });
    };
    fitted.write(order.model)?;
    Ok(End::Made(made(&fitted.report, &settings)))
}

fn made(report: &Report, settings: &Settings) -> Made {
    let mut made = Made::default();
    let mut fact = |name: &str, value: String| made.facts.push((name.to_owned(), value));
    let unit = &settings.energy_unit;
    let chosen = match (
        report.validation_rows.len(),
        report.validation_from_training,
    ) {
        (0, _) => String::new(),
        (n, true) => format!("; {n} others of the training frames chose σ"),
        (n, false) => format!("; {n} validation frames chose σ"),
    };
    fact(
        "geometries",
        format!("{} learned from{chosen}", report.training_rows.len()),
    );
    fact("permutations", report.permutations.to_string());
    let [all, left] = report.unknowns;
    fact(
        "unknowns",
        format!("{left}, and {} of rigid motions left out", all - left),
    );
    for (sigma, errors) in &report.tried {
        if let Some(e) = errors {
            let [mae, rmse] = e.force;
            fact(
                "σ tried",
                format!("{sigma}: forces MAE {mae:.5}, RMSE {rmse:.5} {unit}/Å"),
            );
        }
    }
    fact("σ", format!("{} /Å", report.sigma));
    fact("λ", format!("{:e}", report.lambda));
    fact(
        "solver",
        match &report.solution {
            Solution::ClosedForm => "closed form (Cholesky)".to_owned(),
            Solution::Iterative {
                steps,
                residual,
                inducing,
            } => format!(
                "conjugate gradients, {steps} steps, residual {residual:.1e}, {inducing} inducing geometries"
            ),
        },
    );
    if let Some([slope, correlation]) = report.energies {
        fact(
            "energies over those of the model",
            format!("slope {slope:.4}, correlation {correlation:.4}"),
        );
    }
    let tried = &report.tried;
    if tried.len() > 1 {
        let end = |at: Option<&f64>, word: &str| {
            (at == Some(&report.sigma)).then(|| {
                format!("the best σ is the {word} of the list; a wider list may have a better one")
            })
        };
        let (first, last) = (settings.sigmas.first(), settings.sigmas.last());
        made.warnings.extend(end(first, "smallest"));
        made.warnings.extend(end(last, "largest"));
    }
    if report.lambda > settings.lambda {
        made.warnings.push(format!(
            "the kernel matrix was singular to working precision, and λ was raised from {:e} to {:e}: are there frames twice?",
            settings.lambda, report.lambda
        ));
    }
    made
}

/// What making it would take: names and values.
pub(super) fn plan(deck: &SgdmlFitDeck, order: &Order<'_>) -> Result<Vec<(String, String)>> {
    let settings = settings(deck, order);
    let plan = planned(&settings, order.train, order.validation)?;
    let solver = match plan.closed_form {
        true => format!("in closed form, {} for the matrix", human_bytes(plan.bytes)),
        false => format!(
            "by conjugate gradients: the matrix would take {}",
            human_bytes(plan.bytes)
        ),
    };
    Ok(vec![
        ("geometries".into(), plan.geometries.to_string()),
        ("unknowns".into(), plan.unknowns.to_string()),
        ("solved".into(), solver),
        ("σ to choose from".into(), settings.sigmas.len().to_string()),
    ])
}

fn settings(deck: &SgdmlFitDeck, order: &Order<'_>) -> Settings {
    let fit = &order.deck.fit;
    let stem = order.model.file_stem();
    let stem = stem.map_or_else(
        || "unknown".to_owned(),
        |s| s.to_string_lossy().into_owned(),
    );
    let crystal = |rotations| Symmetries::Crystal {
        rotations,
        tolerance: deck.crystal_tolerance,
    };
    Settings {
        name: deck.name.clone().unwrap_or(stem),
        theory: deck.theory.clone().unwrap_or_else(|| "unknown".into()),
        fingerprint: String::new(),
        points: deck.points,
        validation_points: deck.validation_points,
        seed: fit.seed,
        symmetries: match (&deck.permutations, deck.symmetry) {
            (Some(given), _) => Symmetries::Generated(given.clone()),
            (None, SgdmlSymmetry::Found) => Symmetries::Discovered,
            (None, SgdmlSymmetry::None) => Symmetries::None,
            (None, SgdmlSymmetry::Translations) => crystal(false),
            (None, SgdmlSymmetry::Crystal) => crystal(true),
        },
        sigmas: deck.sigmas.clone(),
        lambda: deck.lambda,
        energies: match deck.energies {
            SgdmlEnergies::Constant => Energies::Constant,
            SgdmlEnergies::Constraints => Energies::Constraints,
            SgdmlEnergies::Ignored => Energies::Ignored,
        },
        memory: fit.memory,
        solver: match deck.solver {
            SgdmlSolver::Automatic => Solver::Automatic,
            SgdmlSolver::ClosedForm => Solver::ClosedForm,
            SgdmlSolver::Iterative => Solver::Iterative,
        },
        tolerance: deck.tolerance,
        inducing: deck.inducing,
        energy_unit: deck.energy_unit.clone(),
        checkpoint: order.checkpoint.map(std::path::Path::to_path_buf),
    }
}
