//! What programs read of an event: its kind, its step, its fields.

use std::collections::BTreeMap;

use super::Event;

impl Event {
    /// A word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::RunStarted { .. } => "run_started",
            Event::RunTakenOver { .. } => "run_taken_over",
            Event::RunPaused { .. } => "run_paused",
            Event::RunResumed { .. } => "run_resumed",
            Event::RunCanceling { .. } => "run_canceling",
            Event::RunFailing { .. } => "run_failing",
            Event::RunEnded { .. } => "run_ended",
            Event::Evaluated { .. } => "evaluated",
            Event::StepSkipped { .. } => "step_skipped",
            Event::WaitBegan { .. } => "wait_began",
            Event::StepGranted { .. } => "step_granted",
            Event::StepBegun { .. } => "step_begun",
            Event::AttemptEnded { .. } => "attempt_ended",
            Event::AttemptWithdrawn { .. } => "attempt_withdrawn",
            Event::AttemptLapsed { .. } => "attempt_lapsed",
            Event::AttemptReturned { .. } => "attempt_returned",
            Event::AttemptGone { .. } => "attempt_gone",
            Event::StopAsked { .. } => "stop_asked",
            Event::ProbeAsked { .. } => "probe_asked",
            Event::ProbeAnswered { .. } => "probe_answered",
            Event::LateReport { .. } => "late_report",
            Event::StepSucceeded { .. } => "step_succeeded",
            Event::StepFailed { .. } => "step_failed",
            Event::StepRetrying { .. } => "step_retrying",
            Event::StepInDoubt { .. } => "step_in_doubt",
            Event::StepDecided { .. } => "step_decided",
            Event::StepCanceled { .. } => "step_canceled",
            Event::StepHeldUp { .. } => "step_held_up",
            Event::RunQueued { .. } => "run_queued",
            Event::LocksTaken { .. } => "locks_taken",
            Event::TimeOver { .. } => "time_over",
            Event::Escalated { .. } => "escalated",
            Event::RegionLost { .. } => "region_lost",
            Event::PeopleAsked { .. } => "people_asked",
            Event::StepApproved { .. } => "step_approved",
            Event::PatienceEnded { .. } => "patience_ended",
            Event::StepFannedOut { .. } => "step_fanned_out",
            Event::ChildBegan { .. } => "child_began",
            Event::UnwindingBegan { .. } => "unwinding_began",
            Event::BranchUnwinding { .. } => "branch_unwinding",
            Event::UndoBegan { .. } => "undo_began",
            Event::StepUndone { .. } => "step_undone",
            Event::UndoFailed { .. } => "undo_failed",
            Event::RunStuck { .. } => "run_stuck",
            Event::RunUnstuck => "run_unstuck",
            Event::AttemptLost { .. } => "attempt_lost",
            Event::RegionRestored { .. } => "region_restored",
            Event::CapacitySet { .. } => "capacity_set",
            Event::EpochBegan { .. } => "epoch_began",
            Event::EvidenceHeard { .. } => "evidence_heard",
            Event::AttemptAdopted { .. } => "attempt_adopted",
        }
    }

    /// The step that it is about; `None` for the run's own events.
    pub fn step(&self) -> Option<&str> {
        match self {
            Event::RunStarted { .. }
            | Event::RunTakenOver { .. }
            | Event::RunPaused { .. }
            | Event::RunResumed { .. }
            | Event::RunCanceling { .. }
            | Event::RunFailing { .. }
            | Event::RunQueued { .. }
            | Event::LocksTaken { .. }
            | Event::TimeOver { .. }
            | Event::RegionLost { .. }
            | Event::RunUnstuck
            | Event::RegionRestored { .. }
            | Event::CapacitySet { .. }
            | Event::EpochBegan { .. }
            | Event::RunEnded { .. } => None,
            Event::UnwindingBegan { step, .. } | Event::Escalated { step, .. } => step.as_deref(),
            Event::Evaluated { step, .. }
            | Event::StepSkipped { step, .. }
            | Event::WaitBegan { step, .. }
            | Event::StepGranted { step, .. }
            | Event::StepBegun { step, .. }
            | Event::AttemptEnded { step, .. }
            | Event::AttemptWithdrawn { step, .. }
            | Event::AttemptLapsed { step, .. }
            | Event::AttemptReturned { step, .. }
            | Event::AttemptGone { step, .. }
            | Event::StopAsked { step, .. }
            | Event::ProbeAsked { step, .. }
            | Event::ProbeAnswered { step, .. }
            | Event::LateReport { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepRetrying { step, .. }
            | Event::StepInDoubt { step, .. }
            | Event::StepDecided { step, .. }
            | Event::StepHeldUp { step, .. }
            | Event::PeopleAsked { step, .. }
            | Event::StepApproved { step, .. }
            | Event::PatienceEnded { step, .. }
            | Event::StepFannedOut { step, .. }
            | Event::ChildBegan { step, .. }
            | Event::BranchUnwinding { step }
            | Event::UndoBegan { step }
            | Event::StepUndone { step, .. }
            | Event::UndoFailed { step, .. }
            | Event::RunStuck { step }
            | Event::AttemptLost { step, .. }
            | Event::EvidenceHeard { step, .. }
            | Event::AttemptAdopted { step, .. }
            | Event::StepCanceled { step } => Some(step),
        }
    }

    /// The fields that programs ask for.
    pub fn fields(&self) -> BTreeMap<&'static str, String> {
        let mut fields = BTreeMap::new();
        let mut put = |name: &'static str, value: String| {
            fields.insert(name, value);
        };
        match self {
            Event::RunTakenOver { node, term } => {
                put("node", node.to_string());
                put("term", term.to_string());
            }
            Event::StepGranted { attempt, token, agent, region, direction, .. } => {
                put("attempt", attempt.to_string());
                put("token", token.to_string());
                put("agent", agent.clone());
                put("region", region.clone());
                put("direction", direction.word().into());
            }
            Event::StepBegun { attempt, token, agent, .. }
            | Event::ProbeAsked { attempt, token, agent, .. } => {
                put("attempt", attempt.to_string());
                put("token", token.to_string());
                put("agent", agent.clone());
            }
            Event::AttemptEnded { attempt, outcome, exit_code, .. } => {
                put("attempt", attempt.to_string());
                put("outcome", outcome.word().into());
                if let Some(code) = exit_code {
                    put("exit_code", code.to_string());
                }
            }
            Event::AttemptWithdrawn { attempt, .. }
            | Event::ProbeAnswered { attempt, .. }
            | Event::StepInDoubt { attempt, .. }
            | Event::StepRetrying { attempt, .. } => put("attempt", attempt.to_string()),
            Event::AttemptLapsed { attempt, agent, .. }
            | Event::AttemptReturned { attempt, agent, .. }
            | Event::AttemptGone { attempt, agent, .. }
            | Event::AttemptLost { attempt, agent, .. }
            | Event::StopAsked { attempt, agent, .. }
            | Event::LateReport { attempt, agent, .. } => {
                put("attempt", attempt.to_string());
                put("agent", agent.clone());
            }
            Event::RunStarted { operator, .. }
            | Event::RunResumed { operator, .. }
            | Event::RunCanceling { operator, .. }
            | Event::CapacitySet { operator, .. }
            | Event::Escalated { operator, .. } => put("operator", operator.clone()),
            Event::StepDecided { operator, roles, reason, choice, .. } => {
                put("operator", operator.clone());
                put("roles", roles.join(","));
                put("reason", reason.clone());
                put("choice", choice.word().into());
            }
            Event::StepApproved { operator, roles, reason, .. } => {
                put("operator", operator.clone());
                put("roles", roles.join(","));
                put("reason", reason.clone());
            }
            Event::RegionLost { region, operator, reason, .. }
            | Event::RegionRestored { region, operator, reason } => {
                put("region", region.clone());
                put("operator", operator.clone());
                put("reason", reason.clone());
            }
            Event::ChildBegan { plan, version, .. } => {
                put("plan", plan.clone());
                put("version", version.to_string());
            }
            Event::EpochBegan { epoch, .. } => put("epoch", epoch.to_string()),
            Event::EvidenceHeard { agent, token, .. } => {
                put("agent", agent.clone());
                put("token", token.to_string());
            }
            Event::AttemptAdopted { attempt, agent, token, .. } => {
                put("attempt", attempt.to_string());
                put("agent", agent.clone());
                put("token", token.to_string());
            }
            Event::RunEnded { status, .. } => put("status", status.word().into()),
            _ => {}
        }
        fields
    }
}
