//! Time series as a picture (SVG): panels above each other with one time axis.

use super::drawing::{
    AXIS_HEIGHT, Area, Drawn, FONT, GRID, MARK, TITLE_HEIGHT, decimals, draw_title, is_finite,
    number, range, svg,
};
use crate::error::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A picture of several series over one time axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// The line above everything.
    pub title: String,
    /// What the common axis shows, with its unit.
    pub axis: String,
    /// From above to below.
    pub panels: Vec<Panel>,
    /// The part of the axis that is greyed.
    pub grey: Option<(f64, f64)>,
    /// Places on the axis where something begins, with its name.
    pub marks: Vec<(f64, String)>,
}

/// One series with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// What is shown, with its unit.
    pub label: String,
    /// The series.
    pub series: Vec<(f64, f64)>,
    /// Targets: dashed lines.
    pub targets: Vec<[(f64, f64); 2]>,
    /// The running mean with its error: place, mean, error.
    pub mean: Vec<(f64, f64, f64)>,
}

const PANEL_HEIGHT: u32 = 180;

const SERIES: RGBColor = RGBColor(120, 158, 196);
const MEAN: RGBColor = RGBColor(176, 42, 48);
const TARGET: RGBColor = RGBColor(60, 60, 60);
const GREY: RGBColor = RGBColor(232, 232, 232);

impl Plot {
    /// The picture. Panels without two finite points are left out.
    pub fn svg(&self) -> Result<String> {
        let panels: Vec<&Panel> = self
            .panels
            .iter()
            .filter(|p| p.series.iter().filter(|s| is_finite(s)).count() >= 2)
            .collect();
        let height = TITLE_HEIGHT + PANEL_HEIGHT * panels.len() as u32 + AXIS_HEIGHT;
        svg(height, |root| self.draw(root, &panels))
    }

    fn draw<'a>(&self, root: &Area<'a>, panels: &[&Panel]) -> Drawn<'a> {
        let rest = draw_title(root, &self.title)?;
        let times = panels.iter().flat_map(|p| p.series.iter().map(|s| s.0));
        let x = range(times, 0.0);
        let mut below = rest;
        for (k, panel) in panels.iter().enumerate() {
            let last = k + 1 == panels.len();
            let height = PANEL_HEIGHT + if last { AXIS_HEIGHT } else { 0 };
            let (area, more) = below.split_vertically(height);
            below = more;
            self.draw_panel(&area, panel, x, k == 0, last)?;
        }
        Ok(())
    }

    fn draw_panel<'a>(
        &self,
        area: &Area<'a>,
        panel: &Panel,
        (x0, x1): (f64, f64),
        first: bool,
        last: bool,
    ) -> Drawn<'a> {
        let values: Vec<f64> = panel.series.iter().map(|s| s.1).collect();
        let targets = panel.targets.iter().flatten().map(|t| t.1);
        let (y0, y1) = range(bulk(&values).into_iter().chain(targets), 0.06);
        let clip = |y: f64| y.clamp(y0, y1);
        let mut chart = ChartBuilder::on(area)
            .margin_left(12)
            .margin_right(24)
            .margin_top(8)
            .set_label_area_size(LabelAreaPosition::Left, 84)
            .set_label_area_size(
                LabelAreaPosition::Bottom,
                if last { AXIS_HEIGHT } else { 8 },
            )
            .build_cartesian_2d(x0..x1, y0..y1)?;
        if let Some((a, b)) = self.grey {
            let corners = [(a.clamp(x0, x1), y0), (b.clamp(x0, x1), y1)];
            chart.draw_series([Rectangle::new(corners, GREY.filled())])?;
        }
        let (dx, dy) = (decimals(x1 - x0), decimals(y1 - y0));
        let (of_x, of_y) = (
            |x: &f64| match last {
                true => number(*x, dx),
                false => String::new(),
            },
            |y: &f64| number(*y, dy),
        );
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(MARK)
            .label_style((FONT, 14))
            .axis_desc_style((FONT, 14))
            .x_labels(9)
            .y_labels(5)
            .x_label_formatter(&of_x)
            .y_label_formatter(&of_y)
            .y_desc(panel.label.as_str());
        if last {
            mesh.x_desc(self.axis.as_str());
        }
        mesh.draw()?;
        chart.draw_series(LineSeries::new(
            panel
                .series
                .iter()
                .filter(|p| is_finite(p))
                .map(|p| (p.0, clip(p.1))),
            SERIES.stroke_width(1),
        ))?;
        if panel.mean.len() >= 2 {
            let upper = panel.mean.iter().map(|m| (m.0, clip(m.1 + m.2)));
            let lower = panel.mean.iter().rev().map(|m| (m.0, clip(m.1 - m.2)));
            let outline: Vec<(f64, f64)> = upper.chain(lower).filter(is_finite).collect();
            chart.draw_series([Polygon::new(outline, MEAN.mix(0.22))])?;
            let means = panel.mean.iter().map(|m| (m.0, clip(m.1)));
            chart.draw_series(LineSeries::new(
                means.filter(is_finite),
                MEAN.stroke_width(2),
            ))?;
        }
        for &[a, b] in &panel.targets {
            chart.draw_series(
                dashes(a, b, x1 - x0)
                    .map(|dash| PathElement::new(dash.to_vec(), TARGET.stroke_width(1))),
            )?;
        }
        for (place, name) in &self.marks {
            let line = vec![(*place, y0), (*place, y1)];
            chart.draw_series([PathElement::new(line, MARK.stroke_width(1))])?;
            if first {
                let style = (FONT, 13)
                    .into_text_style(area)
                    .color(&MARK)
                    .pos(Pos::new(HPos::Left, VPos::Top));
                let at = (*place + 0.004 * (x1 - x0), y1 - 0.03 * (y1 - y0));
                chart.draw_series([Text::new(name.clone(), at, style)])?;
            }
        }
        Ok(())
    }
}

