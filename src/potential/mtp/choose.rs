//! The selection of configurations for the next fit, by D-optimality.

use super::evaluate::MtpScratch;
use super::file::MtpFile;
use super::grade::Grader;
use super::maxvol::MaxVol;
use super::state::{SelectionMode, SelectionState};
use super::{Core, Mtp};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::neighbours::{BuildError, NeighbourList};
use crate::potential::{Configuration, EvaluationError, Names, NeighbourRequest, Rows, Selection};
use std::sync::Arc;

/// Two atoms closer than this (Å) are at one place.
const COINCIDENT: f64 = 1e-4;

/// A running selection: the active set of the model and what was taken in since.
pub(super) struct MtpSelection {
    core: Arc<Core>,
    request: NeighbourRequest,
    set: MaxVol,
    list: NeighbourList,
    scratch: MtpScratch,
    near: Near,
    rows: Vec<f64>,
}

/// The neighbourhoods of a configuration as compressed rows.
#[derive(Default)]
struct Near {
    centres: Vec<Element>,
    first: Vec<u32>,
    elements: Vec<Element>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    r2: Vec<f64>,
}

impl MtpSelection {
    pub fn new(core: Arc<Core>, grader: &Grader, request: NeighbourRequest) -> MtpSelection {
        MtpSelection {
            set: MaxVol::new(grader.size, &grader.a, &grader.q),
            core,
            request,
            list: NeighbourList::new(),
            scratch: MtpScratch::default(),
            near: Near::default(),
            rows: Vec::new(),
        }
    }
}

/// The active set of the largest volume among the rows of some configurations, for a model with coefficients.
///
/// The origins name configurations by their place in `configurations`; the state holds none of them yet. `each` is called
/// for every configuration of every pass and ends the search, with what there is, by `false`.
pub fn active_set(
    file: &MtpFile,
    species: &[Element],
    mode: SelectionMode,
    configurations: &[Configuration<'_>],
    mut each: impl FnMut() -> bool,
) -> Result<SelectionState> {
    let c = file.trained()?;
    let n = c.radial.len() + c.species.len() + c.moments.len();
    let weight = |own: SelectionMode| f64::from(u8::from(mode == own));
    let mut state = SelectionState {
        mode,
        energy_weight: weight(SelectionMode::Configuration),
        site_weight: weight(SelectionMode::Neighbourhood),
        weight_scaling: 2.0,
        size: n,
        a: diagonal(n, EMPTY),
        q: diagonal(n, 1.0 / EMPTY),
        origins: vec![[-1, -1]; n],
        configurations: Vec::new(),
    };
    let mut file = file.clone();
    file.selection = Some(state.clone());
    let model = Mtp::new(file, Some(species))?;
    let wrong = |k: usize, e: EvaluationError| {
        Error::input(
            format!("configuration {}", k + 1),
            format!("it cannot be evaluated ({e:?})"),
        )
    };
    let (Some(grader), Some(request)) = (&model.core.grader, model.description.neighbours) else {
        return Ok(state);
    };
    let mut selection = MtpSelection::new(model.core.clone(), grader, request);
    // The volume grows with every swap: a pass without one is the last.
    'passes: for _ in 0..MOST_PASSES {
        let mut swaps = 0;
        for (k, configuration) in configurations.iter().enumerate() {
            if !each() {
                break 'passes;
            }
            let atoms = configuration.positions.len() as i64;
            selection.fill(*configuration).map_err(|e| wrong(k, e))?;
            let mut own: Vec<[i64; 2]> = match mode {
                SelectionMode::Neighbourhood => {
                    (0..atoms).map(|i| [k as i64, 3 * atoms + 10 + i]).collect()
                }
                SelectionMode::Configuration => vec![[k as i64, 0]],
            };
            let MtpSelection { set, rows, .. } = &mut selection;
            set.offer_and_tell(rows, |i, j| {
                std::mem::swap(&mut own[i], &mut state.origins[j]);
                swaps += 1;
            });
        }
        if swaps == 0 {
            break;
        }
    }
    (state.a, state.q) = selection.set.finish();
    Ok(state)
}

