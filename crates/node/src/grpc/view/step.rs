//! One step of a run: the attempts at it, what people are asked about it, and what it waits for.

use std::collections::BTreeMap;

use baton_api as api;
use baton_engine::choices::Doubt;
use baton_engine::locks::Owner;
use baton_engine::run::Run;
use baton_engine::scope::{self, RunScope};
use baton_engine::stamp::Moment;
use baton_engine::step::{Attempt, Outcome, Status};
use baton_engine::{State, plans::Plans};
use baton_plan::plan::{Action, Setting, Step, StepIndex, Work};
use baton_plan::reference::Template;

use super::shared;

/// So long after its timeout an attempt has been ended by its agent, and the report has come.
const OVERDUE_MS: u64 = 5000;

/// The critical paths of the plans that a run carries out, by frame; each is found when it is first asked for.
#[derive(Default)]
pub(super) struct Paths {
    by_frame: BTreeMap<usize, Vec<StepIndex>>,
}

impl Paths {
    /// A step is critical when it, and everything that it is a part of, stands on its plan's critical path.
    fn is_critical(&mut self, run: &Run, plans: &Plans, index: StepIndex) -> bool {
        let chain: Vec<_> = run.chain(index).map(|index| &run.steps[index].origin).collect();
        chain.into_iter().all(|origin| {
            let found = || {
                let mut path = scope::version(run, plans, origin.frame).graph.critical_path();
                path.sort_unstable();
                path
            };
            let path = self.by_frame.entry(origin.frame).or_insert_with(found);
            path.binary_search(&origin.definition).is_ok()
        })
    }
}

/// A step as it stands now.
pub(super) fn step(
    state: &State,
    run: &Run,
    index: StepIndex,
    paths: &mut Paths,
    now_ms: u64,
) -> api::StepView {
    let (plans, seen) = (&state.plans, &run.steps[index]);
    let described = scope::step(run, plans, index);
    let literal = described.region.as_ref().map(ToString::to_string);
    let doubt = state.doubt(run, index, now_ms);
    api::StepView {
        step: scope::name(run, plans, index),
        parent: run.chain(index).nth(1).map(|group| scope::name(run, plans, group)).unwrap_or_default(),
        item: seen.origin.item.clone().unwrap_or_default(),
        status: seen.status.word().into(),
        reason: seen.reason.clone().or_else(|| overdue(state, run, index, now_ms)).unwrap_or_default(),
        region: seen.region.clone().or(literal).unwrap_or_default(),
        idempotent: doing(run, plans, index).idempotent,
        optional: scope::is_optional(run, plans, index),
        critical: paths.is_critical(run, plans, index),
        kind: kind(run, plans, index).into(),
        direction: seen.direction.word().into(),
        undoable: described.undo.is_some(),
        modes: described.modes.iter().map(|setting| word(*setting).to_owned()).collect(),
        mode: scope::mode_word(scope::mode(run, index)).into(),
        needs: needs(run, plans, index),
        estimate_ms: described.estimate_ms.unwrap_or(0),
        not_before_ms_left: if seen.status.is_settled() {
            0
        } else {
            seen.not_before_ms.saturating_sub(now_ms)
        },
        locks: seen.locks.to_vec(),
        waits_for_locks: awaited_locks(state, run, index, now_ms),
        draws: described.draws.iter().map(|draw| (draw.resource.clone(), draw.units)).collect(),
        approval: approval(state, run, index, now_ms),
        doubt: doubt.map(doubtful),
        outputs: BTreeMap::clone(&seen.outputs),
        attempts: seen.attempts.iter().map(|seen| attempt(seen, now_ms)).collect(),
    }
}

/// What an agent that is there, yet does not end its attempt, is to be asked: a disk that hangs lets it do neither.
fn overdue(state: &State, run: &Run, index: StepIndex, now_ms: u64) -> Option<String> {
    let attempt = run.steps[index].attempts.last().filter(|attempt| attempt.is_under_way())?;
    let agent = &attempt.speaker.agent;
    let timeout_ms = scope::work(run, &state.plans, index).timeout_ms;
    let due_ms = attempt.begun.unwrap_or(attempt.granted).stamp.time_ms + timeout_ms;
    let late_ms = now_ms.saturating_sub(due_ms) / 1000 * 1000;
    let is_live = state.agents.by_name.get(agent).is_some_and(|agent| agent.live);
    (is_live && timeout_ms > 0 && late_ms > OVERDUE_MS).then(|| {
        let late = baton_plan::duration::written(late_ms);
        format!(
            "{agent} is there and has not ended it {late} after its timeout: look at its disk and its log. \
             When it is stopped, the step is decided as with any agent that is lost"
        )
    })
}

