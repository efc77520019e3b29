//! Configurations read, written, damaged.

use crate::elements::Species;
use crate::error::Result;
use crate::io::{Format, Frame, FrameIndex, FrameReader, ReadOptions, render_frame};
use crate::random::{Purpose, Stream};
use std::path::Path;
use std::time::{Duration, Instant};

const TEXT: &str = "\nBEGIN_CFG\n Size\n    2\n Supercell\n    4.0 0.0 0.0\n    0.0 5.0 1.0\n    0 0 6.5\n \
AtomData:  id type  cartes_x cartes_y cartes_z fx fy fz site_en\n    1 1 0.5 0.25 1e-1 0.1 0.2 -0.3 -1.0\n    2 0  1 2 3  -0.1 -0.2 0.3 -2.5\n \
Energy\n    -3.5\n PlusStress:  xx yy zz yz xz xy\n    1 2 3 4 5 6\n Feature   EFS_by\tVASP\n Feature my\\ key one\n Feature my\\ key two\nEND_CFG\n\
BEGIN_CFG\n Size 1\n AtomData: id type cartes_x cartes_y cartes_z\n 1 0 0 0 0\nEND_CFG\n";

fn options() -> ReadOptions {
    let of = |name| Species::from_name(name).unwrap();
    ReadOptions {
        labels: vec![(0, of("B")), (1, of("As"))],
        ..ReadOptions::default()
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Frame>> {
    FrameReader::new(bytes, Path::new("a.cfg"), &options())?.collect()
}

#[test]
fn everything_in_a_configuration_is_read() {
    let frames = read(TEXT.as_bytes()).unwrap();
    assert_eq!(frames.len(), 2);
    let frame = &frames[0];
    let symbols: Vec<&str> = frame
        .system
        .atoms
        .elements
        .iter()
        .map(|e| e.symbol())
        .collect();
    assert_eq!(symbols, ["As", "B"]);
    assert_eq!(frame.system.cell.row_vectors()[1], [0.0, 5.0, 1.0]);
    assert_eq!(frame.energy(), Some(-3.5));
    assert_eq!(
        frame.virial().unwrap(),
        [[1.0, 6.0, 5.0], [6.0, 2.0, 4.0], [5.0, 4.0, 3.0]]
    );
    assert_eq!(frame.forces().unwrap()[0], [0.1, 0.2, -0.3]);
    assert_eq!(frame.site_energies(), Some(&[-1.0, -2.5][..]));
    let text = |key: &str| format!("{:?}", frame.value(key));
    assert!(text("EFS_by").contains("VASP") && text("my key").contains("one\\ntwo"));
    assert!(frames[1].system.cell.is_isolated());
}

#[test]
fn fractions_and_other_orders() {
    let text = TEXT
        .replacen(
            "cartes_x cartes_y cartes_z",
            "direct_x direct_y direct_z",
            1,
        )
        .replace("xx yy zz yz xz xy", "xx yy zz xy yz xz")
        .replace("AtomData:", "Atomic_data:")
        .replace("Supercell", "SuperCell");
    let frame = read(text.as_bytes()).unwrap().remove(0);
    assert_eq!(
        frame.system.atoms.positions[0],
        [2.0, 1.25, 0.25 + 0.1 * 6.5]
    );
    assert_eq!(frame.virial().unwrap()[0], [1.0, 4.0, 6.0]);
}

#[test]
fn both_forms_read_back_to_the_same_bits() {
    let frames = read(TEXT.as_bytes()).unwrap();
    for format in [Format::MlipCfg, Format::MlipBinaryCfg] {
        let mut bytes = Vec::new();
        for frame in &frames {
            render_frame(frame, format, &mut bytes).unwrap();
        }
        let back = read(&bytes).unwrap();
        assert_eq!(back.len(), 2, "{format}");
        for (a, b) in frames.iter().zip(&back) {
            let mut b = b.clone();
            b.line = a.line;
            assert_eq!(a, &b, "{format}");
        }
    }
    // Text and binary may follow each other.
    let mut mixed = TEXT.as_bytes().to_vec();
    render_frame(&frames[0], Format::MlipBinaryCfg, &mut mixed).unwrap();
    mixed.extend_from_slice(b"\n");
    mixed.extend_from_slice(TEXT.as_bytes());
    assert_eq!(read(&mixed).unwrap().len(), 5);
}

#[test]
fn one_frame_of_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.cfg");
    std::fs::write(&path, TEXT).unwrap();
    let atoms = |index| {
        let frame = crate::io::read_frame(&path, index, &options());
        frame
            .map(|f| f.system.atoms.len())
            .map_err(|e| e.to_string())
    };
    assert_eq!(atoms(FrameIndex::First), Ok(2));
    assert_eq!(atoms(FrameIndex::Nth(1)), Ok(1));
    assert_eq!(atoms(FrameIndex::Last), Ok(1));
    assert!(
        atoms(FrameIndex::Nth(2))
            .unwrap_err()
            .contains("the file has 2")
    );
}

#[test]
fn each_damage_is_named_with_its_line() {
    for (from, to, part) in [
        ("BEGIN_CFG", "BEGIN", "a.cfg:2: this is the old form"),
        ("BEGIN_CFG", "HELLO", "a.cfg:2: BEGIN_CFG must stand here"),
        (
            "    2\n Supercell",
            "    x\n Supercell",
            "a.cfg:4: the number of atoms is `x`",
        ),
        ("    2\n Supercell", "    1e30\n Supercell", "a.cfg:4"),
        (
            "    2\n Supercell",
            "    3\n Supercell",
            "a.cfg:12: the id of atom 3",
        ),
        ("0.0 5.0 1.0", "0.0 5.0", "a.cfg:7: a row of the cell"),
        (
            "    2 0  1",
            "    3 0  1",
            "a.cfg:11: the id of atom 2 must be 2",
        ),
        (
            "    2 0  1",
            "    2 7  1",
            "no element is given for species 7",
        ),
        (
            "-0.2 0.3 -2.5",
            "-0.2 0.3",
            "a.cfg:11: local_energy is missing",
        ),
        (
            "-0.2 0.3 -2.5",
            "-0.2 0.3 -2.5 1",
            "a.cfg:11: there is no column for `1`",
        ),
        (
            "fx fy fz",
            "fx fy",
            "a.cfg:9: of the columns for forces some are missing",
        ),
        ("site_en", "spin", "a.cfg:9: unknown column `spin`"),
        ("PlusStress", "Stress", "`Stress:` is ambiguous"),
        ("1 2 3 4 5 6", "1 2 3 4 5 nan", "a.cfg:15"),
        ("Energy\n", "Energie\n", "unknown entry `Energie`"),
        ("END_CFG", "", "unknown entry `BEGIN_CFG`"),
    ] {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT);
        let error = read(text.as_bytes()).expect_err(to).to_string();
        assert!(error.contains(part), "{to}: {error}");
    }
    let error = FrameReader::new(TEXT.as_bytes(), Path::new("a.cfg"), &ReadOptions::default())
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("(0, 1 here)") && error.contains("--species"),
        "{error}"
    );
}

