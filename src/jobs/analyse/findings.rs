//! What an analysis has found, and how it is written: CSV with units, pictures, one HTML report, a few lines for the terminal.

use crate::analysis::{Average, Measured};
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::report::{Chart, HtmlReport, Page};
use std::path::{Path, PathBuf};

/// A table for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub title: String,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Whether it is in the report only.
    pub detail: bool,
}

/// Columns of numbers for a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns {
    /// The middle of the file's name: `vdos` in `NAME.vdos.csv`.
    pub name: String,
    /// Heads with units.
    pub heads: Vec<String>,
    /// One list a column, all of the same length. Not a number is an empty cell.
    pub columns: Vec<Vec<f64>>,
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figure {
    /// The middle of the file's name.
    pub name: String,
    pub chart: Chart,
    pub caption: String,
}

/// The result of one kind of analysis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Findings {
    pub title: String,
    pub facts: Vec<(String, String)>,
    pub warnings: Vec<String>,
    pub tables: Vec<Table>,
    pub figures: Vec<Figure>,
    pub columns: Vec<Columns>,
    /// Tables as text for a file: name and CSV.
    pub texts: Vec<(String, String)>,
}

impl Findings {
    pub fn new(title: &str) -> Findings {
        Findings {
            title: title.to_owned(),
            ..Findings::default()
        }
    }

    pub fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push((name.to_owned(), value.into()));
    }

    pub fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }
}

/// A value with its error, as people write it.
pub(super) fn with_error(value: f64, error: Option<f64>) -> String {
    if !value.is_finite() {
        return "—".to_owned();
    }
    let Some(error) = error.filter(|e| e.is_finite() && *e > 1e-12 * value.abs()) else {
        return plain(value);
    };
    Average {
        mean: value,
        error: Some(error),
        certain: true,
        deviation: error,
        independent: f64::INFINITY,
    }
    .display()
}

/// The same of a measured number.
pub(super) fn measured(m: Measured) -> String {
    with_error(m.value, m.error)
}

/// A number with five digits.
pub(super) fn plain(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 {
            "0".to_owned()
        } else {
            "—".to_owned()
        };
    }
    let digits = 4 - x.abs().log10().floor() as i32;
    match digits {
        9.. => format!("{x:.3e}"),
        d => format!("{x:.*}", d.max(0) as usize),
    }
}

impl Columns {
    fn csv(&self) -> String {
        let mut text = self
            .heads
            .iter()
            .map(|h| quoted(h))
            .collect::<Vec<_>>()
            .join(",");
        text.push('\n');
        let rows = self.columns.iter().map(Vec::len).max().unwrap_or(0);
        for k in 0..rows {
            for (c, column) in self.columns.iter().enumerate() {
                if c > 0 {
                    text.push(',');
                }
                match column.get(k) {
                    Some(x) if x.is_finite() => text.push_str(&format!("{x:?}")),
                    _ => {}
                }
            }
            text.push('\n');
        }
        text
    }
}

/// A cell of a CSV file.
pub(super) fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

/// The files of an analysis, written one after the other.
pub(super) struct Output {
    folder: PathBuf,
    stem: String,
    overwrite: bool,
    pub written: Vec<PathBuf>,
}

impl Output {
    /// Named after the first of several trajectories, without the number of its replica.
    pub fn new(folder: Option<&Path>, trajectories: &[PathBuf], overwrite: bool) -> Result<Output> {
        let trajectory = trajectories
            .first()
            .map_or(Path::new("trajectory"), PathBuf::as_path);
        let beside = trajectory.parent().unwrap_or(Path::new(""));
        let folder = folder.unwrap_or(beside).to_path_buf();
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(&folder)
                .map_err(|e| Error::environment("cannot make the folder", &folder, e))?;
        }
        let stem = trajectory
            .file_stem()
            .map(|s| s.to_string_lossy().into_owned());
        let common = stem
            .as_deref()
            .and_then(|s| s.rsplit_once(".r"))
            .filter(|(_, n)| {
                trajectories.len() > 1 && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())
            });
        let stem = common.map(|c| c.0.to_owned()).or(stem);
        Ok(Output {
            folder,
            stem: stem.unwrap_or_else(|| "trajectory".into()),
            overwrite,
            written: Vec::new(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.{name}", self.stem))
    }

    /// Refuses to replace what is there, before any work is done.
    pub fn check(&self, names: &[String]) -> Result<()> {
        let there = names.iter().map(|n| self.path(n)).find(|p| p.exists());
        match there {
            Some(path) if !self.overwrite => Err(Error::file(&path, "this file is there already")
                .advise("add --overwrite to replace it, or -o FOLDER to write elsewhere")),
            _ => Ok(()),
        }
    }

    /// Writes tables and pictures of findings.
    pub fn write(&mut self, findings: &Findings) -> Result<()> {
        for c in &findings.columns {
            self.put(&format!("{}.csv", c.name), &c.csv())?;
        }
        for (name, text) in &findings.texts {
            self.put(&format!("{name}.csv"), text)?;
        }
        for f in &findings.figures {
            self.put(&format!("{}.svg", f.name), &f.chart.svg()?)?;
        }
        Ok(())
    }

    /// Writes one file.
    pub fn put(&mut self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        if !self.overwrite && path.exists() {
            return Err(Error::file(&path, "this file is there already")
                .advise("add --overwrite to replace it, or -o FOLDER to write elsewhere"));
        }
        atomic::write(&path, text.as_bytes(), "cannot write")?;
        self.written.push(path);
        Ok(())
    }
}

/// Adds findings to a report.
pub(super) fn to_report(findings: &Findings, report: &mut HtmlReport) -> Result<()> {
    report.heading(&findings.title);
    for w in &findings.warnings {
        report.warning(w);
    }
    report.facts(&findings.facts);
    for f in &findings.figures {
        report.figure(&f.chart.svg()?, &f.caption);
    }
    for t in &findings.tables {
        report.subheading(&t.title);
        report.table(&t.heads, &t.rows);
    }
    Ok(())
}

/// Adds findings to what is printed.
pub(super) fn to_page(findings: &Findings, page: &mut Page) {
    page.line(format!("\n{}", findings.title));
    for (name, value) in &findings.facts {
        page.fact(name, value);
    }
    for t in findings.tables.iter().filter(|t| !t.detail) {
        page.line(format!("\n{}", t.title));
        let width = |c: usize| {
            let cells = t.rows.iter().filter_map(|r| r.get(c)).chain(t.heads.get(c));
            cells.map(|x| x.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..t.heads.len()).map(width).collect();
        for row in std::iter::once(&t.heads).chain(&t.rows) {
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(c, (cell, w))| match c {
                    0 => format!("  {cell:<w$}"),
                    _ => format!("  {cell:>w$}"),
                });
            page.line(cells.collect::<String>().trim_end());
        }
    }
}
