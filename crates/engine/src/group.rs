//! Steps that become several: fan-outs over a list, and child plans.

use std::collections::{BTreeMap, BTreeSet};

use baton_plan::params;
use baton_plan::plan::{Action, Child, Items, StepIndex};

use crate::event::Event;
use crate::run::{Frame, Heading};
use crate::scope::{Outer, RunScope};
use crate::step::{Origin, Status, StepState};
use crate::turn::Turn;

/// The most items of one fan-out.
const MAX_ITEMS: usize = 1000;
/// The most nodes of a run, so that no output of a step can fill a coordinator's memory.
const MAX_NODES: usize = 50_000;
/// The longest item, bytes: it is a part of the step's name.
const MAX_ITEM: usize = 200;

impl Turn<'_> {
    /// Makes one member for each item of the list.
    pub(crate) fn fan_out(&mut self, index: StepIndex) {
        match self.items(index) {
            Err(reason) => self.fail(index, reason),
            Ok(items) => {
                let origin = self.run.steps[index].origin.clone();
                self.turn_to(index, Status::Running, None);
                let step = self.name(index);
                self.record(Event::StepFannedOut { step, items: items.clone() });
                let members = items.into_iter().map(|item| Origin {
                    parent: Some(index),
                    item: Some(item),
                    ..origin.clone()
                });
                let first = self.run.steps.len();
                members.for_each(|origin| self.add_node(origin, 0));
                self.state(index).members = first..self.run.steps.len();
            }
        }
    }

    fn items(&self, index: StepIndex) -> Result<Vec<String>, String> {
        let Some(each) = &self.step(index).for_each else { return Ok(Vec::new()) };
        let scope = RunScope { run: self.run, plans: self.plans, index };
        let around = Outer(&scope);
        let items = match &each.items {
            Items::List(list) => list.iter().map(|item| item.render(&around)).collect(),
            Items::Text(text) => text.render(&around).map(|text| params::items(&text)),
        };
        let items: Vec<String> = items.map_err(|missing| missing.to_string())?;
        let distinct: BTreeSet<_> = items.iter().collect();
        let odd =
            |item: &&String| item.is_empty() || item.len() > MAX_ITEM || item.chars().any(char::is_control);
        if distinct.len() < items.len() {
            return Err("its list names an item twice".into());
        }
        if items.len() > MAX_ITEMS || self.run.steps.len() + items.len() > MAX_NODES {
            return Err(format!("its list has {} items, which is too many", items.len()));
        }
        if let Some(wanted) = each.at_least.filter(|wanted| *wanted as usize > items.len()) {
            return Err(format!("its list has {} items, and `atLeast` asks for {wanted}", items.len()));
        }
        if items.iter().any(|item| odd(&item)) {
            return Err(format!(
                "an item of its list is empty, longer than {MAX_ITEM} bytes, or has control characters"
            ));
        }
        Ok(items)
    }

    /// Adds a node with so many needs, which waits, or is ready at once.
    pub(crate) fn add_node(&mut self, origin: Origin, unmet: usize) {
        let index = self.run.steps.len();
        let mut state = StepState::new(origin, unmet, self.at.index);
        state.ready_ms = (unmet == 0).then(|| self.now_ms());
        self.run.steps.push(state);
        if index >= self.version(0).plan.steps.len() {
            let name = self.name(index);
            self.run.named.insert(name, index);
        }
        if matches!(self.step(index).work.action, Action::Barrier(_)) {
            self.run.barriers.insert(index);
        }
        if unmet == 0 {
            let rank = self.rank(index);
            self.readied(rank);
        }
    }

    /// Carries out another plan as this step.
    pub(crate) fn begin_child(&mut self, index: StepIndex, child: &Child) {
        match self.child_frame(index, child) {
            Err(reason) => self.fail(index, reason),
            Ok(frame) => {
                let (plan, version) = (frame.plan.clone(), frame.version);
                self.turn_to(index, Status::Running, None);
                let step = self.name(index);
                self.record(Event::ChildBegan { step, plan, version });
                self.add_frame(frame);
            }
        }
    }

    fn child_frame(&self, index: StepIndex, child: &Child) -> Result<Frame, String> {
        let scope = RunScope { run: self.run, plans: self.plans, index };
        let mut given = BTreeMap::new();
        for (name, value) in &child.params {
            let value = value.render(&scope).map_err(|missing| missing.to_string())?;
            given.insert(name.clone(), value);
        }
        let missing = || format!("there was no plan `{}` when the run began", child.plan);
        let version = *self.run.pins.get(&child.plan).ok_or_else(missing)?;
        let plan = &self.plans[&child.plan].versions[version as usize - 1].plan;
        if self.run.steps.len() + plan.steps.len() > MAX_NODES {
            return Err(format!("the run would grow beyond {MAX_NODES} steps"));
        }
        let params = plan.resolve_params(&given).map_err(|problems| problems.join("; "))?;
        let (plan, first) = (child.plan.clone(), self.run.steps.len());
        Ok(Frame::new(plan, version, Some(index), first, params, self.now_ms()))
    }

    /// Adds a frame with a node for each of its plan's steps.
    pub(crate) fn add_frame(&mut self, frame: Frame) {
        let (number, first, parent) = (self.run.frames.len(), frame.first, frame.parent);
        self.run.frames.push(frame);
        let needs: Vec<_> = self.version(number).plan.steps.iter().map(|step| step.needs.len()).collect();
        self.run.steps.reserve_exact(needs.len());
        for (definition, needs) in needs.iter().enumerate() {
            self.add_node(Origin { frame: number, definition, parent: None, item: None }, *needs);
        }
        if let Some(parent) = parent {
            self.state(parent).members = first..first + needs.len();
        }
    }

    /// A group has members, or would have had some: its own attempts are theirs.
    pub(crate) fn is_group(&self, index: StepIndex) -> bool {
        self.fans_out(index) || matches!(self.work(index).action, Action::Child(_))
    }

    /// The whole of a fan-out, not one of its items.
    pub(crate) fn fans_out(&self, index: StepIndex) -> bool {
        self.step(index).for_each.is_some() && self.run.steps[index].origin.item.is_none()
    }

    /// The frame that a step of kind `plan` began last.
    pub(crate) fn frame_of(&self, index: StepIndex) -> Option<usize> {
        self.run.frames.iter().rposition(|frame| frame.parent == Some(index))
    }

    /// Ends a fan-out whose members have all come to an end.
    pub(crate) fn settle_fan_out(&mut self, index: StepIndex) {
        let members = self.run.steps[index].members.clone();
        let pending = |index: StepIndex| !self.run.steps[index].status.is_settled();
        if members.clone().any(pending) || self.run.undoing.range(members.clone()).next().is_some() {
            return;
        }
        let frame = self.run.steps[index].origin.frame;
        let with = |status: Status| {
            let run = &*self.run;
            members.clone().filter(move |member| run.steps[*member].status == status)
        };
        let done = with(Status::Succeeded).count() + with(Status::Skipped).count();
        let wanted = self.step(index).for_each.as_ref().and_then(|each| each.at_least);
        if done >= wanted.map_or(members.len(), |wanted| wanted as usize) {
            let outputs = self.gathered(index);
            self.state(index).outputs = outputs.into();
            return self
                .succeed(index, (done < members.len()).then(|| format!("{done} of {}", members.len())));
        }
        if self.run.frames[frame].heading != Heading::Through && with(Status::Canceled).next().is_some() {
            return self.cancel_step(index);
        }
        let failed: Vec<_> = with(Status::Failed).filter_map(|member| self.run.item(member)).collect();
        let reason = format!("{} of {} items failed: {}", failed.len(), members.len(), failed.join(", "));
        self.fail(index, reason);
    }

    /// For each key, the values of all items as a JSON array in the order of the items.
    fn gathered(&self, index: StepIndex) -> BTreeMap<String, String> {
        let members = || self.run.steps[index].members.clone().map(|member| &*self.run.steps[member].outputs);
        let keys: BTreeSet<_> = members().flat_map(BTreeMap::keys).cloned().collect();
        let array = |key: &String| {
            let values = members().map(|outputs| quoted(outputs.get(key).map_or("", String::as_str)));
            format!("[{}]", values.collect::<Vec<_>>().join(","))
        };
        keys.into_iter().map(|key| (key.clone(), array(&key))).collect()
    }

    /// Begins a failed group again: what was done stays, the rest is attempted once more.
    pub(crate) fn reopen_group(&mut self, index: StepIndex) {
        self.turn_to(index, Status::Running, None);
        if let Some(frame) = self.frame_of(index) {
            let now_ms = self.now_ms();
            let frame = &mut self.run.frames[frame];
            (frame.heading, frame.ended, frame.timed_out, frame.reason) =
                (Heading::Through, false, false, None);
            frame.started_ms = now_ms;
        }
        for member in self.run.steps[index].members.clone() {
            let state = &self.run.steps[member];
            if !matches!(state.status, Status::Failed | Status::Canceled) || state.done {
                continue;
            }
            match !state.members.is_empty() {
                true => self.reopen_group(member),
                false => self.start_over(member),
            }
        }
    }

    /// Lets a step that failed or was canceled be attempted again, as if for the first time.
    pub(crate) fn start_over(&mut self, index: StepIndex) {
        let barrier = matches!(self.step(index).work.action, Action::Barrier(_));
        let state = self.state(index);
        (state.failures, state.losses, state.not_before_ms) = (0, 0, 0);
        (state.gate, state.question, state.deadline_ms) = (None, None, None);
        state.unwind = false;
        self.run.undoing.remove(&index);
        self.turn_to(index, Status::Waiting, None);
        if barrier {
            self.run.barriers.insert(index);
        }
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
