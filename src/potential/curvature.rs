//! Second derivatives in closed form, for potentials that have them.

use super::{Configuration, EvaluationError, Evaluator, Member, Term};
use crate::neighbours::VerletList;

/// Takes the block of second derivatives of two atoms.
pub type Block<'a> = dyn FnMut(usize, usize, &[[f64; 3]; 3]) + 'a;

/// Second derivatives of the energy of a potential in closed form.
///
/// They are handed out as 3×3 blocks, so that the same method serves a full Hessian, a sparse one and products with vectors.
pub trait Curvature: Send + Sync {
    /// Calls `block(i, j, h)` with h\[a\]\[b\] = d²E/dx(i, a) dx(j, b) (eV/Å²), for atoms `i` and `j` of the configuration.
    ///
    /// Each pair of atoms comes in one order only, and may come in several parts, which add up; the block of (j, i) is the
    /// transposed one. Blocks with i = j are symmetric.
    fn blocks(&self, member: Member<'_>, block: &mut Block<'_>) -> Result<(), EvaluationError>;
}

impl Term {
    /// Whether the second derivatives of the term are known in closed form.
    pub fn has_curvature(&self) -> bool {
        self.potential.curvature().is_some()
    }
}

impl Evaluator {
    /// The second derivatives of all terms that have them in closed form ([`Term::has_curvature`]), block by block as in
    /// [`Curvature::blocks`]. The lists are those of member 0.
    pub fn curvature(
        &mut self,
        configuration: Configuration<'_>,
        block: &mut Block<'_>,
    ) -> Result<(), EvaluationError> {
        self.keep_lists(0, configuration)?;
        for (term, group) in self.terms.iter().zip(&self.group_of) {
            let Some(curvature) = term.potential.curvature() else {
                continue;
            };
            let list = group.and_then(|g| self.groups[g].1.first());
            let member = Member {
                configuration,
                neighbours: list.map(VerletList::list),
            };
            curvature.blocks(member, &mut |i, j, h| {
                block(i, j, &h.map(|row| row.map(|x| term.scale * x)));
            })?;
        }
        Ok(())
    }
}
