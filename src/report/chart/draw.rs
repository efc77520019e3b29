//! Drawing a chart.

use super::lines::{steps, thinned, within};
use super::{Chart, CurveStyle, Ticks};
use crate::error::Result;
use crate::report::drawing::{
    AXIS_HEIGHT, Area, Drawn, FONT, GRID, MARK, TITLE_HEIGHT, WIDTH, decimals, draw_title,
    is_finite, number, range, svg,
};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const HEIGHT: u32 = 430;
const LEGEND_LINE: u32 = 22;
/// Colours that people with any kind of sight tell apart (Okabe and Ito, 2008), yellow left out.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 90, 160),
    RGBColor(200, 75, 0),
    RGBColor(0, 140, 105),
    RGBColor(170, 60, 130),
    RGBColor(70, 160, 215),
    RGBColor(215, 145, 0),
    RGBColor(70, 70, 70),
];

type Coordinates = Cartesian2d<RangedCoordf64, RangedCoordf64>;
type Context<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Coordinates>;

impl Chart {
    /// The picture; it is never refused, and empty axes where there is nothing to show.
    pub fn svg(&self) -> Result<String> {
        let rows = self.legend();
        let height = TITLE_HEIGHT + LEGEND_LINE * rows.len() as u32 + HEIGHT;
        svg(height, |root| self.draw(root, &rows))
    }

    /// Names of curves, cut into lines that fit.
    fn legend(&self) -> Vec<Vec<(usize, usize)>> {
        let mut rows: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut left = WIDTH as usize;
        let named = self.curves.iter().enumerate();
        for (k, curve) in named.filter(|(_, c)| !c.name.is_empty()) {
            let width = 52 + 8 * curve.name.chars().count();
            if rows.is_empty() || left + width > WIDTH as usize - 24 {
                rows.push(Vec::new());
                left = 96;
            }
            if let Some(row) = rows.last_mut() {
                row.push((k, left));
            }
            left += width;
        }
        rows
    }

    fn colour(&self, k: usize) -> RGBColor {
        PALETTE[self.curves[k].colour.unwrap_or(k) % PALETTE.len()]
    }

