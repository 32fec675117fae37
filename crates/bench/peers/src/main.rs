//! Measures one of those that a user could pick instead of Baton, doing the same: chains of durable steps that do
//! nothing, so many at once, each started again when it is over. The bench starts this, once for each.
//!
//! It brings up whatever the peer consists of, with its defaults and as durable as these are, on loopback, and ends it.
//! It prints one line of JSON: what was measured, or `null` where the peer is not installed.

#[path = "../../../cli/src/local/bound.rs"]
mod bound;
mod dbos;
#[allow(dead_code, reason = "the bench's own, which needs more of it")]
#[path = "../../src/figures.rs"]
mod figures;
#[allow(dead_code, reason = "the bench's own, which needs more of it")]
#[path = "../../src/load.rs"]
mod load;
mod nodes;
mod points;
mod postgres;
mod restate;

use clap::{Parser, Subcommand};

use points::Load;

/// Measures a peer of Baton's and prints one line of JSON.
#[derive(Parser)]
#[command(version, about, long_about = None)]
struct Arguments {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Subcommand)]
enum Peer {
    /// Restate: `restate-server`, which stands beside this program or on the path
    Restate {
        #[command(flatten)]
        load: Load,
        /// How many servers; of more than one, two have to hold what is written
        #[arg(long, value_name = "N", default_value_t = 1)]
        nodes: usize,
        /// Partitions that runs are spread over, on one server
        #[arg(long, value_name = "N", default_value_t = 24, conflicts_with = "nodes")]
        partitions: usize,
    },
    /// DBOS on PostgreSQL: `initdb` and `postgres`, which stand on the path or where Debian puts them
    Dbos {
        #[command(flatten)]
        load: Load,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let measured = match Arguments::parse().peer {
        Peer::Restate { load, nodes, partitions } => restate::measure(&load, nodes, partitions).await?,
        Peer::Dbos { load } => dbos::measure(&load).await?,
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}
