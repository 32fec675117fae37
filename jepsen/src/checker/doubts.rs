//! Losing coordinators makes nothing doubtful: where no agent was touched, no step was ever in doubt.

use super::{Evidence, Verdict, fired};

const NAME: &str = "doubts";

/// Faults that reach coordinators only.
fn spares_agents(card: &str) -> bool {
    let coordinators =
        ["leader", "follower", "majority", "coordinators", "halves", "bridge", "ring", "transfer-leader"];
    let of_agents = ["leaders-region", "leader-alone"];
    card.split('/').skip(1).any(|word| coordinators.iter().any(|name| word.starts_with(name)))
        && !of_agents.iter().any(|name| card.contains(name))
        || card.starts_with("leader/")
}

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let runs = evidence.last.iter().flat_map(|last| &last.runs);
    let events = runs.flat_map(|run| run.events.iter().map(move |event| (run, event)));
    let doubts: Vec<_> = events.filter(|(_, event)| event.kind == "step_in_doubt").collect();
    let touched: Vec<_> =
        fired(&evidence.history).into_iter().filter(|fired| !spares_agents(&fired.card)).collect();
    let note = format!("{} doubts; {} faults reached agents", doubts.len(), touched.len());
    if !touched.is_empty() {
        return Verdict::of(NAME, note, Vec::new());
    }
    let shown = doubts
        .iter()
        .map(|(run, event)| format!("{}: {}, though only coordinators were hurt", run.run, event.text));
    Verdict::of(NAME, note, shown.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    #[test]
    fn a_doubt_needs_an_agent_that_was_hurt() {
        let mut last = run("running", json!([]));
        last["runs"][0]["events"] = json!([{"kind": "step_in_doubt", "text": "a is in doubt"}]);
        let mut evidence = evidence("", last);
        let fault = |card: &str| {
            crate::history::read(&format!("{{:type :info :process :nemesis :f :fault :value {{:card \"{card}\" :outcome \"installed\" :rows []}}}}")).unwrap()
        };
        for (card, valid) in [
            ("leader/granted", Valid::False),
            ("pause/follower", Valid::False),
            ("kill/agent/granted", Valid::True),
            ("kill/leaders-region", Valid::True),
        ] {
            evidence.history = fault(card);
            assert_eq!(check(&evidence).valid, valid, "{card}");
        }
    }
}
