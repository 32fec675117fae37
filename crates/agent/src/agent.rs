//! The shell: it feeds what happens to the ledger and performs what the ledger decides.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use baton_api::connect::{Connect, Tcp};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tracing::{Span, debug_span};

use crate::attempt::{Key, Outcome, Report};
use crate::config::Config;
use crate::cradle::Cradle;
use crate::crew::Crew;
use crate::hand::{Hand, Place};
use crate::home::Home;
use crate::host;
use crate::journal::{Fact, Journal};
use crate::keeper::Keeper;
use crate::ledger::{Decision, Event, Ledger};
use crate::machine::{Machine, Memory, ThisMachine, Voice};
use crate::session::{self, Identity, Up};

/// Does steps for the cluster until `shutdown` completes. Steps that run then go on under their
/// supervisors, and the next agent on the same folder takes them up again.
///
/// # Errors
/// If the data folder is used by another agent or cannot be read or written; a sentence that says
/// what to do.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    #[cfg(feature = "sabotage")]
    baton_storage::sabotage::announce();
    let home = Home::open(&config.data_dir)?;
    let boot = host::boot_id().context("the kernel does not tell the boot's id")?;
    // Blocking, and nothing else happens before it is done.
    let (home, contents) = tokio::task::spawn_blocking(move || {
        let contents = home.recover();
        contents.map(|contents| (home, contents))
    })
    .await??;
    let memory = Memory {
        incarnation: contents.incarnation.clone(),
        facts: contents.facts.clone(),
        place: host::place(home.path()),
        boot: boot.clone(),
    };
    let journal = Journal::open(&home.journal(), contents)
        .with_context(|| format!("{} cannot be opened", home.journal().display()))?;
    let (name, supervisor) = (config.name.clone(), config.supervisor.clone());
    let path = home.path().to_owned();
    let cradle = config.cradle.as_deref().map(|argv| Cradle::start(argv, &path, &name)).transpose();
    let cradle = cradle.context("the process that its supervisors are born in cannot be started")?;
    let crew = cradle.map(Crew::new);
    let (events, inbox) = mpsc::unbounded_channel();
    let place = Place { name, home: path.clone(), boot: boot.clone(), supervisor };
    let runtime = Handle::current();
    let keeper = Keeper::new(Hand { place: place.into(), crew, events: events.clone(), runtime })?;
    let machine =
        move |voice| Arc::new(ThisMachine { home: path, boot, journal, keeper, voice }) as Arc<dyn Machine>;
    run_hearing((events, inbox), config, memory, machine, Arc::new(Tcp), shutdown).await
}

/// Does steps as [`run`] does, on any machine and over any connections.
///
/// # Errors
/// A sentence when the journal can no longer be written.
pub async fn run_on(
    config: Config,
    memory: Memory,
    machine: impl FnOnce(Voice) -> Arc<dyn Machine>,
    connect: Arc<dyn Connect>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    run_hearing(mpsc::unbounded_channel(), config, memory, machine, connect, shutdown).await
}

type Events = (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>);

async fn run_hearing(
    (events, inbox): Events,
    config: Config,
    memory: Memory,
    machine: impl FnOnce(Voice) -> Arc<dyn Machine>,
    connect: Arc<dyn Connect>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let Memory { incarnation, facts, place, boot } = memory;
    let ledger = Ledger::restore(facts, config.slots, &boot);
    let (failures, failed) = mpsc::unbounded_channel();
    let (held, held_now) = watch::channel(ledger.held().into_iter().map(|key| (key.token, key)).collect());
    let (up, outbound) = mpsc::unbounded_channel();
    let machine = machine(Voice { events: events.clone(), failures });
    let identity = Identity {
        config,
        incarnation,
        host: place,
        boot,
        held: held_now,
        machine: Arc::clone(&machine),
        connect,
    };
    let agent = Agent { ledger, machine, up, held, reporting: BTreeMap::new() };
    let session = session::keep(identity, events, outbound);
    agent.run(inbox, failed, session, shutdown).await
}

struct Agent {
    ledger: Ledger,
    machine: Arc<dyn Machine>,
    up: mpsc::UnboundedSender<Up>,
    /// What the ledger holds, kept beside it: it may be thousands, and is asked for once a session.
    held: watch::Sender<BTreeMap<u64, Key>>,
    /// Reports that wait for their acknowledgement, where somebody traces the stages of steps.
    reporting: BTreeMap<u64, Span>,
}

