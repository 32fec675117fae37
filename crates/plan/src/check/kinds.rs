//! What shapes the graph: `barrier`, `plan` and `forEach`.

use super::fields::{Field, Fields};
use super::lists::{few_items, once};
use super::people::time;
use super::report::Report;
use super::texts::{template, value};
use super::values::{name, scalar, whole, word};
use crate::document::Value;
use crate::fault::{Fault, shortened};
use crate::keys::{BARRIER, CHILD, FOR_EACH};
use crate::params::check::{MAX_ITEMS, no_list};
use crate::plan::{Barrier, Child, ForEach, Items};
use crate::reference::{Reference, Template};

/// `needs` is how many steps the barrier waits for; `step_ms` the step's own timeout.
pub(super) fn barrier(
    field: &Field<'_>,
    needs: usize,
    step_ms: Option<u64>,
    report: &mut Report,
) -> Option<Barrier> {
    if !matches!(field.node.value, Value::Map(_)) {
        let help = "write `barrier: {atLeast: 2}`, or `barrier: {}` to wait for all that it needs";
        field.wrong_kind(report, "a mapping", help);
        return None;
    }
    let fields = Fields::read(&BARRIER, field.node, &field.path, report)?;
    let at_least = fields.get("atLeast").map(|field| at_least(&field, needs, "steps that it needs", report));
    let timeout_ms = time(&fields, &BARRIER, step_ms, report);
    let proceed =
        fields.get("onTimeout").map(|field| word(field, &[("proceed", true), ("fail", false)], report));
    if let (Some(field), None) = (fields.get("onTimeout"), timeout_ms)
        && !fields.has("timeout")
    {
        let message = "`onTimeout` says what happens when the time is over, and there is no `timeout`";
        report.add(
            &field.path,
            field.key_at,
            Fault::new(message, "add `timeout: 10m`, or remove `onTimeout`"),
        );
    }
    if needs == 0 {
        let fault =
            Fault::new("the barrier waits for nothing", "name the steps that it waits for in `needs`");
        report.add(&field.path, field.key_at, fault);
    }
    let all = u32::try_from(needs).ok()?;
    Some(Barrier {
        at_least: at_least.unwrap_or(Some(all))?,
        timeout_ms,
        proceed: proceed.unwrap_or(Some(false))?,
    })
}

/// A number of things of which there are only so many.
fn at_least(field: &Field<'_>, there_are: usize, of: &str, report: &mut Report) -> Option<u32> {
    let number = whole(*field, 1, 1000, report)?;
    if there_are > 0 && number as usize > there_are {
        field.wrong(
            report,
            format!("`atLeast` is {number}, and there are {there_are} {of}"),
            format!("write a number from 1 to {there_are}"),
        );
        return None;
    }
    Some(number)
}

/// `own` is the name of the plan that the step belongs to.
pub(super) fn child(field: &Field<'_>, own: Option<&str>, report: &mut Report) -> Option<Child> {
    let (plan, params) = match &field.node.value {
        Value::Map(_) => {
            let fields = Fields::read(&CHILD, field.node, &field.path, report)?;
            let given = fields.get("params");
            let params = given.as_ref().map(|field| values(field, report)).unwrap_or_default();
            let params = params.into_iter().map(|(name, _, value)| (name, value)).collect();
            (other_plan(fields.get("name")?, own, report), params)
        }
        _ => (other_plan(*field, own, report), Vec::new()),
    };
    let params = params.into_iter().map(|(name, value): (String, Option<_>)| Some((name, value?)));
    Some(Child { plan: plan?, params: params.collect::<Option<_>>()? })
}

fn other_plan(field: Field<'_>, own: Option<&str>, report: &mut Report) -> Option<String> {
    let plan = name(field, report)?;
    if own == Some(plan.as_str()) {
        field.wrong(
            report,
            format!("plan `{plan}` would start itself, without end"),
            "name another plan, or make the steps that repeat a plan of their own",
        );
        return None;
    }
    Some(plan)
}

