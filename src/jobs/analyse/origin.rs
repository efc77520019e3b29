//! What kind of dynamics a trajectory follows, from the deck that is stored in it.

use super::trajectory::Trajectory;
use crate::analysis::WAVENUMBER_IN_PER_FS;
use crate::deck::{self, AnyDeck, JobDeck, MdDeck, StageDeck, ThermostatDeck};
use crate::units::{BOLTZMANN, FS};

/// The dynamics of the nuclei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// Nothing is known.
    Unknown,
    Classical,
    /// Ring polymers without thermostat.
    Rpmd,
    /// Ring polymers with friction on their internal modes only.
    Trpmd,
    /// Centroids in the mean field of fast internal modes.
    Cmd,
    /// Ring polymers whose centroids are thermostatted, too.
    Thermostatted,
}

/// Where a trajectory comes from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub nature: Nature,
    pub beads: usize,
    /// The stage that the last frame is of, and its beginning (fs), when the run had several.
    pub stage: Option<(String, f64)>,
    /// Temperature (K) of that stage.
    pub temperature: Option<f64>,
    /// Why spectra are not those of free dynamics.
    pub doubts: Vec<String>,
    /// The deck as it was stored, with everything that was left to defaults.
    pub deck: Option<String>,
    /// Degrees of freedom that the run counted.
    pub freedom: Option<usize>,
    /// Other facts of the run.
    pub facts: Vec<(String, String)>,
}

impl Nature {
    /// What it means for time correlation functions.
    pub fn meaning(self) -> &'static str {
        match self {
            Nature::Unknown => {
                "the file does not say what dynamics it follows: it is taken for classical"
            }
            Nature::Classical => "classical nuclei: the correlation functions are classical",
            Nature::Rpmd => {
                "RPMD: correlation functions of centroids approximate the Kubo-transformed quantum ones of linear operators; \
                 vibrations of the rings themselves may disturb the spectrum"
            }
            Nature::Trpmd => {
                "TRPMD: correlation functions of centroids approximate the Kubo-transformed quantum ones of linear operators; \
                 lines are somewhat broadened by the friction of the internal modes"
            }
            Nature::Cmd => {
                "CMD (partially adiabatic): correlation functions of centroids approximate the Kubo-transformed quantum ones of linear \
                 operators; at low temperature stretches shift to the red (curvature problem)"
            }
            Nature::Thermostatted => {
                "path integral with thermostatted centroids: right for averages, but its motion in time has no meaning of its own"
            }
        }
    }

    /// Whether nuclei are quantum.
    pub fn is_quantum(self) -> bool {
        !matches!(self, Nature::Unknown | Nature::Classical)
    }
}

impl Origin {
    pub fn of(t: &Trajectory) -> Origin {
        let parameters = t.parameters();
        let named = |name: &str| parameters.iter().find(|p| p.0 == name).map(|p| p.1.clone());
        let mut origin = Origin {
            nature: Nature::Unknown,
            beads: 1,
            stage: None,
            temperature: None,
            doubts: Vec::new(),
            deck: named("deck"),
            freedom: freedom(t),
            facts: Vec::new(),
        };
        for name in ["program", "seed", "host", "structure"] {
            if let Some(value) = named(name) {
                origin.facts.push((name.to_owned(), value));
            }
        }
        for (name, value) in &parameters {
            if name.starts_with("potential_") {
                let first = value.lines().next().unwrap_or_default();
                origin
                    .facts
                    .push(("potential".to_owned(), first.to_owned()));
            }
        }
        if let Some(beads) = t.reader().and_then(|r| r.beads().ok().flatten()) {
            origin.beads = beads.number();
            origin.nature = Nature::Thermostatted;
            origin.temperature = beads.temperature();
        }
        let Some(text) = &origin.deck else {
            return origin;
        };
        // Decks of other versions may not be understood any more; then less is known.
        let deck = deck::parse_stored(text).ok();
        let Some(deck) = deck.and_then(AnyDeck::simulation) else {
            return origin;
        };
        if let JobDeck::Md(md, _) = &deck.job {
            origin.read(t, md);
        }
        origin
    }