/// What the step does when it is done, also while it is undone.
fn doing<'a>(run: &Run, plans: &'a Plans, index: StepIndex) -> &'a Work {
    let described = scope::step(run, plans, index);
    let chosen = match run.steps[index].status {
        Status::Waiting => scope::variant(run, plans, index),
        _ => run.steps[index].variant,
    };
    let variant = described.variants.iter().find(|variant| Some(variant.setting) == chosen);
    variant.map_or(&described.work, |variant| &variant.work)
}

/// The steps of the same plan that must be done before. An item of a fan-out begins when the whole of it does.
fn needs(run: &Run, plans: &Plans, index: StepIndex) -> Vec<String> {
    let origin = &run.steps[index].origin;
    if origin.item.is_some() {
        return Vec::new();
    }
    let first = run.frames[origin.frame].first;
    let needs = scope::step(run, plans, index).needs.iter();
    needs.map(|need| scope::name(run, plans, first + need)).collect()
}

fn is_fan_out(run: &Run, described: &Step, index: StepIndex) -> bool {
    described.for_each.is_some() && run.steps[index].origin.item.is_none()
}

fn kind(run: &Run, plans: &Plans, index: StepIndex) -> &'static str {
    if is_fan_out(run, scope::step(run, plans, index), index) {
        return "for_each";
    }
    doing(run, plans, index).action.word()
}

fn word(setting: Setting) -> &'static str {
    match setting {
        Setting::Graceful => "graceful",
        Setting::Ungraceful => "ungraceful",
        Setting::Drill => "drill",
    }
}

/// The locks that keep a step from beginning, or its undo.
fn awaited_locks(state: &State, run: &Run, index: StepIndex, now_ms: u64) -> Vec<api::LockView> {
    let names = shared::awaited(state, run, index);
    shared::held_by_others(state, &names, &Owner { run: run.id.clone(), step: Some(index) }, now_ms)
}

/// What people are asked by an approval, manual work, or a gate that does not hold; and who has agreed.
pub(crate) fn approval(state: &State, run: &Run, index: StepIndex, now_ms: u64) -> Option<api::ApprovalView> {
    let seen = &run.steps[index];
    if is_fan_out(run, scope::step(run, &state.plans, index), index) {
        return None;
    }
    let scope = RunScope { run, plans: &state.plans, index };
    let text = |template: &Template| template.render(&scope).unwrap_or_else(|_| template.to_string());
    let asked = match &doing(run, &state.plans, index).action {
        Action::Approval(approval) => api::ApprovalView {
            message: text(&approval.message),
            approvers: approval.approvers,
            roles: approval.roles.clone(),
            two_person: approval.two_person,
            ..Default::default()
        },
        Action::Manual(manual) => api::ApprovalView {
            message: text(&manual.instructions),
            approvers: 1,
            roles: manual.roles.clone(),
            ..Default::default()
        },
        Action::Gate(gate) if seen.gate == Some(false) => api::ApprovalView {
            message: gate.expression.source().to_owned(),
            approvers: 1,
            ..Default::default()
        },
        _ => return None,
    };
    let deadline_ms = seen.deadline_ms.filter(|_| seen.status == Status::AwaitingApproval);
    Some(api::ApprovalView {
        approved_by: seen.approvals.iter().map(|said| said.operator.clone()).collect(),
        deadline_ms_left: deadline_ms.map(|deadline_ms| deadline_ms.saturating_sub(now_ms)),
        ..asked
    })
}

fn doubtful(doubt: Doubt) -> api::DoubtView {
    let choices = doubt.choices.into_iter();
    let choices = choices.map(|choice| api::ChoiceView { command: choice.command, what: choice.effect });
    api::DoubtView { known: doubt.known, choices: choices.collect() }
}

fn attempt(attempt: &Attempt, now_ms: u64) -> api::AttemptView {
    let started = attempt.begun.unwrap_or(attempt.granted);
    let ended_ms = attempt.ended.map_or(now_ms, |ended| ended.stamp.time_ms);
    let wall_ms = |at: Option<Moment>| at.map_or(0, |at| at.stamp.wall_ms);
    api::AttemptView {
        attempt: attempt.number,
        token: attempt.token,
        agent: attempt.speaker.agent.clone(),
        direction: attempt.direction.word().into(),
        outcome: attempt.outcome.map_or("", Outcome::word).into(),
        exit_code: attempt.exit_code,
        started_at_ms: started.stamp.wall_ms,
        ended_at_ms: wall_ms(attempt.ended),
        stdout: attempt.stdout.clone(),
        stderr: attempt.stderr.clone(),
        reason: attempt.reason.clone().unwrap_or_default(),
        begun: attempt.begun.is_some(),
        elapsed_ms: ended_ms.saturating_sub(started.stamp.time_ms),
    }
}
