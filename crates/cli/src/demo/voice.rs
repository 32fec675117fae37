//! How the demo speaks: one line an event, with the time since it began.

use std::io::Write;
use std::time::Instant;

use owo_colors::OwoColorize;

/// Tells the story on stdout. Colour only where it is wanted.
pub(crate) struct Voice {
    began: Instant,
}

impl Voice {
    pub(crate) fn new() -> Voice {
        Voice { began: Instant::now() }
    }

    fn line(&self, text: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        let stamp = format!("{seconds:6.2}s");
        say(&format!("{}  {text}", stamp.dimmed()));
    }

    /// A chapter begins.
    pub(crate) fn title(&self, text: &str) {
        say(&format!("\n{}\n", text.bold()));
    }

    /// Something happened.
    pub(crate) fn tell(&self, text: &str) {
        self.line(text);
    }

    /// Something good happened.
    pub(crate) fn good(&self, text: &str) {
        self.line(&text.green().to_string());
    }

    /// Something bad happened.
    pub(crate) fn bad(&self, text: &str) {
        self.line(&text.red().bold().to_string());
    }

    /// A line without a time.
    pub(crate) fn note(&self, text: &str) {
        say(&format!("         {text}"));
    }
}

/// A reader that has gone away is no reason to stop: the proof is in the exit code as well.
fn say(line: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{line}");
}
