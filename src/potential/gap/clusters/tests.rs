//! Terms on three atoms.
