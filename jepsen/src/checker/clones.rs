//! The matrix's A09: a copy of an agent, started beside it, is refused.

use super::{Evidence, Verdict, fired};
use crate::nemesis::LET_IN;

const NAME: &str = "clones";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let clones: Vec<_> =
        fired(&evidence.history).into_iter().filter(|fault| fault.card == "data/clone/agent").collect();
    let wrong = clones.iter().filter(|fault| fault.detail.ends_with(LET_IN));
    let findings = wrong.map(|fault| fault.detail.clone()).collect();
    Verdict::of(NAME, format!("{} copies of agents", clones.len()), findings)
}

#[cfg(test)]
mod tests {
    use super::super::Valid;
    use super::super::made::fault;
    use super::*;

    #[test]
    fn a_copy_that_is_let_in_is_found() {
        let valid = |detail: &str| check(&fault("data/clone/agent", detail)).valid;
        assert_eq!(valid(&format!("the copy of west-1 {LET_IN}")), Valid::False);
        assert_eq!(valid("the copy of west-1 was refused"), Valid::True);
    }
}
