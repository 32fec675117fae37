//! HAProxy, name servers (Knot DNS, BIND), and whoever is told what happens.

use baton_api::Outcome;
use serde_json::json;

use super::{Part, Step, step};
use crate::bench::Bench;
use crate::targets::{dns, haproxy, http};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_taken_out_of_haproxy_and_back_in() {
    let bench = Bench::start().await;
    let Some(proxy) = haproxy::start(&bench).await else { return };
    let with = [("socket", proxy.socket.as_str()), ("server", "app/one")];
    let mut token = 0;
    for name in ["haproxy-drain", "haproxy-maint", "haproxy-ready"] {
        let mut step = step(name, &with);
        for (part, outcome) in [
            (Part::Probe, if name == "haproxy-ready" { Outcome::Succeeded } else { Outcome::Failed }),
            (Part::Do, Outcome::Succeeded),
            (Part::Do, Outcome::Succeeded),
            (Part::Probe, Outcome::Succeeded),
            (Part::Undo, Outcome::Succeeded),
            (Part::Probe, Outcome::Failed),
        ] {
            token += 1;
            let report = match part {
                Part::Do => step.done(&bench, token).await,
                part => step.carry_out(&bench, token, part).await,
            };
            assert_eq!(report.outcome(), outcome, "{name} {part:?}: {report:?}");
        }
        if name == "haproxy-ready" {
            token += 1;
            assert_eq!(step.done(&bench, token).await.outcome(), Outcome::Succeeded);
        }
    }
    let up = step("haproxy-wait-up", &with).done(&bench, 100).await;
    assert_eq!(up.outcome(), Outcome::Succeeded, "{up:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_shifted_and_shifted_back() {
    let bench = Bench::start().await;
    std::fs::write(bench.path("key"), dns::KEY).unwrap();
    for zone in dns::zones(&bench).await {
        shifted_and_back(&bench, &zone).await;
    }
}

async fn shifted_and_back(bench: &Bench, zone: &dns::Zone) {
    let key = format!("file:{}", bench.path("key").display());
    let place = [("server", zone.address.as_str()), ("zone", "shop.test"), ("name", "app.shop.test")];
    let moved =
        [("from", "127.0.1.30"), ("to", "127.0.2.30"), ("key-name", "coordinator"), ("key", key.as_str())];
    let mut shift = step("dns-shift", &[&place[..], &moved[..]].concat());
    let verify = |to: &'static str| step("dns-verify", &[&place[..], &[("to", to)]].concat());
    let mut token = zone.tokens;
    let mut says = async |step: &mut Step, part, outcome| {
        token += 1;
        let report = match part {
            Part::Do => step.done(bench, token).await,
            part => step.carry_out(bench, token, part).await,
        };
        assert_eq!(report.outcome(), outcome, "{}, {part:?}: {report:?}", zone.by);
    };
    says(&mut shift, Part::Probe, Outcome::Failed).await;
    says(&mut shift, Part::Do, Outcome::Succeeded).await;
    says(&mut shift, Part::Probe, Outcome::Succeeded).await;
    says(&mut verify("127.0.2.30"), Part::Do, Outcome::Succeeded).await;
    says(&mut shift, Part::Undo, Outcome::Succeeded).await;
    says(&mut verify("127.0.1.30"), Part::Do, Outcome::Succeeded).await;
}

/// Told where somebody listens, done where nobody does.
#[tokio::test(flavor = "multi_thread")]
async fn a_notification_never_blocks() {
    let bench = Bench::start().await;
    let played = http::Played::start(&[&http::answer("200 OK", "ok")]);
    std::fs::write(bench.path("key"), "Bearer hush").unwrap();
    let key = format!("file:{}", bench.path("key").display());
    let nobody = format!("http://127.0.0.1:{}", crate::targets::server::free_port());
    let table = [
        ("notify-webhook", json!({"run": "run-1", "plan": "plan", "mode": "mode", "message": "moved"})),
        ("notify-chat", json!({"text": "[plan run-1] moved"})),
        (
            "notify-status-page",
            json!({"incident": {"name": "plan run-1", "status": "identified", "body": "moved"}}),
        ),
    ];
    for (token, (name, body)) in (1..).step_by(2).zip(table) {
        let with = [("message", "moved"), ("authorization", key.as_str())];
        let told =
            step(name, &[&with[..], &[("url", played.address.as_str())]].concat()).done(&bench, token).await;
        assert_eq!(
            (told.outcome(), told.outputs["delivered"].as_str()),
            (Outcome::Succeeded, "true"),
            "{told:?}"
        );
        let asked = played.asked().pop().unwrap();
        assert!(asked.ends_with(&body.to_string()), "{asked}");
        assert!(asked.contains("authorization: Bearer hush\r\n"), "{asked}");
        let with = [("message", "moved"), ("url", nobody.as_str())];
        let lost = step(name, &with).done(&bench, token + 1).await;
        assert_eq!(
            (lost.outcome(), lost.outputs["delivered"].as_str()),
            (Outcome::Succeeded, "false"),
            "{lost:?}"
        );
    }
}
