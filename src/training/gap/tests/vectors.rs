//! Descriptors of atoms and their gradients.

use crate::elements::Element;
use crate::potential::gap::SoapParameters;
use crate::potential::gap::density::{DensityScratch, DensityTerm, Surroundings};
use crate::potential::gap::soap_turbo::{Basis, Compress, SoapTurboParameters, TurboSpecies};
use crate::system::{Cell, Configuration};
use crate::training::gap::SoapVectors;
use crate::training::gap::environment::Environment;

/// A small skew cell of two elements: images of an atom are among its neighbours.
pub(in super::super) fn crystal() -> (Cell, Vec<Element>, Vec<[f64; 3]>) {
    let rows = [[3.9, 0.1, 0.0], [0.7, 4.2, -0.2], [-0.4, 0.3, 4.4]];
    let cell = Cell::new(rows, [true; 3]).unwrap();
    let z = [6, 14, 14, 6, 14];
    let elements = z
        .iter()
        .map(|z| Element::from_number(*z).unwrap())
        .collect();
    let positions = vec![
        [0.1, 0.2, 0.0],
        [1.9, 0.4, 0.3],
        [0.5, 2.1, 2.2],
        [2.0, 2.3, 0.4],
        [2.3, 0.8, 2.5],
    ];
    (cell, elements, positions)
}

fn soap() -> SoapParameters {
    SoapParameters {
        cutoff: 3.2,
        transition_width: 0.7,
        l_max: 3,
        n_max: 3,
        atom_sigma: 0.5,
        species: vec![6, 14],
        central_reference_all_species: false,
        ..SoapParameters::default()
    }
}

fn turbo(compress: Compress) -> SoapTurboParameters {
    let species = |number: u8, alpha_max: usize| TurboSpecies {
        number,
        alpha_max,
        sigma_r: 0.5,
        sigma_t: 0.45,
        sigma_r_scaling: 0.1,
        sigma_t_scaling: 0.05,
        amplitude_scaling: 1.0,
        central_weight: 1.0,
    };
    SoapTurboParameters {
        rcut_hard: 3.3,
        rcut_soft: 2.8,
        nf: 4.0,
        l_max: 3,
        basis: Basis::Poly3Gauss,
        radial_enhancement: 1,
        species: vec![species(6, 3), species(14, 4)],
        central: 1,
        compress,
    }
}

fn of(
    term: &DensityTerm,
    cell: &Cell,
    e: &[Element],
    x: &[[f64; 3]],
    gradient: bool,
) -> Vec<(usize, Environment, Surroundings)> {
    let mut out = Vec::new();
    for c in 0..e.len() {
        if !term.is_centre(e[c]) {
            continue;
        }
        let frame = Configuration {
            cell,
            elements: e,
            positions: x,
        };
        let environment = Environment::new(frame, term.cutoff()).unwrap();
        let mut one = [Surroundings::default()];
        let rows = environment.rows();
        term.surroundings(
            &rows,
            &[c],
            gradient,
            &mut DensityScratch::default(),
            &mut one,
        );
        let [one] = one;
        out.push((c, environment, one));
    }
    out
}

/// ∂q/∂r of every atom from the columns, against central differences of q.
fn check(term: &DensityTerm) {
    let (cell, e, x) = crystal();
    let with = of(term, &cell, &e, &x, true);
    assert!(!with.is_empty());
    let d = term.length();
    for a in 0..x.len() {
        for k in 0..3 {
            let h = 1e-5;
            let moved = |h: f64| {
                let mut x = x.clone();
                x[a][k] += h;
                of(term, &cell, &e, &x, false)
            };
            let (minus, plus) = (moved(-h), moved(h));
            for (n, (c, environment, s)) in with.iter().enumerate() {
                // The gradient of p, of all neighbours that are images of atom a, and of the centre.
                let mut slope = vec![0.0; d];
                let (mut first, mut at) = (0, 0);
                for z in 0..term.channels() {
                    let touched = term.touched(z);
                    for place in &s.places[first..s.ends[z]] {
                        let j = environment.atoms[*place as usize] as usize;
                        let sign = f64::from(u8::from(j == a)) - f64::from(u8::from(*c == a));
                        let column = &s.columns[at + k * touched.len()..][..touched.len()];
                        for (i, value) in touched.iter().zip(column) {
                            slope[*i as usize] += sign * value;
                        }
                        at += 3 * touched.len();
                    }
                    first = s.ends[z];
                }
                assert_eq!(at, s.columns.len());
                let along: f64 = slope.iter().zip(&s.q).map(|(a, b)| a * b).sum();
                for i in 0..d {
                    let project = if s.unit { along * s.q[i] } else { 0.0 };
                    let analytic = s.inverse * (slope[i] - project);
                    let numeric = (plus[n].2.q[i] - minus[n].2.q[i]) / (2.0 * h);
                    assert!(
                        (analytic - numeric).abs() < 2e-8,
                        "atom {a}.{k} centre {c} element {i}: {analytic} {numeric}"
                    );
                }
            }
        }
    }
}

