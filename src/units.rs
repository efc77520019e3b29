//! Units and constants, all in this one place.
//!
//! Inside the program energies are in eV, lengths in Å, masses in amu and temperatures in K. The unit of time follows:
//! Å·sqrt(amu/eV) = 10.1805 fs; velocities are in sqrt(eV/amu), pressures in eV/Å^3. Constants are CODATA 2022
//! (Mohr, Newell, Taylor, Tiesinga, 2024); those that the SI fixes are exact.
//!
//! People write quantities with units, as in `"0.5 fs"` or `"10 kJ/mol/Å^2"`: [`parse`] reads them and checks the
//! [`Dimension`].

use std::fmt;

/// Elementary charge (C), exact.
pub const ELEMENTARY_CHARGE_C: f64 = 1.602_176_634e-19;
/// Boltzmann constant (J/K), exact.
pub const BOLTZMANN_J: f64 = 1.380_649e-23;
/// Planck constant (J s), exact.
pub const PLANCK_J_S: f64 = 6.626_070_15e-34;
/// Avogadro constant (1/mol), exact.
pub const AVOGADRO: f64 = 6.022_140_76e23;
/// Speed of light (m/s), exact.
pub const LIGHT_M_S: f64 = 299_792_458.0;
/// Atomic mass constant (kg).
pub const AMU_KG: f64 = 1.660_539_068_92e-27;
/// Electron mass (kg).
pub const ELECTRON_MASS_KG: f64 = 9.109_383_713_9e-31;
/// Bohr radius (m).
pub const BOHR_M: f64 = 5.291_772_105_44e-11;
/// Hartree energy (J).
pub const HARTREE_J: f64 = 4.359_744_722_206_0e-18;

/// Boltzmann constant (eV/K).
pub const BOLTZMANN: f64 = BOLTZMANN_J / ELEMENTARY_CHARGE_C;
/// The internal unit of time in femtoseconds: Å·sqrt(amu/eV).
pub const TIME_FS: f64 = 10.180505717871193;
/// One femtosecond in internal time units.
pub const FS: f64 = 1.0 / TIME_FS;
/// Reduced Planck constant in eV · internal time.
pub const HBAR: f64 = PLANCK_J_S / (2.0 * std::f64::consts::PI) / ELEMENTARY_CHARGE_C * 1e15 * FS;
/// One eV/Å^3 in GPa.
pub const EV_PER_A3_IN_GPA: f64 = ELEMENTARY_CHARGE_C * 1e21;
/// One amu/Å^3 in g/cm^3.
pub const AMU_PER_A3_IN_G_PER_CM3: f64 = AMU_KG * 1e27;
/// One eV/Å^3 in bar.
pub const EV_PER_A3_IN_BAR: f64 = EV_PER_A3_IN_GPA * 1e4;
/// One eV in kJ/mol.
pub const EV_IN_KJ_MOL: f64 = ELEMENTARY_CHARGE_C * AVOGADRO * 1e-3;
/// One Hartree in eV.
pub const HARTREE: f64 = HARTREE_J / ELEMENTARY_CHARGE_C;
/// One Bohr in Å.
pub const BOHR: f64 = BOHR_M * 1e10;

/// Powers of length, mass, time, temperature, charge and angle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dimension(pub [i8; 6]);

