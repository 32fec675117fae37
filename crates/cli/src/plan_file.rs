//! A plan or a step template named on the command line: a file, or the name of a registered one.

use std::io::{ErrorKind, Read};

use baton_client::Client;
use baton_client::view::Plan as Registered;
use baton_plan::problem::{render, render_warnings};
use baton_plan::{Checked, Described, Plan, Problem};
use clap::ValueEnum;
use serde_json::json;

use crate::failure::{Exit, Failure, io};
use crate::output::Format;
use crate::shelf::Shelf;
use crate::talk;

/// What `PLAN` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    File(String),
    Registered { name: String, version: Option<u32> },
}

/// A way to draw a plan.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Drawing {
    Text,
    Mermaid,
    Dot,
}

impl From<Drawing> for baton_plan::Format {
    fn from(drawing: Drawing) -> Self {
        match drawing {
            Drawing::Text => Self::Text,
            Drawing::Mermaid => Self::Mermaid,
            Drawing::Dot => Self::Dot,
        }
    }
}

/// A path has a `/` in it or ends like a plan file; `-` is stdin; everything else is a name, or NAME@VERSION.
pub(crate) fn named(plan: &str) -> Named {
    let ends_like_a_file = [".yaml", ".yml", ".json"].iter().any(|end| plan.ends_with(end));
    if plan == "-" || plan.contains('/') || ends_like_a_file {
        return Named::File(plan.to_owned());
    }
    let (name, version) = versioned(plan);
    Named::Registered { name, version }
}

/// The parts of NAME or NAME@VERSION.
pub(crate) fn versioned(plan: &str) -> (String, Option<u32>) {
    let parts = plan.rsplit_once('@').and_then(|(name, version)| Some((name, version.parse().ok()?)));
    parts.map_or_else(|| (plan.to_owned(), None), |(name, version)| (name.to_owned(), Some(version)))
}

/// A file's bytes; `-` is stdin.
pub(crate) fn read(file: &str) -> Result<Vec<u8>, Failure> {
    if file != "-" {
        return std::fs::read(file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::new(Exit::NotFound, format!("there is no file {file}")),
            ErrorKind::IsADirectory => Failure::usage(format!("{file} is a folder; name a plan file")),
            _ => io(format!("cannot read {file}"))(error),
        });
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(io("cannot read stdin"))?;
    Ok(bytes)
}

/// A file that holds something sound, with its text. Warnings are said, in the form that was asked for.
pub(crate) async fn sound(
    file: &str,
    cluster: Option<&Client>,
    format: Format,
) -> Result<(String, Described), Failure> {
    let bytes = read(file)?;
    let source = String::from_utf8_lossy(&bytes).into_owned();
    let mut shelf = Shelf::default();
    let described = shelf.check(&bytes, cluster).await?;
    let described = described.map_err(|problems| {
        let failure = invalid(&source, file, &problems);
        match shelf.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    let warnings = warnings(&described);
    match format {
        _ if warnings.is_empty() => {}
        Format::Json => talk::say(json!({ "warnings": warnings })),
        _ => talk::say(render_warnings(&source, file, warnings).trim_end()),
    }
    Ok((source, described))
}

/// [`sound`] for what must be a plan.
pub(crate) async fn sound_plan(
    file: &str,
    cluster: Option<&Client>,
    format: Format,
) -> Result<(String, Checked), Failure> {
    match sound(file, cluster, format).await? {
        (source, Described::Plan(checked)) => Ok((source, checked)),
        (_, Described::StepTemplate { .. }) => {
            Err(Failure::usage(format!("{file} holds a step template, and a plan is expected"))
                .hint("a step template is registered, and then used by the steps of plans: `uses: NAME`"))
        }
    }
}

/// What is odd about something that is sound.
pub(crate) fn warnings(described: &Described) -> &[Problem] {
    match described {
        Described::Plan(checked) => &checked.warnings,
        Described::StepTemplate { warnings, .. } => warnings,
    }
}

/// The plan of a registered version, with every default and template filled in as it is carried out.
pub(crate) fn as_carried_out(registered: &Registered) -> Result<Plan, Failure> {
    serde_json::from_str(&registered.checked).map_err(|error| {
        let name = &registered.summary.plan;
        Failure::ours(format!("the coordinator's form of plan {name} is not understood: {error}"))
            .hint("is it of another version than this program?")
    })
}

/// Every problem of a file, as one failure.
pub(crate) fn invalid(source: &str, file: &str, problems: &[Problem]) -> Failure {
    let count = match problems.len() {
        1 => "a problem".to_owned(),
        count => format!("{count} problems"),
    };
    Failure::new(Exit::InvalidPlan, format!("{file} has {count}"))
        .page(render(source, file, problems))
        .details("problems", json!(problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_from_a_name() {
        for file in ["./shop", "plans/shop", "shop.yaml", "shop.yml", "shop.json", "-", "plans/shop@2"] {
            assert_eq!(named(file), Named::File(file.into()));
        }
        for name in ["shop", "shop-failover", "yaml"] {
            assert_eq!(named(name), Named::Registered { name: name.into(), version: None });
        }
        assert_eq!(named("shop@2"), Named::Registered { name: "shop".into(), version: Some(2) });
    }
}
