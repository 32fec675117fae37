//! Parts of the simulated shell that can be broken on purpose, to show that the laws notice.

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// An agent acts without asking Begin.
    SkipBegin,
    /// An agent acts before anything that says so is durable: `started` in its journal, or the marker beside it. (The
    /// marker alone is enough: a journal that does not know of it has lost something, and the agent comes under a new name.)
    ActBeforeDurable,
    /// An agent counts its lease from what it sent, answered or not.
    LeaseBySending,
    /// A supervisor never looks at the lease.
    LeaseUnchecked,
    /// A leader acknowledges a report before it is committed.
    AcknowledgeBeforeCommit,
    /// A leader drops reports on attempts that it does not wait for.
    DropLateReports,
    /// An agent says that it ended what a dead supervisor left, and did not.
    SkipSweep,
    /// An agent whose folder was lost comes back under its old journal's name.
    EmptyFolderKeepsIdentity,
    /// A probe's answer is remembered and given again.
    RememberProbes,
    /// A leader renews leases although no quorum answers it.
    RenewWithoutQuorum,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Sabotage; 10] = [
        Sabotage::SkipBegin,
        Sabotage::ActBeforeDurable,
        Sabotage::LeaseBySending,
        Sabotage::LeaseUnchecked,
        Sabotage::AcknowledgeBeforeCommit,
        Sabotage::DropLateReports,
        Sabotage::SkipSweep,
        Sabotage::EmptyFolderKeepsIdentity,
        Sabotage::RememberProbes,
        Sabotage::RenewWithoutQuorum,
    ];
}
