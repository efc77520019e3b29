//! Damaged and hostile files: every one is read or refused, none panics.

use super::file::GapFile;
use super::tests_support::reference;
use super::*;
use std::path::Path;

/// A small model with everything in it: Glue, pairs with points in the file, slices, permutations.
pub(super) const MODEL: &str = r#"<?xml version="1.0"?>
<!-- a model -->
<M>
<Potential label="M" init_args="Sum init_args_pot1={IP Glue} init_args_pot2={IP GAP label=M}"/>
<Glue_params n_types="1">
 <per_type_data atomic_num="14" type="1">
  <density num_points="2" density_y1="-0.4" density_yn="0.0"><point a="0.8" rho="0.3"/><point a="3.4" rho="0.0"/></density>
  <potential_density num_points="2"><point rho="0.0" E="0.0"/><point rho="0.3" E="-0.1"/></potential_density>
 </per_type_data>
 <per_pair_data type1="1" type2="1">
  <potential_pair num_points="2" y1="1.0e50"><point r=" 1.2" E="  13.4"/><point r="2.5" E="0.0"/></potential_pair>
 </per_pair_data>
</Glue_params>
<GAP_params label="other" gap_version="1"><gpSparse n_coordinate="7"><gpCoordinates/></gpSparse></GAP_params>
<GAP_params gap_version="1423607965" label="M">
 <GAP_data do_core="T" e0="-1.5"><e0 value=".25E+000" Z="14"/><e0 Z="118" value="0.0"/></GAP_data>
 <gpSparse label="M" n_coordinate="2">
  <gpCoordinates dimensions="1" label="M1" signal_variance=".50000000000000000" signal_mean=".0E+000" sparsified="T"
    n_permutations="1" covariance_type="1" n_sparseX="2">
   <theta>  0.10000000000000000D+001 </theta>
   <descriptor>distance_2b Z1=14 Z2=14 cutoff=4.0 n_sparse=2 theta_uniform=1.0</descriptor>
   <permutation i="1">1  </permutation>
   <sparseX sparseCutoff=".9" i="2" alpha="-.5"> 2.6 </sparseX>
   <sparseX i="1" alpha="0.5E+001" sparseCutoff="1.0000000000000000">  0.21E+001  </sparseX>
  </gpCoordinates>
  <gpCoordinates label="M2" dimensions="7" signal_variance="1.0" sparsified="T" n_permutations="1" covariance_type="2" n_sparseX="1">
   <theta> 4.0 </theta>
   <descriptor>soap l_max=1 n_max=2 atom_sigma=0.5 cutoff=3.0 n_species=1 Z=14 species_Z={14 }</descriptor>
   <permutation i="1">1</permutation>
   <sparseX i="1" alpha="0.1" sparseCutoff="1.0" sliced="T">
    <sparseX_slice start="1" end="4"> 0.5 0.5 .5 .1 </sparseX_slice>
    <sparseX_slice start="5" end="7"> 0.3 0.2 0.0 </sparseX_slice>
   </sparseX>
  </gpCoordinates>
 </gpSparse>
 <command_line><![CDATA[gap_fit a<b &c]]></command_line>
</GAP_params>
</M>
"#;

fn read(text: &str) -> crate::error::Result<GapFile> {
    GapFile::parse(text, Path::new("m.xml"))
}

#[test]
fn old_and_rewritten_spellings_are_read() {
    let file = read(MODEL).unwrap();
    assert_eq!(
        (file.label.as_str(), file.gap_version, file.do_core),
        ("M", 1_423_607_965, true)
    );
    assert_eq!((file.e0[13], file.e0[0], file.e0[117]), (0.25, -1.5, 0.0));
    let pair = &file.coordinates[0];
    assert_eq!(
        (pair.alpha.as_slice(), pair.sparse.as_slice()),
        (&[5.0, -0.5][..], &[2.1, 2.6][..])
    );
    assert_eq!(
        (pair.sparse_cutoff.as_slice(), pair.delta),
        (&[1.0, 0.9][..], 0.5)
    );
    let soap = &file.coordinates[1];
    assert_eq!(soap.covariance, Covariance::DotProduct { zeta: 4.0 });
    assert_eq!(soap.sparse, [0.5, 0.5, 0.5, 0.1, 0.3, 0.2, 0.0]);
    assert_eq!(
        file.glues[0].pairs[0].energy.ends,
        [EndSlope::Natural, EndSlope::Given(0.0)]
    );
    assert!(
        Gap::load(Path::new("none.xml"))
            .err()
            .unwrap()
            .to_string()
            .contains("no such file")
    );
}

