use baton_plan::plan::StepIndex;

use super::Word;
use crate::command::Resolution;
use crate::rejection::Rejection;
use crate::step::{Direction, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// Takes a person's word for a step that the system cannot decide: one in doubt, or one that failed.
    pub(super) fn resolve(
        &mut self,
        index: StepIndex,
        word: &Word<'_>,
        resolution: Resolution,
    ) -> Result<(), Rejection> {
        let state = &self.run.steps[index];
        let status = state.status;
        if !matches!(status, Status::InDoubt | Status::Failed | Status::UndoFailed) {
            let why =
                format!("it is {}; only a step in doubt, or one that failed, can be resolved", status.word());
            return Err(word.refused(&why));
        }
        if status != Status::InDoubt && resolution == Resolution::Failed {
            return Err(word.refused("it has failed already"));
        }
        if status == Status::Failed && (self.is_going(index) || state.done) {
            self.is_open_to_words(index, word)?;
            self.stands(index, word)?;
        }
        if status == Status::Failed && self.stands_on_what_goes_back(index) {
            return Err(word.refused("what it stands on is being undone already"));
        }
        if status == Status::UndoFailed {
            self.undo_is_open(index, word)?;
        }
        if status == Status::Failed && resolution == Resolution::Retry {
            return self.retry_by_word(index, word);
        }
        self.note(index, word);
        if status == Status::UndoFailed && resolution == Resolution::Succeeded {
            self.undone(index, Some(word.says()));
            return Ok(());
        }
        // A doing that a person knows to have failed needs no undo; one that succeeded does.
        let unwinding =
            self.run.steps[index].unwind && state_goes_on(self.run.steps[index].direction, resolution);
        self.take_word(index, resolution, word.says());
        if unwinding {
            self.run.undoing.insert(index);
        }
        Ok(())
    }
}

fn state_goes_on(direction: Direction, resolution: Resolution) -> bool {
    direction == Direction::Do && resolution == Resolution::Succeeded
}
