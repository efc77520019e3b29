//! What is minimised: the enthalpy as a function of one flat vector, with its gradient.

use super::Settings;
use super::cell::{CellSettings, Deformation};
use super::fire::Field;
use crate::dynamics::barostat::StrainSpace;
use crate::potential::{Configuration, Evaluation, EvaluationError, Evaluator, Want};
use crate::system::{Cell, SpaceGroup, System};
use nalgebra::Matrix3;

/// What a person wants to know of one point.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measure {
    /// Potential energy (eV).
    pub energy: f64,
    /// What is minimised (eV): the energy and the work against the target stress.
    pub enthalpy: f64,
    /// Longest force on an atom (eV/Å), without held directions.
    pub fmax: f64,
    /// The atom with that force.
    pub worst_atom: usize,
    /// Stress (eV/Å^3), tension positive, as ASE has it; zeros where there is no volume or no virial.
    pub stress: [[f64; 3]; 3],
    /// Largest component of stress minus target (eV/Å^3) among the strains that are free; zero when the cell stays.
    pub stress_excess: f64,
    /// Longest row of the residual virial per atom (eV): what ASE's cell filters compare with `fmax`; zero when the cell stays.
    pub cell_force: f64,
    /// Volume (Å^3) of a periodic cell, else zero.
    pub volume: f64,
}

impl Measure {
    /// Whether it fulfils what the settings ask for.
    pub fn converged(&self, settings: &Settings) -> bool {
        let cell = settings.cell.as_ref().is_none_or(|c| match c.tolerance {
            Some(tolerance) => self.stress_excess <= tolerance,
            None => self.cell_force <= settings.fmax,
        });
        self.fmax <= settings.fmax && cell
    }
}

/// A place in the space of what is varied, and what was found there.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Point {
    /// Positions in the frame of the reference cell (Å), three for each atom; then the scaled strains (Å).
    pub x: Vec<f64>,
    /// Derivative of the enthalpy by each.
    pub gradient: Vec<f64>,
    /// What else was found.
    pub measure: Measure,
    /// Forces on the atoms (eV/Å), zero along held directions.
    pub forces: Vec<[f64; 3]>,
    /// Virial (eV).
    pub virial: [[f64; 3]; 3],
    /// Whether the gradient is small enough by itself. It differs from the stress when the target has shear and the strain is not
    /// small: then the reference must be taken anew.
    pub settled: bool,
}

/// The enthalpy of a system as a function of one flat vector.
pub(super) struct Objective<'a> {
    pub system: &'a mut System,
    evaluator: &'a mut Evaluator,
    settings: &'a Settings,
    result: [Evaluation; 1],
    /// The cell in whose frame the positions are varied.
    reference: Cell,
    /// Length (Å) by which strains are multiplied, so that they are as stiff as atoms.
    scale: f64,
    /// The symmetry that is kept.
    group: Option<SpaceGroup>,
    /// Number of evaluations.
    pub calls: u64,
}

