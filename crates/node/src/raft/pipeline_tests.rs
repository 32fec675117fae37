//! A pipeline against a follower that says what the test makes it say, over pipes in memory: the clock stands still.

#[path = "pipeline_tests/follower.rs"]
mod follower;

use std::sync::Arc;
use std::time::Duration;

use baton_storage::hard_state::Identity;
use baton_storage::position::{Position, Vote as VoteRecord};
use openraft::RaftNetworkFactory as _;
use openraft::raft::StreamAppendError;
use tokio::sync::mpsc;

use super::super::acknowledged::Acknowledged;
use super::super::formats::{Append, AppendAnswer, Payload, WireEntry};
use super::super::network::Network;
use super::super::peers::Peers;
use super::super::standing::Standing;
use super::*;
use follower::{Follower, Stream as Taken};

const VOTE: VoteRecord = VoteRecord { term: 1, node: 1, committed: true };

fn at(index: u64) -> Option<Position> {
    (index > 0).then_some(Position { term: 1, index })
}

/// One entry behind `after`.
fn asks(after: u64) -> Asking {
    let entry = WireEntry { at: Position { term: 1, index: after + 1 }, payload: Payload::Blank };
    let append = Append { vote: VOTE, after: at(after), entries: vec![entry], committed: None };
    convert::append_request(append).unwrap()
}

/// Nothing but that everything is committed up to `through`, which is the last there is.
fn commits(through: u64) -> Asking {
    let append = Append { vote: VOTE, after: at(through), entries: Vec::new(), committed: at(through) };
    convert::append_request(append).unwrap()
}

/// A leader's side: what raft asks, and what it is told.
struct Leader {
    standing: Arc<Standing>,
    requests: mpsc::UnboundedSender<Asking>,
    told: mpsc::UnboundedReceiver<Told>,
    session: tokio::task::JoinHandle<Link>,
}

async fn link(follower: &Follower) -> (Link, Arc<Standing>) {
    let identity = Identity { node: 1, incarnation: "one".into() };
    let standing = Arc::new(Standing::new(identity, "cluster".into(), Arc::default()));
    let mut network = Network {
        standing: Arc::clone(&standing),
        peers: Peers::over(Arc::new(follower.way.clone())),
        acknowledged: Acknowledged::default(),
    };
    let target = Member { address: "follower:1".into(), incarnation: "two".into(), ..Member::default() };
    (network.new_client(2, &target).await, standing)
}

impl Leader {
    async fn of(follower: &Follower) -> Self {
        let (link, standing) = link(follower).await;
        Self::over(link, standing)
    }

    fn over(mut link: Link, standing: Arc<Standing>) -> Self {
        let (requests, input) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::unbounded_channel();
        let session = tokio::spawn(async move {
            let option = RPCOption::new(Duration::from_millis(100));
            // As raft makes its own: one that may not be asked again once it has ended.
            let input = stream::unfold(input, |mut input| async { Some((input.recv().await?, input)) });
            let mut answers = replicate(&mut link, Box::pin(input), option);
            while let Some(answer) = answers.next().await {
                tell.send(answer).unwrap();
            }
            drop(answers);
            link
        });
        Self { standing, requests, told, session }
    }

    fn asks(&self, after: u64) {
        self.requests.send(asks(after)).unwrap();
    }

    /// Is told that the log is there up to this entry.
    async fn hears(&mut self, through: u64) {
        let told = self.told.recv().await.unwrap().unwrap();
        assert_eq!(told, Ok(at(through).map(convert::log_id)));
    }

    /// Is told why there is no answer, and nothing more.
    async fn fails(&mut self) -> RPCError<Types> {
        let error = self.told.recv().await.unwrap().unwrap_err();
        assert!(self.told.recv().await.is_none());
        error
    }

    /// Has nothing more to ask.
    fn is_done(&mut self) {
        (self.requests, _) = mpsc::unbounded_channel();
    }

    /// The next session of the same replication.
    async fn again(self) -> Self {
        drop(self.requests);
        Self::over(self.session.await.unwrap(), self.standing)
    }
}

