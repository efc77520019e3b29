//! The file of a fitted model, as `gap_fit` writes it: an XML file and one of sparse points for each coordinate.

use super::text::{WRITTEN_GAP_VERSION, descriptor_text};
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::io::digest::hexadecimal;
use crate::potential::gap::{Coordinate, Covariance, GapFile};
use md5::{Digest, Md5};
use std::fmt::Write as _;
use std::path::Path;

/// Writes the sparse files, then the XML file: a reader never sees one without the others.
///
/// The sparse files stand beside the XML file as `NAME.sparseX.LABELk`; the label holds a digest of the weights, so that those of
/// another fit under the same name are not overwritten before the XML file is.
pub(super) fn write(file: &GapFile, path: &Path) -> Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::file(path, "this is no file name"))?
        .to_string_lossy()
        .into_owned();
    let mut xml = String::new();
    let label = &file.label;
    let _ = writeln!(xml, "<{label}>");
    let _ = writeln!(
        xml,
        "<Potential label=\"{label}\" init_args=\"IP GAP label={label}\"/>"
    );
    let _ = writeln!(
        xml,
        "<GAP_params label=\"{label}\" gap_version=\"{WRITTEN_GAP_VERSION}\">"
    );
    xml += "  <GAP_data do_core=\"F\">\n";
    for (k, e0) in file.e0.iter().enumerate() {
        let _ = writeln!(xml, "    <e0 Z=\"{}\" value=\"{}\"/>", k + 1, number(*e0));
    }
    xml += "  </GAP_data>\n";
    let _ = writeln!(
        xml,
        "  <gpSparse label=\"{label}\" n_coordinate=\"{}\" fitted=\"T\">",
        file.coordinates.len()
    );
    for c in &file.coordinates {
        let sparse = format!("{}.sparseX.{}", escape(&name)?, c.label);
        let text = points(c);
        let digest = hexadecimal(&Md5::digest(text.as_bytes()));
        coordinate(&mut xml, c, &sparse, &digest)?;
        atomic::write(
            &path.with_file_name(&sparse),
            text.as_bytes(),
            "cannot write the sparse points",
        )?;
    }
    xml += "  </gpSparse>\n";
    let _ = writeln!(
        xml,
        "  <command_line><![CDATA[ zundel {} fit ]]></command_line>",
        env!("CARGO_PKG_VERSION")
    );
    let _ = writeln!(xml, "</GAP_params>\n</{label}>");
    atomic::write(path, xml.as_bytes(), "cannot write the model")
}

fn coordinate(xml: &mut String, c: &Coordinate, sparse: &str, digest: &str) -> Result<()> {
    let (kind, theta, zeta) = match &c.covariance {
        Covariance::ArdSe { theta } => (1, Some(theta), None),
        Covariance::DotProduct { zeta } => (2, None, Some(*zeta)),
        Covariance::Pp { theta } => (4, Some(theta), None),
    };
    let zeta = zeta.map_or_else(String::new, |z| format!(" zeta=\"{}\"", number(z)));
    let _ = writeln!(
        xml,
        "    <gpCoordinates label=\"{}\" dimensions=\"{}\" signal_variance=\"{}\" signal_mean=\"{}\" sparsified=\"T\" \
         n_permutations=\"{}\" covariance_type=\"{kind}\"{zeta} n_sparseX=\"{}\" sparseX_filename=\"{sparse}\" \
         sparseX_md5sum=\"{digest}\">",
        c.label,
        c.dimensions,
        number(c.delta),
        number(c.f0),
        c.permutations.len(),
        c.alpha.len(),
    );
    if let Some(theta) = theta {
        let theta: Vec<String> = theta.iter().map(|t| number(*t)).collect();
        let _ = writeln!(xml, "      <theta> {} </theta>", theta.join(" "));
    }
    let _ = writeln!(
        xml,
        "      <descriptor>{}</descriptor>",
        descriptor_text(&c.descriptor)?
    );
    for (k, p) in c.permutations.iter().enumerate() {
        let p: Vec<String> = p.iter().map(|i| (i + 1).to_string()).collect();
        let _ = writeln!(
            xml,
            "      <permutation i=\"{}\"> {} </permutation>",
            k + 1,
            p.join(" ")
        );
    }
    for (k, (alpha, cutoff)) in c.alpha.iter().zip(&c.sparse_cutoff).enumerate() {
        let _ = writeln!(
            xml,
            "      <sparseX i=\"{}\" alpha=\"{}\" sparseCutoff=\"{}\"/>",
            k + 1,
            number(*alpha),
            number(*cutoff)
        );
    }
    *xml += "    </gpCoordinates>\n";
    Ok(())
}

/// The content of a sparse file: a number a line, point after point.
fn points(c: &Coordinate) -> String {
    let mut text = String::with_capacity(c.sparse.len() * 25);
    for x in &c.sparse {
        text += &number(*x);
        text.push('\n');
    }
    text
}

/// A number with all its digits, as Fortran and everybody else reads it.
fn number(x: f64) -> String {
    format!("{x:.16E}")
}

/// A file name that an attribute can hold.
fn escape(name: &str) -> Result<&str> {
    let bad = |c: char| c.is_control() || c.is_whitespace() || "\"&<>'".contains(c);
    if name.contains(bad) {
        return Err(Error::input(
            name,
            "the name of a model file must not hold blanks, quotes, &, < or >",
        ));
    }
    Ok(name)
}
