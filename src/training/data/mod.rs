//! Labelled frames: where they come from, whether they can be believed, and how they are split.

mod labelled;

pub use labelled::LabelledFrame;
