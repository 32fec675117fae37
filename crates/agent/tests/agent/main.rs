//! The agent against a played leader: real processes, real kills.

mod bench;
mod brink;
mod death;
mod leader;
mod life;
mod session;
mod time;
mod torture;
