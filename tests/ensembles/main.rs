//! Thermostats and barostats against exact distributions and published averages.
//!
//! The quick ones run with `cargo test`; the long ones, some minutes to some ten of them each, with
//! `cargo test --release --test ensembles -- --ignored --nocapture --test-threads 1`, which prints what the page
//! "What has been checked" of the guide quotes.
//!
//! Every sampled test has fixed seeds, so that it passes or fails alike each time on one kind of processor. Another kind, or a
//! change in the order of operations, draws anew: a mean or a variance within 4 standard errors is then missed by a right
//! program once in 16 000 times, 3 standard errors once in 370, Kolmogorov–Smirnov's p > 1e-3 once in 1000. The standard
//! errors must be below stated bounds, so that a short noisy run cannot pass. Berendsen's couplings are the negative control.

#[path = "../common/mod.rs"]
mod common;
mod conserved;
mod fluid;
mod ratios;
mod silicon;
mod statistics;
mod systems;
mod thermostats;
mod volumes;
