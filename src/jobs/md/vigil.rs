//! What a person should hear while a run goes on: a cell that shrinks, grows or tilts, a liquid that evaporates. Each is said
//! once, also by a run that was resumed.

use crate::dynamics::State;
use crate::system::Cell;

/// Watches the cell of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vigil {
    /// Cutoff of the longest neighbour list (Å).
    cutoff: Option<f64>,
    /// Volume (Å^3) and smallest width (Å) at the start of the run.
    volume: f64,
    width: f64,
    /// Volume at the start of the stage, and its average over the latest rows.
    stage_volume: f64,
    recent_volume: f64,
    /// How often the cell was reduced.
    reductions: u64,
    said: [bool; KINDS],
}

const KINDS: usize = 5;
const NARROW: usize = 0;
const HALVED: usize = 1;
const VOLUME: usize = 2;
const DENSITY: usize = 3;
const TILT: usize = 4;

/// A fluid below this part of the density with which its stage began is losing it.
const THIN: f64 = 0.6;
/// Weight of the latest row in the average volume.
const MEMORY: f64 = 1.0 / 64.0;

/// What was noticed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Notice {
    /// Something may be wrong.
    Remark(String),
    /// Good to know.
    Note(String),
}

impl Vigil {
    /// For the cell that a run starts from.
    pub fn new(cell: &Cell, cutoff: Option<f64>) -> Vigil {
        let volume = cell.volume().unwrap_or(0.0);
        Vigil {
            cutoff,
            volume,
            width: smallest_width(cell),
            stage_volume: volume,
            recent_volume: volume,
            reductions: 0,
            said: [false; KINDS],
        }
    }

    /// A stage begins with this cell.
    pub fn enter_stage(&mut self, cell: &Cell) {
        self.stage_volume = cell.volume().unwrap_or(0.0);
        self.recent_volume = self.stage_volume;
        self.said[DENSITY] = false;
    }

    /// How often the cell was reduced.
    pub fn reductions(&self) -> u64 {
        self.reductions
    }

    /// Looks at one step of a barostat, from the cell before it.
    pub fn step(&mut self, before: &Cell, state: &State) -> Option<Notice> {
        if !was_reduced(before, &state.system.cell) {
            return None;
        }
        self.reductions += 1;
        self.once(TILT).then(|| {
            Notice::Note(format!(
                "step {}: the cell has tilted far, and is now described by shorter vectors of the same lattice. No atom \
                 has moved and no energy changed; lengths and angles of the cell jump in tables and averages",
                state.step
            ))
        })
    }

    /// Looks at the state of a row.
    pub fn row(&mut self, state: &State) -> Vec<Notice> {
        let cell = &state.system.cell;
        let Some(volume) = cell.volume().filter(|_| self.volume > 0.0) else {
            return Vec::new();
        };
        let step = state.step;
        let width = smallest_width(cell);
        self.recent_volume += MEMORY * (volume - self.recent_volume);
        let mut found = Vec::new();
        let cutoff = self.cutoff.filter(|c| self.width >= *c);
        if let Some(cutoff) = cutoff.filter(|c| width < *c)
            && self.once(NARROW)
        {
            found.push(format!(
                "step {step}: the cell has shrunk to a width of {width:.2} Å, less than the cutoff of {cutoff} Å. Forces stay \
                 right, but the neighbour lists grow and every atom sees its own images; start from a larger cell"
            ));
        }
        if width < 0.5 * self.width && self.once(HALVED) {
            found.push(format!(
                "step {step}: the cell's smallest width is {width:.2} Å, less than half of the {:.2} Å at the start; look \
                 at `fixed` and `coupling` of the barostat: a fluid resists no change of shape, and needs isotropic coupling",
                self.width
            ));
        }
        let ratio = volume / self.volume;
        if !(0.5..=2.0).contains(&ratio) && self.once(VOLUME) {
            let (what, why) = match ratio > 1.0 {
                true => (
                    "grown",
                    "the pressure is too low for the density, or the model does not hold the system together",
                ),
                false => (
                    "shrunk",
                    "the pressure is too high, or the model has no repulsion where the atoms are now",
                ),
            };
            found.push(format!(
                "step {step}: the volume has {what} to {ratio:.2} of that at the start: {why}"
            ));
        }
        // Falling: clearly above its average over the latest rows.
        let thin = self.stage_volume < THIN * volume && volume > 1.01 * self.recent_volume;
        if thin && self.once(DENSITY) {
            found.push(format!(
                "step {step}: the density has fallen to {:.0} % of that at the start of the stage and still falls: the \
                 liquid evaporates, or the model does not hold it together; look at the pressure, the temperature and the model",
                100.0 * self.stage_volume / volume
            ));
        }
        found.into_iter().map(Notice::Remark).collect()
    }

    /// Whether this is the first time.
    fn once(&mut self, kind: usize) -> bool {
        !std::mem::replace(&mut self.said[kind], true)
    }

    /// The state as plain numbers, for a checkpoint.
    pub fn to_numbers(&self) -> Vec<f64> {
        let mut numbers = vec![
            self.volume,
            self.width,
            self.stage_volume,
            self.recent_volume,
            self.reductions as f64,
        ];
        numbers.extend(self.said.map(|s| f64::from(u8::from(s))));
        numbers
    }

    /// Takes back what [`to_numbers`](Self::to_numbers) gave; `None` when they are not such numbers.
    pub fn restore(&mut self, numbers: &[f64]) -> Option<()> {
        let (&[volume, width, stage, recent, reductions], said) =
            numbers.split_first_chunk::<5>()?;
        let said: &[f64; KINDS] = said.try_into().ok()?;
        *self = Vigil {
            cutoff: self.cutoff,
            volume,
            width,
            stage_volume: stage,
            recent_volume: recent,
            reductions: reductions as u64,
            said: said.map(|s| s != 0.0),
        };
        Some(())
    }
}

