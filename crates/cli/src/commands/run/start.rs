//! `baton run start`.

use std::collections::BTreeMap;

use baton_client::view::Started;
use baton_client::{Client, Origin, Start};
use clap::ValueEnum;

use super::wait::wait;
use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::follow::Patience;
use crate::operator::Decider;
use crate::output::{self, Format, Output};
use crate::plan_file::{Named, named, sound_plan};
use crate::talk;

/// Flags of `baton run start`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A registered plan's name, or a file (with a / in it or ending in .yaml, .yml or .json),
    /// which is checked and registered first
    plan: String,
    /// Start only if this is the newest version of the registered plan, else be refused with exit code 7
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    plan_version: Option<u32>,
    /// A parameter of the plan; may be repeated
    #[arg(long = "param", value_name = "K=V", value_parser = param)]
    params: Vec<(String, String)>,
    /// How the side that is left is treated: `graceful` while it still answers, else `ungraceful`
    #[arg(long, value_enum, default_value = "ungraceful")]
    mode: Mode,
    /// An exercise, marked as such everywhere
    #[arg(long)]
    drill: bool,
    /// Wait for locks that another run holds, instead of being refused
    #[arg(long)]
    queue: bool,
    /// Follow the run and end by its result
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    decider: Decider,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// How the run treats the side that it leaves.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Graceful,
    Ungraceful,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Graceful => "graceful",
            Self::Ungraceful => "ungraceful",
        }
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let client = arguments.connection.client()?;
    let origin = arguments.decider.origin()?;
    let (plan, version) = find_plan(&arguments, &client, &origin).await?;
    let start = Start {
        plan,
        version,
        params: params(&arguments.params)?,
        mode: arguments.mode.word().to_owned(),
        drill: arguments.drill,
        queue: arguments.queue,
    };
    let started = client.start_run(&start, &origin).await?;
    if !arguments.wait {
        return output::print(&started, arguments.output);
    }
    announce(&started, arguments.output.format);
    wait(&client, &started.run, arguments.patience, arguments.output).await
}

/// The plan's name and version; a file is registered first, under an id drawn from the run's, so
/// that the whole command can be repeated.
async fn find_plan(
    arguments: &Arguments,
    client: &Client,
    origin: &Origin,
) -> Result<(String, Option<u32>), Failure> {
    let file = match named(&arguments.plan) {
        Named::Registered { version: Some(_), .. } if arguments.plan_version.is_some() => {
            return Err(Failure::usage(
                "the version is given twice: once behind the @, once by --plan-version",
            ));
        }
        Named::Registered { name, version } => return Ok((name, arguments.plan_version.or(version))),
        Named::File(_) if arguments.plan_version.is_some() => {
            return Err(Failure::usage("--plan-version goes with a registered plan, not with a file"));
        }
        Named::File(file) => file,
    };
    let (source, _) = sound_plan(&file, Some(client), arguments.output.format).await?;
    let request_id = format!("{}.plan", origin.request_id);
    let registered = client.register_plan(&source, &Origin { request_id, ..origin.clone() }).await;
    let registered = registered.map_err(|error| Failure::from(error).of_start(&origin.request_id))?;
    Ok((registered.plan, Some(registered.plan_version)))
}

/// For whoever has to come back to it, before the waiting begins.
fn announce(started: &Started, format: Format) {
    if format == Format::Table {
        talk::say(format!("run {} started", started.run));
    }
}

fn param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}

fn params(given: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut params = BTreeMap::new();
    for (name, value) in given {
        if params.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!("the parameter {name} is given twice")));
        }
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_an_equals_sign_and_a_name_comes_once() {
        assert_eq!(param("query=a=b"), Ok(("query".into(), "a=b".into())));
        assert!(param("alone").is_err() && param("=x").is_err());
        let twice = [("to".to_owned(), "west".to_owned()), ("to".to_owned(), "north".to_owned())];
        assert_eq!(params(&twice).unwrap_err().exit, Exit::Usage);
    }
}
