//! A plan named on the command line: a file, or the name of a registered one.

use std::io::{ErrorKind, Read};

use baton_plan::problem::{render, render_warnings};
use baton_plan::{Checked, Problem, check_bytes};
use serde_json::json;

use crate::failure::{Exit, Failure, io};
use crate::talk;

/// What `PLAN` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    File(String),
    Registered(String),
}

/// A path has a `/` in it or ends like a plan file; `-` is stdin; everything else is a name.
pub(crate) fn named(plan: &str) -> Named {
    let ends_like_a_file = [".yaml", ".yml", ".json"].iter().any(|end| plan.ends_with(end));
    if plan == "-" || plan.contains('/') || ends_like_a_file {
        Named::File(plan.to_owned())
    } else {
        Named::Registered(plan.to_owned())
    }
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

/// A file that holds a sound plan, with its text. Warnings are said.
pub(crate) fn sound(file: &str) -> Result<(String, Checked), Failure> {
    let bytes = read(file)?;
    let source = String::from_utf8_lossy(&bytes).into_owned();
    match check_bytes(&bytes) {
        Ok(checked) => {
            if !checked.warnings.is_empty() {
                talk::say(render_warnings(&source, file, &checked.warnings).trim_end());
            }
            Ok((source, checked))
        }
        Err(problems) => Err(invalid(&source, file, &problems)),
    }
}

/// Every problem of a file, as one failure.
pub(crate) fn invalid(source: &str, file: &str, problems: &[Problem]) -> Failure {
    let page = render(source, file, problems);
    let count = match problems.len() {
        1 => "a problem".to_owned(),
        count => format!("{count} problems"),
    };
    Failure::new(Exit::InvalidPlan, format!("{file} has {count}\n\n{}", page.trim_end()))
        .details("problems", json!(problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_from_a_name() {
        for file in ["./shop", "plans/shop", "shop.yaml", "shop.yml", "shop.json", "-"] {
            assert_eq!(named(file), Named::File(file.into()));
        }
        for name in ["shop", "shop-failover", "yaml"] {
            assert_eq!(named(name), Named::Registered(name.into()));
        }
    }
}
