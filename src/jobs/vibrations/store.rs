//! The file of second derivatives: what is found is kept there, and a stopped run goes on from it.

use crate::error::{Error, Result};
use crate::io::npz::{Archive, ArchiveWriter, Array};
use crate::system::System;
use crate::vibrations::{Hessian, Rows, Source};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Pause between two versions of the file.
const PAUSE: Duration = Duration::from_secs(30);

/// The file.
pub(super) struct Store {
    path: PathBuf,
    written: Instant,
}

/// What decides whether an old file belongs to this run.
pub(super) struct Key<'a> {
    /// The structure as the deck has it.
    pub start: &'a System,
    /// The free atoms.
    pub atoms: &'a [usize],
    /// Displacement (Å) of differences.
    pub step: f64,
    /// Whether closed forms are used.
    pub analytic: bool,
    /// What is relaxed and with what, in words.
    pub relaxation: &'a str,
}

/// What an old file has.
pub(super) struct Known {
    /// The positions (Å) at which derivatives are taken.
    pub positions: Vec<[f64; 3]>,
    /// Energy (eV) there: the same model gives the same bits.
    pub energy: f64,
    /// Rows of differences.
    pub rows: Rows,
    /// How the relaxation ended, if not as it should.
    pub trouble: String,
}

impl Store {
    pub fn new(path: &Path) -> Store {
        Store {
            path: path.to_path_buf(),
            written: Instant::now(),
        }
    }

    /// What the file of an earlier run has; none when there is no file.
    pub fn read(&self, key: &Key<'_>) -> Result<Option<Known>> {
        if !self.path.is_file() {
            return Ok(None);
        }
        let mut archive = Archive::open(&self.path)?;
        let other = |what: &str| {
            Error::file(
                &self.path,
                format!("this file belongs to another run: {what}"),
            )
            .advise("start from the beginning (--overwrite), or name another file in [vibrations]")
        };
        let numbers = |archive: &mut Archive, name: &str| -> Result<Vec<f64>> {
            let array = archive.need(name)?;
            array
                .numbers()
                .ok_or_else(|| archive.complain(name, "it holds no numbers"))
        };
        let n = key.start.atoms.len();
        let start = numbers(&mut archive, "start")?;
        if start != key.start.atoms.positions.as_flattened() {
            return Err(other("its structure is not that of the deck"));
        }
        let cell = numbers(&mut archive, "cell")?;
        if cell != key.start.cell.row_vectors().as_flattened() {
            return Err(other("its cell is not that of the structure"));
        }
        let z = numbers(&mut archive, "z")?;
        let elements = key.start.atoms.elements.iter();
        if z != elements.map(|e| f64::from(e.number())).collect::<Vec<_>>() {
            return Err(other("its elements are not those of the structure"));
        }
        let free = numbers(&mut archive, "atoms")?;
        if free != key.atoms.iter().map(|a| *a as f64).collect::<Vec<_>>() {
            return Err(other("other atoms are held"));
        }
        let step = numbers(&mut archive, "displacement")?;
        let analytic = numbers(&mut archive, "analytic")?;
        if step != [key.step] || analytic != [f64::from(u8::from(key.analytic))] {
            return Err(other("`displacement` or `analytic` are others"));
        }
        let relaxation = archive.need("relaxation")?;
        if relaxation.string() != Some(key.relaxation) {
            return Err(other("`relax` or `fmax` are others"));
        }
        let trouble = archive.need("trouble")?.string().unwrap_or("").to_owned();
        let positions = numbers(&mut archive, "positions")?;
        let rows = numbers(&mut archive, "rows")?;
        let energy = numbers(&mut archive, "energy")?;
        let size = 3 * key.atoms.len();
        let whole = rows.len().checked_rem(size) == Some(0) && rows.len() <= size * size;
        let finite = |v: &[f64]| v.iter().all(|x| x.is_finite());
        let ([energy], true, true) = (
            energy.as_slice(),
            positions.len() == 3 * n && finite(&positions),
            whole && finite(&rows),
        ) else {
            return Err(archive.complain("rows", "it is damaged"));
        };
        Ok(Some(Known {
            positions: positions.as_chunks::<3>().0.to_vec(),
            energy: *energy,
            rows: Rows { values: rows },
            trouble,
        }))
    }

    /// Whether it is time for another version.
    pub fn is_due(&self) -> bool {
        self.written.elapsed() >= PAUSE
    }

    /// Writes all that is known.
    pub fn write(&mut self, key: &Key<'_>, known: &Known, hessian: Option<&Hessian>) -> Result<()> {
        let n = key.start.atoms.len();
        let size = 3 * key.atoms.len();
        let mut archive = ArchiveWriter::new(&self.path);
        let flat = |v: &[[f64; 3]]| Array::real(&[n, 3], v.as_flattened().to_vec());
        let elements = key.start.atoms.elements.iter();
        let z: Vec<i64> = elements.map(|e| i64::from(e.number())).collect();
        let rows = &known.rows.values;
        let free = key.atoms.iter().map(|a| *a as i64).collect();
        archive.add("z", &Array::integer(&[n], z))?;
        archive.add("start", &flat(&key.start.atoms.positions))?;
        archive.add(
            "cell",
            &Array::real(
                &[3, 3],
                key.start.cell.row_vectors().as_flattened().to_vec(),
            ),
        )?;
        archive.add("positions", &flat(&known.positions))?;
        archive.add("energy", &Array::real(&[], vec![known.energy]))?;
        archive.add("atoms", &Array::integer(&[key.atoms.len()], free))?;
        archive.add("displacement", &Array::real(&[], vec![key.step]))?;
        archive.add(
            "analytic",
            &Array::integer(&[], vec![i64::from(key.analytic)]),
        )?;
        archive.add("relaxation", &Array::text(key.relaxation))?;
        archive.add("trouble", &Array::text(&known.trouble))?;
        let count = rows.len().checked_div(size).unwrap_or(0);
        archive.add("rows", &Array::real(&[count, size], rows.clone()))?;
        if let Some(h) = hessian {
            let all = (0..size).flat_map(|i| (0..size).map(move |j| h.matrix[(i, j)]));
            archive.add("hessian", &Array::real(&[size, size], all.collect()))?;
            let source = match h.source {
                Source::Analytic => "analytic",
                Source::Differences => "differences",
                Source::Both => "analytic and differences",
            };
            archive.add("source", &Array::text(source))?;
            archive.add("asymmetry", &Array::real(&[], vec![h.asymmetry]))?;
        }
        self.written = Instant::now();
        archive.finish()
    }
}
