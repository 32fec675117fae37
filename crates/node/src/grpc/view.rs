//! What people and programs are shown of the state.

mod plans;
mod run;
mod shared;
mod step;

pub(crate) use plans::{plan, template};
pub(crate) use run::{event, run, summary};
pub(crate) use shared::{agents, locks, regions, resources};
pub(crate) use step::approval;

#[cfg(test)]
mod tests;
