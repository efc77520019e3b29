//! What was probably meant by a misspelt word.

/// The candidate that was probably meant: few letters differ, or one is the beginning of the other.
pub(super) fn nearest<'n>(
    name: &str,
    candidates: impl Iterator<Item = &'n str>,
) -> Option<&'n str> {
    const ALIASES: [(&str, &str); 6] = [
        ("dt", "timestep"),
        ("mass", "masses"),
        ("temp", "temperature"),
        ("damping", "friction"),
        ("lj", "lennard_jones"),
        ("nsteps", "steps"),
    ];
    let plain = |s: &str| s.trim().to_lowercase().replace(['-', ' '], "_");
    let name = plain(name);
    // Comparing long garbage costs time quadratic in its length and finds nothing.
    if name.is_empty() || name.chars().count() > 60 {
        return None;
    }
    let close = 1 + name.chars().count() / 4;
    let alias = ALIASES.iter().find(|a| a.0 == name).map(|a| a.1);
    candidates
        .filter_map(|candidate| {
            let other = plain(candidate);
            let begins = name.len() >= 4
                && (other.starts_with(&name) || name.starts_with(&other) && other.len() >= 4);
            let distance = strsim::damerau_levenshtein(&name, &other);
            match distance {
                _ if alias == Some(candidate) => Some((0, candidate)),
                d if d <= close && d < name.chars().count() => Some((d, candidate)),
                d if begins => Some((100 + d, candidate)),
                _ => None,
            }
        })
        .min_by_key(|found| found.0)
        .map(|found| found.1)
}
