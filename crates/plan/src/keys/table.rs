//! The table itself; it reads like the reference page of the plan file.

use super::Shape::{
    Codes, Command, Condition, Duration, DurationOr, Exactly, Flag, Labels, Later, List, Map, Name, Names,
    Nothing, Region, Scalar, Text, Whole, Word,
};
use super::{Key, Object, Shape};

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, doc, shape, required: false }
}

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, doc, shape, required: true }
}

pub(crate) static PLAN: Object = Object {
    name: "a plan file",
    doc: "A recovery plan of Baton.",
    keys: &[
        required("apiVersion", Exactly("baton/v1"), "The format of the file."),
        required("kind", Exactly("Plan"), "What the file describes."),
        required("metadata", Shape::Object(&METADATA), "Who the plan is."),
        required("spec", Shape::Object(&SPEC), "What the plan does."),
    ],
};

pub(crate) static METADATA: Object = Object {
    name: "metadata",
    doc: "Who the plan is.",
    keys: &[
        required(
            "name",
            Name,
            "The name by which the plan is registered: lower-case letters, digits and dashes.",
        ),
        key("owner", Text, "The team that answers for the plan."),
        key("description", Text, "What the plan is for."),
        key("labels", Labels, "Free marks to find plans by."),
    ],
};

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
        key("defaults", Shape::Object(&DEFAULTS), "What holds for every step that does not say otherwise."),
        key(
            "onFailure",
            Word(&["stop", "pause"]),
            "What the failure of a step does to the run: `stop` starts nothing new and lets the run fail; `pause` waits for an operator. Default: stop.",
        ),
        required(
            "steps",
            List(&STEP),
            "The steps; `needs` makes the graph, the order of the list means nothing.",
        ),
        key(
            "resources",
            Later("bound the steps that run at once with `limits`"),
            "Named capacity that steps draw on.",
        ),
        key(
            "locks",
            Later("take care that no second run of this plan is started meanwhile"),
            "Held from the run's start to its end.",
        ),
        key(
            "clock",
            Later("the time counts from the start of the run to its end"),
            "Where the recovery time starts and ends.",
        ),
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

