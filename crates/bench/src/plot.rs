//! The curves as one picture, with nothing from elsewhere: a panel for each thing that is counted to the right.

use std::fmt::Write as _;

use crate::report::{Across, Curve};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;
/// Of a curve's name below its panel.
const LINE: f64 = 18.0;
const COLOURS: [&str; 6] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf"];

/// SVG: what is counted upwards, and to the right what it depends on.
pub(crate) fn draw(title: &str, curves: &[Curve]) -> String {
    let (mut panels, mut height) = (String::new(), 0.0);
    for across in [Across::AtOnce, Across::Before] {
        let of: Vec<&Curve> = curves.iter().filter(|curve| curve.across == across).collect();
        if !of.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(panels, "<g transform=\"translate(0,{height:.0})\">\n{}</g>", panel(&of));
            height += HEIGHT + LINE * count(of.len());
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\">{title}</text>\n{panels}</svg>\n"
    )
}

fn panel(curves: &[&Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let most = points().map(|point| point.1).fold(1.0, f64::max);
    let along = |at: f64| match curves[0].across {
        Across::AtOnce => at.max(1.0).log2(),
        Across::Before => at,
    };
    let widest = along(points().map(|point| point.0).fold(2.0, f64::max));
    let x = |at: f64| LEFT + along(at) / widest * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP);
    let mut svg = String::new();
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (at, value, end, text) = (y(most * share), most * share, WIDTH - RIGHT, LEFT - 6.0);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{end}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{text}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
            at + 4.0
        );
    }
    for (number, curve) in curves.iter().enumerate() {
        let placed = curve.points.iter().map(|(at, value)| (x(*at), y(*value)));
        svg.push_str(&line(number, curve, &placed.collect::<Vec<_>>()));
    }
    for (at, _) in &curves[0].points {
        let below = HEIGHT - 20.0;
        let _ =
            writeln!(svg, "<text x=\"{:.1}\" y=\"{below}\" text-anchor=\"middle\">{at:.0}</text>", x(*at));
    }
    svg
}

/// One curve, and its name.
fn line(number: usize, curve: &Curve, placed: &[(f64, f64)]) -> String {
    let colour = COLOURS[number % COLOURS.len()];
    let corners: Vec<_> = placed.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let mut svg = format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n",
        corners.join(" ")
    );
    for ((x, y), (at, value)) in placed.iter().zip(&curve.points) {
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"><title>{value:.0} at {at:.0}</title></circle>"
        );
    }
    let below = HEIGHT + LINE * count(number);
    let (name, unit) = (&curve.name, curve.unit);
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{below:.0}\" fill=\"{colour}\">{name} ({unit})</text>");
    svg
}

#[expect(clippy::cast_precision_loss, reason = "a few curves")]
fn count(number: usize) -> f64 {
    number as f64
}
