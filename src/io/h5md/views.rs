//! Small trajectories that show one bead each of a path integral, without a copy of anything.
//!
//! Readers of H5MD know one group of particles and no beads. A view is a trajectory of the usual layout whose positions,
//! velocities, forces and energies are HDF5 virtual datasets on one bead's part of `/path_integral` in the file of the
//! run, and whose steps, times, box and constants are external links into it. Views need HDF5 1.10 to be read. They
//! grow with the file of the run, and without it they are empty.

use super::layout::plain_group;
use super::scan::Scan;
use super::text::{attach, attribute};
use super::{Beads, GROUP, TrajectoryReader, bead_sets, sentence, virtual_part};
use crate::error::{Error, Result};
use crate::io::atomic;
use hdf5::{File, Group};
use std::path::{Component, Path, PathBuf};

impl TrajectoryReader {
    /// Writes a view of one of the `beads` of this file, counted from 0. A file that was there is replaced.
    ///
    /// The view names this file by the way from `to` to it: it works as long as both are moved together.
    pub fn write_view(&self, beads: &Beads, bead: usize, to: &Path) -> Result<()> {
        if bead >= beads.number() {
            return Err(Error::Bug(format!(
                "a view of bead {bead} of {}",
                beads.number()
            )));
        }
        let failed = |why: String| Error::environment("cannot write", to, why);
        let name = self.name_from(to)?;
        let temporary = atomic::temporary_name(to);
        let view = View {
            source: self,
            name,
            bead,
        };
        let done = view
            .write(&temporary)
            .map_err(|e| failed(sentence(&e)))
            .and_then(|()| {
                std::fs::File::open(&temporary)
                    .and_then(|f| f.sync_all())
                    .and_then(|()| atomic::rename(&temporary, to))
                    .map_err(|e| failed(atomic::describe(&e)))
            });
        if done.is_err() {
            // The half-made file is of no use, and the first error says more than a second one.
            let _ = std::fs::remove_file(&temporary);
        }
        done
    }

    /// The name of this file as seen from the folder of `to`.
    fn name_from(&self, to: &Path) -> Result<String> {
        let real = |p: &Path| std::fs::canonicalize(p).map_err(|e| Error::reading(p, &e));
        let source = real(&self.path)?;
        let folder = match to.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => real(parent)?,
            _ => real(Path::new("."))?,
        };
        match relative(&folder, &source).to_str() {
            // HDF5 keeps names with this separator on every system.
            Some(name) => Ok(name.replace(std::path::MAIN_SEPARATOR, "/")),
            None => Err(Error::file(
                &self.path,
                "the name of this file is not UTF-8, so that no view can refer to it",
            )
            .advise("rename the file, or write extended XYZ")),
        }
    }
}

/// The attribute of a view that names the file it shows a part of.
const SOURCE: &str = "source";

/// Refuses a view that has lost its source; trajectories with numbers of their own pass.
pub(super) fn check_source(file: &File, scan: &Scan<'_>) -> Result<()> {
    let source = file.group(GROUP).ok();
    let Some(source) = source.and_then(|g| attribute(&g, SOURCE)) else {
        return Ok(());
    };
    if file.group("h5md").is_ok() {
        return Ok(());
    }
    let reason = format!(
        "this file only shows one bead of `{source}`, which is not where it was or cannot be read"
    );
    Err(scan
        .bad(reason)
        .advise("move the two together, or write the view anew with `zundel convert --beads`"))
}

/// The way from a folder to a file, both absolute. Without a common root it is the file's own path.
fn relative(folder: &Path, file: &Path) -> PathBuf {
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return file.to_path_buf();
    }
    let up = from[common..].iter().map(|_| Component::ParentDir);
    up.chain(to[common..].iter().copied()).collect()
}

struct View<'a> {
    source: &'a TrajectoryReader,
    /// Of the source, as the view will know it.
    name: String,
    bead: usize,
}

impl View<'_> {
    fn write(&self, path: &Path) -> hdf5::Result<()> {
        let file = File::create(path)?;
        let from = &self.source.file;
        for name in ["h5md", "parameters"] {
            if from.link_exists(name) {
                file.link_external(&self.name, name, name)?;
            }
        }
        let group = plain_group(&file, GROUP)?;
        let bead = i64::try_from(self.bead).unwrap_or(i64::MAX);
        group
            .new_attr::<i64>()
            .shape(())
            .create("bead")?
            .write_scalar(&bead)?;
        attach(&group, SOURCE, &self.name)?;
        for name in ["species", "mass", "id"] {
            let place = format!("{GROUP}/{name}");
            if from.link_exists(&place) {
                group.link_external(&self.name, &place, name)?;
            }
        }
        group.link_external(&self.name, &format!("{}/box", bead_sets::GROUP), "box")?;
        let beads = from.group(bead_sets::GROUP)?;
        for name in ["position", "velocity", "force"] {
            self.element(&beads, name, &group, name)?;
        }
        let observables = plain_group(&file, "observables")?;
        self.element(&beads, "bead_energy", &observables, "potential_energy")?;
        file.close()
    }

    /// One quantity of the bead, if the source has it: a virtual dataset with steps and times.
    fn element(&self, beads: &Group, name: &str, to: &Group, as_name: &str) -> hdf5::Result<()> {
        if !beads.link_exists(name) {
            return Ok(());
        }
        let place = format!("{}/{name}", bead_sets::GROUP);
        let element = plain_group(to, as_name)?;
        let set = beads.dataset(&format!("{name}/value"))?;
        let source = format!("/{place}/value");
        let source = (self.name.as_str(), source.as_str());
        let value = if set.dtype()?.size() == 4 {
            virtual_part::create::<f32>(&element, "value", source, &set.shape(), self.bead)
        } else {
            virtual_part::create::<f64>(&element, "value", source, &set.shape(), self.bead)
        }?;
        if let Some(unit) = attribute(&set, "unit") {
            attach(&value, "unit", &unit)?;
        }
        for axis in ["step", "time"] {
            if beads.link_exists(&format!("{name}/{axis}")) {
                element.link_external(&self.name, &format!("{place}/{axis}"), axis)?;
            }
        }
        Ok(())
    }
}
