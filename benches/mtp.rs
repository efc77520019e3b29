//! Moment tensor potentials: loading, the stages of an evaluation, whole evaluations with their neighbour list, grades.
//!
//! `cargo bench --bench mtp`. About 1000 atoms of an fcc crystal with 44 neighbours each, rattled; one thread. The shipped model
//! of level 20 always, and with the reference data (`ZUNDEL_REFERENCE`) all levels of MLIP's templates with random coefficients of
//! one species and 8 polynomials. Times are for all atoms; the rate is in atoms per second. A stage includes those before it.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zundel::elements::{Element, Species};
use zundel::potential::mtp::{Coefficients, Mtp, MtpFile, MtpScratch, Stage};
use zundel::potential::{Evaluation, Evaluator, Local, RowResults, Rows, Term, Want};
use zundel::random::{Purpose, Stream};
use zundel::system::{Atoms, Cell, System, repeat};

/// Shells of 12, 6 and 24 neighbours, and a few of the next where the rattling brings them in: 44 on average.
const LATTICE: f64 = 3.6;
const CUTOFF: f64 = 4.93;

fn crystal(element: Element) -> System {
    let species = Species::natural(element);
    let mut atoms = Atoms::default();
    for x in [
        [0.0, 0.0, 0.0],
        [0.0, 0.5, 0.5],
        [0.5, 0.0, 0.5],
        [0.5, 0.5, 0.0],
    ] {
        atoms.push(species, x.map(|x| x * LATTICE));
    }
    let cell = Cell::orthorhombic(LATTICE, LATTICE, LATTICE).expect("a cell");
    let mut system = repeat(&System { cell, atoms }, [6, 6, 7]).expect("a crystal");
    for (i, x) in system.atoms.positions.iter_mut().enumerate() {
        let mut s = Stream::new(1, Purpose::Displacement, 0, i as u64, 0);
        *x = x.map(|x| x + 0.08 * s.normal());
    }
    system
}

/// A template with random coefficients.
fn filled(template: &Path) -> MtpFile {
    let mut file = MtpFile::read(template).expect("a template");
    file.species_count = 1;
    (file.basis.min_dist, file.basis.max_dist, file.basis.size) = (2.0, CUTOFF, 8);
    let mut stream = Stream::new(7, Purpose::Displacement, 0, 0, 0);
    let mut random = |n: usize, scale: f64| (0..n).map(|_| scale * stream.normal()).collect();
    file.coefficients = Some(Coefficients {
        labels: vec![0],
        radial: random(file.functions * 8, 0.05),
        species: vec![-1.0],
        moments: random(file.scalars.len(), 1e-3),
    });
    file
}

/// Names, files and models.
fn models() -> Vec<(String, MtpFile, System)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut list = Vec::new();
    let reference = std::env::var_os("ZUNDEL_REFERENCE").map(PathBuf::from);
    let reference = reference.unwrap_or_else(|| here.join("../shared/reference"));
    for level in ["10", "16", "20", "24", "28"] {
        let template = reference.join(format!("mtp/templates/{level}.almtp"));
        if template.is_file() {
            let copper = Element::from_symbol("Cu").expect("copper");
            list.push((format!("level {level}"), filled(&template), crystal(copper)));
        }
    }
    let shipped = here.join("potentials/tacrvw-mtp/tacrvw_l20.mtp");
    let mut file = MtpFile::read(&shipped).expect("the shipped model");
    file.basis.max_dist = CUTOFF;
    let tantalum = Element::from_symbol("Ta").expect("tantalum");
    list.push(("shipped level 20".to_owned(), file, crystal(tantalum)));
    list
}

fn elements(file: &MtpFile) -> Vec<Element> {
    let few = ["Ta", "Cr", "V", "W"];
    match file.species_count {
        1 => vec![Element::from_symbol("Cu").expect("copper")],
        n => few[..n]
            .iter()
            .map(|s| Element::from_symbol(s).expect("an element"))
            .collect(),
    }
}

