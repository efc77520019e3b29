//! The inner loops around a model: distances in, forces and virial out.

use crate::simd::{fma, lane_sum, simd_dispatch};
use crate::system::Cell;
use std::ops::Range;

/// Where packed rows go; the arrays are at least as long as the listed neighbours, `first` is filled anew.
pub(super) struct Packed<'a> {
    pub first: &'a mut Vec<u32>,
    pub target: &'a mut [u32],
    pub x: &'a mut [f64],
    pub y: &'a mut [f64],
    pub z: &'a mut [f64],
    pub r2: &'a mut [f64],
}

/// dE/dr of each neighbour, by component.
pub(super) struct Gradients<'a> {
    pub gx: &'a [f64],
    pub gy: &'a [f64],
    pub gz: &'a [f64],
}

/// Rows with (dE/dr)/r instead of gradients.
pub(super) struct RadialRows<'a> {
    pub local: &'a [[f64; 4]],
    pub first: &'a [u32],
    pub target: &'a [u32],
    pub radial: &'a [f64],
}

/// The least of some squared distances; infinite when there is none.
pub(super) fn least(r2: &[f64]) -> f64 {
    let (blocks, rest) = r2.as_chunks::<8>();
    let mut lanes = [f64::INFINITY; 8];
    for b in blocks {
        for l in 0..8 {
            lanes[l] = if b[l] < lanes[l] { b[l] } else { lanes[l] };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .fold(f64::INFINITY, |m, x| m.min(*x))
}

simd_dispatch! {
    /// Squared distances of all listed neighbours. `origins` are the centres of the rows `first`.
    pub(super) fn squared_distances(
        local: &[[f64; 4]],
        origins: &[[f64; 4]],
        first: &[u32],
        listed: &[u32],
        r2: &mut [f64],
    ) = squared_distances_body;
}

#[inline(always)]
fn squared_distances_body<const FMA: bool>(
    local: &[[f64; 4]],
    origins: &[[f64; 4]],
    first: &[u32],
    listed: &[u32],
    r2: &mut [f64],
) {
    for (o, f) in origins.iter().zip(first.windows(2)) {
        let row = f[0] as usize..f[1] as usize;
        let (indices, rest) = listed[row.clone()].as_chunks::<4>();
        let (out, out_rest) = r2[row].as_chunks_mut::<4>();
        let one = |k: u32| -> f64 {
            let p = &local[k as usize];
            let (dx, dy, dz) = (p[0] - o[0], p[1] - o[1], p[2] - o[2]);
            fma::<FMA>(dx, dx, fma::<FMA>(dy, dy, dz * dz))
        };
        for (k, out) in indices.iter().zip(out) {
            let p = [
                &local[k[0] as usize],
                &local[k[1] as usize],
                &local[k[2] as usize],
                &local[k[3] as usize],
            ];
            for l in 0..4 {
                let (dx, dy, dz) = (p[l][0] - o[0], p[l][1] - o[1], p[l][2] - o[2]);
                out[l] = fma::<FMA>(dx, dx, fma::<FMA>(dy, dy, dz * dz));
            }
        }
        for (k, out) in rest.iter().zip(out_rest) {
            *out = one(*k);
        }
    }
}

/// The periodic images of the local atoms of a chunk.
pub(super) struct Images<'a> {
    pub cell: &'a Cell,
    /// The distinct shifts.
    pub list: &'a [[i32; 3]],
    /// The shift of each local atom, an index into `list`.
    pub of: &'a [u32],
}

impl Images<'_> {
    /// The translation (Å) of a local atom's image relative to that of another.
    #[inline]
    fn between(&self, from: u32, to: u32) -> [f64; 3] {
        self.cell.translation(self.shift(from, to))
    }

    /// The same in lattice vectors.
    #[inline]
    pub fn shift(&self, from: u32, to: u32) -> [i32; 3] {
        let (a, b) = (self.list[from as usize], self.list[to as usize]);
        [b[0] - a[0], b[1] - a[1], b[2] - a[2]]
    }
}

