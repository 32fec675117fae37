use super::*;

fn plan(spec: &str) -> crate::Checked {
    let source = format!("apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: shop}}\nspec:\n{spec}");
    crate::check(&source).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Everything found, a line each: the plan's place, the code, what it is and what to write instead.
fn found(spec: &str) -> String {
    let checked = plan(spec);
    let all = checked.findings.iter().map(|finding| {
        let step = finding.step.as_deref().unwrap_or("-");
        format!(
            "{}:{} {} {step}: {}\n    {}",
            finding.line, finding.column, finding.code, finding.message, finding.help
        )
    });
    let warnings = checked.warnings.iter().map(|warning| format!("warning {:?} {warning}", warning.code));
    all.chain(warnings).collect::<Vec<_>>().join("\n")
}

fn codes_of(spec: &str) -> Vec<(&'static str, Option<String>)> {
    let found = plan(spec).findings;
    found.into_iter().map(|finding| (finding.code, finding.step)).collect()
}

/// The steps that one code is said of.
fn steps_with(code: &str, spec: &str) -> Vec<String> {
    codes_of(spec).into_iter().filter(|(found, _)| *found == code).filter_map(|(_, step)| step).collect()
}

#[test]
fn a_careless_plan_hears_everything() {
    insta::assert_snapshot!(found(
        "
  resources: {io: 1}
  steps:
    - name: promote
      region: west
      idempotent: false
      command: ./promote.sh
      undo: {command: ./demote.sh, idempotent: false}
    - name: check-lag
      region: west
      idempotent: true
      command: ./lag.sh
      owner: dba
    - name: go-ahead
      needs: [promote]
      approval: Go?
    - name: by-hand
      needs: [promote]
      manual: Turn it.
    - name: never
      needs: [promote]
      when: 1 > 2
      gate: 'false && run.drill'
    - name: some
      needs: [go-ahead, by-hand]
      barrier: {atLeast: 1}
    - name: other
      needs: [some]
      plan: other
"
    ));
}

#[test]
fn a_careful_plan_hears_nothing() {
    let quiet = "
  params: {from: {type: region}, to: {type: region}}
  resources: {io: 1}
  locks: [shop]
  defaults: {timeout: 5m}
  steps:
    - name: fence-old
      owner: dba
      region: ${params.from}
      idempotent: true
      command: ./stop.sh
      estimate: 5s
      undo: {noop: {}}
    - name: promote
      owner: dba
      needs: [fence-old]
      region: ${params.to}
      idempotent: false
      command: ./promote.sh
      probe: {command: ./is-primary.sh}
      undo: {command: ./demote.sh, idempotent: true}
      estimate: 20s
      draws: {io: 1}
";
    assert_eq!(found(quiet), "");
}

#[test]
fn a_promotion_is_safe_behind_a_fence_however_far_upstream() {
    let spec = |first: &str, second: &str, idempotent: bool| {
        format!(
            "
  steps:
    - {{name: {first}, noop: {{}}}}
    - {{name: between, needs: [{first}], noop: {{}}}}
    - {{name: {second}, needs: [between], region: a, idempotent: {idempotent}, command: [pg_ctl, promote]}}
"
        )
    };
    assert_eq!(steps_with("B101", &spec("check", "new-primary", false)), ["new-primary"]);
    assert_eq!(steps_with("B101", &spec("check", "failover-db", false)), ["failover-db"]);
    for fence in ["fence-old", "db-isolate", "demote-east", "drain", "stop-old-primary"] {
        assert!(steps_with("B101", &spec(fence, "promote", false)).is_empty(), "{fence}");
    }
    assert!(steps_with("B101", &spec("check", "promote", true)).is_empty());
}

#[test]
fn a_person_or_a_probe_settles_a_doubt() {
    let spec = |first: &str, more: &str| {
        format!(
            "
  steps:
    - {{name: first, {first}}}
    - {{name: charge, needs: [first], region: a, idempotent: false, command: ./charge{more}}}
"
        )
    };
    assert_eq!(steps_with("B102", &spec("noop: {}", "")), ["charge"]);
    assert!(steps_with("B102", &spec("approval: Charge?", "")).is_empty());
    assert!(steps_with("B102", &spec("noop: {}", ", probe: {command: ./is-charged}")).is_empty());
}

#[test]
fn a_lock_of_the_plan_or_of_each_step_keeps_runs_apart() {
    let spec = |of_plan: &str, of_step: &str| {
        format!(
            "
{of_plan}
  steps:
    - {{name: charge, region: a, idempotent: false, command: ./charge{of_step}}}
"
        )
    };
    let is_said = |spec: &str| codes_of(spec).iter().any(|(code, _)| *code == "B104");
    assert!(is_said(&spec("", "")));
    assert!(!is_said(&spec("  locks: [shop]", "")));
    assert!(!is_said(&spec("", ", locks: [shop]")));
}

#[test]
fn without_the_file_only_the_default_looks_like_nobodys_choice() {
    let step = "
  steps:
    - {name: a, region: a, idempotent: true, command: ./a, timeout: 5m}
    - {name: b, region: a, idempotent: true, command: ./a, timeout: 6m}
    - {name: c, region: a, uses: write-file, with: {path: /a}}
";
    assert!(steps_with("B201", step).is_empty());
    let of_plan = review(&plan(step).plan);
    let said: Vec<_> = of_plan.iter().filter(|finding| finding.code == "B201").collect();
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].step.as_deref(), said[0].line, said[0].column), (Some("a"), 0, 0));
}

