//! Limits: locks of runs and of steps, resources and parallelism, counted by the steps themselves
//! and held through the deaths of leaders.

use serde_json::Value;

use crate::support::Cluster;
use crate::support::marks::{statuses, step, text};
use crate::takeover::REGIONS;

/// Shell text of a step that enters a room, writes how many are in it, and leaves it once this file
/// is there.
fn in_room(cluster: &Cluster, room: &str, file: &str) -> String {
    let room = cluster.path(room).display().to_string();
    let me = "$BATON_RUN-$BATON_STEP";
    format!(
        r#"mkdir -p {room}; touch "{room}/{me}"; ls {room} | wc -l >> {room}.count; {}; rm "{room}/{me}""#,
        cluster.held_by(file)
    )
}

fn counts(cluster: &Cluster, room: &str) -> Vec<u32> {
    let lines = cluster.witness(&format!("{room}.count"));
    lines.iter().map(|line| line.trim().parse().expect("a number")).collect()
}

fn until_in_room(cluster: &Cluster, room: &str, how_many: usize) {
    let inside = || std::fs::read_dir(cluster.path(room)).map_or(0, Iterator::count);
    cluster.until(&format!("{how_many} in {room}"), || inside() == how_many);
}

/// The locks that are held, as `lock list` tells it.
fn locks(cluster: &Cluster) -> Vec<Value> {
    let listed = cluster.baton(&["lock", "list", "-o", "json"]).well().json();
    listed["locks"].as_array().expect("locks").clone()
}

#[test]
fn a_lock_of_a_run_refuses_or_queues_whoever_leads() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let held = step("a", &format!("idempotent: true, command: '{}'", cluster.held_by("go")));
    let plan = cluster.plan("shop", &format!("  locks: [shop]\n  steps:\n{held}"));
    let first = cluster.run(&plan);
    let refused = cluster.baton(&["run", "start", &plan]).with_code(7);
    assert!(
        refused.stderr.contains("held by run shop-1") && refused.stderr.contains("--queue"),
        "{refused:?}"
    );
    let queued: Vec<_> = (0..2)
        .map(|_| {
            cluster.baton(&["run", "start", &plan, "--queue", "-o", "json"]).well().json()["run"].clone()
        })
        .collect();
    let queued: Vec<_> = queued.iter().map(|run| run.as_str().expect("an id").to_owned()).collect();
    for _ in 0..2 {
        cluster.replace_leader();
        let shown = cluster.show(&queued[0]);
        assert!(text(&shown, "reason").contains("lock `shop` is held by run shop-1"), "{shown}");
        assert_eq!(shown["waits_for_locks"][0]["run"], first, "{shown}");
        let locks = locks(&cluster);
        assert_eq!((locks.len(), text(&locks[0], "lock"), text(&locks[0], "run")), (1, "shop", &*first));
        assert_eq!(locks[0]["waiting"], serde_json::json!(queued));
        assert!(locks[0]["held_ms"].as_u64() > Some(0) && locks[0]["operator"] == "test", "{locks:?}");
    }
    cluster.baton(&["run", "start", &plan]).with_code(7);
    cluster.let_go("go");
    for run in [&first, &queued[0], &queued[1]] {
        cluster.baton(&["run", "wait", run]).well();
    }
    assert!(locks(&cluster).is_empty(), "{:?}", locks(&cluster));
}

#[test]
fn a_lock_of_a_step_lets_one_in_at_a_time_across_runs_and_leaders() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let (room, name) =
        (in_room(&cluster, "room", "go"), "locks: [\"room-${params.which}\"], idempotent: false");
    let spec = format!(
        "  params: {{which: {{type: string, default: x}}}}\n  steps:\n{}{}",
        step("a", &format!("{name}, command: '{room}'")),
        step("b", &format!("{name}, command: '{room}'"))
    );
    let plan = cluster.plan("rooms", &spec);
    let runs = [cluster.run(&plan), cluster.run(&plan)];
    until_in_room(&cluster, "room", 1);
    cluster.replace_leader();
    let held = locks(&cluster);
    assert_eq!((held.len(), text(&held[0], "lock")), (1, "room-x"), "{held:?}");
    let holder = (text(&held[0], "run").to_owned(), text(&held[0], "step").to_owned());
    let waits = runs.iter().flat_map(|run| ["a", "b"].map(|step| (run.clone(), step.to_owned())));
    for (run, step) in waits.filter(|one| *one != holder) {
        let shown = cluster.step(&run, &step);
        let told = format!("lock `room-x` is held by run {}", holder.0);
        assert!(text(&shown, "reason").contains(&told), "{shown}");
    }
    cluster.let_go("go");
    for run in &runs {
        cluster.baton(&["run", "wait", run]).well();
    }
    assert_eq!(counts(&cluster, "room"), [1, 1, 1, 1]);
}

