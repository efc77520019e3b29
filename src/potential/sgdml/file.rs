//! The model file as data: reading every version of the package's `.npz`, and writing what the package loads.

use super::descriptor::{pairs, permuted_pairs};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::npz::{self, Archive, ArchiveWriter, Array, Dataset};
use crate::units::Dimension;
use std::path::{Path, PathBuf};

/// Permutations times pairs beyond this would need gigabytes of scratch memory.
const MOST_PERMUTED: usize = 10_000_000;

/// A model file, in the units of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SgdmlFile {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// The program that wrote it.
    pub code_version: String,
    /// Name of the training set.
    pub dataset_name: String,
    /// Method of the training set.
    pub dataset_theory: String,
    /// The atoms in the order of the model.
    pub elements: Vec<Element>,
    /// Training descriptors: geometry by geometry, pair by pair (1/length).
    pub descriptors: Vec<f64>,
    /// Jacobian times coefficients, in the same order.
    pub weights: Vec<f64>,
    /// Permutations of the atoms under which the energy is the same.
    pub permutations: Vec<Vec<usize>>,
    /// Length scale of the kernel (σ), in units of the descriptor.
    pub sigma: f64,
    /// Strength of regularisation; `None` where the file does not say.
    pub lambda: Option<f64>,
    /// Scale of the labels.
    pub std: f64,
    /// Constant of integration: energies are c + std times what the kernels give.
    pub constant: f64,
    /// Coefficients of the forces, where the file keeps them.
    pub alphas_forces: Vec<f64>,
    /// Coefficients of the energies; empty unless the model was trained with energy constraints.
    pub alphas_energies: Vec<f64>,
    /// Whether energies were in the training set; otherwise energies are right up to a constant.
    pub use_energies: bool,
    /// Cell vectors (Å) as rows, for models of a periodic cell.
    pub lattice: Option<[[f64; 3]; 3]>,
    /// Name of the unit of length; empty when the file has none (then it is Å).
    pub length_unit: String,
    /// Name of the unit of energy; empty when the file has none (then it is kcal/mol).
    pub energy_unit: String,
    /// Å in the unit of length.
    pub length: f64,
    /// eV in the unit of energy.
    pub energy: f64,
    /// Rows of the data set that were trained on.
    pub train_rows: Vec<i64>,
    /// Rows of the data set that were used for the choice of σ.
    pub validation_rows: Vec<i64>,
    /// Fingerprint of the training set.
    pub train_md5: String,
    /// Fingerprint of the set used for the choice of σ.
    pub validation_md5: String,
    /// How the coefficients were found, where it was not in closed form.
    pub iterative: Option<IterativeSolve>,
    /// Mean absolute and root mean square errors of a test that is to be written: of energies and of force components.
    pub test: Option<TestErrors>,
}

/// How an iterative solver found the coefficients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IterativeSolve {
    /// Residual relative to the labels at which it was to end.
    pub tolerance: f64,
    /// Number of steps.
    pub steps: usize,
    /// Length of the residual.
    pub residual: f64,
    /// Length of the labels (of unit variance).
    pub labels: f64,
    /// Columns of the kernel matrix (3n for each geometry) that made the preconditioner.
    pub inducing: Vec<i64>,
}

/// Errors of a test, in the units of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestErrors {
    /// Number of geometries.
    pub geometries: usize,
    /// Mean absolute and root mean square error of the energies.
    pub energy: [f64; 2],
    /// Mean absolute and root mean square error of the components of the forces.
    pub force: [f64; 2],
}

impl SgdmlFile {
    /// Whether an archive holds a model, by its members.
    pub fn is_one(archive: &Archive) -> bool {
        archive.has("R_desc") && archive.has("R_d_desc_alpha")
    }

    /// Reads a model file.
    ///
    /// Errors name the member: missing, damaged, of wrong shape, not finite.
    pub fn read(path: &Path) -> Result<SgdmlFile> {
        Self::from_archive(&mut Archive::open(path)?)
    }

