//! The parameters of `angle_3b` and `distance_Nb`, and which atoms they take.

use super::super::arguments::{Arguments, shorten};
use super::super::descriptor::{self, Descriptor, Distance2b};
use crate::error::{Error, Result};

/// The parameters of an `angle_3b` descriptor: a centre i and two neighbours j, k, described by r_ij + r_ik,
/// (r_ij - r_ik)² and r_jk.
#[derive(Clone, Debug, PartialEq)]
pub struct Angle3b {
    /// Range (Å) of r_ij and r_ik.
    pub cutoff: f64,
    /// Width of the cosine switch below the cutoff (Å).
    pub transition_width: f64,
    /// Atomic number of the centre, 0 for any.
    pub centre: u8,
    /// Atomic number of one neighbour, 0 for any.
    pub z1: u8,
    /// Atomic number of the other neighbour, 0 for any.
    pub z2: u8,
}

/// The parameters of a `distance_Nb` descriptor: two or three atoms, described by their distances.
#[derive(Clone, Debug, PartialEq)]
pub struct DistanceNb {
    /// Range (Å).
    pub cutoff: f64,
    /// Width of the cosine switch below the cutoff (Å).
    pub transition_width: f64,
    /// Atomic numbers of the atoms, sorted; all of them 0 for any elements.
    pub z: Vec<u8>,
    /// Whether a cluster is a centre with neighbours that all lie within the cutoff (each such cluster counts once for
    /// each centre), or any atoms that a chain of distances within the cutoff connects (each counts once).
    pub compact: bool,
}

/// `compact_clusters` is true by default in files from this stamp on.
const COMPACT_SINCE: u64 = 1_596_837_814;

/// Reads an `angle_3b` descriptor. Errors carry no place.
pub(in super::super) fn angle_3b(arguments: &Arguments) -> Result<Angle3b> {
    let (cutoff, transition_width) = descriptor::range(arguments)?;
    descriptor::refuse_molecules(arguments)?;
    let one = |key: &str| {
        arguments
            .atomic_numbers(key, 1)
            .map(|z| z.and_then(|z| z.first().copied()))
    };
    Ok(Angle3b {
        cutoff,
        transition_width,
        centre: one("z_center")?.or(one("z")?).unwrap_or(0),
        z1: one("z1")?.unwrap_or(0),
        z2: one("z2")?.unwrap_or(0),
    })
}

/// Reads a `distance_Nb` descriptor of a file with this `gap_version`. Errors carry no place.
pub(in super::super) fn distance_nb(arguments: &Arguments, gap_version: u64) -> Result<DistanceNb> {
    let (cutoff, transition_width) = descriptor::range(arguments)?;
    descriptor::refuse_molecules(arguments)?;
    let order = arguments.required_count("order", 100)?;
    if !(2..=3).contains(&order) {
        return Err(
            Error::input("", format!("`order={order}` is not supported"))
                .advise("clusters of two and of three atoms are"),
        );
    }
    let mut z = arguments
        .atomic_numbers("z", order)?
        .unwrap_or_else(|| vec![0; order]);
    z.sort_unstable();
    if z.first() == Some(&0) && z.last() != Some(&0) {
        let text = shorten(arguments.text("z").unwrap_or_default()).to_owned();
        return Err(Error::input(
            "",
            format!("`Z={{{text}}}`: 0, for any element, beside elements is not supported"),
        ));
    }
    Ok(DistanceNb {
        cutoff,
        transition_width,
        z,
        compact: arguments
            .logical(&["compact_clusters"])?
            .unwrap_or(gap_version >= COMPACT_SINCE),
    })
}

impl Descriptor {
    /// The descriptor as a function of the distance of an ordered pair, with the factor its instances count by, if it
    /// is one: clusters of two atoms are pairs, and those that are not compact count each pair once instead of twice.
    pub(in super::super) fn pair(&self) -> Option<(Distance2b, f64)> {
        match self {
            Descriptor::Distance2b(d) => Some((d.clone(), 1.0)),
            Descriptor::DistanceNb(d) if d.z.len() == 2 => {
                let pair = Distance2b {
                    cutoff: d.cutoff,
                    transition_width: d.transition_width,
                    z1: d.z[0],
                    z2: d.z[1],
                    exponents: vec![1],
                    tail_exponent: 0.0,
                    tail_range: 1.0,
                };
                Some((pair, if d.compact { 1.0 } else { 0.5 }))
            }
            _ => None,
        }
    }
}

impl Angle3b {
    /// The elements of the two neighbours, 0 for any, if atoms of this number are centres.
    pub(super) fn neighbours(&self, centre: u8) -> Option<[u8; 2]> {
        (self.centre == 0 || self.centre == centre).then_some([self.z1, self.z2])
    }
}

impl DistanceNb {
    /// The elements of the two other atoms of a cluster of three, 0 for any, if atoms of this number belong to one.
    pub(super) fn neighbours(&self, centre: u8) -> Option<[u8; 2]> {
        let [a, b, c] = self.z[..] else { return None };
        match [a, b, c].iter().position(|z| *z == 0 || *z == centre)? {
            0 => Some([b, c]),
            1 => Some([a, c]),
            _ => Some([a, b]),
        }
    }
}
