//! The energy of a site, the forces it exerts, and the derivatives of both by all coefficients.
//!
//! With the basic moments m_k = Σ_j f_μ(r_j) Y_k(u_j), the energy of a site is a polynomial G(m) plus the species' energy. With W = ∂G/∂m,
//! H = ∂²G/∂m² and B_kβ = ∂m_k/∂c_β = Σ_j φ_β(r_j) Y_k(u_j),
//!
//! - ∂E/∂c_β = Σ_k W_k B_kβ,
//! - ∂²E/∂c_β∂r_j = Σ_k W_k ∂B_kβ/∂r_j + Σ_l (Σ_k B_kβ H_kl) ∂m_l/∂r_j,
//! - ∂²E/∂ξ_n∂r_j = Σ_l (∂M_n/∂m_l) ∂m_l/∂r_j for the coefficient ξ_n of the scalar M_n.
//!
//! The sums over l are one product of a matrix of the site (coefficients × basic moments) with ∂m/∂r; the images of one
//! atom are added up before it.

use super::environment::{Eight, Site};
use super::form::Form;
use super::kernel::add_products;
use crate::simd::F64x8;

const LANES: usize = F64x8::WIDTH;
/// Components of the virial: xx, yy, zz, yz, xz, xy.
pub(super) const VIRIAL: [[usize; 2]; 6] = [[0, 0], [1, 1], [2, 2], [1, 2], [0, 2], [0, 1]];

/// Work arrays.
#[derive(Default)]
pub(super) struct Scratch {
    /// φ, then φ', of each eight neighbours.
    basis: Vec<F64x8>,
    /// f_μ, then f_μ'.
    radial: Vec<F64x8>,
    y: Vec<F64x8>,
    t: Vec<[F64x8; 3]>,
    lanes: Vec<F64x8>,
    m: Vec<f64>,
    w: Vec<f64>,
    /// W by radial function and monomial.
    spread: Vec<f64>,
    dm: Vec<F64x8>,
    dw: Vec<F64x8>,
    h: Vec<f64>,
    /// B by species, monomial and polynomial.
    b: Vec<f64>,
    of_species: Vec<F64x8>,
    v_radial: Vec<F64x8>,
    v_linear: Vec<F64x8>,
    /// ∂m/∂r: a row for each coordinate of each distinct neighbour, of the centre, and each component of the virial.
    g: Vec<f64>,
    shared: Vec<F64x8>,
    own: Vec<F64x8>,
    rows: Vec<u32>,
}

/// What a frame gets from its sites.
pub(super) struct Target<'a> {
    pub forces: &'a mut [[f64; 3]],
    pub virial: &'a mut [f64; 6],
    /// Derivatives of energy, forces and virial, an equation after the other; empty when they are not wanted.
    pub equations: &'a mut [F64x8],
}

/// The numbers in lanes.
#[inline(always)]
pub(super) fn flat(lanes: &[F64x8]) -> &[f64] {
    // SAFETY: `F64x8` is eight numbers without padding (64 bytes, aligned to 64), in order.
    unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
}

/// The numbers in lanes, to be written.
#[inline(always)]
pub(super) fn flat_mut(lanes: &mut [F64x8]) -> &mut [f64] {
    // SAFETY: as above; the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * LANES) }
}

/// The sum of eight numbers.
#[inline(always)]
fn total(x: &F64x8) -> f64 {
    let x = &x.0;
    ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7]))
}

