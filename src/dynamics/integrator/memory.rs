//! What an integrator remembers from step to step.

use super::Integrator;
use crate::dynamics::{CompensatedSum, State};
use std::collections::BTreeMap;

impl Integrator {
    /// Everything that must be remembered between steps, by name.
    pub fn numbers(&self) -> BTreeMap<String, Vec<f64>> {
        let taken = self.taken;
        let own = vec![taken.sum, taken.compensation, self.kinetic_mid];
        let mut all = BTreeMap::from([("integrator".to_owned(), own)]);
        for (k, b) in self.baths.iter().enumerate() {
            all.insert(format!("thermostat_{k}"), b.thermostat.numbers());
        }
        if let Some(b) = &self.barostat {
            all.insert("barostat".to_owned(), b.numbers());
        }
        if let Some(rings) = &self.rings {
            all.insert("rings".to_owned(), rings.numbers());
        }
        if self.levels.len() > 1 {
            for (k, level) in self.levels.iter().enumerate() {
                let forces = level.evaluation.forces.as_flattened().to_vec();
                all.insert(format!("forces_{k}"), forces);
            }
        }
        all
    }

    /// Takes back what [`numbers`](Self::numbers) gave. Errors with the name that is missing or does not fit.
    ///
    /// `state` is the one that goes on.
    pub fn restore(
        &mut self,
        state: &State,
        numbers: &BTreeMap<String, Vec<f64>>,
    ) -> Result<(), String> {
        self.begin(&state.system.atoms);
        let of = |name: &str| numbers.get(name).map(Vec::as_slice);
        let Some([sum, compensation, mid]) = of("integrator") else {
            return Err("integrator".to_owned());
        };
        self.taken = CompensatedSum {
            sum: *sum,
            compensation: *compensation,
        };
        self.kinetic_mid = *mid;
        for (k, b) in self.baths.iter_mut().enumerate() {
            let name = format!("thermostat_{k}");
            if !of(&name).is_some_and(|n| b.thermostat.restore(n)) {
                return Err(name);
            }
        }
        if let Some(b) = &mut self.barostat
            && !of("barostat").is_some_and(|n| b.restore(n))
        {
            return Err("barostat".to_owned());
        }
        if let Some((rings, state)) = self.rings.as_mut().zip(state.rings.as_ref())
            && !of("rings").is_some_and(|n| rings.restore(n, state.beads(), &self.inverse_masses))
        {
            return Err("rings".to_owned());
        }
        if self.levels.len() > 1 {
            for (k, level) in self.levels.iter_mut().enumerate() {
                let name = format!("forces_{k}");
                let (forces, []) = of(&name).unwrap_or_default().as_chunks::<3>() else {
                    return Err(name);
                };
                if forces.is_empty() {
                    return Err(name);
                }
                level.evaluation.forces = forces.to_vec();
            }
        }
        Ok(())
    }
}
