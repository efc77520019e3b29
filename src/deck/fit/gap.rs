//! `[fit.gap]`: how a Gaussian approximation potential is made.

use super::sets::{NumberList, Set};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::kinds::{Count, Elements, InFile, Label, Number, OneOf, Quantity};
use crate::deck::reader::Table;
use crate::elements::Element;
use crate::units::Dimension;
use std::path::PathBuf;

/// How a Gaussian approximation potential is made.
#[derive(Clone, Debug, PartialEq)]
pub struct GapFitDeck {
    /// The terms, in the order pair, triplet, soap, soap_turbo; never empty.
    pub terms: Vec<GapTermDeck>,
    /// Sigmas of all frames.
    pub sigmas: GapSigmasDeck,
    /// Sigmas of kinds of frames.
    pub kinds: Vec<(String, GapSigmasDeck)>,
    /// What is added to the diagonal of the covariance of sparse points (eV²).
    pub jitter: f64,
    /// Where energies of isolated atoms come from.
    pub isolated: GapIsolatedDeck,
}

/// Standard deviations of data; 0 leaves such data out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GapSigmasDeck {
    /// Of energies (eV an atom).
    pub energy: f64,
    /// Of forces (eV/Å).
    pub force: f64,
    /// Of virials (eV an atom).
    pub virial: f64,
}

/// Where energies of isolated atoms come from.
#[derive(Clone, Debug, PartialEq)]
pub enum GapIsolatedDeck {
    /// By composition from the data.
    Fitted,
    /// The mean energy per atom.
    Average,
    /// From frames with a single atom.
    Frames,
    /// Given (atomic number, eV).
    Given(Vec<(u8, f64)>),
}

/// One term.
#[derive(Clone, Debug, PartialEq)]
pub struct GapTermDeck {
    /// What is described.
    pub descriptor: GapDescriptorDeck,
    /// Scale of its energies (eV).
    pub delta: f64,
    /// Sparse points of each combination of elements.
    pub points: usize,
    /// How they are chosen.
    pub choose: GapChoice,
    /// The points themselves, instead.
    pub given: Option<Vec<f64>>,
    /// A model file with the points, instead.
    pub from: Option<PathBuf>,
}

/// How sparse points are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapChoice {
    /// By leverage.
    Cur,
    /// Each farthest from those before.
    Farthest,
    /// Nearest to the centres of clusters.
    KMeans,
    /// At random.
    Random,
    /// On a grid.
    Uniform,
}

/// The descriptor of a term.
#[derive(Clone, Debug, PartialEq)]
pub enum GapDescriptorDeck {
    /// Distances of pairs.
    Pair {
        /// Range (Å).
        cutoff: f64,
        /// Width of the switch (Å).
        transition: f64,
        /// Length scale (Å), or times the range of the data.
        theta: GapTheta,
        /// Only for these two elements, by number.
        between: Option<[u8; 2]>,
    },
    /// Shapes of triplets.
    Triplet {
        /// Range (Å).
        cutoff: f64,
        /// Width of the switch (Å).
        transition: f64,
        /// Length scale (Å and Å²), or times the range of the data.
        theta: GapTheta,
        /// Whether the kernel is a compact polynomial instead of a Gaussian.
        polynomial: bool,
        /// Only for these elements: neighbour, centre, neighbour.
        between: Option<[u8; 3]>,
    },
    /// Densities on equispaced Gaussians.
    Soap {
        /// Range (Å).
        cutoff: f64,
        /// Width of the switch (Å).
        transition: f64,
        /// Radial functions.
        n_max: usize,
        /// Highest angular momentum.
        l_max: usize,
        /// Width of an atom (Å).
        atom_sigma: f64,
        /// Weight of the centre in its own density.
        central_weight: f64,
        /// Power of the kernel.
        zeta: f64,
        /// The elements that are centres; all when empty.
        centres: Vec<Element>,
    },
    /// Densities on polynomials.
    SoapTurbo {
        /// Range (Å).
        cutoff: f64,
        /// Width (Å) of the damping below it.
        transition: f64,
        /// Radial functions of each element.
        alpha_max: usize,
        /// Highest angular momentum.
        l_max: usize,
        /// Widths (Å) of an atom along and across the radius.
        atom_sigma: [f64; 2],
        /// Their growth with the distance.
        scaling: [f64; 2],
        /// Power of the fall of the density with the distance.
        amplitude_scaling: f64,
        /// Power of the distance that weights the density.
        radial_enhancement: usize,
        /// Whether only pairs with the first function of an element are kept.
        compressed: bool,
        /// Power of the kernel.
        zeta: f64,
        /// The elements that are centres; all when empty.
        centres: Vec<Element>,
    },
}

