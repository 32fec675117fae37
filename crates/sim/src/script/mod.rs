//! A schedule as an explicit script: the world at its start, the plans, and everything that befalls it, in order. A seed
//! writes one; what a script does depends on the script alone, so a part of it can be taken out and the rest played.

mod faults;
mod generate;
mod operators;
mod plans;
mod text;

use serde::{Deserialize, Serialize};

pub use generate::generate;

/// Everything that a schedule is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// The world at its start.
    pub world: Setting,
    /// The plans that are registered.
    pub plans: Vec<PlanSketch>,
    /// What befalls it.
    pub entries: Vec<Entry>,
}

/// The world at its start, and its manners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The luck of everything that the script does not say.
    pub seed: u64,
    /// Coordinators.
    pub members: usize,
    /// Agents, one a place.
    pub agents: Vec<AgentSketch>,
    /// The longest way of a message, milliseconds.
    pub delay_ms: u64,
    /// Messages of one stream may overtake each other.
    pub reorder: bool,
    /// So many of a hundred messages arrive twice.
    pub duplicates: u32,
    /// So many of a hundred messages between coordinators are lost.
    pub drops: u32,
    /// The longest sync of a disk, milliseconds.
    pub sync_ms: u64,
    /// So many of a hundred probes cannot tell.
    pub cannot_tell: u32,
    /// So many of a hundred deeds fail by their own word.
    pub failures: u32,
    /// How long faults go on, milliseconds.
    pub faults_ms: u64,
    /// Nobody but coordinators dies: then nothing may become doubtful.
    pub only_coordinators: bool,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentSketch {
    /// Its region.
    pub region: String,
    /// Attempts at once.
    pub slots: u32,
    /// How much its boot clock runs fast, in parts of a million.
    pub fast_ppm: i64,
}

/// A plan in the making: steps can be taken out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSketch {
    /// Its name.
    pub name: String,
    /// What stands above the steps, as lines of YAML.
    pub head: Vec<String>,
    /// The steps.
    pub steps: Vec<StepSketch>,
}

/// One step in the making.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSketch {
    /// Its name.
    pub name: String,
    /// Names of what it needs.
    pub needs: Vec<String>,
    /// The rest of it, in YAML's flow form.
    pub body: String,
}

/// Something that befalls the world, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: At,
    /// What.
    pub act: Act,
}

/// When something befalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// At this time, milliseconds.
    Ms(u64),
    /// At once when this has happened so many times.
    Nth(Trigger, u32),
}

/// The points on a step's way at which death is most interesting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A leader put an entry into its log.
    Proposed,
    /// A grant was committed.
    Granted,
    /// An assignment arrived at its agent.
    Assigned,
    /// A Begin was committed.
    Begun,
    /// `started` is on its way to the disk.
    Starting,
    /// `started` is durable.
    Started,
    /// The supervisor has made its last check.
    Checked,
    /// The action has been executed.
    Executing,
    /// The effect has happened.
    Acted,
    /// The exit record is durable.
    Exited,
    /// `finished` is durable.
    Finished,
    /// A report arrived at the leader.
    Reported,
    /// A report was committed.
    Recorded,
    /// A probe is being asked.
    Asked,
}

/// Which place is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The one with which the trigger went off, or any.
    Concerned,
    /// This one.
    Place(usize),
}

/// Which way of a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the agent to the coordinators.
    Up,
    /// From the coordinators to the agent.
    Down,
    /// Both.
    Both,
}

/// What befalls the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are whom, and for how many milliseconds")]
pub enum Act {
    /// The leader's process dies and comes back.
    KillLeader { ms: u64 },
    /// The leader stops and goes on.
    FreezeLeader { ms: u64 },
    /// A coordinator dies and comes back.
    KillMember { member: usize, ms: u64 },
    /// All coordinators lose power at once.
    KillAllMembers { ms: u64 },
    /// The leader is cut off from the other coordinators: both ways, or only what comes from them.
    IsolateLeader { ms: u64, one_way: bool },
    /// One coordinator hears no more from another.
    CutMembers { from: usize, to: usize, ms: u64 },
    /// The agent's process dies and is started again; what it started goes on.
    KillAgent { who: Who, ms: u64 },
    /// The agent's process stops and goes on; what it started goes on.
    FreezeAgent { who: Who, ms: u64 },
    /// Everything on the host stops and goes on.
    FreezeHost { who: Who, ms: u64 },
    /// One attempt's supervisor and its child stop and go on.
    FreezeAttempt { who: Who, pick: u64, ms: u64 },
    /// The host loses power and boots again.
    Reboot { who: Who, ms: u64 },
    /// The agent dies and its data folder is gone.
    LoseFolder { who: Who, ms: u64 },
    /// The agent dies and its journal is gone; the attempts' folders are there.
    LoseJournal { who: Who, ms: u64 },
    /// The agent's data folder is copied, and an agent is started on the copy: on the same machine, or on another.
    CloneFolder { who: Who, same_machine: bool, ms: u64 },
    /// A supervisor dies, and its child with it, unless it left the child's reach.
    KillSupervisor { who: Who, pick: u64, orphan: bool },
    /// A step's process dies; its supervisor sees that.
    KillChild { who: Who, pick: u64 },
    /// An agent is cut off from the coordinators, or from one.
    CutAgent { who: Who, way: Way, member: Option<usize>, ms: u64 },
    /// Hosts and coordinators of a region lose power and come back.
    RegionDown { region: String, ms: u64 },
    /// Everybody's wall clock jumps, or that of one coordinator.
    WallJump { member: Option<usize>, ms: i64 },
    /// A person does something.
    Operator(Op),
}

/// What a person does; `pick` chooses among the runs and steps where it makes sense, or nearly so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the decisions")]
pub enum Op {
    Start {
        plan: String,
        ungraceful: bool,
        drill: bool,
        queue: bool,
    },
    Register {
        plan: String,
    },
    Pause {
        pick: u64,
    },
    Resume {
        pick: u64,
    },
    Cancel {
        pick: u64,
        undo: bool,
    },
    Undo {
        pick: u64,
    },
    Escalate {
        pick: u64,
        step: bool,
    },
    Resolve {
        pick: u64,
        how: How,
    },
    Skip {
        pick: u64,
    },
    Retry {
        pick: u64,
    },
    Ask {
        pick: u64,
    },
    Approve {
        pick: u64,
    },
    Decline {
        pick: u64,
    },
    Override {
        pick: u64,
    },
    Finish {
        pick: u64,
    },
    /// The region is lost: truly, or only by that person's word.
    DeclareLost {
        region: String,
        truly: bool,
    },
    Restore {
        region: String,
    },
    SetCapacity {
        resource: String,
        units: Option<u32>,
    },
}

/// How somebody resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the resolutions")]
pub enum How {
    Succeeded,
    Failed,
    Retry,
    /// By what the target says.
    Truthfully,
}

impl PlanSketch {
    /// The plan's file.
    pub fn yaml(&self) -> String {
        let PlanSketch { name, head, steps } = self;
        let mut text = format!("apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: {name}}}\nspec:\n");
        head.iter().for_each(|line| text += &format!("  {line}\n"));
        text += "  steps:\n";
        for StepSketch { name, needs, body } in steps {
            text += &format!("    - {{name: {name}, needs: [{}], {body}}}\n", needs.join(", "));
        }
        text
    }
}