impl Scratch {
    fn prepare(&mut self, form: &Form, site: &Site, derivatives: bool) {
        let (groups, q) = (site.neighbours.len(), form.monomials.len());
        let (nb, moments) = (form.basic.len(), form.contraction.moments);
        self.basis.resize(groups * 2 * form.size, F64x8::ZERO);
        self.radial.resize(groups * 2 * form.functions, F64x8::ZERO);
        self.y.resize(groups * q, F64x8::ZERO);
        self.t.resize(groups * q, [F64x8::ZERO; 3]);
        self.lanes.resize(nb, F64x8::ZERO);
        self.m.resize(moments, 0.0);
        self.w.resize(moments, 0.0);
        self.spread.resize(form.functions * q, 0.0);
        if derivatives {
            self.dm.resize(moments, F64x8::ZERO);
            self.dw.resize(moments, F64x8::ZERO);
            self.h.resize(nb * nb, 0.0);
            self.b.resize(form.species * q * form.size, 0.0);
            self.of_species.resize(q * form.size, F64x8::ZERO);
            self.v_radial.resize(nb * form.radial_lanes(), F64x8::ZERO);
            self.v_linear.resize(nb * form.linear_lanes(), F64x8::ZERO);
            self.g.resize((3 * site.atoms.len() + 9) * nb, 0.0);
            self.shared.resize(9 * nb, F64x8::ZERO);
            self.own.resize(9 * form.block(), F64x8::ZERO);
        }
    }
}

/// Adds the forces and derivatives of a site; returns its energy.
#[inline(always)]
pub(super) fn add_site<const FMA: bool>(
    form: &Form,
    theta: &[f64],
    centre: usize,
    site: &Site,
    s: &mut Scratch,
    target: &mut Target<'_>,
) -> f64 {
    let derivatives = !target.equations.is_empty();
    s.prepare(form, site, derivatives);
    let (radial, rest) = theta.split_at(form.radial());
    let (species, scalars) = rest.split_at(form.species);
    let q = form.monomials.len();
    let block = &radial[site.species * form.block()..][..form.block()];
    for (n, eight) in site.neighbours.iter().enumerate() {
        let basis = &mut s.basis[n * 2 * form.size..][..2 * form.size];
        radial_basis::<FMA>(form, eight, basis);
        let out = &mut s.radial[n * 2 * form.functions..][..2 * form.functions];
        radial_functions::<FMA>(form, eight, block, basis, out);
        let y = &mut s.y[n * q..][..q];
        let t = &mut s.t[n * q..][..q];
        form.monomials.evaluate::<FMA>(&eight.u, y, t);
    }
    s.lanes.fill(F64x8::ZERO);
    for n in 0..site.neighbours.len() {
        let f = &s.radial[n * 2 * form.functions..][..form.functions];
        let y = &s.y[n * q..][..q];
        for (sum, (mu, mono)) in s.lanes.iter_mut().zip(&form.basic) {
            *sum = f[*mu].mul_add::<FMA>(y[*mono], *sum);
        }
    }
    for (m, lanes) in s.m.iter_mut().zip(&s.lanes) {
        *m = total(lanes);
    }
    form.contraction.forward(&mut s.m);
    form.contraction.reverse(&s.m, scalars, &mut s.w);
    let mut energy = species[site.species];
    for (moment, c) in form.contraction.scalars.iter().zip(scalars) {
        energy += c * s.m[*moment as usize];
    }
    s.spread.fill(0.0);
    for ((mu, mono), w) in form.basic.iter().zip(&s.w) {
        s.spread[mu * q + mono] += w;
    }
    if derivatives {
        matrix_of_site::<FMA>(form, site, s);
        add_energy_equation(form, site, s, target.equations);
        s.own.fill(F64x8::ZERO);
    }
    add_forces::<FMA>(form, centre, site, s, target);
    if derivatives {
        add_equations::<FMA>(form, centre, site, s, target);
    }
    energy
}

