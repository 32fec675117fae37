//! The `${…}` in a plan's fields: literal text mixed with values that a run knows.

mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// Text with references in it, such as `${params.to}` or `--lag=${steps.lag.outputs.seconds}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Piece {
    Text(String),
    Reference(Reference),
}

/// One `${…}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reference {
    /// `${params.NAME}`
    Param(String),
    /// `${run.FIELD}`
    Run(RunField),
    /// `${steps.STEP.outputs.KEY}`
    Output {
        /// The step that gives the output.
        step: String,
        /// The output's name.
        key: String,
    },
    /// `${item}`: the item of a fan-out.
    Item,
}

/// What a plan may ask about its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RunField {
    /// The run's id.
    Id,
    /// `graceful` or `ungraceful`.
    Mode,
    /// `true` in a drill.
    Drill,
    /// The plan's name.
    Plan,
    /// Who started the run.
    Operator,
}

impl RunField {
    /// All of them, as they are written.
    pub const NAMES: [&str; 5] = ["id", "mode", "drill", "plan", "operator"];

    /// The field's name in a plan.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    fn of(name: &str) -> Option<Self> {
        let all = [Self::Id, Self::Mode, Self::Drill, Self::Plan, Self::Operator];
        all.into_iter().find(|field| field.name() == name)
    }
}

/// The values that references stand for.
pub trait Scope {
    /// The run's value for a parameter.
    fn param(&self, name: &str) -> Option<String>;
    /// A fact about the run itself.
    fn run(&self, field: RunField) -> String;
    /// What a step left behind under a key.
    fn output(&self, step: &str, key: &str) -> Option<String>;
    /// The item of the fan-out that the step belongs to.
    fn item(&self) -> Option<String>;
}

/// A reference that the run has no value for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(pub Reference);

impl std::error::Error for Missing {}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reference::Param(name) => {
                write!(f, "`{}` has no value: the run was started without parameter `{name}`", self.0)
            }
            Reference::Run(_) | Reference::Item => write!(f, "`{}` has no value in this run", self.0),
            Reference::Output { step, key } => write!(
                f,
                "`{}` has no value: step `{step}` left no output `{key}`; it must write a line `{key}=…` to the file that BATON_OUTPUT names",
                self.0
            ),
        }
    }
}

impl Template {
    /// Text without references; `${` in it means itself.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Text(text.into())] }
    }

    /// One reference by itself.
    pub(crate) fn of(reference: Reference) -> Self {
        Self { pieces: vec![Piece::Reference(reference)] }
    }

    /// Reads text with references; `$${` stands for `${` itself.
    ///
    /// # Errors
    /// When a `${` is not closed, or does not name something that a run knows.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        parse::pieces(text).map(|pieces| Self { pieces })
    }

    /// Fills the references in.
    ///
    /// # Errors
    /// The first reference that the scope has no value for.
    pub fn render(&self, scope: &dyn Scope) -> Result<String, Missing> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Reference(reference) => text.push_str(&value(reference, scope)?),
            }
        }
        Ok(text)
    }

    /// The text itself when there is nothing to fill in.
    pub fn as_literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The same text with other text in the place of some references.
    pub(crate) fn replaced(&self, by: impl Fn(&Reference) -> Option<Template>) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        for piece in &self.pieces {
            let other = match piece {
                Piece::Reference(reference) => by(reference).map(|template| template.pieces),
                Piece::Text(_) => None,
            };
            for piece in other.unwrap_or_else(|| vec![piece.clone()]) {
                match (pieces.last_mut(), piece) {
                    (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
                    (_, piece) => pieces.push(piece),
                }
            }
        }
        Self { pieces }
    }

    /// Every reference, in the order in which they are written.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Text(_) => None,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace("${", "$${")),
            Piece::Reference(reference) => reference.fmt(f),
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name) => write!(f, "${{params.{name}}}"),
            Self::Run(field) => write!(f, "${{run.{}}}", field.name()),
            Self::Output { step, key } => write!(f, "${{steps.{step}.outputs.{key}}}"),
            Self::Item => f.write_str("${item}"),
        }
    }
}

fn value(reference: &Reference, scope: &dyn Scope) -> Result<String, Missing> {
    let found = match reference {
        Reference::Param(name) => scope.param(name),
        Reference::Run(field) => Some(scope.run(*field)),
        Reference::Output { step, key } => scope.output(step, key),
        Reference::Item => scope.item(),
    };
    found.ok_or_else(|| Missing(reference.clone()))
}

#[cfg(test)]
mod tests;
