//! `postgres` against a real PostgreSQL 15.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use baton_api::{Assignment, Outcome};
use serde_json::{Value, json};

use super::server::{Server, free_port, program};
use crate::bench::{Bench, eventually};

pub(crate) const BIN: &str = "/usr/lib/postgresql/15/bin";

pub(super) struct Database {
    _server: Server,
    _folder: tempfile::TempDir,
    pub(super) port: u16,
}

/// The user that a server may run as: PostgreSQL refuses root.
pub(crate) fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return Some((rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()));
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let numbers =
        line.map(|line| line.split(':').skip(2).take(2).map(|number| number.parse().unwrap()).collect());
    let Some([user, group]) = numbers.map(|numbers: Vec<u32>| [numbers[0], numbers[1]]) else {
        eprintln!("skipped: PostgreSQL does not run as root, and there is no user postgres");
        return None;
    };
    Some((user, group))
}

pub(crate) fn as_user(program: PathBuf, (user, group): (u32, u32)) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(user).gid(group);
    }
    command
}

pub(super) async fn start(bench: &Bench, tls: bool) -> Option<Database> {
    let initdb = program("postgresql-15", &[&format!("{BIN}/initdb")])?;
    let user = user()?;
    // Not below the bench's folder, whose owner alone may enter it.
    let folder = tempfile::tempdir().unwrap();
    chown(folder.path(), Some(user.0), Some(user.1)).unwrap();
    let data = folder.path().join("data");
    fs::write(folder.path().join("password"), "open sesame").unwrap();
    fs::set_permissions(folder.path().join("password"), std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .unwrap();
    let mut command = as_user(initdb, user);
    let command = command.args(["--no-sync", "-U", "boss", "-A", "scram-sha-256", "--pwfile"]);
    let made = command.arg(folder.path().join("password")).arg("-D").arg(&data).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    if tls {
        certify(bench, &data, user);
    }
    let port = free_port();
    let mut command = as_user(Path::new(BIN).join("postgres"), user);
    let command = command.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
    let command = command.arg("-c").arg(format!("port={port}"));
    let command = command.arg("-c").arg(format!("unix_socket_directories={}", folder.path().display()));
    let server = Server::start(command.arg("-c").arg(format!("ssl={}", if tls { "on" } else { "off" })));
    let database = Database { _server: server, _folder: folder, port };
    let mut token = 9000;
    eventually("PostgreSQL listens", || TcpStream::connect(("127.0.0.1", port)).ok()).await;
    loop {
        token += 1;
        let asked = json!({"sql": "SELECT true"});
        let there = bench.native(token, "postgres", database.asked(asked));
        if tls || bench.done(Assignment { probe: true, ..there }).await.outcome() == Outcome::Succeeded {
            return Some(database);
        }
    }
}

fn certify(bench: &Bench, data: &Path, user: (u32, u32)) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(bench.path("ca.pem"), made.cert.pem()).unwrap();
    for (name, text) in [("server.crt", made.cert.pem()), ("server.key", made.signing_key.serialize_pem())] {
        let path = data.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        chown(&path, Some(user.0), Some(user.1)).unwrap();
    }
}

