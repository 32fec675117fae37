//! Where coordinators and agents are real and live elsewhere, the world does to them what the script says by orders.

use baton_agent::ledger::Event;
use baton_engine::Command;

use super::World;
use super::links::Line;
use super::relief::Frozen;

/// Somebody with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// A coordinator.
    Member(usize),
    /// The agent of a place.
    Place(usize),
}

/// What is to be done to what is real.
#[derive(Debug, Clone)]
pub enum Order {
    /// Its process begins.
    Start(Site),
    /// Its process ends.
    Stop(Site),
    /// The other end of its connections hears nothing of it, and it nothing of them, until it thaws.
    Freeze(Site),
    /// It goes on.
    Thaw(Site),
    /// What the first says does not reach the second any more.
    Cut(Site, Site),
    /// It does again.
    Mend(Site, Site),
    /// The agent of a place hears this.
    Hear(usize, Event),
    /// Somebody wants this done; the answer belongs to this client.
    Ask(usize, Box<Command>),
}

impl World {
    /// Gives an order where somebody real is to carry it out, and says whether that is so.
    pub(crate) fn order(&mut self, order: Order) -> bool {
        if let Some(orders) = &mut self.orders {
            orders.push(order);
        }
        self.orders.is_some()
    }

    pub(crate) fn order_cut(&mut self, line: Line, is_cut: bool) {
        let (from, to) = match line {
            Line::Members { from, to } => (Site::Member(from), Site::Member(to)),
            Line::Up { place, member } => (Site::Place(place), Site::Member(member)),
            Line::Down { place, member } => (Site::Member(member), Site::Place(place)),
        };
        self.order(if is_cut { Order::Cut(from, to) } else { Order::Mend(from, to) });
    }

    /// To be called when it has begun to stand still, or goes on.
    pub(crate) fn order_freeze(&mut self, whom: Frozen, freezes: bool) {
        let sites: Vec<Site> = match whom {
            Frozen::Member(member) => vec![Site::Member(member)],
            Frozen::Agent(place) => vec![Site::Place(place)],
            Frozen::Machine(machine) => {
                let places = 0..self.places.len();
                places.filter(|place| self.places[*place].machine == machine).map(Site::Place).collect()
            }
            Frozen::Attempt(..) => Vec::new(),
        };
        // An agent can stand still by itself and with its machine, and goes on when it does neither.
        for site in sites {
            match self.freezes_of(site) {
                1 if freezes => self.order(Order::Freeze(site)),
                0 if !freezes => self.order(Order::Thaw(site)),
                _ => false,
            };
        }
    }

    fn freezes_of(&self, site: Site) -> usize {
        let reasons = match site {
            Site::Member(member) => vec![Frozen::Member(member)],
            Site::Place(place) => vec![Frozen::Agent(place), Frozen::Machine(self.places[place].machine)],
        };
        reasons.into_iter().filter(|reason| self.is_still(*reason)).count()
    }
}
