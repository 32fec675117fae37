//! `baton plan check`: needs no cluster, unless a step uses a template that only the cluster has.

use baton_plan::problem::{render, render_warnings};
use baton_plan::{Described, Finding, Problem, check_document_bytes};
use owo_colors::OwoColorize;
use serde::Serialize;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Data, Format, Output};
use crate::plan_file::{self, warnings};
use crate::shelf::Shelf;
use crate::talk;

/// Flags of `baton plan check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Files with plans and step templates; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Say what a reviewer would, and end with 3 if there is anything
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// What was found in all files.
#[derive(Debug, Default, Serialize)]
struct Report {
    files: Vec<File>,
    problems: Vec<In<Problem>>,
    warnings: Vec<In<Problem>>,
    findings: Vec<In<Finding>>,
    /// All of that, for people.
    #[serde(skip)]
    page: String,
    /// What to do about templates that were not found.
    #[serde(skip)]
    hint: Option<&'static str>,
}

/// One file, as it was understood.
#[derive(Debug, Serialize)]
struct File {
    file: String,
    valid: bool,
    /// `Plan` or `StepTemplate`.
    kind: Option<&'static str>,
    name: Option<String>,
    steps: Option<usize>,
    problems: usize,
    warnings: usize,
    findings: usize,
}

/// Something, and the file that it is in.
#[derive(Debug, Serialize)]
struct In<T> {
    file: String,
    #[serde(flatten)]
    what: T,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (strict, output) = (arguments.strict, arguments.output);
    let mut texts = Vec::new();
    for file in &arguments.files {
        texts.push((file.as_str(), plan_file::read(file)?));
    }
    let mut shelf = Shelf::default();
    for (_, text) in &texts {
        if let Ok(Described::StepTemplate { template, .. }) = check_document_bytes(text, &shelf) {
            shelf.put(&template);
        }
    }
    let cluster = arguments.connection.client_if_named()?;
    let mut report = Report::default();
    for (file, text) in &texts {
        let described = shelf.check(text, cluster.as_ref()).await?;
        report.hint = report.hint.or(shelf.hint());
        report.add(file, &String::from_utf8_lossy(text), described, strict);
    }
    if output.format != Format::Json {
        report.talk(strict);
    }
    output::print(&report, output)?;
    match (report.verdict(strict), output.format) {
        (Some(failure), Format::Json) => Err(failure),
        (Some(failure), _) => Ok(failure.exit),
        (None, _) => Ok(Exit::Done),
    }
}

impl Report {
    fn add(&mut self, file: &str, source: &str, described: Result<Described, Vec<Problem>>, strict: bool) {
        let (mut problems, mut findings, mut odd) = (Vec::new(), Vec::new(), Vec::new());
        let (kind, name, steps) = match described {
            Ok(described) => {
                odd = warnings(&described).to_vec();
                self.page += &render_warnings(source, file, &odd);
                match described {
                    Described::Plan(checked) => {
                        findings = checked.findings;
                        (Some("Plan"), Some(checked.plan.name), Some(checked.plan.steps.len()))
                    }
                    Described::StepTemplate { template, .. } => {
                        (Some("StepTemplate"), Some(template.name), None)
                    }
                }
            }
            Err(found) => {
                self.page += &render(source, file, &found);
                problems = found;
                (None, None, None)
            }
        };
        if strict {
            findings.iter().for_each(|finding| self.page += &paragraph(file, finding));
        }
        self.files.push(File {
            file: file.to_owned(),
            valid: problems.is_empty(),
            kind,
            name,
            steps,
            problems: problems.len(),
            warnings: odd.len(),
            findings: findings.len(),
        });
        self.problems.extend(problems.into_iter().map(|what| In { file: file.to_owned(), what }));
        self.warnings.extend(odd.into_iter().map(|what| In { file: file.to_owned(), what }));
        self.findings.extend(findings.into_iter().map(|what| In { file: file.to_owned(), what }));
    }

    fn talk(&self, strict: bool) {
        if !self.page.is_empty() {
            talk::say(self.page.trim_end());
        }
        if let Some(hint) = self.hint {
            talk::say(format!("{} {hint}", "hint:".bold()));
        }
        if !strict && !self.findings.is_empty() {
            talk::say(format!("{}; see them with --strict", counted(self.findings.len(), "finding")));
        }
    }

    /// Why the command does not end with 0.
    fn verdict(&self, strict: bool) -> Option<Failure> {
        let invalid = self.files.iter().filter(|file| !file.valid).count();
        if invalid > 0 {
            let message = format!("{invalid} of {} invalid", counted(self.files.len(), "file"));
            return Some(
                Failure::new(Exit::InvalidPlan, message)
                    .hint(self.hint.unwrap_or("stdout has every problem")),
            );
        }
        (strict && !self.findings.is_empty()).then(|| {
            let message = format!("{} with --strict", counted(self.findings.len(), "finding"));
            Failure::new(Exit::InvalidPlan, message)
                .hint("stdout has every finding, and what to write instead")
        })
    }
}

/// A finding for people: which, where, what is wrong with it, and what to write instead.
fn paragraph(file: &str, finding: &Finding) -> String {
    let Finding { code, line, column, step, message, help } = finding;
    let step = step.as_ref().map(|step| format!(" (step {step})")).unwrap_or_default();
    format!("finding[{code}]: {message}\n --> {file}:{line}:{column}{step}\n  = help: {help}\n\n")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl Data for Report {
    fn table(&self) -> String {
        self.files.iter().map(File::line).collect()
    }

    fn names(&self) -> Vec<String> {
        let wrong = self.files.iter().filter(|file| !file.valid);
        wrong.map(|file| file.file.clone()).collect()
    }
}

impl File {
    fn line(&self) -> String {
        let Some(name) = &self.name else {
            return format!("{} {}: {}\n", "✗".red(), self.file, counted(self.problems, "problem"));
        };
        let kind = if self.kind == Some("StepTemplate") { "step template" } else { "plan" };
        let mut line = format!("{} {}: {kind} {name}", "✓".green(), self.file);
        line += &self.steps.map(|steps| format!(", {}", counted(steps, "step"))).unwrap_or_default();
        for (count, what) in [(self.warnings, "warning"), (self.findings, "finding")] {
            if count > 0 {
                line += &format!(", {}", counted(count, what));
            }
        }
        line + "\n"
    }
}

#[cfg(test)]
mod tests;
