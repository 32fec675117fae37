//! What a coordinator does while it leads: propose, dispatch, and keep time. None of it is state:
//! whoever leads next finds everything in the log.

pub(crate) mod clock;
mod conditions;
pub(crate) mod leases;
pub(crate) mod office;
pub(crate) mod preference;
pub(crate) mod propose;
mod sessions;
