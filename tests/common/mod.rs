//! What the integration tests share.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;
use zundel::elements::Element;
use zundel::potential::pair::{LennardJones, PairParameters, Scheme};
use zundel::potential::{Local, Potential, Term};
use zundel::random::{Purpose, Stream};
use zundel::system::{Atoms, Cell, System};

/// The folder with published models and reference values, when it is there.
pub fn reference() -> Option<PathBuf> {
    let named = std::env::var_os("ZUNDEL_REFERENCE").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let found = named.or(Some(beside)).filter(|p| p.is_dir());
    if found.is_none() {
        eprintln!("skipped: no reference data (set ZUNDEL_REFERENCE to the folder)");
    }
    found
}

/// A path inside the repository.
pub fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Argon's parameters with a cutoff (Å).
pub fn argon(cutoff: f64) -> PairParameters {
    PairParameters {
        epsilon: 0.010_323,
        sigma: 3.405,
        cutoff,
    }
}

/// One Lennard-Jones term for every element.
pub fn lennard_jones(p: PairParameters, scheme: Scheme, tail: bool) -> Vec<Term> {
    let model = LennardJones::uniform(p, scheme, tail).expect("sensible parameters");
    vec![Term::new(
        "lj",
        Arc::new(Local(model)) as Arc<dyn Potential>,
    )]
}

/// A face-centred cubic crystal of `n`^3 cubic cells with lattice constant `a` (Å).
pub fn fcc(symbol: &str, a: f64, n: usize) -> System {
    let species =
        zundel::elements::Species::natural(Element::from_symbol(symbol).expect("an element"));
    let mut atoms = Atoms::default();
    for x in [
        [0.0, 0.0, 0.0],
        [0.0, 0.5, 0.5],
        [0.5, 0.0, 0.5],
        [0.5, 0.5, 0.0],
    ] {
        atoms.push(species, x.map(|x| x * a));
    }
    let cell = Cell::orthorhombic(a, a, a).expect("a cell");
    zundel::system::repeat(&System { cell, atoms }, [n; 3]).expect("a crystal")
}

/// Displaces every coordinate by a normal number of the given width (Å).
pub fn rattle(system: &mut System, width: f64, seed: u64) {
    for (i, x) in system.atoms.positions.iter_mut().enumerate() {
        let mut s = Stream::new(seed, Purpose::Displacement, 99, i as u64, 0);
        *x = x.map(|x| x + width * s.normal());
    }
}