/// φ_b = s T_b(x) (R - r)² and their derivatives by r; zero in places that nobody fills.
#[inline(always)]
fn radial_basis<const FMA: bool>(form: &Form, eight: &Eight, out: &mut [F64x8]) {
    let slope = 2.0 / (form.hi - form.lo);
    let (mut x, mut square, mut twice) = (F64x8::ZERO, F64x8::ZERO, F64x8::ZERO);
    for l in 0..LANES {
        let left = form.hi - eight.r.0[l];
        let on = if l < eight.count { form.scaling } else { 0.0 };
        x.0[l] = (eight.r.0[l] - 0.5 * (form.lo + form.hi)) * slope;
        square.0[l] = on * left * left;
        twice.0[l] = -2.0 * on * left;
    }
    let (value, gradient) = out.split_at_mut(form.size);
    let slope = F64x8::splat(slope);
    let two = F64x8::splat(2.0);
    for b in 0..form.size {
        let (v, g) = match b {
            0 => (square, twice),
            1 => (x * square, slope.mul_add::<FMA>(square, x * twice)),
            _ => {
                let v = two * x * value[b - 1] - value[b - 2];
                let g = two * (slope * value[b - 1] + x * gradient[b - 1]) - gradient[b - 2];
                (v, g)
            }
        };
        value[b] = v;
        gradient[b] = g;
    }
}

#[inline(always)]
fn radial_functions<const FMA: bool>(
    form: &Form,
    eight: &Eight,
    block: &[f64],
    basis: &[F64x8],
    out: &mut [F64x8],
) {
    let (phi, slopes) = basis.split_at(form.size);
    let n = form.functions * form.size;
    let of_pair = &block[eight.species * n..][..n];
    for (mu, c) in of_pair.chunks_exact(form.size).enumerate() {
        let (mut f, mut df) = (F64x8::ZERO, F64x8::ZERO);
        for ((c, phi), slope) in c.iter().zip(phi).zip(slopes) {
            let c = F64x8::splat(*c);
            f = c.mul_add::<FMA>(*phi, f);
            df = c.mul_add::<FMA>(*slope, df);
        }
        out[mu] = f;
        out[form.functions + mu] = df;
    }
}

/// B and the matrix whose product with ∂m/∂r gives most of the derivatives.
#[inline(always)]
fn matrix_of_site<const FMA: bool>(form: &Form, site: &Site, s: &mut Scratch) {
    let (q, size, nb) = (form.monomials.len(), form.size, form.basic.len());
    s.b.fill(0.0);
    let mut start = 0;
    while start < site.neighbours.len() {
        let species = site.neighbours[start].species;
        s.of_species.fill(F64x8::ZERO);
        let mut end = start;
        while end < site.neighbours.len() && site.neighbours[end].species == species {
            let phi = &s.basis[end * 2 * size..][..size];
            let y = &s.y[end * q..][..q];
            for (sums, y) in s.of_species.chunks_exact_mut(size).zip(y) {
                for (sum, phi) in sums.iter_mut().zip(phi) {
                    *sum = phi.mul_add::<FMA>(*y, *sum);
                }
            }
            end += 1;
        }
        let out = &mut s.b[species * q * size..][..q * size];
        for (b, lanes) in out.iter_mut().zip(&s.of_species) {
            *b = total(lanes);
        }
        start = end;
    }
    let (radial, linear) = (form.radial_lanes(), form.linear_lanes());
    for first in (0..nb).step_by(LANES) {
        form.contraction
            .tangents::<FMA>(first, &s.m, &s.w, &mut s.dm, &mut s.dw);
        for lane in 0..LANES.min(nb - first) {
            let l = first + lane;
            for (k, dw) in s.dw[..nb].iter().enumerate() {
                s.h[l * nb + k] = dw.0[lane];
            }
            let row = flat_mut(&mut s.v_linear[l * linear..][..linear]);
            for (v, moment) in row.iter_mut().zip(&form.contraction.scalars) {
                *v = s.dm[*moment as usize].0[lane];
            }
        }
    }
    for l in 0..nb {
        let row = flat_mut(&mut s.v_radial[l * radial..][..radial]);
        row.fill(0.0);
        for (h, (mu, mono)) in s.h[l * nb..][..nb].iter().zip(&form.basic) {
            if *h != 0.0 {
                for species in 0..form.species {
                    let b = &s.b[(species * q + mono) * size..][..size];
                    let row = &mut row[(species * form.functions + mu) * size..][..size];
                    for (v, b) in row.iter_mut().zip(b) {
                        *v += h * b;
                    }
                }
            }
        }
    }
}

