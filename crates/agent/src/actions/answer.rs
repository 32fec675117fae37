//! What a native action says of itself: to the supervisor by its exit code, to people by its last line.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use baton_plan::native::NOTHING_HAPPENED;

/// The exit code of an action that was never begun.
const ABANDONED: i32 = 76;
const UNKNOWN: i32 = 3;

/// What became of an action, or what a question was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done; yes.
    Done(Said),
    /// The target refused it, and what it did before nobody says; no.
    Failed(String),
    /// It failed, and provably nothing happened.
    NothingHappened(String),
    /// Nobody can say.
    Unknown(String),
    /// It was not begun and never will be.
    Abandoned(String),
}

/// What an action leaves behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) outputs: Vec<(String, String)>,
    /// What the target answered.
    pub(crate) text: String,
}

/// How a native action came to its end, as its supervisor sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Done,
    /// With its exit code.
    Failed(i32),
    Abandoned,
    Unknown,
}

/// What an exit code says. One that no answer has is a defect, after which nobody knows.
pub(crate) fn told(code: i32) -> Told {
    match code {
        0 => Told::Done,
        1 | NOTHING_HAPPENED => Told::Failed(code),
        ABANDONED => Told::Abandoned,
        _ => Told::Unknown,
    }
}

impl Answer {
    /// Done, with outputs.
    pub(crate) fn done(outputs: impl IntoIterator<Item = (&'static str, String)>) -> Answer {
        let outputs = outputs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Answer::Done(Said { outputs, text: String::new() })
    }

    /// It was so before.
    pub(crate) fn already() -> Answer {
        Answer::done([("already", "true".to_owned())])
    }

    /// Writes the outputs down, says the reason on stderr, and gives the exit code.
    pub(crate) fn tell(self, output: &Path) -> i32 {
        let (code, reason) = match self {
            Answer::Done(said) => {
                print!("{}", said.text);
                if let Err(error) = write_outputs(output, &said.outputs) {
                    // It is done all the same; whoever needs an output learns that it is missing.
                    eprintln!("its outputs could not be written down: {error}");
                }
                return 0;
            }
            Answer::Failed(reason) => (1, reason),
            Answer::NothingHappened(reason) => (NOTHING_HAPPENED, reason),
            Answer::Abandoned(reason) => (ABANDONED, reason),
            Answer::Unknown(reason) => (UNKNOWN, reason),
        };
        eprintln!("{}", one_line(&reason));
        code
    }
}

fn write_outputs(path: &Path, outputs: &[(String, String)]) -> io::Result<()> {
    let mut lines = String::new();
    for (key, value) in outputs {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{}={}", output_name(key), one_line(value));
    }
    if lines.is_empty() {
        return Ok(());
    }
    OpenOptions::new().create(true).append(true).open(path)?.write_all(lines.as_bytes())
}

/// A column may have any name, an output only a plain one.
fn output_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    match name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        true => name,
        false => format!("_{name}"),
    }
}

fn one_line(text: &str) -> String {
    text.trim().replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        let text = || "why".to_owned();
        assert_eq!(told(Answer::already().tell(&output)), Told::Done);
        assert_eq!(told(Answer::Failed(text()).tell(&output)), Told::Failed(1));
        assert_eq!(told(Answer::NothingHappened(text()).tell(&output)), Told::Failed(75));
        assert_eq!(told(Answer::Abandoned(text()).tell(&output)), Told::Abandoned);
        assert_eq!(told(Answer::Unknown(text()).tell(&output)), Told::Unknown);
        assert_eq!(told(101), Told::Unknown, "a panic");
        assert_eq!(std::fs::read_to_string(output).unwrap(), "already=true\n");
    }

    #[test]
    fn outputs_are_plain_lines() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        let outputs = [("?column?".to_owned(), "a\nb".to_owned()), ("1st".to_owned(), "x".to_owned())];
        write_outputs(&output, &outputs).unwrap();
        assert_eq!(std::fs::read_to_string(output).unwrap(), "_column_=a b\n_1st=x\n");
    }
}
