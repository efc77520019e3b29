//! Add your own potential: the one of Finnis and Sinclair for tungsten, from nothing to molecular dynamics.
//!
//! `cargo run --release --example own_potential`
//!
//! A local potential is a sum over atoms of functions of their neighbourhoods. It implements [`LocalModel`]: it is handed
//! rows of neighbours (where each is seen from its centre) and gives back the energy of the centre and its derivative by
//! each of those vectors. Periodic images, forces on both atoms, virial, threads and batches are the business of [`Local`].

use std::sync::Arc;
use zundel::dynamics::{Integrator, State};
use zundel::elements::{Element, Species};
use zundel::error::{Error, Result};
use zundel::potential::{
    Configuration, Description, Evaluation, Evaluator, Gives, ListKind, Local, LocalModel,
    NeighbourRequest, RowResults, Rows, Term, Want, conformance,
};
use zundel::system::{Atoms, Cell, System, repeat, thermal_velocities};
use zundel::units::FS;

/// E_i = 1/2 sum_j (r-c)^2 (c0 + c1 r + c2 r^2) - A sqrt(rho_i) with rho_i = sum_j (r-d)^2, where the pair part ends at c and
/// the density at d (Finnis, Sinclair, Phil. Mag. A 50, 45 (1984)).
struct FinnisSinclair {
    description: Description,
}

// Tungsten, in eV and Å.
const D: f64 = 4.400224;
const A: f64 = 1.896373;
const C: f64 = 3.25;
const PAIR: [f64; 3] = [47.1346499, -33.7665655, 6.2541999];

impl FinnisSinclair {
    /// The description is what the engine checks before the first step.
    fn new(tungsten: Element) -> FinnisSinclair {
        FinnisSinclair {
            description: Description {
                name: "Finnis-Sinclair tungsten".into(),
                elements: Some(vec![tungsten]),
                neighbours: Some(NeighbourRequest {
                    cutoff: D,
                    // Every pair from both sides: each centre needs all of its neighbours.
                    kind: ListKind::Full,
                    // Cheap per atom: large pieces of work, and none too small to be worth a thread.
                    chunk: 512,
                    grain: 64,
                }),
                gives: Gives {
                    virial: true,
                    site_energies: true,
                    reliability: None,
                },
                references: vec!["Finnis, Sinclair, Phil. Mag. A 50, 45 (1984)".into()],
                ..Description::default()
            },
        }
    }
}

impl LocalModel for FinnisSinclair {
    // Memory that is reused from call to call: dE_i/dr of the neighbours of one centre.
    type Scratch = Vec<f64>;

    fn description(&self) -> &Description {
        &self.description
    }

    fn block(&self) -> usize {
        64
    }

    fn evaluate(
        &self,
        rows: &Rows<'_>,
        _want: Want,
        slope: &mut Vec<f64>,
        results: &mut RowResults<'_>,
    ) {
        for centre in 0..rows.centres.len() {
            let row = rows.of(centre);
            let (mut pair, mut density) = (0.0, 0.0);
            // Rows may reach further than the potential: it cuts by itself.
            for r2 in &rows.r2[row.clone()] {
                let r = r2.sqrt();
                if r < C {
                    pair += 0.5 * (r - C).powi(2) * (PAIR[0] + r * (PAIR[1] + r * PAIR[2]));
                }
                if r < D {
                    density += (r - D).powi(2);
                }
            }
            results.energy[centre] += pair - A * density.sqrt();
            // No gradients are wanted when there is no room for them.
            if results.gx.is_empty() || density == 0.0 {
                continue;
            }
            slope.clear();
            slope.extend(rows.r2[row.clone()].iter().map(|r2| {
                let r = r2.sqrt();
                let mut slope = 0.0;
                if r < C {
                    let p = PAIR[0] + r * (PAIR[1] + r * PAIR[2]);
                    slope +=
                        0.5 * (2.0 * (r - C) * p + (r - C).powi(2) * (PAIR[1] + 2.0 * r * PAIR[2]));
                }
                if r < D {
                    slope -= 0.5 * A / density.sqrt() * 2.0 * (r - D);
                }
                slope / r
            }));
            for (k, s) in row.zip(slope.iter()) {
                results.gx[k] += s * rows.x[k];
                results.gy[k] += s * rows.y[k];
                results.gz[k] += s * rows.z[k];
            }
        }
    }
}

