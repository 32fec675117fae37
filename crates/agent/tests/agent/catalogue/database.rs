//! A PostgreSQL failover by the catalogue alone: two real servers and a real pgBackRest repository.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use baton_api::Outcome;

use super::{Part, Step, step};
use crate::bench::{Bench, eventually};
use crate::targets::postgres::{BIN, as_user, user};
use crate::targets::server::{free_port, program};

/// Two data directories, the second a standby of the first.
struct Pair {
    folder: tempfile::TempDir,
    user: (u32, u32),
    ports: [u16; 2],
}

impl Pair {
    /// `None` where a package is missing.
    fn start() -> Option<Pair> {
        program("postgresql-15", &[&format!("{BIN}/initdb")])?;
        program("pgbackrest", &["/usr/bin/pgbackrest"])?;
        let user = user()?;
        let folder = tempfile::tempdir().unwrap();
        chown(folder.path(), Some(user.0), Some(user.1)).unwrap();
        let pair = Pair { folder, user, ports: [free_port(), free_port()] };
        pair.run("initdb", &["--no-sync", "-k", "-U", "postgres", "-A", "trust", "-D", &pair.data(0)]);
        pair.configure(0);
        for name in ["repo", "log", "lock", "spool"] {
            pair.make(name);
        }
        pair.run("pg_ctl", &["start", "-w", "-D", &pair.data(0), "-l", &pair.path("log/a.log")]);
        pair.backrest(0, &["stanza-create"]);
        pair.sql(0, "SELECT pg_create_physical_replication_slot('b')");
        pair.run(
            "pg_basebackup",
            &["-D", &pair.data(1), "-R", "-S", "b", "-d", &pair.source(0), "--no-sync"],
        );
        pair.configure(1);
        Some(pair)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn data(&self, which: usize) -> String {
        self.path(["a", "b"][which])
    }

    fn make(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
        chown(self.path(name), Some(self.user.0), Some(self.user.1)).unwrap();
    }

    fn write(&self, path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        chown(path, Some(self.user.0), Some(self.user.1)).unwrap();
    }

    /// Settings of its own, and how pgBackRest finds it.
    fn configure(&self, which: usize) {
        let (port, name, folder) =
            (self.ports[which], ["region-a", "region-b"][which], self.folder.path().display());
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\ncluster_name = '{name}'\n\
             wal_log_hints = on\narchive_mode = on\nfsync = off\nhot_standby = on\n\
             archive_command = 'pgbackrest --config={} --stanza=shop archive-push %p'\n",
            self.path(&format!("{name}.conf"))
        );
        self.write(&Path::new(&self.data(which)).join("postgresql.conf"), &settings);
        let backrest = format!(
            "[global]\nrepo1-path={folder}/repo\nrepo1-retention-full=2\nlog-path={folder}/log\nlock-path={folder}/lock\n\
             spool-path={folder}/spool\nstart-fast=y\nlog-level-console=warn\n\
             [shop]\npg1-path={}\npg1-port={port}\npg1-socket-path={folder}\n",
            self.data(which)
        );
        self.write(Path::new(&self.path(&format!("{name}.conf"))), &backrest);
    }

    fn conf(&self, which: usize) -> String {
        self.path(["region-a.conf", "region-b.conf"][which])
    }

    fn source(&self, which: usize) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.ports[which])
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let path = match program {
            "pgbackrest" => PathBuf::from("/usr/bin/pgbackrest"),
            other => Path::new(BIN).join(other),
        };
        let mut command: Command = as_user(path, self.user);
        // A server that is started keeps what it is given, so it is given files.
        let said = self.folder.path().join("said");
        let file = fs::File::create(&said).unwrap();
        fs::set_permissions(&said, fs::Permissions::from_mode(0o666)).unwrap();
        let ended = command.args(arguments).stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
        let said = fs::read_to_string(said).unwrap();
        assert!(ended.success(), "{program} {arguments:?}: {said}");
        said
    }

    fn backrest(&self, which: usize, command: &[&str]) -> String {
        let config = format!("--config={}", self.conf(which));
        self.run("pgbackrest", &[&[config.as_str(), "--stanza=shop"][..], command].concat())
    }

    fn sql(&self, which: usize, sql: &str) -> String {
        self.run("psql", &["-X", "-At", "-d", &self.source(which), "-c", sql]).trim().to_owned()
    }

    fn step(&self, name: &str, which: usize, more: &[(&str, &str)]) -> Step {
        let port = self.ports[which].to_string();
        step(name, &[&[("host", "127.0.0.1"), ("port", port.as_str())][..], more].concat())
    }
}

/// A process that stands still until this is dropped.
struct Frozen(i32);

