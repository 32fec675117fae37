//! `dns` against real name servers: Knot DNS and BIND.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use baton_api::{Assignment, Outcome};
use serde_json::{Value, json};

use super::server::{Server, free_port, program};
use crate::bench::{Bench, eventually};

pub(crate) const KEY: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=";
const WRONG: &str = "d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3JvbmctMTIzNA==";

pub(crate) struct Zone {
    _server: Server,
    pub(crate) address: String,
    /// Who serves it.
    pub(crate) by: &'static str,
    /// The tokens of what is asked of it begin here.
    pub(crate) tokens: u64,
}

/// The zone `shop.test`, in which `app` is 127.0.1.30; the key may change A and TXT records.
const ZONE: &str = "$ORIGIN shop.test.\n@ 60 SOA ns admin 1 60 60 600 60\n@ 60 NS ns\nns 60 A 127.0.0.1\napp 2 A 127.0.1.30\n";

/// The zone, served by each of the name servers that is installed.
pub(crate) async fn zones(bench: &Bench) -> Vec<Zone> {
    let mut zones = Vec::new();
    for zone in [knot(bench), bind(bench)].into_iter().flatten() {
        until_served(bench, &zone).await;
        zones.push(zone);
    }
    zones
}

fn knot(bench: &Bench) -> Option<Zone> {
    let knotd = program("knot", &["/usr/sbin/knotd"])?;
    let (port, folder) = place(bench, "knot");
    let at = folder.display();
    let config = format!(
        "server:\n    rundir: \"{at}\"\n    listen: 127.0.0.1@{port}\ndatabase:\n    storage: \"{at}\"\n\
         key:\n  - id: coordinator\n    algorithm: hmac-sha256\n    secret: {KEY}\n\
         acl:\n  - id: update\n    key: coordinator\n    action: update\n    update-type: [A, TXT]\n\
         zone:\n  - domain: shop.test\n    file: \"{at}/shop.test.zone\"\n    acl: update\n"
    );
    fs::write(folder.join("knot.conf"), config).unwrap();
    let server = Server::start(Command::new(knotd).arg("-c").arg(folder.join("knot.conf")));
    Some(Zone { _server: server, address: format!("127.0.0.1:{port}"), by: "Knot", tokens: 0 })
}

fn bind(bench: &Bench) -> Option<Zone> {
    let named = program("bind9", &["/usr/sbin/named"])?;
    let (port, folder) = place(bench, "bind");
    let at = folder.display();
    let config = format!(
        "options {{\n  directory \"{at}\";\n  listen-on port {port} {{ 127.0.0.1; }};\n  listen-on-v6 {{ none; }};\n\
         \x20 pid-file none;\n  lock-file none;\n  session-keyfile none;\n  recursion no;\n  dnssec-validation no;\n}};\n\
         controls {{ }};\nkey coordinator {{ algorithm hmac-sha256; secret \"{KEY}\"; }};\n\
         zone \"shop.test\" {{\n  type primary;\n  file \"{at}/shop.test.zone\";\n\
         \x20 update-policy {{ grant coordinator zonesub A TXT; }};\n}};\n"
    );
    fs::write(folder.join("named.conf"), config).unwrap();
    let server =
        Server::start(Command::new(named).args(["-g", "-n", "1", "-c"]).arg(folder.join("named.conf")));
    Some(Zone { _server: server, address: format!("127.0.0.1:{port}"), by: "BIND", tokens: 2000 })
}

/// A port, and a folder with the zone's file.
fn place(bench: &Bench, name: &str) -> (u16, PathBuf) {
    let folder = bench.path(name);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("shop.test.zone"), ZONE).unwrap();
    (free_port(), folder)
}

/// A name server listens before its zone is there.
async fn until_served(bench: &Bench, zone: &Zone) {
    let mut token = zone.tokens + 900;
    eventually("a name server listens", || TcpStream::connect(&zone.address).ok()).await;
    loop {
        token += 1;
        let there = bench.native(token, "dns", asked(&zone.address, "127.0.1.30"));
        if bench.done(Assignment { probe: true, ..there }).await.outcome() == Outcome::Succeeded {
            return;
        }
    }
}

pub(super) fn asked(server: &str, to: &str) -> Value {
    json!({
        "server": server, "zone": "shop.test", "name": "app.shop.test", "to": [to], "ttl": 2,
        "tsig": {"name": "coordinator", "key": KEY},
    })
}

