//! What all pictures share: size, type, colours of the frame, ranges and numbers of axes.

use crate::error::{Error, Result};
use plotters::prelude::*;

/// Width of every picture.
pub(super) const WIDTH: u32 = 1000;
/// Height of the line above everything.
pub(super) const TITLE_HEIGHT: u32 = 44;
/// Height of the axis below everything.
pub(super) const AXIS_HEIGHT: u32 = 48;
pub(super) const FONT: &str = "Helvetica, Arial, sans-serif";
pub(super) const GRID: RGBColor = RGBColor(225, 228, 232);
pub(super) const MARK: RGBColor = RGBColor(110, 110, 110);

/// A part of a picture.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
/// How drawing ends.
pub(super) type Drawn<'a, T = ()> = std::result::Result<T, Box<dyn std::error::Error + 'a>>;

/// The SVG text of a picture of this height.
pub(super) fn svg(height: u32, draw: impl for<'a> Fn(&Area<'a>) -> Drawn<'a>) -> Result<String> {
    let mut text = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        let whole = |root: &Area<'_>| -> std::result::Result<(), String> {
            root.fill(&WHITE).map_err(|e| e.to_string())?;
            draw(root).map_err(|e| e.to_string())?;
            root.present().map_err(|e| e.to_string())
        };
        whole(&root)
    };
    drawn.map_err(|e| Error::Bug(format!("a plot could not be drawn: {e}")))?;
    Ok(text)
}

/// Writes the line above everything and returns what is below it.
pub(super) fn draw_title<'a>(root: &Area<'a>, text: &str) -> Drawn<'a, Area<'a>> {
    let (title, rest) = root.split_vertically(TITLE_HEIGHT);
    let style = (FONT, 17).into_text_style(&title).color(&BLACK);
    title.draw_text(text, &style, (14, 8))?;
    Ok(rest)
}

pub(super) fn is_finite(p: &(f64, f64)) -> bool {
    p.0.is_finite() && p.1.is_finite()
}

/// The range of finite values, wider by a part of itself on both sides, never empty.
pub(super) fn range(values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
    if low > high {
        return (0.0, 1.0);
    }
    let width = high - low;
    // A constant gets room that can be told from it.
    let room = match width > 1e-12 * low.abs().max(high.abs()).max(1e-12) {
        true => margin * width,
        false => (1e-3 * low.abs()).max(1e-9),
    };
    (low - room, high + room)
}

/// A number with so many decimals; zero has no sign.
pub(super) fn number(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        _ => text,
    }
}

/// Decimals that tell neighbouring ticks of an axis of this length apart.
pub(super) fn decimals(length: f64) -> usize {
    (1.0 - length.log10().floor()).clamp(0.0, 12.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_never_empty() {
        assert_eq!(range([].into_iter(), 0.1), (0.0, 1.0));
        assert_eq!(range([1.0, f64::NAN, 3.0].into_iter(), 0.5), (0.0, 4.0));
        for x in [0.0, -1e9, 1e-30] {
            let (a, b) = range([x, x].into_iter(), 0.1);
            assert!(a < b, "{x}");
        }
        assert_eq!([-1e-17, -0.26].map(|x| number(x, 1)), ["0.0", "-0.3"]);
        assert_eq!((decimals(100.0), decimals(0.003)), (0, 4));
    }
}
