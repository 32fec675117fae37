use baton_plan::plan::StepIndex;

use super::Word;
use crate::command::Choice;
use crate::doubt::asks_first;
use crate::rejection::Rejection;
use crate::run::Heading;
use crate::step::{Direction, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// Attempts again what failed, or what pauses before its next attempt; of a group, what failed of it.
    pub(super) fn retry_by_word(&mut self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        let state = &self.run.steps[index];
        if word.choice == Choice::Ask && state.status != Status::InDoubt {
            return Err(word.refused(&format!("it is {}", state.status.word())));
        }
        match (state.status, state.direction) {
            (Status::Failed, Direction::Do) => self.retry_failed(index, word),
            (Status::UndoFailed, _) => {
                self.undo_is_open(index, word)?;
                self.attempt_or_ask(index, word)
            }
            (Status::Waiting | Status::Undoing, _) if state.not_before_ms > self.now_ms() => {
                self.note(index, word);
                self.state(index).not_before_ms = 0;
                Ok(())
            }
            (Status::AwaitingApproval, _) if self.run.steps[index].gate == Some(false) => {
                self.note(index, word);
                self.start_over(index);
                Ok(())
            }
            (Status::InDoubt, _) if self.work(index).probe.is_some() => {
                self.somebody_asks(index, word)?;
                // To ask again can only make known what happened.
                self.note(index, &Word { choice: Choice::Ask, ..*word });
                self.let_go_of_question(index);
                Ok(())
            }
            (Status::InDoubt, _) => {
                let way = "whether it happened is not known; say it with `baton run resolve`";
                Err(word.refused(way))
            }
            (status, _) => Err(word.refused(&format!("it is {}", status.word()))),
        }
    }

    fn retry_failed(&mut self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        self.is_open_to_words(index, word)?;
        self.stands(index, word)?;
        if self.is_group(index) && !self.run.steps[index].members.is_empty() {
            self.note(index, word);
            self.reopen_group(index);
            return Ok(());
        }
        self.attempt_or_ask(index, word)
    }

    /// Attempts again what failed; where a probe can tell whether it happened after all, it is asked first, when it is the
    /// step's turn; unless the word is that it did not.
    fn attempt_or_ask(&mut self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        if word.choice != Choice::Retry {
            self.disprove(index);
        } else if asks_first(self.work(index), &self.run.steps[index]) {
            self.somebody_asks(index, word)?;
        }
        self.note(index, word);
        self.attempt_again(index, word.says());
        Ok(())
    }

    /// An agent is live that could ask the step's probe.
    fn somebody_asks(&self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        let region = self.run.steps[index].region.as_deref().unwrap_or_default();
        match self.agent_for(region, 0) {
            Some(_) => Ok(()),
            None => {
                let nobody = self.nobody(region).text();
                Err(word.refused(&format!("nobody can ask its probe: {nobody}")))
            }
        }
    }

    /// Whether a person's word on a step can still change anything for its run.
    pub(super) fn is_open_to_words(&self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        if self.run.chain(index).any(|index| self.run.steps[index].done) {
            return Err(word.refused("the run went on without it"));
        }
        if !self.is_going(index) {
            return Err(word.refused("what it belongs to is on its way to another end"));
        }
        Ok(())
    }

    /// Whether what the step stands on is still there.
    pub(super) fn stands(&self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        match self.run.steps[index].unwind || self.branch_was_undone(index) {
            true => Err(word.refused("what was done for it is undone; start the run again")),
            false => Ok(()),
        }
    }

    /// A step that it needs is on its way back, or has been undone.
    pub(super) fn stands_on_what_goes_back(&self, index: StepIndex) -> bool {
        let first = self.run.frames[self.run.steps[index].origin.frame].first;
        let mut needs = self.step(index).needs.iter().map(|need| &self.run.steps[first + need]);
        needs.any(|need| need.direction == Direction::Undo)
    }

    /// Whether a failed undo still waits for a word.
    pub(super) fn undo_is_open(&self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        match self.run.undoing.contains(&index) {
            true => Ok(()),
            false => Err(word.refused("its undo was left out already")),
        }
    }

    /// A step that it needs, or a member of it, was undone.
    fn branch_was_undone(&self, index: StepIndex) -> bool {
        let origin = &self.run.steps[index].origin;
        let first = self.run.frames[origin.frame].first;
        let needs = self.step(index).needs.iter().map(|need| first + need);
        let undone = |index: StepIndex| self.run.steps[index].status == Status::Undone;
        let unwound =
            self.frame_of(index).is_some_and(|frame| self.run.frames[frame].heading == Heading::Unwinding);
        unwound || needs.chain(self.run.steps[index].members.clone()).any(undone)
    }
}
