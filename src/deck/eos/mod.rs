//! `[eos]`: equations of state. What kind of matter it is of is a choice.

mod fluid;
mod solid;

pub use fluid::{FluidDeck, FluidFiles, FluidSet, Given, MeltDeck, VapourDeck};
pub use solid::{Around, PhaseDeck, SolidDeck, SolidFiles, ThermalDeck, VolumesDeck};

use super::diagnostics::Diagnostic;
use super::reader::{Choice, Table, Variant};
use std::path::PathBuf;

/// An equation of state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EosDeck {
    /// Crystals: energies against volumes.
    Solid(Box<SolidDeck>),
    /// Fluids: state points by dynamics.
    Fluid(Box<FluidDeck>),
}

impl EosDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        match self {
            EosDeck::Solid(solid) => solid.outputs(),
            EosDeck::Fluid(fluid) => fluid.outputs(),
        }
    }

    /// The files that are read beside the structure of `[system]`, with their keys.
    pub(super) fn inputs(&self) -> Vec<(String, PathBuf)> {
        match self {
            EosDeck::Solid(solid) => solid.inputs(),
            EosDeck::Fluid(fluid) => fluid.inputs(),
        }
    }
}

/// Every kind of matter; one more is one more line here.
const KINDS: &[Variant<EosDeck>] = &[
    Variant {
        name: "solid",
        doc: "Crystals: energies of relaxed crystals at several volumes, equations of state through them, transitions between phases.",
        read: |t| solid::read(t).map(|d| EosDeck::Solid(Box::new(d))),
    },
    Variant {
        name: "fluid",
        doc: "Fluids: densities at pressures or pressures at densities, from dynamics until the wanted error is reached.",
        read: |t| fluid::read(t).map(|d| EosDeck::Fluid(Box::new(d))),
    },
];

/// Reads `[eos]`.
pub(super) fn read(t: &Table<'_>) -> Option<EosDeck> {
    match t.choice("kind of matter", KINDS) {
        Choice::Chosen(_, deck) => Some(deck),
        Choice::Failed => None,
        Choice::Absent => {
            let names: Vec<String> = KINDS.iter().map(|k| format!("[eos.{}]", k.name)).collect();
            t.nothing_chosen(
                Diagnostic::error("[eos] does not say what the equation of state is of")
                    .maybe_at(t.place(), "")
                    .help(format!("possible here: {}", names.join(", "))),
            );
            None
        }
    }
}
