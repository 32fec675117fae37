use baton_client::view::RunView;

use super::changes::changes;
use super::frame::{Size, frame};
use super::{ending, outcome};
use crate::failure::Exit;
use crate::render::samples;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn lines(known: Option<&RunView>, next: &RunView) -> String {
    plain(&changes(known, next).join("\n"))
}

#[test]
fn a_line_a_change() {
    let (first, next, last) = (samples::running(), samples::in_doubt(), samples::failed());
    let told = [lines(None, &first), lines(Some(&first), &next), lines(Some(&next), &last)];
    insta::assert_snapshot!(told.join("\n--\n"));
}

#[test]
fn steps_that_appear_and_people_who_agree_are_told() {
    let first = samples::running();
    let mut asking = samples::asking();
    let told = lines(Some(&first), &asking);
    let approval = asking.steps[2].approval.as_mut().unwrap();
    approval.approved_by.push("eve@example".into());
    let before = samples::asking();
    let agreed = lines(Some(&before), &asking);
    let stuck = lines(Some(&first), &samples::stuck());
    insta::assert_snapshot!([told, agreed, stuck].join("\n--\n"));
}

#[test]
fn what_did_not_change_is_not_told_again() {
    let run = samples::running();
    let later = RunView { elapsed_ms: 9000, ..run.clone() };
    assert_eq!(lines(Some(&run), &later), "");
    let taken_over = RunView { takeovers: 2, ..run.clone() };
    assert!(lines(Some(&run), &taken_over).ends_with("another leader took the run over (takeover 2)"));
}

#[test]
fn the_picture() {
    let size = Size { columns: 80, rows: 24 };
    let pictures = [
        frame(&samples::running(), 700, None, size),
        frame(&samples::in_doubt(), 700, Some("connection refused"), size),
        frame(&samples::failed(), 700, None, size),
        frame(&samples::asking(), 700, None, size),
        frame(&samples::stuck(), 700, None, size),
        frame(&samples::queued(), 700, None, size),
    ];
    insta::assert_snapshot!(plain(&pictures.join("\n\n")));
}

/// A run of many steps, in the order of their names: done, failed, under way, waiting.
fn many() -> RunView {
    let status = |number: usize| match number {
        0..40 => "succeeded",
        40 => "failed",
        41..44 => "running",
        _ => "waiting",
    };
    let name = |number: usize| format!("a-step-with-quite-a-long-name-for-a-terminal-{number}");
    let steps = (0..100).map(|number| samples::step(&name(number), status(number), "east", vec![]));
    RunView { steps: steps.collect(), ..samples::running() }
}

#[test]
fn a_run_larger_than_the_terminal_is_folded() {
    let size = Size { columns: 60, rows: 14 };
    let picture = plain(&frame(&many(), 0, None, size));
    assert!(picture.lines().count() < size.rows, "{picture}");
    assert!(picture.lines().all(|line| line.chars().count() <= size.columns), "{picture}");
    insta::assert_snapshot!(picture);
}

#[test]
fn no_terminal_is_too_small() {
    for (columns, rows) in [(1, 1), (3, 2), (20, 5), (500, 500)] {
        let picture = plain(&frame(&many(), 0, Some("gone"), Size { columns, rows }));
        assert!(picture.lines().count() <= rows.max(8) + 101, "{columns}x{rows}");
    }
}

#[test]
fn every_status_ends_by_its_exit_code() {
    let exit = |status: &str, needs_operator, stay| {
        ending(&RunView { status: status.into(), needs_operator, ..samples::running() }, stay)
    };
    assert_eq!(exit("running", false, false), None);
    assert_eq!(exit("succeeded", false, false), Some(Exit::Done));
    assert_eq!(exit("failed", false, false), Some(Exit::RunFailed));
    assert_eq!(exit("undone", false, false), Some(Exit::RunUndone));
    assert_eq!(exit("canceled", false, false), Some(Exit::RunUndone));
    assert_eq!(exit("unwinding", false, false), None);
    for waiting in ["running", "paused", "stuck", "unwinding"] {
        assert_eq!(exit(waiting, true, false), Some(Exit::NeedsOperator));
        assert_eq!(exit(waiting, true, true), None, "told to stay");
    }
}

#[test]
fn who_needs_an_operator_is_told_how() {
    let failure = outcome(&samples::in_doubt(), Exit::NeedsOperator).unwrap_err();
    let text = plain(&failure.as_text());
    assert!(
        text.contains("baton run resolve shop-failover-1 promote --as succeeded --reason TEXT"),
        "{text}"
    );
    let paused = RunView { status: "paused".into(), needs_operator: true, ..samples::running() };
    let text = outcome(&paused, Exit::NeedsOperator).unwrap_err().as_json().to_string();
    assert!(text.contains("baton run resume shop-failover-1"), "{text}");
}
