//! Which hosts hear each other: cuts in one direction, and hosts that stand still for everybody.

use std::collections::BTreeSet;

use baton_sim::outside::Site;
use turmoil::Sim;

use crate::{agent, coordinator, people};

/// A host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    At(Site),
    People,
}

/// What is cut and who stands still, as far as hosts are there.
#[derive(Debug, Default)]
pub(crate) struct Links {
    hosts: BTreeSet<Host>,
    cuts: BTreeSet<(Host, Host)>,
    frozen: BTreeSet<Host>,
}

fn name(host: Host) -> String {
    match host {
        Host::At(Site::Member(member)) => coordinator::name(member),
        Host::At(Site::Place(place)) => agent::name(place),
        Host::People => people::NAME.to_owned(),
    }
}

impl Links {
    /// A host was added; what was said of it before holds from now on.
    pub(crate) fn add(&mut self, sim: &Sim<'_>, host: Host) {
        self.hosts.insert(host);
        let others: Vec<Host> = self.hosts.iter().copied().filter(|other| *other != host).collect();
        others.into_iter().for_each(|other| self.set(sim, host, other));
    }

    /// What the first says does not reach the second, or does again.
    pub(crate) fn cut(&mut self, sim: &Sim<'_>, from: Site, to: Site, is_cut: bool) {
        let line = (Host::At(from), Host::At(to));
        match is_cut {
            true => self.cuts.insert(line),
            false => self.cuts.remove(&line),
        };
        if from != to && self.hosts.contains(&line.0) && self.hosts.contains(&line.1) {
            self.set(sim, line.0, line.1);
        }
    }

    /// What is under way to and from it stays there, or goes on.
    pub(crate) fn freeze(&mut self, sim: &Sim<'_>, site: Site, freezes: bool) {
        let host = Host::At(site);
        let others: Vec<Host> = self.hosts.iter().copied().filter(|other| *other != host).collect();
        match freezes {
            true => self.frozen.insert(host),
            false => self.frozen.remove(&host),
        };
        if !self.hosts.contains(&host) {
            return;
        }
        for other in others {
            if !freezes && !self.frozen.contains(&other) {
                sim.release(name(host), name(other));
            }
            self.set(sim, host, other);
        }
    }

    fn set(&self, sim: &Sim<'_>, one: Host, other: Host) {
        if self.frozen.contains(&one) || self.frozen.contains(&other) {
            return sim.hold(name(one), name(other));
        }
        for (from, to) in [(one, other), (other, one)] {
            match self.cuts.contains(&(from, to)) {
                true => sim.partition_oneway(name(from), name(to)),
                false => sim.repair_oneway(name(from), name(to)),
            }
        }
    }
}
