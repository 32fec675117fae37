//! What is carried out and how its end is understood: of a step, of its undo, of one of its modes, of a step template.

use super::action::{self, Reader};
use super::fields::{Field, Fields};
use super::lists::items;
use super::report::Report;
use super::retry;
use super::texts::condition;
use super::values::{MAX_DURATION_MS, duration, flag, whole};
use crate::expression::{About, Expression};
use crate::fault::Fault;
use crate::keys::{PERFORMED, UNDO};
use crate::native::NOTHING_HAPPENED;
use crate::plan::{Action, Command, Probe, Retry, Work};

/// What was read already.
pub(super) struct Given<'a> {
    /// What a problem calls that which does it: "the step".
    pub(super) who: &'a str,
    pub(super) action: Option<Action>,
    /// `timeout`, when it is written.
    pub(super) timeout_ms: Option<u64>,
}

/// What holds where nothing is written.
pub(super) struct Otherwise<'a> {
    pub(super) timeout_ms: u64,
    /// Of an idempotent command.
    pub(super) retry: Option<Retry>,
    /// What an override changes.
    pub(super) base: Option<Base<'a>>,
}

/// The work of a step, of which an override says what is otherwise.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) work: &'a Work,
    /// The step speaks of `retry` itself.
    pub(super) says_retry: bool,
    /// The override has an action of its own, and it is no command.
    pub(super) gives_way: bool,
}

/// What is written; nothing of it is there when it is wrong.
struct Written {
    idempotent: Option<bool>,
    strict: Option<bool>,
    fenced: Option<bool>,
    no_effect: Option<Vec<i32>>,
    probe: Option<Probe>,
    success: Option<Expression>,
    retry: Option<Retry>,
}

/// Reads some fields whose action was read already.
pub(super) fn read(
    fields: &Fields<'_>,
    given: Given<'_>,
    otherwise: &Otherwise<'_>,
    report: &mut Report,
) -> Option<Work> {
    let (who, written) = (given.who, written(fields, report));
    let base = otherwise.base.filter(|base| !base.gives_way).map(|base| base.work);
    let idempotent = idempotent(fields, who, &written, base, report);
    let native = native(given.action.as_ref());
    let can_know = native || written.probe.is_some() || fields.has("probe") || fields.has("noEffect");
    let can_know = can_know || base.is_some_and(|base| base.probe.is_some() || !base.no_effect.is_empty());
    let retry = match written.retry.or(inherited(fields, idempotent, can_know, otherwise)) {
        Some(retry) => {
            must_know(fields, who, retry, idempotent, can_know, report);
            retry
        }
        None => retry::ONCE,
    };
    let own_probe = given.action.as_ref().and_then(action::own_probe);
    let timeout_ms = given.timeout_ms.or(base.map(|base| base.timeout_ms));
    let of_base = |what: fn(&Work) -> bool| base.is_some_and(what);
    let work = Work {
        action: given.action?,
        idempotent: idempotent?,
        strict: written.strict.unwrap_or(of_base(|base| base.strict)),
        fenced: written.fenced.unwrap_or(of_base(|base| base.fenced)),
        no_effect: match native {
            true => vec![NOTHING_HAPPENED],
            false => written.no_effect.or(base.map(|base| base.no_effect.clone())).unwrap_or_default(),
        },
        probe: written.probe.or(own_probe).or(base.and_then(|base| base.probe.clone())),
        success: written.success.or(base.and_then(|base| base.success.clone())),
        timeout_ms: timeout_ms.unwrap_or(otherwise.timeout_ms),
        retry,
    };
    Some(fitting(work, timeout_ms))
}

fn written(fields: &Fields<'_>, report: &mut Report) -> Written {
    let flag = |key, report: &mut Report| fields.get(key).and_then(|field| flag(field, report));
    Written {
        idempotent: flag("idempotent", report),
        strict: flag("strict", report),
        fenced: flag("fenced", report),
        no_effect: fields.get("noEffect").map(|field| no_effect(&field, report)),
        probe: fields.get("probe").and_then(|field| action::probe(&field, report)),
        success: fields.get("success").and_then(|field| condition(field, About::Answer, report)),
        retry: fields.get("retry").and_then(|field| retry::read(&field, report)),
    }
}

/// Only a command has an answer that can be probed and judged, and only what an agent does is tried again.
fn fitting(work: Work, written_ms: Option<u64>) -> Work {
    let bare = Work { no_effect: Vec::new(), probe: None, success: None, fenced: false, ..work };
    match bare.action {
        Action::Command(_) => Work {
            no_effect: work.no_effect,
            probe: work.probe,
            success: work.success,
            fenced: work.fenced,
            ..bare
        },
        Action::Noop | Action::WaitUntil { .. } | Action::WaitStable { .. } => bare,
        Action::Child(_) => Work {
            timeout_ms: written_ms.unwrap_or(MAX_DURATION_MS),
            idempotent: true,
            strict: false,
            retry: retry::ONCE,
            ..bare
        },
        _ => Work { idempotent: true, strict: false, retry: retry::ONCE, ..bare },
    }
}

