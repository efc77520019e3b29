//! The parts of a data file: header lines and section names.

/// A line of the header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum HeaderLine<'a> {
    /// `N atoms`.
    Atoms(&'a str),
    /// `N atom types`.
    AtomTypes(&'a str),
    /// `lo hi xlo xhi` of direction 0, 1 or 2.
    Bounds(usize, [&'a str; 2]),
    /// `xy xz yz`.
    Tilt([&'a str; 3]),
    /// `avec`, `bvec` or `cvec`.
    Vector(usize, [&'a str; 3]),
    /// Something that does not concern us (bonds, ...).
    Other,
}

/// A section of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Masses,
    TypeLabels,
    Atoms,
    Velocities,
    /// Known, but passed over.
    Other,
}

const OTHER_SECTIONS: &[&str] = &[
    "Bonds",
    "Angles",
    "Dihedrals",
    "Impropers",
    "Ellipsoids",
    "Lines",
    "Triangles",
    "Bodies",
    "Pair Coeffs",
    "PairIJ Coeffs",
    "Bond Coeffs",
    "Angle Coeffs",
    "Dihedral Coeffs",
    "Improper Coeffs",
    "BondBond Coeffs",
    "BondAngle Coeffs",
    "MiddleBondTorsion Coeffs",
    "EndBondTorsion Coeffs",
    "AngleTorsion Coeffs",
    "AngleAngleTorsion Coeffs",
    "BondBond13 Coeffs",
    "AngleAngle Coeffs",
    "Bond Type Labels",
    "Angle Type Labels",
    "Dihedral Type Labels",
    "Improper Type Labels",
    "Special Bonds",
];

/// The section that a line (without its remark) opens, if it does.
pub(super) fn section(text: &str) -> Option<Section> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let name = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    match name.as_str() {
        "Masses" => Some(Section::Masses),
        "Atom Type Labels" => Some(Section::TypeLabels),
        "Atoms" => Some(Section::Atoms),
        "Velocities" => Some(Section::Velocities),
        name => OTHER_SECTIONS.contains(&name).then_some(Section::Other),
    }
}

/// What a header line says; nothing when it is no header line.
pub(super) fn header_line(text: &str) -> Option<HeaderLine<'_>> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let counted = [
        "bonds",
        "angles",
        "dihedrals",
        "impropers",
        "ellipsoids",
        "lines",
        "triangles",
        "bodies",
        "crossterms",
    ];
    match words.as_slice() {
        [n, "atoms"] => Some(HeaderLine::Atoms(n)),
        [n, "atom", "types"] => Some(HeaderLine::AtomTypes(n)),
        [_, "bond" | "angle" | "dihedral" | "improper", "types"] | [_, "extra", ..] => {
            Some(HeaderLine::Other)
        }
        [_, what] if counted.contains(what) => Some(HeaderLine::Other),
        [lo, hi, "xlo", "xhi"] => Some(HeaderLine::Bounds(0, [lo, hi])),
        [lo, hi, "ylo", "yhi"] => Some(HeaderLine::Bounds(1, [lo, hi])),
        [lo, hi, "zlo", "zhi"] => Some(HeaderLine::Bounds(2, [lo, hi])),
        [xy, xz, yz, "xy", "xz", "yz"] => Some(HeaderLine::Tilt([xy, xz, yz])),
        [x, y, z, "avec"] => Some(HeaderLine::Vector(0, [x, y, z])),
        [x, y, z, "bvec"] => Some(HeaderLine::Vector(1, [x, y, z])),
        [x, y, z, "cvec"] => Some(HeaderLine::Vector(2, [x, y, z])),
        // The origin of the box carries no physics: positions are absolute and the lattice is the same.
        [_, _, _, "abc", "origin"] => Some(HeaderLine::Other),
        _ => None,
    }
}

/// Splits a line into what LAMMPS reads and the remark behind `#`, both trimmed.
pub(super) fn without_remark(text: &str) -> (&str, &str) {
    let (data, remark) = text.split_once('#').unwrap_or((text, ""));
    (data.trim(), remark.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_header() {
        assert_eq!(header_line("12 atoms"), Some(HeaderLine::Atoms("12")));
        assert_eq!(
            header_line("2 atom types"),
            Some(HeaderLine::AtomTypes("2"))
        );
        assert_eq!(
            header_line("-1 1 ylo yhi"),
            Some(HeaderLine::Bounds(1, ["-1", "1"]))
        );
        assert_eq!(
            header_line("1 extra bond per atom"),
            Some(HeaderLine::Other)
        );
        assert_eq!(header_line("0 0 0 abc origin"), Some(HeaderLine::Other));
        assert_eq!(header_line("Atoms"), None);
        assert_eq!(header_line("12"), None);
    }

    #[test]
    fn names_of_sections() {
        assert_eq!(section("Atoms"), Some(Section::Atoms));
        assert_eq!(section("Pair   Coeffs"), Some(Section::Other));
        assert_eq!(section("1 2 3"), None);
        assert_eq!(section("Si 28.0"), None);
        assert_eq!(without_remark(" Atoms  # full "), ("Atoms", "full"));
    }
}
