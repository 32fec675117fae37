//! Runs every script of `interactions/`: commands in, events and effects out. A script is its own
//! expectation; `UPDATE=1 cargo test -p baton-engine` writes what the engine says now, to be read
//! as a diff.

mod script;

use std::path::PathBuf;

#[test]
fn every_script_is_answered_as_it_says() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/interactions");
    let mut scripts: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of scripts")
        .map(|entry| entry.expect("a script").path())
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "there are no scripts");
    let update = std::env::var_os("UPDATE").is_some();
    let mut different = Vec::new();
    for path in scripts {
        let expected = std::fs::read_to_string(&path).expect("a readable script");
        let actual = script::Script::default().replay(&expected);
        if actual == expected {
            continue;
        }
        if update {
            std::fs::write(&path, actual).expect("a writable script");
        } else {
            let line = expected.lines().zip(actual.lines()).position(|(a, b)| a != b);
            let line = line.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
            different.push(format!(
                "{}:{}\n  script: {:?}\n  engine: {:?}",
                path.display(),
                line + 1,
                expected.lines().nth(line).unwrap_or("(end)"),
                actual.lines().nth(line).unwrap_or("(end)"),
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
