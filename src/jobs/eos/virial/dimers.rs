//! Energies and forces of two molecules in many orientations, from far away inwards.

use super::molecule::Molecule;
use crate::analysis::second_virial::{self, Interaction, SecondVirial};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, parts};
use crate::potential::{Evaluation, Evaluator, Term, Want};
use crate::random::{Purpose, Stream};
use crate::system::{Atoms, Cell, Configuration, System};
use crate::units::BOLTZMANN;
use crate::vector::{cross, dot, minus};
use nalgebra::UnitQuaternion;
use std::path::Path;

/// Where the atoms of two molecules are (Å).
type Positions = Vec<[f64; 3]>;

/// In units of kT at the highest temperature: two molecules with more than this overlap, and nearer they do so all the more.
const WALL: f64 = 40.0;
/// Atoms of two molecules that are nearer than this share of the sum of their covalent radii overlap, whatever the model says.
const NEAREST: f64 = 0.4;
/// Most dimers in a batch, and most atoms.
const BATCH: usize = 256;
const ATOMS: usize = 20_000;

/// Two molecules in one of the orientations.
struct Pose {
    shift: usize,
    turns: [UnitQuaternion<f64>; 2],
    geometries: [usize; 2],
    /// Whether they are still apart.
    apart: bool,
    /// The energy (eV) at the last distance.
    last: f64,
}

/// Energies at one distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shell {
    /// Distance of the centres of mass (Å).
    pub r: f64,
    /// The lowest energy of any orientation (eV); none when all overlap.
    pub lowest: Option<f64>,
    /// The mean over all orientations (eV); none when some overlap.
    pub mean: Option<f64>,
    /// Share of the orientations that overlap.
    pub overlap: f64,
}

/// What was found beside the sums.
pub(super) struct Found {
    pub shells: Vec<Shell>,
    /// The dimer of lowest energy (eV), and the distance of its centres (Å).
    pub deepest: Option<(f64, f64, System)>,
    /// Orientations in which atoms came together without a wall.
    pub without_wall: usize,
    /// Dimers that were evaluated.
    pub evaluated: usize,
}

/// Two molecules of these kinds.
pub(super) struct Pair<'a> {
    pub molecules: [&'a Molecule; 2],
    pub elements: Vec<Element>,
    /// Energies (eV) of each geometry alone.
    alone: [Vec<f64>; 2],
    /// Of the pair.
    evaluator: Evaluator,
    place: &'a Path,
    quantum: bool,
}

impl<'a> Pair<'a> {
    /// Makes the potential for two molecules that are `apart` (Å).
    pub fn new(
        models: &[Term],
        molecules: [&'a Molecule; 2],
        apart: f64,
        quantum: bool,
        place: &'a Path,
    ) -> Result<Pair<'a>> {
        let elements = [&molecules[0].elements[..], &molecules[1].elements].concat();
        let mut both = Atoms::default();
        for (k, m) in molecules.iter().enumerate() {
            both.elements.extend_from_slice(&m.elements);
            both.masses.extend_from_slice(&m.masses);
            let away = [apart * k as f64, 0.0, 0.0];
            m.geometries[0].place(&UnitQuaternion::identity(), away, &mut both.positions);
        }
        both.velocities = vec![[0.0; 3]; both.positions.len()];
        let system = System {
            cell: Cell::isolated(),
            atoms: both,
        };
        let (terms, _) = parts::fit_terms(models, &system, place)?;
        let evaluator = Evaluator::new(terms, 0.0);
        parts::check_elements(&evaluator, &system.atoms.distinct_elements(), place)?;
        let alone = [
            alone(models, molecules[0], place)?,
            alone(models, molecules[1], place)?,
        ];
        Ok(Pair {
            molecules,
            elements,
            alone,
            evaluator,
            place,
            quantum,
        })
    }

    /// Cutoffs (Å) of the potential.
    pub fn cutoffs(&self) -> Vec<f64> {
        let terms = self.evaluator.terms().iter();
        terms
            .filter_map(|t| Some(t.potential.description().neighbours?.cutoff))
            .collect()
    }

    /// Dimers of one batch.
    fn batch(&self) -> usize {
        (ATOMS / self.elements.len().max(1)).clamp(1, BATCH)
    }

