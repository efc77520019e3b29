//! Pairs of a configuration, for what is counted and not differentiated.

use crate::error::{Error, Result};
use crate::neighbours::{BuildError, ListKind, NeighbourList, NeighbourRequest};
use crate::parallel;
use crate::system::Configuration;
use std::sync::Mutex;

/// A list with what its loops need; reused from frame to frame.
#[derive(Default)]
pub(super) struct Neighbourhood {
    list: NeighbourList,
    translations: Vec<[f64; 3]>,
}

/// Refuses distances within which there are more pairs than anybody wants.
pub(super) fn countable(c: Configuration<'_>, reach: f64) -> Result<()> {
    let n = c.positions.len() as f64;
    if let Some(volume) = c.cell.volume()
        && n * n * 4.2 * reach.powi(3) / volume > MOST_PAIRS
    {
        return Err(Error::input(
            "",
            format!("within {reach} Å there are more than {MOST_PAIRS:.0e} pairs"),
        )
        .advise("choose a shorter distance"));
    }
    Ok(())
}

/// Why neighbours cannot be listed, to a person.
pub(super) fn unlisted(e: BuildError) -> Error {
    match e {
        BuildError::NotFinite(i) => Error::input(
            "",
            format!("the position of atom {i} is not a finite number"),
        )
        .advise("leave that part of the trajectory out with --from, --to"),
        BuildError::TooMany => Error::input("", "the cell is far too small for such a distance")
            .advise("choose a shorter distance"),
    }
}

/// Most pairs of one configuration.
const MOST_PAIRS: f64 = 4e9;

impl Neighbourhood {
    /// Lists all pairs within `reach` (Å), periodic images included, also those of an atom with its own images.
    pub(super) fn find(&mut self, c: Configuration<'_>, kind: ListKind, reach: f64) -> Result<()> {
        countable(c, reach)?;
        let request = NeighbourRequest {
            cutoff: reach,
            kind,
            chunk: 256,
            grain: 32,
        };
        self.list.build(c, request, reach).map_err(unlisted)?;
        self.translations.clear();
        self.list.translations(c.cell, &mut self.translations);
        Ok(())
    }

    /// Calls `row(state, i, neighbours)` for each atom with its neighbours j and the vectors from i to them (Å). Threads have
    /// states of their own, which are returned in no certain order: only what is added up exactly may be in them.
    pub(super) fn rows<S: Default + Send>(
        &self,
        positions: &[[f64; 3]],
        row: impl Fn(&mut S, usize, &[(u32, [f64; 3])]) + Sync,
    ) -> Vec<S> {
        let chunks = self.list.chunks();
        let states: Mutex<Vec<S>> = Mutex::new(Vec::new());
        let take = || {
            states
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        parallel::for_each(chunks.len(), |k| {
            let mut state = take().pop().unwrap_or_default();
            let chunk = &chunks[k];
            let places = chunk.atoms.iter().zip(&chunk.image).map(|(&a, &image)| {
                let (x, t) = (positions[a as usize], self.translations[image as usize]);
                [x[0] + t[0], x[1] + t[1], x[2] + t[2]]
            });
            let places: Vec<[f64; 3]> = places.collect();
            let mut near = Vec::new();
            for c in 0..chunk.own {
                let x = places[c];
                near.clear();
                for &j in &chunk.neighbours[chunk.first[c] as usize..chunk.first[c + 1] as usize] {
                    let y = places[j as usize];
                    near.push((
                        chunk.atoms[j as usize],
                        [y[0] - x[0], y[1] - x[1], y[2] - x[2]],
                    ));
                }
                row(&mut state, chunk.atoms[c] as usize, &near);
            }
            take().push(state);
        });
        states
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The mean over all atoms of the distance (Å) to the nearest one.
///
/// Errors when there is only one atom within reach of nothing, or a position is not finite.
pub fn nearest_distance(c: Configuration<'_>) -> Result<f64> {
    let n = c.positions.len() as f64;
    let mut reach = c.cell.volume().map_or(3.0, |v| 1.3 * (v / n).cbrt());
    let mut all = Neighbourhood::default();
    for _ in 0..12 {
        all.find(c, ListKind::Full, reach)?;
        let parts = all.rows(c.positions, |found: &mut Vec<(usize, f64)>, i, near| {
            let squares = near
                .iter()
                .map(|(_, d)| d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
            found.push((i, squares.fold(f64::INFINITY, f64::min).sqrt()));
        });
        let mut nearest: Vec<(usize, f64)> = parts.into_iter().flatten().collect();
        nearest.sort_unstable_by_key(|f| f.0);
        if nearest.iter().all(|f| f.1.is_finite()) && !nearest.is_empty() {
            return Ok(nearest.iter().map(|f| f.1).sum::<f64>() / n);
        }
        reach *= 1.5;
    }
    Err(Error::input("", "there are atoms without any neighbour")
        .advise("say what a neighbour is, as in --cutoff \"4 Å\""))
}
