//! What follows from the points: curves through them, phases that are stable, and what is odd.

use super::phase::Phase;
use super::points::Point;
use super::thermal::Thermal;
use crate::analysis::equation_of_state::{Fit, Form, fit};
use crate::analysis::phases::{Sequence, sequence};
use crate::analysis::shells::Shells;
use crate::deck::SolidDeck;
use crate::error::Result;
use crate::units::EV_PER_A3_IN_GPA as GPA;

/// A phase with everything that was found for it.
pub(super) struct Curve {
    pub phase: Phase,
    /// Its crystals, by volume.
    pub points: Vec<Point>,
    /// Every form with its fit; none where there is no minimum in or near the volumes.
    pub fits: Vec<(Form, Option<Fit>)>,
    /// The fit that counts.
    pub chosen: Option<Fit>,
    /// Pressures (eV/Å^3) at the largest and at the smallest volume; none without the fit.
    pub reach: Option<[f64; 2]>,
    /// How virial and slope of the energy agree; none without a virial or a fit.
    pub agreement: Option<Agreement>,
}

/// Pressures by the virial beside those by the slope of the curve through the energies (eV/Å^3).
#[derive(Clone, Copy)]
pub(super) struct Agreement {
    /// Root of the mean square of the difference.
    pub difference: f64,
    /// What pressures by the virial span.
    pub span: f64,
}

/// Everything that was found.
pub(super) struct Results {
    pub curves: Vec<Curve>,
    /// The form whose curve counts.
    pub form: Form,
    /// Pressures (eV/Å^3) at which phases are compared; none without any fit.
    pub range: Option<(f64, f64)>,
    /// Phases that are stable there.
    pub sequence: Sequence,
    /// Pairs of phases that have become one, with how many volumes show it.
    pub collapsed: Vec<([usize; 2], usize)>,
    pub thermal: Option<Thermal>,
}

impl Curve {
    fn of(phase: Phase, points: Vec<Point>, form: Form) -> Curve {
        let pairs: Vec<(f64, f64)> = points.iter().map(|p| (p.volume, p.energy)).collect();
        let fits: Vec<(Form, Option<Fit>)> =
            Form::ALL.iter().map(|f| (*f, fit(*f, &pairs))).collect();
        let chosen = fits.iter().find(|f| f.0 == form).and_then(|f| f.1);
        let reach = chosen.and_then(|f| {
            let (first, last) = (points.first()?, points.last()?);
            let p = |v: f64| f.equation.pressure_at(v);
            Some([p(last.volume), p(first.volume)])
        });
        let agreement = chosen.and_then(|f| {
            let with = points.iter().map(|p| Some((p.volume, p.pressure?)));
            let with: Vec<(f64, f64)> = with.collect::<Option<_>>()?;
            let square = |x: &(f64, f64)| (x.1 - f.equation.pressure_at(x.0)).powi(2);
            let mean = with.iter().map(square).sum::<f64>() / with.len().max(1) as f64;
            let most = with.iter().map(|x| x.1).fold(f64::NEG_INFINITY, f64::max);
            let least = with.iter().map(|x| x.1).fold(f64::INFINITY, f64::min);
            Some(Agreement {
                difference: mean.sqrt(),
                span: most - least,
            })
        });
        Curve {
            phase,
            points,
            fits,
            chosen,
            reach,
            agreement,
        }
    }

    /// Enthalpy (eV) and volume (Å^3) of an atom at a pressure (eV/Å^3).
    pub fn enthalpy(&self, pressure: f64) -> Option<(f64, f64)> {
        self.chosen?.equation.enthalpy_at(pressure)
    }

    /// Whether a volume (Å^3 per atom) is among those of the points.
    pub fn covers(&self, volume: f64) -> bool {
        let ends = self.points.first().zip(self.points.last());
        ends.is_some_and(|(a, b)| (a.volume..=b.volume).contains(&volume))
    }

    /// Difference (eV) between the highest and the lowest energy of an atom.
    pub fn depth(&self) -> f64 {
        let energies = self.points.iter().map(|p| p.energy);
        let (low, high) = energies.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), e| {
            (a.min(e), b.max(e))
        });
        high - low
    }
}

