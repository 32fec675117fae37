//! Which steps are granted now, and to whom.

use baton_plan::params::is_region;
use baton_plan::plan::{Action, StepIndex};
use baton_plan::reference::Template;

use crate::agents::Agent;
use crate::command::Speaker;
use crate::doubt::asks_first;
use crate::effect;
use crate::event::Event;
use crate::run::Heading;
use crate::scope::{self, Outer, RunScope};
use crate::step::{Attempt, Direction, Status};
use crate::turn::Turn;

/// Why a step was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// One of its expressions is being evaluated.
    Condition,
    /// Not before this cluster time.
    Until(u64),
    /// The plan's limits.
    Limit,
    /// As many items of its fan-out are under way as may be.
    Room,
    /// Every live agent of the region is busy.
    Busy(String),
    /// No agent of the region is live.
    Nobody(String),
    /// The region was declared lost, and no agent of another is live.
    NobodyElsewhere(String),
    /// Somebody else holds what it needs: a lock, or a resource's units.
    Held {
        /// Who, for people.
        who: String,
        /// The run itself holds so much that the step could not begin if all others let go.
        by_itself: bool,
    },
    /// After a restore, whoever may have done it has not told. Who, for people.
    Unheard(String),
}

impl Hindrance {
    /// For the step's `reason`.
    pub fn text(&self) -> String {
        match self {
            Hindrance::Condition => "its condition is being evaluated".into(),
            Hindrance::Until(_) => "it pauses before the next attempt".into(),
            Hindrance::Limit => "the plan's limits are reached".into(),
            Hindrance::Room => "as many items are under way as `parallel` allows".into(),
            Hindrance::Busy(region) => format!("every agent in {region} is busy"),
            Hindrance::Nobody(region) => format!("no agent in {region} is live"),
            Hindrance::NobodyElsewhere(region) => {
                format!("region {region} was declared lost, and no agent of another region is live")
            }
            Hindrance::Held { who, .. } => format!("it waits: {who}"),
            Hindrance::Unheard(who) => who.clone(),
        }
    }

    /// Whether nobody is there who could do it.
    pub fn is_absence(&self) -> bool {
        matches!(self, Hindrance::Nobody(_) | Hindrance::NobodyElsewhere(_))
    }

    /// Whether only what the run itself holds is in the way: it waits for itself.
    pub fn is_its_own(&self) -> bool {
        match self {
            Hindrance::Limit | Hindrance::Room => true,
            Hindrance::Held { by_itself, .. } => *by_itself,
            _ => false,
        }
    }

    /// Whether something that others let go would help.
    pub fn is_scarcity(&self) -> bool {
        matches!(self, Hindrance::Busy(_) | Hindrance::Held { .. } | Hindrance::Unheard(_))
            || self.is_absence()
    }
}

impl<'a> Turn<'a> {
    /// Grants a ready step, or says what hinders it.
    pub(crate) fn grant(&mut self, index: StepIndex) -> Result<(), Hindrance> {
        let state = &self.run.steps[index];
        if state.not_before_ms > self.now_ms() {
            return Err(Hindrance::Until(state.not_before_ms));
        }
        if state.origin.item.is_none() && !self.is_wanted(index)? {
            return Ok(());
        }
        if self.fans_out(index) {
            self.fan_out(index);
            return Ok(());
        }
        self.has_room(index)?;
        match &self.work(index).action {
            Action::Approval(approval) => self.ask_people(index, &approval.message, approval.timeout_ms),
            Action::Manual(manual) => self.ask_people(index, &manual.instructions, manual.timeout_ms),
            Action::Gate(gate) => self.pass_gate(index, gate)?,
            Action::Barrier(_) => self.succeed(index, None),
            Action::Child(child) => {
                self.lock(index)?;
                self.begin_child(index, child);
            }
            Action::WaitFor(wait_ms) => self.begin_wait(index, *wait_ms),
            // Nothing is to be done here of what is done elsewhere: that needs no agent, which may not be there.
            Action::Noop if self.step(index).work.action != Action::Noop => self.succeed(index, None),
            Action::Command(_) | Action::Noop | Action::WaitUntil { .. } | Action::WaitStable { .. } => {
                self.grant_to_agent(index)?;
            }
        }
        Ok(())
    }

    /// Whether the step is done at all: in this mode, and by its condition. One that is not is skipped.
    fn is_wanted(&mut self, index: StepIndex) -> Result<bool, Hindrance> {
        let step = self.step(index);
        let settings = scope::settings(self.run, index);
        if !step.modes.is_empty() && !step.modes.iter().any(|mode| settings.contains(&Some(*mode))) {
            self.skip(index, "it is not done in this mode".into());
            return Ok(false);
        }
        match (&step.when, self.run.steps[index].when) {
            (Some(_), None) => Err(Hindrance::Condition),
            (Some(_), Some(false)) => {
                self.skip(index, "its condition is false".into());
                Ok(false)
            }
            _ => Ok(true),
        }
    }

