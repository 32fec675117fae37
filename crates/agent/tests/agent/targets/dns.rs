//! `dns` against a real Knot DNS.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
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
}

/// The zone `shop.test`, in which `app` is 127.0.1.30; the key may change A and TXT records.
pub(crate) async fn start(bench: &Bench) -> Option<Zone> {
    let knotd = program("knot", &["/usr/sbin/knotd"])?;
    let port = free_port();
    let folder = bench.path("knot");
    fs::create_dir(&folder).unwrap();
    let at = folder.display();
    let config = format!(
        "server:\n    rundir: \"{at}\"\n    listen: 127.0.0.1@{port}\ndatabase:\n    storage: \"{at}\"\n\
         key:\n  - id: coordinator\n    algorithm: hmac-sha256\n    secret: {KEY}\n\
         acl:\n  - id: update\n    key: coordinator\n    action: update\n    update-type: [A, TXT]\n\
         zone:\n  - domain: shop.test\n    file: \"{at}/shop.test.zone\"\n    acl: update\n"
    );
    fs::write(folder.join("knot.conf"), config).unwrap();
    let zone = "$ORIGIN shop.test.\n@ 60 SOA ns admin 1 60 60 600 60\n@ 60 NS ns\nns 60 A 127.0.0.1\napp 2 A 127.0.1.30\n";
    fs::write(folder.join("shop.test.zone"), zone).unwrap();
    let server = Server::start(Command::new(knotd).arg("-c").arg(folder.join("knot.conf")));
    let address = format!("127.0.0.1:{port}");
    let zone = Zone { _server: server, address };
    // It listens before the zone is there.
    let mut token = 900;
    eventually("Knot listens", || TcpStream::connect(&zone.address).ok()).await;
    loop {
        token += 1;
        let there = bench.native(token, "dns", asked(&zone.address, "127.0.1.30"));
        if bench.done(Assignment { probe: true, ..there }).await.outcome() == Outcome::Succeeded {
            return Some(zone);
        }
    }
}

fn asked(server: &str, to: &str) -> Value {
    json!({
        "server": server, "zone": "shop.test", "name": "app.shop.test", "to": [to], "ttl": 2,
        "tsig": {"name": "coordinator", "key": KEY},
    })
}

fn shift(server: &str, from: &str, to: &str) -> Value {
    let mut asked = asked(server, to);
    asked["from"] = json!([from]);
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_shifted_once_and_only_from_where_it_is() {
    let bench = Bench::start().await;
    let Some(zone) = start(&bench).await else { return };
    let (east, west, other) = ("127.0.1.30", "127.0.2.30", "127.0.9.9");
    let first = bench.done(bench.native(1, "dns", shift(&zone.address, east, west))).await;
    assert_eq!((first.outcome(), first.outputs["records"].as_str()), (Outcome::Succeeded, west), "{first:?}");
    // What an attempt before has done is done.
    let again = bench.done(bench.native(2, "dns", shift(&zone.address, east, west))).await;
    assert_eq!(
        (again.outcome(), again.outputs["already"].as_str()),
        (Outcome::Succeeded, "true"),
        "{again:?}"
    );
    // Somebody else moved it meanwhile: nothing is changed over his head.
    let blind = bench.done(bench.native(3, "dns", asked(&zone.address, other))).await;
    assert_eq!(blind.outcome(), Outcome::Succeeded, "{blind:?}");
    let refused = bench.done(bench.native(4, "dns", shift(&zone.address, west, east))).await;
    assert_eq!((refused.outcome(), refused.exit_code), (Outcome::Failed, Some(75)), "{refused:?}");
    assert_eq!(
        refused.reason,
        "app.shop.test is 127.0.9.9, where 127.0.2.30 was expected; nothing was changed"
    );
    for (token, is, outcome) in [(5, other, Outcome::Succeeded), (6, west, Outcome::Failed)] {
        let question = Assignment { probe: true, ..bench.native(token, "dns", asked(&zone.address, is)) };
        assert_eq!(bench.done(question).await.outcome(), outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_a_value_and_not_a_text() {
    let bench = Bench::start().await;
    let Some(zone) = start(&bench).await else { return };
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
        let report = bench.done(bench.native(token, "dns", asked)).await;
        assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(75)), "{report:?}");
        assert!(report.reason.contains(reason), "{report:?}");
    }
    let still = bench.native(9, "dns", asked(&zone.address, "127.0.1.30"));
    assert_eq!(bench.done(Assignment { probe: true, ..still }).await.outcome(), Outcome::Succeeded);
    let stranger = bench.native(10, "dns", with(&|asked| asked["server"] = json!(nobody)));
    assert_eq!(bench.done(Assignment { probe: true, ..stranger }).await.outcome(), Outcome::Unknown);
}

/// The update arrives and its answer does not: nobody knows, until the name server is asked.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_a_doubt_and_the_probe_settles_it() {
    let bench = Bench::start().await;
    let Some(zone) = start(&bench).await else { return };
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let relayed = relay.local_addr().unwrap().to_string();
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
    let lost = bench.done(bench.native(1, "dns", shift(&relayed, "127.0.1.30", "127.0.2.30"))).await;
    assert_eq!((lost.outcome(), lost.exit_code), (Outcome::Unknown, None), "{lost:?}");
    let probe = bench.native(2, "dns", shift(&zone.address, "127.0.1.30", "127.0.2.30"));
    let settled = bench.done(Assignment { probe: true, ..probe }).await;
    assert_eq!(settled.outcome(), Outcome::Succeeded, "{settled:?}");
}