/// Values by the name of a parameter, each with its field.
pub(super) fn values<'a>(
    field: &'a Field<'a>,
    report: &mut Report,
) -> Vec<(String, Field<'a>, Option<Template>)> {
    let Value::Map(entries) = &field.node.value else {
        let message = format!("the values must be a mapping, and this is {}", field.node.value.kind());
        field.wrong(report, message, "write them by the names of the parameters: `{path: /etc/motd}`");
        return Vec::new();
    };
    let entry = |(key, node): &'a (crate::document::Key, crate::document::Node)| {
        let entry = Field { path: field.path.key(&key.name), node, key_at: key.at };
        (key.name.clone(), entry, value(entry, report))
    };
    entries.iter().map(entry).collect()
}

/// `forEach`.
pub(super) fn for_each(field: &Field<'_>, report: &mut Report) -> Option<ForEach> {
    if !matches!(field.node.value, Value::Map(_)) {
        return Some(ForEach { items: items(field, report)?, parallel: None, at_least: None });
    }
    let fields = Fields::read(&FOR_EACH, field.node, &field.path, report)?;
    let items = fields.get("items").and_then(|field| items(&field, report));
    let parallel = fields.get("parallel").map(|field| whole(field, 1, 1000, report));
    let there_are = items.as_ref().map_or(0, known);
    let at_least = fields.get("atLeast").map(|field| at_least(&field, there_are, "items", report));
    Some(ForEach {
        items: items?,
        parallel: parallel.map_or(Some(None), |parallel| parallel.map(Some))?,
        at_least: at_least.map_or(Some(None), |at_least| at_least.map(Some))?,
    })
}

/// How many items there are, as far as the plan says; 0 when only the run knows.
fn known(items: &Items) -> usize {
    match items {
        Items::List(items) => items.len(),
        Items::Text(text) => text.as_literal().map_or(0, |text| crate::params::items(text).len()),
    }
}

fn items(field: &Field<'_>, report: &mut Report) -> Option<Items> {
    let items = match &field.node.value {
        Value::List(_) => Items::List(written(field, report)?),
        Value::Text(_) => Items::Text(text(field, report)?),
        _ => {
            let help = "write the items such as `[a, b]`, or name a parameter such as \"${params.shards}\"";
            field.wrong_kind(report, "a list", help);
            return None;
        }
    };
    let templates = match &items {
        Items::List(items) => items.as_slice(),
        Items::Text(text) => std::slice::from_ref(text),
    };
    if templates.iter().flat_map(Template::references).any(|reference| *reference == Reference::Item) {
        field.wrong(
            report,
            "the items cannot be made of `${item}`",
            "write them out, or name a parameter or an output",
        );
        return None;
    }
    Some(items)
}

/// Items that are written out.
fn written(field: &Field<'_>, report: &mut Report) -> Option<Vec<Template>> {
    let (mut before, mut read) = (Vec::new(), Vec::new());
    for item in few_items(field, "", report) {
        let text = scalar(item, report)?;
        if !once(&item, "the item", &text, &before, report) {
            return None;
        }
        before.push(text);
        read.push(template(item, report)?);
    }
    if read.is_empty() {
        field.wrong(
            report,
            "there is no item, so the step would never be done",
            "list the items, or remove `forEach`",
        );
        return None;
    }
    Some(read)
}

/// Items as a text; one without references can be measured already.
fn text(field: &Field<'_>, report: &mut Report) -> Option<Template> {
    let template = template(*field, report)?;
    let Some(literal) = template.as_literal() else { return Some(template) };
    let items = crate::params::items(literal);
    let mut seen = std::collections::BTreeSet::new();
    let twice = items.iter().find(|item| !seen.insert(item.as_str()));
    let wrong = match (no_list(&items), twice) {
        (Some(wanted), _) => format!("the list must have {wanted}"),
        (None, Some(twice)) => format!("`{}` is listed twice", shortened(twice)),
        (None, None) if items.is_empty() => "there is no item, so the step would never be done".to_owned(),
        (None, None) => return Some(template),
    };
    field.wrong(
        report,
        wrong,
        format!("list 1 to {MAX_ITEMS} different items, or name a parameter such as ${{params.shards}}"),
    );
    None
}
