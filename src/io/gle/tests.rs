use super::*;

fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn both_forms_are_the_same_matrix() {
    let forms = [
        "# A-matrix [ps^-1]\n 1.0 2.0\n-3.5e-1 4 # the end\n",
        "<x><A shape='(2,2)' units='ps^-1'>\n [ 1.0, 2.0,\n -3.5e-1, 4 ]\n</A></x>",
        "# inverse femtoseconds, fs^-1\n0.001 0.002 -0.00035 0.004",
        "# in s^-1\n1e12 2e12\n-0.35e12 4e12",
    ];
    for text in forms {
        let (_folder, path) = written(text);
        let a = read_drift(&path).unwrap() * (FS * 1e3);
        let right = [1.0, 2.0, -0.35, 4.0];
        for (x, y) in a.transpose().iter().zip(right) {
            assert!((x - y).abs() < 1e-12, "{text}: {a}");
        }
    }
    // 1 atomic unit of time is 0.02418884 fs.
    let (_folder, path) = written("# atomic units: atomic unit of time ^-1, a.u.\n2.418884326e-2");
    assert!((read_drift(&path).unwrap()[(0, 0)] * FS - 1.0).abs() < 1e-8);
    let (_folder, path) = written("# C [K]\n 300 1\n 1 200");
    assert!((read_covariance(&path).unwrap()[(0, 0)] - 300.0 * BOLTZMANN).abs() < 1e-15);
}

#[test]
fn refusals() {
    for (text, words) in [
        ("# ps^-1\n1 2 3\n", "not a square matrix"),
        ("1 2\n3 4\n", "unit of the matrix"),
        ("# ps^-1\n1 x\n", "`x` is not a number"),
        ("", "not a square"),
        ("<A units='ps^-1'> [1", "is not closed"),
        ("# ps^-1\nnan", "is not a number"),
    ] {
        let (_folder, path) = written(text);
        let e = read_drift(&path).unwrap_err();
        assert!(e.to_string().contains(words), "{text}: {e}");
        assert_eq!(e.exit_code(), 2);
    }
}

#[test]
fn matrices_of_modes() {
    let forms = [
        "<nm_gle><A shape='(3,2,2)' units='ps^-1'> [ 1, 2, 3, 4,\n 5, 6, 7, 8, 9, 10, 11, 12 ] </A></nm_gle>",
        "<A units=\"ps^-1\" shape=\"(3, 2, 2)\">1 2 3 4 5 6 7 8 9 10 11 12</A>",
        "# A [ps^-1]\n1 2\n3 4\n\n# mode 1\n5 6\n7 8\n# mode 2\n9 10\n11 12 # the last\n",
    ];
    for text in forms {
        let (_folder, path) = written(text);
        let all = read_mode_drifts(&path).unwrap();
        assert_eq!(all.len(), 3);
        let numbers = all
            .iter()
            .flat_map(|a| (a * (FS * 1e3)).transpose().as_slice().to_vec());
        for (k, x) in numbers.enumerate() {
            assert!((x - (k + 1) as f64).abs() < 1e-12, "{text}: {x}");
        }
        // Four matrices of two rows have as many numbers as one of four.
        let e = read_drift(&path).unwrap_err().to_string();
        assert!(e.contains("3 matrices of 2 rows"), "{e}");
    }
    let (_folder, path) = written("# K\n1 2\n2 1\n 1 0\n0 1\n 1 0\n0 1\n 1 0\n0 1");
    assert_eq!(read_mode_covariances(&path).unwrap().len(), 4);
    assert!(read_covariance(&path).is_err());
    // One matrix is that of one mode, and one row a mode is white noise.
    let (_folder, path) = written("# ps^-1\n1 2\n3 4");
    assert_eq!(
        read_mode_drifts(&path).unwrap(),
        [read_drift(&path).unwrap()]
    );
    let (_folder, path) = written("# ps^-1\n1\n2\n3\n4");
    assert_eq!(read_mode_drifts(&path).unwrap().len(), 4);
    assert_eq!(read_drift(&path).unwrap().nrows(), 2);
}

#[test]
fn refusals_of_modes() {
    for (text, words) in [
        (
            "# ps^-1\n1 2\n3 4\n5 6\n",
            "6 numbers in lines that are not",
        ),
        ("# ps^-1\n1 2\n3\n4\n", "4 numbers in lines that are not"),
        ("", "0 numbers in lines"),
        ("1 2\n3 4\n5 6\n7 8\n", "unit of the matrix is not said"),
        ("<A units='ps^-1'> 1 2 3 4 </A>", "of the shape []"),
        (
            "<A shape='(2,2,2)' units='ps^-1'> 1 2 3 4 </A>",
            "of the shape [2, 2, 2]",
        ),
        (
            "<A shape='(1,2,3)' units='ps^-1'> 1 2 3 4 5 6 </A>",
            "of the shape [1, 2, 3]",
        ),
        (
            "<A shape='(4294967296,4294967296,4294967296)' units='ps^-1'> 1 </A>",
            "of the shape",
        ),
        (
            "<A shape='(99999999999999999999,1,1)' units='ps^-1'> 1 </A>",
            "beyond all bounds",
        ),
        (
            "<A shape='(0,0,0)' units='ps^-1'>  </A>",
            "of the shape [0, 0, 0]",
        ),
        (
            "<A shape='(2,1,1)'> 1 2 </A>",
            "unit of the matrix is not said",
        ),
        ("<A shape='(2,1,1)' units='ps^-1'> 1 2", "is not closed"),
    ] {
        let (_folder, path) = written(text);
        let e = read_mode_drifts(&path).unwrap_err();
        assert!(e.to_string().contains(words), "{text}: {e}");
        assert_eq!(e.exit_code(), 2);
    }
}
