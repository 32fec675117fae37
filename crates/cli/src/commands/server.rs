//! `baton server`: one coordinator.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use baton_node::{Config, Profile};
use clap::ValueEnum;

use crate::commands::asked_to_end;
use crate::failure::{Exit, Failure};
use crate::logging;

/// Flags of `baton server`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// This member's id; never give it to another data folder
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    id: u64,
    /// The region in which it stands
    #[arg(long, value_name = "R")]
    region: String,
    /// Where it listens
    #[arg(long, value_name = "HOST:PORT", value_parser = socket)]
    listen: SocketAddr,
    /// Its data; nobody else's
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Every member of a new cluster, this one included
    ///
    /// It counts at the first start alone: from then on the members are those that the cluster's log names, which
    /// `baton cluster add`, `promote` and `remove` change.
    #[arg(long, value_name = "1=HOST:PORT,…", value_parser = peers, conflicts_with = "join")]
    peers: Option<BTreeMap<u64, String>>,
    /// A member of the cluster that this one is to be added to
    ///
    /// It waits until `baton cluster add` takes it in. It counts at the first start alone, as --peers does.
    #[arg(long, value_name = "HOST:PORT")]
    join: Option<String>,
    /// How far apart the coordinators are; the same for all of them
    #[arg(long, value_enum, default_value_t = Distance::Lan)]
    profile: Distance,
    /// A TOML file with times and limits; what it sets comes before the profile's
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Values of `--profile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Distance {
    /// Round trips of up to 25 ms: a leader's death costs about half a second
    Lan,
    /// Regions of one continent, round trips of up to 100 ms: about two seconds
    Regional,
    /// Regions around the world, round trips of up to 250 ms: four to five seconds
    Wan,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { id, region, listen, data_dir, peers, join, profile, config: file } = arguments;
    let mut config = Config::new(id, region, listen, data_dir, peers.unwrap_or_default());
    config.join = join;
    config.fit(match profile {
        Distance::Lan => Profile::Lan,
        Distance::Regional => Profile::Regional,
        Distance::Wan => Profile::Wan,
    });
    if let Some(file) = &file {
        config.read(file).map_err(|error| Failure::usage(error.to_string()))?;
    }
    config.check().map_err(|error| Failure::usage(error.to_string()))?;
    logging::start();
    baton_node::run(config, asked_to_end()).await?;
    Ok(Exit::Done)
}

/// An address to listen on; a name is looked up.
fn socket(text: &str) -> Result<SocketAddr, String> {
    let addresses = text.to_socket_addrs().map_err(|error| format!("{error}; HOST:PORT is expected"))?;
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_by_key(|address| !address.is_ipv4());
    addresses.first().copied().ok_or_else(|| "the name has no address".to_owned())
}

fn peers(text: &str) -> Result<BTreeMap<u64, String>, String> {
    let mut peers = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let wrong = || format!("`{part}` is not ID=HOST:PORT, as in 1=127.0.0.1:7001");
        let (id, address) = part.split_once('=').ok_or_else(wrong)?;
        let id = id.parse::<u64>().ok().filter(|id| *id > 0).ok_or_else(wrong)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(wrong());
        }
        if peers.insert(id, address.to_owned()).is_some() {
            return Err(format!("member {id} is named twice"));
        }
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_read_and_mistakes_named() {
        let read = peers("1=127.0.0.1:7001, 2=host:7002").unwrap();
        assert_eq!(read[&2], "host:7002");
        assert!(peers("1=a:1,1=b:2").unwrap_err().contains("member 1 is named twice"));
        for wrong in ["127.0.0.1:7001", "x=a:1", "1=a", "1=:7", "0=a:1", "1=a:99999"] {
            assert!(peers(wrong).unwrap_err().contains("ID=HOST:PORT"), "{wrong}");
        }
    }
}
