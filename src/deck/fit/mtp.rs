//! `[fit.mtp]`: how a moment tensor potential is made.

use crate::deck::diagnostics::Diagnostic;
use crate::deck::kinds::{Count, Elements, InFile, Label, Number, OneOf, Quantity};
use crate::deck::reader::Table;
use crate::elements::Element;
use crate::potential::mtp::SelectionMode;
use crate::units::Dimension;
use std::path::PathBuf;

/// How a moment tensor potential is made.
#[derive(Clone, Debug, PartialEq)]
pub struct MtpFitDeck {
    /// The level, where no file is the start.
    pub level: usize,
    /// The file that is the start.
    pub start: Option<PathBuf>,
    /// Elements in the order of the species; `None` for those of the data by number.
    pub species: Option<Vec<Element>>,
    /// The cutoff (Å); `None` for that of the file.
    pub cutoff: Option<f64>,
    /// Lower end of the radial basis (Å); `None` for what the data say.
    pub min_dist: Option<f64>,
    /// Number of radial polynomials.
    pub polynomials: usize,
    /// Weights of energies, forces and virials.
    pub weights: [f64; 3],
    /// Powers of the number of atoms by which the weights of energies and virials, and of forces, are divided.
    pub size_powers: [f64; 2],
    /// Softening of the weights of large forces; zero for none.
    pub scale_by_force: f64,
    /// Factors of the weights of kinds of frames.
    pub kinds: Vec<(String, f64)>,
    /// Weight of the penalty.
    pub penalty: f64,
    /// Ridge.
    pub ridge: f64,
    /// Most steps.
    pub steps: usize,
    /// The tolerance.
    pub tolerance: f64,
    /// Number of starts and steps of each.
    pub tries: [usize; 2],
    /// Steps without a smaller validation error.
    pub patience: usize,
    /// What the active set is made of.
    pub selection: Option<SelectionMode>,
}

const SELECTIONS: OneOf<Option<SelectionMode>> = OneOf(&[
    ("atoms", Some(SelectionMode::Neighbourhood)),
    ("frames", Some(SelectionMode::Configuration)),
    ("none", None),
]);

/// Reads `[fit.mtp]`.
pub(super) fn read(t: &Table<'_>) -> Option<MtpFitDeck> {
    let count = |least, most| Count { least, most };
    let doc =
        "MLIP's level: an even number from 2 to 28. Higher levels are more accurate and slower.";
    let level = t
        .key("level", count(2, 28), doc)
        .must_be("an even number", |l| l % 2 == 0)
        .or("16");
    let doc = "A `.mtp` or `.almtp` file to start from, instead of a level: its index lists, and its coefficients if it is trained.";
    let start = t.key("start", InFile, doc).optional("a level");
    let doc = "Elements in the order of the model's species.";
    let species = t
        .key("species", Elements, doc)
        .optional("those of the data, by atomic number");
    let length = || Quantity(Dimension::LENGTH);
    let doc = "Range of the model (a trained file keeps its own).";
    let cutoff = t
        .key("cutoff", length(), doc)
        .must_be("above 0 and at most 100 Å", |c| *c > 0.0 && *c <= 100.0)
        .optional("5 Å, or that of the file");
    let doc = "Lower end of the interval of the radial polynomials.";
    let min_dist = t
        .key("min_dist", length(), doc)
        .positive()
        .optional("0.99 times the smallest distance in the data");
    let doc = "Number of radial polynomials (with a level).";
    let polynomials = t.key("polynomials", count(1, 64), doc).or("8");
    let weight = |name, default, doc| t.key(name, Number, doc).not_negative().or(default);
    let doc = "Weight of the squared error of an energy (1/eV²).";
    let energy = weight("energy_weight", "1.0", doc);
    let doc = "Weight of the squared error of a force ((Å/eV)²).";
    let forces = weight("force_weight", "0.01", doc);
    let doc = "Weight of the squared error of a virial, nine components (1/eV²).";
    let virial = weight("virial_weight", "0.001", doc);
    let doc = "Power of the number of atoms by which weights of energies and virials are divided: 1 for snapshots, 0 for molecules, 2 for crystals of differing size.";
    let scaling = t
        .key("weight_scaling", Number, doc)
        .not_negative()
        .or("1.0");
    let doc = "The same for forces: 0, or 1 for crystals of differing size.";
    let force_scaling = t
        .key("weight_scaling_forces", Number, doc)
        .not_negative()
        .or("0.0");
    let doc =
        "With w above 0 the weight of an atom's force is multiplied by w/(|F|² + w), w in (eV/Å)².";
    let scale_by_force = weight("scale_by_force", "0.0", doc);
    let doc = "Weight of the penalty that keeps radial functions normalised and orthogonal.";
    let penalty = weight("penalty", "1e-6", doc);
    let doc = "Ridge on the coefficients, in units of what each contributes to the data; larger values smooth a model of few data.";
    let ridge = weight("ridge", "1e-10", doc);
    let doc = "Most steps of the optimiser.";
    let steps = t.key("steps", count(0, 1_000_000), doc).or("100");
    let doc =
        "The fit ends when the sum of squares has fallen by less than this share in ten steps.";
    let tolerance = weight("tolerance", "1e-3", doc);
    let doc = "Starts from different random radial functions, of which the best goes on.";
    let tries = t.key("tries", count(1, 1000), doc).or("3");
    let doc = "Steps of each of them.";
    let try_steps = t.key("try_steps", count(1, 100_000), doc).or("10");
    let doc = "With validation frames: steps without a smaller error on them after which the fit ends; the best model is kept.";
    let patience = t.key("patience", count(1, 1_000_000), doc).or("10");
    let doc = "What the active set is made of, so that each atom or each frame of a run has a grade; `none` for a plain `.mtp`.";
    let selection = t.key("selection", SELECTIONS, doc).or("atoms");
    let doc = "The weight of one kind of frames.";
    let kinds = t.tables("kind", doc, |t| {
        let doc = "The kind, as the frames name it.";
        let name = t.key("name", Label, doc).required("\"liquid\"");
        let doc = "Factor of all weights of such frames.";
        let weight = t.key("weight", Number, doc).not_negative().or("1.0");
        Some((name?, weight?))
    });
    let kinds: Vec<(String, f64)> = kinds
        .unwrap_or_default()
        .into_iter()
        .collect::<Option<_>>()?;
    if let (Some(place), Some(lo), hi) = (t.place_of("min_dist"), min_dist, cutoff.unwrap_or(5.0))
        && start.is_none()
        && lo >= hi
    {
        t.complain(
            Diagnostic::error("`min_dist` is not below the cutoff")
                .maybe_at(Some(place), "")
                .help("it is the lower end of an interval that ends at the cutoff"),
        );
        return None;
    }
    Some(MtpFitDeck {
        level: level? as usize,
        cutoff: cutoff.or(start.is_none().then_some(5.0)),
        start,
        species,
        min_dist,
        polynomials: polynomials? as usize,
        weights: [energy?, forces?, virial?],
        size_powers: [scaling?, force_scaling?],
        scale_by_force: scale_by_force?,
        kinds,
        penalty: penalty?,
        ridge: ridge?,
        steps: steps? as usize,
        tolerance: tolerance?,
        tries: [tries? as usize, try_steps? as usize],
        patience: patience? as usize,
        selection: selection?,
    })
}
