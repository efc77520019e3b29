//! Monomials of the unit vector and their gradients along the sphere, for eight neighbours at a time.

use crate::potential::mtp::BasicIndex;
use crate::simd::F64x8;

/// All monomials up to a rank.
pub(super) struct Monomials {
    list: Vec<Monomial>,
}

struct Monomial {
    rank: f64,
    /// Powers of x, y and z.
    powers: [f64; 3],
    /// The monomial with one power less of each axis; itself where there is none.
    below: [u32; 3],
    /// An axis it has a power of; the first monomial has none.
    axis: Option<usize>,
}

impl Monomials {
    pub fn new(basic: &[BasicIndex]) -> Monomials {
        let highest = basic.iter().map(BasicIndex::rank).max().unwrap_or(0);
        let mut list = Vec::new();
        for rank in 0..=highest {
            for m in 0..=rank {
                for c in 0..=m {
                    let powers = [rank - m, m - c, c];
                    let here = list.len() as u32;
                    let below = |axis: usize| {
                        let mut p = powers;
                        match p[axis].checked_sub(1) {
                            Some(less) => {
                                p[axis] = less;
                                number(p) as u32
                            }
                            None => here,
                        }
                    };
                    list.push(Monomial {
                        rank: rank as f64,
                        powers: powers.map(|p| p as f64),
                        below: [below(0), below(1), below(2)],
                        axis: (0..3).find(|a| powers[*a] > 0),
                    });
                }
            }
        }
        Monomials { list }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The number of a basic moment's monomial.
    pub fn of(index: &BasicIndex) -> usize {
        number(index.powers.map(usize::from))
    }

    /// Values at unit vectors, and ∇Y - νYu, which is r times the gradient of Y(r/|r|).
    #[inline(always)]
    pub fn evaluate<const FMA: bool>(
        &self,
        u: &[F64x8; 3],
        values: &mut [F64x8],
        gradients: &mut [[F64x8; 3]],
    ) {
        for (q, mono) in self.list.iter().enumerate() {
            let value = match mono.axis {
                Some(axis) => values[mono.below[axis] as usize] * u[axis],
                None => F64x8::splat(1.0),
            };
            values[q] = value;
            let inward = value * F64x8::splat(-mono.rank);
            for axis in 0..3 {
                let slope = values[mono.below[axis] as usize] * F64x8::splat(mono.powers[axis]);
                gradients[q][axis] = inward.mul_add::<FMA>(u[axis], slope);
            }
        }
    }
}

/// The number of x^a y^b z^c among all monomials, rank by rank.
fn number([a, b, c]: [usize; 3]) -> usize {
    let (rank, m) = (a + b + c, b + c);
    rank * (rank + 1) * (rank + 2) / 6 + m * (m + 1) / 2 + c
}
