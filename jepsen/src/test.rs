//! One test: a cluster, clients that ask, faults that happen, a healing, and the questions at the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use baton_client::{Choice, Client, Decision, Origin, Resolution};
use serde_json::{Value, json};

use crate::checker::{self, Verdict};
use crate::cluster::latency::Distance;
use crate::cluster::{Cluster, Layout, until_ready};
use crate::generator::Round;
use crate::history::{Kind, Process};
use crate::last::{self, Run};
use crate::nemesis::{self, Outcome, Site};
use crate::recorder::{Line, Recorder};
use crate::sandbox::{Sandbox, faketime};
use crate::store::{Store, Test};
use crate::witness;
use crate::workload::{Session, Workload, World};

/// How long the cluster may take to be ready, on a machine that does other things as well.
const READY_WITHIN: Duration = Duration::from_secs(40);
/// How long runs may take to be decided after everything was healed.
const DECIDED_WITHIN: Duration = Duration::from_secs(45);
/// Doubts that are still there so long after the healing are for a person.
const DOUBTS_SETTLE: Duration = Duration::from_secs(4);
/// How long a takeover is waited for.
const TAKEOVER_WITHIN: Duration = Duration::from_secs(10);

/// What a test is made of.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) test: Test,
    pub(crate) rounds: Vec<Round>,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) binary: PathBuf,
    pub(crate) sandbox: Sandbox,
}

/// Runs it, and judges it.
///
/// # Errors
/// If the suite itself, not Baton, could not do its work.
pub(crate) async fn run(mut setup: Setup, store: &Store) -> anyhow::Result<Vec<Verdict>> {
    let data = match setup.sandbox {
        Sandbox::Isolated => PathBuf::from("/run/jepsen"),
        Sandbox::Loopback(_) => store.path("data"),
    };
    let bends_clocks =
        setup.rounds.iter().flat_map(|round| &round.cards).any(|card| card.starts_with("clock/"));
    let layout = Layout {
        binary: setup.binary.clone(),
        logs: store.path("logs"),
        data,
        distance: Distance { round_trip_ms: setup.test.round_trip_ms, jitter_ms: setup.test.jitter_ms },
        faketime: faketime().filter(|_| bends_clocks),
    };
    let recorder = Arc::new(Recorder::create(&store.path("history.edn"))?);
    setup.test.origin_ns = recorder.origin_ns();
    store.write_test(&setup.test)?;
    store.write("plan.edn", &crate::generator::written(&setup.rounds)?)?;

    let cluster = Cluster::start(&layout, &setup.sandbox).context("the cluster cannot be started")?;
    let client = Client::connect(&cluster.servers())?;
    let agents = cluster.agents().count();
    until_ready(&client, agents, READY_WITHIN).await?;
    let world = World {
        client: patient(client.clone()),
        recorder: Arc::clone(&recorder),
        witness: store.path("witness"),
        program: std::env::current_exe()?,
        stop: Arc::new(AtomicBool::new(false)),
    };
    for plan in setup.workloads.iter().flat_map(|workload| workload.plans(&world)) {
        client
            .register_plan(&plan, &Origin::new("jepsen"))
            .await
            .with_context(|| format!("a plan of the suite is refused:\n{plan}"))?;
    }
    let clients = clients(&setup, &world, client.servers())?;
    let mut site = Site {
        cluster,
        client: client
            .clone()
            .with_deadline(Duration::from_millis(600))
            .with_attempt(Duration::from_millis(500)),
        recorder: Arc::clone(&recorder),
        random: fastrand::Rng::with_seed(setup.test.seed ^ 0x5eed),
        witness: store.path("witness"),
        binary: setup.binary.clone(),
        logs: store.path("logs"),
        strangers: Vec::new(),
        mends: Vec::new(),
        deposed: None,
    };
    let until = Instant::now() + Duration::from_millis(setup.test.time_limit_ms);
    trouble(&mut site, &setup.rounds, until).await?;
    world.stop.store(true, Ordering::Relaxed);
    futures::future::join_all(clients).await;
    heal(&mut site, &client, agents, &world).await?;
    if !site.strangers.is_empty() {
        let gone = site.strangers.iter().filter(|stranger| !stranger.is_there()).count();
        note(&recorder, "strangers", json!({"placed": site.strangers.len(), "gone": gone}));
    }
    match last::collect(&client).await {
        Ok(last) => store.write("last.edn", &last::written(&last)?)?,
        Err(error) => note(&recorder, "unanswered", json!({"why": error.to_string()})),
    }
    drop(site);
    let seen = witness::gather(&store.path("witness"), recorder.origin_ns())?;
    store.write("witness.edn", &witness::written(&seen)?)?;
    let evidence = store.evidence("history.edn")?;
    Ok(checker::all(&evidence))
}

fn patient(client: Client) -> Client {
    client.with_deadline(Duration::from_secs(6)).with_attempt(Duration::from_millis(1200))
}

/// Each has its own idea of who leads: what one of them learns must not keep the others from asking a deposed leader.
fn clients(
    setup: &Setup,
    world: &World,
    servers: &[String],
) -> anyhow::Result<Vec<tokio::task::JoinHandle<()>>> {
    let mut random = fastrand::Rng::with_seed(setup.test.seed);
    let mut clients = Vec::new();
    for workload in &setup.workloads {
        for number in 0..workload.clients(setup.workloads.len()) {
            let mut own = servers.to_vec();
            own.rotate_left(clients.len() % servers.len());
            let world = World { client: patient(Client::connect(&own)?), ..world.clone() };
            let session = Session::new(world, random.fork(), number);
            clients.push(tokio::spawn(workload.client(session)));
        }
    }
    Ok(clients)
}

