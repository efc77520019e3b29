//! Zundel.
