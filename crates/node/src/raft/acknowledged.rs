//! What this leader's followers have acknowledged, to find out one that has forgotten it: raft
//! itself would go on counting on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use baton_storage::position::{Position, Vote};

use super::formats::{Append, AppendAnswer};

/// What a member was asked to append, without the entries: enough to understand its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) vote: Vote,
    pub(crate) after: Option<Position>,
    /// The last entry, or where it would stand.
    pub(crate) through: Option<Position>,
}

impl Asked {
    pub(crate) fn of(append: &Append) -> Self {
        let through = append.entries.last().map(|entry| entry.at).or(append.after);
        Self { vote: append.vote, after: append.after, through }
    }
}

/// How far each member has acknowledged the log, under which leadership. A clone is another
/// handle to the same.
#[derive(Clone, Default)]
pub(crate) struct Acknowledged(Arc<Mutex<BTreeMap<u64, (Vote, u64)>>>);

impl Acknowledged {
    /// Notes a member's answer, and tells whether it denies an entry that it had acknowledged
    /// under the same leadership. Under another one it may have had to give entries up.
    pub(crate) fn has_gone_back(&self, member: u64, asked: &Asked, answer: &AppendAnswer) -> bool {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = members.get(&member).filter(|(vote, _)| *vote == asked.vote);
        let known = known.map(|(_, index)| *index);
        match (answer, asked.after) {
            (AppendAnswer::Conflict, Some(after)) => known.is_some_and(|known| after.index <= known),
            (AppendAnswer::Taken, _) => {
                if let Some(last) = asked.through.filter(|last| known.is_none_or(|known| known < last.index))
                {
                    members.insert(member, (asked.vote, last.index));
                }
                false
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat(term: u64, after: u64) -> Asked {
        let vote = Vote { term, node: 1, committed: true };
        let after = Some(Position { term, index: after });
        Asked::of(&Append { vote, after, entries: Vec::new(), committed: None })
    }

    #[test]
    fn only_what_was_acknowledged_under_this_leadership_counts() {
        let acknowledged = Acknowledged::default();
        assert!(!acknowledged.has_gone_back(2, &heartbeat(1, 9), &AppendAnswer::Conflict));
        assert!(!acknowledged.has_gone_back(2, &heartbeat(1, 7), &AppendAnswer::Taken));
        assert!(!acknowledged.has_gone_back(2, &heartbeat(1, 5), &AppendAnswer::Taken));
        assert!(!acknowledged.has_gone_back(2, &heartbeat(1, 8), &AppendAnswer::Conflict));
        assert!(!acknowledged.has_gone_back(3, &heartbeat(1, 7), &AppendAnswer::Conflict));
        assert!(!acknowledged.has_gone_back(2, &heartbeat(2, 7), &AppendAnswer::Conflict));
        assert!(acknowledged.has_gone_back(2, &heartbeat(1, 7), &AppendAnswer::Conflict));
    }
}
