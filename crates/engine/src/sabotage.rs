//! Known bugs of the engine, planted to see that the fault suite finds them (`baton_storage::sabotage` has the others). The
//! engine reads no environment: the shell around it says once, before the first entry, which one it carries.

#[cfg(all(feature = "sabotage", not(debug_assertions)))]
compile_error!("the feature `sabotage` plants bugs: it must never be in a release");

/// A rule that is broken where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// What must not be repeated is repeated when its outcome is unknown.
    RetryUnknown = 1,
    /// "It did not happen" counts although the executor can still act.
    ProbeBeforeQuiescence,
}

/// Whether this process carries the bug.
#[cfg(not(feature = "sabotage"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "sabotage")]
pub(crate) use active::planted;

#[cfg(feature = "sabotage")]
pub use active::plant;

#[cfg(feature = "sabotage")]
mod active {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Bug;

    static CARRIED: AtomicU8 = AtomicU8::new(0);

    /// From now on this process carries the bug.
    pub fn plant(bug: Bug) {
        CARRIED.store(bug as u8, Ordering::SeqCst);
    }

    pub(crate) fn planted(bug: Bug) -> bool {
        CARRIED.load(Ordering::SeqCst) == bug as u8
    }
}
