//! A wire between an action and its target. From the moment at which a certain request goes through, it keeps back what
//! the target answers.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::bench::eventually;

/// Whether a request is the one.
type Is = fn(&[u8]) -> bool;

#[derive(Default)]
struct State {
    holds: bool,
    is_released: bool,
    /// An answer has come and is kept back.
    keeps: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

/// Its threads end with what they connect.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Wire {
    pub(crate) fn to(target: String, is: Is) -> Wire {
        let near = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = near.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let wire = Wire { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for near in near.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&target) else { continue };
                let (Ok(near_up), Ok(far_up)) = (near.try_clone(), far.try_clone()) else { continue };
                let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                thread::spawn(move || up.carry(near_up, far_up, |up, bytes| up.hold_at(bytes, is)));
                thread::spawn(move || down.carry(far, near, |down, _| down.keep()));
            }
        });
        wire
    }

    /// Waits until the request has been carried out and its answer is kept back.
    pub(crate) async fn until_answered(&self) {
        eventually("an answer", || self.shared.state.lock().unwrap().keeps.then_some(())).await;
    }

    /// Lets all answers through from now on.
    pub(crate) fn release(&self) {
        self.shared.state.lock().unwrap().is_released = true;
        self.shared.released.notify_all();
    }
}

impl Shared {
    fn carry(&self, mut from: TcpStream, mut to: TcpStream, before: impl Fn(&Shared, &[u8])) {
        let mut bytes = [0; 16 << 10];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            before(self, &bytes[..length]);
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    fn hold_at(&self, request: &[u8], is: Is) {
        if is(request) {
            self.state.lock().unwrap().holds = true;
        }
    }

    fn keep(&self) {
        let mut state = self.state.lock().unwrap();
        state.keeps |= state.holds;
        drop(self.released.wait_while(state, |state| state.holds && !state.is_released).unwrap());
    }
}
