//! Replica exchange: exact distributions, and runs of the program.

#[path = "../common/mod.rs"]
mod common;
#[path = "../program/mod.rs"]
mod program;

mod exact;
mod runs;
