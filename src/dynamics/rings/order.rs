//! Splittings of the quantum Boltzmann operator: how fast the number of beads converges.

/// The splitting. Potentials of fourth order have the mean of w_j V(x_j) + d_j Σ |f_j|²/m over the beads, with lengths
/// in 1/ω_P².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Order {
    /// Trotter's: errors fall with P⁻².
    #[default]
    Second,
    /// Takahashi, Imada, J. Phys. Soc. Jpn. 53, 3765 (1984): V + |f|²/(24 m ω_P²) on every bead. P⁻⁴ for the partition
    /// function and what follows from it.
    TakahashiImada,
    /// Suzuki and Chin (Chin, Phys. Lett. A 226, 344 (1997); Jang, Jang, Voth, J. Chem. Phys. 115, 7832 (2001)): 2V/3 + α|f|²/(9 m ω_P²) on
    /// even beads and 4V/3 + (1-α)|f|²/(9 m ω_P²) on odd ones, for an even number of beads.
    SuzukiChin {
        /// α between 0 and 1; 0 needs the derivative of the forces on odd beads only.
        alpha: f64,
    },
}

impl Order {
    /// w_j of a bead.
    pub(super) fn weight(self, bead: usize) -> f64 {
        match self {
            Order::Second | Order::TakahashiImada => 1.0,
            Order::SuzukiChin { .. } if bead.is_multiple_of(2) => 2.0 / 3.0,
            Order::SuzukiChin { .. } => 4.0 / 3.0,
        }
    }

    /// d_j ω_P² of a bead.
    pub(super) fn correction(self, bead: usize) -> f64 {
        match self {
            Order::Second => 0.0,
            Order::TakahashiImada => 1.0 / 24.0,
            Order::SuzukiChin { alpha } if bead.is_multiple_of(2) => alpha / 9.0,
            Order::SuzukiChin { alpha } => (1.0 - alpha) / 9.0,
        }
    }
}