    /// Whether a fan-out that the step is an item of lets one more be under way.
    pub(crate) fn has_room(&self, index: StepIndex) -> Result<(), Hindrance> {
        let Some(parent) = self.run.steps[index].origin.parent else { return Ok(()) };
        let cap = self.step(index).for_each.as_ref().and_then(|each| each.parallel);
        let open = self.run.open.range(self.run.steps[parent].members.clone());
        let under_way = open.filter(|member| !self.run.steps[**member].idle).count() as u32;
        match cap.is_some_and(|cap| under_way >= cap) {
            true => Err(Hindrance::Room),
            false => Ok(()),
        }
    }

    fn begin_wait(&mut self, index: StepIndex, wait_ms: u64) {
        let until_ms = self.now_ms() + wait_ms;
        self.state(index).not_before_ms = until_ms;
        self.alarm_at(until_ms);
        self.turn_to(index, Status::Running, None);
        let step = self.name(index);
        self.record(Event::WaitBegan { step, until_ms });
    }

    /// Grants the step, or its undo, to an agent of its region.
    pub(crate) fn grant_to_agent(&mut self, index: StepIndex) -> Result<(), Hindrance> {
        match self.region(index) {
            Err(reason) => self.fail(index, reason),
            Ok(None) => self.succeed(index, None),
            Ok(Some(region)) => {
                if self.reckon(index, &region)? {
                    return Ok(());
                }
                if let Some(lost) = self.lost.get(&region)
                    && !self.step(index).elsewhere
                {
                    let reason = format!("region {region} was declared lost by {}", lost.operator);
                    self.fail(index, reason);
                    return Ok(());
                }
                self.within_limits(index, &region)?;
                if asks_first(self.work(index), &self.run.steps[index]) {
                    self.question_again(index);
                    return Ok(());
                }
                let speaker = self.free_agent(index, &region)?;
                self.lock(index)?;
                self.draw(index);
                self.assign(index, speaker, &region);
            }
        }
        Ok(())
    }

    /// The step's region with its references filled in, once all that it refers to is known to be there.
    fn region(&mut self, index: StepIndex) -> Result<Option<String>, String> {
        let (step, work) = (self.step(index), self.work(index));
        let scope = RunScope { run: self.run, plans: self.plans, index };
        let fill = |template: &Template| template.render(&scope).map_err(|missing| missing.to_string());
        let around =
            |template: &Template| template.render(&Outer(&scope)).map_err(|missing| missing.to_string());
        let region = step.region.as_ref().map(around).transpose()?;
        if let Some(performed) = effect::performed(&work.action, fill) {
            performed?;
        }
        if let Some(probe) = &work.probe {
            effect::call(&probe.command, fill)?;
        }
        if region.as_deref().is_some_and(|region| !is_region(region)) {
            let region = region.unwrap_or_default();
            return Err(format!(
                "`{region}` is not the name of a region: use lower-case letters, digits and dashes"
            ));
        }
        if self.run.steps[index].region != region {
            self.state(index).region = region.clone();
        }
        Ok(region)
    }

    /// The limits of every plan that the step is a part of.
    pub(crate) fn within_limits(&self, index: StepIndex, region: &str) -> Result<(), Hindrance> {
        let frames = self.run.chain(index).map(|index| self.run.steps[index].origin.frame);
        let mut frames: Vec<_> = frames.collect();
        frames.dedup();
        for frame in frames {
            let limits = self.version(frame).plan.limits;
            let under_way = |in_region: Option<&str>| self.under_way_in(frame, in_region, Some(index));
            if limits.parallel.is_some_and(|limit| under_way(None) >= limit)
                || limits.per_region.is_some_and(|limit| under_way(Some(region)) >= limit)
            {
                return Err(Hindrance::Limit);
            }
        }
        Ok(())
    }

    /// How many steps of a plan, of all or of one region, are with agents, apart from one.
    fn under_way_in(&self, frame: usize, region: Option<&str>, apart: Option<StepIndex>) -> u32 {
        let busy = self.run.open.iter().filter(|open| {
            let state = &self.run.steps[**open];
            state.current().is_some()
                && !state.idle
                && region.is_none_or(|region| state.region.as_deref() == Some(region))
                && Some(**open) != apart
                && self.run.is_within(**open, frame)
        });
        busy.count() as u32
    }

    /// The run's own plan lets one more of its steps be under way.
    pub(crate) fn has_room_in_plan(&self) -> bool {
        let limit = self.version(0).plan.limits.parallel;
        limit.is_none_or(|limit| self.under_way_in(0, None, None) < limit)
    }

    /// Takes the step's locks, all or none, and holds them until it is settled.
    pub(crate) fn lock(&mut self, index: StepIndex) -> Result<(), Hindrance> {
        let templates = &self.step(index).locks;
        if templates.is_empty() || !self.run.steps[index].locks.is_empty() {
            return Ok(());
        }
        let scope = RunScope { run: self.run, plans: self.plans, index };
        // A lock whose name cannot be told keeps the step from running, as one that is held does.
        let names: Result<Vec<_>, _> =
            templates.iter().map(|template| template.render(&Outer(&scope))).collect();
        let names =
            names.map_err(|missing| Hindrance::Held { who: missing.to_string(), by_itself: false })?;
        let owner = self.owner(Some(index));
        if let Some((name, lock)) = self.locks.hindrance(&names, |holder| self.run.is_held_for(holder, index))
        {
            let by_itself = lock.owner.run == self.run.id;
            return Err(Hindrance::Held { who: lock.text(name), by_itself });
        }
        let step = self.name(index);
        let taken = self.locks.take(&names, &owner, Some(&step), self.at);
        self.state(index).locks = taken.into();
        Ok(())
    }

