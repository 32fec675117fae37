//! Records on disk, as they may be found after a bad night: read, or refused with a reason; never a crash.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    baton_storage::doors::records(bytes);
    baton_agent::doors::records(bytes);
    baton_node::doors::records(bytes);
});
