//! A cluster of real processes under a test, and the questions that tests ask of it.

pub(crate) mod classes;
mod faults;
pub(crate) mod marks;
pub(crate) mod relay;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use faults::{copy_folder, end_everything_of, send};

/// How long a condition may take to hold, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a `baton` command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Its stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It must have ended well.
    #[track_caller]
    pub(crate) fn well(self) -> Said {
        self.with_code(0)
    }

    /// It must have ended with this exit code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

struct Process {
    arguments: Vec<String>,
    child: Option<Child>,
}

/// Coordinators 1, 2, 3 and agents by name; everything ends with it.
pub(crate) struct Cluster {
    folder: TempDir,
    host: String,
    addresses: Vec<String>,
    servers: BTreeMap<u64, Process>,
    agents: BTreeMap<String, Process>,
}

impl Cluster {
    /// Three coordinators, and these agents (name, region). `settings` is the coordinators' TOML.
    pub(crate) fn start(agents: &[(&str, &str)], settings: &str) -> Cluster {
        let folder = tempfile::Builder::new().prefix("baton-test-").tempdir().expect("a folder");
        let host = own_host();
        let mut cluster = Cluster {
            folder,
            addresses: free_addresses(&host, 3),
            host,
            servers: BTreeMap::new(),
            agents: BTreeMap::new(),
        };
        let path = cluster.path("settings.toml");
        std::fs::write(&path, settings).expect("the settings");
        let peers: Vec<_> = cluster.addresses.iter().zip(1..).map(|(at, id)| format!("{id}={at}")).collect();
        for (id, region) in (1..).zip(["east", "west", "north"]) {
            let (address, data) = (&cluster.addresses[id as usize - 1], cluster.data_dir(&id.to_string()));
            let (data, peers, id_text) = (data.display().to_string(), peers.join(","), id.to_string());
            let arguments = [
                "server",
                "--id",
                &id_text,
                "--region",
                region,
                "--listen",
                address,
                "--data-dir",
                &data,
                "--peers",
                &peers,
                "--config",
                path.to_str().expect("UTF-8"),
            ];
            let arguments = arguments.map(String::from).to_vec();
            cluster.servers.insert(id, Process { arguments, child: None });
            cluster.start_server(id);
        }
        for (name, region) in agents {
            cluster.add_agent(name, region, 4);
        }
        cluster.until_ready();
        cluster
    }

    /// Adds an agent and starts it.
    pub(crate) fn add_agent(&mut self, name: &str, region: &str, slots: u32) {
        self.add_agent_at(name, region, slots, &self.servers());
    }

    /// Adds an agent that knows only these coordinators.
    pub(crate) fn add_agent_at(&mut self, name: &str, region: &str, slots: u32, servers: &str) {
        let data = self.data_dir(name).display().to_string();
        let slots = slots.to_string();
        let arguments = [
            "agent",
            "--name",
            name,
            "--region",
            region,
            "--servers",
            servers,
            "--data-dir",
            &data,
            "--slots",
            &slots,
        ];
        let arguments = arguments.map(String::from).to_vec();
        self.agents.insert(name.into(), Process { arguments, child: None });
        self.start_agent(name);
    }

    /// Starts one more coordinator, which joins where `at` answers, and waits to be added.
    pub(crate) fn join_server(&mut self, id: u64, region: &str, at: u64) {
        self.addresses.extend(free_addresses(&self.host, 1));
        assert_eq!(self.addresses.len() as u64, id, "ids go on from the last");
        let (address, data) =
            (self.address(id).to_owned(), self.data_dir(&id.to_string()).display().to_string());
        let (id_text, join, settings) =
            (id.to_string(), self.address(at).to_owned(), self.path("settings.toml"));
        let settings = settings.display().to_string();
        let arguments =
            ["server", "--id", &id_text, "--region", region, "--listen", &address, "--data-dir", &data];
        let arguments = [&arguments[..], &["--join", &join, "--config", &settings]].concat();
        let arguments = arguments.into_iter().map(String::from).collect();
        self.servers.insert(id, Process { arguments, child: None });
        self.start_server(id);
    }

