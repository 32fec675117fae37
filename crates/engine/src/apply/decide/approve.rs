use baton_plan::plan::{Action, StepIndex};

use super::Word;
use crate::command::Choice;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::step::Status;
use crate::turn::Turn;

impl Turn<'_> {
    /// A person's answer to an approval, to manual work, or about a gate that does not hold.
    pub(super) fn answer(&mut self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        let action = &self.work(index).action;
        let kind = match action {
            Action::Approval(_) => "an approval",
            Action::Manual(_) => "manual work",
            Action::Gate(_) => "a gate",
            _ => return Err(word.refused("it asks nobody; only approvals, manual work and gates do")),
        };
        let status = self.run.steps[index].status;
        let failed_gate = status == Status::Failed && word.choice == Choice::Override;
        if failed_gate && self.was_declined(index) {
            let Word { run, step, .. } = word;
            return Err(
                word.refused(&format!("it was declined; to ask anew, `baton run retry {run} {step}`"))
            );
        }
        if status != Status::AwaitingApproval && !failed_gate {
            return Err(word.refused(&self.why_not_awaited(index)));
        }
        match (action, word.choice) {
            (Action::Approval(approval), Choice::Approve) => {
                self.may_decide(word, &approval.roles)?;
                if approval.two_person && word.request.operator == self.run.operator {
                    return Err(word.refused("it takes two people, and you started the run"));
                }
                self.approve(index, approval, word.request, word.reason);
            }
            (Action::Approval(approval), Choice::Decline) => {
                self.may_decide(word, &approval.roles)?;
                self.decline(index, word);
            }
            (Action::Manual(manual), Choice::Finish | Choice::Approve) => {
                self.may_decide(word, &manual.roles)?;
                self.note(index, word);
                self.succeed(index, Some(word.says()));
            }
            (Action::Manual(manual), Choice::Decline) => {
                self.may_decide(word, &manual.roles)?;
                self.decline(index, word);
            }
            (Action::Gate(_), Choice::Override) => {
                self.note(index, word);
                self.succeed(index, Some(format!("overridden by {}", word.who_and_why())));
            }
            (Action::Gate(_), Choice::Decline) => self.decline(index, word),
            _ => return Err(word.refused(&format!("it is {kind}"))),
        }
        Ok(())
    }

    fn decline(&mut self, index: StepIndex, word: &Word<'_>) {
        self.note(index, word);
        self.fail(index, format!("declined by {}", word.who_and_why()));
    }

    /// The newest decision about the step is a "no", which another person's "yes" must not undo unseen.
    fn was_declined(&self, index: StepIndex) -> bool {
        let name = self.name(index);
        let mut decisions = self.run.timeline.iter().rev().filter_map(|record| match &record.event {
            Event::StepDecided { step, choice, .. } if *step == name => Some(*choice),
            _ => None,
        });
        decisions.next() == Some(Choice::Decline)
    }

    /// What became of a question that nobody waits for any more: the later of two people is told.
    fn why_not_awaited(&self, index: StepIndex) -> String {
        let state = &self.run.steps[index];
        let reason = state.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        match state.status {
            Status::Waiting => "it is not asked yet".into(),
            Status::Failed => format!("it has failed already{reason}"),
            Status::Succeeded => format!("it has succeeded already{reason}"),
            status => format!("it is {} already{reason}", status.word()),
        }
    }

    fn may_decide(&self, word: &Word<'_>, roles: &[String]) -> Result<(), Rejection> {
        match roles.is_empty() || roles.iter().any(|role| word.request.roles.contains(role)) {
            true => Ok(()),
            false => {
                let roles = roles.join(", ");
                Err(word.refused(&format!("it takes one of the roles {roles}; say yours with `--role`")))
            }
        }
    }
}
