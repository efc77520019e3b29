//! The groups and datasets of our files: created here, found again here when a run is continued.

use super::bead_sets;
use super::text::{attach, attach_integers, attach_list, variable};
use super::{GROUP, TrajectoryOptions};
use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, Extent, File, Group, H5Type, Result, SimpleExtents};

/// Rows in one chunk of a series of numbers: 4096 bytes of them.
const SERIES_ROWS: usize = 512;

const AVERAGES: &str = "averages";
/// The times (fs) of the first and the last row that were averaged.
pub(super) const AVERAGE_TIMES: &str = "from_to";
/// What the five numbers of an average are.
const AVERAGE_COLUMNS: [&str; 5] = [
    "mean",
    "error",
    "standard deviation",
    "correlation time (fs)",
    "independent samples",
];

/// The datasets that grow with the frames. `position` and `step` come first in the file: they are committed last.
pub(super) struct FrameSets {
    pub(super) position: Dataset,
    pub(super) step: Dataset,
    pub(super) time: Dataset,
    pub(super) edges: Option<Dataset>,
    pub(super) velocity: Option<Dataset>,
    pub(super) force: Option<Dataset>,
    pub(super) observables: Vec<Dataset>,
}

impl FrameSets {
    /// All datasets, those first that readers count frames by.
    pub(super) fn all(&self) -> impl Iterator<Item = &Dataset> {
        let single = [Some(&self.position), Some(&self.step), Some(&self.time)];
        let optional = [
            self.edges.as_ref(),
            self.velocity.as_ref(),
            self.force.as_ref(),
        ];
        single
            .into_iter()
            .chain(optional)
            .flatten()
            .chain(&self.observables)
    }
}

/// The datasets that grow with the dense time series.
pub(super) struct ThermoSets {
    pub(super) step: Dataset,
    pub(super) time: Dataset,
    pub(super) values: Vec<Dataset>,
}

impl ThermoSets {
    pub(super) fn all(&self) -> impl Iterator<Item = &Dataset> {
        [&self.step, &self.time].into_iter().chain(&self.values)
    }
}

/// The groups of the things that grow with the frames (without the observables, which have a place of their own).
fn elements(o: &TrajectoryOptions) -> Vec<&'static str> {
    let boxed = o.periodic.contains(&true);
    let all = [
        ("position", true),
        ("box/edges", boxed),
        ("velocity", o.velocities),
        ("force", o.forces),
    ];
    all.into_iter().filter(|e| e.1).map(|e| e.0).collect()
}

/// Creates the groups that the growing datasets will be in.
pub(super) fn create_groups(file: &File, o: &TrajectoryOptions) -> Result<()> {
    let group = plain_group(file, GROUP)?;
    plain_group(&group, "box")?;
    for name in elements(o) {
        plain_group(&group, name)?;
    }
    for (parent, list) in [("observables", &o.observables), ("thermo", &o.thermo)] {
        if parent == "observables" || !list.is_empty() {
            let group = plain_group(file, parent)?;
            for (name, _) in list {
                plain_group(&group, name)?;
            }
        }
    }
    bead_sets::create_groups(file, o)
}

/// Creates the datasets of the frames. Their headers come to lie in one page if they are not too many.
pub(super) fn create_frames(file: &File, o: &TrajectoryOptions) -> Result<FrameSets> {
    let group = file.group(GROUP)?;
    let boxed = o.periodic.contains(&true);
    let observables = file.group("observables")?;
    let row = [o.elements.len(), 3];
    let vectors = |name: &str, unit: &str| vector_set(&group, name, unit, &row, o);
    let position = vectors("position", "Angstrom")?;
    let step = series::<i64>(&group, "position/step", &[])?;
    let time = series::<f64>(&group, "position/time", &[])?;
    attach(&time, "unit", "fs")?;
    let edges = if boxed {
        Some(series::<f64>(&group, "box/edges/value", &[3, 3])?)
    } else {
        None
    };
    if let Some(edges) = &edges {
        attach(edges, "unit", "Angstrom")?;
    }
    let velocity = if o.velocities {
        Some(vectors("velocity", "Angstrom fs-1")?)
    } else {
        None
    };
    let force = if o.forces {
        Some(vectors("force", "kJ mol-1 Angstrom-1")?)
    } else {
        None
    };
    let mut sampled = Vec::new();
    for (name, unit) in &o.observables {
        sampled.push(number_series(&observables, name, unit)?);
    }
    let particles = elements(o)
        .into_iter()
        .skip(1)
        .map(|name| format!("{GROUP}/{name}"));
    let numbers = o
        .observables
        .iter()
        .map(|(name, _)| format!("observables/{name}"));
    for element in particles.chain(numbers) {
        share_axis(file, &format!("{GROUP}/position"), &element)?;
    }
    Ok(FrameSets {
        position,
        step,
        time,
        edges,
        velocity,
        force,
        observables: sampled,
    })
}

