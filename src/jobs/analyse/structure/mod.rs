//! What is counted frame by frame: distances, angles, neighbours, order, density. One file an observer.

mod density;
mod distances;
mod neighbours;
mod order;
mod shapes;

use super::atoms::Chosen;
use super::findings::Findings;
use super::options::{Kind, Options};
use super::trajectory::{Needs, Trajectory};
use crate::analysis::{Shape, Topology, nearest_distance};
use crate::error::{Error, Result};
use crate::report::{Console, Task};
use crate::system::Cell;
use density::Density;
use distances::Rdf;
use neighbours::Neighbours;
use order::Orders;
use shapes::Shapes;

/// Something that looks at every frame.
pub(super) trait Observer {
    /// A frame: all atoms, which move continuously, and the time (ps).
    fn add(&mut self, cell: &Cell, positions: &[[f64; 3]], time: f64) -> Result<()>;

    /// What it has seen.
    fn finish(&self) -> Result<Findings>;
}

/// The observer of a kind; it is told the first frame and how many configurations will come.
pub(super) fn observer(
    kind: Kind,
    t: &Trajectory,
    chosen: &Chosen,
    options: &Options,
    positions: &[[f64; 3]],
    expected: usize,
) -> Result<Box<dyn Observer>> {
    let mut chosen = chosen.clone();
    let place = |e: Error| e.within(&t.path.display().to_string());
    Ok(match kind {
        Kind::Rdf => Box::new(Rdf::new(t, chosen, options, expected)),
        Kind::Bonds | Kind::Angles | Kind::Dihedrals => {
            let shape = match kind {
                Kind::Bonds => Shape::Bonds,
                Kind::Angles => Shape::Angles,
                _ => Shape::Dihedrals,
            };
            let configuration = chosen.configuration(&t.cell, positions);
            let topology = Topology::find(configuration, options.bond_scale).map_err(place)?;
            Box::new(Shapes::new(shape, t, chosen, options, &topology, expected)?)
        }
        Kind::Coordination => Box::new(Neighbours::new(t, chosen, options, positions, expected)?),
        Kind::Steinhardt => {
            let cutoff = match options.cutoff {
                Some(c) => c,
                None => {
                    1.35 * nearest_distance(chosen.configuration(&t.cell, positions))
                        .map_err(place)?
                }
            };
            Box::new(Orders::new(
                chosen,
                cutoff,
                options.cutoff.is_none(),
                expected,
            ))
        }
        Kind::Density => {
            if !t.cell.is_bulk() {
                return Err(Error::file(
                    &t.path,
                    "a density needs a cell that is periodic in three directions",
                ));
            }
            let mass = chosen.indices.iter().map(|&i| t.masses[i]).sum();
            Box::new(Density::new(chosen.indices.len(), mass))
        }
        Kind::Vdos | Kind::Ir | Kind::Msd => {
            return Err(Error::Bug("a function of time is no structure".into()));
        }
    })
}

/// Shows all frames, or all beads, to the observers.
pub(super) fn observe(
    trajectories: &[Trajectory],
    observers: &mut [Box<dyn Observer>],
    options: &Options,
    console: &Console,
) -> Result<()> {
    let rows: usize = trajectories.iter().map(|t| t.number).sum();
    let mut task = Task::new(console, "frames", rows);
    for t in trajectories {
        let place = |e: Error| match e {
            Error::Input(ref i) if i.place.is_empty() => e.within(&t.path.display().to_string()),
            e => e,
        };
        if options.beads {
            let Some(beads) = t.reader().map(|r| r.beads()).transpose()?.flatten() else {
                return Err(Error::file(
                    &t.path,
                    "the file holds no beads of a path integral",
                ));
            };
            for row in t.bead_rows()? {
                let all = beads.read(row, 0..beads.number())?;
                for positions in &all.positions {
                    for o in observers.iter_mut() {
                        o.add(&all.cell, positions, 1e-3 * all.time_fs)
                            .map_err(place)?;
                    }
                }
                task.advance(1);
            }
            continue;
        }
        let needs = Needs {
            positions: true,
            continuous: true,
            ..Needs::default()
        };
        t.visit(needs, &mut |frame| {
            task.advance(1);
            for o in observers.iter_mut() {
                o.add(
                    frame.cell,
                    frame.positions,
                    frame.time.map_or(frame.index as f64, |t| 1e-3 * t),
                )
                .map_err(place)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
