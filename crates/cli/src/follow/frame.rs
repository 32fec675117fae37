//! The live picture of a run: a header, and a line a step as far as the terminal goes.

use baton_client::view::{RunView, StepView};
use owo_colors::{OwoColorize, Style};

use crate::render::{Branch, glyph, printable, span, style, tree, why};

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
    let branches = tree(run);
    let mut lines = vec![header(run, &branches, since_ms, size)];
    if let Some(why) = lost {
        let text =
            fit(&format!("  the coordinator is gone ({why}); looking for the next leader"), size.columns);
        lines.push(text.yellow().to_string());
    }
    let widths = Widths::of(&branches);
    for line in rows(&branches, size.rows.saturating_sub(FRAMING).max(3)) {
        lines.push(match line {
            Row::Step(branch) => step_line(run, branch, since_ms, &widths, size.columns),
            Row::Collapsed(text) => text.dimmed().to_string(),
        });
    }
    lines.join("\n")
}

fn header(run: &RunView, branches: &[Branch<'_>], since_ms: u64, size: Size) -> String {
    // A group is as far as its parts are.
    let steps: Vec<_> = branches.iter().filter(|branch| branch.parts.is_none()).collect();
    let done = steps.iter().filter(|branch| branch.step.is_done()).count();
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
        steps.len()
    );
    fit(&text, size.columns).style(style(&run.status).bold()).to_string()
}

enum Row<'a> {
    Step(&'a Branch<'a>),
    Collapsed(String),
}

/// All steps where they fit. Else what goes on or is wrong, and as much around it as there is
/// room for; what is left out is counted.
fn rows<'a>(branches: &'a [Branch<'a>], most: usize) -> Vec<Row<'a>> {
    if branches.len() <= most {
        return branches.iter().map(Row::Step).collect();
    }
    let is_quiet = |branch: &&Branch<'_>| {
        matches!(branch.step.status.as_str(), "succeeded" | "skipped" | "waiting" | "undone")
    };
    let waits = |branch: &&Branch<'_>| branch.step.status == "waiting";
    let loud: Vec<_> = branches.iter().filter(|branch| !is_quiet(branch)).take(most - 2).collect();
    let room = most - 2 - loud.len();
    let next: Vec<_> = branches.iter().filter(waits).take(room).collect();
    let done = branches.iter().filter(|branch| is_quiet(branch) && !waits(branch)).count();
    let hidden = branches.len() - done - loud.len() - next.len();
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
    fn of(branches: &[Branch<'_>]) -> Self {
        let widest = |text: &dyn Fn(&Branch<'_>) -> usize| branches.iter().map(text).max().unwrap_or(0);
        Self {
            step: widest(&|branch| branch.name().chars().count()).min(40),
            region: widest(&|branch| branch.step.region.as_deref().unwrap_or("").chars().count()).min(16),
            agent: widest(&|branch| agent(branch.step).chars().count()).min(20),
        }
    }
}

fn agent(step: &StepView) -> &str {
    step.last_attempt().and_then(|attempt| attempt.agent.as_deref()).unwrap_or("")
}

fn step_line(run: &RunView, branch: &Branch<'_>, since_ms: u64, widths: &Widths, columns: usize) -> String {
    let step = branch.step;
    let path = if step.critical { "◆" } else { " " };
    let name = format!("{:<width$}", fit(&branch.name(), widths.step), width = widths.step);
    let rest = format!(
        "  {:<region$}  {:<agent$}  {:>7}  {}",
        fit(step.region.as_deref().unwrap_or(""), widths.region),
        fit(agent(step), widths.agent),
        time(step, since_ms),
        words(run, branch),
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
fn words(run: &RunView, branch: &Branch<'_>) -> String {
    let step = branch.step;
    let mut words = Vec::new();
    if !matches!(step.status.as_str(), "running" | "succeeded" | "waiting") {
        words.push(step.status.clone());
    }
    if step.attempts.len() > 1 {
        words.push(format!("attempt {}", step.attempts.len()));
    }
    if step.status != "succeeded" {
        words.push(why(run, branch));
    }
    words.retain(|word| !word.is_empty());
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
