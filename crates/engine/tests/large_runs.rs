//! Runs of thousands of steps: a command about one of them looks at a few, and what comes of it is what would come of
//! looking at all.

use std::collections::{BTreeMap, BTreeSet};

use baton_engine::attention::Attention;
use baton_engine::command::{Ending, Join, Mode, Request, Speaker};
use baton_engine::step::Outcome;
use baton_engine::{Batch, Command, Effect, Stamp, State};

const STEPS: usize = 400;
const REGIONS: [&str; 3] = ["east", "west", "north"];

/// A state, and one beside it that looks at everything each time.
#[derive(Default)]
struct Two {
    state: State,
    anew: State,
    index: u64,
}

impl Two {
    fn apply(&mut self, command: Command) {
        self.index += 1;
        let stamp = Stamp { time_ms: self.index, wall_ms: 0 };
        let batch = Batch { stamp, term: 1, commands: vec![command] };
        self.anew.look_anew();
        let replies = self.state.apply(self.index, &batch);
        assert!(replies.iter().all(Result::is_ok), "{replies:?}");
        assert_eq!(self.anew.apply(self.index, &batch), replies);
    }

    /// A cluster with an agent of so many slots in each region, and a run of this plan.
    fn starting(spec: &str, slots: u32) -> Two {
        let mut two = Two::default();
        two.apply(Command::TakeOffice { node: 1 });
        for region in REGIONS {
            let (speaker, host, boot) = (speaker(region), "h".into(), "b".into());
            let labels = BTreeMap::new();
            two.apply(Command::JoinAgent(Join { speaker, region: region.into(), host, boot, slots, labels }));
        }
        let plan = baton_plan::check(spec).expect("a plan").plan;
        two.apply(Command::RegisterPlan { request: request("1"), plan: Box::new(plan), source: spec.into() });
        two.apply(Command::StartRun {
            request: request("2"),
            plan: "large".into(),
            version: None,
            params: BTreeMap::new(),
            mode: Mode::Graceful,
            drill: false,
            queue: false,
        });
        two
    }

    /// Lets every step succeed. The most steps that were to be looked at in between.
    fn carry_out(&mut self) -> usize {
        let (mut most, mut told) = (0, BTreeSet::new());
        loop {
            let effects = |region: &&'static str| {
                let effects = self.state.effects_for(region, |token, _| told.contains(&token));
                effects.into_iter().map(|effect| (*region, effect)).collect::<Vec<_>>()
            };
            let effects: Vec<_> = REGIONS.iter().flat_map(effects).collect();
            if effects.is_empty() {
                assert_eq!(self.state, self.anew);
                return most;
            }
            for (region, effect) in effects {
                let Effect::Assign(assigned) = effect else { panic!("nothing is stopped") };
                told.insert(assigned.key.token);
                let ending = Ending { outcome: Some(Outcome::Succeeded), ..Ending::default() };
                self.apply(Command::Report { speaker: speaker(region), key: assigned.key, ending });
                most = most.max(Attention::awaited(&self.state.runs["large-1"]));
            }
        }
    }
}

fn speaker(agent: &str) -> Speaker {
    Speaker { agent: agent.into(), incarnation: "1".into() }
}

fn request(id: &str) -> Request {
    Request { id: id.into(), operator: "ana".into(), roles: Vec::new() }
}

fn plan(limits: &str, action: &str) -> String {
    let mut text = format!(
        "apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: large, owner: me, description: Many steps.}}\n\
         spec:\n  onFailure: pause\n{limits}  steps:\n"
    );
    for step in 0..STEPS {
        let region = REGIONS[step % REGIONS.len()];
        text += &format!("    - {{name: s{step}, region: {region}, idempotent: true, {action}}}\n");
    }
    text
}

#[test]
fn steps_under_way_are_left_alone() {
    let mut two = Two::starting(&plan("", "noop: {}"), 4);
    assert_eq!(two.state.runs["large-1"].open.len(), STEPS);
    assert!(two.carry_out() <= 3);
    assert_eq!(two.state.runs["large-1"].status.word(), "succeeded");
}

#[test]
fn steps_that_wait_for_a_slot_are_passed_over_until_there_is_one() {
    let mut two = Two::starting(&plan("", "command: [\"true\"]"), 4);
    assert_eq!(two.state.runs["large-1"].ready.len(), STEPS - 12);
    assert!(two.carry_out() <= 6);
    assert_eq!(two.state.runs["large-1"].status.word(), "succeeded");
}

#[test]
fn steps_that_wait_for_the_plans_limit_are_passed_over_until_there_is_room() {
    let mut two = Two::starting(&plan("  limits: {parallel: 5}\n", "command: [\"true\"]"), 4);
    assert_eq!(two.state.runs["large-1"].open.len(), 5);
    assert!(two.carry_out() <= 6);
    assert_eq!(two.state.runs["large-1"].status.word(), "succeeded");
}
