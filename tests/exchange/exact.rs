//! Replica exchange against exact distributions, and what an exchange leaves as it was.

use crate::common;
use crate::common::wells::{particles, wells};
use zundel::dynamics::barostat::{Barostat, CellRescaling, Method, Piston, StrainSpace};
use zundel::dynamics::rings::Propagator;
use zundel::dynamics::{
    Integrator, Langevin, Ramp, RingDynamics, Splitting, State, Walker, exchange, step_together,
};
use zundel::potential::{Evaluator, Want};
use zundel::random::{Purpose, Stream};
use zundel::system::{Cell, thermal_velocities};
use zundel::units::{BOLTZMANN, FS, HBAR};

struct Replica {
    integrator: Integrator,
    state: State,
    evaluator: Evaluator,
}

impl Replica {
    fn walker(&mut self) -> Walker<'_> {
        Walker {
            integrator: &mut self.integrator,
            state: &mut self.state,
            evaluator: &mut self.evaluator,
        }
    }
}

fn step(all: &mut [Replica]) {
    let mut walkers: Vec<Walker<'_>> = all.iter_mut().map(Replica::walker).collect();
    step_together(&mut walkers, Want::DYNAMICS).unwrap();
}

/// Mean and standard error of a correlated series, by blocks.
fn mean(series: &[f64]) -> (f64, f64) {
    let blocks = 40;
    let length = series.len() / blocks;
    let means: Vec<f64> = series
        .chunks_exact(length)
        .map(|c| c.iter().sum::<f64>() / length as f64)
        .collect();
    let n = means.len() as f64;
    let m = means.iter().sum::<f64>() / n;
    let square = means.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (n - 1.0);
    (m, (square / n).sqrt())
}

fn assert_near(what: &str, series: &[f64], exact: f64) {
    let (m, e) = mean(series);
    eprintln!("{what}: {m:.5} ± {e:.5}, exact {exact:.5}");
    assert!(
        (m - exact).abs() < 4.0 * e,
        "{what}: {m} ± {e}, exact {exact}"
    );
    assert!(e < 0.03 * exact, "{what}: too few samples");
}

/// Steps and exchanges; what `measure` gives of each replica before, and the probabilities of each pair at, every exchange.
fn sample(
    all: &mut [Replica],
    every: usize,
    exchanges: usize,
    measure: impl Fn(&State) -> f64,
) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let n = all.len();
    let (mut values, mut probabilities) = (vec![Vec::new(); n], vec![Vec::new(); n - 1]);
    let mut accepted = 0;
    for turn in 0..exchanges + 200 {
        (0..every).for_each(|_| step(all));
        if turn >= 200 {
            for (k, r) in all.iter().enumerate() {
                values[k].push(measure(&r.state));
            }
        }
        for pair in (turn % 2..n - 1).step_by(2) {
            let (a, b) = all.split_at_mut(pair + 1);
            let (a, b) = (&mut a[pair], &mut b[0]);
            let before = [&*a, &*b].map(|r| r.integrator.conserved(&r.state));
            let mut stream = Stream::new(3, Purpose::Exchange, turn as u64, pair as u64, 0);
            let outcome = exchange(&mut a.walker(), &mut b.walker(), stream.uniform()).unwrap();
            for (r, before) in [&*a, &*b].into_iter().zip(before) {
                let after = r.integrator.conserved(&r.state);
                assert!((after - before).abs() < 1e-9, "the conserved energy jumps");
            }
            accepted += usize::from(outcome.accepted);
            if turn >= 200 {
                probabilities[pair].push(outcome.probability);
            }
        }
    }
    assert!(accepted > exchanges / 5);
    (values, probabilities)
}

