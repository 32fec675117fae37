//! The step's stdout and stderr: read as they come, kept as tails, and read on for daemons that
//! the step leaves behind.

use std::os::fd::OwnedFd;

use super::tail::Tail;

/// Bytes taken from a pipe at once before looking at anything else.
const GULP: usize = 1 << 20;

/// One stream.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    /// Until nobody writes any more.
    pub(super) end: Option<OwnedFd>,
    pub(super) tail: Tail,
}

impl Pipe {
    /// Takes what is there, without waiting.
    pub(super) fn drain(&mut self) {
        let mut buffer = [0_u8; 16 * 1024];
        let mut taken = 0;
        while let Some(end) = &self.end
            && taken < GULP
        {
            match rustix::io::read(end, &mut buffer) {
                Ok(0) => self.end = None,
                Ok(count) => {
                    self.tail.push(&buffer[..count]);
                    taken += count;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => return,
                // A pipe that cannot be read tells no more than one that was closed.
                Err(_) => self.end = None,
            }
        }
    }
}
