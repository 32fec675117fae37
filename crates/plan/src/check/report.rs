//! Where problems gather and what fields ask about, and the path that says which field each is about.

use std::fmt;

use super::asks::Ask;
use crate::document::Position;
use crate::fault::{Fault, harmless, shortened};
use crate::problem::Problem;

/// More than this nobody reads; a file that is wrong throughout must not cost time and memory without end.
const MAX_LISTED: usize = 100;

/// The way from the top of the file to a value; text only when a problem needs it.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Top,
    Key(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub(super) fn key<'a>(&'a self, name: &'a str) -> Path<'a> {
        Path::Key(self, name)
    }

    pub(super) fn item(&self, index: usize) -> Path<'_> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Top => Ok(()),
            Path::Key(Path::Top, name) => f.write_str(&shortened(name)),
            Path::Key(above, name) => write!(f, "{above}.{}", shortened(name)),
            Path::Item(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

/// The problems and warnings found so far.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
    unlisted: usize,
    warnings: Vec<Problem>,
    pub(super) asks: Vec<Ask>,
    pub(super) in_undo: bool,
}

impl Report {
    pub(super) fn add(&mut self, path: &Path<'_>, at: Position, fault: Fault) {
        match self.is_full() {
            true => self.count(),
            false => self.problems.push(problem(&path.to_string(), at, fault)),
        }
    }

    /// [`Self::add`] for a field that asked about something.
    pub(super) fn add_about(&mut self, ask: &Ask, fault: Fault) {
        match self.is_full() {
            true => self.count(),
            false => self.problems.push(problem(&ask.path, ask.at, fault)),
        }
    }

    /// Everything that was asked about since the last time.
    pub(super) fn take_asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// Reads what belongs to an `undo`.
    pub(super) fn within_undo<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.in_undo = true;
        let read = read(self);
        self.in_undo = false;
        read
    }

    /// A problem that would not be listed any more.
    pub(super) fn count(&mut self) {
        self.unlisted += 1;
    }

    pub(super) fn warn(&mut self, path: &Path<'_>, at: Position, fault: Fault) {
        if self.warnings.len() < MAX_LISTED {
            self.warnings.push(problem(&path.to_string(), at, fault));
        }
    }

    /// Whether further problems are only counted; then no work should go into explaining them.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_LISTED
    }

    /// The warnings, unless there are problems. Both in the order of the file.
    pub(super) fn finish(mut self) -> Result<Vec<Problem>, Vec<Problem>> {
        if self.problems.is_empty() {
            self.warnings.sort();
            return Ok(self.warnings);
        }
        self.problems.sort();
        if self.unlisted > 0 {
            let last = self
                .problems
                .last()
                .map_or(Position::START, |last| Position { line: last.line, column: last.column });
            let message = format!("{} further problems are not listed", self.unlisted);
            self.problems.push(problem("", last, Fault::new(message, "mend the ones above and check again")));
        }
        Err(self.problems)
    }
}

fn problem(path: &str, at: Position, fault: Fault) -> Problem {
    Problem {
        line: at.line,
        column: at.column,
        path: harmless(path),
        code: None,
        message: harmless(&fault.message),
        help: harmless(&fault.help),
    }
}