/// The mean of min(1, exp((a - b)(x - y))) for x and y of Gamma distributions of one shape and the rates a and b, by quadrature.
fn overlap(shape: f64, a: f64, b: f64) -> f64 {
    const POINTS: usize = 2000;
    // In units of 1/a; beyond 6 widths above the mean nothing is left.
    let reach = |rate: f64| (shape + 9.0 * shape.sqrt() + 20.0) / rate;
    let grid = |rate: f64| -> Vec<(f64, f64)> {
        let d = reach(rate) / POINTS as f64;
        let mut all: Vec<(f64, f64)> = (0..POINTS)
            .map(|i| {
                let x = (i as f64 + 0.5) * d;
                (x, ((shape - 1.0) * (x * rate).ln() - x * rate).exp())
            })
            .collect();
        let sum: f64 = all.iter().map(|p| p.1).sum();
        all.iter_mut().for_each(|p| p.1 /= sum);
        all
    };
    let (xs, ys) = (grid(a), grid(b));
    let inner = |x: f64| -> f64 {
        let one = |y: &(f64, f64)| y.1 * ((a - b) * (x - y.0)).exp().min(1.0);
        ys.iter().map(one).sum()
    };
    xs.iter().map(|x| x.1 * inner(x.0)).sum()
}

#[test]
fn quadrature_of_the_overlap() {
    // Equal rates always exchange; for a shape of 1 the integral is 2 min(a, b)/(a + b).
    assert!((overlap(6.0, 1.0, 1.0) - 1.0).abs() < 1e-12);
    assert!((overlap(1.0, 1.0, 3.0) - 0.5).abs() < 1e-3);
}

#[test]
fn oscillators_at_four_temperatures() {
    const ATOMS: usize = 4;
    let temperatures = [100.0, 150.0, 225.0, 340.0];
    let (mass, omega) = (20.0, 0.03 / FS);
    let stiffness = mass * omega * omega;
    let replica = |(k, &t): (usize, &f64)| {
        let mut system = particles(ATOMS, mass, Cell::isolated());
        thermal_velocities(&mut system.atoms, t, k as u64, false);
        let bath = Langevin::new(0.03 / FS, 50 + k as u64);
        Replica {
            integrator: Integrator::baoab(10.0 * FS, t, bath),
            state: State::new(system),
            evaluator: wells(stiffness, 0.0),
        }
    };
    let mut all: Vec<Replica> = temperatures.iter().enumerate().map(replica).collect();
    for r in &mut all {
        let w = r.walker();
        w.integrator
            .prepare(w.state, w.evaluator, Want::DYNAMICS)
            .unwrap();
    }
    let (values, probabilities) = sample(&mut all, 10, 12_000, |s| s.evaluation.energy);
    let freedom = 3.0 * ATOMS as f64;
    for (t, v) in temperatures.iter().zip(&values) {
        // Positions in the middle-placed splitting have no error of the time step in a spring.
        assert_near(
            &format!("<V>/kT at {t} K"),
            &v.iter().map(|v| v / (BOLTZMANN * t)).collect::<Vec<_>>(),
            0.5 * freedom,
        );
    }
    for (pair, p) in probabilities.iter().enumerate() {
        let exact = overlap(
            0.5 * freedom,
            1.0 / temperatures[pair],
            1.0 / temperatures[pair + 1],
        );
        assert_near(&format!("acceptance of pair {pair}"), p, exact);
    }
}

