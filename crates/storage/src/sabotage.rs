//! Known bugs, planted one at a time to see that the fault suite finds them. They exist only in builds with the feature
//! `sabotage`, which a release refuses; everywhere else [`planted`] is a constant and its callers are as if it were not there.

#[cfg(all(feature = "sabotage", not(debug_assertions)))]
compile_error!("the feature `sabotage` plants bugs: it must never be in a release");

/// A rule that is broken where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Clients are answered while the entry is still on its way to a quorum.
    AckBeforeCommit,
    /// An agent is told that its attempt has begun before that is committed.
    SendBeforeCommit,
    /// The agent starts what must not be repeated without asking.
    SkipBeginGate,
    /// The journal's `started` is not synced.
    UnsyncedIntent,
    /// What must not be repeated is repeated when its outcome is unknown.
    RetryUnknown,
    /// Steps are given the attempt's number in place of the fencing token.
    IgnoreFence,
    /// A restored cluster goes on in the epoch of the copy, and so with its tokens.
    ReuseFence,
    /// Reads are answered from whatever this coordinator has applied.
    StaleRead,
    /// The agent measures its lease by the wall clock.
    WallClockLease,
    /// A flush does what sled's does on Linux, and the hard state is as little synced as the database.
    PlainFlush,
    /// A member that comes back without its data is taken for the one it was.
    EmptyDataDir,
    /// A report of an attempt that began before this session is acknowledged and thrown away.
    DropLateResult,
    /// An attempt counts as alive when any process has its supervisor's pid.
    AdoptByPid,
    /// A renewal or a greeting counts as life although its sender hears no answers.
    OneWayHeartbeat,
    /// "It did not happen" counts although the executor can still act.
    ProbeBeforeQuiescence,
    /// Appends are acknowledged before they are durable.
    EarlyAppendAck,
}

/// Whether this process carries the bug.
#[cfg(not(feature = "sabotage"))]
pub const fn planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "sabotage")]
pub use active::{announce, planted};

#[cfg(feature = "sabotage")]
mod active {
    use std::sync::OnceLock;

    use super::Bug;

    /// Names the bug that is to be planted.
    const VARIABLE: &str = "BATON_SABOTAGE";

    const NAMES: [(&str, Bug); 16] = [
        ("ack-before-commit", Bug::AckBeforeCommit),
        ("send-before-commit", Bug::SendBeforeCommit),
        ("skip-begin-gate", Bug::SkipBeginGate),
        ("no-intent-fsync", Bug::UnsyncedIntent),
        ("retry-unknown", Bug::RetryUnknown),
        ("ignore-fence", Bug::IgnoreFence),
        ("reuse-fence-after-restore", Bug::ReuseFence),
        ("stale-read", Bug::StaleRead),
        ("wall-clock-lease", Bug::WallClockLease),
        ("plain-flush", Bug::PlainFlush),
        ("empty-data-dir", Bug::EmptyDataDir),
        ("drop-late-result", Bug::DropLateResult),
        ("adopt-by-pid", Bug::AdoptByPid),
        ("one-way-heartbeat", Bug::OneWayHeartbeat),
        ("probe-before-quiescence", Bug::ProbeBeforeQuiescence),
        ("early-append-ack", Bug::EarlyAppendAck),
    ];

    static CARRIED: OnceLock<Option<(&str, Bug)>> = OnceLock::new();

    fn carried() -> Option<(&'static str, Bug)> {
        *CARRIED.get_or_init(|| {
            let name = std::env::var(VARIABLE).ok()?;
            let known = NAMES.into_iter().find(|(known, _)| *known == name);
            if known.is_none() {
                eprintln!(
                    "baton: {VARIABLE}={name} names no bug: {}",
                    NAMES.map(|(name, _)| name).join(", ")
                );
                std::process::exit(2);
            }
            known
        })
    }

    /// Whether this process carries the bug, as the environment says.
    pub fn planted(bug: Bug) -> bool {
        carried().is_some_and(|(_, carried)| carried == bug)
    }

    /// Says on stderr which bug this process carries.
    pub fn announce() {
        match carried() {
            Some((name, _)) => {
                eprintln!("SABOTAGE: this baton carries the planted bug `{name}`: never use it")
            }
            None => eprintln!("SABOTAGE: this baton can carry planted bugs, and carries none"),
        }
    }
}

#[cfg(all(test, not(feature = "sabotage")))]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_build_carries_nothing() {
        const { assert!(!planted(Bug::SkipBeginGate)) };
    }
}
