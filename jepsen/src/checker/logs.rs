//! No process of Baton's panics, whatever happens to it.

use super::{Evidence, Verdict};

const NAME: &str = "logs";

/// Lines of a log that must not be there.
pub(crate) fn alarms(node: &str, log: &str) -> Vec<String> {
    let is_alarm =
        |line: &&str| line.contains("panicked at") || line.contains("invariant") && line.contains("broken");
    log.lines().filter(is_alarm).map(|line| format!("{node}: {line}")).collect()
}

pub(super) fn check(evidence: &Evidence) -> Verdict {
    Verdict::of(NAME, "", evidence.alarms.clone())
}

#[cfg(test)]
mod tests {
    use super::super::Valid;
    use super::*;

    #[test]
    fn a_panic_is_found() {
        assert!(alarms("c1", "INFO leads\nINFO listens").is_empty());
        let alarms = alarms("c1", "INFO leads\nthread 'main' panicked at src/lib.rs:1:1:\nboom");
        assert_eq!(alarms.len(), 1);
        assert_eq!(check(&Evidence { alarms, ..Evidence::default() }).valid, Valid::False);
    }
}
