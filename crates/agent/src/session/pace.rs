//! When an agent renews its lease, and when a silent leader is given up. Pure: time is given, in nanoseconds.

/// A leader whose first answer is awaited may have thousands of agents to welcome: it is not hurried. And the longest that
/// each of two missing answers is waited for.
const UNHURRIED_NS: u64 = 1_000_000_000;

/// The renewals of one session to come.
#[derive(Debug)]
pub(super) struct Pace {
    /// What the leader said first: how often, while it has few agents.
    shortest_ns: u64,
    /// How often now.
    interval_ns: u64,
    next_ns: u64,
    settled: bool,
    /// The next answer is awaited before its time.
    hurried: bool,
}

impl Pace {
    /// The first renewal is due at once: until it is answered, the agent may start nothing.
    pub(super) fn new(renew_ms: u64, now_ns: u64) -> Pace {
        let shortest_ns = ns(renew_ms);
        let interval_ns = shortest_ns.max(UNHURRIED_NS);
        Pace { shortest_ns, interval_ns, next_ns: now_ns, settled: false, hurried: false }
    }

    /// When the next renewal is due.
    pub(super) fn next_ns(&self) -> u64 {
        self.next_ns
    }

    /// One was sent.
    pub(super) fn sent(&mut self, now_ns: u64) {
        self.next_ns = now_ns.saturating_add(self.interval_ns);
    }

    /// There is something to do. Where renewals are so rare that the lease runs out between two of them, one is due at
    /// once: what was assigned waits for its answer.
    pub(super) fn hurry(&mut self, lease_ms: u64, now_ns: u64) {
        if !self.hurried && self.interval_ns > ns(lease_ms) / 2 {
            self.hurried = true;
            self.next_ns = self.next_ns.min(now_ns);
        }
    }

    /// The leader answered, and said how often to renew, if it is one that does. `share`, between zero and one, is drawn
    /// by the agent: after a takeover all agents come at once, and need not go on so.
    pub(super) fn answered(&mut self, renew_ms: Option<u64>, now_ns: u64, share: f64) {
        self.hurried = false;
        self.interval_ns = renew_ms.map_or(self.shortest_ns, ns);
        let latest_ns = now_ns.saturating_add(self.interval_ns);
        self.next_ns = self.next_ns.min(latest_ns);
        if !self.settled {
            self.settled = true;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let wait_ns = (self.interval_ns as f64 * share) as u64;
            self.next_ns = now_ns.saturating_add(wait_ns);
        }
    }

    /// A leader that is not heard for so long is taken for gone: two answers are missing. Where its machine or the way to
    /// it is lost, nothing else tells, and the next leader's steps wait for it.
    pub(super) fn patience_ns(&self) -> u64 {
        self.interval_ns.saturating_add(2 * self.interval_ns.min(UNHURRIED_NS))
    }
}

fn ns(ms: u64) -> u64 {
    ms.max(1).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn the_first_renewal_is_due_at_once_and_the_second_at_a_drawn_time() {
        let mut pace = Pace::new(1000, 5 * S);
        assert_eq!(pace.next_ns(), 5 * S);
        pace.sent(5 * S);
        pace.answered(Some(2000), 6 * S, 0.25);
        assert_eq!(pace.next_ns(), 6 * S + S / 2);
        pace.sent(7 * S);
        pace.answered(Some(2000), 7 * S, 0.25);
        assert_eq!(pace.next_ns(), 9 * S, "from then on at an even pace");
    }

    #[test]
    fn a_leader_that_names_no_pace_is_answered_at_the_first_one() {
        let mut pace = Pace::new(1000, 0);
        pace.sent(0);
        pace.answered(None, 0, 1.0);
        assert_eq!((pace.next_ns(), pace.patience_ns()), (S, 3 * S));
    }

    #[test]
    fn a_quicker_pace_holds_at_once_and_a_slower_one_from_the_next_on() {
        let mut pace = Pace::new(1000, 0);
        pace.sent(0);
        pace.answered(Some(5000), 0, 1.0);
        pace.answered(Some(1000), S, 0.0);
        assert_eq!(pace.next_ns(), 2 * S);
        pace.answered(Some(5000), S, 0.0);
        assert_eq!((pace.next_ns(), pace.patience_ns()), (2 * S, 7 * S));
    }

    #[test]
    fn a_leader_of_few_agents_is_given_up_soon_and_one_that_welcomes_them_is_not() {
        let mut pace = Pace::new(200, 0);
        pace.sent(0);
        assert_eq!((pace.next_ns(), pace.patience_ns()), (S, 3 * S));
        pace.answered(Some(200), 0, 1.0);
        assert_eq!((pace.next_ns(), pace.patience_ns()), (S / 5, 3 * S / 5));
    }

    #[test]
    fn something_to_do_is_waited_for_with_one_renewal_where_the_lease_may_have_run_out() {
        let mut pace = Pace::new(1000, 0);
        pace.sent(0);
        pace.answered(Some(5000), 0, 1.0);
        pace.hurry(5000, S);
        assert_eq!(pace.next_ns(), S);
        pace.sent(S);
        pace.hurry(5000, S);
        assert_eq!(pace.next_ns(), 6 * S, "one is under way");
        pace.answered(Some(2500), S, 0.0);
        pace.hurry(5000, 2 * S);
        assert_eq!(pace.next_ns(), 3 * S + S / 2, "its lease runs");
    }
}
