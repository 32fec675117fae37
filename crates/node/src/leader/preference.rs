//! The region in which an operator wants the leader to be, and when it is time to go there. What decides is pure: time and
//! what is seen are given.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::raft::Cluster;

/// So many times as long as a member has to be well, none is tried again after one did not take over.
const PAUSE: u32 = 6;
/// So often a member is looked at while it has to be well.
const LOOKS: u32 = 10;

/// A member that could lead in the preferred region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) id: u64,
    /// It answers, and has as good as all of the log.
    pub(crate) fit: bool,
    /// For how long its process has been running, by its own word.
    pub(crate) running: Duration,
}

/// What this leader has seen of those that it could hand over to.
#[derive(Debug)]
struct Preference {
    /// For how long a member must have been well.
    steady: Duration,
    /// Since when each has been fit at every look.
    fit_since: BTreeMap<u64, Instant>,
    /// One did not take over.
    not_before: Option<Instant>,
}

impl Preference {
    fn new(steady: Duration) -> Preference {
        Preference { steady, fit_since: BTreeMap::new(), not_before: None }
    }

    /// Whom to hand over to now: the first that has been well for long enough, and not been started a moment ago. The one
    /// that takes over stands where it should and hands over to nobody, so leadership cannot go back and forth.
    fn choose(&mut self, candidates: &[Candidate], now: Instant) -> Option<u64> {
        let fit = || candidates.iter().filter(|candidate| candidate.fit);
        let since = |id| self.fit_since.get(&id).copied().unwrap_or(now);
        self.fit_since = fit().map(|candidate| (candidate.id, since(candidate.id))).collect();
        if self.not_before.is_some_and(|not_before| now < not_before) {
            return None;
        }
        let well = |candidate: &&Candidate| {
            let seen = now.duration_since(self.fit_since[&candidate.id]);
            seen.min(candidate.running) >= self.steady
        };
        fit().filter(well).map(|candidate| candidate.id).min()
    }

    /// Nobody is wanted elsewhere: what was seen is of no use later.
    fn rest(&mut self) {
        self.fit_since.clear();
    }

    /// The one that was chosen did not take over.
    fn failed(&mut self, now: Instant) {
        self.rest();
        self.not_before = Some(now + PAUSE * self.steady);
    }
}

/// Hands over to a member of the preferred region, when there is one and this one is elsewhere.
pub(super) async fn follow(config: &Config, cluster: &Cluster) {
    let steady = Duration::from_millis(config.prefer_after_ms);
    let mut preference = Preference::new(steady);
    loop {
        tokio::time::sleep((steady / LOOKS).max(Duration::from_millis(10))).await;
        let wanted = cluster.machine().read(|state| state.preferred_region.clone());
        let Some(region) = wanted.filter(|region| *region != config.region) else {
            preference.rest();
            continue;
        };
        let candidates = cluster.candidates(&region).await;
        let Some(id) = preference.choose(&candidates, Instant::now()) else { continue };
        tracing::info!(id, region, "handing over to the preferred region");
        if let Err(error) = cluster.transfer(Some(id)).await {
            tracing::warn!(id, region, %error, "the preferred region did not take over");
            preference.failed(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEADY: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    fn candidate(id: u64) -> Candidate {
        Candidate { id, fit: true, running: Duration::from_secs(3600) }
    }

    /// Looks once a second; what is seen after that many seconds, and what comes of the last look.
    fn after(preference: &mut Preference, begin: Instant, seconds: u32, seen: &[Candidate]) -> Option<u64> {
        (0..=seconds).map(|second| preference.choose(seen, begin + second * SECOND)).last().flatten()
    }

    #[test]
    fn one_that_has_been_well_for_long_enough_is_chosen() {
        let (mut preference, begin) = (Preference::new(STEADY), Instant::now());
        assert_eq!(after(&mut preference, begin, 9, &[candidate(3), candidate(2)]), None);
        assert_eq!(preference.choose(&[candidate(3), candidate(2)], begin + STEADY), Some(2));
    }

    #[test]
    fn one_that_lagged_or_was_silent_has_to_be_well_again_for_as_long() {
        let (mut preference, begin) = (Preference::new(STEADY), Instant::now());
        assert_eq!(after(&mut preference, begin, 9, &[candidate(2)]), None);
        let lagging = Candidate { fit: false, ..candidate(2) };
        assert_eq!(preference.choose(&[lagging], begin + STEADY), None);
        let again = begin + STEADY + SECOND;
        assert_eq!(after(&mut preference, again, 9, &[candidate(2)]), None);
        assert_eq!(preference.choose(&[candidate(2)], again + STEADY), Some(2));
    }

    /// Between two looks nobody sees a restart; the member says so itself.
    #[test]
    fn one_that_was_just_restarted_is_not_chosen() {
        let (mut preference, begin) = (Preference::new(STEADY), Instant::now());
        let young = Candidate { running: STEADY - SECOND, ..candidate(2) };
        assert_eq!(after(&mut preference, begin, 30, &[young]), None);
        assert_eq!(after(&mut preference, begin, 30, &[young, candidate(3)]), Some(3));
    }

    #[test]
    fn after_a_failure_nobody_is_chosen_for_a_while() {
        let (mut preference, begin) = (Preference::new(STEADY), Instant::now());
        assert_eq!(after(&mut preference, begin, 10, &[candidate(2)]), Some(2));
        let failed = begin + STEADY;
        preference.failed(failed);
        assert_eq!(after(&mut preference, failed, 59, &[candidate(2)]), None);
        assert_eq!(preference.choose(&[candidate(2)], failed + PAUSE * STEADY), Some(2));
    }
}
