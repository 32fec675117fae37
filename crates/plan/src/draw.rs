//! A plan's graph for people: as text in levels, for Mermaid, and for Graphviz. The critical path is marked.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::graph::{Graph, estimate_ms};
use crate::plan::{Action, Plan, Step, StepIndex};

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
    let graph = Graph::of(plan);
    let path = graph.critical_path();
    let drawing = Drawing { plan, on_path: path.iter().copied().zip(0..).collect(), path, graph };
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
}

impl Drawing<'_> {
    fn text(&self) -> String {
        let levels = self.levels();
        let total_ms = self.path.first().map_or(0, |first| self.graph.remaining_ms(*first));
        let mut text = format!(
            "{}: {} in {}, about {} along the critical path (◆)\n",
            self.plan.name,
            counted(self.plan.steps.len(), "step"),
            counted(levels.len(), "level"),
            crate::duration::written(total_ms),
        );
        let mut widths = [0; 4];
        for step in &self.plan.steps {
            for (width, column) in widths.iter_mut().zip(columns(step)) {
                *width = (*width).max(column.chars().count());
            }
        }
        for (number, level) in levels.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\nlevel {}", number + 1);
            for index in level {
                let _ = writeln!(text, "{}", self.line(*index, widths).trim_end());
            }
        }
        text
    }

    fn line(&self, index: StepIndex, widths: [usize; 4]) -> String {
        let step = &self.plan.steps[index];
        let mark = if self.on_path.contains_key(&index) { '◆' } else { ' ' };
        let mut line = format!("  {mark} ");
        for (width, column) in widths.into_iter().zip(columns(step)).filter(|(width, _)| *width > 0) {
            let _ = write!(line, "{column:width$}  ");
        }
        let needs: Vec<_> = step.needs.iter().map(|need| self.plan.steps[*need].name.as_str()).collect();
        if !needs.is_empty() {
            let _ = write!(line, "after {}", needs.join(", "));
        }
        line
    }

    /// The steps that may start together when all take the same time, level by level.
    fn levels(&self) -> Vec<Vec<StepIndex>> {
        let mut level_of = vec![0; self.plan.steps.len()];
        for index in self.graph.order() {
            let needs = &self.plan.steps[*index].needs;
            level_of[*index] = needs.iter().map(|need| level_of[*need] + 1).max().unwrap_or(0);
        }
        let mut levels = vec![Vec::new(); level_of.iter().max().map_or(0, |most| most + 1)];
        for (index, level) in level_of.iter().enumerate() {
            levels[*level].push(index);
        }
        levels
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (index, step) in self.plan.steps.iter().enumerate() {
            let mark = if self.on_path.contains_key(&index) { ":::critical" } else { "" };
            let label = label(step, "<br/>").replace('"', "#quot;");
            let _ = writeln!(text, "  s{index}[\"{label}\"]{mark}");
        }
        for (from, to) in self.edges() {
            let arrow = if self.is_on_path(from, to) { "==>" } else { "-->" };
            let _ = writeln!(text, "  s{from} {arrow} s{to}");
        }
        text + "  classDef critical stroke-width:3px\n"
    }

    fn dot(&self) -> String {
        let name = |index: StepIndex| quoted(&self.plan.steps[index].name);
        let mut text =
            format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n", quoted(&self.plan.name));
        for (index, step) in self.plan.steps.iter().enumerate() {
            let mark = if self.on_path.contains_key(&index) { ", style=bold" } else { "" };
            let _ = writeln!(text, "  {} [label={}{mark}];", name(index), quoted(&label(step, "\n")));
        }
        for (from, to) in self.edges() {
            let mark = if self.is_on_path(from, to) { " [style=bold]" } else { "" };
            let _ = writeln!(text, "  {} -> {}{mark};", name(from), name(to));
        }
        text + "}\n"
    }

    fn edges(&self) -> impl Iterator<Item = (StepIndex, StepIndex)> {
        let steps = self.plan.steps.iter().enumerate();
        steps.flat_map(|(index, step)| step.needs.iter().map(move |need| (*need, index)))
    }

    fn is_on_path(&self, from: StepIndex, to: StepIndex) -> bool {
        self.on_path.get(&from).is_some_and(|at| self.path.get(at + 1) == Some(&to))
    }
}

fn columns(step: &Step) -> [String; 4] {
    [step.name.clone(), what(step), place(step), crate::duration::written(estimate_ms(step))]
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn what(step: &Step) -> String {
    let action = match &step.action {
        Action::Command(_) => "command",
        Action::Noop => "noop",
        Action::WaitFor(_) => "wait",
        Action::WaitUntil { .. } => "wait until",
    };
    let once = if step.idempotent { "" } else { ", once" };
    let optional = if step.optional { ", optional" } else { "" };
    format!("{action}{once}{optional}")
}

fn place(step: &Step) -> String {
    step.region.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn label(step: &Step, newline: &str) -> String {
    let place = place(step);
    let place = if place.is_empty() { place } else { format!(" in {place}") };
    format!("{}{newline}{}{place}", step.name, what(step))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests;
