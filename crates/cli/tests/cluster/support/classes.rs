//! One step of each class under the same fault, with witnesses at their targets: `i` may be
//! repeated; `p` and `q` must not be and have a probe that looks at the target, where `p` has acted
//! and `q` has not; `n` must not be and has none. `tell` needs them all.

use serde_json::Value;

use super::Cluster;
use super::marks::{attempts, statuses, step};

const CLASSES: [&str; 4] = ["i", "p", "q", "n"];

impl Cluster {
    /// Starts a run of all classes. Each step ends when the test lets `go`; all but `q` act before.
    pub(crate) fn classes(&self) -> String {
        let held = self.held_by("go");
        let acts_first = |witness: &str| format!("command: '{}; {held}'", self.mark(witness));
        let probe = |witness: &str| format!("probe: {{command: 'test -s {}'}}", self.path(witness).display());
        let steps = [
            step("i", &format!("idempotent: true, {}", acts_first("i"))),
            step("p", &format!("idempotent: false, {}, {}", probe("p"), acts_first("p"))),
            step("q", &format!("idempotent: false, {}, command: '{held}; {}'", probe("q"), self.mark("q"))),
            step("n", &format!("idempotent: false, {}", acts_first("n"))),
            step("tell", &format!("needs: [i, p, q, n], idempotent: true, command: '{}'", self.mark("tell"))),
        ];
        let plan = self.plan("classes", &format!("  steps:\n{}", steps.concat()));
        self.run(&plan)
    }

    /// The same, when all of them are in the middle of their work.
    pub(crate) fn classes_under_way(&self) -> String {
        let run = self.classes();
        self.until("every class to be under way", || {
            let seen = ["i", "p", "n"].iter().all(|class| !self.witness(class).is_empty());
            seen && self.step(&run, "q")["attempts"][0]["begun"] == true
        });
        run
    }

    /// Waits until the classes stand so, in the order i, p, q, n.
    #[track_caller]
    pub(crate) fn until_classes(&self, run: &str, expected: [&str; 4]) -> Value {
        let expected = CLASSES.iter().zip(expected).map(|(class, status)| format!("{class} {status}"));
        let expected: Vec<_> = expected.collect();
        let mut last = Vec::new();
        let shown = self.poll(|| {
            let shown = self.show(run);
            last = statuses(&shown)[..4].to_vec();
            (last == expected).then_some(shown)
        });
        shown.unwrap_or_else(|| panic!("waited in vain for {expected:?}, it is {last:?}"))
    }

    /// The run has succeeded, and what must not be repeated has taken effect once; so has `i` in the
    /// end, however often it was attempted. `tell` came last.
    #[track_caller]
    pub(crate) fn classes_succeeded(&self, run: &str) {
        self.until_run(run, "succeeded");
        for class in ["p", "q", "n", "tell"] {
            assert_eq!(self.witness(class).len(), 1, "{class}: {:?}", self.witness(class));
        }
        assert!(!self.witness("i").is_empty() && self.tokens("i").is_sorted(), "{:?}", self.witness("i"));
        let told = self.tokens("tell")[0];
        assert!(CLASSES.iter().all(|class| self.tokens(class).iter().all(|token| *token < told)));
    }

    /// How many attempts each class has had, in the order i, p, q, n.
    pub(crate) fn class_attempts(&self, run: &str) -> [usize; 4] {
        let shown = self.show(run);
        [0, 1, 2, 3].map(|at| attempts(&shown["steps"][at]))
    }

    /// Waits until so many attempts of an agent have left their exit record.
    pub(crate) fn until_exit_records(&self, agent: &str, how_many: usize) {
        let attempts = self.data_dir(agent).join("attempts");
        self.until("exit records", || {
            let folders = std::fs::read_dir(&attempts).into_iter().flatten().flatten();
            folders.filter(|folder| baton_agent::seen(&folder.path()).exit.is_some()).count() >= how_many
        });
    }
}
