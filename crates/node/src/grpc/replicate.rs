//! A leader's entries as they come in one stream: each is checked and given to raft before the one before it is durable,
//! and answered in its turn.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use baton_api::Frame;
use baton_storage::codec;
use futures::{Stream, StreamExt as _, stream};
use tonic::{Status, Streaming};

use super::peer::{PeerService, stopped};
use crate::raft::{Appended, Asking, Cluster, Line, convert};

/// Frames on their way to another member.
pub(super) type Frames = Pin<Box<dyn Stream<Item = Result<Frame, Status>> + Send>>;

/// What is known of a stream.
#[derive(Default)]
struct Known {
    /// The leader's data folder, which the answers are for.
    leader: OnceLock<String>,
    /// Why a frame was not taken; the stream ends with it.
    refusal: OnceLock<Status>,
}

/// The answers to these frames.
pub(super) fn answers(service: PeerService, frames: Streaming<Frame>) -> Frames {
    let (cluster, known) = (service.cluster().clone(), Arc::new(Known::default()));
    let requests = requests(service, frames, Arc::clone(&known)).take_until(end_of(&cluster));
    let told = cluster.raft().stream_append(requests);
    let asker = Arc::clone(&known);
    let answers = told.map(move |told| answer(&cluster, &asker, told));
    let refusal = stream::once(async move { known.refusal.get().cloned().map(Err) });
    Box::pin(answers.chain(refusal.filter_map(std::future::ready)))
}

/// What the frames ask for, up to the first that is not taken.
fn requests(
    service: PeerService,
    frames: Streaming<Frame>,
    known: Arc<Known>,
) -> impl Stream<Item = Asking> + Send + 'static {
    let line = Line::new(service.cluster().clone());
    stream::unfold((service, frames, known, line), |(service, mut frames, known, mut line)| async {
        // A connection that broke has nobody left to be told of it.
        let frame = frames.message().await.ok()??;
        match service.taken(&frame).await {
            Ok(request) => {
                line.heard(frame.from);
                known.leader.get_or_init(|| frame.incarnation);
                Some((request, (service, frames, known, line)))
            }
            Err(status) => {
                known.refusal.get_or_init(|| status);
                None
            }
        }
    })
}

fn answer(cluster: &Cluster, known: &Known, told: Appended) -> Result<Frame, Status> {
    let answer = convert::append_answer(told.map_err(stopped)?.into());
    let leader = known.leader.get().map(String::as_str).unwrap_or_default();
    Ok(cluster.standing().frame(leader, codec::encode(&answer)))
}

/// Completes when raft stops here: an idle stream must not keep a server from ending.
fn end_of(cluster: &Cluster) -> impl Future<Output = ()> + Send + use<> {
    let mut leadership = cluster.leadership();
    async move { while leadership.changed().await.is_ok() {} }
}

#[cfg(test)]
#[path = "replicate_tests.rs"]
mod tests;
