//! Between openraft's types and the records of [`super::formats`].

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_storage::archive::Mark;
use baton_storage::codec;
use baton_storage::position::{Position, Vote as VoteRecord};
use openraft::EntryPayload;
use openraft::entry::RaftEntry;
use openraft::raft::{
    AppendEntriesResponse, TransferLeaderError, TransferLeaderRequest, TransferLeaderResponse, VoteRequest,
    VoteResponse,
};
use openraft::vote::leader_id_std::{CommittedLeaderId, LeaderId};

use super::formats::*;
use super::types::*;

pub(crate) fn position(id: LogId) -> Position {
    Position { term: id.leader_id.term, index: id.index }
}

pub(crate) fn log_id(at: Position) -> LogId {
    LogId { leader_id: CommittedLeaderId::new(at.term), index: at.index }
}

pub(crate) fn vote_record(vote: &Vote) -> VoteRecord {
    VoteRecord { term: vote.leader_id.term, node: vote.leader_id.voted_for, committed: vote.committed }
}

pub(crate) fn vote(record: VoteRecord) -> Vote {
    Vote { leader_id: LeaderId { term: record.term, voted_for: record.node }, committed: record.committed }
}

pub(crate) fn members(membership: &Membership) -> Members {
    let record = |member: &Member| MemberRecord {
        address: member.address.clone(),
        region: member.region.clone(),
        incarnation: member.incarnation.clone(),
    };
    Members {
        voters: membership.get_joint_config().clone(),
        nodes: membership.nodes().map(|(id, m)| (*id, record(m))).collect(),
    }
}

/// # Errors
/// If the record names a voter without an address, which no member writes.
pub(crate) fn membership(members: Members) -> Result<Membership, codec::Error> {
    let member = |record: MemberRecord| Member {
        address: record.address,
        region: record.region,
        incarnation: record.incarnation,
    };
    let nodes: BTreeMap<u64, Member> =
        members.nodes.into_iter().map(|(id, record)| (id, member(record))).collect();
    if members.voters.is_empty() && nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(members.voters, nodes)
        .map_err(|error| codec::Error::Body(format!("the membership cannot be: {error}")))
}

pub(crate) fn payload(entry: &Entry) -> Payload {
    match &entry.payload {
        EntryPayload::Blank => Payload::Blank,
        EntryPayload::Normal(proposal) => Payload::Batch(Arc::clone(&proposal.0)),
        EntryPayload::Membership(membership) => Payload::Membership(members(membership)),
    }
}

/// # Errors
/// As [`membership`].
pub(crate) fn entry(at: Position, payload: Payload) -> Result<Entry, codec::Error> {
    let payload = match payload {
        Payload::Blank => EntryPayload::Blank,
        Payload::Batch(batch) => EntryPayload::Normal(Proposal(batch)),
        Payload::Membership(members) => EntryPayload::Membership(membership(members)?),
    };
    Ok(Entry::new(log_id(at), payload))
}

pub(crate) fn append_record(request: &Asking) -> Append {
    let wire = |entry: &Entry| WireEntry { at: position(entry.log_id), payload: payload(entry) };
    Append {
        vote: vote_record(&request.vote),
        after: request.prev_log_id.map(position),
        entries: request.entries.iter().map(wire).collect(),
        committed: request.leader_commit.map(position),
    }
}

/// # Errors
/// As [`membership`].
pub(crate) fn append_request(record: Append) -> Result<Asking, codec::Error> {
    let entries = record.entries.into_iter();
    Ok(Asking {
        vote: vote(record.vote),
        prev_log_id: record.after.map(log_id),
        entries: entries.map(|wire| entry(wire.at, wire.payload)).collect::<Result<_, _>>()?,
        leader_commit: record.committed.map(log_id),
    })
}

