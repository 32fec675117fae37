//! A test that found something, made small: fewer faults, then fewer workloads, then less time, as long as the same law is
//! found broken. Processes are real, so a candidate is repeated, and counts when it fails once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::ensure;

use super::says_false;
use crate::cli::Place;
use crate::edn;
use crate::generator::{self, Round};
use crate::store::{Store, Test};

/// Flags of `shrink`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Shrink {
    /// Its folder in the store
    #[arg(value_name = "STORE_DIR")]
    folder: PathBuf,
    /// How often a candidate is tried before it counts as harmless
    #[arg(long, value_name = "N", default_value_t = 5)]
    repeat: u32,
    #[command(flatten)]
    place: Place,
}

/// A test that may still fail.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    rounds: Vec<Round>,
    workloads: Vec<String>,
    time_limit_ms: u64,
}

struct Hunt<'a> {
    flags: &'a Shrink,
    binary: PathBuf,
    test: Test,
    /// The laws that were broken.
    wanted: BTreeSet<String>,
    tests: u32,
    /// Where the smallest one that failed is.
    smallest: PathBuf,
}

/// How long a round may take beside its own times: its moment is waited for, and the next leader.
const ROUND_MS: u64 = 4000;
/// What clients still do after the last fault of a candidate began.
const AFTERWARDS_MS: u64 = 4000;
/// No test is shorter.
const LEAST_MS: u64 = 2000;

/// Shrinks a test, and says where the smallest one is.
///
/// # Errors
/// If the test broke no law, or the suite itself could not do its work.
pub(crate) fn shrink(flags: &Shrink) -> anyhow::Result<ExitCode> {
    let old = Store { folder: flags.folder.clone() };
    let test = old.read_test()?;
    let wanted: BTreeSet<_> = says_false(&flags.folder)?.into_iter().collect();
    ensure!(!wanted.is_empty(), "{} broke no law: there is nothing to shrink", flags.folder.display());
    let began = begun(&old.evidence("history.edn")?.history);
    let mut rounds = old.read_plan()?;
    rounds.truncate(began.len());
    let time_limit_ms =
        began.last().map_or(test.time_limit_ms, |at| at + AFTERWARDS_MS).min(test.time_limit_ms);
    let whole = Candidate { rounds, workloads: test.workloads.clone(), time_limit_ms };
    let binary = super::binary::find(flags.place.binary.as_deref())?;
    let smallest = flags.folder.clone();
    let mut hunt = Hunt { flags, binary, test, wanted, tests: 0, smallest };
    let least = hunt.least(whole)?;
    println!(
        "{} faults, {} and {} s are enough, after {} tests: {}",
        least.rounds.iter().map(|round| round.cards.len()).sum::<usize>(),
        least.workloads.join(" and "),
        least.time_limit_ms / 1000,
        hunt.tests,
        hunt.smallest.display()
    );
    for round in &least.rounds {
        println!("  {} for {} ms", round.cards.join(" and "), round.hold_ms);
    }
    Ok(ExitCode::SUCCESS)
}

/// When each round that was begun began, in milliseconds.
fn begun(history: &[crate::history::Op]) -> Vec<u64> {
    let mut begun = Vec::new();
    let mut first = true;
    for op in history {
        match (&*op.f, op.kind) {
            ("fault", crate::history::Kind::Invoke) if first => {
                begun.push(op.time / 1_000_000);
                first = false;
            }
            ("healed", _) => first = true,
            _ => {}
        }
    }
    begun
}