impl<'a> Objective<'a> {
    /// Of a system, with its cell as the reference.
    pub fn new(
        system: &'a mut System,
        evaluator: &'a mut Evaluator,
        settings: &'a Settings,
        group: Option<SpaceGroup>,
    ) -> Objective<'a> {
        let reference = system.cell.clone();
        let scale = strain_scale(&reference, system.atoms.len());
        Objective {
            system,
            evaluator,
            settings,
            result: [Evaluation::default()],
            reference,
            scale,
            group,
            calls: 0,
        }
    }

    /// Number of degrees of freedom, held ones included.
    pub fn len(&self) -> usize {
        3 * self.system.atoms.len() + self.strains()
    }

    /// Number of strains that are varied.
    pub fn strains(&self) -> usize {
        self.settings.cell.as_ref().map_or(0, |c| c.strains.len())
    }

    /// The cell in whose frame positions are varied.
    pub fn reference(&self) -> &Cell {
        &self.reference
    }

    /// Length (Å) by which strains are multiplied.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The settings.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// Whether something acts on the atoms from outside of a model.
    pub fn is_external(&self) -> bool {
        self.evaluator.has_external()
    }

    /// Takes a cell of before as the reference.
    pub fn refer_to(&mut self, reference: Cell) {
        self.scale = strain_scale(&reference, self.system.atoms.len());
        self.reference = reference;
    }

    /// Cell and positions from which the neighbour lists were built.
    pub fn lists(&self) -> Option<(&Cell, &[[f64; 3]])> {
        self.evaluator.reference(0)
    }

    /// Builds the neighbour lists from a cell and positions of before.
    pub fn build_lists(
        &mut self,
        cell: &Cell,
        positions: &[[f64; 3]],
    ) -> Result<(), EvaluationError> {
        let configuration = Configuration {
            cell,
            elements: &self.system.atoms.elements,
            positions,
        };
        self.evaluator.build_lists(0, configuration)
    }

    /// Takes the present cell as the reference; afterwards the strains are zero.
    pub fn rebase(&mut self, x: &mut [f64]) {
        self.reference = self.system.cell.clone();
        self.scale = strain_scale(&self.reference, self.system.atoms.len());
        self.place(x);
    }

    /// The strains that are varied, over the length that scales them.
    pub fn strain_basis(&self) -> Vec<Matrix3<f64>> {
        let unit = |space: &StrainSpace, k: usize| {
            let one: Vec<f64> = (0..space.len())
                .map(|i| f64::from(u8::from(i == k)))
                .collect();
            space.matrix(&one) / self.scale
        };
        let space = self.settings.cell.as_ref().map(|c| &c.strains);
        space.map_or_else(Vec::new, |s| (0..s.len()).map(|k| unit(s, k)).collect())
    }

    /// Leaves of a displacement what the symmetry that is kept allows.
    pub fn symmetrise(&self, displacement: &mut [f64]) {
        let (Some(group), n) = (&self.group, 3 * self.system.atoms.len()) else {
            return;
        };
        let (of_atoms, of_strains) = displacement.split_at_mut(n);
        let (vectors, _) = of_atoms.as_chunks_mut::<3>();
        group.symmetrise_vectors(vectors);
        if let Some(cell) = &self.settings.cell {
            let kept = group.symmetrise_tensor(&cell.strains.matrix(of_strains));
            for (k, u) in of_strains.iter_mut().enumerate() {
                *u = cell.strains.component(k, &kept);
            }
        }
    }

    /// Builds the neighbour lists anew from where the system is.
    pub fn renew_lists(&mut self) -> Result<(), EvaluationError> {
        self.evaluator.build_lists(0, self.system.configuration())
    }

    /// Writes the present positions as a point whose strains are zero.
    pub fn place(&self, x: &mut [f64]) {
        let atoms = 3 * self.system.atoms.len();
        x[..atoms].copy_from_slice(self.system.atoms.positions.as_flattened());
        x[atoms..].fill(0.0);
    }

    /// The strain of a point.
    pub fn strain(&self, x: &[f64]) -> Matrix3<f64> {
        let atoms = 3 * self.system.atoms.len();
        match &self.settings.cell {
            Some(cell) => cell.strains.matrix(&x[atoms..]) / self.scale,
            None => Matrix3::zeros(),
        }
    }

    /// Moves the system to a point. `None` when its cell would be no cell.
    pub fn go(&mut self, x: &[f64]) -> Option<Deformation> {
        let filter = self
            .settings
            .cell
            .as_ref()
            .map_or_else(Default::default, |c| c.filter);
        let deformation = Deformation::of(filter, &self.strain(x))?;
        let rigid = self.strains() == 0;
        let points = x.chunks_exact(3).zip(&mut self.system.atoms.positions);
        if rigid {
            points.for_each(|(x, r)| r.copy_from_slice(x));
            return Some(deformation);
        }
        let f = &deformation.f;
        for (x, r) in points {
            for k in 0..3 {
                r[k] = x[0] * f[(0, k)] + x[1] * f[(1, k)] + x[2] * f[(2, k)];
            }
        }
        self.system.cell = self.reference.deformed(f).ok()?;
        Some(deformation)
    }

    /// Evaluates at `point.x` and fills in the rest.
    pub fn evaluate(&mut self, point: &mut Point) -> Result<(), EvaluationError> {
        let not_finite = EvaluationError::NotFinite {
            member: 0,
            atom: None,
        };
        let deformation = self.go(&point.x).ok_or(not_finite)?;
        self.calls += 1;
        let want = Want {
            forces: true,
            virial: self.settings.cell.is_some() || self.evaluator.gives_virial(),
            ..Want::ENERGY
        };
        self.evaluator
            .evaluate(&[self.system.configuration()], want, &mut self.result)?;
        let strains = self.strains();
        let result = &mut self.result[0];
        let finite =
            result.energy.is_finite() && result.forces.as_flattened().iter().all(|f| f.is_finite());
        if !finite {
            return Err(not_finite);
        }
        let mut w = Matrix3::from_fn(|i, j| 0.5 * (result.virial[i][j] + result.virial[j][i]));
        if let Some(group) = &self.group {
            group.symmetrise_vectors(&mut result.forces);
            w = group.symmetrise_tensor(&w);
        }
        for (f, held) in result.forces.iter_mut().zip(&self.settings.held) {
            for k in 0..3 {
                if held[k] {
                    f[k] = 0.0;
                }
            }
        }
        let n = 3 * self.system.atoms.len();
        point.gradient.resize(n + strains, 0.0);
        let (by_atoms, by_strains) = point.gradient.split_at_mut(n);
        let mut m = Measure {
            energy: result.energy,
            enthalpy: result.energy,
            ..Measure::default()
        };
        let mut longest = 0.0;
        for (a, f) in result.forces.iter().enumerate() {
            let squared = f[0] * f[0] + f[1] * f[1] + f[2] * f[2];
            if squared > longest {
                longest = squared;
                m.worst_atom = a;
            }
        }
        m.fmax = longest.sqrt();
        let f = &deformation.f;
        for (g, force) in by_atoms.chunks_exact_mut(3).zip(&result.forces) {
            for k in 0..3 {
                g[k] = if self.settings.cell.is_some() {
                    -(force[0] * f[(k, 0)] + force[1] * f[(k, 1)] + force[2] * f[(k, 2)])
                } else {
                    -force[k]
                };
            }
        }
        for (g, held) in by_atoms.chunks_exact_mut(3).zip(&self.settings.held) {
            for k in 0..3 {
                if held[k] {
                    g[k] = 0.0;
                }
            }
        }
        if let Some(volume) = self.system.cell.volume() {
            m.volume = volume;
            m.stress = std::array::from_fn(|i| std::array::from_fn(|j| -w[(i, j)] / volume));
        }
        point.settled = m.fmax <= self.settings.fmax;
        if let Some(cell) = &self.settings.cell {
            let strain = cell.strains.matrix(&point.x[n..]) / self.scale;
            point.settled &= by_cell(
                cell,
                self.settings.fmax,
                &w,
                &deformation,
                &strain,
                &self.reference,
                self.system.atoms.len(),
                &mut m,
                by_strains,
            );
            by_strains.iter_mut().for_each(|g| *g /= self.scale);
        }
        point.measure = m;
        point.forces.clone_from(&self.result[0].forces);
        point.virial = std::array::from_fn(|i| std::array::from_fn(|j| w[(i, j)]));
        Ok(())
    }

    /// How long a step is, in units of the longest that is allowed.
    pub fn length_of(&self, step: &[f64]) -> f64 {
        let n = 3 * self.system.atoms.len();
        let longest = step[..n]
            .chunks_exact(3)
            .map(|d| d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
            .fold(0.0, f64::max)
            .sqrt();
        let strain = step[n..].iter().map(|u| u * u).sum::<f64>().sqrt() / self.scale;
        (longest / self.settings.max_move).max(strain / LARGEST_STRAIN)
    }
}

