use crate::command::{Answer, AttemptKey, Reply, Speaker};
use crate::event::Event;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::Answered;

impl State {
    /// What a probe says. Only the answer to the question that is being asked now counts.
    pub(super) fn answer_probe(
        &mut self,
        at: Moment,
        speaker: &Speaker,
        key: &AttemptKey,
        answer: Answered,
        reason: &str,
    ) -> Reply {
        let index = self.locate(key)?;
        let question = self.runs[&key.run].steps[index].question.as_ref();
        let awaited = question.is_some_and(|asked| {
            asked.token == key.token && asked.speaker == *speaker && asked.answer.is_none()
        });
        if !awaited {
            return Ok(Answer::Recorded);
        }
        self.with_run(at, &key.run, |turn| {
            if let Some(question) = turn.state(index).question.as_mut() {
                question.answer = Some(answer);
            }
            turn.agents.release(speaker, key.token, at.index);
            let step = turn.name(index);
            let direction = turn.run.steps[index].direction;
            turn.record(Event::ProbeAnswered {
                direction,
                step,
                attempt: key.attempt,
                answer,
                reason: reason.to_owned(),
            });
        });
        Ok(Answer::Recorded)
    }
}
