//! One `<gpCoordinates>` of a GAP file: a descriptor, a kernel, sparse points and their weights.

use super::arguments::shorten;
use super::descriptor::{self, Descriptor};
use super::numbers::append_numbers;
use super::sparse;
use super::xml::{Attributes, Node, Tag, Xml};
use crate::error::Result;
use std::path::Path;

/// A Gaussian process on one descriptor: f(x) = sum over s of alpha_s · cutoff_s · K(x_s, x).
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// Label in the file.
    pub label: String,
    /// Length d of the descriptor vector.
    pub dimensions: usize,
    /// Prefactor of the kernel, before squaring (eV).
    pub delta: f64,
    /// Constant f0; the kernels of distances add f0^2.
    pub f0: f64,
    /// The kernel.
    pub covariance: Covariance,
    /// Permutations (0-based) of the descriptor that leave the kernel unchanged, the identity included.
    pub permutations: Vec<Vec<usize>>,
    /// The descriptor.
    pub descriptor: Descriptor,
    /// Weight of each of the M sparse points.
    pub alpha: Vec<f64>,
    /// Value of the descriptor's switch at each sparse point.
    pub sparse_cutoff: Vec<f64>,
    /// The sparse points, M·d numbers, point after point.
    pub sparse: Vec<f64>,
}

/// The kernel of a coordinate, without its prefactor.
#[derive(Clone, Debug, PartialEq)]
pub enum Covariance {
    /// Gaussian: exp(-½ Σ ((a-b)/θ)²).
    ArdSe {
        /// A length for each dimension.
        theta: Vec<f64>,
    },
    /// (a·b)^ζ.
    DotProduct {
        /// The power.
        zeta: f64,
    },
    /// Compact piecewise polynomial of Σ ((a-b)/θ)².
    Pp {
        /// A length for each dimension.
        theta: Vec<f64>,
    },
}

/// What stands in the children of `<gpCoordinates>`.
#[derive(Default)]
struct Children {
    theta: Option<(Vec<f64>, usize)>,
    descriptor: Option<(String, usize)>,
    permutations: Vec<Vec<usize>>,
    points: Vec<Point>,
    inline: Vec<f64>,
}

/// One `<sparseX>`: its number (1-based), weights, and where its numbers are in the inline text.
struct Point {
    index: usize,
    alpha: f64,
    cutoff: f64,
    inline: std::ops::Range<usize>,
    line: usize,
}

/// Reads one `<gpCoordinates>` whose start has just been read.
pub(super) fn read(
    xml: &mut Xml<'_>,
    tag: &Tag<'_>,
    path: &Path,
    gap_version: u64,
) -> Result<Coordinate> {
    let attributes = xml.attributes(tag)?;
    let label = attributes.required("label")?.to_owned();
    let dimensions = attributes.required_count("dimensions")?;
    let points = attributes.required_count("n_sparseX")?;
    if dimensions == 0 || points == 0 {
        return Err(
            attributes.error("a coordinate needs at least one dimension and one sparse point")
        );
    }
    if attributes.logical("sparsified")? == Some(false) {
        return Err(attributes
            .error("`sparsified=\"F\"`: this Gaussian process was not fitted on sparse points"));
    }
    let total = points.checked_mul(dimensions).filter(|&t| t < 1 << 40);
    let total = total.ok_or_else(|| {
        attributes.error(format!(
            "{points} sparse points of {dimensions} numbers cannot be meant"
        ))
    })?;
    let mut children = Children::default();
    while let Some(node) = xml.child()? {
        if let Node::Start(child) = node {
            read_child(xml, &child, &mut children)?;
        }
    }
    let (text, line) = children
        .descriptor
        .take()
        .ok_or_else(|| attributes.error("<gpCoordinates> lacks its <descriptor>"))?;
    let mut descriptor =
        descriptor::parse(&text, gap_version).map_err(|e| e.within(&xml.place(line)))?;
    if let Descriptor::SoapTurbo(p) = &mut descriptor {
        p.read_compress_file(path)?;
    }
    let covariance = covariance(xml, &attributes, &children, dimensions)?;
    check_descriptor(&attributes, &descriptor, &covariance, dimensions)?;
    check_permutations(
        &attributes,
        &mut children.permutations,
        &descriptor,
        dimensions,
        &covariance,
    )?;
    order_points(xml, tag, &mut children.points, points)?;
    let sparse = match attributes.text("sparseX_filename") {
        Some(name) if !name.trim().is_empty() => {
            let name = name.trim();
            if name.contains(char::is_control) || name.split('/').any(|part| part.len() > 255) {
                return Err(attributes.error("`sparseX_filename` is no usable file name"));
            }
            sparse::read(
                &sparse::find(path, name),
                total,
                attributes.text("sparseX_md5sum"),
            )?
        }
        _ => inline_points(xml, &children, dimensions)?,
    };
    Ok(Coordinate {
        label,
        dimensions,
        delta: attributes.required_number("signal_variance")?,
        f0: attributes.number("signal_mean")?.unwrap_or(0.0),
        covariance,
        permutations: children.permutations,
        descriptor,
        alpha: children.points.iter().map(|p| p.alpha).collect(),
        sparse_cutoff: children.points.iter().map(|p| p.cutoff).collect(),
        sparse,
    })
}