    /// Reads a model from an open archive.
    pub fn from_archive(archive: &mut Archive) -> Result<SgdmlFile> {
        refuse_other_kinds(archive)?;
        let elements = npz::elements(archive, "z")?;
        let n = elements.len();
        if n < 2 {
            return Err(archive.complain("z", "a model of one atom has no distances"));
        }
        let too_large = || Error::file(archive.path(), format!("{n} atoms are too many"));
        let pairs = pairs(n).ok_or_else(too_large)?;
        let length = npz::unit(archive, "r_unit", "Ang", Dimension::LENGTH)?;
        let energy = npz::unit(archive, "e_unit", "kcal/mol", Dimension::ENERGY)?;

        let r_desc = archive.need("R_desc")?;
        let [d, m] = r_desc.shape[..] else {
            return Err(archive.complain("R_desc", format!("its shape is {:?}", r_desc.shape)));
        };
        if d != pairs || m == 0 {
            let reason = format!(
                "its shape is ({d}, {m}), and the {n} atoms of `z` have {pairs} pairs: ({pairs}, geometries) is needed"
            );
            return Err(archive.complain("R_desc", reason));
        }
        let columns = npz::finite(archive, "R_desc", &r_desc)?;
        if let Some(k) = columns.iter().position(|x| *x <= 0.0) {
            let reason = format!(
                "element {k} (from 0) is {}, no inverse distance",
                columns[k]
            );
            return Err(archive.complain("R_desc", reason));
        }
        let descriptors = (0..d * m).map(|i| columns[(i % d) * m + i / d]).collect();

        let alpha = archive.need("R_d_desc_alpha")?;
        expect_shape(archive, "R_d_desc_alpha", &alpha, &[m, d])?;
        let weights = npz::finite(archive, "R_d_desc_alpha", &alpha)?;

        let permutations = permutations(archive, &elements)?;
        if permutations.len().saturating_mul(d) > MOST_PERMUTED {
            let reason = format!(
                "{} permutations of {n} atoms are too many",
                permutations.len()
            );
            return Err(archive.complain("perms", reason));
        }
        check_table(archive, &permutations, d)?;

        let sigma = number(archive, "sig")?
            .ok_or_else(|| Error::file(archive.path(), "the member `sig` is missing"))?;
        if sigma <= 0.0 {
            return Err(archive.complain("sig", format!("the length scale is {sigma}")));
        }
        let alphas_energies = match archive.get("alphas_E")? {
            Some(a) => {
                expect_shape(archive, "alphas_E", &a, &[m])?;
                npz::finite(archive, "alphas_E", &a)?
            }
            None => Vec::new(),
        };
        let alphas_forces = match archive.get("alphas_F")? {
            Some(a) => npz::finite(archive, "alphas_F", &a)?,
            None => Vec::new(),
        };
        let file = SgdmlFile {
            path: archive.path().to_path_buf(),
            sigma,
            lambda: number(archive, "lam")?,
            std: number(archive, "std")?.unwrap_or(1.0),
            constant: number(archive, "c")?.unwrap_or(0.0),
            use_energies: match archive.get("use_E")? {
                Some(a) => a.data != npz::Data::Logical(vec![false]),
                None => true,
            },
            lattice: npz::lattice(archive, length)?,
            code_version: text(archive, "code_version")?,
            dataset_name: text(archive, "dataset_name")?,
            dataset_theory: text(archive, "dataset_theory")?,
            length_unit: text(archive, "r_unit")?,
            energy_unit: text(archive, "e_unit")?,
            train_rows: rows(archive, "idxs_train")?,
            validation_rows: rows(archive, "idxs_valid")?,
            train_md5: text(archive, "md5_train")?,
            validation_md5: text(archive, "md5_valid")?,
            iterative: iterative(archive)?,
            test: None,
            elements,
            descriptors,
            weights,
            permutations,
            alphas_forces,
            alphas_energies,
            length,
            energy,
        };
        Ok(file)
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.elements.len()
    }

    /// Number of pairs of atoms, the dimension of the descriptor.
    pub fn pairs(&self) -> usize {
        self.atoms() * (self.atoms() - 1) / 2
    }

    /// Number of training geometries.
    pub fn geometries(&self) -> usize {
        self.descriptors.len() / self.pairs().max(1)
    }

