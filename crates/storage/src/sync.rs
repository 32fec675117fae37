//! What makes sled durable on Linux.
//!
//! sled 0.34 ends every flush in `sync_file_range`, which commits neither the file's size nor the
//! device's cache: after a power cut acknowledged data is gone. This module exports a function of
//! that name, so that the linker binds sled's call to it, and it does an `fdatasync`. A start
//! without the replacement is refused ([`crate::db::Db::open`] counts the calls).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::sabotage::{self, Bug};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// How many times this process has synced through the replacement.
pub fn calls() -> u64 {
    CALLS.load(Ordering::SeqCst)
}

/// Takes the place of the C library's function for the whole process: syncs all of the file.
///
/// # Safety
/// None needed: any descriptor may be passed, a bad one is answered with an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sync_file_range(
    fd: libc::c_int,
    offset: libc::off64_t,
    bytes: libc::off64_t,
    flags: libc::c_uint,
) -> libc::c_int {
    CALLS.fetch_add(1, Ordering::SeqCst);
    if sabotage::planted(Bug::PlainFlush) {
        // SAFETY: numbers only; it is what sled meant to call.
        return unsafe { libc::syscall(libc::SYS_sync_file_range, fd, offset, bytes, flags) } as libc::c_int;
    }
    // SAFETY: `fdatasync` takes any number, and sets errno for one that is no open file.
    unsafe { libc::fdatasync(fd) }
}
