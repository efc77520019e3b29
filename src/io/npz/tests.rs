use super::*;
use crate::elements::Element;
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;

/// An archive in memory from members that are ready.
fn zipped(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn npy(descr: &str, fortran: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
    out.extend(body);
    out
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn both_orders_of_axes() {
    let v = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let c = Array::parse(&npy("<f8", "False", "(2, 3)", &bytes(&v))).unwrap();
    assert_eq!(c.data, Data::Real(v.to_vec()));
    let f = Array::parse(&npy("<f8", "True", "(2, 3)", &bytes(&v))).unwrap();
    assert_eq!(f.data, Data::Real(vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0]));
    assert_eq!(Array::parse(&f.render(true)).unwrap(), f);
    assert_eq!(Array::parse(&f.render(false)).unwrap(), f);
    let cube: Vec<f64> = (0..24).map(f64::from).collect();
    let cube = Array::real(&[2, 3, 4], cube);
    assert_eq!(Array::parse(&cube.render(true)).unwrap(), cube);
}

#[test]
fn types() {
    let single = |descr: &str, body: &[u8]| Array::parse(&npy(descr, "False", "()", body));
    assert_eq!(
        single("<i8", &(-5i64).to_le_bytes()).unwrap().integers(),
        Some(&[-5][..])
    );
    assert_eq!(
        single(">i2", &(-5i16).to_be_bytes()).unwrap().integers(),
        Some(&[-5][..])
    );
    assert_eq!(single("|u1", &[200]).unwrap().integers(), Some(&[200][..]));
    assert_eq!(single("|b1", &[1]).unwrap().data, Data::Logical(vec![true]));
    assert_eq!(
        single("<f4", &1.5f32.to_le_bytes()).unwrap().number(),
        Some(1.5)
    );
    assert_eq!(single("|S4", b"ab\0\0").unwrap().string(), Some("ab"));
    let wide: Vec<u8> = "Å\0"
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    assert_eq!(single("<U2", &wide).unwrap().string(), Some("Å"));
    assert_eq!(single("<U0", &[]).unwrap().string(), Some(""));
    assert_eq!(
        single("|O", b"\x80\x02anything").unwrap().data,
        Data::Object
    );
    assert_eq!(
        Array::parse(&Array::text("kcal/mol").render(false))
            .unwrap()
            .string(),
        Some("kcal/mol")
    );
    // Python 2 wrote lengths as long numbers.
    assert!(Array::parse(&npy("<f8", "False", "(1L,)", &bytes(&[0.0]))).is_ok());
}

#[test]
fn damaged_arrays_say_what_is_wrong() {
    for (array, part) in [
        (
            npy("<f8", "False", "(2,)", &bytes(&[1.0])),
            "needs 16 bytes, and 8 are there",
        ),
        (
            npy("<f8", "False", "(2,)", &bytes(&[1.0; 3])),
            "needs 16 bytes, and 24",
        ),
        (
            npy("<f8", "False", "(4294967296, 4294967296, 4294967296)", &[]),
            "counted",
        ),
        (
            npy("<f8", "False", "(99999999999999999999,)", &[]),
            "no length",
        ),
        (npy("<f8", "False", "(-1,)", &[]), "no length"),
        (npy("<f8", "Maybe", "(1,)", &[]), "True or False"),
        (
            npy("<U4611686018427387904", "False", "(2,)", &[]),
            "counted",
        ),
        (npy("<c16", "False", "(1,)", &[0; 16]), "`<c16`"),
        (
            npy("<f8", "False", "(1,1,1,1,1,1,1,1,1)", &bytes(&[1.0])),
            "dimensions",
        ),
        (npy("<U1", "False", "()", &[0, 0, 255, 255]), "letter"),
        (npy("å", "False", "()", &[]), "type `å`"),
        (b"\x93NUMPY\x01\x00\xff".to_vec(), "within the header"),
        (b"\x93NUMPY\x09\x00".to_vec(), "version 9"),
        (b"hello".to_vec(), "no .npy"),
    ] {
        let e = Array::parse(&array).unwrap_err();
        assert!(e.contains(part), "{e} / {part}");
    }
    let mut record = b"\x93NUMPY\x01\x00".to_vec();
    let text = b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}";
    record.extend((text.len() as u16).to_le_bytes());
    record.extend(text);
    assert!(Array::parse(&record).unwrap_err().contains("structured"));
}

