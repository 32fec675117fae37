use std::collections::{BTreeMap, BTreeSet};

use baton_plan::plan::StepIndex;

use crate::agents::Agent;
use crate::command::{Answer, Join, Reply, Speaker};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::scope;
use crate::stamp::Moment;
use crate::state::{Freed, State};
use crate::step::Outcome;
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
        let known_from_elsewhere = match coming {
            Coming::Stranger => self.attempts_of_journal(join)?,
            Coming::Back | Coming::Reborn | Coming::Copy => Vec::new(),
        };
        let (before, held) = self.take_in(&name, coming, join, at);
        self.agents.change(&name, |agent| {
            for (run, index, token, coming) in &known_from_elsewhere {
                if *coming == Coming::Back {
                    agent.open.insert(*token, (run.clone(), *index));
                }
            }
        });
        self.agents.touch(&join.speaker, at.index);
        self.agents.freed += 1;
        // What an agent's coming proves about one step must be known before another step of the run moves.
        let mut moves: Moves = BTreeMap::new();
        for (run, index) in held.into_values().collect::<BTreeSet<_>>() {
            moves.entry(run).or_default().push((index, before.clone(), coming));
        }
        for (run, index, _, coming) in known_from_elsewhere {
            moves.entry(run).or_default().push((index, join.speaker.clone(), coming));
        }
        for (run, moves) in moves {
            self.turn(at, &run, |turn| {
                for (index, speaker, coming) in moves {
                    turn.agent_came(index, &speaker, coming);
                }
            });
        }
        self.settle_starved(at, Freed::Anything);
        Ok(Answer::Done)
    }

    /// Notes that the agent is there, and gives back who it was before, and what it held then.
    fn take_in(&mut self, name: &str, coming: Coming, join: &Join, at: Moment) -> (Speaker, Held) {
        let now_ms = at.stamp.time_ms;
        let known = self.agents.change(name, |agent| {
            agent.most_slots = agent.most_slots.max(join.slots);
            let held = agent.open.clone();
            let before = std::mem::replace(&mut agent.join, join.clone());
            (agent.live, agent.since_ms) = (true, now_ms);
            if coming != Coming::Back {
                agent.open.clear();
            }
            (before.speaker, held)
        });
        known.unwrap_or_else(|| {
            self.agents.add(Agent {
                join: join.clone(),
                live: true,
                open: Held::default(),
                since_ms: now_ms,
                most_slots: join.slots,
                changed: at.index,
            });
            (join.speaker.clone(), Held::default())
        })
    }

    /// Attempts of a journal that turns up in another place than the one its agent was known from last. In the place
    /// where they began, they go on. Anywhere else it is a copy, which would take the original's attempts for ended and
    /// say so; that proves nothing (the matrix's A09): while one is undecided that must not be repeated, the journal is
    /// refused.
    fn attempts_of_journal(&self, join: &Join) -> Result<Vec<(String, StepIndex, u64, Coming)>, Rejection> {
        let mut found = Vec::new();
        for id in &self.active {
            let run = &self.runs[id];
            for index in &run.open {
                let attempt = run.steps[*index].attempt().filter(|attempt| attempt.is_under_way());
                let Some(attempt) = attempt.filter(|attempt| *attempt.speaker == join.speaker) else {
                    continue;
                };
                let work = scope::work(run, &self.plans, *index);
                let coming = match *attempt.host == *join.host {
                    true => Coming::Back,
                    false if !work.idempotent || work.strict => {
                        return Err(copied_journal(join, id, &scope::name(run, &self.plans, *index)));
                    }
                    false => Coming::Copy,
                };
                found.push((id.clone(), *index, attempt.token, coming));
            }
        }
        Ok(found)
    }
}

/// Attempts and probes by token, as an agent has them.
type Held = BTreeMap<u64, (String, StepIndex)>;

/// By run: which steps hear of whose coming, and what kind of coming it is.
type Moves = BTreeMap<String, Vec<(StepIndex, Speaker, Coming)>>;

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
    fn agent_came(&mut self, index: usize, speaker: &Speaker, coming: Coming) {
        self.forget_question(index, speaker, coming);
        let status = self.run.steps[index].status;
        let Some(attempt) = self.attempt(index) else { return };
        if *attempt.speaker != *speaker || !attempt.is_under_way() || status.is_settled() {
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
                let status = self.under_way(index);
                self.turn_to(index, status, None);
                let step = self.name(index);
                let direction = self.run.steps[index].direction;
                self.record(Event::AttemptReturned { step, attempt: number, agent, direction });
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
                let direction = self.run.steps[index].direction;
                self.record(Event::AttemptGone { step, attempt: number, agent, direction });
            }
        }
    }

    /// A probe that was asked through a journal that is gone must be asked again; so must one
    /// about an attempt that is back.
    fn forget_question(&mut self, index: usize, speaker: &Speaker, coming: Coming) {
        let state = self.state(index);
        let unanswered = state.question.as_ref().filter(|asked| asked.answer.is_none());
        let of_agent = unanswered.is_some_and(|asked| asked.speaker == *speaker) && coming != Coming::Back;
        let of_attempt = coming == Coming::Back
            && state.attempt().is_some_and(|attempt| *attempt.speaker == *speaker && attempt.is_under_way());
        if (of_agent || of_attempt)
            && let Some(asked) = state.question.take()
        {
            self.agents.release(&asked.speaker, asked.token, self.at.index);
        }
    }
}
