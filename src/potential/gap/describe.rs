//! What a GAP model says about itself.

use super::coordinate::{Coordinate, Covariance};
use super::descriptor::Descriptor;
use super::file::GapFile;
use super::init_args::Composition;
use super::two_body::takes;
use crate::elements::Element;
use crate::potential::{
    Description, Gives, ListKind, Measure, NeighbourRequest, Reliability, Scope, Symmetry,
};

/// Fraction of the smallest sparse distance below which a pair counts as closer than anything seen. Sparse points are
/// picked among the training distances, so the data reach down to about the smallest of them; a tenth allows for the
/// width of the bins from which they are picked.
const CLOSEST: f64 = 0.9;

/// Centres that are worth a piece of work of their own: a full group of SIMD lanes of the kernel; where the sparse points do
/// not stay in a core's cache, as many as share one pass over them (64 atoms, 9000 points: a third faster).
fn grain(coordinates: &[Coordinate]) -> usize {
    const CACHE: usize = 4 << 20;
    let largest = coordinates.iter().map(|c| size_of_val(&c.sparse[..])).max();
    if largest.unwrap_or(0) > CACHE { 32 } else { 8 }
}

/// The description of a file's model.
pub(super) fn describe(
    file: &GapFile,
    glue_cutoffs: &[f64],
    lennard_jones_cutoff: Option<f64>,
    table_error: Option<f64>,
    has_variance: bool,
    chunk: usize,
) -> Description {
    let elements = known_elements(file);
    let cutoff = file
        .coordinates
        .iter()
        .map(Coordinate::cutoff)
        .chain(glue_cutoffs.iter().copied())
        .chain(lennard_jones_cutoff)
        .fold(0.0, f64::max);
    let name = file
        .path
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Description {
        name: format!("GAP {name}"),
        closest_seen: closest_seen(file, elements.as_deref().unwrap_or_default()),
        details: details(
            file,
            elements.as_deref().unwrap_or_default(),
            glue_cutoffs,
            table_error,
        ),
        elements,
        neighbours: Some(NeighbourRequest {
            cutoff,
            kind: ListKind::Full,
            chunk,
            grain: grain(&file.coordinates),
        }),
        gives: Gives {
            virial: true,
            site_energies: true,
            reliability: has_variance.then_some(Reliability {
                measure: Measure::Variance,
                scope: Scope::Atom,
            }),
        },
        references: references(file),
        fixed_cell: None,
        symmetry: Symmetry::Full,
    }
}

impl Coordinate {
    /// Range (Å) of the descriptor.
    pub(super) fn cutoff(&self) -> f64 {
        match &self.descriptor {
            Descriptor::Distance2b(d) => d.cutoff,
            Descriptor::Angle3b(d) => d.cutoff,
            Descriptor::DistanceNb(d) => d.cutoff,
            Descriptor::Soap(p) => p.cutoff,
            Descriptor::SoapTurbo(p) => p.rcut_hard,
        }
    }

    /// The atomic numbers the descriptor names; 0 stands for any.
    fn species(&self) -> Vec<u8> {
        match &self.descriptor {
            Descriptor::Distance2b(d) => vec![d.z1, d.z2],
            Descriptor::Angle3b(d) => vec![d.centre, d.z1, d.z2],
            Descriptor::DistanceNb(d) => d.z.clone(),
            Descriptor::Soap(p) if p.centre.is_empty() => [&p.species[..], &[0]].concat(),
            Descriptor::Soap(p) => [&p.species[..], &p.centre[..]].concat(),
            Descriptor::SoapTurbo(p) => p.species.iter().map(|s| s.number).collect(),
        }
    }
}

