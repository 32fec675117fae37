//! Is there an order of these operations, each somewhere between its beginning and its end, that a single copy could have
//! gone through? The search of Wing and Gong, with Lowe's memory of where it has been and the linked list of Horn
//! and Kroening: an operation is lifted out when it is put next in the order, and put back when that led nowhere.

use std::collections::HashSet;
use std::hash::Hash;

/// What a single copy does.
pub(super) trait Model {
    type State: Clone + Eq + Hash;
    type Op;

    fn initial(&self) -> Self::State;

    /// The state after it; none if it cannot happen in this one.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Option<Self::State>;
}

/// An operation with its times; without an end, it may happen at any time after its beginning, or never.
#[derive(Debug, Clone)]
pub(super) struct Timed<O> {
    pub(super) op: O,
    pub(super) began: u64,
    pub(super) ended: Option<u64>,
}

/// What the search has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// There is such an order.
    Legal,
    /// There is none. The longest that was found holds so many operations, and could not be followed by any of these.
    Illegal { longest: usize, stuck: Vec<usize> },
    /// The search was given up after so many steps.
    GaveUp,
}

/// A place in the list: 0 is its head.
const HEAD: usize = 0;

struct List {
    /// Which operation, and whether this is its end.
    entries: Vec<(usize, bool)>,
    next: Vec<usize>,
    before: Vec<usize>,
    /// Where the end of an operation is; 0 if it has none.
    end_of: Vec<usize>,
}

impl List {
    fn new<O>(ops: &[Timed<O>]) -> List {
        let mut events: Vec<(u64, bool, usize)> = Vec::new();
        for (at, op) in ops.iter().enumerate() {
            events.push((op.began, false, at));
            events.extend(op.ended.map(|ended| (ended, true, at)));
        }
        // Of the same time, beginnings come first: they count as overlapping.
        events.sort_unstable();
        let count = events.len() + 1;
        let mut list = List {
            entries: vec![(usize::MAX, true)],
            next: (1..=count).map(|next| if next == count { HEAD } else { next }).collect(),
            before: (0..count).map(|at| at.wrapping_sub(1)).collect(),
            end_of: vec![0; ops.len()],
        };
        list.before[HEAD] = count - 1;
        for (position, (_, is_end, op)) in events.into_iter().enumerate() {
            list.entries.push((op, is_end));
            if is_end {
                list.end_of[op] = position + 1;
            }
        }
        list
    }

    fn unlink(&mut self, at: usize) {
        let (before, next) = (self.before[at], self.next[at]);
        self.next[before] = next;
        self.before[next] = before;
    }

    fn relink(&mut self, at: usize) {
        let (before, next) = (self.before[at], self.next[at]);
        self.next[before] = at;
        self.before[next] = at;
    }

    /// Takes out a beginning and its end.
    fn lift(&mut self, at: usize) {
        self.unlink(at);
        let end = self.end_of[self.entries[at].0];
        if end != 0 {
            self.unlink(end);
        }
    }

    fn put_back(&mut self, at: usize) {
        let end = self.end_of[self.entries[at].0];
        if end != 0 {
            self.relink(end);
        }
        self.relink(at);
    }
}

/// Searches, for at most so many steps.
pub(super) fn search<M: Model>(model: &M, ops: &[Timed<M::Op>], steps: u64) -> Found {
    let mut list = List::new(ops);
    let mut open = ops.iter().filter(|op| op.ended.is_some()).count();
    let mut state = model.initial();
    let mut done = vec![0_u64; ops.len().div_ceil(64)];
    let mut known: HashSet<(Box<[u64]>, M::State)> = HashSet::new();
    let mut order: Vec<(usize, M::State)> = Vec::new();
    let (mut longest, mut stuck) = (0, Vec::new());
    let mut at = list.next[HEAD];
    let mut left = steps;
    while open > 0 {
        let Some(fewer) = left.checked_sub(1) else { return Found::GaveUp };
        left = fewer;
        let (op, is_end) = list.entries[at];
        if at != HEAD && !is_end {
            if let Some(next) = model.step(&state, &ops[op].op) {
                done[op / 64] |= 1 << (op % 64);
                if known.insert((done.clone().into_boxed_slice(), next.clone())) {
                    order.push((at, std::mem::replace(&mut state, next)));
                    open -= usize::from(ops[op].ended.is_some());
                    list.lift(at);
                    at = list.next[HEAD];
                    continue;
                }
                done[op / 64] &= !(1 << (op % 64));
            }
            at = list.next[at];
            continue;
        }
        // An end that has not been passed, or nothing left to try: the last choice was wrong.
        if order.len() >= longest {
            longest = order.len();
            stuck = candidates(&list);
        }
        let Some((last, earlier)) = order.pop() else { return Found::Illegal { longest, stuck } };
        let op = list.entries[last].0;
        state = earlier;
        done[op / 64] &= !(1 << (op % 64));
        open += usize::from(ops[op].ended.is_some());
        list.put_back(last);
        at = list.next[last];
    }
    Found::Legal
}

/// Operations that could have been next.
fn candidates(list: &List) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = list.next[HEAD];
    while at != HEAD && !list.entries[at].1 {
        found.push(list.entries[at].0);
        at = list.next[at];
    }
    found
}

