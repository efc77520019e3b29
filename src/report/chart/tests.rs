use super::lines::{steps, thinned, within};
use super::*;

fn wave(n: usize) -> Vec<(f64, f64)> {
    (0..n)
        .map(|k| (0.01 * k as f64, (0.01 * k as f64).sin()))
        .collect()
}

#[test]
fn a_chart_with_everything() {
    let all = [
        CurveStyle::Line,
        CurveStyle::Dashed,
        CurveStyle::Steps,
        CurveStyle::Sticks,
        CurveStyle::Points,
    ];
    let curves = all.iter().map(|&style| {
        let half = vec![0.1; 200];
        Curve::line(format!("<{style:?}>"), wave(200))
            .styled(style)
            .with_band(&half)
            .with_errors(half)
    });
    let mut chart = Chart {
        title: "a & b".into(),
        x: "wave vector".into(),
        y: "frequency (THz)".into(),
        curves: curves.collect(),
        marks: vec![(0.0, "Γ".into()), (1.0, "X".into()), (1.01, "K".into())],
        levels: vec![(0.5, "target".into())],
        ..Chart::default()
    };
    chart.curves[0].points[50].1 = f64::NAN;
    for ticks in [Ticks::Numbers, Ticks::Marks] {
        chart.ticks = ticks;
        let text = chart.svg().unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        for word in [
            "a &amp; b",
            "&lt;Steps&gt;",
            "wave vector",
            "THz",
            "Γ",
            "target",
        ] {
            assert!(text.contains(word), "{word}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }
    // A broken line is two lines.
    chart.curves[0].errors.clear();
    let lines = |c: &Chart| c.svg().unwrap().matches("<polyline").count();
    let broken = lines(&chart);
    chart.curves[0].points[50].1 = 0.5;
    assert_eq!(lines(&chart), broken - 1);
}

#[test]
fn odd_charts_are_drawn() {
    assert!(Chart::default().svg().unwrap().contains("</svg>"));
    let odd = [
        vec![],
        vec![(1.0, 1.0)],
        vec![(f64::NAN, f64::INFINITY); 3],
        vec![(-1.0, 0.0), (0.0, -3.0), (1e300, 1e300)],
        vec![(5.0, 7.0); 4],
    ];
    for points in odd {
        for (log_x, log_y) in [(false, false), (true, true), (false, true)] {
            for style in [CurveStyle::Line, CurveStyle::Steps, CurveStyle::Sticks] {
                let curve = Curve::line("x", points.clone()).styled(style);
                let chart = Chart {
                    curves: vec![curve.with_errors(vec![f64::NAN, 1.0])],
                    log_x,
                    log_y,
                    ..Chart::default()
                };
                let text = chart.svg().unwrap();
                assert!(!text.contains("NaN") && text.contains("</svg>"));
            }
        }
    }
}

#[test]
fn long_curves_are_thinned_and_keep_their_peaks() {
    let mut points = wave(200_000);
    points[77_777].1 = 9.0;
    let kept = thinned(points);
    assert!(kept.len() <= 4004 && kept.iter().any(|p| p.1 == 9.0));
    assert!(kept.windows(2).all(|w| w[0].0 < w[1].0));
    let chart = Chart {
        curves: vec![Curve::line("", wave(500_000))],
        ..Chart::default()
    };
    assert!(chart.svg().unwrap().len() < 120_000);
}

#[test]
fn lines_are_cut_at_the_edges() {
    let line = [(0.0, 0.0), (10.0, 10.0)];
    assert_eq!(within(&line, 2.0, 3.0), [(2.0, 2.0), (3.0, 3.0)]);
    assert_eq!(within(&line, 0.0, 10.0), line);
    assert!(within(&line, 11.0, 12.0).is_empty());
    assert_eq!(
        steps(&[(0.0, 1.0), (1.0, 2.0)]),
        [(-0.5, 1.0), (0.5, 1.0), (0.5, 2.0), (1.5, 2.0)]
    );
}
