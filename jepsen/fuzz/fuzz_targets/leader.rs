//! What a leader, or whoever claims to be one, says to an agent: the ledger takes it in, and starts nothing that is not
//! idempotent without an answer to its Begin.
#![no_main]

use baton_agent::doors::leader_says;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| leader_says(bytes));
