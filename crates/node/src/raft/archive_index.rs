//! Where each run of the archive stands, in memory: a few bytes for each, for there may be a million.

use std::collections::HashMap;
use std::sync::Arc;

use baton_engine::run::Status;
use baton_engine::standing::Summary;

use super::archive::Row;

/// An id whose number is that much larger than all before it is kept as it is.
const LARGEST_GAP: usize = 1 << 20;

/// The rows by number, and the numbers by id.
#[derive(Default)]
pub(super) struct Index {
    /// Run number n stands at n - 1.
    by_number: Vec<Option<Packed>>,
    /// Ids are a plan's name and a number: by what stands before it, the run's own number at that number less one; 0 where
    /// there is none.
    by_id: HashMap<Box<str>, Vec<u32>>,
    /// Ids of another shape.
    others: HashMap<Box<str>, u64>,
    /// Names of plans, which the rows point at.
    plans: Vec<Arc<str>>,
}

/// An archive of more records than fit would have an index of 50 GB.
#[derive(Clone, Copy)]
struct Packed {
    count: u32,
    plan: u32,
    status: Status,
}

impl Index {
    /// A run that was archived again stands where it was put last.
    pub(super) fn note(&mut self, count: u64, summary: &Summary) {
        let at = usize::try_from(summary.number).unwrap_or_default().saturating_sub(1);
        let packed = Packed { count: count as u32, plan: self.plan(&summary.plan), status: summary.status };
        grow(&mut self.by_number, at, None);
        self.by_number[at] = Some(packed);
        self.note_id(&summary.id, summary.number);
    }

    fn plan(&mut self, name: &str) -> u32 {
        let known = self.plans.iter().position(|known| **known == *name);
        let at = known.unwrap_or_else(|| {
            self.plans.push(name.into());
            self.plans.len() - 1
        });
        at as u32
    }

    fn note_id(&mut self, id: &str, number: u64) {
        let (Some((name, at)), Ok(short)) = (split(id), u32::try_from(number)) else {
            self.others.insert(id.into(), number);
            return;
        };
        if !self.by_id.contains_key(name) {
            self.by_id.insert(name.into(), Vec::new());
        }
        match self.by_id.get_mut(name) {
            Some(numbers) if at < numbers.len() + LARGEST_GAP => {
                grow(numbers, at, 0);
                numbers[at] = short;
            }
            _ => drop(self.others.insert(id.into(), number)),
        }
    }

    /// The number of a run.
    pub(super) fn number(&self, id: &str) -> Option<u64> {
        let listed = || {
            let (name, at) = split(id)?;
            let number = *self.by_id.get(name)?.get(at)?;
            (number > 0).then_some(u64::from(number))
        };
        listed().or_else(|| self.others.get(id).copied())
    }

    /// The row of a run.
    pub(super) fn row(&self, number: u64) -> Option<Row> {
        let packed = *self.by_number.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        packed.map(|packed| self.unpacked(packed))
    }

    /// The rows of all runs that began before the run number `before`, the newest first.
    pub(super) fn newest_first(&self, before: u64) -> impl Iterator<Item = (u64, Row)> {
        let end = usize::try_from(before.saturating_sub(1)).unwrap_or(usize::MAX).min(self.by_number.len());
        let numbered = self.by_number[..end].iter().enumerate().rev();
        numbered.filter_map(|(at, row)| Some((at as u64 + 1, self.unpacked((*row)?))))
    }

    fn unpacked(&self, packed: Packed) -> Row {
        let plan = self.plans.get(packed.plan as usize).cloned().unwrap_or_default();
        Row { count: u64::from(packed.count), status: packed.status, plan }
    }
}

/// Lets a list reach as far as `at`, without the room to spare that a list usually takes.
fn grow<T: Clone>(list: &mut Vec<T>, at: usize, empty: T) {
    if list.len() <= at {
        if list.capacity() <= at {
            list.reserve_exact(at + 1 - list.len() + list.len() / 8);
        }
        list.resize(at + 1, empty);
    }
}

/// An id as what stands before its number, and the number less one; `None` for one that would not come out the same.
fn split(id: &str) -> Option<(&str, usize)> {
    let (name, digits) = id.rsplit_once('-')?;
    let number: usize = digits.parse().ok()?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    is_plain.then_some((name, number.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use baton_engine::stamp::Moment;

    use super::*;

    fn summary(id: &str, number: u64, plan: &str) -> Summary {
        Summary {
            id: id.into(),
            number,
            plan: plan.into(),
            version: 1,
            status: Status::Succeeded,
            reason: None,
            started: Moment::default(),
            ended: None,
            steps: 1,
            done: 1,
        }
    }

    #[test]
    fn a_run_is_found_by_its_id_and_nothing_else() {
        let ids = ["a-1", "a-2", "b-1", "a-7-3", "a-01", "odd", "a-4000000000"];
        let mut index = Index::default();
        for (at, id) in ids.iter().enumerate() {
            index.note(10 + at as u64, &summary(id, at as u64 + 1, "a"));
        }
        for (at, id) in ids.iter().enumerate() {
            let number = index.number(id).expect("it is there");
            assert_eq!(
                (number, index.row(number).map(|row| row.count)),
                (at as u64 + 1, Some(10 + at as u64))
            );
        }
        for id in ["a-3", "a-0", "a-001", "a-+1", "b-2", "a", "", "a-7-1", "c-1"] {
            assert_eq!(index.number(id), None, "{id}");
        }
    }

    #[test]
    fn a_run_that_is_archived_again_stands_where_it_was_put_last() {
        let mut index = Index::default();
        index.note(0, &summary("a-1", 1, "a"));
        index.note(1, &summary("b-1", 3, "b"));
        index.note(2, &summary("a-1", 1, "a"));
        let rows: Vec<_> =
            index.newest_first(u64::MAX).map(|(number, row)| (number, row.count, row.plan)).collect();
        assert_eq!(rows, [(3, 1, "b".into()), (1, 2, "a".into())]);
        assert_eq!(index.newest_first(3).count(), 1);
        assert!(index.row(2).is_none() && size_of::<Option<Packed>>() <= 12);
    }
}
