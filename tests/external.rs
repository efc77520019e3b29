//! Restraints, walls, forces and heavy hydrogens: against exact results, and as decks.
//!
//! Statistical tests have fixed seeds; bounds are 4 standard errors (a right program fails once in 16 000 for each) and 1e-3
//! for Kolmogorov-Smirnov.

mod common;
mod program;

use program::Job;
use std::sync::Arc;
use zundel::dynamics::barostat::{Barostat, CellRescaling, Method, StrainSpace};
use zundel::dynamics::{Integrator, Langevin, Ramp, State};
use zundel::elements::Species;
use zundel::potential::external::{
    Anchor, AngleRestraint, Applied, DistanceRestraint, External, Law, PositionRestraint, Push,
    Surface, Wall,
};
use zundel::potential::pair::Scheme;
use zundel::potential::{Evaluator, Potential, Term, Want};
use zundel::system::{Atoms, Cell, System, kinetic_energy, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

fn term(name: &str, external: impl External + 'static, system: &System) -> Term {
    let applied = Applied::new(external, system.atoms.len()).expect("atoms that are there");
    Term::new(name, Arc::new(applied) as Arc<dyn Potential>)
}

fn tether(system: &System, constant: f64) -> PositionRestraint {
    let place = |(i, x): (u32, &[f64; 3])| (i, Anchor::new(&system.cell, *x));
    PositionRestraint {
        constant,
        width: 0.0,
        axes: [true; 3],
        places: (0..).zip(&system.atoms.positions).map(place).collect(),
    }
}

fn distance(system: &System, i: usize, j: usize) -> f64 {
    let (x, y) = (system.atoms.positions[i], system.atoms.positions[j]);
    (0..3).map(|k| (x[k] - y[k]).powi(2)).sum::<f64>().sqrt()
}

/// Samples of a quantity, far apart in time, of a system under a single external term.
fn sample(
    system: System,
    term: Term,
    temperature: f64,
    mut quantity: impl FnMut(&State) -> f64,
) -> Vec<f64> {
    let mut state = State::new(system);
    let mut evaluator = Evaluator::new(vec![term], 0.0);
    let mut integrator = Integrator::baoab(4.0 * FS, temperature, Langevin::new(0.02 / FS, 11));
    integrator
        .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
        .unwrap();
    let mut samples = Vec::new();
    for step in 0..400_000 {
        integrator
            .step(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        if step > 2000 && step % 200 == 0 {
            samples.push(quantity(&state));
        }
    }
    samples
}

fn gas(n: usize, cell: Cell) -> System {
    let argon = Species::from_name("Ar").unwrap();
    let mut atoms = Atoms::default();
    for i in 0..n {
        let x = i as f64;
        atoms.push(argon, [1.0 + 0.7 * x, 2.0 - 0.4 * x, 0.3 * x]);
    }
    System { cell, atoms }
}

fn mean_and_error(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let square = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (mean, (square / n).sqrt())
}

/// A tethered atom has energies of the Gamma distribution with shape 3/2.
#[test]
fn a_tether_samples_its_gaussian() {
    let system = gas(1, Cell::isolated());
    let spring = term("tether", tether(&system, 0.5), &system);
    let mut samples = sample(system, spring, 120.0, |s| {
        s.evaluation.energy / (BOLTZMANN * 120.0)
    });
    let p = common::kolmogorov_smirnov(&mut samples, 1.5);
    assert!(p > 1e-3, "{p}");
}

/// Two free atoms on a spring: <r²> of the density r² exp(-k (r - r0)²/2kT), a Gaussian integral.
#[test]
fn a_distance_restraint_samples_its_density() {
    let mut system = gas(2, Cell::isolated());
    system.atoms.positions[1] = [4.0, 2.0, 0.0];
    let (k, r0, kt) = (0.4, 2.5, BOLTZMANN * 120.0);
    let spring = DistanceRestraint {
        atoms: [0, 1],
        constant: k,
        length: r0,
        width: 0.0,
    };
    let spring = term("bond", spring, &system);
    let samples = sample(system, spring, 120.0, |s| distance(&s.system, 0, 1));
    let (mean, error) = mean_and_error(&samples);
    // <r> = <(r0 + u)³>/<(r0 + u)²> for a Gaussian u of variance kT/k; r never comes near zero.
    let v = kt / k;
    let exact = (r0.powi(3) + 3.0 * r0 * v) / (r0 * r0 + v);
    assert!((mean - exact).abs() < 4.0 * error, "{mean} {exact} {error}");
    assert!(error < 2e-2, "{error}");
}

/// In a cell that is periodic in all directions tethers follow strain, so that their crystal has no pressure: what the atoms
/// push, the springs pull.
#[test]
fn tethers_that_follow_the_cell_add_no_pressure() {
    let system = gas(8, Cell::orthorhombic(9.0, 8.0, 7.0).unwrap());
    let spring = term("tether", tether(&system, 0.5), &system);
    let samples = sample(system, spring, 120.0, |s| {
        let w = &s.evaluation.virial;
        2.0 * kinetic_energy(&s.system.atoms) + w[0][0] + w[1][1] + w[2][2]
    });
    let (mean, error) = mean_and_error(&samples);
    assert!(mean.abs() < 4.0 * error, "{mean} {error}");
    assert!(error < 0.01 * 24.0 * BOLTZMANN * 120.0, "{error}");
}

/// In a constant field atoms above a hard floor have the barometric distribution, so that <m g z> is kT beyond the floor.
#[test]
fn a_force_and_a_floor_make_an_atmosphere() {
    let system = gas(1, Cell::isolated());
    let (f, k, kt) = (0.02, 2.0, BOLTZMANN * 120.0);
    let mut state = State::new(system);
    let surface = Surface::Plane {
        axis: 2,
        position: -1.0,
        above: true,
    };
    let law = Law::Harmonic { constant: k };
    let wall = Wall {
        surface,
        law,
        atoms: vec![0],
    };
    let push = Push {
        forces: vec![(0, [0.0, 0.0, -f], [0.0; 3])],
    };
    let terms = vec![
        term("floor", wall, &state.system),
        term("weight", push, &state.system),
    ];
    let mut evaluator = Evaluator::new(terms, 0.0);
    let mut integrator = Integrator::baoab(4.0 * FS, 120.0, Langevin::new(0.005 / FS, 5));
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    // Blocks that are longer than the time an atom takes to fall.
    let mut blocks = Vec::new();
    for _ in 0..60 {
        let mut sum = 0.0;
        for _ in 0..20_000 {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            sum += state.system.atoms.positions[0][2] + 1.0;
        }
        blocks.push(sum / 20_000.0);
    }
    // Density exp(-f z/kT) above the floor and exp(-(f z + k z²/2)/kT) below: by quadrature.
    let weight = |z: f64| (-(f * z + 0.5 * k * z.min(0.0).powi(2)) / kt).exp();
    let grid = (0..400_000).map(|i| -1.0 + 1e-3 * i as f64);
    let (norm, first) = grid.fold((0.0, 0.0), |(n, s), z| (n + weight(z), s + z * weight(z)));
    let (mean, error) = mean_and_error(&blocks[5..]);
    let exact = first / norm;
    assert!((mean - exact).abs() < 4.0 * error, "{mean} {exact} {error}");
    assert!(error < 0.1 * exact, "{error}");
}

/// Velocity Verlet keeps the energy of all of them together: its error falls with the square of the step.
#[test]
fn energy_is_conserved_to_second_order() {
    let mut system = common::fcc("Ar", 5.4, 2);
    system.cell = Cell::isolated();
    thermal_velocities(&mut system.atoms, 60.0, 3, false);
    let all: Vec<u32> = (0..system.atoms.len() as u32).collect();
    let sphere = Wall {
        surface: Surface::Sphere {
            centre: [4.05; 3],
            radius: 11.0,
            inside: true,
        },
        law: Law::LennardJones {
            epsilon: 0.05,
            sigma: 3.0,
        },
        atoms: all.clone(),
    };
    let floor = Wall {
        surface: Surface::Plane {
            axis: 0,
            position: -4.0,
            above: true,
        },
        law: Law::Repulsive {
            epsilon: 0.1,
            sigma: 4.0,
        },
        atoms: all,
    };
    let bond = DistanceRestraint {
        atoms: [0, 9],
        constant: 0.5,
        length: 4.6,
        width: 0.0,
    };
    let bend = AngleRestraint {
        atoms: [3, 12, 30],
        constant: 0.6,
        angle: 1.4,
        width: 0.0,
    };
    let push = Push {
        forces: vec![(4, [0.01, 0.0, 0.02], [0.0; 3])],
    };
    let mut terms = common::lennard_jones(common::argon(30.0), Scheme::ForceShifted, false);
    terms.push(term("sphere", sphere, &system));
    terms.push(term("floor", floor, &system));
    terms.push(term("bond", bond, &system));
    terms.push(term("bend", bend, &system));
    terms.push(term("push", push, &system));
    terms.push(term("tether", tether(&system, 0.05), &system));
    let mut evaluator = Evaluator::new(terms, 1.0);
    let mut state = State::new(system);
    Integrator::velocity_verlet(FS)
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let mut alone = State::new(state.system.clone());
    let lj = common::lennard_jones(common::argon(30.0), Scheme::ForceShifted, false);
    Integrator::velocity_verlet(FS)
        .prepare(&mut alone, &mut Evaluator::new(lj, 1.0), Want::ENERGY)
        .unwrap();
    let (all, model) = (&state.evaluation, &alone.evaluation);
    assert!((all.energy - model.energy - all.external).abs() < 1e-12);
    assert!(all.external.abs() > 0.01 && model.external == 0.0);
    let slope = common::fluctuation_slope(&state, &mut evaluator, &[8.0, 4.0, 2.0], 1600.0);
    assert!((slope - 2.0).abs() < 0.1, "{slope}");
    let error = common::reversal_error(&mut state, &mut evaluator);
    assert!(error < 1e-9, "{error}");
}

/// A barostat that shears chooses shorter lattice vectors, but not under atoms that are held to places in the cell.
#[test]
fn the_lattice_stays_where_atoms_are_anchored() {
    let mut system = common::fcc("Ar", 5.4, 2);
    let rows = [[10.8, 0.0, 0.0], [10.8, 10.8, 0.0], [0.0, 0.0, 10.8]];
    system.cell = Cell::new(rows, [true; 3]).unwrap();
    let lj = common::lennard_jones(common::argon(5.0), Scheme::ForceShifted, false);
    let tether = term("tether", tether(&system, 0.2), &system);
    for (terms, stays) in [(lj.clone(), false), ([lj, vec![tether]].concat(), true)] {
        let mut evaluator = Evaluator::new(terms, 1.0);
        let mut state = State::new(system.clone());
        thermal_velocities(&mut state.system.atoms, 40.0, 3, false);
        let barostat = Barostat {
            space: StrainSpace::components([true; 6]),
            target: [Ramp::constant(0.0); 6],
            temperature: Ramp::constant(20.0),
            method: Method::Rescaling(CellRescaling::new(160.0, 500.0 * FS, 2)),
        };
        let mut integrator =
            Integrator::baoab(4.0 * FS, 20.0, Langevin::new(0.01 / FS, 5)).with_barostat(barostat);
        integrator
            .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        let begin = integrator.conserved(&state);
        for _ in 0..500 {
            integrator
                .step(&mut state, &mut evaluator, Want::DYNAMICS)
                .unwrap();
        }
        let lean = state.system.cell.row_vectors()[1][0];
        assert_eq!(lean > 5.4, stays, "{lean}");
        // The work of the cell on the springs is that of their virial.
        let drift = (integrator.conserved(&state) - begin) / 32.0;
        assert!(drift.abs() < 1e-4, "{drift}");
    }
}

const RUN: &str = "length = \"60 steps\"\ntemperature = \"40 K\"\n";
const OUTPUT: &str = "[output]\nthermo = { file = \"run.csv\", every = \"1 step\" }\n\
    trajectory = { file = \"run.h5md\", every = \"10 steps\" }\n";

#[test]
fn a_deck_has_them_and_check_tells() {
    let all = "[[restraint]]\nname = \"layer\"\nposition = { atoms = \"0-3, 7\", constant = \"1 eV/Å^2\", axes = [\"z\"] }\n\
        [[restraint]]\nname = \"pair\"\ndistance = { atoms = [0, 1], constant = \"10 kJ/mol/Å^2\", length = \"3.9 Å\", width = \"0.1 Å\" }\n\
        [[restraint]]\nname = \"bend\"\nangle = { atoms = [0, 1, 2], constant = \"1 eV/rad^2\" }\n\
        [[wall]]\nname = \"floor\"\nplane = { axis = \"z\", position = \"-3 Å\", side = \"above\" }\nrepulsive = { epsilon = \"0.1 eV\", sigma = \"3 Å\" }\n\
        [[wall]]\nname = \"ball\"\nelements = [\"Ar\"]\nsphere = { radius = \"20 Å\" }\nharmonic = { constant = \"1 eV/Å^2\" }\n\
        [[force]]\nname = \"pull\"\natoms = \"31\"\nforce = [\"0 eV/Å\", \"0 eV/Å\", \"0.01 nN\"]\n";
    let job = Job::argon(2, RUN, &format!("{all}{OUTPUT}"));
    let said = program::run(job.folder.path(), &["check", "deck.toml"]);
    said.expect(
        0,
        &[
            "layer: position restraint of 5 atoms along z, 1 eV/Å^2",
            "pair: distance restraint of atoms 0 and 1 to 3.9000 Å",
            "bend: angle restraint of atoms 0, 1 and 2 to 60.000 deg, 1 eV/rad^2",
            "floor: repulsive 9-3 wall, 0.1 eV, 3 Å: 32 atoms z > -3 Å",
            "ball: harmonic wall, 1 eV/Å^2: 32 atoms inside a sphere of 20 Å about",
            "pull: force on 1 atoms, (0.000000, 0.000000, 0.006242) eV/Å in all",
            "96 degrees of freedom",
        ],
    );
    job.run(&[]).expect(0, &["finished at step 60"]);
    let table = job.read("run.csv");
    let names = table.lines().next().unwrap();
    assert!(names.ends_with(",external_energy (eV)"), "{names}");
    let last = table.lines().last().and_then(|row| row.rsplit(',').next());
    let last: f64 = last.unwrap().parse().unwrap();
    assert!(last.abs() > 1e-4 && last.abs() < 1.0, "{last}");
}

#[test]
fn a_tether_follows_a_molecule_that_is_made_whole() {
    // The boundary cuts the molecule; the atom that is moved next to its partner is at rest where it comes to lie.
    let structure = "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n\
        Ar 0.2 0.0 0.0\nH 7.9 0.0 0.0\n";
    let md = "length = \"1 step\"\ntemperature = \"0 K\"\n[md.guard]\nenabled = false\n[[md.constraints.bond]]\natoms = [0, 1]\n";
    let tether = "[[restraint]]\nname = \"hold\"\nposition = { atoms = \"1\", constant = \"1 eV/Å^2\" }\n";
    let job = Job::argon(1, md, &format!("{tether}{OUTPUT}"));
    job.write("structure.xyz", structure);
    job.run(&[]).expect(0, &["finished at step 1"]);
    let table = job.read("run.csv");
    let energy = table.lines().nth(1).and_then(|row| row.rsplit(',').next());
    assert_eq!(energy.unwrap().parse::<f64>().unwrap(), 0.0, "{table}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |md: &str, external: &str, words: &[&str]| {
        let job = Job::argon(2, &format!("{RUN}{md}"), &format!("{external}{OUTPUT}"));
        job.run(&[]).expect(2, words);
        assert!(!job.path("run.h5md").exists());
    };
    let restraint = |what: &str| format!("[[restraint]]\nname = \"r\"\n{what}\n");
    let wall = |what: &str| format!("[[wall]]\nname = \"w\"\n{what}\n");
    refused(
        "",
        &restraint("position = { atoms = \"0-32\", constant = \"1 eV/Å^2\" }"),
        &["the restraint `r` names atom 32, and the system has 32 atoms"],
    );
    refused(
        "",
        &restraint("position = { elements = [\"Ne\"], constant = \"1 eV/Å^2\" }"),
        &["the restraint `r` has no atoms"],
    );
    refused(
        "",
        &restraint("distance = { atoms = [0, 4000000000], constant = \"1 eV/Å^2\" }"),
        &["the restraint `r` names atom 4000000000"],
    );
    refused(
        "",
        &restraint("distance = { atoms = [0, 1], constant = \"1 eV/Å^2\", length = \"5.5 Å\" }"),
        &["allows 5.500 Å", "10.800 Å", "another periodic image"],
    );
    refused(
        "",
        &restraint("angle = { atoms = [0, 1, 77], constant = \"1 eV/rad^2\" }"),
        &["the restraint `r` names atom 77"],
    );
    let position = restraint(
        "position = { atoms = \"0\", constant = \"1 eV/Å^2\", reference = \"other.xyz\" }",
    );
    for (other, words) in [
        (
            program::ARGON.replacen("Ar 0.0", "Ne 0.0", 1),
            "these are not the atoms",
        ),
        (program::ARGON.replace("T T T", "T T F"), "not periodic"),
    ] {
        let job = Job::argon(2, RUN, &format!("{position}{OUTPUT}"));
        job.write("other.xyz", &other);
        job.run(&[]).expect(2, &["other.xyz", words]);
    }
    let floor = "plane = { axis = \"z\", position = \"1 Å\", side = \"above\" }";
    refused(
        "",
        &wall(&format!(
            "{floor}\nlennard_jones = {{ epsilon = \"1 eV\", sigma = \"2 Å\" }}"
        )),
        &[
            "cannot be crossed, and atom 0 (Ar)",
            "starts 1.000 Å behind it",
        ],
    );
    let soft = wall(&format!(
        "{floor}\nharmonic = {{ constant = \"1 eV/Å^2\" }}"
    ));
    refused(
        "[md.barostat.cell_rescaling]\npressure = \"1 bar\"\n",
        &soft,
        &[
            "`w`",
            "cannot follow a cell that changes",
            "stays where it is in space",
        ],
    );
    refused(
        "fix_centre_of_mass = true\n",
        &soft,
        &["the centre of mass cannot be kept at rest"],
    );
    refused(
        "",
        "[[force]]\nname = \"f\"\natoms = \"40-41\"\nforce = [\"0 eV/Å\", \"0 eV/Å\", \"1 eV/Å\"]\n",
        &["the force `f` names atom 41"],
    );
}

/// Another structure as reference, whole cells away: atoms are pulled to its places, not to those of the start.
#[test]
fn a_reference_is_another_structure() {
    let restraint = "[[restraint]]\nname = \"r\"\nposition = { atoms = \"0-31\", constant = \"20 eV/Å^2\", reference = \"other.xyz\" }\n";
    let job = Job::argon(
        2,
        "length = \"400 steps\"\ntemperature = \"1 K\"\n",
        &format!("{restraint}{OUTPUT}"),
    );
    let other = program::ARGON.replace("Ar 0.0 0.0 0.0", "Ar 0.2 10.8 -0.1");
    job.write("other.xyz", &other);
    job.edit("[output]\n", "[md.thermostat.langevin]\nfriction = \"20 /ps\"\n[output]\nfinal_structure = \"last.extxyz\"\n");
    job.run(&["-q"]).expect(0, &[]);
    let last = job.read("last.extxyz");
    let columns: Vec<f64> = last
        .lines()
        .nth(2)
        .unwrap()
        .split_whitespace()
        .skip(1)
        .take(3)
        .map(|x| x.parse().unwrap())
        .collect();
    for (x, place) in columns.iter().zip([0.2, 0.0, -0.1]) {
        assert!((x - place).abs() < 0.05, "{columns:?}");
    }
}

#[test]
fn heavy_hydrogens_keep_the_mass() {
    let water =
        "3\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n";
    let deck = |mass: &str| {
        format!(
            "version = 1\n[system]\nstructure = \"structure.xyz\"\nhydrogen_mass = \"{mass}\"\n\
             [potential.lennard_jones]\nepsilon = \"0 eV\"\nsigma = \"1 Å\"\ncutoff = \"3 Å\"\n[md]\ntimestep = \"1 fs\"\n\
             length = \"4 steps\"\ntemperature = \"300 K\"\nseed = 1\n{OUTPUT}"
        )
    };
    let job = Job::new(water, &deck("3 u"));
    job.run(&["-q"]).expect(0, &[]);
    let trajectory = zundel::io::h5md::TrajectoryReader::open(&job.path("run.h5md")).unwrap();
    let masses = trajectory.read_frame(0).unwrap().system.atoms.masses;
    assert_eq!(masses[1..], [3.0; 2]);
    assert!((masses[0] - 12.015).abs() < 1e-6, "{masses:?}");
    let job = Job::new(water, &deck("7 u"));
    job.run(&[]).expect(
        2,
        &[
            "structure.xyz",
            "atom 0 (O, counted from 0) would keep 4.015 u",
        ],
    );
    let job = Job::argon(1, RUN, OUTPUT);
    job.edit("[system]\n", "[system]\nhydrogen_mass = \"3 u\"\n");
    job.run(&[]).expect(2, &["the structure has no hydrogen"]);
}
