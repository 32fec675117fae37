//! Cluster time, as the leader makes it: milliseconds that only ever advance, by its monotonic
//! clock since it took office, from the highest stamp in the log.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use baton_engine::Stamp;

/// One leader's clock.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    base_ms: u64,
    started: Instant,
}

impl Clock {
    /// Goes on from a cluster time that is not older than the newest stamp in the log.
    pub(crate) fn from(base_ms: u64) -> Clock {
        Clock { base_ms, started: Instant::now() }
    }

    /// Now, with the wall's time carried along for people.
    pub(crate) fn now(&self) -> Stamp {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Stamp {
            time_ms: self.base_ms.saturating_add(elapsed_ms),
            wall_ms: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// How long until a cluster time; zero when it has passed.
    pub(crate) fn until(&self, time_ms: u64) -> Duration {
        Duration::from_millis(time_ms.saturating_sub(self.now().time_ms))
    }
}
