//! Steps aside before the disk is full: a member that is short of room takes no more entries and
//! does not lead, and comes back when there is room again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use baton_storage::ballast::LOW_BYTES;

use super::cluster::{Cluster, Inner};
use super::state_machine::blocking;

const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Whether a member is short of room, after it was or was not. Coming back needs twice as much as
/// going on does: else it would come and go with every log file that is rotated.
fn is_short(was_short: bool, free_bytes: u64) -> bool {
    free_bytes < if was_short { 2 * LOW_BYTES } else { LOW_BYTES }
}

impl Cluster {
    /// Whether this member is short of room.
    pub(crate) fn is_short_of_room(&self) -> bool {
        self.0.short_of_room.load(Ordering::Relaxed)
    }

    /// Looks at the disk for as long as the cluster is held.
    pub(super) fn watch_room(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            while let Some(inner) = inner.upgrade() {
                look(Cluster(inner)).await;
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        });
    }
}

async fn look(cluster: Cluster) {
    let log = Arc::clone(&cluster.0.log);
    let free = match blocking(move || log.free_bytes()).await {
        Ok(free) => free,
        Err(error) => return tracing::warn!(%error, "cannot tell how much room the disk has"),
    };
    let was_short = cluster.is_short_of_room();
    let short = is_short(was_short, free);
    if short != was_short {
        turn(&cluster.0, short, free);
    }
    if short {
        cluster.hand_over().await;
    }
}

fn turn(inner: &Inner, short: bool, free: u64) {
    let folder = inner.config.data_dir.display();
    match short {
        true => tracing::error!(
            "only {} MiB are free on the disk of {folder}: this coordinator takes no more writes until there are {}",
            free >> 20,
            (2 * LOW_BYTES) >> 20
        ),
        false => tracing::info!("the disk of {folder} has room again: this coordinator takes writes"),
    }
    inner.short_of_room.store(short, Ordering::Relaxed);
    inner.raft.runtime_config().elect(!short);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coming_back_needs_more_than_going_on() {
        assert!(!is_short(false, LOW_BYTES));
        assert!(is_short(false, LOW_BYTES - 1));
        assert!(is_short(true, 2 * LOW_BYTES - 1));
        assert!(!is_short(true, 2 * LOW_BYTES));
    }
}
