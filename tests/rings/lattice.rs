//! Neon-like atoms in a skewed box, with rings.

use crate::common;
use zundel::dynamics::State;
use zundel::potential::Evaluator;
use zundel::potential::pair::Scheme;
use zundel::random::{Purpose, normals};
use zundel::system::Cell;

pub fn evaluator() -> Evaluator {
    let lj = common::lennard_jones(common::argon(5.0), Scheme::ForceShifted, false);
    Evaluator::new(lj, 1.0)
}

/// A warm crystal in a box that is neither cubic nor orthogonal, with rings of so many beads.
pub fn state(beads: usize) -> State {
    let mut system = common::fcc("Ne", 5.4, 2);
    common::rattle(&mut system, 0.1, 3);
    let rows = [[10.8, 0.3, 0.0], [0.0, 10.8, -0.2], [0.4, 0.0, 10.8]];
    system.cell = Cell::new(rows, [true; 3]).unwrap();
    let mut state = State::new(system).with_rings(beads);
    let [u, _] = state.rings.as_mut().unwrap().modes_mut();
    normals(5, Purpose::Displacement, 0, 0, 0, 0, u);
    u.iter_mut().for_each(|u| *u *= 0.05);
    state
}
