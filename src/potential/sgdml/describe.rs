//! What the model says of itself.

use super::file::SgdmlFile;
use crate::elements::Element;
use crate::potential::{Description, Gives, Measure, Reliability, Scope, Symmetry};

/// The description of a model; `spacing` is the largest distance of a training geometry from its nearest neighbour, in the
/// unit of the descriptor.
pub(super) fn describe(file: &SgdmlFile, spacing: f64) -> Description {
    let name = file
        .path
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut elements: Vec<Element> = file.elements.clone();
    elements.sort();
    elements.dedup();
    let mut references = vec![
        "S. Chmiela, H. E. Sauceda, K.-R. Müller, A. Tkatchenko, Nat. Commun. 9, 3887 (2018)"
            .into(),
    ];
    if !file.dataset_name.is_empty() {
        let mut set = format!("training set {}", file.dataset_name);
        if !file.dataset_theory.is_empty() {
            set.push_str(&format!(", {}", file.dataset_theory));
        }
        if !file.train_md5.is_empty() {
            set.push_str(&format!(", md5 {}", file.train_md5));
        }
        references.push(set);
    }
    Description {
        name: format!("sGDML {name}"),
        elements: Some(elements),
        neighbours: None,
        gives: Gives {
            virial: true,
            site_energies: false,
            reliability: Some(Reliability {
                measure: Measure::Distance,
                scope: Scope::Atom,
            }),
        },
        closest_seen: Vec::new(),
        references,
        details: details(file, spacing),
        symmetry: Symmetry::Full,
        fixed_cell: file.lattice.map(|_| {
            "the model was trained in one cell and knows nothing of another volume or shape".into()
        }),
    }
}

fn details(file: &SgdmlFile, spacing: f64) -> Vec<String> {
    let symbols: Vec<&str> = file.elements.iter().map(|e| e.symbol()).collect();
    let unit = |name: &str, usual: &str| {
        if name.is_empty() {
            format!("{usual} (not named in the file)")
        } else {
            name.to_owned()
        }
    };
    let mut lines = vec![
        format!("{} atoms in the order {}", symbols.len(), symbols.join(" ")),
        format!(
            "{} training geometries, {} permutation{}, {} pairs",
            file.geometries(),
            file.permutations.len(),
            if file.permutations.len() == 1 {
                ""
            } else {
                "s"
            },
            file.pairs()
        ),
        format!(
            "σ = {}, λ = {}, units {} and {}",
            file.sigma,
            file.lambda.map_or("unknown".into(), |l| format!("{l:e}")),
            unit(&file.energy_unit, "kcal/mol"),
            unit(&file.length_unit, "Å"),
        ),
    ];
    if !file.alphas_energies.is_empty() {
        lines.push("trained on energies and forces".into());
    } else if !file.use_energies {
        lines.push("trained without energies: they are right up to a constant".into());
    }
    if let Some(cell) = file.lattice {
        let rows = cell.map(|v| format!("({:.4}, {:.4}, {:.4})", v[0], v[1], v[2]));
        lines.push(format!("made for the cell {} Å", rows.join(" ")));
    }
    lines.push(format!(
        "training geometries are at most {:.4} /Å from the nearest other one (`distance`)",
        spacing / file.length
    ));
    if !file.code_version.is_empty() {
        lines.push(format!("written by version {}", file.code_version));
    }
    lines
}
