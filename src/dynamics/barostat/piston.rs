//! Barostats whose cell has a momentum: Martyna–Tobias–Klein and Bussi–Zykova–Parrinello.

use super::StrainSpace;
use crate::dynamics::CompensatedSum;
use crate::dynamics::chain::Chain;
use crate::random::{Purpose, Stream};
use nalgebra::Matrix3;

/// A cell that moves with a strain rate of its own.
///
/// With the drag, these are the equations of Martyna, Tobias, Klein, J. Chem. Phys. 101, 4177 (1994), in a splitting like that
/// of Tuckerman, Alejandre, López-Rendón, Jochim, Martyna, J. Phys. A 39, 5629 (2006): v' = f/m - (V_g + tr V_g/N_f) v and
/// W V_g' = V (P - P_ext) + (2K/N_f) 1. Without it those of Bussi, Zykova-Timan, Parrinello, J. Chem. Phys. 130, 074101
/// (2009): v' = f/m - V_g v and W V_g' = V (P - P_ext) + kT 1. Both sample the ensemble of [`super`].
#[derive(Clone, Debug)]
pub struct Piston {
    /// Degrees of freedom N_f of the atoms in the drag; none without it.
    drag: Option<f64>,
    /// Inertia W of each strain component (eV · time²).
    mass: f64,
    bath: PistonBath,
    /// Strain rates along the basis of the strain space.
    rates: Vec<f64>,
    /// Work (eV) against the outside since the start.
    work: CompensatedSum,
    /// Energy (eV) given to a stochastic bath.
    taken: CompensatedSum,
}

/// What keeps the cell's own motion at the temperature.
#[derive(Clone, Debug)]
pub enum PistonBath {
    /// A Nosé–Hoover chain on all strain rates.
    Chain(Chain),
    /// Friction (inverse internal time) and noise.
    Langevin {
        /// Friction coefficient.
        friction: f64,
        /// Seed of the noise.
        seed: u64,
    },
}

impl Piston {
    /// Martyna–Tobias–Klein for atoms with `freedom` degrees of freedom: W = (N_f + 3) kT τ²/3, with a chain of
    /// `members` on the cell. `kt` in eV, `tau` in internal time.
    pub fn mtk(
        space: &StrainSpace,
        freedom: usize,
        kt: f64,
        tau: f64,
        members: usize,
        substeps: u32,
    ) -> Piston {
        let n = freedom.max(1) as f64;
        let chain = Chain::new(space.len() as f64, tau, members, substeps);
        Self::new(
            space,
            Some(n),
            (n + 3.0) / 3.0 * kt * tau * tau,
            PistonBath::Chain(chain),
        )
    }

    /// Bussi–Zykova–Parrinello for so many atoms: W = N kT τ², with `friction` (inverse internal time) and noise on the cell.
    pub fn bzp(
        space: &StrainSpace,
        atoms: usize,
        kt: f64,
        tau: f64,
        friction: f64,
        seed: u64,
    ) -> Piston {
        let bath = PistonBath::Langevin { friction, seed };
        Self::new(space, None, atoms as f64 * kt * tau * tau, bath)
    }

    fn new(space: &StrainSpace, drag: Option<f64>, mass: f64, bath: PistonBath) -> Piston {
        Piston {
            drag,
            mass,
            bath,
            rates: vec![0.0; space.len()],
            work: CompensatedSum::default(),
            taken: CompensatedSum::default(),
        }
    }

    /// Gives the cell another inertia W (eV · time²): 3 B V (t/2π)² lets the volume of a system with bulk modulus B
    /// oscillate with the period t.
    pub fn with_inertia(mut self, mass: f64) -> Piston {
        self.mass = mass;
        self
    }

