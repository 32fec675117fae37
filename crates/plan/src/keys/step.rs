//! A step: it reads like the reference page.

use super::Shape::{Condition, Counts, Flag, Name, Names, Or, Region, Text, Texts, Values, Words};
use super::file::FAILURE;
use super::kinds::ITEMS;
use super::native::{DNS_KEY, HAPROXY_KEY, HTTP_KEY, POSTGRES_KEY};
use super::people::{APPROVAL_KEY, MANUAL_KEY};
use super::work::{
    COMMAND, ESTIMATE, FENCED, IDEMPOTENT, NO_EFFECT, NOOP, PROBE_KEY, RETRY_KEY, STRICT, SUCCESS, TIMEOUT,
    UNDO_KEY, WAIT_KEY,
};
use super::{BARRIER, CHILD, FOR_EACH, IN_MODE, Key, ON_FAILURE, Object, Shape, key, required};

pub(super) const GATE: Key = key(
    "gate",
    Condition,
    "A CEL condition that must hold, such as `double(steps.lag.outputs.seconds) <= objectives.rpo`. Where it does not, the step waits for a named override by an operator.",
);

pub(crate) static STEP: Object = Object {
    name: "a step",
    doc: "One node of the graph. It has a name, and exactly one action: command, http, postgres, dns, haproxy, wait, noop, approval, manual, gate, barrier, plan, or uses.",
    keys: &[
        required("name", Name, "Its name, unique in the plan: lower-case letters, digits and dashes."),
        key("description", Text, "What the step is for."),
        key("owner", Text, "Who answers for the step. Default: the plan's owner."),
        key("needs", Names, "The steps that must be done before it starts."),
        key("region", Region, "Where it runs: a region's name, or a reference such as ${params.to}."),
        key(
            "elsewhere",
            Flag,
            "Whether agents of other regions may do it once its region was declared lost; BATON_REGION still names its own. Default: true, but false for a step that is `optional`.",
        ),
        COMMAND,
        HTTP_KEY,
        POSTGRES_KEY,
        DNS_KEY,
        HAPROXY_KEY,
        WAIT_KEY,
        NOOP,
        APPROVAL_KEY,
        MANUAL_KEY,
        GATE,
        key(
            "barrier",
            Shape::Object(&BARRIER),
            "Goes on when enough of the steps that it needs are done: `{atLeast: 2}`.",
        ),
        key(
            "plan",
            Or(&Name, &CHILD),
            "Another plan, carried out inside of this run. A text by itself is its name.",
        ),
        key(
            "uses",
            Text,
            "A step template from the catalogue, `NAME` or `NAME@VERSION`; it says what is done, probed and undone.",
        ),
        key("with", Values, "The values of the step template's parameters; references are filled in."),
        IDEMPOTENT,
        STRICT,
        FENCED,
        NO_EFFECT,
        PROBE_KEY,
        SUCCESS,
        UNDO_KEY,
        key("when", Condition, "A CEL condition; when it is false the step is skipped and counts as done."),
        TIMEOUT,
        RETRY_KEY,
        key("optional", Flag, "The step may fail or be unreachable: the run goes on, with an exception."),
        ESTIMATE,
        key(
            "onFailure",
            Or(&FAILURE, &ON_FAILURE),
            "What the failure of this step does to the run: `stop`, `pause`, `continue`, `undo` or `{undo: branch}`. Default: the plan's.",
        ),
        key(
            "draws",
            Counts,
            "Units of the plan's `resources` that it draws while it is under way: `restore-io: 1`.",
        ),
        key(
            "locks",
            Texts,
            "Held from the step's start to its end, against every other step and run that wants the same name. References are filled in.",
        ),
        key(
            "forEach",
            Or(&ITEMS, &FOR_EACH),
            "One of the step for each item of a list. A list or text by itself is the items.",
        ),
        key(
            "modes",
            Words(&["graceful", "ungraceful", "drill"]),
            "The modes in which the step is done; in others it is skipped. Default: all.",
        ),
        key("inMode", Shape::Object(&IN_MODE), "What the step does otherwise in a mode, or in a drill."),
    ],
};
