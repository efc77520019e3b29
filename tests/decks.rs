//! Decks that must be read, and decks that must be refused with the right words at the right place.
//!
//! A file in `tests/decks/good` or `tests/decks/bad` holds one or more decks, separated by lines `+++`. Comments say what is
//! expected:
//!
//! * `#^ text`: the rendered messages contain this text. A good deck without such a line must give no warning.
//! * `#@ line:column`: an error points there (bad decks list all of them, in order); `#@ deck` is an error without a
//!   place, `#@ set:column` one in an override.
//! * `#$ key=value`: an override, as after `--set`.
//! * `#: system potential md output`: appends sound tables of these names, so that a deck need only hold what it is about.

use std::path::{Path, PathBuf};
use zundel::deck::{self, AnyDeck, Deck, Diagnostics, Severity};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/decks")
        .join(name)
}

/// A deck of the test folders with what its comments say.
struct Case {
    path: PathBuf,
    text: String,
    overrides: Vec<String>,
    expected: Vec<String>,
    positions: Vec<String>,
}

fn cases(name: &str) -> Vec<Case> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let file = std::fs::read_to_string(&path).unwrap();
        for block in file.split("+++\n") {
            let lines = |mark: &str| -> Vec<String> {
                block
                    .lines()
                    .filter_map(|l| l.strip_prefix(mark))
                    .map(|l| l.trim().to_owned())
                    .collect()
            };
            let mut text = block.to_owned();
            for word in lines("#:").iter().flat_map(|l| l.split_whitespace()) {
                text.push_str(match word {
                    "system" => "[system]\nstructure = \"../files/silicon.xyz\"\n",
                    "potential" => "[potential.gap]\nfile = \"../files/silicon.xml\"\n",
                    "md" => "[md]\ntimestep = \"1 fs\"\nlength = \"2 ps\"\n",
                    "output" => "[output]\ntrajectory = { file = \"x.h5md\", every = \"10 fs\" }\n",
                    other => panic!("{}: no table {other}", path.display()),
                });
            }
            found.push(Case {
                path: path.clone(),
                text,
                overrides: lines("#$"),
                expected: lines("#^"),
                positions: lines("#@"),
            });
        }
    }
    assert!(found.len() > 3, "no decks in {name}");
    found
}

fn read(case: &Case) -> Result<AnyDeck, Diagnostics> {
    deck::parse(&case.text, &case.path, &case.overrides)
}

#[test]
fn good_decks_are_read() {
    for case in cases("good") {
        let shown = format!("{}\n{}", case.path.display(), case.text);
        let deck = match read(&case) {
            Ok(deck) => deck,
            Err(e) => panic!("{shown}\n{}", e.render(false)),
        };
        let warnings = deck.warnings().render(false);
        for text in &case.expected {
            assert!(
                warnings.contains(text),
                "{shown}\nno `{text}` in\n{warnings}"
            );
        }
        assert!(
            !case.expected.is_empty() || warnings.is_empty(),
            "{shown}\n{warnings}"
        );

        let again = match deck::parse(&deck.resolved(), &case.path, &[]) {
            Ok(deck) => deck,
            Err(e) => panic!("{shown}\n{}\n{}", deck.resolved(), e.render(false)),
        };
        assert_eq!(again.resolved(), deck.resolved());
        assert!(again.means_the_same(&deck), "{shown}\n{}", deck.resolved());
        assert_eq!(deck::differences(&deck.resolved(), &again.resolved()), []);
    }
}

