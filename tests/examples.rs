//! The examples of the manual run, and what they promise holds.

#[path = "../examples/own_potential.rs"]
#[allow(dead_code)]
mod own_potential;

#[test]
fn own_potential_runs() {
    own_potential::main().expect("the example checks itself");
}
