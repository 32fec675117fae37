//! A real agent under a played leader, in a folder that is swept when the test is over.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use baton_api::{Action, Assignment, AttemptKey, Hello, Native, Noop, Report, Wait, action};
use tempfile::TempDir;

use crate::leader::Leader;

/// How long a condition may take before the test fails. Generous: nothing is asserted on it.
const DEADLINE: Duration = Duration::from_secs(60);

/// The variable that processes are found by.
pub(crate) const MARK: &str = "BATON_AGENT_HOME";

pub(crate) struct Bench {
    pub(crate) leader: Leader,
    folder: TempDir,
    agent: Option<Child>,
    servers: String,
    /// Started instead of the supervisor.
    supervisor: Option<PathBuf>,
}

impl Bench {
    /// A leader and an agent that greeted it.
    pub(crate) async fn start() -> Bench {
        let leader = Leader::start().await;
        let servers = leader.address.clone();
        Bench::start_with(leader, servers).await
    }

    /// A leader and an agent that was told of these servers and found the leader.
    pub(crate) async fn start_with(leader: Leader, servers: String) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Bench { leader, folder, agent: None, servers, supervisor: None };
        bench.start_agent();
        bench.leader.hello(1).await;
        bench
    }

    /// An agent whose supervisors hold their breath right after they were started, until there is a
    /// file `breathe`; each leaves its pid in `holding`.
    pub(crate) async fn start_holding() -> Bench {
        let mut bench = Bench::start().await;
        let (path, own) = (bench.path("hold"), env!("CARGO_BIN_EXE_baton-agent-alone"));
        let folder = bench.folder.path().display();
        let script = format!(
            "#!/bin/sh\necho $$ > {folder}/holding\n\
             until [ -e {folder}/breathe ]; do sleep 0.01; done\nexec {own} supervise \"$1\"\n"
        );
        fs::write(&path, script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, executable).unwrap();
        bench.supervisor = Some(path);
        bench.kill_agent();
        bench.come_back().await;
        bench
    }

    /// Starts the agent where none runs, and waits for its greeting.
    pub(crate) async fn come_back(&mut self) -> Hello {
        let before = self.leader.script(|script| script.hellos.len());
        self.start_agent();
        self.leader.hello(before + 1).await
    }

    fn start_agent(&mut self) {
        assert!(self.agent.is_none(), "one agent at a time");
        self.agent = Some(self.spawn_agent());
    }

    pub(crate) fn spawn_agent(&self) -> Child {
        self.spawn_agent_by(Command::new(env!("CARGO_BIN_EXE_baton-agent-alone")))
    }

    fn spawn_agent_by(&self, mut command: Command) -> Child {
        let command = command.args(["run", "a1", &self.servers]).arg(self.data_dir()).args(&self.supervisor);
        command.stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts it behind another program, which becomes the agent, where none runs.
    pub(crate) fn start_agent_by(&mut self, mut program: Command) {
        assert!(self.agent.is_none(), "one agent at a time");
        program.arg(env!("CARGO_BIN_EXE_baton-agent-alone"));
        self.agent = Some(self.spawn_agent_by(program));
    }

    pub(crate) fn agent_has_died(&mut self) -> bool {
        self.agent.as_mut().is_none_or(|agent| agent.try_wait().unwrap().is_some())
    }

    /// `kill -9` of the agent, and of nothing else.
    pub(crate) fn kill_agent(&mut self) {
        let mut agent = self.agent.take().expect("an agent runs");
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// SIGTERM, and a clean end.
    pub(crate) fn terminate_agent(&mut self) {
        let mut agent = self.agent.take().expect("an agent runs");
        let pid = rustix::process::Pid::from_raw(agent.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(agent.wait().unwrap().success());
    }

    pub(crate) fn agent_pid(&self) -> i32 {
        let agent = self.agent.as_ref().expect("an agent runs");
        agent.id().try_into().unwrap()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file for steps to write to.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn attempt(&self, token: u64) -> PathBuf {
        self.data_dir().join("attempts").join(token.to_string())
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How many lines of a file are this token.
    pub(crate) fn count(&self, name: &str, token: u64) -> usize {
        self.lines(name).iter().filter(|line| **line == token.to_string()).count()
    }

    pub(crate) async fn until_exists(&self, name: &str) {
        let path = self.path(name);
        eventually(name, || path.exists().then_some(())).await;
    }

    pub(crate) async fn until_gone(&self, pids: &[i32]) {
        let gone = || pids.iter().all(|pid| !alive(*pid)).then_some(());
        eventually(&format!("{pids:?} are gone"), gone).await;
    }

    /// The pid that a step wrote to a file.
    pub(crate) async fn pid_in(&self, name: &str) -> i32 {
        let pid = || self.lines(name).first()?.parse().ok();
        eventually(&format!("a pid in {name}"), pid).await
    }

    /// An assignment of a shell script, which finds the test's folder in `$D`.
    pub(crate) fn script(&self, token: u64, text: &str) -> Assignment {
        let folder = self.folder.path().display().to_string();
        let argv = ["sh", "-c", text].map(str::to_owned).to_vec();
        Assignment {
            environment: BTreeMap::from([("D".to_owned(), folder)]),
            ..assignment(token, action::Action::Command(baton_api::Command { argv, ..Default::default() }))
        }
    }

    /// An assignment of a native action.
    pub(crate) fn native(&self, token: u64, kind: &str, asked: serde_json::Value) -> Assignment {
        let native = Native { kind: kind.into(), asked: asked.to_string() };
        let request_id = BTreeMap::from([("BATON_REQUEST_ID".to_owned(), format!("request-{token}"))]);
        Assignment { environment: request_id, ..assignment(token, action::Action::Native(native)) }
    }

    /// Its report.
    pub(crate) async fn done(&self, assignment: Assignment) -> Report {
        let token = assignment.key.as_ref().unwrap().token;
        self.leader.assign(assignment);
        self.leader.report(token).await
    }

    pub(crate) fn wait(&self, token: u64, text: &str) -> Assignment {
        let argv = ["sh", "-c", text].map(str::to_owned).to_vec();
        let wait = Wait { until: argv, interval_ms: 1, ..Wait::default() };
        Assignment {
            action: Some(action_of(action::Action::Wait(wait))),
            idempotent: true,
            ..self.script(token, "")
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            let _ = agent.kill();
            let _ = agent.wait();
        }
        // A failed test must not leave its steps running.
        marked(self.folder.path()).into_iter().for_each(kill);
    }
}

pub(crate) fn noop(token: u64) -> Assignment {
    assignment(token, action::Action::Noop(Noop {}))
}

pub(crate) fn action_of(action: action::Action) -> Action {
    let action = Some(action);
    Action { action }
}

fn assignment(token: u64, action: action::Action) -> Assignment {
    Assignment {
        key: Some(key(token)),
        direction: "do".into(),
        probe: false,
        idempotent: false,
        action: Some(action_of(action)),
        environment: BTreeMap::new(),
        timeout_ms: 60_000,
    }
}

/// Each token is the first attempt of a step of its own.
pub(crate) fn key(token: u64) -> AttemptKey {
    AttemptKey { run: "run-1".into(), step: format!("step-{token}"), attempt: 1, token }
}

/// Waits for a condition.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether a process lives and is not merely waiting to be reaped.
pub(crate) fn alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.starts_with('Z'));
    // Killed and not yet a zombie, it has no memory left to run anything in.
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    state == Some(false) && !pages.starts_with("0 ")
}

/// Processes that an agent under this folder, or its steps, started.
pub(crate) fn marked(folder: &Path) -> Vec<i32> {
    let mark = format!("{MARK}={}", folder.display());
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_marked = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable.starts_with(mark.as_bytes()))
    };
    pids.filter(is_marked).collect()
}

/// The supervisors of the agent that lives in this folder.
pub(crate) fn marked_supervisors(data_dir: &Path) -> Vec<i32> {
    let supervises = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == b"supervise")
    };
    marked(data_dir).into_iter().filter(supervises).collect()
}

/// To one that is there.
pub(crate) fn signal(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).expect("a pid"), signal).unwrap();
}

/// `kill -9`; one that is gone already is fine.
pub(crate) fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}
