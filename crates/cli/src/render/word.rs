//! The words of state, each with its mark and colour.

use owo_colors::Style;

/// A mark that tells a state without its colour.
pub(crate) fn glyph(status: &str) -> &'static str {
    match status {
        "succeeded" | "undone" => "✓",
        "failed" | "undo_failed" => "✗",
        "running" | "undoing" | "unwinding" => "▶",
        "probing" => "?",
        "in_doubt" | "stuck" => "!",
        "awaiting_approval" | "paused" => "‖",
        "skipped" | "canceled" => "–",
        _ => "·",
    }
}

/// The colour of a state.
pub(crate) fn style(status: &str) -> Style {
    match status {
        "succeeded" | "undone" | "live" | "leader" => Style::new().green(),
        "failed" | "undo_failed" => Style::new().red(),
        "in_doubt" | "stuck" => Style::new().red().bold(),
        "running" | "undoing" | "unwinding" | "probing" => Style::new().cyan(),
        "awaiting_approval" | "paused" | "silent" => Style::new().yellow(),
        "waiting" | "skipped" | "canceled" => Style::new().dimmed(),
        _ => Style::new(),
    }
}

/// Text from elsewhere on one line: whatever a terminal might obey is shown as a dot.
pub(crate) fn printable(text: &str) -> String {
    text.trim_end().chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}
