//! What each kind of action is, one file a kind.

pub(crate) mod command;
pub(crate) mod noop;
pub(crate) mod wait;
