//! Windows on the axis of lags, which end a correlation function smoothly.

use std::f64::consts::PI;

/// A window w(s) for lags s = t/T between 0 and the longest lag T; w(0) = 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// 1 up to the longest lag: the narrowest lines, with ripples of a fifth of their height beside them.
    None,
    /// cos²(πs/2): ripples of 2.7 %, which fall off quickly.
    #[default]
    Hann,
    /// exp(-(3s)²/2): nearly no ripples, and lines that are Gaussians.
    Gaussian,
    /// Four cosines (Harris, Proc. IEEE 66, 51 (1978)): ripples of 0.003 %.
    BlackmanHarris,
}

impl Window {
    /// The windows by the names that users write.
    pub const NAMES: [(&'static str, Window); 4] = [
        ("hann", Window::Hann),
        ("gaussian", Window::Gaussian),
        ("blackman-harris", Window::BlackmanHarris),
        ("none", Window::None),
    ];

    /// The name that users write.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|n| n.1 == self).map_or("", |n| n.0)
    }

    /// The window at s = t/T; 0 beyond 1.
    pub fn at(self, s: f64) -> f64 {
        if s > 1.0 {
            return 0.0;
        }
        let c = |n: f64| (PI * n * s).cos();
        match self {
            Window::None => 1.0,
            Window::Hann => 0.5 + 0.5 * c(1.0),
            Window::Gaussian => (-4.5 * s * s).exp(),
            Window::BlackmanHarris => {
                0.35875 + 0.48829 * c(1.0) + 0.14128 * c(2.0) + 0.01168 * c(3.0)
            }
        }
    }

    /// The full width at half height of the line that an endless vibration becomes, in units of 1/T.
    pub fn width(self) -> f64 {
        match self {
            Window::None => 0.603_355,
            Window::Hann => 1.0,
            Window::Gaussian => 1.129_639,
            Window::BlackmanHarris => 1.333_215,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform ∫ w(s) cos(2π f s) ds over 0..1 by a fine sum.
    fn transform(w: Window, f: f64) -> f64 {
        let n = 4000;
        let at = |k: usize| {
            let s = k as f64 / n as f64;
            w.at(s) * (2.0 * PI * f * s).cos()
        };
        (0.5 * (at(0) + at(n)) + (1..n).map(at).sum::<f64>()) / n as f64
    }

    #[test]
    fn widths_are_those_of_their_transforms() {
        for (name, w) in Window::NAMES {
            assert_eq!((w.name(), w.at(0.0), w.at(1.5)), (name, 1.0, 0.0));
            let half = 0.5 * transform(w, 0.0);
            let (mut low, mut high) = (0.1, 1.0);
            for _ in 0..60 {
                let f = 0.5 * (low + high);
                if transform(w, f) > half {
                    low = f;
                } else {
                    high = f;
                }
            }
            let width = low + high;
            eprintln!("{name}: {width:.6}");
            assert!((width - w.width()).abs() < 2e-4, "{name}: {width}");
        }
    }
}
