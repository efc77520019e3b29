//! `[output]`: what is written, where and how often.

use super::diagnostics::Diagnostic;
use super::kinds::{Count, Flag, OneOf, OutFile, OutFileOrNone, Steps, WallTime};
use super::reader::Table;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is written, where and how often. Paths are resolved relative to the deck.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputDeck {
    /// The H5MD trajectory; it holds the thermodynamic table, too.
    pub trajectory: Option<TrajectoryDeck>,
    /// Frames in extended XYZ.
    pub extxyz: Option<FramesDeck>,
    /// The thermodynamic table in CSV.
    pub thermo: Option<ThermoDeck>,
    /// Averages with their errors in CSV.
    pub averages: Option<PathBuf>,
    /// The time series as a picture (SVG).
    pub plot: Option<PathBuf>,
    /// Steps between two rows of the thermodynamic table in the trajectory.
    pub thermo_every: u64,
    /// The state to resume from.
    pub checkpoint: CheckpointDeck,
    /// Wall time between two progress lines.
    pub progress_every: Duration,
    /// The last frame in extended XYZ.
    pub final_structure: Option<PathBuf>,
}

/// An H5MD trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct TrajectoryDeck {
    /// The file.
    pub file: PathBuf,
    /// Steps between two frames.
    pub every: u64,
    /// Deflate level; 0 is none.
    pub compression: u8,
    /// Whether velocities are written.
    pub velocities: bool,
    /// Whether forces are written.
    pub forces: bool,
    /// Precision of positions, velocities and forces.
    pub precision: Precision,
    /// The beads of quantum nuclei.
    pub beads: Option<BeadsOutputDeck>,
}

/// The beads of quantum nuclei in a trajectory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeadsOutputDeck {
    /// Steps between two rows.
    pub every: u64,
    /// Whether velocities are written.
    pub velocities: bool,
    /// Whether forces are written.
    pub forces: bool,
}

/// Precision of numbers in a trajectory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 4 bytes.
    Single,
    /// 8 bytes.
    Double,
}

/// Frames in extended XYZ.
#[derive(Clone, Debug, PartialEq)]
pub struct FramesDeck {
    /// The file.
    pub file: PathBuf,
    /// Steps between two frames.
    pub every: u64,
}

/// The thermodynamic table in CSV.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermoDeck {
    /// The file.
    pub file: PathBuf,
    /// Steps between two rows.
    pub every: u64,
}

/// The state to resume from.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointDeck {
    /// The file.
    pub file: PathBuf,
    /// Steps between two checkpoints, beside those made by wall time.
    pub every: Option<u64>,
    /// Wall time between two checkpoints.
    pub wall: Duration,
}

/// Reads `[output]`; absent, everything has its default.
pub(super) fn read(root: &Table<'_>) -> Option<OutputDeck> {
    root.table("output", "What is written, where and how often.", |t| {
        let doc = "The trajectory in H5MD (HDF5); it holds the thermodynamic table, too.";
        let trajectory = t.optional_table("trajectory", doc, trajectory);
        let doc = "Frames in extended XYZ, for programs that read no HDF5.";
        let extxyz = t.optional_table("extxyz", doc, |t| {
            let file = t.key("file", OutFile, "The file.").required("\"run.extxyz\"");
            let every = every(t).required("\"50 fs\"");
            Some(FramesDeck { file: file?, every: every? })
        });
        let default = trajectory.as_ref().map_or(100, |f| f.every);
        let thermo_every = t
            .key("thermo_every", Steps, "Time between two rows of the thermodynamic table in the trajectory.")
            .or_as(&format!("{default} steps"), "that of the trajectory, else `\"100 steps\"`");
        let thermo = t.optional_table("thermo", "The thermodynamic table as CSV.", |t| {
            let file = t.key("file", OutFile, "The file.").required("\"run.csv\"");
            let default = format!("{} steps", thermo_every.unwrap_or(1));
            let every = every(t).or_as(&default, "`thermo_every`");
            Some(ThermoDeck { file: file?, every: every? })
        });
        let beside = |ending: &str| match &thermo {
            // Nothing can lie beside a device or a pipe.
            Some(t) if !t.file.exists() || t.file.is_file() => beside(&t.file, &root.cx.folder, ending),
            _ => "false".to_owned(),
        };
        let averages = t
            .key("averages", OutFileOrNone, "Averages with their errors as CSV, written when the run ends; `false` for none.")
            .or_as(&beside("averages.csv"), "beside `thermo`, as `NAME.averages.csv`");
        let plot = t
            .key("plot", OutFileOrNone, "Temperature, energies, pressure and density against time, as a picture (SVG); `false` for none.")
            .or_as(&beside("svg"), "beside `thermo`, as `NAME.svg`");
        let checkpoint = t.table("checkpoint", "The state from which `--resume` goes on.", |t| {
            let file = t.file("file", "The file.", ".chk");
            let every = t
                .key("every", Steps, "Time between two checkpoints, beside those made by wall time.")
                .optional("by wall time only");
            let wall = t
                .key("wall", WallTime, "Wall time between two checkpoints.")
                .must_be("positive", |w| !w.is_zero())
                .or("10 min");
            Some(CheckpointDeck { file: file?, every, wall: wall? })
        });
        let progress_every =
            t.key("progress_every", WallTime, "Wall time between two progress lines.").must_be("positive", |w| !w.is_zero());
        let progress_every = progress_every.or("5 s");
        let final_structure =
            t.key("final_structure", OutFile, "The last frame in extended XYZ.").optional("not written");
        if ["trajectory", "extxyz", "thermo", "final_structure"].iter().all(|k| t.place_of(k).is_none()) {
            t.complain(
                Diagnostic::warning("the run writes nothing but its checkpoint")
                    .maybe_at(t.place(), "")
                    .help("add for example `trajectory = { file = \"run.h5md\", every = \"50 fs\" }` to [output]"),
            );
        }
        Some(OutputDeck {
            trajectory,
            extxyz,
            thermo,
            averages: averages?,
            plot: plot?,
            thermo_every: thermo_every?,
            checkpoint: checkpoint?,
            progress_every: progress_every?,
            final_structure,
        })
    })
}

