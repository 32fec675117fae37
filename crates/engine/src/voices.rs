//! Who speaks, as attempts name it. There may be a million attempts and a few agents: what is known of an agent is held
//! once.
//!
//! This is derived: neither written nor compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::command::Speaker;
use crate::state::State;

/// An agent's name and journal, and the place where it was.
type Voice = (Arc<Speaker>, Arc<str>);

/// What was held last of each agent, by its name.
#[derive(Debug, Clone, Default)]
pub struct Voices(BTreeMap<String, Voice>);

/// Whatever is held, it says the same.
impl PartialEq for Voices {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Voices {}

impl Voices {
    /// An agent as others hold it already, or as they will.
    pub(crate) fn of(&mut self, speaker: &Speaker, host: &str) -> Voice {
        match self.0.get(&speaker.agent) {
            Some(known) if *known.0 == *speaker && *known.1 == *host => known.clone(),
            _ => {
                let voice: Voice = (Arc::new(speaker.clone()), host.into());
                self.0.insert(speaker.agent.clone(), voice.clone());
                voice
            }
        }
    }
}

impl State {
    /// Lets attempts share what a state that was read from disk holds for each of them.
    pub fn share(&mut self) {
        for run in self.runs.values_mut() {
            let attempts = Arc::make_mut(run).steps.iter_mut().flat_map(|step| &mut step.attempts);
            for attempt in attempts {
                let voice = self.agents.voices.of(&attempt.speaker, &attempt.host);
                (attempt.speaker, attempt.host) = voice;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_held_once_until_it_is_another() {
        let speaker = |incarnation: &str| Speaker { agent: "a".into(), incarnation: incarnation.into() };
        let mut voices = Voices::default();
        let (first, second) = (voices.of(&speaker("1"), "h"), voices.of(&speaker("1"), "h"));
        assert!(Arc::ptr_eq(&first.0, &second.0) && Arc::ptr_eq(&first.1, &second.1));
        assert_eq!(*voices.of(&speaker("2"), "h").0, speaker("2"));
        assert_eq!(&*voices.of(&speaker("2"), "elsewhere").1, "elsewhere");
    }
}
