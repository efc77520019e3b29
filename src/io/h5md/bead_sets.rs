//! The group `/path_integral`: made with the file, found again when a run is continued.

use super::layout::{describe_box, plain_group, series, share_axis, vector_set};
use super::text::{attach, attach_integers};
use super::{BeadOptions, TrajectoryOptions};
use hdf5::{Dataset, File, Result};

/// The group of everything about beads.
pub(super) const GROUP: &str = "path_integral";
/// How normal modes are counted where there are any: an orthonormal, real transform.
const TRANSFORM: &str = "orthonormal-real";

/// The datasets that grow with the rows of beads.
pub(super) struct BeadSets {
    pub(super) position: Dataset,
    pub(super) step: Dataset,
    pub(super) time: Dataset,
    pub(super) edges: Option<Dataset>,
    pub(super) velocity: Option<Dataset>,
    pub(super) force: Option<Dataset>,
    pub(super) energy: Dataset,
}

impl BeadSets {
    /// All datasets, those first that readers count rows by.
    pub(super) fn all(&self) -> impl Iterator<Item = &Dataset> {
        let always = [&self.position, &self.step, &self.time, &self.energy];
        let optional = [&self.edges, &self.velocity, &self.force];
        always
            .into_iter()
            .chain(optional.into_iter().filter_map(Option::as_ref))
    }

    /// Those of shape [rows][beads][atoms][3].
    pub(super) fn vectors(&self) -> impl Iterator<Item = &Dataset> {
        [
            Some(&self.position),
            self.velocity.as_ref(),
            self.force.as_ref(),
        ]
        .into_iter()
        .flatten()
    }
}

/// The groups of the things that grow with the rows.
fn elements(o: &TrajectoryOptions, beads: &BeadOptions) -> Vec<&'static str> {
    let all = [
        ("position", true),
        ("box/edges", o.periodic.contains(&true)),
        ("velocity", beads.velocities),
        ("force", beads.forces),
        ("bead_energy", true),
    ];
    all.into_iter().filter(|e| e.1).map(|e| e.0).collect()
}

/// Creates the groups that the growing datasets will be in, if there are beads.
pub(super) fn create_groups(file: &File, o: &TrajectoryOptions) -> Result<()> {
    let Some(beads) = &o.beads else {
        return Ok(());
    };
    let group = plain_group(file, GROUP)?;
    plain_group(&group, "box")?;
    for name in elements(o, beads) {
        plain_group(&group, name)?;
    }
    Ok(())
}

/// Writes what does not change during the run, if there are beads.
pub(super) fn create_constants(file: &File, o: &TrajectoryOptions) -> Result<()> {
    let Some(beads) = &o.beads else {
        return Ok(());
    };
    let module = plain_group(file, "h5md/modules/path_integral")?;
    attach_integers(&module, "version", &[0, 1])?;
    let group = file.group(GROUP)?;
    let number = i64::try_from(beads.beads).unwrap_or(i64::MAX);
    group
        .new_attr::<i64>()
        .shape(())
        .create("beads")?
        .write_scalar(&number)?;
    group
        .new_attr::<f64>()
        .shape(())
        .create("temperature")?
        .write_scalar(&beads.temperature)?;
    attach(&group, "mode_transform", TRANSFORM)?;
    describe_box(&group, o)
}

/// Creates the datasets. Their headers must come to lie in one page, which has room for them: there are at most seven.
pub(super) fn create(file: &File, o: &TrajectoryOptions, beads: &BeadOptions) -> Result<BeadSets> {
    let group = file.group(GROUP)?;
    let row = [beads.beads, o.elements.len(), 3];
    let vectors = |wanted: bool, name: &str, unit: &str| {
        if wanted {
            vector_set(&group, name, unit, &row, o).map(Some)
        } else {
            Ok(None)
        }
    };
    let position = vector_set(&group, "position", "Angstrom", &row, o)?;
    let step = series::<i64>(&group, "position/step", &[])?;
    let time = series::<f64>(&group, "position/time", &[])?;
    attach(&time, "unit", "fs")?;
    let mut edges = None;
    if o.periodic.contains(&true) {
        let set = series::<f64>(&group, "box/edges/value", &[3, 3])?;
        attach(&set, "unit", "Angstrom")?;
        edges = Some(set);
    }
    let velocity = vectors(beads.velocities, "velocity", "Angstrom fs-1")?;
    let force = vectors(beads.forces, "force", "kJ mol-1 Angstrom-1")?;
    let energy = series::<f64>(&group, "bead_energy/value", &[beads.beads])?;
    attach(&energy, "unit", "eV")?;
    for name in elements(o, beads).into_iter().skip(1) {
        share_axis(
            file,
            &format!("{GROUP}/position"),
            &format!("{GROUP}/{name}"),
        )?;
    }
    Ok(BeadSets {
        position,
        step,
        time,
        edges,
        velocity,
        force,
        energy,
    })
}

/// Finds the datasets in an existing file.
pub(super) fn find(file: &File, o: &TrajectoryOptions, beads: &BeadOptions) -> Result<BeadSets> {
    let group = file.group(GROUP)?;
    let optional = |wanted: bool, name: &str| {
        if wanted {
            group.dataset(name).map(Some)
        } else {
            Ok(None)
        }
    };
    Ok(BeadSets {
        position: group.dataset("position/value")?,
        step: group.dataset("position/step")?,
        time: group.dataset("position/time")?,
        edges: optional(o.periodic.contains(&true), "box/edges/value")?,
        velocity: optional(beads.velocities, "velocity/value")?,
        force: optional(beads.forces, "force/value")?,
        energy: group.dataset("bead_energy/value")?,
    })
}

/// In what the beads of an existing file are not those of the run, if in anything.
pub(super) fn difference(file: &File, beads: Option<&BeadOptions>) -> Option<&'static str> {
    let group = file.group(GROUP).ok();
    let (group, beads) = match (group, beads) {
        (None, None) => return None,
        (Some(_), None) => return Some("it holds the beads of a path integral"),
        (None, Some(_)) => return Some("it holds no beads"),
        (Some(group), Some(beads)) => (group, beads),
    };
    let number = group
        .attr("beads")
        .and_then(|a| a.read_scalar::<i64>())
        .ok();
    if number.and_then(|n| usize::try_from(n).ok()) != Some(beads.beads) {
        return Some("it has another number of beads");
    }
    let temperature = group
        .attr("temperature")
        .and_then(|a| a.read_scalar::<f64>());
    if temperature.ok() != Some(beads.temperature) {
        return Some("its beads are at another temperature");
    }
    for (name, wanted) in [("velocity", beads.velocities), ("force", beads.forces)] {
        if group.link_exists(name) != wanted {
            return Some("it holds other quantities of the beads");
        }
    }
    None
}

/// Whether the datasets without atoms have the shapes that the writer gives them.
pub(super) fn well_shaped(sets: Option<&BeadSets>, o: &TrajectoryOptions) -> bool {
    let (Some(sets), Some(beads)) = (sets, &o.beads) else {
        return true;
    };
    let row = |set: &Dataset, row: &[usize]| set.shape().get(1..) == Some(row);
    row(&sets.step, &[])
        && row(&sets.time, &[])
        && row(&sets.energy, &[beads.beads])
        && sets.edges.as_ref().is_none_or(|e| row(e, &[3, 3]))
}
