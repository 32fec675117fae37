//! What a plan says, and everything that can be wrong with it. Pure: text in, a checked
//! [`Plan`] or a list of [`Problem`]s out.
//!
//! `document` is the YAML exactly as written; `check` turns it into a [`plan::Plan`], which
//! cannot be built wrong; `graph` answers questions about its shape; `expression` is CEL within
//! bounds and `reference` the `${…}` in fields. `keys` is the one table of what a plan file may
//! hold: `check` obeys it, and [`schema()`] prints it for editors.

mod check;
mod document;
mod draw;
pub mod duration;
pub mod expression;
mod fault;
pub mod graph;
mod keys;
mod nearest;
pub mod params;
pub mod plan;
pub mod problem;
pub mod reference;
mod schema;
mod stack;

pub use check::{Checked, check, check_bytes};
pub use draw::{Format, draw};
pub use fault::Fault;
pub use plan::Plan;
pub use problem::Problem;
pub use schema::schema;
