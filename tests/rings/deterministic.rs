//! What needs no sampling: the moments of the discrete step, free rings, contraction, fourth order, real time.

use crate::common::wells::stationary;
use crate::fields::{field, particles, quantum_mass, term, unit_temperature};
use zundel::dynamics::rings::{ModeBath, Order, Propagator};
use zundel::dynamics::{Integrator, Operation, Ramp, RingDynamics, Splitting, State};
use zundel::potential::{Evaluator, Want};
use zundel::random::{Purpose, normals};
use zundel::system::{Cell, System};
use zundel::units::HBAR;

fn spring(x: f64) -> [f64; 2] {
    [0.5 * x * x, x]
}

fn anharmonic(x: f64) -> [f64; 2] {
    [
        0.5 * x * x + 0.1 * x.powi(3) + 0.05 * x.powi(4),
        x + 0.3 * x * x + 0.2 * x.powi(3),
    ]
}

fn soft(x: f64) -> [f64; 2] {
    [-0.3 * x.cos(), 0.3 * x.sin()]
}

fn rotation(angle: f64, w: f64) -> [[f64; 2]; 2] {
    let (s, c) = angle.sin_cos();
    [[c, s / w], [-w * s, c]]
}

fn product(a: [[f64; 2]; 2], b: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
    std::array::from_fn(|i| std::array::from_fn(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
}

fn apply(a: [[f64; 2]; 2], z: [f64; 2]) -> [f64; 2] {
    [
        a[0][0] * z[0] + a[0][1] * z[1],
        a[1][0] * z[0] + a[1][1] * z[1],
    ]
}

/// One step of a mode from (u, v), and the integrator that does it.
fn step(
    beads: usize,
    mode: usize,
    [splitting, propagator]: [usize; 2],
    mass: f64,
    h: f64,
    seed: u64,
    z: [f64; 2],
) -> ([f64; 2], Integrator) {
    let mut evaluator = field(spring);
    let mut state = State::new(particles(1, mass)).with_rings(beads);
    let mut rings = RingDynamics::new(Ramp::constant(unit_temperature()), seed);
    rings.propagator = [Propagator::Exact, Propagator::Cayley][propagator];
    let mut integrator =
        Integrator::split([Splitting::Middle, Splitting::Ends][splitting], h).with_rings(rings);
    let [u, v] = state.rings.as_mut().unwrap().modes_mut();
    (u[3 * mode], v[3 * mode]) = (z[0], z[1]);
    let run = |i: &mut Integrator, s: &mut State, e: &mut Evaluator| {
        i.prepare(s, e, Want::ENERGY)?;
        i.step(s, e, Want::ENERGY)
    };
    run(&mut integrator, &mut state, &mut evaluator).unwrap();
    let [u, v] = state.rings.as_mut().unwrap().modes_mut();
    ([u[3 * mode], v[3 * mode]], integrator)
}

#[test]
fn discrete_stationary_moments_of_internal_modes() {
    // The map and the noise of a step are read off the program; their stationary covariance must be that of matrices that
    // are written down here. x = βħω is 5 or 10, and lengths are such that kT and the spring constant are one.
    for x in [5.0, 10.0] {
        let mass = (HBAR / x).powi(2);
        let omega = x / HBAR;
        for beads in [2, 3, 4, 7, 16, 49, 64] {
            for mode in [1, beads / 2, beads - 1] {
                for (kind, wh) in (0..4).flat_map(|k| [(k, 0.05), (k, 0.5)]) {
                    let kind = [kind % 2, kind / 2];
                    let h = wh / omega;
                    let ring = beads as f64
                        * 2.0
                        * (std::f64::consts::PI * mode as f64 / beads as f64).sin();
                    let w = ring / HBAR;
                    // The program.
                    let of = |seed, z| step(beads, mode, kind, mass, h, seed, z);
                    let (zero, integrator) = of(1, [0.0, 0.0]);
                    let from = |z| {
                        let y = of(1, z).0;
                        [y[0] - zero[0], y[1] - zero[1]]
                    };
                    let (a, b) = (from([1.0, 0.0]), from([0.0, 1.0]));
                    let m = [[a[0], b[0]], [a[1], b[1]]];
                    let places = integrator.operations().iter().enumerate();
                    let places: Vec<u64> = places
                        .filter(|o| matches!(o.1, Operation::Thermostat(_)))
                        .map(|o| o.0 as u64)
                        .collect();
                    let xi = |seed: u64, place: u64| {
                        let mut out = [0.0; 3];
                        normals(seed, Purpose::Rings, place, mode as u32, 0, 0, &mut out);
                        out[0]
                    };
                    let noise = if let [only] = places[..] {
                        let s = 1.0 / xi(1, only);
                        let y = zero.map(|y| y * s);
                        [y[0] * y[0], y[0] * y[1], y[1] * y[1]]
                    } else {
                        // The second seed whose numbers tell the two noises apart best.
                        let pair = |seed: u64| [xi(seed, places[0]), xi(seed, places[1])];
                        let [a, b] = pair(1);
                        let area = |seed: u64| {
                            let [c, d] = pair(seed);
                            (a * d - b * c).abs() / (c * c + d * d).sqrt()
                        };
                        let best = (2..20).max_by(|x, y| area(*x).total_cmp(&area(*y)));
                        let best = best.unwrap();
                        let other = of(best, [0.0, 0.0]).0;
                        let [c, d] = pair(best);
                        let draws = nalgebra::Matrix2::new(a, b, c, d);
                        let solve = |k: usize| {
                            let right = nalgebra::Vector2::new(zero[k], other[k]);
                            draws.lu().solve(&right).unwrap()
                        };
                        let (u, v) = (solve(0), solve(1));
                        [u.dot(&u), u.dot(&v), v.dot(&v)]
                    };
                    // Amplitudes times w are of the size of velocities, so that the equations can be solved.
                    let solve = |m: [[f64; 2]; 2], q: [f64; 3]| {
                        let m = [[m[0][0], w * m[0][1]], [m[1][0] / w, m[1][1]]];
                        stationary(m, [w * w * q[0], w * q[1], q[2]])
                    };
                    let found = solve(m, noise);
                    // Written down.
                    let kick = [[1.0, 0.0], [-0.5 * h / mass, 1.0]];
                    let angle = |part: f64| match kind[1] {
                        0 => w * h * part,
                        _ => 2.0 * part * (0.5 * w * h).atan(),
                    };
                    let (exact, noise) = if kind[0] == 0 {
                        let half = rotation(angle(0.5), w);
                        let c = (-2.0 * w * h).exp();
                        let stir = [[1.0, 0.0], [0.0, c]];
                        let before = product(half, kick);
                        let after = product(kick, half);
                        let n = apply(after, [0.0, ((1.0 - c * c) / mass).sqrt()]);
                        let q = [n[0] * n[0], n[0] * n[1], n[1] * n[1]];
                        (product(after, product(stir, before)), q)
                    } else {
                        let c = (-w * h).exp();
                        let stir = [[1.0, 0.0], [0.0, c]];
                        let s = ((1.0 - c * c) / mass).sqrt();
                        let whole = product(kick, product(rotation(angle(1.0), w), kick));
                        let n = apply(product(stir, whole), [0.0, s]);
                        let q = [n[0] * n[0], n[0] * n[1], n[1] * n[1] + s * s];
                        (product(stir, product(whole, stir)), q)
                    };
                    let expected = solve(exact, noise);
                    let what = format!("x {x} P {beads} mode {mode} {kind:?} wh {wh}");
                    for (k, scale) in [(0, expected[0]), (2, expected[2])] {
                        let off = (found[k] - expected[k]).abs() / scale;
                        assert!(off < 1e-10, "{what}: {off:.1e}");
                    }
                    // For short steps those of the springs of the field and the ring together.
                    if wh == 0.05 {
                        let limit = 1.0 / (1.0 + mass * w * w);
                        let off = found[0] / (w * w * limit) - 1.0;
                        assert!(off.abs() < wh * wh, "{what}: {off:.1e}");
                    }
                }
            }
        }
    }
}

/// A state of rings that are far from their centroids, without forces yet.
fn stretched(beads: usize, atoms: usize, mass: f64, width: f64) -> State {
    let mut state = State::new(particles(atoms, mass)).with_rings(beads);
    for (i, x) in state.system.atoms.positions.iter_mut().enumerate() {
        *x = [0.3 * i as f64, -0.2, 0.1 * i as f64];
    }
    let [u, v] = state.rings.as_mut().unwrap().modes_mut();
    normals(5, Purpose::Displacement, 0, 0, 0, 0, u);
    normals(5, Purpose::Displacement, 1, 0, 0, 0, v);
    u.iter_mut().for_each(|u| *u *= width);
    state
}

#[test]
fn free_rings_conserve_their_energy_and_return() {
    let mass = quantum_mass();
    for beads in [4, 15, 64] {
        let w = 2.0 * beads as f64 / HBAR * (std::f64::consts::PI / beads as f64).sin();
        let period = 2.0 * std::f64::consts::PI / w;
        for h in [0.1 * period, 7.3 * period, period] {
            let mut evaluator = field(|_| [0.0, 0.0]);
            let mut state = stretched(beads, 2, mass, 0.3);
            let mut rings = RingDynamics::new(Ramp::constant(unit_temperature()), 1);
            rings.bath = ModeBath::None;
            let mut integrator = Integrator::velocity_verlet(h).with_rings(rings);
            integrator
                .prepare(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            let before = state
                .rings
                .as_mut()
                .unwrap()
                .modes_mut()
                .map(|m| m.to_vec());
            let energy = integrator.conserved(&state);
            for _ in 0..3 {
                integrator
                    .step(&mut state, &mut evaluator, Want::ENERGY)
                    .unwrap();
            }
            let drift = (integrator.conserved(&state) / energy - 1.0).abs();
            assert!(drift < 1e-12, "{beads} {h}: {drift}");
            if h == period {
                let after = state.rings.as_mut().unwrap().modes_mut();
                // The first mode and its partner have come round.
                for mode in [1, beads - 1] {
                    for c in 3 * 2 * mode..3 * 2 * (mode + 1) {
                        assert!((after[0][c] - before[0][c]).abs() < 1e-11);
                    }
                }
            }
        }
    }
}

#[test]
fn modes_of_one_frequency_return_together() {
    // Masses of their own give all internal modes the same period.
    let frequency = 0.37 / HBAR;
    let mut evaluator = field(|_| [0.0, 0.0]);
    let mut state = stretched(12, 2, quantum_mass(), 0.3);
    let mut rings = RingDynamics::new(Ramp::constant(unit_temperature()), 1);
    rings.bath = ModeBath::None;
    rings.adiabatic = Some(frequency);
    let h = 2.0 * std::f64::consts::PI / frequency / 5.0;
    let mut integrator = Integrator::velocity_verlet(h).with_rings(rings);
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let before = state.rings.as_mut().unwrap().modes_mut()[0].to_vec();
    let energy = integrator.conserved(&state);
    for _ in 0..5 {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
    }
    assert!((integrator.conserved(&state) / energy - 1.0).abs() < 1e-12);
    let after = &state.rings.as_mut().unwrap().modes_mut()[0][6..];
    for (a, b) in after.iter().zip(&before[6..]) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn cayley_tends_to_the_exact_rotation() {
    let run = |propagator, h: f64| {
        let mut evaluator = field(spring);
        let mut state = stretched(8, 1, quantum_mass(), 0.3);
        let mut rings = RingDynamics::new(Ramp::constant(unit_temperature()), 1);
        rings.bath = ModeBath::None;
        rings.propagator = propagator;
        let mut integrator = Integrator::velocity_verlet(h).with_rings(rings);
        integrator
            .prepare(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        state.rings.unwrap().modes_mut()[0].to_vec()
    };
    let far = |h: f64| {
        let (a, b) = (run(Propagator::Exact, h), run(Propagator::Cayley, h));
        let far = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
        far.fold(0.0, f64::max)
    };
    // The angle is wrong by (wh)³/12, and what began at rest by the sine of the angle of that.
    let (one, half) = (far(4e-4), far(2e-4));
    assert!(
        one < 1e-5 && (one / half - 16.0).abs() < 0.6,
        "{one} {half}"
    );
}

/// The effective potential energy of a state, and its forces on the modes.
fn evaluate(state: &mut State, evaluator: &mut Evaluator, rings: RingDynamics) -> (f64, Vec<f64>) {
    let mut integrator = Integrator::velocity_verlet(1e-9).with_rings(rings);
    integrator
        .prepare(state, evaluator, Want::DYNAMICS)
        .unwrap();
    let numbers = state.rings.as_ref().unwrap().numbers();
    (state.evaluation.energy, numbers["ring_forces_0"].clone())
}

#[test]
fn forces_on_modes_are_gradients() {
    // Of contracted sums and of both operators of fourth order, by central differences of the mode amplitudes.
    let t = unit_temperature();
    let kinds: [(&str, Order, Vec<Option<usize>>); 5] = [
        ("all beads", Order::Second, vec![]),
        (
            "contracted to 5 and 1",
            Order::Second,
            vec![Some(5), Some(1)],
        ),
        ("contracted to 4", Order::Second, vec![None, Some(4)]),
        ("Takahashi-Imada", Order::TakahashiImada, vec![]),
        ("Suzuki-Chin", Order::SuzukiChin { alpha: 0.3 }, vec![]),
    ];
    for (what, order, contraction) in kinds {
        let make = || {
            let mut rings = RingDynamics::new(Ramp::constant(t), 1);
            rings.order = order;
            rings.contraction = contraction.clone();
            rings
        };
        let mut evaluator = Evaluator::new(vec![term("hard", anharmonic), term("soft", soft)], 0.5);
        let mut state = stretched(12, 2, 20.0 * quantum_mass(), 0.2);
        let (_, forces) = evaluate(&mut state, &mut evaluator, make());
        for c in 0..12 * 6 {
            let mut at = |d: f64| {
                let mut moved = state.clone();
                if c < 6 {
                    moved.system.atoms.positions.as_flattened_mut()[c] += d;
                } else {
                    moved.rings.as_mut().unwrap().modes_mut()[0][c] += d;
                }
                evaluate(&mut moved, &mut evaluator, make()).0
            };
            let d = 1e-4;
            let gradient = (at(d) - at(-d)) / (2.0 * d);
            let off = (gradient + forces[c]).abs();
            assert!(off < 1e-6, "{what}, {c}: {gradient} {}", forces[c]);
        }
    }
}

#[test]
fn the_centroid_virial_is_a_strain_derivative() {
    // The centroids and the cell are strained, the internal modes are not.
    let mut evaluator = crate::lattice::evaluator();
    for (order, contraction) in [
        (Order::Second, vec![]),
        (Order::Second, vec![Some(3)]),
        (Order::TakahashiImada, vec![]),
        (Order::SuzukiChin { alpha: 0.0 }, vec![]),
    ] {
        let make = || {
            let mut rings = RingDynamics::new(Ramp::constant(30.0), 1);
            rings.order = order;
            rings.contraction = contraction.clone();
            rings
        };
        let mut state = crate::lattice::state(6);
        let _ = evaluate(&mut state, &mut evaluator, make());
        let virial = state.evaluation.virial;
        for (a, b) in [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)] {
            let mut at = |e: f64| {
                let mut moved = state.clone();
                let mut f = nalgebra::Matrix3::identity();
                f[(a, b)] += e;
                moved.system = strained(&state.system, &f);
                evaluate(&mut moved, &mut evaluator, make()).0
            };
            let e = 1e-5;
            let slope = (at(-e) - at(e)) / (2.0 * e);
            // The virial is r ⊗ f; without the internal modes it is not symmetric.
            let off = (slope - virial[b][a]).abs();
            assert!(
                off < 2e-5 * (1.0 + slope.abs()),
                "{order:?} {a}{b}: {slope} {}",
                virial[b][a]
            );
        }
    }
}

fn strained(system: &System, f: &nalgebra::Matrix3<f64>) -> System {
    let mut moved = system.clone();
    let rows = system.cell.row_vectors().map(|r| {
        let v = f * nalgebra::Vector3::from(r);
        [v[0], v[1], v[2]]
    });
    moved.cell = Cell::new(rows, [true; 3]).unwrap();
    for x in &mut moved.atoms.positions {
        let v = f * nalgebra::Vector3::from(*x);
        *x = [v[0], v[1], v[2]];
    }
    moved
}

#[test]
fn one_bead_is_a_classical_particle() {
    // Rings of one bead, and classical dynamics, give the same bits.
    let run = |beads: Option<usize>| {
        let mut evaluator = field(anharmonic);
        let mut state = State::new(particles(3, 1.0));
        state.system.atoms.positions = vec![[0.1, 0.2, -0.3], [0.5, 0.0, 0.2], [-0.4, 0.3, 0.1]];
        let mut integrator = Integrator::velocity_verlet(0.05);
        if let Some(beads) = beads {
            state = state.with_rings(beads);
            let rings = RingDynamics::new(Ramp::constant(300.0), 1);
            integrator = integrator.with_rings(rings);
        }
        integrator
            .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        for _ in 0..100 {
            integrator
                .step(&mut state, &mut evaluator, Want::DYNAMICS)
                .unwrap();
        }
        let rings = None;
        let bare = State { rings, ..state };
        let conserved = integrator.conserved(&bare);
        (bare.system, conserved)
    };
    assert_eq!(run(None), run(Some(1)));
}

#[test]
fn ring_polymer_dynamics_of_an_oscillator_has_its_frequency() {
    // Ten periods; the velocity of the centroid is a cosine. TRPMD too: internal modes do not speak to the centroid here.
    let beads = 16;
    let x: f64 = 5.0;
    let mass = (HBAR / x).powi(2);
    let omega = x / HBAR;
    for bath in [ModeBath::None, ModeBath::Pile { lambda: 0.5 }] {
        let mut evaluator = field(spring);
        let mut state = stretched(beads, 4, mass, 0.2);
        let start = state.system.atoms.positions.clone();
        let mut rings = RingDynamics::new(Ramp::constant(unit_temperature()), 1);
        rings.bath = bath;
        let h = 0.03 / omega;
        let mut integrator = Integrator::velocity_verlet(h).with_rings(rings);
        integrator
            .prepare(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        let steps = (20.0 * std::f64::consts::PI / (omega * h)) as u64;
        for n in 1..=steps {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            let exact = (omega * h * n as f64).cos();
            let own = state.system.atoms.positions[3][0];
            assert!(
                (own - start[3][0] * exact).abs() < 0.01 * start[3][0],
                "{n}"
            );
        }
    }
}

#[test]
fn energy_is_conserved_to_second_order() {
    // NVE of rings in a field, in steps of h and h/2, with both propagators and with contraction.
    for (propagator, contraction) in [
        (Propagator::Exact, vec![]),
        (Propagator::Cayley, vec![]),
        (Propagator::Exact, vec![None, Some(3)]),
    ] {
        let spread = |h: f64| {
            let mut evaluator =
                Evaluator::new(vec![term("hard", anharmonic), term("soft", soft)], 0.5);
            let mut state = stretched(8, 3, 4.0 * quantum_mass(), 0.1);
            let mut rings = RingDynamics::new(Ramp::constant(unit_temperature()), 1);
            rings.bath = ModeBath::None;
            rings.propagator = propagator;
            rings.contraction = contraction.clone();
            let mut integrator = Integrator::velocity_verlet(h).with_rings(rings);
            integrator
                .prepare(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            let mut energies = Vec::new();
            for _ in 0..(2.0 / h) as usize {
                integrator
                    .step(&mut state, &mut evaluator, Want::ENERGY)
                    .unwrap();
                energies.push(integrator.conserved(&state));
            }
            let mean = energies.iter().sum::<f64>() / energies.len() as f64;
            let square = energies.iter().map(|e| (e - mean).powi(2)).sum::<f64>();
            (square / energies.len() as f64).sqrt()
        };
        let (whole, half) = (spread(2e-3), spread(1e-3));
        let slope = (whole / half).log2();
        assert!((slope - 2.0).abs() < 0.1, "{propagator:?}: {slope} {whole}");
    }
}
