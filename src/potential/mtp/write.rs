//! Writing a model file, in the spelling of MLIP, so that it reads back to the same bits here and there.

use super::file::MtpFile;
use super::state::SelectionState;
use std::fmt::Write as _;

impl MtpFile {
    /// The bytes of the file: `.mtp`, or `.almtp` when there is a selection state.
    pub fn render(&self) -> Vec<u8> {
        let mut t = String::new();
        for comment in &self.comments {
            line(&mut t, comment.clone());
        }
        line(&mut t, "MTP\nversion = 1.1.0".into());
        if let Some(name) = &self.name {
            line(&mut t, format!("potential_name = {name}"));
        }
        line(&mut t, format!("scaling = {}", number(self.scaling)));
        line(&mut t, format!("species_count = {}", self.species_count));
        let tag = self.tag.as_deref().unwrap_or_default();
        line(&mut t, format!("potential_tag = {tag}"));
        let basis = &self.basis;
        line(&mut t, format!("radial_basis_type = {}", basis.kind.name()));
        if let Some(scaling) = basis.scaling {
            line(&mut t, format!("\tscaling = {}", number(scaling)));
        }
        line(&mut t, format!("\tmin_dist = {}", number(basis.min_dist)));
        line(&mut t, format!("\tmax_dist = {}", number(basis.max_dist)));
        line(&mut t, format!("\tradial_basis_size = {}", basis.size));
        line(&mut t, format!("\tradial_funcs_count = {}", self.functions));
        if let Some(c) = &self.coefficients {
            line(&mut t, "\tradial_coeffs".into());
            let mut rows = c.radial.chunks(basis.size);
            for a in &c.labels {
                for b in &c.labels {
                    line(&mut t, format!("\t\t{a}-{b}"));
                    for row in rows.by_ref().take(self.functions) {
                        line(&mut t, format!("\t\t\t{}", numbers(row)));
                    }
                }
            }
        }
        line(&mut t, format!("alpha_moments_count = {}", self.moments));
        line(
            &mut t,
            format!("alpha_index_basic_count = {}", self.basic.len()),
        );
        let basic = self.basic.iter().map(|i| {
            let [a, b, c] = i.powers;
            format!("{{{}, {a}, {b}, {c}}}", i.mu)
        });
        line(&mut t, format!("alpha_index_basic = {}", list(basic)));
        line(
            &mut t,
            format!("alpha_index_times_count = {}", self.products.len()),
        );
        let times = self
            .products
            .iter()
            .map(|p| format!("{{{}, {}, {}, {}}}", p.a, p.b, p.factor, p.target));
        line(&mut t, format!("alpha_index_times = {}", list(times)));
        line(
            &mut t,
            format!("alpha_scalar_moments = {}", self.scalars.len()),
        );
        let mapping = self.scalars.iter().map(u32::to_string);
        line(&mut t, format!("alpha_moment_mapping = {}", list(mapping)));
        if let Some(c) = &self.coefficients {
            line(&mut t, format!("species_coeffs = {}", numbers(&c.species)));
            let _ = write!(t, "moment_coeffs = {}", numbers(&c.moments));
        }
        t.push('\n');
        let mut out = t.into_bytes();
        if let Some(state) = &self.selection {
            state.render(&mut out);
        }
        out
    }
}

impl SelectionState {
    fn render(&self, out: &mut Vec<u8>) {
        let mut t = String::from("#MVS_v1.1\n");
        for (key, weight) in [
            ("energy_weight", self.energy_weight),
            ("force_weight", 0.0),
            ("stress_weight", 0.0),
            ("site_en_weight", self.site_weight),
        ] {
            line(&mut t, format!("{key} {}", scientific(weight, 16)));
        }
        let _ = write!(t, "weight_scaling {}\n#", self.weight_scaling);
        out.extend_from_slice(t.as_bytes());
        for matrix in [&self.a, &self.q] {
            matrix
                .iter()
                .for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
        }
        let mut t = String::from("\n#\n");
        for [c, e] in &self.origins {
            line(&mut t, format!("{c} {e}"));
        }
        t.push_str("#\n");
        out.extend_from_slice(t.as_bytes());
        out.extend_from_slice(&self.configurations);
    }
}

fn line(text: &mut String, what: String) {
    text.push_str(&what);
    text.push('\n');
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
}

fn numbers(values: &[f64]) -> String {
    list(values.iter().map(|x| number(*x)))
}

/// With 15 decimals, as MLIP writes; with one more where the bits need it.
fn number(x: f64) -> String {
    let short = scientific(x, 15);
    if short.parse() == Ok(x) {
        short
    } else {
        scientific(x, 16)
    }
}

/// The form `%.Ne` of C: an exponent with a sign and two digits at least.
fn scientific(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = match exponent.strip_prefix('-') {
                Some(digits) => ('-', digits),
                None => ('+', exponent),
            };
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}
