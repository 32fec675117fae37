//! The page of a test.
use crate::checker::{Evidence, Verdict};
use crate::store::Test;
pub(crate) fn page(_test: &Test, _evidence: &Evidence, _verdicts: &[Verdict]) -> String { String::new() }
