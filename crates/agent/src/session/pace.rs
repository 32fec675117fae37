//! When an agent renews its lease, and when a silent leader is given up. Pure: time is given, in nanoseconds.

/// The renewals of one session to come.
#[derive(Debug)]
pub(super) struct Pace {
    /// What the leader said first: how often, while it has few agents.
    shortest_ns: u64,
    /// How often now.
    interval_ns: u64,
    next_ns: u64,
    settled: bool,
}

impl Pace {
    /// The first renewal is due at once: until it is answered, the agent may start nothing.
    pub(super) fn new(renew_ms: u64, now_ns: u64) -> Pace {
        let shortest_ns = ns(renew_ms);
        Pace { shortest_ns, interval_ns: shortest_ns, next_ns: now_ns, settled: false }
    }

    /// When the next renewal is due.
    pub(super) fn next_ns(&self) -> u64 {
        self.next_ns
    }

    /// One was sent.
    pub(super) fn sent(&mut self, now_ns: u64) {
        self.next_ns = now_ns.saturating_add(self.interval_ns);
    }

    /// The leader answered, and said how often to renew, if it is one that does. `share`, between zero and one, is drawn
    /// by the agent: after a takeover all agents come at once, and need not go on so.
    pub(super) fn answered(&mut self, renew_ms: Option<u64>, now_ns: u64, share: f64) {
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

    /// A leader that is not heard for so long is taken for gone: one answer would have come, and had time for that.
    pub(super) fn patience_ns(&self) -> u64 {
        self.interval_ns.saturating_add(2 * self.shortest_ns)
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
}