impl Pair {
    /// The process of a server whose title says this.
    fn freeze(&self, which: usize, title: &str) -> Frozen {
        let postmaster = fs::read_to_string(format!("{}/postmaster.pid", self.data(which))).unwrap();
        let postmaster = postmaster.lines().next().unwrap();
        let found = Command::new("pgrep").args(["-P", postmaster, "-f", title]).output().unwrap();
        let pid = String::from_utf8(found.stdout).unwrap().trim().parse().unwrap();
        signal(pid, rustix::process::Signal::STOP);
        Frozen(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal(self.0, rustix::process::Signal::CONT);
    }
}

fn signal(pid: i32, signal: rustix::process::Signal) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal);
}

impl Drop for Pair {
    fn drop(&mut self) {
        for which in 0..2 {
            let mut stop = as_user(Path::new(BIN).join("pg_ctl"), self.user);
            let _ = stop.args(["stop", "-m", "immediate", "-D", &self.data(which)]).output();
        }
    }
}

/// Every step that the bench is asked for has a token of its own.
struct Tokens(u64);

impl Tokens {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

async fn succeeds(bench: &Bench, step: &mut Step, tokens: &mut Tokens) -> baton_api::Report {
    let report = step.done(bench, tokens.next()).await;
    assert_eq!(report.outcome(), Outcome::Succeeded, "{report:?}");
    report
}

async fn says(bench: &Bench, step: &Step, tokens: &mut Tokens, outcome: Outcome) {
    let report = step.carry_out(bench, tokens.next(), Part::Probe).await;
    assert_eq!(report.outcome(), outcome, "{report:?}");
}

/// A promotion that takes longer than the server waits for it: the answer is `f`, and it happens all the same. It leaves
/// the checkpointer standing still.
async fn a_promotion_that_hangs_is_no_no(bench: &Bench, pair: &Pair, t: &mut Tokens) -> Frozen {
    let checkpointer = pair.freeze(1, "checkpointer");
    let startup = pair.freeze(1, "startup");
    let mut promote = pair.step("postgres-promote", 1, &[("wait", "1")]);
    let asked = promote.done(bench, t.next()).await;
    assert_eq!((asked.outcome(), asked.exit_code), (Outcome::Failed, Some(1)), "{asked:?}");
    assert!(asked.reason.contains("the SQL answered `f`, not `t`"), "{asked:?}");
    says(bench, &promote, t, Outcome::Failed).await;
    drop(startup);
    while promote.carry_out(bench, t.next(), Part::Probe).await.outcome() != Outcome::Succeeded {}
    checkpointer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_failed_over_and_the_old_side_rebuilt_twice() {
    let bench = Bench::start().await;
    let Some(pair) = Pair::start() else { return };
    let mut tokens = Tokens(0);
    let t = &mut tokens;
    let (a, b) = (pair.data(0), pair.data(1));

    // The standby is started, twice to the same effect, and streams.
    let mut start = step("postgres-start-standby", &[("data", &b), ("log", &pair.path("log/b.log"))]);
    says(&bench, &start, t, Outcome::Failed).await;
    succeeds(&bench, &mut start, t).await;
    succeeds(&bench, &mut start, t).await;
    says(&bench, &start, t, Outcome::Succeeded).await;
    succeeds(&bench, &mut pair.step("postgres-wait-streaming", 0, &[("standby", "region-b")]), t).await;
    succeeds(&bench, &mut step("pgbackrest-check", &[("stanza", "shop"), ("config", &pair.conf(0))]), t)
        .await;
    succeeds(&bench, &mut pair.step("postgres-verify-write", 0, &[]), t).await;
    let lag = succeeds(&bench, &mut pair.step("postgres-lag", 1, &[]), t).await;
    assert!(lag.outputs["seconds"].parse::<f64>().unwrap() < 3600.0, "{lag:?}");
    assert!(lag.outputs["replayed"].contains('/'), "{lag:?}");
    let own = succeeds(&bench, &mut pair.step("postgres-lag", 0, &[]), t).await;
    assert_eq!(own.outputs["seconds"], "0");

    pair.backrest(0, &["--type=full", "backup"]);

    // The old primary is fenced: stopped, and marked.
    let mut fence = step("postgres-fence", &[("data", &a)]);
    says(&bench, &fence, t, Outcome::Failed).await;
    succeeds(&bench, &mut fence, t).await;
    succeeds(&bench, &mut fence, t).await;
    says(&bench, &fence, t, Outcome::Succeeded).await;

    // One promotion, whoever asks for it how often.
    let mut promote = pair.step("postgres-promote", 1, &[]);
    says(&bench, &promote, t, Outcome::Failed).await;
    let checkpointer = a_promotion_that_hangs_is_no_no(&bench, &pair, t).await;
    let promoted = succeeds(&bench, &mut promote, t).await;
    assert_eq!(promoted.outputs["already"], "true");
    let again = succeeds(&bench, &mut promote, t).await;
    assert_eq!(again.outputs["already"], "true");
    says(&bench, &promote, t, Outcome::Succeeded).await;
    let with = [("stanza", "shop"), ("config", &pair.conf(1)), ("type", "full")];
    let mut backup = step("pgbackrest-backup", &with);
    // It reads the old timeline out of the control file before the checkpoint, and finds the new one in the log.
    let token = t.next();
    let (early, ()) = tokio::join!(backup.done(&bench, token), async {
        let asks = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_backup_start(%' AND pid <> pg_backend_pid()";
        eventually("a backup that waits for a checkpoint", || (pair.sql(1, asks) == "1").then_some(())).await;
        drop(checkpointer);
    });
    assert_eq!((early.outcome(), early.exit_code), (Outcome::Failed, Some(58)), "{early:?}");
    says(&bench, &backup, t, Outcome::Failed).await;
    succeeds(&bench, &mut pair.step("postgres-checkpoint", 1, &[]), t).await;
    let written = succeeds(&bench, &mut pair.step("postgres-verify-write", 1, &[]), t).await;
    assert_eq!(written.outputs["timeline"], "2", "one promotion, one timeline");

    // One backup under the run's id; undone it is gone, undone once more as well, and it can be made again.
    let backups = || pair.backrest(1, &["info", "--output=json"]).matches("\"run-id\":\"run-1\"").count();
    for _ in 0..2 {
        let made = succeeds(&bench, &mut backup, t).await;
        says(&bench, &backup, t, Outcome::Succeeded).await;
        let info = pair.backrest(1, &["info", "--output=json"]);
        assert!(info.contains(&format!("\"label\":\"{}\"", made.outputs["label"])), "{made:?}: {info}");
        assert_eq!(backups(), 1);
        for _ in 0..2 {
            let undone = backup.carry_out(&bench, t.next(), Part::Undo).await;
            assert_eq!(undone.outcome(), Outcome::Succeeded, "{undone:?}");
            assert_eq!(backups(), 0);
        }
        says(&bench, &backup, t, Outcome::Failed).await;
    }
    succeeds(&bench, &mut backup, t).await;

    says(&bench, &backup, t, Outcome::Succeeded).await;

    // The old primary comes back: rewound.
    pair.sql(1, "SELECT pg_create_physical_replication_slot('a')");
    let source = pair.source(1);
    let get = format!("pgbackrest --config={} --stanza=shop archive-get %f \"%p\"", pair.conf(0));
    let with =
        [("data", a.as_str()), ("source", source.as_str()), ("slot", "a"), ("restore-command", get.as_str())];
    succeeds(&bench, &mut step("postgres-rewind", &with), t).await;
    let mut start = step("postgres-start-standby", &[("data", &a), ("log", &pair.path("log/a.log"))]);
    succeeds(&bench, &mut start, t).await;
    let mut streaming = pair.step("postgres-wait-streaming", 1, &[("standby", "region-a")]);
    succeeds(&bench, &mut streaming, t).await;
    assert_eq!(pair.sql(0, "SELECT pg_is_in_recovery(), count(*) FROM baton_writes"), "t|1");
    let busy = step("postgres-rewind", &with).done(&bench, t.next()).await;
    assert_eq!((busy.outcome(), busy.exit_code), (Outcome::Failed, Some(75)), "{busy:?}");

    // And once more, restored from the backup: refused while it runs, then done, and done again.
    pair.make("settings");
    let kept = PathBuf::from(pair.path("settings")).join("postgresql.conf");
    pair.write(&kept, &fs::read_to_string(format!("{a}/postgresql.conf")).unwrap());
    let (config, settings) = (pair.conf(0), pair.path("settings"));
    let with = [
        ("stanza", "shop"),
        ("config", config.as_str()),
        ("data", a.as_str()),
        ("source", source.as_str()),
        ("slot", "a"),
        ("conf", settings.as_str()),
    ];
    let mut restore = step("pgbackrest-restore", &with);
    let refused = restore.done(&bench, t.next()).await;
    assert_eq!((refused.outcome(), refused.exit_code), (Outcome::Failed, Some(38)), "{refused:?}");
    let stopped = start.carry_out(&bench, t.next(), Part::Undo).await;
    assert_eq!(stopped.outcome(), Outcome::Succeeded, "{stopped:?}");
    succeeds(&bench, &mut restore, t).await;
    fs::remove_file(format!("{a}/global/pg_control")).unwrap();
    succeeds(&bench, &mut restore, t).await;
    succeeds(&bench, &mut start, t).await;
    succeeds(&bench, &mut streaming, t).await;
    assert_eq!(pair.sql(0, "SELECT pg_is_in_recovery(), count(*) FROM baton_writes"), "t|1");

    // A backup that somebody else's lock keeps out did not happen.
    let lock = PathBuf::from(pair.path("lock")).join("shop-backup.lock");
    pair.write(&lock, "");
    let held = fs::File::options().write(true).open(&lock).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let locked = backup.done(&bench, t.next()).await;
    assert_eq!((locked.outcome(), locked.exit_code), (Outcome::Failed, Some(50)), "{locked:?}");
    drop(held);
}
