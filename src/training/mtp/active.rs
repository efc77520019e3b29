//! The active set of a fitted potential: the frames whose rows span the largest volume.

use crate::elements::Element;
use crate::error::Result;
use crate::io::{CFG_TYPES, Column, ColumnData, Format, Frame, render_frame};
use crate::potential::mtp::{self, MtpFile, SelectionMode, SelectionState};
use crate::training::Monitor;
use crate::training::data::LabelledFrame;

/// The selection state of a potential on its training frames, with the frames that are in the active set.
pub(super) fn active_set(
    file: &MtpFile,
    species: &[Element],
    mode: SelectionMode,
    frames: &[LabelledFrame],
    monitor: &mut dyn Monitor,
) -> Result<SelectionState> {
    monitor.stage("frames for the active set", frames.len());
    let configurations: Vec<_> = frames.iter().map(|f| f.system.configuration()).collect();
    let mut seen = 0;
    let mut state = mtp::active_set(file, species, mode, &configurations, || {
        // Later passes find little; the first is what takes the time.
        monitor.advance(usize::from(seen < frames.len()));
        seen += 1;
        true
    })?;
    let mut chosen: Vec<i64> = state
        .origins
        .iter()
        .map(|o| o[0])
        .filter(|k| *k >= 0)
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    for origin in state.origins.iter_mut().filter(|o| o[0] >= 0) {
        origin[0] = chosen.binary_search(&origin[0]).unwrap_or(0) as i64;
    }
    let labels = file.trained()?.labels.clone();
    for k in chosen {
        let frame = with_labels(&frames[k as usize], species, &labels);
        render_frame(&frame, Format::MlipCfg, &mut state.configurations)?;
    }
    Ok(state)
}

/// A frame as it is written into the file.
fn with_labels(frame: &LabelledFrame, species: &[Element], labels: &[i64]) -> Frame {
    let types = frame.system.atoms.elements.iter().map(|e| {
        let kind = species.iter().position(|s| s == e).unwrap_or(0);
        labels.get(kind).copied().unwrap_or(kind as i64)
    });
    let mut out = Frame::from(frame.system.clone());
    out.set_column(Column {
        name: CFG_TYPES.to_owned(),
        width: 1,
        data: ColumnData::Integer(types.collect()),
    });
    if let Some(e) = frame.energy {
        out.set_value("energy", e);
    }
    if let Some(w) = frame.virial {
        out.set_value("virial", w);
    }
    if let Some(f) = &frame.forces {
        out.set_vectors("forces", f);
    }
    out
}
