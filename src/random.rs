//! Random numbers of the dynamics: counter-based, so that there is no state to save and nothing that depends on threads.
//!
//! A [`Stream`] is named by (seed, purpose, step, atom, bead); the same name always gives the same numbers. The generator
//! is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11), the normals are drawn by the ziggurat of `rand_distr`.

use crate::simd::simd_dispatch;
use rand::TryRng;
use rand_distr::{Distribution, StandardNormal};
use std::convert::Infallible;

/// What a random number is for; different purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Drawing initial velocities.
    InitialVelocities = 1,
    /// Noise of a Langevin thermostat.
    Langevin = 2,
    /// Displacements of atoms in the conformance suite and in tests.
    Displacement = 3,
    /// Noise of stochastic velocity rescaling.
    VelocityRescaling = 4,
    /// Noise of a generalised Langevin thermostat.
    Gle = 5,
    /// Collisions of an Andersen thermostat.
    Andersen = 6,
    /// Noise of a barostat.
    Barostat = 7,
    /// Noise of the internal modes of ring polymers.
    Rings = 8,
    /// Exchange of replicas.
    Exchange = 9,
}

/// Philox4x32-10: ten rounds of the counter under the key.
#[inline]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key[0] = key[0].wrapping_add(0x9E37_79B9);
            key[1] = key[1].wrapping_add(0xBB67_AE85);
        }
        let a = u64::from(counter[0]) * 0xD251_1F53;
        let b = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
    }
    counter
}

/// Number of streams that [`begin_streams`] begins at once.
pub const STREAMS: usize = 8;

/// The streams of eight consecutive atoms, first `atom`: the same as from [`Stream::new`], begun together in SIMD lanes.
pub fn begin_streams(
    seed: u64,
    purpose: Purpose,
    step: u64,
    atom: u64,
    bead: u32,
) -> [Stream; STREAMS] {
    let atoms: [u32; STREAMS] = std::array::from_fn(|l| (atom as u32).wrapping_add(l as u32));
    let first = Stream::new(seed, purpose, step, atom, bead);
    let mut buffers = [[0; 4]; STREAMS];
    philox_lanes(&first, &atoms, &mut buffers);
    let [tag, _, low, high] = first.counter;
    std::array::from_fn(|l| Stream {
        key: first.key,
        counter: [tag.wrapping_add(2), atoms[l], low, high],
        buffer: buffers[l],
        left: 4,
    })
}

simd_dispatch! {
    /// The first two blocks of the streams of some atoms, as their buffers.
    fn philox_lanes(first: &Stream, atoms: &[u32; STREAMS], buffers: &mut [[u64; 4]; STREAMS]) = philox_lanes_body;
}

#[inline(always)]
fn philox_lanes_body<const FMA: bool>(
    first: &Stream,
    atoms: &[u32; STREAMS],
    buffers: &mut [[u64; 4]; STREAMS],
) {
    // The words of a block stand in the lower halves of 64 bits, as the multiplication of vectors wants them; what is in
    // the upper halves never matters.
    const LOW: u64 = u32::MAX as u64;
    let mut words = [[[0; STREAMS]; 4]; 2];
    for (block, out) in words.iter_mut().enumerate() {
        let [tag, _, low, high] = first.counter;
        let tag = u64::from(tag.wrapping_add(block as u32));
        let mut c = [
            [tag; STREAMS],
            [0; STREAMS],
            [u64::from(low); STREAMS],
            [u64::from(high); STREAMS],
        ];
        for l in 0..STREAMS {
            c[1][l] = u64::from(atoms[l]);
        }
        let mut key = first.key;
        for round in 0..10 {
            if round > 0 {
                key[0] = key[0].wrapping_add(0x9E37_79B9);
                key[1] = key[1].wrapping_add(0xBB67_AE85);
            }
            let (k0, k1) = (u64::from(key[0]), u64::from(key[1]));
            for l in 0..STREAMS {
                let a = (c[0][l] & LOW) * 0xD251_1F53;
                let b = (c[2][l] & LOW) * 0xCD9E_8D57;
                c[0][l] = (b >> 32) ^ c[1][l] ^ k0;
                c[1][l] = b;
                c[2][l] = (a >> 32) ^ c[3][l] ^ k1;
                c[3][l] = a;
            }
        }
        *out = c;
    }
    let [p, q] = &words;
    let pairs = [
        (&q[2], &q[3]),
        (&q[0], &q[1]),
        (&p[2], &p[3]),
        (&p[0], &p[1]),
    ];
    for (k, (low, high)) in pairs.into_iter().enumerate() {
        for l in 0..STREAMS {
            buffers[l][k] = (low[l] & LOW) | (high[l] << 32);
        }
    }
}