pub(crate) static PARAM: Object = Object {
    name: "a parameter",
    doc: "A value that is given when a run starts.",
    keys: &[
        required(
            "type",
            Word(&["string", "region", "integer", "boolean", "duration"]),
            "What values it takes.",
        ),
        key("default", Scalar, "Used when the start names none; without it the value must be given."),
        key("description", Text, "What the value is for."),
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

pub(crate) static STEP: Object = Object {
    name: "a step",
    doc: "One node of the graph. It has a name and exactly one action: command, wait or noop.",
    keys: &[
        required("name", Name, "Its name, unique in the plan: lower-case letters, digits and dashes."),
        key("description", Text, "What the step is for."),
        key("needs", Names, "The steps that must be done before it starts."),
        key("region", Region, "Where it runs: a region's name, or a reference such as ${params.to}."),
        key(
            "command",
            Command,
            "A process on an agent of the region: a string runs under `sh -c`, a list is executed as it stands.",
        ),
        key("wait", DurationOr(&WAIT), "Time passes, or a question is asked until it holds."),
        key("noop", Nothing, "Nothing is done; with a region an agent still answers for it."),
        key(
            "idempotent",
            Flag,
            "Whether doing it twice is the same as doing it once. A command must say so. True: a lost attempt is simply repeated. False: it is never attempted twice unless the earlier attempt is known not to have happened.",
        ),
        key(
            "strict",
            Flag,
            "An idempotent step that waits until the earlier attempt provably cannot act any more, like the others.",
        ),
        key(
            "fenced",
            Flag,
            "The target refuses an attempt whose BATON_TOKEN is older than one that it has seen.",
        ),
        key("noEffect", Codes, "Exit codes of the command that say that nothing happened."),
        key("when", Condition, "A CEL condition; when it is false the step is skipped and counts as done."),
        key(
            "probe",
            Shape::Object(&PROBE),
            "The question whether the step's effect has happened; asking changes nothing.",
        ),
        key("timeout", Duration, "How long one attempt may take."),
        key("retry", Shape::Object(&RETRY), "How often to try, and how long to wait between."),
        key("optional", Flag, "The step may fail or be unreachable: the run goes on, with an exception."),
        key("estimate", Duration, "How long one attempt usually takes; for the critical path."),
        key(
            "onFailure",
            Word(&["stop", "pause"]),
            "What the failure of this step does to the run; default: the plan's.",
        ),
        key(
            "undo",
            Later("undo by hand, or write the steps back as a plan of their own"),
            "The compensation.",
        ),
        key(
            "gate",
            Later("make it a `command` that exits with 1 when the condition does not hold"),
            "A condition that must hold.",
        ),
        key(
            "approval",
            Later("split the plan where a person must agree, and start the second part by hand"),
            "A person's consent.",
        ),
        key(
            "manual",
            Later("split the plan where a person must act, and start the second part by hand"),
            "A person's work.",
        ),
        key("http", Later("make it a `command` that calls curl"), "An HTTP request."),
        key("postgres", Later("make it a `command` that calls psql"), "SQL."),
        key("dns", Later("make it a `command` that calls nsupdate or your provider's tool"), "A DNS update."),
        key("plan", Later("copy the other plan's steps into this one"), "A child plan."),
        key("uses", Later("write the step's action out"), "A step template from the catalogue."),
        key("with", Later("write the step's action out"), "The values of a step template."),
        key("forEach", Later("write one step for each item"), "One step for each item of a list."),
        key("draws", Later("bound the steps that run at once with `limits`"), "Units of a resource."),
        key(
            "success",
            Later("let the command exit with something other than 0 when it did not succeed"),
            "What the answer of an action means.",
        ),
    ],
};

pub(crate) static PROBE: Object = Object {
    name: "a probe",
    doc: "Exit code 0: the effect has happened; 1: it has not; anything else: unknown.",
    keys: &[
        required("command", Command, "The process that asks; it changes nothing."),
        key("timeout", Duration, "How long the answer may take; a later one is unknown. Default: 30s."),
    ],
};

pub(crate) static RETRY: Object = Object {
    name: "retry",
    doc: "How often to try a step, and how long to wait between.",
    keys: &[
        required("attempts", Whole(1, 100), "Attempts in all."),
        key(
            "backoff",
            Duration,
            "The pause after the first failure; it doubles with each further one. Default: 1s.",
        ),
        key("maxBackoff", Duration, "The longest pause. Default: 1m."),
    ],
};

pub(crate) static WAIT: Object = Object {
    name: "wait",
    doc: "A question that is asked until it holds, or until the step's timeout.",
    keys: &[
        required("until", Shape::Object(&UNTIL), "The question."),
        key("interval", Duration, "The pause between two questions. Default: 2s."),
    ],
};

pub(crate) static UNTIL: Object = Object {
    name: "until",
    doc: "The question; exit code 0 says that it holds.",
    keys: &[required("command", Command, "The process that asks; it changes nothing.")],
};

/// What other tools call these keys.
pub(super) static OTHER_WORDS: [(&str, &str); 22] = [
    ("dependsOn", "needs"),
    ("depends_on", "needs"),
    ("dependencies", "needs"),
    ("requires", "needs"),
    ("after", "needs"),
    ("if", "when"),
    ("condition", "when"),
    ("run", "command"),
    ("script", "command"),
    ("shell", "command"),
    ("exec", "command"),
    ("args", "command"),
    ("sleep", "wait"),
    ("retries", "retry"),
    ("id", "name"),
    ("title", "name"),
    ("parameters", "params"),
    ("inputs", "params"),
    ("deadline", "timeout"),
    ("continueOnError", "optional"),
    ("allowFailure", "optional"),
    ("maxAttempts", "attempts"),
];