pub(crate) fn append_answer(response: AppendEntriesResponse<Types>) -> AppendAnswer {
    match response {
        AppendEntriesResponse::Success => AppendAnswer::Taken,
        AppendEntriesResponse::PartialSuccess(at) => AppendAnswer::TakenUpTo(at.map(position)),
        AppendEntriesResponse::Conflict => AppendAnswer::Conflict,
        AppendEntriesResponse::HigherVote(vote) => AppendAnswer::Newer(vote_record(&vote)),
    }
}

pub(crate) fn append_response(answer: AppendAnswer) -> AppendEntriesResponse<Types> {
    match answer {
        AppendAnswer::Taken => AppendEntriesResponse::Success,
        AppendAnswer::TakenUpTo(at) => AppendEntriesResponse::PartialSuccess(at.map(log_id)),
        AppendAnswer::Conflict => AppendEntriesResponse::Conflict,
        AppendAnswer::Newer(record) => AppendEntriesResponse::HigherVote(vote(record)),
    }
}

pub(crate) fn vote_asked(request: &VoteRequest<Types>) -> VoteAsked {
    VoteAsked {
        vote: vote_record(&request.vote),
        last: request.last_log_id.map(position),
        transfer: request.leadership_transfer,
    }
}

pub(crate) fn vote_request(record: VoteAsked) -> VoteRequest<Types> {
    let mut request = VoteRequest::new(vote(record.vote), record.last.map(log_id));
    request.leadership_transfer = record.transfer;
    request
}

pub(crate) fn vote_answer(response: VoteResponse<Types>) -> VoteAnswer {
    VoteAnswer {
        vote: vote_record(&response.vote),
        granted: response.vote_granted,
        last: response.last_log_id.map(position),
    }
}

pub(crate) fn vote_response(answer: VoteAnswer) -> VoteResponse<Types> {
    VoteResponse::new(vote(answer.vote), answer.last.map(log_id), answer.granted)
}

pub(crate) fn transfer_record(request: &TransferLeaderRequest<Types>) -> Transfer {
    Transfer {
        from: vote_record(request.from_leader()),
        to: *request.to_node_id(),
        last: request.last_log_id().copied().map(position),
    }
}

pub(crate) fn transfer_request(record: Transfer) -> TransferLeaderRequest<Types> {
    TransferLeaderRequest::new(vote(record.from), record.to, record.last.map(log_id))
}

pub(crate) fn snapshot_head(meta: &SnapshotMeta, archived: Mark) -> SnapshotHead {
    SnapshotHead {
        last: meta.last_log_id.map(position),
        members_at: (*meta.last_membership.log_id()).map(position),
        members: members(meta.last_membership.membership()),
        archived,
    }
}

/// # Errors
/// As [`membership`].
pub(crate) fn snapshot_meta(head: SnapshotHead) -> Result<SnapshotMeta, codec::Error> {
    let membership = membership(head.members)?;
    Ok(SnapshotMeta {
        last_log_id: head.last.map(log_id),
        last_membership: StoredMembership::new(head.members_at.map(log_id), membership),
    })
}

pub(crate) fn transfer_answer(response: TransferLeaderResponse<Types>) -> TransferAnswer {
    match response {
        Ok(()) => TransferAnswer::Accepted,
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            TransferAnswer::VoteChanged { expected: vote_record(&expected), actual: vote_record(&actual) }
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            TransferAnswer::LogBehind { expected: expected.map(position), actual: actual.map(position) }
        }
    }
}

pub(crate) fn transfer_response(answer: TransferAnswer) -> TransferLeaderResponse<Types> {
    match answer {
        TransferAnswer::Accepted => Ok(()),
        TransferAnswer::VoteChanged { expected, actual } => {
            Err(TransferLeaderError::VoteChanged { expected: vote(expected), actual: vote(actual) })
        }
        TransferAnswer::LogBehind { expected, actual } => Err(TransferLeaderError::LogNotFlushed {
            expected: expected.map(log_id),
            actual: actual.map(log_id),
        }),
    }
}
