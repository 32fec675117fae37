//! What an answer that is not the one we hoped for means.

use baton_api::LEADER_METADATA;
use tonic::{Code, Status};

use crate::Error;

/// How the protocol's errors begin that say no more than that a connection has ended.
const PROTOCOL_WORDS: [&str; 2] = ["h2 protocol error", "stream closed because"];

/// What to do after a call has failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the answer.
    Final(Error),
    /// Another coordinator leads, if it is known which.
    AskLeader(Option<String>),
    /// Nobody knows what became of it: ask again, with the same request id.
    Again(String),
}

/// Reads a status as the rules at the top of `operator.proto` say.
pub(crate) fn judge(status: &Status) -> Verdict {
    let text = status.message().to_owned();
    match status.code() {
        Code::FailedPrecondition => Verdict::AskLeader(leader_in(status)),
        Code::NotFound => Verdict::Final(Error::NotFound(text)),
        Code::Aborted | Code::AlreadyExists | Code::PermissionDenied => Verdict::Final(Error::Refused(text)),
        Code::InvalidArgument => Verdict::Final(Error::Usage(text)),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => {
            Verdict::Again(describe(status))
        }
        // A connection that breaks inside a frame is reported as internal, with its cause.
        Code::Internal if std::error::Error::source(status).is_some() => Verdict::Again(describe(status)),
        Code::Unimplemented => Verdict::Final(Error::Other(format!(
            "the coordinator does not know this request ({text}): is it of an older version than this program?"
        ))),
        code => Verdict::Final(Error::Other(format!("{text} ({code:?})"))),
    }
}

fn leader_in(status: &Status) -> Option<String> {
    let value = status.metadata().get(LEADER_METADATA)?.to_str().ok()?;
    (!value.is_empty()).then(|| value.to_owned())
}

/// The innermost cause says more than "transport error"; what the protocol calls a connection
/// that ended is no news for people.
pub(crate) fn describe(status: &Status) -> String {
    let mut cause = std::error::Error::source(status);
    let mut text = status.message().to_owned();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    match text.as_str() {
        "" => format!("{:?}", status.code()),
        text if PROTOCOL_WORDS.iter().any(|words| text.starts_with(words)) => {
            "the connection broke off".into()
        }
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_contract_has_its_meaning() {
        let final_with = |code, error| assert_eq!(judge(&Status::new(code, "so")), Verdict::Final(error));
        final_with(Code::NotFound, Error::NotFound("so".into()));
        final_with(Code::Aborted, Error::Refused("so".into()));
        final_with(Code::InvalidArgument, Error::Usage("so".into()));
        for code in [Code::Unavailable, Code::DeadlineExceeded, Code::Cancelled] {
            assert_eq!(judge(&Status::new(code, "so")), Verdict::Again("so".into()), "{code:?}");
        }
        assert_eq!(judge(&Status::unavailable("")), Verdict::Again("Unavailable".into()));
    }

    #[test]
    fn the_leader_is_read_from_the_metadata() {
        let mut status = Status::failed_precondition("ask the leader");
        assert_eq!(judge(&status), Verdict::AskLeader(None));
        status.metadata_mut().insert(LEADER_METADATA, "127.0.0.1:7001".parse().unwrap());
        assert_eq!(judge(&status), Verdict::AskLeader(Some("127.0.0.1:7001".into())));
    }
}
