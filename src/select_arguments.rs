//! The words of `zundel select` on the command line.

use crate::SpeciesList;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use zundel::error::{Error, Result};
use zundel::jobs::select::{Method, Options, Soap};
use zundel::training::similarity::Kernel;
use zundel::units::{self, Dimension};

#[derive(Args)]
pub struct Select {
    /// Structure files or trajectories, any number of frames
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// How many frames to choose
    #[arg(long, short, value_name = "N")]
    number: Option<usize>,
    /// How they are chosen
    #[arg(long, value_enum, default_value_t = By::Farthest)]
    method: By,
    /// Where the chosen frames go (extended XYZ)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Look at every n-th frame only
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// The moment tensor potential of --method maxvol
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    species: SpeciesList,
    /// Cutoff of the SOAP vectors that frames are compared by
    #[arg(long, value_name = "LENGTH", default_value = "5 Å")]
    cutoff: String,
    /// Radial functions of the SOAP vectors
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=20))]
    n_max: u32,
    /// Highest angular momentum of the SOAP vectors
    #[arg(long, value_name = "L", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=20))]
    l_max: u32,
    /// Width of the Gaussian on each neighbour
    #[arg(long, value_name = "LENGTH", default_value = "0.5 Å")]
    sigma: String,
    /// Seed of what is left to chance
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Write how alike all frames are to each other (CSV)
    #[arg(long, value_name = "FILE")]
    similarity: Option<PathBuf>,
    /// Draw a map of all frames (SVG), with its points beside it (CSV)
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// How frames are compared for --similarity and --map
    #[arg(long, value_enum, default_value_t = Compare::Average)]
    kernel: Compare,
    /// Power of the likeness of two atoms
    #[arg(long, value_name = "POWER", default_value_t = 2.0)]
    zeta: f64,
    /// Weight of the entropy of --kernel rematch: small for the best match
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.1)]
    gamma: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// Leverage scores of mean SOAP vectors
    Cur,
    /// Each next frame is the one farthest from those before
    Farthest,
    /// The frames nearest to the centres of clusters
    KMeans,
    /// Every frame alike
    Random,
    /// All frames that enlarge the active set of a moment tensor potential
    Maxvol,
}

#[derive(Clone, Copy, ValueEnum)]
enum Compare {
    /// Means of SOAP vectors
    Average,
    /// Each atom with a partner of its own
    BestMatch,
    /// A smeared match, smooth in the positions
    Rematch,
}

impl Select {
    /// What is asked for.
    pub fn options(&self) -> Result<Options> {
        let length = |option: &str, text: &str| {
            let value = units::parse(text, Dimension::LENGTH)
                .map_err(|e| Error::input(option, e.reason).advise(e.advice))?;
            match value > 0.0 && value <= 30.0 {
                true => Ok(value),
                false => Err(Error::input(
                    option,
                    format!("`{text}` must be above 0 and at most 30 Å"),
                )),
            }
        };
        let positive = |option: &str, x: f64| match x > 0.0 && x.is_finite() {
            true => Ok(x),
            false => Err(Error::input(option, format!("{x} must be above 0"))),
        };
        Ok(Options {
            inputs: self.inputs.clone(),
            method: match self.method {
                By::Cur => Method::Cur,
                By::Farthest => Method::Farthest,
                By::KMeans => Method::KMeans,
                By::Random => Method::Random,
                By::Maxvol => Method::MaxVol,
            },
            number: self.number,
            every: self.every as usize,
            output: self.output.clone(),
            model: self.model.clone(),
            species: self.species.elements()?,
            soap: Soap {
                cutoff: length("--cutoff", &self.cutoff)?,
                n_max: self.n_max as usize,
                l_max: self.l_max as usize,
                sigma: length("--sigma", &self.sigma)?,
            },
            seed: self.seed,
            kernel: match self.kernel {
                Compare::Average => Kernel::Average,
                Compare::BestMatch => Kernel::BestMatch,
                Compare::Rematch => Kernel::Rematch {
                    gamma: positive("--gamma", self.gamma)?,
                },
            },
            zeta: positive("--zeta", self.zeta)?,
            similarity: self.similarity.clone(),
            map: self.map.clone(),
        })
    }
}