/// A body-centred cubic crystal of n^3 cubic cells.
fn crystal(tungsten: Element, n: usize) -> Result<System> {
    let a = 3.1652;
    let mut atoms = Atoms::default();
    for x in [0.0, 0.5 * a] {
        atoms.push(Species::natural(tungsten), [x; 3]);
    }
    let cell = Cell::orthorhombic(a, a, a).map_err(|why| Error::input("cell", why))?;
    repeat(&System { cell, atoms }, [n; 3])
}

/// Energy (eV) and forces (eV/Å) of a system.
fn evaluate(term: &Term, system: &System) -> Result<Evaluation> {
    let configuration = Configuration {
        cell: &system.cell,
        elements: &system.atoms.elements,
        positions: &system.atoms.positions,
    };
    let mut result = [Evaluation::default()];
    Evaluator::new(vec![term.clone()], 0.0)
        .evaluate(&[configuration], Want::ALL, &mut result)
        .map_err(|e| Error::run(format!("{e:?}"), ""))?;
    let [result] = result;
    Ok(result)
}

/// Fails the example when a promise is not kept.
fn demand(kept: bool, what: &str) -> Result<()> {
    if kept {
        Ok(())
    } else {
        Err(Error::run(format!("not so: {what}"), ""))
    }
}

/// Runs the checks and a short simulation.
pub fn main() -> Result<()> {
    let tungsten =
        Element::from_symbol("W").ok_or_else(|| Error::input("", "there is no tungsten"))?;
    let term = Term::new("tungsten", Arc::new(Local(FinnisSinclair::new(tungsten))));

    // The published cohesive energy is 8.90 eV.
    let mut system = crystal(tungsten, 4)?;
    let per_atom = evaluate(&term, &system)?.energy / system.atoms.len() as f64;
    println!("energy of the crystal: {per_atom:.4} eV/atom");
    demand((per_atom + 8.90).abs() < 0.005, "cohesive energy 8.90 eV")?;

    // Forces against finite differences, on an atom that is pushed out of its place.
    system.atoms.positions[7][0] += 0.2;
    system.atoms.positions[7][1] -= 0.1;
    let force = evaluate(&term, &system)?.forces[7];
    for k in 0..3 {
        let h = 1e-4;
        let mut energy = [0.0; 2];
        for (side, e) in [h, -h].into_iter().zip(&mut energy) {
            let mut moved = system.clone();
            moved.atoms.positions[7][k] += side;
            *e = evaluate(&term, &moved)?.energy;
        }
        let numeric = -(energy[0] - energy[1]) / (2.0 * h);
        println!(
            "force on atom 7, {}: {:+.8} eV/Å, numerically {numeric:+.8}",
            ["x", "y", "z"][k],
            force[k]
        );
        demand(
            (force[k] - numeric).abs() < 1e-6,
            "the force is the gradient",
        )?;
    }

    // The same and more, as `zundel check-model` does it for model files.
    let checks = conformance::run(std::slice::from_ref(&term), &crystal(tungsten, 2)?, None)
        .map_err(|e| Error::run(format!("{e:?}"), ""))?;
    for check in &checks {
        println!(
            "{:6} {}",
            if check.passed() { "ok" } else { "FAILED" },
            check.name
        );
        demand(check.passed(), check.name)?;
    }

    // Dynamics: 200 steps of 2 fs at constant energy.
    let mut system = crystal(tungsten, 4)?;
    thermal_velocities(&mut system.atoms, 600.0, 1, true);
    let mut state = State::new(system);
    let mut evaluator = Evaluator::new(vec![term], 0.5);
    let mut integrator = Integrator::velocity_verlet(2.0 * FS);
    let failed = |e| Error::run(format!("{e:?}"), "");
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .map_err(failed)?;
    let start = integrator.conserved(&state);
    let mut furthest: f64 = 0.0;
    for _ in 0..200 {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .map_err(failed)?;
        furthest = furthest.max((integrator.conserved(&state) - start).abs());
    }
    let furthest = furthest / state.system.atoms.len() as f64;
    println!("largest change of the energy in 0.4 ps: {furthest:.1e} eV/atom");
    demand(furthest < 1e-4, "energy is conserved")
}
