//! Agents, supervisors and journals that die (matrix A01 to A10).

use std::fs;
use std::io::Read;

use baton_api::{Assignment, Outcome};

use crate::bench::{Bench, alive, eventually, kill, marked};

const SLOW: &str = "echo $$ > $D/pid; echo did >> $D/effects;
                    until [ -e $D/go ]; do sleep 0.01; done; exit 5";

fn supervisor_of(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    fields.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A04: the step runs on, and its true exit status is reported by the next agent.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_takes_its_running_step_up_again() {
    let mut bench = Bench::start().await;
    bench.leader.assign(bench.script(7, SLOW));
    let pid = bench.pid_in("pid").await;
    bench.kill_agent();
    let (first, second) = (bench.leader.hello(1).await, bench.come_back().await);
    assert_eq!(first.incarnation, second.incarnation);
    assert_eq!(second.held.len(), 1);
    assert!(alive(pid));
    // The new leader sends what it believes to be under way.
    bench.leader.assign(bench.script(7, SLOW));
    fs::write(bench.path("go"), "").unwrap();
    let report = bench.leader.report(7).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(5)));
    assert_eq!(bench.lines("effects"), ["did"]);
}

/// A06, A07: it ended while no agent was there.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_no_agent_saw_is_reported_later() {
    let mut bench = Bench::start().await;
    bench.leader.assign(bench.script(7, SLOW));
    let supervisor = supervisor_of(bench.pid_in("pid").await);
    bench.kill_agent();
    fs::write(bench.path("go"), "").unwrap();
    bench.until_gone(&[supervisor]).await;
    bench.come_back().await;
    let report = bench.leader.report(7).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(5)));
    assert_eq!(bench.lines("effects"), ["did"]);
}

/// A05: nobody can know how far it came, and nothing of it is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_supervisor_leaves_an_unknown_outcome_and_nothing_running() {
    let bench = Bench::start().await;
    let text = format!("setsid sleep 1000 & echo $! > $D/child; {SLOW}");
    bench.leader.assign(bench.script(7, &text));
    let (pid, child) = (bench.pid_in("pid").await, bench.pid_in("child").await);
    kill(supervisor_of(pid));
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::Unknown, "{}", report.reason);
    assert!(!alive(pid) && !alive(child));
}

/// A05 as well: both die at once, and the next agent finds out.
#[tokio::test(flavor = "multi_thread")]
async fn agent_and_supervisor_killed_together() {
    let mut bench = Bench::start().await;
    let text = format!("setsid sleep 1000 & echo $! > $D/child; {SLOW}");
    bench.leader.assign(bench.script(7, &text));
    let (pid, child) = (bench.pid_in("pid").await, bench.pid_in("child").await);
    let supervisor = supervisor_of(pid);
    bench.kill_agent();
    kill(supervisor);
    bench.come_back().await;
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::Unknown);
    assert!(!alive(pid) && !alive(child));
}

/// A08: whoever lost the journal is somebody else, and ends what the other one left.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_journal_means_a_new_incarnation_and_a_swept_host() {
    let mut bench = Bench::start().await;
    let text = format!("setsid sleep 1000 & echo $! > $D/child; {SLOW}");
    bench.leader.assign(bench.script(7, &text));
    let (pid, child) = (bench.pid_in("pid").await, bench.pid_in("child").await);
    let supervisor = supervisor_of(pid);
    bench.kill_agent();
    fs::remove_file(bench.data_dir().join("journal")).unwrap();
    let (first, second) = (bench.leader.hello(1).await, bench.come_back().await);
    assert_ne!(first.incarnation, second.incarnation);
    assert!(second.swept);
    assert!(!alive(pid) && !alive(child) && !alive(supervisor));
}