    /// Sums over all distances and orientations; `done` hears of each distance. Or why it was stopped.
    pub fn sum(
        &mut self,
        sums: &mut SecondVirial,
        [orientations, shifts]: [usize; 2],
        seed: u64,
        hottest: f64,
        limits: &Limits,
        done: &mut dyn FnMut(usize),
    ) -> Result<std::result::Result<Found, Outcome>> {
        let mut poses = self.poses(orientations, shifts, seed);
        let wall = WALL * BOLTZMANN * hottest;
        let mut found = Found {
            shells: Vec::new(),
            deepest: None,
            without_wall: 0,
            evaluated: 0,
        };
        for n in 0..sums.nodes().len() {
            let r = sums.nodes()[n].r;
            let (mut lowest, mut total, mut overlap) = (f64::INFINITY, 0.0, 0);
            let near: Vec<usize> = (0..poses.len()).filter(|k| poses[*k].apart).collect();
            let mut held: Vec<usize> = Vec::new();
            for k in near {
                if self.touches(&poses[k], r) {
                    found.without_wall += usize::from(poses[k].last < 0.1 * wall);
                    poses[k].apart = false;
                } else {
                    held.push(k);
                }
            }
            for batch in held.chunks(self.batch()) {
                if let Some(outcome) = limits.reached() {
                    return Ok(Err(outcome));
                }
                let chosen: Vec<&Pose> = batch.iter().map(|k| &poses[*k]).collect();
                let (energies, placed) = self.interactions(&chosen, r)?;
                found.evaluated += batch.len();
                for ((&k, what), positions) in batch.iter().zip(energies).zip(placed) {
                    if what.energy > wall {
                        poses[k].apart = false;
                        continue;
                    }
                    sums.add(n, poses[k].shift, what);
                    poses[k].last = what.energy;
                    total += what.energy;
                    lowest = lowest.min(what.energy);
                    if found.deepest.as_ref().is_none_or(|d| what.energy < d.0) {
                        found.deepest = Some((what.energy, r, self.system(positions)));
                    }
                }
            }
            overlap += poses.iter().filter(|p| !p.apart).count();
            found.shells.push(Shell {
                r,
                lowest: lowest.is_finite().then_some(lowest),
                mean: (overlap == 0).then(|| total / poses.len() as f64),
                overlap: overlap as f64 / poses.len() as f64,
            });
            done(1);
        }
        Ok(Ok(found))
    }

    /// The orientations of all shifts.
    fn poses(&self, orientations: usize, shifts: usize, seed: u64) -> Vec<Pose> {
        // Three numbers turn a molecule, one chooses its geometry; the first molecules's turn about the line is the second's.
        let pose = |shift: usize, u: &[f64]| {
            let turn = |k: usize| {
                if self.molecules[k].is_atom() {
                    UnitQuaternion::identity()
                } else {
                    second_virial::orientation([u[4 * k], u[4 * k + 1], u[4 * k + 2]])
                }
            };
            let geometry = |k: usize| {
                let n = self.molecules[k].geometries.len();
                ((u[4 * k + 3] * n as f64) as usize).min(n - 1)
            };
            Pose {
                shift,
                turns: [turn(0), turn(1)],
                geometries: [geometry(0), geometry(1)],
                apart: true,
                last: 0.0,
            }
        };
        let mut all = Vec::with_capacity(orientations * shifts);
        for shift in 0..shifts {
            let mut stream = Stream::new(seed, Purpose::Quadrature, shift as u64, 0, 0);
            let by: Vec<f64> = (0..8).map(|_| stream.uniform()).collect();
            let points = second_virial::sequence(orientations, &by);
            all.extend(points.iter().map(|u| pose(shift, u)));
        }
        all
    }

    /// Positions of both, the second at the distance along z.
    fn place(&self, pose: &Pose, r: f64) -> Vec<[f64; 3]> {
        let mut out = Vec::with_capacity(self.elements.len());
        for k in 0..2 {
            let centre = [0.0, 0.0, r * k as f64];
            let geometry = &self.molecules[k].geometries[pose.geometries[k]];
            geometry.place(&pose.turns[k], centre, &mut out);
        }
        out
    }

    /// Whether atoms of the two are at one place, nearly.
    fn touches(&self, pose: &Pose, r: f64) -> bool {
        let positions = self.place(pose, r);
        let first = self.molecules[0].elements.len();
        let (a, b) = positions.split_at(first);
        a.iter().zip(&self.elements[..first]).any(|(x, e)| {
            b.iter().zip(&self.elements[first..]).any(|(y, f)| {
                let d = minus(*x, *y);
                let least = NEAREST * (e.covalent_radius() + f.covalent_radius());
                dot(d, d) < least * least
            })
        })
    }

