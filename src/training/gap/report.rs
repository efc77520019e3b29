//! What a fit did.

/// Figures of a finished fit.
#[derive(Clone, Debug, PartialEq)]
pub struct GapReport {
    /// The coordinates of the file.
    pub terms: Vec<TermReport>,
    /// Descriptors that the data have no instance of, which were left out.
    pub left_out: Vec<String>,
    /// Energy (eV) of an isolated atom by atomic number.
    pub isolated: Vec<(u8, f64)>,
    /// Energies, components of forces and components of virials that were fitted.
    pub rows: [usize; 3],
    /// Condition number of the least-squares problem (an estimate).
    pub condition: f64,
    /// Norm of the residual in units of sigma, regularisation included.
    pub residual: f64,
    /// Largest weight (eV-free, as in the file).
    pub largest_weight: f64,
    /// Bytes that the arrays of the fit took up at most, frames and candidates not counted.
    pub bytes: usize,
    /// Blocks in which the rows were folded.
    pub blocks: usize,
}

/// A coordinate.
#[derive(Clone, Debug, PartialEq)]
pub struct TermReport {
    /// As in the file.
    pub descriptor: String,
    /// Instances in the data; `None` when the points were given.
    pub candidates: Option<usize>,
    /// Sparse points.
    pub points: usize,
    /// Numbers of each.
    pub dimensions: usize,
    /// Length scales; empty for dot products.
    pub theta: Vec<f64>,
    /// What was added to the diagonal of its covariance (eV²): more than asked for where rounding made that necessary.
    pub jitter: f64,
}
