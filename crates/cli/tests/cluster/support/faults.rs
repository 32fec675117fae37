//! What tests do to processes: end them, freeze them, copy them; and who belongs to whom.

use std::path::Path;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::{Cluster, Process};

impl Cluster {
    /// Starts a second agent of the same name, in a place of its own, on a copy of the first one's data.
    pub(crate) fn clone_agent(&mut self, name: &str, copy: &str) {
        let (from, to) = (self.data_dir(name), self.data_dir(copy));
        copy_folder(&from, &to);
        let mut arguments = self.agents[name].arguments.clone();
        let data = arguments.iter_mut().find(|one| Path::new(one) == from).expect("its data folder");
        *data = to.display().to_string();
        self.agents.insert(copy.into(), Process { arguments, child: None });
        self.start_agent(copy);
    }

    /// `kill -9` of a coordinator.
    pub(crate) fn kill_server(&mut self, id: u64) {
        end(&mut self.servers.get_mut(&id).expect("a coordinator").child, Signal::KILL);
    }

    /// A clean stop of a coordinator.
    pub(crate) fn stop_server(&mut self, id: u64) {
        end(&mut self.servers.get_mut(&id).expect("a coordinator").child, Signal::TERM);
    }

    /// `kill -9` of an agent; its supervisors live on.
    pub(crate) fn kill_agent(&mut self, name: &str) {
        end(&mut self.agents.get_mut(name).expect("an agent").child, Signal::KILL);
    }

    /// Kills an agent and everything that it has started: its host is gone.
    pub(crate) fn lose_host(&mut self, name: &str) {
        self.kill_agent(name);
        end_everything_of(&self.data_dir(name));
    }

    /// Freezes a coordinator (SIGSTOP), or lets it go on (SIGCONT).
    pub(crate) fn signal_server(&self, id: u64, signal: Signal) {
        let child = self.servers[&id].child.as_ref().expect("a running coordinator");
        send(child.id(), signal);
    }

    /// Freezes an agent (SIGSTOP), or lets it go on (SIGCONT). Its supervisors are others.
    pub(crate) fn signal_agent(&self, name: &str, signal: Signal) {
        send(self.agent_pid(name), signal);
    }

    /// The process of an agent that runs.
    pub(crate) fn agent_pid(&self, name: &str) -> u32 {
        self.agents[name].child.as_ref().expect("a running agent").id()
    }

    /// Freezes an agent with everything that it has started, or lets it go on: its whole host.
    pub(crate) fn signal_host(&self, name: &str, signal: Signal) {
        self.signal_agent(name, signal);
        for pid in everything_of(&self.data_dir(name)) {
            send(pid, signal);
        }
    }

    /// Whether a coordinator's process has ended by itself.
    pub(crate) fn server_has_died(&self, id: u64) -> bool {
        self.servers[&id].child.as_ref().is_some_and(|child| !runs(child.id()))
    }

    /// Waits until a coordinator's process has ended by itself, and gives back its exit code.
    pub(crate) fn until_server_ends(&mut self, id: u64) -> i32 {
        // Left where it is, so that it is ended with the cluster should it not end by itself.
        let pid = self.servers[&id].child.as_ref().expect("it was started").id();
        self.until("a coordinator to end", || !runs(pid));
        let child = self.servers.get_mut(&id).and_then(|server| server.child.take());
        let status = child.expect("it was started").wait().expect("its status");
        status.code().unwrap_or(-1)
    }

    /// What a process has logged.
    pub(crate) fn log(&self, title: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{title}.log"))).unwrap_or_default()
    }
}

/// The process is there and no zombie.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Copies a folder as it is, while others may write into it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().expect("its kind").is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target)),
        }
    }
}

pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid as i32).expect("a process id");
    let _ = kill_process(pid, signal);
}

fn end(child: &mut Option<Child>, signal: Signal) {
    let mut child = child.take().expect("a running process");
    send(child.id(), signal);
    child.wait().expect("its end");
}

/// Kills every process that an agent in this folder has started.
pub(crate) fn end_everything_of(folder: &Path) {
    for pid in everything_of(folder) {
        send(pid, Signal::KILL);
    }
}

/// Every process that an agent in this folder has started: known by the environment that its steps
/// inherit, or as a supervisor by its arguments.
fn everything_of(folder: &Path) -> Vec<u32> {
    let folder = folder.to_str().expect("UTF-8");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let home =
            environment.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(b"BATON_AGENT_HOME="));
        let of_step = home.is_some_and(|home| home.starts_with(folder.as_bytes()));
        let mut words = arguments.split(|byte| *byte == 0).skip(1);
        let supervises = words.next() == Some(b"supervise");
        if of_step || (supervises && words.any(|word| word.starts_with(folder.as_bytes()))) {
            found.push(pid);
        }
    }
    found
}
