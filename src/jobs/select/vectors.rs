//! The SOAP vectors of frames.

use super::Options;
use super::frames::{self, Survey};
use crate::error::Result;
use crate::jobs::stages::Progress;
use crate::potential::gap::SoapParameters;
use crate::training::Monitor;
use crate::training::gap::SoapVectors;
use crate::training::similarity::Environments;

/// The vectors of all frames; with `average` only their means. None when it was asked to stop.
pub(super) fn of(
    options: &Options,
    survey: &Survey,
    average: bool,
    progress: &mut Progress<'_>,
) -> Result<Option<Environments>> {
    let soap = SoapVectors::new(&SoapParameters {
        cutoff: options.soap.cutoff,
        n_max: options.soap.n_max,
        l_max: options.soap.l_max,
        atom_sigma: options.soap.sigma,
        species: survey.elements.iter().map(|e| e.number()).collect(),
        central_reference_all_species: false,
        ..SoapParameters::default()
    })
    .map_err(|e| e.within("--cutoff, --n-max, --l-max, --sigma"))?;
    let mut found = Environments {
        dimensions: soap.dimensions(),
        structures: Vec::new(),
    };
    progress.stage("frames described", survey.frames);
    for (k, frame) in frames::read(options)?.enumerate() {
        if progress.stopped() {
            return Ok(None);
        }
        let frame = frame?;
        let vectors = soap
            .of(frame.system.configuration())
            .map_err(|e| e.within(&format!("frame {k}")))?;
        found.structures.push(vectors);
        if average {
            let last = found.structures.len() - 1;
            let one = Environments {
                dimensions: found.dimensions,
                structures: vec![std::mem::take(&mut found.structures[last])],
            };
            found.structures[last] = one.means();
        }
        progress.advance(1);
    }
    Ok(Some(found))
}
