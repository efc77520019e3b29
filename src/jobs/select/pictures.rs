//! The map of frames, and the matrix of their likeness.

use crate::error::Result;
use crate::report::{Chart, Curve, CurveStyle};
use crate::training::similarity::{Map, Matrix};
use std::fmt::Write;

/// The matrix as a table (CSV): a head with the numbers of the frames, then one row for each.
pub(super) fn matrix(matrix: &Matrix) -> String {
    let mut out = String::from("frame");
    for j in 0..matrix.size {
        let _ = write!(out, ",{j}");
    }
    out.push('\n');
    for i in 0..matrix.size {
        let _ = write!(out, "{i}");
        for j in 0..matrix.size {
            let _ = write!(out, ",{:.10}", matrix.at(i, j));
        }
        out.push('\n');
    }
    out
}

/// The map: all frames in shades of their energy (a third of them each, where energies are known), the chosen ones on top.
pub(super) fn map(map: &Map, chosen: &[usize], energies: &[Option<f64>]) -> Result<String> {
    let point = |k: usize| (map.points[k][0], map.points[k][1]);
    let mut known: Vec<(f64, usize)> = energies
        .iter()
        .enumerate()
        .filter_map(|(k, e)| Some(((*e)?, k)))
        .collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut curves = Vec::new();
    if known.len() == map.points.len() && known.len() >= 3 {
        let names = ["low energy", "middle energy", "high energy"];
        for (k, (name, part)) in names
            .into_iter()
            .zip(known.chunks(known.len().div_ceil(3)))
            .enumerate()
        {
            let points = part.iter().map(|p| point(p.1)).collect();
            // Blue, green, yellow-brown: colder to hotter.
            let colour = [4, 2, 5][k];
            curves.push(
                Curve::line(name, points)
                    .styled(CurveStyle::Points)
                    .coloured(colour),
            );
        }
    } else {
        let points = (0..map.points.len()).map(point).collect();
        curves.push(
            Curve::line("frames", points)
                .styled(CurveStyle::Points)
                .coloured(4),
        );
    }
    if chosen.len() < map.points.len() {
        let points = chosen.iter().map(|k| point(*k)).collect();
        curves.push(
            Curve::line("chosen", points)
                .styled(CurveStyle::Points)
                .coloured(6),
        );
    }
    let axis = |k: usize, name: &str| {
        format!(
            "{name} principal component ({:.0} % of the spread)",
            100.0 * map.shares[k]
        )
    };
    Chart {
        title: "Frames by their likeness".to_owned(),
        x: axis(0, "first"),
        y: axis(1, "second"),
        curves,
        ..Chart::default()
    }
    .svg()
}
