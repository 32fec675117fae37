//! A wire to the name server that a test can hold the answers to updates of, or drop them. The update has been carried
//! out by then. Questions pass.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What becomes of answers to updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Pass,
    Hold,
    Drop,
}

struct Wire {
    answers: Mutex<Answers>,
    changed: Condvar,
    /// How many answers to updates have come from the name server.
    seen: Mutex<usize>,
}

/// Whatever is sent to its address goes on to the name server.
pub(crate) struct Relay {
    address: SocketAddr,
    wire: Arc<Wire>,
}

impl Relay {
    pub(crate) fn to(server: &str) -> Relay {
        let near = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = near.local_addr().expect("an address");
        let wire = Wire { answers: Mutex::new(Answers::Pass), changed: Condvar::new(), seen: Mutex::new(0) };
        let (wire, server) = (Arc::new(wire), server.to_owned());
        let relay = Relay { address, wire: Arc::clone(&wire) };
        // These threads end with the test's process, or with what they connect.
        thread::spawn(move || {
            for asker in near.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let (Ok(mut from), Ok(mut to)) = (asker.try_clone(), server.try_clone()) else { continue };
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
                let wire = Arc::clone(&wire);
                thread::spawn(move || wire.carry(server, asker));
            }
        });
        relay
    }

    /// As the plan's parameter.
    pub(crate) fn param(&self) -> String {
        format!("dns={}", self.address)
    }

    pub(crate) fn set(&self, answers: Answers) {
        *self.wire.answers.lock().expect("the wire") = answers;
        self.wire.changed.notify_all();
    }

    /// How many answers to updates have come from the name server.
    pub(crate) fn seen(&self) -> usize {
        *self.wire.seen.lock().expect("the wire")
    }
}

impl Wire {
    fn carry(&self, mut server: TcpStream, mut asker: TcpStream) {
        while let Some(answer) = message(&mut server) {
            if !is_of_update(&answer) || self.lets_pass() {
                // Whoever asked may have given up.
                let _ = asker.write_all(&answer);
            }
        }
        let _ = asker.shutdown(Shutdown::Both);
    }

    fn lets_pass(&self) -> bool {
        *self.seen.lock().expect("the wire") += 1;
        let answers = self.answers.lock().expect("the wire");
        let answers = self.changed.wait_while(answers, |answers| *answers == Answers::Hold);
        *answers.expect("the wire") == Answers::Pass
    }
}

/// A message with its length in front.
fn message(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = vec![0; 2];
    from.read_exact(&mut message).ok()?;
    let length = usize::from(u16::from_be_bytes([message[0], message[1]]));
    message.resize(2 + length, 0);
    from.read_exact(&mut message[2..]).ok()?;
    Some(message)
}

/// The operation stands behind length and id.
fn is_of_update(message: &[u8]) -> bool {
    message.get(4).is_some_and(|flags| flags >> 3 & 0xf == 5)
}
