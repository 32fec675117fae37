//! The matrix's C01: a member whose data was lost does not take part under its old id. What it had promised is forgotten.

use super::{Evidence, Verdict, fired};
use crate::nemesis::TAKES_PART;

const NAME: &str = "lost-data";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let wiped: Vec<_> =
        fired(&evidence.history).into_iter().filter(|fault| fault.card == "data/wipe/follower").collect();
    let wrong = wiped.iter().filter(|fault| fault.detail.ends_with(TAKES_PART));
    let findings = wrong.map(|fault| format!("{}: {}", fault.card, fault.detail)).collect();
    Verdict::of(NAME, format!("{} members without their data", wiped.len()), findings)
}

#[cfg(test)]
mod tests {
    use super::super::Valid;
    use super::super::made::history;
    use super::*;

    #[test]
    fn a_member_that_is_let_in_without_its_data_is_found() {
        let valid = |detail: &str| {
            let value = format!(
                "{{:card \"data/wipe/follower\" :outcome \"installed\" :detail \"{detail}\" :rows []}}"
            );
            check(&history(&format!("{{:type :info :process :nemesis :f :fault :value {value}}}"))).valid
        };
        assert_eq!(valid(&format!("c2 {TAKES_PART}")), Valid::False);
        assert_eq!(valid("c2 refused to start without its data"), Valid::True);
    }
}
