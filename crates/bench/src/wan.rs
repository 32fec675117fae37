//! Coordinators in regions that are far apart: what a distance costs each step, and how long nobody leads when the leader dies.

use std::time::Duration;

use baton_client::Start;

use crate::Bench;
use crate::delay;
use crate::far::{Far, REGIONS};
use crate::figures::Times;
use crate::load;
use crate::place::origin;
use crate::report::{Report, Row, Target, counted};
use crate::steps::{chain_in, long_chain, one_run};
use crate::takeover::{granted_after, now_ms};

/// Round trips between regions, milliseconds, and the profile that is meant for them.
const DISTANCES: [(u64, &str); 3] = [(20, "lan"), (80, "regional"), (200, "wan")];
const STEPS: usize = 10;
/// Runs at once.
const RUNS: [usize; 3] = [1, 16, 64];
/// Long enough to be under way for as long as a takeover takes.
const LONG: usize = 3000;

/// Measures all of it at each distance.
///
/// # Errors
/// If something does not come up, or a run does not succeed.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (round_trip_ms, meant) in DISTANCES {
        let distance = Distance {
            name: format!("{round_trip_ms} ms between regions"),
            round_trip: Duration::from_millis(round_trip_ms),
            profile: bench.profile.clone().unwrap_or_else(|| meant.to_owned()),
            measured_ms: delay::measure(Duration::from_millis(round_trip_ms)).await?.p50_ms(),
        };
        distance.measure(bench, report).await?;
    }
    Ok(())
}

struct Distance {
    name: String,
    round_trip: Duration,
    profile: String,
    /// The round trip as the line really has it.
    measured_ms: f64,
}

impl Distance {
    async fn measure(&self, bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
        let mut far = Far::start(bench, self.round_trip, &self.profile).await?;
        far.client()?.register_plan(&chain_in("around", STEPS, &REGIONS), &origin()).await?;
        far.client()?.register_plan(&long_chain("long", LONG), &origin()).await?;
        let (_, region, term) = far.leader().await?;
        far.client()?.register_plan(&chain_in("near", STEPS, &[region]), &origin()).await?;
        self.steps(bench, &far, report).await?;
        #[expect(clippy::cast_precision_loss, reason = "a few at most")]
        let elections = far.leader().await?.2.abs_diff(term) as f64;
        let row = Row::new(self.named("elections under load, with nobody dead"), "", elections);
        report.add(row.target(Target::Within(0.0)).note(format!("--profile {}", self.profile)));
        let times = self.takeovers(bench, &mut far).await?;
        let row = Row::new(self.named("kill -9 of the leader → next step, median"), "ms", times.p50_ms());
        let spread =
            format!("{} times, {:.0} to {:.0} ms", times.count(), times.ms_at(0.0), times.ms_at(1.0));
        report.add(self.beside(row).note(format!("--profile {}; {spread}", self.profile)));
        Ok(())
    }

    /// The rate of steps, and what one adds to a run, where the regions take turns and where the leader's does all.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    async fn steps(&self, bench: &Bench, far: &Far, report: &mut Report) -> anyhow::Result<()> {
        let (leader, _, _) = far.leader().await?;
        for (plan, what) in [("around", "regions in turn"), ("near", "all in the leader's region")] {
            for runs in RUNS {
                let client = far.client_of(leader)?;
                let measured = load::run(runs, bench.span, move |_| {
                    let client = client.clone();
                    async move { one_run(&client, plan).await }
                });
                let measured = measured.await?;
                let what = |kind: &str| self.named(&format!("{kind}, {what}"));
                if runs == 1 {
                    let each = Row::new(
                        what("one step on the critical path"),
                        "ms",
                        measured.times.p50_ms() / STEPS as f64,
                    );
                    report.add(self.beside(each));
                }
                let rate = measured.rate * STEPS as f64;
                let alone = 1000.0 / self.measured_ms * runs as f64;
                let row = Row::new(what(&format!("steps, {}", counted(runs, "run"))), "1/s", rate);
                report.add(row.beside(Some(("one round trip each", alone))));
            }
        }
        Ok(())
    }

    async fn takeovers(&self, bench: &Bench, far: &mut Far) -> anyhow::Result<Times> {
        let mut times = Vec::new();
        for _ in 0..bench.kills.div_ceil(10) {
            far.whole().await?;
            let (client, (leader, _, _)) = (far.client()?, far.leader().await?);
            let start = Start { plan: "long".into(), mode: "graceful".into(), ..Start::default() };
            let run = client.start_run(&start, &origin()).await?.run;
            let (before, _) = granted_after(&client, &run, 0, 0).await?;
            let at_ms = now_ms()?;
            far.kill(leader)?;
            let (_, next_ms) = granted_after(&client, &run, before, at_ms).await?;
            times.push(Duration::from_millis(u64::try_from(next_ms - at_ms)?));
            far.restart(leader)?;
            client
                .decide(&baton_client::Decision::Cancel { undo: false }, &run, "measured", &origin())
                .await?;
        }
        Ok(Times::of(times))
    }

    fn named(&self, what: &str) -> String {
        format!("{what}, {}", self.name)
    }

    fn beside(&self, row: Row) -> Row {
        row.beside(Some(("round trip", self.measured_ms)))
    }
}