/// Creates the datasets of the dense time series, if there are any.
pub(super) fn create_thermo(file: &File, o: &TrajectoryOptions) -> Result<Option<ThermoSets>> {
    let Some((first, _)) = o.thermo.first() else {
        return Ok(None);
    };
    let group = file.group("thermo")?;
    let step = series::<i64>(&group, &format!("{first}/step"), &[])?;
    let time = series::<f64>(&group, &format!("{first}/time"), &[])?;
    attach(&time, "unit", "fs")?;
    let mut values = Vec::new();
    for (name, unit) in &o.thermo {
        values.push(number_series(&group, name, unit)?);
    }
    for (name, _) in &o.thermo[1..] {
        share_axis(file, &format!("thermo/{first}"), &format!("thermo/{name}"))?;
    }
    Ok(Some(ThermoSets { step, time, values }))
}

/// Writes everything that does not change during the run.
pub(super) fn create_constants(file: &File, o: &TrajectoryOptions) -> Result<()> {
    let h5md = plain_group(file, "h5md")?;
    attach_integers(&h5md, "version", &[1, 1])?;
    let author = ["USER", "USERNAME"]
        .iter()
        .find_map(|v| std::env::var(v).ok())
        .unwrap_or_else(|| "unknown".into());
    let writer = plain_group(&h5md, "author")?;
    attach(&writer, "name", &author)?;
    let creator = plain_group(&h5md, "creator")?;
    attach(&creator, "name", "zundel")?;
    attach(&creator, "version", env!("CARGO_PKG_VERSION"))?;
    let units = plain_group(&h5md, "modules/units")?;
    attach_integers(&units, "version", &[1, 0])?;
    attach(&units, "system", "SI")?;

    let group = file.group(GROUP)?;
    describe_box(&group, o)?;
    let species: Vec<i32> = o.elements.iter().map(|e| i32::from(e.number())).collect();
    constant(&group, "species", &species)?;
    let id: Vec<i32> = (1..).take(species.len()).collect();
    constant(&group, "id", &id)?;
    let masses = constant(&group, "mass", &o.masses)?;
    attach(&masses, "unit", "u")?;

    if !o.averages.is_empty() {
        let averages = plain_group(file, AVERAGES)?;
        attach_list(&averages, "columns", &AVERAGE_COLUMNS)?;
        let times = constant(&averages, AVERAGE_TIMES, &[f64::NAN; 2])?;
        attach(&times, "unit", "fs")?;
        for (name, unit) in &o.averages {
            let set = constant(&averages, name, &[f64::NAN; 5])?;
            attach(&set, "unit", unit)?;
        }
    }

    let parameters = plain_group(file, "parameters")?;
    attach(&parameters, "run", &o.run)?;
    for (name, text) in &o.parameters {
        let set = parameters
            .new_dataset_builder()
            .obj_track_times(false)
            .empty::<VarLenUnicode>()
            .shape(());
        set.create(name.as_str())?.write_scalar(&variable(text))?;
    }
    bead_sets::create_constants(file, o)
}

/// What does not change about the cell: its dimensions and which of them are periodic.
pub(super) fn describe_box(group: &Group, o: &TrajectoryOptions) -> Result<()> {
    let cell = group.group("box")?;
    cell.new_attr::<i32>()
        .shape(())
        .create("dimension")?
        .write_scalar(&3)?;
    attach_list(
        &cell,
        "boundary",
        &o.periodic.map(|p| if p { "periodic" } else { "none" }),
    )
}

/// Writes averages into the places they have had from the start, so that nothing but numbers changes in the file.
pub(super) fn write_averages(
    file: &File,
    names: &[(String, String)],
    rows: &[[f64; 5]],
    times: [f64; 2],
) -> Result<()> {
    let group = file.group(AVERAGES)?;
    group.dataset(AVERAGE_TIMES)?.write_raw(&times)?;
    names
        .iter()
        .zip(rows)
        .try_for_each(|((name, _), row)| group.dataset(name)?.write_raw(row))
}

/// Finds the datasets of the frames in an existing file.
pub(super) fn find_frames(file: &File, o: &TrajectoryOptions) -> Result<FrameSets> {
    let group = file.group(GROUP)?;
    let optional = |wanted: bool, name: &str| {
        if wanted {
            group.dataset(name).map(Some)
        } else {
            Ok(None)
        }
    };
    let observables = file.group("observables")?;
    Ok(FrameSets {
        position: group.dataset("position/value")?,
        step: group.dataset("position/step")?,
        time: group.dataset("position/time")?,
        edges: optional(o.periodic.contains(&true), "box/edges/value")?,
        velocity: optional(o.velocities, "velocity/value")?,
        force: optional(o.forces, "force/value")?,
        observables: find_values(&observables, &o.observables)?,
    })
}

