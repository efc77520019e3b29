//! The words of `zundel analyse` on the command line.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use zundel::analysis::{QuantumCorrection, Window};
use zundel::error::Result;
use zundel::jobs::analyse::{AtomGroup, Kind, Options, Resolution, options as read};

#[derive(Subcommand)]
pub enum Analyse {
    /// Vibrational density of states, total, by element and by group, with peaks
    ///
    /// The Fourier transform of the mass-weighted autocorrelation of velocities. Its integral is the number of degrees of
    /// freedom. Run free dynamics (NVE, RPMD or TRPMD; thermostats broaden lines) and write frames at least every 4 fs (2 fs
    /// with bonds of hydrogen).
    Vdos {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        motion: Motion,
        #[command(flatten)]
        spectrum: Spectrum,
    },
    /// Infrared spectrum from point charges or stored dipole moments
    ///
    /// α n in cm⁻¹ where there is a volume, else absorption in km/mol per cm⁻¹.
    Ir {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        motion: Motion,
        #[command(flatten)]
        spectrum: Spectrum,
        #[command(flatten)]
        dipole: Dipole,
    },
    /// Radial distribution functions of all pairs of elements, and numbers of neighbours
    Rdf {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        histogram: Histogram,
        #[command(flatten)]
        beads: Beads,
    },
    /// Mean square displacement and diffusion coefficients
    Msd {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        motion: Motion,
        #[command(flatten)]
        diffusion: Lags,
    },
    /// Distributions of the lengths of bonds
    Bonds {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        histogram: Histogram,
        #[command(flatten)]
        bonded: Bonded,
        #[command(flatten)]
        beads: Beads,
    },
    /// Distributions of the angles between bonds
    Angles {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        bins: Bins,
        #[command(flatten)]
        bonded: Bonded,
        #[command(flatten)]
        beads: Beads,
    },
    /// Distributions of dihedral angles
    Dihedrals {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        bins: Bins,
        #[command(flatten)]
        bonded: Bonded,
        #[command(flatten)]
        beads: Beads,
    },
    /// Coordination numbers
    Coordination {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        cutoff: Cutoff,
        #[command(flatten)]
        beads: Beads,
    },
    /// Bond-orientational order: q4, q6, w4, w6 and their averages over neighbours
    Steinhardt {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        cutoff: Cutoff,
        #[command(flatten)]
        beads: Beads,
    },
    /// Density over time, and its mean
    Density {
        #[command(flatten)]
        common: Common,
    },
    /// All of these that the trajectory allows, in one report
    All {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        motion: Motion,
        #[command(flatten)]
        spectrum: Spectrum,
        #[command(flatten)]
        dipole: Dipole,
        #[command(flatten)]
        diffusion: Lags,
        #[command(flatten)]
        cutoff: Cutoff,
        #[command(flatten)]
        bonded: Bonded,
    },
}

#[derive(Args)]
pub struct Common {
    /// Trajectories: H5MD, extended XYZ or XYZ; several are pieces or copies of one system
    #[arg(required = true, value_name = "TRAJECTORY")]
    trajectories: Vec<PathBuf>,
    /// Where results go; beside the trajectory by default
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Replace results that are there
    #[arg(long)]
    overwrite: bool,
    /// Time between frames, for files that do not say it, as in "0.5 fs"
    #[arg(long, value_name = "TIME")]
    timestep: Option<String>,
    /// Leave out what is before this time, as in "2 ps"
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Leave out what is behind this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Take every n-th frame
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    stride: u32,
    /// Only atoms of these elements, as in O,H
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    elements: Vec<String>,
    /// Only these atoms, counted from 0, as in 0-31,40
    #[arg(long, value_name = "LIST")]
    atoms: Option<String>,
    /// Show these atoms under a name of their own, as in "methyl=0-3,7"; may be repeated
    #[arg(long, value_name = "NAME=LIST")]
    group: Vec<String>,
}

#[derive(Args)]
pub struct Motion {
    /// Most memory for the frames that are being correlated; larger trajectories are read several times
    #[arg(long, value_name = "SIZE", default_value = "1 GB")]
    memory: String,
    /// Leave the motion of the centre of mass in
    #[arg(long)]
    keep_drift: bool,
    /// Temperature, where the file does not say it, as in "300 K"
    #[arg(long, value_name = "TEMPERATURE")]
    temperature: Option<String>,
}

