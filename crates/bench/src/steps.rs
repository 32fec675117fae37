//! Steps through the whole path: grant, agent, journal, report, commit. Runs are started and followed as `baton run
//! start --wait` does it, so that what people's clients cost is in the figures.

use anyhow::bail;
use baton_client::{Client, Start};

use crate::figures::Times;
use crate::load::{self, Measured};
use crate::peers::Peers;
use crate::place::{Place, origin};
use crate::processes::{AT_ONCE, Supervisors, bare_loops};
use crate::report::{Across, Curve, Report, Row, Target, counted};
use crate::{Bench, disk};

/// The length of a chain, and how wide the wide graph is.
pub(crate) const STEPS: usize = 10;
/// Runs at once.
const RUNS: [usize; 4] = [1, 16, TARGET_RUNS, 256];
/// As many as the targets are about.
const TARGET_RUNS: usize = 64;

/// Where steps are done, in turn; a step without a region would need no agent.
const REGIONS: [&str; 3] = ["east", "west", "north"];

/// A kind of plan to be carried out.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    name: &'static str,
    idempotent: bool,
    action: &'static str,
    wide: bool,
}

impl Kind {
    /// For people.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its steps may be started a second time, after whatever went wrong.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// No step of it waits for another.
    pub(crate) fn is_wide(&self) -> bool {
        self.wide
    }

    /// Its steps are more than words between coordinators and agents.
    pub(crate) fn starts_processes(&self) -> bool {
        self.action != NOTHING
    }

    /// What is counted with so many runs at once.
    pub(crate) fn at_once(&self, runs: usize) -> String {
        format!("steps, {}, {}", self.name, counted(runs, "run"))
    }

    /// Others are measured with the same.
    fn has_peers(&self) -> bool {
        !self.wide && !self.starts_processes()
    }
}

const NOTHING: &str = "noop: {}";
const PROCESS: &str = "command: [\"true\"]";

pub(crate) const KINDS: [Kind; 5] = [
    Kind { name: "idempotent noop, chain", idempotent: true, action: NOTHING, wide: false },
    Kind { name: "not idempotent noop, chain", idempotent: false, action: NOTHING, wide: false },
    Kind { name: "idempotent noop, wide", idempotent: true, action: NOTHING, wide: true },
    Kind { name: "idempotent process, chain", idempotent: true, action: PROCESS, wide: false },
    Kind { name: "not idempotent process, chain", idempotent: false, action: PROCESS, wide: false },
];

/// Measures each kind with more and more runs at once.
///
/// # Errors
/// If something does not come up, or a run does not succeed.
pub(crate) async fn measure(bench: &Bench, kinds: &[Kind], report: &mut Report) -> anyhow::Result<()> {
    let raw = disk::measure(&bench.dir, bench.span)?;
    let peers = kinds.iter().any(Kind::has_peers).then(|| Peers::measure(bench, &[1, TARGET_RUNS]));
    for kind in kinds {
        let processes = match kind.starts_processes() {
            true => Some(Processes::measure(bench, kind, report).await?),
            false => None,
        };
        let mut curve =
            Curve { name: kind.name.into(), unit: "steps/s", across: Across::AtOnce, points: Vec::new() };
        for runs in RUNS {
            let Measured { rate, times } = runs_at_once(bench, kind, runs, None).await?;
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            curve.points.push((runs as f64, rate));
            report.add(rate_row(kind, runs, rate, raw.rate, processes.as_ref()));
            let peers = peers.as_ref().filter(|_| kind.has_peers());
            if runs == 1 && !kind.wide {
                report.add(critical_path(kind, &times, peers));
            } else if let Some(row) = peers.and_then(|peers| peers.rates(kind, runs, rate)) {
                report.add(row);
            }
            if let Some(processes) = processes.as_ref().filter(|_| runs == TARGET_RUNS) {
                report.add(processes.whole_machine(kind, rate));
            }
        }
        report.curve(curve);
    }
    Ok(())
}

fn rate_row(kind: &Kind, runs: usize, rate: f64, raw: f64, processes: Option<&Processes>) -> Row {
    let row = Row::new(kind.at_once(runs), "1/s", rate);
    let counts = runs == TARGET_RUNS;
    let Some(processes) = processes else {
        let row = row.beside(Some(("raw sync", raw)));
        let counts = counts && kind.idempotent && !kind.wide;
        return if counts { row.target(Target::AtLeast(0.7, "raw sync")) } else { row };
    };
    let row = row.beside(Some((ONE_LOOP, processes.one_loop)));
    if counts { row.target(Target::AtLeast(0.6, ONE_LOOP)) } else { row }
}

/// What steps that start a process stand beside, measured right before them.
struct Processes {
    one_loop: f64,
    /// As many as all processors can do.
    loops: f64,
    apart: f64,
}

const ONE_LOOP: &str = "bare loop";
const LOOPS: &str = "bare loops on all processors";
const APART: &str = "apart";