#[cfg(test)]
mod independent;

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) struct Register;

    #[derive(Debug, Clone, Copy)]
    pub(super) enum Op {
        Write(u64),
        Read(u64),
    }

    impl Model for Register {
        type State = u64;
        type Op = Op;

        fn initial(&self) -> u64 {
            0
        }

        fn step(&self, state: &u64, op: &Op) -> Option<u64> {
            match op {
                Op::Write(value) => Some(*value),
                Op::Read(value) => (value == state).then_some(*state),
            }
        }
    }

    fn found(ops: &[(Op, u64, Option<u64>)]) -> Found {
        let ops: Vec<_> =
            ops.iter().map(|(op, began, ended)| Timed { op: *op, began: *began, ended: *ended }).collect();
        search(&Register, &ops, 1_000_000)
    }

    use Op::{Read, Write};

    #[test]
    fn overlapping_operations_may_go_either_way() {
        assert_eq!(
            found(&[(Write(1), 0, Some(10)), (Read(0), 1, Some(2)), (Read(1), 3, Some(4))]),
            Found::Legal
        );
        assert_eq!(
            found(&[(Write(1), 0, Some(10)), (Write(2), 0, Some(10)), (Read(1), 11, Some(12))]),
            Found::Legal
        );
    }

    #[test]
    fn a_stale_read_is_seen_and_shown() {
        let ops = [(Write(1), 0, Some(1)), (Write(2), 2, Some(3)), (Read(1), 4, Some(5))];
        assert_eq!(found(&ops), Found::Illegal { longest: 2, stuck: vec![2] });
    }

    #[test]
    fn two_swapped_reads_are_seen() {
        let legal =
            [(Write(1), 0, Some(1)), (Read(1), 2, Some(3)), (Write(2), 4, Some(5)), (Read(2), 6, Some(7))];
        let swapped =
            [(Write(1), 0, Some(1)), (Read(2), 2, Some(3)), (Write(2), 4, Some(5)), (Read(1), 6, Some(7))];
        assert_eq!(found(&legal), Found::Legal);
        assert!(matches!(found(&swapped), Found::Illegal { .. }));
    }

    #[test]
    fn what_nobody_knows_the_end_of_may_happen_late_or_never() {
        assert_eq!(found(&[(Write(1), 0, None), (Read(0), 1, Some(2)), (Read(1), 3, Some(4))]), Found::Legal);
        assert_eq!(found(&[(Write(1), 0, None), (Read(0), 1, Some(2))]), Found::Legal);
        assert!(matches!(
            found(&[(Write(1), 0, None), (Read(1), 1, Some(2)), (Read(0), 3, Some(4))]),
            Found::Illegal { .. }
        ));
        assert!(matches!(found(&[(Write(1), 5, None), (Read(1), 1, Some(2))]), Found::Illegal { .. }));
    }

    /// A history that one copy really went through: clients that always overlap, each operation at a moment of its own.
    pub(super) fn lived(count: usize, clients: usize, seed: u64) -> Vec<Timed<Op>> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut moments: Vec<(u64, u64, u64)> = Vec::new();
        let mut free = vec![0_u64; clients];
        for _ in 0..count {
            let client = random.usize(..clients);
            let began = free[client] + random.u64(1..20);
            let happens = began + random.u64(1..40);
            let ended = happens + random.u64(1..40);
            free[client] = ended;
            moments.push((happens, began, ended));
        }
        moments.sort_unstable();
        let (mut value, mut written) = (0, 0);
        let op = |(_, began, ended)| {
            let op = if random.bool() {
                written += 1;
                value = written;
                Write(value)
            } else {
                Read(value)
            };
            Timed { op, began, ended: Some(ended) }
        };
        moments.into_iter().map(op).collect()
    }

    #[test]
    fn five_thousand_operations_are_decided() {
        let ops = lived(5000, 5, 7);
        assert_eq!(search(&Register, &ops, 50_000_000), Found::Legal);
    }

    #[test]
    fn one_stale_read_among_many_is_seen() {
        for seed in 0..20 {
            let mut ops = lived(400, 5, seed);
            let reads: Vec<_> = (200..400).filter(|at| matches!(ops[*at].op, Read(_))).collect();
            let at = reads[seed as usize % reads.len()];
            // The very first value, that was overwritten long before.
            ops[at].op = Read(1);
            assert!(matches!(search(&Register, &ops, 50_000_000), Found::Illegal { .. }), "seed {seed}");
        }
    }

    /// All orders, one after the other: slow, and beyond doubt.
    fn by_force(ops: &[Timed<Op>], state: u64, left: &mut Vec<usize>) -> bool {
        if left.iter().all(|at| ops[*at].ended.is_none()) {
            return true;
        }
        let first_end = left.iter().filter_map(|at| ops[*at].ended).min().unwrap_or(u64::MAX);
        for position in 0..left.len() {
            let at = left[position];
            if ops[at].began > first_end {
                continue;
            }
            if let Some(next) = Register.step(&state, &ops[at].op) {
                left.remove(position);
                let legal = by_force(ops, next, left);
                left.insert(position, at);
                if legal {
                    return true;
                }
            }
        }
        false
    }

    #[test]
    fn small_histories_are_judged_as_by_force() {
        let mut judged = [0, 0];
        for seed in 0..400 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut ops = lived(7, 3, seed);
            for op in &mut ops {
                match random.u8(..8) {
                    0 => op.ended = None,
                    1 => op.op = Read(random.u64(0..4)),
                    _ => {}
                }
            }
            let legal = by_force(&ops, 0, &mut (0..ops.len()).collect());
            assert_eq!(search(&Register, &ops, 1_000_000) == Found::Legal, legal, "seed {seed}: {ops:?}");
            judged[usize::from(legal)] += 1;
        }
        assert!(judged[0] > 40 && judged[1] > 40, "{judged:?}");
    }
}
