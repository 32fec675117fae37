//! The plans of `cluster/scenarios/patterns`: sound, and carried out in a world of folders.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Cluster, say};

const REGIONS: [(&str, &str); 3] = [("east-1", "east"), ("west-1", "west"), ("north-1", "north")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cluster/scenarios/patterns")
}

fn file(plan: &str) -> String {
    folder().join(format!("{plan}.yaml")).display().to_string()
}

/// A world of a test's own.
struct World(PathBuf);

impl World {
    fn new(cluster: &Cluster, name: &str) -> World {
        let world = World(cluster.path(name));
        std::fs::create_dir(&world.0).expect("a folder");
        std::fs::copy(folder().join("world"), world.0.join("world")).expect("the script");
        world.act(&["init"]);
        world
    }

    fn act(&self, words: &[&str]) {
        let status = Command::new(self.0.join("world")).arg(&self.0).args(words).status();
        assert!(status.expect("the script runs").success(), "{words:?}");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default().trim().to_owned()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(str::to_owned).collect()
    }

    /// The plan's run in this world.
    fn start(&self, cluster: &Cluster, plan: &str) -> String {
        let world = format!("w={}", self.0.display());
        let started = cluster.baton(&["run", "start", &file(plan), "--param", &world, "-o", "json"]);
        started.well().json()["run"].as_str().expect("an id").to_owned()
    }

    /// One promotion, of this region, which has the traffic and the last order.
    #[track_caller]
    fn moved_to(&self, region: &str) {
        let witness = self.lines("witness");
        assert!(witness.len() == 1 && witness[0].starts_with(&format!("promote {region} ")), "{witness:?}");
        assert_eq!(self.read("traffic"), region);
        assert_eq!(self.read(&format!("{region}/role")), "primary");
        assert_eq!(self.read("east/role"), "fenced");
        let orders = self.lines(&format!("{region}/orders"));
        assert!(orders.last().is_some_and(|last| last.contains("/verify")), "{orders:?}");
    }
}

#[test]
fn every_plan_is_sound_and_leaves_a_reviewer_nothing_to_say() {
    let plans = std::fs::read_dir(folder()).expect("the folder").flatten().map(|entry| entry.path());
    let plans: Vec<_> = plans.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    assert!(plans.len() >= 9, "{plans:?}");
    for plan in plans {
        say(&["plan", "check", plan.to_str().expect("UTF-8"), "--strict"], &[]).well();
    }
}

#[test]
fn one_region_takes_over_from_another() {
    let cluster = Cluster::start(&REGIONS, "");
    for (plan, region) in [("pilot-light", "west"), ("warm-standby", "west"), ("hot-standby", "west")] {
        let world = World::new(&cluster, plan);
        world.act(&["lose", "east"]);
        let run = world.start(&cluster, plan);
        cluster.until_run(&run, "succeeded");
        world.moved_to(region);
    }
    let world = World::new(&cluster, "backup-restore");
    world.act(&["lose", "east"]);
    let run = world.start(&cluster, "backup-restore");
    cluster.until_step(&run, "accept", "awaiting_approval");
    assert_eq!(world.read("north/role"), "empty", "nothing is restored unasked");
    cluster.baton(&["run", "approve", &run, "accept"]).well();
    cluster.until_run(&run, "succeeded");
    world.moved_to("north");
    assert_eq!(world.lines("north/orders").len(), 7, "six of the backup, and one since");
}

#[test]
fn more_lag_than_the_objective_waits_for_a_name() {
    let cluster = Cluster::start(&REGIONS, "");
    let world = World::new(&cluster, "hot");
    let orders = world.read("east/orders");
    std::fs::write(world.0.join("east/orders"), format!("{orders}\none more\n")).expect("an order");
    world.act(&["lose", "east"]);
    let run = world.start(&cluster, "hot-standby");
    cluster.until_step(&run, "lag-gate", "awaiting_approval");
    assert_eq!(world.read("west/role"), "standby");
    cluster.baton(&["run", "override", &run, "lag-gate", "--reason", "one order"]).well();
    cluster.until_run(&run, "succeeded");
    world.moved_to("west");
}