#[test]
fn damaged_binary_is_named_with_its_byte() {
    let mut bytes = Vec::new();
    render_frame(
        &read(TEXT.as_bytes()).unwrap()[0],
        Format::MlipBinaryCfg,
        &mut bytes,
    )
    .unwrap();
    let error = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert!(error(&bytes[..30]).contains("byte 6: the file ends inside a block of 72 bytes"));
    let mut wrong = bytes.clone();
    wrong[5] = b'?';
    assert!(error(&wrong).contains("byte 5: unknown block `?`"));
    wrong = bytes.clone();
    wrong[4] = 0x80;
    assert!(error(&wrong).contains("is no number of atoms"));
    wrong = bytes;
    wrong[6..14].fill(0xff);
    assert!(error(&wrong).contains("byte 6: this number is not finite"));
}

fn fuzz(seconds: f64, seed: u64) {
    let mut binary = Vec::new();
    for frame in &read(TEXT.as_bytes()).unwrap() {
        render_frame(frame, Format::MlipBinaryCfg, &mut binary).unwrap();
    }
    let files = [TEXT.as_bytes().to_vec(), binary];
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut round = 0u64;
    while Instant::now() < end {
        let mut s = Stream::new(seed, Purpose::Displacement, round, 0, 0);
        let mut pick = |n: usize| ((s.uniform() * n as f64) as usize).min(n.saturating_sub(1));
        let mut bytes = files[pick(2)].clone();
        for _ in 0..1 + pick(4) {
            let at = pick(bytes.len());
            match pick(4) {
                0 => bytes[at] ^= 1 << pick(8),
                1 => bytes.truncate(at + 1),
                2 => {
                    let end = (at + pick(30)).min(bytes.len() - 1);
                    bytes.drain(at.min(end)..end);
                }
                _ => {
                    let end = (at + pick(30)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
        }
        if let Ok(frames) = read(&bytes) {
            for frame in frames {
                let mut out = Vec::new();
                let _ = render_frame(&frame, Format::MlipCfg, &mut out);
            }
        }
        round += 1;
    }
    assert!(round > 0);
}

/// `ZUNDEL_FUZZ_SECONDS=3600 cargo test --release --lib fuzz_cfg_reader -- --ignored`
#[test]
#[ignore = "runs as long as ZUNDEL_FUZZ_SECONDS says"]
fn fuzz_cfg_reader() {
    fuzz(crate::fuzzing::seconds(60.0), 11);
}

#[test]
fn a_second_of_damaged_configurations() {
    fuzz(1.0, 5);
}