#[test]
fn each_damage_is_named_with_its_line() {
    for (from, to, part) in [
        (
            "label=M}",
            "label=N}",
            "m.xml:14: no <GAP_params> has the label `N`",
        ),
        ("IP GAP label=M", "IP GAP", "m.xml:15: several <GAP_params>"),
        (
            "{IP Glue}",
            "{IP ZBL}",
            "m.xml:4: the potential `IP ZBL` is not supported",
        ),
        (
            "{IP Glue}",
            "{IP GAP label=nowhere}",
            "no <GAP_params> has the label `nowhere`",
        ),
        (
            "1423607965",
            "1999999999",
            "m.xml:15: gap_version 1999999999 is newer",
        ),
        ("1423607965", "-3", "whole number"),
        ("Z=\"118\"", "Z=\"0\"", "m.xml:16: Z=\"0\""),
        (
            "value=\".25E+000\"",
            "value=\"NaN\"",
            "m.xml:16: `value=\"NaN\"`",
        ),
        (
            "label=\"M\" n_coordinate=\"2\"",
            "label=\"M\" n_coordinate=\"3\"",
            "m.xml:17: 2 <gpCoordinates> are there",
        ),
        (
            "label=\"M\" n_coordinate=\"2\"",
            "fitted=\"F\" n_coordinate=\"2\"",
            "`fitted=\"F\"`",
        ),
        (
            "covariance_type=\"1\"",
            "covariance_type=\"3\"",
            "bond_real_space",
        ),
        (
            "covariance_type=\"1\"",
            "covariance_type=\"9\"",
            "covariance_type 9",
        ),
        (
            "n_sparseX=\"2\"",
            "n_sparseX=\"3\"",
            "m.xml:18: 2 <sparseX> are there",
        ),
        (
            "dimensions=\"1\"",
            "dimensions=\"2\"",
            "<theta> has 1 numbers",
        ),
        (
            "dimensions=\"1\"",
            "dimensions=\"18446744073709551615\"",
            "cannot be meant",
        ),
        (
            "dimensions=\"7\"",
            "dimensions=\"8\"",
            "has 7 dimensions, the file says 8",
        ),
        (
            "0.10000000000000000D+001",
            "0.0",
            "m.xml:20: the lengths in <theta>",
        ),
        (
            "0.10000000000000000D+001",
            "1.0x",
            "m.xml:20: <theta>: `1.0x`",
        ),
        (
            "<permutation i=\"1\">1  <",
            "<permutation i=\"1\">2<",
            "permutations",
        ),
        (
            "n_permutations=\"1\" covariance_type=\"2\"",
            "n_permutations=\"2\" covariance_type=\"2\"",
            "2 are announced",
        ),
        ("i=\"2\" alpha", "i=\"1\" alpha", "numbered from 1"),
        (
            "alpha=\"-.5\"",
            "alpha=\"inf\"",
            "m.xml:23: `alpha=\"inf\"`",
        ),
        (
            "> 2.6 <",
            "> <",
            "m.xml:23: <sparseX> holds 0 numbers, 1 must be there",
        ),
        ("> 2.6 <", "> 2.6 2.7 <", "holds 2 numbers"),
        ("> 2.6 <", "> 2.6e <", "`2.6e`"),
        ("start=\"5\"", "start=\"6\"", "m.xml:32: <sparseX_slice>"),
        (" 0.3 0.2 0.0 <", " 0.3 0.2 <", "m.xml:32: <sparseX_slice>"),
        (
            "distance_2b Z1",
            "eam_density Z1",
            "m.xml:21: the descriptor `eam_density` is not supported",
        ),
        (
            "Z=14 species",
            "radial_basis=GTO Z=14 species",
            "m.xml:28: descriptor `soap`: `radial_basis=GTO`",
        ),
        ("<theta> 4.0 </theta>", "", "needs `zeta`"),
        (
            "<theta> 4.0 </theta>",
            "<theta> -4.0 </theta>",
            "zeta must lie",
        ),
        (
            "sparsified=\"T\" n_permutations=\"1\" covariance_type=\"2\"",
            "sparsified=\"F\" n_permutations=\"1\" covariance_type=\"2\"",
            "sparse points",
        ),
        (
            "</gpSparse>\n <command",
            "<command",
            "m.xml:36: this is not well-formed XML",
        ),
        ("</M>\n", "", "ends inside an element"),
        ("<GAP_params gap", "<GAP_parts gap", "well-formed"),
        (
            "n_sparseX=\"1\">",
            "n_sparseX=\"1\" sparseX_filename=\"../no-such-file\">",
            "there is no such file",
        ),
        (
            "n_sparseX=\"1\">",
            "n_sparseX=\"1\" sparseX_filename=\"/dev/zero\">",
            "not a regular file",
        ),
    ] {
        let text = MODEL.replacen(from, to, 1);
        assert_ne!(text, MODEL, "{from}");
        let message = read(&text).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(part), "{from} -> {to}: {message}");
        assert!(
            message.contains("m.xml")
                || message.contains("no-such-file")
                || message.contains("/dev/zero"),
            "{message}"
        );
    }
    assert!(
        read("")
            .unwrap_err()
            .to_string()
            .contains("no <GAP_params>")
    );
    assert!(read("not xml at all").is_err());
    assert!(
        read(&"<a>".repeat(100_000))
            .unwrap_err()
            .to_string()
            .contains("ends inside")
    );
}

