//! The proof: every step's effects, counted where they happened.

use baton_client::view::StepView;

use crate::demo::shop;
use crate::demo::stage::Stage;
use crate::demo::story::Told;
use crate::demo::voice::Voice;

/// Counts the effects at the target and compares them with what the run says. True when all holds.
pub(crate) fn prove(stage: &Stage, told: &Told, voice: &Voice) -> anyhow::Result<bool> {
    voice.title("The proof, counted at the target");
    voice.note(&format!(
        "{:<18} {:<11} {:>7}  {:<8} {}",
        "step", "may repeat", "effects", "attempts", "tokens seen"
    ));
    let mut wrong = Vec::new();
    let command_steps = told.run.steps.iter().filter(|step| step.kind == "command");
    for step in command_steps {
        wrong.extend(count(stage, step, voice));
    }
    wrong.extend(order_of_tokens(told));
    wrong.extend(state_of_the_world(stage)?);
    if told.run.step(&told.delicate).is_none_or(|step| step.attempts.len() != 1) {
        wrong.push(format!("`{}`, in which the leader died, was attempted again", told.delicate));
    }
    if told.run.takeovers != 1 {
        wrong.push(format!("the run was taken over {} times, not once", told.run.takeovers));
    }
    voice.note("");
    for sentence in &wrong {
        voice.bad(sentence);
    }
    if wrong.is_empty() {
        voice.good(&format!(
            "the leader died in the middle; {} ms later another went on; nothing was repeated, nothing was lost",
            told.takeover_ms
        ));
    }
    Ok(wrong.is_empty())
}

/// One step's effects: exactly one, or for a step that may be repeated at least one.
fn count(stage: &Stage, step: &StepView, voice: &Voice) -> Option<String> {
    let witness = stage.witness(&step.step);
    let tokens: Vec<_> = witness.iter().filter_map(|line| line.split(' ').next()).collect();
    let may = if step.idempotent { "yes" } else { "no" };
    voice.note(&format!(
        "{:<18} {may:<11} {:>7}  {:<8} {}",
        step.step,
        witness.len(),
        step.attempts.len(),
        tokens.join(", ")
    ));
    let granted: Vec<_> = step.attempts.iter().map(|attempt| attempt.token.to_string()).collect();
    if let Some(stranger) = tokens.iter().find(|token| !granted.iter().any(|one| one == *token)) {
        return Some(format!("{}: token {stranger} was seen, and never granted", step.step));
    }
    match (witness.len(), step.idempotent) {
        (0, _) => Some(format!("{} never took effect, but the run says that it succeeded", step.step)),
        (1, _) | (_, true) => None,
        (effects, false) => {
            Some(format!("{} took effect {effects} times; it must not happen twice", step.step))
        }
    }
}

/// A step's token is larger than those of every step that it needs.
fn order_of_tokens(told: &Told) -> Option<String> {
    let token =
        |name: &str| told.run.step(name).and_then(StepView::last_attempt).map_or(0, |attempt| attempt.token);
    let mut pairs =
        told.run.steps.iter().flat_map(|step| step.needs.iter().map(move |need| (need, &step.step)));
    let wrong = pairs.find(|(need, step)| token(need) >= token(step));
    wrong.map(|(need, step)| format!("{step} was granted before {need}, which it needs"))
}

/// What a customer finds.
fn state_of_the_world(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, sentence: &str| {
        if !holds {
            wrong.push(sentence.to_owned());
        }
    };
    must(!shop::is_open(stage.from_port), "the old shop still answers");
    must(stage.front_door()? == stage.to_port, "customers are not sent to the new shop");
    must(stage.lines("generations").len() == 1, "there is not exactly one generation: a split brain");
    must(stage.lines("credentials").len() == 1, "the credential was not rotated exactly once");
    let orders = stage.lines(&format!("{}/orders", stage.to));
    let kept = (1..=stage.orders).all(|number| orders.contains(&format!("order {number}")));
    must(kept, "an order that was acknowledged is missing");
    let answer = shop::order(stage.front_door()?, "an order after the failover")?;
    must(answer == format!("accepted in {}", stage.to), "the new shop does not take orders");
    Ok(wrong)
}
