//! From correlation functions to spectra: window, padding with zeros, cosine transform, errors by the jackknife.

use super::Window;
use super::fourier::{cosine_sums, fast_length};
use crate::units::LIGHT_M_S;
use std::sync::Arc;

/// cm⁻¹ to 1/fs.
pub const WAVENUMBER_IN_PER_FS: f64 = LIGHT_M_S * 1e-13;
/// cm⁻¹ to THz.
pub const WAVENUMBER_IN_THZ: f64 = LIGHT_M_S * 1e-10;

/// What each value of a spectrum is multiplied with, by wavenumber (cm⁻¹).
pub type Gain = Arc<dyn Fn(f64) -> f64 + Send + Sync>;

/// A spectrum: S(ν) = gain(ν) 2 ∫ C(t) w(t) cos(2πνt) dt over positive t, as a density in cm⁻¹.
#[derive(Clone)]
pub struct Spectrum {
    /// Time between the values of the correlation function (fs).
    interval: f64,
    /// Correlation function times window.
    lags: Vec<f64>,
    /// The same without some of the data each, for errors.
    without: Vec<Vec<f64>>,
    gain: Gain,
    window: Window,
}

/// A spectrum on a grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// Places (cm⁻¹), evenly spaced from 0 to half the sampling rate.
    pub wavenumbers: Vec<f64>,
    /// Values.
    pub values: Vec<f64>,
    /// Standard errors; empty when there are too few data for any.
    pub errors: Vec<f64>,
    /// The spectra without some of the data each; as many as there were.
    pub without: Vec<Vec<f64>>,
}

impl Spectrum {
    /// The spectrum of a correlation function whose values are `interval` (fs) apart, and of those without some data.
    pub fn new(
        interval: f64,
        correlation: Vec<f64>,
        without: Vec<Vec<f64>>,
        window: Window,
        gain: Gain,
    ) -> Spectrum {
        let longest = correlation.len().max(2) - 1;
        let cut = |mut c: Vec<f64>| {
            for (k, v) in c.iter_mut().enumerate() {
                *v *= window.at(k as f64 / longest as f64);
            }
            c
        };
        Spectrum {
            interval,
            lags: cut(correlation),
            without: without.into_iter().map(cut).collect(),
            gain,
            window,
        }
    }

    /// The width (cm⁻¹) at half height that an endless vibration has here.
    pub fn resolution(&self) -> f64 {
        resolution(
            self.interval * (self.lags.len().max(2) - 1) as f64,
            self.window,
        )
    }

    /// The value at a wavenumber (cm⁻¹) by the direct sum, which does not depend on any grid.
    pub fn at(&self, wavenumber: f64) -> f64 {
        self.density(&self.lags, wavenumber)
    }

    /// The same without part `k` of the data.
    pub fn at_without(&self, k: usize, wavenumber: f64) -> f64 {
        self.density(&self.without[k], wavenumber)
    }

    fn density(&self, lags: &[f64], wavenumber: f64) -> f64 {
        // Σ c(k) cos(kφ) by Clenshaw's recurrence.
        let phase = 2.0 * std::f64::consts::PI * wavenumber * WAVENUMBER_IN_PER_FS * self.interval;
        let twice = 2.0 * phase.cos();
        let (mut a, mut b) = (0.0, 0.0);
        for c in lags.iter().skip(1).rev() {
            (a, b) = (c + twice * a - b, a);
        }
        let sum = 0.5 * lags.first().copied().unwrap_or(0.0) + 0.5 * twice * a - b;
        self.scaled(sum, wavenumber)
    }

    fn scaled(&self, sum: f64, wavenumber: f64) -> f64 {
        2.0 * self.interval * WAVENUMBER_IN_PER_FS * (self.gain)(wavenumber) * sum
    }

    /// The spectrum on a grid, padded with zeros to `padding` times its length and more.
    pub fn grid(&self, padding: usize) -> Grid {
        let length = fast_length(2 * padding.max(1) * self.lags.len().max(2));
        let spacing = 1.0 / (length as f64 * self.interval * WAVENUMBER_IN_PER_FS);
        let wavenumbers: Vec<f64> = (0..=length / 2).map(|k| k as f64 * spacing).collect();
        let of = |lags: &Vec<f64>| -> Vec<f64> {
            let sums = cosine_sums(lags, length);
            let pairs = sums.into_iter().zip(&wavenumbers);
            pairs.map(|(s, w)| self.scaled(s, *w)).collect()
        };
        let values = of(&self.lags);
        let without: Vec<Vec<f64>> = self.without.iter().map(of).collect();
        let errors = match without.is_empty() {
            true => Vec::new(),
            false => (0..values.len())
                .map(|k| jackknife_error(without.iter().map(|w| w[k])))
                .collect(),
        };
        Grid {
            wavenumbers,
            values,
            errors,
            without,
        }
    }