/// The neighbourhoods of all atoms.
struct Neighbourhoods {
    centres: Vec<Element>,
    first: Vec<u32>,
    elements: Vec<Element>,
    x: [Vec<f64>; 3],
    r2: Vec<f64>,
}

impl Neighbourhoods {
    fn new(system: &System) -> Neighbourhoods {
        let mut all = Neighbourhoods {
            centres: system.atoms.elements.clone(),
            first: vec![0],
            elements: Vec::new(),
            x: Default::default(),
            r2: Vec::new(),
        };
        let positions = &system.atoms.positions;
        let vectors = system.cell.row_vectors();
        // Every image in reach, plainly.
        for a in positions {
            for (j, b) in positions.iter().enumerate() {
                let mut d = [0, 1, 2].map(|k| b[k] - a[k]);
                for k in 0..3 {
                    let edge = vectors[k][k];
                    d[k] -= edge * (d[k] / edge).round();
                }
                let r2: f64 = d.iter().map(|d| d * d).sum();
                if r2 > 0.0 && r2 < CUTOFF * CUTOFF {
                    all.elements.push(system.atoms.elements[j]);
                    (0..3).for_each(|k| all.x[k].push(d[k]));
                    all.r2.push(r2);
                }
            }
            all.first.push(all.r2.len() as u32);
        }
        all
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            centres: &self.centres,
            first: &self.first,
            elements: &self.elements,
            x: &self.x[0],
            y: &self.x[1],
            z: &self.x[2],
            r2: &self.r2,
            names: Default::default(),
        }
    }
}

fn stages(c: &mut Criterion) {
    for (name, file, system) in models() {
        let model = Mtp::new(file.clone(), Some(&elements(&file))).expect("a model");
        let all = Neighbourhoods::new(&system);
        let (atoms, neighbours) = (all.centres.len(), all.r2.len());
        let mean = neighbours as f64 / atoms as f64;
        let mut group = c.benchmark_group(format!("mtp {name}, {mean:.1} neighbours"));
        group.sample_size(20);
        group.throughput(Throughput::Elements(atoms as u64));
        let mut scratch = MtpScratch::default();
        let mut energy = vec![0.0; atoms];
        let mut g = [
            vec![0.0; neighbours],
            vec![0.0; neighbours],
            vec![0.0; neighbours],
        ];
        for stage in Stage::ALL {
            group.bench_function(format!("{stage:?}"), |b| {
                b.iter(|| {
                    let [gx, gy, gz] = &mut g;
                    let mut results = RowResults {
                        energy: &mut energy,
                        gx,
                        gy,
                        gz,
                        radial: &mut [],
                        booked: &mut [],
                        reliability: &mut [],
                    };
                    model.evaluate_up_to(stage, &all.rows(), &mut scratch, &mut results);
                });
            });
        }
        for work in model.work(mean) {
            println!(
                "    {:?}: {:.0} flops, {:.0} bytes per atom",
                work.stage, work.flops, work.bytes
            );
        }
        let terms = vec![Term::new("mtp", Arc::new(Local(model)) as Arc<_>)];
        let mut evaluator = Evaluator::new(terms, 0.0);
        let mut result = [Evaluation::default()];
        group.bench_function("with a new neighbour list", |b| {
            b.iter(|| {
                let configuration = system.configuration();
                evaluator.build_lists(0, configuration).expect("a list");
                evaluator
                    .evaluate(&[configuration], Want::DYNAMICS, &mut result)
                    .expect("forces");
            });
        });
        group.finish();
    }
}

fn loading(c: &mut Criterion) {
    let mut group = c.benchmark_group("mtp loading");
    group.sample_size(10);
    for (name, file, _) in models() {
        let bytes = file.render();
        let path = file.path.clone();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |b| {
            b.iter_batched(
                || (),
                |()| {
                    let file = MtpFile::parse(&bytes, &path).expect("a file");
                    let elements = elements(&file);
                    Mtp::new(file, Some(&elements)).expect("a model")
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = stages, loading
}
criterion_main!(benches);
