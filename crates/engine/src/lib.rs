//! The replicated state machine: command in, new state and events out.
//!
//! Everything that may happen to a run is decided here, by pure functions of the state and the
//! command. There is no I/O, no clock, no randomness and no logging: time arrives with each
//! batch as a [`Stamp`], identity with each command, and a member that applies the same log
//! holds the same state. What the outside world should be doing now is not stored anywhere: the
//! leader reads it off the state ([`State::effects_for`], [`State::evaluations`]), and so does
//! the next leader.

pub mod agents;
pub mod apply;
pub mod attention;
pub mod chain;
pub mod choices;
pub mod command;
pub mod conclude;
pub mod doubt;
pub mod effect;
pub mod event;
pub mod grant;
pub mod group;
pub mod invariants;
pub mod locks;
mod openings;
pub mod pass;
pub mod people;
pub mod places;
pub mod plans;
pub mod rare;
pub mod reckoning;
pub mod recovery;
pub mod regions;
pub mod rejection;
pub mod requests;
pub mod resources;
pub mod rest;
pub mod run;
pub mod sabotage;
pub mod scope;
pub mod settle;
pub mod stamp;
pub mod standing;
pub mod state;
pub mod step;
pub mod turn;
pub mod unwind;
pub mod view;
pub mod voices;

pub use command::{Answer, Batch, Command, Reply};
pub use effect::{Effect, Evaluation};
pub use rejection::Rejection;
pub use stamp::Stamp;
pub use state::State;