/// What stands on the diagonal of rows that are not filled.
const EMPTY: f64 = 1e-6;
/// Passes over the configurations; few are needed.
const MOST_PASSES: usize = 20;

fn diagonal(n: usize, x: f64) -> Vec<f64> {
    let mut all = vec![0.0; n * n];
    all.iter_mut().step_by(n + 1).for_each(|d| *d = x);
    all
}

impl MtpSelection {
    /// The rows of a configuration.
    fn fill(
        &mut self,
        configuration: Configuration<'_>,
    ) -> std::result::Result<(), EvaluationError> {
        let Some(grader) = &self.core.grader else {
            return Ok(());
        };
        let member = 0;
        self.list
            .build(configuration, self.request, self.request.cutoff)
            .map_err(|e| match e {
                BuildError::NotFinite(atom) => EvaluationError::NotFinite {
                    member,
                    atom: Some(atom),
                },
                BuildError::TooMany => EvaluationError::TooManyNeighbours { member },
            })?;
        self.near.fill(&self.list, configuration)?;
        let (rows, n) = (&mut self.rows, grader.size);
        rows.clear();
        let near = self.near.rows();
        match grader.mode {
            SelectionMode::Neighbourhood => {
                rows.resize(near.centres.len() * n, 0.0);
                self.core
                    .rows(grader, &near, &mut self.scratch, |first, lanes, b| {
                        for lane in 0..lanes {
                            let row = &mut rows[(first + lane) * n..][..n];
                            row.iter_mut().zip(b).for_each(|(row, b)| *row = b.0[lane]);
                        }
                    });
            }
            SelectionMode::Configuration => {
                rows.resize(n, 0.0);
                self.core.add_rows(grader, &near, &mut self.scratch, rows);
                let weight = grader.configuration_weight(near.centres.len());
                rows.iter_mut().for_each(|x| *x *= weight);
            }
        }
        if rows.iter().any(|x| !x.is_finite()) {
            return Err(EvaluationError::NotFinite { member, atom: None });
        }
        Ok(())
    }
}

impl Selection for MtpSelection {
    fn consider(
        &mut self,
        configuration: Configuration<'_>,
    ) -> std::result::Result<bool, EvaluationError> {
        self.fill(configuration)?;
        Ok(self.set.offer(&mut self.rows))
    }
}

impl Near {
    fn fill(
        &mut self,
        list: &NeighbourList,
        configuration: Configuration<'_>,
    ) -> std::result::Result<(), EvaluationError> {
        self.centres.clear();
        self.first.clear();
        self.elements.clear();
        for v in [&mut self.x, &mut self.y, &mut self.z, &mut self.r2] {
            v.clear();
        }
        let Configuration {
            cell,
            elements,
            positions,
        } = configuration;
        // Atoms in their own order: the list has them as they lie in space, those without neighbours not at all.
        let mut pairs: Vec<_> = list.iter_pairs().collect();
        pairs.sort_unstable();
        let mut pairs = pairs.into_iter().peekable();
        self.first.push(0);
        for (i, (element, at)) in elements.iter().zip(positions).enumerate() {
            self.centres.push(*element);
            while let Some(pair) = pairs.next_if(|p| p.i as usize == i) {
                let j = pair.j as usize;
                let shift = cell.translation(pair.shift);
                let [x, y, z] = std::array::from_fn(|k| positions[j][k] - at[k] + shift[k]);
                let r2 = x * x + y * y + z * z;
                if r2 < COINCIDENT * COINCIDENT {
                    return Err(EvaluationError::Coincident {
                        member: 0,
                        i: i.min(j),
                        j: i.max(j),
                        distance: r2.sqrt(),
                    });
                }
                self.elements.push(elements[j]);
                self.x.push(x);
                self.y.push(y);
                self.z.push(z);
                self.r2.push(r2);
            }
            self.first.push(self.r2.len() as u32);
        }
        Ok(())
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            centres: &self.centres,
            first: &self.first,
            elements: &self.elements,
            x: &self.x,
            y: &self.y,
            z: &self.z,
            r2: &self.r2,
            names: Names::default(),
        }
    }
}
