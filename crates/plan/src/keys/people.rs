//! What people do.

use super::Shape::{Duration, Flag, Or, Template, Texts, Whole, Word};
use super::{Key, Object, key, required};

pub(super) const APPROVAL_KEY: Key = key(
    "approval",
    Or(&Template, &APPROVAL),
    "People agree, or do not: `baton run approve` and `baton run decline`. A text by itself is the question.",
);
pub(super) const MANUAL_KEY: Key = key(
    "manual",
    Or(&Template, &MANUAL),
    "A person does something, and says what shows that it is done. A text by itself is the instructions.",
);

const ROLES: Key =
    key("roles", Texts, "Roles of which a person must have one to answer. Default: anybody may.");

pub(crate) static APPROVAL: Object = Object {
    name: "an approval",
    doc: "People agree, or do not.",
    keys: &[
        required("message", Template, "The question."),
        key("approvers", Whole(1, 20), "How many different people must agree. Default: 1."),
        ROLES,
        key("timeout", Duration, "How long the question stands. Default: until it is answered."),
        key("onTimeout", Word(&["decline", "approve"]), "What silence means. Default: decline."),
        key("twoPerson", Flag, "Who started the run may not agree to it."),
    ],
};

pub(crate) static MANUAL: Object = Object {
    name: "a manual step",
    doc: "A person does something, and says what shows that it is done.",
    keys: &[
        required("instructions", Template, "What to do, and what shows that it is done."),
        ROLES,
        key("timeout", Duration, "How long it may take; then the step fails. Default: without end."),
    ],
};
