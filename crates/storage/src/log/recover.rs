//! Opens what is on disk and decides whether this member may go on from it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::fault::{Fault, OpenError, explain};
use super::records::{self, Entry, PURGED, Purged, VOTE};
use super::{Mark, Recovered, random_id};
use crate::db::Db;
use crate::file;
use crate::hard_state::{self, HardState, HardStateFile, Identity};
use crate::layout::Prefix;
use crate::position::{Position, Vote};
use crate::table::{self, Table};

/// All that an opened log starts from.
pub(super) struct Found {
    pub(super) db: Db,
    pub(super) file: HardStateFile,
    pub(super) state: HardState,
    pub(super) mark: Mark,
    pub(super) recovered: Recovered,
}

pub(super) fn recover(folder: &Path, node: u64) -> Result<Found, OpenError> {
    file::create_folder_durably(folder)?;
    let db = Db::open(&folder.join("log"))?;
    // sled may panic on a damaged page that is read only now.
    let read = catch_unwind(AssertUnwindSafe(|| read_db(&db)))
        .unwrap_or_else(|_| Err(Fault::Lost("the database broke off while reading it".into())));
    let explained = |fault| explain(folder, fault);
    let database = read.map_err(explained)?;
    let (file, state) = open_hard_state(folder, node, &database)?;
    if state.identity.node != node {
        return Err(OpenError::Foreign {
            folder: folder.to_path_buf(),
            found: state.identity.node,
            expected: node,
        });
    }
    let vote = compare_votes(state.vote, database.vote).map_err(explained)?;
    let tail = read_entries(&db, &database, &state).map_err(explained)?;
    Ok(assemble(db, file, state, vote, database.purged, tail))
}

/// What the database says apart from the entries.
struct Heads {
    purged: Option<Purged>,
    vote: Option<Vote>,
    holds_entries: bool,
}

fn read_db(db: &Db) -> Result<Heads, Fault> {
    let purges: Table<Purged> = db.table(Prefix::Head);
    let votes: Table<Vote> = db.table(Prefix::Head);
    let entries: Table<Entry> = db.table(Prefix::Log);
    let holds_entries = entries.range(0, u64::MAX).next().is_some();
    Ok(Heads { purged: purges.get(PURGED)?, vote: votes.get(VOTE)?, holds_entries })
}

fn open_hard_state(
    folder: &Path,
    node: u64,
    database: &Heads,
) -> Result<(HardStateFile, HardState), OpenError> {
    let path = folder.join("hard_state");
    let fresh = database.purged.is_none() && database.vote.is_none() && !database.holds_entries;
    match HardStateFile::open(&path) {
        Ok(found) => Ok(found),
        // The first start may have died between the database and this file.
        Err(hard_state::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound && fresh => {
            let first = first_state(node)?;
            let file = HardStateFile::create(&path, &first).map_err(|e| explain(folder, e.into()))?;
            Ok((file, first))
        }
        Err(hard_state::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(explain(folder, Fault::Lost("the file hard_state is missing".into())))
        }
        Err(error) => Err(explain(folder, error.into())),
    }
}

fn first_state(node: u64) -> io::Result<HardState> {
    Ok(HardState {
        seq: 0,
        identity: Identity { node, incarnation: random_id()? },
        cluster: String::new(),
        vote: None,
        last: None,
        chain: 0,
        committed: None,
    })
}

/// The database's vote may be newer, when the hard state's write was cut short: nobody was told.
fn compare_votes(hard: Option<Vote>, database: Option<Vote>) -> Result<Option<Vote>, Fault> {
    match (hard, database) {
        (Some(hard), Some(found)) if found.is_after(&hard) || found == hard => Ok(Some(found)),
        (None, found) => Ok(found),
        (Some(hard), _) => Err(Fault::Lost(format!(
            "the database has forgotten the vote for member {} in term {}",
            hard.node, hard.term
        ))),
    }
}

struct Tail {
    entries: Vec<(Position, Vec<u8>)>,
    last: Option<Position>,
    chain: u32,
    dropped: usize,
}

fn read_entries(db: &Db, heads: &Heads, state: &HardState) -> Result<Tail, Fault> {
    let table: Table<Entry> = db.table(Prefix::Log);
    let purged = heads.purged.as_ref();
    let mut tail = Tail {
        entries: Vec::new(),
        last: purged.map(|p| p.position),
        chain: purged.map_or(0, |p| p.chain),
        dropped: 0,
    };
    let first = purged.map_or(0, |p| p.position.index + 1);
    let promised = state.last.map_or(0, |last| last.index + 1);
    for (index, entry) in table.range(first, u64::MAX) {
        match follow(&tail, index, entry) {
            Ok((position, entry)) => {
                tail.chain = entry.chain;
                tail.last = Some(position);
                tail.entries.push((position, entry.body));
                check_promised(state, position, tail.chain)?;
            }
            Err(Fault::Lost(_)) if tail.last.map_or(0, |l| l.index + 1) >= promised => {
                tail.dropped = drop_from(&table, index)?;
                break;
            }
            Err(fault) => return Err(fault),
        }
    }
    match state.last {
        Some(promised) if tail.last.is_none_or(|last| last.index < promised.index) => {
            Err(Fault::Lost(format!("the database has forgotten the log's entry {promised}")))
        }
        _ => Ok(tail),
    }
}

/// Checks that a record is the entry that comes next.
fn follow(tail: &Tail, index: u64, entry: Result<Entry, table::Error>) -> Result<(Position, Entry), Fault> {
    let entry = entry?;
    let position = Position { term: entry.term, index };
    if let Some(last) = tail.last
        && index != last.index + 1
    {
        return Err(Fault::Lost(format!(
            "the log has a hole between the entries {} and {index}",
            last.index
        )));
    }
    if records::link(tail.chain, position, &entry.body) != entry.chain {
        return Err(Fault::Lost(format!(
            "the log's entry {position} does not follow from the ones before it"
        )));
    }
    Ok((position, entry))
}

fn check_promised(state: &HardState, position: Position, chain: u32) -> Result<(), Fault> {
    match state.last {
        Some(last) if last.index == position.index && (last != position || state.chain != chain) => {
            Err(Fault::Lost(format!(
                "the database holds the entry {position} where the entry {last} was acknowledged"
            )))
        }
        _ => Ok(()),
    }
}

/// Removes what stands behind the last good entry, the last first, and counts it.
fn drop_from(table: &Table<Entry>, first: u64) -> Result<usize, Fault> {
    let indexes: Vec<u64> = table.range(first, u64::MAX).map(|(index, _)| index).collect();
    for index in indexes.iter().rev() {
        table.remove(*index)?;
    }
    Ok(indexes.len())
}

fn assemble(
    db: Db,
    file: HardStateFile,
    state: HardState,
    vote: Option<Vote>,
    purged: Option<Purged>,
    tail: Tail,
) -> Found {
    let mark = Mark { vote, last: tail.last, chain: tail.chain, committed: state.committed };
    let recovered = Recovered {
        identity: state.identity.clone(),
        cluster: state.cluster.clone(),
        vote,
        committed: state.committed,
        purged: purged.map(|purged| purged.position),
        entries: tail.entries,
        dropped: tail.dropped,
    };
    Found { db, file, state, mark, recovered }
}
