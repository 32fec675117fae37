//! What people decide, as it goes over the wire and comes back.

use crate::fake::{Act, coordinator};
use baton_api as api;
use baton_client::{Choice, Client, Decision, Error, Origin, Resolution};

fn origin() -> Origin {
    let roles = vec!["sre".into(), "dba".into()];
    Origin { request_id: "r-1".into(), operator: "ada@example".into(), roles }
}

fn step(choice: Choice) -> Decision {
    Decision::Step { step: "promote".into(), choice }
}

#[tokio::test]
async fn every_decision_has_its_word_and_its_step() {
    let (leader, script) = coordinator().await;
    let client = Client::connect(&[leader]).unwrap();
    let cases = [
        (Decision::Pause, "pause", ""),
        (Decision::Resume, "resume", ""),
        (Decision::Cancel { undo: false }, "cancel", ""),
        (Decision::Cancel { undo: true }, "cancel_undo", ""),
        (Decision::Undo, "undo", ""),
        (Decision::Escalate { step: None }, "escalate", ""),
        (Decision::Escalate { step: Some("promote".into()) }, "escalate", "promote"),
        (step(Choice::Approve), "approve", "promote"),
        (step(Choice::Decline), "decline", "promote"),
        (step(Choice::Finish), "finish", "promote"),
        (step(Choice::Override), "override", "promote"),
        (step(Choice::Skip), "skip", "promote"),
        (step(Choice::Retry), "retry", "promote"),
        (step(Choice::Resolve(Resolution::Succeeded)), "resolve_succeeded", "promote"),
        (step(Choice::Resolve(Resolution::Failed)), "resolve_failed", "promote"),
        (step(Choice::Resolve(Resolution::Retry)), "resolve_retry", "promote"),
    ];
    for (decision, word, about) in cases {
        script.add(Act::Decide(Box::default()));
        client.decide(&decision, "p-1", "because", &origin()).await.unwrap();
        let asked = script.decided.lock().unwrap().pop().unwrap();
        assert_eq!((asked.decision.as_str(), asked.step.as_str()), (word, about), "{decision:?}");
        assert_eq!((asked.run.as_str(), asked.reason.as_str()), ("p-1", "because"));
        assert_eq!((asked.operator.as_str(), asked.roles), ("ada@example", origin().roles));
    }
}

#[tokio::test]
async fn an_approval_says_how_many_are_there() {
    let (leader, script) = coordinator().await;
    let approval = api::ApprovalView {
        approvers: 2,
        approved_by: vec!["ada@example".into()],
        deadline_ms_left: Some(9_000),
        ..Default::default()
    };
    script.add(Act::Decide(Box::new(api::DecisionResponse {
        status: "running".into(),
        step_status: "awaiting_approval".into(),
        approval: Some(approval),
        ..Default::default()
    })));
    let client = Client::connect(&[leader]).unwrap();
    let decided = client.decide(&step(Choice::Approve), "p-1", "", &origin()).await.unwrap();
    assert_eq!(
        (decided.step.as_deref(), decided.step_status.as_deref()),
        (Some("promote"), Some("awaiting_approval"))
    );
    let approval = decided.approval.unwrap();
    assert_eq!(
        (approval.approved_by.len(), approval.approvers, approval.deadline_ms_left),
        (1, 2, Some(9_000))
    );
    assert_eq!(decided.reason, None);
}

#[tokio::test]
async fn what_runs_share_is_asked_and_settled() {
    let (leader, script) = coordinator().await;
    let client = Client::connect(&[leader]).unwrap();
    let settled = client.declare_lost("east", "it burns", &origin()).await.unwrap();
    assert_eq!((settled.name.as_str(), settled.revision), ("east", 8));
    let asked = script.regions.lock().unwrap().pop().unwrap();
    assert_eq!((asked.region.as_str(), asked.reason.as_str(), asked.roles.len()), ("east", "it burns", 2));
    let refused = client.restore_region("east", "", &origin()).await.unwrap_err();
    assert_eq!(refused, Error::Refused("region `east` was not declared lost".into()));

    let regions = client.list_regions(false).await.unwrap().regions;
    assert_eq!(regions[0].lost.as_ref().map(|lost| lost.operator.as_str()), Some("ada"));
    assert_eq!((regions[1].agents_live, regions[1].lost.as_ref()), (2, None));
    let locks = client.list_locks(false).await.unwrap().locks;
    assert_eq!((locks[0].lock.as_str(), locks[0].step.as_ref(), locks[0].held_ms), ("shop", None, 5));

    client.set_capacity("restore-io", Some(3), "", &origin()).await.unwrap();
    client.set_capacity("restore-io", None, "", &origin()).await.unwrap();
    let asked: Vec<_> = script.capacities.lock().unwrap().iter().map(|asked| asked.capacity).collect();
    assert_eq!(asked, [Some(3), None]);
}
