//! The world in which the demo plays: folders as regions, a shop with orders, and the one file
//! that tells customers where it is.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::demo::shop;

/// Orders that were placed before the region was lost.
const ORDERS: usize = 3;

/// The world before the failover.
pub(crate) struct Stage {
    /// Its folder.
    pub(crate) world: PathBuf,
    /// The region that is lost.
    pub(crate) from: String,
    /// The region that takes over.
    pub(crate) to: String,
    /// The port of the shop that is lost.
    pub(crate) from_port: u16,
    /// The port of the shop that takes over.
    pub(crate) to_port: u16,
    /// How many orders stand in the lost region's file.
    pub(crate) orders: usize,
}

impl Stage {
    /// Opens the shop and places the first orders through the front door.
    pub(crate) fn set(folder: &Path) -> anyhow::Result<Stage> {
        let [from_port, to_port] = free_ports()?;
        let world = folder.join("world");
        std::fs::create_dir_all(world.join("east"))?;
        let stage =
            Stage { from: "east".into(), to: "west".into(), from_port, to_port, orders: ORDERS, world };
        let region = stage.world.join(&stage.from);
        shop::open(&stage.from, stage.from_port, &region.join("orders"), &region.join("shop.pid"))?;
        std::fs::write(stage.world.join("endpoint"), format!("{}\n", stage.from_port))?;
        for number in 1..=ORDERS {
            shop::order(stage.front_door()?, &format!("order {number}"))?;
        }
        Ok(stage)
    }

    /// The port that customers are sent to.
    pub(crate) fn front_door(&self) -> anyhow::Result<u16> {
        Ok(std::fs::read_to_string(self.world.join("endpoint"))?.trim().parse()?)
    }

    /// The parameters of the plan that describe this world.
    pub(crate) fn params(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let program = std::env::current_exe()?.display().to_string();
        let params = [
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("w", self.world.display().to_string()),
            ("baton", program),
            ("from-port", self.from_port.to_string()),
            ("to-port", self.to_port.to_string()),
        ];
        Ok(params.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// The lines that a step has left when it acted, one an execution.
    pub(crate) fn witness(&self, step: &str) -> Vec<String> {
        self.lines(&format!("witness/{step}"))
    }

    /// The lines of a file of the world; none when it is not there.
    pub(crate) fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.world.join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Two ports that nobody uses, held together so that they differ.
fn free_ports() -> std::io::Result<[u16; 2]> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    Ok([listeners[0].local_addr()?.port(), listeners[1].local_addr()?.port()])
}

impl Drop for Stage {
    /// The first shop was started by the demo itself, not by an agent.
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.world.join(&self.from).join("shop.pid"));
        let pid = pid.ok().and_then(|text| text.trim().parse().ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid
            && shop::is_open(self.from_port)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}
