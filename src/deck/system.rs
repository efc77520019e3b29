//! `[system]`: what is simulated.

use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::kinds::{
    Count, Flag, InFiles, Kind, Mass, Quantity, Read, Three, element, fitting, is_pattern, mismatch,
};
use super::pack::{self, PackDeck};
use super::reader::{Context, Table};
use crate::elements::Element;
use crate::units::Dimension;
use std::path::PathBuf;

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemDeck {
    /// The structure file, resolved relative to the deck.
    pub structure: PathBuf,
    /// Which of its frames.
    pub frame: FrameChoice,
    /// Copies along each cell vector.
    pub repeat: [usize; 3],
    /// Overrides what the file says about periodicity.
    pub periodic: Option<[bool; 3]>,
    /// Masses (amu) that differ from the standard atomic weights, or from those of the file.
    pub masses: Vec<(Element, f64)>,
    /// Mass (amu) that hydrogens get from the atoms they are bonded to; none: they keep theirs.
    pub hydrogen_mass: Option<f64>,
    /// The structure is one molecule, and the system a box of many.
    pub pack: Option<PackDeck>,
}

impl SystemDeck {
    /// Whether the structure is a pattern of file names.
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.structure)
    }

    /// The structure files: one, or those that fit the pattern, by name.
    ///
    /// Errors when none fits.
    pub fn files(&self) -> crate::error::Result<Vec<PathBuf>> {
        if !self.is_pattern() {
            return Ok(vec![self.structure.clone()]);
        }
        let files = fitting(&self.structure);
        if files.is_empty() {
            return Err(crate::error::Error::file(
                &self.structure,
                "no file has a name like this",
            ));
        }
        Ok(files)
    }
}

/// A frame of a file that may hold several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameChoice {
    /// The first.
    First,
    /// The last.
    Last,
    /// The n-th, counted from 0.
    Index(usize),
    /// Every one: jobs that take many structures.
    All,
}

pub(super) struct Frame;

impl Kind for Frame {
    type Value = FrameChoice;
    fn wanted(&self) -> String {
        "\"first\", \"last\", \"all\" or a number counted from 0".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<FrameChoice> {
        match &node.value {
            Value::Text(s) if s == "first" => Ok((FrameChoice::First, "\"first\"".to_owned())),
            Value::Text(s) if s == "all" => Ok((FrameChoice::All, "\"all\"".to_owned())),
            Value::Text(s) if s == "last" => Ok((FrameChoice::Last, "\"last\"".to_owned())),
            Value::Integer(-1) => Err(Box::new(mismatch(name, &self.wanted(), node).replace(
                "write",
                node.place.clone(),
                "\"last\"",
            ))),
            Value::Integer(i) => match usize::try_from(*i) {
                Ok(n) => Ok((FrameChoice::Index(n), n.to_string())),
                Err(_) => Err(Box::new(mismatch(name, &self.wanted(), node))),
            },
            Value::Text(_) => Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), ""),
            )),
            _ => Err(Box::new(mismatch(name, &self.wanted(), node))),
        }
    }
}

/// Reads `[system]`.
pub(super) fn read(root: &Table<'_>) -> Option<SystemDeck> {
    let example = "[system]\nstructure = \"silicon.xyz\"";
    root.required_table("system", "What is simulated.", example, |t| {
        let structure = t
            .key(
                "structure",
                InFiles,
                "The structure file: extended XYZ or another known format; for jobs that take many, names with `*` and `?`.",
            )
            .required("\"silicon.xyz\"");
        let frame = t
            .key(
                "frame",
                Frame,
                "Which frame of the file, when it holds several.",
            )
            .or("last");
        let copies = Three(Count {
            least: 1,
            most: 1 << 20,
        });
        let repeat = t
            .key("repeat", copies, "Copies along each cell vector.")
            .or("[1, 1, 1]");
        let periodic = t
            .key(
                "periodic",
                Three(Flag),
                "Whether each cell vector is periodic.",
            )
            .optional("what the structure file says");
        let doc = "Mass of every hydrogen, taken from the atom that it is bonded to; allows a longer time step.";
        let hydrogen_mass = t
            .key("hydrogen_mass", Quantity(Dimension::MASS), doc)
            .positive()
            .optional("masses stay as they are");
        let masses = t.optional_table(
            "masses",
            "Masses other than the standard atomic weights, for all atoms of an element.",
            |t| Some(masses(t)),
        );
        let doc = "The structure is one molecule; the system is a cubic, periodic box of many, at random.";
        let pack = t.optional_table("pack", doc, pack::read);
        if pack.is_some() && !t.cx.describing {
            for (key, there) in [
                ("repeat", repeat.is_some_and(|n| n != [1; 3])),
                ("periodic", periodic.is_some()),
            ] {
                if there {
                    t.complain(
                        Diagnostic::error(format!("`{key}` has no meaning for a packed box"))
                            .maybe_at(t.key_place(key), "")
                            .help("it is cubic and periodic, and as large as [system.pack] says"),
                    );
                }
            }
        }
        Some(SystemDeck {
            structure: structure?,
            frame: frame?,
            repeat: repeat?.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            periodic,
            masses: masses.unwrap_or_default(),
            hydrogen_mass,
            pack,
        })
    })
}

fn masses(t: &Table<'_>) -> Vec<(Element, f64)> {
    let doc = "The mass of this element's atoms: `H = \"2.014 u\"`, or `H = \"D\"`.";
    let mut found = Vec::new();
    for key in t.free_keys("ELEMENT") {
        if t.cx.describing {
            t.key(&key.name, Mass(None), doc)
                .optional("standard atomic weight");
            continue;
        }
        match element(&key.name) {
            Ok(element) => {
                let mass = t.key(&key.name, Mass(Some(element)), doc).optional("");
                found.extend(mass.map(|m| (element, m)));
            }
            Err(wrong) => t.complain(wrong.into_diagnostic(key.place)),
        }
    }
    if t.is_empty() && !t.cx.describing {
        t.complain(Diagnostic::warning("no masses are given here").maybe_at(t.place(), ""));
    }
    found
}
