//! A wire that a test can cut, in one direction or in both. What is on it while it is cut is not
//! lost but held up, as by TCP's repetitions, and arrives when it heals.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the agent to the coordinator.
    Up,
    /// From the coordinator to the agent.
    Down,
}

#[derive(Default)]
struct Gates {
    /// Up and down.
    cut: Mutex<[bool; 2]>,
    changed: Condvar,
}

impl Gates {
    fn set(&self, way: Way, cut: bool) {
        self.cut.lock().expect("the gates")[way as usize] = cut;
        self.changed.notify_all();
    }

    fn pass(&self, way: Way) {
        let cut = self.cut.lock().expect("the gates");
        drop(self.changed.wait_while(cut, |cut| cut[way as usize]).expect("the gates"));
    }
}

/// Everything that comes to its address goes on to one coordinator.
pub(crate) struct Relay {
    address: String,
    gates: Arc<Gates>,
}

impl Relay {
    pub(crate) fn to(coordinator: &str) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (gates, coordinator) = (Arc::new(Gates::default()), coordinator.to_owned());
        let relay = Relay { address, gates: Arc::clone(&gates) };
        // These threads end with the test's process, or with what they connect.
        thread::spawn(move || {
            for agent in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&coordinator) else { continue };
                let (Ok(from), Ok(to)) = (agent.try_clone(), server.try_clone()) else { continue };
                for (way, (from, to)) in [(Way::Up, (from, to)), (Way::Down, (server, agent))] {
                    let gates = Arc::clone(&gates);
                    thread::spawn(move || carry(from, to, &gates, way));
                }
            }
        });
        relay
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn cut(&self, ways: &[Way]) {
        ways.iter().for_each(|way| self.gates.set(*way, true));
    }

    pub(crate) fn heal(&self) {
        [Way::Up, Way::Down].iter().for_each(|way| self.gates.set(*way, false));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.heal();
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, gates: &Gates, way: Way) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        gates.pass(way);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    gates.pass(way);
    let _ = (to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read));
}