/// A08 again, with nothing left to go by but the processes themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_data_folder_is_swept_as_well() {
    let mut bench = Bench::start().await;
    bench.leader.assign(bench.script(7, SLOW));
    let pid = bench.pid_in("pid").await;
    bench.kill_agent();
    fs::remove_dir_all(bench.data_dir()).unwrap();
    assert!(bench.come_back().await.swept);
    assert!(!alive(pid));
    let agent = bench.agent_pid();
    let left = marked(&bench.data_dir());
    // The agent that came, and the process that its supervisors are to be born in.
    assert!(left.iter().all(|pid| *pid == agent || supervisor_of(*pid) == agent), "{left:?}");
}

/// A journal that was cut back to before the attempt is as good as none.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_forgot_an_attempt_is_not_trusted() {
    let mut bench = Bench::start().await;
    let journal = bench.data_dir().join("journal");
    let young = fs::read(&journal).unwrap();
    bench.leader.assign(bench.script(7, SLOW));
    let pid = bench.pid_in("pid").await;
    bench.kill_agent();
    fs::write(&journal, young).unwrap();
    let (first, second) = (bench.leader.hello(1).await, bench.come_back().await);
    assert_ne!(first.incarnation, second.incarnation);
    assert!(!alive(pid));
    assert!(bench.data_dir().join("journal.damaged-1").exists());
}

/// R7: an end that is on disk is reported even by an agent that lost its journal.
#[tokio::test(flavor = "multi_thread")]
async fn an_exit_record_outlives_the_journal() {
    let mut bench = Bench::start().await;
    bench.leader.assign(bench.script(7, SLOW));
    let supervisor = supervisor_of(bench.pid_in("pid").await);
    bench.kill_agent();
    fs::write(bench.path("go"), "").unwrap();
    bench.until_gone(&[supervisor]).await;
    fs::remove_file(bench.data_dir().join("journal")).unwrap();
    bench.come_back().await;
    assert_eq!(bench.leader.report(7).await.exit_code, Some(5));
}

/// What a finished step left running on purpose is not part of any attempt any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_spares_what_finished_steps_started() {
    let mut bench = Bench::start().await;
    let text = "setsid sleep 1000 > /dev/null 2>&1 & echo $! > $D/daemon";
    bench.leader.assign(bench.script(6, text));
    bench.leader.report(6).await;
    bench.leader.assign(bench.script(7, SLOW));
    let (pid, daemon) = (bench.pid_in("pid").await, bench.pid_in("daemon").await);
    bench.kill_agent();
    fs::remove_file(bench.data_dir().join("journal")).unwrap();
    bench.come_back().await;
    assert!(!alive(pid));
    assert!(alive(daemon));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_is_offered_until_it_is_acknowledged() {
    let mut bench = Bench::start().await;
    bench.leader.script(|script| script.acknowledges = false);
    bench.leader.assign(bench.script(7, "exit 4"));
    bench.leader.report(7).await;
    bench.kill_agent();
    bench.leader.script(|script| {
        script.reports.clear();
        script.acknowledges = true;
    });
    bench.come_back().await;
    assert_eq!(bench.leader.report(7).await.exit_code, Some(4));
    let gone = || (!bench.attempt(7).exists()).then_some(());
    eventually("it is forgotten", gone).await;
    // That it was acknowledged is written at leisure; until it is, the report comes once more.
    for _ in 0..20 {
        bench.kill_agent();
        if bench.come_back().await.held.is_empty() {
            return;
        }
    }
    panic!("it is held for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_on_the_folder_is_refused_with_a_sentence() {
    let bench = Bench::start().await;
    let mut second = bench.spawn_agent();
    assert!(!second.wait().unwrap().success());
    let mut text = String::new();
    second.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("another agent is using"), "{text}");
}

/// An agent that is told to end leaves its steps to the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_agent_leaves_its_step_running() {
    let mut bench = Bench::start().await;
    bench.leader.assign(Assignment { idempotent: true, ..bench.script(7, SLOW) });
    let pid = bench.pid_in("pid").await;
    bench.terminate_agent();
    assert!(alive(pid));
    bench.come_back().await;
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.leader.report(7).await.exit_code, Some(5));
}
