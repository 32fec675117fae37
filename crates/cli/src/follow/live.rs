//! A picture that is drawn over and over, for people at a terminal.

use std::time::{Duration, Instant};

use baton_client::view::RunView;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Screen;
use super::frame::{Size, frame};
use crate::failure::Failure;

/// So often at most is the terminal written to, each second.
const DRAWS: u8 = 15;

/// Draws on stderr.
pub(crate) struct Live {
    bar: ProgressBar,
    run: Option<(RunView, Instant)>,
    lost: Option<String>,
}

impl Live {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(DRAWS));
        // The template is a constant, and right.
        let style =
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        Self { bar, run: None, lost: None }
    }

    fn draw(&self) {
        let text = match &self.run {
            Some((run, at)) => frame(run, ms(at.elapsed()), self.lost.as_deref(), size()),
            None => "looking for the leader …".to_owned(),
        };
        // What is drawn does not pass through anstream, which would have taken the colour out.
        let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let text = if coloured { text } else { anstream::adapter::strip_str(&text).to_string() };
        self.bar.set_message(text);
        self.bar.tick();
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The terminal's size now; people change it.
fn size() -> Size {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    let usable = size.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    usable.map_or(Size { columns: 80, rows: 24 }, |size| Size {
        columns: usize::from(size.ws_col),
        rows: usize::from(size.ws_row),
    })
}

impl Screen for Live {
    fn changed(&mut self, run: &RunView) -> Result<(), Failure> {
        self.run = Some((run.clone(), Instant::now()));
        self.lost = None;
        self.draw();
        Ok(())
    }

    fn lost(&mut self, why: &str) {
        self.lost = Some(why.to_owned());
        self.draw();
    }

    fn tick(&mut self) {
        self.draw();
    }

    /// The picture makes room for what is printed at the end.
    fn close(&mut self) {
        self.bar.finish_and_clear();
    }
}
