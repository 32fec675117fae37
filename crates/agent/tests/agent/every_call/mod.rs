//! Each call to the kernel that changes a file, or tells another process of it, is the last one or goes wrong, one call
//! after the other: what `torture.rs` hits by chance is walked here in turn.

mod story;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::task::JoinSet;

use crate::bench::{Bench, MARK, kill, marked};

/// How often in a row it happens.
const GENERATIONS: usize = 2;

/// What happens to the n-th call of a name. Each name is counted alone, thread by thread.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The agent is killed before it, once it has greeted.
    KillsAgent,
    /// Whoever comes to it is killed before it: the agent from its birth on, a supervisor, a step.
    KillsAnybody,
    /// The agent's fails with this error, and so do all that follow, until it has been seen to.
    Fails(&'static str),
}

/// Who makes it happen.
struct Tracer {
    /// Where that is a process that somebody waits for, and is still there.
    strace: Option<Child>,
    /// What it is known by where it is not.
    mark: PathBuf,
    log: PathBuf,
}

impl Tracer {
    /// Starts an agent to which it happens.
    async fn start(bench: &mut Bench, fault: Fault, call: &str, nth: usize) -> Tracer {
        let (log, mark) = (bench.path("strace"), bench.path("tracer"));
        let inject = match fault {
            Fault::KillsAgent | Fault::KillsAnybody => format!("inject={call}:signal=KILL:when={nth}"),
            Fault::Fails(error) => format!("inject={call}:error={error}:when={nth}+"),
        };
        let mut strace = Command::new("strace");
        strace.args(["-f", "-e", &format!("trace={call}"), "-e", &inject, "-o"]).arg(&log);
        if fault == Fault::KillsAnybody {
            // The tracer steps aside, so that what is killed and waited for is the agent.
            strace.args(["-qq", "-D", "-E", MARK, "--"]).env(MARK, &mark);
            bench.start_agent_by(strace);
            return Tracer { strace: None, mark, log };
        }
        bench.come_back().await;
        let strace = strace.arg("-p").arg(bench.agent_pid().to_string());
        let mut strace = strace.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(strace.stderr.as_mut().unwrap()).lines().next();
        assert!(said.as_ref().is_some_and(|said| said.as_ref().unwrap().contains("attached")), "{said:?}");
        Tracer { strace: Some(strace), mark, log }
    }

    /// An error heals once it has been seen to.
    fn look(&mut self, fault: Fault) {
        if matches!(fault, Fault::Fails(_)) && self.strace.is_some() && self.has_struck() {
            self.end();
        }
    }

    fn has_struck(&self) -> bool {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.contains("(INJECTED)") || log.contains("killed by SIGKILL")
    }

    /// Whoever it looked at goes on. Killed: one that is asked to leave may wait for ever for somebody who dies meanwhile.
    fn end(&mut self) {
        if let Some(mut strace) = self.strace.take() {
            strace.kill().unwrap();
            strace.wait().unwrap();
        }
        marked(&self.mark).into_iter().for_each(kill);
    }
}

/// Says whether anything happened.
async fn happens(fault: Fault, call: &str, nth: usize) -> bool {
    let context = format!("{fault:?} at {call} {nth}");
    let mut bench = story::left_alone().await;
    let mut struck = false;
    for _ in 0..GENERATIONS {
        let mut tracer = Tracer::start(&mut bench, fault, call, nth).await;
        story::goes_on(&mut bench, || tracer.look(fault)).await;
        let strikes = tracer.has_struck();
        tracer.end();
        bench.kill_agent();
        struck |= strikes;
        if !strikes {
            break;
        }
    }
    let last = bench.come_back().await;
    let first = bench.leader.hello(1).await;
    assert_eq!(first.incarnation, last.incarnation, "{context}: its journal counts as cut");
    story::is_true_in_the_end(&bench, fault != Fault::KillsAnybody, &context).await;
    struck
}

async fn everywhere(faults: impl IntoIterator<Item = (&'static str, Fault)>) {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|traced| traced.success()) {
        eprintln!("skipped: strace is not installed or may trace nothing, so nothing happened to any call");
        return;
    }
    let mut calls = JoinSet::new();
    for (call, fault) in faults {
        calls.spawn(async move {
            let mut nth = 1;
            while happens(fault, call, nth).await {
                nth += 1;
            }
            println!("{fault:?}: {} times at {call}", nth - 1);
        });
    }
    // One after the other would be the same, and would mostly wait.
    calls.join_all().await;
}

const CHANGES: [&str; 9] =
    ["rename", "unlink", "rmdir", "mkdir", "write", "ftruncate", "fsync", "fdatasync", "sendmsg"];

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_killed_at_any_call_repeats_nothing_and_knows_all() {
    everywhere(CHANGES.map(|call| (call, Fault::KillsAgent))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_at_any_call_no_report_lies() {
    everywhere(CHANGES.map(|call| (call, Fault::KillsAnybody))).await;
}

/// Of what is full or broken for a moment nothing remains.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_an_agent_that_fails_loses_nothing() {
    let errors = [
        ("openat", "EMFILE"),
        ("socketpair", "EMFILE"),
        // With no thread for what is then to be done.
        ("socketpair,clone3", "EAGAIN"),
        ("flock", "ENOLCK"),
        ("mkdir", "ENOSPC"),
        ("rename", "EIO"),
        ("unlink", "EIO"),
        ("rmdir", "EIO"),
        ("fdatasync", "EIO"),
        ("sendmsg", "ENOBUFS"),
        ("recvmsg", "ENOMEM"),
    ];
    everywhere(errors.map(|(call, error)| (call, Fault::Fails(error)))).await;
}
