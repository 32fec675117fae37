//! `haproxy` against a real HAProxy, on its Unix socket and over TCP.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::Command;

use baton_api::{Assignment, Outcome};
use serde_json::{Value, json};

use super::server::{Server, free_port, program};
use crate::bench::{Bench, eventually};

pub(crate) struct Proxy {
    _server: Server,
    pub(crate) socket: String,
    pub(super) port: u16,
}

/// One backend with a server that lives, one that is dead and one that is disabled.
pub(crate) async fn start(bench: &Bench) -> Option<Proxy> {
    let haproxy = program("haproxy", &["/usr/sbin/haproxy"])?;
    let (port, dead) = (free_port(), free_port());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let alive = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let socket = bench.path("haproxy.sock").display().to_string();
    let config = format!(
        "global\n  stats socket {socket} level admin\n  stats socket ipv4@127.0.0.1:{port} level admin\n\
         defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n\
         listen app\n  bind 127.0.0.1:{}\n  server one 127.0.0.1:{alive} check inter 50ms rise 1 fall 1\n\
         \x20 server two 127.0.0.1:{dead} check inter 50ms rise 1 fall 1\n  server three 127.0.0.1:{alive} disabled\n",
        free_port()
    );
    fs::write(bench.path("haproxy.cfg"), config).unwrap();
    let server = Server::start(Command::new(haproxy).arg("-db").arg("-f").arg(bench.path("haproxy.cfg")));
    eventually("HAProxy answers", || UnixStream::connect(&socket).ok()).await;
    Some(Proxy { _server: server, socket, port })
}

pub(super) fn asked(proxy: &Proxy, servers: &[&str], state: &str) -> Value {
    json!({"socket": proxy.socket, "servers": servers, "state": state})
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_drained_and_taken_back_in() {
    let bench = Bench::start().await;
    let Some(proxy) = start(&bench).await else { return };
    let mut token = 0;
    for (state, also) in [("drain", "up"), ("maint", "maint"), ("ready", "up"), ("ready", "ready")] {
        token += 10;
        let set = bench.done(bench.native(token, "haproxy", asked(&proxy, &["app/one"], state))).await;
        assert_eq!(
            (set.outcome(), set.outputs["servers"].as_str()),
            (Outcome::Succeeded, "app/one"),
            "{set:?}"
        );
        for (token, state) in [(token + 1, state), (token + 2, also)] {
            let question = bench.native(token, "haproxy", asked(&proxy, &["app/one"], state));
            let is_so = bench.done(Assignment { probe: true, ..question }).await;
            assert_eq!(is_so.outcome(), Outcome::Succeeded, "{state}: {is_so:?}");
        }
    }
    let over_tcp = json!({
        "socket": format!("127.0.0.1:{}", proxy.port), "servers": ["app/one", "app/three"], "state": "ready",
        "cutSessions": true,
    });
    let set = bench.done(bench.native(80, "haproxy", over_tcp)).await;
    assert_eq!(set.outcome(), Outcome::Succeeded, "{set:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_is_read_and_not_the_exit_code() {
    let bench = Bench::start().await;
    let Some(proxy) = start(&bench).await else { return };
    let table = [
        (1, asked(&proxy, &["app/nine"], "drain"), "app has no server nine"),
        (2, asked(&proxy, &["shop/one"], "drain"), "HAProxy says: Can't find backend."),
        (3, json!({"socket": "/nonexistent.sock", "servers": ["app/one"], "state": "drain"}), "No such file"),
        (4, asked(&proxy, &["app/one;disable frontend app"], "drain"), "cannot be the name of a server"),
    ];
    for (token, asked, reason) in table {
        let report = bench.done(bench.native(token, "haproxy", asked)).await;
        assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(75)), "{report:?}");
        assert!(report.reason.contains(reason), "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_servers_are_up_is_asked() {
    let bench = Bench::start().await;
    let Some(proxy) = start(&bench).await else { return };
    let ask = |token, servers: &[&str], state: &str| Assignment {
        probe: true,
        ..bench.native(token, "haproxy", asked(&proxy, servers, state))
    };
    // It is down once its checks have said so.
    let mut token = 0;
    loop {
        token += 1;
        let report = bench.done(ask(token, &["app/two"], "down")).await;
        match report.outcome() {
            Outcome::Succeeded => break,
            other => assert_eq!(other, Outcome::Failed, "{report:?}"),
        }
    }
    assert_eq!(bench.done(ask(1001, &["app/one"], "up")).await.outcome(), Outcome::Succeeded);
    assert_eq!(bench.done(ask(1002, &["app/one", "app/two"], "up")).await.outcome(), Outcome::Failed);
    assert_eq!(bench.done(ask(1003, &["app/three"], "maint")).await.outcome(), Outcome::Succeeded);
    assert_eq!(bench.done(ask(1004, &["app/nine"], "up")).await.outcome(), Outcome::Unknown);
}
