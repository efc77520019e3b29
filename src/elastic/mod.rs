//! Elasticity of a crystal: constants from stresses under small strains, and what follows from them.
//!
//! Voigt's order is xx, yy, zz, yz, xz, xy; shear strains are engineering strains, 2 ε_yz and so on. Stresses are Cauchy stresses,
//! tension positive.

mod fit;
mod stiffness;

#[cfg(test)]
mod tests;

pub use fit::{Response, fit};
pub use stiffness::{Moduli, Stability, Stiffness};

use nalgebra::Matrix3;

/// The components of Voigt's order.
pub const VOIGT: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)];
/// Their names.
pub const NAMES: [&str; 6] = ["xx", "yy", "zz", "yz", "xz", "xy"];

/// The strain tensor of one component: a shear is half in each of two elements.
pub fn strain_tensor(component: usize, strain: f64) -> Matrix3<f64> {
    let (i, j) = VOIGT[component];
    let mut tensor = Matrix3::zeros();
    if i == j {
        tensor[(i, i)] = strain;
    } else {
        tensor[(i, j)] = 0.5 * strain;
        tensor[(j, i)] = 0.5 * strain;
    }
    tensor
}

/// The six components of a symmetric stress tensor.
pub fn stress_vector(stress: &Matrix3<f64>) -> [f64; 6] {
    VOIGT.map(|(i, j)| 0.5 * (stress[(i, j)] + stress[(j, i)]))
}
