//! How a command ends: the exit codes of the contract, and what is said when it is not 0.

use std::fmt::Display;
use std::process::ExitCode;

use baton_client::Error;
use clap::error::ErrorKind;
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use crate::output::Format;
use crate::talk;

/// How a command ended; the numbers are a contract with everyone's scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Ours = 1,
    Usage = 2,
    InvalidPlan = 3,
    NotFound = 4,
    NoQuorum = 5,
    NeedsOperator = 6,
    Refused = 7,
    RunFailed = 8,
    RunUndone = 9,
    WaitTimedOut = 10,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl Exit {
    /// The word for it in the JSON of an error.
    fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ours => "error",
            Self::Usage => "usage",
            Self::InvalidPlan => "invalid_plan",
            Self::NotFound => "not_found",
            Self::NoQuorum => "no_quorum",
            Self::NeedsOperator => "needs_operator",
            Self::Refused => "refused",
            Self::RunFailed => "run_failed",
            Self::RunUndone => "run_undone",
            Self::WaitTimedOut => "wait_timed_out",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why a command did not do what was asked: what happened, to what, and what to do now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    /// What people read below the message; programs have the details.
    page: Option<String>,
    hint: Option<String>,
    /// More about it for programs, beside code, message and hint.
    details: Option<Box<(&'static str, Value)>>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), page: None, hint: None, details: None }
    }

    pub(crate) fn ours(message: impl Into<String>) -> Self {
        Self::new(Exit::Ours, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn page(self, page: impl Into<String>) -> Self {
        Self { page: Some(page.into()), ..self }
    }

    pub(crate) fn details(self, name: &'static str, value: Value) -> Self {
        Self { details: Some(Box::new((name, value))), ..self }
    }

    /// The hint of a registration that stands inside `run start`: what is repeated is the whole command.
    pub(crate) fn of_start(self, request_id: &str) -> Self {
        let inner = format!("{request_id}.plan");
        let outer = |text: String| text.replace(&inner, request_id);
        Self { message: outer(self.message), hint: self.hint.map(outer), ..self }
    }

    /// Says it on stderr in the form that was asked for.
    pub(crate) fn tell(&self, format: Format) -> ExitCode {
        match format {
            Format::Json => talk::say(self.as_json()),
            _ => talk::say(self.as_text()),
        }
        self.exit.into()
    }

    pub(crate) fn as_json(&self) -> Value {
        let mut error = json!({
            "code": self.exit.code(),
            "exit_code": self.exit as u8,
            "message": one_line(&self.message),
            "hint": self.hint.as_deref().map(one_line),
        });
        if let Some((name, value)) = self.details.as_deref() {
            error[*name] = value.clone();
        }
        json!({ "error": error })
    }

    pub(crate) fn as_text(&self) -> String {
        let mut text = match self.exit {
            Exit::Interrupted => self.message.clone(),
            _ => format!("{} {}", "error:".red().bold(), self.message),
        };
        if let Some(page) = &self.page {
            text = format!("{text}\n\n{}", page.trim_end());
        }
        if let Some(hint) = &self.hint {
            text = format!("{text}\n{} {hint}", "hint:".bold());
        }
        text
    }
}

/// Errors that only report.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::ours(format!("{error:#}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NoQuorum(no_quorum) => Self::new(Exit::NoQuorum, message).hint(match no_quorum.request_id {
                Some(id) if no_quorum.may_be_written => format!(
                    "repeat the very same command with --request-id {id}: the cluster does it once at most"
                ),
                _ => "`baton cluster status` shows who is there; --timeout waits longer".to_owned(),
            }),
            Error::NotFound(_) => Self::new(Exit::NotFound, message),
            Error::Refused(_) => Self::new(Exit::Refused, message),
            Error::InvalidPlan(_) => Self::new(Exit::InvalidPlan, message),
            Error::Usage(_) => Self::new(Exit::Usage, message),
            Error::Other(_) => Self::new(Exit::Ours, message),
        }
    }
}

/// A file or folder that could not be used.
pub(crate) fn io(what: impl Display) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| Failure::ours(format!("{what}: {error}"))
}

/// What clap has to say: help is data, everything else is an error, in JSON where that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked_for && wants_json(std::env::args()) {
        return usage_failure(error).tell(Format::Json);
    }
    // A closed stdout or stderr leaves nobody to tell.
    let _ = error.print();
    if asked_for { Exit::Done.into() } else { Exit::Usage.into() }
}

/// What clap says in paragraphs, as a message and what to do now. Its last words, where to find help, say nothing new.
fn usage_failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(one_line).filter(|paragraph| !paragraph.is_empty());
    let message = paragraphs.next().unwrap_or_default();
    let advice = paragraphs.filter(|paragraph| !paragraph.starts_with("For more information"));
    let advice: Vec<_> = advice.map(|text| text.trim_start_matches("tip: ").to_owned()).collect();
    let failure = Failure::usage(message.trim_start_matches("error: "));
    if advice.is_empty() { failure } else { failure.hint(advice.join("; ")) }
}

/// The text without its layout.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The arguments could not be understood, so the format is looked for by itself.
fn wants_json(arguments: impl Iterator<Item = String>) -> bool {
    let arguments: Vec<_> = arguments.collect();
    let pair = |pair: &[String]| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json";
    let alone = |argument: &String| matches!(argument.as_str(), "-ojson" | "-o=json" | "--output=json");
    arguments.windows(2).any(pair) || arguments.iter().any(alone)
}

#[cfg(test)]
mod tests;
