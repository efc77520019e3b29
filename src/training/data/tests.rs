use super::*;
use crate::elements::Species;
use crate::system::{Atoms, Cell, System};
use crate::units::{BOHR, HARTREE};

/// A dimer of hydrogen atoms at a distance (Å), with energy and forces of a spring.
fn dimer(r: f64) -> LabelledFrame {
    let mut atoms = Atoms::default();
    let h = Species::from_name("H").unwrap();
    atoms.push(h, [0.0; 3]);
    atoms.push(h, [r, 0.0, 0.0]);
    let f = -2.0 * (r - 0.74);
    LabelledFrame {
        system: System {
            cell: Cell::isolated(),
            atoms,
        },
        energy: Some((r - 0.74).powi(2)),
        forces: Some(vec![[-f, 0.0, 0.0], [f, 0.0, 0.0]]),
        virial: None,
        kind: "default".into(),
        place: format!("dimer {r:.4}"),
    }
}

fn dimers(n: usize) -> Vec<LabelledFrame> {
    (0..n)
        .map(|k| dimer(0.7 + 0.1 * k as f64 / n as f64))
        .collect()
}

#[test]
fn sound_data_raise_no_doubt() {
    assert_eq!(doubts(&dimers(40)), []);
    assert_eq!(duplicates(&dimers(40)), []);
}

#[test]
fn each_kind_of_doubt_names_its_frames() {
    let change = |k: usize, by: &dyn Fn(&mut LabelledFrame)| {
        let mut all = dimers(40);
        by(&mut all[k]);
        let found = doubts(&all);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].frames, [k], "{found:?}");
        assert!(found[0].what.contains(&all[k].place));
        found[0].what.clone()
    };
    let what = change(7, &|f| f.energy = Some(5.0));
    assert!(
        what.contains("energies stand out by up to 2.500 eV/atom"),
        "{what}"
    );
    let what = change(3, &|f| f.forces.as_mut().unwrap()[0][1] += 0.3);
    assert!(what.contains("do not add up"), "{what}");
    let what = change(9, &|f| {
        f.forces.as_mut().unwrap()[0][0] += 200.0;
        f.forces.as_mut().unwrap()[1][0] -= 200.0;
    });
    assert!(what.contains("forces of up to 200 eV/Å"), "{what}");
    let what = change(0, &|f| f.system.atoms.positions[1][0] = 0.2);
    assert!(what.contains("closer than half"), "{what}");
    // All positions in Bohr, taken for Å.
    let mut all = dimers(40);
    for f in &mut all {
        f.system.atoms.positions[1][0] /= BOHR;
    }
    let found = doubts(&all);
    assert!(
        found.len() == 1 && found[0].what.contains("Bohr"),
        "{found:?}"
    );
    assert_eq!(found[0].frames.len(), 40);
    // Virials in kbar.
    let mut all = dimers(12);
    for f in &mut all {
        f.system.cell = Cell::orthorhombic(4.0, 4.0, 4.0).unwrap();
        f.virial = Some([[300.0, 0.0, 0.0], [0.0, 300.0, 0.0], [0.0, 0.0, 300.0]]);
    }
    let found = doubts(&all);
    assert!(
        found.len() == 1 && found[0].what.contains("751 GPa"),
        "{found:?}"
    );
}

#[test]
fn frames_that_are_the_same() {
    let mut all = dimers(10);
    all.push(all[4].clone());
    // Moved as a whole, and with another energy: still the same molecule.
    for x in &mut all[10].system.atoms.positions {
        x[2] += 1.0;
    }
    all[10].energy = None;
    all.push(all[2].clone());
    assert_eq!(duplicates(&all), [(4, 10), (2, 11)]);
}

