//! Infrared absorption from the motion of the dipole moment.

use super::atoms::Chosen;
use super::correlate::{
    centre, correlate, describe_resolution, highest, interval, peak_tables, spectrum_columns,
    spectrum_lags,
};
use super::findings::{Figure, Findings, plain};
use super::freedom::Motion;
use super::options::{Charges, Options};
use super::origin::{Nature, Origin};
use super::trajectory::{Needs, Trajectory, charges_of_file};
use super::vdos::chart;
use crate::analysis::{
    Correlation, Correlator, Gain, QuantumCorrection, Spectrum, band, difference_gain,
    molar_factor, peaks, per_volume,
};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::report::Console;
use crate::system::{Cell, nearest_image};
use crate::units::FS;
use crate::vector::minus;
use std::sync::Arc;

/// Where the dipole comes from.
enum Source {
    /// Charges and velocities: dM/dt as it is.
    Velocities(Vec<f64>),
    /// Charges and positions.
    Positions(Vec<f64>),
    /// Stored with the frames.
    Stored,
}

/// Whether there is anything to make a spectrum of.
pub(super) fn is_possible(trajectories: &[Trajectory], options: &Options) -> bool {
    let each = |t: &Trajectory| t.has_dipole || t.charges.is_some();
    options.charges.is_some() || trajectories.iter().all(each)
}

fn charges(t: &Trajectory, options: &Options) -> Result<Option<Vec<f64>>> {
    match &options.charges {
        Some(Charges::File(path)) => charges_of_file(path, &t.elements).map(Some),
        Some(Charges::Elements(list)) => {
            if let Some((e, _)) = list.iter().find(|(e, _)| !t.elements.contains(e)) {
                return Err(Error::input(
                    "--charges",
                    format!("the trajectory has no {}", e.symbol()),
                ));
            }
            let of = |e: &Element| {
                let found = list.iter().find(|(o, _)| o == e).map(|(_, q)| *q);
                found.ok_or_else(|| {
                    Error::input(
                        "--charges",
                        format!("there is no charge for {}", e.symbol()),
                    )
                    .advise("give every element one, and 0 to those without")
                })
            };
            t.elements
                .iter()
                .map(of)
                .collect::<Result<Vec<f64>>>()
                .map(Some)
        }
        None => Ok(t.charges.clone()),
    }
}

