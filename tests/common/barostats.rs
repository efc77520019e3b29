//! Every barostat by its name.

use zundel::dynamics::Ramp;
use zundel::dynamics::barostat::{Barostat, CellRescaling, Method, Piston, StrainSpace};
use zundel::units::BOLTZMANN;

/// What a barostat is made for.
#[derive(Clone, Copy)]
pub struct Surroundings {
    /// eV/Å^3.
    pub pressure: f64,
    /// K.
    pub temperature: f64,
    /// Degrees of freedom of the atoms.
    pub freedom: usize,
    pub atoms: usize,
    /// Bulk modulus (eV/Å^3), about.
    pub modulus: f64,
    /// Relaxation time (internal time).
    pub tau: f64,
    pub seed: u64,
}

pub const BAROSTATS: [&str; 3] = ["rescaling", "mtk", "bzp"];

pub fn barostat(name: &str, space: StrainSpace, s: Surroundings) -> Barostat {
    let kt = BOLTZMANN * s.temperature;
    let method = match name {
        "rescaling" => Method::Rescaling(CellRescaling::new(1.0 / s.modulus, s.tau, s.seed)),
        "berendsen" => Method::Rescaling(CellRescaling::berendsen(1.0 / s.modulus, s.tau)),
        "mtk" => Method::Piston(Piston::mtk(&space, s.freedom, kt, s.tau, 3, 1)),
        "bzp" => Method::Piston(Piston::bzp(&space, s.atoms, kt, s.tau, 1.0 / s.tau, s.seed)),
        _ => unreachable!("{name}"),
    };
    let (p, zero) = (Ramp::constant(s.pressure), Ramp::constant(0.0));
    Barostat {
        space,
        target: [p, p, p, zero, zero, zero],
        temperature: Ramp::constant(s.temperature),
        method,
    }
}
