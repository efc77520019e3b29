//! A model file as plain data: what a `.mtp` or `.almtp` says, checked, with nothing computed yet.

use super::scanner::{Scanner, parse_integer, shown};
use super::state::SelectionState;
use crate::error::{Error, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The largest rank a basic moment may have; MLIP's own levels end at 10.
pub const MAX_RANK: usize = 20;
/// Most species, radial functions and polynomials.
const MAX_SPECIES: usize = 118;
const MAX_FUNCTIONS: usize = 64;
const MAX_POLYNOMIALS: usize = 256;

/// Functions of the distance from which the radial functions are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasisKind {
    /// Chebyshev polynomials times (R - r)^2.
    RBChebyshev,
    /// Chebyshev polynomials without a cutoff factor: energy and forces jump at R.
    BChebyshev,
    /// As [`RBChebyshev`](Self::RBChebyshev), constant below the smallest distance, where an exponential repulsion is added.
    RBChebyshevRepuls,
}

impl BasisKind {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            BasisKind::RBChebyshev => "RBChebyshev",
            BasisKind::BChebyshev => "BChebyshev",
            BasisKind::RBChebyshevRepuls => "RBChebyshev_repuls",
        }
    }

    const ALL: [BasisKind; 3] = [
        BasisKind::RBChebyshev,
        BasisKind::BChebyshev,
        BasisKind::RBChebyshevRepuls,
    ];
}

/// The radial basis of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct RadialBasis {
    /// Its kind.
    pub kind: BasisKind,
    /// A second scaling factor, in old files.
    pub scaling: Option<f64>,
    /// Lower end (Å) of the interval on which the polynomials are defined; no cutoff.
    pub min_dist: f64,
    /// Upper end (Å): the cutoff.
    pub max_dist: f64,
    /// Number of polynomials.
    pub size: usize,
}

/// The index of a basic moment: radial function, powers of x, y, z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BasicIndex {
    /// The radial function.
    pub mu: u16,
    /// Powers of x, y and z.
    pub powers: [u8; 3],
}

impl BasicIndex {
    /// The rank, a + b + c.
    pub fn rank(&self) -> usize {
        self.powers.iter().map(|p| usize::from(*p)).sum()
    }
}

/// One product: M[target] += factor · M[a] · M[b].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product {
    /// First operand.
    pub a: u32,
    /// Second operand.
    pub b: u32,
    /// Whole multiplicity.
    pub factor: i32,
    /// Where it is added.
    pub target: u32,
}

/// What training gives to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    /// Labels of the species in the file, in order of their index.
    pub labels: Vec<i64>,
    /// `[central][neighbour][mu][polynomial]`.
    pub radial: Vec<f64>,
    /// Energy (eV) of each species.
    pub species: Vec<f64>,
    /// Coefficients (eV) of the scalars.
    pub moments: Vec<f64>,
}

/// The contents of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct MtpFile {
    /// The file.
    pub path: PathBuf,
    /// Comment lines before the first word, with their `#`.
    pub comments: Vec<String>,
    /// `potential_name`.
    pub name: Option<String>,
    /// `scaling`: a factor of every radial function.
    pub scaling: f64,
    /// `species_count`.
    pub species_count: usize,
    /// `potential_tag`.
    pub tag: Option<String>,
    /// The radial basis.
    pub basis: RadialBasis,
    /// Number of radial functions.
    pub functions: usize,
    /// Number of moments, basic ones first.
    pub moments: usize,
    /// Index of each basic moment.
    pub basic: Vec<BasicIndex>,
    /// The products, in the order of the file.
    pub products: Vec<Product>,
    /// The moment of each scalar.
    pub scalars: Vec<u32>,
    /// The coefficients; `None` in an untrained template.
    pub coefficients: Option<Coefficients>,
    /// The selection state of an `.almtp` file.
    pub selection: Option<SelectionState>,
}

