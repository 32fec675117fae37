//! Two regions on loopback, a cluster of Baton's beside them, customers who order, and somebody who watches.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{Cluster, send};

/// Databases, backups and tests share the machine: a leader is not given up because it had to wait for the disk.
const UNHURRIED: &str = "heartbeat_ms = 200\nelection_ms = [800, 1600]\n";

/// Everything ends with it: the cluster, the customers, and by their recorded ids the regions.
pub(crate) struct Lab {
    pub(crate) cluster: Cluster,
    people: Vec<Child>,
    folder: TempDir,
}

impl Lab {
    /// Brings everything up; `None`, and a sentence why, where this machine lacks the packages.
    pub(crate) fn up() -> Option<Lab> {
        Lab::up_with(&[])
    }

    /// The backups' repository has room for so much and no more. Only root can make it so.
    pub(crate) fn up_with_repository(size: &str) -> Option<Lab> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can give the repository a file system of its own");
            return None;
        }
        Lab::up_with(&[("REPO_SIZE", size)])
    }

    fn up_with(environment: &[(&str, &str)]) -> Option<Lab> {
        let folder = tempfile::Builder::new().prefix("baton-lab-").tempdir().expect("a folder");
        for _ in 0..20 {
            let place = folder.path().to_str().expect("UTF-8");
            match script_with("lab", &["up", place, &net()], environment) {
                Ok(_) => return Some(Lab::around(folder)),
                Err(why) if why.contains("not installed") => {
                    eprintln!("skipped: {}", why.trim());
                    return None;
                }
                // Somebody else has these addresses.
                Err(why) if why.contains("choose another NET") => {
                    std::fs::remove_file(folder.path().join("net")).expect("the half laboratory's net");
                }
                Err(why) => panic!("{why}"),
            }
        }
        panic!("no free addresses were found");
    }

    fn around(folder: TempDir) -> Lab {
        let agents = [("east-1", "east"), ("west-1", "west"), ("north-1", "north")];
        let cluster = Cluster::start(&agents, UNHURRIED);
        let mut lab = Lab { cluster, people: Vec::new(), folder };
        lab.people = ["orders", "watch"].map(|what| lab.person(what)).into();
        lab.until_acknowledged(10);
        lab
    }

    fn person(&self, what: &str) -> Child {
        let log = self.path(&format!("{what}.log"));
        let mut command = Command::new(scenario("client.py"));
        command.args([what, &self.net()]).arg(log).stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().expect("a customer")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &str {
        self.folder.path().to_str().expect("UTF-8")
    }

    pub(crate) fn net(&self) -> String {
        std::fs::read_to_string(self.path("net")).expect("its addresses").trim().to_owned()
    }

    /// `lab WHAT DIR …`, which must go well.
    #[track_caller]
    pub(crate) fn lab(&self, what: &str, more: &[&str]) -> String {
        let arguments = [&[what, self.folder()], more].concat();
        script("lab", &arguments).unwrap_or_else(|why| panic!("lab {what}: {why}"))
    }

    /// The region's database dies at once, with the last so many seconds of its WAL not yet in the other one.
    pub(crate) fn lose(&self, region: &str, held_back: &str) {
        self.lab("lose", &[region, held_back]);
    }

    /// A value out of a region's database.
    #[track_caller]
    pub(crate) fn sql(&self, region: &str, statement: &str) -> String {
        self.by_hand("sql \"$3\" \"$4\"", &[region, statement])
    }

    /// Something in the words of the scenario's own scripts; its arguments begin with `$3`.
    #[track_caller]
    pub(crate) fn by_hand(&self, words: &str, arguments: &[&str]) -> String {
        let script = format!(r#"LAB=$1; . "$2/lib.sh"; lab_addresses; {words}"#);
        let folder = scenario("").display().to_string();
        let mut command = Command::new("bash");
        command.args(["-c", &script, "by-hand", self.folder(), &folder]).args(arguments);
        let output = command.output().expect("bash runs");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// Waits until customers have so many more orders acknowledged.
    pub(crate) fn until_acknowledged(&self, more: usize) {
        let count = || {
            let log = std::fs::read_to_string(self.path("orders.log")).unwrap_or_default();
            log.lines().filter(|line| line.split(' ').nth(3) == Some("200")).count()
        };
        let before = count();
        self.cluster.until("customers to be served", || count() >= before + more);
    }

    /// A run of the plan between two regions, in the order of `lab params`.
    pub(crate) fn start(&self, plan: &str, regions: [&str; 2]) -> String {
        self.start_file(&scenario(&format!("plans/{plan}.yaml")), plan, regions, &[])
    }

    /// The way back after a failover: east is rebuilt, and the shop moves there.
    pub(crate) fn start_back(&self, how: &str) -> String {
        self.start_file(&scenario("plans/failback.yaml"), "failback", ["east", "west"], &[how])
    }

    fn start_file(&self, file: &Path, plan: &str, regions: [&str; 2], more: &[&str]) -> String {
        let params = self.lab("params", &[plan, regions[0], regions[1]]);
        let mut arguments = vec!["run", "start", file.to_str().expect("UTF-8"), "-o", "json"];
        // Later ones are tests' own.
        let kept = |param: &&str| {
            let name = param.split('=').next();
            !more.iter().any(|one| one.split('=').next() == name)
        };
        let params: Vec<_> = params.split_whitespace().filter(|word| *word != "--param").collect();
        for param in params.into_iter().filter(kept).chain(more.iter().copied()) {
            arguments.extend(["--param", param]);
        }
        let started = self.cluster.baton(&arguments).well().json();
        started["run"].as_str().expect("an id").to_owned()
    }

    /// A failover out of the lost region, with parameters of the test's own.
    pub(crate) fn start_failover(&self, params: &[&str]) -> String {
        self.start_failover_of(("", ""), params)
    }

    /// [`Self::start_failover`], with some words of the plan replaced.
    pub(crate) fn start_failover_with(&self, words: &str, others: &str) -> String {
        self.start_failover_of((words, others), &[])
    }

    fn start_failover_of(&self, (words, others): (&str, &str), params: &[&str]) -> String {
        let plan = std::fs::read_to_string(scenario("plans/failover.yaml")).expect("the plan");
        assert!(plan.contains(words), "the plan does not say {words}");
        let file = self.path("failover.yaml");
        let plan = if words.is_empty() { plan } else { plan.replace(words, others) };
        std::fs::write(&file, plan).expect("the plan");
        let lost = std::fs::read_to_string(self.path("lost-at")).expect("when it was lost");
        let lost = format!("lost-at={}", lost.trim());
        self.start_file(&file, "failover", ["east", "west"], &[&[lost.as_str()], params].concat())
    }

    /// The process of a region's database whose title says this.
    pub(crate) fn database_process(&self, region: &str, title: &str) -> u32 {
        let postmaster = std::fs::read_to_string(self.path(&format!("pids/postgres-{region}")));
        let postmaster = postmaster.expect("its record");
        let postmaster = postmaster.split(' ').next().expect("its id");
        let pattern = format!("postgres: {region}: {title}");
        self.found(&["-P", postmaster, "-f", &pattern]).expect("the database's process")
    }

    /// A process whose command line says this, once it is there.
    pub(crate) fn until_process(&self, pattern: &str) -> u32 {
        self.cluster.until_some(pattern, || self.found(&["-f", pattern]))
    }

    fn found(&self, arguments: &[&str]) -> Option<u32> {
        let output = Command::new("pgrep").args(arguments).output().expect("pgrep runs");
        String::from_utf8(output.stdout).ok()?.lines().next()?.parse().ok()
    }

    /// The standby's promotion has been asked for, and waits for its startup process.
    pub(crate) fn until_promoting(&self, region: &str) {
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_promote%' AND state = 'active'";
        self.cluster.until("pg_promote to wait", || self.sql(region, asked) == "1");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for person in &mut self.people {
            let _ = person.kill();
            let _ = person.wait();
        }
        if let Err(why) = script("lab", &["down", self.folder()]) {
            eprintln!("{why}");
        }
    }
}

/// A process that stands still until the test lets it go on, or ends.
pub(crate) struct Frozen(u32);

impl Frozen {
    pub(crate) fn freeze(pid: u32) -> Frozen {
        send(pid, Signal::STOP);
        Frozen(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        send(self.0, Signal::CONT);
    }
}

/// The scenario's folder, or something in it.
pub(crate) fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cluster/scenarios/postgres").join(name)
}

/// One of the scenario's scripts: what it printed, or what it complained of.
pub(crate) fn script(name: &str, arguments: &[&str]) -> Result<String, String> {
    script_with(name, arguments, &[])
}

fn script_with(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    let mut command = Command::new(scenario(name));
    let output = command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output();
    let output = output.expect("the script runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(format!("{name} {arguments:?}: {}{}", text(output.stdout), text(output.stderr))),
    }
}

/// Addresses that no other laboratory of this process has, and seldom one of another.
fn net() -> String {
    static LABS: AtomicU32 = AtomicU32::new(0);
    let lab = LABS.fetch_add(1, Ordering::Relaxed);
    format!("127.{}", 60 + (std::process::id() * 7 + lab) % 190)
}