/// Pieces of a line that make it dashed on an axis of this length.
fn dashes(a: (f64, f64), b: (f64, f64), axis: f64) -> impl Iterator<Item = [(f64, f64); 2]> {
    const DASHES: f64 = 80.0;
    let n = (DASHES * (b.0 - a.0).abs() / axis)
        .ceil()
        .clamp(1.0, 2.0 * DASHES);
    let at = move |s: f64| (a.0 + s * (b.0 - a.0), a.1 + s * (b.1 - a.1));
    (0..n as usize).map(move |k| [at(k as f64 / n), at((k as f64 + 0.55) / n)])
}

/// The range that is worth showing: from the first to the last percent of the values, and as far again on both sides as far as
/// there are values. So a violent start does not flatten everything else.
fn bulk(values: &[f64]) -> [f64; 2] {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
        return [f64::NAN; 2];
    };
    let cut = sorted.len() / 50;
    let (low, high) = (sorted[cut], sorted[sorted.len() - 1 - cut]);
    let room = high - low;
    [least.max(low - room), most.min(high + room)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_with_everything() {
        let series = (0..1000).map(|k| (0.1 * f64::from(k), f64::from(k).sin()));
        let panel = Panel {
            label: "temperature (K)".into(),
            series: series.collect(),
            targets: vec![[(0.0, 0.5), (100.0, 0.5)]],
            mean: (0..500)
                .map(|k| (50.0 + 0.1 * f64::from(k), 0.0, 3.0))
                .collect(),
        };
        let constant = Panel {
            label: "volume".into(),
            series: vec![(0.0, 5.0), (100.0, 5.0)],
            ..Panel::default()
        };
        let broken = Panel {
            series: vec![(0.0, f64::NAN), (1.0, 2.0)],
            ..Panel::default()
        };
        let plot = Plot {
            title: "run <1> & \"2\"".into(),
            axis: "time (ps)".into(),
            panels: vec![panel, constant, broken],
            grey: Some((0.0, 50.0)),
            marks: vec![(30.0, "melt".into())],
        };
        let text = plot.svg().unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        for word in [
            "temperature (K)",
            "volume",
            "time (ps)",
            "melt",
            "run &lt;1&gt; &amp;",
        ] {
            assert!(text.contains(word), "{word}");
        }
        assert!(
            !text.contains("NaN") && text.len() < 60_000,
            "{}",
            text.len()
        );
        // Two panels high: the one with a single finite point is left out.
        let height = TITLE_HEIGHT + 2 * PANEL_HEIGHT + AXIS_HEIGHT;
        assert!(text.contains(&format!("height=\"{height}\"")));
        assert!(Plot::default().svg().unwrap().contains("</svg>"));
    }

    #[test]
    fn a_start_far_off_is_cut_and_a_slow_change_is_not() {
        let mut values: Vec<f64> = (0..200).map(|k| f64::from(k % 2)).collect();
        values[0] = 50.0;
        assert_eq!(bulk(&values), [0.0, 2.0]);
        let slow: Vec<f64> = (0..200).map(f64::from).collect();
        assert_eq!(bulk(&slow), [0.0, 199.0]);
        assert!(bulk(&[]).iter().all(|x| x.is_nan()));
    }
}