fn add_energy_equation(form: &Form, site: &Site, s: &Scratch, equations: &mut [F64x8]) {
    let (q, size) = (form.monomials.len(), form.size);
    let row = flat_mut(&mut equations[..form.lanes()]);
    let start = site.species * form.radial_lanes() * LANES;
    for (w, (mu, mono)) in s.w.iter().zip(&form.basic) {
        for species in 0..form.species {
            let b = &s.b[(species * q + mono) * size..][..size];
            let at = start + (species * form.functions + mu) * size;
            for (v, b) in row[at..at + size].iter_mut().zip(b) {
                *v += w * b;
            }
        }
    }
    let linear = form.remainder() - form.scalars();
    for (v, moment) in row[linear..].iter_mut().zip(&form.contraction.scalars) {
        *v += s.m[*moment as usize];
    }
    row[form.remainder() + 1 + site.species] += 1.0;
}

/// Forces and virial; and, for derivatives, the share Σ_k W_k ∂B_kβ/∂r_j.
#[inline(always)]
fn add_forces<const FMA: bool>(
    form: &Form,
    centre: usize,
    site: &Site,
    s: &mut Scratch,
    target: &mut Target<'_>,
) {
    let (q, size, functions) = (form.monomials.len(), form.size, form.functions);
    let derivatives = !target.equations.is_empty();
    let (block, stride) = (form.block(), form.lanes() * LANES);
    let start = site.species * form.radial_lanes() * LANES;
    let mut own = [F64x8::ZERO; 3];
    let mut virial = [F64x8::ZERO; 6];
    for (n, eight) in site.neighbours.iter().enumerate() {
        let mut inverse = F64x8::ZERO;
        for l in 0..LANES {
            inverse.0[l] = 1.0 / eight.r.0[l];
        }
        let (y, t) = (&s.y[n * q..][..q], &s.t[n * q..][..q]);
        let (phi, slope) = s.basis[n * 2 * size..][..2 * size].split_at(size);
        let (f, df) = s.radial[n * 2 * functions..][..2 * functions].split_at(functions);
        let mut g = [F64x8::ZERO; 3];
        for mu in 0..functions {
            let mut p = F64x8::ZERO;
            let mut along = [F64x8::ZERO; 3];
            for ((w, y), t) in s.spread[mu * q..][..q].iter().zip(y).zip(t) {
                let w = F64x8::splat(*w);
                p = w.mul_add::<FMA>(*y, p);
                for axis in 0..3 {
                    along[axis] = w.mul_add::<FMA>(t[axis], along[axis]);
                }
            }
            let mut radial = [F64x8::ZERO; 3];
            for axis in 0..3 {
                radial[axis] = p * eight.u[axis];
                along[axis] = along[axis] * inverse;
                g[axis] = df[mu].mul_add::<FMA>(radial[axis], g[axis]);
                g[axis] = f[mu].mul_add::<FMA>(along[axis], g[axis]);
            }
            if !derivatives {
                continue;
            }
            for b in 0..size {
                let at = (eight.species * functions + mu) * size + b;
                let mut x = [F64x8::ZERO; 3];
                for axis in 0..3 {
                    x[axis] = slope[b].mul_add::<FMA>(radial[axis], phi[b] * along[axis]);
                    let sum = &mut s.own[axis * block + at];
                    *sum = *sum + x[axis];
                }
                for (v, [a, c]) in VIRIAL.iter().enumerate() {
                    let sum = &mut s.own[(3 + v) * block + at];
                    *sum = *sum - x[*a] * (eight.r * eight.u[*c]);
                }
                let equations = flat_mut(target.equations);
                for lane in 0..eight.count {
                    let atom = site.atoms[eight.columns[lane] as usize] as usize;
                    for axis in 0..3 {
                        let row = (1 + 3 * atom + axis) * stride;
                        equations[row + start + at] -= x[axis].0[lane];
                    }
                }
            }
        }
        for lane in 0..eight.count {
            let atom = site.atoms[eight.columns[lane] as usize] as usize;
            for axis in 0..3 {
                target.forces[atom][axis] -= g[axis].0[lane];
            }
        }
        for axis in 0..3 {
            own[axis] = own[axis] + g[axis];
        }
        for (v, [a, c]) in VIRIAL.iter().enumerate() {
            virial[v] = virial[v] - g[*a] * (eight.r * eight.u[*c]);
        }
    }
    for axis in 0..3 {
        target.forces[centre][axis] += total(&own[axis]);
    }
    for (sum, lanes) in target.virial.iter_mut().zip(&virial) {
        *sum += total(lanes);
    }
}

