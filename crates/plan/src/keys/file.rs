//! The file itself: a plan or a step template, who it is, and what holds for all of it.

use super::Shape::{
    Bound, Counts, Duration, Exactly, Labels, List, Map, Name, Or, Region, Text, Texts, Value, Whole, Word,
};
use super::native::{DNS_KEY, HAPROXY_KEY, HTTP_KEY, POSTGRES_KEY};
use super::people::{APPROVAL_KEY, MANUAL_KEY};
use super::work::{
    COMMAND, ESTIMATE, FENCED, IDEMPOTENT, NO_EFFECT, NOOP, PROBE_KEY, RETRY_KEY, STRICT, SUCCESS, TIMEOUT,
    UNDO_KEY, WAIT_KEY,
};
use super::{Key, ON_FAILURE, Object, RETRY, STEP, Shape, key, required};

const API_VERSION: Key = required("apiVersion", Exactly("baton/v1"), "The format of the file.");

pub(crate) static PLAN: Object = Object {
    name: "a plan file",
    doc: "A recovery plan of Baton.",
    keys: &[
        API_VERSION,
        required("kind", Exactly("Plan"), "What the file describes."),
        required("metadata", Shape::Object(&METADATA), "Who the plan is."),
        required("spec", Shape::Object(&SPEC), "What the plan does."),
    ],
};

pub(crate) static STEP_TEMPLATE: Object = Object {
    name: "a step template file",
    doc: "A step template: how one thing is done, probed and undone, for plans to use by its name.",
    keys: &[
        API_VERSION,
        required("kind", Exactly("StepTemplate"), "What the file describes."),
        required("metadata", Shape::Object(&METADATA), "Who the step template is."),
        required("spec", Shape::Object(&TEMPLATE_SPEC), "What a step that uses it does."),
    ],
};

pub(crate) static METADATA: Object = Object {
    name: "metadata",
    doc: "Who it is.",
    keys: &[
        required("name", Name, "The name by which it is registered: lower-case letters, digits and dashes."),
        key("owner", Text, "The team that answers for it."),
        key("description", Text, "What it is for."),
        key("labels", Labels, "Free marks to find it by."),
    ],
};

/// `onFailure`, at the plan and at a step.
pub(super) static FAILURE: Shape = Word(&["stop", "pause", "continue", "undo"]);

pub(crate) static SPEC: Object = Object {
    name: "spec",
    doc: "What the plan does.",
    keys: &[
        key(
            "pattern",
            Word(&["backup-restore", "pilot-light", "warm-standby", "active-active"]),
            "The recovery pattern that the plan follows; for people and reports.",
        ),
        key("objectives", Shape::Object(&OBJECTIVES), "How fast and how complete the recovery must be."),
        key("params", Map(&PARAM), "Values that are given when a run starts."),
        key("limits", Shape::Object(&LIMITS), "How many steps may be under way at once."),
        key(
            "resources",
            Counts,
            "Named capacities that steps draw on, such as `restore-io: 2`. One name is one capacity for all runs of the cluster.",
        ),
        key(
            "locks",
            Texts,
            "Held from the run's start to its end, against every other run that wants the same name. References to `params` and `run` are filled in.",
        ),
        key("timeout", Duration, "How long a run may take; then `onFailure` says what becomes of it."),
        key("defaults", Shape::Object(&DEFAULTS), "What holds for every step that does not say otherwise."),
        key(
            "onFailure",
            Or(&FAILURE, &ON_FAILURE),
            "What the failure of a step does to the run: `stop` starts nothing new and lets the run fail; `pause` waits for an operator; `continue` goes on with all that does not need the step; `undo` takes back what was done; `{undo: branch}` takes back what was done for that step alone. Default: stop.",
        ),
        required(
            "steps",
            List(&STEP),
            "The steps; `needs` makes the graph, the order of the list means nothing.",
        ),
        key(
            "clock",
            Shape::Object(&CLOCK),
            "Where the recovery time starts and ends. Default: with the run.",
        ),
    ],
};

pub(crate) static TEMPLATE_SPEC: Object = Object {
    name: "the spec of a step template",
    doc: "What a step does that uses the step template. Its references and conditions may ask for its own `params`, for `run`, and, in `undo`, for its own outputs under its own name.",
    keys: &[
        key("params", Map(&PARAM), "Values that a step gives under `with`."),
        key("outputs", Labels, "The outputs that it leaves behind, each with what it means."),
        key("region", Region, "Where it runs, when the step does not say."),
        COMMAND,
        HTTP_KEY,
        POSTGRES_KEY,
        DNS_KEY,
        HAPROXY_KEY,
        WAIT_KEY,
        NOOP,
        APPROVAL_KEY,
        MANUAL_KEY,
        IDEMPOTENT,
        STRICT,
        FENCED,
        NO_EFFECT,
        PROBE_KEY,
        SUCCESS,
        UNDO_KEY,
        TIMEOUT,
        RETRY_KEY,
        ESTIMATE,
    ],
};

pub(crate) static OBJECTIVES: Object = Object {
    name: "objectives",
    doc: "How fast and how complete the recovery must be.",
    keys: &[
        key("rto", Duration, "Recovery time objective: how long the recovery may take."),
        key("rpo", Duration, "Recovery point objective: how much of the latest data may be lost."),
    ],
};

pub(crate) static CLOCK: Object = Object {
    name: "a clock",
    doc: "From where to where the recovery time counts, so that what is done afterwards, such as rebuilding the old side, does not.",
    keys: &[
        key("start", Word(&["declared"]), "`declared`: with the start of the run. Default: declared."),
        required("stop", Name, "The step with whose end the recovery is over."),
    ],
};

pub(crate) static PARAM: Object = Object {
    name: "a parameter",
    doc: "A value that is given from outside.",
    keys: &[
        required(
            "type",
            Word(&["string", "region", "integer", "boolean", "duration", "list"]),
            "What values it takes. A `list` is items between commas; `forEach` makes a step of each.",
        ),
        key("default", Value, "Used when none is given; without it the value must be given."),
        key("description", Text, "What the value is for."),
        key("enum", Texts, "The only values that it takes; of a list, each item is one of them."),
        key("pattern", Text, "A regular expression that must fit the whole value; of a list, each item."),
        key("min", Bound, "The least value of an integer or a duration."),
        key("max", Bound, "The greatest value of an integer or a duration."),
    ],
};

pub(crate) static LIMITS: Object = Object {
    name: "limits",
    doc: "How many of a run's steps may be under way at once.",
    keys: &[
        key("parallel", Whole(1, 10_000), "In the whole run."),
        key("perRegion", Whole(1, 10_000), "In any one region."),
    ],
};

pub(crate) static DEFAULTS: Object = Object {
    name: "defaults",
    doc: "What holds for every step that does not say otherwise.",
    keys: &[
        key("timeout", Duration, "How long one attempt may take. Default: 5m."),
        key("region", Region, "Where steps that an agent performs run."),
        key("retry", Shape::Object(&RETRY), "How often an idempotent step is tried."),
    ],
};
