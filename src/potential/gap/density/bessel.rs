//! Modified spherical Bessel functions of the first kind.

/// exp(-x) i_l(x) for l = 0 .. out.len() - 1 and x >= 0, to a few units in the last place.
///
/// Ratios i_(l+1)/i_l by downward recursion (upward loses all digits for l > x), then i_0 in closed form.
pub(in super::super) fn scaled_bessel(x: f64, out: &mut [f64]) {
    let Some(last) = out.len().checked_sub(1) else {
        return;
    };
    // The error of the start contracts by (i_(l+1)/i_l)^2 a step; for large x that is exp(-2 l/x), so sqrt(40 x) steps.
    let start = last + 24 + (40.0 * x).sqrt() as usize;
    let mut ratio = 0.0;
    for l in (1..=start).rev() {
        ratio = x / (x * ratio + (2 * l + 1) as f64);
        if l - 1 < last {
            out[l] = ratio;
        }
    }
    out[0] = if x < 1e-8 {
        1.0 - x
    } else {
        -(-2.0 * x).exp_m1() / (2.0 * x)
    };
    for l in 1..=last {
        out[l] *= out[l - 1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bessel_against_series_and_closed_forms() {
        let mut out = [0.0; 14];
        for x in [0.0, 1e-12, 1e-5, 0.03, 0.7, 2.0, 9.0, 40.0, 150.0, 600.0] {
            scaled_bessel(x, &mut out);
            // Power series with positive terms only: exact for moderate x.
            if x < 50.0 {
                for (l, &value) in out.iter().enumerate() {
                    let mut term: f64 = (-x).exp();
                    for k in 1..=l {
                        term *= x / (2 * k + 1) as f64;
                    }
                    let mut sum = 0.0;
                    for k in 1..400 {
                        sum += term;
                        term *= 0.5 * x * x / (k as f64 * (2 * l + 2 * k + 1) as f64);
                    }
                    assert!(
                        (value - sum).abs() <= 1e-14 * sum,
                        "x {x} l {l}: {value} {sum}"
                    );
                }
            } else {
                assert!((out[0] - 0.5 / x).abs() < 1e-15 * out[0]);
                let i1 = 0.5 / x - 0.5 / (x * x);
                assert!((out[1] - i1).abs() < 1e-14 * i1);
                let i2 = 0.5 / x - 1.5 / (x * x) + 1.5 / (x * x * x);
                assert!((out[2] - i2).abs() < 1e-14 * i2);
            }
        }
    }
}
