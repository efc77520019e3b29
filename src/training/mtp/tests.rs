//! Tests of the training of moment tensor potentials.

mod levels;
