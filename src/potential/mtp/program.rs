//! Sums of products of numbers in memory, target = Σ factor · Σ a·b, compiled so that the loop over them never guesses.
//!
//! Sums that do not depend on one another stand side by side, sorted by the number of their products: each run of sums has
//! one loop of fixed length. (Sums in the order of the file have lengths from 1 to 40 in no pattern; the processor would guess
//! the end of every one of them, wrongly half of the time.)

use crate::simd::F64x8;

/// factor · Σ a·b, to be added to a target.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sum {
    pub target: u32,
    pub factor: f64,
    pub pairs: Vec<[u32; 2]>,
}

/// Sums in the order in which they are evaluated.
#[derive(Debug, Default)]
pub(super) struct Program {
    runs: Vec<Run>,
    /// Target and factor of each sum.
    sums: Vec<(u32, f64)>,
    /// Operands of the products of all sums.
    pairs: Vec<[u32; 2]>,
    /// All places are below this.
    places: usize,
}

/// Sums of one length that do not depend on one another.
#[derive(Debug)]
struct Run {
    sums: u32,
    /// Products of each sum.
    length: u32,
    /// Whether these are the first sums of their targets, which set them; others add.
    sets: bool,
}

impl Program {
    /// Compiles sums in which all those of one target stand together, and before every sum in which it is an operand.
    /// `places` is the size of the memory. Targets for which `keeps` says so are added to; others are set, whatever stood there.
    pub fn new(sums: Vec<Sum>, places: usize, keeps: impl Fn(u32) -> bool) -> Program {
        let mut depth = vec![0u32; places];
        let mut sorted: Vec<((u32, bool, usize), Sum)> = Vec::with_capacity(sums.len());
        let mut rest = sums.into_iter().peekable();
        while let Some(sum) = rest.next() {
            let target = sum.target;
            let mut all = vec![sum];
            while let Some(next) = rest.next_if(|s| s.target == target) {
                all.push(next);
            }
            let operands = all.iter().flat_map(|s| s.pairs.as_flattened());
            let deepest = operands.map(|i| depth[*i as usize]).max();
            let at = deepest.unwrap_or(0) + 1;
            depth[target as usize] = at;
            sorted.extend(
                all.into_iter()
                    .enumerate()
                    .map(|(n, s)| ((at, n > 0 || keeps(target), s.pairs.len()), s)),
            );
        }
        sorted.sort_by_key(|s| s.0);
        let mut program = Program {
            places,
            ..Program::default()
        };
        for run in sorted.chunk_by(|a, b| a.0 == b.0) {
            let (_, adds, length) = run[0].0;
            program.runs.push(Run {
                sums: run.len() as u32,
                length: length as u32,
                sets: !adds,
            });
            for (_, sum) in run {
                program.sums.push((sum.target, sum.factor));
                program.pairs.extend_from_slice(&sum.pairs);
            }
        }
        program
    }

    /// Number of products.
    pub fn products(&self) -> usize {
        self.pairs.len()
    }

    /// Number of sums.
    pub fn sums(&self) -> usize {
        self.sums.len()
    }

    /// Evaluates all sums for eight centres.
    #[inline(always)]
    pub fn run<const FMA: bool>(&self, memory: &mut [F64x8]) {
        let memory = &mut memory[..self.places];
        let (mut sums, mut pairs) = (&self.sums[..], &self.pairs[..]);
        for run in &self.runs {
            let length = run.length as usize;
            let (these, later) = sums.split_at(run.sums as usize);
            let (operands, after) = pairs.split_at(these.len() * length);
            (sums, pairs) = (later, after);
            macro_rules! fixed {
                ($($n:literal)*) => {
                    match length {
                        $($n => sums_of::<FMA, $n>(these, operands, run.sets, memory),)*
                        _ => sums_of_many::<FMA>(these, operands, length, run.sets, memory),
                    }
                };
            }
            fixed!(1 2 3 4 5 6 7 8 9 10);
        }
    }
}

