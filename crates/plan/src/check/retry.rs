//! `retry`, and when it is allowed.

use super::fields::{Field, Fields};
use super::report::Report;
use super::values::{duration_or_none, whole};
use crate::document::Value;
use crate::keys::RETRY;
use crate::plan::Retry;

/// One attempt.
pub(crate) const ONCE: Retry =
    Retry { attempts: 1, backoff_ms: 1000, max_backoff_ms: 60_000, jitter_percent: 20 };

pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Option<Retry> {
    if let Value::Number(attempts) = &field.node.value {
        field.wrong(
            report,
            "retry must be a mapping, and this is a number",
            format!("write `retry: {{attempts: {attempts}}}`"),
        );
        return None;
    }
    let fields = Fields::read(&RETRY, field.node, &field.path, report)?;
    let attempts = fields.get("attempts").and_then(|field| whole(field, 1, 100, report));
    let backoff = fields.get("backoff").map(|field| duration_or_none(field, report));
    let jitter = fields.get("jitter").map(|field| whole(field, 0, 100, report));
    let max = fields.get("maxBackoff").map(|field| duration_or_none(field, report));
    let backoff_ms = backoff.unwrap_or(Some(ONCE.backoff_ms))?;
    // A first pause beyond the usual longest one is meant as it is written.
    let max_backoff_ms = max.unwrap_or(Some(ONCE.max_backoff_ms.max(backoff_ms)))?;
    if max_backoff_ms < backoff_ms {
        field.wrong(
            report,
            "`maxBackoff` is shorter than `backoff`",
            "make it at least as long: pauses double from `backoff` up to `maxBackoff`",
        );
    }
    let jitter_percent = jitter.unwrap_or(Some(ONCE.jitter_percent))?;
    Some(Retry { attempts: attempts?, backoff_ms, max_backoff_ms, jitter_percent })
}
