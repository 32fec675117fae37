//! `kill -9` in the middle of a native action: the target has acted, and its answer is on the way.

use baton_api::{Assignment, Outcome};
use serde_json::{Value, json};

use super::wire::Wire;
use super::{dns, haproxy, postgres};
use crate::bench::{Bench, kill, marked};

/// One action on its way over a wire, and how to ask the target itself whether it has happened, once.
struct Case {
    kind: &'static str,
    wire: Wire,
    asked: Value,
    question: Value,
    /// It lives as long as this.
    _target: Box<dyn std::any::Any>,
}

async fn cases(bench: &Bench) -> Vec<Case> {
    let mut cases = Vec::new();
    if let Some(database) = postgres::start(bench, false).await {
        let made = database.asked(json!({"sql": "CREATE TABLE effects ()"}));
        assert_eq!(bench.done(bench.native(9900, "postgres", made)).await.outcome(), Outcome::Succeeded);
        let is_insert = |request: &[u8]| request.windows(6).any(|words| words == b"INSERT");
        let wire = Wire::to(format!("127.0.0.1:{}", database.port), is_insert);
        let mut asked = database.asked(json!({"sql": "INSERT INTO effects DEFAULT VALUES"}));
        asked["port"] = json!(wire.address.port().to_string());
        let question = database.asked(json!({"sql": "SELECT count(*) = 1 FROM effects"}));
        cases.push(Case { kind: "postgres", wire, asked, question, _target: Box::new(database) });
    }
    for zone in dns::zones(bench).await {
        // Behind the length and the id stands the operation: 5 is an update.
        let is_update = |request: &[u8]| request.get(4).is_some_and(|flags| flags >> 3 & 0xf == 5);
        let wire = Wire::to(zone.address.clone(), is_update);
        let mut asked = dns::shift(&wire.address.to_string(), "127.0.1.30", "127.0.2.30");
        asked["timeout"] = json!(60_000);
        let question = dns::asked(&zone.address, "127.0.2.30");
        cases.push(Case { kind: "dns", wire, asked, question, _target: Box::new(zone) });
    }
    if let Some(proxy) = haproxy::start(bench).await {
        let is_set = |request: &[u8]| request.starts_with(b"set server");
        let wire = Wire::to(format!("127.0.0.1:{}", proxy.port), is_set);
        let mut asked = haproxy::asked(&proxy, &["app/one"], "drain");
        let question = asked.clone();
        asked["socket"] = json!(wire.address.to_string());
        asked["timeout"] = json!(60_000);
        cases.push(Case { kind: "haproxy", wire, asked, question, _target: Box::new(proxy) });
    }
    cases
}

impl Case {
    fn assignment(&self, bench: &Bench, token: u64) -> Assignment {
        bench.native(token, self.kind, self.asked.clone())
    }

    async fn has_happened(&self, bench: &Bench, token: u64) {
        let question = bench.native(token, self.kind, self.question.clone());
        let answer = bench.done(Assignment { probe: true, ..question }).await;
        assert_eq!(answer.outcome(), Outcome::Succeeded, "{}: {answer:?}", self.kind);
    }
}

/// The action belongs to its supervisor, and goes on: the agent that comes back has its true end.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_learns_the_true_end() {
    let mut bench = Bench::start().await;
    for (token, case) in (1..).step_by(2).zip(cases(&bench).await) {
        bench.leader.assign(case.assignment(&bench, token));
        case.wire.until_answered().await;
        bench.kill_agent();
        bench.come_back().await;
        // The leader sends what it believes to be under way.
        bench.leader.assign(case.assignment(&bench, token));
        case.wire.release();
        let report = bench.leader.report(token).await;
        assert_eq!(report.outcome(), Outcome::Succeeded, "{}: {report:?}", case.kind);
        case.has_happened(&bench, token + 1).await;
    }
}

/// With everything of the agent killed nobody has heard the answer. The outcome is unknown, never a failure, and the target
/// is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_leaves_a_doubt_that_the_target_settles() {
    let mut bench = Bench::start().await;
    for (token, case) in (1..).step_by(2).zip(cases(&bench).await) {
        bench.leader.assign(case.assignment(&bench, token));
        case.wire.until_answered().await;
        bench.kill_agent();
        let all = marked(&bench.data_dir());
        all.iter().copied().for_each(kill);
        bench.until_gone(&all).await;
        bench.come_back().await;
        bench.leader.assign(case.assignment(&bench, token));
        let report = bench.leader.report(token).await;
        assert_eq!(
            (report.outcome(), report.exit_code),
            (Outcome::Unknown, None),
            "{}: {report:?}",
            case.kind
        );
        case.has_happened(&bench, token + 1).await;
    }
}
