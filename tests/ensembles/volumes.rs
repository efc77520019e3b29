//! Barostats on an ideal gas, whose volume and shape have exact distributions (derived in `zundel::dynamics::barostat`).

use crate::common;
use crate::statistics::{Verdict, inefficiency};
use crate::systems::{BAROSTATS, Run, Surroundings, barostat, metric, particles, spaces, wells};
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::thermostat::Langevin;
use zundel::dynamics::{Integrator, Ramp, Splitting};
use zundel::potential::Want;
use zundel::system::{Cell, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

const ATOMS: usize = 8;

/// One case: barostat, strains, centre of mass held, stiffness of the shape (kT), place of the thermostat.
struct Case<'a> {
    barostat: &'a str,
    space: StrainSpace,
    centre: bool,
    shape: f64,
    splitting: Splitting,
}

/// An ideal gas of 8 atoms: volumes in kT/P, and energies of the shape in kT.
fn ideal_gas(case: Case<'_>, samples: usize) -> Vec<[f64; 2]> {
    let t = 300.0;
    let kt = BOLTZMANN * t;
    let pressure = kt / 200.0;
    let cell = Cell::orthorhombic(12.0, 12.0, 12.0).unwrap();
    let mut system = particles(ATOMS, 20.0, cell);
    thermal_velocities(&mut system.atoms, t, 7, false);
    let s = Surroundings {
        pressure,
        temperature: t,
        freedom: if case.centre {
            3 * ATOMS - 3
        } else {
            3 * ATOMS
        },
        atoms: ATOMS,
        modulus: 2.0 * pressure,
        // Cell rescaling is of first order in the strain of a step: it must be small beside the width of a stiff shape.
        tau: if case.shape > 10.0 {
            800.0 * FS
        } else {
            200.0 * FS
        },
        seed: 5,
    };
    let mut integrator = Integrator::split(case.splitting, 4.0 * FS)
        .with_thermostat(Box::new(Langevin::new(0.01 / FS, 11)), Ramp::constant(t))
        .with_barostat(barostat(case.barostat, case.space, s));
    integrator.fix_centre_of_mass = case.centre;
    let mut run = Run::new(
        system,
        wells(0.0, case.shape * kt),
        integrator,
        Want::DYNAMICS,
    );
    run.steps(2000);
    run.sample(samples, 100, |run| {
        let shape = metric(&run.state.system.cell).trace() - 3.0;
        [run.volume() * pressure / kt, shape * case.shape]
    })
}

/// The distribution function of the energy of the shape (kT): integrated over the logarithms of the stretches (a, b, -a-b)
/// with the measure of the strains, which are flat for one or two stretches and Π sinh|a - b| with shears.
fn shape_distribution(name: &str, stiffness: f64) -> impl Fn(f64) -> f64 {
    let points = if name == "semi-isotropic" {
        100_001
    } else {
        1201
    };
    let reach = 2.6 / stiffness.sqrt();
    let at = |k: usize| reach * (2.0 * k as f64 / (points - 1) as f64 - 1.0);
    let mut list = Vec::new();
    let mut add = |a: f64, b: f64, measure: f64| {
        let c = -a - b;
        let e = stiffness * ((2.0 * a).exp() + (2.0 * b).exp() + (2.0 * c).exp() - 3.0);
        list.push((e, measure * (-e).exp()));
    };
    for i in 0..points {
        if name == "semi-isotropic" {
            add(at(i), at(i), 1.0);
            continue;
        }
        for j in 0..points {
            let (a, b) = (at(i), at(j));
            let measure = if name == "triclinic" {
                let c = -a - b;
                ((a - b).sinh() * (b - c).sinh() * (c - a).sinh()).abs()
            } else {
                1.0
            };
            add(a, b, measure);
        }
    }
    list.sort_by(|x, y| x.0.total_cmp(&y.0));
    let total: f64 = list.iter().map(|p| p.1).sum();
    let mut sum = 0.0;
    let table: Vec<(f64, f64)> = list
        .into_iter()
        .map(|(e, w)| {
            sum += w / total;
            (e, sum)
        })
        .collect();
    move |e| {
        let k = table.partition_point(|p| p.0 <= e);
        if k == 0 { 0.0 } else { table[k - 1].1 }
    }
}

/// The volume of every kind of strain, with free and held centre of mass, and the distribution of the shape.
fn sampled(samples: usize, splittings: &[Splitting], cases: &[(&str, bool)]) {
    for name in BAROSTATS {
        for (what, space) in spaces() {
            let shapes = ["semi-isotropic", "fixed angles", "triclinic"].contains(&what);
            // Soft where nothing but the measure is tested; stiff enough that a sheared cell is never reduced to another.
            let shape = match (shapes, what) {
                (false, _) => 0.0,
                (_, "triclinic") => 30.0,
                _ => 3.0,
            };
            for &centre in cases.iter().filter(|c| c.0 == what).map(|c| &c.1) {
                for &splitting in splittings {
                    let label = format!("{name}, {what}, {splitting:?}, centre held: {centre}");
                    let case = Case {
                        barostat: name,
                        space: space.clone(),
                        centre,
                        shape,
                        splitting,
                    };
                    let found = ideal_gas(case, samples);
                    let volumes: Vec<f64> = found.iter().map(|f| f[0]).collect();
                    let gamma = if centre {
                        ATOMS as f64
                    } else {
                        ATOMS as f64 + 1.0
                    };
                    Verdict::of_gamma(&volumes, gamma).require(&label, 0.0);
                    if shapes {
                        let energies: Vec<f64> = found.iter().map(|f| f[1]).collect();
                        let g = inefficiency(&energies).ceil() as usize;
                        let mut own: Vec<f64> = energies.iter().step_by(g).copied().collect();
                        let p = common::kolmogorov_smirnov_of(
                            &mut own,
                            shape_distribution(what, shape),
                        );
                        eprintln!(
                            "{label}: shape, {} independent samples, p {p:.3}",
                            own.len()
                        );
                        assert!(p > 1e-3, "{label}: shape");
                    }
                }
            }
        }
    }
}

