use baton_api as api;
use baton_engine::command::{Choice, Decision, Join, Mode, Request, Speaker};
use baton_engine::{Answer, Batch, Command, Stamp, State};

/// A state under test: every command is an entry of its own, a second of cluster time after the one before.
#[derive(Default)]
struct World {
    state: State,
    index: u64,
}

impl World {
    fn new(plans: &[&str]) -> World {
        let mut world = World::default();
        world.apply(Command::TakeOffice { node: 1 });
        for plan in plans {
            let plan = format!("apiVersion: baton/v1\nkind: Plan\n{plan}");
            let checked = baton_plan::check(&plan).unwrap_or_else(|problems| panic!("{problems:#?}"));
            let request = world.request();
            world.apply(Command::RegisterPlan { request, plan: Box::new(checked.plan), source: plan });
        }
        world
    }

    fn request(&self) -> Request {
        Request { id: format!("r-{}", self.index), operator: "ada".into(), roles: Vec::new() }
    }

    fn now_ms(&self) -> u64 {
        self.index * 1000
    }

    fn apply(&mut self, command: Command) -> Answer {
        self.index += 1;
        let stamp = Stamp { time_ms: self.now_ms(), wall_ms: self.index as i64 * 1000 };
        let mut replies = self.state.apply(self.index, &Batch { stamp, term: 1, commands: vec![command] });
        replies.remove(0).unwrap_or_else(|rejection| panic!("{rejection}"))
    }

    fn start(&mut self, plan: &str) -> String {
        let command = Command::StartRun {
            request: self.request(),
            plan: plan.into(),
            version: None,
            params: Default::default(),
            mode: Mode::Graceful,
            drill: false,
            queue: true,
        };
        match self.apply(command) {
            Answer::Started { run } => run,
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, agent: &str, region: &str) -> Speaker {
        let speaker = Speaker { agent: agent.into(), incarnation: "j".into() };
        self.apply(Command::JoinAgent(Join {
            speaker: speaker.clone(),
            region: region.into(),
            host: agent.into(),
            boot: "b".into(),
            slots: 8,
            labels: Default::default(),
        }));
        speaker
    }

    fn view(&self, run: &str) -> api::RunView {
        let run = self.state.run(run).expect("it was started");
        super::run(&self.state, run, 0, self.now_ms(), self.index)
    }
}

fn step<'a>(view: &'a api::RunView, name: &str) -> &'a api::StepView {
    let names: Vec<_> = view.steps.iter().map(|step| &step.step).collect();
    view.steps.iter().find(|step| step.step == name).unwrap_or_else(|| panic!("{name} is none of {names:?}"))
}

const LOCKED: &str = "metadata: {name: shop}\nspec: {locks: [shop], steps: [{name: go, approval: 'Go?'}]}\n";

#[test]
fn a_queued_run_names_who_holds_its_lock_and_the_lock_names_who_waits() {
    let mut world = World::new(&[LOCKED]);
    let (first, second) = (world.start("shop"), world.start("shop"));
    let locks = super::locks(&world.state, world.now_ms());
    assert_eq!((locks.len(), &locks[0].run, &locks[0].waiting), (1, &first, &vec![second.clone()]));
    assert_eq!((locks[0].held_ms, locks[0].operator.as_str(), locks[0].step.as_str()), (1000, "ada", ""));
    let view = world.view(&second);
    assert_eq!((&view.waits_for_locks[0].run, view.locks.as_slice()), (&first, &["shop".to_owned()][..]));
    assert!(world.view(&first).waits_for_locks.is_empty());
}

#[test]
fn a_step_that_waits_names_who_holds_its_lock_and_who_draws_its_resource() {
    let plan = "metadata: {name: p}\nspec: {resources: {io: 3}, steps: [{name: dns, region: west, locks: [dns], draws: {io: 2}, \
                idempotent: true, command: 'true'}]}\n";
    let mut world = World::new(&[plan]);
    world.join("west-1", "west");
    let (first, second) = (world.start("p"), world.start("p"));
    let (holds, waits) = (world.view(&first), world.view(&second));
    assert_eq!((step(&holds, "dns").status.as_str(), step(&holds, "dns").locks.len()), ("running", 1));
    assert!(step(&holds, "dns").waits_for_locks.is_empty());
    let awaited = &step(&waits, "dns").waits_for_locks;
    assert_eq!((awaited.len(), &awaited[0].run, awaited[0].step.as_str()), (1, &first, "dns"));
    assert_eq!(super::locks(&world.state, world.now_ms())[0].waiting, [second]);
    let io = &super::resources(&world.state)[0];
    let holder = &io.holders[0];
    assert_eq!((io.drawn, &holder.run, holder.step.as_str(), holder.units), (2, &first, "dns", 2));
}

#[test]
fn an_attempt_that_its_agent_does_not_end_says_so() {
    let plan = "metadata: {name: p}\nspec: {steps: [{name: dns, region: west, idempotent: true, timeout: 30s, command: 'true'}]}\n";
    let mut world = World::new(&[plan]);
    let west = world.join("west-1", "west");
    let run = world.start("p");
    let reason = |world: &World| step(&world.view(&run), "dns").reason.clone();
    world.index += 35;
    assert_eq!(reason(&world), "");
    world.index += 1;
    assert_eq!(
        reason(&world),
        "west-1 is there and has not ended it 6s after its timeout: look at its disk and its log. \
         When it is stopped, the step is decided as with any agent that is lost"
    );
    world.apply(Command::ExpireAgent { speaker: west });
    assert!(!reason(&world).contains("is there"), "{}", reason(&world));
}