#[test]
fn a_region_leaves_the_rotation_or_everything_is_as_it_was() {
    let cluster = Cluster::start(&REGIONS, "");
    let world = World::new(&cluster, "well");
    let run = world.start(&cluster, "active-active");
    cluster.until_run(&run, "succeeded");
    assert_eq!((world.read("east/weight"), world.read("west/weight")), ("0".into(), "100".into()));

    let world = World::new(&cluster, "ill");
    // East cannot be told to take nothing any more.
    std::fs::create_dir(world.0.join("east/weight.new")).expect("a folder where the file would be");
    let run = world.start(&cluster, "active-active");
    cluster.until_run(&run, "undone");
    assert_eq!((world.read("east/weight"), world.read("west/weight")), ("50".into(), "50".into()));
}

#[test]
fn services_move_region_by_region() {
    let cluster = Cluster::start(&REGIONS, "");
    cluster.baton(&["plan", "register", &file("move-service")]).well();
    let world = World::new(&cluster, "many");
    let run = world.start(&cluster, "move-services");
    cluster.until_step(&run, "looked", "awaiting_approval");
    for service in ["db", "queue", "shop", "mail", "search"] {
        assert_eq!(world.read(&format!("services/{service}")), "north", "{service}");
    }
    assert_eq!(world.read("services/reports"), "", "the second region waits");
    cluster.baton(&["run", "approve", &run, "looked"]).well();
    cluster.until_run(&run, "succeeded");
    assert_eq!(world.read("services/reports") + &world.read("services/archive"), "northnorth");
    let tasks = world.lines("tasks");
    let place =
        |mark: &str| tasks.iter().position(|task| task == mark).unwrap_or_else(|| panic!("{tasks:?}"));
    for data in ["- ready-db", "- ready-queue"] {
        assert!(
            ["shop", "mail", "search"].iter().all(|front| place(data) < place(&format!("+ ready-{front}")))
        );
    }
}

#[test]
fn shards_are_restored_two_at_a_time_and_one_may_be_missing() {
    let cluster = Cluster::start(&REGIONS, "");
    let world = World::new(&cluster, "shards");
    std::fs::write(world.0.join("backups/s3"), "rubbish").expect("a damaged backup");
    let run = world.start(&cluster, "shards");
    cluster.until_run(&run, "succeeded");
    assert_eq!(world.read("north/state"), "open");
    assert!(!world.0.join("north/shards/s3").exists());
    let mut under_way = 0;
    for line in world.lines("io") {
        under_way += if line.starts_with('+') { 1 } else { -1 };
        assert!((0..=2).contains(&under_way), "{:?}", world.lines("io"));
    }
}

#[test]
fn the_runbook_made_hybrid_does_the_same_in_fewer_turns() {
    let cluster = Cluster::start(&REGIONS, "");
    let [(line, before), (graph, after)] = ["sequential", "hybrid"].map(|plan| {
        let world = World::new(&cluster, plan);
        let run = world.start(&cluster, plan);
        (cluster.until_run(&run, "succeeded"), world.lines("tasks"))
    });
    let critical = |shown: &Value| shown["critical_path"].as_array().map(Vec::len);
    assert_eq!((critical(&line), critical(&graph)), (Some(12), Some(8)), "{graph:#}");
    assert!(before.chunks(2).all(|pair| pair[0][2..] == pair[1][2..]), "one after the other: {before:?}");
    let sorted = |mut tasks: Vec<String>| {
        tasks.sort();
        tasks
    };
    let place =
        |mark: &str| after.iter().position(|task| task == mark).unwrap_or_else(|| panic!("{after:?}"));
    for (first, then) in
        [("network", "database"), ("database", "schema"), ("schema", "app"), ("smoke", "traffic")]
    {
        assert!(place(&format!("- {first}")) < place(&format!("+ {then}")), "{after:?}");
    }
    assert_eq!(sorted(before), sorted(after));
}
