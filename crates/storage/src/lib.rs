//! Bytes that survive: the one door to sled and bincode, and the one place that says what
//! *durable* means. [`codec`] gives every record a kind, a version and a checksum; [`mod@file`]
//! writes plain files and folders so that a power cut leaves the old or the new; [`db`] opens
//! sled so that a flush reaches the disk; [`log`] keeps raft's entries and vote, and refuses to go
//! on from data that went back in time; [`archive`] keeps what is written once and read rarely.

pub mod archive;
pub mod ballast;
pub mod codec;
pub mod db;
#[cfg(fuzzing)]
pub mod doors;
pub mod file;
pub mod hard_state;
pub mod layout;
pub mod log;
pub mod position;
pub mod sabotage;
pub mod sync;
pub mod table;
