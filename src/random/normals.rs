//! Standard normal numbers for the components of many atoms at once.
//!
//! The numbers of a name (seed, purpose, step, bead, draw) are a sequence with a place for each component, x, y and z of atom
//! 0, of atom 1, and so on. It comes in groups of sixteen: eight blocks of Philox in SIMD lanes give eight pairs of uniform
//! numbers, of which the method of Box and Muller (Ann. Math. Stat. 29, 610 (1958)) makes the first and the last eight of the
//! group. So a component has the same number however many are drawn with it.

use super::{Purpose, key, philox::philox_lanes, tag};
use crate::simd::{F64x8, simd_dispatch};

/// Components of a group.
const GROUP: usize = 16;

/// In the tag of a counter: normals for components, not a [`Stream`](super::Stream).
const COMPONENTS: u32 = 1 << 19;

/// Sets of normals that one name has.
const DRAWS: u32 = 1 << 11;

/// Fills `out` with standard normals for x, y and z of consecutive atoms from `first_atom` on (all below 2^32).
///
/// `bead` is below 4096; `draw`, below 2048, numbers independent sets of one name. The numbers of an atom depend on (seed,
/// purpose, step, bead, atom, draw) only, not on what else is drawn in the same call; they are none of those of a
/// [`Stream`](super::Stream). The last digit may differ between SIMD levels.
pub fn normals(
    seed: u64,
    purpose: Purpose,
    step: u64,
    bead: u32,
    first_atom: u64,
    draw: u32,
    out: &mut [f64],
) {
    let name = Name::new(seed, purpose, step, bead, draw);
    let first = 3 * first_atom;
    let (mut group, skip) = (first / GROUP as u64, (first % GROUP as u64) as usize);
    let mut rest = out;
    if skip > 0 {
        let (head, tail) = rest.split_at_mut((GROUP - skip).min(rest.len()));
        let mut whole = [0.0; GROUP];
        groups(&name, group, &mut whole);
        head.copy_from_slice(&whole[skip..skip + head.len()]);
        (rest, group) = (tail, group + 1);
    }
    let (whole, tail) = rest.split_at_mut(rest.len() - rest.len() % GROUP);
    groups(&name, group, whole);
    if !tail.is_empty() {
        group += (whole.len() / GROUP) as u64;
        let mut whole = [0.0; GROUP];
        groups(&name, group, &mut whole);
        tail.copy_from_slice(&whole[..tail.len()]);
    }
}

/// The same numbers as from [`normals`] for atoms that need not be consecutive, three for each of `atoms`; fastest when
/// atoms that lie close in number are close in the list.
pub fn normals_of(
    seed: u64,
    purpose: Purpose,
    step: u64,
    bead: u32,
    atoms: &[u32],
    draw: u32,
    out: &mut [f64],
) {
    let name = Name::new(seed, purpose, step, bead, draw);
    let (mut present, mut whole) = (u64::MAX, [0.0; GROUP]);
    for (&atom, out) in atoms.iter().zip(out.as_chunks_mut::<3>().0) {
        for (k, out) in out.iter_mut().enumerate() {
            let component = 3 * u64::from(atom) + k as u64;
            let group = component / GROUP as u64;
            if group != present {
                groups(&name, group, &mut whole);
                present = group;
            }
            *out = whole[(component % GROUP as u64) as usize];
        }
    }
}

/// Key and counter of a sequence of normals.
struct Name {
    key: [u32; 2],
    tag: u32,
    step: [u32; 2],
}

impl Name {
    fn new(seed: u64, purpose: Purpose, step: u64, bead: u32, draw: u32) -> Name {
        debug_assert!(
            draw < DRAWS,
            "a name has {DRAWS} sets of normals, not {draw}"
        );
        debug_assert!(bead < 1 << 12, "a counter has no place for bead {bead}");
        Name {
            key: key(seed),
            // The lowest bit is the 33rd of the number of a block.
            tag: tag(purpose, bead) | COMPONENTS | (draw % DRAWS) << 1,
            step: [step as u32, (step >> 32) as u32],
        }
    }
}

simd_dispatch! {
    /// Whole groups of components, the first of them number `first`.
    fn groups(name: &Name, first: u64, out: &mut [f64]) = groups_body;
}

#[inline(always)]
fn groups_body<const FMA: bool>(name: &Name, first: u64, out: &mut [f64]) {
    let out = out.as_chunks_mut::<8>().0.as_chunks_mut::<2>().0;
    let mut block = 8 * first;
    for [left, right] in out {
        let counter = [
            name.tag | ((block >> 32) as u32 & 1),
            block as u32,
            name.step[0],
            name.step[1],
        ];
        let w = philox_lanes(counter, name.key);
        // An odd multiple of 2^-64, so never zero: the largest number is 9.4.
        let u = uniform(&w[0], &w[1], 1);
        let t = uniform(&w[2], &w[3], 0);
        let radius = radius::<FMA>(u);
        let [c, s] = t.cos_sin_turns::<FMA>();
        *left = (radius * c).0;
        *right = (radius * s).0;
        block += 8;
    }
}

/// Numbers in [0, 1] from 64 bits, given in two halves: the nearest to a multiple of 2^-64.
#[inline(always)]
fn uniform(high: &[u64; 8], low: &[u64; 8], lowest: u64) -> F64x8 {
    // Halves written into the low bits of 2^84 and 2^52 count multiples of 2^32 and of 1.
    const LOW: u64 = u32::MAX as u64;
    const TWO_84: u64 = 0x4530_0000_0000_0000;
    const TWO_52: u64 = 0x4330_0000_0000_0000;
    let both = f64::from_bits(TWO_84) + f64::from_bits(TWO_52);
    let mut out = [0.0; 8];
    for l in 0..8 {
        let upper = f64::from_bits((high[l] & LOW) | TWO_84);
        let lower = f64::from_bits((low[l] & LOW) | TWO_52 | lowest);
        out[l] = ((upper - both) + lower) * (1.0 / 18_446_744_073_709_551_616.0);
    }
    F64x8(out)
}

/// sqrt(-2 ln u).
#[inline(always)]
fn radius<const FMA: bool>(u: F64x8) -> F64x8 {
    let mut out = u.ln::<FMA>().0;
    for x in &mut out {
        *x = (-2.0 * *x).sqrt();
    }
    F64x8(out)
}