fn read_child(xml: &mut Xml<'_>, child: &Tag<'_>, into: &mut Children) -> Result<()> {
    match child.name() {
        "theta" => {
            let text = xml.text_of(child)?;
            let mut theta = Vec::new();
            append_numbers(&text, &mut theta).map_err(|word| {
                xml.error(
                    child.line,
                    format!("<theta>: `{}` is not a finite number", shorten(word)),
                )
            })?;
            into.theta = Some((theta, child.line));
        }
        "descriptor" => into.descriptor = Some((xml.text_of(child)?, child.line)),
        "permutation" => {
            let text = xml.text_of(child)?;
            let list: Option<Vec<usize>> = text
                .split_ascii_whitespace()
                .map(|w| w.parse::<usize>().ok()?.checked_sub(1))
                .collect();
            let list = list.ok_or_else(|| {
                xml.error(child.line, "<permutation> must hold whole numbers from 1")
            })?;
            into.permutations.push(list);
        }
        "sparseX" => read_point(xml, child, into)?,
        _ => xml.skip()?,
    }
    Ok(())
}

fn read_point(xml: &mut Xml<'_>, tag: &Tag<'_>, into: &mut Children) -> Result<()> {
    let attributes = xml.attributes(tag)?;
    let bad = |word: &str| {
        attributes.error(format!(
            "<sparseX>: `{}` is not a finite number",
            shorten(word)
        ))
    };
    let begin = into.inline.len();
    // Slices say where they belong; they are written in order.
    while let Some(node) = xml.child()? {
        match node {
            Node::Text(text) => append_numbers(&text, &mut into.inline).map_err(bad)?,
            Node::Start(slice) if slice.name() == "sparseX_slice" => {
                let range = xml.attributes(&slice)?;
                let (start, end) = (range.count("start")?, range.count("end")?);
                let here = into.inline.len() - begin;
                append_numbers(&xml.text_of(&slice)?, &mut into.inline).map_err(bad)?;
                let now = into.inline.len() - begin;
                if start.is_some_and(|s| s != here + 1) || end.is_some_and(|e| e != now) {
                    let reason = format!(
                        "<sparseX_slice>: numbers {} to {now} of the point, which its start and end deny",
                        here + 1
                    );
                    return Err(range.error(reason));
                }
            }
            Node::Start(other) => {
                return Err(xml.error(
                    other.line,
                    format!(
                        "<{}> does not belong inside <sparseX>",
                        shorten(other.name())
                    ),
                ));
            }
            Node::End => {}
        }
    }
    into.points.push(Point {
        index: attributes.required_count("i")?,
        alpha: attributes.required_number("alpha")?,
        cutoff: attributes.number("sparseCutoff")?.unwrap_or(1.0),
        inline: begin..into.inline.len(),
        line: tag.line,
    });
    Ok(())
}

fn covariance(
    xml: &Xml<'_>,
    attributes: &Attributes,
    children: &Children,
    dimensions: usize,
) -> Result<Covariance> {
    let theta = || {
        let (theta, line) = children
            .theta
            .as_ref()
            .ok_or_else(|| attributes.error("<gpCoordinates> lacks its <theta>"))?;
        if theta.len() != dimensions {
            let reason = format!(
                "<theta> has {} numbers, {dimensions} must be there",
                theta.len()
            );
            return Err(xml.error(*line, reason));
        }
        if theta.iter().any(|t| !(1e-3..=1e6).contains(t)) {
            return Err(xml.error(
                *line,
                "the lengths in <theta> must lie between 0.001 and a million",
            ));
        }
        Ok(theta.clone())
    };
    match attributes.required_count("covariance_type")? {
        1 => Ok(Covariance::ArdSe { theta: theta()? }),
        2 => {
            let zeta = match (attributes.number("zeta")?, &children.theta) {
                (Some(zeta), _) => zeta,
                (None, Some((theta, _))) if theta.len() == 1 => theta[0],
                _ => {
                    return Err(attributes.error(
                        "a dot-product kernel needs `zeta`, or a single number in <theta>",
                    ));
                }
            };
            if !(zeta > 0.0 && zeta <= 100.0) {
                return Err(
                    attributes.error(format!("zeta must lie between 0 and 100, it is {zeta}"))
                );
            }
            Ok(Covariance::DotProduct { zeta })
        }
        3 => {
            Err(attributes
                .error("the kernel `bond_real_space` (covariance_type 3) is not supported"))
        }
        4 => Ok(Covariance::Pp { theta: theta()? }),
        n => Err(attributes.error(format!(
            "covariance_type {n} is not known (1 Gaussian, 2 dot product, 4 polynomial)"
        ))),
    }
}

