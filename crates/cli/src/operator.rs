//! Who asks, for the record: `--operator` or `BATON_OPERATOR`, else `USER@HOST`; and in which roles.

use baton_client::{Origin, new_request_id};

use crate::failure::Failure;

/// The name that stands in a run's timeline where none is given.
fn name() -> String {
    let set = |variable: &str| std::env::var(variable).ok().filter(|value| !value.is_empty());
    let user = set("USER").or_else(|| set("LOGNAME"));
    let user = user.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    let system = rustix::system::uname();
    format!("{user}@{}", system.nodename().to_string_lossy())
}

/// The flags of every command that changes something.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Request {
    /// Repeat a request safely: the same id does the same thing once
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Who asks, for the record; USER@HOST without it
    #[arg(long, value_name = "NAME", env = "BATON_OPERATOR", hide_env_values = true)]
    operator: Option<String>,
}

/// The flags of every command by which a person decides.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Decider {
    /// A role of the operator, where one is asked for; may be repeated, or hold several between commas
    ///
    /// Roles are claims, as the name is: the record keeps them, and nothing proves either.
    #[arg(
        long = "role",
        value_name = "ROLE",
        env = "BATON_ROLES",
        value_delimiter = ',',
        hide_env_values = true
    )]
    roles: Vec<String>,
    #[command(flatten)]
    request: Request,
}

impl Request {
    /// Who asks, under the id that was given or a new one.
    pub(crate) fn origin(&self) -> Result<Origin, Failure> {
        let request_id = match &self.request_id {
            Some(id) => printable("a request id", id)?,
            None => new_request_id(),
        };
        // A variable that is set to nothing counts as one that is not set.
        let operator = match self.operator.as_deref().filter(|operator| !operator.is_empty()) {
            Some(operator) => printable("an operator's name", operator)?,
            None => name(),
        };
        Ok(Origin { request_id, operator, roles: Vec::new() })
    }
}

impl Decider {
    /// Who decides, and in which roles.
    pub(crate) fn origin(&self) -> Result<Origin, Failure> {
        let roles = self.roles.iter().map(|role| role.trim()).filter(|role| !role.is_empty());
        let roles = roles.map(|role| printable("a role", role)).collect::<Result<_, _>>()?;
        Ok(Origin { roles, ..self.request.origin()? })
    }
}

fn printable(what: &str, text: &str) -> Result<String, Failure> {
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err(Failure::usage(format!("{what} has 1 to 200 printable characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decider(operator: Option<&str>, roles: &[&str]) -> Decider {
        let request = Request { request_id: Some("r-1".into()), operator: operator.map(str::to_owned) };
        Decider { roles: roles.iter().map(|role| (*role).to_owned()).collect(), request }
    }

    #[test]
    fn names_and_roles_are_taken_as_given() {
        let origin = decider(Some("ada"), &["sre", " dba ", ""]).origin().unwrap();
        assert_eq!((origin.request_id.as_str(), origin.operator.as_str()), ("r-1", "ada"));
        assert_eq!(origin.roles, ["sre", "dba"]);
        assert!(decider(Some(""), &[]).origin().unwrap().operator.contains('@'), "as if it was not set");
    }

    #[test]
    fn what_would_garble_the_record_is_refused() {
        for wrong in [decider(Some("a\nb"), &[]), decider(Some("  "), &[]), decider(None, &["s\u{1b}re"])] {
            assert_eq!(wrong.origin().unwrap_err().exit, crate::failure::Exit::Usage, "{wrong:?}");
        }
    }
}
