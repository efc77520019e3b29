//! Wall-clock durations: `3h`, `90 min`, `45 s`, `1h 30min`, `1:30:00`.

use crate::units::UnitError;
use std::time::Duration;

/// Unit names and seconds.
const UNITS: &[(&[&str], f64)] = &[
    (&["s", "sec", "second", "seconds"], 1.0),
    (&["m", "min", "minute", "minutes"], 60.0),
    (&["h", "hour", "hours"], 3600.0),
    (&["d", "day", "days"], 86400.0),
];

/// The longest wall time that is taken seriously: a hundred years.
const LONGEST: f64 = 100.0 * 365.25 * 86400.0;

/// Reads a wall-clock duration: numbers with units (`"3h"`, `"90 min"`, `"45 s"`, `"1h 30min"`, `"2 d"`), or a clock
/// (`"1:30:00"` is hours, minutes, seconds; `"1-12:00:00"` has days in front, as batch systems write it).
///
/// Errors when a part cannot be read, a unit is missing, or the result is more than a hundred years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let text = text.trim();
    let seconds = if text.contains(':') {
        clock(text)
    } else {
        sum(text)
    }?;
    if seconds > LONGEST {
        return fail(format!("`{text}` is longer than a hundred years"), "");
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn fail<T>(reason: String, advice: &str) -> Result<T, UnitError> {
    Err(UnitError {
        reason,
        advice: advice.to_owned(),
    })
}

fn sum(text: &str) -> Result<f64, UnitError> {
    const ADVICE: &str = "write for example \"3h\", \"90 min\", \"45 s\" or \"1:30:00\"";
    let mut total = 0.0;
    let mut rest = text;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let Ok(value) = number.parse::<f64>() else {
            return fail(format!("cannot read the wall time `{text}`"), ADVICE);
        };
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        if unit.is_empty() {
            return fail(
                format!("`{text}` has no unit; a wall time is needed"),
                &format!("write \"{number} s\" or \"{number} min\""),
            );
        }
        let Some(&(_, factor)) = UNITS.iter().find(|u| u.0.contains(&unit)) else {
            return fail(
                format!("`{unit}` is not a unit of wall time"),
                "use s, min, h or d",
            );
        };
        total += value * factor;
        rest = after.trim_start();
        parts += 1;
    }
    if parts == 0 {
        fail("the wall time is empty".to_owned(), ADVICE)
    } else {
        Ok(total)
    }
}

fn clock(text: &str) -> Result<f64, UnitError> {
    let bad = || {
        fail(
            format!("cannot read `{text}` as a clock"),
            "write hours:minutes:seconds, as in \"1:30:00\"",
        )
    };
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let mut fields = Vec::new();
    for field in std::iter::once(days).chain(rest.split(':')) {
        match field.parse::<u32>() {
            Ok(n) => fields.push(f64::from(n)),
            Err(_) => return bad(),
        }
    }
    match fields[..] {
        [d, h, m, s] if m < 60.0 && s < 60.0 => Ok(((d * 24.0 + h) * 60.0 + m) * 60.0 + s),
        _ => bad(),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("3h", 10800.0),
            ("90 min", 5400.0),
            ("45 s", 45.0),
            ("0.5 h", 1800.0),
            ("1h 30min", 5400.0),
            ("1h30m5s", 5405.0),
            ("2 days", 172_800.0),
            ("1:30:00", 5400.0),
            ("100:00:01", 360_001.0),
            ("1-12:00:00", 129_600.0),
            ("0 s", 0.0),
        ] {
            assert_eq!(
                parse_duration(text).map(|d| d.as_secs_f64()),
                Ok(seconds),
                "{text}"
            );
        }
    }

    #[test]
    fn refusals_say_what_to_write() {
        assert_eq!(
            parse_duration("90").unwrap_err().advice,
            "write \"90 s\" or \"90 min\""
        );
        assert_eq!(
            parse_duration("3 fs").unwrap_err().reason,
            "`fs` is not a unit of wall time"
        );
        for bad in [
            "",
            "h",
            "-3 h",
            "1:30",
            "1:60:00",
            "1:xx:00",
            "1e3 s",
            "1..2 s",
            "9999999 d",
            "inf s",
            "1::2",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
