//! A network of the suite's own: every node behind a wire to one bridge, and a set of pairs between which the
//! bridge carries nothing. Each pair is one direction. Between others it carries no data, and connections stand: what is
//! said is acknowledged, and no answer comes back.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::Node;
use crate::sandbox::find;

const RULES: &str = "table bridge jepsen {
  set cut {
    type ifname . ifname
  }
  set mute {
    type ifname . ifname
  }
  set mute_to_clients {
    type ifname
  }
  chain between {
    type filter hook forward priority 0; policy accept;
    iifname . oifname @cut counter drop
    iifname . oifname @mute tcp flags & psh == psh counter drop
  }
  chain to_clients {
    type filter hook input priority 0; policy accept;
    iifname @mute_to_clients tcp flags & psh == psh counter drop
  }
}
";

/// The bridge and its rules.
#[derive(Debug)]
pub(crate) struct Network {}

impl Network {
    /// Makes a wire for every node.
    ///
    /// # Errors
    /// If the tools refuse.
    pub(crate) fn create(nodes: &[Node]) -> anyhow::Result<Network> {
        let mut commands = String::from(
            "link add br0 type bridge forward_delay 0\naddr add 10.77.0.254/24 dev br0\nlink set br0 up\n",
        );
        for node in nodes {
            let (name, wire) = (&node.name, wire(&node.name));
            let host = node.address.split(':').next().unwrap_or_default();
            commands.push_str(&format!(
                "netns add {name}\nlink add {wire} type veth peer name eth0 netns {name}\nlink set {wire} master br0 up\n"
            ));
            feed("ip", &["-batch", "-"], &commands)?;
            commands.clear();
            let inside = format!("addr add {host}/24 dev eth0\nlink set eth0 up\nlink set lo up\n");
            feed("ip", &["-n", name, "-batch", "-"], &inside)?;
        }
        feed("nft", &["-f", "-"], RULES)?;
        Ok(Network {})
    }

    /// From now on nothing goes from one to the other of each pair.
    ///
    /// # Errors
    /// If the rules cannot be changed.
    pub(crate) fn cut(&self, pairs: &[(String, String)]) -> anyhow::Result<()> {
        add("cut", pairs.iter().map(element).collect())
    }

    /// From now on no data goes from one to the other of each pair.
    ///
    /// # Errors
    /// If the rules cannot be changed.
    pub(crate) fn mute(&self, pairs: &[(String, String)]) -> anyhow::Result<()> {
        add("mute", pairs.iter().map(element).collect())
    }

    /// From now on no data goes from these to the clients.
    ///
    /// # Errors
    /// If the rules cannot be changed.
    pub(crate) fn mute_to_clients(&self, nodes: &[String]) -> anyhow::Result<()> {
        add("mute_to_clients", nodes.iter().map(|name| format!("\"{}\"", wire(name))).collect())
    }

    /// Everything goes everywhere.
    ///
    /// # Errors
    /// If the rules cannot be changed.
    pub(crate) fn heal(&self) -> anyhow::Result<()> {
        let sets = ["cut", "mute", "mute_to_clients"].map(|set| format!("flush set bridge jepsen {set}\n"));
        feed("nft", &["-f", "-"], &sets.concat())
    }

    /// Packets that were dropped so far.
    ///
    /// # Errors
    /// If the rules cannot be read.
    pub(crate) fn dropped(&self) -> anyhow::Result<u64> {
        let rules = crate::sandbox::call("nft", &["list", "table", "bridge", "jepsen"])?;
        let counted = rules.split("packets ").skip(1);
        let count = |rest: &str| rest.split_whitespace().next().and_then(|count| count.parse::<u64>().ok());
        counted.map(count).sum::<Option<u64>>().context("the counters cannot be read")
    }
}

fn element((from, to): &(String, String)) -> String {
    format!("\"{}\" . \"{}\"", wire(from), wire(to))
}

fn add(set: &str, elements: Vec<String>) -> anyhow::Result<()> {
    if elements.is_empty() {
        return Ok(());
    }
    feed("nft", &["-f", "-"], &format!("add element bridge jepsen {set} {{ {} }}\n", elements.join(", ")))
}

/// The bridge's end of a node's wire.
fn wire(name: &str) -> String {
    format!("v-{name}")
}

/// Runs a tool with this on its stdin.
fn feed(program: &str, arguments: &[&str], text: &str) -> anyhow::Result<()> {
    let path = find(program).with_context(|| format!("{program} is not installed"))?;
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    child.stdin.take().context("no stdin")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{program}: {}\n{text}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Addresses on the loopback device that nobody uses.
///
/// # Errors
/// If there are none.
pub(crate) fn free_ports(count: usize) -> anyhow::Result<Vec<String>> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}
