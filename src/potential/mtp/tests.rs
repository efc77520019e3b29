//! Model files read, written, damaged.

use super::*;
use crate::fuzzing;
use crate::random::{Purpose, Stream};
use std::path::Path;
use std::time::{Duration, Instant};

/// A small trained model: two species with labels of their own, products out of order, an unused moment.
pub(super) const MODEL: &str = "# DATE: 2026-11-21 UNITS: metal\n\
MTP\r\nversion = 1.1.0\npotential_name = MTP1m\nscaling = 2.5e-01\nspecies_count = 2\npotential_tag = \n\
radial_basis_type = RBChebyshev\n\tscaling = 2\n\tmin_val = 1.5\n\tmax_dist = 5.0\n\tbasis_size = 3\n\tradial_funcs_count = 2\n\
\tradial_coeffs\n\t\t6--14\n\t\t\t{0.1, 0.2, 0.3}\n\t\t\t{0.4, 0.5, 0.6}\n\t\t6-6\n\t\t\t{1, 2, 3}\n\t\t\t{4, 5, 6}\n\
\t\t-14-6\n\t\t\t{7, 8, 9}\n\t\t\t{1e-1, 2e-1, -3}\n\t\t-14--14\n\t\t\t{0, 0, 1}\n\t\t\t{0.123456789012345678, 0, 0}\n\
alpha_moments_count = 9\nalpha_index_basic_count = 5\n\
alpha_index_basic = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 0}}\n\
alpha_index_times_count = 6\n\
alpha_index_times = {{5, 0, 1, 7}, {1, 1, 1, 5}, {2, 2, 1, 5}, {3, 3, 1, 5},\n {5, 4, 2, 6}, {0, 4, 1, 8}}\n\
alpha_scalar_moments = 4\nalpha_moment_mapping = {0, 5, 6, 7}\n\
species_coeffs = {-1.5, -2.5}\nmoment_coeffs = {0.1, 0.2, 0.3, 0.4}\n";

fn parse(bytes: &[u8]) -> Result<MtpFile> {
    MtpFile::parse(bytes, Path::new("m.mtp"))
}

