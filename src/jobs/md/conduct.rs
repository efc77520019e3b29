//! Is the time step short enough? What the conserved energy says, in plain words.

use super::ledger::Ledger;
use crate::analysis::trend;
use crate::units::BOLTZMANN;

/// What the conserved energy did after equilibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Conduct {
    /// Drift and its standard error, in kT per atom and ns; none in a ramp, where the conserved energy follows the
    /// temperature, and when there is too little to tell.
    pub drift: Option<(f64, f64)>,
    /// Fluctuation within short windows, in units of the fluctuation of the kinetic energy at this temperature.
    pub fluctuation: Option<f64>,
    /// Whether a target changes.
    ramp: bool,
    /// Whether internal modes of ring polymers meet a heat bath. Its friction is as strong as they are fast, and makes a drift of
    /// what would else fluctuate, so that neither number says whether averages are right.
    stirred: bool,
    /// kT, and the fluctuation of the kinetic energy per atom (eV), for numbers in other units.
    kt: f64,
    kinetic: f64,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Unknown,
    Fine,
    Long,
    TooLong,
}

/// Drift (kT per atom and ns) up to which a time step is fine, and from which it is too long.
const DRIFT: [f64; 2] = [0.1, 1.0];
/// The same for the fluctuation, as a part of that of the kinetic energy.
const FLUCTUATION: [f64; 2] = [0.01, 0.05];

impl Conduct {
    /// Looks at a stage from block `first` on. `temperature` (K) is that of the run; `timestep_fs` its step; `ramp` says
    /// whether a target changes.
    pub fn of(
        ledger: &Ledger,
        first: usize,
        temperature: f64,
        timestep_fs: f64,
        [freedom, atoms]: [usize; 2],
        ramp: bool,
        stirred: bool,
    ) -> Option<Conduct> {
        let kt = BOLTZMANN * temperature;
        if !kt.is_finite() || kt <= 0.0 || freedom == 0 || atoms == 0 {
            return None;
        }
        let (series, variance) = ledger.conserved(first);
        let per_ns = 1e6 / (ledger.block_steps() as f64 * timestep_fs) / (kt * atoms as f64);
        let line = trend(&series).filter(|_| !ramp && series.len() >= 20);
        let kinetic = (0.5 * freedom as f64).sqrt() * kt;
        Some(Conduct {
            drift: line.map(|l| (l.slope * per_ns, l.error * per_ns)),
            fluctuation: variance.map(|v| v.max(0.0).sqrt() / kinetic),
            ramp,
            stirred,
            kt,
            kinetic: kinetic / atoms as f64,
        })
    }

    /// The verdict: what is certain beyond two standard errors.
    pub fn verdict(&self) -> Verdict {
        if self.stirred {
            return Verdict::Unknown;
        }
        let Some(f) = self.fluctuation else {
            return Verdict::Unknown;
        };
        let least = self
            .drift
            .map_or(0.0, |(d, e)| (d.abs() - 2.0 * e).max(0.0));
        let most = self.drift.map(|(d, e)| d.abs() + 2.0 * e);
        let beyond = |k: usize| f > FLUCTUATION[k] || least > DRIFT[k];
        if beyond(1) {
            Verdict::TooLong
        } else if beyond(0) {
            Verdict::Long
        } else if most.map_or(self.ramp, |m| m <= DRIFT[0]) {
            Verdict::Fine
        } else {
            Verdict::Unknown
        }
    }

    /// What it means, with the numbers that decide.
    pub fn words(&self) -> String {
        if self.stirred {
            let drift = self.drift.map_or(String::new(), |(d, _)| {
                format!(" (here by {:+.1e} eV/atom/ps)", d * self.kt * 1e-3)
            });
            return format!(
                "with friction on the internal modes of ring polymers the conserved energy drifts{drift}; whether the time step is \
                 fine shows in the averages: halve it once"
            );
        }
        let mut text = self.judgement();
        if let Some(f) = self.fluctuation {
            text.push_str(&format!(
                "\nfluctuation {} of the kinetic energy's (fine up to 1 %)\n{:.1e} eV/atom",
                percent(f),
                f * self.kinetic
            ));
        }
        match self.drift {
            Some((d, e)) => text.push_str(&format!(
                "\ndrift {} ± {} kT per atom and ns (fine up to {})\n{:+.1e} eV/atom/ps",
                two_digits(d, e),
                two_digits(e, e).trim_start_matches('+'),
                DRIFT[0],
                d * self.kt * 1e-3
            )),
            None if self.ramp => {
                text.push_str("\nno drift: the conserved energy follows the target that changes");
            }
            None => {}
        }
        text
    }

