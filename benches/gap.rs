//! GAP models: the stages of a `soap` term one by one, and whole models.
//!
//! `cargo bench --bench gap`. The stages are those of the silicon model that ships (n_max 8, l_max 8, 300 points) on a block
//! of 32 centres; whole models are that and the synthetic ones of the tests. Throughput counts atoms.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use zundel::elements::Element;
use zundel::io::{ReadOptions, read_frames};
use zundel::neighbours::{ListKind, NeighbourList, NeighbourRequest};
use zundel::potential::gap::density::stages::Stages;
use zundel::potential::gap::density::{DensityTerm, RadialMode, Weights};
use zundel::potential::gap::{Covariance, Descriptor, GapFile};
use zundel::potential::{
    Configuration, Evaluation, Evaluator, Names, RowResults, Rows, Term, Want, registry,
};
use zundel::system::{System, repeat};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The first frame of a file.
fn structure(path: &Path) -> System {
    let frames = read_frames(path, &ReadOptions::default()).expect("a structure");
    frames.into_iter().next().expect("a frame").system
}

/// A silicon crystal whose atoms sit a little off their places.
fn silicon(n: usize) -> System {
    let mut system = repeat(&structure(&here("inputs/silicon.xyz")), [n; 3]).expect("a crystal");
    for (i, x) in system
        .atoms
        .positions
        .as_flattened_mut()
        .iter_mut()
        .enumerate()
    {
        *x += 0.05 * (i as f64 * 1.618_033_988_749_895).sin();
    }
    system
}

fn configuration(system: &System) -> Configuration<'_> {
    Configuration {
        cell: &system.cell,
        elements: &system.atoms.elements,
        positions: &system.atoms.positions,
    }
}

/// The `soap` term of a model.
fn soap(path: &Path) -> DensityTerm {
    let file = GapFile::read(path).expect("a model");
    for c in file.coordinates {
        if let (Descriptor::Soap(p), Covariance::DotProduct { zeta }) =
            (&c.descriptor, &c.covariance)
        {
            let weights = Weights {
                delta: c.delta,
                zeta: *zeta,
                alpha: c.alpha,
                sparse_cutoff: c.sparse_cutoff,
                sparse: c.sparse,
            };
            return p.term(weights, RadialMode::Table).expect("a term");
        }
    }
    panic!("no soap in {}", path.display());
}

/// Neighbour vectors of all atoms.
#[derive(Default)]
struct Neighbours {
    first: Vec<u32>,
    elements: Vec<Element>,
    x: [Vec<f64>; 3],
    r2: Vec<f64>,
}

impl Neighbours {
    fn new(system: &System, list: &NeighbourList) -> Neighbours {
        let mut pairs: Vec<_> = list.iter_pairs().collect();
        pairs.sort_unstable();
        let mut out = Neighbours::default();
        let at = &system.atoms.positions;
        for i in 0..at.len() {
            out.first.push(out.r2.len() as u32);
            for p in pairs.iter().filter(|p| p.i as usize == i) {
                let j = p.j as usize;
                let shift = system.cell.translation(p.shift);
                let d: [f64; 3] = std::array::from_fn(|k| at[j][k] + shift[k] - at[i][k]);
                out.elements.push(system.atoms.elements[j]);
                for (x, d) in out.x.iter_mut().zip(d) {
                    x.push(d);
                }
                out.r2.push(d.iter().map(|d| d * d).sum());
            }
        }
        out.first.push(out.r2.len() as u32);
        out
    }
}

fn stages(c: &mut Criterion) {
    let system = silicon(3);
    let term = soap(&here("potentials/silicon-gap/silicon.xml"));
    let request = NeighbourRequest {
        cutoff: term.cutoff(),
        kind: ListKind::Full,
        chunk: 64,
        grain: 64,
    };
    let mut list = NeighbourList::new();
    let mut group = c.benchmark_group("soap n8 l8, 300 points");
    let atoms = system.atoms.len() as u64;
    group.throughput(Throughput::Elements(atoms));
    group.bench_function("neighbour list", |b| {
        b.iter(|| list.build(configuration(&system), request, term.cutoff()));
    });
    let n = Neighbours::new(&system, &list);
    let rows = Rows {
        centres: &system.atoms.elements,
        first: &n.first,
        elements: &n.elements,
        x: &n.x[0],
        y: &n.x[1],
        z: &n.x[2],
        r2: &n.r2,
        names: Names::default(),
    };
    let mut stages = Stages::new(&term, rows);
    group.throughput(Throughput::Elements(stages.centres() as u64));
    group.bench_function("sorting of neighbours", |b| {
        b.iter(|| black_box(stages.neighbours()))
    });
    group.bench_function("radial", |b| b.iter(|| stages.radial()));
    group.bench_function("harmonics", |b| b.iter(|| stages.harmonics()));
    group.bench_function("expansion (with radial, harmonics)", |b| {
        b.iter(|| stages.expansion())
    });
    group.bench_function("power spectrum", |b| b.iter(|| stages.power()));
    group.bench_function("kernel", |b| b.iter(|| black_box(stages.kernel())));
    group.bench_function("adjoint of the power spectrum", |b| {
        b.iter(|| stages.adjoint())
    });
    let mut energy = vec![0.0; rows.centres.len()];
    let mut g = [const { Vec::new() }; 3];
    for g in &mut g {
        g.resize(n.r2.len(), 0.0);
    }
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
    group.bench_function("sweep back", |b| b.iter(|| stages.sweep(&mut results)));
    group.finish();
}

/// Energy, forces and virial of whole models; neighbour lists are kept.
fn models(c: &mut Criterion) {
    let mut group = c.benchmark_group("energy, forces and virial");
    group.sample_size(20);
    let mut cases = vec![(
        "silicon-gap".to_owned(),
        here("potentials/silicon-gap/silicon.xml"),
        silicon(3),
    )];
    let mut folders: Vec<PathBuf> = std::fs::read_dir(here("tests/data/gap"))
        .expect("synthetic models")
        .map(|e| e.expect("a folder").path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        let mut files = std::fs::read_dir(&folder)
            .expect("a folder")
            .map(|e| e.expect("a file").path());
        let model = files
            .find(|p| p.extension().is_some_and(|e| e == "xml"))
            .expect("a model");
        let frames =
            read_frames(&folder.join("reference.extxyz"), &ReadOptions::default()).expect("frames");
        let largest = frames
            .into_iter()
            .max_by_key(|f| f.system.atoms.len())
            .expect("a frame");
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        cases.push((name, model, largest.system));
    }
    for (name, model, system) in cases {
        let model = registry::load(&model, None).expect("a model");
        let mut evaluator = Evaluator::new(vec![Term::new("gap", model)], 0.5);
        let mut result = [Evaluation::default()];
        let want = Want {
            forces: true,
            virial: true,
            ..Want::ENERGY
        };
        group.throughput(Throughput::Elements(system.atoms.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| evaluator.evaluate(&[configuration(&system)], want, &mut result));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default();
    targets = stages, models
}
criterion_main!(benches);