/// Whether it is done by the agent itself, which says on its own when nothing happened.
fn native(action: Option<&Action>) -> bool {
    matches!(action, Some(Action::Command(Command::Native(_))))
}

/// The key of what an agent does and that answers, with its value.
fn performed<'a>(fields: &Fields<'a>) -> Option<(&'static str, Field<'a>)> {
    PERFORMED.iter().find_map(|key| Some((*key, fields.get(key)?)))
}

/// The one question that has no default, as every answer to it can be the wrong one.
fn idempotent(
    fields: &Fields<'_>,
    who: &str,
    written: &Written,
    base: Option<&Work>,
    report: &mut Report,
) -> Option<bool> {
    if fields.has("idempotent") {
        return written.idempotent;
    }
    let Some((key, field)) = performed(fields) else {
        return Some(base.is_none_or(|base| base.idempotent));
    };
    let message = format!("{who} does not say whether its {key} may be done twice");
    let help = "add `idempotent: true` if doing it twice is the same as doing it once: a lost attempt is then simply repeated; \
                add `idempotent: false` if not: it is then never attempted twice unless the first attempt is known not to have happened";
    report.add(fields.path, field.key_at, Fault::new(message, help));
    None
}

/// The retry of something that does not speak of it.
fn inherited(
    fields: &Fields<'_>,
    idempotent: Option<bool>,
    can_know: bool,
    otherwise: &Otherwise<'_>,
) -> Option<Retry> {
    match otherwise.base {
        Some(base) => {
            // What only the plan's defaults said of an idempotent step is not said of one that is not.
            let holds = base.says_retry || can_know || idempotent == Some(true);
            Some(base.work.retry).filter(|_| holds && !base.gives_way)
        }
        None => otherwise.retry.filter(|_| idempotent == Some(true) && performed(fields).is_some()),
    }
}

/// What failed by its own word may still have happened in part, so trying it again needs a reason to believe that it
/// did not.
pub(super) fn must_know(
    fields: &Fields<'_>,
    who: &str,
    retry: Retry,
    idempotent: Option<bool>,
    can_know: bool,
    report: &mut Report,
) {
    if retry.attempts == 1 || idempotent != Some(false) || can_know {
        return;
    }
    let what = who.trim_start_matches("the ");
    let article = if what.starts_with(['o', 'u']) { "an" } else { "a" };
    let message = format!(
        "{article} {what} that is not idempotent cannot be tried again on its own word that it failed"
    );
    let help = "add a `probe` that tells whether it happened (it is asked before every attempt), or name in `noEffect` the exit codes \
                that say that nothing happened, or";
    match fields.get("retry") {
        Some(field) => {
            report.add(&field.path, field.key_at, Fault::new(message, format!("{help} remove `retry`")));
        }
        None => {
            let help = format!(
                "{help} write `retry: {{attempts: 1}}` here, as the step's own `retry` holds otherwise"
            );
            report.add(fields.path, fields.at, Fault::new(message, help));
        }
    }
}

fn no_effect(field: &Field<'_>, report: &mut Report) -> Vec<i32> {
    let codes = items(field, "write exit codes such as `noEffect: [75]`", report);
    codes
        .into_iter()
        .filter_map(|code| whole(code, 1, 255, report))
        .filter_map(|code| i32::try_from(code).ok())
        .collect()
}

/// What takes a step's effect back.
pub(super) fn undo(field: &Field<'_>, timeout_ms: u64, report: &mut Report) -> Option<Work> {
    report.within_undo(|report| {
        let fields = Fields::read(&UNDO, field.node, &field.path, report)?;
        let reader = Reader { who: "the undo", plan: None, needs: 0, timeout_ms: None };
        reader.must_have(&fields, &UNDO, report);
        let action = reader.read(&fields, &UNDO, report);
        if let (Some(Action::WaitFor(_)), Some(field)) = (&action, fields.get("wait")) {
            let help = "write `wait: {until: {command: …}}`, or `noop: {}` if nothing is to be taken back";
            field.wrong(report, "an undo that only lets time pass takes nothing back", help);
        }
        meaningless(&fields, action.as_ref(), report);
        let written_ms = fields.get("timeout").and_then(|field| duration(field, report));
        let given = Given { who: "the undo", action, timeout_ms: written_ms };
        read(&fields, given, &Otherwise { timeout_ms, retry: None, base: None }, report)
    })
}

/// Warns of keys that say something about a command where there is none.
pub(super) fn meaningless(fields: &Fields<'_>, action: Option<&Action>, report: &mut Report) {
    if let (true, Some(field)) = (native(action), fields.get("noEffect")) {
        let fault = Fault::new(
            "`noEffect` names exit codes, and the agent itself knows when nothing happened",
            "remove it",
        );
        report.warn(&field.path, field.key_at, fault);
    }
    if action.is_none_or(Action::is_performed) {
        return;
    }
    for key in ["probe", "noEffect", "fenced", "strict", "retry", "success"] {
        if let Some(field) = fields.get(key) {
            let fault =
                Fault::new(format!("`{key}` means nothing for a step without a `command`"), "remove it");
            report.warn(&field.path, field.key_at, fault);
        }
    }
}