/// The elements a file was made for: those its descriptors name. Where a descriptor takes any element, the file
/// says less: then also those of the Glue baseline, and those with an e0, unless so many have one that it was given for
/// all. `None` when nothing is named.
fn known_elements(file: &GapFile) -> Option<Vec<Element>> {
    let mut numbers: Vec<u8> = file
        .coordinates
        .iter()
        .flat_map(Coordinate::species)
        .collect();
    if numbers.contains(&0) {
        let glues = file.glues.iter().flat_map(|g| &g.types);
        numbers.extend(glues.map(|t| t.number));
        numbers.extend(file.lennard_jones.iter().flat_map(|l| &l.types));
        let with_e0 = || (1..=118u8).filter(|z| file.e0[usize::from(*z) - 1] != 0.0);
        if with_e0().count() <= 40 {
            numbers.extend(with_e0());
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    let elements: Vec<Element> = numbers
        .into_iter()
        .filter_map(Element::from_number)
        .collect();
    (!elements.is_empty()).then_some(elements)
}

fn closest_seen(file: &GapFile, elements: &[Element]) -> Vec<(Element, Element, f64)> {
    let mut closest = Vec::new();
    for (k, &a) in elements.iter().enumerate() {
        for &b in &elements[k..] {
            let smallest = file
                .coordinates
                .iter()
                .filter(|c| {
                    c.descriptor.pair().is_some_and(|(d, _)| {
                        d.exponents == [1] && takes(&d, a.number(), b.number())
                    })
                })
                .filter_map(|c| c.sparse.iter().copied().reduce(f64::min))
                .reduce(f64::min);
            if let Some(distance) = smallest.filter(|d| *d > 0.0) {
                closest.push((a, b, CLOSEST * distance));
            }
        }
    }
    closest
}

fn references(file: &GapFile) -> Vec<String> {
    let mut references =
        vec!["Bartók, Payne, Kondor, Csányi, Phys. Rev. Lett. 104, 136403 (2010)".to_owned()];
    if file
        .coordinates
        .iter()
        .any(|c| matches!(c.descriptor, Descriptor::Soap(_)))
    {
        references.push("Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013)".to_owned());
    }
    if file
        .coordinates
        .iter()
        .any(|c| matches!(c.descriptor, Descriptor::SoapTurbo(_)))
    {
        references.push("Caro, Phys. Rev. B 100, 024112 (2019)".to_owned());
    }
    references.push(file.path.display().to_string());
    references
}

fn details(
    file: &GapFile,
    elements: &[Element],
    glue_cutoffs: &[f64],
    table_error: Option<f64>,
) -> Vec<String> {
    let mut lines = vec![match file.gap_version {
        0 => format!("label {}, without gap_version", file.label),
        v => format!("label {}, gap_version {v}", file.label),
    }];
    lines.extend(file.coordinates.iter().map(coordinate_line));
    let e0: Vec<String> = elements
        .iter()
        .map(|e| format!("{e} {} eV", file.e0[usize::from(e.number()) - 1]))
        .collect();
    if !e0.is_empty() {
        lines.push(format!("isolated atoms: {}", e0.join(", ")));
    }
    for (glue, cutoff) in file.glues.iter().zip(glue_cutoffs) {
        let types: Vec<String> = glue.types.iter().map(|t| symbol(t.number)).collect();
        lines.push(format!(
            "Glue baseline for {}, range {cutoff} Å",
            types.join(", ")
        ));
    }
    for baseline in &file.lennard_jones {
        let types: Vec<String> = baseline.types.iter().map(|z| symbol(*z)).collect();
        lines.push(format!("Lennard-Jones baseline for {}", types.join(", ")));
    }
    if file.do_core && matches!(file.composition, Composition::Gap { .. }) {
        lines.push(
            "the fit subtracted a core potential (do_core), but the file names none to add"
                .to_owned(),
        );
    }
    if let Some(error) = table_error {
        lines.push(format!(
            "pair terms tabulated, largest error {error:.1e} eV"
        ));
    }
    lines
}

fn symbol(number: u8) -> String {
    Element::from_number(number).map_or_else(|| "any".to_owned(), |e| e.symbol().to_owned())
}

fn symbols(numbers: &[u8]) -> String {
    if numbers.is_empty() {
        return symbol(0);
    }
    numbers
        .iter()
        .map(|z| symbol(*z))
        .collect::<Vec<_>>()
        .join(",")
}

fn coordinate_line(c: &Coordinate) -> String {
    let descriptor = match &c.descriptor {
        Descriptor::Distance2b(d) => {
            let mut line = format!(
                "distance_2b {}-{}, cutoff {} Å",
                symbol(d.z1),
                symbol(d.z2),
                d.cutoff
            );
            if d.exponents != [1] {
                line += &format!(", exponents {:?}", d.exponents);
            }
            if d.tail_exponent != 0.0 {
                line += &format!(", tail exponent {}", d.tail_exponent);
            }
            line
        }
        Descriptor::Angle3b(d) => format!(
            "angle_3b {}-{}-{}, cutoff {} Å",
            symbol(d.z1),
            symbol(d.centre),
            symbol(d.z2),
            d.cutoff
        ),
        Descriptor::DistanceNb(d) => {
            let atoms: Vec<String> = d.z.iter().map(|z| symbol(*z)).collect();
            let kind = if d.compact { "compact" } else { "connected" };
            format!(
                "distance_Nb {kind} {}, cutoff {} Å",
                atoms.join("-"),
                d.cutoff
            )
        }
        Descriptor::Soap(p) => format!(
            "soap {} with neighbours {}, n_max {}, l_max {}, cutoff {} Å, atom_sigma {} Å",
            symbols(&p.centre),
            symbols(&p.species),
            p.n_max,
            p.l_max,
            p.cutoff,
            p.atom_sigma
        ),
        Descriptor::SoapTurbo(p) => p.line(),
    };
    let kernel = match &c.covariance {
        Covariance::ArdSe { theta } => format!("Gaussian kernel, theta {theta:?}"),
        Covariance::Pp { theta } => format!("polynomial kernel, theta {theta:?}"),
        Covariance::DotProduct { zeta } => format!("zeta {zeta}"),
    };
    format!(
        "{descriptor}: {} sparse points of dimension {}, delta {} eV, {kernel}",
        c.alpha.len(),
        c.dimensions,
        c.delta
    )
}
