//! Files that are no models: each is refused with the name of the member that is wrong.

use super::*;
use crate::io::npz::{Archive, Array};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;

/// The members of an archive as they are, by name without `.npy`.
pub(super) type Members = Vec<(String, Vec<u8>)>;

/// The members of a model in `tests/data/sgdml`.
pub(super) fn members(name: &str) -> Members {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sgdml");
    let bytes = std::fs::read(folder.join(name).join("model.npz")).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|i| {
            let mut member = zip.by_index(i).unwrap();
            let name = member.name().unwrap();
            let name = name.strip_suffix(".npy").unwrap().to_owned();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            (name, bytes)
        })
        .collect()
}

/// An archive of members.
pub(super) fn zipped(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(super) fn read(bytes: Vec<u8>) -> Result<SgdmlFile> {
    SgdmlFile::from_archive(&mut Archive::parse(bytes, Path::new("m.npz"))?)
}

/// The ammonia model with one member replaced, or taken away.
fn with(name: &str, array: Option<Array>) -> Result<SgdmlFile> {
    let mut all = members("ammonia");
    let at = all.iter().position(|m| m.0 == name);
    match (array, at) {
        (Some(array), Some(at)) => all[at].1 = array.render(false),
        (Some(array), None) => all.push((name.to_owned(), array.render(false))),
        (None, Some(at)) => drop(all.remove(at)),
        (None, None) => panic!("there is no `{name}`"),
    }
    read(zipped(&all))
}

#[test]
fn wrong_members_are_refused_by_name() {
    let good = read(zipped(&members("ammonia"))).unwrap();
    let (d, m) = (good.pairs(), good.geometries());
    assert_eq!((d, m, good.permutations.len()), (6, 21, 6));
    let ones = |shape: &[usize]| Array::real(shape, vec![1.0; shape.iter().product()]);
    let poisoned = |x: f64| {
        let mut v = good.weights.clone();
        v[17] = x;
        Array::real(&[m, d], v)
    };
    let whole = |shape: &[usize], v: &[i64]| Array::integer(shape, v.to_vec());
    for (name, array, part) in [
        ("R_desc", None, "this archive is no sGDML model"),
        ("z", None, "the member `z` is missing"),
        ("sig", None, "the member `sig` is missing"),
        (
            "z",
            Some(Array::bytes(&[3], &[7, 1, 1])),
            "`R_desc`: its shape is (6, 21), and the 3 atoms",
        ),
        (
            "z",
            Some(Array::bytes(&[4], &[7, 1, 1, 200])),
            "`z`: it is no list of atomic numbers",
        ),
        (
            "z",
            Some(Array::bytes(&[1], &[7])),
            "`z`: a model of one atom",
        ),
        (
            "R_desc",
            Some(ones(&[21, 6])),
            "`R_desc`: its shape is (21, 6)",
        ),
        ("R_desc", Some(ones(&[6])), "`R_desc`: its shape is [6]"),
        (
            "R_desc",
            Some(ones(&[6, 0])),
            "`R_desc`: its shape is (6, 0)",
        ),
        (
            "R_desc",
            Some(Array::real(&[6, 21], vec![0.0; 126])),
            "`R_desc`: element 0 (from 0) is 0, no inverse distance",
        ),
        ("R_desc", Some(Array::text("x")), "`R_desc`"),
        (
            "R_d_desc_alpha",
            Some(ones(&[6, 21])),
            "`R_d_desc_alpha`: its shape is [6, 21], and [21, 6] is needed",
        ),
        (
            "R_d_desc_alpha",
            Some(poisoned(f64::NAN)),
            "`R_d_desc_alpha`: element 17 (from 0) is NaN",
        ),
        (
            "R_d_desc_alpha",
            Some(poisoned(f64::NEG_INFINITY)),
            "`R_d_desc_alpha`: element 17 (from 0) is -inf",
        ),
        (
            "perms",
            Some(whole(&[1, 3], &[0, 1, 2])),
            "`perms`: its shape is [1, 3]",
        ),
        (
            "perms",
            Some(whole(&[1, 4], &[0, 1, 2, 4])),
            "`perms`: row 0 (from 0) has the atom 4",
        ),
        (
            "perms",
            Some(whole(&[1, 4], &[0, 1, 2, -1])),
            "`perms`: row 0 (from 0) has the atom -1",
        ),
        (
            "perms",
            Some(whole(&[1, 4], &[0, 1, 1, 2])),
            "`perms`: row 0 (from 0) has atom 1 twice",
        ),
        (
            "perms",
            Some(whole(&[1, 4], &[1, 0, 2, 3])),
            "`perms`: row 0 (from 0) exchanges atoms 0 (N) and 1 (H)",
        ),
        (
            "perms",
            Some(whole(&[1, 4], &[0, 1, 2, 3])),
            "`tril_perms_lin`: it does not follow from `perms`",
        ),
        (
            "perms",
            Some(ones(&[1, 4])),
            "`perms`: it holds no whole numbers",
        ),
        ("sig", Some(ones(&[2])), "`sig`: it is no single number"),
        (
            "sig",
            Some(whole(&[], &[0])),
            "`sig`: the length scale is 0",
        ),
        (
            "sig",
            Some(Array::real(&[], vec![f64::INFINITY])),
            "`sig`: it is inf",
        ),
        (
            "std",
            Some(Array::real(&[], vec![f64::NAN])),
            "`std`: it is NaN",
        ),
        (
            "c",
            Some(Array::text("none")),
            "`c`: it is no single number",
        ),
        (
            "alphas_E",
            Some(ones(&[20])),
            "`alphas_E`: its shape is [20], and [21] is needed",
        ),
        ("lattice", Some(ones(&[3, 3])), "`lattice`"),
        (
            "lattice",
            Some(ones(&[9])),
            "`lattice`: its shape is not (3, 3)",
        ),
        (
            "r_unit",
            Some(Array::text("parsec")),
            "`r_unit`: the unit `parsec`",
        ),
        (
            "e_unit",
            Some(Array::text("Ang")),
            "`e_unit`: the unit `Ang`",
        ),
        (
            "type",
            Some(Array::text("t")),
            "this is an sGDML training task",
        ),
        ("type", Some(Array::text("d")), "this is an sGDML data set"),
    ] {
        let e = with(name, array).expect_err(part).to_string();
        let e = e.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            e.starts_with("error: m.npz: ") && e.contains(part),
            "{e}\n{part}"
        );
    }
}