#[test]
fn ideal_gases_at_temperatures_and_pressures() {
    const ATOMS: usize = 8;
    for piston in [true, false] {
        let unit = BOLTZMANN * 300.0 / 200.0;
        let rungs = [(300.0, unit), (400.0, 1.8 * unit), (500.0, 1.6 * unit)];
        let replica = |(k, &(t, p)): (usize, &(f64, f64))| {
            let side = (ATOMS as f64 * BOLTZMANN * t / p).cbrt();
            let cell = Cell::orthorhombic(side, side, side).unwrap();
            let mut system = particles(ATOMS, 20.0, cell);
            thermal_velocities(&mut system.atoms, t, k as u64, false);
            let space = StrainSpace::isotropic();
            let seed = 70 + k as u64;
            let tau = 200.0 * FS;
            let method = match piston {
                true => {
                    let piston = Piston::bzp(&space, ATOMS, BOLTZMANN * t, tau, 0.005 / FS, seed);
                    Method::Piston(piston)
                }
                false => Method::Rescaling(CellRescaling::new(1.0 / (2.0 * p), tau, seed)),
            };
            let hydrostatic = [p, p, p, 0.0, 0.0, 0.0];
            let barostat = Barostat {
                space,
                target: hydrostatic.map(Ramp::constant),
                temperature: Ramp::constant(t),
                method,
            };
            let splitting = if piston {
                Splitting::Ends
            } else {
                Splitting::Middle
            };
            let bath = Langevin::new(0.01 / FS, 90 + k as u64);
            Replica {
                integrator: Integrator::split(splitting, 4.0 * FS)
                    .with_thermostat(Box::new(bath), Ramp::constant(t))
                    .with_barostat(barostat),
                state: State::new(system),
                evaluator: wells(0.0, 0.0),
            }
        };
        let mut all: Vec<Replica> = rungs.iter().enumerate().map(replica).collect();
        for r in &mut all {
            let w = r.walker();
            w.integrator
                .prepare(w.state, w.evaluator, Want::DYNAMICS)
                .unwrap();
        }
        let volume = |s: &State| s.system.cell.volume().unwrap();
        let (values, probabilities) = sample(&mut all, 40, 6_000, volume);
        let shape = ATOMS as f64 + 1.0;
        for ((t, p), v) in rungs.iter().zip(&values) {
            let x: Vec<f64> = v.iter().map(|v| v * p / (BOLTZMANN * t)).collect();
            assert_near(&format!("<PV>/kT at {t} K"), &x, shape);
            let square: Vec<f64> = x.iter().map(|x| (x - shape).powi(2)).collect();
            let (m, e) = mean(&square);
            assert!(
                (m - shape).abs() < 4.0 * e,
                "variance {m} ± {e}, exact {shape}"
            );
        }
        for (pair, series) in probabilities.iter().enumerate() {
            let [a, b] = [rungs[pair], rungs[pair + 1]].map(|(t, p)| p / t);
            let exact = overlap(shape, 1.0, b / a);
            assert_near(&format!("acceptance of pair {pair}"), series, exact);
        }
    }
}

/// Replicas of quantum oscillators with ħω/k of 400 K.
fn quantum(temperatures: &[f64], beads: usize, atoms: usize) -> Vec<Replica> {
    let mass = 20.0;
    let omega = 400.0 * BOLTZMANN / HBAR;
    let replica = |(k, &t): (usize, &f64)| {
        let mut system = particles(atoms, mass, Cell::isolated());
        thermal_velocities(&mut system.atoms, t, k as u64, false);
        let mut rings = RingDynamics::new(Ramp::constant(t), 30 + k as u64);
        rings.propagator = Propagator::Cayley;
        let bath = Langevin::new(omega, 50 + k as u64);
        let mut r = Replica {
            integrator: Integrator::baoab(0.15 / omega, t, bath).with_rings(rings),
            state: State::new(system).with_rings(beads),
            evaluator: wells(mass * omega * omega, 0.0),
        };
        let w = r.walker();
        w.integrator.draw_mode_velocities(w.state, t, 9 + k as u64);
        w.integrator
            .prepare(w.state, w.evaluator, Want::DYNAMICS)
            .unwrap();
        r
    };
    temperatures.iter().enumerate().map(replica).collect()
}

#[test]
fn quantum_oscillators_at_three_temperatures() {
    const ATOMS: usize = 2;
    const BEADS: usize = 4;
    let temperatures = [100.0, 140.0, 200.0];
    let mut all = quantum(&temperatures, BEADS, ATOMS);
    let (values, probabilities) = sample(&mut all, 20, 8_000, |s| s.evaluation.energy);
    let freedom = 3 * ATOMS;
    // Of each mode ½ m ω² <u_k²> in units of kT.
    let parts = |t: f64| -> Vec<f64> {
        let spring = |k: usize| {
            let w = 2.0 * BEADS as f64 * t / 400.0;
            w * (std::f64::consts::PI * k as f64 / BEADS as f64).sin()
        };
        let mode = |k: usize| 0.5 / (1.0 + spring(k).powi(2));
        (0..BEADS).map(mode).collect()
    };
    for (t, v) in temperatures.iter().zip(&values) {
        let scaled: Vec<f64> = v.iter().map(|v| v / (BOLTZMANN * t)).collect();
        let exact = freedom as f64 * parts(*t).iter().sum::<f64>();
        assert_near(&format!("<V>/kT at {t} K"), &scaled, exact);
    }
    // Modes are independent and Gaussian: the exact distribution can be sampled directly.
    for (pair, p) in probabilities.iter().enumerate() {
        let ts = [temperatures[pair], temperatures[pair + 1]];
        let tables = ts.map(parts);
        let mut sum = 0.0;
        const DRAWS: u64 = 100_000;
        for draw in 0..DRAWS {
            let mut stream = Stream::new(77, Purpose::Displacement, draw, pair as u64, 0);
            // βV where it is and where it would go: the centroid's part goes as β, internal modes as β (T/T')².
            let mut delta = 0.0;
            for (here, there) in [(0, 1), (1, 0)] {
                let ratio: f64 = ts[here] / ts[there];
                for (k, part) in tables[here].iter().enumerate() {
                    let v: f64 = (0..freedom).map(|_| part * stream.normal().powi(2)).sum();
                    // In units of kT here; the amplitude of a mode goes over with sqrt(T/T').
                    let moved = if k == 0 { ratio } else { ratio * ratio };
                    delta += v * (1.0 - moved);
                }
            }
            sum += delta.exp().min(1.0);
        }
        assert_near(&format!("acceptance of pair {pair}"), p, sum / DRAWS as f64);
    }
}

