//! A potential without forces, for what else a step costs.

use zundel::potential::{
    Description, Evaluation, EvaluationError, Member, Potential, Want, Workspace,
};

/// Gives no forces; may ask for a neighbour list.
pub struct Nothing(pub Description);

impl Potential for Nothing {
    fn description(&self) -> &Description {
        &self.0
    }
    fn evaluate(
        &self,
        _members: &[Member<'_>],
        _want: Want,
        _workspace: &mut Workspace,
        _results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        Ok(())
    }
}
