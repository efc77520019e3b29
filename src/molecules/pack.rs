//! A cubic box filled with molecules at random places and in random orientations, none too close to another.
//!
//! Molecules are inserted one after the other, each at the best of a number of random tries; what still overlaps is pushed apart
//! by a soft repulsion of atoms of different molecules, ½ Σ (d − r)² for r < d, whose minimum over positions and orientations of
//! the rigid molecules FIRE finds. The idea is that of PACKMOL (Martínez, Andrade, Birgin, Martínez, J. Comput. Chem. 30, 2157 (2009)).

use crate::elements::Element;
use crate::neighbours::{ListKind, NeighbourRequest, VerletList};
use crate::random::{Purpose, Stream};
use crate::system::{Atoms, Cell, System};
use crate::vector::{cross, dot, minus};
use nalgebra::{Quaternion, UnitQuaternion, Vector3};

/// Distance wanted between atoms of two molecules beyond the sum of their covalent radii (Å): a contact of liquids, or a little less.
const GAP: f64 = 1.4;
/// Nearer than this, in units of the wanted distance, is too near.
const LEAST: f64 = 0.8;
/// Further than this is good.
const GOOD: f64 = 0.98;
/// Random tries for each molecule.
const TRIES: usize = 60;
/// Steps of the relaxation, and starts from other random numbers.
const STEPS: usize = 4000;
const STARTS: u64 = 4;
/// Longest time step of the relaxation, and longest step (Å): the repulsion is a spring of stiffness 1 between masses of 1.
const LONGEST_STEP: f64 = 0.4;
const FURTHEST: f64 = 0.2;
/// Of the neighbour list (Å).
const SKIN: f64 = 1.0;

/// So many molecules of one kind.
#[derive(Clone, Copy)]
pub struct Species<'a> {
    /// One molecule, whole; its cell does not matter.
    pub molecule: &'a Atoms,
    /// How many.
    pub count: usize,
}

/// What to make.
pub struct Packing<'a> {
    /// What is packed, in the order in which it is written.
    pub species: &'a [Species<'a>],
    /// Edge of the cube (Å).
    pub edge: f64,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// A packed box.
pub struct Packed {
    /// Atoms molecule by molecule, at rest; each molecule whole, with its centre of mass in the cell.
    pub system: System,
    /// The least distance of atoms of two molecules in units of the wanted one; infinite when there is no pair near.
    pub closest: f64,
}

/// The distance wanted between atoms of two molecules (Å).
fn wanted(a: Element, b: Element) -> f64 {
    a.covalent_radius() + b.covalent_radius() + GAP
}

/// Packs a box.
///
/// Errors in words, when the molecules do not fit in.
pub fn pack(packing: &Packing<'_>) -> Result<Packed, String> {
    let cell = Cell::orthorhombic(packing.edge, packing.edge, packing.edge)?;
    let mut best: f64 = 0.0;
    for start in 0..STARTS {
        let mut crowd = Crowd::insert(packing, start);
        let closest = crowd.relax(&cell)?;
        if closest >= LEAST {
            return Ok(Packed {
                system: crowd.into_system(packing, cell),
                closest,
            });
        }
        best = best.max(closest);
    }
    let count: usize = packing.species.iter().map(|s| s.count).sum();
    Err(format!(
        "{count} molecules cannot be packed into a cube of {:.3} Å: atoms of different molecules stay as near as {best:.2} times a contact distance (covalent radii and {GAP} Å; at least {LEAST} is needed)",
        packing.edge
    ))
}

/// One molecule about its centre of mass.
struct Body {
    atoms: Vec<[f64; 3]>,
    elements: Vec<Element>,
    /// Mean square distance from the centre (Å²).
    gyration: f64,
}

impl Body {
    fn of(atoms: &Atoms) -> Body {
        let mass: f64 = atoms.masses.iter().sum();
        let mut centre = [0.0; 3];
        for (x, m) in atoms.positions.iter().zip(&atoms.masses) {
            (0..3).for_each(|k| centre[k] += x[k] * m / mass);
        }
        let own: Vec<[f64; 3]> = atoms.positions.iter().map(|x| minus(*x, centre)).collect();
        let square: f64 = own.iter().map(|x| dot(*x, *x)).sum();
        Body {
            gyration: square / own.len().max(1) as f64,
            atoms: own,
            elements: atoms.elements.clone(),
        }
    }
}

