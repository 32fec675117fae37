//! Where memory comes from.

use std::ffi::{c_int, c_long};

/// Coordinators and agents allocate from many threads: a tenth more steps a second than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The allocator's number for the time, milliseconds, that it keeps memory which nobody uses before the system has it back.
const PURGE_DELAY: c_int = 15;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

/// Gives memory back as soon as nobody uses it. By itself the allocator waits a second, and then for the next time that
/// something is freed: whoever falls idle after a load would keep for ever what the load has needed. Whoever says something
/// else in `MIMALLOC_PURGE_DELAY` has it so.
pub(crate) fn give_back_at_once() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: it stores a number; no other thread is there yet that may read it.
        unsafe { mi_option_set(PURGE_DELAY, 0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        fn mi_option_get(option: c_int) -> c_long;
    }

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // SAFETY: it reads a number.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "the default; in another version the numbers may be others");
        give_back_at_once();
        assert_eq!(delay(), 0);
    }
}
