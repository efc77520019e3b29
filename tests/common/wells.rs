//! Springs, gases, and the moments of a discrete step.

use std::sync::Arc;
use zundel::elements::{Element, Species};
use zundel::potential::{
    Description, Evaluation, EvaluationError, Evaluator, Gives, Member, Potential, Term, Want,
    Workspace,
};
use zundel::system::{Atoms, Cell, System};

/// Independent springs (eV/Å²) to the origin, and an energy (eV) of the cell's shape: stiffness × (tr H Hᵀ/V^(2/3) - 3),
/// which does not depend on the volume. With both zero an ideal gas. The virial of the springs is left out.
struct Wells {
    description: Description,
    stiffness: f64,
    shape: f64,
}

impl Potential for Wells {
    fn description(&self) -> &Description {
        &self.description
    }

    fn evaluate(
        &self,
        members: &[Member<'_>],
        _want: Want,
        _workspace: &mut Workspace,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        for (m, r) in members.iter().zip(results) {
            for (x, f) in m.configuration.positions.iter().zip(&mut r.forces) {
                for k in 0..3 {
                    r.energy += 0.5 * self.stiffness * x[k] * x[k];
                    f[k] -= self.stiffness * x[k];
                }
            }
            if self.shape > 0.0 {
                let metric = metric(m.configuration.cell);
                let trace = metric.trace();
                r.energy += self.shape * (trace - 3.0);
                for i in 0..3 {
                    for j in 0..3 {
                        let sphere = if i == j { trace / 3.0 } else { 0.0 };
                        r.virial[i][j] -= 2.0 * self.shape * (metric[(i, j)] - sphere);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Σ a ⊗ a over the cell vectors by V^(2/3): the identity in a cube, changed by strains but not by the volume.
pub fn metric(cell: &Cell) -> nalgebra::Matrix3<f64> {
    let rows = cell.row_vectors();
    let h = nalgebra::Matrix3::from_fn(|i, j| rows[i][j]);
    h.transpose() * h / cell.volume().unwrap().powf(2.0 / 3.0)
}

pub fn wells(stiffness: f64, shape: f64) -> Evaluator {
    let gives = Gives {
        virial: true,
        ..Gives::default()
    };
    let description = Description {
        gives,
        ..Description::default()
    };
    let potential: Arc<dyn Potential> = Arc::new(Wells {
        description,
        stiffness,
        shape,
    });
    Evaluator::new(vec![Term::new("wells", potential)], 0.5)
}

/// Atoms of one mass (amu) at the origin.
pub fn particles(n: usize, mass: f64, cell: Cell) -> System {
    let mut atoms = Atoms::default();
    let element = Element::from_symbol("H").unwrap();
    (0..n).for_each(|_| atoms.push(Species { element, mass }, [0.0; 3]));
    System { cell, atoms }
}

/// The stationary covariance <x²>, <xp>, <p²> of a step z → M z + noise with the covariance `q` (of xx, xp, pp): the solution
/// of S = M S Mᵀ + Q.
pub fn stationary(m: [[f64; 2]; 2], q: [f64; 3]) -> nalgebra::Vector3<f64> {
    // Unknowns S00, S01, S11.
    let row = |i: usize, j: usize| {
        let s = |k: usize, l: usize| m[i][k] * m[j][l];
        [s(0, 0), s(0, 1) + s(1, 0), s(1, 1)]
    };
    let rows = [row(0, 0), row(0, 1), row(1, 1)];
    let matrix = nalgebra::Matrix3::from_fn(|i, j| f64::from(u8::from(i == j)) - rows[i][j]);
    matrix.lu().solve(&nalgebra::Vector3::from(q)).unwrap()
}
