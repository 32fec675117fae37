//! What people are asked: approvals, manual work, and gates that do not hold.

use baton_plan::plan::{Action, Approval, Gate, Silence, StepIndex};
use baton_plan::reference::Template;

use crate::command::Request;
use crate::event::Event;
use crate::grant::Hindrance;
use crate::rare::Rare;
use crate::scope::RunScope;
use crate::step::{Said, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// Puts a question to people, for as long as their patience is meant to last.
    pub(crate) fn ask_people(&mut self, index: StepIndex, message: &Template, timeout_ms: Option<u64>) {
        let scope = RunScope { run: self.run, plans: self.plans, index };
        match message.render(&scope) {
            Ok(text) => self.await_people(index, text, timeout_ms),
            Err(missing) => self.fail(index, missing.to_string()),
        }
    }

    fn await_people(&mut self, index: StepIndex, question: String, timeout_ms: Option<u64>) {
        let deadline_ms = timeout_ms.map(|timeout_ms| self.now_ms() + timeout_ms);
        let state = self.state(index);
        state.deadline_ms = deadline_ms;
        state.approvals = Rare::default();
        if let Some(deadline_ms) = deadline_ms {
            self.alarm_at(deadline_ms);
        }
        self.turn_to(index, Status::AwaitingApproval, Some(question.clone()));
        let step = self.name(index);
        self.record(Event::PeopleAsked { step, question });
    }

    /// A gate that holds is passed; one that does not waits for a person to override it by name.
    pub(crate) fn pass_gate(&mut self, index: StepIndex, gate: &Gate) -> Result<(), Hindrance> {
        match self.run.steps[index].gate {
            None => return Err(Hindrance::Condition),
            Some(true) => self.succeed(index, None),
            Some(false) => {
                let why = format!("the gate does not hold: {}", gate.expression.source());
                self.await_people(index, why, gate.timeout_ms);
            }
        }
        Ok(())
    }

    /// One person agrees. The same person counts once.
    pub(crate) fn approve(&mut self, index: StepIndex, approval: &Approval, request: &Request, reason: &str) {
        let at = self.at;
        let state = self.state(index);
        if state.approvals.iter().any(|said| said.operator == request.operator) {
            return;
        }
        let operator = request.operator.clone();
        state.approvals.push(Said { operator: operator.clone(), reason: reason.to_owned(), at });
        let given = state.approvals.len() as u32;
        let who: Vec<_> = state.approvals.iter().map(|said| said.operator.clone()).collect();
        let step = self.name(index);
        self.record(Event::StepApproved {
            step,
            operator,
            roles: request.roles.clone(),
            reason: reason.to_owned(),
            given,
            needed: approval.approvers,
        });
        if given >= approval.approvers {
            self.succeed(index, Some(format!("approved by {}", who.join(", "))));
        }
    }

    /// Nobody decided in time: the plan says what silence means.
    pub(crate) fn settle_people(&mut self, index: StepIndex) {
        let Some(deadline_ms) = self.run.steps[index].deadline_ms else { return };
        if deadline_ms > self.now_ms() {
            return self.alarm_at(deadline_ms);
        }
        let (step, given) = (self.name(index), self.run.steps[index].approvals.len() as u32);
        let (needed, silence) = match &self.work(index).action {
            Action::Approval(approval) => (approval.approvers, approval.on_timeout),
            _ => (1, Silence::Decline),
        };
        let reason = match given {
            0 => "nobody decided in time".to_owned(),
            given => format!("only {given} of {needed} approved in time"),
        };
        self.record(Event::PatienceEnded { step, given, needed });
        match silence {
            Silence::Approve => self.succeed(index, Some(format!("{reason}, which means yes"))),
            Silence::Decline => self.fail(index, reason),
        }
    }
}
