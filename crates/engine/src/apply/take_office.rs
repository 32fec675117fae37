use crate::command::{Answer, Reply};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::stamp::Moment;
use crate::state::{Office, State};

impl State {
    /// From here on only this leader's proposals count. Runs that are under way are told.
    pub(super) fn take_office(&mut self, at: Moment, term: u64, node: u64) -> Reply {
        if term <= self.office.term {
            return Err(Rejection::Deposed);
        }
        self.office = Office { node, term };
        let active: Vec<_> = self.active.iter().cloned().collect();
        for id in active {
            self.turn(at, &id, |turn| {
                turn.run.takeovers += 1;
                turn.record(Event::RunTakenOver { node, term });
            });
        }
        Ok(Answer::Done)
    }
}
