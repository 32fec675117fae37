//! One step by itself: what can be said about it without looking at the others.

use super::action::Reader;
use super::asks::Ask;
use super::fields::{Field, Fields};
use super::lists::items;
use super::report::Report;
use super::texts::{condition, region};
use super::values::{duration, flag, name, scalar};
use super::work::{self, Given, Otherwise};
use super::{around::Around, fit, holds, kinds, modes, spec, uses};
use crate::document::{Position, Value};
use crate::expression::About;
use crate::fault::{Fault, shortened};
use crate::keys::STEP;
use crate::plan::{Binding, Step, Uses, Work};
use crate::reference::Template;

const MAX_NEEDS: usize = 1000;

/// A step whose links to others are still names.
pub(super) struct Outline {
    pub(super) name: Option<String>,
    pub(super) name_at: Position,
    pub(super) needs: Vec<(String, Position)>,
    pub(super) asks: Vec<Ask>,
    /// It has `forEach`, so `${item}` means something.
    pub(super) has_items: bool,
    /// It is a child plan, which has no outputs.
    pub(super) is_child: bool,
    /// Somebody thought about how long it may take.
    pub(super) says_timeout: bool,
    /// Without its needs; `None` when it is wrong.
    pub(super) step: Option<Step>,
}

/// What a step does: written out, or taken from a step template.
pub(super) struct Doing {
    pub(super) work: Work,
    pub(super) undo: Option<Work>,
    pub(super) region: Option<Template>,
    pub(super) estimate_ms: Option<u64>,
    pub(super) with: Vec<Binding>,
    pub(super) uses: Option<Uses>,
}

pub(super) fn read(item: &Field<'_>, around: &Around<'_>, report: &mut Report) -> Outline {
    let mut outline = Outline {
        name: None,
        name_at: item.node.at,
        needs: Vec::new(),
        asks: Vec::new(),
        has_items: false,
        is_child: false,
        says_timeout: around.says_timeout,
        step: None,
    };
    let Some(fields) = Fields::read(&STEP, item.node, &item.path, report) else { return outline };
    if let Some(field) = fields.get("name") {
        outline.name_at = field.node.at;
        outline.name = name(field, report);
    }
    outline.needs = fields.get("needs").map(|field| needs(&field, report)).unwrap_or_default();
    outline.has_items = fields.has("forEach");
    outline.is_child = fields.has("plan");
    outline.says_timeout |= fields.has("timeout") || fields.has("uses");
    outline.step = step(&fields, &outline, around, report);
    outline.asks = report.take_asks();
    outline
}

fn needs(field: &Field<'_>, report: &mut Report) -> Vec<(String, Position)> {
    if let Value::Text(text) = &field.node.value {
        field.wrong(
            report,
            "needs must be a list, and this is text",
            format!("write `needs: [{}]`", shortened(text)),
        );
        return Vec::new();
    }
    let items = items(field, "write `needs: [first-step, second-step]`", report);
    if items.len() > MAX_NEEDS {
        let message = format!("the step needs {} others, and {MAX_NEEDS} is the most", items.len());
        field.wrong(report, message, "put a `noop` step between, which needs them all");
        return Vec::new();
    }
    items.into_iter().filter_map(|item| Some((scalar(item, report)?, item.node.at))).collect()
}

fn step(fields: &Fields<'_>, outline: &Outline, around: &Around<'_>, report: &mut Report) -> Option<Step> {
    let timeout_ms = fields.get("timeout").and_then(|field| duration(field, report));
    let doing = match fields.has("uses") {
        true => uses::read(fields, outline.name.as_deref(), timeout_ms, around, report),
        false => written_out(fields, outline, timeout_ms, around, report),
    };
    let text = |key, report: &mut Report| fields.get(key).and_then(|field| scalar(field, report));
    let truth = |key, report: &mut Report| fields.get(key).and_then(|field| flag(field, report));
    let optional = truth("optional", report).unwrap_or(false);
    let modes = fields.get("modes").map(|field| modes::modes(&field, report)).unwrap_or_default();
    let overridden = modes::Around {
        work: doing.as_ref().map(|doing| &doing.work),
        says_retry: fields.has("retry"),
        timeout_ms,
        optional,
        modes: &modes,
    };
    let variants = fields.get("inMode").map(|field| modes::variants(&field, &overridden, report));
    let draws = fields.get("draws").map(|field| holds::draws(&field, &around.resources, report));
    let locks = fields.get("locks").map(|field| holds::locks(&field, report));
    let step = Step {
        name: outline.name.clone().unwrap_or_default(),
        description: text("description", report),
        owner: text("owner", report),
        needs: Vec::new(),
        elsewhere: truth("elsewhere", report).unwrap_or(!optional),
        when: fields.get("when").and_then(|field| condition(field, About::Run, report)),
        optional,
        on_failure: spec::on_failure(fields, report).unwrap_or(around.on_failure),
        draws: draws.unwrap_or_default(),
        locks: locks.unwrap_or_default(),
        for_each: fields.get("forEach").and_then(|field| kinds::for_each(&field, report)),
        variants: variants.unwrap_or_default(),
        modes,
        ..doing?.step()
    };
    outline.name.as_ref()?;
    fit::check(step, fields, around, report)
}

/// An action of its own, with all that belongs to it.
fn written_out(
    fields: &Fields<'_>,
    outline: &Outline,
    timeout_ms: Option<u64>,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Doing> {
    let who = "the step";
    let reader = Reader { who, plan: around.plan, needs: outline.needs.len(), timeout_ms };
    reader.must_have(fields, &STEP, report);
    let action = reader.read(fields, &STEP, report);
    work::meaningless(fields, action.as_ref(), report);
    let region = match fields.get("region") {
        Some(field) => region(field, report).map(Some),
        None => fit::region(fields, None, action.as_ref().is_some_and(fit::is_by_agent), around, report),
    };
    if let (Some(field), false) = (fields.get("with"), fields.has("uses")) {
        let help = "name the step template with `uses`, or remove `with`; a child plan takes its values in `plan: {name, params}`";
        report.add(&field.path, field.key_at, Fault::new("`with` belongs to `uses`", help));
    }
    let otherwise = Otherwise { timeout_ms: around.timeout_ms, retry: around.retry, base: None };
    let work = work::read(fields, Given { who, action, timeout_ms }, &otherwise, report);
    let undo = fields.get("undo").map(|field| work::undo(&field, around.timeout_ms, report));
    let estimate_ms = fields.get("estimate").and_then(|field| duration(field, report));
    Some(Doing {
        work: work?,
        undo: undo.map_or(Some(None), |undo| undo.map(Some))?,
        region: region?,
        estimate_ms,
        with: Vec::new(),
        uses: None,
    })
}

impl Doing {
    /// A step that does it, and of which nothing else is known.
    fn step(self) -> Step {
        Step {
            name: String::new(),
            description: None,
            owner: None,
            needs: Vec::new(),
            region: self.region,
            elsewhere: true,
            work: self.work,
            undo: self.undo.map(Box::new),
            when: None,
            optional: false,
            estimate_ms: self.estimate_ms,
            on_failure: crate::plan::OnFailure::Stop,
            draws: Vec::new(),
            locks: Vec::new(),
            for_each: None,
            modes: Vec::new(),
            variants: Vec::new(),
            with: self.with,
            uses: self.uses,
        }
    }
}