/// A length scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GapTheta {
    /// As it is.
    Length(f64),
    /// So many times the range of the data.
    Factor(f64),
}

impl GapFitDeck {
    /// Files that are read.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        self.terms.iter().filter_map(|t| t.from.as_ref())
    }
}

/// Reads `[fit.gap]`.
pub(super) fn read(t: &Table<'_>) -> Option<GapFitDeck> {
    let sigmas = sigmas(t, ["1 meV", "0.1 eV/Å", "50 meV"]);
    let doc = "What is added to the diagonal of the covariance of sparse points.";
    let jitter = t
        .key("jitter", Quantity(Dimension::ENERGY_SQUARED), doc)
        .must_be("from 0 to 1 eV²", |j| (0.0..=1.0).contains(j))
        .or("1e-10 eV^2");
    let isolated = isolated(t);
    let mut terms = Vec::new();
    let mut sound = true;
    let doc = "A term on the distances of pairs, for every pair of elements.";
    let found = t.tables("pair", doc, pair);
    let doc = "A term on the shapes of triplets, for every centre and pair of neighbours.";
    let triplets = t.tables("triplet", doc, triplet);
    let doc = "A term on the density of neighbours (SOAP), for every element as the centre.";
    let soaps = t.tables("soap", doc, soap);
    let doc = "A term on the density of neighbours in polynomials (`soap_turbo`), for every element as the centre.";
    let turbos = t.tables("soap_turbo", doc, turbo);
    let none = [&found, &triplets, &soaps, &turbos]
        .iter()
        .all(|l| l.is_none());
    for term in [found, triplets, soaps, turbos]
        .into_iter()
        .flatten()
        .flatten()
    {
        match term {
            Some(term) => terms.push(term),
            None => sound = false,
        }
    }
    if none && !t.cx.describing {
        t.nothing_chosen(
            Diagnostic::error("the model has no term")
                .maybe_at(t.place(), "")
                .help("add for example\n[[fit.gap.soap]]\ncutoff = \"5 Å\""),
        );
        sound = false;
    }
    let doc = "Sigmas of one kind of frames.";
    let kinds = t.tables("kind", doc, |t| {
        let doc = "The kind, as the frames name it.";
        let name = t.key("name", Label, doc).required("\"liquid\"");
        let sigmas = self::sigmas(t, ["1 meV", "0.1 eV/Å", "50 meV"]);
        Some((name?, sigmas?))
    });
    let kinds = kinds.unwrap_or_default().into_iter().collect::<Option<_>>();
    if !sound {
        return None;
    }
    Some(GapFitDeck {
        terms,
        sigmas: sigmas?,
        kinds: kinds?,
        jitter: jitter?,
        isolated: isolated?,
    })
}

fn sigmas(t: &Table<'_>, defaults: [&str; 3]) -> Option<GapSigmasDeck> {
    let doc = "Standard deviation expected of energies per atom (that of a frame of N atoms has √N times this); 0 leaves energies out.";
    let energy = t
        .key("energy_sigma", Quantity(Dimension::ENERGY), doc)
        .not_negative()
        .or(defaults[0]);
    let doc = "Standard deviation expected of components of forces; 0 leaves forces out.";
    let force = t
        .key("force_sigma", Quantity(Dimension::FORCE), doc)
        .not_negative()
        .or(defaults[1]);
    let doc = "Standard deviation expected of components of virials per atom (with √N as for energies); 0 leaves virials out.";
    let virial = t
        .key("virial_sigma", Quantity(Dimension::ENERGY), doc)
        .not_negative()
        .or(defaults[2]);
    Some(GapSigmasDeck {
        energy: energy?,
        force: force?,
        virial: virial?,
    })
}

fn isolated(t: &Table<'_>) -> Option<GapIsolatedDeck> {
    #[derive(Clone, Copy)]
    enum From {
        Fitted,
        Average,
        Frames,
    }
    const SOURCES: OneOf<From> = OneOf(&[
        ("fitted", From::Fitted),
        ("average", From::Average),
        ("frames", From::Frames),
    ]);
    let doc = "Where energies of isolated atoms come from: what composition says about the energies, the mean energy per atom, or frames with a single atom.";
    let source = t.key("isolated", SOURCES, doc).or("fitted");
    let doc = "Energies of isolated atoms by element, instead.";
    let given = t.optional_table("isolated_energies", doc, |t| {
        let mut energies = Vec::new();
        let mut sound = true;
        for key in t.free_keys("Si") {
            let doc = "Energy of an isolated atom of the element.";
            let energy = t
                .key(&key.name, Quantity(Dimension::ENERGY), doc)
                .optional("none");
            match (crate::deck::kinds::element(&key.name), energy) {
                (Ok(element), Some(energy)) => energies.push((element.number(), energy)),
                (Ok(_), None) => sound = false,
                (Err(why), _) => {
                    t.complain(why.into_diagnostic(key.place.clone()));
                    sound = false;
                }
            }
        }
        sound.then_some(energies)
    });
    if t.place_of("isolated_energies").is_some() {
        return given.map(GapIsolatedDeck::Given);
    }
    Some(match source? {
        From::Fitted => GapIsolatedDeck::Fitted,
        From::Average => GapIsolatedDeck::Average,
        From::Frames => GapIsolatedDeck::Frames,
    })
}