#[test]
fn what_a_model_may_leave_out() {
    for name in [
        "std",
        "c",
        "lam",
        "alphas_F",
        "tril_perms_lin",
        "e_unit",
        "r_unit",
        "use_E",
        "idxs_train",
        "e_err",
        "type",
    ] {
        let file = with(name, None).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(file.geometries(), 21);
    }
    // Without permutations there is the identity.
    let mut all = members("ammonia");
    all.retain(|m| m.0 != "perms" && m.0 != "tril_perms_lin");
    assert_eq!(read(zipped(&all)).unwrap().permutations, [[0, 1, 2, 3]]);
    // Units.
    let unit = |key: &str, name: &str| with(key, Some(Array::text(name))).unwrap();
    assert!((unit("e_unit", "Hartree").energy - 27.211_386).abs() < 1e-5);
    assert!((unit("e_unit", "kcal/mol").energy - 0.043_364_1).abs() < 1e-6);
    assert!((unit("r_unit", "Bohr").length - 0.529_177).abs() < 1e-6);
    assert_eq!(unit("r_unit", "Angstrom").length, 1.0);
}

/// The pickled members of this file would call `os.system` if anybody unpickled them.
#[test]
fn pickled_members_are_never_looked_into() {
    let mut hostile = b"\x93NUMPY\x01\x00\x46\x00".to_vec();
    hostile.extend(
        format!(
            "{:<69}\n",
            "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
        )
        .bytes(),
    );
    hostile.extend(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00exit\x85R.");
    let mut all = members("ammonia");
    for (name, bytes) in &mut all {
        if name == "e_err" || name == "f_err" {
            bytes.clone_from(&hostile);
        }
    }
    assert_eq!(read(zipped(&all)).unwrap().geometries(), 21);
    // As a member that is needed it is as good as missing.
    let at = all.iter().position(|m| m.0 == "sig").unwrap();
    all[at].1 = hostile;
    let e = read(zipped(&all)).unwrap_err().to_string();
    assert!(e.contains("the member `sig` is missing"), "{e}");
}

#[test]
fn cut_archives_and_bombs() {
    let good = zipped(&members("old"));
    for cut in (0..good.len()).step_by(7) {
        let e = read(good[..cut].to_vec()).unwrap_err().to_string();
        assert!(e.contains("m.npz"), "{e}");
    }
    let mut all = members("old");
    let at = all.iter().position(|m| m.0 == "R_d_desc_alpha").unwrap();
    all[at].1 = Array::real(&[25_000_000], vec![0.0; 25_000_000]).render(false);
    let e = read(zipped(&all)).unwrap_err().to_string();
    assert!(
        e.contains("member `R_d_desc_alpha`: it says that it unpacks to"),
        "{e}"
    );
}
