//! Runs, a line each.

use baton_client::view::RunList;

use super::{Cell, Table, glyph, style};
use crate::output::Data;

impl Data for RunList {
    fn table(&self) -> String {
        if self.runs.is_empty() {
            return "no runs\n".into();
        }
        let mut table = Table::new(&["RUN", "PLAN", "STATUS", "STEPS", "STARTED", "ENDED", "REASON"]);
        for run in &self.runs {
            let time =
                |time: Option<baton_client::view::Time>| time.map_or("-".to_owned(), |time| time.to_string());
            table.row([
                Cell::from(&run.run),
                Cell::from(format!("{}, version {}", run.plan, run.plan_version)),
                Cell::new(format!("{} {}", glyph(&run.status), run.status), style(&run.status)),
                Cell::from(format!("{}/{}", run.steps_done, run.steps)),
                Cell::from(time(run.started_at)),
                Cell::from(time(run.ended_at)),
                Cell::from(run.reason.as_deref().unwrap_or_default()),
            ]);
        }
        let more = self.runs.last().filter(|_| self.more);
        let more = more.map(|last| format!("older ones: --after {}\n", last.run));
        table.text() + &more.unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.run.clone()).collect()
    }
}
