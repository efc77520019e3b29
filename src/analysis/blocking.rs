//! Errors of correlated series by blocking (Flyvbjerg, Petersen, J. Chem. Phys. 91, 461 (1989)).

/// Standard error of the mean of a correlated series; `None` when it is too short or too correlated to tell.
///
/// The error is that of blocks of the shortest length B (1, 2, 4, ...) with B^3 > 2 n (e_B/e_1)^4 (Lee, Conduit, Nemec, López
/// Ríos, Drummond, Phys. Rev. E 83, 066706 (2011)), which balances bias and noise of the estimate. When no block length
/// fulfils it, or fewer than four blocks remain, there is no error.
pub fn blocking_error(series: &[f64]) -> Option<f64> {
    let n = series.len() as f64;
    let mut blocks = series.to_vec();
    let mut length = 1.0f64;
    let mut naive = None;
    while blocks.len() >= 4 {
        let error = standard_error(&blocks);
        let first = *naive.get_or_insert(error);
        let ratio = if first > 0.0 { error / first } else { 1.0 };
        if first == 0.0 || length.powi(3) > 2.0 * n * ratio.powi(4) {
            return Some(error);
        }
        blocks = blocks
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[a, b]| 0.5 * (a + b))
            .collect();
        length *= 2.0;
    }
    None
}

/// That of independent values.
fn standard_error(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (n * (n - 1.0))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn errors_of_correlated_series() {
        // The estimated error over 40 series must match the true one within 15 % on average (its own scatter is about 20 % per
        // series, 3 % for the mean).
        let n = 1 << 15;
        for a in [0.0f64, 0.8, 0.95] {
            let exact = ((1.0 + a) / (1.0 - a) / f64::from(n)).sqrt();
            let errors = (0..40).map(|k| blocking_error(&autoregressive(a, n as usize, k)));
            let ratio = errors.map(Option::unwrap).sum::<f64>() / 40.0 / exact;
            assert!((0.85..1.15).contains(&ratio), "a = {a}: {ratio}");
        }
    }

    #[test]
    fn short_and_constant_series() {
        assert_eq!(blocking_error(&[]), None);
        assert_eq!(blocking_error(&[2.0; 3]), None);
        assert_eq!(blocking_error(&[2.0; 11]), Some(0.0));
        // A trend has no error: the blocks never become independent.
        let trend: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(blocking_error(&trend), None);
    }
}
