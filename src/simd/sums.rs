//! Sums that vectorise with a fixed order.

/// The sum over k of the product of the k-th numbers of `N` arrays of one length: a plain sum for one array, a scalar
/// product for two.
///
/// Taken in eight interleaved parts, so that it vectorises and its order is fixed. Arrays of different lengths count
/// as far as the shortest goes.
#[inline(always)]
pub fn lane_sum<const N: usize>(arrays: [&[f64]; N]) -> f64 {
    let length = arrays.iter().map(|a| a.len()).min().unwrap_or(0);
    let split = arrays.map(|a| a[..length].as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for block in 0..length / 8 {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += split[1..]
                .iter()
                .fold(split[0].0[block][l], |p, a| p * a.0[block][l]);
        }
    }
    let rest = (0..length % 8).map(|k| split[1..].iter().fold(split[0].1[k], |p, a| p * a.1[k]));
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::lane_sum;

    #[test]
    fn sums_and_products_of_any_length() {
        for n in [0usize, 1, 7, 8, 9, 16, 23, 64] {
            let a: Vec<f64> = (1..=n).map(|k| k as f64).collect();
            let b: Vec<f64> = (1..=n).map(|k| (k % 5) as f64 - 2.0).collect();
            assert_eq!(lane_sum([&a]), (n * (n + 1) / 2) as f64, "{n}");
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(lane_sum([&a, &b]), plain, "{n}");
        }
        assert_eq!(lane_sum([&[1.0, 2.0], &[3.0]]), 3.0);
    }
}