impl Dimension {
    /// A pure number.
    pub const NONE: Dimension = Dimension([0, 0, 0, 0, 0, 0]);
    /// Å inside.
    pub const LENGTH: Dimension = Dimension([1, 0, 0, 0, 0, 0]);
    /// amu inside.
    pub const MASS: Dimension = Dimension([0, 1, 0, 0, 0, 0]);
    /// Å·sqrt(amu/eV) inside.
    pub const TIME: Dimension = Dimension([0, 0, 1, 0, 0, 0]);
    /// K inside.
    pub const TEMPERATURE: Dimension = Dimension([0, 0, 0, 1, 0, 0]);
    /// e inside.
    pub const CHARGE: Dimension = Dimension([0, 0, 0, 0, 1, 0]);
    /// eV inside.
    pub const ENERGY: Dimension = Dimension([2, 1, -2, 0, 0, 0]);
    /// eV/Å inside.
    pub const FORCE: Dimension = Dimension([1, 1, -2, 0, 0, 0]);
    /// eV/Å^3 inside.
    pub const PRESSURE: Dimension = Dimension([-1, 1, -2, 0, 0, 0]);
    /// Inverse internal time inside.
    pub const RATE: Dimension = Dimension([0, 0, -1, 0, 0, 0]);
    /// sqrt(eV/amu) inside.
    pub const VELOCITY: Dimension = Dimension([1, 0, -1, 0, 0, 0]);
    /// amu/Å^3 inside.
    pub const DENSITY: Dimension = Dimension([-3, 1, 0, 0, 0, 0]);
    /// eV Å^6 inside: coefficient of dispersion.
    pub const C6: Dimension = Dimension([8, 1, -2, 0, 0, 0]);
    /// eV Å^8 inside.
    pub const C8: Dimension = Dimension([10, 1, -2, 0, 0, 0]);
    /// eV^2 inside.
    pub const ENERGY_SQUARED: Dimension = Dimension([4, 2, -4, 0, 0, 0]);
    /// eV/Å^2 inside: force constant of a spring.
    pub const STIFFNESS: Dimension = Dimension([0, 1, -2, 0, 0, 0]);
    /// rad inside. Counted as a dimension so that degrees are never taken for radians.
    pub const ANGLE: Dimension = Dimension([0, 0, 0, 0, 0, 1]);
    /// eV/rad^2 inside: force constant of an angle.
    pub const ANGULAR_STIFFNESS: Dimension = Dimension([2, 1, -2, 0, 0, -2]);
    /// 1/Å inside.
    pub const INVERSE_LENGTH: Dimension = Dimension([-1, 0, 0, 0, 0, 0]);

    /// What a person calls it, with an example of how to write it.
    fn name_and_example(self) -> (String, &'static str) {
        let known: [(Dimension, &str, &'static str); 19] = [
            (Dimension::NONE, "a plain number", ""),
            (Dimension::LENGTH, "a length", "Å"),
            (Dimension::MASS, "a mass", "u"),
            (Dimension::TIME, "a time", "fs"),
            (Dimension::TEMPERATURE, "a temperature", "K"),
            (Dimension::CHARGE, "a charge", "e"),
            (Dimension::ENERGY, "an energy", "eV"),
            (Dimension::FORCE, "a force", "eV/Å"),
            (Dimension::PRESSURE, "a pressure", "GPa"),
            (Dimension::RATE, "a rate", "/ps"),
            (Dimension::VELOCITY, "a velocity", "Å/fs"),
            (Dimension::DENSITY, "a density", "g/cm^3"),
            (Dimension::C6, "an energy times length^6", "eV Å^6"),
            (Dimension::C8, "an energy times length^8", "eV Å^8"),
            (Dimension::ENERGY_SQUARED, "a squared energy", "eV^2"),
            (Dimension::INVERSE_LENGTH, "an inverse length", "/Å"),
            (Dimension::STIFFNESS, "a force constant", "eV/Å^2"),
            (Dimension::ANGLE, "an angle", "deg"),
            (
                Dimension::ANGULAR_STIFFNESS,
                "a force constant of an angle",
                "eV/rad^2",
            ),
        ];
        known.into_iter().find(|k| k.0 == self).map_or_else(
            || {
                let names = ["length", "mass", "time", "temperature", "charge", "angle"];
                let text: Vec<String> = names
                    .iter()
                    .zip(self.0)
                    .filter(|(_, p)| *p != 0)
                    .map(|(n, p)| format!("{n}^{p}"))
                    .collect();
                (text.join(" "), "")
            },
            |k| (k.1.to_owned(), k.2),
        )
    }

    /// A unit a person would write for this dimension; empty for pure numbers and unusual ones.
    pub fn usual_unit(self) -> &'static str {
        self.name_and_example().1
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name_and_example().0)
    }
}

const J: f64 = 1.0 / ELEMENTARY_CHARGE_C;

