//! The only way into the log. Whatever waits is put into one entry (group commit): while one entry
//! is on its way to a quorum, the next one collects, but not for long where the quorum is far away.

use std::time::Duration;

use baton_engine::{Answer, Batch, Command, Rejection};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::field::Empty;
use tracing::{Instrument as _, debug_span};

use crate::leader::clock::Clock;
use crate::raft::{Cluster, WriteError};

/// At most so many commands in one entry, so that an entry stays small against the election timeout.
const MOST_IN_ENTRY: usize = 512;
/// So long an entry collects at most while others are under way. Where the quorum is near, they are through before.
const COLLECTS: Duration = Duration::from_millis(10);
/// At most so many entries are under way.
const MOST_UNDER_WAY: usize = 64;
/// After so long without an answer from a quorum, the caller is told that nobody knows.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why a proposal was not carried out, or not known to be.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ProposeError {
    /// The engine said no; nothing was changed.
    #[error("{0}")]
    Rejected(Rejection),
    /// This coordinator does not lead; nothing was written.
    #[error("this coordinator does not lead")]
    NotLeader,
    /// It may or may not have been written: repeat it with the same request id.
    #[error("no quorum has answered: {0}")]
    Unknown(String),
}

/// A command was carried out by the log entry of this index.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// The log index.
    pub(crate) index: u64,
    /// What the engine answered.
    pub(crate) answer: Answer,
}

struct Proposal {
    command: Command,
    reply: oneshot::Sender<Result<Done, ProposeError>>,
}

/// Puts commands into the log in the name of one term of office.
#[derive(Clone)]
pub(crate) struct Proposer {
    proposals: mpsc::Sender<Proposal>,
}

impl Proposer {
    /// Starts proposing; ends when the last clone is dropped.
    pub(crate) fn start(cluster: Cluster, clock: Clock, term: u64) -> Proposer {
        let (proposals, waiting) = mpsc::channel(4 * MOST_IN_ENTRY);
        tokio::spawn(propose_all(cluster, clock, term, waiting));
        Proposer { proposals }
    }

    /// Waits until the command is committed and applied, or refused.
    pub(crate) async fn propose(&self, command: Command) -> Result<Done, ProposeError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.proposals.send(Proposal { command, reply }).await;
        sent.map_err(|_| ProposeError::NotLeader)?;
        answer.await.unwrap_or(Err(ProposeError::NotLeader))
    }
}

/// Entries reach raft in the order in which they are made: each is on its way before the next one is begun.
async fn propose_all(cluster: Cluster, clock: Clock, term: u64, mut waiting: mpsc::Receiver<Proposal>) {
    let (mut proposals, mut under_way) = (Vec::new(), FuturesUnordered::new());
    let mut next = Instant::now();
    loop {
        let (alone, full) = (under_way.is_empty(), under_way.len() == MOST_UNDER_WAY);
        let collected = async {
            if !alone {
                sleep_until(next).await;
            }
            waiting.recv_many(&mut proposals, MOST_IN_ENTRY).await
        };
        let taken = tokio::select! {
            biased;
            Some(()) = under_way.next() => continue,
            taken = collected, if !full => taken,
        };
        if taken == 0 {
            break;
        }
        next = Instant::now() + COLLECTS;
        let (commands, callers) = proposals.drain(..).map(|p| (p.command, p.reply)).unzip();
        under_way.push(carry_out(&cluster, Batch { stamp: clock.now(), term, commands }, callers));
    }
    while under_way.next().await.is_some() {}
}

async fn carry_out(
    cluster: &Cluster,
    batch: Batch,
    callers: Vec<oneshot::Sender<Result<Done, ProposeError>>>,
) {
    let written = write(cluster, batch).await;
    for (position, caller) in callers.into_iter().enumerate() {
        // A caller that has gone away needs no answer.
        let _ = caller.send(answer_to(&written, position));
    }
}

async fn write(cluster: &Cluster, batch: Batch) -> Result<(u64, Vec<baton_engine::Reply>), ProposeError> {
    let stage = debug_span!(target: "stage", "propose", commands = batch.commands.len(), index = Empty);
    match tokio::time::timeout(PATIENCE, cluster.write(batch).instrument(stage.clone())).await {
        Ok(Ok(written)) => {
            stage.record("index", written.0);
            Ok(written)
        }
        Ok(Err(WriteError::NotLeader { .. })) => Err(ProposeError::NotLeader),
        Ok(Err(WriteError::Unknown(reason))) => Err(ProposeError::Unknown(reason)),
        Err(_) => Err(ProposeError::Unknown(format!("within {} s", PATIENCE.as_secs()))),
    }
}

fn answer_to(
    written: &Result<(u64, Vec<baton_engine::Reply>), ProposeError>,
    position: usize,
) -> Result<Done, ProposeError> {
    let (index, replies) = written.as_ref().map_err(Clone::clone)?;
    match replies.get(position) {
        Some(Ok(answer)) => Ok(Done { index: *index, answer: answer.clone() }),
        Some(Err(Rejection::Deposed)) => Err(ProposeError::NotLeader),
        Some(Err(rejection)) => Err(ProposeError::Rejected(rejection.clone())),
        None => Err(ProposeError::Unknown("the entry was answered in part".into())),
    }
}
