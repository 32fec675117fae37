//! One run, as a page.

use std::fmt::Write;

use baton_client::view::{AttemptView, Decided, RunView, Started, StepView};
use owo_colors::{OwoColorize, Style};

use super::{Cell, Table, glyph, printable, span, style};
use crate::output::Data;

/// So many lines of what a failed step complained about.
const TAIL_LINES: usize = 5;

impl Data for RunView {
    fn table(&self) -> String {
        let mut page = header(self);
        page.push('\n');
        page += &steps(self);
        if self.steps.iter().any(|step| step.critical) {
            let _ = writeln!(page, "{}", "◆ on the critical path".dimmed());
        }
        for step in self.steps.iter().filter(|step| matches!(step.status.as_str(), "failed" | "in_doubt")) {
            page += &complaint(step);
        }
        for line in advice(self) {
            let _ = write!(page, "\n{line}");
        }
        page.trim_end().to_owned() + "\n"
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}

fn header(run: &RunView) -> String {
    let mut header = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(header, "{} {value}", format!("{name:<10}").dimmed());
    };
    let reason = run.reason.as_ref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
    let status = format!("{} {}", glyph(&run.status), run.status);
    line("run", run.run.bold().to_string());
    line("plan", format!("{}, version {}", run.plan, run.plan_version));
    line("status", format!("{}{reason}", status.style(style(&run.status).bold())));
    line("mode", if run.drill { format!("{}, a drill", run.mode) } else { run.mode.clone() });
    line("started", started(run));
    line("took", took(run));
    if let Some(objectives) = objectives(run) {
        line("objective", objectives);
    }
    if !run.params.is_empty() {
        let params: Vec<_> =
            run.params.iter().map(|(name, value)| format!("{name}={}", printable(value))).collect();
        line("params", params.join(" "));
    }
    if run.takeovers > 0 {
        line(
            "takeovers",
            format!("{} (leaders that took the run over while it was under way)", run.takeovers),
        );
    }
    if run.exceptions > 0 {
        line("exceptions", format!("{} (optional steps that failed)", run.exceptions));
    }
    header
}

fn started(run: &RunView) -> String {
    let at = run.started_at.map_or_else(|| "not yet".to_owned(), |at| at.to_string());
    if run.operator.is_empty() { at } else { format!("{at} by {}", printable(&run.operator)) }
}

fn took(run: &RunView) -> String {
    let so_far = if run.has_ended() { "" } else { " so far" };
    let predicted = run.predicted_ms.map(|ms| format!(" (the plan's estimates say {})", span(ms)));
    format!("{}{so_far}{}", span(run.elapsed_ms), predicted.unwrap_or_default())
}

/// What the plan promises, and whether the recovery time has held so far.
fn objectives(run: &RunView) -> Option<String> {
    let rto = run.objectives.rto_ms.map(|rto_ms| {
        let held = match (run.elapsed_ms <= rto_ms, run.has_ended()) {
            (true, true) => "kept",
            (true, false) => "still within",
            (false, _) => "missed",
        };
        format!("recovery time {} ({held})", baton_plan::duration::written(rto_ms))
    });
    let rpo = run.objectives.rpo_ms.map(|ms| format!("recovery point {}", baton_plan::duration::written(ms)));
    let both: Vec<_> = rto.into_iter().chain(rpo).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

fn steps(run: &RunView) -> String {
    let mut table = Table::new(&["", "STEP", "STATUS", "REGION", "AGENT", "ATTEMPTS", "TIME", "REASON"]);
    for step in &run.steps {
        let last = step.last_attempt();
        let attempts = step.attempts.len();
        let time_ms: u64 = step.attempts.iter().map(|attempt| attempt.elapsed_ms).sum();
        let status = format!("{} {}", glyph(&step.status), step.status);
        let reason = step.reason.as_deref().or_else(|| last.and_then(|attempt| attempt.reason.as_deref()));
        table.row([
            Cell::new(if step.critical { "◆" } else { " " }, Style::new().magenta()),
            Cell::new(&step.step, if step.critical { Style::new().bold() } else { Style::new() }),
            Cell::new(status, style(&step.status)),
            step.region.as_deref().unwrap_or("-").into(),
            last.and_then(|attempt| attempt.agent.as_deref()).unwrap_or("-").into(),
            if attempts == 0 { "-".to_owned() } else { attempts.to_string() }.into(),
            if attempts == 0 { "-".to_owned() } else { span(time_ms) }.into(),
            reason.unwrap_or_default().into(),
        ]);
    }
    table.text()
}

/// What the last attempt of a step left behind, for whoever has to find out why.
fn complaint(step: &StepView) -> String {
    let Some(attempt) = step.last_attempt() else { return String::new() };
    let said = if attempt.stderr.trim().is_empty() { &attempt.stdout } else { &attempt.stderr };
    let lines: Vec<_> = said.trim_end().lines().collect();
    let mut text = format!("\n{} {}\n", step.step.bold(), what_happened(attempt).dimmed());
    for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
        let _ = writeln!(text, "  {}", printable(line));
    }
    text
}

fn what_happened(attempt: &AttemptView) -> String {
    let code = attempt.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    let outcome = attempt.outcome.as_deref().unwrap_or("under way");
    format!("attempt {} {outcome}{code}, token {}", attempt.attempt, attempt.token)
}

/// What an operator can do now, if the run waits for one.
pub(crate) fn advice(run: &RunView) -> Vec<String> {
    if run.has_ended() {
        return Vec::new();
    }
    let id = &run.run;
    let doubts = run.steps.iter().filter(|step| step.status == "in_doubt").flat_map(|step| {
        let agent = step.last_attempt().and_then(|attempt| attempt.agent.as_deref());
        let (name, region) = (&step.step, step.region.as_deref());
        let place = agent.or(region).unwrap_or("its target");
        [
            format!("{name} may or may not have happened, and is never tried again by itself. Look at {place}, then say:"),
            format!("  baton run resolve {id} {name} --as succeeded|failed|retry --reason TEXT"),
        ]
    });
    let mut lines: Vec<_> = doubts.collect();
    if run.status == "paused" {
        lines.push("The run is paused: nothing new starts until a person decides.".into());
        lines.push(format!("  baton run resume {id}    or    baton run cancel {id}"));
    }
    lines
}

impl Data for Started {
    fn table(&self) -> String {
        format!("{} started; follow it with: baton run watch {}\n", self.run.bold(), self.run)
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}

impl Data for Decided {
    fn table(&self) -> String {
        format!("{} is {}\n", self.run, self.status.style(style(&self.status)))
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}
