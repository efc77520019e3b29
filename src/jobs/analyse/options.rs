//! What is to be analysed and how: the words of the command line as numbers.

use crate::analysis::{QuantumCorrection, WAVENUMBER_IN_PER_FS, Window};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::units::{self, Dimension, FS};
use std::path::PathBuf;

/// What can be made of a trajectory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Vibrational density of states.
    Vdos,
    /// Infrared spectrum.
    Ir,
    /// Radial distribution functions.
    Rdf,
    /// Mean square displacement and diffusion.
    Msd,
    /// Lengths of bonds.
    Bonds,
    /// Angles between bonds.
    Angles,
    /// Dihedral angles.
    Dihedrals,
    /// Coordination numbers.
    Coordination,
    /// Bond-orientational order.
    Steinhardt,
    /// Density over time.
    Density,
}

impl Kind {
    /// All kinds by the names that users write, in the order of a report.
    pub const NAMES: [(&'static str, Kind); 10] = [
        ("vdos", Kind::Vdos),
        ("ir", Kind::Ir),
        ("rdf", Kind::Rdf),
        ("msd", Kind::Msd),
        ("bonds", Kind::Bonds),
        ("angles", Kind::Angles),
        ("dihedrals", Kind::Dihedrals),
        ("coordination", Kind::Coordination),
        ("steinhardt", Kind::Steinhardt),
        ("density", Kind::Density),
    ];

    /// The name that users write.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|n| n.1 == self).map_or("", |n| n.0)
    }

    /// Whether it is made from how things change, so that it matters which dynamics they follow.
    pub fn is_dynamical(self) -> bool {
        matches!(self, Kind::Vdos | Kind::Ir | Kind::Msd)
    }
}

/// Where charges come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Charges {
    /// One for each element (e).
    Elements(Vec<(Element, f64)>),
    /// A column of a structure file.
    File(PathBuf),
}

/// How the longest lag of a spectrum is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolution {
    /// The width (cm⁻¹) that a sharp line gets.
    Width(f64),
    /// The lag itself (fs).
    Lag(f64),
}

/// Atoms under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct AtomGroup {
    /// The name.
    pub name: String,
    /// Ranges of atoms, both ends included, counted from 0.
    pub ranges: Vec<(usize, usize)>,
}

/// Everything that can be said about an analysis. What is not said is chosen, and the choice is printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The trajectories: pieces or copies of one system.
    pub trajectories: Vec<PathBuf>,
    /// Where results go; beside the first trajectory when not given.
    pub folder: Option<PathBuf>,
    /// Replace results that are there.
    pub overwrite: bool,
    /// Time between frames (fs) of files that do not say it.
    pub timestep: Option<f64>,
    /// First time (fs).
    pub from: Option<f64>,
    /// Last time (fs).
    pub to: Option<f64>,
    /// Every so many frames.
    pub stride: usize,
    /// Only these elements.
    pub elements: Vec<Element>,
    /// Only these atoms.
    pub atoms: Option<AtomGroup>,
    /// Groups to be shown beside the elements.
    pub groups: Vec<AtomGroup>,
    /// Memory for the rows of correlations (bytes).
    pub memory: usize,
    /// Beads instead of centroids.
    pub beads: bool,
    /// Temperature (K), where the file does not say it.
    pub temperature: Option<f64>,
    /// Window on the axis of lags.
    pub window: Window,
    /// Longest lag.
    pub resolution: Option<Resolution>,
    /// Factor of padding with zeros.
    pub padding: usize,
    /// What a peak must stand out, as a part of the highest.
    pub prominence: f64,
    /// Bands to be measured (cm⁻¹).
    pub bands: Vec<[f64; 2]>,
    /// Highest wavenumber of pictures (cm⁻¹).
    pub highest: Option<f64>,
    /// Degrees of freedom that constraints take away.
    pub constraints: Option<usize>,
    /// Leave the motion of the centre of mass in.
    pub keep_drift: bool,
    /// Point charges.
    pub charges: Option<Charges>,
    /// Quantum correction of classical line shapes.
    pub correction: QuantumCorrection,
    /// Longest distance (Å).
    pub reach: Option<f64>,
    /// Number of bins.
    pub bins: Option<usize>,
    /// Distance (Å) within which atoms are neighbours.
    pub cutoff: Option<f64>,
    /// The same for pairs of elements.
    pub pair_cutoffs: Vec<([Element; 2], f64)>,
    /// Bonds are shorter than this times the sum of the covalent radii.
    pub bond_scale: f64,
    /// Longest lag of mean square displacements (fs).
    pub lag: Option<f64>,
    /// Lags (fs) of the line that gives the diffusion coefficient.
    pub fit: Option<[f64; 2]>,
    /// Viscosity (Pa s) for the correction of finite size.
    pub viscosity: Option<f64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            trajectories: Vec::new(),
            folder: None,
            overwrite: false,
            timestep: None,
            from: None,
            to: None,
            stride: 1,
            elements: Vec::new(),
            atoms: None,
            groups: Vec::new(),
            memory: 1 << 30,
            beads: false,
            temperature: None,
            window: Window::default(),
            resolution: None,
            padding: 4,
            prominence: 0.02,
            bands: Vec::new(),
            highest: None,
            constraints: None,
            keep_drift: false,
            charges: None,
            correction: QuantumCorrection::default(),
            reach: None,
            bins: None,
            cutoff: None,
            pair_cutoffs: Vec::new(),
            bond_scale: 1.2,
            lag: None,
            fit: None,
            viscosity: None,
        }
    }
}

