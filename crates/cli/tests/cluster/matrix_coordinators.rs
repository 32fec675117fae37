//! The matrix, rows M, P04, G03 and C: coordinators die, stand alone, or come back with other data
//! than they had. Nothing becomes doubtful when only coordinators die.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::matrix_cuts::ONE_LEADER;
use crate::support::marks::{attempts, step, text};
use crate::support::{Cluster, copy_folder};
use crate::takeover::{REGIONS, SHORT_LEASES};

#[test]
fn m01_a_start_that_is_repeated_while_leaders_die_makes_one_run() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("once", "  steps:\n    - {name: a, noop: {}}\n");
    for round in 1..=3 {
        let (leader, id) = (cluster.leader(), format!("r{round}"));
        let start = ["run", "start", &plan, "--request-id", &id, "-o", "json", "--timeout", "20s"];
        let said = std::thread::scope(|scope| {
            let asked = [0, 1, 2].map(|_| scope.spawn(|| cluster.baton(&start)));
            cluster.signal_server(leader, Signal::KILL);
            asked.map(|one| one.join().expect("an answer"))
        });
        let runs = said.map(|one| text(&one.well().json(), "run").to_owned());
        assert!(runs.iter().all(|run| *run == format!("once-{round}")), "{runs:?}");
        cluster.kill_server(leader);
        cluster.start_server(leader);
        cluster.until_ready();
    }
}

#[test]
fn m02_to_m07_leaders_that_die_at_any_point_of_any_class_repeat_nothing() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let probe =
        format!("probe: {{command: 'grep -q \"do $BATON_STEP \" {}'}}", cluster.path("seen").display());
    let classes =
        ["idempotent: true".to_owned(), format!("idempotent: false, {probe}"), "idempotent: false".into()];
    let mut spec = String::from("  steps:\n");
    for link in 0..18 {
        let (class, region) = (&classes[link % 3], ["west", "east", "north"][link / 2 % 3]);
        let needs = if link == 0 { String::new() } else { format!("s{}", link - 1) };
        let command = cluster.mark("seen");
        spec += &format!(
            "    - {{name: s{link}, needs: [{needs}], region: {region}, {class}, command: '{command}'}}\n"
        );
    }
    let plan = cluster.plan("chain", &spec);
    let run = cluster.run(&plan);
    for link in [1, 5, 9, 13] {
        // The mark is there before anybody has heard of it: the report, its commit and the next
        // grant are what the death falls upon.
        cluster.until_mark("seen", &format!("do s{link}"));
        let leader = cluster.leader();
        cluster.kill_server(leader);
        cluster.leader_other_than(leader);
        cluster.start_server(leader);
    }
    let shown = cluster.until_run(&run, "succeeded");
    let expected: Vec<_> = (0..18).map(|link| format!("do s{link}")).collect();
    assert_eq!(cluster.marks("seen"), expected);
    assert!(cluster.tokens("seen").is_sorted());
    let kinds = cluster.kinds(&run);
    assert!(!kinds.iter().any(|kind| kind == "step_in_doubt" || kind == "attempt_lapsed"), "{kinds:?}");
    assert!(shown["steps"].as_array().expect("steps").iter().all(|step| attempts(step) == 1), "{shown}");
}

#[test]
fn p04_a_leader_among_a_minority_grants_nothing_and_reads_nothing() {
    let cluster = Cluster::start(&REGIONS, "");
    let run = cluster.classes_under_way();
    let leader = cluster.leader();
    let others: Vec<_> = (1..=3).filter(|id| *id != leader).collect();
    let mut watching = watch_at(&cluster, leader, &run);
    others.iter().for_each(|id| cluster.signal_server(*id, Signal::STOP));
    cluster.let_go("go");
    cluster.until_exit_records("west-1", 4);
    let show = ["run", "show", &run, "--timeout", "2s"];
    cluster.baton_at(cluster.address(leader), &show).with_code(5);
    assert!(cluster.witness("tell").is_empty(), "it was granted without a quorum");
    cluster.baton_at(cluster.address(leader), &[&show[..], &["--stale"]].concat()).well();
    let code = cluster.until_some("a watcher to hear that it is told nothing more", || {
        watching.try_wait().expect("its end").map(|status| status.code())
    });
    assert_eq!(code, Some(5));
    others.iter().for_each(|id| cluster.signal_server(*id, Signal::CONT));
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [1; 4]);
}

/// Somebody who watches the run there alone, and has been told of it.
fn watch_at(cluster: &Cluster, server: u64, run: &str) -> Child {
    let told = cluster.path("told");
    let mut watch = Command::new(env!("CARGO_BIN_EXE_baton"));
    watch.args(["run", "watch", run, "--timeout", "2s"]).env("BATON_SERVERS", cluster.address(server));
    watch.stdout(File::create(&told).expect("a file")).stderr(Stdio::null());
    let watching = watch.spawn().expect("baton runs");
    cluster.until("the watcher to be told", || told.metadata().is_ok_and(|told| told.len() > 0));
    watching
}

