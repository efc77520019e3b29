//! Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11): a block of four words from a counter of four words and a key.

/// The multipliers of a round and the steps of the key.
const MULTIPLY: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Ten rounds of the counter under the key.
#[inline]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key[0] = key[0].wrapping_add(WEYL[0]);
            key[1] = key[1].wrapping_add(WEYL[1]);
        }
        let a = u64::from(counter[0]) * MULTIPLY[0];
        let b = u64::from(counter[2]) * MULTIPLY[1];
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
    }
    counter
}

/// The blocks of the counters (first, number + lane, ...), in SIMD lanes: to be called in bodies of `simd_dispatch!`.
///
/// The words of a block stand in the lower halves of 64 bits, as the multiplication of vectors wants them; what is in the
/// upper halves has no meaning.
#[inline(always)]
pub(super) fn philox_lanes(counter: [u32; 4], mut key: [u32; 2]) -> [[u64; 8]; 4] {
    const LOW: u64 = u32::MAX as u64;
    let mut c = [[0; 8]; 4];
    for (word, lanes) in counter.into_iter().zip(&mut c) {
        *lanes = [u64::from(word); 8];
    }
    for l in 0..8 {
        c[1][l] += l as u64;
    }
    for round in 0..10 {
        if round > 0 {
            key[0] = key[0].wrapping_add(WEYL[0]);
            key[1] = key[1].wrapping_add(WEYL[1]);
        }
        let (k0, k1) = (u64::from(key[0]), u64::from(key[1]));
        for l in 0..8 {
            let a = (c[0][l] & LOW) * MULTIPLY[0];
            let b = (c[2][l] & LOW) * MULTIPLY[1];
            c[0][l] = (b >> 32) ^ c[1][l] ^ k0;
            c[1][l] = b;
            c[2][l] = (a >> 32) ^ c[3][l] ^ k1;
            c[3][l] = a;
        }
    }
    c
}