/// What has been seen so far, by key.
#[derive(Default)]
struct Parts {
    version: bool,
    name: Option<String>,
    scaling: Option<f64>,
    species_count: Option<usize>,
    tag: Option<String>,
    kind: Option<BasisKind>,
    basis_scaling: Option<f64>,
    min_dist: Option<f64>,
    max_dist: Option<f64>,
    size: Option<usize>,
    functions: Option<usize>,
    radial: Option<RadialBlock>,
    moments: Option<usize>,
    basic_count: Option<usize>,
    basic: Option<Vec<BasicIndex>>,
    times_count: Option<usize>,
    times: Option<Vec<Product>>,
    scalar_count: Option<usize>,
    mapping: Option<Vec<u32>>,
    species: Option<Vec<f64>>,
    coefficients: Option<Vec<f64>>,
}

/// The pair blocks under `radial_coeffs`, in the order of the file.
struct RadialBlock {
    line: usize,
    pairs: Vec<PairRows>,
}

/// The coefficients of one pair, where they stand.
struct PairRows {
    labels: [i64; 2],
    line: usize,
    values: Vec<f64>,
}

impl MtpFile {
    /// Reads a `.mtp` or `.almtp` file.
    ///
    /// Errors name the line, or the byte in the binary part: anything missing, miscounted, out of range, or not supported.
    pub fn read(path: &Path) -> Result<MtpFile> {
        let about = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
        if !about.is_file() {
            return Err(Error::file(path, "this is not a regular file"));
        }
        let bytes = std::fs::read(path).map_err(|e| Error::reading(path, &e))?;
        Self::parse(&bytes, path)
    }

    /// Reads the bytes of a model file; `path` is for messages.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<MtpFile> {
        let mut s = Scanner::new(bytes, path);
        let comments = read_comments(&mut s);
        if s.rest_of_line() != b"MTP" {
            return Err(
                Error::file(path, "the file does not begin with the word `MTP`")
                    .advise("give a `.mtp` or `.almtp` file as MLIP-2 or MLIP-3 writes it"),
            );
        }
        let mut parts = Parts::default();
        loop {
            s.skip_blank();
            // The selection state begins with a hash mark, and nothing but it can follow.
            if s.at_end() || s.rest().starts_with(b"#") {
                break;
            }
            parts.read_key(&mut s)?;
        }
        let mut file = parts.finish(path)?;
        file.comments = comments;
        if !s.at_end() {
            let n = match &file.coefficients {
                Some(c) => c.radial.len() + c.species.len() + c.moments.len(),
                None => {
                    return Err(
                        s.error("a selection state follows, but the model has no coefficients")
                    );
                }
            };
            file.selection = Some(SelectionState::read(&mut s, n)?);
        }
        Ok(file)
    }

    /// The coefficients, or why there are none.
    pub fn trained(&self) -> Result<&Coefficients> {
        self.coefficients.as_ref().ok_or_else(|| {
            Error::file(
                &self.path,
                "this is an untrained template: it has no coefficients, so it gives no energies",
            )
            .advise("train it first, or give a trained model")
        })
    }

    /// The products in an order in which operands come before targets.
    ///
    /// Errors when a moment depends on itself.
    pub fn ordered_products(&self) -> Result<Vec<Product>> {
        let order = super::graph::order(self)?;
        let (first, by_target) = super::graph::by_target(self);
        let of = |i: u32| first[i as usize] as usize..first[i as usize + 1] as usize;
        Ok(order
            .iter()
            .flat_map(|i| &by_target[of(*i)])
            .map(|k| self.products[*k as usize])
            .collect())
    }

    /// The product of the scaling factors.
    pub fn total_scaling(&self) -> f64 {
        self.scaling * self.basis.scaling.unwrap_or(1.0)
    }
}

fn read_comments(s: &mut Scanner<'_>) -> Vec<String> {
    let mut comments = Vec::new();
    s.take(b"\xef\xbb\xbf");
    loop {
        s.skip_blank();
        if !s.rest().starts_with(b"#") {
            return comments;
        }
        comments.push(String::from_utf8_lossy(s.rest_of_line()).into_owned());
    }
}

/// Puts a value in its place; a key that was there before is an error.
fn set<T>(s: &Scanner<'_>, key: &str, slot: &mut Option<T>, value: T) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(s.error(format!("`{key}` is there twice"))),
    }
}

