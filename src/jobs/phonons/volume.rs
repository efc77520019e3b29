//! The crystal at one volume: relaxed, displaced, and its phonons.

use super::forces;
use crate::deck::{LatticeDeck, PhononsDeck, Relaxed};
use crate::dynamics::barostat::StrainSpace;
use crate::error::{Error, Result};
use crate::jobs::kept::KeptFrames;
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, parts};
use crate::potential::{Evaluation, Evaluator, Term, Want};
use crate::relax::{self, CellSettings, Settings};
use crate::system::System;
use crate::vibrations::phonons::{
    Displacement, ForceConstants, Mesh, Phonons, Supercell, copies_for, displacements,
    force_constants, imaginary, thermal,
};
use crate::vibrations::quasi_harmonic::VolumePoint;
use std::path::Path;

/// Reach (Å) of neighbour lists beyond the cutoff.
const SKIN: f64 = 0.4;

/// A crystal with what must be displaced in it.
pub(in crate::jobs) struct Crystal {
    /// Unit cell and supercell.
    pub supercell: Supercell,
    /// What is displaced.
    pub displacements: Vec<Displacement>,
    /// Energy (eV) of the unit cell.
    pub energy: f64,
    /// Longest force (eV/Å) left on an atom of the unit cell.
    pub fmax: f64,
    /// Stress (eV/Å^3, tension positive); none without a virial.
    pub stress: Option<[[f64; 3]; 3]>,
    /// How the relaxation ended, when it did not converge.
    pub trouble: Option<String>,
    /// Steps of the relaxation.
    pub steps: u64,
}

/// How a crystal gets its phonons.
#[derive(Clone, Copy)]
pub(in crate::jobs) struct How<'a> {
    /// Supercell, displacements, and what is made of the phonons.
    pub lattice: &'a LatticeDeck,
    /// Whether symmetry saves displacements, and how far (Å) atoms may be off symmetric places.
    pub symmetry: bool,
    pub tolerance: f64,
    /// What is relaxed before, to which longest force (eV/Å).
    pub relax: Relaxed,
    pub fmax: f64,
}

impl<'a> From<&'a PhononsDeck> for How<'a> {
    fn from(job: &'a PhononsDeck) -> How<'a> {
        How {
            lattice: &job.lattice,
            symmetry: job.symmetry,
            tolerance: job.tolerance,
            relax: job.relax,
            fmax: job.fmax,
        }
    }
}

/// What of the cell a relaxation may change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::jobs) enum Freedom {
    /// As the deck says.
    Deck,
    /// The shape, at this volume (Å^3), where the deck relaxes the cell.
    Shape,
}

/// Relaxes a unit cell and finds out what to displace. Errors name `place`, where the unit cell comes from.
pub(in crate::jobs) fn prepare(
    place: &Path,
    job: &How<'_>,
    models: &[Term],
    mut unit: System,
    freedom: Freedom,
) -> Result<Crystal> {
    let (terms, _) = parts::fit_terms(models, &unit, place)?;
    let mut evaluator = Evaluator::new(terms, SKIN);
    parts::check_elements(&evaluator, &unit.atoms.distinct_elements(), place)?;
    let mut settings = Settings::atoms(job.fmax);
    let changes_cell = evaluator.gives_virial() && evaluator.fixed_cell().is_none();
    if job.relax == Relaxed::Cell && changes_cell {
        let all = StrainSpace::components([true; 6]);
        let strains = match freedom {
            Freedom::Deck => all,
            Freedom::Shape => all.at_constant_volume(),
        };
        settings.cell = Some(CellSettings {
            strains,
            ..CellSettings::default()
        });
    }
    let (mut trouble, mut steps) = (None, 0);
    if job.relax != Relaxed::Nothing {
        let outcome = relax::relax(&mut unit, &mut evaluator, &settings, &mut |_| true)?;
        steps = outcome.steps;
        if let relax::End::Failed(e) = outcome.end {
            let (reason, advice) = parts::describe_evaluation_error(e, &unit);
            return Err(Error::file(place, reason).advise(advice));
        }
        if outcome.end != relax::End::Converged {
            trouble = Some(format!(
                "the crystal is not relaxed ({}): the longest force is {:.1e} eV/Å",
                outcome.end.word(),
                outcome.measure.fmax
            ));
        }
    }
    let mut result = [Evaluation::default()];
    let virial = evaluator.gives_virial();
    let want = Want {
        forces: true,
        virial,
        ..Want::ENERGY
    };
    evaluator
        .evaluate(&[unit.configuration()], want, &mut result)
        .map_err(|e| {
            let (reason, advice) = parts::describe_evaluation_error(e, &unit);
            Error::file(place, reason).advise(advice)
        })?;
    let volume = unit.cell.volume().unwrap_or(1.0);
    let stress = virial.then(|| result[0].virial.map(|row| row.map(|w| -w / volume)));
    let lattice = job.lattice;
    let copies = lattice
        .supercell
        .unwrap_or_else(|| copies_for(&unit.cell, lattice.width));
    let supercell = Supercell::new(&unit, copies, job.tolerance, job.symmetry)
        .map_err(|e| e.within(&place.display().to_string()))?;
    Ok(Crystal {
        displacements: displacements(&supercell, lattice.displacement)?,
        supercell,
        energy: result[0].energy,
        fmax: parts::longest_force(&result[0].forces),
        stress,
        trouble,
        steps,
    })
}