/// Every unit we read: name, dimension, value in internal units.
const UNITS: &[(&str, Dimension, f64)] = &[
    ("Å", Dimension::LENGTH, 1.0),
    ("A", Dimension::LENGTH, 1.0),
    ("Ang", Dimension::LENGTH, 1.0),
    ("ang", Dimension::LENGTH, 1.0),
    ("Angstrom", Dimension::LENGTH, 1.0),
    ("angstrom", Dimension::LENGTH, 1.0),
    ("pm", Dimension::LENGTH, 0.01),
    ("nm", Dimension::LENGTH, 10.0),
    ("um", Dimension::LENGTH, 1e4),
    ("cm", Dimension::LENGTH, 1e8),
    ("m", Dimension::LENGTH, 1e10),
    ("bohr", Dimension::LENGTH, BOHR),
    ("Bohr", Dimension::LENGTH, BOHR),
    ("a0", Dimension::LENGTH, BOHR),
    ("as", Dimension::TIME, 1e-3 * FS),
    ("fs", Dimension::TIME, FS),
    ("ps", Dimension::TIME, 1e3 * FS),
    ("ns", Dimension::TIME, 1e6 * FS),
    ("us", Dimension::TIME, 1e9 * FS),
    ("ms", Dimension::TIME, 1e12 * FS),
    ("s", Dimension::TIME, 1e15 * FS),
    ("K", Dimension::TEMPERATURE, 1.0),
    ("u", Dimension::MASS, 1.0),
    ("amu", Dimension::MASS, 1.0),
    ("Da", Dimension::MASS, 1.0),
    ("me", Dimension::MASS, ELECTRON_MASS_KG / AMU_KG),
    ("g", Dimension::MASS, 1e-3 / AMU_KG),
    ("kg", Dimension::MASS, 1.0 / AMU_KG),
    ("e", Dimension::CHARGE, 1.0),
    ("rad", Dimension::ANGLE, 1.0),
    ("deg", Dimension::ANGLE, std::f64::consts::PI / 180.0),
    ("degree", Dimension::ANGLE, std::f64::consts::PI / 180.0),
    ("degrees", Dimension::ANGLE, std::f64::consts::PI / 180.0),
    ("eV", Dimension::ENERGY, 1.0),
    ("ev", Dimension::ENERGY, 1.0),
    ("meV", Dimension::ENERGY, 1e-3),
    ("keV", Dimension::ENERGY, 1e3),
    ("Ha", Dimension::ENERGY, HARTREE),
    ("Hartree", Dimension::ENERGY, HARTREE),
    ("hartree", Dimension::ENERGY, HARTREE),
    ("Eh", Dimension::ENERGY, HARTREE),
    ("Ry", Dimension::ENERGY, 0.5 * HARTREE),
    ("J", Dimension::ENERGY, J),
    ("kJ", Dimension::ENERGY, 1e3 * J),
    ("cal", Dimension::ENERGY, 4.184 * J),
    ("kcal", Dimension::ENERGY, 4184.0 * J),
    ("N", Dimension::FORCE, J * 1e-10),
    ("nN", Dimension::FORCE, J * 1e-19),
    ("Pa", Dimension::PRESSURE, 1e-9 / EV_PER_A3_IN_GPA),
    ("kPa", Dimension::PRESSURE, 1e-6 / EV_PER_A3_IN_GPA),
    ("MPa", Dimension::PRESSURE, 1e-3 / EV_PER_A3_IN_GPA),
    ("GPa", Dimension::PRESSURE, 1.0 / EV_PER_A3_IN_GPA),
    ("bar", Dimension::PRESSURE, 1.0 / EV_PER_A3_IN_BAR),
    ("kbar", Dimension::PRESSURE, 1e3 / EV_PER_A3_IN_BAR),
    ("Mbar", Dimension::PRESSURE, 1e6 / EV_PER_A3_IN_BAR),
    ("atm", Dimension::PRESSURE, 1.01325 / EV_PER_A3_IN_BAR),
    ("Hz", Dimension::RATE, 1e-15 / FS),
    ("GHz", Dimension::RATE, 1e-6 / FS),
    ("THz", Dimension::RATE, 1e-3 / FS),
    ("mol", Dimension::NONE, AVOGADRO),
];

/// Why a quantity could not be read; complete sentences without a place.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitError {
    /// What is wrong.
    pub reason: String,
    /// What to write instead; may be empty.
    pub advice: String,
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if !self.advice.is_empty() {
            write!(f, " ({})", self.advice)
        } else {
            Ok(())
        }
    }
}

fn fail<T>(reason: String, advice: String) -> Result<T, UnitError> {
    Err(UnitError { reason, advice })
}