/// The keys of files, for suggestions.
const KEYS: &[&str] = &[
    "version",
    "potential_name",
    "scaling",
    "species_count",
    "potential_tag",
    "radial_basis_type",
    "min_dist",
    "max_dist",
    "min_val",
    "max_val",
    "radial_basis_size",
    "basis_size",
    "radial_funcs_count",
    "radial_coeffs",
    "alpha_moments_count",
    "alpha_index_basic_count",
    "alpha_index_basic",
    "alpha_index_times_count",
    "alpha_index_times",
    "alpha_scalar_moments",
    "alpha_moment_mapping",
    "species_coeffs",
    "moment_coeffs",
];

impl Parts {
    fn read_key(&mut self, s: &mut Scanner<'_>) -> Result<()> {
        let key = String::from_utf8_lossy(s.word()).into_owned();
        if key == "radial_coeffs" {
            let line = s.line();
            s.end_of_line(&key)?;
            let block = read_radial(s, line)?;
            return set(s, &key, &mut self.radial, block);
        }
        if key == "magnetic_basis_type" {
            return Err(s
                .error("`magnetic_basis_type`: magnetic moment tensor potentials are not supported")
                .advise("zundel has no magnetic degrees of freedom"));
        }
        if !KEYS.contains(&key.as_str()) {
            let reason = format!("unknown key `{}`", shown(key.as_bytes()));
            return Err(s.error(reason).advise(
                "known are the keys that MLIP-2 and MLIP-3 write; the file is damaged, or of a variant that changes the formulas",
            ));
        }
        s.equals(&key)?;
        let key = key.as_str();
        match key {
            "version" => {
                let word = s.word();
                if word != b"1.1.0" {
                    return Err(s.error(format!(
                        "version `{}` is not known, only 1.1.0 is",
                        shown(word)
                    )));
                }
                if std::mem::replace(&mut self.version, true) {
                    return Err(s.error("`version` is there twice"));
                }
            }
            "potential_name" | "potential_tag" => {
                let text = String::from_utf8_lossy(s.rest_of_line()).into_owned();
                let slot = if key == "potential_tag" {
                    &mut self.tag
                } else {
                    &mut self.name
                };
                return set(s, key, slot, text);
            }
            "scaling" => {
                let value = s.real(key)?;
                // One before, one inside the radial basis.
                let slot = if self.kind.is_none() {
                    &mut self.scaling
                } else {
                    &mut self.basis_scaling
                };
                set(s, key, slot, value)?;
            }
            "radial_basis_type" => {
                let word = s.word();
                let kind = BasisKind::ALL
                    .into_iter()
                    .find(|k| k.name().as_bytes() == word);
                let kind = kind.ok_or_else(|| {
                    s.error(format!(
                        "the radial basis `{}` is not supported",
                        shown(word)
                    ))
                    .advise("supported are RBChebyshev, BChebyshev and RBChebyshev_repuls")
                })?;
                set(s, key, &mut self.kind, kind)?;
            }
            "species_count" => {
                let n = s.count(key)?;
                set(s, key, &mut self.species_count, n)?;
            }
            "min_dist" | "min_val" => {
                let x = s.real(key)?;
                set(s, key, &mut self.min_dist, x)?;
            }
            "max_dist" | "max_val" => {
                let x = s.real(key)?;
                set(s, key, &mut self.max_dist, x)?;
            }
            "alpha_index_basic" => {
                let list = read_basic(s, key)?;
                set(s, key, &mut self.basic, list)?;
            }
            "alpha_index_times" => {
                let list = read_times(s, key)?;
                set(s, key, &mut self.times, list)?;
            }
            "alpha_moment_mapping" => {
                let mut list = Vec::new();
                s.list(key, |s, n| {
                    list.push(index(s, key, n)?);
                    Ok(())
                })?;
                set(s, key, &mut self.mapping, list)?;
            }
            "species_coeffs" => {
                let list = s.reals(key)?;
                set(s, key, &mut self.species, list)?;
            }
            "moment_coeffs" => {
                let list = s.reals(key)?;
                set(s, key, &mut self.coefficients, list)?;
            }
            _ => {
                let n = s.count(key)?;
                let slot = match key {
                    "radial_basis_size" | "basis_size" => &mut self.size,
                    "radial_funcs_count" => &mut self.functions,
                    "alpha_moments_count" => &mut self.moments,
                    "alpha_index_basic_count" => &mut self.basic_count,
                    "alpha_index_times_count" => &mut self.times_count,
                    _ => &mut self.scalar_count,
                };
                set(s, key, slot, n)?;
            }
        }
        s.end_of_line(key)
    }

