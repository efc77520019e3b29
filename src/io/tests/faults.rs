//! Bad input: each refusal names the place and helps; nothing panics.

use super::*;

/// Name of the file, its text, and what the message must contain.
type Case = (&'static str, &'static str, &'static [&'static str]);

const PLAIN: &str = "Properties=species:S:1:pos:R:3";

fn check(cases: &[Case]) {
    for (name, text, expected) in cases {
        let text = text.replace("PLAIN", PLAIN);
        let error = match parse(name, text.as_bytes()) {
            Ok(frames) => panic!("{text:?} was read as {frames:?}"),
            Err(error) => error,
        };
        assert_eq!(error.exit_code(), 2);
        let message = error.to_string();
        for part in *expected {
            assert!(
                message.contains(part),
                "{text:?} gives {message:?} without {part:?}"
            );
        }
    }
}

#[test]
fn xyz_and_extended_xyz() {
    check(&[
        (
            "a.extxyz",
            "2\nPLAIN\nSi 0 0 0\n",
            &["a.extxyz:3: the file ends after 1 of the 2 atoms that line 1"],
        ),
        ("a.extxyz", "2\n", &["after 0 of the 2"]),
        (
            "a.extxyz",
            "2\nPLAIN\nSi 0 0 0\n1\nPLAIN\nSi 0 0 0\n",
            &[
                "a.extxyz:4: atom 2: only 1 of 4 fields",
                "line 1 is too large",
            ],
        ),
        (
            "a.extxyz",
            "1\nPLAIN\nSi 0 0 0\nSi 1 1 1\n",
            &["a.extxyz:4:", "found `Si 1 1 1`", "too small"],
        ),
        ("a.extxyz", "two\n", &["a.extxyz:1:", "found `two`"]),
        ("a.extxyz", "-3\n", &["found `-3`"]),
        ("a.extxyz", "0\nPLAIN\n", &["no atoms"]),
        (
            "a.extxyz",
            "2000000000\nPLAIN\nSi 0 0 0\n",
            &["after 1 of the 2000000000"],
        ),
        ("a.extxyz", "99999999999999999999999999\n", &["too many"]),
        (
            "a.extxyz",
            "1\nPLAIN\nSI 0 0 0\n",
            &[
                "a.extxyz:3: atom 1: `SI` is not a chemical symbol",
                "write `Si`",
            ],
        ),
        (
            "a.extxyz",
            "1\nPLAIN\nSi nan 0 0\n",
            &["a.extxyz:3: atom 1: pos x is `nan`", "blown up"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN\nSi 0 1e999 0\n",
            &["atom 1: pos y is `1e999`"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN\nSi 0 0 *****\n",
            &["atom 1: pos z is `*****`", "did not fit"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN\nSi 0 zero 0\n",
            &["`zero`, which is not a number"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN\nSi 0 0 0 9\n",
            &["there are 5 fields", "names 4", "species:S:1:pos:R:3"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN:a:I:1\nSi 0 0 0 1.5\n",
            &["`1.5` in column `a` is not a whole number"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN:a:L:1\nSi 0 0 0 2\n",
            &["`2` in column `a` is not T or F"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN:a:R:99999999999\nSi 0 0 0 2\n",
            &["`a` is missing"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN:masses:R:1\nSi 0 0 0 -2\n",
            &["the mass is -2"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN:Z:I:1\nSi 0 0 0 6\n",
            &["symbol says Si and the atomic number says C"],
        ),
        (
            "a.extxyz",
            "1\nProperties=Z:I:1:species:S:1:pos:R:3\n6 Si 0 0 0\n",
            &["symbol says Si and the atomic number says C"],
        ),
        (
            "a.extxyz",
            "1\nProperties=Z:I:1:pos:R:3\n119 0 0 0\n",
            &["`119` is not an atomic number"],
        ),
        (
            "a.extxyz",
            "1\nProperties=pos:R:3\n0 0 0\n",
            &["a.extxyz:2:", "neither symbols"],
        ),
        (
            "a.extxyz",
            "1\nLattice=\"1 0 0 0 1 0\"\nSi 0 0 0\n",
            &["a.extxyz:2: Lattice has 6 numbers"],
        ),
        (
            "a.extxyz",
            "1\nLattice=\"1 0 0 0 1 0 0 0 x\"\nSi 0 0 0\n",
            &["number 9 of Lattice is `x`"],
        ),
        (
            "a.extxyz",
            "1\nLattice=\"1 0 0 2 0 0 0 0 1\"\nSi 0 0 0\n",
            &["a.extxyz:2:", "no volume"],
        ),
        (
            "a.extxyz",
            "1\nLattice=\"1 0 0 0 1 0 0 0 inf\"\nSi 0 0 0\n",
            &["not a finite number"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN pbc=\"T T T\"\nSi 0 0 0\n",
            &["there is no Lattice"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN pbc=\"T T\"\nSi 0 0 0\n",
            &["pbc is `T T`"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN name=\"x\nSi 0 0 0\n",
            &["character 37", "quote \" is not closed"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN a=1 a=2\nSi 0 0 0\n",
            &["`a` is given twice"],
        ),
        (
            "a.extxyz",
            "1\nPLAIN pbc=F PBC=F\nSi 0 0 0\n",
            &["given twice"],
        ),
        (
            "a.xyz",
            "1\nc\nSi 0 0\n",
            &["a.xyz:3: atom 1: z is missing"],
        ),
        (
            "a.xyz",
            "1\nc\nXx 0 0 0\n",
            &["`Xx` is not a chemical symbol"],
        ),
        ("a.xyz", "hello\nworld\n", &["a.xyz:1:", "another format"]),
    ]);
}

const HEAD: &str = "c\n1.0\n3 0 0\n0 3 0\n0 0 3\n";

#[test]
fn poscar() {
    let cases: [(&str, &[&str]); 14] = [
        ("c\n0\n", &["POSCAR:2: expected the scale factor"]),
        ("c\n1 1\n", &["three positive factors"]),
        (
            "c\n1\n3 0 0\n0 3\n",
            &["POSCAR:4: component 3 of cell vector b is missing"],
        ),
        (
            "c\n1\n3 0 0\n6 0 0\n0 0 3\nSi\n1\nDirect\n0 0 0\n",
            &["no volume"],
        ),
        (
            "c\n-5\n3 0 0\n6 0 0\n0 0 3\nSi\n1\nDirect\n0 0 0\n",
            &["no volume"],
        ),
        ("HEAD1\nDirect\n0 0 0\n", &["symbols is missing", "VASP 4"]),
        (
            "HEADSi C\n1\nDirect\n0 0 0\n",
            &["POSCAR:7: there are 2 symbols but only 1 counts"],
        ),
        ("HEADSi\n1 2\nDirect\n0 0 0\n", &["2 counts for 1 symbols"]),
        (
            "HEADSl\n1\nDirect\n0 0 0\n",
            &["POSCAR:6: `Sl` is not a chemical symbol"],
        ),
        (
            "HEADSi\n99999999999999\nDirect\n0 0 0\n",
            &["which cannot be"],
        ),
        (
            "HEADSi\n1\n0 0 0\n",
            &["POSCAR:8: expected `Direct` or `Cartesian`"],
        ),
        (
            "HEADSi\n2\nDirect\n0 0 0\n",
            &["ends after 1 of 2 positions"],
        ),
        (
            "HEADSi\n1\nSel\nDirect\n0 0 0 T T\n",
            &["POSCAR:10: atom 1: expected T or F"],
        ),
        (
            "HEADSi\n1\nDirect\n0 0 0\n0 0 1\n",
            &["POSCAR:10: expected a blank line", "more atoms"],
        ),
    ];
    for (text, expected) in cases {
        let text = text.replace("HEAD", HEAD);
        let message = parse("POSCAR", text.as_bytes()).unwrap_err().to_string();
        for part in expected {
            assert!(
                message.contains(part),
                "{text:?} gives {message:?} without {part:?}"
            );
        }
    }
}

const BOX: &str =
    "c\n\n1 atoms\n1 atom types\n0 3 xlo xhi\n0 3 ylo yhi\n0 3 zlo zhi\n\nMasses\n\n1 28.085\n\n";

#[test]
fn lammps_data() {
    let cases: [(&str, &[&str]); 15] = [
        ("c\n\nAtoms\n\n1 1 0 0 0\n", &["how many atoms"]),
        ("c\n", &["how many atoms"]),
        (
            "c\n\n1 atoms\n0 3 xlo xhi\n0 3 ylo yhi\n",
            &["announces 1 atoms, the section Atoms has 0"],
        ),
        (
            "c\n\n1 atoms\n1 atom types\n0 3 xlo xhi\n\nMasses\n\n1 28.085\n\nAtoms\n\n1 1 0 0 0\n",
            &["the whole box"],
        ),
        (
            "c\n\n1 atoms\n3 0 xlo xhi\n",
            &["d.data:4: the upper bound"],
        ),
        ("c, units = lj\n\n1 atoms\n", &["units `lj`"]),
        ("c\n\n1 atomz\n", &["d.data:3: `1 atomz` is neither"]),
        (
            "BOXAtoms\n\n1 2 0 0 0\n",
            &["d.data:15: there is no atom type 2"],
        ),
        (
            "BOXAtoms\n\n1 1 0 0 0 0\n",
            &["fits the styles charge and molecular", "`Atoms # charge`"],
        ),
        (
            "BOXAtoms # dipole\n\n1 1 0 0 0 0\n",
            &["`dipole` is not supported"],
        ),
        (
            "BOXAtoms # atomic\n\n1 1 0 0 0 0\n",
            &["an atom has 6 columns; this style has 5"],
        ),
        ("BOXAtoms\n\n1 1 0 0 nan\n", &["atom 1: z is `nan`"]),
        (
            "BOXAtoms\n\n1 1 0 0 0\n1 1 0 0 0\n",
            &["announces 1 atoms, the section Atoms has 2"],
        ),
        (
            "BOXAtoms\n\n1 1 0 0 0\n\nVelocities\n\n2 0 0 0\n",
            &["d.data:19: there is a velocity for atom 2"],
        ),
        (
            "BOXAtoms\n\n1 1 0 0 0 0 0 1e9\n",
            &["`1e9` is no image flag"],
        ),
    ];
    for (text, expected) in cases {
        let text = text.replace("BOX", BOX);
        let message = parse("d.data", text.as_bytes()).unwrap_err().to_string();
        for part in expected {
            assert!(
                message.contains(part),
                "{text:?} gives {message:?} without {part:?}"
            );
        }
    }
    let twice = BOX.replace("1 atoms", "2 atoms") + "Atoms\n\n5 1 0 0 0\n5 1 0 0 0\n";
    assert!(
        parse("d.data", twice.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("d.data:16: there is already an atom 5")
    );
}

#[test]
fn absurd_headers_are_refused_in_time() {
    let keys: String = (0..200_000).map(|k| format!(" k{k}=1")).collect();
    let columns: String = (0..200_000).map(|k| format!(":c{k}:R:1")).collect();
    for (comment, expected) in [
        (format!("PLAIN{keys}"), "200001 keys"),
        (format!("PLAIN{columns}"), "200002 columns"),
    ] {
        let text = format!("1\n{}\nSi 0 0 0\n", comment.replace("PLAIN", PLAIN));
        let message = parse("a.extxyz", text.as_bytes()).unwrap_err().to_string();
        assert!(message.contains(expected), "{}", &message[..80]);
    }
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let options = ReadOptions::default();
    let message = |r: Result<Vec<Frame>>| r.unwrap_err().to_string();
    assert!(message(read_frames(&folder.path().join("no.xyz"), &options)).contains("no such file"));
    assert!(message(read_frames(folder.path(), &options)).contains("folder"));
    let path = folder.path().join("a.xyz");
    for (bytes, expected) in [
        (&b""[..], "empty"),
        (b"\n \n\n", "no structure"),
        (b"1\nc\nSi 0 0 \xff\n", ":3:"),
        (b"\x7fELF\x02\0\0\0", "zero byte"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let text = message(read_frames(&path, &options));
        assert!(text.contains(expected), "{text}");
    }
}

/// Mutates the small data files byte by byte and reads them: an error or frames, never a panic. What was read must be
/// written and read again.
///
/// `ZUNDEL_FUZZ_SECONDS` sets the time (10 s).
#[test]
#[ignore = "runs for a chosen time"]
fn fuzz_structure_readers() {
    let seconds = crate::fuzzing::seconds(10.0);
    let start = std::time::Instant::now();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(2024);
    let seeds: Vec<(&str, Vec<u8>)> = FILES
        .iter()
        .map(|name| (*name, std::fs::read(data(name)).unwrap()))
        .collect();
    let words: [&[u8]; 16] = [
        b"\n",
        b" ",
        b"\"",
        b"=",
        b"-",
        b"99999999999999999999",
        b"nan",
        b"1e308",
        b"\0",
        b"\xff",
        b"[",
        b":",
        b"#",
        b"0",
        b"\\",
        b"Lattice=",
    ];
    let (mut read, mut refused) = (0u64, 0u64);
    while start.elapsed().as_secs_f64() < seconds {
        let (name, seed) = &seeds[random.random_range(0..seeds.len())];
        let mut text = seed.clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..text.len().max(1)).min(text.len());
            let end = (at + random.random_range(1..20)).min(text.len());
            match random.random_range(0..6) {
                0 if at < text.len() => text[at] = random.random(),
                1 if at < text.len() => text[at] ^= 1 << random.random_range(0..8),
                2 => drop(text.drain(at..end)),
                3 => drop(text.splice(
                    at..at,
                    words[random.random_range(0..words.len())].iter().copied(),
                )),
                4 => {
                    let piece = text[at..end].to_vec();
                    let to = random.random_range(0..text.len() + 1);
                    drop(text.splice(to..to, piece));
                }
                _ => text.truncate(at.max(1)),
            }
        }
        // With the right name, and with one that leaves the format to the content.
        for name in [name, "unnamed"] {
            let Ok(frames) = parse(name, &text) else {
                refused += 1;
                continue;
            };
            read += 1;
            for frame in &frames {
                for (format, name) in [
                    (Format::ExtendedXyz, "a.extxyz"),
                    (Format::Xyz, "a.xyz"),
                    (Format::Poscar, "POSCAR"),
                ] {
                    let mut out = Vec::new();
                    if render_frame(frame, format, &mut out).is_ok() {
                        let options = ReadOptions {
                            format: Some(format),
                            ..ReadOptions::default()
                        };
                        let back: Result<Vec<Frame>> =
                            FrameReader::new(out.as_slice(), Path::new(name), &options)
                                .and_then(Iterator::collect);
                        assert!(
                            back.is_ok(),
                            "{back:?} from {:?}",
                            String::from_utf8_lossy(&text)
                        );
                    }
                }
                // A name that contradicts its mass can be written, but is refused when read; so only written here.
                let _ = render_frame(frame, Format::LammpsData, &mut Vec::new());
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(read > 0 && refused > 0);
}
