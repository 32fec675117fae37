//! The process that carries out a native action: `baton act DIR`, started by the supervisor of the attempt.

use std::path::Path;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Answer;
use super::{dns, haproxy, http, postgres};
use crate::attempt::{Action, Assignment, Call};
use crate::folder::Folder;
use crate::host::{boot_id, boottime_ns};
use crate::lease::Deadline;
use crate::secret;

/// The hidden command's name.
pub(crate) const WORD: &str = "act";

/// One native action, and what is known of the attempt that it is.
pub(super) struct Deed {
    folder: Folder,
    /// What is asked, secrets in their places.
    asked: Value,
    /// It asks, and changes nothing.
    pub(super) is_question: bool,
    /// Who it is for, in the words of the target's own logs.
    pub(super) origin: String,
    pub(super) token: u64,
    /// The same for every attempt of the step.
    pub(super) request_id: Option<String>,
}

/// Carries out the native action of the attempt whose folder this is: `baton act DIR`.
pub fn act(folder: &Path) -> ExitCode {
    let folder = Folder::at(folder);
    let answer = match read(&folder) {
        Ok((kind, deed)) => perform(&kind, &deed),
        Err(reason) => Answer::NothingHappened(reason),
    };
    ExitCode::from(u8::try_from(answer.tell(&folder.output())).unwrap_or(u8::MAX))
}

fn read(folder: &Folder) -> Result<(String, Deed), String> {
    let assignment =
        folder.assignment().map_err(|error| format!("the assignment cannot be read: {error}"))?;
    let Assignment { key, probe, action, environment, .. } = assignment;
    let (call, waits) = match action {
        Action::Call(call) => (call, false),
        Action::Until { question, .. } => (question, true),
        other => return Err(format!("{other:?} is no native action")),
    };
    let Call::Native { kind, asked } = call else { return Err("a process is no native action".into()) };
    let asked = serde_json::from_str(&asked).map_err(|error| format!("what is asked is no JSON: {error}"))?;
    let asked = secret::put_in(asked, |name| std::env::var(name).ok())?;
    let deed = Deed {
        folder: folder.clone(),
        asked,
        is_question: probe || waits,
        origin: format!("{}/{}", key.run, key.step),
        token: key.token,
        request_id: environment.get("BATON_REQUEST_ID").cloned(),
    };
    Ok((kind, deed))
}

fn perform(kind: &str, deed: &Deed) -> Answer {
    let performed = match kind {
        "http" => deed.read().map(|asked| http::perform(asked, deed)),
        "postgres" => deed.read().map(|asked| postgres::perform(asked, deed)),
        "dns" => deed.read().map(|asked| dns::perform(asked, deed)),
        "haproxy" => deed.read().map(|asked| haproxy::perform(asked, deed)),
        other => Err(format!("this agent knows no action `{other}`; is it older than the coordinators?")),
    };
    performed.unwrap_or_else(Answer::NothingHappened)
}

impl Deed {
    fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_value(self.asked.clone())
            .map_err(|error| format!("what is asked cannot be understood: {error}"))
    }

    /// The last check before something is sent that may take effect (Z02): between the supervisor's own and this one
    /// lie names that were looked up and connections that were made.
    pub(super) fn may_act(&self) -> Result<(), Answer> {
        if self.is_question {
            return Ok(());
        }
        if let Some(reason) = self.folder.stop() {
            return Err(Answer::Abandoned(format!("stopped before anything was sent: {reason}")));
        }
        let boot = boot_id().unwrap_or_default();
        let home = self.folder.home().unwrap_or(self.folder.path());
        match boottime_ns() < Deadline::read(home, &boot) {
            true => Ok(()),
            false => Err(Answer::Abandoned("the agent's lease ran out before anything was sent".into())),
        }
    }
}

/// Runs something that waits for a network, in this one thread.
pub(super) fn wait_for(future: impl Future<Output = Answer>) -> Answer {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let answer = runtime.block_on(future);
            // A name that is still being looked up must not hold up the end.
            runtime.shutdown_background();
            answer
        }
        Err(error) => Answer::NothingHappened(format!("no runtime could be started: {error}")),
    }
}