/// All molecules, rigid.
struct Crowd {
    bodies: Vec<Body>,
    /// The body of each molecule, and its first atom.
    kinds: Vec<usize>,
    firsts: Vec<usize>,
    centres: Vec<[f64; 3]>,
    turns: Vec<UnitQuaternion<f64>>,
    /// Of all atoms.
    elements: Vec<Element>,
    owners: Vec<u32>,
    positions: Vec<[f64; 3]>,
}

impl Crowd {
    /// Molecules at random, each at the best of its tries.
    fn insert(packing: &Packing<'_>, start: u64) -> Crowd {
        let bodies: Vec<Body> = packing
            .species
            .iter()
            .map(|s| Body::of(s.molecule))
            .collect();
        let mut crowd = Crowd {
            kinds: Vec::new(),
            firsts: Vec::new(),
            centres: Vec::new(),
            turns: Vec::new(),
            elements: Vec::new(),
            owners: Vec::new(),
            positions: Vec::new(),
            bodies,
        };
        let radii = crowd.bodies.iter().flat_map(|b| &b.elements);
        let widest = radii.map(|e| wanted(*e, *e)).fold(0.0, f64::max);
        let total: usize = packing
            .species
            .iter()
            .map(|s| s.count.saturating_mul(s.molecule.len()))
            .sum();
        let mut grid = Grid::new(packing.edge, widest, total);
        let mut tried: Vec<[f64; 3]> = Vec::new();
        let mut chosen: Vec<[f64; 3]> = Vec::new();
        for (kind, species) in packing.species.iter().enumerate() {
            for _ in 0..species.count {
                let number = crowd.kinds.len();
                let mut stream =
                    Stream::new(packing.seed, Purpose::Packing, start, number as u64, 0);
                let mut least: Option<(f64, [f64; 3], UnitQuaternion<f64>)> = None;
                for _ in 0..TRIES {
                    let centre = std::array::from_fn(|_| packing.edge * stream.uniform());
                    let turn = random_turn(&mut stream);
                    let body = &crowd.bodies[kind];
                    tried.clear();
                    tried.extend(body.atoms.iter().map(|x| placed(centre, &turn, *x)));
                    let most = least.as_ref().map_or(f64::INFINITY, |l| l.0);
                    let overlap = grid.overlap(&tried, &body.elements, &crowd, most);
                    if overlap < most {
                        least = Some((overlap, centre, turn));
                        std::mem::swap(&mut chosen, &mut tried);
                    }
                    if overlap == 0.0 {
                        break;
                    }
                }
                let (_, centre, turn) =
                    least.unwrap_or((0.0, [0.0; 3], UnitQuaternion::identity()));
                let first = crowd.positions.len();
                crowd.kinds.push(kind);
                crowd.firsts.push(first);
                crowd.centres.push(centre);
                crowd.turns.push(turn);
                let elements = &crowd.bodies[kind].elements;
                crowd.elements.extend_from_slice(elements);
                for (k, x) in chosen.iter().enumerate() {
                    crowd.owners.push(number as u32);
                    crowd.positions.push(*x);
                    grid.add(*x, (first + k) as u32);
                }
            }
        }
        crowd
    }

    /// Pushes apart what overlaps; the least distance in units of the wanted one.
    fn relax(&mut self, cell: &Cell) -> Result<f64, String> {
        let reach = self.elements.iter().map(|e| wanted(*e, *e));
        let cutoff = reach.fold(0.0, f64::max);
        let request = NeighbourRequest {
            cutoff,
            kind: ListKind::Half,
            chunk: 1024,
            grain: 256,
        };
        let mut list = VerletList::new(cutoff, SKIN);
        let mut fire = Fire::new(self.kinds.len());
        let mut forces = vec![[0.0; 3]; self.positions.len()];
        loop {
            self.place();
            let c = crate::system::Configuration {
                cell,
                elements: &self.elements,
                positions: &self.positions,
            };
            if list.is_stale(c) {
                list.build(c, request)
                    .map_err(|_| "the box is far too small for its molecules".to_owned())?;
            }
            let closest = self.repel(cell, &list, &mut forces);
            if closest >= GOOD || fire.steps >= STEPS {
                return Ok(closest);
            }
            if !fire.step(self, &forces) {
                return Ok(closest);
            }
        }
    }

    /// Positions of all atoms from centres and orientations.
    fn place(&mut self) {
        for (m, kind) in self.kinds.iter().enumerate() {
            let first = self.firsts[m];
            for (k, x) in self.bodies[*kind].atoms.iter().enumerate() {
                self.positions[first + k] = placed(self.centres[m], &self.turns[m], *x);
            }
        }
    }