/// Waits until nobody has anything to do: the clock goes on only then.
async fn settled() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// The first entry, which the follower has taken.
async fn one_taken(leader: &mut Leader, follower: &mut Follower) -> Taken {
    leader.asks(0);
    let mut stream = follower.stream().await;
    stream.asked().await;
    stream.says(AppendAnswer::Taken);
    leader.hears(1).await;
    stream
}

/// The first entry, alone as it is, and then two of which the follower has answered none.
async fn two_under_way(leader: &mut Leader, follower: &mut Follower) -> Taken {
    leader.asks(0);
    let mut stream = follower.stream().await;
    assert_eq!(stream.asked().await, at(1));
    leader.asks(1);
    leader.asks(2);
    stream.says(AppendAnswer::Taken);
    leader.hears(1).await;
    assert_eq!(stream.asked().await, at(2));
    assert_eq!(stream.asked().await, at(3));
    stream
}

#[tokio::test(start_paused = true)]
async fn several_are_under_way_and_answered_in_their_order() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let mut stream = two_under_way(&mut leader, &mut follower).await;
    leader.asks(3);
    assert_eq!(stream.asked().await, at(4));
    for through in 2..=4 {
        stream.says(AppendAnswer::Taken);
        leader.hears(through).await;
    }
    let leader = leader.again().await;
    assert!(stream.is_let_go().await);
    drop(leader);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_answered_after_the_last_request() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let stream = two_under_way(&mut leader, &mut follower).await;
    leader.is_done();
    stream.says(AppendAnswer::Taken);
    leader.hears(2).await;
    stream.says(AppendAnswer::Taken);
    leader.hears(3).await;
    assert!(leader.told.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_ends_it_and_what_came_behind_is_asked_again() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let mut stream = one_taken(&mut leader, &mut follower).await;
    leader.asks(8);
    leader.asks(9);
    stream.asked().await;
    stream.asked().await;
    stream.says(AppendAnswer::Conflict);
    stream.says(AppendAnswer::Conflict);
    let told = leader.told.recv().await.unwrap().unwrap();
    assert_eq!(told, Err(StreamAppendError::Conflict(convert::log_id(at(8).unwrap()))));
    assert!(leader.told.recv().await.is_none());
    assert!(stream.is_let_go().await);

    let mut leader = leader.again().await;
    leader.asks(1);
    let mut stream = follower.stream().await;
    assert_eq!(stream.asked().await, at(2));
    stream.says(AppendAnswer::Taken);
    leader.hears(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_taken_ends_it() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let stream = two_under_way(&mut leader, &mut follower).await;
    stream.says(AppendAnswer::TakenUpTo(at(1)));
    leader.hears(1).await;
    assert!(leader.told.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_denies_what_it_acknowledged_is_trusted_no_more() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let stream = two_under_way(&mut leader, &mut follower).await;
    stream.says(AppendAnswer::Taken);
    leader.hears(2).await;
    stream.says(AppendAnswer::Conflict);
    let error = leader.fails().await.to_string();
    assert!(error.contains("has forgotten entries that it had acknowledged"), "{error}");
    assert!(leader.standing.trusts("two").is_err());

    // Nothing goes to it any more, in this way or another.
    let mut leader = leader.again().await;
    leader.asks(2);
    leader.fails().await;
    assert!(!follower.was_asked());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_ends_it_and_the_next_goes_on() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let stream = two_under_way(&mut leader, &mut follower).await;
    drop(stream);
    assert!(matches!(leader.fails().await, RPCError::Unreachable(_)));

    let mut leader = leader.again().await;
    leader.asks(1);
    let mut stream = follower.stream().await;
    assert_eq!(stream.asked().await, at(2));
    stream.says(AppendAnswer::Taken);
    leader.hears(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_comes_behind_the_answers_before_it() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let stream = two_under_way(&mut leader, &mut follower).await;
    stream.says(AppendAnswer::Taken);
    stream.refuses(Status::resource_exhausted("this coordinator's disk is almost full"));
    leader.hears(2).await;
    let error = leader.fails().await.to_string();
    assert!(error.contains("disk is almost full"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_idle_is_opened_again_unnoticed() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let stream = one_taken(&mut leader, &mut follower).await;
    drop(stream);
    settled().await;

    leader.asks(1);
    leader.asks(2);
    let mut stream = follower.stream().await;
    for through in 2..=3 {
        assert_eq!(stream.asked().await, at(through));
        stream.says(AppendAnswer::Taken);
        leader.hears(through).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_goes_with_the_entries_behind_it() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let mut stream = two_under_way(&mut leader, &mut follower).await;
    for _ in 0..2 {
        leader.requests.send(commits(3)).unwrap();
    }
    leader.asks(3);
    assert_eq!(stream.asked().await, at(4));
    for through in 2..=4 {
        stream.says(AppendAnswer::Taken);
        leader.hears(through).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_goes_by_itself_when_nothing_follows() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let mut stream = two_under_way(&mut leader, &mut follower).await;
    let begun = Instant::now();
    leader.requests.send(commits(1)).unwrap();
    settled().await;
    leader.requests.send(commits(3)).unwrap();
    assert_eq!(stream.asks().await.committed, at(3));
    assert!((COMMIT_WAITS..2 * COMMIT_WAITS).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    for through in [2, 3, 3] {
        stream.says(AppendAnswer::Taken);
        leader.hears(through).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_are_under_way_than_may_be() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let mut stream = one_taken(&mut leader, &mut follower).await;
    (0..MOST as u64).for_each(|before| leader.asks(1 + before));
    let last = 1 + MOST as u64;
    for through in 2..=last {
        assert_eq!(stream.asked().await, at(through));
    }
    leader.asks(last);
    settled().await;
    assert!(stream.is_silent());
    for through in 2..=last {
        stream.says(AppendAnswer::Taken);
        leader.hears(through).await;
    }
    assert_eq!(stream.asked().await, at(last + 1));
    stream.says(AppendAnswer::Taken);
    leader.hears(last + 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_alone_is_asked_at_once() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let begun = Instant::now();
    leader.requests.send(commits(0)).unwrap();
    leader.is_done();
    let mut stream = follower.stream().await;
    assert_eq!(stream.asks().await.entries, []);
    assert!(begun.elapsed() < COMMIT_WAITS);
    stream.says(AppendAnswer::Taken);
    leader.hears(0).await;
    assert!(leader.told.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_asked_for_ends_it() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    leader.asks(0);
    let mut stream = follower.stream().await;
    stream.asked().await;
    stream.says(AppendAnswer::Taken);
    stream.says(AppendAnswer::Taken);
    leader.hears(1).await;
    let error = leader.fails().await.to_string();
    assert!(error.contains("nobody had asked for"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_older_member_is_asked_one_call_after_the_other() {
    let mut follower = Follower::older();
    let mut leader = Leader::of(&follower).await;
    leader.asks(0);
    leader.asks(1);
    leader.asks(2);
    for through in 1..=3 {
        let call = follower.call().await;
        assert_eq!(call.asked(), at(through));
        settled().await;
        assert!(!follower.was_asked());
        call.says(AppendAnswer::Taken);
        leader.hears(through).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_member_is_asked_what_is_left_when_raft_has_no_more() {
    let mut follower = Follower::older();
    let mut leader = Leader::of(&follower).await;
    leader.requests.send(commits(1)).unwrap();
    leader.is_done();
    let call = follower.call().await;
    assert_eq!(call.asked(), at(1));
    call.says(AppendAnswer::Taken);
    leader.hears(1).await;
    assert!(leader.told.recv().await.is_none());
    leader.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_ends_it_and_each_has_its_time_after_the_one_before() {
    let mut follower = Follower::new();
    let mut leader = Leader::of(&follower).await;
    let stream = two_under_way(&mut leader, &mut follower).await;
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stream.says(AppendAnswer::Taken);
    leader.hears(2).await;
    let error = leader.fails().await;
    assert!(matches!(error, RPCError::Network(_)), "{error}");
    let waited = begun.elapsed();
    let (least, most) = (Duration::from_millis(3500), Duration::from_millis(3510));
    assert!((least..most).contains(&waited), "{waited:?}");
}
