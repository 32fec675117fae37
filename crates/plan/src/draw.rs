//! A plan's graph for people: as text in levels, for Mermaid, and for Graphviz. The critical path is marked, and a run's
//! graph shows where each step stands.

mod label;
mod look;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write;

use label::label;
use look::{colour, dot_shape, mermaid_shape};

use crate::graph::Graph;
use crate::plan::{Plan, StepIndex};

/// What the drawing is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A terminal.
    Text,
    /// Mermaid, as code forges show it.
    Mermaid,
    /// Graphviz.
    Dot,
}

/// Draws the graph; ends with a newline.
pub fn draw(plan: &Plan, format: Format) -> String {
    draw_with_status(plan, format, &|_| None)
}

/// [`draw`] with where each step stands in a run, by the step's name. The contract's word stands first in it: it gives
/// the step its colour.
pub fn draw_with_status(plan: &Plan, format: Format, status: &dyn Fn(&str) -> Option<String>) -> String {
    let graph = Graph::of(plan);
    let path = graph.critical_path();
    let on_path = path.iter().copied().zip(0..).collect();
    let status = plan.steps.iter().map(|step| status(&step.name)).collect();
    let drawing = Drawing { plan, on_path, path, graph, status };
    match format {
        Format::Text => drawing.text(),
        Format::Mermaid => drawing.mermaid(),
        Format::Dot => drawing.dot(),
    }
}

struct Drawing<'a> {
    plan: &'a Plan,
    graph: Graph,
    path: Vec<StepIndex>,
    /// The place of each step that is on the path.
    on_path: BTreeMap<StepIndex, usize>,
    /// Where each step stands.
    status: Vec<Option<String>>,
}

impl Drawing<'_> {
    fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        let mut colours: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (index, step) in self.plan.steps.iter().enumerate() {
            let mark = if self.on_path.contains_key(&index) { ":::critical" } else { "" };
            let label = self.label(index, "<br/>").replace('"', "#quot;");
            let (open, close) = mermaid_shape(&step.work.action);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  s{index}{open}\"{label}\"{close}{mark}");
            if let Some(colour) = self.status[index].as_deref().and_then(colour) {
                colours.entry(colour).or_default().push(format!("s{index}"));
            }
        }
        for (from, to) in self.edges() {
            let arrow = if self.is_on_path(from, to) { "==>" } else { "-->" };
            let _ = writeln!(text, "  s{from} {arrow} s{to}");
        }
        for (colour, steps) in colours {
            let _ = writeln!(text, "  style {} fill:{colour}", steps.join(","));
        }
        text + "  classDef critical stroke-width:3px\n"
    }

    fn dot(&self) -> String {
        let name = |index: StepIndex| quoted(&self.plan.steps[index].name);
        let mut text =
            format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n", quoted(&self.plan.name));
        for (index, step) in self.plan.steps.iter().enumerate() {
            let shape =
                dot_shape(&step.work.action).map(|shape| format!(", shape={shape}")).unwrap_or_default();
            let mark = self.on_path.contains_key(&index).then_some("bold");
            let colour = self.status[index].as_deref().and_then(colour);
            let styles: Vec<_> = mark.into_iter().chain(colour.map(|_| "filled")).collect();
            let style = match styles.as_slice() {
                [] => String::new(),
                [one] => format!(", style={one}"),
                all => format!(", style=\"{}\"", all.join(",")),
            };
            let fill = colour.map(|colour| format!(", fillcolor=\"{colour}\"")).unwrap_or_default();
            let label = quoted(&self.label(index, "\n"));
            let _ = writeln!(text, "  {} [label={label}{shape}{style}{fill}];", name(index));
        }
        for (from, to) in self.edges() {
            let mark = if self.is_on_path(from, to) { " [style=bold]" } else { "" };
            let _ = writeln!(text, "  {} -> {}{mark};", name(from), name(to));
        }
        text + "}\n"
    }

    fn label(&self, index: StepIndex, newline: &str) -> String {
        let mut lines = label(&self.plan.steps[index]);
        lines.extend(self.status[index].clone());
        lines.join(newline)
    }

    fn edges(&self) -> impl Iterator<Item = (StepIndex, StepIndex)> {
        let steps = self.plan.steps.iter().enumerate();
        steps.flat_map(|(index, step)| step.needs.iter().map(move |need| (*need, index)))
    }

    fn is_on_path(&self, from: StepIndex, to: StepIndex) -> bool {
        self.on_path.get(&from).is_some_and(|at| self.path.get(at + 1) == Some(&to))
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests;
