//! Peaks and bands of spectra, with errors by the jackknife.

use super::spectrum::jackknife_error;
use super::{Grid, Measured, Spectrum};
use crate::parallel;

/// A peak of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Where it is highest (cm⁻¹).
    pub position: Measured,
    /// Full width at half height (cm⁻¹), resolution included; `None` when it does not fall to one half on both sides.
    pub width: Option<Measured>,
    /// Height in the unit of the spectrum.
    pub height: f64,
    /// Area between the valleys beside it, or where it has fallen to a fiftieth.
    pub area: Measured,
    /// Where the area was taken (cm⁻¹).
    pub range: [f64; 2],
}

/// What lies between two wavenumbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// From and to (cm⁻¹).
    pub range: [f64; 2],
    /// The centre of the area (cm⁻¹).
    pub centre: Measured,
    /// The standard deviation of the area about its centre (cm⁻¹).
    pub spread: Measured,
    /// The area.
    pub area: Measured,
}

/// Most peaks that are listed.
const MOST: usize = 60;
/// A peak must stand out by this many of its errors.
const CLEAR: f64 = 3.0;
/// Part of its height at which a peak that stands alone ends.
const FOOT: f64 = 0.02;

/// The peaks that stand out from what is beside them by the part `prominence` of the highest one (those at 0 left out), from low
/// to high wavenumbers.
pub fn peaks(spectrum: &Spectrum, grid: &Grid, prominence: f64) -> Vec<Peak> {
    let v = &grid.values;
    // What falls off from zero on is diffusion, and no peak to be compared with.
    let rising = v.windows(2).position(|w| w[1] > w[0]).unwrap_or(v.len());
    let top = v.iter().skip(rising).copied().fold(0.0, f64::max);
    let mut found: Vec<(usize, f64)> = (1..v.len().max(2) - 1)
        .filter(|&k| v[k] > v[k - 1] && v[k] >= v[k + 1])
        .map(|k| (k, prominence_of(v, k)))
        .filter(|&(k, p)| {
            p >= prominence * top
                && p > 0.0
                && p >= CLEAR * grid.errors.get(k).copied().unwrap_or(0.0)
        })
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(MOST);
    let mut places: Vec<usize> = found.into_iter().map(|f| f.0).collect();
    places.sort_unstable();
    let mut out: Vec<Option<Peak>> = vec![None; places.len()];
    parallel::for_each_mut(&mut out, |i, slot| {
        let left = if i == 0 {
            0
        } else {
            valley(v, places[i - 1], places[i])
        };
        let right = places
            .get(i + 1)
            .map_or(v.len() - 1, |&next| valley(v, places[i], next));
        *slot = Some(measure(spectrum, grid, places[i], [left, right]));
    });
    out.into_iter().flatten().collect()
}

/// How far a maximum stands above the higher of the two lowest points that separate it from higher ground.
fn prominence_of(v: &[f64], k: usize) -> f64 {
    let lowest = |mut side: Box<dyn Iterator<Item = &f64> + '_>| {
        let mut low = v[k];
        for &y in side.by_ref() {
            if y > v[k] {
                return (low, true);
            }
            low = low.min(y);
        }
        (low, false)
    };
    let (left, right) = (
        lowest(Box::new(v[..k].iter().rev())),
        lowest(Box::new(v[k + 1..].iter())),
    );
    let base = match (left, right) {
        ((a, true), (b, true)) => a.max(b),
        ((a, true), _) => a,
        (_, (b, true)) => b,
        // The highest of all stands above the deeper valley.
        _ => left.0.min(right.0),
    };
    // What is below zero is a ripple of the window.
    v[k] - base.max(0.0)
}

fn valley(v: &[f64], a: usize, b: usize) -> usize {
    (a..=b).min_by(|i, j| v[*i].total_cmp(&v[*j])).unwrap_or(a)
}

fn measure(spectrum: &Spectrum, grid: &Grid, k: usize, [left, right]: [usize; 2]) -> Peak {
    let (w, v) = (&grid.wavenumbers, &grid.values);
    let step = w[1];
    let foot = |mut side: Box<dyn Iterator<Item = usize>>, end: usize| {
        side.find(|&i| v[i] <= FOOT * v[k]).unwrap_or(end)
    };
    let low = foot(Box::new((left..k).rev()), left);
    let high = foot(Box::new(k + 1..=right), right);
    let range = [w[low], w[high]];
    let whole = |x: f64| spectrum.at(x);
    let position = highest(&whole, w[k] - step, w[k] + step);
    let height = whole(position);
    let width = half_width(&whole, position, height, range, step);
    // Without some of the data the peak is looked for where it is, and not among its neighbours.
    let reach = (width.unwrap_or(0.0).max(spectrum.resolution()) / step) as usize;
    let around = k.saturating_sub(reach).max(low)..=(k + reach).min(high);
    let parts = spectrum.parts();
    let mut others: Vec<(f64, Option<f64>, f64)> = Vec::with_capacity(parts);
    for (part, values) in grid.without.iter().enumerate().take(parts) {
        let f = |x: f64| spectrum.at_without(part, x);
        let near = around
            .clone()
            .max_by(|i, j| values[*i].total_cmp(&values[*j]))
            .unwrap_or(k);
        let at = highest(
            &f,
            (w[near] - step).max(range[0]),
            (w[near] + step).min(range[1]),
        );
        let width = half_width(&f, at, f(at), range, step);
        others.push((at, width, grid.integral(values, range[0], range[1])));
    }
    type Found = (f64, Option<f64>, f64);
    let error = |of: fn(&Found) -> Option<f64>| {
        let values: Option<Vec<f64>> = others.iter().map(of).collect();
        values
            .filter(|v| v.len() >= 4)
            .map(|v| jackknife_error(v.into_iter()))
    };
    Peak {
        position: Measured {
            value: position,
            error: error(|o| Some(o.0)),
        },
        width: width.map(|value| Measured {
            value,
            error: error(|o| o.1),
        }),
        height,
        area: Measured {
            value: grid.integral(v, range[0], range[1]),
            error: error(|o| Some(o.2)),
        },
        range,
    }
}