#[test]
fn files_cut_anywhere_are_refused() {
    for end in 0..MODEL.trim_end().len() {
        assert!(read(&MODEL[..end]).is_err(), "{end}");
    }
}

/// A small generator for mutations.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }
}

const SNIPPETS: [&str; 28] = [
    "99999999999999999999",
    "-1",
    "nan",
    "1e308",
    "1e-308",
    "0",
    "<",
    ">",
    "\"",
    "&",
    "&#x0;",
    "{",
    "}",
    "=",
    "</gpCoordinates>",
    "<sparseX i=\"3\" alpha=\"1\"/>",
    "4294967296",
    "18446744073709551615",
    " Z=0 ",
    " l_max=50 n_max=100 ",
    "\u{0}",
    "\u{e9}",
    "]]>",
    "<!--",
    "<![CDATA[",
    "init_args_pot3={Sum",
    " cutoff=100 cutoff_transition_width=0.001",
    "1",
];

fn mutate(text: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(text.len());
        match dice.roll(6) {
            0 => text.truncate(at),
            1 if !text.is_empty() => text[at] = dice.roll(256) as u8,
            2 if !text.is_empty() => {
                let end = (at + dice.roll(60)).min(text.len());
                text.drain(at..end);
            }
            3 => {
                let end = (at + dice.roll(200)).min(text.len());
                let copy = text[at..end].to_vec();
                let to = dice.roll(text.len());
                text.splice(to..to, copy);
            }
            _ => {
                let snippet = SNIPPETS[dice.roll(SNIPPETS.len())];
                let end = (at + dice.roll(4)).min(text.len());
                text.splice(at..end, snippet.bytes());
            }
        }
    }
}

/// Run with `cargo test --release fuzz_gap_reader -- --ignored`; lasts about a minute.
#[test]
#[ignore = "lasts a minute"]
fn fuzz_gap_reader() {
    let folder = tempfile::tempdir().unwrap();
    let until = std::time::Instant::now()
        + std::time::Duration::from_secs_f64(crate::fuzzing::seconds(60.0));
    let mut seeds = vec![(MODEL.to_owned(), None)];
    if let Some(water) = reference("h2o_2b") {
        let name = "GAP.xml.sparseX.GAP_2018_10_7_60_14_59_24_9701";
        seeds.push((
            std::fs::read_to_string(water.join("GAP.xml")).unwrap(),
            Some((name, std::fs::read(water.join(name)).unwrap())),
        ));
    }
    let (mut dice, mut tried, mut accepted) = (Dice(2026), 0u64, 0u64);
    while std::time::Instant::now() < until {
        let (xml, sparse) = &seeds[dice.roll(seeds.len())];
        let mut text = xml.clone().into_bytes();
        let which = dice.roll(3);
        if which > 0 || sparse.is_none() {
            mutate(&mut text, &mut dice);
        }
        if let Some((name, bytes)) = sparse {
            let mut bytes = bytes.clone();
            if which < 2 {
                mutate(&mut bytes, &mut dice);
            }
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let path = folder.path().join("m.xml");
        std::fs::write(&path, &text).unwrap();
        tried += 1;
        let begin = std::time::Instant::now();
        let panicked = std::panic::catch_unwind(|| match GapFile::read(&path) {
            Ok(file) => Gap::new(file).is_ok(),
            Err(error) => {
                let message = error.to_string();
                assert!(
                    message.starts_with("error: ") && message.contains(':'),
                    "{message}"
                );
                assert_eq!(error.exit_code(), 2, "{message}");
                false
            }
        });
        match panicked {
            Ok(good) => accepted += u64::from(good),
            Err(_) => {
                std::fs::write(std::env::temp_dir().join("fuzz_gap_reader.xml"), &text).unwrap();
                panic!(
                    "input {tried} made the reader panic; it is kept as fuzz_gap_reader.xml in the temporary folder"
                );
            }
        }
        assert!(
            begin.elapsed().as_secs() < 20,
            "input {tried} took {:?}",
            begin.elapsed()
        );
    }
    println!("{tried} inputs, {accepted} of them still models");
    assert!(tried > 100 && accepted > 0);
}
