//! What was sent to a member and is not answered yet: how much of it there may be, and when its answer is too late.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;

use super::acknowledged::Asked;

/// At most so many messages; a follower takes no more of them in before the first is durable.
pub(super) const MOST: usize = 64;
/// No further message while those before it have so many bytes: what is sent again after a broken connection, and all that
/// HTTP/2 lets out unread.
pub(super) const MOST_BYTES: usize = 1024 * 1024;

/// One message.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) asked: Asked,
    pub(super) bytes: usize,
    /// Open until it is answered; entries have one.
    pub(super) stage: Option<Span>,
}

/// All of them, in the order in which they were sent and are answered.
#[derive(Debug)]
pub(super) struct InFlight {
    sent: VecDeque<Sent>,
    bytes: usize,
    /// An answer has come on this stream.
    proven: bool,
    /// From when on the first of them is waited for.
    since: Instant,
    within: Duration,
}

impl InFlight {
    /// None yet, on a stream without an answer. `within` is how long each may take after the one before it.
    pub(super) fn new(within: Duration, now: Instant) -> Self {
        Self { sent: VecDeque::new(), bytes: 0, proven: false, since: now, within }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// The member has answered, and so takes messages in this way.
    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Whether another may be sent. The first on a stream goes alone: who is not there, or does not know the method, is
    /// found out with one message.
    pub(super) fn has_room(&self) -> bool {
        match self.proven {
            true => self.sent.len() < MOST && self.bytes < MOST_BYTES,
            false => self.sent.is_empty(),
        }
    }

    pub(super) fn push(&mut self, sent: Sent, now: Instant) {
        if self.sent.is_empty() {
            self.since = now;
        }
        self.bytes += sent.bytes;
        self.sent.push_back(sent);
    }

    /// Takes out the one that an answer belongs to; `None` if nothing was asked.
    pub(super) fn answered(&mut self, now: Instant) -> Option<Sent> {
        let sent = self.sent.pop_front()?;
        self.bytes -= sent.bytes;
        self.proven = true;
        self.since = now;
        Some(sent)
    }

    /// The stream is gone, with nothing on it; the next one has to prove itself.
    pub(super) fn begin_anew(&mut self) {
        self.proven = false;
    }

    /// When the next answer is too late, if one is waited for.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.sent.is_empty()).then(|| self.since + self.within)
    }

    pub(super) fn within(&self) -> Duration {
        self.within
    }
}

#[cfg(test)]
mod tests {
    use baton_storage::position::{Position, Vote};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(2);

    fn sent(index: u64, bytes: usize) -> Sent {
        let vote = Vote { term: 1, node: 1, committed: true };
        let through = Some(Position { term: 1, index });
        Sent { asked: Asked { vote, after: None, through }, bytes, stage: None }
    }

    fn proven(now: Instant) -> InFlight {
        let mut flight = InFlight::new(WITHIN, now);
        flight.push(sent(1, 1), now);
        flight.answered(now).unwrap();
        flight
    }

    #[test]
    fn the_first_on_a_stream_goes_alone() {
        let now = Instant::now();
        let mut flight = InFlight::new(WITHIN, now);
        assert!(flight.has_room());
        flight.push(sent(1, 1), now);
        assert!(!flight.has_room());
        assert_eq!(flight.answered(now).and_then(|sent| sent.asked.through).map(|at| at.index), Some(1));
        flight.push(sent(2, 1), now);
        assert!(flight.has_room());
        flight.answered(now).unwrap();
        assert!(flight.answered(now).is_none());
        flight.begin_anew();
        flight.push(sent(3, 1), now);
        assert!(!flight.has_room());
    }

    #[test]
    fn their_number_and_their_bytes_are_bounded() {
        let now = Instant::now();
        let mut flight = proven(now);
        for index in 0..MOST as u64 {
            assert!(flight.has_room());
            flight.push(sent(index, 1), now);
        }
        assert!(!flight.has_room());
        flight.answered(now).unwrap();
        assert!(flight.has_room());
        flight.push(sent(99, MOST_BYTES), now);
        flight.answered(now).unwrap();
        assert!(!flight.has_room());
    }

    #[test]
    fn each_has_its_time_after_the_one_before_it() {
        let start = Instant::now();
        let mut flight = proven(start);
        let second = Duration::from_secs(1);
        flight.push(sent(2, 1), start + 5 * second);
        flight.push(sent(3, 1), start + 6 * second);
        assert_eq!(flight.due(), Some(start + 5 * second + WITHIN));
        flight.answered(start + 6 * second).unwrap();
        assert_eq!(flight.due(), Some(start + 6 * second + WITHIN));
        flight.answered(start + 9 * second).unwrap();
        assert_eq!(flight.due(), None);
    }
}
