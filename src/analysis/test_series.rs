//! Series whose statistics are known.

use crate::random::{Purpose, Stream};

/// AR(1): x' = a x + sqrt(1 - a^2) ξ, stationary from the start. Variance 1, statistical inefficiency (1 + a)/(1 - a).
pub(crate) fn autoregressive(a: f64, n: usize, seed: u64) -> Vec<f64> {
    let mut s = Stream::new(9, Purpose::Displacement, seed, 0, 0);
    let mut x = s.normal();
    let mut next = |k: usize| {
        // A stream is good for 8192 draws.
        if k.is_multiple_of(4096) {
            s = Stream::new(9, Purpose::Displacement, seed, k as u64, 1);
        }
        x = a * x + (1.0 - a * a).sqrt() * s.normal();
        x
    };
    (0..n).map(&mut next).collect()
}