#[test]
fn every_split_divides_and_repeats() {
    let all = dimers(50);
    for method in [Method::Random, Method::Stratified, Method::Order] {
        let split = |train, seed| Split {
            method,
            train,
            validation: 7,
            test: 10,
            seed,
        };
        let parts = split(None, 3).of(&all).unwrap();
        let mut together = [&parts.train[..], &parts.validation, &parts.test].concat();
        together.sort_unstable();
        assert_eq!(together, (0..50).collect::<Vec<_>>());
        assert_eq!((parts.train.len(), parts.validation.len()), (33, 7));
        assert_eq!(split(None, 3).of(&all).unwrap(), parts);
        let fewer = split(Some(12), 3).of(&all).unwrap();
        assert_eq!(fewer.train.len(), 12);
        if method == Method::Order {
            assert_eq!(fewer.train, (0..12).collect::<Vec<_>>());
            assert_eq!(fewer.test, (19..29).collect::<Vec<_>>());
        } else {
            assert_eq!(fewer.test, parts.test);
            assert_ne!(split(None, 4).of(&all).unwrap(), parts);
        }
        assert!(split(Some(34), 3).of(&all).is_err());
        assert!(split(None, 3).of(&all[..17]).is_err());
        assert!(split(None, 3).of(&all[..18]).is_ok());
    }
}

/// A stratified sample has the quantiles of the whole to within two ranks of an even spacing; a random one mostly has not.
#[test]
fn stratified_samples_cover_the_range() {
    let all = dimers(400);
    let split = |method| Split {
        method,
        train: Some(20),
        validation: 0,
        test: 40,
        seed: 11,
    };
    let gap = |part: &[usize]| {
        let mut ends = vec![0];
        // The energy is a parabola; ranks are by energy.
        let mut order: Vec<usize> = (0..400).collect();
        order.sort_by(|a, b| all[*a].energy.unwrap().total_cmp(&all[*b].energy.unwrap()));
        let rank = |k: &usize| order.iter().position(|o| o == k).unwrap();
        let mut ranks: Vec<usize> = part.iter().map(rank).collect();
        ranks.sort_unstable();
        ends.extend(ranks);
        ends.push(399);
        ends.windows(2).map(|w| w[1] - w[0]).max().unwrap()
    };
    let parts = split(Method::Stratified).of(&all).unwrap();
    assert!(
        gap(&parts.train) <= 45 && gap(&parts.test) <= 25,
        "{} {}",
        gap(&parts.train),
        gap(&parts.test)
    );
}

#[test]
fn files_with_labels_of_other_names_and_units() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("d.extxyz");
    let text = "2\nProperties=species:S:1:pos:R:3:grad:R:3 dft=-1.0 group=gas pbc=\"F F F\"\nH 0 0 0 0.1 0 0\nH 1.4 0 0 -0.1 0 0\n";
    std::fs::write(&file, text.repeat(3)).unwrap();
    let source = Source {
        file: file.clone(),
        keys: Keys {
            energy: Some("dft".into()),
            forces: Some("grad".into()),
            virial: None,
            kind: "group".into(),
        },
        kind: None,
        energy_unit: HARTREE,
        length_unit: BOHR,
        species: Vec::new(),
        every: 2,
    };
    let frames = source.read().unwrap();
    assert_eq!(frames.len(), 2);
    let f = &frames[1];
    assert_eq!((f.energy, f.kind.as_str()), (Some(-HARTREE), "gas"));
    assert_eq!(f.place, "d.extxyz, frame 2");
    assert!((f.system.atoms.positions[1][0] - 1.4 * BOHR).abs() < 1e-15);
    assert!((f.forces.as_ref().unwrap()[0][0] - 0.1 * HARTREE / BOHR).abs() < 1e-14);

    let mut other = source.clone();
    other.keys.energy = Some("pbe".into());
    let e = other.read().unwrap_err().to_string();
    assert!(
        e.contains("no energy called `pbe`") && e.contains("dft, group, grad"),
        "{e}"
    );
    other.keys = Keys::default();
    let e = other.read().unwrap_err().to_string();
    assert!(e.contains("neither an energy nor forces"), "{e}");
    std::fs::write(&file, text.replace("-1.0", "nan")).unwrap();
    let e = source.read().unwrap_err().to_string();
    assert!(e.contains("no finite number"), "{e}");
}
