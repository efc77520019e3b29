//! Lennard-Jones against NIST's configurations.

mod common;

use zundel::elements::Element;
use zundel::potential::pair::{PairParameters, Scheme};
use zundel::potential::{Configuration, Evaluation, Evaluator, Want};
use zundel::system::Cell;

fn numbers(v: &serde_json::Value) -> Vec<f64> {
    match v {
        serde_json::Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

#[test]
fn nist_configurations() {
    let text = std::fs::read_to_string(common::here("tests/data/nist/values.json")).unwrap();
    let values: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut cases = 0;
    for case in values["static"].as_array().unwrap() {
        let file = common::here("tests/data/nist").join(case["file"].as_str().unwrap());
        let positions: Vec<[f64; 3]> = std::fs::read_to_string(file)
            .unwrap()
            .lines()
            .skip(2)
            .filter(|l| !l.trim().is_empty())
            .map(|l| {
                let n: Vec<f64> = l
                    .split_whitespace()
                    .skip(1)
                    .map(|t| t.parse().unwrap())
                    .collect();
                [n[0], n[1], n[2]]
            })
            .collect();
        let h = numbers(&case["cell_rows"]);
        let cell = Cell::new(
            [[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], h[8]]],
            [true; 3],
        )
        .unwrap();
        let rc = case["rc"].as_f64().unwrap();
        let scheme = if case["scheme"] == "truncated" {
            Scheme::Truncated
        } else {
            Scheme::ForceShifted
        };
        let unit = PairParameters {
            epsilon: 1.0,
            sigma: 1.0,
            cutoff: rc,
        };
        let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
        let run = |tail: bool| {
            let mut evaluator = Evaluator::new(common::lennard_jones(unit, scheme, tail), 0.3);
            let mut result = [Evaluation::default()];
            let c = Configuration {
                cell: &cell,
                elements: &elements,
                positions: &positions,
            };
            evaluator.evaluate(&[c], Want::ALL, &mut result).unwrap();
            let [r] = result;
            r
        };
        let r = run(false);
        let close = |a: f64, b: f64, scale: f64| {
            assert!((a - b).abs() <= 1e-10 * scale, "{a} {b} in {case}")
        };
        close(r.energy, case["U"].as_f64().unwrap(), r.energy.abs());
        let w = numbers(&case["W"]);
        let scale = w.iter().fold(0.0f64, |m, w| m.max(w.abs()));
        for (a, b) in r.virial.as_flattened().iter().zip(&w) {
            close(*a, *b, scale);
        }
        for (a, b) in r
            .forces
            .as_flattened()
            .iter()
            .zip(numbers(&case["F_first3"]))
        {
            close(*a, b, case["F_norm"].as_f64().unwrap());
        }
        if let Some(tail) = case["U_lrc"].as_f64() {
            let with = run(true);
            close(with.energy - r.energy, tail, r.energy.abs());
            let trace = |r: &Evaluation| (0..3).map(|k| r.virial[k][k]).sum::<f64>();
            close(
                trace(&with) - trace(&r),
                case["W_lrc"].as_f64().unwrap(),
                scale,
            );
        }
        cases += 1;
    }
    assert_eq!(cases, 6);
}
