//! Numbers and logicals as Fortran writes them: `.5`, `0.1E+001`, `1.0D-3`, `.46-100`, `T`, `.true.`.

/// A finite number in Fortran's or C's spelling; `None` for anything else, infinities and NaN included.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(value) = text.parse::<f64>() {
        return (value.is_finite() && !text.ends_with(|c: char| c.is_ascii_alphabetic()))
            .then_some(value);
    }
    // The exponent letter may be D or Q, or missing when the exponent has three digits.
    let mut plain = String::with_capacity(text.len() + 1);
    for (i, c) in text.char_indices() {
        let before = text[..i].chars().next_back();
        match c {
            'D' | 'd' | 'Q' | 'q' => plain.push('e'),
            '+' | '-' if before.is_some_and(|b| b.is_ascii_digit() || b == '.') => {
                plain.push('e');
                plain.push(c);
            }
            _ => plain.push(c),
        }
    }
    plain
        .parse::<f64>()
        .ok()
        .filter(|v| v.is_finite() && plain.ends_with(|c: char| c.is_ascii_digit()))
}

/// A Fortran logical.
pub(super) fn logical(text: &str) -> Option<bool> {
    match text.trim().trim_matches('.').to_ascii_lowercase().as_str() {
        "t" | "true" => Some(true),
        "f" | "false" => Some(false),
        _ => None,
    }
}

/// Reads all the numbers of a text separated by blanks; the error is the first word that is not a finite number.
pub(super) fn append_numbers<'a>(text: &'a str, to: &mut Vec<f64>) -> Result<(), &'a str> {
    for word in text.split_ascii_whitespace() {
        to.push(number(word).ok_or(word)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_spellings() {
        for (text, value) in [
            (".50000000000000000", 0.5),
            ("-.80000000000000004", -0.8),
            ("0.1E+001", 1.0),
            ("0.23D-02", 0.0023),
            ("1d0", 1.0),
            (".46-100", 0.46e-100),
            ("-1.5+003", -1500.0),
            (" 7 ", 7.0),
            ("5.", 5.0),
            ("+3", 3.0),
            ("1e-400", 0.0),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for bad in [
            "",
            "nan",
            "NaN",
            "inf",
            "-Infinity",
            "1e999",
            "1 2",
            "x",
            "1e",
            "--1",
            "1-",
            "0x10",
            "1e5e5",
            "d",
            "1,5",
        ] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn fortran_logicals() {
        for text in ["T", "t", ".true.", ".TRUE.", "true", " T "] {
            assert_eq!(logical(text), Some(true));
        }
        for text in ["F", ".false.", "false"] {
            assert_eq!(logical(text), Some(false));
        }
        for bad in ["", "yes", "1", "TF"] {
            assert_eq!(logical(bad), None);
        }
    }
}
