//! What a fit of a moment tensor potential is to do.

use super::level;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::potential::mtp::{
    BasisKind, Coefficients, MAX_RANK, MtpFile, RadialBasis, SelectionMode,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Most radial polynomials.
const MOST_POLYNOMIALS: usize = 64;

/// Where the form of the potential comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// One of MLIP's levels: an even number from 2 to 28.
    Level(usize),
    /// A `.mtp` or `.almtp` file: its index lists and, if it is trained, its coefficients.
    File(PathBuf),
}

/// Weights of the squares in the sum, as MLIP's `train` has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Weight of (E - E₀)² (1/eV²), divided by N^`size_power`.
    pub energy: f64,
    /// Weight of |F - F₀|² ((Å/eV)²), divided by N^`force_size_power`.
    pub forces: f64,
    /// Weight of |W - W₀|², all nine components (1/eV²), divided by N^`size_power`.
    pub virial: f64,
    /// MLIP's `weight_scaling`: 1 for snapshots of a trajectory, 0 for molecules, 2 for crystals of differing size.
    pub size_power: f64,
    /// MLIP's `weight_scaling_forces`: 0, or 1 for crystals of differing size.
    pub force_size_power: f64,
    /// MLIP's `scale_by_force` w ((eV/Å)²): the weight of an atom's force is multiplied by w/(|F|² + w). 0 for none.
    pub scale_by_force: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Weights {
            energy: 1.0,
            forces: 0.01,
            virial: 0.001,
            size_power: 1.0,
            force_size_power: 0.0,
            scale_by_force: 0.0,
        }
    }
}

/// Settings of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Elements of the species, in their order in the file.
    pub species: Vec<Element>,
    /// Where the form comes from.
    pub form: Form,
    /// Number of radial polynomials (with a level; a file has its own).
    pub polynomials: usize,
    /// Lower end (Å) of the radial basis: `None` for 0.99 times the smallest distance in the data (a trained file keeps its own).
    pub min_dist: Option<f64>,
    /// The cutoff (Å): upper end of the radial basis (with a level; `None` keeps that of a file).
    pub cutoff: Option<f64>,
    /// Weights of energies, forces and virials.
    pub weights: Weights,
    /// Factor of the weights of the frames of a kind; 1 for kinds that are not named.
    pub kinds: BTreeMap<String, f64>,
    /// Weight of the penalty that keeps radial functions normalised and orthogonal.
    pub penalty: f64,
    /// Ridge on all coefficients, in units of the mean square that each contributes to the data.
    pub ridge: f64,
    /// Most steps of the optimiser, after the tries.
    pub steps: usize,
    /// The optimiser ends when the sum of squares fell by less than this share in the last ten steps.
    pub tolerance: f64,
    /// Starts from different random radial functions, of which the best goes on.
    pub tries: usize,
    /// Steps of each try.
    pub try_steps: usize,
    /// Steps without a smaller error on the validation frames after which the fit ends; without such frames it has no meaning.
    pub patience: usize,
    /// Seed of the random numbers.
    pub seed: u64,
    /// What the active set is made of; `None` for a plain `.mtp`.
    pub selection: Option<SelectionMode>,
    /// Where the state of the fit is kept, to go on after an interruption.
    pub checkpoint: Option<PathBuf>,
    /// Whether to go on from a checkpoint that is there; otherwise it is replaced.
    pub resume: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            species: Vec::new(),
            form: Form::Level(16),
            polynomials: 8,
            min_dist: None,
            cutoff: Some(5.0),
            weights: Weights::default(),
            kinds: BTreeMap::new(),
            penalty: 1e-6,
            ridge: 1e-10,
            steps: 100,
            tolerance: 1e-3,
            tries: 3,
            try_steps: 10,
            patience: 10,
            seed: 1,
            selection: Some(SelectionMode::Neighbourhood),
            checkpoint: None,
            resume: true,
        }
    }
}

/// Numbers of coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// All of them.
    pub coefficients: usize,
    /// Those of the radial functions.
    pub radial: usize,
    /// Those of the scalars.
    pub scalars: usize,
}

/// What a fit with these settings would determine. Errors as [`fit`](super::fit).
pub fn planned(settings: &Settings) -> Result<Sizes> {
    settings.check()?;
    let file = settings.template()?;
    let species = settings.species.len();
    let radial = species * species * file.functions * file.basis.size;
    Ok(Sizes {
        coefficients: radial + species + file.scalars.len(),
        radial,
        scalars: file.scalars.len(),
    })
}

