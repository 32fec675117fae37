//! How long answers took, how many there were, and how long nobody led.

use std::fmt::Write as _;

use super::draw::{Axis, LEFT, WIDTH, colour, svg};
use crate::checker::Evidence;
use crate::history::{Kind, pairs};
use crate::profile::Summary;

const HEIGHT: f64 = 220.0;

/// A dot an operation, on a logarithmic scale from 1 ms to 10 s.
pub(super) fn latency(evidence: &Evidence) -> String {
    let axis = Axis::of(evidence);
    let y = |ms: f64| HEIGHT - 40.0 - (ms.clamp(1.0, 10_000.0).log10() / 4.0) * (HEIGHT - 50.0);
    let mut body = axis.bands(evidence, HEIGHT - 20.0);
    for (ms, text) in [(1.0, "1 ms"), (10.0, "10 ms"), (100.0, "100 ms"), (1000.0, "1 s"), (10_000.0, "10 s")]
    {
        let at = y(ms);
        let _ = write!(
            body,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.0}\" y2=\"{at:.0}\" stroke=\"var(--line)\"/><text x=\"4\" y=\"{:.0}\">{text}</text>",
            at + 4.0
        );
    }
    for pair in pairs(&evidence.history) {
        let took = pair.end.map(|op| (op.time - pair.invoke.time) as f64 / 1e6);
        let (x, y) = (axis.x(pair.invoke.time), took.map_or(HEIGHT - 26.0, y));
        let _ = write!(
            body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.6\" fill=\"{}\"/>",
            colour(pair.end.map(|op| op.kind))
        );
    }
    body.push_str(&axis.ticks(HEIGHT - 6.0));
    svg(HEIGHT, &body)
}

/// A line for each way to end, a point a second.
pub(super) fn rate(evidence: &Evidence) -> String {
    let axis = Axis::of(evidence);
    let seconds = axis.seconds() as usize + 1;
    let mut counts = [vec![0_u32; seconds], vec![0; seconds], vec![0; seconds]];
    for pair in pairs(&evidence.history) {
        let line = match pair.end.map(|op| op.kind) {
            Some(Kind::Ok) => 0,
            Some(_) => 1,
            None => 2,
        };
        let at = pair.end.unwrap_or(pair.invoke).time / 1_000_000_000;
        counts[line][(at as usize).min(seconds - 1)] += 1;
    }
    let most = counts.iter().flatten().copied().max().unwrap_or(1).max(1);
    let y = |count: u32| HEIGHT - 30.0 - f64::from(count) / f64::from(most) * (HEIGHT - 40.0);
    let mut body = axis.bands(evidence, HEIGHT - 20.0);
    let _ = write!(body, "<text x=\"4\" y=\"14\">{most} / s</text>");
    for (line, kind) in counts.iter().zip([Some(Kind::Ok), Some(Kind::Fail), None]) {
        let point = |(second, count): (usize, &u32)| {
            format!("{:.1},{:.1} ", axis.x(second as u64 * 1_000_000_000), y(*count))
        };
        let points: String = line.iter().enumerate().map(point).collect();
        let _ = write!(
            body,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>",
            colour(kind)
        );
    }
    body.push_str(&axis.ticks(HEIGHT - 6.0));
    svg(HEIGHT, &body)
}

/// A histogram in steps of 200 ms.
pub(super) fn takeovers(evidence: &Evidence) -> String {
    let summary = Summary::of(evidence);
    if summary.takeovers_ms.is_empty() {
        return "<p>None.</p>".into();
    }
    const STEP: u64 = 200;
    let columns = (summary.takeover_ms(100) / STEP + 1) as usize;
    let mut counts = vec![0_u32; columns];
    for ms in &summary.takeovers_ms {
        counts[(ms / STEP) as usize] += 1;
    }
    let most = f64::from(counts.iter().copied().max().unwrap_or(1).max(1));
    let width = (WIDTH - LEFT) / columns.max(8) as f64;
    let mut body = String::new();
    for (column, count) in counts.iter().enumerate() {
        let (x, height) = (LEFT + column as f64 * width, f64::from(*count) / most * 90.0);
        let _ = write!(
            body,
            "<rect x=\"{x:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{height:.0}\" fill=\"#3d7ea6\"/><text x=\"{x:.0}\" y=\"124\">{} ms</text>",
            108.0 - height,
            width - 4.0,
            column as u64 * STEP
        );
        if *count > 0 {
            let _ = write!(body, "<text x=\"{x:.0}\" y=\"{:.0}\">{count}</text>", 104.0 - height);
        }
    }
    let text = format!(
        "<p>{} takeovers: median {} ms, p99 {} ms, longest {} ms</p>",
        summary.takeovers_ms.len(),
        summary.takeover_ms(50),
        summary.takeover_ms(99),
        summary.takeover_ms(100)
    );
    text + &svg(130.0, &body)
}
