//! A GAP file as plain data: what QUIP's XML says, checked, with nothing computed yet.

use super::arguments::shorten;
use super::coordinate::{self, Coordinate};
use super::glue::GlueParameters;
use super::init_args::Composition;
use super::lennard_jones::LennardJonesParameters;
use super::sparse::read_regular;
use super::xml::{Node, Tag, Xml};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The newest `gap_version` whose meaning is known (QUIP 0.10.3). QUIP, too, refuses files newer than itself.
pub const NEWEST_GAP_VERSION: u64 = 1_769_700_636;

/// The contents of a GAP model file with its sparse points.
#[derive(Clone, Debug, PartialEq)]
pub struct GapFile {
    /// The XML file.
    pub path: PathBuf,
    /// Label of the Gaussian process; of several, joined by ` + `.
    pub label: String,
    /// Stamp of the `gap_fit` that wrote it (seconds since 1970); 0 when the file has none. It changes some defaults, for each
    /// of several processes by its own stamp; here is the newest.
    pub gap_version: u64,
    /// What the file adds up.
    pub composition: Composition,
    /// Whether the fit subtracted a core potential; the composition should then name one.
    pub do_core: bool,
    /// Energy of an isolated atom (eV) by atomic number minus one; the sum over several processes.
    pub e0: Vec<f64>,
    /// The terms of the Gaussian processes; factors of `init_args` are in their weights.
    pub coordinates: Vec<Coordinate>,
    /// The Glue baselines of the composition.
    pub glues: Vec<GlueParameters>,
    /// Its Lennard-Jones baselines.
    pub lennard_jones: Vec<LennardJonesParameters>,
}

/// What the first pass over a file finds.
#[derive(Default)]
struct Survey {
    root: String,
    /// Label, init_args, line.
    potentials: Vec<(Option<String>, String, usize)>,
    /// Label, line.
    gaps: Vec<(Option<String>, usize)>,
    glues: Vec<(Option<String>, usize)>,
    lennard_jones: Vec<(Option<String>, usize)>,
}

/// What a leaf of the composition takes from the file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pick {
    /// The `<GAP_params>` of this number, with a factor.
    Gap(usize, f64),
    Glue(usize),
    LennardJones(usize),
}

impl Pick {
    /// Whether both take the same part of the file.
    fn is_of(&self, other: &Pick) -> bool {
        match (self, other) {
            (Pick::Gap(a, _), Pick::Gap(b, _)) => a == b,
            _ => self == other,
        }
    }
}

impl GapFile {
    /// Reads a GAP XML file and the sparse files it names.
    ///
    /// Errors name file and line: anything missing, miscounted, not finite or not supported.
    pub fn read(path: &Path) -> Result<GapFile> {
        let bytes = read_regular(path)?;
        // Only names and comments can hold anything but ASCII, in whatever encoding.
        let text = String::from_utf8_lossy(&bytes);
        Self::parse(&text, path)
    }

    /// Reads the text of a GAP XML file; sparse files are looked for beside `path`.
    pub fn parse(text: &str, path: &Path) -> Result<GapFile> {
        let survey = Survey::take(text, path)?;
        let composition = survey.composition(path)?;
        let picks = survey.pick(&composition, path)?;
        let mut parts = Parts {
            path,
            picks: &picks,
            gaps: Vec::new(),
            glues: Vec::new(),
            lennard_jones: Vec::new(),
        };
        parts.read(text)?;
        parts.assemble(composition)
    }
}

impl Survey {
    fn take(text: &str, path: &Path) -> Result<Survey> {
        let mut survey = Survey::default();
        let mut xml = Xml::new(text, path);
        while let Some(node) = xml.next()? {
            let Node::Start(tag) = node else { continue };
            if survey.root.is_empty() {
                survey.root = tag.name().to_owned();
            }
            let label = |xml: &Xml<'_>| {
                Ok::<_, Error>(xml.attributes(&tag)?.text("label").map(str::to_owned))
            };
            match tag.name() {
                "Potential" => {
                    let attributes = xml.attributes(&tag)?;
                    let init_args = attributes.required("init_args")?.to_owned();
                    survey.potentials.push((label(&xml)?, init_args, tag.line));
                }
                "GAP_params" => {
                    survey.gaps.push((label(&xml)?, tag.line));
                    xml.skip()?;
                }
                "Glue_params" => {
                    survey.glues.push((label(&xml)?, tag.line));
                    xml.skip()?;
                }
                "LJ_params" => {
                    survey.lennard_jones.push((label(&xml)?, tag.line));
                    xml.skip()?;
                }
                _ => {}
            }
        }
        if survey.gaps.is_empty() {
            return Err(Error::file(path, "there is no <GAP_params> in the file")
                .advise("give the XML file that `gap_fit` wrote"));
        }
        Ok(survey)
    }

    /// The composition of the file's `<Potential>`: the only one, or the one named like the root element.
    fn composition(&self, path: &Path) -> Result<Composition> {
        let chosen = match &self.potentials[..] {
            // Such files are used with an explicit `IP GAP`.
            [] => {
                return Ok(Composition::Gap {
                    label: None,
                    scale: 1.0,
                });
            }
            [one] => one,
            several => several.iter().find(|p| p.0.as_deref() == Some(&self.root)).ok_or_else(|| {
                Error::line(path, several[1].2, "the file holds several <Potential>, none with the label of the root element")
                    .advise("keep the one that is meant")
            })?,
        };
        Composition::parse(&chosen.1)
            .map_err(|e| e.within(&format!("{}:{}", path.display(), chosen.2)))
    }

    /// What each leaf of the composition takes, in their order.
    fn pick(&self, composition: &Composition, path: &Path) -> Result<Vec<Pick>> {
        let mut picks = Vec::new();
        for leaf in composition.leaves() {
            picks.push(match leaf {
                Composition::Gap { label, scale } => {
                    let gap = choose(&self.gaps, label.as_deref(), "GAP_params", path)?;
                    Pick::Gap(gap, *scale)
                }
                Composition::Glue { label } => {
                    Pick::Glue(choose(&self.glues, label.as_deref(), "Glue_params", path)?)
                }
                Composition::LennardJones { label } => Pick::LennardJones(choose(
                    &self.lennard_jones,
                    label.as_deref(),
                    "LJ_params",
                    path,
                )?),
                Composition::Sum(_) => continue,
            });
        }
        if !picks.iter().any(|p| matches!(p, Pick::Gap(..))) {
            return Err(Error::file(
                path,
                "the <Potential> of the file has no `IP GAP` term",
            ));
        }
        Ok(picks)
    }
}