/// Sums of N products each.
#[inline(always)]
fn sums_of<const FMA: bool, const N: usize>(
    sums: &[(u32, f64)],
    operands: &[[u32; 2]],
    sets: bool,
    memory: &mut [F64x8],
) {
    for ((target, factor), operands) in sums.iter().zip(operands.as_chunks::<N>().0) {
        let mut sum = F64x8::ZERO;
        for pair in operands {
            // SAFETY: `Program::new` has checked every place against the size of the memory by indexing with it.
            sum = unsafe { product::<FMA>(memory, *pair, sum) };
        }
        store::<FMA>(*target, *factor, sum, sets, memory);
    }
}

#[inline(always)]
fn sums_of_many<const FMA: bool>(
    sums: &[(u32, f64)],
    operands: &[[u32; 2]],
    length: usize,
    sets: bool,
    memory: &mut [F64x8],
) {
    // A length of zero has no operands to cut into pieces.
    let mut operands = operands.chunks_exact(length.max(1));
    for (target, factor) in sums {
        let mut sum = F64x8::ZERO;
        for pair in operands.next().unwrap_or_default() {
            // SAFETY: as above.
            sum = unsafe { product::<FMA>(memory, *pair, sum) };
        }
        store::<FMA>(*target, *factor, sum, sets, memory);
    }
}

/// sum + a·b.
///
/// # Safety
/// Both places must lie inside the memory.
#[inline(always)]
unsafe fn product<const FMA: bool>(memory: &[F64x8], [a, b]: [u32; 2], sum: F64x8) -> F64x8 {
    // SAFETY: the caller's promise.
    let (a, b) = unsafe {
        (
            memory.get_unchecked(a as usize),
            memory.get_unchecked(b as usize),
        )
    };
    a.mul_add::<FMA>(*b, sum)
}

#[inline(always)]
fn store<const FMA: bool>(target: u32, factor: f64, sum: F64x8, sets: bool, memory: &mut [F64x8]) {
    let factor = F64x8::splat(factor);
    let slot = &mut memory[target as usize];
    *slot = if sets {
        sum * factor
    } else {
        sum.mul_add::<FMA>(factor, *slot)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(target: u32, factor: f64, pairs: &[[u32; 2]]) -> Sum {
        Sum {
            target,
            factor,
            pairs: pairs.to_vec(),
        }
    }

    #[test]
    fn sums_come_after_what_they_need() {
        // 2 = 0·1, 3 = 2·2 + 4 Σ₁₂(0·0), 4 is empty, 5 = 3·0 - 2·(1·1 + 2·1), 6 grows.
        let many = [[0, 0]; 12];
        let sums = vec![
            sum(2, 1.0, &[[0, 1]]),
            sum(3, 1.0, &[[2, 2]]),
            sum(3, 4.0, &many),
            sum(4, 1.0, &[]),
            sum(5, 1.0, &[[3, 0]]),
            sum(5, -2.0, &[[1, 1], [2, 1]]),
            sum(6, 1.0, &[[0, 0]]),
        ];
        let program = Program::new(sums, 7, |target| target == 6);
        assert_eq!((program.products(), program.sums()), (18, 7));
        let mut memory = vec![F64x8::splat(f64::NAN); 7];
        memory[6] = F64x8::splat(0.5);
        memory[0] = F64x8(std::array::from_fn(|l| l as f64));
        memory[1] = F64x8::splat(3.0);
        program.run::<false>(&mut memory);
        for l in 0..8 {
            let x = l as f64;
            let three = 9.0 * x * x + 48.0 * x * x;
            let found: Vec<f64> = memory[2..].iter().map(|m| m.0[l]).collect();
            assert_eq!(
                found,
                [
                    3.0 * x,
                    three,
                    0.0,
                    three * x - 2.0 * (9.0 + 9.0 * x),
                    x * x + 0.5
                ]
            );
        }
    }
}