#[test]
fn a_resource_is_never_overdrawn_and_its_capacity_changes_in_the_middle() {
    let mut cluster = Cluster::start(&[("west-1", "west"), ("west-2", "west")], "");
    let room = in_room(&cluster, "room", "go-$BATON_ITEM");
    let items = step(
        "pack",
        &format!("draws: {{io: 1}}, idempotent: false, forEach: {{items: [a, b, c]}}, command: '{room}'"),
    );
    let plan = cluster.plan("pack", &format!("  resources: {{io: 2}}\n  steps:\n{items}"));
    let runs = [cluster.run(&plan), cluster.run(&plan)];
    until_in_room(&cluster, "room", 2);
    cluster.replace_leader();
    let resource = |cluster: &Cluster| {
        cluster.baton(&["resource", "list", "-o", "json"]).well().json()["resources"][0].clone()
    };
    let io = resource(&cluster);
    assert_eq!((io["capacity"].as_u64(), io["drawn"].as_u64()), (Some(2), Some(2)), "{io}");
    assert_eq!(io["holders"].as_array().map(Vec::len), Some(2), "{io}");
    let shown = cluster.show(&runs[1]);
    assert!(shown["steps"].to_string().contains("io"), "who waits for it is told: {shown}");
    cluster.baton(&["resource", "set", "io", "3", "--reason", "a faster disk"]).well();
    until_in_room(&cluster, "room", 3);
    // Less than is drawn: what is under way goes on, and nothing new begins before it has ended.
    cluster.baton(&["resource", "set", "io", "1", "--reason", "it broke"]).well();
    cluster.replace_leader();
    let io = resource(&cluster);
    assert_eq!((io["capacity"].as_u64(), io["set_by_operator"].as_bool()), (Some(1), Some(true)), "{io}");
    for item in ["a", "b", "c"] {
        cluster.let_go(&format!("go-{item}"));
    }
    for run in &runs {
        cluster.baton(&["run", "wait", run]).well();
    }
    let counts = counts(&cluster, "room");
    assert_eq!(
        (counts.len(), counts[..3].iter().max(), counts[3..].iter().max()),
        (6, Some(&3), Some(&1)),
        "{counts:?}"
    );
    assert_eq!(resource(&cluster)["drawn"], 0);
}

#[test]
fn a_run_keeps_its_own_limits_in_all_and_by_region() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let mut spec = String::from("  limits: {parallel: 3, perRegion: 2}\n  steps:\n");
    for region in ["west", "east"] {
        let room = in_room(&cluster, region, "go");
        for at in 0..4 {
            spec += &format!(
                "    - {{name: {region}-{at}, region: {region}, idempotent: true, command: '{room}'}}\n"
            );
        }
    }
    let plan = cluster.plan("bounded", &spec);
    let run = cluster.run(&plan);
    let acting = |cluster: &Cluster| {
        statuses(&cluster.show(&run)).iter().filter(|one| one.ends_with(" running")).count()
    };
    let inside = |cluster: &Cluster| {
        let inside = |region: &str| std::fs::read_dir(cluster.path(region)).map_or(0, Iterator::count);
        (inside("west"), inside("east"))
    };
    cluster.until("three inside", || matches!(inside(&cluster), (1, 2) | (2, 1)));
    cluster.replace_leader();
    assert_eq!(acting(&cluster), 3);
    cluster.let_go("go");
    cluster.baton(&["run", "wait", &run]).well();
    for region in ["west", "east"] {
        let counts = counts(&cluster, region);
        assert_eq!((counts.len(), counts.iter().max() <= Some(&2)), (4, true), "{counts:?}");
    }
}
