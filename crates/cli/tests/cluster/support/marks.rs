//! Steps that leave a mark where a test looks for it, and wait for the test's word; and what the
//! marks say.

use serde_json::Value;

use super::{Cluster, Said, say};

impl Cluster {
    /// Shell text: a line in a witness with the direction, the step and the token.
    pub(crate) fn mark(&self, witness: &str) -> String {
        format!(r#"echo "$BATON_DIRECTION $BATON_STEP $BATON_TOKEN" >> {}"#, self.path(witness).display())
    }

    /// Shell text: waits until the test lets it go.
    pub(crate) fn held_by(&self, file: &str) -> String {
        format!("while ! test -e {}; do sleep 0.05; done", self.path(file).display())
    }

    /// Lets go what waits for this file.
    pub(crate) fn let_go(&self, file: &str) {
        std::fs::write(self.path(file), "").expect("a file");
    }

    /// The marks in a witness without their tokens: `do a`, `undo a`.
    pub(crate) fn marks(&self, witness: &str) -> Vec<String> {
        let lines = self.witness(witness);
        lines.iter().map(|line| line.rsplit_once(' ').expect("a mark").0.to_owned()).collect()
    }

    /// The tokens of the marks in a witness.
    pub(crate) fn tokens(&self, witness: &str) -> Vec<u64> {
        let lines = self.witness(witness);
        lines
            .iter()
            .map(|line| line.rsplit(' ').next().and_then(|one| one.parse().ok()).expect("a token"))
            .collect()
    }

    /// Waits until this mark is there.
    pub(crate) fn until_mark(&self, witness: &str, mark: &str) {
        self.until(&format!("{mark} in {witness}"), || self.marks(witness).iter().any(|one| one == mark));
    }

    /// Kills the leader, waits for the next one and brings the old one back.
    pub(crate) fn replace_leader(&mut self) {
        let leader = self.leader();
        self.kill_server(leader);
        self.leader_other_than(leader);
        self.start_server(leader);
        self.until_ready();
    }

    /// Waits until a coordinator has applied all that the leader has.
    pub(crate) fn until_caught_up(&self, id: u64) {
        self.until(&format!("coordinator {id} to catch up"), || {
            let status = self.baton(&["cluster", "status", "-o", "json"]).json();
            let members = status["members"].as_array().cloned().unwrap_or_default();
            let applied = |id: &Value| {
                members
                    .iter()
                    .find(|member| member["id"] == *id)
                    .and_then(|member| member["applied"].as_u64())
            };
            applied(&status["leader"]).is_some_and(|all| applied(&id.into()) == Some(all))
        });
    }

    /// Runs a `baton` command in somebody's name and roles.
    pub(crate) fn baton_as(&self, operator: &str, roles: &str, arguments: &[&str]) -> Said {
        let servers = self.servers();
        say(arguments, &[("BATON_SERVERS", &servers), ("BATON_OPERATOR", operator), ("BATON_ROLES", roles)])
    }

    /// The run as `run show` tells it, where somebody answers soon.
    pub(crate) fn try_show(&self, run: &str) -> Option<Value> {
        let said = self.baton(&["run", "show", run, "-o", "json", "--timeout", "1s"]);
        (said.code == 0).then(|| said.json())
    }

    /// Starts a run, waits for its end, which must have this exit code, and gives it back.
    pub(crate) fn run_to_end(&self, plan: &str, code: i32) -> Value {
        self.baton(&["run", "start", plan, "--wait", "-o", "json"]).with_code(code).json()
    }

    /// The kinds of a run's events, in order.
    pub(crate) fn kinds(&self, run: &str) -> Vec<String> {
        let events = self.baton(&["run", "events", run, "-o", "json"]).well().json();
        let events = events["events"].as_array().expect("events");
        events.iter().map(|event| event["kind"].as_str().expect("a kind").to_owned()).collect()
    }
}

/// One line of a plan: a step in west.
pub(crate) fn step(name: &str, fields: &str) -> String {
    format!("    - {{name: {name}, region: west, {fields}}}\n")
}

/// Each step of a run with its status: `a succeeded`.
pub(crate) fn statuses(shown: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let steps = shown["steps"].as_array().expect("steps");
    steps.iter().map(|step| format!("{} {}", text(&step["step"]), text(&step["status"]))).collect()
}

/// How many attempts a step has had.
pub(crate) fn attempts(step: &Value) -> usize {
    step["attempts"].as_array().expect("attempts").len()
}

/// A text in an answer; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Where a mark stands. It must stand there exactly once.
#[track_caller]
pub(crate) fn place(marks: &[String], mark: &str) -> usize {
    let places: Vec<_> = (0..marks.len()).filter(|at| marks[*at] == mark).collect();
    assert_eq!(places.len(), 1, "{mark} in {marks:?}");
    places[0]
}