impl Results {
    /// Everything but what is thermal.
    pub fn of(job: &SolidDeck, found: Vec<(Phase, Vec<Point>)>) -> Result<Results> {
        let form = job.equation;
        let curves: Vec<Curve> = found
            .into_iter()
            .map(|(phase, points)| Curve::of(phase, points, form))
            .collect();
        let reached = curves.iter().filter_map(|c| c.reach);
        let reached = reached.fold(None, |all: Option<(f64, f64)>, [low, high]| {
            Some(all.map_or((low, high), |a| (a.0.min(low), a.1.max(high))))
        });
        let range = reached.map(|(low, high)| {
            let [lowest, highest] = job.pressures;
            (lowest.unwrap_or(low), highest.unwrap_or(high))
        });
        let range = range.filter(|(low, high)| low < high);
        let enthalpies: Vec<_> = curves
            .iter()
            .map(|c| |p: f64| Some(c.enthalpy(p)?.0))
            .collect();
        let enthalpies: Vec<&dyn Fn(f64) -> Option<f64>> = enthalpies
            .iter()
            .map(|f| f as &dyn Fn(f64) -> Option<f64>)
            .collect();
        let sequence = range.map_or_else(Sequence::default, |r| sequence(&enthalpies, r));
        drop(enthalpies);
        Ok(Results {
            collapsed: collapsed(&curves)?,
            curves,
            form,
            range,
            sequence,
            thermal: None,
        })
    }

    /// Name of a phase.
    pub fn name(&self, phase: usize) -> &str {
        self.curves.get(phase).map_or("", |c| &c.phase.name)
    }

    /// Pressures (eV/Å^3) of tables and pictures.
    pub fn pressures(&self) -> Vec<f64> {
        const STEPS: usize = 100;
        let Some((low, high)) = self.range else {
            return Vec::new();
        };
        let step = (high - low) / STEPS as f64;
        (0..=STEPS).map(|k| low + step * k as f64).collect()
    }

    /// The phase that is stable at a pressure (eV/Å^3).
    pub fn stable(&self, pressure: f64) -> Option<usize> {
        let passed = self.sequence.transitions.iter();
        let last = passed.take_while(|t| t.pressure <= pressure).last();
        last.map(|t| t.phases[1]).or(self.sequence.first)
    }
}

/// Numbers of neighbours that differ by less are those of one crystal at two volumes.
const SAME_SHELLS: f64 = 0.5;
/// Volumes that differ by a larger ratio are not compared.
const NEAR: f64 = 0.05;

/// Pairs of phases whose crystals are the same at volumes near each other: same neighbours, and energies on one curve.
fn collapsed(curves: &[Curve]) -> Result<Vec<([usize; 2], usize)>> {
    if curves.len() < 2 {
        return Ok(Vec::new());
    }
    let shells = |c: &Curve| -> Result<Vec<Shells>> {
        let of = |p: &Point| Shells::of(p.system.configuration());
        c.points.iter().map(of).collect()
    };
    let shells: Vec<Vec<Shells>> = curves.iter().map(shells).collect::<Result<_>>()?;
    let mut found = Vec::new();
    for b in 1..curves.len() {
        for a in 0..b {
            let same = |(k, p): &(usize, &Point)| {
                let off = |x: &Point| (x.volume / p.volume - 1.0).abs();
                let others = curves[a].points.iter().enumerate();
                let Some((m, near)) = others.min_by(|x, y| off(x.1).total_cmp(&off(y.1))) else {
                    return false;
                };
                let energy = curves[a].chosen.map(|f| {
                    let noise = 5.0 * f.residual + 1e-6;
                    (f.equation.energy_at(p.volume) - p.energy).abs() < noise
                });
                off(near) < NEAR
                    && shells[a][m].difference(&shells[b][*k]) < SAME_SHELLS
                    && energy != Some(false)
            };
            let count = curves[b].points.iter().enumerate().filter(same).count();
            if count > 0 {
                found.push(([a, b], count));
            }
        }
    }
    Ok(found)
}

/// Share of the depth of the points that a good curve leaves at most.
const LARGE_RESIDUAL: f64 = 0.01;
/// Share of the span of pressures by which virial and curve may differ.
const LARGE_DIFFERENCE: f64 = 0.03;
/// Stresses (GPa) beside the pressure above this show that the shape is not that of least energy.
const LARGE_SHEAR: f64 = 0.1;

