//! Secrets: where they reach, and everywhere else where they must not be seen.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use baton_api::{Action, Assignment, Command, Outcome, action};
use serde_json::json;

use crate::bench::{Bench, eventually};

const SECRET: &str = "correct-horse-battery";

fn with_secret(bench: &Bench, token: u64, text: &str) -> Assignment {
    fs::write(bench.path("secret"), format!("{SECRET}\n")).unwrap();
    let place = format!("file:{}", bench.path("secret").display());
    let argv = ["sh", "-c", text].map(str::to_owned).to_vec();
    let secrets = HashMap::from([("PASSWORD".to_owned(), place)]).into_iter().collect();
    let action = Some(action::Action::Command(Command { argv, secrets }));
    Assignment { action: Some(Action { action }), ..bench.script(token, "") }
}

/// Files below a folder that hold the secret.
fn that_tell(folder: &Path) -> Vec<String> {
    let mut tell = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            tell.extend(that_tell(&path));
        } else if fs::read(&path)
            .unwrap_or_default()
            .windows(SECRET.len())
            .any(|bytes| bytes == SECRET.as_bytes())
        {
            tell.push(path.display().to_string());
        }
    }
    tell
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_reaches_the_process_and_no_report_no_journal_and_no_process_list() {
    let mut bench = Bench::start().await;
    // What it says goes on stdout, on stderr, as the end of a long line that is cut within it, and as an output.
    let text = "echo $$ > $D/pid; until [ -e $D/go ]; do sleep 0.01; done
        printf '%s' \"$PASSWORD\" | wc -c > $D/length
        echo \"pass=$PASSWORD\"; echo \"no: $PASSWORD\" >&2
        echo \"key=<$PASSWORD>\" >> $BATON_OUTPUT; exit 3";
    bench.leader.script(|script| script.acknowledges = false);
    bench.leader.assign(with_secret(&bench, 7, text));
    let pid = bench.pid_in("pid").await;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(SECRET), "{}", entry.path().display());
    }
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    fs::write(bench.path("go"), "").unwrap();
    let report = bench.leader.report(7).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(3)));
    assert_eq!(bench.lines("length")[0].trim(), SECRET.len().to_string(), "without the file's line end");
    assert_eq!((report.stdout.as_str(), report.stderr.as_str()), ("pass=***\n", "no: ***\n"));
    assert_eq!(report.outputs["key"], "<***>");
    // Journal, exit record, assignment: nothing of the agent's own; what the step itself wrote is the step's.
    let told = that_tell(&bench.data_dir());
    assert!(told.iter().all(|path| path.ends_with("attempts/7/output")), "{told:?}");
    // Nor does an agent that comes back tell it.
    bench.kill_agent();
    bench.come_back().await;
    let again = || bench.leader.script(|script| (script.reports.len() > 1).then(|| script.reports.clone()));
    let reports = eventually("the report again", again).await;
    assert!(!format!("{reports:?}").contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_long_output_tells_no_part_of_a_secret() {
    let bench = Bench::start().await;
    // The tail of 4096 bytes begins in the middle of the secret.
    let text = format!("printf '%s' \"$PASSWORD\"; printf '%0{}d' 0", 4096 - SECRET.len() / 2);
    let report = bench.done(with_secret(&bench, 7, &text)).await;
    assert_eq!(report.outcome(), Outcome::Succeeded);
    assert!(report.stdout.starts_with("***000"), "{:.40}", report.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_there_means_that_nothing_was_started() {
    let bench = Bench::start().await;
    let command = Command {
        argv: vec!["sh".into(), "-c".into(), "echo did >> $D/effects".into()],
        secrets: HashMap::from([("P".to_owned(), "env:BATON_NO_SUCH".to_owned())]).into_iter().collect(),
    };
    let action = Some(action::Action::Command(command));
    let report = bench.done(Assignment { action: Some(Action { action }), ..bench.script(7, "") }).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(126)));
    assert!(
        report.reason.starts_with("the secret env:BATON_NO_SUCH cannot be read on the agent"),
        "{report:?}"
    );
    assert!(bench.lines("effects").is_empty());
    let asked = json!({"url": "http://127.0.0.1:1", "headers": {"a": {"secret": "file:/nonexistent"}}});
    let report = bench.done(bench.native(8, "http", asked)).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(75)));
    assert!(report.reason.starts_with("the secret file:/nonexistent cannot be read"), "{report:?}");
}

/// A target that throws the secret back in its error.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_repeats_a_secret_is_masked() {
    let bench = Bench::start().await;
    fs::write(bench.path("secret"), SECRET).unwrap();
    let place = format!("file:{}", bench.path("secret").display());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).unwrap();
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        let body = request.lines().find(|line| line.starts_with("x-key")).unwrap();
        write!(stream, "HTTP/1.1 403 No\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        request
    });
    let asked = json!({"url": url, "headers": {"x-key": {"secret": place}}});
    let report = bench.done(bench.native(7, "http", asked)).await;
    assert!(served.join().unwrap().contains(SECRET), "it was sent");
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(1)), "{report:?}");
    assert!(report.reason.ends_with("answered 403: x-key: ***"), "{report:?}");
    assert!(!format!("{report:?}").contains(SECRET), "{report:?}");
}