impl Settings {
    /// Checks the numbers; errors name the setting.
    pub fn check(&self) -> Result<()> {
        let wrong = |name: &str, reason: String| Err(Error::input(name.to_owned(), reason));
        let finite = |name: &str, x: f64, least: f64| match x.is_finite() && x >= least {
            true => Ok(()),
            false => wrong(name, format!("{x} must be a number of {least} or more")),
        };
        if self.species.is_empty() || self.species.len() > 118 {
            return wrong("species", "at least one element is needed".into());
        }
        if let Some(k) =
            (1..self.species.len()).find(|k| self.species[..*k].contains(&self.species[*k]))
        {
            return wrong("species", format!("{} is there twice", self.species[k]));
        }
        if let Form::Level(level) = self.form
            && level::lists(level).is_none()
        {
            return Err(Error::input("level", format!("there is no level {level}"))
                .advise("the levels are the even numbers from 2 to 28"));
        }
        if self.polynomials == 0 || self.polynomials > MOST_POLYNOMIALS {
            return wrong(
                "polynomials",
                format!(
                    "{} polynomials: 1 to {MOST_POLYNOMIALS} are possible",
                    self.polynomials
                ),
            );
        }
        if let Some(cutoff) = self.cutoff
            && !(cutoff.is_finite() && cutoff > 0.0 && cutoff <= 100.0)
        {
            return wrong("cutoff", format!("{cutoff} Å must lie between 0 and 100"));
        }
        if let Some(lo) = self.min_dist {
            finite("min_dist", lo, 0.0)?;
            if self.cutoff.is_some_and(|hi| lo >= hi) {
                return wrong("min_dist", format!("{lo} Å must be below the cutoff"));
            }
        }
        let w = &self.weights;
        for (name, x) in [
            ("energy_weight", w.energy),
            ("force_weight", w.forces),
            ("virial_weight", w.virial),
            ("scale_by_force", w.scale_by_force),
            ("penalty", self.penalty),
            ("ridge", self.ridge),
            ("tolerance", self.tolerance),
        ] {
            finite(name, x, 0.0)?;
        }
        for (name, x) in [
            ("weight_scaling", w.size_power),
            ("weight_scaling_forces", w.force_size_power),
        ] {
            finite(name, x, -10.0)?;
        }
        if w.energy + w.forces + w.virial == 0.0 {
            return wrong("weights", "all weights are zero".into());
        }
        for (kind, x) in &self.kinds {
            finite(&format!("weight of `{kind}`"), *x, 0.0)?;
        }
        if self.tries == 0 {
            return wrong("tries", "at least one try is needed".into());
        }
        Ok(())
    }

    /// The form as a file without coefficients (unless a trained file is the start), `min_dist` still open.
    pub(super) fn template(&self) -> Result<MtpFile> {
        match &self.form {
            Form::Level(level) => {
                let Some(lists) = level::lists(*level) else {
                    return Err(Error::input("level", format!("there is no level {level}")));
                };
                let Some(cutoff) = self.cutoff else {
                    return Err(Error::input("cutoff", "a level needs a cutoff (Å)"));
                };
                Ok(MtpFile {
                    path: PathBuf::from("potential.mtp"),
                    comments: Vec::new(),
                    name: Some("MTP1m".into()),
                    scaling: 1.0,
                    species_count: self.species.len(),
                    tag: Some(String::new()),
                    basis: RadialBasis {
                        kind: BasisKind::RBChebyshev,
                        scaling: None,
                        min_dist: 0.0,
                        max_dist: cutoff,
                        size: self.polynomials,
                    },
                    functions: lists.functions,
                    moments: lists.moments,
                    basic: lists.basic,
                    products: lists.products,
                    scalars: lists.scalars,
                    coefficients: None,
                    selection: None,
                })
            }
            Form::File(path) => {
                let mut file = MtpFile::read(path)?;
                let wrong = |reason: String| Error::file(path, reason);
                if file.basis.kind != BasisKind::RBChebyshev {
                    return Err(wrong(format!(
                        "the radial basis {} cannot be fitted, only RBChebyshev can",
                        file.basis.kind.name()
                    )));
                }
                if file.basic.iter().any(|b| b.rank() > MAX_RANK) || file.scalars.is_empty() {
                    return Err(wrong("the file has no scalars to be fitted".into()));
                }
                let wanted = self.species.len();
                match &file.coefficients {
                    Some(Coefficients { labels, .. }) if labels.len() != wanted => {
                        return Err(wrong(format!(
                            "the file is trained for {} species, but {wanted} are given",
                            labels.len()
                        ))
                        .advise("give as many elements, in the order of the file, or start from an untrained file or a level"));
                    }
                    Some(_) => {}
                    None => {
                        file.species_count = wanted;
                        if let Some(cutoff) = self.cutoff {
                            file.basis.max_dist = cutoff;
                        }
                    }
                }
                file.selection = None;
                Ok(file)
            }
        }
    }
}
