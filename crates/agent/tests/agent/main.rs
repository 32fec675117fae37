//! The agent against a played leader: real processes, real kills.

mod bench;
mod brink;
mod catalogue;
mod cradle;
mod crew;
mod death;
mod every_call;
mod leader;
mod life;
mod secrets;
mod session;
mod targets;
mod time;
mod torture;
