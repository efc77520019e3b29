//! Path integrals: exact moments of the discrete step, distributions for finite numbers of beads, and the dynamics.
//!
//! The cases are those of exactly soluble systems: what is compared is the value for the number of beads at hand, not the quantum
//! limit. Statistical tests have fixed seeds, bounds of 4 standard errors (a false alarm in 16 000) and a largest error.

#[path = "../common/mod.rs"]
mod common;

mod deterministic;
mod fields;
mod gases;
mod lattice;
mod sampled;
