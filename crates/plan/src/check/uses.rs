//! A step that is made from a step template: `uses` and `with`.

use super::around::Around;
use super::fields::{Field, Fields};
use super::named::wanted;
use super::report::Report;
use super::step::Doing;
use super::texts::region;
use super::values::{duration, scalar};
use super::{kinds, modes, retry, work};
use crate::fault::{Fault, shortened};
use crate::keys::STEP;
use crate::nearest::suggestion;
use crate::plan::{Binding, Param, Uses, Work};
use crate::reference::{Reference, Template};
use crate::template::StepTemplate;

/// What a step may say beside `uses`; all else is the step template's.
const OWN: [&str; 18] = [
    "name",
    "description",
    "owner",
    "needs",
    "region",
    "elsewhere",
    "when",
    "optional",
    "timeout",
    "retry",
    "estimate",
    "onFailure",
    "draws",
    "locks",
    "forEach",
    "modes",
    "uses",
    "with",
];

pub(super) fn read(
    fields: &Fields<'_>,
    name: Option<&str>,
    timeout_ms: Option<u64>,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Doing> {
    refuse_others(fields, report);
    let own_region = fields.get("region").map(|field| region(field, report));
    let own_retry = fields.get("retry").map(|field| retry::read(&field, report));
    let estimate_ms = fields.get("estimate").and_then(|field| duration(field, report));
    let field = fields.get("uses")?;
    let (version, template) = find(&field, around, report)?;
    let with = bindings(fields, &field, &template, report)?;
    let region = match own_region {
        Some(region) => Some(region?),
        None => template.region.as_ref().map(|region| filled(region, &with)),
    };
    work::meaningless(fields, Some(&template.work.action), report);
    let mut work = template.work;
    work.action = modes::waiting(work.action, timeout_ms);
    work.timeout_ms = timeout_ms.unwrap_or(work.timeout_ms);
    if let Some(retry) = own_retry {
        let can_know = work.probe.is_some() || !work.no_effect.is_empty();
        work.retry = retry?;
        work::must_know(fields, "the step", work.retry, Some(work.idempotent), can_know, report);
    }
    Some(Doing {
        work,
        undo: template.undo.map(|undo| of_step(undo, &template.name, name.unwrap_or_default())),
        region,
        estimate_ms: estimate_ms.or(template.estimate_ms),
        with,
        uses: Some(Uses { name: template.name, version }),
    })
}

fn refuse_others(fields: &Fields<'_>, report: &mut Report) {
    for key in STEP.keys.iter().map(|key| key.name).filter(|key| !OWN.contains(key)) {
        if let Some(field) = fields.get(key) {
            let message = format!("`{key}` cannot stand beside `uses`: the step template says it");
            let help = format!("remove `{key}`, or write the step out without `uses`");
            report.add(&field.path, field.key_at, Fault::new(message, help));
        }
    }
}

/// The step template, and its version.
fn find(field: &Field<'_>, around: &Around<'_>, report: &mut Report) -> Option<(u32, StepTemplate)> {
    let text = scalar(*field, report)?;
    let Some((name, version)) = wanted(&text) else {
        let message = format!("`{}` cannot be the name of a step template", shortened(&text));
        field.wrong(report, message, "write `uses: NAME`, or `uses: NAME@3` for version 3 of it");
        return None;
    };
    let found = around.named.find(name, version);
    if found.is_none() {
        let names = around.named.names();
        match (names.iter().any(|known| known == name), version) {
            (true, Some(version)) => field.wrong(
                report,
                format!("step template `{name}` has no version {version}"),
                format!("write `uses: {name}` for its newest version"),
            ),
            _ => field.wrong(
                report,
                format!("there is no step template `{name}`"),
                suggestion(name, "the step templates are", names.iter().map(String::as_str)),
            ),
        }
    }
    found.cloned()
}

/// A value for every parameter of the step template, in its order.
fn bindings(
    fields: &Fields<'_>,
    uses: &Field<'_>,
    template: &StepTemplate,
    report: &mut Report,
) -> Option<Vec<Binding>> {
    let with = fields.get("with");
    let given = with.as_ref().map(|field| kinds::values(field, report)).unwrap_or_default();
    for (name, entry, _) in &given {
        if !template.params.iter().any(|param| param.name == *name) {
            let message = format!("step template `{}` has no parameter `{}`", template.name, shortened(name));
            let names = template.params.iter().map(|param| param.name.as_str());
            report.add(
                &entry.path,
                entry.key_at,
                Fault::new(message, suggestion(name, "the parameters are", names)),
            );
        }
    }
    let place = with.as_ref().unwrap_or(uses);
    let bindings = template.params.iter().map(|param| {
        let value = match given.iter().find(|(name, ..)| *name == param.name) {
            Some((_, entry, value)) => of_type(param, entry, value.clone()?, report)?,
            None => otherwise(param, template, place, report)?,
        };
        Some(Binding { name: param.name.clone(), kind: param.kind, value })
    });
    // All are looked at before one that is wrong ends it.
    bindings.collect::<Vec<_>>().into_iter().collect()
}

/// A value that says all of itself can be measured already.
fn of_type(param: &Param, entry: &Field<'_>, value: Template, report: &mut Report) -> Option<Template> {
    if let Some(message) = value.as_literal().and_then(|literal| param.check(literal).err()) {
        entry.wrong(report, message, "correct the value");
        return None;
    }
    Some(value)
}

fn otherwise(
    param: &Param,
    template: &StepTemplate,
    place: &Field<'_>,
    report: &mut Report,
) -> Option<Template> {
    if let Some(default) = &param.default {
        return Some(Template::literal(default));
    }
    let message = format!("step template `{}` needs a value for `{}`", template.name, param.name);
    let what = param.description.as_deref().map(|what| format!(" ({})", shortened(what)));
    let help = format!("add `{}: …` under `with`{}", param.name, what.unwrap_or_default());
    report.add(&place.path, place.key_at, Fault::new(message, help));
    None
}

/// Text of the step template in the words of the plan around.
fn filled(text: &Template, with: &[Binding]) -> Template {
    text.replaced(|reference| match reference {
        Reference::Param(name) => {
            with.iter().find(|binding| binding.name == *name).map(|binding| binding.value.clone())
        }
        _ => None,
    })
}

/// An undo whose own outputs stand under the step's name.
fn of_step(undo: Work, template: &str, step: &str) -> Work {
    undo.with_texts(|text| {
        text.replaced(|reference| match reference {
            Reference::Output { step: named, key } if named == template => {
                Some(Template::of(Reference::Output { step: step.to_owned(), key: key.clone() }))
            }
            _ => None,
        })
    })
}
