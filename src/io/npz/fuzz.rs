//! Damaged and hostile archives: every one is read or refused, none panics.

use super::*;
use crate::random::{Purpose, Stream};
use std::path::Path;

/// Random damage to the bytes of an array, which no checksum catches before it is parsed.
#[test]
fn damaged_arrays_never_panic() {
    let good = [
        Array::real(&[3, 2], vec![1.0; 6]).render(true),
        Array::text("kcal/mol").render(false),
        Array::integer(&[2, 2], vec![0, 1, 1, 0]).render(false),
        errors_object(1.0, 2.0),
    ];
    for round in 0..20_000 {
        let mut s = Stream::new(5, Purpose::Displacement, round, 0, 0);
        let mut pick = |n: usize| (s.uniform() * n as f64) as usize;
        let mut bytes = good[pick(good.len())].clone();
        for _ in 0..=pick(4) {
            match pick(3) {
                0 => bytes.truncate(pick(bytes.len() + 1)),
                1 if !bytes.is_empty() => {
                    let at = pick(bytes.len());
                    bytes[at] = pick(256) as u8;
                }
                _ => {
                    let at = pick(bytes.len() + 1);
                    bytes.insert(at, b"0123456789(),'<>|fiuUSO{}"[pick(25)]);
                }
            }
        }
        let _ = Array::parse(&bytes);
        let _ = Archive::parse(bytes, Path::new("x.npz")).map(|mut a| a.get("R_desc"));
    }
}
