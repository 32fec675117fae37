//! What is done, and how its end is understood: the keys that a step, its undo, its modes and a step template share.

use super::Shape::{Codes, Command, Condition, Duration, Flag, Nothing, Or, Whole};
use super::native::{DNS_KEY, HAPROXY_KEY, HTTP_KEY, POSTGRES_KEY, SECRET_COMMAND};
use super::{Key, Object, Shape, key, required};

pub(super) const COMMAND: Key = key(
    "command",
    Or(&Command, &SECRET_COMMAND),
    "A process on an agent of the region: a string runs under `sh -c`, a list is executed as it stands; `{run: …, secrets: …}` gives it secrets.",
);
pub(super) const WAIT_KEY: Key =
    key("wait", Or(&Duration, &WAIT), "Time passes, or a question is asked until it holds.");
pub(super) const NOOP: Key =
    key("noop", Nothing, "Nothing is done; with a region an agent still answers for it.");
pub(super) const IDEMPOTENT: Key = key(
    "idempotent",
    Flag,
    "Whether doing it twice is the same as doing it once. A command must say so. True: a lost attempt is simply repeated. False: it is never attempted twice unless the earlier attempt is known not to have happened.",
);
pub(super) const STRICT: Key = key(
    "strict",
    Flag,
    "An idempotent one that waits until the earlier attempt provably cannot act any more, like the others.",
);
pub(super) const FENCED: Key = key(
    "fenced",
    Flag,
    "The target refuses an attempt whose BATON_TOKEN is older than one that it has seen.",
);
pub(super) const NO_EFFECT: Key =
    key("noEffect", Codes, "Exit codes of the command that say that nothing happened.");
pub(super) const PROBE_KEY: Key = key(
    "probe",
    Shape::Object(&PROBE),
    "The question whether the effect has happened; asking changes nothing.",
);
pub(super) const SUCCESS: Key = key(
    "success",
    Condition,
    "A CEL condition that decides what the command's answer means; it reads `exit_code`, `stdout` and `outputs`, and `params`, `run` and `steps` as well. Default: exit code 0 is success.",
);
pub(super) const TIMEOUT: Key = key(
    "timeout",
    Duration,
    "How long one attempt may take. Of an approval, a manual step, a gate or a barrier: how long it may wait.",
);
pub(super) const RETRY_KEY: Key =
    key("retry", Shape::Object(&RETRY), "How often to try, and how long to wait between.");
pub(super) const ESTIMATE: Key =
    key("estimate", Duration, "How long one attempt usually takes; for the critical path.");
pub(super) const UNDO_KEY: Key = key(
    "undo",
    Shape::Object(&UNDO),
    "What takes the step's effect back. When a run unwinds, what succeeded is undone in reverse order.",
);

pub(crate) static UNDO: Object = Object {
    name: "undo",
    doc: "What takes the step's effect back. It takes the same way as the step itself: attempts with tokens of their own, a probe, retries.",
    keys: &[
        COMMAND,
        HTTP_KEY,
        POSTGRES_KEY,
        DNS_KEY,
        HAPROXY_KEY,
        key("wait", Shape::Object(&WAIT), "A question is asked until it holds."),
        key("noop", Nothing, "Nothing is to be taken back."),
        IDEMPOTENT,
        STRICT,
        FENCED,
        NO_EFFECT,
        PROBE_KEY,
        SUCCESS,
        key("timeout", Duration, "How long one attempt may take. Default: that of every step."),
        key("retry", Shape::Object(&RETRY), "How often to try, and how long to wait between. Default: once."),
    ],
};

pub(crate) static PROBE: Object = Object {
    name: "a probe",
    doc: "A command answers by its exit code: 0, the effect has happened; 1, it has not; anything else, unknown. The others say what each answer means.",
    keys: &[
        ASKS,
        HTTP_KEY,
        POSTGRES_KEY,
        DNS_KEY,
        HAPROXY_KEY,
        key("timeout", Duration, "How long the answer may take; a later one is unknown. Default: 30s."),
    ],
};

pub(crate) static RETRY: Object = Object {
    name: "retry",
    doc: "How often to try, and how long to wait between.",
    keys: &[
        required("attempts", Whole(1, 100), "Attempts in all."),
        key(
            "backoff",
            Duration,
            "The pause after the first failure; it doubles with each further one. Default: 1s.",
        ),
        key("maxBackoff", Duration, "The longest pause. Default: 1m."),
        key(
            "jitter",
            Whole(0, 100),
            "How much of a pause is left to chance, percent: 20 lets it last 80 to 100 percent of its length. Default: 20.",
        ),
    ],
};

pub(crate) static WAIT: Object = Object {
    name: "wait",
    doc: "A question that is asked until it holds, or until the timeout.",
    keys: &[
        required("until", Shape::Object(&UNTIL), "The question."),
        key("every", Duration, "The pause between two questions. Default: 2s."),
        key("stableFor", Duration, "How long it must hold without a break. Default: once is enough."),
    ],
};

pub(crate) static UNTIL: Object = Object {
    name: "until",
    doc: "The question; of a command exit code 0 says that it holds.",
    keys: &[ASKS, HTTP_KEY, POSTGRES_KEY, DNS_KEY, HAPROXY_KEY],
};

const ASKS: Key = key("command", Or(&Command, &SECRET_COMMAND), "The process that asks; it changes nothing.");
