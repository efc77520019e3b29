//! Chemical elements, isotopes and their masses.
//!
//! Standard atomic weights are the conventional values of the IUPAC commission (2021); radioactive elements carry the
//! mass number of the longest-lived isotope. Isotope masses are those of the AME2020 evaluation.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A chemical element, 1 (H) to 118 (Og).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Element(u8);

/// An element together with the mass (amu) its atoms have: an isotope, or the natural mixture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Species {
    /// The chemical element; all that a potential sees.
    pub element: Element,
    /// Mass in amu.
    pub mass: f64,
}

impl Element {
    /// The element with an atomic number from 1 to 118.
    pub fn from_number(z: u8) -> Option<Element> {
        (1..=118).contains(&z).then_some(Element(z))
    }

    /// The element of a chemical symbol in its usual spelling.
    pub fn from_symbol(symbol: &str) -> Option<Element> {
        let i = ELEMENTS.iter().position(|e| e.0 == symbol)?;
        Some(Element(i as u8 + 1))
    }

    /// Atomic number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Chemical symbol.
    pub fn symbol(self) -> &'static str {
        ELEMENTS[usize::from(self.0) - 1].0
    }

    /// Standard atomic weight (amu).
    pub fn mass(self) -> f64 {
        ELEMENTS[usize::from(self.0) - 1].1
    }

    /// Covalent radius (Å); that of curium for heavier elements. Cordero et al., Dalton Trans. 2832 (2008).
    pub fn covalent_radius(self) -> f64 {
        f64::from(RADII[usize::from(self.0 - 1).min(RADII.len() - 1)]) * 0.01
    }
}

impl Species {
    /// The natural mixture of an element.
    pub fn natural(element: Element) -> Species {
        Species {
            element,
            mass: element.mass(),
        }
    }

    /// The species of a name: a symbol (`Si`), `D`, `T`, or an isotope such as `13C`.
    pub fn from_name(name: &str) -> Option<Species> {
        if let Some(&(_, z, mass)) = ISOTOPES.iter().find(|i| i.0 == name) {
            return Some(Species {
                element: Element(z),
                mass,
            });
        }
        Element::from_symbol(name).map(Species::natural)
    }

