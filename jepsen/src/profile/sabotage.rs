//! The suite is itself tested: a binary that carries a known bug, the workloads and nemeses that should show it, and seed after
//! seed until a checker says *false*.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::says_false;
use crate::cli::Place;

/// Which bug the binary carries.
const VARIABLE: &str = "BATON_SABOTAGE";

/// One planted bug, and what should show it.
struct Planted {
    name: &'static str,
    workloads: &'static str,
    nemeses: &'static str,
    seconds: u64,
}

const fn planted(
    name: &'static str,
    workloads: &'static str,
    nemeses: &'static str,
    seconds: u64,
) -> Planted {
    Planted { name, workloads, nemeses, seconds }
}

const ALL: [Planted; 16] = [
    planted("ack-before-commit", "effects,registers,storm", "leader", 30),
    planted("send-before-commit", "effects", "partition", 50),
    planted("skip-begin-gate", "effects", "partition,pause", 50),
    planted("no-intent-fsync", "effects", "power/agent/applied", 25),
    planted("retry-unknown", "effects", "kill", 30),
    planted("ignore-fence", "fencing", "leader", 20),
    planted("reuse-fence-after-restore", "effects,fencing", "restore", 25),
    planted("stale-read", "effects,registers", "leader,partition", 30),
    planted("wall-clock-lease", "effects", "clock/agent", 20),
    planted("plain-flush", "effects,registers", "power", 40),
    planted("empty-data-dir", "effects", "data/wipe", 25),
    planted("drop-late-result", "effects", "leader,partition", 30),
    planted("adopt-by-pid", "effects", "kill/host/pids-reused", 15),
    planted("one-way-heartbeat", "effects", "replies/agent-unheard", 25),
    planted("probe-before-quiescence", "probed", "pause/host/unapplied", 40),
    planted("early-append-ack", "effects,registers", "power/coordinators/slow-sync", 30),
];

/// Flags of `sabotage`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Sabotage {
    /// Some of the planted bugs; without it all of them
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(ALL.map(|bug| bug.name)))]
    only: Vec<String>,
    /// How many seeds may pass before a bug counts as not caught
    #[arg(long, value_name = "N", default_value_t = 3)]
    seeds: u64,
    #[command(flatten)]
    place: Place,
}

struct Caught {
    checkers: Vec<String>,
    seeds: u64,
    took: Duration,
}

/// Runs them one after the other, and says which were caught.
///
/// # Errors
/// If a test cannot be started, or the binary carries no bug.
pub(crate) fn sabotage(flags: &Sabotage) -> anyhow::Result<ExitCode> {
    let binary = super::binary::find_sabotaged(flags.place.binary.as_deref())?;
    println!("| bug | workloads | nemeses | caught by | seeds | seconds |\n|---|---|---|---|---|---|");
    let mut missed = 0;
    for bug in
        ALL.iter().filter(|bug| flags.only.is_empty() || flags.only.iter().any(|name| name == bug.name))
    {
        let tried = hunt(bug, flags, &binary)?;
        missed += u32::from(tried.checkers.is_empty());
        let caught =
            if tried.checkers.is_empty() { "**not caught**".into() } else { tried.checkers.join(", ") };
        let Planted { name, workloads, nemeses, .. } = bug;
        let (seeds, seconds) = (tried.seeds, tried.took.as_secs());
        println!("| `{name}` | {workloads} | {nemeses} | {caught} | {seeds} | {seconds} |");
        std::io::stdout().flush()?;
    }
    Ok(ExitCode::from(u8::from(missed > 0)))
}

fn hunt(bug: &Planted, flags: &Sabotage, binary: &Path) -> anyhow::Result<Caught> {
    let began = Instant::now();
    for seed in 1..=flags.seeds {
        let folder = test(bug, seed, flags, binary)?;
        let checkers = says_false(&folder)?;
        if !checkers.is_empty() || seed == flags.seeds {
            return Ok(Caught { checkers, seeds: seed, took: began.elapsed() });
        }
    }
    anyhow::bail!("--seeds 0 tries nothing")
}

/// One test in a process of its own, as in CI; gives back its folder.
fn test(bug: &Planted, seed: u64, flags: &Sabotage, binary: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("sabotage-{}", bug.name);
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["test", "--name", &name, "--workload", bug.workloads, "--nemesis", bug.nemeses]);
    command.args(["--time-limit", &format!("{}s", bug.seconds), "--seed", &seed.to_string()]);
    command.arg("--binary").arg(binary).arg("--store").arg(&flags.place.store);
    command.env(VARIABLE, bug.name).stdout(Stdio::null());
    command.status().context("a test cannot be started")?;
    let folder = super::newest(&flags.place.store.join(name))?;
    let log = fs::read_to_string(folder.join("logs/c1.log")).unwrap_or_default();
    ensure!(
        log.contains(&format!("planted bug `{}`", bug.name)),
        "{} carries no planted bugs: build it with `cargo build -p baton-cli --features sabotage`",
        binary.display()
    );
    Ok(folder)
}
