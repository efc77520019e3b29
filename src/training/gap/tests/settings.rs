//! Settings and data that cannot be.

use super::super::fit;
use super::super::settings::{Choice, GapSettings, IsolatedAtoms, Sigmas, TermDescriptor, Theta};
use super::derivatives::terms;
use super::{bare, shaken};
use crate::elements::Element;
use crate::system::Cell;
use crate::training::data::LabelledFrame;
use crate::training::{Monitor, Silent};
use std::collections::BTreeMap;

fn frames() -> Vec<LabelledFrame> {
    let mut frames = shaken(4, 3);
    for (k, f) in frames.iter_mut().enumerate() {
        f.energy = Some(-20.0 + 0.1 * k as f64);
    }
    frames
}

fn message(frames: &[LabelledFrame], change: impl FnOnce(&mut GapSettings)) -> String {
    let mut s = GapSettings {
        terms: terms(),
        ..GapSettings::default()
    };
    change(&mut s);
    fit(frames, &s, &mut Silent).unwrap_err().to_string()
}

#[test]
fn impossible_settings_are_errors() {
    let f = frames();
    let of = |change: fn(&mut GapSettings)| message(&f, change);
    for (text, part) in [
        (of(|s| s.terms.clear()), "no term"),
        (of(|s| s.terms[0].points = 0), "at least 1"),
        (of(|s| s.terms[1].delta = f64::NAN), "term 2: delta"),
        (of(|s| s.jitter = -1.0), "jitter"),
        (of(|s| s.sigmas.energy = Some(0.0)), "sigma of the energy"),
        (
            of(|s| s.sigmas.force = Some(f64::NAN)),
            "sigma of the force",
        ),
        (
            of(|s| {
                s.sigmas = Sigmas {
                    energy: None,
                    ..s.sigmas
                }
            }),
            "nothing to fit",
        ),
        (
            of(|s| {
                let none = Sigmas {
                    virial: Some(-1.0),
                    ..s.sigmas
                };
                s.kinds.insert("default".into(), none);
            }),
            "kind `default`",
        ),
        (of(|s| s.memory = 1000), "MB"),
        (
            of(|s| s.terms[3].choice = Choice::Uniform),
            "term 4: a uniform grid",
        ),
        (
            of(|s| s.terms[0].choice = Choice::Given(vec![1.0])),
            "written out 3 times",
        ),
        (
            of(|s| s.terms[0].choice = Choice::Model("no/such.xml".into())),
            "no such file",
        ),
        (
            of(|s| s.isolated = IsolatedAtoms::Frames),
            "no frame is an isolated atom",
        ),
        (
            of(|s| s.isolated = IsolatedAtoms::Given(BTreeMap::from([(0, 1.0)]))),
            "cannot be",
        ),
    ] {
        assert!(text.contains(part), "{text}");
    }
    let descriptor = |k: usize, change: fn(&mut TermDescriptor)| {
        message(&f, |s| change(&mut s.terms[k].descriptor))
    };
    for (text, part) in [
        (
            descriptor(0, |d| {
                if let TermDescriptor::Pair { cutoff, .. } = d {
                    *cutoff = -1.0
                }
            }),
            "cutoff must lie between",
        ),
        (
            descriptor(0, |d| {
                if let TermDescriptor::Pair { cutoff, .. } = d {
                    *cutoff = f64::NAN
                }
            }),
            "term 1",
        ),
        (
            descriptor(0, |d| {
                if let TermDescriptor::Pair { theta, .. } = d {
                    *theta = Theta::Uniform(0.0)
                }
            }),
            "theta",
        ),
        (
            descriptor(1, |d| {
                if let TermDescriptor::Triplet { theta, .. } = d {
                    *theta = Theta::Each(vec![1.0])
                }
            }),
            "theta has 1 numbers, it must have 3",
        ),
        (
            descriptor(0, |d| {
                if let TermDescriptor::Pair { only, .. } = d {
                    *only = vec![[1, 8]]
                }
            }),
            "none of its elements",
        ),
        (
            descriptor(3, |d| {
                if let TermDescriptor::Soap { parameters, .. } = d {
                    parameters.l_max = 1000
                }
            }),
            "l_max",
        ),
        (
            descriptor(3, |d| {
                if let TermDescriptor::Soap { zeta, .. } = d {
                    *zeta = 0.0
                }
            }),
            "zeta",
        ),
        (
            descriptor(4, |d| {
                if let TermDescriptor::SoapTurbo { parameters, .. } = d {
                    parameters.rcut_soft = 9.0
                }
            }),
            "rcut_soft",
        ),
    ] {
        assert!(text.contains(part), "{text}");
    }
    // Given points must be whole and within reach.
    let given = |numbers: Vec<f64>| {
        message(&f, |s| {
            s.terms.truncate(1);
            if let TermDescriptor::Pair { only, .. } = &mut s.terms[0].descriptor {
                *only = vec![[14, 6]];
            }
            s.terms[0].choice = Choice::Given(numbers);
        })
    };
    assert!(given(vec![2.0, f64::INFINITY]).contains("point 2"));
    assert!(given(vec![2.0, 40.0]).contains("beyond the cutoff"));
    assert!(given(vec![]).contains("0 numbers"));
}