impl Database {
    pub(super) fn asked(&self, more: Value) -> Value {
        let mut asked = json!({
            "host": "127.0.0.1", "port": self.port.to_string(), "database": "postgres", "user": "boss",
            "password": "open sesame",
        });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_row_becomes_outputs() {
    let bench = Bench::start().await;
    let Some(database) = start(&bench, false).await else { return };
    let sql = "CREATE TABLE orders (id int PRIMARY KEY, at pg_lsn); INSERT INTO orders VALUES (1, '0/30'), (2, '0/40')";
    let made = bench.done(bench.native(1, "postgres", database.asked(json!({"sql": sql})))).await;
    assert_eq!((made.outcome(), made.outputs["rows"].as_str()), (Outcome::Succeeded, "2"), "{made:?}");
    let sql = "SELECT id, at, 1.50::numeric AS price, NULL AS none FROM orders ORDER BY id DESC";
    let text = bench.done(bench.native(2, "postgres", database.asked(json!({"sql": sql})))).await;
    let outputs: Vec<_> =
        ["id", "at", "price", "rows"].iter().map(|key| text.outputs[*key].as_str()).collect();
    assert_eq!(outputs, ["2", "0/40", "1.50", "2"], "{text:?}");
    assert!(!text.outputs.contains_key("none"));
    // The same with values, which are never pasted into the text.
    let sql = "UPDATE orders SET at = $2 WHERE id = $1 RETURNING id, at, id > 1 AS late, $3::text AS said";
    let args = json!(["1", "0/50", "'; DROP TABLE orders; --"]);
    let set =
        bench.done(bench.native(3, "postgres", database.asked(json!({"sql": sql, "args": args})))).await;
    let outputs: Vec<_> =
        ["id", "at", "late", "said", "rows"].iter().map(|key| set.outputs[*key].as_str()).collect();
    assert_eq!(outputs, ["1", "0/50", "f", "'; DROP TABLE orders; --", "1"], "{set:?}");
    // What cannot be shown is refused before it happens.
    let asked = json!({"sql": "DELETE FROM orders RETURNING id::numeric AS n, $1::text", "args": ["x"]});
    let refused = bench.done(bench.native(4, "postgres", database.asked(asked))).await;
    assert_eq!((refused.outcome(), refused.exit_code), (Outcome::Failed, Some(75)), "{refused:?}");
    assert!(refused.reason.contains("`n::text`"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_has_its_meaning() {
    let bench = Bench::start().await;
    let Some(database) = start(&bench, false).await else { return };
    let asked = |sql: &str| database.asked(json!({"sql": sql}));
    let nobody =
        json!({"host": "127.0.0.1", "port": free_port().to_string(), "user": "boss", "sql": "SELECT 1"});
    let raise = |state: &str| asked(&format!("DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$"));
    let mut wrong_password = asked("SELECT 1");
    wrong_password["password"] = json!("let me in");
    let mut again = asked("CREATE ROLE boss");
    again["already"] = json!(["42710"]);
    let mut promoted = asked("SELECT pg_promote(false)");
    promoted["expect"] = json!("t");
    let mut value = asked("SELECT false");
    value["expect"] = json!("t");
    let table = [
        (1, nobody, Outcome::Failed, Some(75), "Connection refused"),
        (2, wrong_password, Outcome::Failed, Some(75), "password authentication failed"),
        (3, asked("SELECT nonsense"), Outcome::Failed, Some(75), "does not exist (SQLSTATE 42703)"),
        (4, raise("40001"), Outcome::Failed, Some(75), "(SQLSTATE 40001)"),
        (5, raise("40P01"), Outcome::Failed, Some(75), "(SQLSTATE 40P01)"),
        (6, raise("23505"), Outcome::Failed, Some(1), "(SQLSTATE 23505)"),
        (
            7,
            asked("SELECT pg_terminate_backend(pg_backend_pid())"),
            Outcome::Unknown,
            None,
            "(SQLSTATE 57P01)",
        ),
        (8, again, Outcome::Succeeded, Some(0), ""),
        (9, promoted, Outcome::Failed, Some(1), "recovery is not in progress (SQLSTATE 55000)"),
        (10, value, Outcome::Failed, Some(1), "the SQL answered `f`, not `t`"),
        // An earlier statement may have stayed.
        (11, asked("BEGIN; CREATE TABLE t (); COMMIT; SELECT nonsense"), Outcome::Failed, Some(1), "42703"),
    ];
    for (token, asked, outcome, code, reason) in table {
        let report = bench.done(bench.native(token, "postgres", asked)).await;
        assert_eq!((report.outcome(), report.exit_code), (outcome, code), "{report:?}");
        assert!(report.reason.contains(reason), "{report:?}");
    }
    let mut slow = asked("SELECT pg_sleep(60)");
    slow["timeout"] = json!(200);
    let report = bench.done(bench.native(12, "postgres", slow)).await;
    assert_eq!(report.outcome(), Outcome::Unknown, "{report:?}");
    assert!(report.reason.contains("statement timeout"), "the server itself ended it: {report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_by_the_first_column() {
    let bench = Bench::start().await;
    let Some(database) = start(&bench, false).await else { return };
    let table = [
        (1, "SELECT NOT pg_is_in_recovery()", Outcome::Succeeded),
        (2, "SELECT pg_is_in_recovery()", Outcome::Failed),
        (3, "SELECT true WHERE false", Outcome::Failed),
        (4, "SELECT nonsense", Outcome::Unknown),
    ];
    for (token, sql, outcome) in table {
        let asked = database.asked(json!({"sql": sql}));
        let report = bench.done(Assignment { probe: true, ..bench.native(token, "postgres", asked) }).await;
        assert_eq!(report.outcome(), outcome, "{report:?}");
    }
}

/// The SQL arrives, is carried out, and the answer does not come.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_leaves_the_outcome_unknown() {
    let bench = Bench::start().await;
    let Some(database) = start(&bench, false).await else { return };
    let made = json!({"sql": "CREATE TABLE effects (token bigint)"});
    assert_eq!(
        bench.done(bench.native(1, "postgres", database.asked(made))).await.outcome(),
        Outcome::Succeeded
    );
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let relayed = relay.local_addr().unwrap().port();
    let to = database.port;
    thread::spawn(move || {
        for stream in relay.incoming() {
            let (stream, server) = (stream.unwrap(), TcpStream::connect(("127.0.0.1", to)).unwrap());
            let (mut up, mut down) =
                ((stream.try_clone().unwrap(), server.try_clone().unwrap()), (server, stream));
            thread::spawn(move || std::io::copy(&mut up.0, &mut up.1));
            thread::spawn(move || {
                let mut answer = [0; 4096];
                while let Ok(length @ 1..) = down.0.read(&mut answer) {
                    if answer[..length].windows(10).any(|bytes| bytes == b"INSERT 0 1") {
                        let _ = down.1.shutdown(Shutdown::Both);
                        return;
                    }
                    let _ = down.1.write_all(&answer[..length]);
                }
            });
        }
    });
    let mut asked = database.asked(json!({"sql": "INSERT INTO effects VALUES (2)"}));
    asked["port"] = json!(relayed.to_string());
    let report = bench.done(bench.native(2, "postgres", asked)).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Unknown, None), "{report:?}");
    let probe =
        database.asked(json!({"sql": "SELECT count(*) = 1 FROM effects WHERE token = $1", "args": ["2"]}));
    let settled = bench.done(Assignment { probe: true, ..bench.native(3, "postgres", probe) }).await;
    assert_eq!(settled.outcome(), Outcome::Succeeded, "{settled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_demanded_where_it_is_asked_for() {
    let bench = Bench::start().await;
    let Some(database) = start(&bench, true).await else { return };
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let ca = bench.path("ca.pem").display().to_string();
    let asked = database.asked(json!({"host": "localhost", "sql": sql, "tls": {"ca": ca}}));
    // The first answer says that it is not ready to take anybody in yet.
    let mut token = 100;
    let report = loop {
        token += 1;
        let report = bench.done(bench.native(token, "postgres", asked.clone())).await;
        if !report.reason.contains("starting up") {
            break report;
        }
    };
    assert_eq!((report.outcome(), report.outputs["ssl"].as_str()), (Outcome::Succeeded, "t"), "{report:?}");
    let stranger = database.asked(json!({"host": "localhost", "sql": sql, "tls": {}}));
    let report = bench.done(bench.native(1, "postgres", stranger)).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(75)), "{report:?}");
}
