//! `baton plan check`: needs no cluster.

use baton_plan::problem::{render, render_warnings};
use baton_plan::{Problem, check_bytes};
use owo_colors::OwoColorize;
use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::output::{self, Data, Output};
use crate::{plan_file, talk};

/// Flags of `baton plan check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Plan files; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    pub(super) output: Output,
}

/// What was found in all files.
#[derive(Debug, Serialize)]
struct Findings {
    files: Vec<Finding>,
}

/// What was found in one.
#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    valid: bool,
    plan: Option<String>,
    steps: Option<usize>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// The problems and warnings as a page.
    #[serde(skip)]
    page: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let files = arguments.files.iter().map(|file| Ok(find(file, &plan_file::read(file)?)));
    let findings = Findings { files: files.collect::<Result<_, Failure>>()? };
    for finding in findings.files.iter().filter(|finding| !finding.page.is_empty()) {
        talk::say(finding.page.trim_end());
    }
    output::print(&findings, arguments.output)?;
    let all_valid = findings.files.iter().all(|finding| finding.valid);
    Ok(if all_valid { Exit::Done } else { Exit::InvalidPlan })
}

fn find(file: &str, bytes: &[u8]) -> Finding {
    let source = String::from_utf8_lossy(bytes);
    match check_bytes(bytes) {
        Ok(checked) => Finding {
            file: file.to_owned(),
            valid: true,
            plan: Some(checked.plan.name),
            steps: Some(checked.plan.steps.len()),
            problems: Vec::new(),
            page: render_warnings(&source, file, &checked.warnings),
            warnings: checked.warnings,
        },
        Err(problems) => Finding {
            file: file.to_owned(),
            valid: false,
            plan: None,
            steps: None,
            page: render(&source, file, &problems),
            problems,
            warnings: Vec::new(),
        },
    }
}

impl Data for Findings {
    fn table(&self) -> String {
        self.files.iter().map(Finding::line).collect()
    }

    fn names(&self) -> Vec<String> {
        let wrong = self.files.iter().filter(|finding| !finding.valid);
        wrong.map(|finding| finding.file.clone()).collect()
    }
}

impl Finding {
    fn line(&self) -> String {
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        match (&self.plan, self.steps) {
            (Some(plan), Some(steps)) => {
                let warnings = match self.warnings.len() {
                    0 => String::new(),
                    warnings => format!(", {}", count(warnings, "warning")),
                };
                format!("{} {}: plan {plan}, {}{warnings}\n", "✓".green(), self.file, count(steps, "step"))
            }
            _ => format!("{} {}: {}\n", "✗".red(), self.file, count(self.problems.len(), "problem")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Format, text};

    #[test]
    fn the_forms_of_what_was_found() {
        let sound =
            "{apiVersion: baton/v1, kind: Plan, metadata: {name: p}, spec: {steps: [{name: a, noop: {}}]}}";
        let files = vec![find("good.yaml", sound.as_bytes()), find("bad.yaml", b"kind: Plan")];
        let findings = Findings { files };
        assert!(findings.files[0].valid, "{}", findings.files[0].page);
        let json: serde_json::Value = serde_json::from_str(&text(&findings, Format::Json).unwrap()).unwrap();
        assert_eq!(json["files"][0]["plan"], "p");
        assert_eq!(json["files"][1]["problems"][0]["line"], 1);
        assert_eq!(findings.names(), ["bad.yaml"]);
        assert!(findings.table().contains("good.yaml: plan p, 1 step\n"), "{}", findings.table());
    }
}
