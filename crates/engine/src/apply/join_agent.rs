use std::collections::BTreeSet;

use baton_plan::plan::StepIndex;

use crate::agents::Agent;
use crate::command::{Answer, Join, Reply};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::{Outcome, Status};
use crate::turn::Turn;

/// What an agent's coming says about the attempts that it held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coming {
    /// The same journal: what it began goes on.
    Back,
    /// A new journal in the same place: what its predecessor began has been ended (semantics R5).
    Reborn,
    /// The same name in another place proves nothing about the first.
    Stranger,
    /// The very journal in another place: what it says of its attempts proves nothing.
    Copy,
}

impl State {
    /// An agent is there, and says who it is.
    pub(super) fn join_agent(&mut self, at: Moment, join: &Join) -> Reply {
        let name = join.speaker.agent.clone();
        let coming = match self.agents.by_name.get(&name) {
            None => Coming::Stranger,
            Some(known) if known.join.speaker == join.speaker && known.join.host == join.host => Coming::Back,
            Some(known) if known.join.host == join.host => Coming::Reborn,
            Some(known) if known.live => return Err(taken(known, join)),
            Some(_) => Coming::Stranger,
        };
        let copied = match coming {
            Coming::Stranger => self.attempts_of_copy(join)?,
            Coming::Back | Coming::Reborn | Coming::Copy => BTreeSet::new(),
        };
        let now_ms = at.stamp.time_ms;
        let agent = self.agents.by_name.entry(name).or_insert_with(|| Agent {
            join: join.clone(),
            live: true,
            open: Default::default(),
            since_ms: now_ms,
            most_slots: join.slots,
            changed: at.index,
        });
        agent.most_slots = agent.most_slots.max(join.slots);
        let held = agent.open.clone();
        let before = std::mem::replace(&mut agent.join, join.clone());
        (agent.live, agent.since_ms, agent.changed) = (true, now_ms, at.index);
        if coming != Coming::Back {
            agent.open.clear();
        }
        self.agents.freed += 1;
        let held: BTreeSet<_> = held.into_values().collect();
        for (run, index) in held.difference(&copied) {
            self.turn(at, run, |turn| turn.agent_came(*index, &before.speaker, coming));
        }
        for (run, index) in &copied {
            self.turn(at, run, |turn| turn.agent_came(*index, &join.speaker, Coming::Copy));
        }
        self.settle_starved(at);
        Ok(Answer::Done)
    }

    /// Attempts of a journal that turns up in another place than the one it was known from. A copy
    /// of it would take the original's attempts for ended and say so, which proves nothing (the
    /// matrix's A09): while one is undecided that must not be repeated, the journal is refused.
    fn attempts_of_copy(&self, join: &Join) -> Result<BTreeSet<(String, StepIndex)>, Rejection> {
        let mut copied = BTreeSet::new();
        for id in &self.active {
            let (run, version) = (&self.runs[id], self.version_of(&self.runs[id]));
            for index in &run.open {
                let attempt = run.steps[*index].attempt();
                if attempt.is_none_or(|attempt| attempt.speaker != join.speaker || !attempt.is_under_way()) {
                    continue;
                }
                let step = &version.plan.steps[*index];
                if !step.idempotent || step.strict {
                    return Err(copied_journal(join, id, &step.name));
                }
                copied.insert((id.clone(), *index));
            }
        }
        Ok(copied)
    }
}

fn copied_journal(join: &Join, run: &str, step: &str) -> Rejection {
    Rejection::Refused(format!(
        "the journal of agent `{}` comes from another place than the one that began step `{step}` of run `{run}`, \
         and what it says about it would prove nothing: start the agent where it was, or decide the step with \
         `baton run resolve {run} {step}`",
        join.speaker.agent
    ))
}

fn taken(known: &Agent, join: &Join) -> Rejection {
    Rejection::Refused(format!(
        "an agent named `{}` is live in another place ({}); this one is in {}: give it another name, or stop the other",
        join.speaker.agent, known.join.host, join.host
    ))
}

impl Turn<'_> {
    /// Draws from an agent's coming what it proves about one step.
    fn agent_came(&mut self, index: usize, speaker: &crate::command::Speaker, coming: Coming) {
        self.forget_question(index, speaker, coming);
        let status = self.run.steps[index].status;
        let Some(attempt) = self.attempt(index) else { return };
        if attempt.speaker != *speaker || !attempt.is_under_way() || status.is_settled() {
            return;
        }
        let (number, agent) = (attempt.number, speaker.agent.clone());
        match coming {
            Coming::Stranger => attempt.lapsed = true,
            Coming::Copy => {
                let reason = "its agent's journal came back in another place".to_owned();
                self.end_attempt(index, Outcome::Unknown, Some(reason));
            }
            Coming::Back if attempt.lapsed => {
                attempt.lapsed = false;
                self.turn_to(index, Status::Running, None);
                let step = self.name(index);
                self.record(Event::AttemptReturned { step, attempt: number, agent });
            }
            Coming::Back => {}
            Coming::Reborn if attempt.begun.is_none() => {
                self.withdraw(index, "its agent came back without its journal");
            }
            Coming::Reborn => {
                attempt.gone = true;
                let reason = "its agent came back without its journal".to_owned();
                self.end_attempt(index, Outcome::Unknown, Some(reason));
                let step = self.name(index);
                self.record(Event::AttemptGone { step, attempt: number, agent });
            }
        }
    }

    /// A probe that was asked through a journal that is gone must be asked again; so must one
    /// about an attempt that is back.
    fn forget_question(&mut self, index: usize, speaker: &crate::command::Speaker, coming: Coming) {
        let state = self.state(index);
        let unanswered = state.question.as_ref().filter(|asked| asked.answer.is_none());
        let of_agent = unanswered.is_some_and(|asked| asked.speaker == *speaker) && coming != Coming::Back;
        let of_attempt = coming == Coming::Back
            && state.attempt().is_some_and(|attempt| attempt.speaker == *speaker && attempt.is_under_way());
        if (of_agent || of_attempt)
            && let Some(asked) = state.question.take()
        {
            self.agents.release(&asked.speaker, asked.token, self.at.index);
        }
    }
}
