//! The order in which products are evaluated.

use super::file::MtpFile;
use crate::error::{Error, Result};

/// The moments that are products, each after its operands (depth first kept out: an order by index wherever possible).
///
/// Errors when a moment depends on itself.
pub(super) fn order(file: &MtpFile) -> Result<Vec<u32>> {
    let n = file.moments;
    // Products by target, as offsets into a list.
    let (first, by_target) = by_target(file);
    // Standard files are in order: nothing to sort.
    let sorted = file.products.iter().all(|p| p.a.max(p.b) < p.target);
    if sorted {
        return Ok((file.basic.len() as u32..n as u32).collect());
    }
    let mut uses_first = vec![0u32; n + 1];
    for p in &file.products {
        uses_first[p.a as usize + 1] += 1;
        uses_first[p.b as usize + 1] += 1;
    }
    for i in 0..n {
        uses_first[i + 1] += uses_first[i];
    }
    let mut fill = uses_first.clone();
    let mut uses = vec![0u32; 2 * file.products.len()];
    let mut waiting = vec![0u32; n];
    for p in &file.products {
        for operand in [p.a, p.b] {
            let at = &mut fill[operand as usize];
            uses[*at as usize] = p.target;
            *at += 1;
            waiting[p.target as usize] += 1;
        }
    }
    let mut ready: std::collections::BinaryHeap<std::cmp::Reverse<u32>> = (0..n as u32)
        .filter(|i| waiting[*i as usize] == 0)
        .map(std::cmp::Reverse)
        .collect();
    let mut order = Vec::with_capacity(n);
    let mut done = 0;
    while let Some(std::cmp::Reverse(i)) = ready.pop() {
        done += 1;
        if i as usize >= file.basic.len() {
            order.push(i);
        }
        let range = uses_first[i as usize] as usize..uses_first[i as usize + 1] as usize;
        for target in &uses[range] {
            let left = &mut waiting[*target as usize];
            *left -= 1;
            if *left == 0 {
                ready.push(std::cmp::Reverse(*target));
            }
        }
    }
    if done == n {
        return Ok(order);
    }
    let stuck = waiting.iter().position(|w| *w > 0).unwrap_or(0);
    let entry = by_target[first[stuck] as usize] + 1;
    Err(Error::file(
        &file.path,
        format!(
            "the products of `alpha_index_times` go in a circle: moment {stuck} (entry {entry}) depends on itself"
        ),
    )
    .advise("every moment must be a product of others that do not depend on it"))
}

/// The products of each moment: offsets, and indices of products.
pub(super) fn by_target(file: &MtpFile) -> (Vec<u32>, Vec<u32>) {
    let n = file.moments;
    let mut first = vec![0u32; n + 1];
    for p in &file.products {
        first[p.target as usize + 1] += 1;
    }
    for i in 0..n {
        first[i + 1] += first[i];
    }
    let mut fill = first.clone();
    let mut list = vec![0u32; file.products.len()];
    for (k, p) in file.products.iter().enumerate() {
        let at = &mut fill[p.target as usize];
        list[*at as usize] = k as u32;
        *at += 1;
    }
    (first, list)
}