    /// A place on the axes as they are drawn.
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let log = |wanted: bool, v: f64| if wanted { v.log10() } else { v };
        (log(self.log_x, x), log(self.log_y, y))
    }

    fn ranges(&self) -> ([f64; 2], [f64; 2]) {
        let points = || {
            self.curves
                .iter()
                .flat_map(|c| c.points.iter().map(|&p| self.at(p)))
        };
        let bands = || {
            let edges = |&(x, a, b): &(f64, f64, f64)| [self.at((x, a)), self.at((x, b))];
            self.curves
                .iter()
                .flat_map(move |c| c.band.iter().flat_map(edges))
        };
        let bars = self.curves.iter().flat_map(|c| {
            let ends = |(&(x, y), &e): (&(f64, f64), &f64)| [(x, y - e), (x, y + e)];
            c.points.iter().zip(&c.errors).flat_map(ends)
        });
        let [x0, x1] = match self.x_range {
            Some([a, b]) if a < b => [self.at((a, 1.0)).0, self.at((b, 1.0)).0],
            _ => {
                let xs = points().chain(bands()).filter(is_finite).map(|p| p.0);
                let marks = self.marks.iter().map(|m| self.at((m.0, 1.0)).0);
                range(xs.chain(marks), 0.0).into()
            }
        };
        let [y0, y1] = match self.y_range {
            Some([a, b]) if a < b => [self.at((1.0, a)).1, self.at((1.0, b)).1],
            _ => {
                let zero = self
                    .curves
                    .iter()
                    .any(|c| c.style == CurveStyle::Sticks)
                    .then_some((x0, self.at((1.0, 0.0)).1));
                let seen = points()
                    .chain(bands())
                    .chain(bars.map(|p| self.at(p)))
                    .chain(zero)
                    .filter(|p| is_finite(p) && p.0 >= x0 && p.0 <= x1)
                    .map(|p| p.1);
                let levels = self.levels.iter().map(|l| self.at((1.0, l.0)).1);
                range(seen.chain(levels), 0.05).into()
            }
        };
        let usable = |[a, b]: [f64; 2]| a.is_finite() && b.is_finite() && a < b;
        let or = |r: [f64; 2]| if usable(r) { r } else { [0.0, 1.0] };
        (or([x0, x1]), or([y0, y1]))
    }

    fn draw<'a>(&self, root: &Area<'a>, rows: &[Vec<(usize, usize)>]) -> Drawn<'a> {
        let rest = draw_title(root, &self.title)?;
        let (legend, area) = rest.split_vertically(LEGEND_LINE * rows.len() as u32);
        for (line, row) in rows.iter().enumerate() {
            for &(k, left) in row {
                self.draw_key(
                    &legend,
                    k,
                    (left as i32, (LEGEND_LINE * line as u32) as i32),
                )?;
            }
        }
        let (x, y) = self.ranges();
        let mut chart = ChartBuilder::on(&area)
            .margin_left(12)
            .margin_right(24)
            .margin_top(8)
            .set_label_area_size(LabelAreaPosition::Left, 84)
            .set_label_area_size(LabelAreaPosition::Bottom, AXIS_HEIGHT)
            .build_cartesian_2d(x[0]..x[1], y[0]..y[1])?;
        let label = |log: bool, v: f64, length: f64| match log {
            true if v == v.round() && v.abs() < 5.0 => {
                number(10f64.powf(v), (-v).max(0.0) as usize)
            }
            true => format!("{:.1e}", 10f64.powf(v)),
            false => number(v, decimals(length)),
        };
        let of_x = |v: &f64| match self.ticks {
            Ticks::Numbers => label(self.log_x, *v, x[1] - x[0]),
            Ticks::Marks => String::new(),
        };
        let of_y = |v: &f64| label(self.log_y, *v, y[1] - y[0]);
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(MARK)
            .label_style((FONT, 14))
            .axis_desc_style((FONT, 14))
            .x_labels(11)
            .y_labels(7)
            .x_label_formatter(&of_x)
            .y_label_formatter(&of_y)
            .x_desc(self.x.as_str())
            .y_desc(self.y.as_str());
        if self.ticks == Ticks::Marks {
            mesh.disable_x_mesh();
        }
        mesh.draw()?;
        self.draw_levels(&mut chart, x, y, &area)?;
        self.draw_marks(&mut chart, x, y, &area)?;
        for k in 0..self.curves.len() {
            self.draw_curve(&mut chart, k, x, y)?;
        }
        Ok(())
    }

    /// A name of the legend with a piece of its curve.
    fn draw_key<'a>(&self, area: &Area<'a>, k: usize, (left, top): (i32, i32)) -> Drawn<'a> {
        let (curve, colour) = (&self.curves[k], self.colour(k));
        let middle = top + 10;
        match curve.style {
            CurveStyle::Points => {
                area.draw(&Circle::new((left + 14, middle), 4, colour.filled()))?;
            }
            CurveStyle::Dashed => {
                for begin in [0, 10, 20] {
                    let dash = vec![(left + begin, middle), (left + begin + 6, middle)];
                    area.draw(&PathElement::new(dash, colour.stroke_width(2)))?;
                }
            }
            _ => {
                let line = vec![(left, middle), (left + 26, middle)];
                area.draw(&PathElement::new(line, colour.stroke_width(3)))?;
            }
        }
        let style = (FONT, 14)
            .into_text_style(area)
            .color(&BLACK)
            .pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(&curve.name, &style, (left + 34, middle))?;
        Ok(())
    }

    fn draw_levels<'a>(
        &self,
        chart: &mut Context<'_, 'a>,
        [x0, x1]: [f64; 2],
        [y0, y1]: [f64; 2],
        area: &Area<'a>,
    ) -> Drawn<'a> {
        for (value, name) in &self.levels {
            let y = self.at((1.0, *value)).1;
            if !(y >= y0 && y <= y1) {
                continue;
            }
            chart.draw_series(DashedLineSeries::new(
                [(x0, y), (x1, y)],
                6,
                5,
                MARK.stroke_width(1),
            ))?;
            let style = small(area, HPos::Right, VPos::Bottom);
            let at = (x1 - 0.006 * (x1 - x0), y);
            chart.draw_series([Text::new(name.clone(), at, style)])?;
        }
        Ok(())
    }

    fn draw_marks<'a>(
        &self,
        chart: &mut Context<'_, 'a>,
        [x0, x1]: [f64; 2],
        [y0, y1]: [f64; 2],
        area: &Area<'a>,
    ) -> Drawn<'a> {
        // Names of marks that stand close together go to rows below each other.
        let mut ends = [f64::NEG_INFINITY; 6];
        for (place, name) in &self.marks {
            let x = self.at((*place, 1.0)).0;
            if !(x >= x0 && x <= x1) {
                continue;
            }
            chart.draw_series([PathElement::new(
                vec![(x, y0), (x, y1)],
                MARK.mix(0.6).stroke_width(1),
            )])?;
            match self.ticks {
                Ticks::Marks => {
                    let (left, bottom) = chart.backend_coord(&(x, y0));
                    let (origin_x, origin_y) = area.get_base_pixel();
                    let style = (FONT, 15)
                        .into_text_style(area)
                        .color(&BLACK)
                        .pos(Pos::new(HPos::Center, VPos::Top));
                    area.draw_text(name, &style, (left - origin_x, bottom - origin_y + 6))?;
                }
                Ticks::Numbers => {
                    let width = 0.009 * (x1 - x0) * name.chars().count() as f64;
                    let row = ends.iter().position(|&end| end < x).unwrap_or(0);
                    ends[row] = x + width;
                    let at = (
                        x + 0.004 * (x1 - x0),
                        y1 - (0.02 + 0.045 * row as f64) * (y1 - y0),
                    );
                    let style = small(area, HPos::Left, VPos::Top);
                    chart.draw_series([Text::new(name.clone(), at, style)])?;
                }
            }
        }
        Ok(())
    }

    fn draw_curve<'a>(
        &self,
        chart: &mut Context<'_, 'a>,
        k: usize,
        [x0, x1]: [f64; 2],
        [y0, y1]: [f64; 2],
    ) -> Drawn<'a> {
        let (curve, colour) = (&self.curves[k], self.colour(k));
        let clip = |(x, y): (f64, f64)| (x, y.clamp(y0 - 0.02 * (y1 - y0), y1));
        let inside = |p: &(f64, f64)| is_finite(p) && p.0 >= x0 && p.0 <= x1;
        if curve.band.len() >= 2 {
            let edge = |b: bool| {
                let of = move |&(x, low, high): &(f64, f64, f64)| {
                    self.at((x, if b { high } else { low }))
                };
                thinned(curve.band.iter().map(of).filter(inside).map(clip).collect())
            };
            let outline: Vec<_> = edge(true)
                .into_iter()
                .chain(edge(false).into_iter().rev())
                .collect();
            chart.draw_series([Polygon::new(outline, colour.mix(0.18))])?;
        }
        for piece in curve.points.split(|&p| !is_finite(&self.at(p))) {
            let points: Vec<(f64, f64)> = match curve.style {
                CurveStyle::Steps => steps(piece),
                _ => piece.to_vec(),
            };
            let points: Vec<(f64, f64)> = points.into_iter().map(|p| self.at(p)).collect();
            let points = thinned(within(&points, x0, x1).into_iter().map(clip).collect());
            match curve.style {
                CurveStyle::Line | CurveStyle::Steps => {
                    chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
                }
                CurveStyle::Dashed => {
                    let line = DashedLineSeries::new(points, 7, 5, colour.stroke_width(2));
                    chart.draw_series(line)?;
                }
                CurveStyle::Sticks => {
                    let zero = if self.log_y { y0 } else { 0f64.clamp(y0, y1) };
                    let stick = |p: (f64, f64)| {
                        PathElement::new(vec![(p.0, zero), p], colour.stroke_width(2))
                    };
                    chart.draw_series(points.into_iter().filter(inside).map(stick))?;
                }
                CurveStyle::Points => {
                    let dot = |p| Circle::new(p, 3, colour.filled());
                    chart.draw_series(points.into_iter().filter(inside).map(dot))?;
                }
            }
        }
        for (&(x, y), &e) in curve.points.iter().zip(&curve.errors) {
            let (low, high) = (self.at((x, y - e)), self.at((x, y + e)));
            let low = if low.1.is_nan() { (low.0, y0) } else { low };
            if inside(&low) && inside(&high) {
                let bar = vec![clip(low), clip(high)];
                chart.draw_series([PathElement::new(bar, colour.stroke_width(1))])?;
            }
        }
        Ok(())
    }
}

fn small<'a>(area: &Area<'a>, h: HPos, v: VPos) -> TextStyle<'static> {
    (FONT, 13)
        .into_text_style(area)
        .color(&MARK)
        .pos(Pos::new(h, v))
}