/// What all terms have: range, switch, scale, points.
struct Common {
    cutoff: f64,
    transition: f64,
    delta: f64,
    points: usize,
    choose: GapChoice,
    given: Option<Vec<f64>>,
    from: Option<PathBuf>,
}

impl Common {
    fn read(
        t: &Table<'_>,
        [transition, delta, points, choose]: [&str; 4],
        low: bool,
    ) -> Option<Common> {
        const CHOICES: OneOf<GapChoice> = OneOf(&[
            ("cur", GapChoice::Cur),
            ("farthest", GapChoice::Farthest),
            ("k-means", GapChoice::KMeans),
            ("random", GapChoice::Random),
            ("uniform", GapChoice::Uniform),
        ]);
        let length = || Quantity(Dimension::LENGTH);
        let cutoff = t
            .key("cutoff", length(), "Range.")
            .positive()
            .required("\"5 Å\"");
        let doc = "Width of the switch below the cutoff.";
        let transition = t.key("transition", length(), doc).positive().or(transition);
        let doc = "Scale of the energies of the term: prefactor of the kernel, before squaring.";
        let delta = t
            .key("delta", Quantity(Dimension::ENERGY), doc)
            .positive()
            .or(delta);
        let count = Count {
            least: 1,
            most: 100_000,
        };
        let doc = "Number of sparse points of each combination of elements.";
        let points = t.key("points", count, doc).or(points);
        let doc = "How sparse points are chosen: by leverage, each farthest from those before, nearest to the centres of clusters, at random, or one in each cell of a grid (pairs and triplets).";
        let choose = t.key("choose", CHOICES, doc).or(choose);
        let given = if low {
            let doc = "The sparse points themselves, in Å (of triplets r₁ + r₂, (r₁ - r₂)² and r₃ of each), for a term of one combination of elements.";
            t.key("given", NumberList, doc).optional("chosen")
        } else {
            None
        };
        let doc = "A GAP model file, from the term of which with the same parameters the sparse points are taken.";
        let from = t.key("points_from", InFile, doc).optional("chosen");
        Some(Common {
            cutoff: cutoff?,
            transition: transition?,
            delta: delta?,
            points: points? as usize,
            choose: choose?,
            given,
            from,
        })
    }

    fn term(self, descriptor: GapDescriptorDeck) -> GapTermDeck {
        GapTermDeck {
            descriptor,
            delta: self.delta,
            points: self.points,
            choose: self.choose,
            given: self.given,
            from: self.from,
        }
    }
}

/// The length scale: one of two keys.
fn theta(t: &Table<'_>) -> Option<GapTheta> {
    let doc = "Length scale of the kernel in every number of the descriptor (Å, Å² for squares).";
    let length = t.key("theta", Number, doc).positive().or("1.0");
    let doc = "Length scales as so many times the range of the data, instead.";
    let factor = t
        .key("theta_factor", Number, doc)
        .positive()
        .optional("`theta` counts");
    match factor {
        Some(factor) => Some(GapTheta::Factor(factor)),
        None => length.map(GapTheta::Length),
    }
}

fn pair(t: &Table<'_>) -> Option<GapTermDeck> {
    let common = Common::read(t, ["1 Å", "1 eV", "20", "uniform"], true);
    let theta = theta(t);
    let doc = "Only for this pair of elements.";
    let between = t.key("between", Set::<2>, doc).optional("all pairs");
    let common = common?;
    let descriptor = GapDescriptorDeck::Pair {
        cutoff: common.cutoff,
        transition: common.transition,
        theta: theta?,
        between,
    };
    Some(common.term(descriptor))
}

