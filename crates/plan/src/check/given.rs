//! Parameters that stand where a region or a list is needed: what is given as any text is only found wrong when the run
//! is under way.

use super::report::{Path, Report};
use super::step::Outline;
use crate::fault::Fault;
use crate::plan::{Items, Param, ParamKind};
use crate::reference::{Reference, Template};

pub(super) fn check(step: &Path<'_>, outline: &Outline, params: &[Param], report: &mut Report) {
    let Some(read) = &outline.step else { return };
    if let Some(region) = &read.region {
        let needed = (ParamKind::Region, "a region", "region");
        warn(&step.key("region"), region, needed, outline, params, report);
    }
    if let Some(Items::Text(text)) = read.for_each.as_ref().map(|for_each| &for_each.items) {
        let (for_each, needed) = (step.key("forEach"), (ParamKind::List, "a list", "list"));
        warn(&for_each, text, needed, outline, params, report);
    }
}

fn warn(
    path: &Path<'_>,
    text: &Template,
    (needed, what, word): (ParamKind, &str, &str),
    outline: &Outline,
    params: &[Param],
    report: &mut Report,
) {
    let Some(name) = only_param(text) else { return };
    if params.iter().all(|param| param.name != name || param.kind == needed) {
        return;
    }
    let place = path.to_string();
    let at =
        outline.asks.iter().find(|ask| ask.path.starts_with(&place)).map_or(outline.name_at, |ask| ask.at);
    let message = format!("parameter `{name}` gives {what}, and its type is not `{word}`");
    let help =
        format!("declare `{name}: {{type: {word}}}`, so that its value is checked before the run starts");
    report.warn(path, at, Fault::new(message, help));
}

/// The parameter, when a text is nothing but a reference to it.
fn only_param(text: &Template) -> Option<&str> {
    let mut references = text.references();
    let (Some(Reference::Param(name)), None) = (references.next(), references.next()) else { return None };
    (text.to_string() == format!("${{params.{name}}}")).then_some(name)
}