    /// The cell's own heat bath acts for `h`.
    pub(crate) fn thermalise(&mut self, kt: f64, h: f64, draw: u64) {
        let twice: f64 = self.rates.iter().map(|v| self.mass * v * v).sum();
        match &mut self.bath {
            PistonBath::Chain(chain) => {
                let s = chain.advance(twice, kt, h);
                self.rates.iter_mut().for_each(|v| *v *= s);
            }
            PistonBath::Langevin { friction, seed } => {
                let c = (-*friction * h).exp();
                let s = (-(-2.0 * *friction * h).exp_m1() * kt / self.mass).sqrt();
                let mut noise = Stream::new(*seed, Purpose::Barostat, draw, 0, 0);
                self.rates
                    .iter_mut()
                    .for_each(|v| *v = c * *v + s * noise.normal());
                let now: f64 = self.rates.iter().map(|v| self.mass * v * v).sum();
                self.taken.add(0.5 * (twice - now));
            }
        }
    }

    /// The pressure acts on the cell for `t`. `inner` is the sum of m v⊗v and virial (eV), `outer` the target (eV/Å^3),
    /// `twice_kinetic` of the atoms (eV).
    pub(crate) fn kick(
        &mut self,
        space: &StrainSpace,
        inner: &Matrix3<f64>,
        outer: &Matrix3<f64>,
        volume: f64,
        twice_kinetic: f64,
        kt: f64,
        t: f64,
    ) {
        let force = inner - outer * volume;
        let drive = match self.drag {
            Some(freedom) => twice_kinetic / freedom,
            None => kt,
        };
        for (k, v) in self.rates.iter_mut().enumerate() {
            *v += t / self.mass * (space.component(k, &force) + drive * space.trace(k));
        }
    }

    /// The strain rate, and the rate at which it damps velocities.
    pub(crate) fn rates(&self, space: &StrainSpace) -> (Matrix3<f64>, Matrix3<f64>) {
        let rate = space.matrix(&self.rates);
        let damping = match self.drag {
            Some(freedom) => rate + Matrix3::identity() * (rate.trace() / freedom),
            None => rate,
        };
        (rate, damping)
    }

    /// Books the work of a deformation by `strain` from one volume to another.
    pub(crate) fn book(
        &mut self,
        outer: &Matrix3<f64>,
        strain: &Matrix3<f64>,
        volumes: [f64; 2],
        kt: f64,
    ) {
        let [before, after] = volumes;
        let pressure = outer.trace() / 3.0;
        let shear = outer - Matrix3::identity() * pressure;
        let work = pressure * (after - before) + 0.5 * (before + after) * shear.dot(strain);
        // The term of constant drive has a potential of its own.
        let measure = match self.drag {
            Some(_) => 0.0,
            None => kt * strain.trace(),
        };
        self.work.add(work - measure);
    }

    /// Its part of the conserved energy (eV).
    pub fn energy(&self) -> f64 {
        let twice: f64 = self.rates.iter().map(|v| self.mass * v * v).sum();
        let bath = match &self.bath {
            PistonBath::Chain(chain) => chain.energy(),
            PistonBath::Langevin { .. } => self.taken.value(),
        };
        0.5 * twice + bath + self.work.value()
    }

    pub(super) fn numbers(&self) -> Vec<f64> {
        let sums = [self.work, self.taken];
        let mut numbers: Vec<f64> = sums
            .iter()
            .flat_map(|s| [s.sum, s.compensation])
            .chain(self.rates.iter().copied())
            .collect();
        if let PistonBath::Chain(chain) = &self.bath {
            chain.save(&mut numbers);
        }
        numbers
    }

    pub(super) fn restore(&mut self, numbers: &[f64]) -> bool {
        let Some((&[a, b, c, d], rest)) = numbers.split_first_chunk::<4>() else {
            return false;
        };
        let Some((rates, rest)) = rest.split_at_checked(self.rates.len()) else {
            return false;
        };
        self.work = CompensatedSum {
            sum: a,
            compensation: b,
        };
        self.taken = CompensatedSum {
            sum: c,
            compensation: d,
        };
        self.rates.copy_from_slice(rates);
        match &mut self.bath {
            PistonBath::Chain(chain) => rest.len() == Chain::NUMBERS && chain.restore(rest),
            PistonBath::Langevin { .. } => rest.is_empty(),
        }
    }
}
