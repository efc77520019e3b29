//! The vibrational density of states from the mass-weighted autocorrelation of velocities.

use super::atoms::Chosen;
use super::correlate::{
    correlate, describe_resolution, highest, interval, peak_tables, spectrum_columns, spectrum_lags,
};
use super::findings::{Columns, Figure, Findings, Table, plain};
use super::freedom::Motion;
use super::options::Options;
use super::origin::Origin;
use super::trajectory::{Needs, Trajectory};
use crate::analysis::{
    Correlation, Correlator, Gain, Grid, Spectrum, band, difference_gain, peaks,
};
use crate::error::Result;
use crate::report::{Chart, Console, Curve};
use crate::units::FS;
use std::sync::Arc;

/// Vibrational density of states of all atoms, of each element and each group.
pub(super) fn run(
    trajectories: &[Trajectory],
    chosen: &Chosen,
    origin: &Origin,
    options: &Options,
    console: &Console,
) -> Result<Findings> {
    let mut findings = Findings::new("Vibrational density of states");
    let first = &trajectories[0];
    let dt = interval(trajectories)?;
    let lags = spectrum_lags(trajectories, dt, options, &mut findings);
    let frames = trajectories.iter().map(|t| t.number).max().unwrap_or(0);
    let (class_of, parts) = chosen.classes(&first.elements, options);
    let block = Correlator::block_for(frames, lags);
    let from_velocities = trajectories.iter().all(|t| t.has_velocities);
    let correlator = Correlator::new(
        Correlation::Product,
        lags,
        block,
        class_of,
        first.masses.clone(),
    )?;
    let needs = Needs {
        velocities: from_velocities,
        positions: !from_velocities,
        continuous: !from_velocities,
        dipole: false,
    };
    let mut motion = Motion::new(&first.masses);
    let (mut row, mut before): (Vec<[f64; 3]>, Vec<[f64; 3]>) = (Vec::new(), Vec::new());
    let scale = 1.0 / (dt * FS);
    let correlations = correlate(
        correlator,
        trajectories,
        needs,
        options,
        console,
        &mut findings,
        &mut |frame, pass, push| {
            row.clear();
            if from_velocities {
                row.extend_from_slice(frame.velocities);
            } else {
                if frame.index > 0 {
                    let pairs = frame.positions.iter().zip(&before);
                    row.extend(pairs.map(|(b, a)| std::array::from_fn(|k| (b[k] - a[k]) * scale)));
                }
                before.clear();
                before.extend_from_slice(frame.positions);
                if row.is_empty() {
                    return Ok(());
                }
            }
            let drift = match pass {
                0 => motion.look(&row),
                _ => super::correlate::centre(&row, &first.masses),
            };
            if !options.keep_drift {
                row.iter_mut()
                    .for_each(|v| *v = std::array::from_fn(|k| v[k] - drift[k]));
            }
            push(&row);
            Ok(())
        },
    )?;
    let (freedom, counted) = motion.freedom(origin, options);
    findings.fact(
        "velocities",
        match from_velocities {
            true => "from the file".to_owned(),
            false => "central differences of positions between frames; what they lose at high frequencies is given back".to_owned(),
        },
    );
    findings.fact(
        "drift",
        match (motion.drifts(), options.keep_drift) {
            (false, _) => "the centre of mass does not move",
            (true, false) => "the motion of the centre of mass is removed",
            (true, true) => "the motion of the centre of mass is left in",
        },
    );
    findings.fact(
        "freedom",
        format!("{freedom} degrees of freedom: {counted}; the integral over all frequencies"),
    );
    let measured = motion.temperature(freedom, options);
    let of = if origin.nature.is_quantum() {
        "of the centroids"
    } else {
        "of the motion"
    };
    findings.fact("temperature", format!("{measured:.1} K {of}"));
    describe_resolution(&mut findings, lags, dt, options, correlations.counts.len());

    let gain: Gain = match from_velocities {
        true => Arc::new(|_| 1.0),
        false => Arc::new(move |w| difference_gain(w, dt)),
    };
    // All chosen atoms carry what of the degrees of freedom their share of the kinetic energy says.
    let every: Vec<usize> = parts[0].classes.clone();
    let spectrum = |classes: &[usize], scales: &[f64]| {
        let scaled = |mut c: Vec<f64>, s: f64| {
            c.iter_mut().for_each(|x| *x *= s);
            c
        };
        let whole = scaled(correlations.mean(classes), scales[0]);
        let without = correlations.leave_one_out(classes).into_iter().enumerate();
        let without = without.map(|(k, c)| scaled(c, scales[k + 1])).collect();
        Spectrum::new(dt, whole, without, options.window, gain.clone())
    };
    let selected = chosen.indices.len() as f64 / first.elements.len() as f64;
    let share = if selected < 1.0 {
        freedom as f64 * selected
    } else {
        freedom as f64
    };
    if selected < 1.0 {
        findings.fact(
            "chosen",
            format!(
                "{} of {} atoms, with {} degrees of freedom by their number",
                chosen.indices.len(),
                first.elements.len(),
                plain(share)
            ),
        );
    }
    let raw = spectrum(
        &every,
        &vec![1.0; 1 + correlations.leave_one_out(&every).len()],
    )
    .grid(options.padding);
    let scales: Vec<f64> = std::iter::once(&raw.values)
        .chain(&raw.without)
        .map(|v| share / raw.total(v))
        .collect();
    if !scales.iter().all(|s| s.is_finite()) {
        return Err(crate::error::Error::file(
            &first.path,
            "the atoms do not move at all",
        ));
    }
    let mut grids: Vec<(String, Grid)> = Vec::new();
    let mut tables = Vec::new();
    for part in &parts {
        let spectrum = spectrum(&part.classes, &scales);
        let grid = spectrum.grid(options.padding);
        let found = peaks(&spectrum, &grid, options.prominence);
        let bands = options.bands.iter().map(|b| band(&grid, *b)).collect();
        tables.push((part.name.clone(), found, bands));
        grids.push((part.name.clone(), grid));
    }
    let shares = parts.iter().zip(&grids).map(|(p, (_, g))| {
        let area = g.total(&g.values);
        vec![p.name.clone(), p.atoms.to_string(), plain(area)]
    });
    findings.tables.push(Table {
        title: "Degrees of freedom by their kinetic energy".into(),
        heads: vec!["part".into(), "atoms".into(), "integral".into()],
        rows: shares.collect(),
        ..Table::default()
    });
    let highest = highest(&grids[0].1, options);
    for w in &origin.doubts {
        findings.warn(w.clone());
    }
    if origin.nature.is_quantum() {
        findings.fact("meaning", "of quantum nuclei this is the spectrum of the centroids' velocities, scaled to the degrees of freedom");
    }
    peak_tables(&mut findings, "vdos", &tables, "modes");
    findings
        .columns
        .push(spectrum_columns("vdos", "1/cm^-1", &grids, f64::INFINITY));
    findings
        .columns
        .push(lag_columns(&correlations, &parts, dt));
    findings.figures.push(Figure {
        name: "vdos".into(),
        chart: chart("Vibrational density of states", "density of states (1/cm⁻¹)", &grids, highest, &tables[0].1),
        caption: format!(
            "Density of states by wavenumber; its integral is {} degrees of freedom. Bands are standard errors. The lines at the top mark the peaks of all atoms.",
            plain(share)
        ),
    });
    Ok(findings)
}

