//! What fields ask about: the parameters, outputs and items that their references and conditions name.

use std::fmt;

use super::fields::Field;
use super::report::Report;
use crate::document::Position;
use crate::expression::Mentions;
use crate::reference::{Reference, Template};

/// Something that a field asks about, and which field it is.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) what: What,
    pub(super) path: String,
    pub(super) at: Position,
    /// The field belongs to an `undo`, which comes after the step itself.
    pub(super) in_undo: bool,
}

#[derive(Debug)]
pub(super) enum What {
    Param(String),
    /// How a step ended.
    Status(String),
    /// What a step left behind; a condition may ask for any of it.
    Output(String, Option<String>),
    Item,
    /// How much the plan promises: `rto` or `rpo`.
    Objective(String),
}

impl Report {
    /// Remembers what a text asks about, to be looked at when all steps are known.
    pub(super) fn ask_template(&mut self, field: &Field<'_>, template: &Template) {
        for reference in template.references() {
            let what = match reference {
                Reference::Param(name) => What::Param(name.clone()),
                Reference::Output { step, key } => What::Output(step.clone(), Some(key.clone())),
                Reference::Item => What::Item,
                Reference::Run(_) => continue,
            };
            self.ask(field, what);
        }
    }

    /// [`Self::ask_template`] for a condition.
    pub(super) fn ask_condition(&mut self, field: &Field<'_>, mentions: Mentions) {
        mentions.params.into_iter().for_each(|name| self.ask(field, What::Param(name)));
        mentions.objectives.into_iter().for_each(|name| self.ask(field, What::Objective(name)));
        for step in mentions.steps {
            let what = match mentions.outputs.contains(&step) {
                true => What::Output(step, None),
                false => What::Status(step),
            };
            self.ask(field, what);
        }
    }

    fn ask(&mut self, field: &Field<'_>, what: What) {
        let ask = Ask { what, path: field.path.to_string(), at: field.node.at, in_undo: self.in_undo };
        self.asks.push(ask);
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Param(name) => write!(f, "${{params.{name}}}"),
            What::Status(step) => write!(f, "steps[\"{step}\"].status"),
            What::Output(step, None) => write!(f, "steps[\"{step}\"].outputs"),
            What::Output(step, Some(key)) => write!(f, "${{steps.{step}.outputs.{key}}}"),
            What::Item => f.write_str("${item}"),
            What::Objective(name) => write!(f, "objectives.{name}"),
        }
    }
}