/// The infrared spectrum.
pub(super) fn run(
    trajectories: &[Trajectory],
    chosen: &Chosen,
    origin: &Origin,
    options: &Options,
    console: &Console,
) -> Result<Findings> {
    let mut findings = Findings::new("Infrared spectrum");
    let first = &trajectories[0];
    let dt = interval(trajectories)?;
    let lags = spectrum_lags(trajectories, dt, options, &mut findings);
    let from_velocities = trajectories.iter().all(|t| t.has_velocities);
    let stored = options.charges.is_none() && trajectories.iter().all(|t| t.has_dipole);
    let mut source = match (stored, charges(first, options)?) {
        (true, _) => Source::Stored,
        (false, Some(q)) if from_velocities => Source::Velocities(q),
        (false, Some(q)) => Source::Positions(q),
        (false, None) => {
            return Err(Error::file(&first.path, "there is no dipole moment: the file has neither dipoles nor charges")
                .advise("give point charges, as in --charges \"O=-0.8,H=0.4\", or a structure file with a column `charges`"));
        }
    };
    if let Source::Velocities(q) | Source::Positions(q) = &mut source {
        let mut out = vec![0.0; q.len()];
        chosen.indices.iter().for_each(|&i| out[i] = q[i]);
        *q = out;
        let net: f64 = q.iter().sum();
        let sum: f64 = q.iter().map(|q| q.abs()).sum();
        if sum == 0.0 {
            return Err(Error::input("--charges", "all charges are zero"));
        }
        if net.abs() > 1e-6 * sum {
            findings.warn(format!(
                "the charges add up to {net:.4} e: the dipole moment of what is charged depends on its origin, which is the centre of mass here"
            ));
        }
    }
    findings.fact("dipole", match (&source, &options.charges) {
        (Source::Stored, _) => "stored with the frames; its derivative by differences, what they lose at high frequencies is given back".to_owned(),
        (Source::Velocities(_), Some(Charges::Elements(list))) => {
            let list: Vec<String> = list.iter().map(|(e, q)| format!("{} {q:+}", e.symbol())).collect();
            format!("point charges ({} e) and velocities: dM/dt = Σ q v", list.join(", "))
        }
        (Source::Velocities(_), _) => "point charges of the atoms and velocities: dM/dt = Σ q v".to_owned(),
        (Source::Positions(_), _) => "point charges and differences of positions; what they lose at high frequencies is given back".to_owned(),
    });
    let needs = Needs {
        velocities: from_velocities,
        positions: matches!(source, Source::Positions(_)),
        continuous: matches!(source, Source::Positions(_)),
        dipole: matches!(source, Source::Stored),
    };
    let frames = trajectories.iter().map(|t| t.number).max().unwrap_or(0);
    let correlator = Correlator::new(
        Correlation::Product,
        lags,
        Correlator::block_for(frames, lags),
        vec![0],
        vec![1.0],
    )?;
    let mut motion = Motion::new(&first.masses);
    let (mut volume, mut bulk, mut count) = (0.0, true, 0.0);
    let mut before: Option<[f64; 3]> = None;
    let step = dt * FS;
    let correlations = correlate(
        correlator,
        trajectories,
        needs,
        options,
        console,
        &mut findings,
        &mut |frame, _, push| {
            match frame.cell.volume() {
                Some(v) => volume += v,
                None => bulk = false,
            }
            count += 1.0;
            let drift = if from_velocities {
                motion.look(frame.velocities)
            } else {
                [0.0; 3]
            };
            let sum = |vectors: &[[f64; 3]], q: &[f64], from: [f64; 3]| {
                let mut m = [0.0; 3];
                for (v, q) in vectors.iter().zip(q) {
                    (0..3).for_each(|k| m[k] += q * (v[k] - from[k]));
                }
                m
            };
            let moment = match &source {
                Source::Velocities(q) => {
                    push(&[sum(frame.velocities, q, drift)]);
                    return Ok(());
                }
                Source::Positions(q) => {
                    sum(frame.positions, q, centre(frame.positions, &first.masses))
                }
                Source::Stored => frame.dipole,
            };
            if frame.index == 0 {
                before = None;
            }
            if let Some(a) = before {
                let change = match source {
                    Source::Stored => unfolded(frame.cell, minus(moment, a)),
                    _ => minus(moment, a),
                };
                push(&[change.map(|x| x / step)]);
            }
            before = Some(moment);
            Ok(())
        },
    )?;
    let temperature = temperature(
        &motion,
        from_velocities,
        origin,
        options,
        &mut findings,
        first,
    )?;
    let molar = molar_factor(temperature);
    let (scale, unit, area_unit, y) = match bulk {
        true => {
            let mean = volume / f64::max(count, 1.0);
            findings.fact("volume", format!("{mean:.3} Å³"));
            (
                molar * per_volume(mean),
                "cm^-1",
                "cm^-2",
                "absorption coefficient α n (cm⁻¹)",
            )
        }
        false => (
            molar,
            "km/mol per cm^-1",
            "km/mol",
            "absorption (km/mol per cm⁻¹)",
        ),
    };
    findings.fact("formula", "α(ω) n(ω) = β/(6 ε0 c V) ∫ exp(-iωt) <M'(0)·M'(t)> dt, which has the harmonic quantum correction in it");
    let correction = match origin.nature.is_quantum()
        && options.correction != QuantumCorrection::Harmonic
    {
        true => {
            findings.warn("ring polymers give Kubo functions, for which the harmonic factor is exact: no other correction is made");
            QuantumCorrection::Harmonic
        }
        false => options.correction,
    };
    findings.fact(
        "correction",
        match correction {
            QuantumCorrection::Harmonic if origin.nature.is_quantum() => {
                "harmonic, exact for the Kubo function of a linear dipole".to_owned()
            }
            c => format!(
                "{} quantum correction of the classical line shape: {}",
                c.name(),
                c.formula()
            ),
        },
    );
    describe_resolution(&mut findings, lags, dt, options, correlations.counts.len());
    let differences = !matches!(source, Source::Velocities(_));
    let gain: Gain = Arc::new(move |w| {
        let lost = if differences {
            difference_gain(w, dt)
        } else {
            1.0
        };
        scale * lost * correction.beside_harmonic(w, temperature)
    });
    let spectrum = Spectrum::new(
        dt,
        correlations.mean(&[0]),
        correlations.leave_one_out(&[0]),
        options.window,
        gain,
    );
    let grid = spectrum.grid(options.padding);
    let found = peaks(&spectrum, &grid, options.prominence);
    let bands = options.bands.iter().map(|b| band(&grid, *b)).collect();
    findings.fact(
        "whole area",
        format!("{} {area_unit}", plain(grid.total(&grid.values))),
    );
    for w in &origin.doubts {
        findings.warn(w.clone());
    }
    if origin.nature == Nature::Unknown && !bulk {
        findings.fact("nuclei", origin.nature.meaning());
    }
    let highest = highest(&grid, options);
    let name = if first.cell.is_bulk() {
        "α n"
    } else {
        "absorption"
    };
    let table = vec![("all".to_owned(), found, bands)];
    peak_tables(&mut findings, "ir", &table, area_unit);
    let grids = vec![(name.to_owned(), grid)];
    findings
        .columns
        .push(spectrum_columns("ir", unit, &grids, f64::INFINITY));
    findings.figures.push(Figure {
        name: "ir".into(),
        chart: chart("Infrared spectrum", y, &grids, highest, &table[0].1),
        caption: format!("Absorption at {temperature:.1} K with the {} quantum correction. The band is the standard error.", correction.name()),
    });
    Ok(findings)
}

/// A change of a dipole moment in a periodic cell: the smallest of those that differ by a charge moved by cell vectors.
fn unfolded(cell: &Cell, change: [f64; 3]) -> [f64; 3] {
    nearest_image(cell, change)
}

/// The temperature of the formula: as given, else of free classical motion as measured, else of the thermostat.
fn temperature(
    motion: &Motion,
    from_velocities: bool,
    origin: &Origin,
    options: &Options,
    findings: &mut Findings,
    t: &Trajectory,
) -> Result<f64> {
    if let Some(given) = options.temperature {
        findings.fact("temperature", format!("{given} K, as given"));
        return Ok(given);
    }
    let measured = from_velocities.then(|| {
        let (freedom, _) = motion.freedom(origin, options);
        motion.temperature(freedom, options)
    });
    let (value, words) = match (origin.nature.is_quantum(), origin.temperature, measured) {
        (true, Some(kept), _) => (kept, "of the path integral"),
        (false, _, Some(measured)) => (measured, "of the motion"),
        (_, Some(kept), None) => (kept, "of the deck"),
        _ => {
            return Err(Error::file(
                &t.path,
                "the temperature is not known: there are no velocities",
            )
            .advise("give it, as in --temperature \"300 K\""));
        }
    };
    if !(value.is_finite() && value > 0.0) {
        return Err(Error::file(&t.path, "the atoms do not move at all"));
    }
    findings.fact("temperature", format!("{value:.2} K {words}"));
    Ok(value)
}
