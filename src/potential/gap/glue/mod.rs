//! The Glue baseline: embedded atoms from tables, as in `IP Glue` of a sum with a GAP.

mod model;
#[cfg(test)]
mod tests;

pub(super) use model::{Glue, GlueScratch};

use super::spline::EndSlope;
use super::xml::{Node, Tag, Xml};
use crate::error::{Error, Result};

/// The tables of a `<Glue_params>`.
#[derive(Clone, Debug, PartialEq)]
pub struct GlueParameters {
    /// One entry a type.
    pub types: Vec<GlueType>,
    /// Pair energies; pairs without a table have none.
    pub pairs: Vec<GluePair>,
}

/// What belongs to one element.
#[derive(Clone, Debug, PartialEq)]
pub struct GlueType {
    /// Atomic number.
    pub number: u8,
    /// Density (arbitrary unit) at a distance (Å).
    pub density: Table,
    /// Whether the density is a spline; else it is the cubic c·(r_c - r)^3 fitted to the points.
    pub spline_density: bool,
    /// Energy (eV) of a density.
    pub embedding: Table,
}

/// The pair energy of two types.
#[derive(Clone, Debug, PartialEq)]
pub struct GluePair {
    /// Indices (from 0) into the types.
    pub types: [usize; 2],
    /// Energy (eV) at a distance (Å).
    pub energy: Table,
}

/// Points of a function, x increasing, and the slopes at its ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// (x, y).
    pub points: Vec<[f64; 2]>,
    /// Slopes at the first and last point.
    pub ends: [EndSlope; 2],
}

/// A type or a pair on the way: `None` for what has not been seen.
struct TypeParts {
    number: u8,
    density: Option<(Table, bool)>,
    embedding: Option<Table>,
}