/// Reads a quantity such as `"0.5 fs"`, `"1 /ps"` or `"10 kJ/mol/Å^2"` and returns it in internal units.
///
/// The dimension must be `expected`; a missing unit is an error unless a pure number is expected.
pub fn parse(text: &str, expected: Dimension) -> Result<f64, UnitError> {
    let text = text.trim();
    let split = number_length(text);
    let (number, unit) = text.split_at(split);
    let unit = unit.trim();
    let usual = expected.usual_unit();
    let Ok(value) = number.parse::<f64>() else {
        let example = if usual.is_empty() {
            "1.5".to_owned()
        } else {
            format!("1.5 {usual}")
        };
        return fail(
            format!("`{text}` does not begin with a number"),
            format!("write for example \"{example}\""),
        );
    };
    if !value.is_finite() {
        return fail(format!("`{number}` is not a finite number"), String::new());
    }
    if unit.is_empty() {
        if expected == Dimension::NONE {
            return Ok(value);
        }
        return fail(
            format!("`{text}` has no unit; {expected} is needed"),
            format!("write \"{number} {usual}\""),
        );
    }
    let (factor, dimension) = parse_unit(unit)?;
    if dimension != expected {
        return fail(
            format!("`{text}` is {dimension}, {expected} is needed"),
            if usual.is_empty() {
                String::new()
            } else {
                format!("use a unit such as `{usual}`")
            },
        );
    }
    Ok(value * factor)
}

/// Reads a size of memory such as `"4 GB"` or `"500 MB"` (powers of 1000), from 1 MB to 1000 TB, in bytes.
pub fn parse_memory(text: &str) -> Result<usize, UnitError> {
    let text = text.trim();
    let wrong = || UnitError {
        reason: format!("`{text}` is not a size of memory"),
        advice: "write for example \"4 GB\" or \"500 MB\"".to_owned(),
    };
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(wrong)?;
    let value: f64 = text[..split].trim().parse().map_err(|_| wrong())?;
    let factor = match &text[split..] {
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        _ => return Err(wrong()),
    };
    let bytes = value * factor;
    if !(1e6..=1e15).contains(&bytes) {
        return fail(
            format!("`{text}` is not between 1 MB and 1000 TB"),
            String::new(),
        );
    }
    Ok(bytes as usize)
}

/// The factor of a unit expression to internal units, and its dimension.
pub fn parse_unit(text: &str) -> Result<(f64, Dimension), UnitError> {
    let mut factor = 1.0;
    let mut dimension = [0i8; 6];
    let mut rest = text.trim();
    let mut sign: i8 = 1;
    let mut first = true;
    while !rest.is_empty() {
        let before = rest;
        rest = rest.trim_start_matches([' ', '*', '·']);
        if let Some(r) = rest.strip_prefix('/') {
            sign = -1;
            rest = r.trim_start();
        } else if !first {
            sign = 1;
        }
        if first && rest.starts_with("1/") {
            rest = &rest[2..];
            sign = -1;
        }
        first = false;
        let end = rest
            .find(|c: char| !(c.is_alphabetic() || c == '0' && rest.starts_with("a0")))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() {
            return fail(
                format!("cannot read the unit `{text}` at `{}`", before.trim()),
                String::new(),
            );
        }
        rest = &rest[end..];
        let raised = rest.strip_prefix('^').unwrap_or(rest);
        let digits = raised
            .char_indices()
            .find(|&(i, c)| !(c.is_ascii_digit() || i == 0 && (c == '-' || c == '+')))
            .map_or(raised.len(), |(i, _)| i);
        let mut power: i8 = 1;
        if digits > 0 || raised.len() < rest.len() {
            power = match raised[..digits].parse() {
                Ok(p) if (-9..=9).contains(&p) => p,
                _ => {
                    return fail(
                        format!("cannot read the power in the unit `{text}`"),
                        "write for example Å^3".into(),
                    );
                }
            };
            rest = &raised[digits..];
        }
        let Some(unit) = UNITS.iter().find(|u| u.0 == name) else {
            return fail(format!("unknown unit `{name}`"), suggest(name));
        };
        let power = power * sign;
        factor *= unit.2.powi(i32::from(power));
        for (d, u) in dimension.iter_mut().zip(unit.1.0) {
            *d = d.saturating_add(u.saturating_mul(power));
        }
    }
    Ok((factor, Dimension(dimension)))
}

/// Length of the leading number of `text` in bytes.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut i = 0;
    let digits = |mut i: usize| {
        while i < bytes.len() && (bytes[i].is_ascii_digit() || bytes[i] == b'_') {
            i += 1;
        }
        i
    };
    if i < bytes.len() && (bytes[i] == b'+' || bytes[i] == b'-') {
        i += 1;
    }
    i = digits(i);
    if i < bytes.len() && bytes[i] == b'.' {
        i = digits(i + 1);
    }
    if i > 0 && i < bytes.len() && (bytes[i] == b'e' || bytes[i] == b'E') {
        let mut k = i + 1;
        if k < bytes.len() && (bytes[k] == b'+' || bytes[k] == b'-') {
            k += 1;
        }
        if digits(k) > k {
            i = digits(k);
        }
    }
    i
}

