//! Commented decks to start from.

/// The jobs that have a template.
pub const JOBS: &[&str] = &[
    "nvt",
    "npt",
    "nve",
    "stages",
    "pimd",
    "phonons",
    "vibrations",
    "elastic",
    "eos-solid",
    "eos-fluid",
    "relax",
    "neb",
    "fit",
];

/// A commented deck for a job of [`JOBS`]; none for any other name.
pub fn template(job: &str) -> Option<String> {
    let text = match job {
        "nvt" => include_str!("templates/nvt.toml"),
        "npt" => include_str!("templates/npt.toml"),
        "stages" => include_str!("templates/stages.toml"),
        "pimd" => include_str!("templates/pimd.toml"),
        "phonons" => include_str!("templates/phonons.toml"),
        "vibrations" => include_str!("templates/vibrations.toml"),
        "elastic" => include_str!("templates/elastic.toml"),
        "eos-solid" => include_str!("templates/eos-solid.toml"),
        "eos-fluid" => include_str!("templates/eos-fluid.toml"),
        "relax" => include_str!("templates/relax.toml"),
        "neb" => include_str!("templates/neb.toml"),
        "fit" => include_str!("templates/fit.toml"),
        "nve" => include_str!("templates/nve.toml"),
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deck::parse;

    /// Every template reads without a warning, as it stands and with all its optional lines uncommented.
    #[test]
    fn templates_are_sound() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["structure.xyz", "model.xml", "train.extxyz"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        for job in JOBS {
            let text = template(job).unwrap();
            let uncomment = |line: &str| match line.strip_prefix('#') {
                Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_owned() + "\n",
                _ => line.to_owned() + "\n",
            };
            let full: String = text.lines().map(uncomment).collect();
            assert!(full.len() < text.len(), "{job} has optional lines");
            for deck in [text, full] {
                match parse(&deck, &folder.path().join("deck.toml"), &[]) {
                    Ok(deck) => {
                        assert!(
                            deck.warnings().is_empty(),
                            "{}",
                            deck.warnings().render(false)
                        )
                    }
                    Err(e) => panic!("{job}\n{}", e.render(false)),
                }
            }
        }
        assert!(template("dance").is_none());
    }
}
