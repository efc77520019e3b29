//! What a moment tensor potential says about itself.

use super::file::{BasisKind, MtpFile};
use super::schedule::Schedule;
use super::state::SelectionMode;
use crate::elements::Element;
use crate::potential::{
    Description, Gives, ListKind, Measure, NeighbourRequest, Reliability, Scope, Symmetry,
};

/// Centres that are worth a piece of work of their own: all lanes of the contraction.
const GRAIN: usize = 8;

/// Sizes of MLIP's levels: basic moments, products, scalars.
const LEVELS: [(usize, [usize; 3]); 14] = [
    (2, [1, 0, 1]),
    (4, [1, 1, 2]),
    (6, [5, 5, 5]),
    (8, [11, 14, 9]),
    (10, [25, 42, 16]),
    (12, [46, 117, 29]),
    (14, [81, 348, 52]),
    (16, [130, 969, 92]),
    (18, [201, 2634, 163]),
    (20, [295, 6349, 288]),
    (22, [421, 15431, 500]),
    (24, [581, 36170, 864]),
    (26, [706, 82520, 1464]),
    (28, [866, 180_069, 2445]),
];

/// The description of a file's model.
pub(super) fn describe(
    file: &MtpFile,
    schedule: &Schedule,
    species: &[Element],
    chunk: usize,
) -> Description {
    let name = file
        .path
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Description {
        fixed_cell: None,
        symmetry: Symmetry::Full,
        name: format!("MTP {name}"),
        elements: Some(species.to_vec()),
        neighbours: Some(NeighbourRequest {
            cutoff: file.basis.max_dist,
            kind: ListKind::Full,
            chunk,
            grain: GRAIN,
        }),
        gives: Gives {
            virial: true,
            site_energies: true,
            reliability: file.selection.as_ref().map(|state| Reliability {
                measure: Measure::Grade,
                scope: match state.mode {
                    SelectionMode::Neighbourhood => Scope::Atom,
                    SelectionMode::Configuration => Scope::Frame,
                },
            }),
        },
        closest_seen: Vec::new(),
        references: references(file),
        details: details(file, schedule, species),
    }
}

fn details(file: &MtpFile, schedule: &Schedule, species: &[Element]) -> Vec<String> {
    let sizes = [file.basic.len(), file.products.len(), file.scalars.len()];
    let level = LEVELS
        .iter()
        .find(|l| l.1 == sizes)
        .map_or("of no standard level".to_owned(), |l| {
            format!("of level {:02}", l.0)
        });
    let basis = &file.basis;
    let mut details = vec![
        format!(
            "moment tensors {level}: {} basic moments, {} products, {} scalars; {} summed over neighbours, {} products evaluated",
            sizes[0],
            sizes[1],
            sizes[2],
            schedule.lattice.summed,
            schedule.products()
        ),
        format!(
            "{} radial functions of {} polynomials, {}, {} to {} Å",
            file.functions,
            basis.size,
            basis.kind.name(),
            basis.min_dist,
            basis.max_dist
        ),
    ];
    if basis.kind == BasisKind::BChebyshev {
        details.push("no cutoff factor: energy and forces jump at the cutoff".to_owned());
    }
    if let Some(c) = &file.coefficients {
        let list: Vec<String> = c
            .labels
            .iter()
            .zip(species)
            .zip(&c.species)
            .map(|((label, e), energy)| format!("{e} (label {label}) {energy:.6} eV"))
            .collect();
        details.push(format!("species {}", list.join(", ")));
    }
    if let Some(state) = &file.selection {
        let filled = state.origins.iter().filter(|o| o[0] >= 0).count();
        let what = match state.mode {
            SelectionMode::Neighbourhood => "neighbourhoods: each atom has a grade",
            SelectionMode::Configuration => "configurations: each configuration has a grade",
        };
        details.push(format!(
            "active set of {what}; {filled} of {} rows filled",
            state.size
        ));
    }
    details
}

fn references(file: &MtpFile) -> Vec<String> {
    let mut list = vec![
        "A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016), doi:10.1137/15M1054183".to_owned(),
        "I. S. Novikov, K. Gubaev, E. V. Podryabinkin, A. V. Shapeev, Mach. Learn.: Sci. Technol. 2, 025002 (2021), doi:10.1088/2632-2153/abc9fe".to_owned(),
    ];
    if file.selection.is_some() {
        list.push("E. V. Podryabinkin, A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017), doi:10.1016/j.commatsci.2017.08.031".to_owned());
    }
    list
}
