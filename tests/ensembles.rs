//! Thermostats and barostats against exact distributions. The long ones: `cargo test --release --test ensembles -- --ignored`.
//!
//! Every statistical test has a fixed seed. Bounds are 4 standard errors (a right program fails once in 16 000 for each) and
//! 1e-3 for Kolmogorov-Smirnov; Berendsen's couplings are the negative control and must fail by far.

mod common;

use std::sync::Arc;
use zundel::dynamics::barostat::{Barostat, CellRescaling, Method, Piston, StrainSpace};
use zundel::dynamics::thermostat::{
    Andersen, Berendsen, Gle, GleMatrices, Group, Langevin, NoseHoover, Thermostat,
    VelocityRescaling,
};
use zundel::dynamics::{Integrator, Ramp, Splitting, State};
use zundel::elements::{Element, Species};
use zundel::potential::pair::Scheme;
use zundel::potential::{
    Description, Evaluation, EvaluationError, Evaluator, Gives, Member, Potential, Term, Want,
    Workspace,
};
use zundel::random::{Purpose, Stream};
use zundel::system::{Atoms, Cell, System, kinetic_energy, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

/// Independent springs to the origin; with stiffness zero an ideal gas. Its virial is that of the springs.
struct Wells(Description, f64);

impl Potential for Wells {
    fn description(&self) -> &Description {
        &self.0
    }
    fn evaluate(
        &self,
        members: &[Member<'_>],
        _want: Want,
        _workspace: &mut Workspace,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        for (m, r) in members.iter().zip(results) {
            for (x, f) in m.configuration.positions.iter().zip(&mut r.forces) {
                for k in 0..3 {
                    r.energy += 0.5 * self.1 * x[k] * x[k];
                    f[k] -= self.1 * x[k];
                }
            }
        }
        Ok(())
    }
}

fn wells(stiffness: f64) -> Evaluator {
    let gives = Gives {
        virial: true,
        ..Gives::default()
    };
    let description = Description {
        gives,
        ..Description::default()
    };
    let potential: Arc<dyn Potential> = Arc::new(Wells(description, stiffness));
    Evaluator::new(vec![Term::new("wells", potential)], 0.5)
}

fn particles(n: usize, mass: f64, cell: Cell) -> System {
    let mut atoms = Atoms::default();
    let element = Element::from_symbol("H").unwrap();
    (0..n).for_each(|_| atoms.push(Species { element, mass }, [0.0; 3]));
    System { cell, atoms }
}

/// Position and momentum after one step of OBABO.
fn obabo(omega_h: f64, temperature: f64, friction_h: f64, seed: u64, x: f64, p: f64) -> [f64; 2] {
    let mut evaluator = wells(omega_h * omega_h);
    let mut state = State::new(particles(1, 1.0, Cell::isolated()));
    state.system.atoms.positions[0][0] = x;
    state.system.atoms.velocities[0][0] = p;
    let mut integrator = Integrator::split(Splitting::Ends, 1.0).with_thermostat(
        Box::new(Langevin::new(friction_h, seed)),
        Ramp::constant(temperature),
    );
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    integrator
        .step(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    [
        state.system.atoms.positions[0][0],
        state.system.atoms.velocities[0][0],
    ]
}

#[test]
fn discrete_stationary_moments_of_obabo() {
    // <p²> = m kT exactly and <x²> = kT/(m w² (1 - w²h²/4)). The two noises of a step are told apart by two seeds.
    let temperature = 1.0 / BOLTZMANN;
    for omega_h in [0.1, 0.5, 1.0, 1.5] {
        for friction_h in [0.1, 1.0, 5.0] {
            let a = obabo(omega_h, 0.0, friction_h, 1, 1.0, 0.0);
            let c = obabo(omega_h, 0.0, friction_h, 1, 0.0, 1.0);
            let m = [[a[0], c[0]], [a[1], c[1]]];
            // The O operations stand at the places 0 and 5 of the list.
            let xi =
                |seed: u64, place: u64| Stream::new(seed, Purpose::Langevin, place, 0, 0).normal();
            let [one, two] =
                [1, 2].map(|seed| obabo(omega_h, temperature, friction_h, seed, 0.0, 0.0));
            let draws = nalgebra::Matrix2::new(xi(1, 0), xi(1, 5), xi(2, 0), xi(2, 5));
            let b = draws.lu();
            let x = b.solve(&nalgebra::Vector2::new(one[0], two[0])).unwrap();
            let p = b.solve(&nalgebra::Vector2::new(one[1], two[1])).unwrap();
            let row = |i: usize, j: usize| {
                let s = |k: usize, l: usize| m[i][k] * m[j][l];
                [s(0, 0), s(0, 1) + s(1, 0), s(1, 1)]
            };
            let rows = [row(0, 0), row(0, 1), row(1, 1)];
            let matrix =
                nalgebra::Matrix3::from_fn(|i, j| f64::from(u8::from(i == j)) - rows[i][j]);
            let q = nalgebra::Vector3::new(x.dot(&x), x.dot(&p), p.dot(&p));
            let s = matrix.lu().solve(&q).unwrap();
            let tolerance = 1e-11 / (omega_h * omega_h).min(1.0);
            let x2 = s[0] * omega_h * omega_h * (1.0 - 0.25 * omega_h * omega_h);
            assert!(
                (x2 - 1.0).abs() < tolerance,
                "wh {omega_h} gh {friction_h}: {x2}"
            );
            assert!(
                (s[2] - 1.0).abs() < tolerance,
                "wh {omega_h} gh {friction_h}: {}",
                s[2]
            );
        }
    }
}

/// A small Lennard-Jones liquid of 32 atoms.
fn liquid(temperature: f64) -> (State, Evaluator) {
    let mut system = common::fcc("Ar", 5.7, 2);
    common::rattle(&mut system, 0.1, 8);
    thermal_velocities(&mut system.atoms, temperature, 4, true);
    let terms = common::lennard_jones(common::argon(8.5), Scheme::ForceShifted, false);
    (State::new(system), Evaluator::new(terms, 1.0))
}

/// A drift matrix with two auxiliary momenta and canonical noise.
fn coloured() -> GleMatrices {
    let g = 0.01 / FS;
    let a = nalgebra::DMatrix::from_row_slice(
        3,
        3,
        &[
            0.2 * g,
            g,
            0.3 * g,
            -g,
            0.5 * g,
            0.2 * g,
            -0.3 * g,
            -0.2 * g,
            2.0 * g,
        ],
    );
    GleMatrices::new(a, None).unwrap()
}

fn thermostat(name: &str, atoms: usize) -> (Box<dyn Thermostat>, usize, Splitting) {
    let tau = 100.0 * FS;
    let (all, free) = (3 * atoms, 3 * atoms - 3);
    let components = (0..atoms as u32).flat_map(|i| (0..3u8).map(move |k| (i, k)));
    use Splitting::{Ends, Middle};
    match name {
        "langevin" => (Box::new(Langevin::new(1.0 / tau, 3)), all, Ends),
        "rescaling" => (
            Box::new(VelocityRescaling::global(Group::All, free, tau, 3, 0)),
            free,
            Ends,
        ),
        "local rescaling" => {
            let each = vec![3; atoms];
            (
                Box::new(VelocityRescaling::local(Group::All, each, tau, 3)),
                all,
                Ends,
            )
        }
        "chain" => (
            Box::new(NoseHoover::global(Group::All, free, tau, 3, 1)),
            free,
            Ends,
        ),
        "local chains" => {
            let list = components.collect();
            (
                Box::new(NoseHoover::local(Group::All, list, tau, 3, 1)),
                all,
                Ends,
            )
        }
        "gle" => (
            Box::new(Gle::new(Group::All, vec![[true; 3]; atoms], coloured(), 3)),
            all,
            Middle,
        ),
        "andersen" => (
            Box::new(Andersen::new(
                Group::All,
                vec![[true; 3]; atoms],
                1.0 / tau,
                3,
            )),
            all,
            Ends,
        ),
        "berendsen" => (Box::new(Berendsen::new(Group::All, free, tau)), free, Ends),
        _ => unreachable!("{name}"),
    }
}

const CANONICAL: [&str; 7] = [
    "langevin",
    "rescaling",
    "local rescaling",
    "chain",
    "local chains",
    "gle",
    "andersen",
];

/// Kinetic energies in kT, `every` steps of 4 fs apart; degrees of freedom; drift of the conserved energy (kT per atom and ns).
fn kinetic_energies(name: &str, samples: usize, every: usize) -> (Vec<f64>, f64, f64) {
    let t = 110.0;
    let (mut state, mut evaluator) = liquid(t);
    let n = state.system.atoms.len();
    let (thermostat, freedom, splitting) = thermostat(name, n);
    let mut integrator =
        Integrator::split(splitting, 4.0 * FS).with_thermostat(thermostat, Ramp::constant(t));
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let mut found = Vec::new();
    let mut conserved = Vec::new();
    let kt = BOLTZMANN * t;
    for step in 0..(samples + 20) * every {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        if step >= 20 * every && step % every == 0 {
            found.push(integrator.kinetic_mid() / kt);
            conserved.push(integrator.conserved(&state));
        }
    }
    let drift = slope(&conserved) / (every as f64 * 4e-6) / n as f64 / kt;
    (found, freedom as f64, drift)
}

fn slope(y: &[f64]) -> f64 {
    let n = y.len() as f64;
    let (mx, my) = ((n - 1.0) / 2.0, y.iter().sum::<f64>() / n);
    let sums = y.iter().enumerate().map(|(k, y)| {
        let dx = k as f64 - mx;
        (dx * (y - my), dx * dx)
    });
    let (a, b) = sums.fold((0.0, 0.0), |s, x| (s.0 + x.0, s.1 + x.1));
    a / b
}

/// Mean and variance in units of those of the Gamma distribution of `shape` (scale 1), and the p-value.
fn judge(samples: &mut [f64], shape: f64) -> [f64; 3] {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / (n - 1.0);
    [
        mean / shape,
        variance / shape,
        common::kolmogorov_smirnov(samples, shape),
    ]
}

fn canonical_kinetic_energy(samples: usize, every: usize) {
    for name in CANONICAL {
        let (mut k, freedom, drift) = kinetic_energies(name, samples, every);
        let shape = 0.5 * freedom;
        let [mean, variance, p] = judge(&mut k, shape);
        eprintln!(
            "{name}: mean {mean:.4}, variance {variance:.3}, p {p:.3}, drift {drift:+.2e} kT/atom/ns"
        );
        let n = samples as f64;
        assert!(
            (mean - 1.0).abs() < 4.0 / (shape * n).sqrt() + 2e-4,
            "{name}: mean {mean}"
        );
        assert!(
            (variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt(),
            "{name}: variance {variance}"
        );
        assert!(p > 1e-3, "{name}: p {p}");
        // Chains of single components wander most, without a direction: 0.02 over 160 ps.
        assert!(drift.abs() < 0.08, "{name}: drift {drift}");
    }
}

#[test]
fn thermostats_sample_the_canonical_kinetic_energy() {
    canonical_kinetic_energy(400, 100);
}

#[test]
#[ignore = "minutes; run on purpose"]
fn thermostats_sample_the_canonical_kinetic_energy_long() {
    canonical_kinetic_energy(8000, 150);
}

#[test]
fn berendsen_thermostat_does_not_sample() {
    let (mut k, freedom, _) = kinetic_energies("berendsen", 400, 100);
    let [_, variance, p] = judge(&mut k, 0.5 * freedom);
    assert!(variance < 0.6 && p < 1e-3, "variance {variance}, p {p}");
}

/// A barostat at a pressure (eV/Å^3) for `atoms` atoms.
fn barostat(
    name: &str,
    space: StrainSpace,
    pressure: f64,
    t: f64,
    freedom: usize,
    atoms: usize,
    modulus: f64,
) -> Barostat {
    let tau = 200.0 * FS;
    let kt = BOLTZMANN * t;
    let method = match name {
        "rescaling" => Method::Rescaling(CellRescaling::new(1.0 / modulus, tau, 5)),
        "berendsen" => Method::Rescaling(CellRescaling::berendsen(1.0 / modulus, tau)),
        "mtk" => Method::Piston(Piston::mtk(&space, freedom, kt, tau, 3, 1)),
        "bzp" => Method::Piston(Piston::bzp(&space, atoms, kt, tau, 1.0 / tau, 5)),
        _ => unreachable!("{name}"),
    };
    let p = Ramp::constant(pressure);
    let zero = Ramp::constant(0.0);
    Barostat {
        space,
        target: [p, p, p, zero, zero, zero],
        temperature: Ramp::constant(t),
        method,
    }
}

/// Volumes of an ideal gas of 8 atoms in kT/P; `centre` holds the centre of mass.
fn ideal_gas(name: &str, space: StrainSpace, centre: bool, samples: usize) -> Vec<f64> {
    let (n, t) = (8, 300.0);
    let kt = BOLTZMANN * t;
    let pressure = kt / 200.0;
    let cell = Cell::orthorhombic(12.0, 12.0, 12.0).unwrap();
    let mut state = State::new(particles(n, 20.0, cell));
    thermal_velocities(&mut state.system.atoms, t, 7, false);
    let freedom = if centre { 3 * n - 3 } else { 3 * n };
    let friction = Langevin::new(0.01 / FS, 11);
    let mut integrator = Integrator::split(Splitting::Ends, 2.0 * FS)
        .with_thermostat(Box::new(friction), Ramp::constant(t))
        .with_barostat(barostat(
            name,
            space,
            pressure,
            t,
            freedom,
            n,
            8.0 * pressure,
        ));
    integrator.fix_centre_of_mass = centre;
    let mut evaluator = wells(0.0);
    integrator
        .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
        .unwrap();
    let mut volumes = Vec::new();
    let every = 600;
    for step in 0..every * (samples + 20) {
        integrator
            .step(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        if step >= 20 * every && step % every == 0 {
            volumes.push(state.system.cell.volume().unwrap() * pressure / kt);
        }
    }
    volumes
}

fn along_z() -> StrainSpace {
    StrainSpace::components([false, false, true, false, false, false])
}

#[test]
fn barostats_sample_the_volume_of_an_ideal_gas() {
    // V P/kT is distributed as Gamma(N_f/3 + 1): 9 with a free centre of mass, 8 with one that is held.
    let samples = 1000;
    for name in ["rescaling", "mtk", "bzp"] {
        for (what, space, centre) in [
            ("isotropic", StrainSpace::isotropic(), false),
            ("isotropic, centre held", StrainSpace::isotropic(), true),
            ("along z", along_z(), false),
        ] {
            let shape = if centre { 8.0 } else { 9.0 };
            let [mean, variance, p] = judge(&mut ideal_gas(name, space, centre, samples), shape);
            eprintln!("{name}, {what}: mean {mean:.4}, variance {variance:.3}, p {p:.3}");
            let n = samples as f64;
            assert!(
                (mean - 1.0).abs() < 4.0 / (shape * n).sqrt(),
                "{name}, {what}: mean {mean}"
            );
            // The variance of a Gamma sample variance: (2 + 6/shape)/n.
            let width = ((2.0 + 6.0 / shape) / n).sqrt();
            assert!(
                (variance - 1.0).abs() < 4.0 * width,
                "{name}, {what}: variance {variance}"
            );
            assert!(p > 1e-3, "{name}, {what}: p {p}");
        }
    }
    let [_, variance, p] = judge(
        &mut ideal_gas("berendsen", StrainSpace::isotropic(), false, samples),
        9.0,
    );
    eprintln!("berendsen: variance {variance:.3}, p {p:.1e}");
    assert!(variance < 0.8 && p < 1e-3);
}

/// A liquid at a pressure (eV/Å^3): volumes and conserved energies, `every` steps of 4 fs apart.
fn compressed(
    name: &str,
    space: StrainSpace,
    pressure: f64,
    samples: usize,
    every: usize,
) -> (Vec<f64>, Vec<f64>) {
    let t = 120.0;
    let (mut state, mut evaluator) = liquid(200.0);
    let n = state.system.atoms.len();
    let modulus = 0.005;
    let rescaling = VelocityRescaling::global(Group::All, 3 * n - 3, 100.0 * FS, 3, 0);
    let mut integrator = Integrator::split(Splitting::Ends, 4.0 * FS)
        .with_thermostat(Box::new(rescaling), Ramp::constant(t))
        .with_barostat(barostat(name, space, pressure, t, 3 * n - 3, n, modulus));
    integrator.fix_centre_of_mass = true;
    integrator
        .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
        .unwrap();
    let (mut volumes, mut conserved) = (Vec::new(), Vec::new());
    for step in 0..every * samples + 5000 {
        integrator
            .step(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        if step >= 5000 && step % every == 0 {
            volumes.push(state.system.cell.volume().unwrap());
            conserved.push(integrator.conserved(&state));
        }
    }
    (volumes, conserved)
}

/// Maximum likelihood of ln[P_2(V)/P_1(V)] = a + s V from samples of both, with the standard error of s.
fn ratio_slope(one: &[f64], two: &[f64]) -> (f64, f64) {
    let centre =
        (one.iter().sum::<f64>() + two.iter().sum::<f64>()) / (one.len() + two.len()) as f64;
    let (mut a, mut s, mut information) = (0.0, 0.0, nalgebra::Matrix2::zeros());
    for _ in 0..50 {
        let mut gradient = nalgebra::Vector2::zeros();
        information = nalgebra::Matrix2::zeros();
        for (list, is_two) in [(one, 0.0), (two, 1.0)] {
            for v in list {
                let x = nalgebra::Vector2::new(1.0, v - centre);
                let q = 1.0 / (1.0 + (-(a + s * x[1])).exp());
                gradient += x * (is_two - q);
                information += x * x.transpose() * (q * (1.0 - q));
            }
        }
        let step = information.try_inverse().unwrap() * gradient;
        a += step[0];
        s += step[1];
    }
    (s, information.try_inverse().unwrap()[(1, 1)].sqrt())
}

fn pressure_ratio(names: &[&str], samples: usize, every: usize, bound: f64) {
    // ln[P(V; P2)/P(V; P1)] has the slope (P1 - P2)/kT in V (Shirts, J. Chem. Theory Comput. 9, 909 (2013)). Neighbouring
    // samples are nearly independent; 3.5 standard errors for what correlation is left.
    let (p1, p2) = (0.0013, 0.0017);
    let exact = (p1 - p2) / (BOLTZMANN * 120.0);
    for name in names {
        let run = |p| compressed(name, StrainSpace::isotropic(), p, samples, every).0;
        let (slope, error) = ratio_slope(&run(p1), &run(p2));
        eprintln!(
            "{name}: slope {:.3} of the exact, standard error {:.3}",
            slope / exact,
            error / exact.abs()
        );
        assert!(error < bound * exact.abs(), "{name}: too few samples");
        assert!(
            (slope - exact).abs() < 3.5 * error,
            "{name}: {slope} {exact} {error}"
        );
    }
}

#[test]
fn volumes_at_two_pressures_have_the_right_ratio() {
    pressure_ratio(&["rescaling", "mtk", "bzp"], 400, 150, 0.12);
}

#[test]
#[ignore = "minutes; run on purpose"]
fn volumes_at_two_pressures_have_the_right_ratio_long() {
    pressure_ratio(&["rescaling", "mtk", "bzp"], 8000, 250, 0.03);
}

#[test]
fn conserved_energy_of_barostats_does_not_drift() {
    for name in ["rescaling", "mtk", "bzp"] {
        for (what, space) in [
            ("isotropic", StrainSpace::isotropic()),
            ("along z", along_z()),
            ("semi-isotropic", StrainSpace::semi_isotropic(2, true, true)),
            (
                "fixed angles",
                StrainSpace::components([true, true, true, false, false, false]),
            ),
            ("triclinic", StrainSpace::components([true; 6])),
        ] {
            let (volumes, conserved) = compressed(name, space, 0.0015, 400, 25);
            let kt = BOLTZMANN * 120.0;
            let drift = slope(&conserved) / (25.0 * 4e-6) / 32.0 / kt;
            let mean = volumes.iter().sum::<f64>() / volumes.len() as f64;
            eprintln!("{name}, {what}: drift {drift:+.2e} kT/atom/ns, volume {mean:.0}");
            assert!(drift.abs() < 0.25, "{name}, {what}: {drift}");
        }
    }
}

#[test]
fn conserved_energy_falls_with_the_square_of_the_time_step_under_a_barostat() {
    // Deterministic (MTK and chains): the fluctuation of the conserved energy over the same 2 ps.
    let fluctuation = |h: f64| {
        let t = 120.0;
        let (mut state, mut evaluator) = liquid(t);
        let n = state.system.atoms.len();
        let chain = NoseHoover::global(Group::All, 3 * n - 3, 100.0 * FS, 3, 1);
        let mut integrator = Integrator::split(Splitting::Ends, h * FS)
            .with_thermostat(Box::new(chain), Ramp::constant(t))
            .with_barostat(barostat("mtk", along_z(), 0.0015, t, 3 * n - 3, n, 1.0));
        integrator
            .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        let mut e = Vec::new();
        for _ in 0..(2000.0 / h) as usize {
            integrator
                .step(&mut state, &mut evaluator, Want::DYNAMICS)
                .unwrap();
            e.push(integrator.conserved(&state));
        }
        let mean = e.iter().sum::<f64>() / e.len() as f64;
        (e.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / e.len() as f64).sqrt()
    };
    let slope = (fluctuation(4.0) / fluctuation(1.0)).log2() / 2.0;
    eprintln!("slope {slope:.3}");
    assert!((slope - 2.0).abs() < 0.15, "{slope}");
}

#[test]
fn held_atoms_stay_and_the_rest_is_at_its_temperature() {
    let (mut state, mut evaluator) = liquid(110.0);
    let n = state.system.atoms.len();
    let held: Vec<[bool; 3]> = (0..n).map(|i| [i < 8, i < 8, i < 16]).collect();
    let before = state.system.atoms.positions.clone();
    let langevin = Langevin::new(0.01 / FS, 3).on(Group::All, Some(held.clone()));
    let mut integrator = Integrator::split(Splitting::Ends, 4.0 * FS)
        .with_thermostat(Box::new(langevin), Ramp::constant(110.0))
        .with_held(held.clone());
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let freedom = held.as_flattened().iter().filter(|h| !**h).count() as f64;
    let (mut sum, steps) = (0.0, 20_000);
    for _ in 0..steps {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        sum += kinetic_energy(&state.system.atoms);
    }
    for ((x, y), h) in before.iter().zip(&state.system.atoms.positions).zip(&held) {
        (0..3).for_each(|k| assert_eq!(x[k] == y[k], h[k]));
    }
    // Correlation time of K: 1/(2 γ) = 50 fs, 12 steps; 4 standard errors of 20000/25 independent values.
    let t = 2.0 * sum / f64::from(steps) / (BOLTZMANN * freedom);
    assert!(
        (t / 110.0 - 1.0).abs() < 4.0 * (2.0 / freedom / 800.0).sqrt(),
        "{t}"
    );
}
