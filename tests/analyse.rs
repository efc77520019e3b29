//! What `zundel analyse` promises: spectra against motion whose frequencies and intensities are known, structure against
//! exact counts, and words instead of numbers for files that are broken.

mod common;

use common::{argon, fcc, lennard_jones};
use nalgebra::{DMatrix, SymmetricEigen};
use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zundel::analysis::{QuantumCorrection, WAVENUMBER_IN_PER_FS, Window};
use zundel::dynamics::{Integrator, State};
use zundel::elements::{Element, Species};
use zundel::io::h5md::{Existing, FrameData, TrajectoryOptions, TrajectoryWriter};
use zundel::jobs::analyse::{self, Analysis, Charges, Kind, Options, Resolution};
use zundel::potential::pair::Scheme;
use zundel::potential::{Evaluator, Want};
use zundel::random::{Purpose, Stream};
use zundel::report::Console;
use zundel::system::{Atoms, Cell, System};
use zundel::units::FS;

fn element(symbol: &str) -> Element {
    Element::from_symbol(symbol).unwrap()
}

/// A trajectory of ours, frame by frame.
struct File {
    writer: TrajectoryWriter,
    path: PathBuf,
}

impl File {
    fn new(folder: &Path, name: &str, system: &System, velocities: bool) -> File {
        let path = folder.join(name);
        let options = TrajectoryOptions {
            path: path.clone(),
            elements: system.atoms.elements.clone(),
            masses: system.atoms.masses.clone(),
            periodic: system.cell.periodic(),
            velocities,
            ..TrajectoryOptions::default()
        };
        let writer = TrajectoryWriter::create(options, Existing::Refuse).unwrap();
        File { writer, path }
    }

    fn frame(&mut self, step: u64, dt: f64, system: &System) {
        let data = FrameData {
            step,
            time_fs: dt * step as f64,
            cell: &system.cell,
            positions: &system.atoms.positions,
            velocities: &system.atoms.velocities,
            forces: &[],
            observables: &[],
        };
        self.writer.write_frame(&data).unwrap();
    }

    fn close(self) -> PathBuf {
        self.writer.close().unwrap();
        self.path
    }
}

fn options(path: &Path) -> Options {
    Options {
        trajectories: vec![path.to_path_buf()],
        overwrite: true,
        ..Options::default()
    }
}

fn analyse(kind: Kind, options: &Options) -> Analysis {
    analyse::run(Some(kind), options, &Console::silent()).unwrap()
}

