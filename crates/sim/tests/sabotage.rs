//! The laws can be broken: each part of the simulated shell that is broken on purpose is noticed, within so many seeds.

use baton_sim::{Sabotage, generate, play, play_range};

fn is_noticed(sabotage: Sabotage, within: u64) {
    let summary = play_range(0..within, Some(sabotage), 1);
    let Some((seed, violation)) = summary.broken.first() else {
        panic!("{sabotage:?} went unnoticed for {within} seeds");
    };
    let whole = play(&generate(*seed), None, false);
    assert_eq!(whole.violation, None, "seed {seed} breaks a law without any sabotage");
    println!("{sabotage:?} is noticed by seed {seed}: {}: {}", violation.law, violation.what);
}

#[test]
fn an_agent_that_skips_begin() {
    is_noticed(Sabotage::SkipBegin, 100);
}

#[test]
fn a_leader_that_acknowledges_before_the_commit() {
    is_noticed(Sabotage::AcknowledgeBeforeCommit, 100);
}

#[test]
fn a_leader_that_drops_late_reports() {
    is_noticed(Sabotage::DropLateReports, 100);
}

#[test]
fn a_supervisor_that_never_looks_at_the_lease() {
    is_noticed(Sabotage::LeaseUnchecked, 400);
}

#[test]
fn an_agent_that_leaves_behind_what_it_says_it_ended() {
    is_noticed(Sabotage::SkipSweep, 400);
}

#[test]
fn an_agent_that_keeps_its_identity_without_its_journal() {
    is_noticed(Sabotage::EmptyFolderKeepsIdentity, 200);
}

#[test]
fn a_probe_whose_answer_is_remembered() {
    is_noticed(Sabotage::RememberProbes, 400);
}

#[test]
fn an_agent_that_acts_before_anything_of_it_is_durable() {
    is_noticed(Sabotage::ActBeforeDurable, 1000);
}

#[test]
fn an_agent_that_takes_sending_for_an_answer() {
    is_noticed(Sabotage::LeaseBySending, 3000);
}

#[test]
fn a_leader_that_renews_without_a_quorum() {
    is_noticed(Sabotage::RenewWithoutQuorum, 500);
}
