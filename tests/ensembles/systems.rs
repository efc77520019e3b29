//! What the tests simulate: gases, a smooth little liquid, and every thermostat and barostat by name.

use crate::common;
pub use crate::common::barostats::{BAROSTATS, Surroundings, barostat};
pub use crate::common::wells::{metric, particles, wells};
use std::sync::Arc;
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::thermostat::{
    Andersen, Berendsen, Gle, GleMatrices, Group, Langevin, NoseHoover, Thermostat,
    VelocityRescaling,
};
use zundel::dynamics::{Integrator, Splitting, State};
use zundel::potential::{
    Description, Evaluator, Gives, ListKind, Local, LocalModel, NeighbourRequest, Potential,
    RowResults, RowStyle, Rows, Term, Want,
};
use zundel::system::{System, thermal_velocities};
use zundel::units::FS;

/// Argon's Lennard-Jones potential times (1 - (r/rc)²)⁴: three continuous derivatives, so that what the conserved energy
/// does is the integrator's doing.
struct SmoothArgon(Description);

const REACH: f64 = 7.5;

impl LocalModel for SmoothArgon {
    type Scratch = ();

    fn description(&self) -> &Description {
        &self.0
    }

    fn block(&self) -> usize {
        32
    }

    fn style(&self) -> RowStyle {
        RowStyle::Distances { elements: false }
    }

    fn evaluate(&self, rows: &Rows<'_>, _want: Want, _: &mut (), results: &mut RowResults<'_>) {
        let p = common::argon(REACH);
        let (s6, end) = (p.sigma.powi(6), REACH * REACH);
        for centre in 0..rows.centres.len() {
            for k in rows.of(centre) {
                let r2 = rows.r2[k];
                if r2 >= end {
                    continue;
                }
                let w = s6 / (r2 * r2 * r2);
                let (v, dv) = (
                    4.0 * p.epsilon * w * (w - 1.0),
                    24.0 * p.epsilon * w * (1.0 - 2.0 * w) / r2,
                );
                let u = 1.0 - r2 / end;
                let (t, dt) = (u.powi(4), -8.0 * u.powi(3) / end);
                results.energy[centre] += v * t;
                if !results.radial.is_empty() {
                    results.radial[k] += dv * t + v * dt;
                }
            }
        }
    }
}

pub fn smooth_argon() -> Vec<Term> {
    let model = SmoothArgon(Description {
        name: "smooth argon".into(),
        neighbours: Some(NeighbourRequest {
            cutoff: REACH,
            kind: ListKind::Half,
            chunk: 512,
            grain: 512,
        }),
        gives: Gives {
            virial: true,
            ..Gives::default()
        },
        ..Description::default()
    });
    vec![Term::new(
        "smooth",
        Arc::new(Local(model)) as Arc<dyn Potential>,
    )]
}

/// A liquid of 4 `n`³ atoms at a temperature (K), from a crystal of lattice constant `a` (Å) that is disturbed. Every
/// second atom has a fourth of argon's mass when there are `two_masses`.
pub fn liquid(n: usize, a: f64, temperature: f64, two_masses: bool) -> System {
    let mut system = common::fcc("Ar", a, n);
    common::rattle(&mut system, 0.15, 8);
    if two_masses {
        (0..system.atoms.len())
            .step_by(2)
            .for_each(|i| system.atoms.masses[i] *= 0.25);
    }
    thermal_velocities(&mut system.atoms, temperature, 4, true);
    system
}

/// A drift matrix with two auxiliary momenta and canonical noise; its strongest friction is about 1/(5 τ).
fn coloured(tau: f64) -> GleMatrices {
    let rows = [0.2, 1.0, 0.3, -1.0, 0.5, 0.2, -0.3, -0.2, 2.0];
    let a = nalgebra::DMatrix::from_row_slice(3, 3, &rows) / tau;
    GleMatrices::new(a, None).unwrap()
}

