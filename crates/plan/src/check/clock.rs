//! `clock`: from where to where the recovery time counts.

use std::collections::BTreeMap;

use super::fields::{Field, Fields};
use super::links::no_step;
use super::report::Report;
use super::values::{name, word};
use crate::keys::CLOCK;
use crate::plan::StepIndex;

/// The step with whose end the recovery is over.
pub(super) fn stop(
    field: &Field<'_>,
    by_name: &BTreeMap<String, StepIndex>,
    report: &mut Report,
) -> Option<StepIndex> {
    let fields = Fields::read(&CLOCK, field.node, &field.path, report)?;
    // There is one word, which is where it starts without it as well.
    let _ = fields.get("start").and_then(|field| word(field, &[("declared", ())], report));
    let field = fields.get("stop")?;
    let stop = name(field, report)?;
    let found = by_name.get(&stop).copied();
    if found.is_none() {
        report.add(&field.path, field.node.at, no_step(&stop, by_name));
    }
    found
}