    fn finish(self, path: &Path) -> Result<MtpFile> {
        let missing = |key: &str| {
            Error::file(path, format!("the file has no `{key}`"))
                .advise("the file is damaged; get a complete copy")
        };
        if !self.version {
            return Err(missing("version"));
        }
        let basis = RadialBasis {
            kind: self.kind.ok_or_else(|| missing("radial_basis_type"))?,
            scaling: self.basis_scaling,
            min_dist: self.min_dist.ok_or_else(|| missing("min_dist"))?,
            max_dist: self.max_dist.ok_or_else(|| missing("max_dist"))?,
            size: self.size.ok_or_else(|| missing("radial_basis_size"))?,
        };
        let functions = self
            .functions
            .ok_or_else(|| missing("radial_funcs_count"))?;
        let basic = self.basic.ok_or_else(|| missing("alpha_index_basic"))?;
        let products = self.times.ok_or_else(|| missing("alpha_index_times"))?;
        let scalars = self
            .mapping
            .ok_or_else(|| missing("alpha_moment_mapping"))?;
        let moments = self.moments.ok_or_else(|| missing("alpha_moments_count"))?;
        let counts = [
            ("alpha_index_basic", basic.len(), self.basic_count),
            ("alpha_index_times", products.len(), self.times_count),
            ("alpha_moment_mapping", scalars.len(), self.scalar_count),
        ];
        for (key, found, stated) in counts {
            let count = if key == "alpha_moment_mapping" {
                "alpha_scalar_moments".to_owned()
            } else {
                format!("{key}_count")
            };
            let stated = stated.ok_or_else(|| missing(&count))?;
            if found != stated {
                return Err(Error::file(
                    path,
                    format!("`{key}` has {found} entries, `{count}` announces {stated}"),
                )
                .advise("the file is damaged; get a complete copy"));
            }
        }
        let species_count = self.species_count.unwrap_or(0);
        let mut file = MtpFile {
            path: path.to_owned(),
            comments: Vec::new(),
            name: self.name,
            scaling: self.scaling.unwrap_or(1.0),
            species_count,
            tag: self.tag,
            basis,
            functions,
            moments,
            basic,
            products,
            scalars,
            coefficients: None,
            selection: None,
        };
        file.check()?;
        file.coefficients = match (self.radial, self.species, self.coefficients) {
            (None, None, None) => None,
            (Some(radial), Some(species), Some(moments)) => {
                Some(file.assemble(radial, species, moments)?)
            }
            (radial, species, _) => {
                let key = match (radial, species) {
                    (None, _) => "radial_coeffs",
                    (_, None) => "species_coeffs",
                    _ => "moment_coeffs",
                };
                return Err(missing(key).advise(
                    "a trained model has radial_coeffs, species_coeffs and moment_coeffs",
                ));
            }
        };
        Ok(file)
    }
}

