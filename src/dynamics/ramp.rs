//! Target values that may change in time.

/// A target (temperature, pressure) that is constant, or goes in a straight line from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    from: f64,
    to: f64,
    first: u64,
    steps: u64,
}

impl Ramp {
    /// The same value always.
    pub fn constant(value: f64) -> Ramp {
        Ramp {
            from: value,
            to: value,
            first: 0,
            steps: 0,
        }
    }

    /// From `from` at step `first` to `to` at step `first + steps`; constant before and after.
    pub fn linear(from: f64, to: f64, first: u64, steps: u64) -> Ramp {
        Ramp {
            from,
            to,
            first,
            steps,
        }
    }

    /// The value in the step that begins at step number `step`.
    pub fn at(&self, step: u64) -> f64 {
        if self.from == self.to || step <= self.first {
            return self.from;
        }
        let done = step - self.first;
        if done >= self.steps {
            return self.to;
        }
        self.from + (self.to - self.from) * (done as f64 / self.steps as f64)
    }

    /// The value at the start.
    pub fn start(&self) -> f64 {
        self.from
    }

    /// The largest value it takes.
    pub fn largest(&self) -> f64 {
        self.from.max(self.to)
    }

    /// Whether it stays the same.
    pub fn is_constant(&self) -> bool {
        self.from == self.to
    }
}

#[cfg(test)]
mod tests {
    use super::Ramp;

    #[test]
    fn lines_and_their_ends() {
        let r = Ramp::linear(300.0, 900.0, 10, 60);
        assert_eq!(
            [0, 10, 11, 40, 70, 1000].map(|s| r.at(s)),
            [300.0, 300.0, 310.0, 600.0, 900.0, 900.0]
        );
        assert_eq!(Ramp::constant(5.0).at(7), 5.0);
        assert!(!r.is_constant() && Ramp::constant(1.0).is_constant());
        // A ramp of no length is a jump.
        assert_eq!(Ramp::linear(1.0, 2.0, 5, 0).at(6), 2.0);
    }
}
