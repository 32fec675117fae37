use baton_engine::run::Status;
use baton_engine::stamp::Moment;
use baton_engine::{Command, Stamp};
use baton_plan::plan::RecoveryTime;
use baton_storage::codec;

use super::*;

const AT: Position = Position { term: 2, index: 9 };
const VOTE: Vote = Vote { term: 5, node: 3, committed: true };

/// A record's body must be these bytes, for ever, and must read back as the record.
fn golden<R: Record + PartialEq + std::fmt::Debug>(record: &R, magic: u8, body: &[u8]) {
    let bytes = codec::encode(record);
    assert_eq!(bytes[..3], [magic, 1, 0]);
    assert_eq!(&bytes[codec::HEADER_LEN..], body, "{record:?}");
    assert_eq!(codec::decode::<R>(&bytes).unwrap(), *record);
}

fn members() -> Members {
    let record = MemberRecord { address: "h:1".into(), region: "r".into(), incarnation: "i".into() };
    Members { voters: vec![[1].into()], nodes: [(1, record)].into() }
}

fn batch() -> Arc<Batch> {
    Arc::new(Batch {
        stamp: Stamp { time_ms: 7, wall_ms: 8 },
        term: 2,
        commands: vec![Command::TakeOffice { node: 3 }],
    })
}

const MEMBERS: [u8; 12] = [1, 1, 1, 1, 1, 3, b'h', b':', b'1', 1, b'r', 1];

/// What a plan says of its recovery time was an `Option<u64>` once, and bytes from then are read.
#[test]
fn a_recovery_time_is_written_as_before() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Now(RecoveryTime);
    record!(Now, 0xFE);
    golden(&Now(RecoveryTime::Open), 0xFE, &[0]);
    golden(&Now(RecoveryTime::Run(7)), 0xFE, &[1, 7]);
    golden(&Now(RecoveryTime::Step { stop: 3, rto_ms: Some(7) }), 0xFE, &[2, 3, 1, 7]);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Once(Option<u64>);
    record!(Once, 0xFE);
    golden(&Once(None), 0xFE, &[0]);
    golden(&Once(Some(7)), 0xFE, &[1, 7]);
}

#[test]
fn entries() {
    golden(&Payload::Blank, 0xC1, &[0]);
    golden(&Payload::Batch(batch()), 0xC1, &[1, 7, 16, 2, 1, 0, 3]);
    let body = [&[2], &MEMBERS[..], b"i"].concat();
    golden(&Payload::Membership(members()), 0xC1, &body);
}

#[test]
fn append() {
    let append = Append {
        vote: VOTE,
        after: Some(AT),
        entries: vec![WireEntry { at: AT, payload: Payload::Blank }],
        committed: None,
    };
    golden(&append, 0xC2, &[5, 3, 1, 1, 2, 9, 1, 2, 9, 0, 0]);
    golden(&AppendAnswer::Taken, 0xC3, &[0]);
    golden(&AppendAnswer::TakenUpTo(Some(AT)), 0xC3, &[1, 1, 2, 9]);
    golden(&AppendAnswer::Conflict, 0xC3, &[2]);
    golden(&AppendAnswer::Newer(VOTE), 0xC3, &[3, 5, 3, 1]);
}

#[test]
fn votes() {
    let asked = VoteAsked { vote: VOTE, last: Some(AT), transfer: true };
    golden(&asked, 0xC4, &[5, 3, 1, 1, 2, 9, 1]);
    let answer = VoteAnswer { vote: VOTE, granted: true, last: None };
    golden(&answer, 0xC5, &[5, 3, 1, 1, 0]);
}

#[test]
fn transfers() {
    let transfer = Transfer { from: VOTE, to: 2, last: Some(AT) };
    golden(&transfer, 0xC8, &[5, 3, 1, 2, 1, 2, 9]);
    golden(&TransferAnswer::Accepted, 0xC9, &[0]);
    let changed = TransferAnswer::VoteChanged { expected: VOTE, actual: VOTE };
    golden(&changed, 0xC9, &[1, 5, 3, 1, 5, 3, 1]);
    let behind = TransferAnswer::LogBehind { expected: Some(AT), actual: None };
    golden(&behind, 0xC9, &[2, 1, 2, 9, 0]);
}

