//! What all pictures share: a time axis, and the bands of the faults.

use std::fmt::Write as _;

use crate::checker::Evidence;

/// Room for the names of lanes, and the width of a picture.
pub(super) const LEFT: f64 = 70.0;
pub(super) const WIDTH: f64 = 1100.0;

/// A text inside of HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// From nanoseconds to a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    end: f64,
}

impl Axis {
    pub(super) fn of(evidence: &Evidence) -> Axis {
        Axis { end: evidence.history.last().map_or(1, |op| op.time.max(1)) as f64 }
    }

    pub(super) fn x(self, time: u64) -> f64 {
        LEFT + time as f64 / self.end * (WIDTH - LEFT - 10.0)
    }

    pub(super) fn seconds(self) -> u64 {
        (self.end / 1e9).ceil() as u64
    }

    /// Seconds below a picture.
    pub(super) fn ticks(self, y: f64) -> String {
        let step = (self.seconds() / 12).max(1);
        let tick = |second: u64| {
            format!("<text x=\"{:.0}\" y=\"{y:.0}\">{second} s</text>", self.x(second * 1_000_000_000))
        };
        (0..=self.seconds()).step_by(step as usize).map(tick).collect()
    }

    /// The faults, from their installation until everything was taken back.
    pub(super) fn bands(self, evidence: &Evidence, height: f64) -> String {
        let mut bands = String::new();
        let mut open: Vec<(u64, String)> = Vec::new();
        for op in &evidence.history {
            match (&*op.f, op.text("outcome")) {
                ("fault", Some("installed")) => {
                    open.push((op.time, op.text("card").unwrap_or_default().to_owned()))
                }
                ("healed", _) => {
                    for (from, card) in open.drain(..) {
                        let (x, width) = (self.x(from), self.x(op.time) - self.x(from));
                        let colour = colour_of(&card);
                        let _ = write!(
                            bands,
                            "<rect x=\"{x:.1}\" y=\"0\" width=\"{:.1}\" height=\"{height:.0}\" fill=\"{colour}\" opacity=\".22\"><title>{}</title></rect>",
                            width.max(1.0),
                            escaped(&card)
                        );
                    }
                }
                _ => {}
            }
        }
        bands
    }
}

/// A fault's colour, by its nemesis.
fn colour_of(card: &str) -> &'static str {
    match card.split('/').next() {
        Some("leader" | "kill") => "#d1495b",
        Some("pause" | "restart") => "#edae49",
        Some("partition") => "#3d7ea6",
        Some("power" | "disk" | "data") => "#7b4fa3",
        _ => "#66a182",
    }
}

/// An operation's colour, by its end.
pub(super) fn colour(kind: Option<crate::history::Kind>) -> &'static str {
    match kind {
        Some(crate::history::Kind::Ok) => "#2f9e63",
        Some(crate::history::Kind::Fail) => "#c77d1e",
        _ => "#c0392b",
    }
}

/// A picture.
pub(super) fn svg(height: f64, body: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\">{body}</svg>")
}
