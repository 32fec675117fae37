//! Where problems gather, and the path that says which field each is about.

use std::fmt;

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
}

impl Report {
    pub(super) fn add(&mut self, path: &Path<'_>, at: Position, fault: Fault) {
        if self.is_full() {
            self.unlisted += 1;
        } else {
            self.problems.push(problem(path, at, fault));
        }
    }

    /// A problem that would not be listed any more.
    pub(super) fn count(&mut self) {
        self.unlisted += 1;
    }

    pub(super) fn warn(&mut self, path: &Path<'_>, at: Position, fault: Fault) {
        if self.warnings.len() < MAX_LISTED {
            self.warnings.push(problem(path, at, fault));
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
            self.problems.push(problem(
                &Path::Top,
                last,
                Fault::new(message, "mend the ones above and check again"),
            ));
        }
        Err(self.problems)
    }
}

fn problem(path: &Path<'_>, at: Position, fault: Fault) -> Problem {
    let path = harmless(&path.to_string());
    Problem {
        line: at.line,
        column: at.column,
        path,
        message: harmless(&fault.message),
        help: harmless(&fault.help),
    }
}
