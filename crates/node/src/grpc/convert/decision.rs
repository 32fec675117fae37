//! What people decide, from its words.

use baton_engine::command::{Choice, Decision, Mode, Resolution};

/// How the old side is to be treated; `Err` with a sentence where the word is none of ours.
pub(crate) fn mode(word: &str) -> Result<Mode, String> {
    match word {
        "" | "ungraceful" => Ok(Mode::Ungraceful),
        "graceful" => Ok(Mode::Graceful),
        other => Err(format!("mode `{other}` is neither `graceful` nor `ungraceful`")),
    }
}

/// What is decided about a run, or about the step that is named.
pub(crate) fn decision(word: &str, step: &str) -> Result<Decision, String> {
    let of_run = match word {
        "pause" => Some(Decision::Pause),
        "resume" => Some(Decision::Resume),
        "cancel" => Some(Decision::Cancel { undo: false }),
        "cancel_undo" => Some(Decision::Cancel { undo: true }),
        "undo" => Some(Decision::Undo),
        "escalate" => {
            return Ok(Decision::Escalate { step: (!step.is_empty()).then(|| step.to_owned()) });
        }
        _ => None,
    };
    match of_run {
        Some(_) if !step.is_empty() => Err(format!("`{word}` is decided about a run, not about a step")),
        Some(decision) => Ok(decision),
        None => {
            let choice = choice(word).ok_or_else(|| format!("`{word}` is nothing that can be decided"))?;
            match step {
                "" => Err(format!("`{word}` is decided about a step, and none is named")),
                step => Ok(Decision::Step { step: step.to_owned(), choice }),
            }
        }
    }
}

fn choice(word: &str) -> Option<Choice> {
    Some(match word {
        "approve" => Choice::Approve,
        "decline" => Choice::Decline,
        "finish" => Choice::Finish,
        "override" => Choice::Override,
        "skip" => Choice::Skip,
        "retry" => Choice::Retry,
        "resolve_succeeded" => Choice::Resolve(Resolution::Succeeded),
        "resolve_failed" => Choice::Resolve(Resolution::Failed),
        "resolve_retry" => Choice::Resolve(Resolution::Retry),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_about_a_run_or_about_a_step() {
        assert_eq!(decision("cancel_undo", ""), Ok(Decision::Cancel { undo: true }));
        assert_eq!(decision("escalate", ""), Ok(Decision::Escalate { step: None }));
        assert_eq!(decision("escalate", "a"), Ok(Decision::Escalate { step: Some("a".into()) }));
        let choice = Choice::Resolve(Resolution::Retry);
        assert_eq!(decision("resolve_retry", "a"), Ok(Decision::Step { step: "a".into(), choice }));
        assert!(decision("pause", "a").unwrap_err().contains("not about a step"));
        assert!(decision("skip", "").unwrap_err().contains("none is named"));
        assert!(decision("dance", "a").unwrap_err().contains("nothing that can be decided"));
    }
}
