//! Watching one attempt: its process, its streams, the leader's word, and the time.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use baton_plan::native::NOTHING_HAPPENED;
use baton_storage::sabotage::{self, Bug};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;

use super::child::{self, Child};
use super::ended::Ended;
use super::pipes::Pipe;
use super::post::Post;
use super::signals::{ended, is_childless, reap};
use super::tree;
use crate::actions::{self, Told};
use crate::attempt::{Action, Assignment, Call};
use crate::folder::Folder;
use crate::host::boottime_ns;
use crate::lease::Deadline;
use crate::line::{self, Word};
use crate::secret::Secrets;

/// How long a tree that was asked to end may take before it is killed.
const GRACE_NS: u64 = 1_000_000_000;
/// And where the lease is over: well within the margin (500 ms) that the leader leaves behind it.
const LAPSED_GRACE_NS: u64 = 200_000_000;

/// The longest sleep between two looks at the boot clock, which a suspension of the machine
/// moves and the sleep does not notice.
const NAP_NS: u64 = 1_000_000_000;

/// Sleep between two looks at a tree that is about to be gone.
const BLINK_NS: u64 = 5_000_000;

/// One attempt under supervision.
pub(crate) struct Watch<'p> {
    post: &'p mut Post,
    folder: Folder,
    home: PathBuf,
    assignment: Assignment,
    /// That it starts could be noted.
    marked: bool,
    told_to_end: bool,
    /// By a signal, which is meant for the supervisor itself.
    terminated: bool,
    ended_tree: bool,
    stdout: Pipe,
    stderr: Pipe,
    until_ns: Option<u64>,
    lease_until_ns: u64,
    /// Those of the call that runs or ran.
    secrets: Secrets,
}