#[test]
fn one_region_is_said_only_of_a_name_that_all_share() {
    let spec = |a: &str, b: &str| {
        format!(
            "
  params: {{to: {{type: region, default: a}}}}
  steps:
    - {{name: a, region: {a}, noop: {{}}}}
    - {{name: b, region: {b}, noop: {{}}}}
"
        )
    };
    let is_said = |spec: &str| codes_of(spec).iter().any(|(code, _)| *code == "B301");
    assert!(is_said(&spec("east", "east")));
    assert!(!is_said(&spec("east", "west")));
    assert!(!is_said(&spec("\"${params.to}\"", "\"${params.to}\"")));
}

#[test]
fn what_can_never_be_is_found() {
    let spec = "
  params: {to: {type: region}}
  steps:
    - {name: never, when: 'false', noop: {}}
    - {name: short-circuit, when: 'false && 1 == 1', noop: {}}
    - {name: sometimes, when: run.drill, noop: {}}
    - {name: asks, when: 'params.to == \"x\"', noop: {}}
    - {name: always, when: 'true', noop: {}}
    - {name: shut, gate: '1 == 2'}
    - {name: old-way, modes: [graceful], region: a, idempotent: true, command: ./a}
    - {name: new-way, needs: [old-way], modes: [ungraceful, drill], region: a, idempotent: true, command: [./a, \"${steps.old-way.outputs.k}\"]}
    - {name: same-way, needs: [old-way], modes: [graceful], region: a, idempotent: true, command: [./a, \"${steps.old-way.outputs.k}\"]}
";
    assert_eq!(steps_with("B302", spec), ["never", "short-circuit", "shut", "new-way"]);
}

/// long ─┐      ┌─ late      long takes 10m and late 1m, soon takes 1m and slow 5m: with the join 15m, without it at
/// soon ─┴─join─┴─ slow      best long, late and soon, slow: 11m.
#[test]
fn a_join_that_costs_time_says_how_much() {
    let spec = |more: &str, join: &str| {
        format!(
            "
  steps:
    - {{name: long, wait: 10m}}
    - {{name: soon, wait: 1m}}
    - {{name: join, needs: [long, soon], {join}}}
    - {{name: late, needs: [join], wait: 1m}}
    - {{name: slow, needs: [join], wait: 5m}}
{more}
"
        )
    };
    for join in ["noop: {}", "barrier: {}"] {
        let checked = plan(&spec("", join));
        let said = checked.findings.iter().find(|finding| finding.code == "B303").unwrap();
        assert_eq!(said.step.as_deref(), Some("join"));
        assert!(said.message.ends_with("costs up to 4m on the critical path"), "{}", said.message);
    }
    // Another way of 13m leaves two of the four minutes to win; one of 16m leaves none.
    let said = found(&spec("    - {name: other, wait: 13m}", "noop: {}"));
    assert!(said.contains("costs up to 2m on the critical path"), "{said}");
    assert!(!found(&spec("    - {name: other, wait: 16m}", "noop: {}")).contains("B303"));
    // A gate decides something, and a barrier for one of two does not wait for all.
    assert!(!found(&spec("", "gate: run.drill")).contains("B303"));
    assert!(!found(&spec("", "barrier: {atLeast: 1}")).contains("B303"));
}

#[test]
fn a_join_before_a_single_step_costs_nothing() {
    let spec = "
  steps:
    - {name: long, wait: 10m}
    - {name: soon, wait: 1m}
    - {name: join, needs: [long, soon], noop: {}}
    - {name: last, needs: [join], wait: 1m}
";
    assert_eq!(steps_with("B303", spec), Vec::<String>::new());
}

/// base ─┬─ a ─ a-end     a-end fails; a is of its branch alone, base is not.
///       └─ b
#[test]
fn the_undo_of_a_branch_that_touches_a_shared_thing_is_a_warning() {
    let spec = |base: &str, a: &str, b: &str, end: &str| {
        let step = "region: a, idempotent: true, command: ./a, timeout: 1m, estimate: 1s";
        format!(
            "
  resources: {{io: 2}}
  steps:
    - {{name: base, {step}{base}}}
    - {{name: a, needs: [base], {step}{a}}}
    - {{name: b, needs: [base], {step}{b}}}
    - {{name: a-end, needs: [a], {step}, onFailure: {{undo: branch}}{end}}}
"
        )
    };
    let warned = |spec: &str| {
        plan(spec).warnings.iter().map(|warning| warning.to_string()).collect::<Vec<_>>().join("\n")
    };
    let (undo, draws) = (", undo: {noop: {}}", ", draws: {io: 1}");
    let both = format!("{undo}{draws}");
    insta::assert_snapshot!(warned(&spec("", &both, draws, "")));
    assert!(plan(&spec("", &both, draws, "")).findings.iter().all(|finding| finding.code != SHARED));
    assert_eq!(plan(&spec("", &both, draws, "")).warnings[0].code, Some("B103"));
    // Without an undo, without another holder, or with one that comes only after the failed step, nothing is touched.
    assert_eq!(warned(&spec("", draws, draws, "")), "");
    assert_eq!(warned(&spec("", &both, "", "")), "");
    assert_eq!(warned(&spec("", &both, "", draws)), "");
    // What is upstream of the branch is finished as well, and a lock is a thing like a resource.
    assert!(
        warned(&spec(", locks: [db]", ", undo: {noop: {}}, locks: [db]", "", ""))
            .contains("lock `db`, which `base`")
    );
    // The undo of the shared upstream step is not the branch's.
    assert_eq!(warned(&spec(&both, "", draws, "")), "");
}

const SHARED: &str = "B103";

#[test]
fn every_code_is_in_the_list_once() {
    let listed: Vec<_> = codes().iter().map(|code| code.code).collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(listed, sorted);
    assert!(codes().iter().all(|code| !code.about.is_empty()));
}
