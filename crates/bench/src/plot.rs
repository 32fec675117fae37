//! The curves as one picture, with nothing from elsewhere.

use std::fmt::Write as _;

use crate::report::Curve;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 40.0;
const COLOURS: [&str; 6] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf"];

/// SVG: what is counted upwards, how many at once to the right, in doublings.
pub(crate) fn draw(title: &str, curves: &[Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let most = points().map(|point| point.1).fold(1.0, f64::max);
    let widest = points().map(|point| point.0).fold(2.0, f64::max).log2();
    let x = |at: f64| LEFT + at.max(1.0).log2() / widest * (WIDTH - LEFT - 20.0);
    let y = |value: f64| HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - 40.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\">{title}</text>\n",
        HEIGHT + 18.0 * count(curves.len())
    );
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (at, value) = (y(most * share), most * share);
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
            WIDTH - 20.0,
            LEFT - 6.0,
            at + 4.0
        );
    }
    for (number, curve) in curves.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let line: Vec<_> =
            curve.points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for (at, value) in &curve.points {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"><title>{value:.0} at {at:.0}</title></circle>",
                x(*at),
                y(*value)
            );
        }
        let below = HEIGHT + 18.0 * count(number);
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{below:.0}\" fill=\"{colour}\">{} ({})</text>",
            curve.name, curve.unit
        );
    }
    for (at, _) in curves.first().map(|curve| curve.points.as_slice()).unwrap_or_default() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{at:.0}</text>",
            x(*at),
            HEIGHT - 20.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

#[expect(clippy::cast_precision_loss, reason = "a few curves")]
fn count(number: usize) -> f64 {
    number as f64
}