#[test]
fn g03_the_region_of_the_leader_is_lost_and_the_others_go_on() {
    let mut cluster = Cluster::start(&REGIONS, SHORT_LEASES);
    let leader = cluster.leader();
    let regions = ["east", "west", "north"];
    let (lost, other) = (regions[leader as usize - 1], regions[leader as usize % 3]);
    let held = cluster.held_by("go");
    let once = |name: &str, region: &str, needs: &str| {
        let mark = cluster.mark(name);
        format!(
            "    - {{name: {name}, needs: [{needs}], region: {region}, idempotent: false, command: '{mark}; {held}'}}\n"
        )
    };
    let spec = format!(
        "  steps:\n{}{}{}",
        once("here", lost, ""),
        once("there", other, ""),
        once("after", other, "there")
    );
    let plan = cluster.plan("spread", &spec);
    let run = cluster.run(&plan);
    cluster.until_acting("here");
    cluster.until_acting("there");
    cluster.kill_server(leader);
    cluster.lose_host(&format!("{lost}-1"));
    cluster.let_go("go");
    cluster.until_step(&run, "after", "succeeded");
    let doubt = cluster.until_step(&run, "here", "in_doubt");
    assert!(text(&doubt, "reason").contains(&format!("{lost}-1 began it and fell silent")), "{doubt}");
    cluster.baton(&["run", "wait", &run]).with_code(6);
    assert_eq!(["here", "there", "after"].map(|name| cluster.witness(name).len()), [1; 3]);
}

#[test]
fn c02_a_coordinator_with_damaged_data_does_not_take_part() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("kept", &format!("  steps:\n{}", step("a", "idempotent: true, command: 'true'")));
    let runs: Vec<_> = (0..20).map(|_| cluster.run(&plan)).collect();
    runs.iter().for_each(|run| drop(cluster.until_run(run, "succeeded")));
    cluster.kill_server(2);
    damage(&cluster.data_dir("2"));
    cluster.start_server(2);
    assert_eq!(cluster.until_server_ends(2), 1, "{}", cluster.log("server-2"));
    runs.iter().for_each(|run| drop(cluster.until_run(run, "succeeded")));
    cluster.run_to_end(&plan, 0);
}

/// Flips a bit in every stretch of everything that is there.
fn damage(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            damage(&entry.path());
            continue;
        }
        let mut bytes = std::fs::read(entry.path()).expect("its bytes");
        bytes.iter_mut().step_by(97).for_each(|byte| *byte ^= 1);
        std::fs::write(entry.path(), bytes).expect("a file");
    }
}

/// A copy of a coordinator's data as it is now.
fn copy_of(cluster: &mut Cluster, id: u64) -> PathBuf {
    let old = cluster.path("old");
    cluster.kill_server(id);
    copy_folder(&cluster.data_dir(&id.to_string()), &old);
    cluster.start_server(id);
    cluster.until_ready();
    old
}

/// Sets a coordinator back to it. The others remember how far its data had reached; told so, it ends before it is
/// asked for its vote, however often it is started.
fn set_back_in_vain(cluster: &mut Cluster, id: u64, old: &Path) {
    cluster.kill_server(id);
    let data = cluster.data_dir(&id.to_string());
    std::fs::remove_dir_all(&data).expect("its data");
    copy_folder(old, &data);
    for _ in 0..2 {
        cluster.start_server(id);
        assert_eq!(cluster.until_server_ends(id), 1);
    }
    let said = cluster.log(&format!("server-{id}"));
    assert!(said.contains("remembers that this data reached"), "{said}");
}

#[test]
fn c02_a_coordinator_that_was_set_back_to_an_old_copy_does_not_vote_again() {
    let mut cluster = Cluster::start(&REGIONS, ONE_LEADER);
    let plan = cluster.plan("kept", "  steps:\n    - {name: a, noop: {}}\n");
    let back = cluster.leader() % 3 + 1;
    let old = copy_of(&mut cluster, back);
    (0..3).for_each(|_| drop(cluster.run_to_end(&plan, 0)));
    cluster.until_caught_up(back);
    set_back_in_vain(&mut cluster, back, &old);
    cluster.run_to_end(&plan, 0);
}

#[test]
fn c02_a_coordinator_that_led_and_was_set_back_does_not_lead_again() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("kept", "  steps:\n    - {name: a, noop: {}}\n");
    let back = cluster.leader() % 3 + 1;
    let old = copy_of(&mut cluster, back);
    while cluster.leader() != back {
        cluster.replace_leader();
    }
    cluster.run_to_end(&plan, 0);
    set_back_in_vain(&mut cluster, back, &old);
    cluster.run_to_end(&plan, 0);
}

#[test]
fn c03_all_coordinators_die_at_once_in_the_middle_of_every_class() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let run = cluster.classes_under_way();
    (1..=3).for_each(|id| cluster.signal_server(id, Signal::KILL));
    cluster.let_go("go");
    cluster.until_exit_records("west-1", 4);
    for id in 1..=3 {
        cluster.kill_server(id);
        cluster.start_server(id);
    }
    cluster.until_ready();
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [1; 4]);
}
