//! Which agent is connected, and out of which journal.

use std::collections::BTreeMap;

use baton_engine::command::Speaker;
use tokio::sync::watch;

#[derive(Debug)]
struct Connected {
    speaker: Speaker,
    host: String,
    replaced: watch::Sender<bool>,
}

/// The sessions of one office.
#[derive(Debug, Default)]
pub(crate) struct Sessions(BTreeMap<String, Connected>);

impl Sessions {
    /// Opens a session in place of an earlier one out of the same journal in the same place. The
    /// receiver becomes true when a later session takes its place.
    ///
    /// # Errors
    /// A sentence for the agent when another one of its name is connected (the matrix's A09).
    pub(crate) fn open(&mut self, speaker: &Speaker, host: &str) -> Result<watch::Receiver<bool>, String> {
        if let Some(earlier) = self.0.get(&speaker.agent) {
            let same = earlier.speaker == *speaker && earlier.host == host;
            // A session that has ended has dropped its receiver.
            if !same && earlier.replaced.receiver_count() > 0 {
                return Err(format!(
                    "an agent named `{}` is connected already, out of another journal or place; give one of them another name",
                    speaker.agent
                ));
            }
            earlier.replaced.send_replace(true);
        }
        let (replaced, watching) = watch::channel(false);
        let connected = Connected { speaker: speaker.clone(), host: host.to_owned(), replaced };
        self.0.insert(speaker.agent.clone(), connected);
        Ok(watching)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker(incarnation: &str) -> Speaker {
        Speaker { agent: "a".into(), incarnation: incarnation.into() }
    }

    #[test]
    fn the_same_agent_takes_the_place_of_its_earlier_session() {
        let mut sessions = Sessions::default();
        let first = sessions.open(&speaker("1"), "here").expect("open");
        let second = sessions.open(&speaker("1"), "here").expect("open");
        assert_eq!((*first.borrow(), *second.borrow()), (true, false));
    }

    #[test]
    fn another_journal_or_place_waits_for_the_first_to_end() {
        let mut sessions = Sessions::default();
        let first = sessions.open(&speaker("1"), "here").expect("open");
        assert!(sessions.open(&speaker("2"), "here").is_err());
        assert!(sessions.open(&speaker("1"), "there").is_err());
        drop(first);
        assert!(sessions.open(&speaker("2"), "here").is_ok());
    }
}
