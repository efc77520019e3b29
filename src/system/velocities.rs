//! Velocities: thermal ones, what they add up to, and the removal of rigid motion.

use super::Atoms;
use crate::random::{Purpose, Stream};
use crate::simd::{fma, simd_dispatch};
use crate::units::BOLTZMANN;
use nalgebra::{Matrix3, SymmetricEigen, U3, Vector3};

/// Total kinetic energy (eV).
pub fn kinetic_energy(atoms: &Atoms) -> f64 {
    let mut twice = [0.0; BLOCK];
    squares(atoms.velocities.as_flattened(), &atoms.masses, &mut twice);
    0.5 * twice.iter().sum::<f64>()
}

/// The kinetic part of the pressure tensor times the volume (eV): the sum of m v⊗v.
pub fn kinetic_tensor(atoms: &Atoms) -> [[f64; 3]; 3] {
    let mut sums = [[0.0; BLOCK]; 3];
    products(atoms.velocities.as_flattened(), &atoms.masses, &mut sums);
    // A component times the one that stands d places further belongs to an atom when both are its own.
    let of =
        |d: usize, component: usize| -> f64 { sums[d].iter().skip(component).step_by(3).sum() };
    let (xy, yz, xz) = (of(1, 0), of(1, 1), of(2, 0));
    [[of(0, 0), xy, xz], [xy, of(0, 1), yz], [xz, yz, of(0, 2)]]
}

/// Components of four atoms, which fill whole SIMD vectors.
const BLOCK: usize = 12;

simd_dispatch! {
    /// Sums of m v² by place in a block.
    fn squares(v: &[f64], masses: &[f64], sums: &mut [f64; BLOCK]) = squares_body;
}

#[inline(always)]
fn squares_body<const FMA: bool>(v: &[f64], masses: &[f64], sums: &mut [f64; BLOCK]) {
    let mut own = *sums;
    let (whole, rest) = v.as_chunks::<BLOCK>();
    let (mass_blocks, mass_rest) = masses.as_chunks::<{ BLOCK / 3 }>();
    for (v, m) in whole.iter().zip(mass_blocks) {
        for e in 0..BLOCK {
            own[e] = fma::<FMA>(m[e / 3] * v[e], v[e], own[e]);
        }
    }
    for (e, v) in rest.iter().enumerate() {
        own[e] = fma::<FMA>(mass_rest[e / 3] * v, *v, own[e]);
    }
    *sums = own;
}

simd_dispatch! {
    /// Sums of m v(e) v(e + d) for d = 0, 1, 2 by place e in a block.
    fn products(v: &[f64], masses: &[f64], sums: &mut [[f64; BLOCK]; 3]) = products_body;
}

#[inline(always)]
fn products_body<const FMA: bool>(v: &[f64], masses: &[f64], sums: &mut [[f64; BLOCK]; 3]) {
    let mut own = *sums;
    let (whole, rest) = v.as_chunks::<BLOCK>();
    let (mass_blocks, mass_rest) = masses.as_chunks::<{ BLOCK / 3 }>();
    for (v, m) in whole.iter().zip(mass_blocks) {
        add_products::<FMA>(v, m, &mut own);
    }
    let (mut v, mut m) = ([0.0; BLOCK], [0.0; BLOCK / 3]);
    v[..rest.len()].copy_from_slice(rest);
    m[..mass_rest.len()].copy_from_slice(mass_rest);
    add_products::<FMA>(&v, &m, &mut own);
    *sums = own;
}

// Not a closure: those are compiled for the baseline, where a fused multiply-add is a call.
#[inline(always)]
fn add_products<const FMA: bool>(
    v: &[f64; BLOCK],
    m: &[f64; BLOCK / 3],
    own: &mut [[f64; BLOCK]; 3],
) {
    let mut padded = [0.0; BLOCK + 2];
    padded[..BLOCK].copy_from_slice(v);
    for d in 0..3 {
        for e in 0..BLOCK {
            own[d][e] = fma::<FMA>(m[e / 3] * v[e], padded[e + d], own[d][e]);
        }
    }
}

/// Total momentum.
pub fn total_momentum(atoms: &Atoms) -> [f64; 3] {
    let mut p = [0.0; 3];
    for (v, m) in atoms.velocities.iter().zip(&atoms.masses) {
        for k in 0..3 {
            p[k] += m * v[k];
        }
    }
    p
}

/// Takes the velocity of the centre of mass off every atom. Returns the kinetic energy (eV) of that motion.
pub fn remove_drift(atoms: &mut Atoms) -> f64 {
    let mass: f64 = atoms.masses.iter().sum();
    if mass <= 0.0 {
        return 0.0;
    }
    let p = total_momentum(atoms);
    for v in &mut atoms.velocities {
        for k in 0..3 {
            v[k] -= p[k] / mass;
        }
    }
    0.5 * (p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) / mass
}

/// Takes the rigid rotation about the centre of mass off the velocities (for clusters). Does nothing about axes along
/// which the atoms have no extent. Returns the kinetic energy (eV) of that motion.
pub fn remove_rotation(atoms: &mut Atoms) -> f64 {
    let (centre, eigen) = inertia(atoms);
    let mut momentum = Vector3::zeros();
    for i in 0..atoms.len() {
        let r = Vector3::from(atoms.positions[i]) - centre;
        momentum += r.cross(&Vector3::from(atoms.velocities[i])) * atoms.masses[i];
    }
    let largest = eigen.eigenvalues.max();
    let mut omega = Vector3::zeros();
    let mut energy = 0.0;
    for k in 0..3 {
        if eigen.eigenvalues[k] > EXTENT * largest {
            let axis = eigen.eigenvectors.column(k).into_owned();
            let along = axis.dot(&momentum);
            omega += axis * (along / eigen.eigenvalues[k]);
            energy += 0.5 * along * along / eigen.eigenvalues[k];
        }
    }
    for i in 0..atoms.len() {
        let r = Vector3::from(atoms.positions[i]) - centre;
        let v = omega.cross(&r);
        for k in 0..3 {
            atoms.velocities[i][k] -= v[k];
        }
    }
    energy
}

