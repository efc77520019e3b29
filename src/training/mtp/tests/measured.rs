//! Fits of the reference sets, measured; run by hand.

use super::super::form::Form as Shape;
use super::super::problem::Problem;
use super::super::{Form, Settings, Weights, fit};
use super::data::{elements, read, reference};
use crate::training::Monitor;
use std::time::Instant;

struct Loud;

impl Monitor for Loud {
    fn stage(&mut self, what: &str, total: usize) {
        println!("-- {what}: {total}");
    }
    fn advance(&mut self, _: usize) {}
    fn say(&mut self, line: &str) {
        println!("   {line}");
    }
    fn stopped(&self) -> bool {
        false
    }
}

/// `ZUNDEL_FIT="cu steps=50 tries=3" cargo test --release --lib fit_of_a_reference_set -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn fit_of_a_reference_set() {
    let Some(reference) = reference() else { return };
    let what = std::env::var("ZUNDEL_FIT").unwrap_or_else(|_| "cu".into());
    let words: Vec<&str> = what.split_whitespace().collect();
    let (level, symbols, train, test): (usize, &[&str], &str, &str) = match words[0] {
        "cu" => (8, &["Cu"], "cu40_train", "cu_test"),
        "multi" => (8, &["Mo", "Nb", "W"], "multi_train", "multi_test"),
        _ => (6, &["Ta", "Cr", "V", "W"], "tacrvw8_train", "tacrvw8_test"),
    };
    let species = elements(symbols);
    let folder = reference.join("mtp/training");
    let train = read(&folder.join(format!("{train}.cfg")), &species);
    let test = read(&folder.join(format!("{test}.cfg")), &species);
    let number = |key: &str, default: f64| {
        words
            .iter()
            .find_map(|w| w.strip_prefix(key)?.strip_prefix('='))
            .map_or(default, |v| v.parse().unwrap())
    };
    let settings = Settings {
        species,
        form: Form::Level(level),
        steps: number("steps", 100.0) as usize,
        tries: number("tries", 3.0) as usize,
        try_steps: number("try_steps", 10.0) as usize,
        tolerance: number("tolerance", 1e-3),
        ridge: number("ridge", 1e-10),
        penalty: number("penalty", 1e-6),
        seed: number("seed", 1.0) as u64,
        selection: None,
        weights: Weights {
            energy: number("energy", 1.0),
            forces: number("forces", 0.01),
            virial: number("virial", 0.001),
            ..Weights::default()
        },
        ..Settings::default()
    };
    let every = number("validate", 0.0) as usize;
    let (train, checks): (Vec<_>, Vec<_>) = match every {
        0 => (train, Vec::new()),
        n => {
            let (a, b): (Vec<_>, Vec<_>) =
                train.into_iter().enumerate().partition(|(k, _)| k % n != 0);
            let plain = |v: Vec<(usize, _)>| v.into_iter().map(|x| x.1).collect();
            (plain(a), plain(b))
        }
    };
    let threads = number("threads", 1.0) as usize;
    crate::parallel::with_threads(threads, || {
        let start = Instant::now();
        let fitted = fit(&settings, &train, &checks, &mut Loud).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        let form = Shape::new(&fitted.file).unwrap();
        let problem = Problem::new(&settings, 5.0, &test).unwrap();
        let c = fitted.file.coefficients.as_ref().unwrap();
        let theta = [&c.radial[..], &c.species, &c.moments].concat();
        let all: Vec<usize> = (0..test.len()).collect();
        let on_test = problem.residuals(&form, &theta, &all).1;
        let history = &fitted.report.history;
        for (k, h) in history.iter().enumerate() {
            if k < 10 || k % 5 == 0 || k + 1 == history.len() {
                println!("{k:4} {h:.6e}");
            }
        }
        println!("{what}: {seconds:.2} s, {} steps", history.len() - 1);
        for (name, e) in [("train", fitted.report.training), ("test", on_test)] {
            println!(
                "{name:6} {:.4} meV/atom  {:.5} eV/A  {:.4} eV",
                1e3 * e.energy,
                e.forces,
                e.virial
            );
        }
    })
    .unwrap();
}
