//! Conditions: CEL within bounds, so that no plan can keep a coordinator busy or end it.

mod bounds;
mod facts;
mod names;

use std::collections::BTreeSet;

use cel::{Context, ExecutionError, Program, Value};
use serde::{Deserialize, Serialize};

pub use facts::{AnswerFacts, Facts, StepFacts};

use crate::fault::shortened;
use crate::stack::deep;

/// A condition that has been found sound; it carries its source text and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expression {
    source: String,
}

/// What a condition asks about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Parameters, by name.
    pub params: BTreeSet<String>,
    /// Steps, by name.
    pub steps: BTreeSet<String>,
    /// Those of the steps whose outputs are asked for.
    pub outputs: BTreeSet<String>,
    /// The plan's objectives, `rto` and `rpo`.
    pub objectives: BTreeSet<String>,
}

/// Which names a condition may use beside `params`, `run`, `steps` and `objectives`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// None: `when` and `gate`.
    Run,
    /// `exit_code`, `stdout` and `outputs`: `success`.
    Answer,
}

impl Expression {
    /// Reads a condition.
    ///
    /// # Errors
    /// A sentence that says where the text is not CEL, which bound it breaks, or which name in it means nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text, About::Run).map(|(expression, _)| expression)
    }

    /// Reads a condition, and says what it asks about.
    pub(crate) fn read(text: &str, about: About) -> Result<(Self, Mentions), String> {
        let mentions = deep(|| compile(text, about).map(|(_, mentions)| mentions))??;
        Ok((Self { source: text.to_owned() }, mentions))
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Which parameters and steps it asks about.
    pub fn references(&self) -> Mentions {
        let mentions = deep(|| compile(&self.source, About::Answer).map(|(_, mentions)| mentions));
        mentions.and_then(|mentions| mentions).unwrap_or_default()
    }

    /// The answer. It may take milliseconds and a thread with a stack of its own: ask outside of apply.
    ///
    /// # Errors
    /// A sentence that says why there is no answer: a value that is missing or of the wrong type, or a result that is
    /// neither true nor false.
    pub fn evaluate(&self, facts: &Facts) -> Result<bool, String> {
        deep(|| self.answer(facts))?
    }

    fn answer(&self, facts: &Facts) -> Result<bool, String> {
        let about = if facts.answer.is_some() { About::Answer } else { About::Run };
        let (program, _) = compile(&self.source, about)?;
        let mut context = Context::default();
        facts.bind(&mut context)?;
        match program.execute(&context) {
            Ok(Value::Bool(answer)) => Ok(answer),
            Ok(other) => {
                Err(format!("`{}` is {}, where true or false is needed", self.source, other.type_of()))
            }
            Err(error) => Err(format!("`{}` has no answer: {}", self.source, sentence(&error))),
        }
    }
}

fn compile(text: &str, about: About) -> Result<(Program, Mentions), String> {
    bounds::check(text)?;
    let program = Program::compile(text).map_err(|errors| syntax(text, &errors))?;
    let mentions = names::check(text, about, program.expression())?;
    Ok((program, mentions))
}

fn syntax(text: &str, errors: &cel::ParseErrors) -> String {
    let Some(error) = errors.errors.first() else {
        return "this is not CEL".to_owned();
    };
    if error.msg.contains("Recursion limit") {
        return "the condition is nested too deep; let a step work part of it out, and ask for its output"
            .to_owned();
    }
    let what = error.msg.split(" expecting ").next().unwrap_or_default();
    let (what, how) = plain(what.trim_start_matches("Syntax error: "));
    let (line, column) = error.pos;
    let place = if text.contains('\n') {
        format!("line {line}, character {column}")
    } else {
        format!("character {column}")
    };
    format!("{} at {place} of the condition; {how}", shortened(&what))
}

/// What the parser says, in words for somebody who writes one condition a year.
fn plain(what: &str) -> (String, &'static str) {
    if what.starts_with("token recognition error at: '=") {
        return ("there is a single `=`".to_owned(), "compare with `==`");
    }
    if let Some(at) = what.strip_prefix("token recognition error at: ") {
        return (format!("{at} is not CEL"), "look for a quote that is not closed, or a character too many");
    }
    if what.contains("<EOF>") {
        return ("the condition ends too early".to_owned(), "add what is missing, or close the bracket");
    }
    if let Some(input) = what.strip_prefix("extraneous input ") {
        return (
            format!("{input} is too much"),
            "join two conditions with `&&` or `||`; text stands in quotes",
        );
    }
    (format!("this is not CEL: {what}"), "write a condition such as `params.to == \"west\"`")
}

fn sentence(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            format!("there is no `{key}`; ask with `has(…)` first where it may be missing")
        }
        ExecutionError::NoSuchOverload(wrong) => {
            let operator = wrong.function().trim_matches('_').to_owned();
            let found = wrong.argument_types().join(" and ");
            format!(
                "`{operator}` does not take {found}; outputs are text, so make numbers of them with `int(…)` or `double(…)`"
            )
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
