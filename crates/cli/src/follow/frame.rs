//! The live picture of a run: a header, and a line a step as far as the terminal goes.

use baton_client::view::{RunView, StepView};
use owo_colors::{OwoColorize, Style};

use crate::render::{glyph, printable, span, style};

/// What fits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// Lines that are not steps: the header, what was lost, the legend, and room for the cursor.
const FRAMING: usize = 4;

/// The picture `since_ms` after the view was told. Every line fits the width.
pub(crate) fn frame(run: &RunView, since_ms: u64, lost: Option<&str>, size: Size) -> String {
    let mut lines = vec![header(run, since_ms, size)];
    if let Some(why) = lost {
        let text =
            fit(&format!("  the coordinator is gone ({why}); looking for the next leader"), size.columns);
        lines.push(text.yellow().to_string());
    }
    let widths = Widths::of(run);
    for line in rows(run, size.rows.saturating_sub(FRAMING).max(3)) {
        lines.push(match line {
            Row::Step(step) => step_line(step, since_ms, &widths, size.columns),
            Row::Collapsed(text) => text.dimmed().to_string(),
        });
    }
    lines.join("\n")
}

fn header(run: &RunView, since_ms: u64, size: Size) -> String {
    let done = run.steps.iter().filter(|step| is_done(step)).count();
    let takeovers = match run.takeovers {
        0 => String::new(),
        1 => " · 1 takeover".to_owned(),
        more => format!(" · {more} takeovers"),
    };
    let elapsed = span(run.elapsed_ms + if run.has_ended() { 0 } else { since_ms });
    let reason = run.reason.as_ref().map(|reason| format!(" · {}", printable(reason))).unwrap_or_default();
    let text = format!(
        "{} {} {} · {} · {done}/{} steps · {elapsed}{takeovers}{reason}",
        glyph(&run.status),
        run.status,
        run.plan,
        run.run,
        run.steps.len()
    );
    fit(&text, size.columns).style(style(&run.status).bold()).to_string()
}

/// As in the list of runs: what may fail and did is done, too.
fn is_done(step: &StepView) -> bool {
    matches!(step.status.as_str(), "succeeded" | "skipped") || (step.optional && step.status == "failed")
}

enum Row<'a> {
    Step(&'a StepView),
    Collapsed(String),
}

/// All steps where they fit. Else what goes on or is wrong, and as much around it as there is
/// room for; what is left out is counted.
fn rows(run: &RunView, most: usize) -> Vec<Row<'_>> {
    if run.steps.len() <= most {
        return run.steps.iter().map(Row::Step).collect();
    }
    let quiet =
        |step: &&StepView| matches!(step.status.as_str(), "succeeded" | "skipped" | "waiting" | "undone");
    let loud: Vec<_> = run.steps.iter().filter(|step| !quiet(step)).take(most - 2).collect();
    let room = most - 2 - loud.len();
    let next: Vec<_> = run.steps.iter().filter(|step| step.status == "waiting").take(room).collect();
    let done = run.steps.iter().filter(|step| quiet(step) && step.status != "waiting").count();
    let hidden = run.steps.len() - done - loud.len() - next.len();
    let mut rows = vec![Row::Collapsed(format!("  ✓ {done} steps are done"))];
    rows.extend(loud.into_iter().chain(next).map(Row::Step));
    rows.push(Row::Collapsed(format!("  · {hidden} more steps")));
    rows
}

struct Widths {
    step: usize,
    region: usize,
    agent: usize,
}

impl Widths {
    fn of(run: &RunView) -> Self {
        let widest = |text: &dyn Fn(&StepView) -> usize| run.steps.iter().map(text).max().unwrap_or(0);
        Self {
            step: widest(&|step| step.step.chars().count()).min(40),
            region: widest(&|step| step.region.as_deref().unwrap_or("").chars().count()).min(16),
            agent: widest(&|step| agent(step).chars().count()).min(20),
        }
    }
}

fn agent(step: &StepView) -> &str {
    step.last_attempt().and_then(|attempt| attempt.agent.as_deref()).unwrap_or("")
}

fn step_line(step: &StepView, since_ms: u64, widths: &Widths, columns: usize) -> String {
    let path = if step.critical { "◆" } else { " " };
    let name = format!("{:<width$}", fit(&step.step, widths.step), width = widths.step);
    let rest = format!(
        "  {:<region$}  {:<agent$}  {:>7}  {}",
        fit(step.region.as_deref().unwrap_or(""), widths.region),
        fit(agent(step), widths.agent),
        time(step, since_ms),
        words(step),
        region = widths.region,
        agent = widths.agent,
    );
    let rest = fit(rest.trim_end(), columns.saturating_sub(widths.step + 4));
    let look = style(&step.status);
    format!(
        "{} {} {}{rest}",
        path.style(Style::new().magenta()),
        glyph(&step.status).style(look),
        name.style(look)
    )
}

/// How long the attempts of a step have taken; nothing for a step that has none.
fn time(step: &StepView, since_ms: u64) -> String {
    let Some(last) = step.last_attempt() else { return String::new() };
    let recorded: u64 = step.attempts.iter().map(|attempt| attempt.elapsed_ms).sum();
    span(recorded + if last.outcome.is_none() { since_ms } else { 0 })
}

/// Whatever is not said by the glyph already.
fn words(step: &StepView) -> String {
    let mut words = Vec::new();
    if !matches!(step.status.as_str(), "running" | "succeeded" | "waiting") {
        words.push(step.status.clone());
    }
    if step.attempts.len() > 1 {
        words.push(format!("attempt {}", step.attempts.len()));
    }
    let reason = step.reason.as_deref().filter(|_| step.status != "succeeded");
    words.extend(reason.map(printable));
    words.join(", ")
}

/// The text, cut so that it takes so many columns at most.
fn fit(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    kept + "…"
}
