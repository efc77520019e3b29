//! Derivatives against finite differences, and energies against the potential that simulations use.

use super::super::Settings;
use super::super::form::Form;
use super::super::problem::Problem;
use super::super::settings as making;
use super::data::{crystal, elements};
use crate::elements::Element;
use crate::potential::mtp::{Coefficients, Mtp, MtpFile};
use crate::potential::{Evaluation, Evaluator, Local, Term, Want};
use crate::random::{Purpose, Stream};
use crate::training::data::LabelledFrame;
use std::sync::Arc;

/// A potential of a level with random coefficients.
pub fn random_model(level: usize, species: &[Element], seed: u64) -> MtpFile {
    let settings = Settings {
        species: species.to_vec(),
        form: making::Form::Level(level),
        polynomials: 5,
        cutoff: Some(4.5),
        ..Settings::default()
    };
    let mut file = settings.template().unwrap();
    file.basis.min_dist = 1.7;
    file.scaling = 0.05;
    let mut s = Stream::new(seed, Purpose::Displacement, 7, 0, 0);
    let n = species.len() * species.len() * file.functions * file.basis.size;
    let mut some = |n: usize, scale: f64| (0..n).map(|_| scale * s.normal()).collect::<Vec<_>>();
    file.coefficients = Some(Coefficients {
        labels: (0..species.len() as i64).collect(),
        radial: some(n, 0.4),
        species: some(species.len(), 2.0),
        moments: some(file.scalars.len(), 0.3),
    });
    file
}

/// What a potential makes of a frame.
pub fn labelled(file: &MtpFile, species: &[Element], mut frame: LabelledFrame) -> LabelledFrame {
    let model = Mtp::new(file.clone(), Some(species)).unwrap();
    let term = Term::new("mtp", Arc::new(Local(model)));
    let mut results = [Evaluation::default()];
    Evaluator::new(vec![term], 0.0)
        .evaluate(&[frame.system.configuration()], Want::ALL, &mut results)
        .unwrap();
    let [found] = results;
    frame.energy = Some(found.energy);
    frame.forces = Some(found.forces);
    frame.virial = Some(found.virial);
    frame
}

/// The coefficients of a file in their order.
fn theta(file: &MtpFile) -> Vec<f64> {
    let c = file.coefficients.as_ref().unwrap();
    [&c.radial[..], &c.species, &c.moments].concat()
}

fn settings(species: &[Element]) -> Settings {
    Settings {
        species: species.to_vec(),
        cutoff: Some(4.5),
        ..Settings::default()
    }
}

#[test]
fn energies_forces_and_virials_are_those_of_the_potential() {
    for (level, symbols) in [
        (2, &["Cu"][..]),
        (8, &["B", "As"]),
        (16, &["Cu", "B", "As"]),
    ] {
        let species = elements(symbols);
        let file = random_model(level, &species, 3);
        let frames: Vec<LabelledFrame> = (0..3)
            .map(|k| labelled(&file, &species, crystal(&species, k)))
            .collect();
        let problem = Problem::new(&settings(&species), 4.5, &frames).unwrap();
        let form = Form::new(&file).unwrap();
        let (_, errors) = problem.residuals(&form, &theta(&file), &[0, 1, 2]);
        let largest = frames
            .iter()
            .flat_map(|f| f.forces.as_ref().unwrap().as_flattened())
            .fold(1.0f64, |m, x| m.max(x.abs()));
        let found = errors.energy.max(errors.forces).max(errors.virial) / largest;
        assert!(found < 1e-12, "level {level}: {errors:?}");
    }
}

#[test]
fn derivatives_by_every_coefficient() {
    for (level, symbols) in [(6, &["Cu"][..]), (12, &["B", "As"])] {
        let species = elements(symbols);
        let file = random_model(level, &species, 5);
        let form = Form::new(&file).unwrap();
        let at = theta(&file);
        // Only one of energy, forces and virial counts at a time; the data are zero, so that the equations are their values.
        for part in 0..3 {
            let mut frame = crystal(&species, 11);
            let zeros = vec![[0.0; 3]; frame.len()];
            match part {
                0 => frame.energy = Some(0.0),
                1 => frame.forces = Some(zeros),
                _ => frame.virial = Some([[0.0; 3]; 3]),
            }
            let problem = Problem::new(&settings(&species), 4.5, &[frame]).unwrap();
            let normal = problem.normal(&form, &at, &[0]);
            let value = |theta: &[f64]| problem.residuals(&form, theta, &[0]).0;
            let scale = normal.gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
            for k in 0..at.len() {
                let h = 1e-4 * at[k].abs().max(1e-2);
                let shifted = |by: f64| {
                    let mut theta = at.clone();
                    theta[k] += by * h;
                    value(&theta)
                };
                let slope = (8.0 * (shifted(1.0) - shifted(-1.0)) - (shifted(2.0) - shifted(-2.0)))
                    / (12.0 * h);
                let found = 2.0 * normal.gradient[k];
                assert!(
                    (slope - found).abs() < 1e-7 * scale,
                    "level {level}, part {part}, coefficient {k}: {found} is not {slope}"
                );
                // A change of one coefficient changes the gradient by the normal matrix and second derivatives of the
                // values, which vanish for linear coefficients among themselves.
                if k >= form.radial() {
                    let mut theta = at.clone();
                    theta[k] += 0.1;
                    let next = problem.normal(&form, &theta, &[0]);
                    for l in form.radial()..at.len() {
                        let change = (next.gradient[l] - normal.gradient[l]) / 0.1;
                        let entry = normal.matrix[(k, l)];
                        let size = (normal.matrix[(k, k)] * normal.matrix[(l, l)]).sqrt();
                        assert!(
                            (change - entry).abs() <= 1e-9 * size + 1e-9 * scale,
                            "{k} {l}"
                        );
                    }
                }
            }
        }
    }
}
