//! What a plan says, and everything that can be wrong with it. Pure: text in, a checked
//! [`Plan`] or a list of [`Problem`]s out.
//!
//! `document` is the YAML exactly as written; `check` turns it into a [`plan::Plan`], which
//! cannot be built wrong; `graph` answers questions about its shape; `expression` is CEL within
//! bounds and `reference` the `${…}` in fields. `keys` is the one table of what a plan file may
//! hold: `check` obeys it, [`schema()`] prints it for editors and [`explain()`] for people.
//! [`review()`] says what a careful colleague would, [`diff()`] what changed between two versions.

mod catalogue;
mod check;
mod diff;
mod document;
mod draw;
pub mod duration;
mod entries;
mod explain;
pub mod expression;
mod fault;
pub mod graph;
mod keys;
pub mod native;
mod nearest;
pub mod params;
pub mod plan;
pub mod problem;
pub mod reference;
mod review;
mod schema;
mod stack;
pub mod template;
mod work;

pub use catalogue::{builtin, builtin_source};
pub use check::{Checked, Described, check, check_bytes, check_document, check_document_bytes};
pub use diff::{Change, diff};
pub use draw::{Format, draw, draw_with_status};
pub use entries::{Entry, entries};
pub use explain::explain;
pub use fault::Fault;
pub use plan::Plan;
pub use problem::Problem;
pub use review::{Code, Finding, codes, review};
pub use schema::schema;
pub use template::StepTemplate;
