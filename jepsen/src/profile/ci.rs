//! The profile of CI: several tests, each in a process and namespaces of its own, and least counts that all of them
//! together must reach. A run that did not get into trouble is no pass.

use std::path::Path;
use std::process::{Command, ExitCode};

use super::Summary;
use crate::checker::Valid;
use crate::cli;

/// Name, workloads, nemeses, seconds.
const TESTS: [(&str, &str, &str, u64); 5] = [
    ("ci-leader", "effects,probed,undo,storm", "leader", 46),
    (
        "ci-kill",
        "effects,probed,undo",
        "kill/agent,kill/host,kill/supervisor,kill/leaders-region,kill/majority,kill/all,data,membership",
        54,
    ),
    ("ci-partition", "effects,registers,fencing", "partition", 48),
    ("ci-power", "effects,registers,limits", "power,disk", 42),
    ("ci-pause", "effects,races,limits,registers", "pause,restart,clock", 42),
];

/// What must have happened.
const LEADER_KILLS: u64 = 30;
const PARTITIONS: u64 = 20;
const POWER_CUTS: u64 = 6;
const ONCE_STEPS: u64 = 300;

/// Rows of the matrix that the nemeses reach from outside; the others are the simulator's and the engine's scripts'.
const ROWS: [&str; 37] = [
    "M01", "M02", "M03", "M04", "M05", "M06", "M07", "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08",
    "A09", "A10", "P01", "P02", "P03", "P04", "P05", "Z01", "Z02", "Z03", "Z04", "Z05", "G01", "G02", "G03",
    "G04", "C01", "C02", "C03", "C04", "C05", "T01",
];

/// Runs all of them, and judges the sum.
///
/// # Errors
/// If a test cannot be started.
pub(crate) fn ci(flags: &cli::Test) -> anyhow::Result<ExitCode> {
    let binary = super::binary::find(flags.place.binary.as_deref())?;
    let mut sum = Summary::default();
    let mut worst = Valid::True;
    for (name, workloads, nemeses, seconds) in TESTS {
        println!("== {name}: {workloads} with {nemeses}");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["test", "--name", name, "--workload", workloads, "--nemesis", nemeses]);
        command.args(["--time-limit", &format!("{seconds}s"), "--seed", &flags.seed.to_string()]);
        command.arg("--binary").arg(&binary).arg("--store").arg(&flags.place.store);
        let valid = match command.status()?.code() {
            Some(0) => Valid::True,
            Some(1) => Valid::False,
            _ => Valid::Unknown,
        };
        worst = worst.max(valid);
        match results(&flags.place.store.join(name)) {
            Ok(summary) => sum.add(summary),
            Err(error) => println!("{name} left no results: {error:#}"),
        }
    }
    println!("== all\n{sum}");
    for shortfall in shortfalls(&sum) {
        println!("not enough: {shortfall}");
        worst = worst.max(Valid::Unknown);
    }
    println!("{}", worst.word());
    Ok(ExitCode::from(worst.exit()))
}

fn shortfalls(sum: &Summary) -> Vec<String> {
    let counts = [
        ("leader kills", sum.leader_kills, LEADER_KILLS),
        ("partitions", sum.partitions, PARTITIONS),
        ("power cuts", sum.power_cuts, POWER_CUTS),
        ("steps that must not be repeated", sum.once_steps, ONCE_STEPS),
    ];
    let few = counts.iter().filter(|(_, count, least)| count < least);
    let mut found: Vec<_> =
        few.map(|(what, count, least)| format!("{count} {what}, and {least} are wanted")).collect();
    let missed: Vec<_> = ROWS.into_iter().filter(|row| !sum.rows.contains(*row)).collect();
    if !missed.is_empty() {
        found.push(format!("rows of the matrix that were not hit: {}", missed.join(" ")));
    }
    found
}

/// The numbers of the newest test of a name.
fn results(folder: &Path) -> anyhow::Result<Summary> {
    let results = super::results_of(&super::newest(folder)?)?;
    Ok(serde_json::from_value(results["summary"].clone())?)
}
