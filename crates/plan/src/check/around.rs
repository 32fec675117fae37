//! What stands around a step: what holds for steps that do not say otherwise, and what they may name.

use super::named::Named;
use crate::plan::{OnFailure, Resource, Retry};
use crate::reference::Template;

pub(super) struct Around<'a> {
    pub(super) timeout_ms: u64,
    /// The plan chose the timeout.
    pub(super) says_timeout: bool,
    /// `Some(None)`: there is one, and it is wrong.
    pub(super) region: Option<Option<Template>>,
    pub(super) retry: Option<Retry>,
    pub(super) on_failure: OnFailure,
    pub(super) resources: Vec<Resource>,
    /// The plan's name.
    pub(super) plan: Option<&'a str>,
    /// The step templates that it may use.
    pub(super) named: &'a Named,
}