#[test]
fn what_is_not_accepted_has_not_happened() {
    let mut all = quantum(&[100.0, 400.0], 8, 2);
    (0..50).for_each(|_| step(&mut all));
    let bits = |r: &Replica| {
        let mut numbers = r.integrator.numbers();
        numbers.extend(r.state.rings.as_ref().unwrap().numbers());
        let atoms = &r.state.system.atoms;
        numbers.insert("x".into(), atoms.positions.as_flattened().to_vec());
        numbers.insert("v".into(), atoms.velocities.as_flattened().to_vec());
        numbers.insert(
            "f".into(),
            r.state.evaluation.forces.as_flattened().to_vec(),
        );
        numbers.insert("e".into(), vec![r.state.evaluation.energy]);
        format!("{numbers:?}")
    };
    let before: Vec<String> = all.iter().map(bits).collect();
    let [a, b] = &mut all[..] else { panic!() };
    let outcome = exchange(&mut a.walker(), &mut b.walker(), 1.0 - 1e-15).unwrap();
    assert!(!outcome.accepted && outcome.probability > 0.0);
    assert_eq!(before, all.iter().map(bits).collect::<Vec<_>>());

    // What does happen goes back by the same way, but for rounding.
    let energies: Vec<f64> = all.iter().map(|r| r.state.evaluation.energy).collect();
    for _ in 0..2 {
        let [a, b] = &mut all[..] else { panic!() };
        assert!(
            exchange(&mut a.walker(), &mut b.walker(), 0.0)
                .unwrap()
                .accepted
        );
    }
    for (r, e) in all.iter().zip(energies) {
        assert!((r.state.evaluation.energy - e).abs() < 1e-12);
    }
}

#[test]
fn together_as_alone() {
    let replica = |k: u64| {
        let mut system = common::fcc("Ar", 5.4, 2);
        common::rattle(&mut system, 0.1, k);
        thermal_velocities(&mut system.atoms, 80.0, k, true);
        let terms = common::lennard_jones(
            common::argon(6.5),
            zundel::potential::pair::Scheme::Truncated,
            false,
        );
        let mut r = Replica {
            integrator: Integrator::baoab(4.0 * FS, 80.0, Langevin::new(0.001 / FS, k)),
            state: State::new(system),
            evaluator: Evaluator::new(terms, 1.0),
        };
        let w = r.walker();
        w.integrator
            .prepare(w.state, w.evaluator, Want::DYNAMICS)
            .unwrap();
        r
    };
    let mut together: Vec<Replica> = (0..3).map(replica).collect();
    let mut alone: Vec<Replica> = (0..3).map(replica).collect();
    for _ in 0..100 {
        step(&mut together);
        for r in &mut alone {
            let w = r.walker();
            w.integrator
                .step(w.state, w.evaluator, Want::DYNAMICS)
                .unwrap();
        }
    }
    for (a, b) in together.iter().zip(&alone) {
        assert_eq!(a.state.system.atoms, b.state.system.atoms);
        assert_eq!(a.state.evaluation.energy, b.state.evaluation.energy);
        let conserved = |r: &Replica| r.integrator.conserved(&r.state).to_bits();
        assert_eq!(conserved(a), conserved(b));
    }
}
