//! What a condition may look at.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use cel::{Context, Value};

use crate::plan::ParamKind;

/// What is known when a condition is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The run's parameters with their kinds: integers become CEL's int, booleans its bool, the rest is text.
    pub params: BTreeMap<String, (ParamKind, String)>,
    /// `id`, `mode`, `plan`, `operator`, and `drill` as `true` or `false`.
    pub run: BTreeMap<String, String>,
    /// The plan's objectives, `rto` and `rpo`, in milliseconds. A condition reads them in seconds.
    pub objectives: BTreeMap<String, u64>,
    /// The steps that have come to an end.
    pub steps: BTreeMap<String, StepFacts>,
    /// What an action answered, for `success`.
    pub answer: Option<AnswerFacts>,
}

/// What `success` may look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The process's exit code.
    pub exit_code: i32,
    /// The end of what it wrote.
    pub stdout: String,
    /// The outputs of this very attempt.
    pub outputs: BTreeMap<String, String>,
}

/// What a condition may know about a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepFacts {
    /// The contract's word of state, such as `succeeded`.
    pub status: String,
    /// The step's outputs.
    pub outputs: BTreeMap<String, String>,
}

impl Facts {
    pub(super) fn bind(&self, context: &mut Context<'_, '_>) -> Result<(), String> {
        let mut params: HashMap<String, Value> = HashMap::new();
        for (name, (kind, text)) in &self.params {
            let value = typed(*kind, text)
                .ok_or_else(|| format!("parameter `{name}` is `{text}`, which is not of its type"))?;
            params.insert(name.clone(), value);
        }
        let run = self.run.iter().map(|(name, text)| match name.as_str() {
            "drill" => (name.clone(), Value::from(text == "true")),
            _ => (name.clone(), Value::from(text.as_str())),
        });
        let run: HashMap<String, Value> = run.collect();
        let steps: HashMap<String, Value> =
            self.steps.iter().map(|(name, step)| (name.clone(), step.value())).collect();
        let seconds = |ms: u64| Duration::from_millis(ms).as_secs_f64();
        let objectives = self.objectives.iter().map(|(name, ms)| (name.clone(), Value::from(seconds(*ms))));
        context.add_variable_from_value("objectives", objectives.collect::<HashMap<_, _>>());
        context.add_variable_from_value("params", params);
        context.add_variable_from_value("run", run);
        context.add_variable_from_value("steps", steps);
        if let Some(answer) = &self.answer {
            context.add_variable_from_value("exit_code", Value::Int(answer.exit_code.into()));
            context.add_variable_from_value("stdout", answer.stdout.as_str());
            context.add_variable_from_value("outputs", texts(&answer.outputs));
        }
        Ok(())
    }
}

impl StepFacts {
    fn value(&self) -> Value {
        let status = Value::from(self.status.as_str());
        Value::from(HashMap::from([
            ("status".to_owned(), status),
            ("outputs".to_owned(), texts(&self.outputs)),
        ]))
    }
}

fn texts(outputs: &BTreeMap<String, String>) -> Value {
    let texts = outputs.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str())));
    Value::from(texts.collect::<HashMap<_, _>>())
}

fn typed(kind: ParamKind, text: &str) -> Option<Value> {
    match kind {
        ParamKind::Integer => text.parse::<i64>().ok().map(Value::Int),
        ParamKind::Boolean => text.parse::<bool>().ok().map(Value::Bool),
        ParamKind::List => {
            Some(crate::params::items(text).into_iter().map(Value::from).collect::<Vec<_>>().into())
        }
        ParamKind::String | ParamKind::Region | ParamKind::Duration => Some(Value::from(text)),
    }
}