impl Processes {
    /// Bare loops of the same processes; and as many of them beside as many steps that do nothing, neither of which has to
    /// do with the other: what such steps could come to, if what binds the two, and what is cheaper for many at once than
    /// for few, cost nothing.
    async fn measure(bench: &Bench, kind: &Kind, report: &mut Report) -> anyhow::Result<Processes> {
        let (one_loop, loops) = (bare_loops(bench.span, 1)?, bare_loops(bench.span, AT_ONCE)?);
        for (name, rate) in [(ONE_LOOP, one_loop), (LOOPS, loops)] {
            report.add(Row::new(format!("{name}, before {}", kind.name), "1/s", rate));
        }
        let nothing = Kind { action: NOTHING, ..*kind };
        let apart = runs_at_once(bench, &nothing, TARGET_RUNS, Some(Supervisors::start()?)).await?.rate;
        let what =
            format!("{APART}: as many processes beside as many steps that do nothing, before {}", kind.name);
        report.add(Row::new(what, "1/s", apart).beside(Some((LOOPS, loops))));
        Ok(Processes { one_loop, loops, apart })
    }

    /// The steps beside what the machine can do at most.
    fn whole_machine(&self, kind: &Kind, rate: f64) -> Row {
        let row = Row::new(format!("{}, beside the whole machine", kind.at_once(TARGET_RUNS)), "1/s", rate);
        let row = row.beside(Some((LOOPS, self.loops))).beside(Some((APART, self.apart)));
        row.target(Target::AtLeast(0.6, LOOPS))
    }
}

/// What one step adds to a run: a chain's time by its length.
fn critical_path(kind: &Kind, times: &Times, peers: Option<&Peers>) -> Row {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let each = times.p50_ms() / STEPS as f64;
    let row = Row::new(format!("one step on the critical path, {}", kind.name), "ms", each);
    let theirs = peers.into_iter().flat_map(Peers::times);
    theirs.fold(row, |row, time| row.beside(Some(time))).note("p50 of a run, by its steps")
}

/// Runs at once on a cluster of their own, each started again when it is over, and, where there are supervisors, when as
/// many processes as it has steps are over as well. The rate is that of steps, the times are those of runs.
async fn runs_at_once(
    bench: &Bench,
    kind: &Kind,
    runs: usize,
    supervisors: Option<Supervisors>,
) -> anyhow::Result<Measured> {
    let place = Place::start(bench).await?;
    place.register(&plan("bench", STEPS, kind)).await?;
    let client = place.client()?;
    let done = load::run(runs, bench.span, move |number| {
        let (client, supervisors) = (client.clone(), supervisors.clone());
        async move {
            one_run(&client, "bench").await?;
            match supervisors {
                Some(supervisors) => supervisors.keep(number, STEPS).await,
                None => Ok(()),
            }
        }
    });
    let done = done.await?;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    Ok(Measured { rate: done.rate * STEPS as f64, ..done })
}

/// One run from its start to its end.
///
/// # Errors
/// If it does not succeed.
pub(crate) async fn one_run(client: &Client, plan: &str) -> anyhow::Result<()> {
    let start = Start { plan: plan.into(), mode: "graceful".into(), ..Start::default() };
    let started = client.start_run(&start, &origin()).await?;
    let mut watch = client.watch(&started.run);
    let mut last = None;
    while let Some(news) = watch.next().await? {
        if let baton_client::News::Changed(view) = news {
            last = Some(view.status.clone());
        }
    }
    match last.as_deref() {
        Some("succeeded") => Ok(()),
        other => bail!("{} ended as {other:?}", started.run),
    }
}

/// A plan of so many steps.
pub(crate) fn plan(name: &str, steps: usize, kind: &Kind) -> String {
    plan_in(name, steps, kind, &REGIONS)
}

fn plan_in(name: &str, steps: usize, kind: &Kind, regions: &[&str]) -> String {
    let mut text = header(name);
    for step in 0..steps {
        let needs = if step == 0 || kind.wide { String::new() } else { format!(", needs: [s{}]", step - 1) };
        let region = regions[step % regions.len()];
        text.push_str(&format!(
            "    - {{name: s{step}, region: {region}, idempotent: {}, {}{needs}}}\n",
            kind.idempotent, kind.action
        ));
    }
    text
}

/// A plan's beginning, up to its steps.
pub(crate) fn header(name: &str) -> String {
    format!(
        "apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: {name}, owner: bench, description: A load.}}\n\
         spec:\n  onFailure: pause\n  steps:\n"
    )
}

/// A chain of steps that do nothing, for whoever needs something that goes on for a while.
pub(crate) fn long_chain(name: &str, steps: usize) -> String {
    plan(name, steps, &KINDS[0])
}

/// The same, in these regions in turn.
pub(crate) fn chain_in(name: &str, steps: usize, regions: &[&str]) -> String {
    plan_in(name, steps, &KINDS[0], regions)
}

/// Steps that do nothing and need nothing.
pub(crate) fn wide(name: &str, steps: usize) -> String {
    plan(name, steps, &KINDS[2])
}
