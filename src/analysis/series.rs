//! Time series of any length in bounded memory: means over blocks whose length doubles when there are too many.

/// Most blocks that are kept; then neighbours are joined.
const MOST: usize = 1024;

/// Several numbers sampled together, kept as means over blocks of 1, 2, 4, ... rows, the same length for all blocks.
///
/// What is kept is a function of the rows alone: a series that goes on from [`to_numbers`](Self::to_numbers) has the same
/// bits as one that was never interrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    channels: usize,
    /// Rows in a block.
    length: u64,
    /// Means of the finished blocks, one block after the other.
    means: Vec<f64>,
    /// Sums over the rows of the block that is not yet full.
    sums: Vec<f64>,
    waiting: u64,
}

impl Series {
    /// An empty series of rows with so many numbers.
    pub fn new(channels: usize) -> Series {
        Series {
            channels,
            length: 1,
            means: Vec::new(),
            sums: vec![0.0; channels],
            waiting: 0,
        }
    }

    /// Adds a row. Numbers beyond the channels are ignored, missing ones count as zero.
    pub fn add(&mut self, row: &[f64]) {
        self.sums.iter_mut().zip(row).for_each(|(s, x)| *s += x);
        self.waiting += 1;
        if self.waiting < self.length {
            return;
        }
        let n = self.waiting as f64;
        self.means.extend(self.sums.iter().map(|s| s / n));
        self.sums.fill(0.0);
        self.waiting = 0;
        if self.blocks() == MOST {
            self.join();
        }
    }

    /// Joins neighbouring blocks; their number is even.
    fn join(&mut self) {
        let c = self.channels;
        for k in 0..self.blocks() / 2 {
            for i in 0..c {
                let (a, b) = (self.means[2 * k * c + i], self.means[(2 * k + 1) * c + i]);
                self.means[k * c + i] = 0.5 * (a + b);
            }
        }
        self.means.truncate(self.means.len() / 2);
        self.length *= 2;
    }

    /// Numbers in a row.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows in a block.
    pub fn block_length(&self) -> u64 {
        self.length
    }

    /// Number of finished blocks.
    pub fn blocks(&self) -> usize {
        self.means.len() / self.channels.max(1)
    }

    /// Number of rows so far.
    pub fn rows(&self) -> u64 {
        self.blocks() as u64 * self.length + self.waiting
    }

    /// Means of one channel over the finished blocks from `first` on; none for a channel that is not there.
    pub fn channel(&self, channel: usize, first: usize) -> Vec<f64> {
        if channel >= self.channels {
            return Vec::new();
        }
        let rows = self.means.chunks_exact(self.channels);
        rows.skip(first).map(|row| row[channel]).collect()
    }

    /// The state as plain numbers, for a checkpoint.
    pub fn to_numbers(&self) -> Vec<f64> {
        let mut numbers = vec![self.length as f64, self.waiting as f64];
        numbers.extend(&self.sums);
        numbers.extend(&self.means);
        numbers
    }

    /// The state from [`to_numbers`](Self::to_numbers); `None` when they are not such numbers.
    pub fn from_numbers(channels: usize, numbers: &[f64]) -> Option<Series> {
        let (&[length, waiting], rest) = numbers.split_first_chunk::<2>()?;
        let (sums, means) = rest.split_at_checked(channels)?;
        let sound = length >= 1.0 && waiting >= 0.0 && waiting < length;
        let whole = channels > 0 && means.len().is_multiple_of(channels);
        (sound && whole && means.len() / channels < MOST).then(|| Series {
            channels,
            length: length as u64,
            means: means.to_vec(),
            sums: sums.to_vec(),
            waiting: waiting as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_rows_whatever_their_number() {
        for n in [1u64, 7, 1023, 1024, 5000, 100_001] {
            let mut series = Series::new(2);
            (0..n).for_each(|k| series.add(&[k as f64, 1.0]));
            assert_eq!(series.rows(), n);
            assert!(series.blocks() < MOST && (n < 512 || series.blocks() >= 512));
            let length = series.block_length();
            for (k, mean) in series.channel(0, 3).into_iter().enumerate() {
                // The middle of the block.
                let exact = (k as f64 + 3.0) * length as f64 + 0.5 * (length as f64 - 1.0);
                assert!((mean - exact).abs() < 1e-9 * exact.max(1.0));
            }
            assert!(series.channel(1, 0).iter().all(|m| *m == 1.0));
            assert!(series.channel(2, 0).is_empty());
        }
    }

    #[test]
    fn goes_on_from_its_numbers_with_the_same_bits() {
        let row = |k: i32| [f64::from(k).sin(), 1e5 + f64::from(k).cos()];
        let mut whole = Series::new(2);
        (0..7000).for_each(|k| whole.add(&row(k)));
        for cut in [0, 1, 1023, 1024, 3001] {
            let mut parts = Series::new(2);
            (0..cut).for_each(|k| parts.add(&row(k)));
            let mut parts = Series::from_numbers(2, &parts.to_numbers()).unwrap();
            (cut..7000).for_each(|k| parts.add(&row(k)));
            assert_eq!(parts, whole);
        }
        for bad in [&[1.0][..], &[1.0, 0.0, 0.0], &[1.0, 1.0, 0.0, 0.0]] {
            assert!(Series::from_numbers(2, bad).is_none(), "{bad:?}");
        }
        assert!(Series::from_numbers(2, &[1.0, f64::NAN, 0.0, 0.0]).is_none());
        assert!(Series::from_numbers(0, &[1.0, 0.0]).is_none());
        assert!(Series::from_numbers(1, &vec![1.0; 5000]).is_none());
    }
}
