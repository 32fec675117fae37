//! Plays one script: the network takes a step, the world takes a step, and what the world orders is done to the network.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baton_engine::Command;
use baton_sim::outside::{Order, Outside, Site};
use baton_sim::{Played, Script};
use rustix::time::ClockId;
use tokio::sync::mpsc::UnboundedSender;
use turmoil::{Builder, Sim};

use crate::coordinator::Setup;
use crate::links::{Host, Links};
use crate::{Outcome, agent, coordinator, driver, people, said};

const TICK: Duration = Duration::from_millis(1);
/// Nothing is sent twice in this network, so that whatever is lost costs its whole connection.
const LOSS_IN_A_PERCENT: f64 = 0.0001;
/// Longer than any script plays.
const FOREVER: Duration = Duration::from_secs(100_000);

/// The world, as everybody in it holds it.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Outside>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Outside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What broke off first, wherever it was caught.
static PANIC: Mutex<Option<String>> = Mutex::new(None);
/// What the processes say in their logs.
static SAID: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Plays a script in this process, prints what is asked for, and says in the last line what came of it.
pub(crate) fn here(script: &Script, traced: bool) -> anyhow::Result<ExitCode> {
    let played = play(script, traced);
    if traced {
        said(script);
    }
    played.trace.iter().for_each(|line| println!("{line}"));
    let outcome = Outcome::of(&played);
    if let Some((law, what)) = &outcome.broken {
        println!("BROKEN {law} {what}");
    }
    println!("{}", serde_json::to_string(&outcome)?);
    // Beside the story, which is the same every time.
    eprintln!("{}", driver::seconds(ClockId::ProcessCPUTime));
    Ok(if outcome.broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn play(script: &Script, traced: bool) -> Played {
    std::panic::set_hook(Box::new(|panic| {
        let mut first = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(panic.to_string());
    }));
    if traced {
        listen_to_logs();
    }
    let _clocks = mad_turmoil::time::SimClocksGuard::init();
    let folder = std::env::temp_dir().join(format!("baton-whole-{}", std::process::id()));
    let mut stage = Stage::new(script, traced, &folder);
    if catch_unwind(AssertUnwindSafe(|| stage.play())).is_err() {
        // In debug builds the engine's own laws panic.
        let what = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
        stage.world.lock().broken("the engine's own", what.unwrap_or_default());
    }
    let played = stage.world.lock().conclude();
    // Hosts end with all that they hold, which is no part of the story.
    std::mem::forget(stage);
    let _ = std::fs::remove_dir_all(&folder);
    played
}

fn listen_to_logs() {
    struct Ear;
    impl std::io::Write for Ear {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            SAID.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let filter = "info,turmoil=error,baton_node=debug,baton_agent=debug,baton_client=debug";
    let format = tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false);
    format.with_writer(|| Ear).init();
}

/// Everything that one script is played on.
struct Stage<'a> {
    world: Shared,
    sim: Sim<'a>,
    links: Links,
    setup: Setup,
    agents: BTreeMap<usize, agent::Handle>,
    members: BTreeSet<usize>,
    ask: UnboundedSender<(usize, Command)>,
    is_calm: bool,
}

impl Stage<'_> {
    fn new(script: &Script, traced: bool, folder: &std::path::Path) -> Self {
        let setting = &script.world;
        let mut sim = Builder::new()
            .simulation_duration(FOREVER)
            .tick_duration(TICK)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(setting.delay_ms.max(2)))
            .fail_rate(f64::from(setting.drops) * LOSS_IN_A_PERCENT)
            .tcp_capacity(1 << 16)
            .rng_seed(setting.seed)
            .build();
        let world = Shared(Arc::new(Mutex::new(Outside::new(script.clone(), traced))));
        let ask = people::start(&mut sim, &world, setting.members);
        let mut links = Links::default();
        links.add(&sim, Host::People);
        let setup = Setup {
            members: setting.members,
            delay_ms: setting.delay_ms,
            sync_ms: setting.sync_ms,
            snapshot_after: [40, 150, 5000][(setting.seed % 3) as usize],
            folder: folder.to_owned(),
        };
        Stage {
            world,
            sim,
            links,
            setup,
            agents: BTreeMap::new(),
            members: BTreeSet::new(),
            ask,
            is_calm: false,
        }
    }

    fn play(&mut self) {
        self.carry_out();
        while !self.world.lock().is_over() {
            if let Err(error) = self.sim.step() {
                self.world.lock().broken("a process ended", error.to_string());
            }
            if let Some(panic) = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take() {
                self.world.lock().broken("a process broke off", panic);
            }
            self.note_logs();
            let now_ms = u64::try_from(self.sim.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.world.lock().advance(now_ms);
            self.carry_out();
        }
    }

    fn note_logs(&self) {
        let said = std::mem::take(&mut *SAID.lock().unwrap_or_else(PoisonError::into_inner));
        for line in String::from_utf8_lossy(&said).lines() {
            self.world.lock().note(|| line.to_owned());
        }
    }

    fn carry_out(&mut self) {
        let orders = self.world.lock().take_orders();
        orders.into_iter().for_each(|order| self.obey(order));
        if !self.is_calm && self.world.lock().is_calm() {
            self.is_calm = true;
            self.sim.set_fail_rate(0.0);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(Site::Member(member)) => self.start_member(member),
            Order::Start(Site::Place(place)) => self.start_agent(place),
            Order::Stop(Site::Member(member)) => self.sim.crash(coordinator::name(member)),
            Order::Stop(Site::Place(place)) => self.sim.crash(agent::name(place)),
            Order::Freeze(site) => self.freeze(site, true),
            Order::Thaw(site) => self.freeze(site, false),
            Order::Cut(from, to) => self.links.cut(&self.sim, from, to, true),
            Order::Mend(from, to) => self.links.cut(&self.sim, from, to, false),
            Order::Hear(place, event) => {
                if let Some(agent) = self.agents.get(&place) {
                    agent.hear(event);
                }
            }
            // The people's host never ends before the simulation does.
            Order::Ask(client, command) => drop(self.ask.send((client, *command))),
        }
    }

    fn start_member(&mut self, member: usize) {
        if !self.members.insert(member) {
            return self.sim.bounce(coordinator::name(member));
        }
        coordinator::start(&mut self.sim, &self.world, &self.setup, member);
        self.links.add(&self.sim, Host::At(Site::Member(member)));
    }

    fn start_agent(&mut self, place: usize) {
        if self.agents.contains_key(&place) {
            return self.sim.bounce(agent::name(place));
        }
        let handle = agent::start(&mut self.sim, &self.world, self.setup.members, place);
        self.agents.insert(place, handle);
        self.links.add(&self.sim, Host::At(Site::Place(place)));
    }

    fn freeze(&mut self, site: Site, freezes: bool) {
        self.links.freeze(&self.sim, site, freezes);
        if let Site::Place(place) = site
            && let Some(agent) = self.agents.get(&place)
        {
            agent.freeze(freezes);
        }
    }
}
