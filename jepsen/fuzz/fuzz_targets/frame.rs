//! What one member says to another, as bytes on the wire: raft is asked only what can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| baton_node::doors::frame(bytes));
