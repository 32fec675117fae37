//! Every view as a document of its own, for programs.

use baton_client::view::RunView;

use super::Screen;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::talk;

/// JSON a line, YAML a document, or the run's name with its status.
#[derive(Debug)]
pub(crate) struct Stream {
    format: Format,
}

impl Stream {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }
}

impl Screen for Stream {
    fn changed(&mut self, run: &RunView) -> Result<(), Failure> {
        let text = match self.format {
            Format::Json => serde_json::to_string(run)
                .map_err(|error| Failure::ours(format!("the answer cannot be written as JSON: {error}")))?,
            Format::Yaml => format!("---\n{}", output::text(run, Format::Yaml)?.trim_end()),
            _ => format!("{} {}", run.run, run.status),
        };
        output::write(&format!("{text}\n"))
    }

    fn lost(&mut self, why: &str) {
        let text = format!("the coordinator is gone ({why}); looking for the next leader");
        match self.format {
            Format::Json => talk::say(serde_json::json!({ "notice": text })),
            _ => talk::say(text),
        }
    }
}
