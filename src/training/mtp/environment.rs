//! The neighbourhoods of a frame, found once: everything about them that does not change while a model is fitted.
//!
//! What is kept is small (40 bytes a neighbour). The radial basis is made of it anew in every pass: some thirty operations for
//! eight neighbours, a thousandth of what follows.

use crate::elements::Element;
use crate::error::{Error, Result};
use crate::neighbours::{BuildError, ListKind, NeighbourList, NeighbourRequest};
use crate::simd::F64x8;
use crate::training::data::LabelledFrame;

/// Two atoms closer than this (Å) are at one place.
const COINCIDENT: f64 = 1e-4;

/// Up to eight neighbours of one species side by side.
#[derive(Clone)]
pub(super) struct Eight {
    /// Unit vectors from the centre.
    pub u: [F64x8; 3],
    /// Distances (Å).
    pub r: F64x8,
    /// How many there are. The places behind them repeat the first one.
    pub count: usize,
    /// Species of the neighbours.
    pub species: usize,
    /// Which of the centre's distinct atoms each one is an image of.
    pub columns: [u32; 8],
}

/// The neighbourhood of one atom.
pub(super) struct Site {
    pub species: usize,
    /// Neighbours, species after species.
    pub neighbours: Vec<Eight>,
    /// The distinct atoms behind them.
    pub atoms: Vec<u32>,
}

/// The neighbourhoods of a frame.
pub(super) struct Environment {
    pub sites: Vec<Site>,
    /// The smallest distance (Å) between two atoms; infinite when none are within the cutoff.
    pub closest: f64,
}

impl Environment {
    /// Finds the neighbours within the cutoff; `species` are the elements in their order.
    pub fn new(frame: &LabelledFrame, species: &[Element], cutoff: f64) -> Result<Environment> {
        let wrong = |reason: String| Error::input(frame.place.clone(), reason);
        let configuration = frame.system.configuration();
        let (elements, positions) = (configuration.elements, configuration.positions);
        let mut kinds = Vec::with_capacity(elements.len());
        for (i, element) in elements.iter().enumerate() {
            let kind = species.iter().position(|s| s == element).ok_or_else(|| {
                let known: Vec<&str> = species.iter().map(|s| s.symbol()).collect();
                wrong(format!(
                    "atom {} is {}, but the model is to have the species {}",
                    i + 1,
                    element.symbol(),
                    known.join(", ")
                ))
                .advise("add the element to `species`, or leave the frame out")
            })?;
            kinds.push(kind);
        }
        let request = NeighbourRequest {
            cutoff,
            kind: ListKind::Full,
            chunk: 64,
            grain: 8,
        };
        let mut list = NeighbourList::new();
        list.build(configuration, request, cutoff)
            .map_err(|e| match e {
                BuildError::NotFinite(atom) => {
                    wrong(format!("the position of atom {} is not finite", atom + 1))
                }
                BuildError::TooMany => wrong(format!(
                    "there are more neighbours within {cutoff} Å than can be counted: the cell is far too small"
                )),
            })?;
        let mut pairs: Vec<_> = list.iter_pairs().collect();
        // By centre, then by species and atom of the neighbour.
        pairs.sort_unstable_by_key(|p| (p.i, kinds[p.j as usize], p.j, p.shift));
        let mut closest = f64::INFINITY;
        let mut pairs = pairs.into_iter().peekable();
        let mut sites = Vec::with_capacity(kinds.len());
        for (i, at) in positions.iter().enumerate() {
            let mut site = Site {
                species: kinds[i],
                neighbours: Vec::new(),
                atoms: Vec::new(),
            };
            while let Some(pair) = pairs.next_if(|p| p.i as usize == i) {
                let j = pair.j as usize;
                let shift = configuration.cell.translation(pair.shift);
                let mut d = [0.0; 3];
                for k in 0..3 {
                    d[k] = positions[j][k] - at[k] + shift[k];
                }
                let r = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
                if r >= cutoff {
                    continue;
                }
                if r < COINCIDENT {
                    return Err(wrong(format!(
                        "atoms {} and {} are at one place ({r:.1e} Å)",
                        i + 1,
                        j + 1
                    ))
                    .advise("leave the frame out, or correct it"));
                }
                closest = closest.min(r);
                if site.atoms.last() != Some(&pair.j) {
                    site.atoms.push(pair.j);
                }
                site.push(kinds[j], d.map(|x| x / r), r);
            }
            sites.push(site);
        }
        Ok(Environment { sites, closest })
    }
}

impl Site {
    fn push(&mut self, species: usize, u: [f64; 3], r: f64) {
        let column = self.atoms.len() as u32 - 1;
        let open = self
            .neighbours
            .last()
            .is_some_and(|e| e.species == species && e.count < F64x8::WIDTH);
        if !open {
            self.neighbours.push(Eight {
                u: u.map(F64x8::splat),
                r: F64x8::splat(r),
                count: 0,
                species,
                columns: [column; 8],
            });
        }
        if let Some(eight) = self.neighbours.last_mut() {
            let lane = eight.count;
            eight.r.0[lane] = r;
            for k in 0..3 {
                eight.u[k].0[lane] = u[k];
            }
            eight.columns[lane] = column;
            eight.count += 1;
        }
    }
}
