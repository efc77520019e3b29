//! Curves as a picture (SVG): several named series over one pair of axes, with bands, error bars and marks.

mod draw;
mod lines;
#[cfg(test)]
mod tests;

/// A picture of curves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// The line above everything.
    pub title: String,
    /// What the horizontal axis shows, with its unit.
    pub x: String,
    /// What the vertical axis shows, with its unit.
    pub y: String,
    /// What is drawn, the first below the others.
    pub curves: Vec<Curve>,
    /// Places on the horizontal axis with their names: vertical lines.
    pub marks: Vec<(f64, String)>,
    /// What is written below the horizontal axis.
    pub ticks: Ticks,
    /// Values on the vertical axis with their names: dashed horizontal lines.
    pub levels: Vec<(f64, String)>,
    /// Range of the horizontal axis; that of the curves when not given.
    pub x_range: Option<[f64; 2]>,
    /// Range of the vertical axis; that of the curves when not given.
    pub y_range: Option<[f64; 2]>,
    /// Whether the horizontal axis is logarithmic. What is not positive is left out.
    pub log_x: bool,
    /// Whether the vertical axis is logarithmic. What is not positive is left out.
    pub log_y: bool,
}

/// What is written below the horizontal axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ticks {
    /// Numbers; the names of marks stand beside their lines.
    #[default]
    Numbers,
    /// The names of the marks, as of points of the Brillouin zone.
    Marks,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CurveStyle {
    /// A line through the points. It is broken where a value is not finite.
    #[default]
    Line,
    /// A dashed line.
    Dashed,
    /// A histogram: each value holds halfway to its neighbours.
    Steps,
    /// A vertical line from zero to each point.
    Sticks,
    /// Dots.
    Points,
}

/// A series of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Its name in the legend; none when empty.
    pub name: String,
    /// The points.
    pub points: Vec<(f64, f64)>,
    /// Standard error of each point, drawn as bars; may be empty.
    pub errors: Vec<f64>,
    /// A filled band: place, lower and upper edge; may be empty.
    pub band: Vec<(f64, f64, f64)>,
    /// How it is drawn.
    pub style: CurveStyle,
    /// Its colour, a number in the palette; its place among the curves when not given.
    pub colour: Option<usize>,
}

impl Curve {
    /// A line.
    pub fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Curve {
        Curve {
            name: name.into(),
            points,
            ..Curve::default()
        }
    }

    /// The same curve drawn otherwise.
    #[must_use]
    pub fn styled(self, style: CurveStyle) -> Curve {
        Curve { style, ..self }
    }

    /// The same curve in a colour of the palette.
    #[must_use]
    pub fn coloured(self, colour: usize) -> Curve {
        let colour = Some(colour);
        Curve { colour, ..self }
    }

    /// The same curve with an error bar at each point.
    #[must_use]
    pub fn with_errors(self, errors: Vec<f64>) -> Curve {
        Curve { errors, ..self }
    }

    /// The same curve with a band of these half widths around it.
    #[must_use]
    pub fn with_band(mut self, half: &[f64]) -> Curve {
        let edges = |(&(x, y), &e): (&(f64, f64), &f64)| (x, y - e, y + e);
        self.band = self.points.iter().zip(half).map(edges).collect();
        self
    }
}