#[test]
fn what_people_are_asked_is_told_with_what_they_can_do() {
    let plan = "metadata: {name: p}\nspec: {steps: [{name: go, approval: {message: 'Go, ${run.operator}?', approvers: 2, \
                roles: [ic], timeout: 1m}}]}\n";
    let mut world = World::new(&[plan]);
    let run = world.start("p");
    let decide = Command::Decide {
        request: Request { roles: vec!["ic".into()], ..world.request() },
        run: run.clone(),
        decision: Decision::Step { step: "go".into(), choice: Choice::Approve },
        reason: String::new(),
    };
    world.apply(decide);
    let view = world.view(&run);
    let go = step(&view, "go");
    let approval = go.approval.as_ref().expect("it asks");
    assert_eq!(
        (go.kind.as_str(), go.status.as_str(), approval.message.as_str()),
        ("approval", "awaiting_approval", "Go, ada?")
    );
    assert_eq!((approval.approvers, approval.approved_by.as_slice()), (2, &["ada".to_owned()][..]));
    assert_eq!(
        (approval.deadline_ms_left, approval.roles.as_slice()),
        (Some(59_000), &["ic".to_owned()][..])
    );
    let doubt = go.doubt.as_ref().expect("a person decides");
    assert!(doubt.choices.iter().any(|choice| choice.command.contains("run approve p-1")), "{doubt:?}");
    assert!(view.needs_operator);
}

#[test]
fn items_and_children_know_their_group() {
    let child = "metadata: {name: inner}\nspec: {steps: [{name: ask, approval: 'Go?'}]}\n";
    let plan = "metadata: {name: p}\nspec: {steps: [{name: each, forEach: [x, y], approval: '${item}?'}, {name: nested, plan: \
                inner}, {name: after, needs: [each, nested], noop: {}}]}\n";
    let mut world = World::new(&[child, plan]);
    let run = world.start("p");
    let view = world.view(&run);
    let item = step(&view, "each[y]");
    assert_eq!((item.parent.as_str(), item.item.as_str(), item.kind.as_str()), ("each", "y", "approval"));
    assert_eq!(item.approval.as_ref().map(|approval| approval.message.as_str()), Some("y?"));
    let group = step(&view, "each");
    assert_eq!((group.kind.as_str(), group.approval.as_ref(), group.parent.as_str()), ("for_each", None, ""));
    let inner = step(&view, "nested/ask");
    assert_eq!((inner.parent.as_str(), inner.item.as_str()), ("nested", ""));
    assert_eq!(step(&view, "nested").kind, "plan");
    assert_eq!(step(&view, "after").needs, ["each", "nested"]);
    assert_eq!(view.children.get("inner"), Some(&1));
    let summary = view.summary.as_ref().expect("a summary");
    assert_eq!((summary.steps, summary.steps_done), (4, 0), "groups are as far as their parts are");
    assert!(step(&view, "each").critical == item.critical && !(item.critical && inner.critical));
}

#[test]
fn a_region_is_shown_with_who_stands_there_and_who_declared_it_lost() {
    let mut world = World::new(&[]);
    let speaker = world.join("east-1", "east");
    let joined = super::regions(&world.state, &[], None);
    assert_eq!((joined[0].agents_live, joined[0].slots, joined[0].lost), (1, 8, false));
    world.apply(Command::ExpireAgent { speaker });
    let request = world.request();
    world.apply(Command::DeclareLost { request, region: "east".into(), reason: "it burns".into() });
    let regions = super::regions(&world.state, &[(1, "west".into()), (2, "west".into())], Some(2));
    let names: Vec<_> = regions.iter().map(|region| (region.name.as_str(), region.lost)).collect();
    assert_eq!(names, [("east", true), ("west", false)]);
    assert_eq!((regions[0].lost_by.as_str(), regions[0].reason.as_str()), ("ada", "it burns"));
    assert_eq!((regions[0].agents_live, regions[0].agents_silent, regions[0].slots), (0, 1, 0));
    assert_eq!((regions[1].members.as_slice(), regions[1].leads), (&[1, 2][..], true));
}

#[test]
fn a_capacity_is_the_plans_until_an_operator_sets_it() {
    let plan = "metadata: {name: p}\nspec: {resources: {io: 3}, steps: [{name: a, region: west, draws: {io: 1}, noop: {}}]}\n";
    let mut world = World::new(&[plan]);
    let declared = super::resources(&world.state);
    assert_eq!((declared[0].capacity, declared[0].set_by_operator), (3, false));
    assert_eq!(declared[0].plans, ["p"]);
    let request = world.request();
    let set =
        Command::SetCapacity { request, resource: "io".into(), capacity: Some(1), reason: String::new() };
    world.apply(set);
    let set = super::resources(&world.state);
    assert_eq!((set[0].capacity, set[0].set_by_operator, set[0].drawn), (1, true, 0));
}