pub(super) fn shift(server: &str, from: &str, to: &str) -> Value {
    let mut asked = asked(server, to);
    asked["from"] = json!([from]);
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_shifted_once_and_only_from_where_it_is() {
    let bench = Bench::start().await;
    for zone in zones(&bench).await {
        shifts_once(&bench, &zone).await;
    }
}

async fn shifts_once(bench: &Bench, zone: &Zone) {
    let does = async |token, asked| bench.done(bench.native(zone.tokens + token, "dns", asked)).await;
    let (east, west, other) = ("127.0.1.30", "127.0.2.30", "127.0.9.9");
    let first = does(1, shift(&zone.address, east, west)).await;
    assert_eq!((first.outcome(), first.outputs["records"].as_str()), (Outcome::Succeeded, west), "{first:?}");
    // What an attempt before has done is done.
    let again = does(2, shift(&zone.address, east, west)).await;
    assert_eq!(
        (again.outcome(), again.outputs["already"].as_str()),
        (Outcome::Succeeded, "true"),
        "{}: {again:?}",
        zone.by
    );
    // Somebody else moved it meanwhile: nothing is changed over his head.
    let blind = does(3, asked(&zone.address, other)).await;
    assert_eq!(blind.outcome(), Outcome::Succeeded, "{}: {blind:?}", zone.by);
    let refused = does(4, shift(&zone.address, west, east)).await;
    assert_eq!((refused.outcome(), refused.exit_code), (Outcome::Failed, Some(75)), "{refused:?}");
    assert_eq!(
        refused.reason,
        "app.shop.test is 127.0.9.9, where 127.0.2.30 was expected; nothing was changed"
    );
    for (token, is, outcome) in [(5, other, Outcome::Succeeded), (6, west, Outcome::Failed)] {
        let question = bench.native(zone.tokens + token, "dns", asked(&zone.address, is));
        let answered = bench.done(Assignment { probe: true, ..question }).await;
        assert_eq!(answered.outcome(), outcome, "{}: {answered:?}", zone.by);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_a_value_and_not_a_text() {
    let bench = Bench::start().await;
    for zone in zones(&bench).await {
        refuses(&bench, &zone).await;
    }
}

async fn refuses(bench: &Bench, zone: &Zone) {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut asked = shift(&zone.address, "127.0.1.30", "127.0.2.30");
        change(&mut asked);
        asked
    };
    let nobody = format!("127.0.0.1:{}", free_port());
    let table = [
        (1, with(&|asked| asked["tsig"]["key"] = json!(WRONG)), "the key was not accepted"),
        (2, with(&|asked| asked["tsig"]["name"] = json!("stranger")), "the key was not accepted"),
        (3, with(&|asked| asked["tsig"]["key"] = json!("no base64!")), "is not base64"),
        (4, with(&|asked| drop(asked.as_object_mut().unwrap().remove("tsig"))), "refused the update"),
        (5, with(&|asked| asked["server"] = json!(nobody)), "Connection refused"),
        (6, with(&|asked| asked["zone"] = json!("other.test")), "is not in the zone"),
        (7, with(&|asked| asked["to"] = json!(["west"])), "no IPv4 address"),
        (
            8,
            with(&|asked| {
                (asked["type"], asked["to"], asked["from"]) = (json!("AAAA"), json!(["::1"]), json!([]));
            }),
            "refused the update",
        ),
    ];
    for (token, asked, reason) in table {
        let report = bench.done(bench.native(zone.tokens + token, "dns", asked)).await;
        assert_eq!(
            (report.outcome(), report.exit_code),
            (Outcome::Failed, Some(75)),
            "{}: {report:?}",
            zone.by
        );
        assert!(report.reason.contains(reason), "{}: {report:?}", zone.by);
    }
    let still = bench.native(zone.tokens + 9, "dns", asked(&zone.address, "127.0.1.30"));
    assert_eq!(bench.done(Assignment { probe: true, ..still }).await.outcome(), Outcome::Succeeded);
    let stranger = bench.native(zone.tokens + 10, "dns", with(&|asked| asked["server"] = json!(nobody)));
    assert_eq!(bench.done(Assignment { probe: true, ..stranger }).await.outcome(), Outcome::Unknown);
}

/// The update arrives and its answer does not: nobody knows, until the name server is asked.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_a_doubt_and_the_probe_settles_it() {
    let bench = Bench::start().await;
    for zone in zones(&bench).await {
        let relayed = relay_that_drops_answers(&zone);
        let lost = bench.native(zone.tokens + 1, "dns", shift(&relayed, "127.0.1.30", "127.0.2.30"));
        let lost = bench.done(lost).await;
        assert_eq!((lost.outcome(), lost.exit_code), (Outcome::Unknown, None), "{}: {lost:?}", zone.by);
        let probe = bench.native(zone.tokens + 2, "dns", shift(&zone.address, "127.0.1.30", "127.0.2.30"));
        let settled = bench.done(Assignment { probe: true, ..probe }).await;
        assert_eq!(settled.outcome(), Outcome::Succeeded, "{}: {settled:?}", zone.by);
    }
}

fn relay_that_drops_answers(zone: &Zone) -> String {
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = relay.local_addr().unwrap().to_string();
    let to = zone.address.clone();
    thread::spawn(move || {
        for stream in relay.incoming() {
            let (mut stream, mut server) = (stream.unwrap(), TcpStream::connect(&to).unwrap());
            let mut message = vec![0; 4096];
            let length = stream.read(&mut message).unwrap();
            server.write_all(&message[..length]).unwrap();
            let _ = server.read(&mut message);
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    address
}
