//! `http` against a server that does as the test says.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use baton_api::{Assignment, Outcome, Wait, action};
use serde_json::json;

use super::server::free_port;
use crate::bench::{Bench, action_of, eventually};

/// A server that answers every request with the next of these texts (the last one again and again) and keeps what
/// was asked. An empty text closes the connection.
pub(crate) struct Played {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Played {
    pub(crate) fn start(answers: &[&str]) -> Played {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let heard = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
                serve(stream.unwrap(), &answer, &heard);
            }
        });
        Played { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, answer: &str, heard: &Mutex<Vec<String>>) {
    let request = read(&mut stream);
    heard.lock().unwrap().push(request);
    let _ = stream.write_all(answer.as_bytes());
}

/// A whole request: its head, and as much of a body as it announces.
fn read(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    let complete = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        (body.len() >= length.unwrap_or(0)).then_some(())
    };
    while complete(&request).is_none() && stream.read(&mut byte).unwrap_or(0) > 0 {
        request.push(byte[0]);
    }
    String::from_utf8(request).unwrap()
}

pub(crate) fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nETag: \"v7\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_carries_the_key_and_the_token_and_leaves_outputs() {
    let bench = Bench::start().await;
    let played = Played::start(&[&answer("201 Created", r#"{"id": "db-7", "size": {"gb": 12}}"#)]);
    let report = bench
        .done(bench.native(
            7,
            "http",
            json!({
                "url": format!("{}/databases?x=1", played.address), "method": "POST",
                "headers": {"X-Reason": "failover"}, "json": {"region": "west", "gb": 12},
                "idempotencyKey": "Idempotency-Key", "tokenHeader": "X-Fencing-Token",
                "outputs": {"id": "/id", "gb": "/size/gb", "etag": "header:etag", "none": "/none"},
            }),
        ))
        .await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Succeeded, Some(0)), "{report:?}");
    let outputs: Vec<_> = report.outputs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut outputs = outputs;
    outputs.sort();
    assert_eq!(outputs, ["etag=\"v7\"", "gb=12", "id=db-7", "status=201"]);
    assert!(report.stdout.contains("db-7"));
    let asked = played.asked().remove(0).to_lowercase();
    assert!(asked.starts_with("post /databases?x=1 http/1.1\r\n"), "{asked}");
    for line in [
        "idempotency-key: request-7",
        "x-fencing-token: 7",
        "x-reason: failover",
        "content-type: application/json",
    ] {
        assert!(asked.contains(&format!("{line}\r\n")), "{line} in {asked}");
    }
    assert!(asked.ends_with(r#"{"gb":12,"region":"west"}"#), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_has_its_meaning() {
    let bench = Bench::start().await;
    let refused = format!("http://127.0.0.1:{}", free_port());
    let played = |status: &str| Played::start(&[&answer(status, "sorry")]);
    let servers = ["500 Oops", "503 Busy", "409 Conflict", "200 OK"].map(played);
    let broken = Played::start(&[""]);
    let [oops, busy, conflict, fine] = servers.map(|server| server.address);
    let asked = |url: &str| json!({"url": url, "method": "PUT", "noEffect": [503], "already": [409]});
    let whole = |url: &str| json!({"url": url, "method": "PUT", "where": {"/state": "done"}});
    let table = [
        (1, asked(&refused), Outcome::Failed, Some(75), "cannot be reached: Connection refused"),
        (2, asked(&oops), Outcome::Failed, Some(1), "answered 500: sorry"),
        (3, asked(&busy), Outcome::Failed, Some(75), "answered 503: sorry"),
        (4, asked(&conflict), Outcome::Succeeded, Some(0), ""),
        (5, asked(&broken.address), Outcome::Unknown, None, "the request was sent to"),
        (6, whole(&fine), Outcome::Failed, Some(1), "and there is no `/state` in it"),
        (7, json!({"url": "gopher://x"}), Outcome::Failed, Some(75), "neither http nor https"),
        (8, json!({"url": refused, "colour": 1}), Outcome::Failed, Some(75), "unknown field `colour`"),
    ];
    for (token, asked, outcome, code, reason) in table {
        let report = bench.done(bench.native(token, "http", asked)).await;
        assert_eq!((report.outcome(), report.exit_code), (outcome, code), "{report:?}");
        assert!(report.reason.contains(reason), "{report:?}");
    }
    let already = bench.leader.reported(4).unwrap();
    assert_eq!(already.outputs["already"], "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_leaves_the_outcome_unknown_but_may_be_asked_for_again() {
    let bench = Bench::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = json!({"url": url, "method": "POST", "timeout": 300});
    let once = bench.done(bench.native(1, "http", asked.clone())).await;
    assert_eq!((once.outcome(), once.exit_code), (Outcome::Unknown, None));
    assert!(once.reason.ends_with("no answer came within 300ms"), "{once:?}");
    let again = bench.done(Assignment { idempotent: true, ..bench.native(2, "http", asked) }).await;
    assert_eq!((again.outcome(), again.exit_code), (Outcome::Failed, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_with_yes_no_or_cannot_tell() {
    let bench = Bench::start().await;
    let table = [
        (1, "200 OK", r#"{"state": "done"}"#, Outcome::Succeeded),
        (2, "200 OK", r#"{"state": "busy"}"#, Outcome::Failed),
        (3, "404 Not Found", "", Outcome::Failed),
        (4, "500 Oops", "", Outcome::Unknown),
    ];
    for (token, status, body, outcome) in table {
        let played = Played::start(&[&answer(status, body)]);
        let asked = json!({"url": played.address, "where": {"/state": "done"}});
        let report = bench.done(Assignment { probe: true, ..bench.native(token, "http", asked) }).await;
        assert_eq!(report.outcome(), outcome, "{report:?}");
    }
    let nobody = json!({"url": format!("http://127.0.0.1:{}", free_port())});
    let report = bench.done(Assignment { probe: true, ..bench.native(5, "http", nobody) }).await;
    assert_eq!(report.outcome(), Outcome::Unknown, "nobody who could tell");
}

/// A wait holds only when the answer has been yes without a break.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_wants_the_answer_to_be_stable() {
    let bench = Bench::start().await;
    let (yes, no) = (answer("200 OK", ""), answer("503 Busy", ""));
    let played = Played::start(&[&no, &yes, &no, &yes]);
    let asked = bench.native(7, "http", json!({"url": played.address}));
    let Some(action::Action::Native(native)) = asked.action.clone().and_then(|action| action.action) else {
        panic!("{asked:?}")
    };
    let wait = Wait { interval_ms: 1, stable_ms: 200, native: Some(native), ..Wait::default() };
    let action = Some(action_of(action::Action::Wait(wait)));
    let report = bench.done(Assignment { action, idempotent: true, ..asked }).await;
    assert_eq!(report.outcome(), Outcome::Succeeded, "{report:?}");
    assert!(played.asked().len() >= 5, "once was not enough: {}", played.asked().len());
}

/// The agent dies while the request is under way; its successor has the answer, and nothing was sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_outlives_its_agent() {
    let mut bench = Bench::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go, gone) = mpsc::channel::<()>();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            heard.lock().unwrap().push(read(&mut stream));
            let _ = gone.recv();
            let _ = stream.write_all(answer("200 OK", "{}").as_bytes());
        }
    });
    bench.leader.assign(bench.native(7, "http", json!({"url": url, "method": "POST"})));
    eventually("the request", || (asked.lock().unwrap().len() == 1).then_some(())).await;
    bench.kill_agent();
    assert_eq!(bench.come_back().await.held.len(), 1);
    go.send(()).unwrap();
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::Succeeded);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

mod tls {
    use std::fs;
    use std::sync::Arc;

    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;

    /// A server with a certificate that nobody knows, and that it leaves beside the test. It shakes hands when it is
    /// told to.
    fn start(bench: &Bench) -> (u16, mpsc::Sender<()>, Arc<Mutex<Vec<String>>>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(bench.path("ca.pem"), made.cert.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into());
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (go, gone) = mpsc::channel();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = gone.recv();
                let server = ServerConnection::new(config.clone()).unwrap();
                let mut stream = StreamOwned::new(server, stream.unwrap());
                let request = read(&mut stream);
                if !request.is_empty() {
                    heard.lock().unwrap().push(request);
                }
                let _ = stream.write_all(answer("200 OK", "{}").as_bytes());
            }
        });
        (port, go, asked)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_is_known_by_an_authority_of_one_s_own() {
        let bench = Bench::start().await;
        let (port, go, asked) = start(&bench);
        (0..2).for_each(|_| go.send(()).unwrap());
        let url = format!("https://localhost:{port}/");
        let stranger = bench.done(bench.native(1, "http", json!({"url": url}))).await;
        assert_eq!((stranger.outcome(), stranger.exit_code), (Outcome::Failed, Some(75)), "{stranger:?}");
        assert!(stranger.reason.contains("no TLS with localhost"), "{stranger:?}");
        assert!(asked.lock().unwrap().is_empty());
        let ca = bench.path("ca.pem").display().to_string();
        let known = bench.done(bench.native(2, "http", json!({"url": url, "tls": {"ca": ca}}))).await;
        assert_eq!(known.outcome(), Outcome::Succeeded, "{known:?}");
    }

    /// Z02, for an action that has to make a connection first: the last look at the lease stands right before the
    /// request.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_lease_that_runs_out_while_connecting_means_that_nothing_is_sent() {
        let mut bench = Bench::start().await;
        bench.leader.script(|script| script.lease_ms = 1500);
        bench.kill_agent();
        bench.come_back().await;
        let (port, go, asked) = start(&bench);
        let ca = bench.path("ca.pem").display().to_string();
        let url = format!("https://localhost:{port}/");
        bench.leader.assign(bench.native(
            7,
            "http",
            json!({"url": url, "method": "POST", "tls": {"ca": ca}}),
        ));
        bench.until_exists("data/attempts/7/executing").await;
        bench.leader.script(|script| script.renews = false);
        let lease = bench.data_dir().join("lease");
        let old = || {
            let written = fs::metadata(&lease).ok()?.modified().ok()?;
            (written.elapsed().ok()?.as_millis() > 1600).then_some(())
        };
        eventually("the lease runs out", old).await;
        go.send(()).unwrap();
        let report = bench.leader.report(7).await;
        assert_eq!(report.outcome(), Outcome::NotStarted, "{report:?}");
        assert_eq!(report.reason, "the agent's lease ran out before anything was sent");
        assert!(asked.lock().unwrap().is_empty());
    }
}