fn quantity(option: &str, text: &str, dimension: Dimension) -> Result<f64> {
    units::parse(text, dimension).map_err(|e| Error::input(option, e.reason).advise(e.advice))
}

fn positive(option: &str, text: &str, value: f64) -> Result<f64> {
    match value > 0.0 {
        true => Ok(value),
        false => Err(Error::input(
            option,
            format!("`{text}` must be more than zero"),
        )),
    }
}

/// A time (fs) that is more than zero.
pub fn time(option: &str, text: &str) -> Result<f64> {
    positive(option, text, quantity(option, text, Dimension::TIME)? / FS)
}

/// A time (fs) that may be zero.
pub fn moment(option: &str, text: &str) -> Result<f64> {
    Ok(quantity(option, text, Dimension::TIME)? / FS)
}

/// A length (Å) that is more than zero.
pub fn length(option: &str, text: &str) -> Result<f64> {
    positive(option, text, quantity(option, text, Dimension::LENGTH)?)
}

/// A temperature (K).
pub fn temperature(option: &str, text: &str) -> Result<f64> {
    positive(
        option,
        text,
        quantity(option, text, Dimension::TEMPERATURE)?,
    )
}

/// A wavenumber (cm⁻¹), also written as a frequency.
pub fn wavenumber(option: &str, text: &str) -> Result<f64> {
    let text = text.trim();
    if let Ok(rate) = units::parse(text, Dimension::RATE) {
        return positive(option, text, rate * FS / WAVENUMBER_IN_PER_FS);
    }
    match units::parse(text, Dimension::INVERSE_LENGTH) {
        Ok(k) => positive(option, text, k * 1e8),
        Err(e) if text.parse::<f64>().is_ok() => Err(Error::input(option, e.reason).advise(
            format!("write \"{text} /cm\", or a frequency such as \"3 THz\""),
        )),
        Err(e) => {
            Err(Error::input(option, e.reason).advise("write for example \"10 /cm\" or \"3 THz\""))
        }
    }
}

/// Two quantities with a colon between them, the first below the second.
pub fn range(
    option: &str,
    text: &str,
    one: impl Fn(&str, &str) -> Result<f64>,
    example: &str,
) -> Result<[f64; 2]> {
    let advice = format!("write for example {option} \"{example}\"");
    let Some((a, b)) = text.split_once(':') else {
        return Err(Error::input(option, format!("`{text}` is not a range")).advise(advice));
    };
    let (a, b) = (one(option, a)?, one(option, b)?);
    match a < b {
        true => Ok([a, b]),
        false => {
            Err(Error::input(option, format!("`{text}` ends before it begins")).advise(advice))
        }
    }
}

