//! What a plan has and a step holds: `resources`, `draws` and `locks`.

use super::fields::Field;
use super::lists::{counts, few_items, once};
use super::report::Report;
use super::texts::template;
use super::values::scalar;
use crate::fault::{Fault, shortened};
use crate::nearest::suggestion;
use crate::plan::{Draw, Resource};
use crate::reference::Template;

/// `spec.resources`. One whose capacity is wrong is still known by its name, so that draws on it are not reported too.
pub(super) fn resources(field: &Field<'_>, report: &mut Report) -> Vec<Resource> {
    let counts = counts(field, "write capacities by name: `resources: {restore-io: 2}`", report);
    let resource = |(name, capacity, _): (String, Option<u32>, Field<'_>)| Resource {
        name,
        capacity: capacity.unwrap_or(u32::MAX),
    };
    counts.into_iter().map(resource).collect()
}

/// A step's `draws`.
pub(super) fn draws(field: &Field<'_>, resources: &[Resource], report: &mut Report) -> Vec<Draw> {
    let mut draws = Vec::new();
    for (resource, units, entry) in counts(field, "write units by resource: `draws: {restore-io: 1}`", report)
    {
        match resources.iter().find(|declared| declared.name == resource) {
            None if report.is_full() => report.count(),
            None => report.add(&entry.path, entry.key_at, undeclared(&resource, resources)),
            Some(declared) if units.is_some_and(|units| units > declared.capacity) => {
                let message = format!(
                    "the step draws {} of `{resource}`, which has {}, so it could never start",
                    units.unwrap_or_default(),
                    declared.capacity
                );
                entry.wrong(report, message, "draw less, or raise the capacity under `spec.resources`");
            }
            Some(_) => {}
        }
        draws.extend(units.map(|units| Draw { resource, units }));
    }
    draws
}

fn undeclared(resource: &str, resources: &[Resource]) -> Fault {
    let message = format!("there is no resource `{}`", shortened(resource));
    let names = resources.iter().map(|resource| resource.name.as_str());
    let help = match resources.is_empty() {
        true => format!("declare it with its capacity: `spec.resources: {{{}: 1}}`", shortened(resource)),
        false => suggestion(resource, "the resources are", names),
    };
    Fault::new(message, help)
}

/// Names of locks: of a plan or of a step.
pub(super) fn locks(field: &Field<'_>, report: &mut Report) -> Vec<Template> {
    let (mut before, mut locks) = (Vec::new(), Vec::new());
    for item in few_items(field, "write names such as `locks: [shop]`", report) {
        let Some(text) = scalar(item, report) else { continue };
        if once(&item, "the lock's name", &text, &before, report) {
            before.push(text);
            locks.extend(template(item, report));
        }
    }
    locks
}
