//! The Glue baseline against numbers of QUIP 0.10.3 (dimers), and its reader.

use super::*;
use crate::elements::Element;
use crate::potential::{Names, RowResults, Rows};
use std::path::Path;

fn parse(text: &str) -> Result<GlueParameters> {
    let mut xml = Xml::new(text, Path::new("g.xml"));
    let Some(Node::Start(tag)) = xml.next()? else {
        panic!()
    };
    GlueParameters::read(&mut xml, &tag)
}

fn table(tag: &str, columns: [&str; 2], points: &[[f64; 2]], attributes: &str) -> String {
    let rows: String = points
        .iter()
        .map(|p| {
            format!(
                "<point {}=\"{}\" {}=\"{}\"/>",
                columns[0], p[0], columns[1], p[1]
            )
        })
        .collect();
    format!(
        "<{tag} num_points=\"{}\" {attributes}>{rows}</{tag}>",
        points.len()
    )
}

const DENSITY: [[f64; 2]; 5] = [[1.0, 0.9], [1.7, 0.5], [2.3, 0.3], [2.9, 0.1], [3.5, 0.05]];
const EMBEDDING: [[f64; 2]; 4] = [[0.0, -1.0], [0.5, -1.5], [1.0, -1.2], [2.0, 0.3]];
const PAIR: [[f64; 2]; 4] = [[1.2, 3.0], [1.9, 1.0], [2.6, 0.2], [3.0, 0.05]];
const NOTHING: [[f64; 2]; 2] = [[0.0, 0.0], [3.0, 0.0]];
const LINE: [[f64; 2]; 2] = [[0.0, 0.0], [100.0, 100.0]];

fn model(
    density: &str,
    embedding: &[[f64; 2]],
    of_embedding: &str,
    pair: &[[f64; 2]],
    of_pair: &str,
) -> String {
    format!(
        "<Glue_params n_types=\"1\"><per_type_data atomic_num=\"14\" type=\"1\">{}{}</per_type_data>\
         <per_pair_data type1=\"1\" type2=\"1\">{}</per_pair_data></Glue_params>",
        table("density", ["a", "rho"], &DENSITY, density),
        table("potential_density", ["rho", "E"], embedding, of_embedding),
        table("potential_pair", ["r", "E"], pair, of_pair),
    )
}

/// Energy of a dimer and the force on its second atom along the bond.
fn dimer(text: &str, r: f64) -> (f64, f64) {
    let glue = Glue::new(&parse(text).unwrap());
    let si = Element::from_symbol("Si").unwrap();
    let xenon = Element::from_symbol("Xe").unwrap();
    // Each centre sees the other atom and, nearby, an atom the model does not know.
    let rows = Rows {
        centres: &[si, si, xenon],
        first: &[0, 2, 4, 5],
        elements: &[si, xenon, si, xenon, si],
        x: &[0.0; 5],
        y: &[0.0, 0.5, 0.0, 0.5, 0.5],
        z: &[r, 0.0, -r, 0.0, 0.0],
        r2: &[r * r, 0.25, r * r, 0.25, 0.25],
        names: Names::default(),
    };
    let mut energy = [0.0; 3];
    let (mut gx, mut gy, mut gz) = ([0.0; 5], [0.0; 5], [0.0; 5]);
    let mut results = RowResults {
        energy: &mut energy,
        gx: &mut gx,
        gy: &mut gy,
        gz: &mut gz,
        radial: &mut [],
        booked: &mut [],
        reliability: &mut [],
    };
    glue.evaluate(&rows, &mut GlueScratch::default(), &mut results);
    assert_eq!((gx, gy, energy[2]), ([0.0; 5], [0.0; 5], 0.0));
    (energy[0] + energy[1], gz[2] - gz[0])
}

fn agrees(text: &str, reference: &[(f64, f64, f64)]) {
    for &(r, energy, force) in reference {
        let (e, f) = dimer(text, r);
        assert!(
            (e - energy).abs() < 1e-12 * (1.0 + energy.abs()),
            "{r}: {e} {energy}"
        );
        assert!(
            (f - force).abs() < 1e-11 * (1.0 + force.abs()),
            "{r}: {f} {force}"
        );
    }
}

