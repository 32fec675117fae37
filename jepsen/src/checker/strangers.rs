//! The matrix's A10: a process that has a dead supervisor's number is a stranger. It is not waited for (`decided` sees to
//! that), and nobody sends it a signal.

use super::{Evidence, Verdict};

const NAME: &str = "strangers";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let seen: Vec<_> = evidence.history.iter().filter(|op| op.f == "strangers").collect();
    let numbers = |key| {
        let of = move |op: &&&crate::history::Op| op.value.get(key)?.as_u64();
        seen.iter().filter_map(|op| of(&op)).sum::<u64>()
    };
    let (placed, gone) = (numbers("placed"), numbers("gone"));
    let findings = match gone {
        0 => Vec::new(),
        _ => vec![format!("{gone} processes with a dead supervisor's number were ended")],
    };
    Verdict::of(NAME, format!("{placed} strangers"), findings)
}

#[cfg(test)]
mod tests {
    use super::super::Valid;
    use super::super::made::history;
    use super::*;

    #[test]
    fn a_stranger_is_left_alone() {
        let valid = |gone: u64| {
            check(&history(&format!(
                "{{:type :info :process :nemesis :f :strangers :value {{:placed 2 :gone {gone}}}}}"
            )))
            .valid
        };
        assert_eq!([valid(0), valid(1)], [Valid::True, Valid::False]);
    }
}