impl Agent {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Event>,
        mut failed: mpsc::UnboundedReceiver<String>,
        session: impl Future<Output = ()>,
        shutdown: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        self.look_around();
        let (mut session, mut shutdown) = (pin!(session), pin!(shutdown));
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return Ok(()),
                Some(failure) = failed.recv() => anyhow::bail!(
                    "{failure}; what runs goes on, start the agent again once that is mended"
                ),
                Some(event) = inbox.recv() => self.take_in(event),
                () = &mut session => {}
            }
        }
    }

    /// What became of the attempts that the journal knows as started?
    fn look_around(&mut self) {
        for token in self.ledger.unsettled() {
            match self.machine.seen(token) {
                Ok(seen) => self.take_in(Event::Seen { token, seen }),
                Err(error) => {
                    tracing::error!(token, %error, "the attempt cannot be looked at yet");
                    self.machine.adopt(token);
                }
            }
        }
    }

    fn take_in(&mut self, event: Event) {
        tracing::trace!(?event);
        match &event {
            Event::Acknowledged(key) => drop(self.reporting.remove(&key.token)),
            Event::Disconnected => self.reporting.clear(),
            _ => {}
        }
        for decision in self.ledger.apply(event, self.machine.boottime_ns()) {
            tracing::trace!(?decision);
            self.perform(decision);
        }
    }

    fn perform(&mut self, decision: Decision) {
        match decision {
            Decision::AskBegin(key) => self.say(Up::Begin(key)),
            Decision::Journal { token, facts } => {
                facts.iter().for_each(log);
                self.hold(token, &facts);
                self.machine.journal(token, facts);
            }
            Decision::Forget { token, journaled, has_folder } => {
                if journaled {
                    self.held.send_modify(|held| _ = held.remove(&token));
                    self.machine.journal_lazily(vec![Fact::Acknowledged { token }]);
                }
                if has_folder {
                    self.machine.forget(token);
                }
            }
            Decision::Start(assignment) => {
                tracing::info!(key = %assignment.key, probe = assignment.probe, "starts");
                self.machine.start(assignment);
            }
            Decision::Adopt(key) => {
                tracing::info!(%key, "still runs; watching it again");
                self.machine.adopt(key.token);
            }
            Decision::End { token, reason } => self.machine.end(token, &reason),
            Decision::Bury(key) => self.machine.bury(key),
            Decision::Sweep(key) => {
                tracing::warn!(%key, "its supervisor is gone; ending what it left");
                self.machine.sweep(key);
            }
            Decision::Recount { held, over } => {
                tracing::info!(
                    held = held.len(),
                    over = over.len(),
                    "the cluster was restored; tells what was done"
                );
                self.say(Up::Recount { held, over });
            }
            Decision::Report(report) => {
                tracing::debug!(key = %report.key, "reports");
                let stage = debug_span!(target: "stage", "report", token = report.key.token);
                if !stage.is_disabled() {
                    self.reporting.insert(report.key.token, stage);
                }
                self.say(Up::Report(report));
            }
            Decision::Refuse { key, reason } => tracing::warn!(%key, reason, "not started"),
        }
    }

    fn hold(&self, token: u64, facts: &[Fact]) {
        let key = facts.iter().find_map(Fact::key).cloned();
        self.held.send_modify(|held| held.extend(key.map(|key| (token, key))));
    }

    fn say(&self, up: Up) {
        // Without a session it is dropped there; the ledger says it again to the next leader.
        let _ = self.up.send(up);
    }
}

/// One line for each attempt's end, however often it is reported.
fn log(fact: &Fact) {
    match fact {
        Fact::Finished(Report { key, outcome, reason, .. }) => match outcome {
            Outcome::Succeeded => tracing::info!(%key, "succeeded"),
            Outcome::Failed => tracing::info!(%key, reason, "failed"),
            Outcome::Unknown => tracing::warn!(%key, reason, "ended with an unknown outcome"),
            Outcome::NotStarted => tracing::info!(%key, reason, "never started"),
        },
        Fact::Abandoned { key, reason } => tracing::info!(%key, reason, "never started"),
        Fact::Started(_) | Fact::Acknowledged { .. } | Fact::Remembered { .. } => {}
    }
}
