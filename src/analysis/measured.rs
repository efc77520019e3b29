//! A number with its standard error.

use serde::{Deserialize, Serialize};

/// A number with its standard error, where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// Its standard error; `None` when the data are too few to tell.
    pub error: Option<f64>,
}

impl Measured {
    /// The same in another unit.
    pub fn times(self, factor: f64) -> Measured {
        Measured {
            value: self.value * factor,
            error: self.error.map(|e| e * factor.abs()),
        }
    }
}