impl<'p> Watch<'p> {
    /// The time begins with the first process.
    pub(super) fn new(post: &'p mut Post, folder: Folder, assignment: Assignment) -> Watch<'p> {
        let home = folder.home().unwrap_or(folder.path()).to_owned();
        Watch {
            post,
            home,
            folder,
            assignment,
            marked: false,
            told_to_end: false,
            terminated: false,
            ended_tree: false,
            stdout: Pipe::default(),
            stderr: Pipe::default(),
            until_ns: None,
            lease_until_ns: 0,
            secrets: Secrets::default(),
        }
    }

    pub(super) fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// Nothing of the attempt is left, so that whoever kept it can keep another one. Where the tree was ended, nobody can
    /// be born: the kernel goes on killing what comes into a cgroup from outside once it has been killed.
    pub(super) fn left_nothing(&self) -> bool {
        let silent = self.stdout.end.is_none() && self.stderr.end.is_none();
        !self.terminated && !self.ended_tree && silent && is_childless()
    }

    pub(super) fn has_marked(&self) -> bool {
        self.marked
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn action(&self) -> Action {
        self.assignment.action.clone()
    }

    pub(super) fn tails(&mut self) -> (String, String) {
        (self.stdout.tail.text(&self.secrets), self.stderr.tail.text(&self.secrets))
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Carries one call to its end, in a process of its own.
    pub(crate) fn run(&mut self, call: &Call) -> Ended {
        match Secrets::of(call) {
            Ok(secrets) => self.secrets = secrets,
            Err(reason) => return unreadable(call, reason),
        }
        match call {
            Call::Process { argv, .. } => self.run_process(argv),
            Call::Native { .. } => self.run_native(),
        }
    }

    /// A native action is carried out by this very program: to whoever watches, ends or sweeps it, it is a process like
    /// any other.
    fn run_native(&mut self) -> Ended {
        let folder = self.folder.path().display().to_string();
        let argv = ["/proc/self/exe".to_owned(), actions::WORD.to_owned(), folder];
        let ended = self.run_process(&argv);
        let Ended::Exited(code) = ended else { return ended };
        let said = self.stderr.tail.text(&self.secrets);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        let reason = last.map_or_else(|| format!("it ended with {code} and said nothing"), str::to_owned);
        match actions::told(code) {
            Told::Done => Ended::Exited(0),
            Told::Failed(code) => Ended::Answered { code: Some(code), reason },
            Told::Abandoned => Ended::Abandoned { reason },
            Told::Unknown => Ended::Answered { code: None, reason },
        }
    }

    /// Runs one process to its end, which is its own exit and never the end of its output.
    fn run_process(&mut self, argv: &[String]) -> Ended {
        let child = match self.start(argv) {
            Ok(child) => child,
            Err(ended) => return ended,
        };
        let Child { pid, pidfd, .. } = child;
        self.stdout.end = Some(child.stdout);
        self.stderr.end = Some(child.stderr);
        loop {
            self.sleep(Some(pidfd.as_fd()), self.nap_ns());
            if let Some(status) = reap(Some(pid)) {
                self.drain();
                return ended(status);
            }
            if let Some(ended) = self.interruption() {
                self.end_tree();
                self.drain();
                return ended;
            }
        }
    }

    /// Lets time pass between two processes; says so when the attempt has to end.
    pub(crate) fn pause(&mut self, pause_ms: u64) -> Option<Ended> {
        let until_ns = boottime_ns().saturating_add(pause_ms.saturating_mul(1_000_000));
        loop {
            reap(None);
            if let Some(ended) = self.interruption() {
                self.end_tree();
                return Some(ended);
            }
            let left_ns = until_ns.saturating_sub(boottime_ns());
            if left_ns == 0 {
                return None;
            }
            self.sleep(None, left_ns.min(self.nap_ns()));
        }
    }

    /// The last checks, and nothing between them and the start (Z02).
    fn start(&mut self, argv: &[String]) -> Result<Child, Ended> {
        let environment = self.environment();
        let first = self.until_ns.is_none();
        if first {
            let marked = self.folder.mark_executing(&self.post.identity);
            marked.map_err(|error| Ended::Abandoned {
                reason: format!("it could not be noted that it starts: {error}"),
            })?;
            self.marked = true;
        }
        if let Some(reason) = self.folder.stop() {
            let reason = format!("stopped before it started: {reason}");
            return Err(Ended::Abandoned { reason });
        }
        self.lease_until_ns = Deadline::read(&self.home, &self.post.identity.boot);
        let now_ns = boottime_ns();
        if first && now_ns >= self.lease_until_ns {
            let reason = "the agent's lease ran out before it started".into();
            return Err(Ended::Abandoned { reason });
        }
        if first {
            let timeout_ms = self.assignment.timeout_ms;
            let timeout_ns = timeout_ms.saturating_mul(1_000_000);
            let until_ns = now_ns.saturating_add(timeout_ns);
            self.until_ns = Some(if timeout_ms == 0 { u64::MAX } else { until_ns });
        }
        let Post { stack, cradle, .. } = &mut *self.post;
        child::spawn(argv, &environment, stack, cradle.as_ref().map(AsFd::as_fd), first)
    }

    fn environment(&self) -> Vec<(String, OsString)> {
        let given = self.assignment.environment.iter();
        let given = given.map(|(name, value)| (name.clone(), OsString::from(value)));
        let token = match sabotage::planted(Bug::IgnoreFence) {
            true => self.assignment.key.attempt.to_string(),
            false => self.assignment.key.token.to_string(),
        };
        let own = [
            ("BATON_OUTPUT".to_owned(), self.folder.output().into()),
            // What a sweep finds the tree by.
            ("BATON_TOKEN".to_owned(), token.into()),
            ("BATON_AGENT_HOME".to_owned(), self.home.clone().into()),
        ];
        let secrets = self.secrets.variables().iter();
        let secrets = secrets.map(|(name, value)| (name.clone(), OsString::from(value)));
        given.chain(secrets).chain(own).collect()
    }

    /// Why the attempt has to end now, if it has to.
    fn interruption(&mut self) -> Option<Ended> {
        if self.told_to_end {
            let reason = self.folder.stop();
            let reason = reason.unwrap_or_else(|| "its supervisor was told to end".into());
            return Some(Ended::Stopped { reason });
        }
        let now_ns = boottime_ns();
        if self.until_ns.is_some_and(|until_ns| now_ns >= until_ns) {
            let note = String::new();
            return Some(Ended::TimedOut { note });
        }
        if self.assignment.idempotent && now_ns >= self.lease_until_ns {
            self.lease_until_ns = Deadline::read(&self.home, &self.post.identity.boot);
            let lapsed = now_ns >= self.lease_until_ns;
            return lapsed.then_some(Ended::LeaseLapsed);
        }
        None
    }

    /// Ends everything that the attempt started, and returns when nothing of it is left.
    fn end_tree(&mut self) {
        self.ended_tree = true;
        let idempotent = self.assignment.idempotent;
        let lease_ns = idempotent.then(|| Deadline::read(&self.home, &self.post.identity.boot));
        let patience_ns = patience_ns(boottime_ns(), lease_ns);
        tree::ask_to_end(self.post.cgroup.as_ref());
        while boottime_ns() < patience_ns && !tree::is_gone(self.post.cgroup.as_ref()) {
            self.sleep(None, BLINK_NS);
            reap(None);
        }
        while !tree::is_gone(self.post.cgroup.as_ref()) {
            tree::kill(self.post.cgroup.as_ref());
            self.sleep(None, BLINK_NS);
            reap(None);
        }
        reap(None);
    }

    /// The step is over: what it left running on purpose is no longer part of it.
    pub(super) fn leave_tree(&self) {
        if let Some(cgroup) = &self.post.cgroup {
            cgroup.leave_behind();
        }
    }

    /// Where the agent is gone, the lock tells as much; where it cannot be told, that the line is cut does.
    pub(super) fn tell_that_it_leaves(&mut self) {
        let word = Word::Ended { token: self.assignment.key.token, stays: false };
        self.post.line.take_if(|line| line::say(line, &word).is_err());
    }

    /// Reads on for as long as a daemon of the step holds the streams: without a reader its
    /// first line would kill it.
    pub(super) fn linger(&mut self) {
        // A word that came too late was about the step, not about the daemon.
        self.told_to_end = false;
        while (self.stdout.end.is_some() || self.stderr.end.is_some()) && !self.told_to_end {
            self.sleep(None, NAP_NS);
            reap(None);
        }
    }

    fn drain(&mut self) {
        self.stdout.drain();
        self.stderr.drain();
    }

    /// How long to sleep at most, so as to wake at the next deadline.
    fn nap_ns(&self) -> u64 {
        let lease = self.assignment.idempotent.then_some(self.lease_until_ns);
        let deadline = self.until_ns.into_iter().chain(lease).min();
        let left_ns = deadline.map(|deadline| deadline.saturating_sub(boottime_ns()));
        left_ns.unwrap_or(NAP_NS).min(NAP_NS)
    }

    /// Sleeps until something happens, at most this long.
    fn sleep(&mut self, process: Option<BorrowedFd<'_>>, most_ns: u64) {
        let ends = [&self.stdout.end, &self.stderr.end, &self.post.line];
        let ends = ends.into_iter().flatten().map(AsFd::as_fd);
        let fds = ends.chain(process).chain([self.post.signals.as_fd()]);
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let timeout = Timespec {
            tv_sec: (most_ns / 1_000_000_000).cast_signed(),
            tv_nsec: (most_ns % 1_000_000_000).cast_signed(),
        };
        // An interrupted sleep is a short one.
        let _ = poll(&mut fds, Some(&timeout));
        let said = |of: usize| fds.get(of).is_some_and(|fd| !fd.revents().is_empty());
        let (signalled, spoken) = (said(fds.len() - 1), self.post.line.is_some());
        let spoken = spoken && said(self.open_streams());
        self.drain();
        if signalled {
            self.read_signals();
        }
        if spoken {
            self.listen();
        }
    }

    fn open_streams(&self) -> usize {
        usize::from(self.stdout.end.is_some()) + usize::from(self.stderr.end.is_some())
    }

    fn read_signals(&mut self) {
        let mut buffer = [0_u8; 1024];
        // The descriptor does not block: an error means that no signal came.
        self.terminated |= rustix::io::read(&self.post.signals, &mut buffer).is_ok();
        self.told_to_end |= self.terminated;
    }

    fn listen(&mut self) {
        let Some(line) = &self.post.line else { return };
        match line::hear(line, RecvFlags::DONTWAIT) {
            // A word about an earlier attempt came too late.
            Ok(Some(Word::End { token })) => self.told_to_end |= token == self.assignment.key.token,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Cut, or nonsense: there is no agent that this supervisor could talk to.
            _ => self.post.line = None,
        }
    }
}

/// A secret that is not there: nothing was started.
fn unreadable(call: &Call, reason: String) -> Ended {
    match call {
        Call::Process { .. } => Ended::NotExecuted { code: 126, reason },
        Call::Native { .. } => Ended::Answered { code: Some(NOTHING_HAPPENED), reason },
    }
}

/// Until when a tree may take its time over its end. What may be repeated is begun elsewhere soon after its agent's lease
/// is over, and has to be gone by then.
fn patience_ns(now_ns: u64, lease_ns: Option<u64>) -> u64 {
    let whole = now_ns.saturating_add(GRACE_NS);
    lease_ns.map_or(whole, |lease_ns| whole.min(lease_ns.max(now_ns).saturating_add(LAPSED_GRACE_NS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_patience_outlasts_the_lease_for_long() {
        let now_ns = 100 * GRACE_NS;
        assert_eq!(patience_ns(now_ns, None), now_ns + GRACE_NS);
        assert_eq!(patience_ns(now_ns, Some(now_ns + 5 * GRACE_NS)), now_ns + GRACE_NS);
        assert_eq!(patience_ns(now_ns, Some(now_ns)), now_ns + LAPSED_GRACE_NS);
        assert_eq!(patience_ns(now_ns, Some(now_ns + 7)), now_ns + 7 + LAPSED_GRACE_NS);
        assert_eq!(patience_ns(now_ns, Some(0)), now_ns + LAPSED_GRACE_NS);
    }
}