    /// What the molecules do to each other in some orientations, and where their atoms are.
    fn interactions(
        &mut self,
        poses: &[&Pose],
        r: f64,
    ) -> Result<(Vec<Interaction>, Vec<Positions>)> {
        let placed: Vec<Positions> = poses.iter().map(|p| self.place(p, r)).collect();
        let want = Want {
            forces: self.quantum,
            ..Want::ENERGY
        };
        let mut results = vec![Evaluation::default(); poses.len()];
        evaluate(
            &mut self.evaluator,
            &self.elements,
            &placed,
            want,
            &mut results,
            self.place,
        )?;
        let [a, b] = self.molecules;
        let first = a.elements.len();
        let reduced = a.mass * b.mass / (a.mass + b.mass);
        let of = |((pose, e), x): ((&&Pose, &Evaluation), &Vec<[f64; 3]>)| {
            let [g, h] = pose.geometries;
            let mut what = Interaction {
                energy: e.energy - self.alone[0][g] - self.alone[1][h],
                ..Interaction::default()
            };
            if self.quantum {
                let mut force = [0.0; 3];
                let mut torques = [[0.0; 3]; 2];
                for (i, f) in e.forces.iter().enumerate() {
                    let k = usize::from(i >= first);
                    let arm = minus(x[i], [0.0, 0.0, r * k as f64]);
                    let torque = cross(arm, *f);
                    (0..3).for_each(|d| {
                        torques[k][d] += torque[d];
                        if k == 0 {
                            force[d] += f[d];
                        }
                    });
                }
                what.translation = dot(force, force) / reduced;
                what.rotation = a.geometries[g].rotation(&pose.turns[0], torques[0])
                    + b.geometries[h].rotation(&pose.turns[1], torques[1]);
            }
            what
        };
        let all = poses.iter().zip(&results).zip(&placed).map(of).collect();
        Ok((all, placed))
    }

    fn system(&self, positions: Vec<[f64; 3]>) -> System {
        let [a, b] = self.molecules;
        System {
            cell: Cell::isolated(),
            atoms: Atoms {
                elements: self.elements.clone(),
                masses: [&a.masses[..], &b.masses].concat(),
                velocities: vec![[0.0; 3]; positions.len()],
                positions,
            },
        }
    }
}

/// Energies (eV) of each geometry of a molecule alone.
fn alone(models: &[Term], molecule: &Molecule, place: &Path) -> Result<Vec<f64>> {
    let positions = molecule.geometries[0].atoms.clone();
    let system = System {
        cell: Cell::isolated(),
        atoms: Atoms {
            elements: molecule.elements.clone(),
            masses: molecule.masses.clone(),
            velocities: vec![[0.0; 3]; positions.len()],
            positions,
        },
    };
    let (terms, _) = parts::fit_terms(models, &system, place)?;
    let mut evaluator = Evaluator::new(terms, 0.0);
    let mut energies = Vec::new();
    for some in molecule.geometries.chunks(BATCH) {
        let placed: Vec<Positions> = some.iter().map(|g| g.atoms.clone()).collect();
        let mut results = vec![Evaluation::default(); some.len()];
        evaluate(
            &mut evaluator,
            &molecule.elements,
            &placed,
            Want::ENERGY,
            &mut results,
            place,
        )?;
        energies.extend(results.iter().map(|r| r.energy));
    }
    Ok(energies)
}

fn evaluate(
    evaluator: &mut Evaluator,
    elements: &[Element],
    placed: &[Vec<[f64; 3]>],
    want: Want,
    results: &mut [Evaluation],
    place: &Path,
) -> Result<()> {
    let cell = Cell::isolated();
    let configurations: Vec<Configuration<'_>> = placed
        .iter()
        .map(|x| Configuration {
            cell: &cell,
            elements,
            positions: x,
        })
        .collect();
    evaluator
        .evaluate(&configurations, want, results)
        .map_err(|e| {
            let system = System {
                cell: Cell::isolated(),
                atoms: Atoms {
                    elements: elements.to_vec(),
                    ..Atoms::default()
                },
            };
            let (reason, advice) = parts::describe_evaluation_error(e, &system);
            Error::file(place, reason).advise(advice)
        })
}
