//! A real coordinator as a host of the simulated network.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use baton_node::{Config, Surroundings};
use turmoil::Sim;

use crate::disk::Disk;
use crate::play::Shared;
use crate::wire::{PORT, Simulated, listen};

/// The host of a coordinator.
pub(crate) fn name(member: usize) -> String {
    format!("c{}", member + 1)
}

/// Where it is reached.
pub(crate) fn address(member: usize) -> String {
    format!("{}:{PORT}", name(member))
}

/// How a cluster is set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) members: usize,
    pub(crate) delay_ms: u64,
    pub(crate) sync_ms: u64,
    pub(crate) snapshot_after: u64,
    pub(crate) folder: PathBuf,
}

impl Setup {
    /// The heartbeat and the election's limits, as somebody would set them who knows how slow the network is.
    fn pace(&self) -> (u64, (u64, u64)) {
        match self.delay_ms {
            0..10 => (50, (150, 300)),
            10..50 => (100, (300, 600)),
            _ => (300, (1500, 2500)),
        }
    }

    fn config(&self, member: usize, region: String) -> Config {
        let peers = (0..self.members).map(|one| (one as u64 + 1, address(one))).collect();
        let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
        let folder = self.folder.join(name(member));
        let (heartbeat_ms, election_ms) = self.pace();
        Config {
            heartbeat_ms,
            election_ms,
            snapshot_after: self.snapshot_after,
            ..Config::new(member as u64 + 1, region, listen, folder, peers)
        }
    }
}

/// Adds the host and begins its process.
pub(crate) fn start(sim: &mut Sim<'_>, world: &Shared, setup: &Setup, member: usize) {
    let (world, setup, disk) = (world.clone(), setup.clone(), Disk::default());
    let region = world.lock().region(member);
    sim.host(name(member), move || {
        let surroundings = surroundings(&world, &disk, setup.sync_ms, member);
        let config = setup.config(member, region.clone());
        async move {
            let connections = listen().await?;
            baton_node::serve(config, surroundings, connections, std::future::pending()).await?;
            Ok(())
        }
    });
}

fn surroundings(world: &Shared, disk: &Disk, sync_ms: u64, member: usize) -> Surroundings {
    let (disk, world) = (disk.clone(), world.clone());
    Surroundings {
        open_log: Arc::new(move |_, node, _| {
            let survives = |waited| fastrand::usize(..=waited);
            Ok(disk.open(node, sync_ms, survives)?)
        }),
        connect: Arc::new(Simulated),
        witness: Some(Arc::new(move |index, batch, state| world.lock().applied(member, index, batch, state))),
    }
}
