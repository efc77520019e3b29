//! Moment tensor potentials from data.

pub mod level;
#[cfg(test)]
mod tests;
