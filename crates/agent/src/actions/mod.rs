//! What each kind of action is, one file a kind. The native ones are carried out by a process of their own, `act`, which
//! is this very program: to its supervisor it is a command like any other, with the same tree, the same end and the same
//! record.

mod act;
mod answer;
pub(crate) mod command;
mod dns;
mod haproxy;
mod http;
pub(crate) mod noop;
mod postgres;
mod tls;
pub(crate) mod wait;

pub(crate) use act::WORD;
pub use act::act;
pub(crate) use answer::{Told, told};
