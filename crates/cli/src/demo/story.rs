//! The run, and the kill in the middle of the step that must never happen twice.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use baton_client::view::{RunView, StepView};
use baton_client::{Client, News, Origin, Start};

use rustix::process::Signal;

use crate::demo::stage::Stage;
use crate::demo::voice::Voice;
use crate::local::Cluster;

/// The run must have ended by then.
const RUN_WITHIN: Duration = Duration::from_secs(50);
/// The coordinator that was killed must have caught up by then.
const BACK_WITHIN: Duration = Duration::from_secs(15);

/// What was seen, for the proof.
pub(crate) struct Told {
    /// The run at its end.
    pub(crate) run: RunView,
    /// The step in which the leader died.
    pub(crate) delicate: String,
    /// Milliseconds from the kill to the first entry of the new leader.
    pub(crate) takeover_ms: u128,
}

/// The kill, and when it was.
struct Kill {
    leader: u64,
    step: String,
    at: Instant,
}

/// Starts the run, kills the leader while a step that is not idempotent is under way, and follows
/// the run to its end.
pub(crate) async fn play(
    cluster: &mut Cluster,
    stage: &Stage,
    plan: &str,
    voice: &Voice,
) -> anyhow::Result<Told> {
    let client = cluster.client().clone();
    introduce(&client, voice).await?;
    voice.title("The region with the shop is lost: the failover runs");
    let origin = || Origin::new("demo");
    let registered = client.register_plan(plan, &origin()).await?;
    let params = stage.params()?;
    let start = Start { plan: registered.plan, params, ..Start::default() };
    let run = client.start_run(&start, &origin()).await?.run;
    voice.tell(&format!("run {run} is started; a quorum has it on disk"));
    let (run, kill, takeover_ms) = follow(cluster, &client, &run, voice).await?;
    let kill =
        kill.context("no step that is not idempotent ran long enough for the leader to be killed in it")?;
    bring_back(cluster, &client, kill.leader, voice).await?;
    Ok(Told { run, delicate: kill.step, takeover_ms })
}

async fn introduce(client: &Client, voice: &Voice) -> anyhow::Result<()> {
    let status = client.cluster_status().await?;
    let leader = status.leading_member().context("nobody leads")?;
    voice.tell(&format!("coordinator {} in {} leads, in term {}", leader.id, leader.region, status.term));
    for agent in &status.agents {
        voice.note(&format!("agent {} serves {} with {} slots", agent.name, agent.region, agent.slots));
    }
    Ok(())
}

async fn follow(
    cluster: &mut Cluster,
    client: &Client,
    run: &str,
    voice: &Voice,
) -> anyhow::Result<(RunView, Option<Kill>, u128)> {
    let mut watch = client.watch(run);
    let mut known = BTreeMap::new();
    let (mut kill, mut takeover_ms, mut last) = (None::<Kill>, 0, None);
    let deadline = Instant::now() + RUN_WITHIN;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let news = tokio::time::timeout(left, watch.next()).await;
        let news =
            news.with_context(|| format!("the run did not end within {} s", RUN_WITHIN.as_secs()))??;
        let view = match news {
            None => break,
            Some(News::Lost(_)) => continue,
            Some(News::Changed(view)) => view,
        };
        if let Some(kill) = kill.as_ref().filter(|_| takeover_ms == 0 && view.takeovers > 0) {
            takeover_ms = kill.at.elapsed().as_millis();
            tell_takeover(client, kill, takeover_ms, voice).await?;
        }
        tell_changes(&view, &mut known, voice);
        if kill.is_none()
            && let Some(step) = view.steps.iter().find(|step| is_delicate(step))
        {
            kill = Some(kill_leader(cluster, client, step, voice).await?);
        }
        last = Some(view);
        if last.as_ref().is_some_and(|view| view.needs_operator) {
            break;
        }
    }
    let last = Arc::unwrap_or_clone(last.context("the run was never seen")?);
    if last.status != "succeeded" {
        bail!("the run is {}: {}", last.status, last.reason.as_deref().unwrap_or("no reason given"));
    }
    voice.good(&format!("run {} succeeded after {} ms", last.run, last.elapsed_ms));
    Ok((last, kill, takeover_ms))
}

