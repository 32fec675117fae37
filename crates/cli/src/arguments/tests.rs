use clap::{CommandFactory, Parser};

use super::Arguments;
use crate::output::Format;

/// The help of every command below one, as `--help` prints it.
fn helps(command: &clap::Command, path: &str, into: &mut Vec<String>) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    let help = command.clone().bin_name(path.clone()).term_width(100).render_long_help();
    into.push(format!("$ {path} --help\n{help}"));
    for below in command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set())
    {
        helps(below, &path, into);
    }
}

#[test]
fn the_help_of_every_command() {
    let mut all = Vec::new();
    helps(&Arguments::command(), "", &mut all);
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split_whitespace())
}

#[test]
fn the_form_is_known_before_the_command_runs() {
    let format = |line: &str| parse(line).unwrap().format();
    assert_eq!(format("baton run list -o json"), Format::Json);
    assert_eq!(format("baton agent list --output yaml"), Format::Yaml);
    assert_eq!(format("baton plan check a.yaml"), Format::Table);
    assert_eq!(format("baton cluster status -o name"), Format::Name);
}

#[test]
fn an_agent_is_run_and_agents_are_listed() {
    assert!(
        parse("baton agent --name a --region r --servers h:1 --data-dir d --slots 2 --labels a=b").is_ok()
    );
    assert!(parse("baton agent list --servers h:1").is_ok());
    let missing = parse("baton agent --name a").unwrap_err().to_string();
    assert!(missing.contains("--region"), "{missing}");
}

#[test]
fn every_decision_is_typed_as_the_contract_says() {
    for line in [
        "baton run approve r s",
        "baton run approve r s --reason x --role sre --role dba,oncall --operator ada",
        "baton run decline r s",
        "baton run done r s --evidence x",
        "baton run override r s --reason x",
        "baton run skip r s --reason x",
        "baton run retry r s",
        "baton run pause r",
        "baton run resume r",
        "baton run cancel r --undo --reason x",
        "baton run undo r",
        "baton run escalate r",
        "baton run escalate r s",
        "baton run start p --queue --plan-version 2",
        "baton region declare-lost east",
        "baton region declare-lost east --yes --reason x",
        "baton region restore east",
        "baton resource set io default",
        "baton plan check a.yaml b.yaml --strict",
        "baton plan diff a.yaml",
        "baton plan diff shop@1 shop@2 --exit-code",
        "baton plan explain spec.steps.retry",
        "baton plan template write-file --template-version 0",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err().map(|error| error.to_string()));
    }
}

#[test]
fn mistakes_are_usage_errors() {
    for line in [
        "baton run start",
        "baton run start p --param alone",
        "baton run start p --wait-timeout 5",
        "baton run start p --mode sideways",
        "baton run resolve r s --as maybe --reason x",
        "baton run resolve r s --as failed",
        "baton run skip r s",
        "baton run override r s",
        "baton run done r s",
        "baton run approve r",
        "baton resource set io many",
        "baton server --id 0 --region r --listen 127.0.0.1:1 --data-dir d --peers 1=a:1",
        "baton dev --regions East",
        "baton frobnicate",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}
