//! Fields in which independent particles move.

use crate::common::wells;
use std::sync::Arc;
use zundel::potential::{
    Description, Evaluation, EvaluationError, Evaluator, Gives, Member, Potential, Term, Want,
    Workspace,
};
use zundel::system::{Cell, System};
use zundel::units::{BOLTZMANN, HBAR};

/// A sum over atoms and axes of an energy of one coordinate.
pub struct Field {
    description: Description,
    /// Energy and its derivative.
    of: fn(f64) -> [f64; 2],
}

impl Potential for Field {
    fn description(&self) -> &Description {
        &self.description
    }

    fn evaluate(
        &self,
        members: &[Member<'_>],
        want: Want,
        _workspace: &mut Workspace,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        for (m, r) in members.iter().zip(results) {
            for (i, x) in m.configuration.positions.iter().enumerate() {
                for k in 0..3 {
                    let [v, dv] = (self.of)(x[k]);
                    r.energy += v;
                    if want.forces {
                        r.forces[i][k] -= dv;
                    }
                    if want.virial {
                        r.virial[k][k] -= dv * x[k];
                    }
                }
            }
        }
        Ok(())
    }
}

/// A field as a term.
pub fn term(name: &str, of: fn(f64) -> [f64; 2]) -> Term {
    let gives = Gives {
        virial: true,
        ..Gives::default()
    };
    let description = Description {
        gives,
        ..Description::default()
    };
    Term::new(name, Arc::new(Field { description, of }))
}

/// An evaluator of one field.
pub fn field(of: fn(f64) -> [f64; 2]) -> Evaluator {
    Evaluator::new(vec![term("field", of)], 0.5)
}

/// The temperature (K) at which kT is one eV.
pub fn unit_temperature() -> f64 {
    1.0 / BOLTZMANN
}

/// The mass (amu) with which ħ is one in units of Å, eV and sqrt(amu/eV) Å, when the spring constant is one.
pub fn quantum_mass() -> f64 {
    HBAR * HBAR
}

/// Atoms of one mass (amu) at the origin.
pub fn particles(n: usize, mass: f64) -> System {
    wells::particles(n, mass, Cell::isolated())
}
