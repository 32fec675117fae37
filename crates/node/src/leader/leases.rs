//! Agents' leases, kept by the leader alone. Pure: time is given.
//!
//! An agent counts its lease from the moment in which it *sent* a renewal, the leader from the one
//! in which it *answered*, which is later: when the leader says that a lease is over, its agent
//! has known for at least the margin. Only a round trip counts as life: an agent whose answers do
//! not arrive is not answered any more, so its lease ends (the matrix's P01).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use baton_engine::command::Speaker;
use baton_storage::sabotage::{self, Bug};

/// One agent's lease.
#[derive(Debug)]
pub(crate) struct Lease {
    /// The last renewal answered, and when; before the first, when the agent came.
    answered: Instant,
    /// When the newest answer that the agent has confirmed was sent.
    confirmed: Instant,
    /// Answers that are not confirmed yet, the oldest first; seldom more than one.
    unconfirmed: VecDeque<(u64, Instant)>,
    /// How often the agent was told to renew.
    pace: Duration,
}

/// What a renewal says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renewal {
    pub(crate) sequence: u64,
    /// The newest answer that has arrived.
    pub(crate) confirmed: u64,
    /// By the leader's own knowledge: the agent has an attempt.
    pub(crate) busy: bool,
}

/// The lease that a new one replaced, if there was one.
#[derive(Debug)]
pub(crate) struct Before(Option<Lease>);

/// So many renewals a second are answered without a second thought; more agents than that renew more rarely.
const RENEWALS_A_SECOND: u32 = 600;
/// An agent without an attempt renews at least once in so many leases.
const LEASES_AT_REST: u32 = 3;

impl Lease {
    fn from(now: Instant) -> Lease {
        Lease { answered: now, confirmed: now, unconfirmed: VecDeque::new(), pace: Duration::ZERO }
    }
}

/// How long leases and what belongs to them are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// A whole lease, as agents count it.
    pub(crate) lease: Duration,
    /// By how much the leader lets one run on: clocks run at slightly different rates.
    pub(crate) margin: Duration,
    /// How often an agent renews where there are few.
    pub(crate) renew: Duration,
}

impl Terms {
    /// How often each of so many agents renews: all together not too often, yet each twice in its lease while it has
    /// something to do. One that has nothing may let its lease run out, for it renews before it starts anything.
    fn pace(&self, agents: usize, busy: bool) -> Duration {
        let rare = Duration::from_secs(agents as u64) / RENEWALS_A_SECOND;
        let longest = if busy { self.lease / 2 } else { self.lease * LEASES_AT_REST };
        rare.min(longest).max(self.renew)
    }

    /// How long an agent may be silent: never shorter than its lease, and long enough for it to come twice.
    fn patience(&self, lease: &Lease) -> Duration {
        self.lease.max(lease.pace * 2)
    }
}

/// Every lease that may still run.
#[derive(Debug)]
pub(crate) struct Leases {
    terms: Terms,
    running: HashMap<Speaker, Lease>,
    /// Whose end is proposed, and not decided yet.
    ending: BTreeSet<Speaker>,
    /// A quorum followed the leader when it looked last.
    followed: bool,
    /// No lease ends before this: what was found when all were looked at, and no later than one that was granted just then
    /// would. They only become longer, or run for a plain one from then on.
    none_before: Option<Instant>,
}

impl Leases {
    /// No lease yet.
    pub(crate) fn new(terms: Terms) -> Leases {
        let (running, ending) = (HashMap::new(), BTreeSet::new());
        Leases { terms, running, ending, followed: true, none_before: None }
    }

    /// The agent is there, or may hold a lease of the leader before: one full lease from now. Gives back the lease that
    /// it replaces.
    pub(crate) fn grant(&mut self, speaker: Speaker, now: Instant) -> Option<Lease> {
        self.running.insert(speaker, Lease::from(now))
    }

    /// The agent has come: a lease, as [`Leases::grant`] gives it. `None` while the end of its last one is on its way into
    /// the log: what it was promised now would not keep its steps from being given to others then.
    pub(crate) fn admit(&mut self, speaker: &Speaker, now: Instant) -> Option<Before> {
        let ending = self.ending.contains(speaker);
        (!ending).then(|| Before(self.grant(speaker.clone(), now)))
    }