#[test]
fn pair_energies_of_quip() {
    let with = |slopes: &str| {
        model(
            "density_y1=\"-0.7\" density_yn=\"0\"",
            &NOTHING,
            "",
            &PAIR,
            slopes,
        )
    };
    // Without slopes they are zero; the names of the density's attributes mean nothing here.
    let flat = [
        (0.8, 3.0, 0.0),
        (1.5, 2.424_849_021_241_149_3, 3.314_829_758_433_986_3),
        (2.95, 0.053_948_102_678_571_41, 0.153_340_242_346_938_38),
        (3.2, 0.0, 0.0),
    ];
    agrees(&with(""), &flat);
    agrees(&with("density_y1=\"-4\" density_yn=\"-0.1\""), &flat);
    agrees(
        &with("y1=\"-4\" yn=\"-0.1\""),
        &[
            (0.8, 4.6, 4.0),
            (1.1, 3.399_999_999_999_999_5, 4.0),
            (2.0, 0.827_535_401_915_868_2, 1.606_299_458_558_933_6),
        ],
    );
    agrees(
        &with("y1=\"1e31\" yn=\"1e31\""),
        &[
            (0.8, 4.302_557_319_223_986, 3.256_393_298_059_965),
            (2.8, 0.114_947_089_947_090_05, 0.358_245_149_911_816_9),
        ],
    );
    agrees(
        &with("y1=\"1.0e50\" yn=\"0\""),
        &[(0.2, 6.271_159_491_193_738, 3.271_159_491_193_738)],
    );
}

#[test]
fn densities_and_embeddings_of_quip() {
    let slopes = "density_y1=\"-0.7\" density_yn=\"0\"";
    agrees(
        &model(slopes, &LINE, "", &NOTHING, ""),
        &[
            (0.8, 2.452_591_965_014_240_5, 2.725_102_183_349_156),
            (3.2, 0.003_364_323_683_147_099_4, 0.033_643_236_831_471_02),
            (3.6, 0.0, 0.0),
        ],
    );
    agrees(
        &model(
            &format!("do_spline=\"T\" {slopes}"),
            &LINE,
            "",
            &NOTHING,
            "",
        ),
        &[
            (0.8, 2.08, 1.4),
            (2.0, 0.789_276_835_043_409_5, 0.624_043_014_996_053_9),
            (3.45, 0.100_230_152_335_642_67, 0.010_050_260_896_255_325),
            (3.6, 0.0, 0.0),
        ],
    );
    agrees(
        &model(
            "do_spline=\".true.\" density_y1=\"1e31\" density_yn=\"1e31\"",
            &LINE,
            "",
            &NOTHING,
            "",
        ),
        &[
            (0.2, 2.831_225_604_996_096_7, 1.289_032_006_245_121),
            (2.8, 0.251_509_237_574_811_36, 0.574_355_971_896_955_3),
        ],
    );
    agrees(
        &model(slopes, &EMBEDDING, "", &NOTHING, ""),
        &[
            (0.2, 1.399_987_854_667_334_6, 6.814_218_207_800_343),
            (2.0, -2.551_481_543_037_186, -0.990_431_415_706_525_4),
        ],
    );
    agrees(
        &model(slopes, &EMBEDDING, "y1=\"-3\" yn=\"2\"", &NOTHING, ""),
        &[
            (0.2, 1.555_829_644_537_594_5, 8.141_663_313_215_995),
            (2.8, -2.123_189_783_266_907_8, -0.506_669_332_585_567_1),
        ],
    );
    let short: Vec<[f64; 2]> = [&[[0.2, -1.0]], &EMBEDDING[1..]].concat();
    agrees(
        &model(slopes, &short, "", &NOTHING, ""),
        &[
            (0.8, -1.762_973_863_921_274_4, 3.941_478_909_211_74),
            (3.2, -1.172_876_591_475_515, -0.070_157_856_147_193_23),
        ],
    );
}

#[test]
fn damaged_tables_are_refused() {
    let good = model(
        "density_y1=\"-0.7\" density_yn=\"0\"",
        &EMBEDDING,
        "",
        &PAIR,
        "",
    );
    assert!(parse(&good).is_ok());
    for (from, to, part) in [
        ("n_types=\"1\"", "n_types=\"2\"", "n_types announces 2"),
        (
            "n_types=\"1\"",
            "n_types=\"99999999999999999999\"",
            "whole number",
        ),
        ("atomic_num=\"14\"", "atomic_num=\"0\"", "atomic number"),
        (" density_yn=\"0\"", "", "lacks the attribute `density_yn`"),
        ("rho=\"0.9\"", "rho=\"nan\"", "finite"),
        ("a=\"1.7\"", "a=\"0.5\"", "increase"),
        ("num_points=\"5\"", "num_points=\"6\"", "has 5 points"),
        ("type2=\"1\"", "type2=\"2\"", "not there"),
        ("type2=\"1\"", "type2=\"0\"", "numbered from 1"),
        (
            "potential_density",
            "potential",
            "lacks its <potential_density>",
        ),
        ("potential_pair", "pair", "lacks its <potential_pair>"),
        ("E=\"3\"", "", "lacks the attribute `E`"),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good);
        let message = parse(&text).unwrap_err().to_string();
        assert!(
            message.contains(part) && message.contains("g.xml:1"),
            "{message}"
        );
    }
}
