//! The matrix's P01: only a round trip is life. An agent that is heard and hears nothing is given up, so that what it was
//! granted and has not begun goes to others.

use super::{Evidence, Verdict, fired};
use crate::nemesis::COUNTS_AS_ALIVE;

const NAME: &str = "alive";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let unheard: Vec<_> = fired(&evidence.history)
        .into_iter()
        .filter(|fault| fault.card == "replies/agent-unheard" && fault.outcome == "installed")
        .collect();
    let wrong = unheard.iter().filter(|fault| fault.detail.ends_with(COUNTS_AS_ALIVE));
    let findings = wrong.map(|fault| fault.detail.clone()).collect();
    Verdict::of(NAME, format!("{} agents that heard nothing", unheard.len()), findings)
}

#[cfg(test)]
mod tests {
    use super::super::Valid;
    use super::super::made::fault;
    use super::*;

    #[test]
    fn an_agent_that_hears_nothing_is_not_alive() {
        let valid = |detail: &str| check(&fault("replies/agent-unheard", detail)).valid;
        assert_eq!(valid(&format!("west-1 {COUNTS_AS_ALIVE}")), Valid::False);
        assert_eq!(valid("west-1 was given up after 3400 ms"), Valid::True);
    }
}
