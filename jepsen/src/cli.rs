//! The command line, which is also the manual.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::nemesis::{self, Card, Nemesis};
use crate::target::Target;
use crate::workload::Workload;

/// Tries to break every promise of Baton
///
/// Starts five coordinators and four agents in three regions as real processes, lets clients work while faults happen,
/// heals everything, and judges what clients were told, what targets saw, and what the cluster says at the end.
///
/// As root, with `ip`, `nft`, `unshare` and `mkfs.ext4` there, everything happens in namespaces that vanish with the suite, each
/// node with a network and a disk of its own. Otherwise it happens on the loopback device, and what needs
/// more is told as skipped.
#[derive(Debug, Parser)]
#[command(name = "baton-jepsen", after_long_help = AFTER, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
EXIT CODES
  0  every law holds
  1  a law was broken: store/<test>/<time>/index.html says which, and how
  2  not known: a search was given up, a fault did nothing, the cluster could not be asked, or the suite failed

EXAMPLES
  cargo run --release -p baton-jepsen -- test --workload all --nemesis all --time-limit 60s --seed 7
  cargo run --release -p baton-jepsen -- test --workload effects,probed --nemesis leader,power
  cargo run --release -p baton-jepsen -- test --profile ci
  cargo run --release -p baton-jepsen -- check store/one/2026-11-25T12-00-00Z/history.edn
  cargo run --release -p baton-jepsen -- replay store/one/2026-11-25T12-00-00Z

A seed gives the plan of the faults and what clients choose; the processes are real, so the same seed is the same trouble,
not the same run. Checkers and faults are told in jepsen/README.md.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs tests
    Test(Test),
    /// Judges an old history again, or one of somebody else
    ///
    /// What stands beside it (witness.edn, last.edn, test.edn, logs/) is judged as well. A foreign history of registers may hold
    /// `read`, `write` and `cas` with a value, or with `[key value]`.
    Check {
        /// The history
        #[arg(value_name = "HISTORY.edn")]
        history: PathBuf,
    },
    /// Runs a test again, with the same plan of faults
    Replay {
        /// Its folder in the store
        #[arg(value_name = "STORE_DIR")]
        folder: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Makes a test that broke a law small: fewer faults, then fewer workloads, then less time
    ///
    /// Processes are real, so each candidate is tried several times, and kept if it breaks one of the same laws once.
    Shrink(crate::profile::Shrink),
    /// Tests the suite: plants known bugs in the binary, one at a time, and sees whether a checker finds them
    ///
    /// The exit code is 0 only if each was caught. Bugs are planted by the feature `sabotage` of baton-cli, which no release has.
    Sabotage(crate::profile::Sabotage),
    /// Adds the numbers of a soak to the table
    #[command(hide = true)]
    Tally(crate::profile::Tally),
    /// What the steps of the workloads do
    #[command(hide = true)]
    Target {
        #[command(subcommand)]
        target: Target,
    },
}

/// Which profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// One test, as the other flags say
    One,
    /// Four tests that reach every nemesis, in less than six minutes, with least counts of faults
    Ci,
    /// One test with nemeses drawn from the seed; `scripts/soak` repeats it
    Soak,
}

/// Where things are.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// The baton binary; without it the one beside this program, which cargo brings up to date
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// Where tests are kept
    #[arg(long, value_name = "DIR", default_value = "store")]
    pub(crate) store: PathBuf,
}

/// Flags of `test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// What clients do: `all`, or some of them
    #[arg(long, value_name = "W,…", value_delimiter = ',', default_value = "all", value_parser = workloads)]
    pub(crate) workload: Vec<Vec<Workload>>,
    /// What goes wrong: `all`, `none`, some of them, or some of their cards (`power/agent`, `pause/host/executing`)
    #[arg(long, value_name = "F,…", value_delimiter = ',', default_value = "all", value_parser = cards)]
    pub(crate) nemesis: Vec<Vec<&'static Card>>,
    /// How much of it
    #[arg(long, value_enum, default_value_t = Profile::One)]
    pub(crate) profile: Profile,
    /// Chooses the faults and what clients ask
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long clients and faults go on: 45s, 10m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) time_limit: Duration,
    /// How far regions are from each other all the time: a round trip (20ms, 80ms, 200ms)
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    pub(crate) wan: Duration,
    /// How much longer a round trip may take
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    pub(crate) jitter: Duration,
    /// The test's name in the store
    #[arg(long, default_value = "one")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

fn workloads(text: &str) -> Result<Vec<Workload>, String> {
    match text {
        "all" => Ok(Workload::ALL.to_vec()),
        one => Workload::from_str(one, true)
            .map(|one| vec![one])
            .map_err(|_| unknown(one, Workload::ALL.map(Workload::name))),
    }
}

fn cards(text: &str) -> Result<Vec<&'static Card>, String> {
    match text {
        "all" => Ok(nemesis::cards_of(&Nemesis::all())),
        "none" => Ok(Vec::new()),
        one => Some(nemesis::cards_below(one))
            .filter(|cards| !cards.is_empty())
            .ok_or_else(|| unknown(one, Nemesis::EVERY.map(Nemesis::name))),
    }
}

fn unknown<const N: usize>(word: &str, names: [&str; N]) -> String {
    format!("there is no `{word}`: all, {}", names.join(", "))
}

fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) =
        text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a number with a unit is expected: 80ms, 45s, 10m, 1h".into()),
    };
    digits.parse::<u64>().map(|count| Duration::from_millis(count * ms)).map_err(|error| error.to_string())
}

impl Test {
    /// The workloads, each once.
    pub(crate) fn workloads(&self) -> Vec<Workload> {
        once(self.workload.concat())
    }

    /// The cards, each once, and whether they were asked for by name.
    pub(crate) fn cards(&self) -> (Vec<&'static Card>, bool) {
        let every = nemesis::cards_of(&Nemesis::all()).len();
        let all = self.nemesis.iter().any(|some| some.len() == every);
        let asked = self.nemesis.concat();
        let cards = nemesis::cards_of(&Nemesis::EVERY);
        (cards.into_iter().filter(|card| asked.contains(card)).collect(), !all)
    }
}

fn once<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_can_be_read() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_are_read() {
        let read = |words: &[&str]| Arguments::try_parse_from([&["baton-jepsen", "test"], words].concat());
        let Command::Test(test) =
            read(&["--workload", "storm,effects", "--nemesis", "all", "--time-limit", "2m", "--wan", "80ms"])
                .unwrap()
                .command
        else {
            panic!("a test was asked for")
        };
        assert_eq!(test.workloads(), [Workload::Effects, Workload::Storm]);
        assert_eq!(test.cards(), (nemesis::cards_of(&Nemesis::all()), false));
        assert_eq!((test.time_limit, test.wan), (Duration::from_secs(120), Duration::from_millis(80)));
        let Command::Test(test) = read(&["--nemesis", "power/agent,pause/all"]).unwrap().command else {
            panic!("a test was asked for")
        };
        let names: Vec<_> = test.cards().0.iter().map(|card| card.name).collect();
        assert!(names.contains(&"power/agent/granted") && names.contains(&"pause/all"), "{names:?}");
        assert!(
            names.iter().all(|name| name.starts_with("power/agent/") || *name == "pause/all"),
            "{names:?}"
        );
        let error = read(&["--nemesis", "killl"]).unwrap_err().to_string();
        assert!(error.contains("there is no `killl`: all, leader, kill"), "{error}");
        assert!(read(&["--time-limit", "60"]).unwrap_err().to_string().contains("45s"));
    }
}