/// Temporary.
pub fn normals(seed: u64, purpose: Purpose, step: u64, bead: u32, first_atom: u64, draw: u32, out: &mut [f64]) {
    for (i, x) in out.chunks_mut(3).enumerate() {
        let mut s = Stream::new(seed, purpose, step, first_atom + i as u64 + (u64::from(draw) << 24), bead);
        x.iter_mut().for_each(|x| *x = s.normal());
    }
}

/// An independent sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    buffer: [u64; 4],
    left: u8,
}

impl Stream {
    /// The stream of a seed, a purpose, a step, an atom (below 2^32) and a bead (below 2^12). Streams of different names do
    /// not overlap for the first 8192 draws.
    #[inline]
    pub fn new(seed: u64, purpose: Purpose, step: u64, atom: u64, bead: u32) -> Stream {
        let tag = (bead << 20) | ((purpose as u32) << 12);
        Stream {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [tag, atom as u32, step as u32, (step >> 32) as u32],
            buffer: [0; 4],
            left: 0,
        }
    }

    /// A standard normal number.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(self)
    }

    /// A uniform number in [0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.word() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Takes the two blocks of the present counter into the buffer.
    #[inline]
    fn refill(&mut self, [p, q]: [[u32; 4]; 2]) {
        self.counter[0] = self.counter[0].wrapping_add(2);
        let word = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        self.buffer = [
            word(q[2], q[3]),
            word(q[0], q[1]),
            word(p[2], p[3]),
            word(p[0], p[1]),
        ];
        self.left = 4;
    }

    #[inline]
    fn word(&mut self) -> u64 {
        if self.left == 0 {
            // Two blocks at once: their rounds do not wait for each other, and three normals take three words.
            let [a, b, c, d] = self.counter;
            self.refill([
                philox([a, b, c, d], self.key),
                philox([a.wrapping_add(1), b, c, d], self.key),
            ]);
        }
        self.left -= 1;
        self.buffer[usize::from(self.left)]
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word() as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        for chunk in target.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // The vectors published with the Random123 library.
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_are_named() {
        let draw = |seed, step, atom, bead| {
            let mut s = Stream::new(seed, Purpose::Langevin, step, atom, bead);
            [s.normal(), s.normal(), s.normal()]
        };
        assert_eq!(draw(1, 2, 3, 4), draw(1, 2, 3, 4));
        let reference = draw(1, 2, 3, 4);
        for other in [
            draw(2, 2, 3, 4),
            draw(1, 3, 3, 4),
            draw(1, 2, 4, 4),
            draw(1, 2, 3, 5),
            draw(1, 2 + (1 << 32), 3, 4),
        ] {
            assert_ne!(reference, other);
        }
    }

    #[test]
    fn streams_begun_together_are_the_same() {
        for (step, atom) in [(0, 0), (7, 1000), (1 << 40, u64::from(u32::MAX) - 3)] {
            let mut together = begin_streams(5, Purpose::Langevin, step, atom, 3);
            for (l, s) in together.iter_mut().enumerate() {
                let mut alone = Stream::new(5, Purpose::Langevin, step, atom + l as u64, 3);
                for _ in 0..20 {
                    assert_eq!(s.normal(), alone.normal());
                }
            }
        }
    }

    #[test]
    fn moments_of_the_normals() {
        // 300 000 draws; bounds are 4.5 standard errors, false-alarm rate 7e-6 each.
        let n = 100_000;
        let mut m = [0.0; 4];
        for atom in 0..n {
            let mut s = Stream::new(42, Purpose::Langevin, 17, atom, 0);
            for _ in 0..3 {
                let x = s.normal();
                for (k, m) in m.iter_mut().enumerate() {
                    *m += x.powi(k as i32 + 1);
                }
            }
        }
        let count = 3.0 * n as f64;
        let error = 4.5 / count.sqrt();
        assert!((m[0] / count).abs() < error);
        assert!((m[1] / count - 1.0).abs() < error * 2f64.sqrt());
        assert!((m[2] / count).abs() < error * 15f64.sqrt());
        assert!((m[3] / count - 3.0).abs() < error * 96f64.sqrt());
    }
}
