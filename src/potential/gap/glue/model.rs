//! Energies and derivatives of the Glue baseline.

use super::super::spline::Spline;
use super::{GlueParameters, GlueType};
use crate::elements::Element;
use crate::potential::{RowResults, Rows};

/// No type.
const NONE: u8 = u8::MAX;

/// E_i = F(rho_i) + ½ sum over j of V(r_ij), with rho_i the sum of the neighbours' densities (Ercolessi, Tosatti and
/// Parrinello, Phys. Rev. Lett. 57, 719 (1986)).
///
/// Elements without a type are passed over, as centres and as neighbours.
#[derive(Clone, Debug)]
pub(in super::super) struct Glue {
    /// Type of each atomic number.
    types: [u8; 119],
    densities: Vec<Density>,
    embeddings: Vec<Spline>,
    /// Pair energies, row-major by types.
    pairs: Vec<Option<Spline>>,
    cutoff: f64,
}

/// The density an atom spreads.
#[derive(Clone, Debug)]
enum Density {
    /// c·(r_c - r)^3.
    Cubic { range: f64, factor: f64 },
    /// A spline, zero from its last knot on.
    Spline(Spline),
}

impl Density {
    fn new(of: &GlueType) -> Density {
        if of.spline_density {
            return Density::Spline(Spline::new(&of.density.points, of.density.ends));
        }
        let range = of.density.points.last().map_or(0.0, |p| p[0]);
        // The least-squares fit of the one coefficient.
        let (mut top, mut bottom) = (0.0, 0.0);
        for [a, rho] in &of.density.points {
            let cube = (range - a).powi(3);
            top += rho * cube;
            bottom += cube * cube;
        }
        Density::Cubic {
            range,
            factor: top / bottom,
        }
    }

    fn range(&self) -> f64 {
        match self {
            Density::Cubic { range, .. } => *range,
            Density::Spline(s) => s.end(),
        }
    }

    fn at(&self, r: f64) -> (f64, f64) {
        match self {
            Density::Cubic { range, factor } => {
                let d = range - r;
                (factor * d * d * d, -3.0 * factor * d * d)
            }
            Density::Spline(s) => s.at(r),
        }
    }
}

/// Memory of [`Glue::evaluate`]: slopes of the densities of the neighbours of one centre.
#[derive(Debug, Default)]
pub(in super::super) struct GlueScratch {
    slopes: Vec<f64>,
}

impl Glue {
    /// The model of some tables.
    pub(in super::super) fn new(parameters: &GlueParameters) -> Glue {
        let n = parameters.types.len();
        let mut types = [NONE; 119];
        for (k, t) in parameters.types.iter().enumerate() {
            types[usize::from(t.number)] = k as u8;
        }
        let densities: Vec<Density> = parameters.types.iter().map(Density::new).collect();
        let embeddings = parameters
            .types
            .iter()
            .map(|t| Spline::new(&t.embedding.points, t.embedding.ends))
            .collect();
        let mut pairs = vec![None; n * n];
        for p in &parameters.pairs {
            let spline = Spline::new(&p.energy.points, p.energy.ends);
            pairs[p.types[0] * n + p.types[1]] = Some(spline.clone());
            pairs[p.types[1] * n + p.types[0]] = Some(spline);
        }
        let ranges = densities
            .iter()
            .map(Density::range)
            .chain(pairs.iter().flatten().map(Spline::end));
        let cutoff = ranges.fold(0.0, f64::max);
        Glue {
            types,
            densities,
            embeddings,
            pairs,
            cutoff,
        }
    }

    /// Range (Å).
    pub(in super::super) fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn type_of(&self, element: Element) -> Option<usize> {
        Some(self.types[usize::from(element.number())])
            .filter(|t| *t != NONE)
            .map(usize::from)
    }

    /// Adds the energies and, if there is room for them, the derivatives.
    pub(in super::super) fn evaluate(
        &self,
        rows: &Rows<'_>,
        scratch: &mut GlueScratch,
        results: &mut RowResults<'_>,
    ) {
        let n = self.densities.len();
        for (c, &centre) in rows.centres.iter().enumerate() {
            let Some(ti) = self.type_of(centre) else {
                continue;
            };
            let row = rows.of(c);
            scratch.slopes.clear();
            scratch.slopes.resize(row.len(), 0.0);
            let (mut rho, mut pair_energy) = (0.0, 0.0);
            for (k, slope) in row.clone().zip(&mut scratch.slopes) {
                let Some(tj) = self.type_of(rows.elements[k]) else {
                    continue;
                };
                let r = rows.r2[k].sqrt();
                let density = &self.densities[tj];
                if r < density.range() {
                    let (value, derivative) = density.at(r);
                    rho += value;
                    *slope = derivative;
                }
                if let Some(pair) = self.pairs[ti * n + tj].as_ref().filter(|p| r < p.end()) {
                    let (value, derivative) = pair.at(r);
                    pair_energy += 0.5 * value;
                    add_radial(rows, k, 0.5 * derivative / r, results);
                }
            }
            let (embedding, by_rho) = self.embeddings[ti].at(rho);
            results.energy[c] += embedding + pair_energy;
            for (k, slope) in row.zip(&scratch.slopes) {
                if *slope != 0.0 {
                    add_radial(rows, k, by_rho * slope / rows.r2[k].sqrt(), results);
                }
            }
        }
    }
}

/// Adds `factor` times the displacement to the derivative of neighbour `k`, if derivatives are wanted.
#[inline]
fn add_radial(rows: &Rows<'_>, k: usize, factor: f64, results: &mut RowResults<'_>) {
    if let Some(gx) = results.gx.get_mut(k) {
        *gx += factor * rows.x[k];
        results.gy[k] += factor * rows.y[k];
        results.gz[k] += factor * rows.z[k];
    }
}
