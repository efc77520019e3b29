//! Tests of the training of moment tensor potentials.

mod data;
mod derivatives;
mod fits;
mod levels;
mod measured;
