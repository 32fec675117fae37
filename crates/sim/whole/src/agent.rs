//! A real agent as a host of the simulated network, on a machine of the world.

use std::future::{Future, pending};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use baton_agent::attempt::{Assignment, Key};
use baton_agent::journal::Fact;
use baton_agent::ledger::{Decision, Event, Seen};
use baton_agent::{Config, Machine, Voice};
use turmoil::Sim;

use crate::coordinator;
use crate::play::Shared;
use crate::wire::Simulated;

/// The host of a place.
pub(crate) fn name(place: usize) -> String {
    format!("a{place}")
}

/// What the world holds of an agent's process.
#[derive(Clone, Default)]
pub(crate) struct Handle {
    voice: Arc<Mutex<Option<Voice>>>,
    gate: Gate,
}

impl Handle {
    /// The machine tells the agent.
    pub(crate) fn hear(&self, event: Event) {
        if let Some(voice) = &*self.voice.lock().unwrap_or_else(PoisonError::into_inner) {
            voice.say(event);
        }
    }

    /// The process stands still, or goes on.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.gate.set(frozen);
    }
}

/// Adds the host and begins the agent's process.
pub(crate) fn start(sim: &mut Sim<'_>, world: &Shared, members: usize, place: usize) -> Handle {
    let handle = Handle::default();
    let (world, of_host) = (world.clone(), handle.clone());
    sim.host(name(place), move || {
        let (world, Handle { voice, gate }) = (world.clone(), of_host.clone());
        let (agent, region, slots) = world.lock().agent(place);
        let config = Config {
            name: agent,
            region,
            servers: (0..members).map(coordinator::address).collect(),
            data_dir: PathBuf::new(),
            slots,
            labels: Default::default(),
            supervisor: Vec::new(),
            cradle: None,
        };
        let memory = world.lock().memory(place);
        let machine = move |own: Voice| {
            *voice.lock().unwrap_or_else(PoisonError::into_inner) = Some(own);
            Arc::new(OfTheWorld { world, place }) as Arc<dyn Machine>
        };
        let agent = baton_agent::run_on(config, memory, machine, Arc::new(Simulated), pending());
        Gated { gate, agent: Box::pin(async move { Ok(agent.await?) }) }
    });
    handle
}

/// What keeps a process from going on.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    fn set(&self, frozen: bool) {
        let mut gate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gate.0 = frozen;
        if !frozen && let Some(waker) = gate.1.take() {
            waker.wake();
        }
    }

    fn is_shut(&self, context: &Context<'_>) -> bool {
        let mut gate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gate.0 {
            gate.1 = Some(context.waker().clone());
        }
        gate.0
    }
}

/// An agent that goes on only while its gate is open.
struct Gated {
    gate: Gate,
    agent: Pin<Box<dyn Future<Output = turmoil::Result>>>,
}

impl Future for Gated {
    type Output = turmoil::Result;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<turmoil::Result> {
        match self.gate.is_shut(context) {
            true => Poll::Pending,
            false => self.agent.as_mut().poll(context),
        }
    }
}

/// A machine of the world.
struct OfTheWorld {
    world: Shared,
    place: usize,
}

impl OfTheWorld {
    fn perform(&self, decision: Decision) {
        self.world.lock().perform(self.place, decision);
    }

    /// An attempt of which only the token is asked for here.
    fn key(token: u64) -> Key {
        Key { run: String::new(), step: String::new(), attempt: 0, token }
    }
}

impl Machine for OfTheWorld {
    fn boottime_ns(&self) -> u64 {
        self.world.lock().boottime_ns(self.place)
    }

    fn keep_lease(&self, until_ns: u64) -> io::Result<()> {
        self.world.lock().keep_lease(self.place, until_ns);
        Ok(())
    }

    fn journal(&self, token: u64, facts: Vec<Fact>) {
        self.perform(Decision::Journal { token, facts });
    }

    fn journal_lazily(&self, facts: Vec<Fact>) {
        self.world.lock().journal_lazily(self.place, facts);
    }

    fn seen(&self, token: u64) -> io::Result<Seen> {
        Ok(self.world.lock().seen(self.place, token))
    }

    fn start(&self, assignment: Assignment) {
        self.perform(Decision::Start(assignment));
    }

    fn adopt(&self, token: u64) {
        self.perform(Decision::Adopt(Self::key(token)));
    }

    fn end(&self, token: u64, reason: &str) {
        self.perform(Decision::End { token, reason: reason.to_owned() });
    }

    fn bury(&self, key: Key) {
        self.perform(Decision::Bury(key));
    }

    fn sweep(&self, key: Key) {
        self.perform(Decision::Sweep(key));
    }

    fn forget(&self, token: u64) {
        self.world.lock().forget(self.place, token);
    }
}