/// The autocorrelation functions, each divided by its value at lag 0.
fn lag_columns(
    c: &crate::analysis::Correlations,
    parts: &[super::atoms::Part],
    dt: f64,
) -> Columns {
    let mut columns = vec![(0..c.lags()).map(|k| 1e-3 * dt * k as f64).collect()];
    let mut heads = vec!["lag (ps)".to_owned()];
    for part in parts {
        let mean = c.mean(&part.classes);
        heads.push(format!("correlation of {}", part.name));
        columns.push(mean.iter().map(|x| x / mean[0]).collect());
    }
    Columns {
        name: "vacf".into(),
        heads,
        columns,
    }
}

/// Spectra with marks at the highest peaks.
pub(super) fn chart(
    title: &str,
    y: &str,
    grids: &[(String, Grid)],
    highest: f64,
    peaks: &[crate::analysis::Peak],
) -> Chart {
    const MARKED: usize = 12;
    let curves = grids.iter().map(|(name, grid)| {
        let rows = grid.wavenumbers.iter().filter(|w| **w <= highest).count();
        let points = grid.wavenumbers[..rows]
            .iter()
            .copied()
            .zip(grid.values[..rows].iter().copied());
        let curve = Curve::line(name.clone(), points.collect());
        match grid.errors.is_empty() || grids.len() > 4 {
            true => curve,
            false => curve.with_band(&grid.errors[..rows]),
        }
    });
    let mut high: Vec<&crate::analysis::Peak> = peaks
        .iter()
        .filter(|p| p.position.value <= highest)
        .collect();
    high.sort_by(|a, b| b.height.total_cmp(&a.height));
    high.truncate(MARKED);
    high.sort_by(|a, b| a.position.value.total_cmp(&b.position.value));
    Chart {
        title: title.to_owned(),
        x: "wavenumber (cm⁻¹)".into(),
        y: y.to_owned(),
        curves: curves.collect(),
        marks: high
            .iter()
            .map(|p| (p.position.value, format!("{:.0}", p.position.value)))
            .collect(),
        x_range: Some([0.0, highest]),
        ..Chart::default()
    }
}