impl MtpFile {
    /// Sizes and indices within their ranges; the graph of products without a cycle.
    fn check(&self) -> Result<()> {
        let refuse = |reason: String| Err(Error::file(&self.path, reason));
        let basis = &self.basis;
        if !(basis.max_dist > 0.0 && basis.max_dist <= 100.0) {
            return refuse(format!(
                "`max_dist` is {}; the cutoff must lie between 0 and 100 Å",
                basis.max_dist
            ));
        }
        if basis.min_dist >= basis.max_dist || basis.min_dist < -100.0 {
            return refuse(format!(
                "`min_dist` is {}; it must be smaller than `max_dist`, {}",
                basis.min_dist, basis.max_dist
            ));
        }
        for (key, value, most) in [
            ("radial_basis_size", basis.size, MAX_POLYNOMIALS),
            ("radial_funcs_count", self.functions, MAX_FUNCTIONS),
            ("alpha_index_basic_count", self.basic.len(), usize::MAX),
        ] {
            if value == 0 || value > most {
                return refuse(format!("`{key}` is {value}; it must be from 1 to {most}"));
            }
        }
        if self.species_count > MAX_SPECIES {
            return refuse(format!(
                "`species_count` is {}; at most {MAX_SPECIES} are possible",
                self.species_count
            ));
        }
        if self.moments < self.basic.len()
            || self.moments > self.basic.len().saturating_add(self.products.len())
        {
            return refuse(format!(
                "`alpha_moments_count` is {}, which does not fit {} basic moments and {} products",
                self.moments,
                self.basic.len(),
                self.products.len()
            ));
        }
        for (n, index) in self.basic.iter().enumerate() {
            if usize::from(index.mu) >= self.functions {
                return refuse(format!(
                    "entry {} of `alpha_index_basic` names radial function {}, but there are {} (counted from 0)",
                    n + 1,
                    index.mu,
                    self.functions
                ));
            }
        }
        for (n, p) in self.products.iter().enumerate() {
            let wrong = [p.a, p.b, p.target]
                .into_iter()
                .find(|i| *i as usize >= self.moments);
            if let Some(i) = wrong {
                return refuse(format!(
                    "entry {} of `alpha_index_times` names moment {i}, but there are {} (counted from 0)",
                    n + 1,
                    self.moments
                ));
            }
            if (p.target as usize) < self.basic.len() {
                return refuse(format!(
                    "entry {} of `alpha_index_times` adds to moment {}, which is a basic one",
                    n + 1,
                    p.target
                ));
            }
        }
        let mut seen = HashSet::new();
        for (n, i) in self.scalars.iter().enumerate() {
            if *i as usize >= self.moments {
                return refuse(format!(
                    "entry {} of `alpha_moment_mapping` names moment {i}, but there are {} (counted from 0)",
                    n + 1,
                    self.moments
                ));
            }
            if !seen.insert(*i) {
                return refuse(format!(
                    "entry {} of `alpha_moment_mapping` names moment {i} a second time",
                    n + 1
                ));
            }
        }
        super::graph::order(self).map(|_| ())
    }

    /// Puts the coefficients of the pairs in order and checks all counts.
    fn assemble(
        &self,
        block: RadialBlock,
        species: Vec<f64>,
        moments: Vec<f64>,
    ) -> Result<Coefficients> {
        let path = &self.path;
        let mut labels: Vec<i64> = Vec::new();
        for pair in &block.pairs {
            for label in &pair.labels {
                if !labels.contains(label) {
                    labels.push(*label);
                    if labels.len() > MAX_SPECIES {
                        let reason = format!("`radial_coeffs` has more than {MAX_SPECIES} species");
                        return Err(Error::line(path, block.line, reason));
                    }
                }
            }
        }
        let n = labels.len();
        if n != self.species_count || n == 0 {
            let reason = format!(
                "`radial_coeffs` has pairs of {n} species, `species_count` announces {}",
                self.species_count
            );
            return Err(Error::line(path, block.line, reason));
        }
        let each = self.functions * self.basis.size;
        let mut radial = vec![0.0; n * n * each];
        let mut filled = vec![false; n * n];
        for pair in &block.pairs {
            let PairRows { line, values, .. } = pair;
            let place = |label: i64| labels.iter().position(|l| *l == label).unwrap_or(0);
            let [a, b] = pair.labels;
            let at = place(a) * n + place(b);
            if values.len() != each {
                let reason = format!(
                    "the pair {a}-{b} has {} coefficients; {} rows of {} are needed",
                    values.len(),
                    self.functions,
                    self.basis.size
                );
                return Err(Error::line(path, *line, reason));
            }
            if std::mem::replace(&mut filled[at], true) {
                return Err(Error::line(
                    path,
                    *line,
                    format!("the pair {a}-{b} is there twice"),
                ));
            }
            radial[at * each..][..each].copy_from_slice(values);
        }
        if let Some(at) = filled.iter().position(|f| !f) {
            let reason = format!(
                "the pair {}-{} is missing in `radial_coeffs`",
                labels[at / n],
                labels[at % n]
            );
            return Err(Error::line(path, block.line, reason));
        }
        for (key, found, wanted) in [
            ("species_coeffs", species.len(), n),
            ("moment_coeffs", moments.len(), self.scalars.len()),
        ] {
            if found != wanted {
                return Err(Error::file(
                    path,
                    format!("`{key}` has {found} entries; {wanted} are needed"),
                ));
            }
        }
        Ok(Coefficients {
            labels,
            radial,
            species,
            moments,
        })
    }
}

