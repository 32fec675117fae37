//! The flags of every command that talks to a cluster.

use std::time::Duration;

use baton_client::Client;

use crate::failure::Failure;

/// Where the cluster is, and how patient to be.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Connection {
    /// The coordinators; any one of them leads to the leader
    #[arg(long, env = "BATON_SERVERS", value_name = "HOST:PORT,…", hide_env_values = true)]
    servers: Option<String>,
    /// How long to look for a leader that answers
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    timeout: Duration,
}

impl Connection {
    /// A client where coordinators are named, for what mostly needs none.
    pub(crate) fn client_if_named(&self) -> Result<Option<Client>, Failure> {
        self.servers.as_ref().map(|_| self.client()).transpose()
    }

    /// A client that connects when it is first asked.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let Some(servers) = &self.servers else {
            return Err(Failure::usage("no coordinator is named")
                .hint("give --servers HOST:PORT,… or set BATON_SERVERS; `baton dev` starts a cluster and prints its own"));
        };
        Ok(Client::connect(&addresses(servers))?.with_deadline(self.timeout))
    }
}

/// The addresses in a list with commas.
pub(crate) fn addresses(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned).collect()
}

/// A duration with a unit, as in plans.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let ms =
        baton_plan::duration::parse(text).map_err(|fault| format!("{}; {}", fault.message, fault.help))?;
    Ok(Duration::from_millis(ms))
}