    /// Writes a file that the Python package loads.
    pub fn write(&self, path: &Path) -> Result<()> {
        let (n, d, m, s) = (
            self.atoms(),
            self.pairs(),
            self.geometries(),
            self.permutations.len(),
        );
        let mut out = ArchiveWriter::new(path);
        let or = |text: &str, usual: &str| Array::text(if text.is_empty() { usual } else { text });
        out.add("type", &Array::text("m"))?;
        out.add("code_version", &or(&self.code_version, "zundel"))?;
        out.add("dataset_name", &or(&self.dataset_name, "unknown"))?;
        out.add("dataset_theory", &or(&self.dataset_theory, "unknown"))?;
        let solver = if self.iterative.is_some() {
            "cg"
        } else {
            "analytic"
        };
        out.add("solver_name", &Array::text(solver))?;
        out.add("r_unit", &or(&self.length_unit, "Ang"))?;
        out.add("e_unit", &or(&self.energy_unit, "kcal/mol"))?;
        let z: Vec<u8> = self.elements.iter().map(|e| e.number()).collect();
        out.add("z", &Array::bytes(&[n], &z))?;
        let columns = (0..d * m)
            .map(|i| self.descriptors[(i % m) * d + i / m])
            .collect();
        out.add_fortran("R_desc", &Array::real(&[d, m], columns))?;
        out.add(
            "R_d_desc_alpha",
            &Array::real(&[m, d], self.weights.clone()),
        )?;
        let perms = self.permutations.iter().flatten().map(|i| *i as i64);
        out.add("perms", &Array::integer(&[s, n], perms.collect()))?;
        let table = lin_table(&self.permutations, d);
        out.add("tril_perms_lin", &Array::integer(&[s * d], table))?;
        let scalar = |x: f64| Array::real(&[], vec![x]);
        let sigma = if self.sigma.fract() == 0.0 && self.sigma < 1e15 {
            Array::integer(&[], vec![self.sigma as i64])
        } else {
            scalar(self.sigma)
        };
        out.add("sig", &sigma)?;
        out.add("lam", &scalar(self.lambda.unwrap_or(1e-10)))?;
        out.add("std", &scalar(self.std))?;
        out.add("c", &scalar(self.constant))?;
        out.add("use_E", &Array::logical(self.use_energies))?;
        out.add(
            "use_E_cstr",
            &Array::logical(!self.alphas_energies.is_empty()),
        )?;
        out.add("use_sym", &Array::logical(s > 1))?;
        if !self.alphas_forces.is_empty() {
            let a = &self.alphas_forces;
            out.add("alphas_F", &Array::real(&[a.len()], a.clone()))?;
        }
        if !self.alphas_energies.is_empty() {
            let a = &self.alphas_energies;
            out.add("alphas_E", &Array::real(&[a.len()], a.clone()))?;
        }
        if let Some(cell) = self.lattice {
            let columns = (0..9).map(|k| cell[k % 3][k / 3] / self.length).collect();
            out.add("lattice", &Array::real(&[3, 3], columns))?;
        }
        let list = |v: &[i64]| Array::integer(&[v.len()], v.to_vec());
        if let Some(i) = &self.iterative {
            out.add("solver_tol", &scalar(i.tolerance))?;
            let steps = Array::integer(&[], vec![i.steps as i64]);
            out.add("solver_iters", &steps)?;
            out.add("solver_resid", &scalar(i.residual))?;
            out.add("norm_y_train", &scalar(i.labels))?;
            out.add("inducing_pts_idxs", &list(&i.inducing))?;
        }
        out.add("idxs_train", &list(&self.train_rows))?;
        out.add("idxs_valid", &list(&self.validation_rows))?;
        out.add("md5_train", &Array::byte_text(&self.train_md5))?;
        out.add("md5_valid", &Array::byte_text(&self.validation_md5))?;
        let test = self.test.unwrap_or(TestErrors {
            geometries: 0,
            energy: [f64::NAN; 2],
            force: [f64::NAN; 2],
        });
        out.add("n_test", &Array::integer(&[], vec![test.geometries as i64]))?;
        let object = |e: [f64; 2]| npz::errors_object(e[0], e[1]);
        out.add_bytes("e_err", &object(test.energy))?;
        out.add_bytes("f_err", &object(test.force))?;
        out.finish()
    }
}

fn refuse_other_kinds(archive: &mut Archive) -> Result<()> {
    let kind = archive.get("type")?;
    let place = archive.path().to_path_buf();
    let refuse = |what: &str, advice: &str| Err(Error::file(&place, what).advise(advice));
    match kind.as_ref().and_then(|t| t.string()) {
        Some("t") => refuse(
            "this is an sGDML training task, a model is needed",
            "train it: `sgdml train` writes the model",
        ),
        Some("d") => refuse(
            "this is an sGDML data set, a model is needed",
            "`zundel convert` reads data sets",
        ),
        None | Some("m") if SgdmlFile::is_one(archive) => Ok(()),
        _ if Dataset::is_one(archive) => refuse(
            "this is a data set, a model is needed",
            "`zundel convert` reads data sets",
        ),
        _ => refuse(
            "this archive is no sGDML model",
            "a model has the members z, R_desc, R_d_desc_alpha, perms and sig",
        ),
    }
}