/// The candidate with a label; without a label, or when the only candidate has none, the only one.
fn choose(
    candidates: &[(Option<String>, usize)],
    label: Option<&str>,
    tag: &str,
    path: &Path,
) -> Result<usize> {
    let known = || {
        candidates
            .iter()
            .map(|c| shorten(c.0.as_deref().unwrap_or("(none)")))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (label, candidates) {
        (_, []) => Err(Error::file(
            path,
            format!("the <Potential> needs <{tag}>, which is not there"),
        )),
        (None, [_]) | (Some(_), [(None, _)]) => Ok(0),
        (None, several) => Err(Error::line(
            path,
            several[1].1,
            format!("several <{tag}>, and init_args names no label"),
        )
        .advise(format!(
            "add `label=` to init_args; the labels are {}",
            known()
        ))),
        (Some(label), several) => several
            .iter()
            .position(|c| c.0.as_deref() == Some(label))
            .ok_or_else(|| {
                Error::line(
                    path,
                    several[0].1,
                    format!("no <{tag}> has the label `{}`", shorten(label)),
                )
                .advise(format!("the labels are {}", known()))
            }),
    }
}

/// The second pass: reads the picked parts, each with its number.
struct Parts<'a> {
    path: &'a Path,
    picks: &'a [Pick],
    gaps: Vec<(usize, GapFile)>,
    glues: Vec<(usize, GlueParameters)>,
    lennard_jones: Vec<(usize, LennardJonesParameters)>,
}

