//! How far a model is from labels.

use super::data::LabelledFrame;

/// What a model says about a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Energy (eV).
    pub energy: f64,
    /// Forces (eV/Å).
    pub forces: Vec<[f64; 3]>,
    /// Virial (eV); none for models without.
    pub virial: Option<[[f64; 3]; 3]>,
}

/// Errors of numbers of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many numbers.
    pub count: usize,
    /// Mean of the errors, with their sign (model minus label).
    pub mean: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean square error.
    pub rmse: f64,
    /// The largest error.
    pub worst: f64,
    /// The frame it is in (from 0, among the frames that were judged).
    pub frame: usize,
    /// Root mean square of the labels about their mean: what a model that knows nothing but the mean would miss.
    pub scale: f64,
}

impl Spread {
    /// From label, prediction and frame of each number; none when there are no numbers.
    pub fn of(numbers: impl Iterator<Item = (f64, f64, usize)>) -> Option<Spread> {
        let mut s = Spread::default();
        let (mut mean, mut squares) = (0.0, 0.0);
        for (label, model, frame) in numbers {
            let e = model - label;
            s.count += 1;
            s.mean += e;
            s.mae += e.abs();
            s.rmse += e * e;
            if e.abs() > s.worst || s.count == 1 {
                (s.worst, s.frame) = (e.abs(), frame);
            }
            let off = label - mean;
            mean += off / s.count as f64;
            squares += off * (label - mean);
        }
        if s.count == 0 {
            return None;
        }
        let n = s.count as f64;
        s.mean /= n;
        s.mae /= n;
        s.rmse = (s.rmse / n).sqrt();
        s.scale = (squares / n).sqrt();
        Some(s)
    }
}

/// Errors of a model on frames; none where there are no labels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Number of frames.
    pub frames: usize,
    /// Energies of atoms (eV/atom): that of the frame by the number of its atoms.
    pub energy: Option<Spread>,
    /// Energies of frames (eV).
    pub total: Option<Spread>,
    /// Components of forces (eV/Å).
    pub forces: Option<Spread>,
    /// The six components of virials (eV/atom).
    pub virial: Option<Spread>,
    /// The six components of stresses (eV/Å^3), where there is a volume.
    pub stress: Option<Spread>,
}

/// The six components of a symmetric matrix.
pub const COMPONENTS: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)];

impl Accuracy {
    /// Judges predictions of frames; `chosen` says which frames count.
    pub fn of(
        frames: &[LabelledFrame],
        predictions: &[Prediction],
        chosen: impl Fn(usize) -> bool,
    ) -> Accuracy {
        let all = || {
            let pairs = frames.iter().zip(predictions).enumerate();
            pairs
                .filter(|(k, _)| chosen(*k))
                .map(|(k, (f, p))| (k, f, p))
        };
        let atoms = |f: &LabelledFrame| f.len().max(1) as f64;
        let energy = |per: &dyn Fn(&LabelledFrame) -> f64| {
            Spread::of(all().filter_map(|(k, f, p)| {
                let n = per(f);
                Some((f.energy? / n, p.energy / n, k))
            }))
        };
        let tensor = |per: &dyn Fn(&LabelledFrame) -> Option<f64>| {
            let frames = all().filter_map(|(k, f, p)| Some((k, per(f)?, f.virial?, p.virial?)));
            Spread::of(frames.flat_map(|(k, n, label, model)| {
                COMPONENTS.map(|(a, b)| (label[a][b] / n, model[a][b] / n, k))
            }))
        };
        Accuracy {
            frames: all().count(),
            energy: energy(&atoms),
            total: energy(&|_| 1.0),
            forces: Spread::of(force_components(all())),
            virial: tensor(&|f| Some(atoms(f))),
            stress: tensor(&|f| f.system.cell.volume()),
        }
    }
}

/// Label, prediction and frame of every component of every force.
pub fn force_components<'a>(
    frames: impl Iterator<Item = (usize, &'a LabelledFrame, &'a Prediction)>,
) -> impl Iterator<Item = (f64, f64, usize)> {
    frames.flat_map(|(k, f, p)| {
        let labels = f.forces.iter().flat_map(|f| f.as_flattened());
        let pairs = labels.zip(p.forces.as_flattened());
        pairs.map(move |(label, model)| (*label, *model, k))
    })
}

