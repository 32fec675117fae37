//! `kind: StepTemplate`.

use super::action::Reader;
use super::asks::What;
use super::fields::{Field, Fields};
use super::report::Report;
use super::texts::region;
use super::values::{duration, scalar};
use super::work::{self, Given, Otherwise};
use super::{fit, header, links, param, spec};
use crate::document::Value;
use crate::fault::{Fault, shortened};
use crate::keys::TEMPLATE_SPEC;
use crate::plan::Param;
use crate::template::StepTemplate;

/// A step template: its words may ask for its own parameters alone.
pub(super) fn read(top: &Fields<'_>, report: &mut Report) -> Option<StepTemplate> {
    let metadata = top.get("metadata").and_then(|field| header::metadata(&field, report));
    let spec = top.get("spec")?;
    let fields = Fields::read(&TEMPLATE_SPEC, spec.node, &spec.path, report)?;
    let params = fields.get("params").map(|field| param::read(&field, report)).unwrap_or_default();
    let outputs = fields.get("outputs").map(|field| outputs(&field, report)).unwrap_or_default();
    let region = fields.get("region").map(|field| region(field, report));
    let who = "the step template";
    let timeout_ms = fields.get("timeout").and_then(|field| duration(field, report));
    let reader = Reader { who, plan: None, needs: 0, timeout_ms };
    reader.must_have(&fields, &TEMPLATE_SPEC, report);
    let action = reader.read(&fields, &TEMPLATE_SPEC, report);
    work::meaningless(&fields, action.as_ref(), report);
    if let (Some(fault), Some(field)) = (action.as_ref().and_then(fit::no_undo), fields.get("undo")) {
        report.add(&field.path, field.key_at, fault);
    }
    let otherwise = Otherwise { timeout_ms: spec::TIMEOUT_MS, retry: None, base: None };
    let work = work::read(&fields, Given { who, action, timeout_ms }, &otherwise, report);
    let undo = fields.get("undo").map(|field| work::undo(&field, spec::TIMEOUT_MS, report));
    let estimate_ms = fields.get("estimate").and_then(|field| duration(field, report));
    let name = metadata.as_ref().map(|metadata| metadata.name.as_str());
    asks(name, &params, report);
    let metadata = metadata?;
    Some(StepTemplate {
        name: metadata.name,
        owner: metadata.owner,
        description: metadata.description,
        params,
        outputs,
        region: region.map_or(Some(None), |region| region.map(Some))?,
        work: work?,
        undo: undo.map_or(Some(None), |undo| undo.map(Some))?,
        estimate_ms,
    })
}

/// The outputs' names with what each means.
fn outputs(field: &Field<'_>, report: &mut Report) -> Vec<(String, String)> {
    let Value::Map(entries) = &field.node.value else {
        let message = format!("outputs must be a mapping, and this is {}", field.node.value.kind());
        field.wrong(
            report,
            message,
            "write each output with what it means: `outputs: {timeline: The new timeline.}`",
        );
        return Vec::new();
    };
    let mut outputs = Vec::new();
    for (key, node) in entries {
        let entry = Field { path: field.path.key(&key.name), node, key_at: key.at };
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if key.name.is_empty() || !key.name.chars().all(allowed) {
            let message = format!("`{}` cannot be the name of an output", shortened(&key.name));
            report.add(
                &entry.path,
                key.at,
                Fault::new(message, "use letters, digits, dashes and underscores"),
            );
        }
        outputs.extend(scalar(entry, report).map(|meaning| (key.name.clone(), meaning)));
    }
    outputs
}

fn asks(name: Option<&str>, params: &[Param], report: &mut Report) {
    for ask in report.take_asks() {
        let own = "declare what it needs under `params`, and let the step give it under `with`";
        let fault = match &ask.what {
            What::Param(param) => {
                if let Some(fault) = links::no_param(param, params) {
                    report.add_about(&ask, fault);
                }
                continue;
            }
            What::Output(step, Some(_)) if ask.in_undo && Some(step.as_str()) == name => continue,
            What::Output(step, _) if Some(step.as_str()) == name => Fault::new(
                "a step template's own outputs are there only once the step is done",
                "ask for them in `undo`; `success` reads them as `outputs`",
            ),
            What::Objective(_) => Fault::new(
                format!("a step template knows no plan, so `{}` means nothing in it", ask.what),
                own,
            ),
            What::Item => Fault::new("a step template knows no `${item}`", own),
            What::Status(_) | What::Output(..) => Fault::new(
                format!("a step template knows no other steps, so `{}` means nothing in it", ask.what),
                own,
            ),
        };
        report.add_about(&ask, fault);
    }
}