fn suggest(name: &str) -> String {
    let near = UNITS
        .iter()
        .map(|u| {
            let distance = strsim::damerau_levenshtein(&u.0.to_lowercase(), &name.to_lowercase());
            (distance, strsim::damerau_levenshtein(u.0, name), u.0)
        })
        .min();
    match near {
        Some((distance, _, unit)) if distance <= 1 + name.len() / 4 => {
            format!("did you mean `{unit}`?")
        }
        _ => "known are for example Å, nm, fs, ps, K, eV, kJ/mol, kcal/mol, Ha, GPa, bar, u"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} {b}");
    }

    #[test]
    fn constants_are_consistent() {
        close(
            TIME_FS,
            (AMU_KG * 1e-20 / ELEMENTARY_CHARGE_C).sqrt() * 1e15,
        );
        close(BOLTZMANN, 8.617_333_262_145_179e-5);
        close(EV_IN_KJ_MOL, 96.485_332_123_310_01);
        close(HARTREE, 27.211_386_245_981);
        // hbar of a harmonic wave number: 1000 /cm is 123.984198 meV.
        let omega = 2.0 * std::f64::consts::PI * LIGHT_M_S * 1e5 * 1e-15 * TIME_FS;
        assert!((HBAR * omega - 0.123_984_198).abs() < 1e-9);
    }

    #[test]
    fn quantities_are_read() {
        close(parse("0.5 fs", Dimension::TIME).unwrap(), 0.5 * FS);
        close(parse("1 /ps", Dimension::RATE).unwrap(), 1e-3 / FS);
        close(parse("1/ps", Dimension::RATE).unwrap(), 1e-3 / FS);
        close(parse("2 ps^-1", Dimension::RATE).unwrap(), 2e-3 / FS);
        close(
            parse("1 kbar", Dimension::PRESSURE).unwrap(),
            1e3 / 1_602_176.634,
        );
        close(
            parse("1e3bar", Dimension::PRESSURE).unwrap(),
            1e3 / 1_602_176.634,
        );
        close(
            parse("96.48533212331001 kJ/mol", Dimension::ENERGY).unwrap(),
            1.0,
        );
        close(
            parse("1 kcal/mol/Å", Dimension::FORCE).unwrap(),
            4.184 / EV_IN_KJ_MOL,
        );
        close(parse("1 eV/A^3", Dimension::PRESSURE).unwrap(), 1.0);
        close(parse("1 a0", Dimension::LENGTH).unwrap(), BOHR);
        close(
            parse("1.0 g/cm^3", Dimension::DENSITY).unwrap(),
            1e-27 / AMU_KG,
        );
        close(
            parse("2 Ha bohr^6", Dimension::C6).unwrap(),
            2.0 * HARTREE * BOHR.powi(6),
        );
        close(
            parse("1 kJ/mol nm^6", Dimension::C6).unwrap(),
            1e6 / EV_IN_KJ_MOL,
        );
        close(parse("3 eV*Å^8", Dimension::C8).unwrap(), 3.0);
        close(
            parse("1 kJ/mol/rad^2", Dimension::ANGULAR_STIFFNESS).unwrap(),
            1.0 / EV_IN_KJ_MOL,
        );
        close(
            parse("180 deg", Dimension::ANGLE).unwrap(),
            std::f64::consts::PI,
        );
        assert!(parse("1 eV", Dimension::ANGULAR_STIFFNESS).is_err());
        close(parse("-3", Dimension::NONE).unwrap(), -3.0);
    }

    #[test]
    fn refusals_say_what_to_write() {
        let e = parse("300", Dimension::TEMPERATURE).unwrap_err();
        assert_eq!(e.advice, "write \"300 K\"");
        let e = parse("1 Fs", Dimension::TIME).unwrap_err();
        assert_eq!(e.advice, "did you mean `fs`?");
        let e = parse("1 fs", Dimension::TEMPERATURE).unwrap_err();
        assert_eq!(e.reason, "`1 fs` is a time, a temperature is needed");
        for bad in [
            "", "fs", "1 fs^", "1 fs^x", "nan K", "inf K", "1 eV//Å", "1 ^2", "1 /", "1 Å^99",
        ] {
            assert!(parse(bad, Dimension::TEMPERATURE).is_err(), "{bad}");
        }
    }
}