/// The straight line label = slope · prediction + constant through energies per atom: a slope far from 1 or a weak correlation tells
/// of energies and forces that do not belong together. None with fewer than three energies, or when they do not vary.
pub fn energy_line(frames: &[LabelledFrame], predictions: &[Prediction]) -> Option<(f64, f64)> {
    let pairs: Vec<(f64, f64)> = frames
        .iter()
        .zip(predictions)
        .filter_map(|(f, p)| {
            let n = f.len().max(1) as f64;
            Some((p.energy / n, f.energy? / n))
        })
        .collect();
    if pairs.len() < 3 {
        return None;
    }
    let n = pairs.len() as f64;
    let (mx, my) = (
        pairs.iter().map(|p| p.0).sum::<f64>() / n,
        pairs.iter().map(|p| p.1).sum::<f64>() / n,
    );
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mx) * (x - mx);
        xy += (x - mx) * (y - my);
        yy += (y - my) * (y - my);
    }
    (xx > 0.0 && yy > 0.0).then(|| (xy / xx, xy / (xx * yy).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;
    use crate::system::{Atoms, Cell, System};

    fn frame(energy: Option<f64>, force: f64) -> LabelledFrame {
        let mut atoms = Atoms::default();
        let h = Species::from_name("H").unwrap();
        atoms.push(h, [0.0; 3]);
        atoms.push(h, [1.0; 3]);
        LabelledFrame {
            system: System {
                cell: Cell::orthorhombic(2.0, 2.0, 2.0).unwrap(),
                atoms,
            },
            energy,
            forces: Some(vec![[force, 0.0, 0.0], [-force, 0.0, 0.0]]),
            virial: Some([[4.0, 0.0, 0.0], [0.0; 3], [0.0; 3]]),
            kind: String::new(),
            place: String::new(),
        }
    }

    #[test]
    fn errors_by_hand() {
        let frames = [
            frame(Some(1.0), 1.0),
            frame(None, 2.0),
            frame(Some(3.0), 0.0),
        ];
        let model = |energy, force: f64| Prediction {
            energy,
            forces: vec![[force, 0.0, 0.0], [-force, 0.0, 0.0]],
            virial: Some([[5.0, 0.0, 0.0], [0.0; 3], [0.0; 3]]),
        };
        let predictions = [model(1.2, 1.0), model(7.0, 2.3), model(2.6, 0.0)];
        let a = Accuracy::of(&frames, &predictions, |_| true);
        let e = a.energy.unwrap();
        assert_eq!((a.frames, e.count, e.frame), (3, 2, 2));
        assert!((e.mae - 0.15).abs() < 1e-12 && (e.worst - 0.2).abs() < 1e-12);
        assert!((e.mean + 0.05).abs() < 1e-12 && (e.scale - 0.5).abs() < 1e-12);
        assert!((e.rmse - 0.025f64.sqrt()).abs() < 1e-12);
        assert!((a.total.unwrap().mae - 0.3).abs() < 1e-12);
        let f = a.forces.unwrap();
        assert!((f.rmse - (2.0 * 0.09 / 18.0f64).sqrt()).abs() < 1e-12 && f.frame == 1);
        assert!((a.virial.unwrap().mae - 0.5 / 6.0).abs() < 1e-12);
        assert!((a.stress.unwrap().worst - 0.125).abs() < 1e-12);
        let none = Accuracy::of(&frames, &predictions, |k| k == 1);
        assert!(none.energy.is_none() && none.frames == 1);
    }

    #[test]
    fn the_line_tells_units() {
        let frames: Vec<_> = (0..5).map(|k| frame(Some(f64::from(k)), 0.0)).collect();
        let say = |factor: f64| -> Vec<Prediction> {
            let energies = (0..5).map(|k| factor * f64::from(k) + 3.0);
            energies
                .map(|energy| Prediction {
                    energy,
                    ..Prediction::default()
                })
                .collect()
        };
        let (slope, r) = energy_line(&frames, &say(0.5)).unwrap();
        assert!((slope - 2.0).abs() < 1e-12 && (r - 1.0).abs() < 1e-12);
        let (slope, r) = energy_line(&frames, &say(-1.0)).unwrap();
        assert!((slope + 1.0).abs() < 1e-12 && (r + 1.0).abs() < 1e-12);
        assert!(energy_line(&frames[..2], &say(1.0)).is_none());
        assert!(energy_line(&frames, &say(0.0)).is_none());
    }
}