impl Crystal {
    /// The evaluator of its supercell.
    pub fn evaluator(&self, place: &Path, models: &[Term]) -> Result<Evaluator> {
        let system = &self.supercell.system;
        let (terms, _) = parts::fit_terms(models, system, place)?;
        Ok(Evaluator::new(terms, SKIN))
    }

    /// Its phonons, or that the run was stopped.
    pub fn phonons(
        &self,
        label: &str,
        evaluator: &mut Evaluator,
        store: &mut KeptFrames,
        limits: &Limits,
        done: impl FnMut(usize),
    ) -> Result<std::result::Result<(ForceConstants, Phonons), Outcome>> {
        let system = &self.supercell.system;
        let all = &self.displacements;
        let found = forces::forces(system, all, label, evaluator, store, limits, done)?;
        Ok(match found {
            Err(outcome) => Err(outcome),
            Ok(forces) => {
                let constants = force_constants(&self.supercell, all, &forces)?;
                let phonons = Phonons::new(&self.supercell, &constants);
                Ok((constants, phonons))
            }
        })
    }

    /// Volume (Å^3) of the primitive cell.
    pub fn primitive_volume(&self) -> f64 {
        self.supercell.unit.cell.volume().unwrap_or(0.0) / self.primitive_cells()
    }

    /// What the quasi-harmonic approximation wants to know of its phonons on a mesh of `count` points, or why it has no use for them.
    pub fn volume_point(
        &self,
        phonons: &Phonons,
        count: [usize; 3],
        lattice: &LatticeDeck,
    ) -> Result<std::result::Result<VolumePoint, String>> {
        let mesh = Mesh::new(count, &phonons.cell, &self.supercell.group.rotations())?;
        let rows = mesh.frequencies(phonons)?;
        if let Some(bad) = imaginary(&mesh, &rows) {
            let lowest = bad.lowest;
            return Ok(Err(format!("imaginary modes down to {lowest:.2} THz")));
        }
        if let Some(why) = &self.trouble {
            return Ok(Err(why.clone()));
        }
        let temperatures = lattice.temperatures();
        let at = |t: &f64| thermal(&mesh, &rows, *t, lattice.nuclei);
        Ok(Ok(VolumePoint {
            volume: self.primitive_volume(),
            energy: self.energy / self.primitive_cells(),
            thermal: temperatures.iter().map(at).collect(),
        }))
    }

    /// Atoms in the primitive cell.
    pub fn primitive_atoms(&self) -> usize {
        self.supercell.primitive.len()
    }

    /// Primitive cells in the unit cell.
    pub fn primitive_cells(&self) -> f64 {
        self.supercell.unit.atoms.len() as f64 / self.primitive_atoms() as f64
    }
}
