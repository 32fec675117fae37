//! P2, INV3, R7: nothing acknowledged is lost, to people or to agents; and a request has one answer.

use baton_agent::attempt::Key;
use baton_engine::command::Command;
use baton_engine::{Answer, Rejection, scope};

use crate::world::World;

/// A client has heard an answer.
pub(crate) fn client(world: &mut World, client: usize, told: &Result<Answer, Rejection>) {
    let Ok(answer) = told else { return };
    let seen = &world.clients[client];
    let id = seen.id.clone();
    let before = seen.answer.clone();
    let receipt = world.book.state.requests.receipt(&id).map(|receipt| receipt.answer);
    if receipt.as_ref() != Some(answer) {
        world.broken("acknowledged", format!("{id} was told {answer:?}, and the log says {receipt:?}"));
    } else if let Some(Ok(before)) = before
        && before != *answer
    {
        world.broken("acknowledged", format!("{id} was told {before:?} first, and {answer:?} then"));
    }
}

/// An agent may forget an attempt.
pub(crate) fn report(world: &mut World, place: usize, key: &Key) {
    let state = &world.book.state;
    let Some(run) = state.runs.get(&key.run) else { return };
    let Some(index) = scope::find(run, &state.plans, &key.step) else { return };
    let attempt = run.steps[index].attempts.iter().find(|attempt| attempt.token == key.token);
    let own = attempt.filter(|attempt| attempt.speaker.agent == world.places[place].name);
    if own.is_some_and(|attempt| attempt.is_under_way()) {
        world.broken(
            "acknowledged",
            format!("the report of {key} was acknowledged, and nothing of it is recorded"),
        );
    }
}

pub(super) fn at_the_end(world: &mut World) {
    for client in 0..world.clients.len() {
        let seen = &world.clients[client];
        let Some(Ok(answer)) = seen.answer.clone() else { continue };
        self::client(world, client, &Ok(answer.clone()));
        if let (Answer::Started { run }, Command::StartRun { .. }) = (&answer, &world.clients[client].command)
            && !world.book.state.runs.contains_key(run)
        {
            world.broken("acknowledged", format!("run {run} was started, and is gone"));
        }
    }
}