/// A part of something, between 0 and 1.
pub fn part(option: &str, value: f64) -> Result<f64> {
    match value > 0.0 && value <= 1.0 {
        true => Ok(value),
        false => Err(Error::input(
            option,
            format!("{value} is not between 0 and 1"),
        )),
    }
}

/// A factor of lengths of bonds.
pub fn scale(option: &str, value: f64) -> Result<f64> {
    match (0.5..=3.0).contains(&value) {
        true => Ok(value),
        false => Err(Error::input(
            option,
            format!("{value} is not between 0.5 and 3"),
        )),
    }
}

/// A viscosity (Pa s).
pub fn viscosity(option: &str, text: &str) -> Result<f64> {
    let wrong = || {
        Error::input(option, format!("`{text}` is not a viscosity"))
            .advise("write for example \"0.89 mPa s\" or \"0.00089 Pa s\"")
    };
    let text = text.trim();
    let split = text
        .find(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'E')
        .ok_or_else(wrong)?;
    let value: f64 = text[..split].trim().parse().map_err(|_| wrong())?;
    let unit: String = text[split..]
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '*' && *c != '·')
        .collect();
    let factor = match unit.as_str() {
        "Pas" => 1.0,
        "mPas" | "cP" => 1e-3,
        "uPas" | "µPas" => 1e-6,
        _ => return Err(wrong()),
    };
    positive(option, text, value * factor)
}

/// A size of memory: `4 GB`, `500 MB`.
pub fn memory(option: &str, text: &str) -> Result<usize> {
    units::parse_memory(text).map_err(|e| Error::input(option, e.reason).advise(e.advice))
}

/// Atoms as `0-31,40`.
pub fn atoms(option: &str, text: &str) -> Result<Vec<(usize, usize)>> {
    let one = |word: &str| {
        let wrong = || {
            Error::input(option, format!("`{word}` is no atom or range of atoms"))
                .advise("write for example \"0-31,40\"; atoms are counted from 0")
        };
        let word = word.trim();
        let (a, b) = word.split_once('-').unwrap_or((word, word));
        let (a, b): (usize, usize) = (
            a.trim().parse().map_err(|_| wrong())?,
            b.trim().parse().map_err(|_| wrong())?,
        );
        if a <= b { Ok((a, b)) } else { Err(wrong()) }
    };
    text.split(',').map(one).collect()
}

/// A group as `name=0-31,40`.
pub fn group(option: &str, text: &str) -> Result<AtomGroup> {
    let Some((name, list)) = text.split_once('=').filter(|(n, _)| !n.trim().is_empty()) else {
        return Err(Error::input(option, format!("`{text}` has no name"))
            .advise("write for example --group \"methyl=0-3\""));
    };
    Ok(AtomGroup {
        name: name.trim().to_owned(),
        ranges: atoms(option, list)?,
    })
}

/// An element by its symbol.
pub fn element(option: &str, name: &str) -> Result<Element> {
    Element::from_symbol(name.trim())
        .ok_or_else(|| Error::input(option, format!("`{name}` is not a chemical element")))
}

/// Charges as `O=-0.8,H=0.4`, or the name of a structure file.
pub fn charges(option: &str, text: &str) -> Result<Charges> {
    if !text.contains('=') {
        return Ok(Charges::File(PathBuf::from(text)));
    }
    let one = |word: &str| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let value: f64 = value.trim().parse().map_err(|_| {
            Error::input(option, format!("`{word}` is no element with its charge")).advise("write for example --charges \"O=-0.8,H=0.4\", or the name of a structure file with a column `charges`")
        })?;
        if !value.is_finite() {
            return Err(Error::input(
                option,
                format!("the charge in `{word}` is not finite"),
            ));
        }
        Ok((element(option, name)?, value))
    };
    let list: Vec<(Element, f64)> = text.split(',').map(one).collect::<Result<_>>()?;
    for (k, (e, _)) in list.iter().enumerate() {
        if list[..k].iter().any(|o| o.0 == *e) {
            return Err(Error::input(
                option,
                format!("{} is there twice", e.symbol()),
            ));
        }
    }
    Ok(Charges::Elements(list))
}