#[derive(Args)]
pub struct Spectrum {
    /// Window on the axis of lags: hann, gaussian, blackman-harris, none
    #[arg(long, default_value = "hann")]
    window: String,
    /// Width that a sharp line gets, as in "10 /cm" or "0.3 THz"; by default 10 /cm, or what a quarter of the trajectory gives
    #[arg(long, value_name = "WIDTH", conflicts_with = "longest_lag")]
    resolution: Option<String>,
    /// The longest lag of correlations, instead of a resolution, as in "2 ps"
    #[arg(long, value_name = "TIME")]
    longest_lag: Option<String>,
    /// Pad with zeros to so many times the length: more points of the same curve
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    padding: u32,
    /// What a peak must stand out to be listed, as a part of the highest
    #[arg(long, value_name = "PART", default_value_t = 0.02)]
    prominence: f64,
    /// Measure centre, spread and area of what is between two wavenumbers, as in "3000 /cm:4000 /cm"; may be repeated
    #[arg(long, value_name = "FROM:TO")]
    band: Vec<String>,
    /// Highest wavenumber of the picture, as in "4000 /cm"
    #[arg(long, value_name = "WAVENUMBER")]
    highest: Option<String>,
    /// Degrees of freedom that fixed bonds take away, for files that do not say it
    #[arg(long, value_name = "N")]
    constraints: Option<usize>,
}

#[derive(Args)]
pub struct Dipole {
    /// Point charges in e, as in "O=-0.8,H=0.4", or a structure file with a column `charges`
    #[arg(long, value_name = "LIST|FILE")]
    charges: Option<String>,
    /// Quantum correction of classical line shapes: harmonic, standard, schofield, none
    #[arg(long, default_value = "harmonic")]
    correction: String,
}

#[derive(Args)]
pub struct Histogram {
    /// Longest distance, as in "8 Å"; by default half of the width of the cell, at most 10 Å
    #[arg(long, value_name = "LENGTH")]
    reach: Option<String>,
    #[command(flatten)]
    bins: Bins,
}

#[derive(Args)]
pub struct Bins {
    /// Number of bins
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    bins: Option<u32>,
}

#[derive(Args)]
pub struct Bonded {
    /// Atoms closer than this times the sum of their covalent radii (in the first frame) are bonded
    #[arg(long, value_name = "FACTOR", default_value_t = 1.2)]
    bond_scale: f64,
}

#[derive(Args)]
pub struct Cutoff {
    /// What a neighbour is: a distance ("3 Å"), or one for a pair of elements ("Si-O=2.2 Å"); may be repeated
    #[arg(long, value_name = "LENGTH")]
    cutoff: Vec<String>,
}

#[derive(Args)]
pub struct Lags {
    /// Longest lag of displacements; a tenth of the trajectory by default
    #[arg(long, value_name = "TIME")]
    lag: Option<String>,
    /// Lags of the line whose slope gives D, as in "2 ps:10 ps"; by default from a fifth of the longest lag on
    #[arg(long, value_name = "FROM:TO")]
    fit: Option<String>,
    /// Viscosity for the correction of the cell's finite size, as in "0.89 mPa s"
    #[arg(long, value_name = "VISCOSITY")]
    viscosity: Option<String>,
}

#[derive(Args)]
pub struct Beads {
    /// Take the beads of a path integral, not their centroids: the quantum distribution of positions
    #[arg(long)]
    beads: bool,
}

impl Analyse {
    /// The kind (none for all) and the options, read and checked.
    pub fn options(self) -> Result<(Option<Kind>, Options)> {
        let mut o = Options::default();
        // Every command of one kind has the name of the kind, and puts its groups of arguments into the options.
        macro_rules! put {
            ($($kind:ident { $($group:ident),+ })+ ; all { $($part:ident),+ }) => {
                match self {
                    $(Analyse::$kind { $($group),+ } => {
                        $($group.put(&mut o)?;)+
                        Some(Kind::$kind)
                    })+
                    Analyse::All { $($part),+ } => {
                        $($part.put(&mut o)?;)+
                        None
                    }
                }
            };
        }
        let kind = put! {
            Vdos { common, motion, spectrum }
            Ir { common, motion, spectrum, dipole }
            Rdf { common, histogram, beads }
            Msd { common, motion, diffusion }
            Bonds { common, histogram, bonded, beads }
            Angles { common, bins, bonded, beads }
            Dihedrals { common, bins, bonded, beads }
            Coordination { common, cutoff, beads }
            Steinhardt { common, cutoff, beads }
            Density { common };
            all { common, motion, spectrum, dipole, diffusion, cutoff, bonded }
        };
        Ok((kind, o))
    }
}