/// The model with a selection state: A = 2, Q = 1/2.
pub(super) fn with_state() -> Vec<u8> {
    let n = 2 * 2 * 2 * 3 + 2 + 4;
    let mut bytes = MODEL.as_bytes().to_vec();
    bytes.extend_from_slice(
        b"\n#MVS_v1.1\nenergy_weight 0\nforce_weight 0\nstress_weight 0\nsite_en_weight 1\nweight_scaling 2\n#",
    );
    for x in [2.0f64, 0.5] {
        for k in 0..n * n {
            let value = if k / n == k % n { x } else { 0.0 };
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    bytes.extend_from_slice(b"\n#\n");
    for k in 0..n {
        let row = if k % 2 == 0 { "-1 -1\n" } else { "3 17\n" };
        bytes.extend_from_slice(row.as_bytes());
    }
    bytes.extend_from_slice(b"#\nBEGIN_CFG\nEND_CFG\n");
    bytes
}

#[test]
fn every_spelling_is_read() {
    let file = parse(MODEL.as_bytes()).unwrap();
    assert_eq!(file.comments, ["# DATE: 2026-11-21 UNITS: metal"]);
    assert_eq!((file.total_scaling(), file.basis.min_dist), (0.5, 1.5));
    let c = file.coefficients.as_ref().unwrap();
    assert_eq!(c.labels, [6, -14]);
    // Pairs by species: 6-6 first, whatever their order in the file.
    assert_eq!(
        &c.radial[..9],
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.1, 0.2, 0.3]
    );
    assert_eq!(file.products[4].factor, 2);
}

#[test]
fn what_is_written_reads_back() {
    let file = parse(MODEL.as_bytes()).unwrap();
    assert_eq!(parse(&file.render()).unwrap(), file);
    let file = parse(&with_state()).unwrap();
    assert_eq!(
        file.selection.as_ref().unwrap().mode,
        SelectionMode::Neighbourhood
    );
    let bytes = file.render();
    assert_eq!(parse(&bytes).unwrap(), file);
    assert_eq!(parse(&bytes).unwrap().render(), bytes);
}

#[test]
fn products_out_of_order_are_sorted() {
    let species = [6, 14].map(|z| Element::from_number(z).unwrap());
    let sorted = MODEL
        .replace("{5, 0, 1, 7}, {1, 1, 1, 5}", "{1, 1, 1, 5}")
        .replace("{5, 4, 2, 6}", "{5, 4, 2, 6}, {5, 0, 1, 7}");
    let models = [MODEL, &sorted]
        .map(|text| Mtp::new(parse(text.as_bytes()).unwrap(), Some(&species)).unwrap());
    let energies = models.map(|model| {
        let rows = Rows {
            centres: &[species[0]],
            first: &[0, 2],
            elements: &[species[1], species[0]],
            x: &[1.0, -2.0],
            y: &[0.5, 1.5],
            z: &[2.0, 0.1],
            r2: &[5.25, 6.26],
            names: Default::default(),
        };
        let mut energy = [0.0];
        let mut results = RowResults {
            energy: &mut energy,
            gx: &mut [],
            gy: &mut [],
            gz: &mut [],
            radial: &mut [],
            booked: &mut [],
            reliability: &mut [],
        };
        model.evaluate(
            &rows,
            Want::ENERGY,
            &mut MtpScratch::default(),
            &mut results,
        );
        energy[0]
    });
    assert!(
        energies[0] != -1.5 && energies[0] == energies[1],
        "{energies:?}"
    );
}

#[test]
fn each_damage_is_named_with_its_place() {
    for (from, to, part) in [
        ("MTP\r", "MTQ\r", "does not begin with the word `MTP`"),
        ("1.1.0", "1.2.0", "m.mtp:3: version `1.2.0`"),
        (
            "RBChebyshev\n",
            "RBChebyshev_sss\n",
            "m.mtp:8: the radial basis `RBChebyshev_sss`",
        ),
        (
            "\tmin_val",
            "\tzbl_repulsion = 40 1\n\tmin_val",
            "m.mtp:10: unknown key `zbl_repulsion`",
        ),
        (
            "potential_tag",
            "magnetic_basis_type = B\npotential_tag",
            "m.mtp:7: `magnetic_basis_type`",
        ),
        (
            "max_dist = 5.0",
            "max_dist = nan",
            "m.mtp:11: the value of `max_dist`",
        ),
        ("max_dist = 5.0", "max_dist = 1.0", "`min_dist` is 1.5"),
        ("max_dist = 5.0", "max_dist = 500", "`max_dist` is 500"),
        (
            "{1, 2, 3}",
            "{1, 2}",
            "m.mtp:18: the pair 6-6 has 5 coefficients",
        ),
        (
            "6-6",
            "6-7",
            "m.mtp:14: `radial_coeffs` has pairs of 3 species",
        ),
        ("-14--14", "6-6", "m.mtp:24: the pair 6-6 is there twice"),
        ("-14--14", "14", "m.mtp:24: `14` is not a pair"),
        (
            "moments_count = 9",
            "moments_count = 5000",
            "`alpha_moments_count` is 5000",
        ),
        (
            "basic_count = 5",
            "basic_count = 6",
            "`alpha_index_basic` has 5 entries",
        ),
        (
            "{1, 0, 0, 0}}",
            "{2, 0, 0, 0}}",
            "entry 5 of `alpha_index_basic` names radial function 2",
        ),
        (
            "{1, 0, 0, 0}}",
            "{1, 0, 0}}",
            "m.mtp:29: entry 5 of `alpha_index_basic` has 3 numbers",
        ),
        (
            "{1, 0, 0, 0}}",
            "{1, 0, 0, 21}}",
            "entry 5 of `alpha_index_basic`",
        ),
        (
            "{0, 4, 1, 8}",
            "{0, 4, 1, 9}",
            "entry 6 of `alpha_index_times` names moment 9",
        ),
        (
            "{0, 4, 1, 8}",
            "{0, 4, 1, 4}",
            "adds to moment 4, which is a basic one",
        ),
        (
            "{0, 4, 1, 8}",
            "{0, 4, 99999999999, 8}",
            "m.mtp:32: entry 6 of `alpha_index_times`",
        ),
        ("{1, 1, 1, 5}", "{7, 1, 1, 5}", "go in a circle"),
        (
            "{0, 5, 6, 7}",
            "{0, 5, 6, 6}",
            "names moment 6 a second time",
        ),
        ("{0, 5, 6, 7}", "{0, 5, 6, 9}", "names moment 9"),
        ("{0, 5, 6, 7}", "{0, 5, 6, 7", "m.mtp:35: after entry 4"),
        (
            "{-1.5, -2.5}",
            "{-1.5}",
            "`species_coeffs` has 1 entries; 2 are needed",
        ),
        (
            "0.3, 0.4}",
            "0.3, inf}",
            "m.mtp:36: entry 4 of `moment_coeffs`",
        ),
        (
            "moment_coeffs",
            "moment_coefs",
            "unknown key `moment_coefs`",
        ),
        (
            "species_count = 2\n",
            "species_count = 2\nspecies_count = 2\n",
            "`species_count` is there twice",
        ),
    ] {
        let text = MODEL.replacen(from, to, 1);
        assert_ne!(text, MODEL, "{from}");
        let error = parse(text.as_bytes()).expect_err(to).to_string();
        assert!(error.contains(part), "{to}: {error}");
    }
}

#[test]
fn damaged_states_are_named_with_their_place() {
    let good = with_state();
    let text_end = good.windows(2).rposition(|w| w == b"2\n").unwrap_or(0);
    assert!(text_end > 0);
    let start = good
        .windows(17)
        .position(|w| w == b"weight_scaling 2\n")
        .unwrap()
        + 18;
    for (bytes, part) in [
        (
            good[..start + 100].to_vec(),
            "the file ends inside the matrix A".to_owned(),
        ),
        (
            good[..start + 8 * 30 * 30 + 9].to_vec(),
            "the file ends inside the matrix Q".to_owned(),
        ),
        (
            [&good[..start], &[0xff; 8], &good[start + 8..]].concat(),
            format!("byte {start}: a number of the matrix A"),
        ),
        (
            [&good[..start], &good[start + 8..]].concat(),
            "two matrices of 30 × 30".to_owned(),
        ),
    ] {
        let error = parse(&bytes).unwrap_err().to_string();
        assert!(error.contains(&part), "{part}: {error}");
    }
    let replaced = |from: &str, to: &str| {
        let at = good
            .windows(from.len())
            .position(|w| w == from.as_bytes())
            .unwrap();
        [&good[..at], to.as_bytes(), &good[at + from.len()..]].concat()
    };
    for (from, to, part) in [
        (
            "site_en_weight 1",
            "site_en_weight 0",
            "exactly one must be different",
        ),
        ("force_weight 0", "force_weight 1", "selection by forces"),
        ("MVS_v1.1", "MVS_v9.9", "`MVS_v9.9`"),
        (
            "stress_weight",
            "stres_weight",
            "unknown key `stres_weight`",
        ),
        ("3 17\n", "3 x7\n", "the origin of row 2"),
    ] {
        let error = parse(&replaced(from, to)).expect_err(to).to_string();
        assert!(error.contains(part), "{to}: {error}");
    }
    let cut = good.len() - 60;
    assert!(parse(&good[..cut]).is_err());
}

#[test]
fn untrained_templates_are_read_but_not_evaluated() {
    let text: String = MODEL
        .split_inclusive('\n')
        .filter(|l| !l.contains("coeffs") && !l.starts_with("\t\t"))
        .collect();
    let file = parse(text.as_bytes()).unwrap();
    assert!(file.coefficients.is_none());
    let error = Mtp::new(file, None).err().unwrap().to_string();
    assert!(error.contains("untrained template"), "{error}");
}

#[test]
fn elements_that_are_missing_or_do_not_fit() {
    let load = |symbols: Option<&[&str]>| {
        let elements: Option<Vec<Element>> =
            symbols.map(|s| s.iter().map(|s| Element::from_symbol(s).unwrap()).collect());
        Mtp::new(parse(MODEL.as_bytes()).unwrap(), elements.as_deref()).map(|_| ())
    };
    load(Some(&["C", "Si"])).unwrap();
    for (symbols, part) in [
        (None, "2 species, labelled 6, -14"),
        (Some(&["C"][..]), "1 element is given (C)"),
        (Some(&["C", "Si", "O"][..]), "3 elements are given"),
        (Some(&["C", "C"][..]), "C is given for two species"),
    ] {
        let error = load(symbols).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// Bytes that mean something to the readers.
const PIECES: &[u8] = b"{}#-=, \n0123456789.e\0\xff";

/// Runs a reader on damaged forms of files for a while: `ZUNDEL_FUZZ_SECONDS`, one second otherwise.
pub(super) fn fuzz(files: &[Vec<u8>], seed: u64, read: impl Fn(&[u8])) {
    let end = Instant::now() + Duration::from_secs_f64(fuzzing::seconds(1.0));
    let mut round = 0u64;
    while Instant::now() < end {
        let mut s = Stream::new(seed, Purpose::Displacement, round, 0, 0);
        let mut pick = |n: usize| ((s.uniform() * n as f64) as usize).min(n.saturating_sub(1));
        let mut bytes = files[pick(files.len())].clone();
        for _ in 0..1 + pick(4) {
            let at = pick(bytes.len().max(1));
            match pick(6) {
                _ if bytes.is_empty() => {}
                0 => bytes[at] ^= 1 << pick(8),
                1 => bytes[at] = PIECES[pick(PIECES.len())],
                2 => bytes.truncate(at),
                3 => {
                    let end = (at + pick(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
                4 => {
                    let end = (at + pick(40)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = pick(bytes.len());
                    bytes.splice(to..to, copy);
                }
                _ => {
                    let big: &[u8] = [
                        &b"99999999999999999999"[..],
                        b"-1",
                        b"1e308",
                        b"4294967295",
                        b"nan",
                    ][pick(5)];
                    bytes.splice(at..at, big.iter().copied());
                }
            }
        }
        read(&bytes);
        round += 1;
    }
    assert!(round > 0);
}

/// `ZUNDEL_FUZZ_SECONDS=3600 cargo test --release --lib fuzz_mtp_reader -- --ignored`
#[test]
#[ignore = "runs as long as ZUNDEL_FUZZ_SECONDS says"]
fn fuzz_mtp_reader() {
    let species = [6, 14].map(|z| Element::from_number(z).unwrap());
    fuzz(&[MODEL.as_bytes().to_vec(), with_state()], 7, |bytes| {
        if let Ok(file) = parse(bytes) {
            assert_eq!(parse(&file.render()).unwrap(), file);
            let _ = Mtp::new(file, Some(&species));
        }
    });
}

#[test]
fn a_second_of_damaged_files() {
    let species = [6, 14].map(|z| Element::from_number(z).unwrap());
    fuzz(&[MODEL.as_bytes().to_vec(), with_state()], 3, |bytes| {
        if let Ok(file) = parse(bytes) {
            let _ = Mtp::new(file, Some(&species));
        }
    });
}
