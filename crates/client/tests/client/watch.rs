//! A watch survives its coordinators, and always shows the whole run.

use std::time::Duration;

use crate::fake::{Act, ask, coordinator};
use baton_api as api;
use baton_client::view::RunView;
use baton_client::{Client, Error, News, Watch};
use tonic::Status;

fn step(name: &str, status: &str) -> api::StepView {
    api::StepView { step: name.into(), status: status.into(), ..Default::default() }
}

fn run(status: &str, ended_at_ms: i64, steps: Vec<api::StepView>) -> api::RunView {
    let summary =
        api::RunSummary { run: "r".into(), status: status.into(), ended_at_ms, ..Default::default() };
    api::RunView { summary: Some(summary), steps, ..Default::default() }
}

/// Everything the watch tells until the run has ended, a line each.
async fn story(mut watch: Watch) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(news) = watch.next().await.unwrap() {
        lines.push(match news {
            News::Changed(view) => line(&view),
            News::Lost(_) => "lost".into(),
        });
    }
    lines
}

fn line(view: &RunView) -> String {
    let steps: Vec<_> = view.steps.iter().map(|step| format!("{}={}", step.step, step.status)).collect();
    format!("{}: {}", view.status, steps.join(" "))
}

#[tokio::test]
async fn it_goes_on_with_the_next_leader() {
    let (one, at_one) = coordinator().await;
    let (two, at_two) = coordinator().await;
    at_one.add(Act::Stream(vec![
        run("running", 0, vec![step("a", "running"), step("b", "waiting")]),
        run("running", 0, vec![step("a", "succeeded")]),
    ]));
    at_one.add(ask(Some(&two)));
    at_two.add(Act::Stream(vec![
        run("running", 0, vec![step("a", "succeeded"), step("b", "running")]),
        run("succeeded", 9, vec![step("b", "succeeded")]),
    ]));
    let watch = Client::connect(&[one, two]).unwrap().watch("r");

    let told = [
        "running: a=running b=waiting",
        "running: a=succeeded b=waiting",
        "lost",
        "running: a=succeeded b=running",
        "succeeded: a=succeeded b=succeeded",
    ];
    assert_eq!(story(watch).await, told);
}

#[tokio::test]
async fn a_run_that_is_not_there_ends_it() {
    let (leader, script) = coordinator().await;
    script.add(Act::Fail(Status::not_found("there is no run `r`")));
    let mut watch = Client::connect(&[leader]).unwrap().watch("r");
    assert_eq!(watch.next().await, Err(Error::NotFound("there is no run `r`".into())));
}

#[tokio::test]
async fn coordinators_that_say_nothing_end_it_at_the_deadline() {
    let (leader, script) = coordinator().await;
    (0..1000).for_each(|_| script.add(Act::Stream(vec![])));
    let client = Client::connect(&[leader]).unwrap().with_deadline(Duration::from_millis(400));
    let mut watch = client.watch("r");
    let error = loop {
        match watch.next().await {
            Ok(news) => assert!(matches!(news, Some(News::Lost(_))), "{news:?}"),
            Err(error) => break error,
        }
    };
    assert!(error.is_no_quorum(), "{error}");
}
