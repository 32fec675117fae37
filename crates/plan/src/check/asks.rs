//! What a step asks about others: the parameters and steps that its references and its condition name.

use super::fields::Fields;
use crate::document::{Node, Position, Value};
use crate::expression::{Expression, Mentions};
use crate::plan::{Action, Command, Probe};
use crate::reference::{Reference, Template};

/// A step or parameter that a field of the step asks about.
pub(super) struct Ask {
    pub(super) what: What,
    /// The field within the step, such as `command[2]`.
    pub(super) place: String,
    pub(super) at: Position,
}

pub(super) enum What {
    Param(String),
    Step(String),
}

/// The parts of a step that may ask about parameters and other steps. What one of them asks is checked even when
/// another is wrong, so that all problems are reported at once.
pub(super) struct Parts {
    pub(super) action: Option<Action>,
    /// `Some(None)`: the step needs none. `None`: it has a wrong one, or lacks one.
    pub(super) region: Option<Option<Template>>,
    pub(super) when: Option<(Expression, Mentions)>,
    pub(super) probe: Option<Probe>,
}

/// Every parameter and step that the fields of a step ask about.
pub(super) fn asks(parts: &Parts, fields: &Fields<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    if let (Some(Some(region)), Some(field)) = (&parts.region, fields.get("region")) {
        template(region, "region", field.node.at, &mut asks);
    }
    if let (Some((_, mentions)), Some(field)) = (&parts.when, fields.get("when")) {
        expression(mentions, field.node.at, &mut asks);
    }
    if let (Some(Action::Command(command)), Some(field)) = (&parts.action, fields.get("command")) {
        arguments(command, "command", field.node, &mut asks);
    }
    if let (Some(Action::WaitUntil { probe, .. }), Some(field)) = (&parts.action, fields.get("wait")) {
        arguments(probe, "wait.until.command", below(field.node, &["until", "command"]), &mut asks);
    }
    if let (Some(Probe { command, .. }), Some(field)) = (&parts.probe, fields.get("probe")) {
        arguments(command, "probe.command", below(field.node, &["command"]), &mut asks);
    }
    asks
}

/// The value under some keys, as far as they lead.
fn below<'a>(node: &'a Node, keys: &[&str]) -> &'a Node {
    keys.iter().fold(node, |node, name| match &node.value {
        Value::Map(entries) => {
            entries.iter().find(|(key, _)| key.name == *name).map_or(node, |(_, value)| value)
        }
        _ => node,
    })
}

fn arguments(command: &Command, place: &str, node: &Node, asks: &mut Vec<Ask>) {
    let (Command::Argv(arguments), Value::List(items)) = (command, &node.value) else { return };
    for (index, (argument, item)) in arguments.iter().zip(items).enumerate() {
        template(argument, &format!("{place}[{index}]"), item.at, asks);
    }
}

fn template(template: &Template, place: &str, at: Position, asks: &mut Vec<Ask>) {
    for reference in template.references() {
        let what = match reference {
            Reference::Param(name) => What::Param(name.clone()),
            Reference::Output { step, .. } => What::Step(step.clone()),
            Reference::Run(_) => continue,
        };
        asks.push(Ask { what, place: place.to_owned(), at });
    }
}

fn expression(mentions: &Mentions, at: Position, asks: &mut Vec<Ask>) {
    let params = mentions.params.iter().cloned().map(What::Param);
    let whats = params.chain(mentions.steps.iter().cloned().map(What::Step));
    asks.extend(whats.map(|what| Ask { what, place: "when".to_owned(), at }));
}