    /// An agent with a free slot, once the resources have the units as well.
    fn free_agent(&mut self, index: StepIndex, region: &str) -> Result<Speaker, Hindrance> {
        self.has_units(index)?;
        // Slots are for processes: doing nothing needs none.
        let slots = u32::from(self.work(index).action != Action::Noop);
        match self.agent_for(region, slots) {
            Some(agent) => Ok(agent.join.speaker.clone()),
            None if self.agent_for(region, 0).is_none() => Err(self.nobody(region)),
            None => Err(Hindrance::Busy(region.to_owned())),
        }
    }

    /// The resources have the units that the step draws.
    pub(crate) fn has_units(&self, index: StepIndex) -> Result<(), Hindrance> {
        let draws = &self.step(index).draws;
        let Some(who) = self.resources.hindrance(draws, self.capacities(index)) else { return Ok(()) };
        let by_itself = self.resources.is_used_up_by(&self.run.id, draws, self.capacities(index));
        Err(Hindrance::Held { who, by_itself })
    }

    /// Nobody is there for the region.
    pub(crate) fn nobody(&self, region: &str) -> Hindrance {
        match self.lost.contains_key(region) {
            true => Hindrance::NobodyElsewhere(region.to_owned()),
            false => Hindrance::Nobody(region.to_owned()),
        }
    }

    /// An agent of the region, or of any other once the region was declared lost; with `slots` of zero a busy one.
    pub(crate) fn agent_for(&self, region: &str, slots: u32) -> Option<&Agent> {
        match self.lost.contains_key(region) {
            true => self.agents.choose(|other| !self.lost.contains_key(other), slots),
            false => self.agents.choose(|other| other == region, slots),
        }
    }

    /// What the step's plan says of capacities.
    fn capacities(&self, index: StepIndex) -> impl Fn(&str) -> u32 + use<'a> {
        let resources = &self.version(self.run.steps[index].origin.frame).plan.resources;
        move |name| {
            let resource = resources.iter().find(|resource| resource.name == name);
            resource.map_or(0, |resource| resource.capacity)
        }
    }

    pub(crate) fn draw(&mut self, index: StepIndex) {
        let capacities = self.capacities(index);
        self.resources.draw(&self.step(index).draws, capacities, &self.run.id, index);
    }

    /// Makes a new attempt and gives it to an agent.
    fn assign(&mut self, index: StepIndex, speaker: Speaker, region: &str) {
        let token = self.next_token();
        let host = self.agents.speaking(&speaker).map(|agent| agent.join.host.clone()).unwrap_or_default();
        let attempt = self.new_attempt(index, token, &speaker, &host);
        let (number, direction) = (attempt.number, attempt.direction);
        let agent = speaker.agent.clone();
        self.agents.hold(&speaker, token, &self.run.id, index, self.at.index);
        let next = match direction {
            Direction::Do => Status::Running,
            Direction::Undo => Status::Undoing,
        };
        self.turn_to(index, next, None);
        let step = self.name(index);
        let place = self.agents.by_name.get(&agent).map(|agent| agent.join.region.clone());
        let (elsewhere, region) = (place.filter(|place| place != region), region.to_owned());
        self.record(Event::StepGranted { step, attempt: number, token, agent, region, elsewhere, direction });
    }

    /// One more attempt at the step, the way that it goes now, and the newest from here on.
    pub(crate) fn new_attempt(
        &mut self,
        index: StepIndex,
        token: u64,
        speaker: &Speaker,
        host: &str,
    ) -> &mut Attempt {
        let (at, idempotent) = (self.at, self.work(index).idempotent);
        let (speaker, host) = self.agents.voices.of(speaker, host);
        let state = self.state(index);
        (state.question, state.idle) = (None, false);
        // Most steps are attempted once, and there are very many.
        state.attempts.reserve_exact(1);
        state.attempts.push(Attempt {
            number: state.attempts.len() as u32 + 1,
            direction: state.direction,
            idempotent,
            token,
            speaker,
            host,
            granted: at,
            begun: idempotent.then_some(at),
            ended: None,
            outcome: None,
            exit_code: None,
            reason: None,
            stdout: String::new(),
            stderr: String::new(),
            lapsed: false,
            gone: false,
            stopping: false,
            disproven: false,
            cut_short: false,
        });
        let last = state.attempts.len() - 1;
        &mut state.attempts[last]
    }

    /// Every plan that the step is a part of is on its way through, and nothing of it is to be taken back.
    pub(crate) fn is_going(&self, index: StepIndex) -> bool {
        self.run.chain(index).all(|index| {
            let state = &self.run.steps[index];
            self.run.frames[state.origin.frame].heading == Heading::Through && !state.unwind
        })
    }
}