impl GlueParameters {
    /// Reads a `<Glue_params>` whose start has just been read.
    pub(super) fn read(xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<GlueParameters> {
        let n_types = xml.attributes(tag)?.required_count("n_types")?;
        let mut types: Vec<(usize, GlueType)> = Vec::new();
        let mut pairs: Vec<(GluePair, usize)> = Vec::new();
        while let Some(node) = xml.child()? {
            let Node::Start(child) = node else { continue };
            match child.name() {
                "per_type_data" => {
                    let read = read_type(xml, &child)?;
                    if types
                        .iter()
                        .any(|t| t.0 == read.0 || t.1.number == read.1.number)
                    {
                        return Err(xml.error(child.line, "this type or element is there twice"));
                    }
                    types.push(read);
                }
                "per_pair_data" => pairs.push((read_pair(xml, &child)?, child.line)),
                _ => xml.skip()?,
            }
        }
        types.sort_by_key(|t| t.0);
        if types.len() != n_types || types.iter().enumerate().any(|(k, t)| t.0 != k + 1) {
            return Err(xml.error(
                tag.line,
                format!("n_types announces {n_types} types; they must be there, numbered from 1"),
            ));
        }
        for (k, (pair, line)) in pairs.iter().enumerate() {
            if pair.types.iter().any(|t| *t >= n_types) {
                return Err(xml.error(*line, "the pair names a type that is not there"));
            }
            let sorted = |p: &GluePair| (p.types[0].min(p.types[1]), p.types[0].max(p.types[1]));
            if pairs[..k]
                .iter()
                .any(|(other, _)| sorted(other) == sorted(pair))
            {
                return Err(xml.error(*line, "this pair of types is there twice"));
            }
        }
        let types = types.into_iter().map(|t| t.1).collect();
        Ok(GlueParameters {
            types,
            pairs: pairs.into_iter().map(|p| p.0).collect(),
        })
    }
}

fn read_type(xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<(usize, GlueType)> {
    let attributes = xml.attributes(tag)?;
    let number = attributes.required_count("atomic_num")?;
    let number = u8::try_from(number).ok().filter(|z| (1..=118).contains(z));
    let number = number.ok_or_else(|| attributes.error("`atomic_num` must be an atomic number"))?;
    let mut parts = TypeParts {
        number,
        density: None,
        embedding: None,
    };
    while let Some(node) = xml.child()? {
        let Node::Start(child) = node else { continue };
        match child.name() {
            "density" => {
                let spline = xml
                    .attributes(&child)?
                    .logical("do_spline")?
                    .unwrap_or(false);
                let table = read_table(
                    xml,
                    &child,
                    ["a", "rho"],
                    ["density_y1", "density_yn"],
                    None,
                )?;
                parts.density = Some((table, spline));
            }
            "potential_density" => {
                let natural = Some(EndSlope::Natural);
                parts.embedding = Some(read_table(
                    xml,
                    &child,
                    ["rho", "E"],
                    ["y1", "yn"],
                    natural,
                )?);
            }
            _ => xml.skip()?,
        }
    }
    let missing = |what: &str| xml.error(tag.line, format!("<per_type_data> lacks its <{what}>"));
    let (density, spline_density) = parts.density.ok_or_else(|| missing("density"))?;
    let embedding = parts
        .embedding
        .ok_or_else(|| missing("potential_density"))?;
    Ok((
        attributes.required_count("type")?,
        GlueType {
            number: parts.number,
            density,
            spline_density,
            embedding,
        },
    ))
}

fn read_pair(xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<GluePair> {
    let attributes = xml.attributes(tag)?;
    let of = |key: &str| -> Result<usize> {
        attributes
            .required_count(key)?
            .checked_sub(1)
            .ok_or_else(|| attributes.error("types are numbered from 1"))
    };
    let types = [of("type1")?, of("type2")?];
    let mut energy = None;
    while let Some(node) = xml.child()? {
        let Node::Start(child) = node else { continue };
        match child.name() {
            "potential_pair" => {
                energy = Some(read_table(
                    xml,
                    &child,
                    ["r", "E"],
                    ["y1", "yn"],
                    Some(EndSlope::Given(0.0)),
                )?);
            }
            _ => xml.skip()?,
        }
    }
    let energy =
        energy.ok_or_else(|| xml.error(tag.line, "<per_pair_data> lacks its <potential_pair>"))?;
    Ok(GluePair { types, energy })
}

/// A table of `<point>`s; `default` is the slope of an end without one, `None` when slopes must be there.
fn read_table(
    xml: &mut Xml<'_>,
    tag: &Tag<'_>,
    columns: [&str; 2],
    slopes: [&str; 2],
    default: Option<EndSlope>,
) -> Result<Table> {
    let attributes = xml.attributes(tag)?;
    let stated = attributes.required_count("num_points")?;
    let mut ends = [EndSlope::Natural; 2];
    for (end, key) in ends.iter_mut().zip(slopes) {
        *end = match (attributes.number(key)?, default) {
            (Some(slope), _) => EndSlope::from_number(slope),
            (None, Some(default)) => default,
            (None, None) => EndSlope::from_number(attributes.required_number(key)?),
        };
    }
    let mut points: Vec<[f64; 2]> = Vec::new();
    while let Some(node) = xml.child()? {
        let Node::Start(child) = node else { continue };
        if child.name() == "point" {
            let point = xml.attributes(&child)?;
            let values = [
                point.required_number(columns[0])?,
                point.required_number(columns[1])?,
            ];
            if points.last().is_some_and(|p| p[0] >= values[0]) {
                return Err(point.error(format!(
                    "`{}` must increase from point to point",
                    columns[0]
                )));
            }
            points.push(values);
        }
        xml.skip()?;
    }
    if points.len() != stated || stated < 2 {
        let reason = format!(
            "<{}> has {} points, num_points announces {stated}; at least 2 are needed",
            tag.name(),
            points.len()
        );
        return Err(xml.error(tag.line, reason));
    }
    Ok(Table { points, ends })
}

/// An error for tables that reach unreasonably far.
pub(super) fn check_range(parameters: &GlueParameters, path: &std::path::Path) -> Result<()> {
    let ends = parameters
        .types
        .iter()
        .map(|t| &t.density)
        .chain(parameters.pairs.iter().map(|p| &p.energy));
    for table in ends {
        let range = table.points.last().map_or(0.0, |p| p[0]);
        if !(range > 0.0 && range <= 100.0) {
            return Err(Error::file(
                path,
                format!(
                    "a table of <Glue_params> ends at {range} Å; it must lie between 0 and 100 Å"
                ),
            ));
        }
    }
    Ok(())
}
