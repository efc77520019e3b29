//! Mean square displacements and diffusion.

use super::atoms::Chosen;
use super::correlate::{centre, correlate, interval};
use super::findings::{Columns, Figure, Findings, Table, with_error};
use super::options::Options;
use super::origin::Origin;
use super::trajectory::{Needs, Trajectory, short};
use crate::analysis::{Correlation, Correlator, Diffusion, diffusion, finite_size_correction};
use crate::error::{Error, Result};
use crate::report::{Chart, Console, Curve, CurveStyle};

/// Å²/ps to 1e-9 m²/s.
const NANO: f64 = 10.0;

/// Mean square displacement of all atoms, of each element and each group.
pub(super) fn run(
    trajectories: &[Trajectory],
    chosen: &Chosen,
    origin: &Origin,
    options: &Options,
    console: &Console,
) -> Result<Findings> {
    let mut findings = Findings::new("Mean square displacement");
    let first = &trajectories[0];
    let dt = interval(trajectories)?;
    let longest = trajectories.iter().map(|t| t.number).max().unwrap_or(0);
    let lags = match options.lag {
        Some(lag) => (lag / dt).round() as usize,
        None => longest / 10,
    };
    if lags >= longest {
        return Err(Error::input(
            "--lag",
            format!(
                "the trajectory has only {} ps",
                short(1e-3 * dt * (longest - 1) as f64)
            ),
        ));
    }
    let lags = lags.max(4).min(longest - 1);
    let (class_of, parts) = chosen.classes(&first.elements, options);
    let correlator = Correlator::new(
        Correlation::Displacement,
        lags,
        Correlator::block_for(longest, lags),
        class_of,
        vec![1.0; first.elements.len()],
    )?;
    let needs = Needs {
        positions: true,
        continuous: true,
        ..Needs::default()
    };
    let keep = options.keep_drift;
    let mut row = Vec::new();
    let (mut edges, mut count) = ([0.0; 3], 0.0);
    let mut cubic = true;
    let correlations = correlate(
        correlator,
        trajectories,
        needs,
        options,
        console,
        &mut findings,
        &mut |frame, pass, push| {
            if pass == 0 {
                let (lengths, angles) = frame.cell.lengths_and_angles();
                cubic &= frame.cell.is_bulk() && angles.iter().all(|a| (a - 90.0).abs() < 0.1);
                (0..3).for_each(|k| edges[k] += lengths[k]);
                count += 1.0;
            }
            let middle = if keep {
                [0.0; 3]
            } else {
                centre(frame.positions, &first.masses)
            };
            row.clear();
            row.extend(
                frame
                    .positions
                    .iter()
                    .map(|x| -> [f64; 3] { std::array::from_fn(|k| x[k] - middle[k]) }),
            );
            push(&row);
            Ok(())
        },
    )?;
    let fit = match options.fit {
        Some([a, b]) => [(a / dt).round() as usize, (b / dt).round() as usize],
        None => [lags / 5, lags],
    };
    if fit[0] >= fit[1] || fit[1] > lags {
        return Err(
            Error::input("--fit", "the range is not inside of the lags").advise(format!(
                "lags go up to {} ps, in steps of {} fs (--lag changes that)",
                short(1e-3 * dt * lags as f64),
                short(dt)
            )),
        );
    }
    let fit = [fit[0].max(1), fit[1]];
    let ps = 1e-3 * dt;
    let results: Vec<Diffusion> = parts
        .iter()
        .map(|p| diffusion(&correlations, &p.classes, p.atoms, ps, fit))
        .collect();
    findings.fact(
        "lags",
        format!(
            "up to {} ps; all pairs of frames that far apart",
            short(ps * lags as f64)
        ),
    );
    findings.fact(
        "fit",
        format!(
            "{} to {} ps, weights 1/lag²",
            short(ps * fit[0] as f64),
            short(ps * fit[1] as f64)
        ),
    );
    findings.fact(
        "drift",
        if keep {
            "the motion of the centre of mass is left in"
        } else {
            "the motion of the centre of mass is removed"
        },
    );
    if origin.nature.is_quantum() {
        findings.fact("nuclei", "displacements are those of the centroids");
    }
    let edge = edges.map(|e| e / f64::max(count, 1.0));
    cubic &= edge.iter().all(|e| (e - edge[0]).abs() < 1e-3 * edge[0]);
    let correction = finite_size(cubic, edge[0], origin, options, &mut findings)?;
    let mut rows = Vec::new();
    for (part, d) in parts.iter().zip(&results) {
        let mut cells = vec![
            part.name.clone(),
            part.atoms.to_string(),
            with_error(d.coefficient, d.error),
            with_error(NANO * d.coefficient, d.error.map(|e| NANO * e)),
            format!("{:.2}", d.exponent),
        ];
        if let Some(c) = correction {
            cells.push(with_error(
                NANO * (d.coefficient + c),
                d.error.map(|e| NANO * e),
            ));
        }
        rows.push(cells);
        let name = &part.name;
        // Solids have no diffusion, and short lags are free flight.
        if !(0.75..1.25).contains(&d.exponent) {
            findings.warn(format!(
                "{name}: the displacement does not grow like diffusion in the range of the fit (exponent {:.2}, not 1): {}",
                d.exponent,
                if d.exponent < 1.0 { "atoms are bound, as in a solid or molecule, or the lags are still too short" } else { "the lags are too short, or something flows" }
            ));
        }
    }
    let mut heads: Vec<String> = ["part", "atoms", "D (Å²/ps)", "D (1e-9 m²/s)", "exponent"]
        .map(String::from)
        .to_vec();
    if correction.is_some() {
        heads.push("corrected for size".into());
    }
    findings.tables.push(Table {
        title: "Diffusion coefficients".into(),
        heads,
        rows,
        ..Table::default()
    });
    let lag: Vec<f64> = (0..=lags).map(|k| ps * k as f64).collect();
    let (mut heads, mut columns) = (vec!["lag (ps)".to_owned()], vec![lag.clone()]);
    let mut curves = Vec::new();
    for (k, (part, d)) in parts.iter().zip(&results).enumerate() {
        heads.push(format!("{} (Å^2)", part.name));
        columns.push(d.displacement.clone());
        let points = lag
            .iter()
            .copied()
            .zip(d.displacement.iter().copied())
            .collect();
        let mut curve = Curve::line(part.name.clone(), points).coloured(k);
        if !d.errors.is_empty() {
            heads.push(format!("error of {} (Å^2)", part.name));
            columns.push(d.errors.clone());
            curve = curve.with_band(&d.errors);
        }
        curves.push(curve);
        let line = |s: usize| (lag[s], d.offset + 6.0 * d.coefficient * lag[s]);
        curves.push(
            Curve::line("", vec![line(fit[0]), line(fit[1])])
                .styled(CurveStyle::Dashed)
                .coloured(6),
        );
    }
    findings.columns.push(Columns {
        name: "msd".into(),
        heads,
        columns,
    });
    findings.figures.push(Figure {
        name: "msd".into(),
        chart: Chart {
            title: "Mean square displacement".into(),
            x: "lag (ps)".into(),
            y: "mean square displacement (Å²)".into(),
            curves,
            ..Chart::default()
        },
        caption: "Mean square displacement; bands are standard errors, dashed lines the fits whose slope is 6 D.".into(),
    });
    Ok(findings)
}

/// What has to be added for an endless system (Å²/ps), where the viscosity is given.
fn finite_size(
    cubic: bool,
    edge: f64,
    origin: &Origin,
    options: &Options,
    findings: &mut Findings,
) -> Result<Option<f64>> {
    let Some(viscosity) = options.viscosity else {
        if cubic {
            findings.fact("finite size", "not corrected: in a periodic cell D is too small by 2.837 kT/(6π η L) (Yeh and Hummer 2004); --viscosity makes the correction");
        }
        return Ok(None);
    };
    if !cubic {
        findings.warn("no correction for finite size: it is known for cubic cells only");
        return Ok(None);
    }
    let Some(t) = options.temperature.or(origin.temperature) else {
        return Err(Error::input("--viscosity", "the temperature is not known")
            .advise("give it, as in --temperature \"300 K\""));
    };
    let c = finite_size_correction(t, viscosity, edge);
    findings.fact(
        "finite size",
        format!(
            "D of an endless system is larger by 2.837 kT/(6π η L) = {:.4} Å²/ps: η = {} mPa s as given, L = {edge:.3} Å, {t} K (Yeh and Hummer 2004)",
            c,
            short(1e3 * viscosity)
        ),
    );
    Ok(Some(c))
}