/// The pairs under `radial_coeffs`: headers such as `0-1`, each with rows in braces.
fn read_radial(s: &mut Scanner<'_>, line: usize) -> Result<RadialBlock> {
    let mut block = RadialBlock {
        line,
        pairs: Vec::new(),
    };
    loop {
        s.skip_blank();
        let rest = s.rest();
        if rest.starts_with(b"{") {
            let Some(pair) = block.pairs.last_mut() else {
                return Err(s.error("the coefficients of a pair begin with a line such as `0-0`"));
            };
            pair.values.extend(s.reals("radial_coeffs")?);
        } else if rest
            .first()
            .is_some_and(|b| b.is_ascii_digit() || *b == b'-')
        {
            let line = s.line();
            let word = s.word();
            let labels = pair_header(word).ok_or_else(|| {
                s.error(format!(
                    "`{}` is not a pair of species labels such as `0-1`",
                    shown(word)
                ))
            })?;
            block.pairs.push(PairRows {
                labels,
                line,
                values: Vec::new(),
            });
            if block.pairs.len() > MAX_SPECIES * MAX_SPECIES {
                return Err(s.error("there are more pairs than species can form"));
            }
        } else {
            return Ok(block);
        }
    }
}

/// `6-14`; labels may be negative.
fn pair_header(word: &[u8]) -> Option<[i64; 2]> {
    let dash = 1 + word.get(1..)?.iter().position(|b| *b == b'-')?;
    Some([
        parse_integer(&word[..dash])?,
        parse_integer(word.get(dash + 1..)?)?,
    ])
}

/// The index of a moment as entry `n` of a list.
fn index(s: &mut Scanner<'_>, key: &str, n: usize) -> Result<u32> {
    let i = s.entry_integer(key, n)?;
    u32::try_from(i).map_err(|_| {
        s.error(format!(
            "entry {} of `{key}`: {i} is no index of a moment",
            n + 1
        ))
    })
}

/// An inner list of exactly four whole numbers.
fn four(s: &mut Scanner<'_>, key: &str, n: usize) -> Result<[i64; 4]> {
    let mut values = [0; 4];
    let found = s.list(key, |s, k| {
        let value = s.entry_integer(key, n)?;
        if let Some(slot) = values.get_mut(k) {
            *slot = value;
        }
        Ok(())
    })?;
    if found != 4 {
        return Err(s.error(format!(
            "entry {} of `{key}` has {found} numbers; 4 are needed",
            n + 1
        )));
    }
    Ok(values)
}

fn read_basic(s: &mut Scanner<'_>, key: &str) -> Result<Vec<BasicIndex>> {
    let mut list = Vec::new();
    s.list(key, |s, n| {
        let [mu, powers @ ..] = four(s, key, n)?;
        let wrong = || {
            s.error(format!(
                "entry {} of `{key}`: a radial function below {MAX_FUNCTIONS} and powers that sum up to {MAX_RANK} at most are needed",
                n + 1
            ))
        };
        if !(0..MAX_FUNCTIONS as i64).contains(&mu)
            || powers.iter().any(|p| !(0..=MAX_RANK as i64).contains(p))
            || powers.iter().sum::<i64>() > MAX_RANK as i64
        {
            return Err(wrong());
        }
        list.push(BasicIndex {
            mu: mu as u16,
            powers: powers.map(|p| p as u8),
        });
        Ok(())
    })?;
    Ok(list)
}

fn read_times(s: &mut Scanner<'_>, key: &str) -> Result<Vec<Product>> {
    let mut list = Vec::new();
    s.list(key, |s, n| {
        let [a, b, factor, target] = four(s, key, n)?;
        let wrong = || {
            s.error(format!(
                "entry {} of `{key}` has a number out of range",
                n + 1
            ))
        };
        let index = |i: i64| u32::try_from(i).map_err(|_| wrong());
        list.push(Product {
            a: index(a)?,
            b: index(b)?,
            factor: i32::try_from(factor).map_err(|_| wrong())?,
            target: index(target)?,
        });
        Ok(())
    })?;
    Ok(list)
}
