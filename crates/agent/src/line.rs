//! The line between an agent and one of its supervisors: what is said on it. That it is cut says that the other one is
//! gone, and nobody can cut it but death.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

const KEEP: u8 = 1;
const END: u8 = 2;
const ENDED: u8 = 3;
const LEAVES: u8 = 4;

/// What is said, by either side. Both are the same program.
#[derive(Debug)]
pub(crate) enum Word {
    /// The agent: keep this attempt, whose lock comes with it. Whatever ended before is in the journal.
    Keep { token: u64, lock: File },
    /// The agent, to its cradle: the same, by a new supervisor with a line of its own.
    Bear { token: u64, lock: File, line: OwnedFd },
    /// The agent: end this attempt, if it is still the one that is kept.
    End { token: u64 },
    /// The supervisor: the attempt's end is written down. It stays for another, or leaves.
    Ended { token: u64, stays: bool },
}

/// Both ends of a new line.
///
/// # Errors
/// If there are no descriptors left.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Says it. What is open goes over to the other side, and stays here as well.
///
/// # Errors
/// If nobody is there any more.
pub(crate) fn say(line: impl AsFd, word: &Word) -> io::Result<()> {
    let (kind, token, open): (_, _, &[BorrowedFd<'_>]) = match word {
        Word::Keep { token, lock } => (KEEP, token, &[lock.as_fd()]),
        Word::Bear { token, lock, line } => (KEEP, token, &[lock.as_fd(), line.as_fd()]),
        Word::End { token } => (END, token, &[]),
        Word::Ended { token, stays: true } => (ENDED, token, &[]),
        Word::Ended { token, stays: false } => (LEAVES, token, &[]),
    };
    let mut bytes = [kind; 9];
    bytes[1..].copy_from_slice(&token.to_le_bytes());
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut with = SendAncillaryBuffer::new(&mut space);
    if !open.is_empty() {
        with.push(SendAncillaryMessage::ScmRights(open));
    }
    sendmsg(line, &[IoSlice::new(&bytes)], &mut with, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next word; `None` when the line is cut.
///
/// # Errors
/// With `DONTWAIT`, if there is none; or one that is not understood.
pub(crate) fn hear(line: impl AsFd, how: RecvFlags) -> io::Result<Option<Word>> {
    let mut bytes = [0; 9];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        match recvmsg(&line, &mut [IoSliceMut::new(&mut bytes)], &mut with, how | RecvFlags::CMSG_CLOEXEC) {
            // Whoever cared has died with words unread, which is an end as well.
            Err(Errno::CONNRESET) => return Ok(None),
            Err(Errno::INTR) => {}
            received => break received?.bytes,
        }
    };
    let rights = |message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    };
    let mut open = with.drain().filter_map(rights).flatten();
    let [kind, token @ ..] = bytes;
    let token = u64::from_le_bytes(token);
    match (length, kind, open.next(), open.next()) {
        (0, ..) => Ok(None),
        (9, KEEP, Some(lock), None) => Ok(Some(Word::Keep { token, lock: lock.into() })),
        (9, KEEP, Some(lock), Some(line)) => Ok(Some(Word::Bear { token, lock: lock.into(), line })),
        (9, END, None, _) => Ok(Some(Word::End { token })),
        (9, ENDED | LEAVES, None, _) => Ok(Some(Word::Ended { token, stays: kind == ENDED })),
        _ => Err(io::Error::other("what was said between agent and supervisor is not understood")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(word: &Word) -> (&'static str, u64, bool) {
        match word {
            Word::Keep { token, .. } => ("keep", *token, false),
            Word::Bear { token, .. } => ("bear", *token, false),
            Word::End { token } => ("end", *token, false),
            Word::Ended { token, stays } => ("ended", *token, *stays),
        }
    }

    #[test]
    fn what_is_said_is_heard_until_the_line_is_cut() {
        let (one, other) = pair().unwrap();
        let lock = || tempfile::tempfile().unwrap();
        let said = [
            Word::Keep { token: 7, lock: lock() },
            Word::Bear { token: u64::MAX, lock: lock(), line: pair().unwrap().0 },
            Word::End { token: 7 },
            Word::Ended { token: 7, stays: true },
            Word::Ended { token: 8, stays: false },
        ];
        for word in &said {
            say(&one, word).unwrap();
        }
        for word in &said {
            let heard = hear(&other, RecvFlags::empty()).unwrap().unwrap();
            assert_eq!(shape(&heard), shape(word));
        }
        assert!(hear(&other, RecvFlags::DONTWAIT).is_err());
        drop(one);
        assert!(hear(&other, RecvFlags::empty()).unwrap().is_none());
        assert!(say(&other, &Word::End { token: 7 }).is_err());
    }
}
