//! Plays `matrix.txt`: each row is a script, and what it says is decided must be what is.

use std::collections::BTreeMap;

use super::{Decision, Event, Ledger, Seen};
use crate::attempt::{Action, Assignment, Key, Outcome, Report};
use crate::journal::{Fact, Facts};

const S: u64 = 1_000_000_000;
const LEASE_NS: u64 = 5 * S;
const SLOTS: u32 = 2;

struct Play {
    ledger: Ledger,
    now_ns: u64,
    /// What the journal's file would say.
    durable: Facts,
    /// Lines on their way to the disk, by token.
    pending: BTreeMap<u64, Vec<Fact>>,
    /// Step of each token, so that later lines need not repeat it.
    steps: BTreeMap<u64, String>,
}

impl Play {
    fn new() -> Play {
        Play {
            ledger: Ledger::restore(Facts::default(), SLOTS, "b1"),
            now_ns: 1000 * S,
            durable: Facts::default(),
            pending: BTreeMap::new(),
            steps: BTreeMap::new(),
        }
    }

    /// Plays one line and renders what comes of it.
    fn line(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let token = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        match words[0] {
            "clock" => {
                let seconds = words[1].trim_matches(['+', 's']).parse::<u64>().unwrap();
                self.now_ns += seconds * S;
                return Vec::new();
            }
            "held" => return vec![self.held()],
            "restart" => return self.restart(words.get(1)),
            "durable" => {
                let facts = self.pending.remove(&token).unwrap_or_default();
                facts.into_iter().for_each(|fact| self.durable.absorb(fact));
            }
            _ => {}
        }
        let event = self.event(&words, token);
        let decisions = self.ledger.apply(event, self.now_ns);
        for decision in &decisions {
            match decision {
                Decision::Journal { token, facts } => {
                    self.pending.insert(*token, facts.clone());
                }
                Decision::Forget { token, .. } => {
                    self.durable.absorb(Fact::Acknowledged { token: *token });
                }
                _ => {}
            }
        }
        decisions.iter().map(render).collect()
    }

    fn event(&mut self, words: &[&str], token: u64) -> Event {
        if let Some(step) = words.iter().find_map(|word| word.strip_prefix("step=")) {
            self.steps.insert(token, step.to_owned());
        }
        let key = self.key(token);
        let exit = words.iter().find_map(|word| word.strip_prefix("exit="));
        match words[0] {
            "connected" => Event::Connected,
            "recount" => Event::AskedToRecount,
            "disconnected" => Event::Disconnected,
            "renewed" => Event::Renewed { until_ns: self.now_ns + LEASE_NS },
            "assigned" => Event::Assigned(assignment(key, words)),
            "begun" | "not-begun" => {
                Event::BeginAnswered { key, begun: words[0] == "begun", reason: "withdrawn".into() }
            }
            "stop" => Event::Stop { key, reason: "cancelled".into() },
            "ack" => Event::Acknowledged(key),
            "durable" => Event::Durable(token),
            "ended" => Event::Ended(Report::bare(key, outcome(words[2]), "")),
            "seen" => Event::Seen {
                token,
                seen: Seen {
                    locked: words.contains(&"locked"),
                    executing: words.contains(&"executing"),
                    exit: exit.map(|exit| Report::bare(key, outcome(exit), "")),
                },
            },
            other => panic!("{other} is not a word of this language"),
        }
    }

    fn key(&self, token: u64) -> Key {
        let step = self.steps.get(&token).cloned();
        Key { run: "r".into(), step: step.unwrap_or_else(|| format!("s{token}")), attempt: 1, token }
    }

    fn held(&self) -> String {
        let held = self.ledger.held();
        let tokens: Vec<String> = held.iter().map(|key| key.token.to_string()).collect();
        if tokens.is_empty() {
            return "holds nothing".into();
        }
        format!("holds {}", tokens.join(" "))
    }