    /// The end of this agent's lease is in the log, or never will be.
    pub(crate) fn ended(&mut self, speaker: &Speaker) {
        self.ending.remove(speaker);
    }

    /// The agent was refused: a lease that somebody else has out of the same journal must not live on by that.
    pub(crate) fn take_back(&mut self, speaker: &Speaker, before: Before) {
        match before.0 {
            Some(lease) => {
                self.none_before = None;
                self.running.insert(speaker.clone(), lease);
            }
            None => drop(self.running.remove(speaker)),
        }
    }

    /// A renewal arrived, and with it the word that answers up to `confirmed` have arrived. When it is to be answered:
    /// how long the agent is to wait until the next one, which depends on whether it is `busy`.
    pub(crate) fn renew(
        &mut self,
        speaker: &Speaker,
        Renewal { sequence, confirmed, busy }: Renewal,
        now: Instant,
    ) -> Option<Duration> {
        let pace = self.terms.pace(self.running.len(), busy);
        let lease = self.running.get_mut(speaker)?;
        while let Some((_, sent)) = lease.unconfirmed.pop_front_if(|(answer, _)| *answer <= confirmed) {
            lease.confirmed = lease.confirmed.max(sent);
        }
        let unheard = now.duration_since(lease.confirmed);
        if unheard > self.terms.patience(lease) && !sabotage::planted(Bug::OneWayHeartbeat) {
            return None;
        }
        lease.unconfirmed.push_back((sequence, now));
        lease.answered = now;
        lease.pace = pace;
        Some(pace)
    }

    /// How often an agent that comes now is to renew before it is told otherwise.
    pub(crate) fn first_pace(&self) -> Duration {
        self.terms.pace(self.running.len(), true)
    }

    /// The agent was given something to do, or its session is over: if it was told that it need not come soon, it is
    /// awaited within a plain lease from now on all the same.
    pub(crate) fn await_soon(&mut self, speaker: &Speaker, now: Instant) {
        let Some(lease) = self.running.get_mut(speaker) else { return };
        if lease.pace * 2 <= self.terms.lease {
            return;
        }
        let end = (lease.answered + self.terms.patience(lease)).min(now + self.terms.lease);
        // As if a plain lease had been answered that ends then.
        let answered = end - self.terms.lease;
        (lease.answered, lease.confirmed, lease.pace) = (answered, answered, Duration::ZERO);
    }

    /// Takes out every lease that is over. Without a quorum none is: the leader answered nobody, so nobody's silence
    /// means anything; once a quorum follows it again, every lease runs anew, as under a new leader.
    pub(crate) fn expired(&mut self, now: Instant, followed: bool) -> Vec<Speaker> {
        let before = std::mem::replace(&mut self.followed, followed);
        if followed && !before {
            self.running.values_mut().for_each(|lease| {
                *lease = Lease { pace: lease.pace, ..Lease::from(now) };
            });
        }
        if !followed || self.none_before.is_some_and(|before| now < before) {
            return Vec::new();
        }
        let terms = self.terms;
        let end = |lease: &Lease| lease.answered + terms.patience(lease) + terms.margin;
        let over = |lease: &Lease| now >= end(lease);
        let mut speakers: Vec<_> =
            self.running.iter().filter(|(_, lease)| over(lease)).map(|(s, _)| s.clone()).collect();
        speakers.sort_unstable();
        for speaker in &speakers {
            self.running.remove(speaker);
            self.ending.insert(speaker.clone());
        }
        let granted_now = now + terms.lease + terms.margin;
        self.none_before = self.running.values().map(end).chain([granted_now]).min();
        speakers
    }

