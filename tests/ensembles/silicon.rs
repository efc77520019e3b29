//! The lattice constant of silicon from NPT and from the pressure at constant volume must be the same: kinetic energy, virial
//! of a many-body model and barostat agree with one another.

use crate::common;
use crate::statistics::average;
use crate::systems::{Run, Surroundings, barostat, thermostat};
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::{Integrator, Ramp};
use zundel::elements::{Element, Species};
use zundel::potential::{Evaluator, Term, Want, registry};
use zundel::system::{Atoms, Cell, System, repeat, thermal_velocities};
use zundel::units::FS;

/// 64 atoms of lattice constant `a` (Å) with velocities for `t` (K).
fn crystal(a: f64, t: f64) -> System {
    let species = Species::natural(Element::from_symbol("Si").unwrap());
    let mut atoms = Atoms::default();
    for x in [
        [0.0, 0.0, 0.0],
        [0.0, 0.5, 0.5],
        [0.5, 0.0, 0.5],
        [0.5, 0.5, 0.0],
    ] {
        atoms.push(species, x.map(|x| x * a));
        atoms.push(species, x.map(|x| (x + 0.25) * a));
    }
    let cell = Cell::orthorhombic(a, a, a).unwrap();
    let mut system = repeat(&System { cell, atoms }, [2; 3]).unwrap();
    // Half of the energy goes into the springs.
    thermal_velocities(&mut system.atoms, 2.0 * t, 4, false);
    system
}

fn model() -> Evaluator {
    let file = common::here("potentials/silicon-gap/silicon.xml");
    Evaluator::new(
        vec![Term::new("gap", registry::load(&file, None).unwrap())],
        0.6,
    )
}

const H: f64 = 2.0 * FS;

fn langevin(t: f64) -> Integrator {
    let (thermostat, _, splitting) = thermostat("langevin, middle", 64, 200.0 * FS, 3);
    let mut integrator =
        Integrator::split(splitting, H).with_thermostat(thermostat, Ramp::constant(t));
    integrator.fix_centre_of_mass = true;
    integrator
}

/// Lattice constant (Å) with its error at zero pressure.
fn at_zero_pressure(barostat_name: &str, a: f64, t: f64, steps: usize) -> (f64, f64) {
    let s = Surroundings {
        pressure: 0.0,
        temperature: t,
        freedom: 189,
        atoms: 64,
        modulus: 0.6,
        tau: 100.0 * FS,
        seed: 5,
    };
    let integrator =
        langevin(t).with_barostat(barostat(barostat_name, StrainSpace::isotropic(), s));
    let mut run = Run::new(crystal(a, t), model(), integrator, Want::DYNAMICS);
    run.steps(1500);
    let volumes = run.sample(steps / 10, 10, |run| run.volume());
    let (mean, error) = average(&volumes);
    let a = (mean / 8.0).cbrt();
    (a, a * error / mean / 3.0)
}

/// Lattice constant (Å) with its error at zero pressure, from a parabola through the pressures at five constant volumes.
fn from_pressures(a: f64, t: f64, steps: usize) -> (f64, f64) {
    let kt = zundel::units::BOLTZMANN * t;
    let mut points = Vec::new();
    for k in -2..=2 {
        let a = a * (1.0 + 0.004 * f64::from(k));
        let mut run = Run::new(crystal(a, t), model(), langevin(t), Want::DYNAMICS);
        run.steps(1000);
        let volume = run.volume();
        // The kinetic part of 63 free atoms: the volume distribution of the barostat with a held centre of mass.
        let pressures = run.sample(steps / 2, 2, |run| {
            (63.0 * kt + run.virial() / 3.0) / volume
        });
        let (p, error) = average(&pressures);
        eprintln!(
            "  a {a:.4} Å: pressure {:.4}({:.4}) GPa",
            p * 160.21766,
            error * 160.21766
        );
        points.push((volume, p, error));
    }
    // Least squares in V - V0, scaled; errors are alike.
    let v0 = points[2].0;
    let x = |v: f64| (v / v0 - 1.0) * 100.0;
    let rows = nalgebra::DMatrix::from_fn(5, 3, |i, j| x(points[i].0).powi(j as i32));
    let p = nalgebra::DVector::from_fn(5, |i, _| points[i].1);
    let inverse = (rows.transpose() * &rows).try_inverse().unwrap();
    let weights = &inverse * rows.transpose();
    let c = &weights * p;
    // The mean of the volume at zero pressure, distributed as exp(∫ p dV/kT): a little above the zero of p for a crystal that
    // softens. Its error is that of p there over the slope.
    let (mut sum, mut mean) = (0.0, 0.0);
    for k in -600..=600 {
        let x = 0.01 * f64::from(k);
        let work = x * (c[0] + x * (c[1] / 2.0 + x * c[2] / 3.0));
        let weight = (0.01 * v0 * work / kt).exp();
        sum += weight;
        mean += weight * x;
    }
    let x = mean / sum;
    let at = nalgebra::RowVector3::new(1.0, x, x * x);
    let variance: f64 = (0..5)
        .map(|i| {
            let w: f64 = (0..3).map(|j| at[j] * weights[(j, i)]).sum();
            (w * points[i].2).powi(2)
        })
        .sum();
    let slope = (c[1] + 2.0 * x * c[2]).abs();
    let a = (v0 * (1.0 + 0.01 * x) / 8.0).cbrt();
    (a, a / 3.0 * 0.01 * variance.sqrt() / slope)
}

#[test]
#[ignore = "ten minutes; run on purpose"]
fn silicon_expands_alike_at_constant_pressure_and_volume_long() {
    let mut found = Vec::new();
    for (t, guess, barostat) in [(300.0, 5.46, "mtk"), (900.0, 5.47, "mtk")] {
        let (a, da) = at_zero_pressure(barostat, guess, t, 50_000);
        let (b, db) = from_pressures(a, t, 10_000);
        eprintln!("{t} K: NPT ({barostat}) {a:.5}({da:.5}) Å, constant volumes {b:.5}({db:.5}) Å");
        assert!(da < 0.001 && db < 0.001, "too few samples");
        assert!((a - b).abs() < 4.0 * da.hypot(db), "{t} K");
        found.push([[a, da], [b, db]]);
    }
    let expansion = |way: usize| {
        let ([a, da], [b, db]) = (found[0][way], found[1][way]);
        [(b - a) / 600.0 / a, da.hypot(db) / 600.0 / a]
    };
    let ([npt, npt_error], [nvt, nvt_error]) = (expansion(0), expansion(1));
    eprintln!(
        "linear expansion, 300 to 900 K: NPT {:.2}({:.2})e-6/K, NVT {:.2}({:.2})e-6/K",
        npt * 1e6,
        npt_error * 1e6,
        nvt * 1e6,
        nvt_error * 1e6
    );
    assert!((npt - nvt).abs() < 4.0 * npt_error.hypot(nvt_error));
}
