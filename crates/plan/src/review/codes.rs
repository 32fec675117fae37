//! Every code that a finding can have. A code keeps its meaning for ever; one that is given up is not used again.

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Such as `B101`. B1 is about safety, B2 about what a reader needs to know, B3 about the plan's shape.
    pub code: &'static str,
    /// What is looked for.
    pub about: &'static str,
}

const fn code(code: &'static str, about: &'static str) -> Code {
    Code { code, about }
}

pub(super) const UNFENCED: &str = "B101";
pub(super) const DOUBTFUL: &str = "B102";
pub(super) const SHARED: &str = "B103";
pub(super) const UNLOCKED: &str = "B104";
pub(super) const TIMEOUT: &str = "B201";
pub(super) const ESTIMATE: &str = "B202";
pub(super) const OWNER: &str = "B203";
pub(super) const UNDO: &str = "B204";
pub(super) const ONE_REGION: &str = "B301";
pub(super) const UNREACHABLE: &str = "B302";
pub(super) const SLOW_JOIN: &str = "B303";
pub(super) const NEVER_DRAWN: &str = "B304";

const CODES: [Code; 12] = [
    code(
        UNFENCED,
        "a step that makes something the new primary, with no step before it that stops the old one",
    ),
    code(DOUBTFUL, "a step or undo that is not idempotent, with neither a probe nor an approval before it"),
    code(
        SHARED,
        "the undo of a branch touches a resource or lock that a step outside of the branch holds as well",
    ),
    code(UNLOCKED, "a plan that must not be carried out twice at once, and holds no lock"),
    code(TIMEOUT, "a step without a timeout that somebody chose"),
    code(ESTIMATE, "a step without an estimate"),
    code(OWNER, "steps that nobody answers for"),
    code(UNDO, "a step that changes the world, without an undo"),
    code(ONE_REGION, "a plan all of whose steps are done in one region"),
    code(UNREACHABLE, "a step that can never be done, or never succeed"),
    code(SLOW_JOIN, "a step that makes others wait for more than they may need"),
    code(NEVER_DRAWN, "a resource that no step draws on"),
];

/// Every code that a finding can have, with what it is about.
pub fn codes() -> &'static [Code] {
    &CODES
}
