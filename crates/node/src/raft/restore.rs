//! A new cluster of one member, from a backup or from what a surviving member has. Others are added to it as to any
//! cluster. It has an id of its own, so nothing of the old cluster can mix with it, and begins a new epoch.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use baton_api::IdentifyRequest;
use baton_api::connect::Tcp;
use baton_engine::command::Cause;
use baton_engine::{Batch, Command, Stamp, State, reckoning};
use baton_storage::archive::{Archive, Entry};
use baton_storage::file;
use baton_storage::hard_state::HardStateFile;
use baton_storage::log::random_id;
use baton_storage::position::{Position, Vote as VoteRecord};
use baton_storage::sabotage::{self, Bug};
use openraft::EntryPayload;

use super::archive::RunArchive;
use super::backup::{self, Backup};
use super::convert;
use super::log_store::{LogStore, Opened};
use super::peers::Peers;
use super::snapshot::{Loaded, SnapshotFolder};
use super::types::{Member, Membership, Proposal, SnapshotMeta, StoredMembership};

/// How long a member of the old cluster may take to show that it is still there.
const REACHABLE_WITHIN: Duration = Duration::from_secs(2);

/// Where the state comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file that `baton cluster backup` wrote.
    Backup(PathBuf),
    /// The data folder of a surviving member that has been stopped.
    DataDir(PathBuf),
}

/// The member that the new cluster begins with.
#[derive(Debug, Clone)]
pub struct Founder {
    /// Its data folder; must not hold anything.
    pub data_dir: PathBuf,
    /// Its id.
    pub id: u64,
    /// Where it stands.
    pub region: String,
    /// How others reach it, `HOST:PORT`.
    pub address: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The new cluster's id.
    pub cluster: String,
    /// The epoch that has begun.
    pub epoch: u64,
    /// The last log entry of the old cluster that is in it.
    pub revision: u64,
    /// Runs that had not ended.
    pub active: usize,
    /// Agents that must tell what they have done since, before anything is granted that must not happen twice.
    pub agents: Vec<String>,
    /// Members of the old cluster that answer still.
    pub still_there: Vec<String>,
}

/// Runs at rest on their way out of one archive into another.
type Entries = Box<dyn Iterator<Item = anyhow::Result<Entry>> + Send>;

struct Copy {
    cluster: String,
    at: Position,
    /// The old cluster's members, without the one that the copy is from.
    others: BTreeMap<u64, Member>,
    state: State,
    /// The runs that are not in the state, in the archive's order.
    archived: Entries,
    cause: Cause,
}

/// Makes the data folder of a new cluster's only member.
///
/// # Errors
/// A sentence about a copy that cannot be read, a folder that is not empty, or an old cluster that still lives.
pub async fn restore(source: Source, founder: Founder) -> anyhow::Result<Restored> {
    let copy = tokio::task::spawn_blocking(move || read(&source)).await??;
    let still_there = still_there(&copy).await;
    if copy.cause == Cause::Forced && !still_there.is_empty() {
        bail!(
            "these members of the cluster can still be reached: {}. A new cluster is only forced when the others are gone \
             for good: start the member again if they are a majority with it, else stop them first",
            still_there.join(", ")
        );
    }
    tokio::task::spawn_blocking(move || write(copy, &founder, still_there)).await?
}

fn read(source: &Source) -> anyhow::Result<Copy> {
    match source {
        Source::Backup(path) => {
            let Backup { head, state, archived } = backup::read(path)?;
            let others = convert::membership(head.members)?;
            let others = others.nodes().map(|(id, member)| (*id, member.clone())).collect();
            let archived = Box::new(archived);
            Ok(Copy { cluster: head.cluster, at: head.at, others, state, archived, cause: Cause::Restored })
        }
        Source::DataDir(folder) => read_member(folder),
    }
}

/// All that a member's disk holds, whether it was known there to be committed or not: what was acknowledged to anybody
/// may be among it.
fn read_member(folder: &Path) -> anyhow::Result<Copy> {
    let (_, hard) = HardStateFile::open(&folder.join("hard_state"))
        .with_context(|| format!("{} is no coordinator's data folder", folder.display()))?;
    let own = hard.identity.node;
    let Opened { store, cluster, .. } = LogStore::open(folder, own, Arc::new(|_: &io::Error| {}))?;
    let (_, loaded) = SnapshotFolder::open(&folder.join("snapshots"))?;
    let (mut state, mut at, mut members, mark) = match loaded {
        Some(Loaded { meta, archived, state }) => {
            (state, meta.last_log_id, meta.last_membership.membership().clone(), archived)
        }
        None => Default::default(),
    };
    let archive = RunArchive::open(&folder.join("archive"), mark)?;
    for entry in store.entries_after(at.map(|at| at.index))? {
        at = Some(entry.log_id);
        match entry.payload {
            EntryPayload::Blank => {}
            EntryPayload::Normal(Proposal(batch)) => {
                for id in state.absent(&batch) {
                    archive.load(id)?.into_iter().for_each(|run| state.put_back(run));
                }
                state.apply(entry.log_id.index, &batch);
            }
            EntryPayload::Membership(changed) => members = changed,
        }
    }
    let at = at.with_context(|| format!("{} holds nothing yet", folder.display()))?;
    let others = members.nodes().filter(|(id, _)| **id != own);
    let others = others.map(|(id, member)| (*id, member.clone())).collect();
    let entries = (0..mark.count).map(move |count| Ok(archive.files().entry(count)?));
    let (at, archived) = (convert::position(at), Box::new(entries));
    Ok(Copy { cluster, at, others, state, archived, cause: Cause::Forced })
}