fn words(kind: Kind, options: &Options) -> String {
    let error = analyse::run(Some(kind), options, &Console::silent()).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

/// Columns of a CSV file by their heads.
fn table(a: &Analysis, name: &str) -> BTreeMap<String, Vec<f64>> {
    let end = format!(".{name}.csv");
    let path = a
        .files
        .iter()
        .find(|p| p.to_string_lossy().ends_with(&end))
        .unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut columns: BTreeMap<String, Vec<f64>> = heads
        .iter()
        .map(|h| ((*h).to_owned(), Vec::new()))
        .collect();
    for line in lines {
        for (head, cell) in heads.iter().zip(line.split(',')) {
            columns
                .get_mut(*head)
                .unwrap()
                .push(cell.parse().unwrap_or(f64::NAN));
        }
    }
    columns
}

fn trapezoid(x: &[f64], y: &[f64]) -> f64 {
    (1..x.len())
        .map(|k| 0.5 * (x[k] - x[k - 1]) * (y[k] + y[k - 1]))
        .sum()
}

/// Two dimers with different masses and a free atom, apart from each other; each dimer vibrates and does not turn.
fn dimers() -> (System, [f64; 2]) {
    let p = argon(11.0);
    let r0 = p.sigma * 2f64.powf(1.0 / 6.0);
    let mut atoms = Atoms::default();
    let masses = [[1.0, 1.0], [3.0, 6.0]];
    for (place, pair) in [0.0, 100.0].into_iter().zip(masses) {
        for (k, mass) in pair.into_iter().enumerate() {
            let species = Species {
                element: element("Ar"),
                mass,
            };
            atoms.push(species, [place + r0 * k as f64, 0.0, 0.0]);
        }
    }
    atoms.push(
        Species {
            element: element("Ne"),
            mass: 20.0,
        },
        [0.0, 300.0, 0.0],
    );
    for (k, v) in [(0, 2e-4), (1, -2e-4), (2, 2e-4), (3, -1e-4), (4, 2e-5)] {
        atoms.velocities[k] = [v, 0.0, 0.0];
    }
    let stiffness = 57.146_4 * p.epsilon / p.sigma.powi(2);
    let place = |m: [f64; 2]| {
        let omega = (stiffness * (1.0 / m[0] + 1.0 / m[1])).sqrt();
        omega * FS / (2.0 * PI) / WAVENUMBER_IN_PER_FS
    };
    let system = System {
        cell: Cell::isolated(),
        atoms,
    };
    (system, masses.map(place))
}

/// Case 21 of the acceptance cases of the dynamics: a run in NVE.
#[test]
fn dimers_have_peaks_at_their_frequencies() {
    let folder = TempDir::new().unwrap();
    let (system, exact) = dimers();
    let mut evaluator = Evaluator::new(lennard_jones(argon(11.0), Scheme::Truncated, false), 1.0);
    let mut state = State::new(system);
    let mut integrator = Integrator::velocity_verlet(FS);
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let (mut with, mut without) = (
        File::new(folder.path(), "v.h5md", &state.system, true),
        File::new(folder.path(), "x.h5md", &state.system, false),
    );
    let (every, frames) = (4, 8000u64);
    for k in 0..frames {
        with.frame(k * every, 1.0, &state.system);
        without.frame(k * every, 1.0, &state.system);
        (0..every).for_each(|_| {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap()
        });
    }
    let (with, without) = (with.close(), without.close());
    let whole = 4.0 * frames as f64;
    // 1/(2T) in cm^-1, T the length of the run.
    let bound = 0.5 / whole / WAVENUMBER_IN_PER_FS;
    let mut reference: Option<Vec<f64>> = None;
    for (path, window, padding) in [
        (&with, Window::Hann, 4),
        (&with, Window::Hann, 1),
        (&with, Window::Gaussian, 2),
        (&with, Window::BlackmanHarris, 4),
        (&with, Window::None, 4),
        (&without, Window::Hann, 4),
    ] {
        let o = Options {
            window,
            padding,
            // Ripples of the window `none` are a fifth of a line.
            prominence: 0.3,
            resolution: Some(Resolution::Lag(0.5 * whole)),
            ..options(path)
        };
        let a = analyse(Kind::Vdos, &o);
        let peaks = table(&a, "vdos.peaks");
        // The highest two beside that of free motion: without a window every line has ripples beside it.
        let all = peaks["height"].iter().zip(&peaks["position (cm^-1)"]);
        let mut all: Vec<(f64, f64)> = all.map(|(h, x)| (*h, *x)).filter(|p| p.1 > 20.0).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut found: Vec<f64> = Vec::new();
        // The table has the peaks of each element, too.
        for (_, x) in all {
            if found.len() < 2 && found.iter().all(|f| (f - x).abs() > bound) {
                found.push(x);
            }
        }
        found.sort_by(f64::total_cmp);
        assert_eq!(found.len(), 2);
        let mut expected = exact;
        expected.sort_by(f64::total_cmp);
        for (x, e) in found.iter().zip(expected) {
            assert!(
                (x - e).abs() < bound,
                "{window:?} {padding}: {x} is not {e} within {bound}"
            );
        }
        // A tenth of the resolution 1/(2T) of case 21.
        let reference = reference.get_or_insert_with(|| found.clone());
        for (x, r) in found.iter().zip(reference) {
            assert!(
                (x - *r).abs() < 0.1 * bound,
                "{window:?} {padding}: {x} {r}"
            );
        }
        let grid = table(&a, "vdos");
        let area = trapezoid(&grid["wavenumber (cm^-1)"], &grid["all (1/cm^-1)"]);
        assert!((area - 12.0).abs() < 1e-9, "{area}");
        let parts = trapezoid(&grid["wavenumber (cm^-1)"], &grid["Ar (1/cm^-1)"])
            + trapezoid(&grid["wavenumber (cm^-1)"], &grid["Ne (1/cm^-1)"]);
        assert!((parts - 12.0).abs() < 1e-9, "{parts}");
    }
}

/// Bits do not depend on the memory, on threads, or on how the file is read.
#[test]
fn little_memory_gives_the_same_bits() {
    let folder = TempDir::new().unwrap();
    let mut system = fcc("Ar", 5.3, 3);
    let mut draws = Stream::new(3, Purpose::Displacement, 0, 0, 0);
    let mut file = File::new(folder.path(), "a.h5md", &system, true);
    for k in 0..600 {
        for v in system.atoms.velocities.as_flattened_mut() {
            *v = 0.9 * *v + draws.uniform() - 0.5;
        }
        for (x, v) in system
            .atoms
            .positions
            .iter_mut()
            .zip(&system.atoms.velocities)
        {
            (0..3).for_each(|c| x[c] += 0.01 * v[c]);
        }
        file.frame(k, 2.0, &system);
    }
    let path = file.close();
    for kind in [Kind::Vdos, Kind::Msd] {
        let mut texts: Vec<Vec<Vec<u8>>> = Vec::new();
        for memory in [1 << 30, 200_000] {
            for threads in [1, 3] {
                let o = Options {
                    memory,
                    ..options(&path)
                };
                let a = zundel::parallel::with_threads(threads, || analyse(kind, &o)).unwrap();
                assert_eq!(
                    a.page.text().contains("was read"),
                    memory < 1 << 30,
                    "{}",
                    a.page.text()
                );
                let csv = a
                    .files
                    .iter()
                    .filter(|f| f.extension().is_some_and(|e| e == "csv"));
                texts.push(csv.map(|f| std::fs::read(f).unwrap()).collect());
            }
        }
        assert!(texts.iter().all(|t| *t == texts[0]), "{kind:?}");
    }
}

/// A crystal at a temperature at which it is harmonic, every mode with the same energy: its density of states is that of the
/// dynamical matrix.
#[test]
fn a_harmonic_crystal_has_the_density_of_states_of_its_modes() {
    let folder = TempDir::new().unwrap();
    let mut system = fcc("Ar", 5.25, 2);
    let n = system.atoms.len();
    let mass = 4.0;
    system.atoms.masses.fill(mass);
    let mut evaluator = Evaluator::new(lennard_jones(argon(8.0), Scheme::ForceShifted, false), 0.5);
    let mut forces = |positions: &[[f64; 3]], system: &System| {
        let mut s = system.clone();
        s.atoms.positions = positions.to_vec();
        let mut state = State::new(s);
        let mut still = Integrator::velocity_verlet(FS);
        still
            .prepare(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        state.evaluation.forces.as_flattened().to_vec()
    };
    let (start, h) = (system.atoms.positions.clone(), 1e-3);
    let mut hessian = DMatrix::zeros(3 * n, 3 * n);
    for k in 0..3 * n {
        let mut moved = start.clone();
        moved.as_flattened_mut()[k] += h;
        let plus = forces(&moved, &system);
        moved.as_flattened_mut()[k] -= 2.0 * h;
        let minus = forces(&moved, &system);
        for l in 0..3 * n {
            hessian[(k, l)] = (minus[l] - plus[l]) / (2.0 * h * mass);
        }
    }
    let hessian = 0.5 * (&hessian + hessian.transpose());
    let modes = SymmetricEigen::new(hessian);
    let dt = 5.0;
    let mut wavenumbers = Vec::new();
    let mut draws = Stream::new(11, Purpose::Displacement, 0, 0, 0);
    for (k, lambda) in modes.eigenvalues.iter().enumerate() {
        if *lambda < 1e-7 {
            continue;
        }
        // What Verlet makes of it.
        let omega = (1.0 - 0.5 * lambda * (dt * FS).powi(2)).acos() / dt;
        wavenumbers.push(omega / (2.0 * PI) / WAVENUMBER_IN_PER_FS);
        let sign = if draws.uniform() < 0.5 { -1e-5 } else { 1e-5 };
        let velocities = system.atoms.velocities.as_flattened_mut();
        for (l, v) in velocities.iter_mut().enumerate() {
            *v += sign * modes.eigenvectors[(l, k)];
        }
    }
    assert_eq!(wavenumbers.len(), 3 * n - 3);
    let mut state = State::new(system);
    let mut integrator = Integrator::velocity_verlet(dt * FS);
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let mut file = File::new(folder.path(), "crystal.h5md", &state.system, true);
    for k in 0..24_000 {
        if k % 4 == 0 {
            file.frame(k, dt, &state.system);
        }
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
    }
    let o = Options {
        resolution: Some(Resolution::Width(4.0)),
        window: Window::Gaussian,
        ..options(&file.close())
    };
    let grid = table(&analyse(Kind::Vdos, &o), "vdos");
    let (x, y) = (&grid["wavenumber (cm^-1)"], &grid["all (1/cm^-1)"]);
    let area = trapezoid(x, y);
    assert!((area - (3 * n - 3) as f64).abs() < 1e-9);
    // Every mode as a Gaussian of that width.
    let sigma = 4.0 / 2.354_82;
    let model = |w: f64| -> f64 {
        let line = |v: &f64| (-0.5 * ((w - v) / sigma).powi(2)).exp() / (sigma * (2.0 * PI).sqrt());
        wavenumbers.iter().map(line).sum()
    };
    let off: Vec<f64> = x
        .iter()
        .zip(y)
        .map(|(w, v)| (v - model(*w)).abs())
        .collect();
    let distance = trapezoid(x, &off) / area;
    let mean = |y: &dyn Fn(usize) -> f64| {
        let f: Vec<f64> = (0..x.len()).map(y).collect();
        trapezoid(x, &f) / area
    };
    let square = mean(&|k| y[k] * x[k] * x[k]);
    let exact = wavenumbers.iter().map(|w| w * w).sum::<f64>() / wavenumbers.len() as f64;
    eprintln!("distance {distance:.4}, mean square {square:.2}, of the modes {exact:.2}");
    // Beats between modes of different frequency average out with the length of the run; 3 % of the area are left.
    assert!(distance < 0.03, "{distance}");
    assert!((square / exact - 1.0).abs() < 0.01);
}

/// A molecule whose dipole is known at all times, written with velocities, without, and with the dipole itself.
fn charged(
    folder: &Path,
    motion: impl Fn(f64) -> ([f64; 3], [f64; 3]),
    frames: u64,
    dt: f64,
) -> [PathBuf; 3] {
    let mut atoms = Atoms::default();
    for symbol in ["Na", "Cl"] {
        let species = Species {
            element: element(symbol),
            mass: 10.0,
        };
        atoms.push(species, [0.0; 3]);
    }
    let mut system = System {
        cell: Cell::isolated(),
        atoms,
    };
    let mut with = File::new(folder, "v.h5md", &system, true);
    let mut without = File::new(folder, "x.h5md", &system, false);
    let mut text = String::new();
    for k in 0..frames {
        let t = dt * k as f64;
        let (x, v) = motion(t);
        for (a, sign) in [(0, 0.5), (1, -0.5)] {
            system.atoms.positions[a] = x.map(|x| sign * x);
            system.atoms.velocities[a] = v.map(|v| sign * v / FS);
        }
        with.frame(k, dt, &system);
        without.frame(k, dt, &system);
        let [a, b] = [system.atoms.positions[0], system.atoms.positions[1]];
        let m = x.map(|x| 0.7 * x);
        text += &format!(
            "2\nProperties=species:S:1:pos:R:3 time_fs={t:?} dipole=\"{:?} {:?} {:?}\"\nNa {:?} {:?} {:?}\nCl {:?} {:?} {:?}\n",
            m[0], m[1], m[2], a[0], a[1], a[2], b[0], b[1], b[2]
        );
    }
    let stored = folder.join("m.extxyz");
    std::fs::write(&stored, text).unwrap();
    [with.close(), without.close(), stored]
}

fn line_of(paths: &[PathBuf; 3], place: f64, area: f64) {
    for (k, path) in paths.iter().enumerate() {
        let charges = vec![(element("Na"), 0.7), (element("Cl"), -0.7)];
        let o = Options {
            charges: (k < 2).then_some(Charges::Elements(charges)),
            temperature: Some(250.0),
            ..options(path)
        };
        let a = analyse(Kind::Ir, &o);
        let peaks = table(&a, "ir.peaks");
        let strongest = (0..peaks["height"].len())
            .max_by(|i, j| peaks["height"][*i].total_cmp(&peaks["height"][*j]))
            .unwrap();
        let found = peaks["position (cm^-1)"][strongest];
        assert!((found - place).abs() < 0.1, "{k}: {found} {place}");
        let whole = table(&a, "ir");
        let sum = trapezoid(
            &whole["wavenumber (cm^-1)"],
            &whole["absorption (km/mol per cm^-1)"],
        );
        let alone = peaks["area (km/mol)"][strongest];
        eprintln!("{k}: {found:.3} cm^-1, area {sum:.3} and {alone:.3}, exact {area:.3} km/mol");
        assert!(
            (sum / area - 1.0).abs() < 2e-3 && (alone / area - 1.0).abs() < 0.02,
            "{k}: {sum} {alone} {area}"
        );
        // Other quantum corrections change the line by their quotient.
        let other = Options {
            correction: QuantumCorrection::Standard,
            ..o
        };
        let b = analyse(Kind::Ir, &other);
        let changed = table(&b, "ir.peaks")["area (km/mol)"][strongest] / alone;
        let factor = QuantumCorrection::Standard.beside_harmonic(place, 250.0);
        assert!((changed / factor - 1.0).abs() < 0.01, "{changed} {factor}");
    }
}

/// N_A <M'²>/(12 ε0 c² kT) in km/mol for M' in e Å/fs.
fn molar_area(square: f64, temperature: f64) -> f64 {
    let (na, e, k, c, eps) = (
        6.022_140_76e23,
        1.602_176_634e-19,
        1.380_649e-23,
        299_792_458.0f64,
        8.854_187_818_8e-12,
    );
    let si = square * (e * 1e-10 / 1e-15f64).powi(2);
    1e-3 * na * si / (12.0 * eps * c.powi(2) * k * temperature)
}

#[test]
fn a_vibrating_charge_absorbs_at_its_line_with_its_strength() {
    let folder = TempDir::new().unwrap();
    let place = 1234.5;
    let omega = 2.0 * PI * place * WAVENUMBER_IN_PER_FS;
    let motion = |t: f64| {
        let (s, c) = (omega * t).sin_cos();
        ([2.0 + 0.05 * c, 0.0, 0.0], [-0.05 * omega * s, 0.0, 0.0])
    };
    let paths = charged(folder.path(), motion, 6000, 2.0);
    line_of(
        &paths,
        place,
        molar_area(0.5 * (0.7 * 0.05 * omega).powi(2), 250.0),
    );
}

#[test]
fn a_rotating_dipole_absorbs_at_its_rotation() {
    let folder = TempDir::new().unwrap();
    let place = 200.0;
    let omega = 2.0 * PI * place * WAVENUMBER_IN_PER_FS;
    let motion = |t: f64| {
        let (s, c) = (omega * t).sin_cos();
        (
            [1.5 * c, 1.5 * s, 0.0],
            [-1.5 * omega * s, 1.5 * omega * c, 0.0],
        )
    };
    let paths = charged(folder.path(), motion, 6000, 4.0);
    line_of(
        &paths,
        place,
        molar_area((0.7 * 1.5 * omega).powi(2), 250.0),
    );
}

/// g of an ideal gas is 1 - 1/N for atoms of one kind and 1 for two: 200 bins, each with its own counting error. The largest of
/// them is beyond 5 of it in 1 of 10 000 runs, and chi-squared per bin beyond 1 ± 0.4 in 1 of 10 000.
#[test]
fn an_ideal_gas_has_no_structure() {
    let folder = TempDir::new().unwrap();
    let cell = Cell::new(
        [[9.0, 0.0, 0.0], [4.4, 8.0, 0.0], [-3.0, 2.0, 10.0]],
        [true; 3],
    )
    .unwrap();
    let mut atoms = Atoms::default();
    for k in 0..300 {
        let symbol = if k < 100 { "Ne" } else { "Ar" };
        atoms.push(Species::natural(element(symbol)), [0.0; 3]);
    }
    let mut system = System {
        cell: cell.clone(),
        atoms,
    };
    let mut draws = Stream::new(21, Purpose::Displacement, 0, 0, 0);
    let mut file = File::new(folder.path(), "gas.h5md", &system, false);
    let frames = 60;
    for k in 0..frames {
        for x in &mut system.atoms.positions {
            *x = cell.cartesian(std::array::from_fn(|_| draws.uniform()));
        }
        file.frame(k, 1.0, &system);
    }
    // Far beyond half of the cell.
    let o = Options {
        reach: Some(12.0),
        bins: Some(200),
        ..options(&file.close())
    };
    let g = table(&analyse(Kind::Rdf, &o), "rdf");
    let volume = cell.volume().unwrap();
    for (name, pairs, value) in [
        ("g Ne-Ne", 0.5 * 100.0 * 100.0, 1.0),
        ("g Ne-Ar", 100.0 * 200.0, 1.0),
        ("g Ar-Ar", 0.5 * 200.0 * 200.0, 1.0),
    ] {
        let mut chi = 0.0;
        for (k, r) in g["r (Å)"].iter().enumerate().skip(20) {
            // An atom is no neighbour of itself, but its images are: one for each lattice vector, without a counting error.
            let shell = 4.0 / 3.0 * PI * ((r + 0.03).powi(3) - (r - 0.03).powi(3));
            let images = lattice_vectors(&cell, r - 0.03, r + 0.03);
            let own = match name {
                "g Ne-Ar" => 0.0,
                "g Ne-Ne" => (images * volume / shell - 1.0) / 100.0,
                _ => (images * volume / shell - 1.0) / 200.0,
            };
            let error = (volume / (frames as f64 * pairs * shell)).sqrt();
            let z = (g[name][k] - value - own) / error;
            chi += z * z / 180.0;
            assert!(
                z.abs() < 5.0,
                "{name} at {r}: {} ({z:.1} errors, {images} images)",
                g[name][k]
            );
        }
        eprintln!("{name}: chi-squared {chi:.2}");
        assert!((0.6..1.4).contains(&chi), "{name}: {chi}");
    }
}

/// The number of lattice vectors with a length between two.
fn lattice_vectors(cell: &Cell, a: f64, b: f64) -> f64 {
    let mut count = 0.0;
    for i in -4..=4 {
        for j in -4..=4 {
            for k in -4..=4 {
                let t = cell.translation([i, j, k]);
                let r = (t[0] * t[0] + t[1] * t[1] + t[2] * t[2]).sqrt();
                if r >= a && r < b && r > 0.0 {
                    count += 1.0;
                }
            }
        }
    }
    count
}

/// One atom in the primitive cell of fcc, looked at beyond several cells.
#[test]
fn the_shells_of_a_crystal_are_exact() {
    let folder = TempDir::new().unwrap();
    let h = 2.0;
    let cell = Cell::new([[0.0, h, h], [h, 0.0, h], [h, h, 0.0]], [true; 3]).unwrap();
    let mut atoms = Atoms::default();
    atoms.push(Species::natural(element("Ar")), [0.3, 0.2, 0.1]);
    let mut file = File::new(
        folder.path(),
        "c.h5md",
        &System {
            cell: cell.clone(),
            atoms: atoms.clone(),
        },
        false,
    );
    let system = System { cell, atoms };
    (0..2).for_each(|k| file.frame(k, 1.0, &system));
    let path = file.close();
    let o = Options {
        reach: Some(6.6),
        bins: Some(660),
        ..options(&path)
    };
    let g = table(&analyse(Kind::Rdf, &o), "rdf");
    let running = &g["Ar about one Ar"];
    // Shells at sqrt(k/2) a, a = 4: 12, 6, 24, 12, 24.
    let mut sum = 0.0;
    for (shell, count) in [12.0, 6.0, 24.0, 12.0, 24.0].into_iter().enumerate() {
        let r = 4.0 * (0.5 * (shell + 1) as f64).sqrt();
        let k = (r / 0.01) as usize;
        assert_eq!(running[k - 2], sum, "before the shell at {r}");
        sum += count;
        assert_eq!(running[k + 2], sum, "behind the shell at {r}");
    }
    // Nearest neighbours and their order.
    let a = analyse(Kind::Steinhardt, &options(&path));
    assert!(
        a.page.text().contains("12.000 on average") && a.page.text().contains("0.57452"),
        "{}",
        a.page.text()
    );
    let o = Options {
        cutoff: Some(3.0),
        ..options(&path)
    };
    let c = table(&analyse(Kind::Coordination, &o), "coordination");
    assert_eq!((c["any about Ar"].len(), c["any about Ar"][12]), (13, 1.0));
    let a = analyse(Kind::Density, &options(&path));
    assert!(a.page.text().contains("0.062500"), "{}", a.page.text());
}

/// Positions that were wrapped into the cell are followed across its border, and the displacement is that of free flight.
#[test]
fn wrapped_positions_are_followed() {
    let folder = TempDir::new().unwrap();
    let cell = Cell::new(
        [[6.0, 0.0, 0.0], [2.0, 6.0, 0.0], [0.0, -1.0, 6.0]],
        [true; 3],
    )
    .unwrap();
    let mut text = String::new();
    for k in 0..400 {
        let t = f64::from(k) * 2.0;
        text += "2\nLattice=\"6 0 0 2 6 0 0 -1 6\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n";
        for v in [[0.01, 0.02, -0.03], [-0.01, -0.02, 0.03]] {
            let x = cell.wrap([1.0 + v[0] * t, 2.0 + v[1] * t, 3.0 + v[2] * t]);
            text += &format!("Ar {:?} {:?} {:?}\n", x[0], x[1], x[2]);
        }
    }
    let path = folder.path().join("wrapped.xyz");
    std::fs::write(&path, text).unwrap();
    assert!(words(Kind::Msd, &options(&path)).contains("--timestep"));
    let o = Options {
        timestep: Some(2.0),
        ..options(&path)
    };
    let a = analyse(Kind::Msd, &o);
    let m = table(&a, "msd");
    for (lag, x) in m["lag (ps)"].iter().zip(&m["all (Å^2)"]) {
        let exact = 14e-4 * (1e3 * lag).powi(2);
        assert!(
            (x - exact).abs() < 1e-9 * exact.max(1.0),
            "{lag}: {x} {exact}"
        );
    }
    assert!(a.page.text().contains("2.00"));
}

#[test]
fn broken_files_are_answered_with_words() {
    let folder = TempDir::new().unwrap();
    let frame = |n: usize, x: &str| {
        let atom = |k: usize| format!("Ar {} {k}.5 0.1\n", if k == 0 { "0.25" } else { x });
        let atoms: String = (0..n).map(atom).collect();
        format!("{n}\nProperties=species:S:1:pos:R:3\n{atoms}")
    };
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Options {
            timestep: Some(1.0),
            ..options(&path)
        }
    };
    let good: String = (0..20)
        .map(|k| frame(3, &format!("{}.25", k % 3)))
        .collect();
    let cases = [
        (
            "count.xyz",
            format!("{good}{}", frame(4, "0.1")),
            "4 atoms, and the first frame has 3",
        ),
        (
            "element.xyz",
            format!("{good}{}", frame(3, "0.1").replace("Ar", "Ne")),
            "other elements",
        ),
        (
            "nan.xyz",
            format!("{good}{}", frame(3, "NaN")),
            "not a finite number",
        ),
        ("cut.xyz", good[..good.len() - 30].to_owned(), "cut.xyz:"),
        ("empty.xyz", String::new(), "empty.xyz"),
        (
            "words.xyz",
            "this is no trajectory\n\n".to_owned(),
            "words.xyz",
        ),
    ];
    for (name, text, expected) in cases {
        let o = write(name, &text);
        for kind in [Kind::Msd, Kind::Rdf] {
            let said = words(kind, &o);
            assert!(
                said.contains(expected) && said.contains(name),
                "{name}: {said}"
            );
        }
    }
    let o = write("good.xyz", &good);
    analyse(Kind::Vdos, &o);
    let asked = |change: &dyn Fn(&mut Options)| {
        let mut o = o.clone();
        change(&mut o);
        o
    };
    let refused = Options {
        overwrite: false,
        ..o.clone()
    };
    assert!(words(Kind::Vdos, &refused).contains("--overwrite"));
    assert!(words(Kind::Ir, &o).contains("--charges"));
    assert!(words(Kind::Density, &o).contains("periodic"));
    assert!(words(Kind::Rdf, &asked(&|o| o.beads = true)).contains("no beads"));
    assert!(words(Kind::Msd, &asked(&|o| o.beads = true)).contains("centroids"));
    assert!(words(Kind::Msd, &asked(&|o| o.from = Some(500.0))).contains("--from"));
    assert!(words(Kind::Msd, &asked(&|o| o.lag = Some(500.0))).contains("--lag"));
    assert!(words(Kind::Rdf, &asked(&|o| o.elements = vec![element("O")])).contains("no O"));
    assert!(words(Kind::Vdos, &asked(&|o| o.stride = 10)).contains("too few"));
    assert!(
        words(
            Kind::Rdf,
            &asked(&|o| o.trajectories = vec![folder.path().to_path_buf()])
        )
        .contains("folder")
    );
    // A damaged H5MD file.
    let (system, _) = dimers();
    let mut file = File::new(folder.path(), "d.h5md", &system, true);
    (0..50).for_each(|k| file.frame(k, 1.0, &system));
    let bytes = std::fs::read(file.close()).unwrap();
    for cut in [100, bytes.len() / 2, bytes.len() - 100] {
        let path = folder.path().join("cut.h5md");
        std::fs::write(&path, &bytes[..cut]).unwrap();
        // Whole frames may still be there.
        if let Err(e) = analyse::run(Some(Kind::Rdf), &options(&path), &Console::silent()) {
            assert!(
                e.exit_code() == 2 && e.to_string().contains("cut.h5md"),
                "{e}"
            );
        }
    }
}