/// Axes about which atoms can turn: three, two for those on a line, none for a single one.
pub fn rotations(atoms: &Atoms) -> usize {
    let moments = inertia(atoms).1.eigenvalues;
    let largest = moments.max();
    moments.iter().filter(|m| **m > EXTENT * largest).count()
}

/// A smaller part of the largest moment of inertia is none.
const EXTENT: f64 = 1e-9;

/// The centre of mass (Å), and moments (amu Å^2) and axes of inertia about it.
fn inertia(atoms: &Atoms) -> (Vector3<f64>, SymmetricEigen<f64, U3>) {
    let mass: f64 = atoms.masses.iter().sum();
    let mut centre = Vector3::zeros();
    for (x, m) in atoms.positions.iter().zip(&atoms.masses) {
        centre += Vector3::from(*x) * (*m / mass);
    }
    let mut inertia = Matrix3::zeros();
    for (x, m) in atoms.positions.iter().zip(&atoms.masses) {
        let r = Vector3::from(*x) - centre;
        inertia += (Matrix3::identity() * r.norm_squared() - r * r.transpose()) * *m;
    }
    (centre, inertia.symmetric_eigen())
}

/// Draws velocities from the Maxwell distribution at `temperature` (K) and removes the drift of the centre of mass.
///
/// With `exact` the velocities are scaled so that 2K/(k·(3N-3)) is the temperature to rounding; without, the
/// kinetic energy fluctuates as in the ensemble. A single atom keeps its velocity.
pub fn thermal_velocities(atoms: &mut Atoms, temperature: f64, seed: u64, exact: bool) {
    let n = atoms.len();
    for i in 0..n {
        let mut stream = Stream::new(seed, Purpose::InitialVelocities, 0, i as u64, 0);
        let scale = (BOLTZMANN * temperature / atoms.masses[i]).sqrt();
        atoms.velocities[i] = std::array::from_fn(|_| scale * stream.normal());
    }
    if n > 1 {
        remove_drift(atoms);
    }
    let freedom = if n > 1 { 3 * n - 3 } else { 3 * n };
    if exact {
        let now = 2.0 * kinetic_energy(atoms) / (BOLTZMANN * freedom as f64);
        if now > 0.0 {
            let scale = (temperature / now).sqrt();
            for v in atoms.velocities.as_flattened_mut() {
                *v *= scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;

    fn gas(n: usize) -> Atoms {
        let mut atoms = Atoms::default();
        for i in 0..n {
            let s = Species::from_name(if i % 3 == 0 { "Si" } else { "D" }).unwrap();
            let t = i as f64;
            atoms.push(s, [t.sin() * 5.0, (1.7 * t).cos() * 4.0, 0.1 * t]);
        }
        atoms
    }

    #[test]
    fn tensors_of_any_number_of_atoms() {
        for n in 1..12 {
            let mut atoms = gas(n);
            thermal_velocities(&mut atoms, 300.0, 2, false);
            let mut exact = Matrix3::zeros();
            for (v, m) in atoms.velocities.iter().zip(&atoms.masses) {
                let v = Vector3::from(*v);
                exact += v * v.transpose() * *m;
            }
            let found = kinetic_tensor(&atoms);
            let found = Matrix3::from_fn(|i, j| found[i][j]);
            assert!((found - exact).amax() < 1e-13 * exact.amax(), "{n}");
            let k = kinetic_energy(&atoms);
            assert!((k - 0.5 * exact.trace()).abs() < 1e-13 * k, "{n}");
        }
    }

    #[test]
    fn exact_temperature_and_no_drift() {
        let mut atoms = gas(50);
        thermal_velocities(&mut atoms, 321.0, 7, true);
        let t = 2.0 * kinetic_energy(&atoms) / (BOLTZMANN * 147.0);
        assert!((t - 321.0).abs() < 1e-9);
        assert!(total_momentum(&atoms).iter().all(|p| p.abs() < 1e-12));
    }

    #[test]
    fn maxwell_distribution_per_species() {
        // 30 000 components: the variance has a relative standard error of sqrt(2/30000) = 0.8 %; 4 of them allowed.
        let mut atoms = gas(30_000);
        thermal_velocities(&mut atoms, 100.0, 3, false);
        for (pick, n) in [(0usize, 10_000.0), (1, 20_000.0)] {
            let sum: f64 = (0..atoms.len())
                .filter(|i| (i % 3 == 0) == (pick == 0))
                .map(|i| atoms.masses[i] * atoms.velocities[i].iter().map(|v| v * v).sum::<f64>())
                .sum();
            let ratio = sum / (3.0 * n * BOLTZMANN * 100.0);
            assert!(
                (ratio - 1.0).abs() < 4.0 * (2.0f64 / (3.0 * n)).sqrt(),
                "{ratio}"
            );
        }
    }

    #[test]
    fn rotation_is_removed() {
        let mut atoms = gas(10);
        thermal_velocities(&mut atoms, 300.0, 1, false);
        remove_rotation(&mut atoms);
        let before = atoms.velocities.clone();
        remove_rotation(&mut atoms);
        for (a, b) in before
            .iter()
            .flatten()
            .zip(atoms.velocities.iter().flatten())
        {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
