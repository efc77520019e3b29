//! From stresses at several strains of both signs to their slope at no strain.

/// The slope of a stress with a strain.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Response {
    /// The slope (eV/Å³).
    pub slope: f64,
    /// Its standard error; none where there are as many strains as numbers that are fitted.
    pub error: Option<f64>,
    /// What the slope changes with the strain squared (eV/Å³), which a straight line would have mistaken.
    pub cubic: f64,
}

/// Least squares for the odd part of a stress, (σ(e) - σ(-e))/2 = b e + d e³: the even part, which has the stress at rest and the
/// change of the slope, drops out. Points are strain e > 0 and the stresses at e and -e; at least two.
pub fn fit(points: &[(f64, f64, f64)]) -> Response {
    // In y = σ_odd/e = b + d e².
    let n = points.len() as f64;
    let y = |p: &(f64, f64, f64)| 0.5 * (p.1 - p.2) / p.0;
    let x = |p: &(f64, f64, f64)| p.0 * p.0;
    let mean = |f: &dyn Fn(&(f64, f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (mx, my) = (mean(&x), mean(&y));
    let xx: f64 = points.iter().map(|p| (x(p) - mx).powi(2)).sum();
    let xy: f64 = points.iter().map(|p| (x(p) - mx) * (y(p) - my)).sum();
    let cubic = if xx > 0.0 { xy / xx } else { 0.0 };
    let slope = my - cubic * mx;
    let freedom = points.len() as f64 - 2.0;
    let error = (freedom > 0.0).then(|| {
        let rest: f64 = points
            .iter()
            .map(|p| (y(p) - slope - cubic * x(p)).powi(2))
            .sum();
        (rest / freedom * (1.0 / n + mx * mx / xx)).sqrt()
    });
    Response {
        slope,
        error,
        cubic,
    }
}