fn triplet(t: &Table<'_>) -> Option<GapTermDeck> {
    const KERNELS: OneOf<bool> = OneOf(&[("gaussian", false), ("polynomial", true)]);
    let common = Common::read(t, ["0.5 Å", "0.5 eV", "100", "uniform"], true);
    let theta = theta(t);
    let doc = "The kernel: a Gaussian, or a polynomial that ends at the length scale.";
    let polynomial = t.key("kernel", KERNELS, doc).or("gaussian");
    let doc = "Only for these elements, the centre in the middle.";
    let between = t.key("between", Set::<3>, doc).optional("all triplets");
    let common = common?;
    let descriptor = GapDescriptorDeck::Triplet {
        cutoff: common.cutoff,
        transition: common.transition,
        theta: theta?,
        polynomial: polynomial?,
        between,
    };
    Some(common.term(descriptor))
}

fn count(least: u64, most: u64) -> Count {
    Count { least, most }
}

fn zeta(t: &Table<'_>) -> Option<f64> {
    t.key("zeta", Number, "Power of the kernel.")
        .must_be("above 0 and at most 100", |z| *z > 0.0 && *z <= 100.0)
        .or("4.0")
}

fn centres(t: &Table<'_>) -> Vec<Element> {
    let doc = "Elements of the atoms that are centres. One atom of every molecule may be enough: it sees the others.";
    t.key("centres", Elements, doc)
        .optional("all elements")
        .unwrap_or_default()
}

fn soap(t: &Table<'_>) -> Option<GapTermDeck> {
    let common = Common::read(t, ["1 Å", "0.2 eV", "500", "cur"], false);
    let n_max = t
        .key("n_max", count(1, 60), "Number of radial functions.")
        .or("8");
    let l_max = t
        .key("l_max", count(0, 40), "Highest angular momentum.")
        .or("8");
    let doc = "Width of the Gaussian on every atom.";
    let atom_sigma = t
        .key("atom_sigma", Quantity(Dimension::LENGTH), doc)
        .positive()
        .or("0.5 Å");
    let doc = "Weight of the Gaussian on the centre itself.";
    let central_weight = t
        .key("central_weight", Number, doc)
        .not_negative()
        .or("1.0");
    let zeta = zeta(t);
    let centres = centres(t);
    let common = common?;
    let descriptor = GapDescriptorDeck::Soap {
        cutoff: common.cutoff,
        transition: common.transition,
        n_max: n_max? as usize,
        l_max: l_max? as usize,
        atom_sigma: atom_sigma?,
        central_weight: central_weight?,
        zeta: zeta?,
        centres,
    };
    Some(common.term(descriptor))
}

fn turbo(t: &Table<'_>) -> Option<GapTermDeck> {
    let common = Common::read(t, ["0.5 Å", "0.2 eV", "500", "cur"], false);
    let doc = "Number of radial functions of each element.";
    let alpha_max = t.key("alpha_max", count(1, 20), doc).or("8");
    let l_max = t
        .key("l_max", count(0, 40), "Highest angular momentum.")
        .or("8");
    let length = || Quantity(Dimension::LENGTH);
    let doc = "Width of an atom along the radius.";
    let sigma_r = t.key("atom_sigma_r", length(), doc).positive().or("0.5 Å");
    let doc = "Width of an atom across the radius.";
    let sigma_t = t.key("atom_sigma_t", length(), doc).positive().or("0.5 Å");
    let doc = "Growth of the width along the radius with the distance.";
    let scaling_r = t
        .key("atom_sigma_r_scaling", Number, doc)
        .not_negative()
        .or("0.0");
    let doc = "Growth of the width across the radius with the distance.";
    let scaling_t = t
        .key("atom_sigma_t_scaling", Number, doc)
        .not_negative()
        .or("0.0");
    let doc = "Power of the switch that takes the density to zero at the cutoff.";
    let amplitude = t
        .key("amplitude_scaling", Number, doc)
        .not_negative()
        .or("1.0");
    let doc = "Power of the distance that weights the density.";
    let enhancement = t.key("radial_enhancement", count(0, 2), doc).or("1");
    const COMPRESSION: OneOf<bool> = OneOf(&[("trivial", true), ("none", false)]);
    let doc = "Which elements of the power spectrum are kept: those with the first function of an element, or all.";
    let compressed = t.key("compress", COMPRESSION, doc).or("trivial");
    let zeta = zeta(t);
    let centres = centres(t);
    let common = common?;
    let descriptor = GapDescriptorDeck::SoapTurbo {
        cutoff: common.cutoff,
        transition: common.transition,
        alpha_max: alpha_max? as usize,
        l_max: l_max? as usize,
        atom_sigma: [sigma_r?, sigma_t?],
        scaling: [scaling_r?, scaling_t?],
        amplitude_scaling: amplitude?,
        radial_enhancement: enhancement? as usize,
        compressed: compressed?,
        zeta: zeta?,
        centres,
    };
    Some(common.term(descriptor))
}
