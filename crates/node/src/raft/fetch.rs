//! The part of the archive that a member lacks which is caught up by a snapshot. It is asked for in order and kept as it
//! comes, so that a transfer which breaks off goes on from there.

use std::io;
use std::sync::Arc;

use baton_storage::archive::{Archive, Mark};
use baton_storage::codec;
use futures::Stream;

use super::cluster::Cluster;
use super::formats::{ArchiveAsked, ArchivePart};
use super::peers::Purpose;
use super::state_machine::blocking;
use super::types::Member;
use crate::apart::apart;

/// Bytes of the archive in one message, unless a single run has more.
const PART_BYTES: usize = 1 << 20;
/// So many parts are made durable at once: what a crash may cost is sent again, and each sync keeps others from the disk.
const PARTS_A_SYNC: usize = 16;

impl Cluster {
    /// Fetches from a member what this one's archive lacks before `to`.
    ///
    /// # Errors
    /// A member that does not answer, or whose archive is no continuation of this one's; those of the disk.
    pub(crate) async fn fetch_archive(&self, source: &Member, to: Mark) -> anyhow::Result<()> {
        let files = self.machine().archive().files();
        let mut reach = files.reach();
        if files.holds(to) {
            return Ok(());
        }
        let asked = ArchiveAsked { from: reach, to };
        let frame = self.standing().frame(&source.incarnation, codec::encode(&asked));
        let mut client = self.0.peers.client(&source.address, Purpose::Snapshot)?;
        let mut parts = client.archive(frame).await?.into_inner();
        let mut unsynced = 0;
        while let Some(frame) = parts.message().await? {
            self.standing().remember(&frame);
            let ArchivePart(entries) = codec::decode(&frame.body)?;
            unsynced = (unsynced + 1) % PARTS_A_SYNC;
            let cluster = self.clone();
            let kept = apart(move || {
                let files = cluster.machine().archive().files();
                let kept = entries.iter().try_fold(reach, |before, entry| {
                    let continues = files.extend(before, entry)?;
                    continues
                        .then(|| files.reach())
                        .ok_or_else(|| io::Error::other("the archive has gone on by itself"))
                });
                match kept {
                    Ok(_) if unsynced == 0 => files.sync().and(kept),
                    kept => kept,
                }
            });
            reach = kept.await??;
        }
        anyhow::ensure!(files.holds(to), "the archive of ended runs that came is not the snapshot's");
        Ok(())
    }

    /// The archive from one count up to another, in parts as they are sent and written.
    pub(crate) fn archive_parts(
        &self,
        from: u64,
        to: u64,
    ) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + use<> {
        let machine = Arc::clone(self.machine());
        futures::stream::try_unfold(from, move |at| {
            let machine = Arc::clone(&machine);
            blocking(move || {
                let part = part(machine.archive().files(), at, to)?;
                Ok((!part.0.is_empty()).then(|| (codec::encode(&part), at + part.0.len() as u64)))
            })
        })
    }
}

fn part(files: &Archive, mut at: u64, to: u64) -> io::Result<ArchivePart> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while at < to && bytes < PART_BYTES {
        let entry = files.entry(at)?;
        bytes += entry.line.len() + entry.body.len();
        entries.push(entry);
        at += 1;
    }
    Ok(ArchivePart(entries))
}