/// The rest of the derivatives of forces and virial.
#[inline(always)]
fn add_equations<const FMA: bool>(
    form: &Form,
    centre: usize,
    site: &Site,
    s: &mut Scratch,
    target: &mut Target<'_>,
) {
    let (q, nb, functions) = (form.monomials.len(), form.basic.len(), form.functions);
    let (block, lanes) = (form.block(), form.lanes());
    let distinct = 3 * site.atoms.len();
    s.g.fill(0.0);
    s.shared.fill(F64x8::ZERO);
    for (n, eight) in site.neighbours.iter().enumerate() {
        let (y, t) = (&s.y[n * q..][..q], &s.t[n * q..][..q]);
        let (f, df) = s.radial[n * 2 * functions..][..2 * functions].split_at(functions);
        let mut inverse = F64x8::ZERO;
        for l in 0..LANES {
            inverse.0[l] = 1.0 / eight.r.0[l];
        }
        let mut arm = [F64x8::ZERO; 3];
        for axis in 0..3 {
            arm[axis] = eight.r * eight.u[axis];
        }
        for (k, (mu, mono)) in form.basic.iter().enumerate() {
            let radial = df[*mu] * y[*mono];
            let along = f[*mu] * inverse;
            let mut g = [F64x8::ZERO; 3];
            for axis in 0..3 {
                g[axis] = radial.mul_add::<FMA>(eight.u[axis], along * t[*mono][axis]);
                let sum = &mut s.shared[axis * nb + k];
                *sum = *sum + g[axis];
            }
            for (v, [a, c]) in VIRIAL.iter().enumerate() {
                let sum = &mut s.shared[(3 + v) * nb + k];
                *sum = *sum - g[*a] * arm[*c];
            }
            for lane in 0..eight.count {
                let row = 3 * eight.columns[lane] as usize;
                for axis in 0..3 {
                    s.g[(row + axis) * nb + k] -= g[axis].0[lane];
                }
            }
        }
    }
    for (g, lanes) in s.g[distinct * nb..].iter_mut().zip(&s.shared) {
        *g = total(lanes);
    }
    let atoms = target.forces.len();
    s.rows.clear();
    for atom in &site.atoms {
        s.rows.extend((0..3).map(|axis| 1 + 3 * atom + axis));
    }
    s.rows
        .extend((0..3).map(|axis| (1 + 3 * centre + axis) as u32));
    s.rows.extend((0..6).map(|v| (1 + 3 * atoms + v) as u32));
    let radial = form.radial_lanes();
    let own = site.species * radial;
    add_products::<FMA>(
        &s.v_radial,
        radial,
        &s.g,
        nb,
        &s.rows,
        target.equations,
        lanes,
        own,
    );
    let linear = form.species * radial;
    let width = form.linear_lanes();
    add_products::<FMA>(
        &s.v_linear,
        width,
        &s.g,
        nb,
        &s.rows,
        target.equations,
        lanes,
        linear,
    );
    let equations = flat_mut(target.equations);
    for (part, row) in s.rows[distinct..].iter().enumerate() {
        let row = *row as usize * lanes * LANES + own * LANES;
        let sums = &s.own[part * block..][..block];
        for (v, sum) in equations[row..row + block].iter_mut().zip(sums) {
            *v += total(sum);
        }
    }
}