impl Parts<'_> {
    fn read(&mut self, text: &str) -> Result<()> {
        let mut xml = Xml::new(text, self.path);
        let (mut gaps, mut glues, mut lennard_jones) = (0.., 0.., 0..);
        let picked = |pick: &dyn Fn(&Pick) -> bool| self.picks.iter().any(pick);
        let next = |numbers: &mut std::ops::RangeFrom<usize>| numbers.next().unwrap_or(0);
        while let Some(node) = xml.next()? {
            let Node::Start(tag) = node else { continue };
            match tag.name() {
                "GAP_params" => {
                    let n = next(&mut gaps);
                    if picked(&|p| matches!(p, Pick::Gap(k, _) if *k == n)) {
                        self.gaps.push((n, gap_params(&mut xml, &tag, self.path)?));
                    } else {
                        xml.skip()?;
                    }
                }
                "Glue_params" => {
                    let n = next(&mut glues);
                    if picked(&|p| *p == Pick::Glue(n)) {
                        self.glues.push((n, GlueParameters::read(&mut xml, &tag)?));
                    } else {
                        xml.skip()?;
                    }
                }
                "LJ_params" => {
                    let n = next(&mut lennard_jones);
                    if picked(&|p| *p == Pick::LennardJones(n)) {
                        let read = LennardJonesParameters::read(&mut xml, &tag)?;
                        self.lennard_jones.push((n, read));
                    } else {
                        xml.skip()?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds up what the leaves take.
    fn assemble(mut self, composition: Composition) -> Result<GapFile> {
        /// Part `n`: the part itself where it is the last time that it is needed, since models can be large.
        fn find<T: Clone>(read: &mut Vec<(usize, T)>, n: usize, last: bool) -> Result<T> {
            let found = read.iter().position(|r| r.0 == n);
            let k = found
                .ok_or_else(|| Error::Bug("a part of the file that was there is gone".into()))?;
            Ok(if last {
                read.swap_remove(k).1
            } else {
                read[k].1.clone()
            })
        }
        let mut sum: Option<GapFile> = None;
        let (mut glues, mut lennard_jones) = (Vec::new(), Vec::new());
        for (k, pick) in self.picks.iter().enumerate() {
            let last = !self.picks[k + 1..].iter().any(|p| p.is_of(pick));
            match *pick {
                Pick::Gap(n, scale) => {
                    let mut gap = find(&mut self.gaps, n, last)?;
                    gap.e0.iter_mut().for_each(|e| *e *= scale);
                    for c in &mut gap.coordinates {
                        c.alpha.iter_mut().for_each(|a| *a *= scale);
                    }
                    match &mut sum {
                        None => sum = Some(gap),
                        Some(sum) => sum.add(gap),
                    }
                }
                Pick::Glue(n) => glues.push(find(&mut self.glues, n, last)?),
                Pick::LennardJones(n) => {
                    lennard_jones.push(find(&mut self.lennard_jones, n, last)?)
                }
            }
        }
        let Some(mut file) = sum else {
            return Err(Error::Bug("a GAP_params that was there is gone".into()));
        };
        file.composition = composition;
        file.glues = glues;
        file.lennard_jones = lennard_jones;
        Ok(file)
    }
}

impl GapFile {
    /// Adds another process of the same file.
    fn add(&mut self, other: GapFile) {
        self.label = format!("{} + {}", self.label, other.label);
        self.gap_version = self.gap_version.max(other.gap_version);
        self.do_core |= other.do_core;
        self.e0.iter_mut().zip(other.e0).for_each(|(a, b)| *a += b);
        self.coordinates.extend(other.coordinates);
    }
}

fn gap_params(xml: &mut Xml<'_>, tag: &Tag<'_>, path: &Path) -> Result<GapFile> {
    let attributes = xml.attributes(tag)?;
    let gap_version = match attributes.text("gap_version") {
        None => 0,
        Some(text) => text
            .trim()
            .parse::<u64>()
            .map_err(|_| attributes.error("`gap_version` must be a whole number"))?,
    };
    if gap_version > NEWEST_GAP_VERSION {
        let reason = format!(
            "gap_version {gap_version} is newer than the newest one known, {NEWEST_GAP_VERSION}"
        );
        return Err(attributes.error(reason).advise(format!(
            "a newer gap_fit may have changed what the numbers mean; if it has not, write gap_version=\"{NEWEST_GAP_VERSION}\" into the file"
        )));
    }
    let mut file = GapFile {
        path: path.to_owned(),
        label: attributes.text("label").unwrap_or_default().to_owned(),
        gap_version,
        composition: Composition::Gap {
            label: None,
            scale: 1.0,
        },
        do_core: false,
        e0: vec![0.0; 118],
        coordinates: Vec::new(),
        glues: Vec::new(),
        lennard_jones: Vec::new(),
    };
    let mut process = None;
    // Known elements are looked into, wherever they stand; the rest is passed over.
    let mut open = 1usize;
    while open > 0 {
        let child = match xml.next()? {
            None => break,
            Some(Node::Text(_)) => continue,
            Some(Node::End) => {
                open -= 1;
                continue;
            }
            Some(Node::Start(child)) => child,
        };
        match child.name() {
            "GAP_data" => {
                let attributes = xml.attributes(&child)?;
                file.do_core = attributes.logical("do_core")?.unwrap_or(false);
                if let Some(all) = attributes.number("e0")? {
                    file.e0.fill(all);
                }
                open += 1;
            }
            "e0" => {
                let attributes = xml.attributes(&child)?;
                let z = attributes.required_count("Z")?;
                let value = attributes.required_number("value")?;
                // Files may list more elements than there are.
                if let Some(e0) = z.checked_sub(1).and_then(|k| file.e0.get_mut(k)) {
                    *e0 = value;
                } else if z == 0 || z > 200 {
                    return Err(attributes.error(format!("Z=\"{z}\" is not an atomic number")));
                }
                open += 1;
            }
            "gpSparse" => {
                let attributes = xml.attributes(&child)?;
                if process.is_some() {
                    return Err(attributes.error("a second <gpSparse> in one <GAP_params>"));
                }
                if attributes.logical("fitted")? == Some(false) {
                    let reason = "`fitted=\"F\"`: the model was written before it was fitted";
                    return Err(attributes.error(reason).advise("finish the run of gap_fit"));
                }
                process = Some((attributes.required_count("n_coordinate")?, child.line));
                open += 1;
            }
            "gpCoordinates" => {
                file.coordinates
                    .push(coordinate::read(xml, &child, path, gap_version)?)
            }
            "gpFull" => {
                return Err(xml.error(
                    child.line,
                    "<gpFull> is not supported: the Gaussian process is not sparse",
                ));
            }
            _ => xml.skip()?,
        }
    }
    let (stated, line) =
        process.ok_or_else(|| xml.error(tag.line, "<GAP_params> lacks its <gpSparse>"))?;
    if file.coordinates.len() != stated {
        let reason = format!(
            "{} <gpCoordinates> are there, n_coordinate announces {stated}",
            file.coordinates.len()
        );
        return Err(xml
            .error(line, reason)
            .advise("the file is damaged; get a complete copy"));
    }
    Ok(file)
}