#[test]
fn bad_decks_are_refused_in_the_right_words() {
    let wrong: Vec<String> = cases("bad")
        .iter()
        .filter_map(|case| judge(case).err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} decks\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Why a bad deck is not refused as it says.
fn judge(case: &Case) -> Result<(), String> {
    let shown = format!("=== {}\n{}", case.path.display(), case.text);
    let Err(found) = read(case) else {
        return Err(format!("{shown}\nwas read"));
    };
    let rendered = found.render(false);
    if std::env::var_os("ZUNDEL_SHOW").is_some() {
        println!("{rendered}");
    }
    if case.expected.is_empty() {
        return Err(format!(
            "{shown}\nsays nothing of what is expected; found\n{rendered}"
        ));
    }
    if let Some(text) = case.expected.iter().find(|t| !rendered.contains(*t)) {
        return Err(format!("{shown}\nno `{text}` in\n{rendered}"));
    }
    let errors = found
        .items()
        .iter()
        .filter(|d| d.severity == Severity::Error);
    let positions: Vec<String> = errors
        .map(|d| match found.position(d) {
            None => "deck".to_owned(),
            Some((_, column)) if found.in_override(d) => format!("set:{column}"),
            Some((line, column)) => format!("{line}:{column}"),
        })
        .collect();
    if positions != case.positions {
        return Err(format!("{shown}\nfound at {positions:?}:\n{rendered}"));
    }
    // With colours the words are the same.
    let coloured = found.render(true);
    let parts = coloured
        .split('\u{1b}')
        .map(|part| part.split_once('m').map_or(part, |p| p.1));
    let plain: String = parts.collect();
    let first = &found.items()[0].title;
    if !coloured.contains('\u{1b}') || !plain.contains(first.as_str()) {
        return Err(format!("{shown}\nin colours:\n{coloured}"));
    }
    Ok(())
}

/// The manual is what the readers say of themselves. To renew it: `ZUNDEL_RENEW=1 cargo test --release --test decks`.
#[test]
fn the_manual_is_up_to_date() {
    const MARK: &str = "<!-- From here on made from the source: see tests/decks.rs. -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deck.md");
    let manual = std::fs::read_to_string(&path).unwrap();
    let (prose, keys) = manual
        .split_once(MARK)
        .expect("the mark is in docs/deck.md");
    let now = deck::reference();
    if std::env::var_os("ZUNDEL_RENEW").is_some() {
        std::fs::write(&path, format!("{prose}{MARK}{now}")).unwrap();
    } else {
        assert!(
            keys == now,
            "docs/deck.md is out of date; renew it with ZUNDEL_RENEW=1"
        );
    }
    // The examples in the prose are sound.
    let decks: Vec<&str> = prose
        .split("```toml\n")
        .skip(1)
        .filter_map(|t| t.split("```").next())
        .collect();
    assert!(!decks.is_empty());
    let temporary = tempfile::tempdir().unwrap();
    for file in ["silicon.xyz", "silicon.xml"] {
        std::fs::write(temporary.path().join(file), "").unwrap();
    }
    for text in decks.iter().filter(|t| t.contains("version")) {
        if let Err(e) = deck::parse(text, &temporary.path().join("deck.toml"), &[]) {
            panic!("{}", e.render(false));
        }
    }
}

#[test]
fn files_that_are_no_decks() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        deck::read(&path, &[]).unwrap_err()
    };
    let e = file("latin1.toml", b"version = 1\n# \xe5ngstr\xf6m\n");
    assert!(
        e.to_string()
            .contains("latin1.toml:2: the file is not UTF-8"),
        "{e}"
    );
    let e = file("large.toml", &vec![b' '; 3 << 20]);
    assert!(e.to_string().contains("it is not a deck"), "{e}");
    let e = deck::read(&folder.path().join("none.toml"), &[]).unwrap_err();
    assert!(e.to_string().contains("there is no such file"), "{e}");
    let e = deck::read(folder.path(), &[]).unwrap_err();
    assert!(e.to_string().contains("this is a folder"), "{e}");
    let e = file("model.xml", b"<GAP_params>\n</GAP_params>\n");
    assert_eq!(e.exit_code(), 2);
    assert!(e.to_string().contains("model.xml:1:"), "{e}");
    // Deep nesting is refused, not a stack overflow.
    for deep in [
        "a.".repeat(200_000) + "a = 1",
        "a = ".to_owned() + &"[".repeat(200_000),
        "[".to_owned() + &"a.".repeat(200_000) + "a]",
    ] {
        assert_eq!(file("deep.toml", deep.as_bytes()).exit_code(), 2);
    }
}

fn good(extra: &str, overrides: &[&str]) -> Deck {
    let text = format!(
        "version = 1\nsystem.structure = \"silicon.xyz\"\npotential.gap.file = \"silicon.xml\"\n\
         output.trajectory = {{ file = \"a.h5md\", every = \"10 fs\" }}\n{extra}"
    );
    let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
    deck::parse(&text, &folder("files").join("deck.toml"), &overrides)
        .unwrap_or_else(|e| panic!("{}", e.render(false)))
        .simulation()
        .expect("a deck of dynamics")
}