impl Hunt<'_> {
    fn least(&mut self, whole: Candidate) -> anyhow::Result<Candidate> {
        let mut least = whole;
        let cards = single(&least.rounds);
        let with = |cards: &[Round], least: &Candidate| Candidate {
            rounds: cards.to_vec(),
            time_limit_ms: least.time_limit_ms.min(time_for(cards)),
            ..least.clone()
        };
        let cards = ddmin(cards, |cards| self.fails(&with(cards, &least)))?;
        least = with(&cards, &least);
        let with = |workloads: &[String], least: &Candidate| Candidate {
            workloads: workloads.to_vec(),
            ..least.clone()
        };
        let workloads = ddmin(least.workloads.clone(), |workloads| self.fails(&with(workloads, &least)))?;
        least = with(&workloads, &least);
        while least.time_limit_ms / 2 >= LEAST_MS {
            let shorter = Candidate { time_limit_ms: least.time_limit_ms / 2, ..least.clone() };
            if !self.fails(&shorter)? {
                break;
            }
            least = shorter;
        }
        Ok(least)
    }

    /// Whether it fails at least once, by one of the laws that the first one broke.
    fn fails(&mut self, candidate: &Candidate) -> anyhow::Result<bool> {
        for _ in 0..self.flags.repeat {
            let folder = self.test(candidate)?;
            if says_false(&folder)?.iter().any(|law| self.wanted.contains(law)) {
                let before = std::mem::replace(&mut self.smallest, folder);
                if before != self.flags.folder {
                    fs::remove_dir_all(before)?;
                }
                return Ok(true);
            }
            fs::remove_dir_all(folder)?;
        }
        Ok(false)
    }

    /// One test in a process of its own; gives back its folder.
    fn test(&mut self, candidate: &Candidate) -> anyhow::Result<PathBuf> {
        self.tests += 1;
        println!(
            "test {}: {} rounds, {}, {} s",
            self.tests,
            candidate.rounds.len(),
            candidate.workloads.join(","),
            candidate.time_limit_ms / 1000
        );
        let base = &self.flags.place.store;
        let name = format!("{}-shrunk", self.test.name);
        let case = base.join(&name).join("case");
        write_case(&case, &Test { name: name.clone(), ..self.test.clone() }, candidate)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("replay").arg(&case).arg("--binary").arg(&self.binary).arg("--store").arg(base);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        fs::remove_dir_all(&case)?;
        super::newest(&base.join(name))
    }
}

/// Enough for these faults.
fn time_for(rounds: &[Round]) -> u64 {
    rounds.iter().map(|round| round.hold_ms + round.gap_ms + ROUND_MS).sum::<u64>() + AFTERWARDS_MS
}

fn write_case(folder: &Path, test: &Test, candidate: &Candidate) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let test = Test {
        workloads: candidate.workloads.clone(),
        time_limit_ms: candidate.time_limit_ms,
        ..test.clone()
    };
    fs::write(folder.join("test.edn"), edn::written(&serde_json::to_value(test)?))?;
    Ok(fs::write(folder.join("plan.edn"), generator::written(&candidate.rounds)?)?)
}

/// A round for each card.
fn single(rounds: &[Round]) -> Vec<Round> {
    let alone = |round: &Round| {
        let round = round.clone();
        round.cards.clone().into_iter().map(move |card| Round { cards: vec![card], ..round.clone() })
    };
    rounds.iter().flat_map(alone).collect()
}

/// Zeller's delta debugging: a part that fails by itself, or all but a part, again and again, until no smaller step helps.
fn ddmin<T: Clone>(
    mut items: Vec<T>,
    mut fails: impl FnMut(&[T]) -> anyhow::Result<bool>,
) -> anyhow::Result<Vec<T>> {
    let mut parts = 2;
    'smaller: while items.len() > 1 {
        let size = items.len().div_ceil(parts);
        for part in items.chunks(size) {
            if fails(part)? {
                (items, parts) = (part.to_vec(), 2);
                continue 'smaller;
            }
        }
        for from in (0..items.len()).step_by(size).filter(|_| parts > 2) {
            let to = (from + size).min(items.len());
            let rest = [&items[..from], &items[to..]].concat();
            if fails(&rest)? {
                (items, parts) = (rest, (parts - 1).max(2));
                continue 'smaller;
            }
        }
        if size == 1 {
            break;
        }
        parts = (parts * 2).min(items.len());
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_stays_and_nothing_else() {
        let needs = |wanted: &'static [u8]| {
            let mut tests = 0;
            let least = ddmin((0..40).collect(), |some: &[u8]| {
                tests += 1;
                Ok(wanted.iter().all(|one| some.contains(one)))
            });
            (least.unwrap(), tests)
        };
        assert_eq!(needs(&[17]).0, [17]);
        assert_eq!(needs(&[3, 31]).0, [3, 31]);
        assert_eq!(needs(&[0, 20, 39]).0, [0, 20, 39]);
        assert!(needs(&[17]).1 < 15, "{}", needs(&[17]).1);
    }

    #[test]
    fn rounds_are_counted_by_their_beginnings() {
        let fault = |time: u64, kind: &str| {
            format!(
                "{{:type :{kind} :time {time}000000 :process :nemesis :f :fault :value {{:card \"kill/all\"}}}} "
            )
        };
        let healed = "{:type :info :time 9 :process :nemesis :f :healed :value nil} ";
        let text = [
            fault(5, "invoke"),
            fault(6, "info"),
            fault(6, "invoke"),
            fault(7, "info"),
            healed.into(),
            fault(20, "invoke"),
        ];
        assert_eq!(begun(&crate::history::read(&text.concat()).unwrap()), [5, 20]);
        let round = Round { cards: vec!["a".into(), "b".into()], hold_ms: 1, gap_ms: 2 };
        assert_eq!(single(&[round]).len(), 2);
    }
}
