//! The graph for a terminal, level by level.

use std::fmt::Write;

use super::Drawing;
use super::label::{holds, place, what};
use crate::graph::estimate_ms;
use crate::plan::StepIndex;

impl Drawing<'_> {
    pub(super) fn text(&self) -> String {
        let levels = self.levels();
        let total_ms = self.path.first().map_or(0, |first| self.graph.remaining_ms(*first));
        let mut text = format!(
            "{}: {} in {}, about {} along the critical path (◆)\n",
            self.plan.name,
            counted(self.plan.steps.len(), "step"),
            counted(levels.len(), "level"),
            crate::duration::written(total_ms),
        );
        let columns: Vec<_> = (0..self.plan.steps.len()).map(|index| self.columns(index)).collect();
        let mut widths = [0; 6];
        for (width, column) in columns.iter().flat_map(|columns| columns.iter().enumerate()) {
            widths[width] = widths[width].max(column.chars().count());
        }
        for (number, level) in levels.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\nlevel {}", number + 1);
            for index in level {
                let _ = writeln!(text, "{}", self.line(*index, &columns[*index], widths).trim_end());
            }
        }
        text
    }

    fn columns(&self, index: StepIndex) -> [String; 6] {
        let step = &self.plan.steps[index];
        let status = self.status[index].clone().unwrap_or_default();
        let lasts = crate::duration::written(estimate_ms(step));
        [step.name.clone(), status, what(step), place(step), lasts, holds(step)]
    }

    fn line(&self, index: StepIndex, columns: &[String; 6], widths: [usize; 6]) -> String {
        let mark = if self.on_path.contains_key(&index) { '◆' } else { ' ' };
        let mut line = format!("  {mark} ");
        for (width, column) in widths.into_iter().zip(columns).filter(|(width, _)| *width > 0) {
            let _ = write!(line, "{column:width$}  ");
        }
        let needs = &self.plan.steps[index].needs;
        let needs: Vec<_> = needs.iter().map(|need| self.plan.steps[*need].name.as_str()).collect();
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
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
