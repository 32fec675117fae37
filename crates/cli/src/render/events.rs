//! The timeline of a run.

use baton_client::view::EventList;
use owo_colors::Style;

use super::{Cell, Table, span};
use crate::output::Data;

impl Data for EventList {
    fn table(&self) -> String {
        let mut table = Table::new(&["#", "AT", "AFTER", "EVENT", "STEP", "WHAT HAPPENED"]);
        for event in &self.events {
            table.row([
                Cell::from(event.sequence.to_string()),
                Cell::from(event.at.map_or("-".to_owned(), |time| time.to_string())),
                Cell::from(span(event.elapsed_ms)),
                Cell::new(&event.kind, Style::new().dimmed()),
                Cell::from(event.step.as_deref().unwrap_or("-")),
                Cell::from(&event.text),
            ]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.events.iter().map(|event| event.sequence.to_string()).collect()
    }
}