    /// When the next lease could be over, so that all are to be looked at again.
    pub(crate) fn next_end(&self, now: Instant) -> Instant {
        self.none_before.unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(5);
    const MARGIN: Duration = Duration::from_millis(500);

    fn terms() -> Terms {
        Terms { lease: LEASE, margin: MARGIN, renew: Duration::from_secs(1) }
    }

    fn speaker() -> Speaker {
        Speaker { agent: "a".into(), incarnation: "1".into() }
    }

    fn renewal(sequence: u64, confirmed: u64) -> Renewal {
        Renewal { sequence, confirmed, busy: true }
    }

    fn granted() -> (Leases, Instant) {
        let start = Instant::now();
        let mut leases = Leases::new(terms());
        leases.grant(speaker(), start);
        (leases, start)
    }

    #[test]
    fn a_lease_ends_a_margin_after_its_time() {
        let (mut leases, start) = granted();
        assert!(leases.expired(start + LEASE, true).is_empty());
        assert_eq!(leases.expired(start + LEASE + MARGIN, true), [speaker()]);
        assert!(leases.expired(start + LEASE * 9, true).is_empty(), "it is told once");
    }

    #[test]
    fn a_renewal_extends_it() {
        let (mut leases, start) = granted();
        assert!(leases.expired(start, true).is_empty());
        assert_eq!(leases.next_end(start), start + LEASE + MARGIN);
        assert!(leases.renew(&speaker(), renewal(1, 0), start + Duration::from_secs(4)).is_some());
        assert!(leases.expired(start + Duration::from_secs(9), true).is_empty());
        assert_eq!(leases.next_end(start), start + Duration::from_secs(4) + LEASE + MARGIN);
    }

    #[test]
    fn renewals_whose_answers_never_arrive_do_not_count_as_life() {
        let (mut leases, start) = granted();
        let answered = (1..=20).filter(|sequence| {
            leases.renew(&speaker(), renewal(*sequence, 0), start + Duration::from_secs(*sequence)).is_some()
        });
        assert_eq!(answered.last(), Some(5));
        assert_eq!(leases.expired(start + Duration::from_secs(11), true), [speaker()]);
    }

    #[test]
    fn confirmed_answers_do() {
        let (mut leases, start) = granted();
        for sequence in 1..=20 {
            let now = start + Duration::from_secs(sequence);
            assert!(leases.renew(&speaker(), renewal(sequence, sequence - 1), now).is_some());
        }
    }

    /// A copy of a journal is refused again and again while the original is silent.
    #[test]
    fn a_grant_that_is_taken_back_prolongs_nothing() {
        let (mut leases, start) = granted();
        let before = leases.admit(&speaker(), start + Duration::from_secs(4));
        leases.take_back(&speaker(), before.expect("it is let in"));
        assert_eq!(leases.expired(start + LEASE + MARGIN, true), [speaker()]);
    }

    /// A leader without a quorum answers nobody: who is silent then may be with a newer leader.
    #[test]
    fn without_a_quorum_no_lease_ends_and_with_one_each_runs_anew() {
        let (mut leases, start) = granted();
        let back = start + LEASE * 3;
        assert!(leases.expired(start + LEASE * 2, false).is_empty());
        assert!(leases.expired(back, true).is_empty());
        assert!(leases.expired(back + LEASE, true).is_empty());
        assert_eq!(leases.expired(back + LEASE + MARGIN, true), [speaker()]);
    }

    /// The simulator's seed 6460: it came back between the proposal of its end and that entry's commit, was promised a
    /// lease, and its step was given to another beside it.
    #[test]
    fn whose_end_is_proposed_is_let_in_when_that_is_decided() {
        let (mut leases, start) = granted();
        let over = start + LEASE + MARGIN;
        assert_eq!(leases.expired(over, true), [speaker()]);
        assert!(leases.admit(&speaker(), over).is_none());
        assert!(leases.renew(&speaker(), renewal(1, 0), over).is_none());
        leases.ended(&speaker());
        assert!(leases.admit(&speaker(), over).is_some());
    }

    #[test]
    fn who_has_no_lease_is_not_answered() {
        let (mut leases, start) = granted();
        let other = Speaker { agent: "a".into(), incarnation: "2".into() };
        assert!(leases.renew(&other, renewal(1, 0), start).is_none());
    }

    /// Its lease from before is the earlier one to end, and must not be forgotten for that.
    #[test]
    fn a_lease_that_is_given_back_is_looked_at_in_time() {
        let (mut leases, start) = granted();
        let before = leases.admit(&speaker(), start + Duration::from_secs(4));
        assert!(leases.expired(start + Duration::from_secs(4), true).is_empty());
        leases.take_back(&speaker(), before.expect("it is let in"));
        assert_eq!(leases.expired(start + LEASE + MARGIN, true), [speaker()]);
    }

    /// A leader of three thousand agents, one of which has nothing to do.
    fn crowded() -> (Leases, Instant) {
        let (mut leases, start) = granted();
        for agent in 1..3000 {
            leases.grant(Speaker { agent: format!("b{agent}"), incarnation: "1".into() }, start);
        }
        let idle = Renewal { busy: false, ..renewal(1, 0) };
        assert_eq!(leases.renew(&speaker(), idle, start), Some(LEASE));
        (leases, start)
    }

    /// Agents of an older version go by it until they are answered for the first time, and would come all too often.
    #[test]
    fn one_of_many_is_not_hurried_from_the_first() {
        assert_eq!(granted().0.first_pace(), Duration::from_secs(1));
        assert_eq!(crowded().0.first_pace(), LEASE / 2);
    }

    #[test]
    fn one_of_many_that_rests_may_come_more_rarely_than_its_lease_is_long() {
        let (mut leases, start) = crowded();
        let over = leases.expired(start + LEASE + MARGIN, true);
        assert!(over.len() == 2_999 && !over.contains(&speaker()));
        assert!(leases.renew(&speaker(), renewal(2, 1), start + LEASE * 2).is_some());
    }

    #[test]
    fn one_that_rests_and_never_comes_again_is_given_up() {
        let (mut leases, start) = crowded();
        leases.expired(start + LEASE + MARGIN, true);
        assert_eq!(leases.next_end(start), start + LEASE * 2 + MARGIN);
        assert_eq!(leases.expired(start + LEASE * 2 + MARGIN, true), [speaker()]);
    }

    #[test]
    fn one_that_was_given_something_is_awaited_soon() {
        let (mut leases, start) = crowded();
        let given = start + Duration::from_secs(2);
        assert!(leases.expired(given, true).is_empty());
        leases.await_soon(&speaker(), given);
        leases.await_soon(&speaker(), given + LEASE / 2);
        assert_eq!(leases.expired(start + LEASE + MARGIN, true).len(), 2_999);
        assert_eq!(leases.next_end(start), given + LEASE + MARGIN);
        assert_eq!(
            leases.expired(given + LEASE + MARGIN, true),
            [speaker()],
            "the second time prolongs nothing"
        );
    }

    #[test]
    fn one_that_was_given_something_late_has_no_more_time_than_before() {
        let (mut leases, start) = crowded();
        leases.await_soon(&speaker(), start + LEASE * 2);
        assert!(leases.expired(start + LEASE * 2 + MARGIN, true).contains(&speaker()));
    }

    #[test]
    fn one_that_comes_while_all_others_rest_is_given_up_in_its_own_time() {
        let (mut leases, start) = crowded();
        let idle = Renewal { busy: false, ..renewal(2, 1) };
        let all: Vec<_> = leases.running.keys().cloned().collect();
        all.iter().for_each(|resting| assert!(leases.renew(resting, idle, start).is_some()));
        let now = start + Duration::from_secs(1);
        assert!(leases.expired(now, true).is_empty());
        let newcomer = Speaker { agent: "c".into(), incarnation: "1".into() };
        leases.grant(newcomer.clone(), now);
        let over = leases.expired(now + LEASE + MARGIN, true);
        assert!(over.contains(&newcomer) && !over.contains(&speaker()));
    }

    #[test]
    fn one_that_never_rested_gets_nothing_by_being_awaited() {
        let (mut leases, start) = granted();
        assert!(leases.renew(&speaker(), Renewal { busy: false, ..renewal(1, 0) }, start).is_some());
        leases.await_soon(&speaker(), start + Duration::from_secs(4));
        assert_eq!(leases.expired(start + LEASE + MARGIN, true), [speaker()]);
    }

    #[test]
    fn the_more_agents_the_more_rarely_each_renews_and_still_twice_in_its_lease() {
        let pace_ms = |agents| terms().pace(agents, true).as_millis();
        assert_eq!([1, 600, 1200, 1500].map(pace_ms), [1000, 1000, 2000, 2500]);
        assert_eq!([3000, 10_000, usize::MAX].map(pace_ms), [2500, 2500, 2500]);
        let rare = Terms { renew: Duration::from_secs(2), ..terms() };
        assert_eq!(
            rare.pace(600, true),
            rare.renew,
            "as often as the operator says where that is rare enough"
        );
    }

    #[test]
    fn who_has_nothing_to_do_renews_still_more_rarely() {
        let pace_ms = |agents| terms().pace(agents, false).as_millis();
        assert_eq!([1, 600, 3000, 10_000, usize::MAX].map(pace_ms), [1000, 1000, 5000, 15_000, 15_000]);
    }
}