/// Finds the datasets of the dense time series in an existing file.
pub(super) fn find_thermo(file: &File, o: &TrajectoryOptions) -> Result<Option<ThermoSets>> {
    let Some((first, _)) = o.thermo.first() else {
        return Ok(None);
    };
    let group = file.group("thermo")?;
    Ok(Some(ThermoSets {
        step: group.dataset(&format!("{first}/step"))?,
        time: group.dataset(&format!("{first}/time"))?,
        values: find_values(&group, &o.thermo)?,
    }))
}

fn find_values(group: &Group, names: &[(String, String)]) -> Result<Vec<Dataset>> {
    names
        .iter()
        .map(|(name, _)| group.dataset(&format!("{name}/value")))
        .collect()
}

/// The time-independent names below `/observables` or `/thermo` of an existing file.
pub(super) fn names_in(file: &File, group: &str) -> Vec<String> {
    file.group(group)
        .and_then(|g| g.member_names())
        .unwrap_or_default()
}

/// A group without time stamps, so that equal runs give equal files.
pub(super) fn plain_group(parent: &Group, name: &str) -> Result<Group> {
    parent
        .create_group_builder()
        .obj_track_times(false)
        .create(name)
}

fn constant<T: H5Type>(group: &Group, name: &str, values: &[T]) -> Result<Dataset> {
    let set = group
        .new_dataset_builder()
        .obj_track_times(false)
        .empty::<T>()
        .shape(values.len())
        .create(name)?;
    set.write_raw(values)?;
    Ok(set)
}

fn number_series(group: &Group, name: &str, unit: &str) -> Result<Dataset> {
    let set = series::<f64>(group, &format!("{name}/value"), &[])?;
    if !unit.is_empty() {
        attach(&set, "unit", unit)?;
    }
    Ok(set)
}

/// Hard links to the steps and times of `source` in `element`, as the standard asks for.
pub(super) fn share_axis(file: &File, source: &str, element: &str) -> Result<()> {
    file.link_hard(&format!("{source}/step"), &format!("{element}/step"))?;
    file.link_hard(&format!("{source}/time"), &format!("{element}/time"))
}

/// A growing dataset of small rows. Never compressed: a compressed chunk that is filled row by row moves about in the
/// file, a plain one is rewritten in place with the old rows unchanged.
pub(super) fn series<T: H5Type>(group: &Group, name: &str, row: &[usize]) -> Result<Dataset> {
    let size = row.iter().product::<usize>().max(1);
    create::<T>(group, name, row, (SERIES_ROWS / size).max(1), 0)
}

/// A growing dataset of one vector per atom (or per bead and atom), in single or double precision as the options say. A
/// chunk holds one frame, or as many small ones as fit into 4096 bytes; compressed chunks always hold one, for the
/// reason given at [`series`].
pub(super) fn vector_set(
    group: &Group,
    element: &str,
    unit: &str,
    row: &[usize],
    o: &TrajectoryOptions,
) -> Result<Dataset> {
    let name = format!("{element}/value");
    let size = row.iter().product::<usize>() * if o.single { 4 } else { 8 };
    let rows = if o.compression > 0 {
        1
    } else {
        (4096 / size.max(1)).clamp(1, SERIES_ROWS)
    };
    let set = if o.single {
        create::<f32>(group, &name, row, rows, o.compression)
    } else {
        create::<f64>(group, &name, row, rows, o.compression)
    }?;
    attach(&set, "unit", unit)?;
    Ok(set)
}

/// HDF5 takes chunks below 4 GiB.
const LARGEST_CHUNK: usize = 1 << 30;

fn create<T: H5Type>(
    group: &Group,
    name: &str,
    row: &[usize],
    rows: usize,
    level: u8,
) -> Result<Dataset> {
    let mut chunk = vec![rows];
    chunk.extend_from_slice(row);
    if let [_, beads, rest @ ..] = &mut chunk[..]
        && rest.len() == 2
    {
        // Rows of very many beads and atoms are shared out among chunks.
        let bead = rest.iter().product::<usize>() * size_of::<T>();
        *beads = (LARGEST_CHUNK / bead.max(1)).clamp(1, *beads);
    }
    let mut extents = vec![Extent::resizable(0)];
    extents.extend(row.iter().map(|&n| Extent::fixed(n)));
    let mut builder = group
        .new_dataset_builder()
        .obj_track_times(false)
        .chunk(chunk);
    if level > 0 {
        builder = builder.shuffle().deflate(level);
    }
    builder
        .empty::<T>()
        .shape(SimpleExtents::from_vec(extents))
        .create(name)
}
