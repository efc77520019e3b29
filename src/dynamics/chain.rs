//! Nosé–Hoover chains: the variables of one chain and how they move.

use super::CompensatedSum;

/// The most members a chain can have.
pub const LONGEST_CHAIN: usize = 8;

/// Weights of the fourth-order Suzuki–Yoshida splitting: w1, 1 - 2 w1, w1 with w1 = 1/(2 - 2^(1/3)).
const SUZUKI_YOSHIDA: [f64; 3] = [
    1.351_207_191_959_657_8,
    -1.702_414_383_919_315_6,
    1.351_207_191_959_657_8,
];

/// A Nosé–Hoover chain on some degrees of freedom (Martyna, Klein, Tuckerman, J. Chem. Phys. 97, 2635 (1992)), moved as in
/// Martyna, Tuckerman, Tobias, Klein, Mol. Phys. 87, 1117 (1996).
///
/// The masses are Q1 = N_f kT τ² and Qj = kT τ². They are kept per kT, so that a ramp of the temperature keeps τ; what the
/// chain holds is booked as heat, so that the conserved energy survives the ramp.
#[derive(Clone, Debug)]
pub struct Chain {
    freedom: f64,
    tau2: f64,
    members: usize,
    substeps: u32,
    velocities: [f64; LONGEST_CHAIN],
    /// Energy (eV) that went into the chain beside its kinetic energy: the integral of kT (N_f dη1 + dη2 + ...).
    heat: CompensatedSum,
    /// kT (eV) of the last move, in whose units the kinetic energy of the chain is.
    kt: f64,
}

impl Chain {
    /// A chain at rest of `members` (1 to [`LONGEST_CHAIN`]) on `freedom` degrees of freedom with period `tau` (internal
    /// time). Its steps are cut into `substeps`.
    pub fn new(freedom: f64, tau: f64, members: usize, substeps: u32) -> Chain {
        Chain {
            freedom,
            tau2: tau * tau,
            members: members.clamp(1, LONGEST_CHAIN),
            substeps: substeps.max(1),
            velocities: [0.0; LONGEST_CHAIN],
            heat: CompensatedSum::default(),
            kt: 0.0,
        }
    }

    /// Moves the chain by `h` at `kt` (eV). The degrees of freedom have the kinetic energy `twice_kinetic`/2 (eV); returns the
    /// factor for their velocities.
    pub fn advance(&mut self, twice_kinetic: f64, kt: f64, h: f64) -> f64 {
        if kt <= 0.0 {
            return 1.0;
        }
        if self.kt > 0.0 && self.kt != kt {
            // The masses change with kT at constant velocities: what that gives or takes is booked.
            let before = self.kinetic();
            self.kt = kt;
            self.heat.add(before - self.kinetic());
        }
        self.kt = kt;
        let mut twice_kinetic = twice_kinetic / kt;
        let (mut scale, mut heat) = (1.0, 0.0);
        let last = self.members - 1;
        for _ in 0..self.substeps {
            for w in SUZUKI_YOSHIDA {
                let d = w * h / f64::from(self.substeps);
                self.kick(last, twice_kinetic, 0.5 * d);
                for j in (0..last).rev() {
                    let damp = (-0.25 * d * self.velocities[j + 1]).exp();
                    self.velocities[j] *= damp;
                    self.kick(j, twice_kinetic, 0.5 * d);
                    self.velocities[j] *= damp;
                }
                let s = (-d * self.velocities[0]).exp();
                scale *= s;
                twice_kinetic *= s * s;
                heat += d * self.freedom * self.velocities[0];
                heat += d * self.velocities[1..self.members].iter().sum::<f64>();
                for j in 0..last {
                    let damp = (-0.25 * d * self.velocities[j + 1]).exp();
                    self.velocities[j] *= damp;
                    self.kick(j, twice_kinetic, 0.5 * d);
                    self.velocities[j] *= damp;
                }
                self.kick(last, twice_kinetic, 0.5 * d);
            }
        }
        self.heat.add(kt * heat);
        scale
    }

    /// v_j += t G_j, with G1 = (2K/kT - N_f)/(N_f τ²) and Gj = (Q_{j-1} v_{j-1}²/kT - 1)/τ².
    #[inline]
    fn kick(&mut self, j: usize, twice_kinetic: f64, t: f64) {
        let g = if j == 0 {
            (twice_kinetic / self.freedom - 1.0) / self.tau2
        } else {
            let q = if j == 1 { self.freedom } else { 1.0 };
            q * self.velocities[j - 1] * self.velocities[j - 1] - 1.0 / self.tau2
        };
        self.velocities[j] += t * g;
    }

    fn kinetic(&self) -> f64 {
        let v = &self.velocities[..self.members];
        let sum: f64 = v.iter().map(|v| v * v).sum();
        0.5 * self.kt * self.tau2 * (sum + (self.freedom - 1.0) * v[0] * v[0])
    }

    /// Energy (eV) that the chain holds: its part of the conserved quantity.
    pub fn energy(&self) -> f64 {
        self.kinetic() + self.heat.value()
    }

    /// How many numbers [`Self::save`] adds.
    pub const NUMBERS: usize = LONGEST_CHAIN + 3;

    /// Adds the state to a list of numbers.
    pub fn save(&self, numbers: &mut Vec<f64>) {
        numbers.extend(self.velocities);
        numbers.extend([self.heat.sum, self.heat.compensation, self.kt]);
    }

    /// Takes the state from the numbers of [`Self::save`]; false when they are not such numbers.
    pub fn restore(&mut self, numbers: &[f64]) -> bool {
        let Some((v, [sum, compensation, kt])) = numbers.split_first_chunk::<LONGEST_CHAIN>()
        else {
            return false;
        };
        self.velocities = *v;
        self.heat = CompensatedSum {
            sum: *sum,
            compensation: *compensation,
        };
        self.kt = *kt;
        true
    }
}
