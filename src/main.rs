//! The command line: arguments in, exit code out; no physics.

mod analyse_arguments;
mod select_arguments;

use analyse_arguments::Analyse;
use clap::{Args, Parser, Subcommand};
use select_arguments::Select;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zundel::deck;
use zundel::elements::{Element, Species};
use zundel::error::{Error, Result};
use zundel::io::atomic;
use zundel::jobs::convert::BeadFiles;
use zundel::jobs::{self, Outcome, PointOptions, RunOptions, StopFlag};
use zundel::parallel;
use zundel::report::{Console, print_result};

/// Molecular dynamics with machine-learned force fields.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Number of threads; all cores by default
    #[arg(
        long,
        short = 'j',
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(0..=1024),
        default_value_t = 0,
        hide_default_value = true
    )]
    threads: u16,
    /// Show warnings and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the job of a deck
    Run {
        /// The deck (TOML)
        deck: PathBuf,
        /// Go on from the checkpoint, bit for bit; `length` may have grown
        #[arg(long)]
        resume: bool,
        /// Replace the files of an earlier run
        #[arg(long, conflicts_with = "resume")]
        overwrite: bool,
        /// Stop cleanly with a checkpoint after this wall time, as in 3h or 90min
        #[arg(long, value_name = "TIME")]
        walltime: Option<String>,
        /// Run one state point of an equation of state only: its name, or its number from 1 (as of an array job)
        #[arg(long, value_name = "NAME")]
        point: Option<String>,
        /// Stop cleanly when standard input ends, too
        #[arg(long, hide = true)]
        until_input_ends: bool,
        #[command(flatten)]
        set: Overrides,
    },
    /// Read everything a run needs and print plan, cost and memory; run nothing
    Check {
        /// The deck (TOML)
        deck: PathBuf,
        #[command(flatten)]
        set: Overrides,
    },
    /// Print a commented deck for a job
    New {
        /// The job: nvt, npt, nve, stages, pimd, relax, neb, vibrations, elastic, phonons, fit
        job: String,
    },
    /// Say what a model, deck, trajectory, checkpoint or structure file is
    Info {
        /// The file
        file: PathBuf,
    },
    /// Energies, forces and virials of every frame of a structure file
    Eval {
        /// The model file
        model: PathBuf,
        /// Structures, any number of frames
        structures: PathBuf,
        /// Where to write (extended XYZ); standard output by default
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        species: SpeciesList,
    },
    /// Check the promises of a model file: gradients, symmetries, strain, extensivity
    CheckModel {
        /// The model file
        model: PathBuf,
        /// A structure it can describe
        structure: PathBuf,
        #[command(flatten)]
        species: SpeciesList,
    },
    /// Time per atom and step, and what it means in ns/day
    Bench {
        /// The model file
        model: PathBuf,
        /// A structure
        structure: PathBuf,
        /// Repeat the structure, as in 4,4,4
        #[arg(
            long,
            value_name = "n,n,n",
            default_value = "1,1,1",
            value_delimiter = ','
        )]
        repeat: Vec<usize>,
        /// Evaluate this many copies together, as the beads of a ring polymer are
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
        batch: u32,
        /// Measure for about this many seconds
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        species: SpeciesList,
    },
    /// Spectra, distributions and coefficients from trajectories: tables, plots and a report
    Analyse {
        #[command(subcommand)]
        kind: Box<Analyse>,
    },
    /// Choose a few frames that stand for many; compare frames; draw a map of them
    Select(Box<Select>),
    /// Convert between extended XYZ, XYZ, POSCAR, LAMMPS data, MLIP cfg, sGDML data sets (npz) and H5MD
    Convert {
        /// What to read
        input: PathBuf,
        /// What to write; the name says the format
        output: PathBuf,
        /// Elements of the species 0, 1, ... of a cfg file, as in B,As; of other numbers as in 6=C,14=Si
        #[arg(long, value_name = "A,B", value_delimiter = ',')]
        species: Vec<String>,
        /// The beads of a path integral, not the centroid: a file for each (H5MD: small views), or all in one with --beads=merged
        #[arg(long, value_name = "merged", num_args = 0..=1, require_equals = true, default_missing_value = "each", hide_possible_values = true)]
        beads: Option<Beads>,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Beads {
    Each,
    Merged,
}

#[derive(Args)]
struct Overrides {
    /// Change a value of the deck, as in --set md.length="5 ps"; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Args)]
struct SpeciesList {
    /// Elements of a model whose file does not name them, as in B,As
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    species: Vec<String>,
}

impl SpeciesList {
    fn elements(&self) -> Result<Option<Vec<Element>>> {
        if self.species.is_empty() {
            return Ok(None);
        }
        let element = |name: &String| {
            Element::from_symbol(name.trim()).ok_or_else(|| {
                Error::input("--species", format!("`{name}` is not a chemical element"))
            })
        };
        self.species
            .iter()
            .map(element)
            .collect::<Result<Vec<_>>>()
            .map(Some)
    }
}

/// Species by number: `B,As` for 0 and 1, `6=C,14=Si` for others.
fn labels(words: &[String]) -> Result<Vec<(i64, Species)>> {
    let wrong = |word: &str| {
        Error::input(
            "--species",
            format!("`{word}` is no element or number=element"),
        )
        .advise("write for example --species B,As or --species 6=C,14=Si")
    };
    let mut labels: Vec<(i64, Species)> = Vec::new();
    for (k, word) in words.iter().enumerate() {
        let (label, name) = match word.split_once('=') {
            Some((label, name)) => (label.trim().parse().map_err(|_| wrong(word))?, name),
            None => (k as i64, word.as_str()),
        };
        let species = Species::from_name(name.trim()).ok_or_else(|| wrong(word))?;
        if labels
            .iter()
            .any(|l| l.0 == label || l.1.element == species.element)
        {
            return Err(Error::input(
                "--species",
                format!("`{word}` is there twice"),
            ));
        }
        labels.push((label, species));
    }
    Ok(labels)
}

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn"))
        .format_target(false)
        .init();
    let cli = Cli::parse();
    let console = Console::standard(cli.quiet);
    std::panic::set_hook(Box::new(report_panic));
    let threads = usize::from(cli.threads);
    let work = || parallel::with_threads(threads, || command(cli.command, &console));
    let outcome = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(why)) => Err(Error::input("--threads", why)),
        // The hook has said what there is to say.
        Err(_) => return ExitCode::from(FAILED),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// What is shown instead of the standard library's words when something happens that must not.
fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let payload = info.payload();
    let words = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map_or(String::new(), |l| format!(" ({l})"));
    let bug = Error::Bug(format!("{}{place}", words.unwrap_or("no reason given")));
    let _ = writeln!(std::io::stderr().lock(), "{bug}");
}