/// The place of a maximum by golden sections.
fn highest(f: &dyn Fn(f64) -> f64, mut a: f64, mut b: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut c, mut d) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
    let (mut fc, mut fd) = (f(c), f(d));
    for _ in 0..36 {
        if fc > fd {
            (b, d, fd) = (d, c, fc);
            c = b - GOLDEN * (b - a);
            fc = f(c);
        } else {
            (a, c, fc) = (c, d, fd);
            d = a + GOLDEN * (b - a);
            fd = f(d);
        }
    }
    0.5 * (a + b)
}

/// The distance between the places on both sides where a peak has half its height, inside of a range.
fn half_width(
    f: &dyn Fn(f64) -> f64,
    top: f64,
    height: f64,
    range: [f64; 2],
    step: f64,
) -> Option<f64> {
    let side = |sign: f64, end: f64| {
        let (mut near, mut far) = (top, top);
        loop {
            far += sign * step;
            if sign * (far - end) > 0.5 * step {
                return None;
            }
            if f(far) <= 0.5 * height {
                break;
            }
            near = far;
        }
        for _ in 0..40 {
            let middle = 0.5 * (near + far);
            if f(middle) > 0.5 * height {
                near = middle;
            } else {
                far = middle;
            }
        }
        Some(0.5 * (near + far))
    };
    Some(side(1.0, range[1])? - side(-1.0, range[0])?)
}

/// Area, centre and spread of what lies between two wavenumbers (cm⁻¹).
pub fn band(grid: &Grid, range: [f64; 2]) -> Band {
    let numbers = |values: &[f64]| {
        let moment = |weight: &dyn Fn(f64) -> f64| grid.moment(values, range[0], range[1], weight);
        let area = moment(&|_| 1.0);
        let centre = moment(&|x| x) / area;
        let spread = (moment(&|x| (x - centre).powi(2)) / area).max(0.0).sqrt();
        [area, centre, spread]
    };
    let others: Vec<[f64; 3]> = grid.without.iter().map(|v| numbers(v)).collect();
    let whole = numbers(&grid.values);
    let measured = |k: usize| Measured {
        value: whole[k],
        error: (others.len() >= 4).then(|| jackknife_error(others.iter().map(|o| o[k]))),
    };
    Band {
        range,
        area: measured(0),
        centre: measured(1),
        spread: measured(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Gain, WAVENUMBER_IN_PER_FS, Window};
    use std::sync::Arc;

    fn spectrum(window: Window, lines: &[(f64, f64, f64)]) -> Spectrum {
        let at = |k: usize| {
            let t = 1.5 * k as f64 * WAVENUMBER_IN_PER_FS * 2.0 * std::f64::consts::PI;
            let line = |&(place, area, width): &(f64, f64, f64)| {
                2.0 * area * (place * t).cos() * (-0.5 * width * t).exp()
            };
            lines.iter().map(line).sum()
        };
        let c: Vec<f64> = (0..4000).map(at).collect();
        let gain: Gain = Arc::new(|_| 1.0);
        Spectrum::new(1.5, c, Vec::new(), window, gain)
    }

    #[test]
    fn places_do_not_depend_on_window_or_padding() {
        let lines = [(412.34, 2.0, 0.0), (1650.21, 1.0, 0.0), (3333.33, 3.0, 0.0)];
        for (_, window) in Window::NAMES {
            let s = spectrum(window, &lines);
            for padding in [1, 2, 4, 8] {
                // Lines that are narrower than the distance of two points hide between them.
                if window == Window::None && padding == 1 {
                    continue;
                }
                let found = peaks(&s, &s.grid(padding), 0.3);
                assert_eq!(found.len(), 3, "{window:?} {padding}");
                for (peak, line) in found.iter().zip(&lines) {
                    let off = (peak.position.value - line.0).abs() / s.resolution();
                    assert!(off < 0.02, "{window:?} {padding}: {off}");
                    let width = peak.width.unwrap().value / s.resolution();
                    assert!((width - 1.0).abs() < 0.05, "{width}");
                    if window != Window::None {
                        assert!((peak.area.value / line.1 - 1.0).abs() < 0.05, "{:?}", peak);
                    }
                    assert!(peak.position.error.is_none());
                }
            }
        }
    }

    #[test]
    fn widths_areas_and_bands_of_a_lorentzian() {
        let s = spectrum(Window::Hann, &[(1500.0, 1.0, 40.0)]);
        let grid = s.grid(4);
        let found = peaks(&s, &grid, 0.02);
        assert_eq!(found.len(), 1);
        let width = found[0].width.unwrap().value;
        assert!((width - 40.0).abs() < 2.0, "{width}");
        let b = band(&grid, [1300.0, 1700.0]);
        // A Lorentzian has (2/π) atan(200/20) of its area there.
        assert!(
            (b.area.value - 0.9366).abs() < 0.003 && (b.centre.value - 1500.0).abs() < 0.1,
            "{b:?}"
        );
        assert!(band(&grid, [5.0, 5.0]).area.value == 0.0);
    }

    #[test]
    fn prominences() {
        let v = [0.0, 3.0, 1.0, 2.0, 0.5, 5.0, 0.0];
        assert_eq!([1, 3, 5].map(|k| prominence_of(&v, k)), [2.5, 1.0, 5.0]);
    }
}