    /// Number of parts of the data of which each was left out once.
    pub fn parts(&self) -> usize {
        self.without.len()
    }
}

/// The width (cm⁻¹) at half height of an endless vibration for a longest lag (fs).
pub fn resolution(longest: f64, window: Window) -> f64 {
    window.width() / longest / WAVENUMBER_IN_PER_FS
}

/// The standard error by the jackknife from the values with one part left out each; not a number for fewer than two.
pub fn jackknife_error(without: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = without.clone().count() as f64;
    let mean = without.clone().sum::<f64>() / n;
    let scatter: f64 = without.map(|v| (v - mean).powi(2)).sum();
    match n >= 2.0 {
        true => ((n - 1.0) / n * scatter).sqrt(),
        false => f64::NAN,
    }
}

impl Grid {
    /// The integral from `a` to `b` (cm⁻¹) by the trapezoidal rule, which is exact for the whole grid.
    pub fn integral(&self, values: &[f64], a: f64, b: f64) -> f64 {
        self.moment(values, a, b, |_| 1.0)
    }

    /// The integral of a spectrum times a function of the wavenumber.
    pub fn moment(&self, values: &[f64], a: f64, b: f64, weight: impl Fn(f64) -> f64) -> f64 {
        let w = &self.wavenumbers;
        let Some(spacing) = w.get(1).copied() else {
            return 0.0;
        };
        let at = |x: f64| {
            let s = (x / spacing).clamp(0.0, (w.len() - 1) as f64);
            let k = (s as usize).min(w.len() - 2);
            (values[k] + (s - k as f64) * (values[k + 1] - values[k])) * weight(x)
        };
        let (a, b) = (a.max(0.0), b.min(w[w.len() - 1]));
        if a >= b {
            return 0.0;
        }
        let first = (a / spacing).floor() as usize + 1;
        let mut sum = 0.0;
        let mut before = a;
        for k in first..w.len() {
            let x = w[k].min(b);
            sum += 0.5 * (x - before) * (at(before) + at(x));
            before = x;
            if x >= b {
                break;
            }
        }
        sum
    }

    /// The integral of the whole.
    pub fn total(&self, values: &[f64]) -> f64 {
        self.integral(values, 0.0, f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vibration_is_a_line_of_the_stated_width_and_area() {
        let (dt, place) = (2.0, 1000.0);
        let omega = 2.0 * std::f64::consts::PI * place * WAVENUMBER_IN_PER_FS;
        let c: Vec<f64> = (0..2001)
            .map(|k| 2.0 * (omega * dt * f64::from(k)).cos())
            .collect();
        for (_, window) in Window::NAMES {
            let gain: Gain = Arc::new(|_| 1.0);
            let spectrum = Spectrum::new(dt, c.clone(), vec![c.clone(), c.clone()], window, gain);
            for padding in [1, 3] {
                let grid = spectrum.grid(padding);
                // The integral is C(0)/2, whatever the window.
                assert!((grid.total(&grid.values) - 1.0).abs() < 1e-10);
                assert!(grid.errors.iter().all(|e| *e == 0.0));
                for k in [3, 77, 500] {
                    let direct = spectrum.at(grid.wavenumbers[k]);
                    assert!((direct - grid.values[k]).abs() < 1e-10, "{direct}");
                }
                let half = grid.integral(&grid.values, 0.0, place) / grid.total(&grid.values);
                assert!(padding == 1 || (half - 0.5).abs() < 0.03, "{half}");
            }
            let r = spectrum.resolution();
            let [top, left, right] = [0.0, -0.5, 0.5].map(|s| spectrum.at(place + s * r));
            assert!((left / top - 0.5).abs() < 0.01 && (right / top - 0.5).abs() < 0.01);
            assert_eq!(
                (spectrum.parts(), spectrum.at_without(1, 5.0)),
                (2, spectrum.at(5.0))
            );
        }
        assert!((resolution(1000.0, Window::Hann) - 33.356).abs() < 1e-3);
    }
}