/// Not idempotent, begun, and worth the kill: with a probe it is the step that the story is about.
fn is_delicate(step: &StepView) -> bool {
    let begun = step.last_attempt().is_some_and(|attempt| attempt.begun && attempt.outcome.is_none());
    !step.idempotent && step.status == "running" && begun && step.estimate_ms.is_some_and(|ms| ms >= 1000)
}

async fn kill_leader(
    cluster: &mut Cluster,
    client: &Client,
    step: &StepView,
    voice: &Voice,
) -> anyhow::Result<Kill> {
    let leader = client.cluster_status().await?.leader.context("nobody leads")?;
    let process = cluster.server(leader).with_context(|| format!("there is no coordinator {leader}"))?;
    let pid = process.pid();
    process.signal(Signal::KILL);
    let kill = Kill { leader, step: step.step.clone(), at: Instant::now() };
    voice.bad(&format!(
        "kill -9 {pid}: coordinator {leader}, the leader, dies in the middle of `{}`",
        step.step
    ));
    voice.note("its agent goes on: a step's process belongs to a supervisor, not to a coordinator");
    Ok(kill)
}

async fn tell_takeover(client: &Client, kill: &Kill, takeover_ms: u128, voice: &Voice) -> anyhow::Result<()> {
    let status = client.cluster_status().await?;
    let leader = status.leading_member().context("nobody leads")?;
    anyhow::ensure!(leader.id != kill.leader, "coordinator {} was killed and leads", kill.leader);
    voice.good(&format!(
        "coordinator {} in {} was elected in term {} and has taken the run over, {takeover_ms} ms after the kill",
        leader.id, leader.region, status.term
    ));
    voice.note("it read the same log, so it knows the same attempts; nothing was granted again");
    Ok(())
}

/// Tells what changed since the last view, once.
fn tell_changes(view: &RunView, known: &mut BTreeMap<String, (String, usize)>, voice: &Voice) {
    for step in &view.steps {
        let now = (step.status.clone(), step.attempts.len());
        if known.get(&step.step) == Some(&now) || step.status == "waiting" {
            continue;
        }
        let attempt = step.last_attempt();
        let agent = attempt.and_then(|attempt| attempt.agent.as_deref()).unwrap_or("nobody");
        let region = step.region.as_deref().unwrap_or("-");
        let path = if step.critical { "◆" } else { " " };
        let once = if step.idempotent { "" } else { "  (must not happen twice)" };
        let token = attempt.map_or(0, |attempt| attempt.token);
        match step.status.as_str() {
            "running" => {
                voice.tell(&format!(
                    "{path} {:<18} {region:<6} {agent} begins, token {token}{once}",
                    step.step
                ));
            }
            "succeeded" => {
                let took = attempt.map_or(0, |attempt| attempt.elapsed_ms);
                voice.tell(&format!("{path} {:<18} {region:<6} {agent} is done after {took} ms", step.step));
            }
            other => {
                let reason = step.reason.as_deref().unwrap_or_default();
                voice.bad(&format!("{path} {:<18} {region:<6} {other} {reason}", step.step));
            }
        }
        known.insert(step.step.clone(), now);
    }
}

/// The coordinator that was killed is started again, and has everything that it missed.
async fn bring_back(cluster: &mut Cluster, client: &Client, id: u64, voice: &Voice) -> anyhow::Result<()> {
    let at = Instant::now();
    let process = cluster.server(id).with_context(|| format!("there is no coordinator {id}"))?;
    anyhow::ensure!(
        process.ended().is_some_and(|status| status.signal() == Some(9)),
        "coordinator {id} was not killed"
    );
    process.restart()?;
    loop {
        let status = client.cluster_status().await?;
        let leader = status.leading_member().context("nobody leads")?;
        let back = status.members.iter().find(|member| member.id == id);
        if back.is_some_and(|member| member.reachable && member.applied >= leader.applied) {
            let applied = leader.applied.unwrap_or_default();
            let ms = at.elapsed().as_millis();
            voice.tell(&format!("coordinator {id} was started again, and stands at entry {applied} like the others, {ms} ms later"));
            return Ok(());
        }
        if at.elapsed() > BACK_WITHIN {
            bail!("coordinator {id} did not catch up within {} s", BACK_WITHIN.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