impl Field for Objective<'_> {
    fn evaluate(&mut self, point: &mut Point) -> Result<(), EvaluationError> {
        Objective::evaluate(self, point)
    }

    fn length_of(&self, step: &[f64]) -> f64 {
        Objective::length_of(self, step)
    }
}

/// Largest strain of one step.
const LARGEST_STRAIN: f64 = 0.05;

/// Length by which a strain is multiplied so that it is about as stiff as an atom: the second derivatives are V C for a strain
/// and about C d for an atom in a solid with the elastic constant C and the distance d between atoms.
fn strain_scale(cell: &Cell, atoms: usize) -> f64 {
    let atoms = atoms.max(1) as f64;
    let volume = cell.volume().unwrap_or(10.0 * atoms);
    atoms.sqrt() * (volume / atoms).cbrt()
}

/// Adds the enthalpy and its gradient by the strains (per unit of strain), and how far the stress is from its target. Whether the gradient
/// by the strains is within the tolerance.
fn by_cell(
    cell: &CellSettings,
    fmax: f64,
    w: &Matrix3<f64>,
    deformation: &Deformation,
    strain: &Matrix3<f64>,
    reference: &Cell,
    atoms: usize,
    m: &mut Measure,
    gradient: &mut [f64],
) -> bool {
    let space = &cell.strains;
    let (pressure, shear) = (cell.pressure(), cell.shear());
    let before = reference.volume().unwrap_or(0.0);
    m.enthalpy += pressure * m.volume - before * shear.dot(strain);
    // dH = -(W - P V):(F^-1 dF) - V0 s:dU.
    let pressed = w - Matrix3::identity() * (pressure * m.volume);
    let inverse = deformation.f.try_inverse().unwrap_or_else(Matrix3::zeros);
    let by_strain = deformation.pull_back(&(-(inverse.transpose() * pressed))) - shear * before;
    for (k, g) in gradient.iter_mut().enumerate() {
        *g = space.component(k, &by_strain);
    }
    // The true residual, of the stress as it is: what the strains that are free see of it.
    let free = |m: &Matrix3<f64>| {
        let parts: Vec<f64> = (0..space.len()).map(|k| space.component(k, m)).collect();
        space.matrix(&parts)
    };
    let longest_row =
        |m: &Matrix3<f64>| (0..3).map(|k| m.row(k).norm()).fold(0.0, f64::max) / atoms as f64;
    let residual = free(&(pressed + shear * m.volume));
    m.cell_force = longest_row(&residual);
    m.stress_excess = residual.amax() / m.volume;
    match cell.tolerance {
        Some(tolerance) => free(&by_strain).amax() / m.volume <= tolerance,
        None => longest_row(&free(&by_strain)) <= fmax,
    }
}
