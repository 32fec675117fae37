//! Part 6 of the main job: a cluster on one machine, and the demo.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{say, send};

#[test]
fn the_demo_proves_it() {
    let said = say(&["demo"], &[]).well();
    assert!(said.stdout.contains("kill -9"), "{said:?}");
    assert!(said.stdout.contains("nothing was repeated"), "{said:?}");
}

#[test]
fn dev_keeps_a_cluster_until_it_is_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let mut dev = Command::new(env!("CARGO_BIN_EXE_baton"));
    dev.args(["dev", "--dir", dir, "--regions", "a,b,c", "--agents-per-region", "1"]).stdin(Stdio::null());
    let mut dev = dev.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let path = folder.path().join("cluster.json");
    let deadline = Instant::now() + Duration::from_secs(60);
    let description = loop {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let servers = serde_json::from_str::<Value>(&text).ok().filter(|found| found["servers"].is_string());
        let live = servers.filter(|found| {
            let servers = found["servers"].as_str().expect("servers");
            let status =
                say(&["cluster", "status", "-o", "json", "--servers", servers, "--timeout", "2s"], &[]);
            let status = serde_json::from_str::<Value>(&status.stdout).unwrap_or_default();
            status["agents"].as_array().is_some_and(|agents| agents.len() == 3)
        });
        if let Some(found) = live {
            break found;
        }
        assert!(Instant::now() < deadline, "the cluster did not come up");
        std::thread::park_timeout(Duration::from_millis(50));
    };
    let processes = description["processes"].as_array().expect("processes");
    let pids: Vec<_> = processes.iter().map(|one| one["pid"].as_u64().expect("a pid") as u32).collect();
    assert_eq!(pids.len(), 6);
    for process in processes {
        let fields = ["role", "region", "pid", "data_dir"];
        assert!(fields.iter().all(|field| !process[field].is_null()), "{process}");
        assert!(process["id"].is_u64() || process["name"].is_string(), "{process}");
    }
    send(dev.id(), Signal::INT);
    let status = dev.wait().expect("its end");
    let mut talk = String::new();
    dev.stderr.take().expect("stderr").read_to_string(&mut talk).expect("UTF-8");
    assert!(status.success(), "{status}: {talk}");
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is left");
    }
}
