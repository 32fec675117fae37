//! The target of all steps, with a witness of its own: every effect with its token, in order.

use std::collections::BTreeMap;

use baton_agent::attempt::{Action, Assignment, Call, Outcome};
use baton_plan::native::NOTHING_HAPPENED;

use super::World;
use crate::marks::Mark;
use crate::sabotage::Sabotage;
use crate::script::Trigger;

/// The exit code by which a native action says that nobody can say what became of it.
pub(super) const CANNOT_SAY: i32 = 3;

/// What one execution will do.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) acts_after_ms: Option<u64>,
    pub(crate) lasts_ms: u64,
    /// `None`: it dies by a signal.
    pub(crate) exit: Option<i32>,
}

/// One effect.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) undo: bool,
    pub(crate) token: u64,
    pub(crate) idempotent: bool,
    /// Its executor stood still or was orphaned: late, within the honest limit.
    pub(crate) slipped: bool,
    pub(crate) fenced: bool,
}

/// The witness.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) effects: Vec<Effect>,
    /// The newest token that the target of a step has seen, where it fences.
    fences: BTreeMap<(String, String), u64>,
    /// What the last probe of a step was told.
    told: BTreeMap<(String, String, bool), Outcome>,
}

impl Target {
    /// How often it happened.
    pub(crate) fn count(&self, run: &str, step: &str, undo: bool) -> usize {
        let same = |effect: &&Effect| effect.run == run && effect.step == step && effect.undo == undo;
        self.effects.iter().filter(same).count()
    }

    /// A target that fences refuses what is older than anything that it has seen.
    fn admits(&mut self, run: &str, step: &str, token: u64) -> bool {
        let newest = self.fences.entry((run.to_owned(), step.to_owned())).or_default();
        *newest = (*newest).max(token);
        *newest == token
    }
}

/// The words by which a step's author tells the target how to behave; a native action carries them as its SQL.
fn says(assignment: &Assignment, word: &str) -> bool {
    match &assignment.action {
        Action::Command(argv) | Action::Call(Call::Process { argv, .. }) => {
            argv.iter().any(|one| one == word)
        }
        Action::Call(Call::Native { asked, .. }) => {
            let asked: serde_json::Value = serde_json::from_str(asked).unwrap_or_default();
            asked["sql"].as_str().is_some_and(|sql| sql.split(' ').any(|one| one == word))
        }
        Action::Wait { .. } | Action::Noop | Action::Until { .. } => false,
    }
}

/// It may take effect, for it is neither a question nor nothing.
fn acts(assignment: &Assignment) -> bool {
    !assignment.probe && matches!(assignment.action, Action::Command(_) | Action::Call(_))
}

fn is_undo(assignment: &Assignment) -> bool {
    assignment.environment.get("BATON_DIRECTION").is_some_and(|direction| direction == "undo")
}

impl World {
    /// What an execution will do, by its class and by chance.
    pub(super) fn deed(&self, assignment: &Assignment) -> Deed {
        let key = &assignment.key;
        let mut rng = self.chance.of(("deed", &key.run, &key.step, key.attempt, assignment.probe));
        let lasts_ms = match rng.u32(..12) {
            _ if says(assignment, "long") => rng.u64(6000..14_000),
            0 => rng.u64(2000..9000),
            _ => rng.u64(10..1200),
        };
        let earliest = if says(assignment, "long") { lasts_ms / 2 } else { 1 };
        let at = Some(rng.u64(earliest..=lasts_ms.max(2) - 1));
        if !acts(assignment) {
            return Deed { acts_after_ms: None, lasts_ms: lasts_ms.min(2500), exit: Some(0) };
        }
        let failures = self.script.world.failures;
        let is_native = matches!(assignment.action, Action::Call(_));
        match rng.u32(..100) {
            // What nobody can say, not even the action itself, and what provably did not happen.
            lot if lot < failures && is_native && lot % 2 == 0 => match rng.bool() {
                true => Deed { acts_after_ms: at.filter(|_| rng.bool()), lasts_ms, exit: Some(CANNOT_SAY) },
                false => Deed { acts_after_ms: None, lasts_ms, exit: Some(NOTHING_HAPPENED) },
            },
            lot if lot < failures && says(assignment, "clean") => {
                Deed { acts_after_ms: None, lasts_ms, exit: Some(NOTHING_HAPPENED) }
            }
            // Of what is done once, "failed" means that nothing happened, unless a probe can be asked.
            lot if lot < failures => {
                let half_done = !says(assignment, "n") && rng.u32(..3) == 0;
                Deed { acts_after_ms: at.filter(|_| half_done), lasts_ms, exit: Some(1) }
            }
            lot if lot < failures + failures / 6 => {
                Deed { acts_after_ms: at.filter(|_| rng.bool()), lasts_ms, exit: None }
            }
            lot => {
                let three = says(assignment, "three") && lot % 2 == 0;
                Deed { acts_after_ms: at, lasts_ms, exit: Some(if three { 3 } else { 0 }) }
            }
        }
    }

    /// The effect happens now.
    pub(super) fn act(&mut self, place: usize, token: u64) {
        let Some(child) = self.places[place].children.get(&token) else { return };
        let assignment = child.assignment.clone();
        let slipped = child.slipped;
        let (run, step) = (assignment.key.run.clone(), assignment.key.step.clone());
        let fenced = says(&assignment, "fenced");
        if fenced && !self.target.admits(&run, &step, token) {
            if let Some(child) = self.places[place].children.get_mut(&token) {
                child.deed.exit = Some(1);
            }
            return self.note(|| format!("the target refuses token {token} for {run}/{step}"));
        }
        let undo = is_undo(&assignment);
        if !assignment.idempotent && self.target.count(&run, &step, undo) > 0 {
            self.totals.once_repeated += 1;
        }
        let effect = Effect { run, step, undo, token, idempotent: assignment.idempotent, slipped, fenced };
        self.note(|| format!("EFFECT {effect:?}"));
        self.target.effects.push(effect.clone());
        crate::laws::on_effect(self, &effect);
        self.trigger(Trigger::Acted, Some(place));
    }

    /// A probe asks: the target says what it has seen, or cannot tell.
    pub(super) fn asked(&mut self, assignment: &Assignment) -> Outcome {
        let key = &assignment.key;
        let undo = is_undo(assignment);
        self.trigger(Trigger::Asked, None);
        // A target that fences takes note of whoever asks, too.
        let fences = self.target.fences.entry((key.run.clone(), key.step.clone())).or_default();
        *fences = (*fences).max(key.token);
        let of = (key.run.clone(), key.step.clone(), undo);
        if self.is_sabotaged(Sabotage::RememberProbes)
            && let Some(told) = self.target.told.get(&of)
        {
            return *told;
        }
        let cannot_tell = if self.is_calm() { 0 } else { self.script.world.cannot_tell };
        let happened = self.target.count(&key.run, &key.step, undo) > 0;
        let answer = match happened {
            _ if self.chance.percent(cannot_tell, ("cannot tell", key.token)) => Outcome::Unknown,
            true => Outcome::Succeeded,
            false => Outcome::Failed,
        };
        self.target.told.insert(of, answer);
        self.note(|| format!("the target answers the probe of {key}: {answer:?}"));
        answer
    }

    /// The result of a step that ended while nobody could hear of it.
    pub(super) fn note_finished_while_cut(&mut self, place: usize, token: u64) {
        let cut = (0..self.members.len())
            .all(|member| !self.links.is_up(place, member) && !self.links.is_down(place, member));
        if cut {
            self.memory.finished_while_cut.insert(token);
            self.hit(Mark::P03);
        }
    }
}