    fn judgement(&self) -> String {
        let drifts = |k: usize| {
            self.drift
                .is_some_and(|(d, e)| d.abs() - 2.0 * e > DRIFT[k])
        };
        match self.verdict() {
            Verdict::Unknown if self.fluctuation.is_none() => {
                "the run is too short to tell whether the time step is fine".into()
            }
            Verdict::Unknown => {
                "the fluctuation is that of a good time step; the run is too short to tell its drift"
                    .into()
            }
            Verdict::Fine => "time step fine".into(),
            Verdict::Long if drifts(0) => "time step on the long side, or forces that are not quite \
                smooth: the conserved energy drifts"
                .into(),
            Verdict::Long => "time step on the long side".into(),
            Verdict::TooLong if drifts(1) => {
                "time step too long, or forces that are not the gradient of the energy: the conserved energy runs away; \
                 halve the step and look whether the drift falls"
                    .into()
            }
            Verdict::TooLong => "time step too long: halve it".into(),
        }
    }
}

fn percent(x: f64) -> String {
    match 100.0 * x {
        p if p >= 9.95 => format!("{p:.0} %"),
        p if p >= 0.995 => format!("{p:.1} %"),
        p if p >= 0.0095 => format!("{p:.2} %"),
        _ => "below 0.01 %".to_owned(),
    }
}

/// A number with as many decimals as two digits of its error need.
fn two_digits(x: f64, error: f64) -> String {
    let decimals = match error {
        e if e > 0.0 && e.is_finite() => (1.0 - e.log10().floor()).clamp(0.0, 9.0) as usize,
        _ => 4,
    };
    format!("{x:+.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conduct(drift: Option<(f64, f64)>, fluctuation: Option<f64>) -> Conduct {
        Conduct {
            stirred: false,
            drift,
            fluctuation,
            ramp: false,
            kt: 0.025,
            kinetic: 0.004,
        }
    }

    #[test]
    fn verdicts_need_evidence() {
        let of = |d, f| conduct(d, f).verdict();
        assert_eq!(of(Some((0.002, 0.003)), Some(0.001)), Verdict::Fine);
        assert_eq!(of(Some((0.05, 0.3)), Some(0.001)), Verdict::Unknown);
        assert_eq!(of(Some((0.5, 0.01)), Some(0.001)), Verdict::Long);
        assert_eq!(of(Some((-5.0, 0.1)), Some(0.001)), Verdict::TooLong);
        // A drift that may be none does not condemn.
        assert_eq!(of(Some((5.0, 4.0)), Some(0.001)), Verdict::Unknown);
        assert_eq!(of(Some((0.0, 0.001)), Some(0.02)), Verdict::Long);
        assert_eq!(of(Some((0.0, 0.001)), Some(0.1)), Verdict::TooLong);
        assert_eq!(of(None, Some(0.001)), Verdict::Unknown);
        let ramp = Conduct {
            ramp: true,
            ..conduct(None, Some(0.001))
        };
        assert_eq!(ramp.verdict(), Verdict::Fine);
        assert_eq!(of(None, None), Verdict::Unknown);
    }

    #[test]
    fn numbers_come_with_the_words() {
        let text = conduct(Some((0.0123, 0.0041)), Some(0.0012)).words();
        assert!(text.starts_with("time step fine\n"), "{text}");
        assert!(text.contains("fluctuation 0.12 % of the kinetic"), "{text}");
        assert_eq!(
            [0.25, 4e-4, 1e-6].map(percent),
            ["25 %", "0.04 %", "below 0.01 %"]
        );
        assert!(
            text.contains("+0.0123 ± 0.0041 kT per atom and ns"),
            "{text}"
        );
        assert!(text.contains("\n4.8e-6 eV/atom"), "{text}");
        assert!(text.contains("+3.1e-7 eV/atom/ps"), "{text}");
        assert!(conduct(None, None).words().contains("too short"));
    }
}