/// Displacements of the neighbours inside the cutoff, packed; returns their number. `local` are positions without images.
///
/// A displacement is the difference of the positions plus the translation between the images, so its bits do not depend
/// on which image an atom had when the list was built: models whose large coefficients amplify rounding give the
/// same numbers for lists of any age.
#[inline]
pub(super) fn packed_rows(
    local: &[[f64; 4]],
    images: &Images<'_>,
    centres: Range<usize>,
    rows: &[u32],
    listed: &[u32],
    cutoff2: f64,
    out: Packed<'_>,
) -> usize {
    let Packed {
        first,
        target,
        x,
        y,
        z,
        r2,
    } = out;
    let count = listed.len();
    let (target, x, y, z, r2) = (
        &mut target[..count],
        &mut x[..count],
        &mut y[..count],
        &mut z[..count],
        &mut r2[..count],
    );
    first.clear();
    first.push(0);
    let begin = rows[0];
    let mut n = 0;
    for (c, row) in centres.zip(rows.windows(2)) {
        let (o, own) = (&local[c], images.of[c]);
        for &k in &listed[(row[0] - begin) as usize..(row[1] - begin) as usize] {
            let (p, image) = (&local[k as usize], images.of[k as usize]);
            let (mut dx, mut dy, mut dz) = (p[0] - o[0], p[1] - o[1], p[2] - o[2]);
            if image != own {
                let t = images.between(own, image);
                (dx, dy, dz) = (dx + t[0], dy + t[1], dz + t[2]);
            }
            let d2 = dx * dx + dy * dy + dz * dz;
            // `n` counts fewer neighbours than were seen, so there is always room for this one.
            (x[n], y[n], z[n], r2[n], target[n]) = (dx, dy, dz, d2, k);
            n += usize::from(d2 < cutoff2);
            if n == count {
                break;
            }
        }
        first.push(n as u32);
    }
    n
}

/// Forces from gradients: minus the gradient on the neighbour, plus the sum of the row on the centre.
pub(super) fn scatter_vectors(
    g: &Gradients<'_>,
    first: &[u32],
    target: &[u32],
    start: usize,
    forces: &mut [[f64; 4]],
) {
    for (k, f) in first.windows(2).enumerate() {
        let row = f[0] as usize..f[1] as usize;
        let g = g.gx[row.clone()]
            .iter()
            .zip(&g.gy[row.clone()])
            .zip(&g.gz[row.clone()]);
        let mut own = [0.0; 3];
        for (((gx, gy), gz), target) in g.zip(&target[row]) {
            let f = &mut forces[*target as usize];
            (f[0], f[1], f[2]) = (f[0] - gx, f[1] - gy, f[2] - gz);
            own = [own[0] + gx, own[1] + gy, own[2] + gz];
        }
        let f = &mut forces[start + k];
        (f[0], f[1], f[2]) = (f[0] + own[0], f[1] + own[1], f[2] + own[2]);
    }
}

/// The virial of rows: minus the sum of displacement ⊗ gradient.
pub(super) fn virial(
    g: &Gradients<'_>,
    x: &[f64],
    y: &[f64],
    z: &[f64],
    virial: &mut [[f64; 3]; 3],
) {
    for (a, d) in [x, y, z].into_iter().enumerate() {
        for (b, g) in [g.gx, g.gy, g.gz].into_iter().enumerate() {
            virial[a][b] -= lane_sum([d, g]);
        }
    }
}

simd_dispatch! {
    /// Forces, and the virial when wanted, from (dE/dr)/r and the positions.
    pub(super) fn scatter_radial(
        rows: &RadialRows<'_>,
        start: usize,
        forces: &mut [[f64; 4]],
        virial: &mut [[f64; 3]; 3],
        want_virial: bool,
    ) = scatter_radial_body;
}

#[inline(always)]
fn scatter_radial_body<const FMA: bool>(
    rows: &RadialRows<'_>,
    start: usize,
    forces: &mut [[f64; 4]],
    virial: &mut [[f64; 3]; 3],
    want_virial: bool,
) {
    let mut w = [[0.0; 4]; 3];
    let wanted = !forces.is_empty();
    for (k, f) in rows.first.windows(2).enumerate() {
        let row = f[0] as usize..f[1] as usize;
        let o = rows.local[start + k];
        let mut own = [0.0; 4];
        for (s, &target) in rows.radial[row.clone()].iter().zip(&rows.target[row]) {
            let p = &rows.local[target as usize];
            let d: [f64; 4] = [p[0] - o[0], p[1] - o[1], p[2] - o[2], p[3] - o[3]];
            let g: [f64; 4] = [s * d[0], s * d[1], s * d[2], s * d[3]];
            if wanted {
                let f = &mut forces[target as usize];
                for c in 0..4 {
                    f[c] -= g[c];
                    own[c] += g[c];
                }
            }
            if want_virial {
                for a in 0..3 {
                    for c in 0..4 {
                        w[a][c] = fma::<FMA>(-d[a], g[c], w[a][c]);
                    }
                }
            }
        }
        if wanted {
            let f = &mut forces[start + k];
            for c in 0..4 {
                f[c] += own[c];
            }
        }
    }
    for a in 0..3 {
        for b in 0..3 {
            virial[a][b] += w[a][b];
        }
    }
}
