//! Random numbers of the dynamics: counter-based, so that there is no state to save and nothing that depends on threads.
//!
//! A [`Stream`] is named by (seed, purpose, step, atom, bead); the same name always gives the same numbers. The generator
//! is [`philox`]. Where every component of many atoms needs a normal number, [`normals`] makes them in SIMD lanes; where
//! something needs a few numbers of several kinds, a stream gives them (its normals by the ziggurat of `rand_distr`).

mod normals;
mod philox;
#[cfg(test)]
mod tests;

pub use normals::{normals, normals_of};
pub use philox::philox;

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
    /// Starts and samples of a fit.
    Fit = 10,
    /// Places and orientations of molecules in a box.
    Packing = 11,
}

/// The key of a seed.
#[inline(always)]
fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// The first word of a counter, without its low twelve bits; a purpose is below 128, and a bead below 2^12.
#[inline(always)]
fn tag(purpose: Purpose, bead: u32) -> u32 {
    (bead << 20) | ((purpose as u32) << 12)
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
        Stream {
            key: key(seed),
            counter: [
                tag(purpose, bead),
                atom as u32,
                step as u32,
                (step >> 32) as u32,
            ],
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