/// Descriptor, kernel and number of dimensions must fit each other.
fn check_descriptor(
    attributes: &Attributes,
    descriptor: &Descriptor,
    kernel: &Covariance,
    dimensions: usize,
) -> Result<()> {
    let expected = match descriptor {
        Descriptor::Distance2b(d) => d.exponents.len(),
        Descriptor::Angle3b(_) => 3,
        Descriptor::DistanceNb(d) => d.z.len() * (d.z.len() - 1) / 2,
        Descriptor::Soap(p) => p.dimensions(),
        Descriptor::SoapTurbo(p) => p.dimensions(),
    };
    if expected != dimensions {
        let reason =
            format!("the descriptor has {expected} dimensions, the file says {dimensions}");
        return Err(attributes.error(reason));
    }
    match (descriptor, kernel) {
        (
            Descriptor::Distance2b(_) | Descriptor::Angle3b(_) | Descriptor::DistanceNb(_),
            Covariance::DotProduct { .. },
        ) => Err(attributes.error("a dot-product kernel on distances is not supported")),
        (Descriptor::Soap(_), Covariance::ArdSe { .. } | Covariance::Pp { .. }) => {
            Err(attributes.error("on `soap` only the dot-product kernel is supported"))
        }
        (Descriptor::SoapTurbo(_), Covariance::ArdSe { .. } | Covariance::Pp { .. }) => {
            Err(attributes.error("on `soap_turbo` only the dot-product kernel is supported"))
        }
        _ => Ok(()),
    }
}

/// Permutations must be such; descriptors other than `distance_Nb` have none but the identity.
fn check_permutations(
    attributes: &Attributes,
    given: &mut Vec<Vec<usize>>,
    descriptor: &Descriptor,
    dimensions: usize,
    kernel: &Covariance,
) -> Result<()> {
    let stated = attributes
        .count("n_permutations")?
        .unwrap_or(given.len().max(1));
    if given.is_empty() && stated == 1 {
        given.push((0..dimensions).collect());
    }
    if given.len() != stated {
        return Err(attributes.error(format!(
            "{} <permutation> are there, {stated} are announced",
            given.len()
        )));
    }
    if let Descriptor::DistanceNb(d) = descriptor {
        let is_permutation =
            |p: &Vec<usize>| p.len() == dimensions && (0..dimensions).all(|k| p.contains(&k));
        let most: usize = (1..=d.z.len()).product();
        if given.len() > most || !given.iter().all(is_permutation) {
            return Err(attributes.error(format!(
                "there must be at most {most} <permutation>, each of the numbers 1 to {dimensions}"
            )));
        }
        return Ok(());
    }
    let identity = |p: &Vec<usize>| {
        // Files write a single 1 for dot-product kernels, whatever the dimension.
        let length = if matches!(kernel, Covariance::DotProduct { .. }) {
            p.len()
        } else {
            dimensions
        };
        p.len() == length && p.iter().enumerate().all(|(i, &j)| i == j)
    };
    if given.len() != 1 || !identity(&given[0]) {
        return Err(attributes
            .error("permutations other than the identity do not belong to this descriptor"));
    }
    Ok(())
}

/// Sorts the points by number; each must be there once.
fn order_points(xml: &Xml<'_>, tag: &Tag<'_>, points: &mut [Point], stated: usize) -> Result<()> {
    if points.len() != stated {
        let reason = format!(
            "{} <sparseX> are there, n_sparseX announces {stated}",
            points.len()
        );
        return Err(xml
            .error(tag.line, reason)
            .advise("the file is damaged; get a complete copy"));
    }
    points.sort_by_key(|p| p.index);
    match points.iter().enumerate().find(|(k, p)| p.index != k + 1) {
        Some((_, p)) => Err(xml.error(
            p.line,
            format!(
                "<sparseX i=\"{}\">: the points must be numbered from 1, each once",
                p.index
            ),
        )),
        None => Ok(()),
    }
}

fn inline_points(xml: &Xml<'_>, children: &Children, dimensions: usize) -> Result<Vec<f64>> {
    let mut sparse = Vec::with_capacity(children.inline.len());
    for p in &children.points {
        if p.inline.len() != dimensions {
            let reason = format!(
                "<sparseX> holds {} numbers, {dimensions} must be there",
                p.inline.len()
            );
            let advice = "without `sparseX_filename` the sparse points must stand in the XML file";
            return Err(xml.error(p.line, reason).advise(advice));
        }
        sparse.extend_from_slice(&children.inline[p.inline.clone()]);
    }
    Ok(sparse)
}