#[test]
fn gradients_of_soap() {
    check(&soap().describer().unwrap());
    let one = SoapParameters {
        species: vec![0],
        central_reference_all_species: true,
        ..soap()
    };
    check(&one.describer().unwrap());
    // Neighbours of an element that is not listed do not count.
    let few = SoapParameters {
        species: vec![14],
        centre: vec![6],
        ..soap()
    };
    check(&few.describer().unwrap());
    let plain = SoapParameters {
        normalise: false,
        cutoff_dexp: 2.0,
        ..soap()
    };
    check(&plain.describer().unwrap());
}

#[test]
fn gradients_of_soap_turbo() {
    check(&turbo(Compress::None).describer().unwrap());
    check(&turbo(Compress::Trivial).describer().unwrap());
    let full = turbo(Compress::None).dimensions() as u32;
    let entries = (0..9u32)
        .flat_map(|i| [(i, (5 * i) % full, 1.0), (i, (11 * i + 3) % full, -0.5)])
        .collect();
    let map = crate::potential::gap::soap_turbo::Map { rows: 9, entries };
    check(&turbo(Compress::Map(map)).describer().unwrap());
}

#[test]
fn vectors_have_unit_length_and_do_not_turn() {
    let (cell, e, x) = crystal();
    let soap = SoapVectors::new(&soap()).unwrap();
    let d = soap.dimensions();
    let vectors = soap
        .of(Configuration {
            cell: &cell,
            elements: &e,
            positions: &x,
        })
        .unwrap();
    assert_eq!(vectors.len(), 5 * d);
    for v in vectors.chunks_exact(d) {
        assert!((v.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
    }
    // Turned by a quarter about z and shifted.
    let turn = |v: [f64; 3]| [-v[1], v[0], v[2]];
    let turned = Cell::new(cell.row_vectors().map(turn), [true; 3]).unwrap();
    let moved: Vec<[f64; 3]> = x
        .iter()
        .map(|x| turn([x[0] + 0.7, x[1] - 3.0, x[2]]))
        .collect();
    let again = soap
        .of(Configuration {
            cell: &turned,
            elements: &e,
            positions: &moved,
        })
        .unwrap();
    for (a, b) in vectors.iter().zip(&again) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn atoms_without_neighbours_have_a_vector_and_impossible_frames_an_error() {
    let cell = Cell::isolated();
    let e = [Element::from_number(6).unwrap(); 2];
    let vectors = SoapVectors::new(&soap()).unwrap();
    let frame = |x: &[[f64; 3]]| {
        vectors.of(Configuration {
            cell: &cell,
            elements: &e,
            positions: x,
        })
    };
    let far = frame(&[[0.0; 3], [50.0, 0.0, 0.0]]).unwrap();
    assert!(far[0] > 0.9 && far.iter().all(|x| x.is_finite()));
    assert!(
        frame(&[[0.0; 3], [f64::NAN, 0.0, 0.0]])
            .unwrap_err()
            .to_string()
            .contains("atom 2")
    );
    assert!(
        frame(&[[0.0; 3], [0.0; 3]])
            .unwrap_err()
            .to_string()
            .contains("same place")
    );
    assert!(SoapVectors::new(&SoapParameters::default()).is_err());
}