/// Exit codes of the contract.
const DONE: u8 = 0;
const FAILED: u8 = 1;
const INTERRUPTED: u8 = 130;

fn command(command: Command, console: &Console) -> Result<u8> {
    match command {
        Command::Run {
            deck,
            resume,
            overwrite,
            walltime,
            point,
            until_input_ends,
            set,
        } => {
            let walltime = walltime.as_deref().map(read_walltime).transpose()?;
            let stop = StopFlag::default();
            watch_signals(&stop)?;
            if until_input_ends {
                watch_input(&stop);
            }
            let points = PointOptions {
                only: point,
                command: own_command(&deck, &set),
            };
            let deck = read_deck(&deck, &set)?;
            let options = RunOptions {
                resume,
                overwrite,
                walltime,
                stop,
                points,
            };
            Ok(match jobs::run(deck, &options, console)? {
                Outcome::Done | Outcome::OutOfTime => DONE,
                Outcome::Interrupted => INTERRUPTED,
            })
        }
        Command::Check { deck, set } => {
            let deck = read_deck(&deck, &set)?;
            jobs::check(&deck)?.print().map(|()| DONE)
        }
        Command::New { job } => {
            let Some(text) = deck::template(&job) else {
                let jobs = deck::JOBS.join(", ");
                let reason = format!("there is no template for a job `{job}`");
                return Err(Error::input("new", reason).advise(format!("jobs are: {jobs}")));
            };
            print_result(&text).map(|()| DONE)
        }
        Command::Info { file } => jobs::info::run(&file)?.print().map(|()| DONE),
        Command::Eval {
            model,
            structures,
            output,
            species,
        } => {
            let species = species.elements()?;
            evaluate(
                &model,
                species.as_deref(),
                &structures,
                output.as_deref(),
                console,
            )
        }
        Command::CheckModel {
            model,
            structure,
            species,
        } => {
            let species = species.elements()?;
            let (page, kept) = jobs::check_model::run(&model, species.as_deref(), &structure)?;
            page.print().map(|()| if kept { DONE } else { FAILED })
        }
        Command::Bench {
            model,
            structure,
            repeat,
            batch,
            seconds,
            json,
            species,
        } => {
            let [a, b, c] = repeat[..] else {
                return Err(Error::input("--repeat", "three counts are needed")
                    .advise("write for example --repeat 4,4,4"));
            };
            let species = species.elements()?;
            let species = species.as_deref();
            let repeat = [a, b, c];
            let batch = batch as usize;
            let timing = jobs::bench::run(&model, species, &structure, repeat, batch, seconds)?;
            if json {
                print_result(&(timing.json() + "\n"))
            } else {
                timing.page().print()
            }
            .map(|()| DONE)
        }
        Command::Analyse { kind } => {
            let (kind, options) = kind.options()?;
            let done = jobs::analyse::run(kind, &options, console)?;
            done.page.print().map(|()| DONE)
        }
        Command::Select(select) => {
            let options = select.options()?;
            let stop = StopFlag::default();
            watch_signals(&stop)?;
            jobs::select::run(&options, &stop, console)?;
            Ok(if stop.is_set() { INTERRUPTED } else { DONE })
        }
        Command::Convert {
            input,
            output,
            species,
            beads,
        } => {
            let beads = beads.map(|b| match b {
                Beads::Each => BeadFiles::Each,
                Beads::Merged => BeadFiles::Merged,
            });
            let done = jobs::convert::run(&input, &output, &labels(&species)?, beads)?;
            let plural = if done.frames == 1 { "" } else { "s" };
            let [first, .., last] = &done.files[..] else {
                let file = done.files.first().unwrap_or(&output).display();
                console.say(format!("wrote {file}: {} frame{plural}", done.frames));
                return Ok(DONE);
            };
            console.say(format!(
                "wrote {} to {}: {} files of {} frame{plural}",
                first.display(),
                last.display(),
                done.files.len(),
                done.frames
            ));
            Ok(DONE)
        }
    }
}

