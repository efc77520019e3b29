//! The cosine switch of descriptors, with the optional power-law tail of `distance_2b`.

use std::f64::consts::PI;

/// A value with its first and second derivative.
pub(crate) type Jet = [f64; 3];

/// Where a distance lies in relation to a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Below the switch: factor 1.
    Full,
    /// Inside the switch.
    Switch,
    /// Beyond the cutoff: factor 0.
    Beyond,
}

/// fc(r) = 1 up to `cutoff - width`, ½(cos(π(r - cutoff + width)/width) + 1) to `cutoff`, 0 beyond; times
/// (erf(g r)/r)^t when there is a tail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Switch {
    /// Range (Å).
    pub cutoff: f64,
    /// Width of the transition (Å).
    pub width: f64,
    /// t and g of the tail.
    pub tail: Option<(f64, f64)>,
}

impl Switch {
    /// The zone of a distance; borders belong to the zone above.
    pub(crate) fn zone(&self, r: f64) -> Zone {
        if r >= self.cutoff {
            Zone::Beyond
        } else if r > self.cutoff - self.width {
            Zone::Switch
        } else {
            Zone::Full
        }
    }

    /// The factor as if `r` lay in a zone: the smooth continuation, for one-sided limits at the borders.
    pub(crate) fn at(&self, r: f64, zone: Zone) -> Jet {
        let switch = match zone {
            Zone::Beyond => return [0.0; 3],
            Zone::Full => [1.0, 0.0, 0.0],
            Zone::Switch => {
                let per = PI / self.width;
                let phase = (r - (self.cutoff - self.width)) * per;
                let half = (0.5 * phase).cos();
                [
                    half * half,
                    -0.5 * per * phase.sin(),
                    -0.5 * per * per * phase.cos(),
                ]
            }
        };
        match self.tail {
            None => switch,
            Some((t, g)) => product(switch, tail(r, t, g)),
        }
    }
}

/// (erf(g r)/r)^t.
fn tail(r: f64, t: f64, g: f64) -> Jet {
    let gauss = 2.0 * g / PI.sqrt() * (-(g * r) * (g * r)).exp();
    let u = libm::erf(g * r) / r;
    let u1 = (gauss - u) / r;
    let u2 = (-2.0 * g * g * r * gauss - 2.0 * u1) / r;
    let power = u.powf(t);
    let first = t * power / u;
    [power, first * u1, first * ((t - 1.0) * u1 * u1 / u + u2)]
}

/// The product of two functions.
pub(super) fn product(a: Jet, b: Jet) -> Jet {
    [
        a[0] * b[0],
        a[1] * b[0] + a[0] * b[1],
        a[2] * b[0] + 2.0 * a[1] * b[1] + a[0] * b[2],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_value() {
        for tail in [None, Some((2.0, 0.7)), Some((6.0, 1.0))] {
            let s = Switch {
                cutoff: 4.0,
                width: 1.0,
                tail,
            };
            for r in [0.8, 2.2, 3.3, 3.9] {
                let z = s.zone(r);
                let h = 1e-4;
                let (m, c, p) = (s.at(r - h, z), s.at(r, z), s.at(r + h, z));
                assert!(((p[0] - m[0]) / (2.0 * h) - c[1]).abs() < 3e-7, "{r}");
                assert!(((p[1] - m[1]) / (2.0 * h) - c[2]).abs() < 3e-6, "{r}");
            }
        }
    }

    #[test]
    fn values_of_the_reference() {
        // quippy: distance_2b cutoff=4 tail_exponent=2 tail_range=0.7 at 2.2 Å.
        let s = Switch {
            cutoff: 4.0,
            width: 0.5,
            tail: Some((2.0, 0.7)),
        };
        assert!((s.at(2.2, s.zone(2.2))[0] - 0.194_635_66).abs() < 5e-9);
        let s = Switch {
            cutoff: 4.0,
            width: 0.5,
            tail: None,
        };
        assert_eq!(s.at(3.5, s.zone(3.5))[0], 1.0);
        assert!((s.at(3.75, s.zone(3.75))[0] - 0.5).abs() < 1e-15);
        assert_eq!(
            (s.zone(4.0), s.at(4.0, s.zone(4.0))),
            (Zone::Beyond, [0.0; 3])
        );
    }
}
