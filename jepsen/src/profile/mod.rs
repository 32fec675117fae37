//! What the commands do: one test, a replay, a check, a test made small, and the profile of CI, which is several tests.

mod binary;
mod ci;
mod sabotage;
mod shrink;
mod summary;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::checker::{self, Valid, Verdict};
use crate::cli::{self, Place};
use crate::sandbox::{self, Sandbox};
use crate::store::{Store, Test};
use crate::test::Setup;
use crate::workload::Workload;
use crate::{edn, generator, nemesis, report};

pub(crate) use ci::ci;
pub(crate) use sabotage::{Sabotage, sabotage};
pub(crate) use shrink::{Shrink, shrink};
pub(crate) use summary::Summary;
pub(crate) use tally::{Tally, tally};

/// One test, as the flags say.
///
/// # Errors
/// If the suite itself could not do its work.
pub(crate) fn one(flags: &cli::Test) -> anyhow::Result<ExitCode> {
    let binary = binary::find(flags.place.binary.as_deref())?;
    let sandbox = sandbox::enter()?;
    let mut random = fastrand::Rng::with_seed(flags.seed);
    let (mut cards, insisted) = flags.cards();
    if flags.profile == cli::Profile::Soak {
        cards = generator::swarm(&cards, &mut random);
    }
    let rounds = generator::rounds(&cards, &mut random);
    let nemeses = nemesis::names(&cards);
    let workloads = flags.workloads();
    let test = Test {
        name: flags.name.clone(),
        seed: flags.seed,
        workloads: workloads.iter().map(|workload| workload.name().to_owned()).collect(),
        nemeses: nemeses.clone(),
        insisted: if insisted { nemeses } else { Vec::new() },
        time_limit_ms: flags.time_limit.as_millis() as u64,
        round_trip_ms: flags.wan.as_millis() as u64,
        jitter_ms: flags.jitter.as_millis() as u64,
        ..Test::default()
    };
    carry_out(Setup { test, rounds, workloads, binary, sandbox }, &flags.place)
}

/// A test again, with its plan.
///
/// # Errors
/// If it is not there, or the suite itself could not do its work.
pub(crate) fn replay(folder: &Path, place: &Place) -> anyhow::Result<ExitCode> {
    let old = Store { folder: folder.to_owned() };
    let (test, rounds) = (old.read_test()?, old.read_plan()?);
    let binary = binary::find(place.binary.as_deref())?;
    let sandbox = sandbox::enter()?;
    let known = |name: &String| Workload::ALL.into_iter().find(|workload| workload.name() == name);
    let workloads = test.workloads.iter().filter_map(known).collect();
    carry_out(Setup { test, rounds, workloads, binary, sandbox }, place)
}

fn carry_out(mut setup: Setup, place: &Place) -> anyhow::Result<ExitCode> {
    let store = Store::create(&place.store, &setup.test.name)?;
    setup.test.sandbox = match &setup.sandbox {
        Sandbox::Isolated => "isolated".into(),
        Sandbox::Loopback(why) => {
            eprintln!("on the loopback device, without partitions, power cuts and full disks: {why}");
            why.clone()
        }
    };
    setup.test.again = format!("cargo run --release -p baton-jepsen -- replay {}", store.folder.display());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // On this thread, for processes end with the thread that started them.
    let verdicts = runtime.block_on(crate::test::run(setup, &store))?;
    drop(runtime);
    conclude(&store, &verdicts)
}

/// Writes the verdicts and the page, and says what they are.
fn conclude(store: &Store, verdicts: &[Verdict]) -> anyhow::Result<ExitCode> {
    let evidence = store.evidence("history.edn")?;
    let overall = checker::overall(verdicts);
    let summary = Summary::of(&evidence);
    let values: Vec<_> = verdicts.iter().map(Verdict::value).collect();
    let results = serde_json::json!({"valid": overall.word(), "checkers": values, "summary": serde_json::to_value(&summary)?});
    store.write("results.edn", &edn::written(&results))?;
    let page = report::page(&store.read_test().unwrap_or_default(), &evidence, verdicts);
    store.write("index.html", &page)?;
    println!("{summary}");
    say(verdicts);
    println!("{}  {}", overall.word(), store.path("index.html").display());
    Ok(ExitCode::from(overall.exit()))
}

fn say(verdicts: &[Verdict]) {
    for verdict in verdicts {
        println!("  {:<8} {:<14} {}", verdict.valid.word(), verdict.checker, verdict.note);
        for finding in verdict.findings.iter().take(8) {
            println!("           {finding}");
        }
        if verdict.findings.len() > 8 {
            println!("           and {} more", verdict.findings.len() - 8);
        }
    }
}

/// The newest test of a name.
fn newest(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut tests: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    tests.sort();
    tests.pop().context("there is none")
}

/// What a test came to.
fn results_of(test: &Path) -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string(test.join("results.edn"))?;
    Ok(edn::read_all(&text)?.into_iter().next().unwrap_or_default())
}

/// The laws that a test found broken. One that the suite could not finish has found none.
fn says_false(folder: &Path) -> anyhow::Result<Vec<String>> {
    if !folder.join("results.edn").exists() {
        return Ok(Vec::new());
    }
    let results = results_of(folder)?;
    let verdicts = results["checkers"].as_array().cloned().unwrap_or_default();
    let wrong = verdicts.iter().filter(|verdict| verdict["valid"] == "false");
    Ok(wrong.filter_map(|verdict| verdict["checker"].as_str().map(str::to_owned)).collect())
}

/// Judges a history again.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn check(history: &Path) -> anyhow::Result<ExitCode> {
    let name = history.file_name().context("a file is expected")?.to_string_lossy().into_owned();
    let folder = history.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let store = Store { folder: folder.to_owned() };
    let evidence = store.evidence(&name)?;
    let mut verdicts = checker::all(&evidence);
    if evidence.last.is_none() {
        // A history alone says nothing about a cluster's last state, nor about faults.
        verdicts.retain(|verdict| verdict.valid != Valid::Unknown || verdict.checker == "linearizable");
    }
    let overall = checker::overall(&verdicts);
    say(&verdicts);
    println!("{}", overall.word());
    Ok(ExitCode::from(overall.exit()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_checker_that_says_false_has_caught_a_bug() {
        let folder = std::env::temp_dir().join(format!("baton-jepsen-sabotage-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(says_false(&folder).unwrap().is_empty(), "no results");
        let verdict = |name: &str, valid: &str| format!("{{:checker \"{name}\" :valid \"{valid}\"}}");
        let checkers = [verdict("tokens", "false"), verdict("faults", "unknown"), verdict("order", "true")];
        fs::write(folder.join("results.edn"), format!("{{:checkers [{}]}}", checkers.join(" "))).unwrap();
        assert_eq!(says_false(&folder).unwrap(), ["tokens"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