#[test]
fn barostats_sample_the_volume_and_shape_of_an_ideal_gas() {
    let cases = [
        ("isotropic", false),
        ("isotropic", true),
        ("along z", true),
        ("semi-isotropic", false),
        ("fixed angles", false),
        ("triclinic", false),
    ];
    sampled(1000, &[Splitting::Ends], &cases);
}

#[test]
#[ignore = "minutes; run on purpose"]
fn barostats_sample_the_volume_and_shape_of_an_ideal_gas_long() {
    let both = |what| [(what, false), (what, true)];
    let cases: Vec<_> = spaces().iter().flat_map(|s| both(s.0)).collect();
    sampled(6000, &[Splitting::Ends, Splitting::Middle], &cases);
}

#[test]
fn berendsen_barostat_does_not_sample() {
    let case = Case {
        barostat: "berendsen",
        space: StrainSpace::isotropic(),
        centre: false,
        shape: 0.0,
        splitting: Splitting::Ends,
    };
    let volumes: Vec<f64> = ideal_gas(case, 1500).iter().map(|f| f[0]).collect();
    let Verdict { variance, p, .. } = Verdict::of_gamma(&volumes, 9.0);
    eprintln!("berendsen: variance {variance:.3}, p {p:.1e}");
    assert!(variance < 0.8 && p < 1e-3, "variance {variance}, p {p}");
}

/// Vectors of the lattice other than zero in a ball of so many times the volume of its cell.
fn lattice_vectors(cell: &Cell, volumes: f64) -> usize {
    let radius = (volumes * cell.volume().unwrap() * 0.75 / std::f64::consts::PI).cbrt();
    // |n_k| <= radius/width_k for every vector in the ball.
    let n = cell.widths().map(|w| (radius / w) as i32);
    let mut count = 0;
    for i in -n[0]..=n[0] {
        for j in -n[1]..=n[1] {
            for k in -n[2]..=n[2] {
                let x = cell.translation([i, j, k]);
                count += usize::from(x.iter().map(|x| x * x).sum::<f64>() < radius * radius);
            }
        }
    }
    count - 1
}

#[test]
fn a_free_cell_without_forces_is_every_lattice_alike() {
    every_lattice_alike(1000, 0.4);
}

#[test]
#[ignore = "minutes; run on purpose"]
fn a_free_cell_without_forces_is_every_lattice_alike_long() {
    every_lattice_alike(20_000, 0.1);
}

fn every_lattice_alike(samples: usize, bound: f64) {
    // Nothing holds the shape of an ideal gas, so it wanders through all lattices, and is reduced again and again. With the
    // invariant measure of the ensemble the mean number of lattice vectors other than zero in a ball is the ball's volume
    // over the cell's (Siegel, Ann. Math. 46, 340 (1945)); the ball here has five times the volume of the cell.
    for name in BAROSTATS {
        let t = 300.0;
        let kt = BOLTZMANN * t;
        let pressure = kt / 200.0;
        let cell = Cell::orthorhombic(12.0, 12.0, 12.0).unwrap();
        let mut system = particles(ATOMS, 20.0, cell);
        thermal_velocities(&mut system.atoms, t, 7, false);
        let s = Surroundings {
            pressure,
            temperature: t,
            freedom: 3 * ATOMS,
            atoms: ATOMS,
            modulus: 2.0 * pressure,
            tau: 200.0 * FS,
            seed: 8,
        };
        let integrator = Integrator::split(Splitting::Ends, 4.0 * FS)
            .with_thermostat(Box::new(Langevin::new(0.01 / FS, 11)), Ramp::constant(t))
            .with_barostat(barostat(name, StrainSpace::components([true; 6]), s));
        let mut run = Run::new(system, wells(0.0, 0.0), integrator, Want::DYNAMICS);
        run.steps(2000);
        let counts = run.sample(samples, 200, |run| {
            let positions = run.state.system.atoms.positions.as_flattened();
            assert!(
                positions.iter().all(|x| x.abs() < 1e5),
                "{name}: carried off"
            );
            lattice_vectors(&run.state.system.cell, 5.0) as f64
        });
        let (mean, error) = crate::statistics::average(&counts);
        eprintln!("{name}: {mean:.3}({error:.3}) lattice vectors, 5 exactly");
        assert!(error < bound, "{name}: too few samples");
        assert!((mean - 5.0).abs() < 4.0 * error, "{name}");
    }
}