async fn still_there(copy: &Copy) -> Vec<String> {
    let peers = Peers::over(Arc::new(Tcp));
    let asked = copy.others.iter().map(async |(id, member)| {
        let answer = peers.identify(IdentifyRequest::default(), &member.address, REACHABLE_WITHIN).await?;
        (answer.cluster == copy.cluster).then(|| format!("{id} at {}", member.address))
    });
    futures::future::join_all(asked).await.into_iter().flatten().collect()
}

fn write(copy: Copy, founder: &Founder, still_there: Vec<String>) -> anyhow::Result<Restored> {
    let Copy { at, mut state, archived, cause, .. } = copy;
    if state.retired.contains(&founder.id) {
        bail!(
            "id {} was removed from the old cluster once, and is never used again: choose another --id",
            founder.id
        );
    }
    let at = Position { term: at.term + 1, index: at.index + 1 };
    let epoch = begin_epoch(&mut state, at, cause)?;
    let restored = Restored {
        cluster: random_id()?,
        epoch,
        revision: at.index - 1,
        active: state.active.len(),
        agents: state.reckoning.unheard.keys().cloned().collect(),
        still_there,
    };
    let target = &founder.data_dir;
    if target.exists() && (!target.is_dir() || std::fs::read_dir(target)?.next().is_some()) {
        bail!("{} is not empty: name a folder that does not exist yet", target.display());
    }
    // Under another name until it is whole, so that no half of it can be started.
    let mut unfinished = target.clone().into_os_string();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    fill(&unfinished, founder, &restored.cluster, at, state, archived)?;
    // Another restore of the same copy begins another second, and so another epoch.
    let left_ms = reckoning::over_at_ms(epoch).saturating_sub(wall_ms()).clamp(0, 1000);
    std::thread::sleep(Duration::from_millis(left_ms.unsigned_abs()));
    std::fs::rename(&unfinished, target).with_context(|| format!("cannot make {}", target.display()))?;
    match target.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => file::sync_folder(parent)?,
        None => file::sync_folder(Path::new("."))?,
    }
    Ok(restored)
}

/// As if it were the next entry of the log: before a member of the new cluster runs, the epoch has begun.
fn begin_epoch(state: &mut State, at: Position, cause: Cause) -> anyhow::Result<u64> {
    if sabotage::planted(Bug::ReuseFence) {
        return Ok(state.reckoning.epoch);
    }
    let wall_ms = wall_ms();
    let epoch = reckoning::epoch_after(state, wall_ms);
    let stamp = Stamp { time_ms: state.stamp.time_ms, wall_ms };
    let batch = Batch { stamp, term: at.term, commands: vec![Command::BeginEpoch { epoch, cause }] };
    match state.apply(at.index, &batch).remove(0) {
        Ok(_) => Ok(epoch),
        Err(rejection) => bail!("{rejection}"),
    }
}

fn fill(
    folder: &Path,
    founder: &Founder,
    cluster: &str,
    at: Position,
    state: State,
    archived: Entries,
) -> anyhow::Result<()> {
    let Opened { store, identity, .. } = LogStore::open(folder, founder.id, Arc::new(|_: &io::Error| {}))?;
    let member = Member {
        address: founder.address.clone(),
        region: founder.region.clone(),
        incarnation: identity.incarnation,
    };
    let membership = Membership::new(vec![[founder.id].into()], BTreeMap::from([(founder.id, member)]))
        .context("the founder makes no membership")?;
    let last = convert::log_id(at);
    let meta = SnapshotMeta {
        last_log_id: Some(last),
        last_membership: StoredMembership::new(Some(last), membership),
    };
    let (snapshots, _) = SnapshotFolder::open(&folder.join("snapshots"))?;
    let archive = Archive::open(&folder.join("archive"))?;
    for entry in archived {
        archive.add(&entry?)?;
    }
    archive.sync()?;
    snapshots.write(&meta, archive.mark(), state)?;
    let log = store.log();
    log.purge(at)?;
    let (answer, answered) = mpsc::sync_channel(1);
    let vote = VoteRecord { term: at.term, node: founder.id, committed: false };
    log.save_vote(vote, Box::new(move |result| drop(answer.send(result))))?;
    answered.recv().context("the log has ended")??;
    log.join_cluster(cluster)?;
    Ok(())
}

fn wall_ms() -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)
}
