use baton_plan::plan::StepIndex;

use super::Word;
use crate::rejection::Rejection;
use crate::step::{Direction, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// The run goes on without the step, or without its undo.
    pub(super) fn skip_by_word(&mut self, index: StepIndex, word: &Word<'_>) -> Result<(), Rejection> {
        let state = &self.run.steps[index];
        match (state.status, state.direction) {
            (Status::Waiting | Status::Failed | Status::AwaitingApproval, Direction::Do) => {
                if state.unwind {
                    return Err(word.refused("what was done for it is undone; start the run again"));
                }
                self.is_open_to_words(index, word)?;
                self.note(index, word);
                self.skip(index, word.says());
            }
            (Status::UndoFailed, _) => {
                self.undo_is_open(index, word)?;
                self.leave_not_undone(index, word);
            }
            (Status::InDoubt, _) => {
                let way = "whether it happened is not known; say it with `baton run resolve`";
                return Err(word.refused(way));
            }
            (status, _) => return Err(word.refused(&format!("it is {}", status.word()))),
        }
        Ok(())
    }

    /// The effect stands, on a person's word; what the step needed may be undone now.
    fn leave_not_undone(&mut self, index: StepIndex, word: &Word<'_>) {
        self.note(index, word);
        self.run.exceptions += 1;
        self.run.undoing.remove(&index);
        self.state(index).reason = Some(format!("not undone: {}", word.says()));
    }
}
