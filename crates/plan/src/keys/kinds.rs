//! The mappings of a step that shape the graph: fan-out, barriers, child plans, modes.

use super::Shape::{Duration, Flag, Name, Values, Whole, Word};
use super::native::{DNS_KEY, HAPROXY_KEY, HTTP_KEY, POSTGRES_KEY};
use super::people::{APPROVAL_KEY, MANUAL_KEY};
use super::step::GATE;
use super::work::{
    COMMAND, FENCED, IDEMPOTENT, NO_EFFECT, PROBE_KEY, RETRY_KEY, STRICT, SUCCESS, TIMEOUT, WAIT_KEY,
};
use super::{Object, Shape, key, required};

pub(crate) static BARRIER: Object = Object {
    name: "a barrier",
    doc: "Goes on when enough of the steps that it needs are done.",
    keys: &[
        key("atLeast", Whole(1, 1000), "How many of them. Default: all."),
        key("timeout", Duration, "How long to wait for them, from the moment the first of them could start."),
        key(
            "onTimeout",
            Word(&["proceed", "fail"]),
            "When the time is over: go on with those that are there, or fail. Default: fail.",
        ),
    ],
};

pub(crate) static CHILD: Object = Object {
    name: "a child plan",
    doc: "Another plan, carried out inside of this run.",
    keys: &[
        required("name", Name, "The name under which the plan is registered; its newest version is taken."),
        key("params", Values, "Values of its parameters; references are filled in."),
    ],
};

/// What `forEach` is when it is no mapping.
pub(super) static ITEMS: Shape = Shape::Value;

pub(crate) static FOR_EACH: Object = Object {
    name: "forEach",
    doc: "One of the step for each item of a list; `${item}` and BATON_ITEM are the item.",
    keys: &[
        required(
            "items",
            Shape::Value,
            "The list: written out, a parameter such as ${params.shards}, or an output such as ${steps.list.outputs.shards} (a JSON array, or items between commas or line ends).",
        ),
        key("parallel", Whole(1, 1000), "How many may be under way at once. Default: all."),
        key("atLeast", Whole(1, 1000), "How many must succeed. Default: all."),
    ],
};

pub(crate) static ON_FAILURE: Object = Object {
    name: "onFailure",
    doc: "What is undone.",
    keys: &[required(
        "undo",
        Word(&["branch"]),
        "`branch`: what was done for the failed step alone is undone; the rest goes on, and then the run has failed.",
    )],
};

const OVERRIDE: Shape = Shape::Object(&VARIANT);

pub(crate) static IN_MODE: Object = Object {
    name: "inMode",
    doc: "What the step does otherwise in a mode, or in a drill, which goes before the mode.",
    keys: &[
        key("graceful", OVERRIDE, "In a graceful run: both sides answer."),
        key("ungraceful", OVERRIDE, "In an ungraceful run: the old side may be gone."),
        key("drill", OVERRIDE, "In a drill, whichever its mode."),
    ],
};

pub(crate) static VARIANT: Object = Object {
    name: "an override",
    doc: "What is not written here is as the step itself says.",
    keys: &[
        COMMAND,
        HTTP_KEY,
        POSTGRES_KEY,
        DNS_KEY,
        HAPROXY_KEY,
        WAIT_KEY,
        key("noop", Shape::Nothing, "Nothing is done in this mode."),
        APPROVAL_KEY,
        MANUAL_KEY,
        GATE,
        IDEMPOTENT,
        STRICT,
        FENCED,
        NO_EFFECT,
        PROBE_KEY,
        SUCCESS,
        TIMEOUT,
        RETRY_KEY,
        key("optional", Flag, "The step may fail or be unreachable in this mode."),
    ],
};