    /// Forces of the repulsion; the least distance in units of the wanted one.
    fn repel(&self, cell: &Cell, list: &VerletList, forces: &mut [[f64; 3]]) -> f64 {
        forces.fill([0.0; 3]);
        let mut closest = f64::INFINITY;
        for pair in list.list().iter_pairs() {
            let (i, j) = (pair.i as usize, pair.j as usize);
            if self.owners[i] == self.owners[j] && pair.shift == [0; 3] {
                continue;
            }
            let t = cell.translation(pair.shift);
            let (x, y) = (self.positions[i], self.positions[j]);
            let r: [f64; 3] = std::array::from_fn(|k| y[k] + t[k] - x[k]);
            let d = wanted(self.elements[i], self.elements[j]);
            let square = dot(r, r);
            if square >= d * d {
                continue;
            }
            let distance = square.sqrt();
            closest = closest.min(distance / d);
            // Two atoms at one place are pushed apart along the first axis.
            let along = if distance > 1e-9 {
                r.map(|x| x / distance)
            } else {
                [1.0, 0.0, 0.0]
            };
            for k in 0..3 {
                let f = (d - distance) * along[k];
                forces[i][k] -= f;
                forces[j][k] += f;
            }
        }
        closest
    }

    /// The packed box, every molecule with its centre in the cell.
    fn into_system(self, packing: &Packing<'_>, cell: Cell) -> System {
        let mut atoms = Atoms {
            elements: self.elements,
            masses: Vec::with_capacity(self.positions.len()),
            velocities: vec![[0.0; 3]; self.positions.len()],
            positions: self.positions,
        };
        for (m, kind) in self.kinds.iter().enumerate() {
            let molecule = packing.species[*kind].molecule;
            atoms.masses.extend_from_slice(&molecule.masses);
            let home = cell.wrap(self.centres[m]);
            let move_by = minus(home, self.centres[m]);
            let first = self.firsts[m];
            for x in &mut atoms.positions[first..first + molecule.len()] {
                *x = std::array::from_fn(|k| x[k] + move_by[k]);
            }
        }
        System { cell, atoms }
    }
}

fn placed(centre: [f64; 3], turn: &UnitQuaternion<f64>, x: [f64; 3]) -> [f64; 3] {
    let x = turn * Vector3::from(x);
    [centre[0] + x[0], centre[1] + x[1], centre[2] + x[2]]
}

/// An orientation, every one as likely.
fn random_turn(stream: &mut Stream) -> UnitQuaternion<f64> {
    let q = Quaternion::new(
        stream.normal(),
        stream.normal(),
        stream.normal(),
        stream.normal(),
    );
    UnitQuaternion::new_normalize(q)
}

/// Fast inertial relaxation of rigid molecules (Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)); every atom has the mass 1.
struct Fire {
    velocities: Vec<[f64; 3]>,
    spins: Vec<[f64; 3]>,
    timestep: f64,
    mixing: f64,
    downhill: usize,
    steps: usize,
}

impl Fire {
    fn new(molecules: usize) -> Fire {
        Fire {
            velocities: vec![[0.0; 3]; molecules],
            spins: vec![[0.0; 3]; molecules],
            timestep: 0.1,
            mixing: 0.1,
            downhill: 0,
            steps: 0,
        }
    }

