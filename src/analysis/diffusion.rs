//! Diffusion coefficients from mean square displacements.

use super::{Correlations, jackknife_error};
use crate::units::BOLTZMANN_J;

/// A mean square displacement with the coefficient of diffusion that it gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Diffusion {
    /// <|x(t+s) - x(t)|²> for each lag (Å²).
    pub displacement: Vec<f64>,
    /// Standard errors from blocks of time; empty when there are too few.
    pub errors: Vec<f64>,
    /// Slope/6 of a line through the lags of the fit (Å² per unit of time).
    pub coefficient: f64,
    /// Its standard error.
    pub error: Option<f64>,
    /// Where that line begins at lag 0 (Å²).
    pub offset: f64,
    /// The exponent d ln(MSD)/d ln(s) in the range of the fit: 1 for diffusion, 2 for free flight, 0 for bound atoms.
    pub exponent: f64,
}

/// The coefficient of diffusion of atoms of some classes, `number` of them, from a fit to the lags `from..=to`; rows are `interval`
/// apart. The fit weighs each lag with 1/s², as the variance of a mean square displacement rises with the square of the lag and
/// faster.
pub fn diffusion(
    c: &Correlations,
    classes: &[usize],
    number: usize,
    interval: f64,
    [from, to]: [usize; 2],
) -> Diffusion {
    let per_atom = |sums: Vec<f64>| -> Vec<f64> {
        sums.into_iter().map(|x| x / number.max(1) as f64).collect()
    };
    let whole = per_atom(c.mean(classes));
    let without: Vec<Vec<f64>> = c.leave_one_out(classes).into_iter().map(per_atom).collect();
    let to = to.min(whole.len().max(1) - 1);
    let line = |y: &[f64]| fit(y, interval, [from.max(1), to]);
    let (offset, slope) = line(&whole);
    let errors = match without.is_empty() {
        true => Vec::new(),
        false => (0..whole.len())
            .map(|k| jackknife_error(without.iter().map(|w| w[k])))
            .collect(),
    };
    let (a, b) = (
        whole[from.clamp(1, to.max(1)).min(whole.len() - 1)],
        whole[to],
    );
    Diffusion {
        coefficient: slope / 6.0,
        error: (!without.is_empty())
            .then(|| jackknife_error(without.iter().map(|w| line(w).1 / 6.0))),
        offset,
        exponent: (b / a).ln() / (to as f64 / from.max(1) as f64).ln(),
        displacement: whole,
        errors,
    }
}

/// Offset and slope of a line through y(s) with weights 1/s².
fn fit(y: &[f64], interval: f64, [from, to]: [usize; 2]) -> (f64, f64) {
    let (mut w0, mut w1, mut w2, mut y0, mut y1) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (s, value) in y.iter().enumerate().take(to + 1).skip(from) {
        let t = s as f64 * interval;
        let w = 1.0 / (t * t);
        w0 += w;
        w1 += w * t;
        w2 += w * t * t;
        y0 += w * value;
        y1 += w * t * value;
    }
    let slope = (w0 * y1 - w1 * y0) / (w0 * w2 - w1 * w1);
    ((y0 - slope * w1) / w0, slope)
}

/// What the coefficient of diffusion in a cubic periodic cell lacks of that of an endless system (Yeh, Hummer, J. Phys. Chem. B
/// 108, 15873 (2004)): 2.837297 kT/(6π η L), in Å²/ps, for a viscosity in Pa s and an edge in Å.
pub fn finite_size_correction(temperature: f64, viscosity: f64, edge: f64) -> f64 {
    const XI: f64 = 2.837_297;
    let metres =
        XI * BOLTZMANN_J * temperature / (6.0 * std::f64::consts::PI * viscosity * edge * 1e-10);
    // m²/s to Å²/ps.
    metres * 1e8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Correlation, Correlator};
    use crate::random::{Purpose, Stream};

    fn correlate(rows: &[Vec<[f64; 3]>], lags: usize) -> Correlations {
        let n = rows[0].len();
        let mut c = Correlator::new(
            Correlation::Displacement,
            lags,
            lags,
            vec![0; n],
            vec![1.0; n],
        )
        .unwrap();
        for pass in c.passes(1 << 30) {
            c.begin(pass);
            rows.iter().for_each(|r| c.push(r));
            c.end();
        }
        c.finish()
    }

    #[test]
    fn free_flight_is_exact() {
        let v = [[0.3, -0.1, 0.2], [1.0, 0.0, 0.5]];
        let rows: Vec<Vec<[f64; 3]>> = (0..500)
            .map(|t| {
                v.iter()
                    .map(|v| v.map(|x| 40.0 + x * f64::from(t) * 0.5))
                    .collect()
            })
            .collect();
        let d = diffusion(&correlate(&rows, 50), &[0], 2, 0.5, [10, 50]);
        for (s, x) in d.displacement.iter().enumerate() {
            let exact = (0.14 + 1.25) / 2.0 * (0.5 * s as f64).powi(2);
            assert!(
                (x - exact).abs() < 1e-9 * exact.max(1e-2),
                "{s}: {x} {exact}"
            );
        }
        assert!((d.exponent - 2.0).abs() < 1e-9 && d.errors.iter().all(|e| *e < 1e-9));
    }

    #[test]
    fn brownian_steps_give_their_coefficient() {
        // Steps uniform in ±h/2: D = h²/(24 Δt) for each axis. 60 atoms, 4000 steps; the error is some percent and must be honest:
        // within 4 of it, which fails once in 10^4.
        let mut draws = Stream::new(5, Purpose::Displacement, 0, 0, 0);
        let mut x = vec![[0.0; 3]; 60];
        let rows: Vec<Vec<[f64; 3]>> = (0..4000)
            .map(|_| {
                x.iter_mut()
                    .flatten()
                    .for_each(|v| *v += draws.uniform() - 0.5);
                x.clone()
            })
            .collect();
        let (dt, exact) = (2.0, 1.0 / 24.0 / 2.0);
        let d = diffusion(&correlate(&rows, 100), &[0], 60, dt, [20, 100]);
        let error = d.error.unwrap();
        eprintln!("{} +- {error}, exact {exact}", d.coefficient);
        assert!((d.coefficient - exact).abs() < 4.0 * error && error < 0.04 * exact);
        assert!((d.exponent - 1.0).abs() < 0.1);
        assert!((d.displacement[1] - 6.0 * exact * dt).abs() < 0.01 * exact);
    }

    #[test]
    fn the_correction_of_yeh_and_hummer() {
        // Water: 298 K, 0.896 mPa s, 20 Å: 0.0346 Å²/ps.
        let c = finite_size_correction(298.0, 0.896e-3, 20.0);
        assert!((c - 0.0346).abs() < 2e-4, "{c}");
    }
}
