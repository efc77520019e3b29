//! Errors of what is made from several averages at once.

/// An estimate with its error by the jackknife (Efron, Stein, Ann. Stat. 9, 586 (1981)) over blocks that are long beside the
/// correlation time; corrected for its bias of first order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

/// Estimates `function` of averages. `blocks` holds, for each block, the averages over it of what the function needs.
///
/// `None` with fewer than four blocks, or when the function has no finite value.
pub fn jackknife<const N: usize>(
    blocks: &[[f64; N]],
    function: impl Fn(&[f64; N]) -> f64,
) -> Option<Estimate> {
    let b = blocks.len();
    if b < 4 {
        return None;
    }
    let n = b as f64;
    let total: [f64; N] = std::array::from_fn(|i| blocks.iter().map(|x| x[i]).sum());
    let whole = function(&total.map(|t| t / n));
    let without: Vec<f64> = blocks
        .iter()
        .map(|x| function(&std::array::from_fn(|i| (total[i] - x[i]) / (n - 1.0))))
        .collect();
    let mean = without.iter().sum::<f64>() / n;
    let scatter: f64 = without.iter().map(|f| (f - mean).powi(2)).sum();
    let estimate = Estimate {
        value: n * whole - (n - 1.0) * mean,
        error: ((n - 1.0) / n * scatter).sqrt(),
    };
    (estimate.value.is_finite() && estimate.error.is_finite()).then_some(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn variances_of_correlated_series() {
        // The variance of an AR(1) series is 1. With 32 blocks of 512 values and a = 0.9 the jackknife is free of bias, and its
        // error is honest: over 60 series the squared deviation in units of the error is 1 within 0.2 (or a little above, as
        // the error is estimated). Bound: 0.55 to 1.6, beyond three of its standard deviations.
        let (mut values, mut squares) = (0.0, 0.0);
        for k in 0..60 {
            let x = autoregressive(0.9, 1 << 14, k);
            let blocks: Vec<[f64; 2]> = x
                .chunks(512)
                .map(|c| {
                    let mean = |f: fn(f64) -> f64| c.iter().map(|x| f(*x)).sum::<f64>() / 512.0;
                    [mean(|x| x), mean(|x| x * x)]
                })
                .collect();
            let e = jackknife(&blocks, |m| m[1] - m[0] * m[0]).unwrap();
            values += e.value / 60.0;
            squares += ((e.value - 1.0) / e.error).powi(2) / 60.0;
        }
        eprintln!("variance {values:.4}, mean square deviation {squares:.2} errors");
        assert!((values - 1.0).abs() < 0.02, "{values}");
        assert!((0.55..1.6).contains(&squares), "{squares}");
    }

    #[test]
    fn too_little_is_said() {
        assert!(jackknife(&[[1.0]; 3], |m| m[0]).is_none());
        assert!(jackknife(&[[0.0]; 9], |m| 1.0 / m[0]).is_none());
        let exact = jackknife(&[[2.0]; 9], |m| m[0] * m[0]).unwrap();
        assert_eq!((exact.value, exact.error), (4.0, 0.0));
    }
}