#[test]
fn bombs_and_cut_archives_are_refused_by_name() {
    let path = Path::new("m.npz");
    // 200 MB of zeros in 200 kB.
    let mut zeros = npy("<f8", "False", "(25000000,)", &[]);
    zeros.resize(zeros.len() + 200_000_000, 0);
    let bomb = zipped(&[("R_desc", zeros)]);
    let e = Archive::parse(bomb, path)
        .unwrap()
        .get("R_desc")
        .unwrap_err()
        .to_string();
    assert!(
        e.contains("m.npz: member `R_desc`: it says that it unpacks to 2000"),
        "{e}"
    );

    let good = zipped(&[("a", Array::real(&[2], vec![1.0, 2.0]).render(false))]);
    for cut in 0..good.len() {
        if let Ok(mut a) = Archive::parse(good[..cut].to_vec(), path) {
            assert!(a.get("a").is_err() || !a.has("a"), "{cut}");
        }
    }
    // A byte of the compressed data is changed: the checksum notices.
    let mut broken = good.clone();
    broken[60] ^= 0x55;
    let e = Archive::parse(broken, path).and_then(|mut a| a.need("a"));
    assert!(e.unwrap_err().to_string().contains("`a`"));
    let mut archive = Archive::parse(good, path).unwrap();
    assert_eq!(
        archive.get("a").unwrap().unwrap().numbers(),
        Some(vec![1.0, 2.0])
    );
    assert!(archive.get("b").unwrap().is_none());
    assert!(
        archive
            .need("b")
            .unwrap_err()
            .to_string()
            .contains("`b` is missing")
    );
}

fn dataset() -> Dataset {
    let element = |s| Element::from_symbol(s).unwrap();
    Dataset {
        name: "water".into(),
        theory: "none".into(),
        elements: vec![element("O"), element("H"), element("H")],
        positions: (0..6)
            .map(|i| [f64::from(i) * 0.3, 1.0 / 3.0, -0.25])
            .collect(),
        forces: (0..6).map(|i| [0.1, f64::from(i), 1e-17]).collect(),
        energies: vec![-1.5, -1.25],
        old_energies: Vec::new(),
        old_forces: Vec::new(),
        cell: Some([[5.0, 0.0, 0.5], [0.0, 6.0, 0.0], [0.1, 0.0, 7.0]]),
    }
}

#[test]
fn datasets_go_out_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("water.npz");
    let d = dataset();
    d.write(&path).unwrap();
    assert_eq!(Dataset::read(&path).unwrap(), d);
    let frame = d.frame(1).unwrap();
    assert_eq!(frame.energy(), Some(-1.25));
    let mut again = Dataset::default();
    for i in 0..d.len() {
        again.push(&d.frame(i).unwrap()).unwrap();
    }
    (again.name, again.theory) = (d.name.clone(), d.theory.clone());
    assert_eq!(again, d);
    assert_eq!(again.fingerprint(), d.fingerprint());
}

#[test]
fn wrong_datasets_are_refused() {
    let path = Path::new("d.npz");
    let members = |z: &[u8], r: Array, f: Array, unit: &str| {
        zipped(&[
            ("z", Array::bytes(&[z.len()], z).render(false)),
            ("R", r.render(false)),
            ("F", f.render(false)),
            ("e_unit", Array::text(unit).render(false)),
        ])
    };
    let ones = |shape: &[usize]| Array::real(shape, vec![1.0; shape.iter().product()]);
    let cases = [
        (
            members(&[1, 8], ones(&[2, 2, 3]), ones(&[2, 2, 3]), "eV"),
            "",
        ),
        (
            members(&[1, 8], ones(&[2, 3, 3]), ones(&[2, 2, 3]), "eV"),
            "`R`: its shape",
        ),
        (
            members(&[1, 8], ones(&[2, 2, 3]), ones(&[3, 2, 3]), "eV"),
            "`F`: it has other",
        ),
        (
            members(&[1, 0], ones(&[2, 2, 3]), ones(&[2, 2, 3]), "eV"),
            "`z`",
        ),
        (
            members(&[], ones(&[2, 0, 3]), ones(&[2, 0, 3]), "eV"),
            "`z`",
        ),
        (
            members(&[1, 8], ones(&[2, 2, 3]), ones(&[2, 2, 3]), "Å"),
            "`e_unit`",
        ),
        (
            members(
                &[1],
                Array::real(&[1, 1, 3], vec![0.0, f64::NAN, 0.0]),
                ones(&[1, 1, 3]),
                "eV",
            ),
            "`R`: element 1",
        ),
    ];
    for (archive, part) in cases {
        let read = Dataset::from_archive(&mut Archive::parse(archive, path).unwrap());
        match read {
            Ok(_) => assert!(part.is_empty(), "{part}"),
            Err(e) => assert!(!part.is_empty() && e.to_string().contains(part), "{e}"),
        }
    }
}
