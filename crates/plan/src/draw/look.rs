//! Shapes and colours.

use crate::plan::Action;

/// What stands around a node's text in Mermaid.
pub(super) fn mermaid_shape(action: &Action) -> (&'static str, &'static str) {
    match action {
        Action::Command(_) => ("[", "]"),
        Action::Noop | Action::WaitFor(_) | Action::WaitUntil { .. } | Action::WaitStable { .. } => {
            ("(", ")")
        }
        Action::Approval(_) => ("{", "}"),
        Action::Manual(_) => ("[/", "/]"),
        Action::Gate(_) => ("{{", "}}"),
        Action::Barrier(_) => ("[/", "\\]"),
        Action::Child(_) => ("[[", "]]"),
    }
}

/// Graphviz's word, where it is not a box.
pub(super) fn dot_shape(action: &Action) -> Option<&'static str> {
    match action {
        Action::Command(_) => None,
        Action::Noop | Action::WaitFor(_) | Action::WaitUntil { .. } | Action::WaitStable { .. } => {
            Some("oval")
        }
        Action::Approval(_) => Some("diamond"),
        Action::Manual(_) => Some("parallelogram"),
        Action::Gate(_) => Some("hexagon"),
        Action::Barrier(_) => Some("trapezium"),
        Action::Child(_) => Some("component"),
    }
}

/// The colour of a status, by the contract's word that it starts with; of a step that waits, none.
pub(super) fn colour(status: &str) -> Option<&'static str> {
    let word = status.split(|c: char| !(c.is_ascii_lowercase() || c == '_')).next().unwrap_or_default();
    match word {
        "succeeded" => Some("#c8e6c9"),
        "running" | "probing" | "undoing" => Some("#bbdefb"),
        "awaiting_approval" => Some("#fff9c4"),
        "in_doubt" => Some("#ffe0b2"),
        "failed" | "undo_failed" => Some("#ffcdd2"),
        "skipped" | "canceled" | "undone" => Some("#e0e0e0"),
        _ => None,
    }
}
