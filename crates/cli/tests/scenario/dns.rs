//! A wire to the name server that a test can hold the answers of, or drop them. The request has arrived by then.

use std::net::UdpSocket;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Pass,
    Hold,
    Drop,
}

struct Wire {
    answers: Mutex<Answers>,
    changed: Condvar,
    /// How many answers have come back from the name server.
    seen: Mutex<usize>,
}

/// Whatever is sent to its address goes on to the name server.
pub(crate) struct Relay {
    address: std::net::SocketAddr,
    wire: Arc<Wire>,
}

impl Relay {
    pub(crate) fn to(server: &str) -> Relay {
        let near = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = near.local_addr().expect("an address");
        let wire = Wire { answers: Mutex::new(Answers::Pass), changed: Condvar::new(), seen: Mutex::new(0) };
        let (wire, server) = (Arc::new(wire), server.to_owned());
        let relay = Relay { address, wire: Arc::clone(&wire) };
        // This thread ends with the test's process.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, asker)) = near.recv_from(&mut buffer) {
                let (wire, near) = (Arc::clone(&wire), near.try_clone().expect("the port"));
                let (request, server) = (buffer[..length].to_vec(), server.clone());
                thread::spawn(move || wire.carry(&request, &server, &near, asker));
            }
        });
        relay
    }

    /// As the plan's parameters.
    pub(crate) fn params(&self) -> [String; 2] {
        [format!("dns-server={}", self.address.ip()), format!("dns-port={}", self.address.port())]
    }

    pub(crate) fn set(&self, answers: Answers) {
        *self.wire.answers.lock().expect("the wire") = answers;
        self.wire.changed.notify_all();
    }

    /// How many answers have come back from the name server.
    pub(crate) fn seen(&self) -> usize {
        *self.wire.seen.lock().expect("the wire")
    }
}

impl Wire {
    fn carry(&self, request: &[u8], server: &str, near: &UdpSocket, asker: std::net::SocketAddr) {
        let far = UdpSocket::bind("127.0.0.1:0").expect("a port");
        far.send_to(request, server).expect("the name server's address");
        let mut buffer = [0; 4096];
        let Ok(length) = far.recv(&mut buffer) else { return };
        *self.seen.lock().expect("the wire") += 1;
        let answers = self.answers.lock().expect("the wire");
        let answers =
            self.changed.wait_while(answers, |answers| *answers == Answers::Hold).expect("the wire");
        if *answers == Answers::Pass {
            // Whoever asked may have given up.
            let _ = near.send_to(&buffer[..length], asker);
        }
    }
}
