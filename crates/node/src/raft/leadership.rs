//! Who leads, read off raft's metrics.

use openraft::async_runtime::WatchReceiver;
use openraft::errors::Fatal;
use tokio::sync::watch;

use super::types::*;

/// Who leads, as this member knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leadership {
    /// The term.
    pub term: u64,
    /// The leader, where one is known.
    pub leader: Option<(u64, Member)>,
    /// This member leads.
    pub leads: bool,
}

/// Follows raft's metrics until it stops, and ends the process if raft broke off.
pub(super) fn follow(raft: &Raft) -> watch::Receiver<Leadership> {
    let mut metrics = raft.metrics();
    let (sender, receiver) = watch::channel(Leadership::default());
    tokio::spawn(async move {
        loop {
            let (leadership, running) = {
                let seen = metrics.borrow_watched();
                (leadership_of(&seen), seen.running_state.clone())
            };
            match running {
                Ok(()) => {}
                Err(Fatal::Stopped) => return,
                Err(fatal) => end(&format!("raft broke off: {fatal}. Start again")),
            }
            sender.send_if_modified(|known| {
                let changed = *known != leadership;
                *known = leadership;
                changed
            });
            if metrics.changed().await.is_err() {
                return;
            }
        }
    });
    receiver
}

fn leadership_of(metrics: &openraft::RaftMetrics<Types>) -> Leadership {
    let membership = metrics.membership_config.membership();
    let leader = metrics.current_leader;
    Leadership {
        term: metrics.current_term,
        leader: leader.and_then(|id| Some((id, membership.get_node(&id)?.clone()))),
        leads: metrics.state.is_leader(),
    }
}

/// Ends the process with a sentence: going on could acknowledge what is not durable.
pub(super) fn end(sentence: &str) -> ! {
    tracing::error!("{sentence}");
    eprintln!("baton: {sentence}");
    std::process::exit(1)
}
