//! The Lennard-Jones fluid of 500 atoms against NIST's Monte Carlo and molecular dynamics (Standard Reference Simulation
//! Website): cutoff 3 σ, long-range corrections in energy and pressure. Numbers are in ε, σ and the mass of argon.