/// The safety phase: one round after the other.
async fn trouble(site: &mut Site, rounds: &[Round], until: Instant) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_millis(700)).await;
    for round in rounds {
        if Instant::now() > until {
            break;
        }
        let began = Instant::now();
        for name in &round.cards {
            fault(site, name).await;
        }
        if let Some((id, since)) = site.deposed.take() {
            takeover(site, id, since).await;
        }
        let hold = Duration::from_millis(round.hold_ms);
        tokio::time::sleep(hold.saturating_sub(began.elapsed())).await;
        mend_all(site)?;
        tokio::time::sleep(Duration::from_millis(round.gap_ms)).await;
    }
    // Without faults the time is the clients'.
    tokio::time::sleep(until.saturating_duration_since(Instant::now())).await;
    Ok(())
}

async fn fault(site: &mut Site, name: &str) {
    let Some(card) = nemesis::card(name) else { return };
    let (met, hit) = nemesis::until(site, card).await;
    let began = site.recorder.now();
    let record = |recorder: &Recorder, kind, value| {
        recorder.write(Line { kind, process: Process::Nemesis, f: "fault", value, node: None, error: None });
    };
    record(&site.recorder, Kind::Invoke, json!({"card": name, "on_state": met}));
    let outcome = nemesis::install(site, card, hit).await;
    let (word, detail) = match outcome {
        Outcome::Installed(detail) => ("installed", detail),
        Outcome::Skipped(why) => ("skipped", why),
        Outcome::Indeterminate(why) => ("indeterminate", why),
    };
    // A row counts only where the fault met the state that it waited for.
    let rows: &[&str] = if met && word == "installed" { card.rows } else { &[] };
    let took_ms = (site.recorder.now() - began) / 1_000_000;
    record(
        &site.recorder,
        Kind::Info,
        json!({"card": name, "outcome": word, "detail": detail, "rows": rows, "took_ms": took_ms}),
    );
}

/// Waits until another one leads, and writes down how long that took.
async fn takeover(site: &mut Site, id: u64, since: Instant) {
    while since.elapsed() < TAKEOVER_WITHIN {
        if site.leading().await.is_some_and(|leader| leader != id) {
            let ms = since.elapsed().as_millis() as u64;
            note(&site.recorder, "takeover", json!({"from": id, "ms": ms}));
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn mend_all(site: &mut Site) -> anyhow::Result<()> {
    if let Some(network) = &site.cluster.network {
        note(&site.recorder, "dropped", json!({"packets": network.dropped()?}));
    }
    if let Some(packets) = site.cluster.delayed() {
        note(&site.recorder, "delayed", json!({"packets": packets}));
    }
    while let Some(mend) = site.mends.pop() {
        nemesis::mend(&mut site.cluster, mend)?;
    }
    note(&site.recorder, "healed", Value::Null);
    site.cluster.heal()
}

/// The liveness phase: everything is healed, and everything must be decided.
async fn heal(site: &mut Site, client: &Client, agents: usize, world: &World) -> anyhow::Result<()> {
    mend_all(site)?;
    let recorder = Arc::clone(&site.recorder);
    if let Err(error) = until_ready(client, agents, READY_WITHIN).await {
        note(&recorder, "not-ready", json!({"why": error.to_string()}));
        return Ok(());
    }
    note(&recorder, "ready", Value::Null);
    let began = Instant::now();
    let mut person = Session::new(world.clone(), fastrand::Rng::with_seed(1), 0);
    loop {
        let runs: Vec<Run> = match last::runs(client).await {
            Ok(runs) => runs
                .iter()
                .map(|run| serde_json::from_value(serde_json::to_value(run)?))
                .collect::<Result<_, _>>()?,
            Err(_) => Vec::new(),
        };
        let settled = began.elapsed() > DOUBTS_SETTLE;
        // Whatever a person decides sets something in motion.
        let moving = settled && resolve(&runs, &mut person).await;
        let open = runs.iter().filter(|run| !checker::is_decided(run)).count();
        if began.elapsed() > DECIDED_WITHIN || (settled && !moving && open == 0 && !runs.is_empty()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// What a person would do: look at the target, and say what became of a step in doubt. True if there was one.
async fn resolve(runs: &[Run], person: &mut Session) -> bool {
    let steps = runs.iter().flat_map(|run| run.steps.iter().map(move |step| (run, step)));
    let mut any = false;
    for (run, step) in steps.filter(|(_, step)| step.status == "in_doubt") {
        any = true;
        let seen = witness::read_target(&person.world.witness.join(format!("run-{}.jsonl", run.run)))
            .unwrap_or_default();
        let happened = seen
            .iter()
            .any(|line| line.step == step.step && line.direction == step.direction && line.what == "applied");
        let (resolution, word) = match happened {
            true => (Resolution::Succeeded, "resolve_succeeded"),
            false => (Resolution::Failed, "resolve_failed"),
        };
        let decision = Decision::Step { step: step.step.clone(), choice: Choice::Resolve(resolution) };
        person.decide(&run.run, &decision, word, Some(&step.step)).await;
    }
    any
}

fn note(recorder: &Recorder, f: &str, value: Value) {
    recorder.write(Line { kind: Kind::Info, process: Process::Nemesis, f, value, node: None, error: None });
}
