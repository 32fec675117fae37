//! The whole under many seeds: no law is broken, a seed is always the same story, and what one showed once stays mended.

use std::process::Command;

/// Rows of the matrix that the seeds below have to produce.
const ROWS: &str = "M06,M07,A05,A07,A08,P04";

fn whole(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_baton-whole")).args(arguments).output();
    let output = output.expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Seed 3 once showed an agent that was frozen together with its machine, and woken once for two thaws.
#[test]
fn no_law_is_broken_and_the_rows_are_produced() {
    whole(&["--seeds", "0..20", "--require", ROWS]);
}

#[test]
fn a_seed_played_twice_is_the_same_to_the_last_byte() {
    whole(&["--seeds", "0..3", "--twice"]);
}
