//! `baton run …`.

pub(crate) mod decide;
mod events;
mod graph;
mod list;
mod show;
mod start;
mod wait;
mod watch;

use baton_client::{Choice, Decision};
use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::output::Format;

/// What there is to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a run of a plan, registered or from a file
    ///
    /// A file is checked and registered first. The run keeps the version of the plan that it began with, and of every
    /// child plan and step template in it.
    ///
    /// The plan's locks are taken at the start. While another run holds one of them, the start is refused with exit
    /// code 7 and the holder is named; with --queue the run is started and waits its turn.
    Start(start::Arguments),
    /// Runs, the newest first
    List(list::Arguments),
    /// Everything about a run
    ///
    /// Steps of a fan-out or a child plan stand indented below their group. Where a person is needed, the page says
    /// what is known, which commands there are to decide, and what each would do.
    Show(show::Arguments),
    /// Draw a run's plan, with the status of each step
    Graph(graph::Arguments),
    /// Follow a run, and end by its result
    ///
    /// Ends with 0 when the run succeeded, 8 when it failed, 9 when it was undone or canceled, and with 6 when nothing
    /// moves until a person decides; --stay goes on watching instead.
    Watch(watch::Arguments),
    /// Wait for a run's end, and end by its result
    ///
    /// As `watch`, but what happens in between is said on stderr, and the run as it is at its end is printed.
    Wait(wait::Arguments),
    /// What happened, in order
    Events(events::Arguments),
    /// Say yes to an approval, or that manual work is done
    ///
    /// An approval may ask for several different people, for one of certain roles (--role), and for somebody else than
    /// who started the run. A second yes of the same person changes nothing.
    Approve(decide::OfStep),
    /// Say no to an approval, to manual work, or to overriding a gate
    ///
    /// The step has failed then, and the run does what the plan says about its failure.
    Decline(decide::OfStep),
    /// Say that manual work is done, and what shows it
    Done(decide::Done),
    /// Let a gate that does not hold pass
    ///
    /// The condition stays false; the record says who went on in spite of it, and why.
    Override(decide::Overruling),
    /// Go on without a step, or without a step's undo
    ///
    /// A step that has not begun, or that failed, is skipped and counts as done for those that need it. A step whose
    /// undo failed stays as it is, and the rest of the run is undone.
    Skip(decide::Overruling),
    /// Attempt a failed step, or a failed undo, again
    ///
    /// Of a fan-out, the failed items only.
    Retry(decide::OfStep),
    /// Say what became of a step that is in doubt
    ///
    /// A step that must not happen twice is in doubt when it was begun, its outcome is not known,
    /// and no probe could settle it. It is never attempted again by itself. Look at its target, then
    /// say what you found:
    ///
    ///   succeeded  it happened: the run goes on with what needs it
    ///   failed     it did not, or not as it should: the run does what the plan says about a failure
    ///   retry      it is known not to have happened: it is attempted again, with a new token
    ///
    /// The same goes for the undo of a step, and for a step that failed where you know better.
    #[command(verbatim_doc_comment)]
    Resolve(decide::Resolve),
    /// Start nothing new until the run is resumed
    ///
    /// What is under way goes on to its end.
    Pause(decide::OfRun),
    /// Let a paused run go on
    Resume(decide::OfRun),
    /// End a run as soon as what is under way has ended
    ///
    /// What has not begun never will; what runs is stopped. Without --undo, what was done stays done, and the run is
    /// canceled. With it, steps that succeeded are undone in reverse order, and the run ends as undone.
    Cancel(decide::Cancel),
    /// Take back what a run has done, in reverse order of the graph
    ///
    /// Also after the run has ended. Steps without an `undo` stay as they are. The run ends as undone, or is stuck at an
    /// undo that failed for good until a person decides: `retry`, `skip` or `resolve` its step.
    Undo(decide::OfRun),
    /// From graceful to ungraceful, in the middle of the run
    ///
    /// Treats the old side as gone from here on, in child plans as well: steps that have not begun are carried out as
    /// the plan says for `ungraceful`. Those under way that may be repeated are ended, and done in the other way; those
    /// that may not go on to their end. With a step, only that step and all that is in it is concerned.
    Escalate(decide::Escalate),
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        let output = match self {
            Self::Start(arguments) => arguments.output,
            Self::List(arguments) => arguments.output,
            Self::Show(arguments) => arguments.output,
            Self::Graph(_) => return Format::Table,
            Self::Watch(arguments) => arguments.output,
            Self::Wait(arguments) => arguments.output,
            Self::Events(arguments) => arguments.output,
            Self::Approve(arguments) | Self::Decline(arguments) | Self::Retry(arguments) => {
                arguments.terms.output
            }
            Self::Override(arguments) | Self::Skip(arguments) => arguments.terms.output,
            Self::Done(arguments) => arguments.terms.output,
            Self::Resolve(arguments) => arguments.terms.output,
            Self::Pause(arguments) | Self::Resume(arguments) | Self::Undo(arguments) => {
                arguments.terms.output
            }
            Self::Cancel(arguments) => arguments.of_run.terms.output,
            Self::Escalate(arguments) => arguments.terms.output,
        };
        output.format
    }
}

pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    let decided = match command {
        Command::Start(arguments) => return start::run(arguments).await,
        Command::List(arguments) => return list::run(arguments).await,
        Command::Show(arguments) => return show::run(arguments).await,
        Command::Graph(arguments) => return graph::run(arguments).await,
        Command::Watch(arguments) => return watch::run(arguments).await,
        Command::Wait(arguments) => return wait::run(arguments).await,
        Command::Events(arguments) => return events::run(arguments).await,
        Command::Approve(arguments) => arguments.decides(Choice::Approve),
        Command::Decline(arguments) => arguments.decides(Choice::Decline),
        Command::Done(arguments) => arguments.decides(),
        Command::Override(arguments) => arguments.decides(Choice::Override),
        Command::Skip(arguments) => arguments.decides(Choice::Skip),
        Command::Retry(arguments) => arguments.decides(Choice::Retry),
        Command::Resolve(arguments) => arguments.decides(),
        Command::Pause(arguments) => arguments.decides(Decision::Pause),
        Command::Resume(arguments) => arguments.decides(Decision::Resume),
        Command::Cancel(arguments) => arguments.decides(),
        Command::Undo(arguments) => arguments.decides(Decision::Undo),
        Command::Escalate(arguments) => arguments.decides(),
    };
    decide::run(decided).await
}
