//! `baton run events`.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Events asked for at once.
const PAGE: u32 = 1000;

/// Flags of `baton run events`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's id
    run: String,
    /// Only what came after the event of this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// At most so many; all without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let client = arguments.connection.client()?;
    let page = arguments.limit.unwrap_or(PAGE);
    let mut events = client.get_events(&arguments.run, arguments.after, page, arguments.stale).await?;
    while arguments.limit.is_none() && events.more {
        let Some(last) = events.events.last().map(|event| event.sequence) else { break };
        let next = client.get_events(&arguments.run, last, page, arguments.stale).await?;
        events.events.extend(next.events);
        (events.more, events.revision) = (next.more, next.revision);
    }
    output::print(&events, arguments.output)
}
