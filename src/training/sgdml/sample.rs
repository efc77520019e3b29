//! Rows drawn from a data set so that its distribution of energies is kept.

use rand::Rng;
use rand::seq::SliceRandom;

/// Draws `count` of the given rows without repetition, in ascending order: as many from each bin of a histogram of their
/// energies as its share is, and at least one where there are enough. `energies` is that of each row of the set, or empty: then all
/// rows are alike.
///
/// The width of the bins is that of Freedman and Diaconis, 2 IQR/∛n, and there are at most `count` / 2 of them, so that the
/// rule of one from each bin does not become the distribution.
pub(super) fn stratified(
    energies: &[f64],
    rows: &[usize],
    count: usize,
    random: &mut impl Rng,
) -> Vec<usize> {
    let count = count.min(rows.len());
    let mut bins = bins(energies, rows, count);
    let quotas = quotas(&bins.iter().map(Vec::len).collect::<Vec<_>>(), count);
    let mut drawn = Vec::with_capacity(count);
    for (bin, quota) in bins.iter_mut().zip(quotas) {
        bin.shuffle(random);
        drawn.extend_from_slice(&bin[..quota]);
    }
    drawn.sort_unstable();
    drawn
}

fn bins(energies: &[f64], rows: &[usize], count: usize) -> Vec<Vec<usize>> {
    let mut sorted: Vec<f64> = rows
        .iter()
        .filter_map(|r| energies.get(*r).copied())
        .collect();
    if sorted.len() != rows.len() || sorted.len() < 4 || count < 4 {
        return vec![rows.to_vec()];
    }
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let quantile = |q: f64| {
        let at = q * (n - 1) as f64;
        let k = at as usize;
        let next = sorted[(k + 1).min(n - 1)];
        sorted[k] + (at - k as f64) * (next - sorted[k])
    };
    let (least, most) = (sorted[0], sorted[n - 1]);
    let width = 2.0 * (quantile(0.75) - quantile(0.25)) / (n as f64).cbrt();
    let wanted = ((most - least) / width).ceil();
    let number = if wanted.is_finite() {
        (wanted as usize).clamp(1, (count / 2).max(1))
    } else {
        1
    };
    let mut bins = vec![Vec::new(); number];
    for r in rows {
        let at = (energies[*r] - least) / (most - least) * number as f64;
        bins[(at as usize).min(number - 1)].push(*r);
    }
    bins.retain(|b| !b.is_empty());
    bins
}

/// So many from each bin: one, and of the rest a share in proportion to what remains there, by largest remainders.
fn quotas(sizes: &[usize], count: usize) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let mut quotas = vec![0; sizes.len()];
    if count < sizes.len() {
        // Fewer than bins: the largest bins give one.
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|b| (std::cmp::Reverse(sizes[*b]), *b));
        order[..count].iter().for_each(|b| quotas[*b] = 1);
        return quotas;
    }
    let exact = |b: usize| sizes[b] as f64 * count as f64 / total.max(1) as f64;
    for (b, quota) in quotas.iter_mut().enumerate() {
        *quota = (exact(b) as usize).clamp(1, sizes[b]);
    }
    let mut given: usize = quotas.iter().sum();
    while given != count {
        let behind = |b: usize, quotas: &[usize]| exact(b) - quotas[b] as f64;
        let able = |b: &usize| match given < count {
            true => quotas[*b] < sizes[*b],
            false => quotas[*b] > 1,
        };
        let sign = if given < count { 1.0 } else { -1.0 };
        let most = (0..sizes.len()).filter(able).max_by(|a, b| {
            let (x, y) = (sign * behind(*a, &quotas), sign * behind(*b, &quotas));
            x.total_cmp(&y).then(b.cmp(a))
        });
        let Some(b) = most else { break };
        if given < count {
            quotas[b] += 1;
            given += 1;
        } else {
            quotas[b] -= 1;
            given -= 1;
        }
    }
    quotas
}
