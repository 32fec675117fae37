//! Who asks, for the record: `BATON_OPERATOR`, else `USER@HOST`.

use baton_client::{Origin, new_request_id};

use crate::failure::Failure;

/// The name that stands in a run's timeline.
pub(crate) fn name() -> String {
    let set = |variable: &str| std::env::var(variable).ok().filter(|value| !value.is_empty());
    if let Some(name) = set("BATON_OPERATOR") {
        return name;
    }
    let user = set("USER").or_else(|| set("LOGNAME"));
    let user = user.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    let system = rustix::system::uname();
    format!("{user}@{}", system.nodename().to_string_lossy())
}

/// The flag of every command that changes something.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Request {
    /// Repeat a request safely: the same id does the same thing once
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

impl Request {
    /// Who asks, under the id that was given or a new one.
    pub(crate) fn origin(&self) -> Result<Origin, Failure> {
        let request_id = match &self.request_id {
            Some(id) if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) => {
                return Err(Failure::usage("a request id has 1 to 200 printable characters"));
            }
            Some(id) => id.clone(),
            None => new_request_id(),
        };
        Ok(Origin { request_id, operator: name() })
    }
}