#[test]
fn only_a_longer_run_may_be_resumed() {
    let md = "[md]\ntimestep = \"1 fs\"\nlength = \"2 ps\"\ntemperature = \"300 K\"\n";
    let old = good(md, &[]);
    let differences =
        |overrides: &[&str]| deck::differences(&old.resolved(), &good(md, overrides).resolved());

    assert_eq!(
        differences(&["md.timestep=0.001 ps", "md.length=2000 steps"]),
        []
    );
    let longer = differences(&["md.length=5 ps"]);
    assert_eq!(longer.len(), 1);
    assert_eq!(
        longer[0].to_string(),
        "`md.length` was \"2000 steps\" and is now \"5000 steps\""
    );
    assert!(longer[0].allowed());
    assert!(differences(&["md.steps=5000"])[0].allowed());
    assert!(!differences(&["md.length=1 ps"])[0].allowed());
    for change in [
        "md.temperature=310 K",
        "md.replicas=2",
        "md.seed=4",
        "potential.gap.file=silicon.xyz",
        "md.skin=2 Å",
    ] {
        let found = differences(&[change]);
        assert!(
            !found.is_empty() && found.iter().all(|d| !d.allowed()),
            "{change} {found:?}"
        );
    }
    // A seed that the run picked is in the old deck only.
    let seeded = good(&format!("{md}seed = 4\n"), &[]);
    let found = deck::differences(&seeded.resolved(), &old.resolved());
    assert!(found.len() == 1 && found[0].allowed(), "{found:?}");
    // What cannot be read differs.
    assert!(!deck::differences("a = ", &old.resolved())[0].allowed());
}

#[test]
fn a_picked_seed_is_recorded() {
    let md = "[md]\ntimestep = \"1 fs\"\nlength = \"2 ps\"\n";
    let mut deck = good(md, &[]);
    deck.set_seed(17_446_744_073_709_551_615);
    assert_eq!(
        deck.resolved(),
        good(md, &["md.seed=17446744073709551615"]).resolved()
    );
    deck.set_seed(3);
    assert_eq!(deck.resolved(), good(md, &["md.seed=3"]).resolved());
    assert_eq!(deck.job, good(md, &["md.seed=3"]).job);
}

/// Mutated decks and overrides are read or refused, never a panic. `ZUNDEL_FUZZ` is the number of decks.
#[test]
#[ignore = "takes a while"]
fn fuzz_deck() {
    let rounds: usize = std::env::var("ZUNDEL_FUZZ")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as usize % below.max(1)
    };
    const BITS: [&str; 30] = [
        "\"",
        "'",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\n",
        "#",
        " ",
        "-",
        "1e999",
        "nan",
        "\u{e9}",
        "\u{1F9EA}",
        "\0",
        "\t",
        "\r\n",
        "\"\"\"",
        "99999999999999999999999999999999999999999999",
        "0x",
        "true",
        "01:30:00",
        "\"1 fs^9^9\"",
        "\"1 steps\"",
        "\\u{10FFFF}",
    ];
    let decks = [cases("good"), cases("bad")];
    let mut read_well = 0;
    for _ in 0..rounds {
        // There are far more bad ones, of which nothing good comes.
        let kind = &decks[random(2)];
        let case = &kind[random(kind.len())];
        let mut text: Vec<char> = case.text.chars().collect();
        for _ in 0..=random(4) {
            let at = random(text.len());
            match random(4) {
                0 => {
                    let end = (at + 1 + random(6)).min(text.len());
                    text.drain(at..end);
                }
                1 => {
                    let bit: Vec<char> = BITS[random(BITS.len())].chars().collect();
                    text.splice(at..at, bit);
                }
                2 => {
                    let from = random(text.len());
                    let piece: Vec<char> = text[from..(from + random(40)).min(text.len())].to_vec();
                    text.splice(at..at, piece);
                }
                _ => {
                    let other = random(text.len());
                    text.swap(at, other);
                }
            }
            if text.is_empty() {
                text.push('\n');
            }
        }
        let text: String = text.into_iter().collect();
        let line = text
            .lines()
            .nth(random(text.lines().count()))
            .unwrap_or("")
            .to_owned();
        let overrides = if random(3) == 0 {
            vec![line]
        } else {
            Vec::new()
        };
        match deck::parse(&text, &case.path, &overrides) {
            Ok(deck) => {
                read_well += 1;
                let again = deck::parse(&deck.resolved(), &case.path, &[]);
                let again = again
                    .unwrap_or_else(|e| panic!("{text}\n{}\n{}", deck.resolved(), e.render(false)));
                assert!(again.means_the_same(&deck), "{text}");
                assert_eq!(again.resolved(), deck.resolved(), "{text}");
                assert!(!deck.warnings().render(true).contains('\0'));
            }
            Err(found) => {
                assert!(!found.items().is_empty());
                assert!(!found.render(false).is_empty() && !found.render(true).is_empty());
            }
        }
        deck::differences(&text, &case.text);
    }
    assert!(
        read_well > rounds / 100,
        "only {read_well} of {rounds} decks could be read"
    );
}