    /// Starts a coordinator on another data folder, told of no other member.
    pub(crate) fn start_server_alone(&mut self, id: u64, data: &Path) {
        let arguments = &mut self.servers.get_mut(&id).expect("a coordinator").arguments;
        let at = arguments.iter().position(|one| one == "--peers").expect("--peers");
        arguments.drain(at..at + 2);
        let at = arguments.iter().position(|one| one == "--data-dir").expect("--data-dir");
        arguments[at + 1] = data.display().to_string();
        self.start_server(id);
    }

    /// Waits until a leader is there and every agent that runs is live.
    pub(crate) fn until_ready(&self) {
        let running = self.agents.values().filter(|agent| agent.child.is_some()).count();
        self.until("a leader and live agents", || {
            let status = self.baton(&["cluster", "status", "-o", "json"]);
            let Ok(status) = serde_json::from_str::<Value>(&status.stdout) else { return false };
            let agents = status["agents"]
                .as_array()
                .map_or(0, |agents| agents.iter().filter(|agent| agent["status"] == "live").count());
            !status["leader"].is_null() && agents >= running
        });
    }

    /// Where something is kept.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A process's data.
    pub(crate) fn data_dir(&self, name: &str) -> PathBuf {
        self.path(&format!("data-{name}"))
    }

    /// The coordinators as `--servers` takes them.
    pub(crate) fn servers(&self) -> String {
        self.addresses.join(",")
    }

    /// One coordinator's address.
    pub(crate) fn address(&self, id: u64) -> &str {
        &self.addresses[id as usize - 1]
    }

    fn spawn(&self, title: &str, arguments: &[String]) -> Child {
        self.spawn_by(Command::new(env!("CARGO_BIN_EXE_baton")), title, arguments)
    }