    fn read(&mut self, t: &Trajectory, md: &MdDeck) {
        let schedule = md.schedule();
        let dt = md.timestep / FS;
        let last = t.first + (t.number - 1) * t.stride;
        let time = t.time(last).unwrap_or(f64::INFINITY);
        // A frame on the border is the last one of the stage before it.
        let stage = schedule
            .iter()
            .rev()
            .find(|s| (s.first as f64) * dt < time - 1e-6 * dt)
            .or(schedule.first());
        let Some(stage) = stage else {
            return;
        };
        if schedule.len() > 1 {
            self.stage = Some((stage.name.clone(), stage.first as f64 * dt));
        }
        if md.ring_beads() > 1 {
            self.beads = md.ring_beads();
        }
        self.temperature = stage.temperature.or(md.temperature).or(self.temperature);
        self.nature = match (self.beads > 1, &stage.thermostat, &stage.mode_thermostat) {
            (false, ..) => Nature::Classical,
            (true, Some(_), _) => Nature::Thermostatted,
            (true, None, _) if md.rings.frequency.is_some() => Nature::Cmd,
            (true, None, None) => Nature::Rpmd,
            (true, None, Some(_)) => Nature::Trpmd,
        };
        self.doubts = doubts(md, stage);
    }
}

/// What keeps a run from being free dynamics.
fn doubts(md: &MdDeck, stage: &StageDeck) -> Vec<String> {
    let mut doubts = Vec::new();
    let width = |rate: f64| rate * FS / (2.0 * std::f64::consts::PI) / WAVENUMBER_IN_PER_FS;
    match &stage.thermostat {
        Some(ThermostatDeck::Langevin { friction, .. }) => doubts.push(format!(
            "the run has a Langevin thermostat: its friction broadens every line by about {:.1} cm⁻¹",
            width(*friction)
        )),
        Some(ThermostatDeck::Gle { .. }) => {
            doubts.push("the run has a generalised Langevin thermostat, which changes lines wherever it couples".into());
        }
        Some(ThermostatDeck::Andersen { rate }) => doubts.push(format!(
            "the run has an Andersen thermostat: its collisions broaden every line by about {:.1} cm⁻¹",
            2.0 * width(*rate)
        )),
        Some(ThermostatDeck::NoseHoover { local: true, .. } | ThermostatDeck::VelocityRescaling { local: true, .. }) => {
            doubts.push("each atom has a thermostat of its own, which changes its motion".into());
        }
        Some(ThermostatDeck::Berendsen { .. }) => {
            doubts.push("the run has a Berendsen thermostat: its energies are not distributed as they should be".into());
        }
        Some(_) | None => {}
    }
    if stage.barostat.is_some() {
        doubts.push("the cell changes (barostat): slow motions are those of the cell, too".into());
    }
    if stage.has_ramp() {
        doubts.push("temperature or pressure change in time (a ramp)".into());
    }
    if !md.groups.is_empty() {
        doubts.push("groups of atoms have thermostats of their own or are held".into());
    }
    doubts
}

/// The number of degrees of freedom that the run divided its kinetic energy by.
fn freedom(t: &Trajectory) -> Option<usize> {
    let reader = t.reader()?;
    if reader.creator() != "zundel" {
        return None;
    }
    let place = |name: &str| reader.observables().iter().position(|o| o.0 == name);
    let (kinetic, temperature) = (place("kinetic_energy")?, place("temperature")?);
    let frame = reader.read_frame(t.first).ok()?;
    let (k, kt) = (
        *frame.observables.get(kinetic)?,
        BOLTZMANN * frame.observables.get(temperature)?,
    );
    let counted = 2.0 * k / kt;
    let whole = counted.round();
    // With quantum nuclei, the two are estimates of other kinds.
    let sound = whole >= 1.0
        && (counted - whole).abs() < 1e-6 * whole
        && whole <= 3.0 * t.elements.len() as f64;
    sound.then_some(whole as usize)
}
