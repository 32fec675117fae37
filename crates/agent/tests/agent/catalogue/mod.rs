//! The step templates that come with the binary, as an agent carries them out: against the real tools where they are
//! installed, against a stub that answers as the tool does where they are not.

mod clouds;
mod database;
mod kubernetes;
mod proxies;
mod tools;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use baton_api::{Assignment, Native, Report, action};
use baton_plan::native::Kind;
use baton_plan::plan::{Action, Command, Work};
use baton_plan::reference::{RunField, Scope, Template};
use baton_plan::{StepTemplate, builtin};

use crate::bench::{Bench, action_of};

/// A step template with its values, and what its step left behind.
pub(super) struct Step {
    template: StepTemplate,
    values: BTreeMap<String, String>,
    outputs: HashMap<String, String>,
    environment: BTreeMap<String, String>,
}

/// What is to be carried out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Do,
    Probe,
    Undo,
}

/// A step that uses a template.
pub(super) fn step(name: &str, with: &[(&str, &str)]) -> Step {
    let (_, template) = builtin().find(name, None).unwrap_or_else(|| panic!("no step template {name}"));
    let defaults =
        template.params.iter().filter_map(|param| Some((param.name.clone(), param.default.clone()?)));
    let mut values: BTreeMap<String, String> = defaults.collect();
    for (name, value) in with {
        let param = template.params.iter().find(|param| param.name == *name);
        assert!(param.is_some(), "{} has no {name}", template.name);
        values.insert((*name).to_owned(), (*value).to_owned());
    }
    let missing: Vec<_> = template.params.iter().filter(|param| !values.contains_key(&param.name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    Step { template, values, outputs: HashMap::new(), environment: BTreeMap::new() }
}

impl Step {
    /// With a stub in the place of a program: a shell script that finds its arguments in `$*` and writes them to
    /// `$D/asked` first.
    pub(super) fn with_stub(mut self, bench: &Bench, program: &str, answers: &str) -> Step {
        let folder = bench.path("stubs");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(program);
        let asked = bench.path("asked");
        let script = format!("#!/bin/sh\necho \"{program} $*\" >> {}\n{answers}\n", asked.display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let search = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        self.environment.insert("PATH".into(), search);
        self.environment.insert("D".into(), bench.path("").display().to_string());
        self
    }

    /// Has the agent carry out a part of it.
    pub(super) async fn carry_out(&self, bench: &Bench, token: u64, part: Part) -> Report {
        let undo = self.template.undo.as_ref();
        let work = if part == Part::Undo { undo.expect("an undo") } else { &self.template.work };
        let (action, is_idempotent) = match part {
            Part::Probe => (self.call(&work.probe.as_ref().expect("a probe").command), true),
            Part::Do | Part::Undo => (self.action(work), work.idempotent),
        };
        let mut environment = self.environment.clone();
        environment.insert("BATON_RUN".into(), "run-1".into());
        environment.insert("BATON_REQUEST_ID".into(), "run-1:step".into());
        let assignment = Assignment {
            action: Some(action_of(action)),
            idempotent: is_idempotent,
            probe: part == Part::Probe,
            environment,
            ..bench.script(token, "")
        };
        bench.done(assignment).await
    }

    /// Does it, and keeps what it leaves behind.
    pub(super) async fn done(&mut self, bench: &Bench, token: u64) -> Report {
        let report = self.carry_out(bench, token, Part::Do).await;
        self.outputs = report.outputs.clone().into_iter().collect();
        report
    }

    fn action(&self, work: &Work) -> action::Action {
        match &work.action {
            Action::Command(command) => self.call(command),
            // Asked again at once, where the template has seconds between.
            Action::WaitUntil { probe, .. } => self.wait(probe, 10, 0),
            Action::WaitStable { probe, stable_ms, .. } => self.wait(probe, 10, *stable_ms),
            other => panic!("no agent does {other:?}"),
        }
    }

    fn wait(&self, question: &Command, interval_ms: u64, stable_ms: u64) -> action::Action {
        let (until, native) = match self.call(question) {
            action::Action::Command(command) => (command.argv, None),
            action::Action::Native(native) => (Vec::new(), Some(native)),
            other => panic!("{other:?}"),
        };
        let secrets = Default::default();
        action::Action::Wait(baton_api::Wait { until, interval_ms, stable_ms, secrets, native })
    }

    fn call(&self, command: &Command) -> action::Action {
        let fill = |text: &Template| text.render(self);
        match command {
            Command::Argv(arguments) => {
                let argv = arguments.iter().map(|argument| fill(argument).unwrap()).collect();
                action::Action::Command(baton_api::Command { argv, ..Default::default() })
            }
            Command::Native(native) => {
                let kind = Kind::word(native.kind).to_owned();
                action::Action::Native(Native { kind, asked: native.render(fill).unwrap() })
            }
            other => panic!("no step template has {other:?}"),
        }
    }
}

impl Scope for Step {
    fn param(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    fn run(&self, field: RunField) -> String {
        match field {
            RunField::Id => "run-1".to_owned(),
            other => other.name().to_owned(),
        }
    }

    fn output(&self, step: &str, key: &str) -> Option<String> {
        (step == self.template.name).then(|| self.outputs.get(key).cloned())?
    }

    fn item(&self) -> Option<String> {
        None
    }
}
