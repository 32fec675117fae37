//! Who belongs to a local cluster, and where everyone's files are.

use std::path::{Path, PathBuf};

/// One server for each region, and as many agents.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Absolute, without links: what is found by it later is compared as text.
    pub(crate) dir: PathBuf,
    pub(crate) regions: Vec<String>,
    pub(crate) agents_per_region: usize,
}

/// Who a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    Server { id: u64, address: String },
    Agent { name: String },
}

/// Everything about a process before it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) region: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) log: PathBuf,
    /// The whole command line, this program's own file first.
    pub(crate) command: Vec<String>,
}

impl Role {
    /// `server 1` or `agent east-1`.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Server { id, .. } => format!("server {id}"),
            Self::Agent { name } => format!("agent {name}"),
        }
    }
}

impl Layout {
    /// Every process, with the servers at these addresses.
    pub(crate) fn members(&self, baton: &Path, addresses: &[String]) -> Vec<Member> {
        let servers = addresses.iter().zip(&self.regions).zip(1..);
        let peers: Vec<_> = servers.clone().map(|((address, _), id)| format!("{id}={address}")).collect();
        let servers = servers.map(|((address, region), id)| {
            let role = Role::Server { id, address: address.clone() };
            let own = ["--id".into(), id.to_string(), "--listen".into(), address.clone()];
            let peers = ["--peers".into(), peers.join(",")];
            self.member(baton, role, region, "server", &id.to_string(), own.into_iter().chain(peers))
        });
        let agents = self.regions.iter().flat_map(|region| {
            (1..=self.agents_per_region).map(move |number| (region, format!("{region}-{number}")))
        });
        let agents = agents.map(|(region, name)| {
            let role = Role::Agent { name: name.clone() };
            let own = ["--name".into(), name.clone(), "--servers".into(), addresses.join(",")];
            self.member(baton, role, region, "agent", &name, own.into_iter())
        });
        servers.chain(agents).collect()
    }

    fn member(
        &self,
        baton: &Path,
        role: Role,
        region: &str,
        command: &str,
        name: &str,
        own: impl Iterator<Item = String>,
    ) -> Member {
        let data_dir = self.dir.join(format!("{command}s")).join(name);
        let start = [baton.display().to_string(), command.to_owned()];
        let place =
            ["--region".into(), region.to_owned(), "--data-dir".into(), data_dir.display().to_string()];
        Member {
            role,
            region: region.to_owned(),
            log: self.dir.join("logs").join(format!("{command}-{name}.log")),
            command: start.into_iter().chain(own).chain(place).collect(),
            data_dir,
        }
    }
}