fn expect_shape(archive: &Archive, key: &str, array: &Array, shape: &[usize]) -> Result<()> {
    if array.shape == shape {
        return Ok(());
    }
    let reason = format!("its shape is {:?}, and {shape:?} is needed", array.shape);
    Err(archive.complain(key, reason))
}

/// A single finite number; `None` when the member is missing.
fn number(archive: &mut Archive, key: &str) -> Result<Option<f64>> {
    match archive.get(key)? {
        None => Ok(None),
        Some(a) => match a.number() {
            Some(x) if x.is_finite() => Ok(Some(x)),
            Some(x) => Err(archive.complain(key, format!("it is {x}, no finite number"))),
            None => Err(archive.complain(key, "it is no single number")),
        },
    }
}

/// A string that may be missing.
fn text(archive: &mut Archive, key: &str) -> Result<String> {
    let found = archive.get(key)?;
    Ok(found
        .and_then(|a| a.string().map(str::to_owned))
        .unwrap_or_default())
}

/// What the file says of an iterative solution; `None` where there was none.
fn iterative(archive: &mut Archive) -> Result<Option<IterativeSolve>> {
    if text(archive, "solver_name")? != "cg" {
        return Ok(None);
    }
    let steps = archive.get("solver_iters")?;
    let steps = steps.and_then(|a| a.integers().and_then(|v| v.first().copied()));
    Ok(Some(IterativeSolve {
        tolerance: number(archive, "solver_tol")?.unwrap_or(0.0),
        steps: steps.and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        residual: number(archive, "solver_resid")?.unwrap_or(0.0),
        labels: number(archive, "norm_y_train")?.unwrap_or(0.0),
        inducing: rows(archive, "inducing_pts_idxs")?,
    }))
}

/// Row numbers that may be missing.
fn rows(archive: &mut Archive, key: &str) -> Result<Vec<i64>> {
    let found = archive.get(key)?;
    Ok(found
        .and_then(|a| a.integers().map(<[i64]>::to_vec))
        .unwrap_or_default())
}

/// The permutations, each checked to be one that leaves the elements where they are. A file without has the identity.
fn permutations(archive: &mut Archive, elements: &[Element]) -> Result<Vec<Vec<usize>>> {
    let n = elements.len();
    let Some(array) = archive.get("perms")? else {
        return Ok(vec![(0..n).collect()]);
    };
    let Some(flat) = array.integers() else {
        return Err(archive.complain("perms", "it holds no whole numbers"));
    };
    match array.shape[..] {
        [s, width] if s > 0 && width == n => {}
        _ => {
            let reason = format!(
                "its shape is {:?}, and (permutations, {n}) is needed",
                array.shape
            );
            return Err(archive.complain("perms", reason));
        }
    }
    let mut all = Vec::new();
    for (q, row) in flat.chunks_exact(n).enumerate() {
        let mut seen = vec![false; n];
        let mut permutation = Vec::with_capacity(n);
        for (i, to) in row.iter().enumerate() {
            let Some(to) = usize::try_from(*to).ok().filter(|t| *t < n) else {
                return Err(
                    archive.complain("perms", format!("row {q} (from 0) has the atom {to}"))
                );
            };
            if std::mem::replace(&mut seen[to], true) {
                let reason = format!("row {q} (from 0) has atom {to} twice");
                return Err(archive.complain("perms", reason));
            }
            if elements[to] != elements[i] {
                let reason = format!(
                    "row {q} (from 0) exchanges atoms {i} ({}) and {to} ({})",
                    elements[i], elements[to]
                );
                return Err(archive.complain("perms", reason));
            }
            permutation.push(to);
        }
        all.push(permutation);
    }
    Ok(all)
}

/// The package's table of permuted pairs: `lin[k*S + q] = q*D + P_q[k]`.
fn lin_table(permutations: &[Vec<usize>], d: usize) -> Vec<i64> {
    let s = permutations.len();
    let mut table = vec![0; s * d];
    for (q, permutation) in permutations.iter().enumerate() {
        for (k, p) in permuted_pairs(permutation).into_iter().enumerate() {
            table[k * s + q] = (q * d + p) as i64;
        }
    }
    table
}

/// The table follows from the permutations; a file in which it does not was put together from two.
fn check_table(archive: &mut Archive, permutations: &[Vec<usize>], d: usize) -> Result<()> {
    let Some(table) = archive.get("tril_perms_lin")? else {
        return Ok(());
    };
    if table.integers() == Some(&lin_table(permutations, d)) {
        return Ok(());
    }
    Err(archive.complain("tril_perms_lin", "it does not follow from `perms`"))
}
