//! Silicon.
