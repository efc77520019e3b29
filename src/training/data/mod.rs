//! Labelled frames: where they come from, whether they can be believed, and how they are split.

mod checks;
mod fingerprint;
mod labelled;
mod source;
mod split;
#[cfg(test)]
mod tests;

pub use checks::{Doubt, doubts};
pub use fingerprint::duplicates;
pub use labelled::LabelledFrame;
pub use source::{Keys, Source};
pub use split::{Method, Parts, Split};