    fn spawn_by(&self, mut command: Command, title: &str, arguments: &[String]) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path(&format!("{title}.log")))
            .expect("a log");
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        command.spawn().expect("the process starts")
    }

    /// Starts a coordinator (again).
    pub(crate) fn start_server(&mut self, id: u64) {
        let child = self.spawn(&format!("server-{id}"), &self.servers[&id].arguments);
        self.servers.get_mut(&id).expect("a coordinator").child = Some(child);
    }

    /// Starts a coordinator (again) behind another program, which becomes the coordinator.
    pub(crate) fn start_server_by(&mut self, id: u64, mut program: Command) {
        program.arg(env!("CARGO_BIN_EXE_baton"));
        let child = self.spawn_by(program, &format!("server-{id}"), &self.servers[&id].arguments);
        self.servers.get_mut(&id).expect("a coordinator").child = Some(child);
    }

    /// Starts an agent (again).
    pub(crate) fn start_agent(&mut self, name: &str) {
        let child = self.spawn(&format!("agent-{name}"), &self.agents[name].arguments);
        self.agents.get_mut(name).expect("an agent").child = Some(child);
    }

    /// Runs a `baton` command against this cluster.
    pub(crate) fn baton(&self, arguments: &[&str]) -> Said {
        self.baton_at(&self.servers(), arguments)
    }

    /// Runs a `baton` command against these coordinators.
    pub(crate) fn baton_at(&self, servers: &str, arguments: &[&str]) -> Said {
        say(arguments, &[("BATON_SERVERS", servers), ("BATON_OPERATOR", "test")])
    }

    /// The leader, once there is one.
    pub(crate) fn leader(&self) -> u64 {
        self.until_some("a leader", || {
            let said = self.baton(&["cluster", "status", "-o", "json"]);
            serde_json::from_str::<Value>(&said.stdout).ok()?["leader"].as_u64()
        })
    }

    /// The leader, once it is another than this.
    pub(crate) fn leader_other_than(&self, id: u64) -> u64 {
        self.until_some("another leader", || Some(self.leader()).filter(|leader| *leader != id))
    }

    /// Registers a plan of these steps and gives back its name.
    pub(crate) fn plan(&self, name: &str, spec: &str) -> String {
        let path = self.path(&format!("{name}.yaml"));
        let text = format!("apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: {name}}}\nspec:\n{spec}");
        std::fs::write(&path, text).expect("the plan");
        self.baton(&["plan", "register", path.to_str().expect("UTF-8")]).well();
        name.to_owned()
    }

    /// Starts a run and gives back its id.
    pub(crate) fn run(&self, plan: &str) -> String {
        let started = self.baton(&["run", "start", plan, "-o", "json"]).well().json();
        started["run"].as_str().expect("an id").to_owned()
    }

    /// The run as `run show` tells it.
    pub(crate) fn show(&self, run: &str) -> Value {
        self.baton(&["run", "show", run, "-o", "json"]).well().json()
    }

    /// One step of a run.
    pub(crate) fn step(&self, run: &str, step: &str) -> Value {
        let shown = self.show(run);
        let steps = shown["steps"].as_array().expect("steps");
        steps.iter().find(|one| one["step"] == step).unwrap_or_else(|| panic!("no step {step}")).clone()
    }

    /// Waits until a step has this status, and gives it back.
    pub(crate) fn until_step(&self, run: &str, step: &str, status: &str) -> Value {
        self.until_some(&format!("{run}/{step} {status}"), || {
            let found = self.step(run, step);
            (found["status"] == status).then_some(found)
        })
    }

    /// Waits until a step's newest attempt acts: its witness has a line.
    pub(crate) fn until_acting(&self, witness: &str) {
        self.until(&format!("a line in {witness}"), || !self.witness(witness).is_empty());
    }

    /// Waits until a run has this status, and gives it back.
    pub(crate) fn until_run(&self, run: &str, status: &str) -> Value {
        self.until_some(&format!("{run} {status}"), || {
            let found = self.show(run);
            (found["status"] == status).then_some(found)
        })
    }

    /// The lines that a target has seen.
    pub(crate) fn witness(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits for a condition.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        self.until_some(what, || holds().then_some(()));
    }

    /// Waits for a value.
    #[track_caller]
    pub(crate) fn until_some<T>(&self, what: &str, mut find: impl FnMut() -> Option<T>) -> T {
        self.poll(&mut find).unwrap_or_else(|| {
            let logs: Vec<_> = (1..=3).map(|id| tail(&self.log(&format!("server-{id}")))).collect();
            panic!("waited in vain for {what}\n{}", logs.join("\n"));
        })
    }

    /// Waits for a value, as long as may be.
    pub(crate) fn poll<T>(&self, mut find: impl FnMut() -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = find() {
                return Some(found);
            }
            if Instant::now() > deadline {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.servers.values_mut().chain(self.agents.values_mut()) {
            if let Some(mut child) = process.child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        end_everything_of(self.folder.path());
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

/// Runs a `baton` command.
pub(crate) fn say(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.args(arguments).stdin(Stdio::null()).envs(environment.iter().copied());
    let output = command.output().expect("baton runs");
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A loopback address that no other cluster uses: a port that is free while a server is dead must not be given to
/// another test's.
fn own_host() -> String {
    static CLUSTERS: AtomicU32 = AtomicU32::new(0);
    let (process, cluster) = (std::process::id(), CLUSTERS.fetch_add(1, Ordering::Relaxed));
    format!("127.{}.{}.{}", 1 + process / 250 % 250, 1 + process % 250, 1 + cluster % 250)
}

fn free_addresses(host: &str, count: usize) -> Vec<String> {
    let bind = |_| TcpListener::bind((host, 0)).expect("a port");
    let listeners: Vec<_> = (0..count).map(bind).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("an address").to_string()).collect()
}