    /// The name that [`Species::from_name`] reads back: the isotope's if the mass is one, else the symbol.
    pub fn name(self) -> &'static str {
        ISOTOPES
            .iter()
            .find(|i| i.1 == self.element.0 && (i.2 - self.mass).abs() < 1e-6)
            .map_or(self.element.symbol(), |i| i.0)
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl TryFrom<u8> for Element {
    type Error = String;
    fn try_from(z: u8) -> Result<Element, String> {
        Element::from_number(z).ok_or_else(|| format!("{z} is not the atomic number of an element"))
    }
}

impl From<Element> for u8 {
    fn from(e: Element) -> u8 {
        e.0
    }
}

/// Isotopes that can be named: name, atomic number, mass (amu).
const ISOTOPES: &[(&str, u8, f64)] = &[
    ("D", 1, 2.014_101_777_8),
    ("T", 1, 3.016_049_281_3),
    ("1H", 1, 1.007_825_031_9),
    ("2H", 1, 2.014_101_777_8),
    ("3H", 1, 3.016_049_281_3),
    ("3He", 2, 3.016_029_321_97),
    ("4He", 2, 4.002_603_254_13),
    ("6Li", 3, 6.015_122_887_4),
    ("7Li", 3, 7.016_003_434),
    ("10B", 5, 10.012_936_862),
    ("11B", 5, 11.009_305_167),
    ("12C", 6, 12.0),
    ("13C", 6, 13.003_354_835_3),
    ("14C", 6, 14.003_241_989),
    ("14N", 7, 14.003_074_004_3),
    ("15N", 7, 15.000_108_898_3),
    ("16O", 8, 15.994_914_619_3),
    ("17O", 8, 16.999_131_756_0),
    ("18O", 8, 17.999_159_612_1),
    ("28Si", 14, 27.976_926_534),
    ("29Si", 14, 28.976_494_664),
    ("30Si", 14, 29.973_770_137),
    ("32S", 16, 31.972_071_173_5),
    ("33S", 16, 32.971_458_909_7),
    ("34S", 16, 33.967_867_011),
    ("35Cl", 17, 34.968_852_69),
    ("37Cl", 17, 36.965_902_57),
    ("36Ar", 18, 35.967_545_11),
    ("40Ar", 18, 39.962_383_122),
];

/// Covalent radii (pm) of the elements 1 to 96.
const RADII: [u16; 96] = [
    31, 28, 128, 96, 84, 76, 71, 66, 57, 58, 166, 141, 121, 111, 107, 105, 102, 106, 203, 176, 170,
    160, 153, 139, 139, 132, 126, 124, 132, 122, 122, 120, 119, 120, 120, 116, 220, 195, 190, 175,
    164, 154, 147, 146, 142, 139, 145, 144, 142, 139, 139, 138, 139, 140, 244, 215, 207, 204, 203,
    201, 199, 198, 198, 196, 194, 192, 192, 189, 190, 187, 187, 175, 170, 162, 151, 144, 141, 136,
    136, 132, 145, 146, 148, 140, 150, 150, 260, 221, 215, 206, 200, 196, 190, 187, 180, 169,
];

/// Symbol and standard atomic weight, in order of atomic number.
const ELEMENTS: [(&str, f64); 118] = [
    ("H", 1.008),
    ("He", 4.002602),
    ("Li", 6.94),
    ("Be", 9.0121831),
    ("B", 10.81),
    ("C", 12.011),
    ("N", 14.007),
    ("O", 15.999),
    ("F", 18.998403162),
    ("Ne", 20.1797),
    ("Na", 22.98976928),
    ("Mg", 24.305),
    ("Al", 26.9815384),
    ("Si", 28.085),
    ("P", 30.973761998),
    ("S", 32.06),
    ("Cl", 35.45),
    ("Ar", 39.948),
    ("K", 39.0983),
    ("Ca", 40.078),
    ("Sc", 44.955907),
    ("Ti", 47.867),
    ("V", 50.9415),
    ("Cr", 51.9961),
    ("Mn", 54.938043),
    ("Fe", 55.845),
    ("Co", 58.933194),
    ("Ni", 58.6934),
    ("Cu", 63.546),
    ("Zn", 65.38),
    ("Ga", 69.723),
    ("Ge", 72.63),
    ("As", 74.921595),
    ("Se", 78.971),
    ("Br", 79.904),
    ("Kr", 83.798),
    ("Rb", 85.4678),
    ("Sr", 87.62),
    ("Y", 88.905838),
    ("Zr", 91.224),
    ("Nb", 92.90637),
    ("Mo", 95.95),
    ("Tc", 97.0),
    ("Ru", 101.07),
    ("Rh", 102.90549),
    ("Pd", 106.42),
    ("Ag", 107.8682),
    ("Cd", 112.414),
    ("In", 114.818),
    ("Sn", 118.71),
    ("Sb", 121.76),
    ("Te", 127.6),
    ("I", 126.90447),
    ("Xe", 131.293),
    ("Cs", 132.90545196),
    ("Ba", 137.327),
    ("La", 138.90547),
    ("Ce", 140.116),
    ("Pr", 140.90766),
    ("Nd", 144.242),
    ("Pm", 145.0),
    ("Sm", 150.36),
    ("Eu", 151.964),
    ("Gd", 157.25),
    ("Tb", 158.925354),
    ("Dy", 162.5),
    ("Ho", 164.930329),
    ("Er", 167.259),
    ("Tm", 168.934219),
    ("Yb", 173.045),
    ("Lu", 174.9668),
    ("Hf", 178.486),
    ("Ta", 180.94788),
    ("W", 183.84),
    ("Re", 186.207),
    ("Os", 190.23),
    ("Ir", 192.217),
    ("Pt", 195.084),
    ("Au", 196.96657),
    ("Hg", 200.592),
    ("Tl", 204.38),
    ("Pb", 207.2),
    ("Bi", 208.9804),
    ("Po", 209.0),
    ("At", 210.0),
    ("Rn", 222.0),
    ("Fr", 223.0),
    ("Ra", 226.0),
    ("Ac", 227.0),
    ("Th", 232.0377),
    ("Pa", 231.03588),
    ("U", 238.02891),
    ("Np", 237.0),
    ("Pu", 244.0),
    ("Am", 243.0),
    ("Cm", 247.0),
    ("Bk", 247.0),
    ("Cf", 251.0),
    ("Es", 252.0),
    ("Fm", 257.0),
    ("Md", 258.0),
    ("No", 259.0),
    ("Lr", 262.0),
    ("Rf", 267.0),
    ("Db", 268.0),
    ("Sg", 269.0),
    ("Bh", 270.0),
    ("Hs", 277.0),
    ("Mt", 278.0),
    ("Ds", 281.0),
    ("Rg", 282.0),
    ("Cn", 285.0),
    ("Nh", 286.0),
    ("Fl", 289.0),
    ("Mc", 290.0),
    ("Lv", 293.0),
    ("Ts", 294.0),
    ("Og", 294.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for z in 1..=118 {
            let e = Element::from_number(z).unwrap();
            assert_eq!(Element::from_symbol(e.symbol()), Some(e));
            assert_eq!(Species::from_name(e.symbol()).unwrap().name(), e.symbol());
        }
        for i in ISOTOPES {
            let s = Species::from_name(i.0).unwrap();
            assert_eq!(Species::from_name(s.name()).unwrap(), s);
            assert_eq!(s.element.number(), i.1);
        }
        assert_eq!(Species::from_name("D").unwrap().name(), "D");
        assert!(Species::from_name("Xx").is_none());
        assert!(Element::from_number(0).is_none() && Element::from_number(119).is_none());
    }
}
