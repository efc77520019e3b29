//! The momentum distribution of an atom, by displaced paths.

use crate::analysis::{Average, Series};
use crate::deck::{MdDeck, MomentumDeck};
use crate::dynamics::{RingDynamics, Rings};
use crate::error::{Error, Result};
use crate::jobs::selection::no_such_atom;
use crate::potential::{EvaluationError, Evaluator};
use crate::system::{Atoms, System};
use crate::units::{BOLTZMANN, HBAR};
use std::f64::consts::PI;
use std::fmt::Write;

/// The end-to-end distribution of the open path of one atom, and from it the distribution of its momentum.
///
/// With ends that are x apart, ñ(x) = exp(-m x²/(2βħ²)) ⟨exp(-β_P ΔV(x))⟩ (Lin, Morrone, Car, Parrinello, Phys. Rev. Lett. 105,
/// 110602 (2010)), where ΔV is what the closed path's potential energies change when bead j moves by (1/2 - j/P) x and the first
/// one, which is cut, by x/2 and by -x/2, with half a weight each.
#[derive(Clone, Debug)]
pub(super) struct Momentum {
    atom: usize,
    /// Mass (amu) of the atom.
    mass: f64,
    distances: Vec<f64>,
    /// The mean of exp(-β_P ΔV) over the three axes, a channel for each distance.
    series: Series,
    energies: Vec<f64>,
}

/// Momenta of the table, up to so many standard deviations of a classical particle with the kinetic energy that was found.
const MOMENTA: (usize, f64) = (40, 4.0);

impl Momentum {
    /// What the deck asks for.
    ///
    /// Errors when there is no such atom.
    pub fn new(deck: &MomentumDeck, source: &str, atoms: &Atoms) -> Result<Momentum> {
        let atom = deck.atom as usize;
        let Some(mass) = atoms.masses.get(atom) else {
            return Err(no_such_atom(
                deck.atom,
                atoms,
                source,
                "[md.estimators.momentum]",
            ));
        };
        let n = deck.points as usize;
        let step = deck.largest / n as f64;
        Ok(Momentum {
            atom,
            mass: *mass,
            distances: (1..=n).map(|k| step * k as f64).collect(),
            series: Series::new(n),
            energies: Vec::new(),
        })
    }

    /// Adds what the rings of now say.
    pub fn add(
        &mut self,
        rings: &mut Rings,
        dynamics: &RingDynamics,
        system: &System,
        evaluator: &mut Evaluator,
    ) -> std::result::Result<(), EvaluationError> {
        let beads = rings.beads();
        let beta = 1.0 / (BOLTZMANN * dynamics.temperature() * beads as f64);
        // Two energies of the first bead, and one of each of the others.
        let mean = |e: &[f64]| 0.5 * (e[0] + e[beads]) + e[1..beads].iter().sum::<f64>();
        let place = |j: usize, x: f64| x * (0.5 - j as f64 / beads as f64);
        let mut energies = std::mem::take(&mut self.energies);
        let mut along = |x: f64, axis: usize, energies: &mut Vec<f64>| {
            let path = (0..=beads).map(|j| {
                let mut d = [0.0; 3];
                d[axis] = place(j, x);
                (j % beads, d)
            });
            rings.displaced_energies(system, evaluator, self.atom, path, energies)?;
            Ok(mean(energies))
        };
        let closed = along(0.0, 0, &mut energies)?;
        let mut row = Vec::new();
        for &x in &self.distances {
            let mut sum = 0.0;
            for axis in 0..3 {
                sum += (-beta * (along(x, axis, &mut energies)? - closed)).exp();
            }
            row.push(sum / 3.0);
        }
        self.energies = energies;
        self.series.add(&row);
        Ok(())
    }

    /// Begins again, in another stage.
    pub fn clear(&mut self) {
        self.series = Series::new(self.distances.len());
    }

    /// The state as plain numbers, for a checkpoint.
    pub fn to_numbers(&self) -> Vec<f64> {
        self.series.to_numbers()
    }

    /// Takes back what [`to_numbers`](Self::to_numbers) gave; `None` when they are not such numbers.
    pub fn restore(&mut self, numbers: &[f64]) -> Option<()> {
        self.series = Series::from_numbers(self.distances.len(), numbers)?;
        Some(())
    }

    /// The distributions from block `first` of the rows on, as a table for other programs: of the distance of the ends, with its
    /// error and that of a free particle beside it, and of the momentum along one axis.
    pub fn csv(&self, first: usize, temperature: f64) -> String {
        let kt = BOLTZMANN * temperature;
        let free = |x: f64| (-0.5 * self.mass * kt * (x / HBAR).powi(2)).exp();
        let mut text =
            String::from("distance (Angstrom),end_to_end,error,free_particle\n0,1,0,1\n");
        let mut known = vec![(0.0, 1.0)];
        for (k, &x) in self.distances.iter().enumerate() {
            let blocks = self.series.channel(k, first);
            let square = blocks.iter().map(|b| b * b).sum::<f64>() / blocks.len().max(1) as f64;
            let Some(a) = Average::of_blocks(&blocks, square, self.series.block_length()) else {
                continue;
            };
            let value = free(x) * a.mean;
            known.push((x, value));
            let error = a
                .error
                .map_or(String::new(), |e| format!("{:?}", free(x) * e));
            // A string holds whatever is written into it.
            let _ = writeln!(text, "{x:?},{value:?},{error},{:?}", free(x));
        }
        // n(p) = 1/(πħ) ∫ cos(px/ħ) ñ(x) dx from 0 to the largest distance, by the trapezoidal rule, in units of 1/sqrt(amu eV).
        let curvature = known
            .get(1)
            .map_or(0.0, |&(x, n)| -2.0 * n.max(1e-300).ln() / (x * x));
        let width = HBAR * curvature.max(0.0).sqrt();
        let _ = writeln!(text, "\nmomentum (sqrt(amu eV)),density");
        for k in 0..=MOMENTA.0 {
            let p = MOMENTA.1 * width * k as f64 / MOMENTA.0 as f64;
            let mut sum = 0.0;
            for pair in known.windows(2) {
                let [(a, na), (b, nb)] = [pair[0], pair[1]];
                sum += 0.5 * (b - a) * (na * (p * a / HBAR).cos() + nb * (p * b / HBAR).cos());
            }
            let _ = writeln!(text, "{p:?},{:?}", sum / (PI * HBAR));
        }
        text
    }
}

/// The estimator that a deck asks for.
pub(super) fn asked(md: &MdDeck, source: &str, atoms: &Atoms) -> Result<Option<Momentum>> {
    let quantum = md.ring_beads() > 1;
    let deck = md.estimators.momentum.as_ref().filter(|_| quantum);
    if deck.is_some() && !md.rings.contraction.is_empty() {
        let reason = "the momentum distribution needs all terms on all beads";
        return Err(Error::input(source, reason)
            .advise("remove [md.estimators.momentum] or the contraction"));
    }
    deck.map(|deck| Momentum::new(deck, source, atoms))
        .transpose()
}