    fn restart(&mut self, boot: Option<&&str>) -> Vec<String> {
        let boot = boot.map_or("b1", |word| &word["boot=".len()..]);
        self.pending.clear();
        self.ledger = Ledger::restore(self.durable.clone(), SLOTS, boot);
        let tokens = self.ledger.unsettled();
        tokens.iter().map(|token| format!("look at {token}")).collect()
    }
}

fn assignment(key: Key, words: &[&str]) -> Assignment {
    let kind = words[2];
    let argv = if words.contains(&"other") { "b" } else { "a" };
    Assignment {
        key,
        probe: kind == "probe",
        idempotent: kind.ends_with("idempotent"),
        action: if kind.starts_with("noop") { Action::Noop } else { Action::Command(vec![argv.into()]) },
        environment: BTreeMap::new(),
        timeout_ms: 1000,
    }
}

fn outcome(word: &str) -> Outcome {
    match word {
        "succeeded" => Outcome::Succeeded,
        "failed" => Outcome::Failed,
        "unknown" => Outcome::Unknown,
        "not-started" => Outcome::NotStarted,
        other => panic!("{other} is not an outcome"),
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
        Outcome::NotStarted => "not-started",
    }
}

fn render(decision: &Decision) -> String {
    match decision {
        Decision::AskBegin(key) => format!("ask-begin {}", key.token),
        Decision::Journal { token, facts } => {
            let facts: Vec<String> = facts.iter().map(render_fact).collect();
            format!("journal {token} {}", facts.join(" "))
        }
        Decision::Forget { token, has_folder: false, .. } => format!("forget {token} without a folder"),
        Decision::Forget { token, .. } => format!("forget {token}"),
        Decision::Start(assignment) => format!("start {}", assignment.key.token),
        Decision::Adopt(key) => format!("adopt {}", key.token),
        Decision::End { token, .. } => format!("end {token}"),
        Decision::Bury(key) => format!("bury {}", key.token),
        Decision::Sweep(key) => format!("sweep {}", key.token),
        Decision::Report(report) => {
            let outcome = outcome_word(report.outcome);
            format!("report {} {outcome}", report.key.token)
        }
        Decision::Recount { held, over } => {
            let tokens =
                |keys: &[Key]| keys.iter().map(|key| key.token.to_string()).collect::<Vec<_>>().join(" ");
            format!("recount held [{}] over [{}]", tokens(held), tokens(over))
        }
        Decision::Refuse { key, reason } => format!("refuse {}: {reason}", key.token),
    }
}

fn render_fact(fact: &Fact) -> String {
    match fact {
        Fact::Started(_) => "started".into(),
        Fact::Finished(report) => format!("finished({})", outcome_word(report.outcome)),
        Fact::Abandoned { .. } => "abandoned".into(),
        other => panic!("the ledger does not write {other:?}"),
    }
}

#[test]
fn every_row_of_the_matrix_is_decided_as_written() {
    let written = include_str!("matrix.txt");
    let mut played = String::new();
    let mut play = Play::new();
    for line in written.lines() {
        if line.starts_with("==") {
            play = Play::new();
        }
        if line.is_empty() || line.starts_with(['#', '=']) {
            played += &format!("{line}\n");
        } else if let Some(event) = line.strip_prefix("> ") {
            played += &format!("{line}\n");
            for decided in play.line(event) {
                played += &format!("{decided}\n");
            }
        }
    }
    let differs = written.lines().zip(played.lines()).position(|(w, p)| w != p);
    let around = |text: &str, at: usize| {
        let lines = text.lines().skip(at.saturating_sub(12)).take(16);
        lines.collect::<Vec<_>>().join("\n")
    };
    if let Some(at) = differs {
        let (written, played) = (around(written, at), around(&played, at));
        panic!("line {} differs\n-- written\n{written}\n-- played\n{played}", at + 1);
    }
    assert_eq!(written.lines().count(), played.lines().count());
}
