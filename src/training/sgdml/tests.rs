//! Tests.

mod data;
mod fits;
mod pieces;
mod reference;