/// A thermostat of relaxation time `tau` (internal time) for `atoms` free atoms, how many degrees of freedom it leaves them,
/// and where it stands in the step.
pub fn thermostat(
    name: &str,
    atoms: usize,
    tau: f64,
    seed: u64,
) -> (Box<dyn Thermostat>, usize, Splitting) {
    let (all, free) = (3 * atoms, 3 * atoms - 3);
    use Splitting::{Ends, Middle};
    match name {
        "langevin" => (Box::new(Langevin::new(1.0 / tau, seed)), all, Ends),
        "langevin, middle" => (Box::new(Langevin::new(1.0 / tau, seed)), all, Middle),
        "rescaling" => {
            let t = VelocityRescaling::global(Group::All, free, tau, seed, 0);
            (Box::new(t), free, Ends)
        }
        "local rescaling" => {
            let t = VelocityRescaling::local(Group::All, vec![3; atoms], tau, seed);
            (Box::new(t), all, Ends)
        }
        "chain" => {
            let t = NoseHoover::global(Group::All, free, tau, 3, 1);
            (Box::new(t), free, Ends)
        }
        "local chains" => {
            let components = (0..atoms as u32).flat_map(|i| (0..3u8).map(move |k| (i, k)));
            let t = NoseHoover::local(Group::All, components.collect(), tau, 3, 1);
            (Box::new(t), all, Ends)
        }
        "gle" => {
            let t = Gle::new(Group::All, vec![[true; 3]; atoms], coloured(tau), seed);
            (Box::new(t), all, Ends)
        }
        "andersen" => {
            let t = Andersen::new(Group::All, vec![[true; 3]; atoms], 1.0 / tau, seed);
            (Box::new(t), all, Ends)
        }
        "berendsen" => (Box::new(Berendsen::new(Group::All, free, tau)), free, Ends),
        _ => unreachable!("{name}"),
    }
}

/// All thermostats that sample the canonical distribution.
pub const CANONICAL: [&str; 8] = [
    "langevin",
    "langevin, middle",
    "rescaling",
    "local rescaling",
    "chain",
    "local chains",
    "gle",
    "andersen",
];

/// The kinds of strain that a barostat may be asked for.
pub fn spaces() -> [(&'static str, StrainSpace); 5] {
    let (y, n) = (true, false);
    [
        ("isotropic", StrainSpace::isotropic()),
        ("along z", StrainSpace::components([n, n, y, n, n, n])),
        ("semi-isotropic", StrainSpace::semi_isotropic(2, true, true)),
        ("fixed angles", StrainSpace::components([y, y, y, n, n, n])),
        ("triclinic", StrainSpace::components([true; 6])),
    ]
}

/// A simulation under way.
pub struct Run {
    pub state: State,
    pub evaluator: Evaluator,
    pub integrator: Integrator,
    want: Want,
}

impl Run {
    /// Evaluates the start.
    pub fn new(
        system: System,
        mut evaluator: Evaluator,
        mut integrator: Integrator,
        want: Want,
    ) -> Run {
        let mut state = State::new(system);
        integrator
            .prepare(&mut state, &mut evaluator, want)
            .unwrap();
        Run {
            state,
            evaluator,
            integrator,
            want,
        }
    }

    /// Some steps.
    pub fn steps(&mut self, n: usize) {
        for _ in 0..n {
            self.integrator
                .step(&mut self.state, &mut self.evaluator, self.want)
                .unwrap();
        }
    }

    /// What is seen every so many steps.
    pub fn sample<T>(&mut self, samples: usize, every: usize, see: impl Fn(&Run) -> T) -> Vec<T> {
        let once = |_| {
            self.steps(every);
            see(self)
        };
        (0..samples).map(once).collect()
    }

    pub fn volume(&self) -> f64 {
        self.state.system.cell.volume().unwrap()
    }

    pub fn conserved(&self) -> f64 {
        self.integrator.conserved(&self.state)
    }

    /// Trace of the virial (eV).
    pub fn virial(&self) -> f64 {
        (0..3).map(|k| self.state.evaluation.virial[k][k]).sum()
    }
}

/// A time step of argon in the tests (internal time).
pub const STEP: f64 = 4.0 * FS;
