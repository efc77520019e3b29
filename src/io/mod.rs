//! Files: trajectories (H5MD), checkpoints, and the atomic replacement of whole files. Knows nothing of dynamics.

pub mod atomic;
pub mod checkpoint;
pub mod h5md;