#[test]
fn impossible_frames_are_errors_with_their_place() {
    let of = |change: fn(&mut LabelledFrame)| {
        let mut f = frames();
        change(&mut f[2]);
        message(&f, |_| {})
    };
    for (text, part) in [
        (of(|f| f.energy = Some(f64::NAN)), "frame 3: the energy"),
        (
            of(|f| f.forces = Some(vec![[0.0; 3]; 2])),
            "frame 3: 2 forces for 5 atoms",
        ),
        (
            of(|f| f.forces = Some(vec![[f64::INFINITY; 3]; 5])),
            "force on atom 1",
        ),
        (of(|f| f.virial = Some([[f64::NAN; 3]; 3])), "virial"),
        (
            of(|f| f.system.atoms.positions[1] = f.system.atoms.positions[0]),
            "same place",
        ),
        (of(|f| f.system.atoms.positions[1][0] = f64::NAN), "atom 2"),
        (of(|f| f.system.atoms = Default::default()), "no atoms"),
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(message(&[], |_| {}).contains("no frames"));
    // Nothing within reach of anything.
    let e = [Element::from_number(6).unwrap()];
    let mut alone = vec![bare(Cell::isolated(), &e, &[[0.0; 3]], "alone")];
    alone[0].energy = Some(-1.0);
    assert!(message(&alone, |s| s.terms.truncate(1)).contains("no instance of any term"));
}

#[test]
fn isolated_atoms_from_every_source() {
    let mut f = frames();
    let of = |f: &[LabelledFrame], isolated: IsolatedAtoms| {
        let mut s = GapSettings {
            terms: terms(),
            isolated,
            ..GapSettings::default()
        };
        s.terms.truncate(1);
        fit(f, &s, &mut Silent).unwrap().report.isolated
    };
    let mean = f.iter().map(|f| f.energy.unwrap() / 5.0).sum::<f64>() / 4.0;
    for (z, e) in of(&f, IsolatedAtoms::Average) {
        assert!((z == 6 || z == 14) && (e - mean).abs() < 1e-12);
    }
    // All frames have one composition: nothing tells the elements apart.
    for (_, e) in of(&f, IsolatedAtoms::Fitted) {
        assert!((e - mean).abs() < 0.02, "{e} {mean}");
    }
    for (z, energy) in [(6, -7.0), (14, -3.5)] {
        let e = [Element::from_number(z).unwrap()];
        let mut alone = bare(Cell::isolated(), &e, &[[0.0; 3]], "alone");
        alone.energy = Some(energy);
        f.push(alone);
    }
    assert_eq!(of(&f, IsolatedAtoms::Frames), [(6, -7.0), (14, -3.5)]);
    // Two compositions that fix both elements.
    let mut two = frames();
    for f in &mut two {
        f.energy = Some(2.0 * -7.0 + 3.0 * -3.5);
    }
    let atoms = two[0].system.atoms.clone();
    two[0] = bare(
        two[0].system.cell.clone(),
        &[atoms.elements[0]; 5],
        &atoms.positions,
        "carbon",
    );
    two[0].energy = Some(5.0 * -7.0);
    let found = of(&two, IsolatedAtoms::Fitted);
    assert!(
        (found[0].1 + 7.0).abs() < 1e-9 && (found[1].1 + 3.5).abs() < 1e-9,
        "{found:?}"
    );
}

/// Sigmas of kinds, and `None`, decide which rows there are.
#[test]
fn kinds_have_sigmas_of_their_own() {
    let mut f = frames();
    for f in &mut f {
        f.forces = Some(vec![[0.0; 3]; 5]);
        f.virial = Some([[0.1; 3]; 3]);
    }
    f[3].kind = "liquid".into();
    let mut s = GapSettings {
        terms: terms(),
        ..GapSettings::default()
    };
    s.terms.truncate(1);
    s.kinds.insert(
        "liquid".into(),
        Sigmas {
            energy: Some(0.5),
            force: None,
            virial: None,
        },
    );
    let report = fit(&f, &s, &mut Silent).unwrap().report;
    assert_eq!(report.rows, [4, 45, 18]);
    s.kinds.insert(
        "liquid".into(),
        Sigmas {
            energy: None,
            force: None,
            virial: None,
        },
    );
    assert_eq!(fit(&f, &s, &mut Silent).unwrap().report.rows, [3, 45, 18]);
}

/// Stops when so many pieces are done.
struct Impatient {
    left: usize,
}

impl Monitor for Impatient {
    fn stage(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, pieces: usize) {
        self.left = self.left.saturating_sub(pieces);
    }
    fn say(&mut self, _: &str) {}
    fn stopped(&self) -> bool {
        self.left == 0
    }
}

#[test]
fn a_fit_can_be_stopped() {
    let f = frames();
    let s = GapSettings {
        terms: terms(),
        ..GapSettings::default()
    };
    for left in [0, 1, 15] {
        let message = fit(&f, &s, &mut Impatient { left })
            .unwrap_err()
            .to_string();
        assert!(message.contains("stopped"), "{message}");
    }
    assert!(fit(&f, &s, &mut Impatient { left: 1000 }).is_ok());
}
