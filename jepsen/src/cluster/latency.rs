//! Distance between regions. Whatever comes to a node from another region waits in a queue of the node's own kernel (NFQUEUE,
//! on the receiver's INPUT: at the sender, TCP's small queues would throttle it), until a thread of the suite lets it in.
//! What comes from one sender stays in order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::File;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nfq::{Message, Queue, Verdict};

use super::Node;
use crate::sandbox::{call, find};

/// How far regions are from each other: a round trip, and how much longer it may take, both in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Distance {
    pub(crate) round_trip_ms: u64,
    pub(crate) jitter_ms: u64,
}

/// The queues of all nodes.
#[derive(Debug)]
pub(crate) struct Latency {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    round_trip_ms: AtomicU64,
    jitter_ms: AtomicU64,
    delayed: AtomicU64,
    over: AtomicBool,
    regions: BTreeMap<Ipv4Addr, String>,
}

const TOOLS: [&str; 2] = ["iptables-legacy", "iptables"];
/// Packets that may wait at one node.
const ROOM: u32 = 65_536;
/// Enough of a packet to read its sender.
const HEAD: u16 = 64;
const LOOK_AGAIN: Duration = Duration::from_millis(1);

impl Latency {
    /// Puts a queue before every node, with no distance yet. `None` where the tool is not installed.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(crate) fn create(nodes: &[Node]) -> anyhow::Result<Option<Latency>> {
        let Some(tool) = TOOLS.into_iter().find(|tool| find(tool).is_some()) else { return Ok(None) };
        let region = |node: &Node| Some((host(node)?, node.region.clone()));
        let shared = Arc::new(Shared {
            round_trip_ms: AtomicU64::new(0),
            jitter_ms: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            over: AtomicBool::new(false),
            regions: nodes.iter().filter_map(region).collect(),
        });
        let mut latency = Latency { shared, threads: Vec::new() };
        for node in nodes {
            let network = File::open(format!("/run/netns/{}", node.name))?;
            let (shared, own) = (Arc::clone(&latency.shared), node.region.clone());
            let (say, hear) = std::sync::mpsc::channel();
            latency.threads.push(thread::spawn(move || match open(&network) {
                Ok(queue) => {
                    let _ = say.send(Ok(()));
                    carry(queue, &own, &shared);
                }
                Err(error) => drop(say.send(Err(error))),
            }));
            hear.recv().context("a queue's thread has died")??;
            let rule = ["-I", "INPUT", "-j", "NFQUEUE", "--queue-num", "0", "--queue-bypass"];
            call("ip", &[&["netns", "exec", &node.name, tool][..], &rule].concat())?;
        }
        Ok(Some(latency))
    }

    /// From now on regions are so far from each other.
    pub(crate) fn set(&self, distance: Distance) {
        self.shared.round_trip_ms.store(distance.round_trip_ms, Ordering::Relaxed);
        self.shared.jitter_ms.store(distance.jitter_ms, Ordering::Relaxed);
    }

    /// Packets that had to wait so far.
    pub(crate) fn delayed(&self) -> u64 {
        self.shared.delayed.load(Ordering::Relaxed)
    }
}

impl Drop for Latency {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn host(node: &Node) -> Option<Ipv4Addr> {
    node.address.split(':').next()?.parse().ok()
}

/// The queue of a node's network, which this thread joins for good.
fn open(network: &File) -> anyhow::Result<Queue> {
    // SAFETY: numbers only; it is this thread alone that goes there.
    if unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) } != 0 {
        return Err(std::io::Error::last_os_error()).context("a node's network cannot be joined");
    }
    let mut queue = Queue::open().context("there is no NFQUEUE")?;
    queue.bind(0)?;
    queue.set_queue_max_len(0, ROOM)?;
    queue.set_copy_range(0, HEAD)?;
    queue.set_nonblocking(true);
    Ok(queue)
}

/// When a packet may go in, and in which order it came.
type Due = (Instant, u64);

fn carry(mut queue: Queue, own: &str, shared: &Shared) {
    let mut random = fastrand::Rng::new();
    let mut waiting: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
    let mut packets: BTreeMap<u64, Message> = BTreeMap::new();
    let mut last: BTreeMap<Ipv4Addr, Instant> = BTreeMap::new();
    let mut count = 0;
    while !shared.over.load(Ordering::Relaxed) {
        loop {
            let packet = match queue.recv() {
                Ok(packet) => packet,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The kernel drops what it cannot hand over, as wires do.
                Err(_) => break,
            };
            let sender = sender(packet.get_payload());
            let far = shared.regions.get(&sender).is_some_and(|region| region != own);
            let half_ms = if far { shared.one_way_ms(&mut random) } else { 0 };
            shared.delayed.fetch_add(u64::from(half_ms > 0), Ordering::Relaxed);
            let due = Instant::now() + Duration::from_millis(half_ms);
            let due = last.get(&sender).map_or(due, |last| due.max(*last));
            last.insert(sender, due);
            waiting.push(Reverse((due, count)));
            packets.insert(count, packet);
            count += 1;
        }
        while let Some(Reverse((due, number))) = waiting.peek()
            && *due <= Instant::now()
        {
            if let Some(packet) = packets.remove(number) {
                let_in(&mut queue, packet);
            }
            waiting.pop();
        }
        thread::sleep(LOOK_AGAIN);
    }
    packets.into_values().for_each(|packet| let_in(&mut queue, packet));
}

fn let_in(queue: &mut Queue, mut packet: Message) {
    packet.set_verdict(Verdict::Accept);
    // A packet whose connection is gone by now is nobody's loss.
    let _ = queue.verdict(packet);
}

impl Shared {
    fn one_way_ms(&self, random: &mut fastrand::Rng) -> u64 {
        let (round_trip_ms, jitter_ms) =
            (self.round_trip_ms.load(Ordering::Relaxed), self.jitter_ms.load(Ordering::Relaxed));
        (round_trip_ms + random.u64(0..=jitter_ms)) / 2
    }
}

/// Where an IPv4 packet comes from.
fn sender(packet: &[u8]) -> Ipv4Addr {
    match packet.get(12..16) {
        Some(&[a, b, c, d]) => Ipv4Addr::new(a, b, c, d),
        _ => Ipv4Addr::UNSPECIFIED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_says_where_it_comes_from() {
        let mut packet = [0; 20];
        packet[12..16].copy_from_slice(&[10, 77, 0, 3]);
        assert_eq!(sender(&packet), Ipv4Addr::new(10, 77, 0, 3));
        assert_eq!(sender(&packet[..10]), Ipv4Addr::UNSPECIFIED);
    }
}
