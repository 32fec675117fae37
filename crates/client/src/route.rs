//! Whom to ask next. Pure: it is told what happened and names an address or a pause.

use std::collections::BTreeSet;

/// The next move of a search for the leader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Ask this coordinator.
    Ask(String),
    /// Everyone was asked: wait a little before the next round.
    Pause,
}

/// One search for a coordinator that acts.
#[derive(Debug)]
pub(crate) struct Route {
    servers: Vec<String>,
    next_server: usize,
    hint: Option<String>,
    tried: BTreeSet<String>,
    /// Of these, the ones that have not answered.
    asked: BTreeSet<String>,
}

impl Route {
    /// Starts with the leader that was remembered, else with the first of the servers.
    pub(crate) fn new(servers: &[String], remembered: Option<String>) -> Self {
        let (tried, asked) = (BTreeSet::new(), BTreeSet::new());
        Self { servers: servers.to_vec(), next_server: 0, hint: remembered, tried, asked }
    }

    /// Somebody said who leads. A leader that was asked in this round already is not asked
    /// again before a pause, or two coordinators that are wrong would keep us spinning.
    pub(crate) fn hint(&mut self, leader: Option<String>) {
        self.hint = leader;
    }

    /// Somebody is said to lead who was not asked in this round.
    pub(crate) fn is_hinted(&self) -> bool {
        self.hint.as_ref().is_some_and(|address| !self.tried.contains(address))
    }

    /// This coordinator has answered or was given up, and can be asked again in the next round.
    pub(crate) fn heard(&mut self, address: &str) {
        self.asked.remove(address);
    }

    /// Whom to ask, or that it is time to wait.
    pub(crate) fn next(&mut self) -> Move {
        let hinted = self.hint.take().filter(|address| !self.tried.contains(address));
        match hinted.or_else(|| self.next_untried()) {
            Some(address) => {
                self.tried.insert(address.clone());
                self.asked.insert(address.clone());
                Move::Ask(address)
            }
            None => {
                self.tried.clone_from(&self.asked);
                Move::Pause
            }
        }
    }

    fn next_untried(&mut self) -> Option<String> {
        for _ in 0..self.servers.len() {
            let address = &self.servers[self.next_server % self.servers.len()];
            self.next_server += 1;
            if !self.tried.contains(address) {
                return Some(address.clone());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    fn ask(address: &str) -> Move {
        Move::Ask(address.into())
    }

    /// The next move; whoever is asked answers at once.
    fn answered(route: &mut Route) -> Move {
        let next = route.next();
        if let Move::Ask(address) = &next {
            route.heard(address);
        }
        next
    }

    #[test]
    fn every_server_is_asked_once_before_a_pause() {
        let mut route = Route::new(&servers(), None);
        let moves: Vec<_> = (0..5).map(|_| answered(&mut route)).collect();
        assert_eq!(moves, [ask("a"), ask("b"), ask("c"), Move::Pause, ask("a")]);
    }

    #[test]
    fn the_remembered_leader_comes_first_and_only_once() {
        let mut route = Route::new(&servers(), Some("c".into()));
        let moves: Vec<_> = (0..4).map(|_| answered(&mut route)).collect();
        assert_eq!(moves, [ask("c"), ask("a"), ask("b"), Move::Pause]);
    }

    #[test]
    fn whoever_is_silent_is_not_asked_again_until_it_is_given_up() {
        let mut route = Route::new(&servers(), None);
        assert_eq!(route.next(), ask("a"));
        for _ in 0..2 {
            assert_eq!([(); 3].map(|()| answered(&mut route)), [ask("b"), ask("c"), Move::Pause]);
            route.hint(Some("a".into()));
            assert!(!route.is_hinted());
        }
        route.heard("a");
        assert_eq!([(); 2].map(|()| answered(&mut route)), [ask("b"), ask("c")]);
        assert_eq!(route.next(), Move::Pause);
        assert_eq!(route.next(), ask("a"));
    }

    #[test]
    fn a_hint_is_followed_even_to_an_address_that_was_not_given() {
        let mut route = Route::new(&servers(), None);
        assert_eq!(route.next(), ask("a"));
        route.hint(Some("elsewhere".into()));
        assert_eq!(route.next(), ask("elsewhere"));
    }

    #[test]
    fn two_that_point_at_each_other_do_not_make_it_spin() {
        let mut route = Route::new(&servers(), None);
        let mut asked = 0;
        while let Move::Ask(address) = answered(&mut route) {
            asked += 1;
            route.hint(Some(if address == "a" { "b" } else { "a" }.into()));
        }
        assert_eq!(asked, 3);
    }
}