/// Everything that is odd about the results; sentences.
pub(super) fn warnings(job: &SolidDeck, r: &Results) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    r.curves.iter().for_each(|c| all.extend(of_curve(job, c)));
    for ([a, b], count) in &r.collapsed {
        all.push(format!(
            "{} and {} are the same crystal at {count} volumes: {}",
            r.name(*b),
            r.name(*a),
            if job.symmetry {
                "one has relaxed into the other, or both files hold the same phase"
            } else {
                "one has relaxed into the other; `symmetry = true` keeps it as it is"
            }
        ));
    }
    if r.curves.len() > 1
        && r.sequence.transitions.is_empty()
        && let (Some(first), Some((low, high))) = (r.sequence.first, r.range)
    {
        all.push(format!(
            "{} is the stable phase from {:.2} to {:.2} GPa: there is no transition in this range of pressures; wider ranges of volumes reach further",
            r.name(first),
            low * GPA,
            high * GPA
        ));
    }
    for t in &r.sequence.transitions {
        for phase in t.phases {
            let curve = &r.curves[phase];
            let volume = curve.enthalpy(t.pressure).map(|e| e.1);
            if let Some(v) = volume.filter(|v| !curve.covers(*v)) {
                all.push(format!(
                    "the transition at {:.3} GPa is extrapolated: {} would have {v:.4} Å^3/atom there, outside of its volumes",
                    t.pressure * GPA,
                    r.name(phase)
                ));
            }
        }
    }
    if let Some(t) = &r.thermal {
        all.extend(t.warnings(r));
    }
    all
}

fn of_curve(job: &SolidDeck, c: &Curve) -> Vec<String> {
    let name = &c.phase.name;
    let mut all: Vec<String> = c.phase.trouble.iter().cloned().collect();
    let lost: Vec<f64> = c
        .points
        .iter()
        .filter(|p| !p.converged)
        .map(|p| p.ratio)
        .collect();
    if let Some(first) = lost.first() {
        all.push(format!(
            "{name} is not relaxed at {} of {} volumes (first at ratio {first:.4})",
            lost.len(),
            c.points.len()
        ));
    }
    let shear = c.points.iter().map(|p| p.shear).fold(0.0, f64::max) * GPA;
    if shear > LARGE_SHEAR {
        all.push(format!(
            "{name} is under stresses of up to {shear:.2} GPa beside the pressure: its shape is not that of least energy at its volumes{}",
            match job.relax {
                crate::deck::Relaxed::Cell => "",
                _ => "; `relax = \"cell\"` lets it change",
            }
        ));
    }
    let Some(fit) = c.chosen else {
        all.push(format!(
            "no equation of state ({}) goes through {name}: its energies have no minimum in or near the volumes",
            job.equation.name()
        ));
        return all;
    };
    if !c.covers(fit.equation.volume) {
        all.push(format!(
            "the minimum of {name}, at {:.4} Å^3/atom, lies outside of its volumes ({:.4} to {:.4}): volume and bulk modulus are extrapolated",
            fit.equation.volume,
            c.points.first().map_or(0.0, |p| p.volume),
            c.points.last().map_or(0.0, |p| p.volume)
        ));
    }
    let left = fit.residual / c.depth();
    if left > LARGE_RESIDUAL {
        all.push(format!(
            "the curve of {name} misses its energies by {:.1} meV/atom, {:.1} % of their depth: a phase may have changed between volumes, or the range is too wide for {}",
            fit.residual * 1e3,
            left * 100.0,
            fit.equation.form.name()
        ));
    }
    if let Some(a) = c
        .agreement
        .filter(|a| a.difference > LARGE_DIFFERENCE * a.span)
    {
        all.push(format!(
            "pressures of {name} by the virial differ from the slope of its energies by {:.3} GPa ({:.0} % of their span): {}",
            a.difference * GPA,
            100.0 * a.difference / a.span,
            if left > LARGE_RESIDUAL {
                "the curve is a poor one"
            } else {
                "the virial of this potential is not the derivative of its energy"
            }
        ));
    }
    all
}