impl Common {
    fn put(self, o: &mut Options) -> Result<()> {
        o.trajectories = self.trajectories;
        o.folder = self.output;
        o.overwrite = self.overwrite;
        let times = [
            (&mut o.from, "--from", self.from),
            (&mut o.to, "--to", self.to),
        ];
        for (slot, name, text) in times {
            *slot = text.map(|t| read::moment(name, &t)).transpose()?;
        }
        o.timestep = self
            .timestep
            .map(|t| read::time("--timestep", &t))
            .transpose()?;
        o.stride = self.stride as usize;
        let elements = self.elements.iter().map(|e| read::element("--elements", e));
        o.elements = elements.collect::<Result<_>>()?;
        let atoms = self.atoms.map(|a| read::atoms("--atoms", &a)).transpose()?;
        o.atoms = atoms.map(|ranges| AtomGroup {
            name: String::new(),
            ranges,
        });
        o.groups = self
            .group
            .iter()
            .map(|g| read::group("--group", g))
            .collect::<Result<_>>()?;
        Ok(())
    }
}

impl Motion {
    fn put(self, o: &mut Options) -> Result<()> {
        o.memory = read::memory("--memory", &self.memory)?;
        o.keep_drift = self.keep_drift;
        let given = self
            .temperature
            .map(|t| read::temperature("--temperature", &t));
        o.temperature = given.transpose()?;
        Ok(())
    }
}

impl Spectrum {
    fn put(self, o: &mut Options) -> Result<()> {
        o.window = read::choice("--window", &self.window, &Window::NAMES)?;
        let width = self
            .resolution
            .map(|w| read::wavenumber("--resolution", &w))
            .transpose()?;
        let lag = self
            .longest_lag
            .map(|t| read::time("--longest-lag", &t))
            .transpose()?;
        o.resolution = width.map(Resolution::Width).or(lag.map(Resolution::Lag));
        o.padding = self.padding as usize;
        o.prominence = read::part("--prominence", self.prominence)?;
        let example = "3000 /cm:4000 /cm";
        let bands = self
            .band
            .iter()
            .map(|b| read::range("--band", b, read::wavenumber, example));
        o.bands = bands.collect::<Result<_>>()?;
        o.highest = self
            .highest
            .map(|w| read::wavenumber("--highest", &w))
            .transpose()?;
        o.constraints = self.constraints;
        Ok(())
    }
}

impl Dipole {
    fn put(self, o: &mut Options) -> Result<()> {
        o.charges = self
            .charges
            .map(|c| read::charges("--charges", &c))
            .transpose()?;
        o.correction = read::choice("--correction", &self.correction, &QuantumCorrection::NAMES)?;
        Ok(())
    }
}

impl Histogram {
    fn put(self, o: &mut Options) -> Result<()> {
        o.reach = self
            .reach
            .map(|r| read::length("--reach", &r))
            .transpose()?;
        self.bins.put(o)
    }
}

impl Bins {
    fn put(self, o: &mut Options) -> Result<()> {
        o.bins = self.bins.map(|b| b as usize);
        Ok(())
    }
}

impl Beads {
    fn put(self, o: &mut Options) -> Result<()> {
        o.beads = self.beads;
        Ok(())
    }
}

impl Bonded {
    fn put(self, o: &mut Options) -> Result<()> {
        o.bond_scale = read::scale("--bond-scale", self.bond_scale)?;
        Ok(())
    }
}

impl Cutoff {
    fn put(self, o: &mut Options) -> Result<()> {
        for text in &self.cutoff {
            match read::cutoff("--cutoff", text)? {
                (Some(pair), distance) => o.pair_cutoffs.push((pair, distance)),
                (None, distance) => o.cutoff = Some(distance),
            }
        }
        Ok(())
    }
}

impl Lags {
    fn put(self, o: &mut Options) -> Result<()> {
        o.lag = self.lag.map(|t| read::time("--lag", &t)).transpose()?;
        let fit = self
            .fit
            .map(|f| read::range("--fit", &f, read::moment, "2 ps:10 ps"));
        o.fit = fit.transpose()?;
        let viscosity = self.viscosity.map(|v| read::viscosity("--viscosity", &v));
        o.viscosity = viscosity.transpose()?;
        Ok(())
    }
}