#[test]
fn snapshots() {
    let bytes = vec![1, 2, 3];
    golden(&SnapshotPart { vote: VOTE, bytes }, 0xC6, &[5, 3, 1, 3, 1, 2, 3]);
    golden(&SnapshotAnswer { vote: VOTE }, 0xC7, &[5, 3, 1]);
    let old_body = [&[1, 2, 9, 0], &MEMBERS[..], b"i"].concat();
    let archived = Mark { count: 5, chain: 6 };
    let head = SnapshotHead { last: Some(AT), members_at: None, members: members(), archived };
    let bytes = codec::encode(&head);
    assert_eq!(bytes[..3], [0xCA, 2, 0]);
    assert_eq!(bytes[codec::HEADER_LEN..], [&old_body[..], &[5, 6]].concat());
    let before_archives = SnapshotHead { archived: Mark::default(), ..head };
    assert_eq!(SnapshotHead::upgrade(1, &old_body).unwrap(), before_archives);
    assert!(SnapshotHead::upgrade(0, &old_body).is_err());
}

#[test]
fn archives() {
    let (from, to) = (Mark { count: 1, chain: 2 }, Mark { count: 3, chain: 4 });
    golden(&ArchiveAsked { from, to }, 0xCF, &[1, 2, 3, 4]);
    let entry = Entry { digest: 7, line: vec![1, 2], body: vec![3] };
    golden(&ArchivePart(vec![entry]), 0xD0, &[1, 7, 2, 1, 2, 1, 3]);
    let at = |index| Moment { index, stamp: Stamp { time_ms: 7, wall_ms: 8 } };
    let summary = Summary {
        id: "p-1".into(),
        number: 4,
        plan: "p".into(),
        version: 2,
        status: Status::Succeeded,
        reason: None,
        started: at(5),
        ended: Some(at(6)),
        steps: 9,
        done: 9,
    };
    let body = [&[3], &b"p-1"[..], &[4, 1, b'p', 2, 4, 0, 5, 7, 16, 1, 6, 7, 16, 9, 9]].concat();
    golden(&ArchivedLine(summary), 0xCE, &body);
}

#[test]
fn a_state_reads_back() {
    let mut state = State::default();
    let _ = state.apply(9, &batch());
    let record = SnapshotState(state);
    let bytes = codec::encode(&record);
    assert_eq!(bytes[..3], [0xCB, 2, 0]);
    assert_eq!(codec::decode::<SnapshotState>(&bytes).unwrap(), record);
    // Version 1 knew no preferred region, which stands last.
    let body = &bytes[codec::HEADER_LEN..bytes.len() - 1];
    assert_eq!(SnapshotState::upgrade(1, body).unwrap(), record);
    let preferred = State { preferred_region: Some("east".into()), ..record.0 };
    let bytes = codec::encode(&SnapshotState(preferred.clone()));
    assert_eq!(codec::decode::<SnapshotState>(&bytes).unwrap().0, preferred);
}

/// Receipts were a map and an order in memory as well, once.
#[test]
fn receipts_are_written_as_a_map_and_an_order() {
    use baton_engine::Answer;
    use baton_engine::requests::{Receipt, Requests};
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Now(Requests);
    record!(Now, 0xFE);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Once(BTreeMap<String, Receipt>, Vec<(u64, String)>);
    record!(Once, 0xFE);
    let mut requests = Requests::default();
    let mut once = Once(BTreeMap::new(), Vec::new());
    for at_ms in 0..300_u64 {
        let id = format!("{:016x}", at_ms.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let answer = match at_ms % 4 {
            0 => Answer::Started { run: format!("run-{at_ms}") },
            1 => Answer::Decided { run: String::new() },
            2 => Answer::Registered { name: "p".into(), version: 3, unchanged: true },
            _ => Answer::Done,
        };
        let receipt = Receipt { digest: at_ms * 7, answer };
        requests.keep(&id, receipt.clone(), at_ms);
        once.0.insert(id.clone(), receipt);
        once.1.push((at_ms, id));
    }
    let bytes = codec::encode(&Now(requests));
    assert_eq!(bytes, codec::encode(&once));
    let read = codec::decode::<Now>(&bytes).unwrap();
    assert_eq!(codec::encode(&read), bytes);
    assert_eq!(codec::decode::<Once>(&bytes).unwrap(), once);
}