/// The name of a file beside `file` with another ending, as a TOML string relative to the deck.
fn beside(file: &Path, folder: &Path, ending: &str) -> String {
    let file = file.with_extension(ending);
    let relative = file.strip_prefix(folder).unwrap_or(&file);
    super::resolved::quote(&relative.to_string_lossy())
}

fn trajectory(t: &Table<'_>) -> Option<TrajectoryDeck> {
    const PRECISIONS: OneOf<Precision> =
        OneOf(&[("single", Precision::Single), ("double", Precision::Double)]);
    let file = t
        .key("file", OutFile, "The file; its name should end in `.h5md`.")
        .warn_if(
            |path| {
                let extension = path
                    .extension()
                    .and_then(|e| e.to_str())
                    .unwrap_or("")
                    .to_lowercase();
                !["h5md", "h5", "hdf5"].contains(&extension.as_str())
            },
            "the trajectory is HDF5 whatever its name",
            "call it `NAME.h5md`; frames in extended XYZ are written by `extxyz`",
        )
        .required("\"run.h5md\"");
    let every = every(t).required("\"50 fs\"");
    let compression = t
        .key(
            "compression",
            Count { least: 0, most: 9 },
            "Deflate level: smaller files, but far slower to write.",
        )
        .or("0");
    let velocities = t.key("velocities", Flag, "Write velocities.").or("true");
    let forces = t.key("forces", Flag, "Write forces.").or("true");
    let precision = t
        .key(
            "precision",
            PRECISIONS,
            "Precision of positions, velocities and forces.",
        )
        .or("single");
    let beads = match t.is_declined("beads") {
        true => None,
        false => {
            let usual = format!("{} steps", every.map_or(10, |n| n.saturating_mul(10)));
            let doc = "The beads of quantum nuclei, beside the centroids; `\"none\"` for none.";
            beads(t, doc, &usual)
        }
    };
    Some(TrajectoryDeck {
        beads,
        file: file?,
        every: every?,
        compression: u8::try_from(compression?).ok()?,
        velocities: velocities?,
        forces: forces?,
        precision: precision?,
    })
}

/// Reads `beads` of a trajectory. Classical nuclei have none.
fn beads(t: &Table<'_>, doc: &'static str, usual: &str) -> Option<BeadsOutputDeck> {
    if !t.cx.quantum.get() && !t.cx.describing && t.key_place("beads").is_none() {
        return None;
    }
    t.table("beads", doc, |t| {
        let words = "ten times that of the frames";
        let every = t.key("every", Steps, "Time between two rows of beads.");
        let every = every.or_as(usual, words);
        let velocities = t
            .key("velocities", Flag, "Write the velocities of the beads.")
            .or("false");
        let forces = t
            .key("forces", Flag, "Write the forces on the beads.")
            .or("false");
        Some(BeadsOutputDeck {
            every: every?,
            velocities: velocities?,
            forces: forces?,
        })
    })
}

fn every<'t, 'a>(t: &'t Table<'a>) -> super::reader::Field<'t, 'a, Steps> {
    let steps = t.cx.steps.get().unwrap_or(u64::MAX);
    t.key(
        "every",
        Steps,
        "Time between two frames or rows: a whole number of time steps, or `\"100 steps\"`.",
    )
    .warn_if(
        |n| *n > steps,
        "this is longer than the whole run",
        "only the first frame or row would be written",
    )
}

impl OutputDeck {
    /// Every file, with its key.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let some = [
            (
                "output.trajectory",
                self.trajectory.as_ref().map(|o| &o.file),
            ),
            ("output.extxyz", self.extxyz.as_ref().map(|o| &o.file)),
            ("output.thermo", self.thermo.as_ref().map(|o| &o.file)),
            ("output.averages", self.averages.as_ref()),
            ("output.plot", self.plot.as_ref()),
            ("output.checkpoint", Some(&self.checkpoint.file)),
            ("output.final_structure", self.final_structure.as_ref()),
        ];
        some.into_iter()
            .filter_map(|(key, file)| Some((key, file?.as_path())))
    }
}

/// Complains about files that would overwrite each other or the input.
pub(super) fn collisions(
    root: &Table<'_>,
    outputs: Vec<(String, PathBuf)>,
    inputs: Vec<(String, PathBuf)>,
) {
    let mut taken = inputs;
    for (name, path) in outputs {
        if let Some((other, _)) = taken.iter().find(|t| t.1 == path) {
            root.complain(
                Diagnostic::error(format!("`{name}` and `{other}` are the same file"))
                    .maybe_at(root.place_at(&name), "")
                    .and_at(root.place_at(other), "")
                    .help("give each a file of its own"),
            );
        }
        taken.push((name, path));
    }
}