/// A distance for all pairs (`3 Å`) or for one (`Si-O=2.2 Å`).
pub fn cutoff(option: &str, text: &str) -> Result<(Option<[Element; 2]>, f64)> {
    let Some((pair, distance)) = text.split_once('=') else {
        return Ok((None, length(option, text)?));
    };
    let Some((a, b)) = pair.split_once('-') else {
        return Err(
            Error::input(option, format!("`{pair}` is no pair of elements"))
                .advise("write for example --cutoff \"Si-O=2.2 Å\""),
        );
    };
    Ok((
        Some([element(option, a)?, element(option, b)?]),
        length(option, distance)?,
    ))
}

/// One of several names.
pub fn choice<T: Copy>(option: &str, text: &str, names: &[(&str, T)]) -> Result<T> {
    let found = names.iter().find(|n| n.0 == text).map(|n| n.1);
    found.ok_or_else(|| {
        let all: Vec<&str> = names.iter().map(|n| n.0).collect();
        Error::input(option, format!("`{text}` is not known"))
            .advise(format!("choose one of {}", all.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_command_line() {
        assert!((time("--lag", "2 ps").unwrap() - 2000.0).abs() < 1e-9);
        assert!((wavenumber("--resolution", "10 /cm").unwrap() - 10.0).abs() < 1e-9);
        assert!((wavenumber("--resolution", "3 THz").unwrap() - 100.069).abs() < 1e-3);
        assert_eq!(atoms("--atoms", "0-3, 7").unwrap(), [(0, 3), (7, 7)]);
        assert_eq!(group("--group", "a=1").unwrap().name, "a");
        assert_eq!(memory("--memory", "4 GB").unwrap(), 4_000_000_000);
        assert!((viscosity("--viscosity", "0.89 mPa s").unwrap() - 8.9e-4).abs() < 1e-12);
        assert!((viscosity("--viscosity", "1e-3 Pa*s").unwrap() - 1e-3).abs() < 1e-12);
        let h = Element::from_symbol("H").unwrap();
        assert_eq!(
            charges("--charges", "H=0.4").unwrap(),
            Charges::Elements(vec![(h, 0.4)])
        );
        assert_eq!(
            charges("--charges", "x.xyz").unwrap(),
            Charges::File("x.xyz".into())
        );
        assert_eq!(cutoff("--cutoff", "H-H=1 Å").unwrap(), (Some([h, h]), 1.0));
        let fit = range("--fit", "1 ps:5 ps", time, "1 ps:5 ps").unwrap();
        assert!((fit[1] - 5000.0).abs() < 1e-9);
    }

    #[test]
    fn wrong_words_are_answered() {
        let words = |r: Result<f64>| r.unwrap_err().to_string();
        assert!(words(wavenumber("--resolution", "10")).contains("10 /cm"));
        assert!(words(time("--lag", "5")).contains("5 fs"));
        assert!(words(time("--lag", "-5 fs")).contains("more than zero"));
        assert!(words(viscosity("--viscosity", "3")).contains("mPa s"));
        for bad in ["", "5-2", "a", "1,,2", "-3"] {
            assert!(atoms("--atoms", bad).is_err(), "{bad}");
        }
        for bad in ["O", "O=", "O=x", "Qq=1", "H=1,H=2", "H=inf"] {
            assert!(
                !matches!(charges("--charges", bad), Ok(Charges::Elements(_))),
                "{bad}"
            );
        }
        assert!(memory("--memory", "4").is_err() && memory("--memory", "1 kB").is_err());
        assert!(range("--fit", "5 ps:1 ps", time, "").is_err());
        assert!(group("--group", "=3").is_err() && cutoff("--cutoff", "SiO=2 Å").is_err());
        assert!(
            choice("--window", "hamming", &Window::NAMES)
                .unwrap_err()
                .to_string()
                .contains("blackman-harris")
        );
    }
}