fn smallest_width(cell: &Cell) -> f64 {
    let periodic = cell.widths().into_iter().zip(cell.periodic());
    periodic
        .filter(|w| w.1)
        .map(|w| w.0)
        .fold(f64::INFINITY, f64::min)
}

/// Whether a vector has changed by about another one, which no strain of a single step does.
fn was_reduced(before: &Cell, after: &Cell) -> bool {
    let (a, b) = (before.row_vectors(), after.row_vectors());
    let norm = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let shortest = b.into_iter().map(norm).fold(f64::INFINITY, f64::min);
    a.iter().zip(&b).any(|(a, b)| {
        let change = norm(std::array::from_fn(|k| a[k] - b[k]));
        change > 0.5 * shortest
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{Atoms, System};

    fn state(cell: Cell) -> State {
        State::new(System {
            cell,
            atoms: Atoms::default(),
        })
    }

    fn cube(a: f64) -> State {
        state(Cell::orthorhombic(a, a, a).unwrap())
    }

    fn words(found: &[Notice]) -> Vec<&str> {
        found
            .iter()
            .map(|n| match n {
                Notice::Remark(t) | Notice::Note(t) => t.as_str(),
            })
            .collect()
    }

    #[test]
    fn each_is_said_once_also_after_a_resume() {
        let mut vigil = Vigil::new(&cube(10.0).system.cell, Some(6.0));
        assert!(vigil.row(&cube(9.9)).is_empty());
        let found = vigil.row(&cube(5.9));
        assert!(found.len() == 2, "{found:?}");
        assert!(words(&found)[0].contains("less than the cutoff of 6 Å"));
        assert!(words(&found)[1].contains("shrunk to 0.21"));
        let numbers = vigil.to_numbers();
        let mut resumed = Vigil::new(&cube(3.0).system.cell, Some(6.0));
        resumed.restore(&numbers).unwrap();
        assert_eq!(resumed, vigil);
        assert!(resumed.row(&cube(5.9)).is_empty());
        assert!(words(&resumed.row(&cube(4.9)))[0].contains("less than half of the 10.00 Å"));
        assert!(resumed.restore(&numbers[1..]).is_none());
        // A cell that was narrow from the start is no news.
        let mut small = Vigil::new(&cube(5.0).system.cell, Some(6.0));
        assert!(small.row(&cube(4.9)).is_empty());
        // No cell at all.
        let mut none = Vigil::new(&Cell::isolated(), Some(6.0));
        assert!(none.row(&state(Cell::isolated())).is_empty());
    }

    #[test]
    fn a_density_that_falls_is_not_one_that_fluctuates() {
        let mut vigil = Vigil::new(&cube(10.0).system.cell, None);
        // Fell in the stage before: a stage has its own start.
        vigil.enter_stage(&cube(13.0).system.cell);
        let thin = |found: &[Notice]| {
            words(found)
                .iter()
                .any(|t| t.contains("density has fallen"))
        };
        assert!(!thin(&vigil.row(&cube(13.0))));
        let mut said = 0;
        for k in 0..200 {
            let a = 13.0 + 0.05 * f64::from(k);
            let found = vigil.row(&cube(a));
            if let Some(t) = words(&found)
                .iter()
                .find(|t| t.contains("density has fallen"))
            {
                said += 1;
                assert!(t.contains("% of that at the start of the stage"), "{t}");
                assert!((1.0 / 0.6..1.9).contains(&(a / 13.0).powi(3)), "{a}");
            }
        }
        assert_eq!(said, 1);
        // A gas at rest far below its start says nothing: the average has caught up.
        let mut vigil = Vigil::new(&cube(10.0).system.cell, None);
        vigil.recent_volume = 2200.0;
        let found: Vec<Notice> = (0..50).flat_map(|_| vigil.row(&cube(13.0))).collect();
        assert!(!thin(&found), "{found:?}");
    }

    #[test]
    fn a_reduction_is_noticed_and_changes_nothing() {
        let tilted = Cell::new(
            [[5.0, 0.0, 0.0], [3.2, 5.0, 0.0], [0.1, -0.2, 5.5]],
            [true; 3],
        )
        .unwrap();
        let reduced = tilted.reduced().unwrap();
        assert!(was_reduced(&tilted, &reduced));
        assert!((reduced.volume().unwrap() - tilted.volume().unwrap()).abs() < 1e-10);
        // The vectors of each are whole combinations of those of the other.
        let turn = reduced.basis() * tilted.inverse();
        assert!(turn.iter().all(|x| (x - x.round()).abs() < 1e-12));
        assert!((turn.determinant().abs() - 1.0).abs() < 1e-12);
        assert!(reduced.reduced().is_none());
        let mut vigil = Vigil::new(&tilted, None);
        let found = vigil.step(&tilted, &state(reduced.clone())).unwrap();
        assert!(matches!(&found, Notice::Note(t) if t.contains("No atom has moved")));
        assert!(vigil.step(&tilted, &state(reduced.clone())).is_none());
        assert_eq!(vigil.reductions(), 2);
        let strained = reduced
            .deformed(&(nalgebra::Matrix3::identity() * 1.01))
            .unwrap();
        assert!(vigil.step(&reduced, &state(strained)).is_none());
        assert_eq!(vigil.reductions(), 2);
    }
}
