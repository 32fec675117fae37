//! People, at a host of their own: what the world wants asked is asked with the real client, under the world's request ids.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_client::{Client, Decision, Error, Origin, Resolution, Start};
use baton_engine::command::{self, Mode, Request};
use baton_engine::{Answer, Command, Rejection};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use turmoil::Sim;

use crate::coordinator;
use crate::play::Shared;
use crate::wire::Simulated;

/// Their host.
pub(crate) const NAME: &str = "people";

/// How long somebody waits for an answer before asking again.
const PATIENCE: Duration = Duration::from_secs(4);
const ATTEMPT: Duration = Duration::from_millis(1500);

type Asked = (usize, Command);

/// Adds their host; what is to be asked goes in at the sender.
pub(crate) fn start(sim: &mut Sim<'_>, world: &Shared, members: usize) -> UnboundedSender<Asked> {
    let (ask, asked) = unbounded_channel();
    let asked: Arc<Mutex<Option<UnboundedReceiver<Asked>>>> = Arc::new(Mutex::new(Some(asked)));
    let world = world.clone();
    sim.host(NAME, move || {
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        let world = world.clone();
        async move {
            let servers: Vec<String> = (0..members).map(coordinator::address).collect();
            let client = Client::connect_over(Arc::new(Simulated), &servers)?;
            let client = client.with_deadline(PATIENCE).with_attempt(ATTEMPT);
            if let Some(asked) = asked {
                answer_all(client, world, asked).await;
            }
            pending().await
        }
    });
    ask
}

async fn answer_all(client: Client, world: Shared, mut asked: UnboundedReceiver<Asked>) {
    while let Some((number, command)) = asked.recv().await {
        let (client, world) = (client.clone(), world.clone());
        tokio::spawn(async move {
            match ask(&client, command).await {
                Ok(answer) => world.lock().answered(number, Ok(answer)),
                Err(Error::NoQuorum(_)) => world.lock().unanswered(number),
                Err(error) => {
                    let told = rejection(error);
                    world.lock().answered(number, Err(told));
                }
            }
        });
    }
}

fn rejection(error: Error) -> Rejection {
    match error {
        Error::NotFound(text) => Rejection::NotFound(text),
        Error::Refused(text) => Rejection::Refused(text),
        other => Rejection::Invalid(other.to_string()),
    }
}

async fn ask(client: &Client, command: Command) -> Result<Answer, Error> {
    match command {
        Command::RegisterPlan { request, source, .. } => {
            let told = client.register_plan(&source, &origin(request)).await?;
            let (name, version, unchanged) = (told.plan, told.plan_version, told.unchanged);
            Ok(Answer::Registered { name, version, unchanged })
        }
        Command::StartRun { request, plan, version, params, mode, drill, queue } => {
            let mode = if mode == Mode::Graceful { "graceful" } else { "ungraceful" }.to_owned();
            let start = Start { plan, version, params, mode, drill, queue };
            let told = client.start_run(&start, &origin(request)).await?;
            Ok(Answer::Started { run: told.run })
        }
        Command::Decide { request, run, decision, reason } => {
            let decision = decision_of(decision)?;
            client.decide(&decision, &run, &reason, &origin(request)).await?;
            Ok(Answer::Decided { run })
        }
        Command::DeclareLost { request, region, reason } => {
            client.declare_lost(&region, &reason, &origin(request)).await?;
            Ok(Answer::Done)
        }
        Command::RestoreRegion { request, region, reason } => {
            client.restore_region(&region, &reason, &origin(request)).await?;
            Ok(Answer::Done)
        }
        Command::SetCapacity { request, resource, capacity, reason } => {
            client.set_capacity(&resource, capacity, &reason, &origin(request)).await?;
            Ok(Answer::Done)
        }
        other => Err(Error::Usage(format!("nobody asks for {other:?}"))),
    }
}

fn origin(request: Request) -> Origin {
    Origin { request_id: request.id, operator: request.operator, roles: request.roles }
}

fn decision_of(decision: command::Decision) -> Result<Decision, Error> {
    Ok(match decision {
        command::Decision::Pause => Decision::Pause,
        command::Decision::Resume => Decision::Resume,
        command::Decision::Cancel { undo } => Decision::Cancel { undo },
        command::Decision::Undo => Decision::Undo,
        command::Decision::Escalate { step } => Decision::Escalate { step },
        command::Decision::Step { step, choice } => Decision::Step { step, choice: choice_of(choice)? },
    })
}

fn choice_of(choice: command::Choice) -> Result<baton_client::Choice, Error> {
    use baton_client::Choice;
    Ok(match choice {
        command::Choice::Approve => Choice::Approve,
        command::Choice::Decline => Choice::Decline,
        command::Choice::Finish => Choice::Finish,
        command::Choice::Override => Choice::Override,
        command::Choice::Skip => Choice::Skip,
        command::Choice::Retry => Choice::Retry,
        command::Choice::Resolve(command::Resolution::Succeeded) => Choice::Resolve(Resolution::Succeeded),
        command::Choice::Resolve(command::Resolution::Failed) => Choice::Resolve(Resolution::Failed),
        command::Choice::Resolve(command::Resolution::Retry) => Choice::Resolve(Resolution::Retry),
        other => return Err(Error::Usage(format!("nobody decides {other:?} over the wire"))),
    })
}
