//! Thermostats that multiply all velocities of a group by one factor: stochastic velocity rescaling, and Berendsen's.

use super::{Exchange, Group, Moment, Thermostat};
use crate::random::{Purpose, Stream};
use crate::system::Atoms;
use rand_distr::{Distribution, Gamma};

/// Stochastic velocity rescaling (Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007)): the kinetic energy of a
/// group follows the equation of motion that has the canonical distribution as its own, exactly for any length of step.
#[derive(Clone, Debug)]
pub struct VelocityRescaling {
    group: Group,
    freedom: f64,
    tau: f64,
    seed: u64,
    /// Tells the noise of several such thermostats apart.
    id: u64,
    /// One factor for each atom instead of one for the group.
    local: bool,
    /// Degrees of freedom of each atom, for `local`.
    freedoms: Vec<u8>,
}

impl VelocityRescaling {
    /// One factor for the group, which has `freedom` degrees of freedom; relaxation time `tau` (internal time).
    pub fn global(group: Group, freedom: usize, tau: f64, seed: u64, id: u64) -> Self {
        VelocityRescaling {
            group,
            freedom: freedom as f64,
            tau,
            seed,
            id,
            local: false,
            freedoms: Vec::new(),
        }
    }

    /// One factor for each atom; `freedoms` are the free components of each atom of the group.
    pub fn local(group: Group, freedoms: Vec<u8>, tau: f64, seed: u64) -> Self {
        VelocityRescaling {
            group,
            freedom: 0.0,
            tau,
            seed,
            id: 0,
            local: true,
            freedoms,
        }
    }
}

/// The factor for velocities with kinetic energy `k` on `freedom` degrees of freedom; c = exp(-h/τ).
fn factor(k: f64, freedom: f64, kt: f64, c: f64, stream: &mut Stream) -> f64 {
    if k <= 0.0 || freedom < 1.0 {
        return 1.0;
    }
    let r = stream.normal();
    // The sum of N_f - 1 squared normals.
    let others = match Gamma::new(0.5 * (freedom - 1.0), 2.0) {
        Ok(gamma) if freedom > 1.0 => gamma.sample(stream),
        _ => 0.0,
    };
    let x = (1.0 - c) * 0.5 * kt / k;
    let square = c + x * (r * r + others) + 2.0 * r * (c * x).sqrt();
    // The sign makes the trajectory of each velocity continuous; without it ergodicity would suffer for few atoms.
    let sign = if r + (c / x).sqrt() < 0.0 { -1.0 } else { 1.0 };
    sign * square.max(0.0).sqrt()
}

impl Thermostat for VelocityRescaling {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        let c = (-m.h / self.tau).exp();
        if !self.local {
            let k = self.group.kinetic_energy(atoms);
            let mut stream = Stream::new(self.seed, Purpose::VelocityRescaling, m.draw, self.id, 0);
            let a = if m.kt > 0.0 {
                factor(k, self.freedom, m.kt, c, &mut stream)
            } else {
                c.sqrt()
            };
            self.group.scale(atoms, a);
            return Exchange {
                taken: k * (1.0 - a * a),
                after: k * a * a,
            };
        }
        let mut total = Exchange::default();
        for place in 0..self.group.len(atoms.len()) {
            let i = self.group.atom(place);
            let v = &mut atoms.velocities[i];
            let k = 0.5 * atoms.masses[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
            let freedom = f64::from(self.freedoms[place]);
            let mut stream =
                Stream::new(self.seed, Purpose::VelocityRescaling, m.draw, i as u64, 1);
            let a = if m.kt > 0.0 {
                factor(k, freedom, m.kt, c, &mut stream)
            } else {
                c.sqrt()
            };
            v.iter_mut().for_each(|v| *v *= a);
            total.taken += k * (1.0 - a * a);
            total.after += k * a * a;
        }
        total
    }
}

/// Berendsen's weak coupling (Berendsen, Postma, van Gunsteren, DiNola, Haak, J. Chem. Phys. 81, 3684 (1984)): relaxes the
/// temperature, and suppresses the fluctuations of the kinetic energy, so that it samples no ensemble. For equilibration.
#[derive(Clone, Debug)]
pub struct Berendsen {
    group: Group,
    freedom: f64,
    tau: f64,
}

impl Berendsen {
    /// On a group with `freedom` degrees of freedom; relaxation time `tau` (internal time).
    pub fn new(group: Group, freedom: usize, tau: f64) -> Self {
        Berendsen {
            group,
            freedom: freedom as f64,
            tau,
        }
    }
}

impl Thermostat for Berendsen {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        let k = self.group.kinetic_energy(atoms);
        if k <= 0.0 {
            return Exchange::default();
        }
        let c = (-m.h / self.tau).exp();
        let square = c + (1.0 - c) * 0.5 * self.freedom * m.kt / k;
        self.group.scale(atoms, square.sqrt());
        Exchange {
            taken: k * (1.0 - square),
            after: k * square,
        }
    }
}