/// What runs this deck again, in another process.
fn own_command(deck: &Path, set: &Overrides) -> Option<Vec<OsString>> {
    let program = std::env::current_exe().ok()?;
    let mut command = vec![program.into(), "run".into(), deck.into()];
    for change in &set.set {
        command.extend(["--set".into(), change.into()]);
    }
    Some(command)
}

/// Asks for a clean stop when standard input ends.
fn watch_input(stop: &StopFlag) {
    let flag = stop.0.clone();
    std::thread::spawn(move || {
        // What is sent does not matter, only that somebody is there.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        flag.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

fn read_walltime(text: &str) -> Result<std::time::Duration> {
    deck::parse_duration(text).map_err(|e| Error::input("--walltime", e.reason).advise(e.advice))
}

/// Reads a deck and shows its warnings.
fn read_deck(path: &Path, set: &Overrides) -> Result<deck::AnyDeck> {
    let deck = deck::read(path, &set.set)?;
    if !deck.warnings().is_empty() {
        let _ = writeln!(
            std::io::stderr().lock(),
            "{}",
            deck.warnings().render(deck::colour_wanted())
        );
    }
    Ok(deck)
}

fn evaluate(
    model: &Path,
    species: Option<&[Element]>,
    structures: &Path,
    output: Option<&Path>,
    console: &Console,
) -> Result<u8> {
    match output {
        None => {
            let mut out = std::io::stdout().lock();
            let name = Path::new("standard output");
            jobs::eval::run(model, species, structures, &mut out, name, console)?;
        }
        Some(path) => {
            // The file appears when it is complete.
            let mut text = Vec::new();
            let frames = jobs::eval::run(model, species, structures, &mut text, path, console)?;
            atomic::write(path, &text, "cannot write")?;
            let plural = if frames == 1 { "" } else { "s" };
            console.say(format!("wrote {}: {frames} frame{plural}", path.display()));
        }
    }
    Ok(DONE)
}

/// Ctrl-C and SIGTERM ask for a clean stop, and so does a limit on CPU time; a second one ends the process at once.
fn watch_signals(stop: &StopFlag) -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    let failed =
        |e| Error::environment("cannot watch for signals", Path::new("SIGINT, SIGTERM"), e);
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the second signal finds the flag set and exits, the first sets it.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), stop.0.clone())
            .and_then(|_| flag::register(signal, stop.0.clone()))
            .map_err(failed)?;
    }
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGXCPU, SIGXFSZ};
        flag::register(SIGXCPU, stop.0.clone()).map_err(failed)?;
        // A file that may not grow further is reported by the write that fails; the signal must not end the process.
        flag::register(SIGXFSZ, StopFlag::default().0).map_err(failed)?;
    }
    Ok(())
}
