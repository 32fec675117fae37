//! Where the fuzzer knocks: bytes from outside, taken to where they are read. Built for `cargo fuzz` only.

use baton_api::{DecisionRequest, FromAgent, Message, from_agent};
use baton_engine::Command;
use baton_engine::command::{Request, Speaker};
use baton_storage::codec;
use baton_storage::doors::read;

use crate::grpc::convert;
use crate::raft::convert as raft;
use crate::raft::formats::*;

/// Messages, one behind the other, an agent's and an operator's in turn: the commands that they stand for.
pub fn said(speaker: &Speaker, mut bytes: &[u8]) -> Vec<Command> {
    let mut commands = Vec::new();
    loop {
        let Ok(message) = FromAgent::decode_length_delimited(&mut bytes) else { return commands };
        commands.extend(message.message.and_then(|message| agent_says(speaker, message)));
        let Ok(request) = DecisionRequest::decode_length_delimited(&mut bytes) else { return commands };
        commands.extend(operator_says(request));
    }
}

fn agent_says(speaker: &Speaker, message: from_agent::Message) -> Option<Command> {
    match message {
        from_agent::Message::Hello(hello) => convert::join(hello).ok().map(Command::JoinAgent),
        from_agent::Message::Renew(_) => None,
        from_agent::Message::Begin(begin) => {
            let key = convert::key(&begin.key?);
            Some(Command::Begin { speaker: speaker.clone(), key })
        }
        from_agent::Message::Report(report) => convert::report(speaker.clone(), report).ok(),
        from_agent::Message::Recount(recount) => {
            let keys = |keys: Vec<baton_api::AttemptKey>| keys.iter().map(convert::key).collect();
            let (held, over) = (keys(recount.held), keys(recount.over));
            Some(Command::Recount { speaker: speaker.clone(), held, over })
        }
    }
}

fn operator_says(request: DecisionRequest) -> Option<Command> {
    let decision = convert::decision(&request.decision, &request.step).ok()?;
    let DecisionRequest { request_id: id, run, reason, operator, roles, .. } = request;
    Some(Command::Decide { request: Request { id, operator, roles }, run, decision, reason })
}

/// What another member sends, in an envelope whose checksum holds.
pub fn frame(bytes: &[u8]) {
    if let Ok(record) = codec::decode::<Append>(&codec::seal::<Append>(bytes)) {
        let _ = raft::append_request(record);
    }
    if let Ok(record) = codec::decode::<SnapshotHead>(&codec::seal::<SnapshotHead>(bytes)) {
        let _ = raft::snapshot_meta(record);
    }
    read::<Append>(bytes);
    read::<VoteAsked>(bytes);
    read::<VoteAnswer>(bytes);
    read::<AppendAnswer>(bytes);
    read::<SnapshotPart>(bytes);
    read::<SnapshotAnswer>(bytes);
    read::<Transfer>(bytes);
    read::<TransferAnswer>(bytes);
}

/// Records on this crate's disk.
pub fn records(bytes: &[u8]) {
    read::<Payload>(bytes);
    read::<SnapshotHead>(bytes);
    read::<SnapshotState>(bytes);
}