    /// One step; `false` when nothing pushes any more.
    fn step(&mut self, crowd: &mut Crowd, forces: &[[f64; 3]]) -> bool {
        self.steps += 1;
        // Acceleration of each molecule, and of its rotation, whose inertia is that of a ball.
        let push: Vec<([f64; 3], [f64; 3])> = (0..crowd.kinds.len())
            .map(|m| {
                let body = &crowd.bodies[crowd.kinds[m]];
                let (mut force, mut torque) = ([0.0; 3], [0.0; 3]);
                for (k, f) in forces[crowd.firsts[m]..][..body.atoms.len()]
                    .iter()
                    .enumerate()
                {
                    let arm = minus(crowd.positions[crowd.firsts[m] + k], crowd.centres[m]);
                    let turn = cross(arm, *f);
                    (0..3).for_each(|d| {
                        force[d] += f[d];
                        torque[d] += turn[d];
                    });
                }
                let n = body.atoms.len() as f64;
                let inertia = n * body.gyration;
                let spin = if body.gyration > 1e-6 {
                    torque.map(|t| t / inertia)
                } else {
                    [0.0; 3]
                };
                (force.map(|f| f / n), spin)
            })
            .collect();
        let (mut power, mut speed, mut strength) = (0.0, 0.0, 0.0);
        for (m, (a, b)) in push.iter().enumerate() {
            // Lengths of the arc that atoms go, so that both kinds of motion have one unit.
            let g = crowd.bodies[crowd.kinds[m]].gyration;
            let (v, w) = (self.velocities[m], self.spins[m]);
            power += dot(*a, v) + g * dot(*b, w);
            speed += dot(v, v) + g * dot(w, w);
            strength += dot(*a, *a) + g * dot(*b, *b);
        }
        if strength < 1e-20 {
            return false;
        }
        if power > 0.0 {
            let pull = self.mixing * (speed / strength).sqrt();
            for (m, (a, b)) in push.iter().enumerate() {
                for k in 0..3 {
                    self.velocities[m][k] += pull * a[k] - self.mixing * self.velocities[m][k];
                    self.spins[m][k] += pull * b[k] - self.mixing * self.spins[m][k];
                }
            }
            self.downhill += 1;
            if self.downhill > 5 {
                self.timestep = (1.1 * self.timestep).min(LONGEST_STEP);
                self.mixing *= 0.99;
            }
        } else {
            self.velocities.fill([0.0; 3]);
            self.spins.fill([0.0; 3]);
            self.timestep *= 0.5;
            self.mixing = 0.1;
            self.downhill = 0;
        }
        for (m, (a, b)) in push.iter().enumerate() {
            let dt = self.timestep;
            for k in 0..3 {
                self.velocities[m][k] += dt * a[k];
                self.spins[m][k] += dt * b[k];
            }
            let (v, w) = (&mut self.velocities[m], &mut self.spins[m]);
            let g = crowd.bodies[crowd.kinds[m]].gyration;
            let far = dt * (dot(*v, *v) + g * dot(*w, *w)).sqrt();
            if far > FURTHEST {
                let less = FURTHEST / far;
                *v = v.map(|x| x * less);
                *w = w.map(|x| x * less);
            }
            (0..3).for_each(|k| crowd.centres[m][k] += dt * v[k]);
            let angle = Vector3::from(*w) * dt;
            crowd.turns[m] = UnitQuaternion::from_scaled_axis(angle) * crowd.turns[m];
        }
        true
    }
}

/// Bins of the box with the atoms that are in it.
struct Grid {
    edge: f64,
    bins: usize,
    held: Vec<Vec<u32>>,
}

impl Grid {
    fn new(edge: f64, reach: f64, atoms: usize) -> Grid {
        // No more bins than atoms; with fewer than three along an edge one bin has all.
        let most = (atoms as f64).cbrt().max(1.0);
        let bins = (edge / reach.max(1e-3)).floor().min(most) as usize;
        let bins = if bins < 3 { 1 } else { bins };
        Grid {
            edge,
            bins,
            held: vec![Vec::new(); bins * bins * bins],
        }
    }

    fn bin(&self, x: [f64; 3]) -> [usize; 3] {
        x.map(|x| {
            let share = (x / self.edge).rem_euclid(1.0);
            ((share * self.bins as f64) as usize).min(self.bins - 1)
        })
    }

    fn index(&self, [a, b, c]: [usize; 3]) -> usize {
        (a * self.bins + b) * self.bins + c
    }

    fn add(&mut self, x: [f64; 3], atom: u32) {
        let bin = self.index(self.bin(x));
        self.held[bin].push(atom);
    }

    /// Sum of (d − r)² of atoms with those that are in the box; no further than `most`.
    fn overlap(&self, atoms: &[[f64; 3]], elements: &[Element], crowd: &Crowd, most: f64) -> f64 {
        let near: &[usize] = if self.bins == 1 {
            &[0]
        } else {
            &[self.bins - 1, 0, 1]
        };
        let mut sum = 0.0;
        for (x, e) in atoms.iter().zip(elements) {
            let home = self.bin(*x);
            for (&a, &b) in near.iter().flat_map(|a| near.iter().map(move |b| (a, b))) {
                for &c in near {
                    let there =
                        [(home[0] + a), (home[1] + b), (home[2] + c)].map(|k| k % self.bins);
                    for &j in &self.held[self.index(there)] {
                        let y = crowd.positions[j as usize];
                        let d = wanted(*e, crowd.elements[j as usize]);
                        let r: [f64; 3] = std::array::from_fn(|k| {
                            let plain = y[k] - x[k];
                            plain - self.edge * (plain / self.edge).round_ties_even()
                        });
                        let square = dot(r, r);
                        if square < d * d {
                            sum += (d - square.sqrt()).powi(2);
                        }
                    }
                    if sum >= most {
                        return sum;
                    }
                }
            }
        }
        sum
    }
}
