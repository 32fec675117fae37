use super::*;

fn plan(spec: &str) -> Plan {
    let source = format!("apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: shop}}\nspec:\n{spec}");
    crate::check(&source).unwrap_or_else(|problems| panic!("{problems:#?}")).plan
}

fn lines(old: &Plan, new: &Plan) -> String {
    diff(old, new).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_change_is_a_line() {
    let old = plan(
        "
  params: {to: {type: region}, gone: {type: string}, count: {type: integer, default: 1}}
  resources: {io: 2}
  limits: {parallel: 4}
  locks: [shop]
  steps:
    - {name: fence, region: east, idempotent: true, command: ./fence.sh, timeout: 20s}
    - {name: check, noop: {}}
    - {name: promote, needs: [fence], region: west, idempotent: false, command: ./promote.sh, probe: {command: ./is-primary.sh}, draws: {io: 1}}
    - {name: old, needs: [promote], wait: 30s}
",
    );
    let new = plan(
        "
  params: {to: {type: region, enum: [west, north]}, count: {type: integer, default: 2, max: 5}, fresh: {type: list, default: [a, b]}}
  resources: {io: 3, net: 1}
  timeout: 1h
  onFailure: {undo: branch}
  steps:
    - {name: check, noop: {}}
    - {name: fence, region: east, idempotent: true, command: [./fence.sh, --now], timeout: 30s, onFailure: stop}
    - {name: promote, needs: [fence, check], region: west, idempotent: false, command: ./promote.sh, undo: {command: ./demote.sh, idempotent: true, timeout: 1m}, draws: {io: 1}, modes: [graceful]}
    - {name: go-ahead, needs: [promote], approval: {message: Go?, approvers: 2}}
    - {name: note, needs: [go-ahead], region: west, uses: write-file, with: {path: /etc/motd}}
",
    );
    insta::assert_snapshot!(lines(&old, &new));
    assert_eq!(lines(&old, &old), "");
    let json = serde_json::to_value(diff(&old, &new)).unwrap();
    assert_eq!(
        json[0],
        serde_json::json!({"change": "changed", "of": "plan", "field": "timeout", "before": null, "after": "1h"})
    );
}

/// What may differ between two plans without a change of meaning is told as well, so that nothing is hidden.
#[test]
fn another_order_is_a_change_of_its_own() {
    let spec = |steps: &str, params: &str| plan(&format!("  params: {{{params}}}\n  steps: [{steps}]\n"));
    let (a, b) = ("{name: a, noop: {}}", "{name: b, noop: {}}");
    let (x, y) = ("x: {type: string, default: ''}", "y: {type: string, default: ''}");
    let old = spec(&format!("{a}, {b}"), &format!("{x}, {y}"));
    let new = spec(&format!("{b}, {a}"), &format!("{y}, {x}"));
    assert_eq!(lines(&old, &new), "~ params: written in another order\n~ steps: written in another order");
}

/// Whatever is changed in a plan that says everything is seen, and nothing else is.
#[test]
fn no_two_different_plans_have_the_same_entries() {
    let sources = [
        include_str!("../../tests/good/undo.yaml"),
        include_str!("../../tests/good/people.yaml"),
        include_str!("../../tests/good/held.yaml"),
        include_str!("../../tests/good/shape.yaml"),
        include_str!("../../tests/good/settings.yaml"),
        include_str!("../../tests/good/used.yaml"),
        include_str!("../../tests/good/params.yaml"),
        include_str!("../../tests/good/everything.yaml"),
    ];
    let mut changed = 0;
    for source in sources {
        let old = crate::check(source).unwrap().plan;
        let places = source.match_indices(|c: char| c.is_ascii_alphanumeric()).step_by(7);
        for ((at, _), other) in places.zip(["7", "x"].into_iter().cycle()) {
            let mangled = format!("{}{other}{}", &source[..at], &source[at + 1..]);
            let Ok(new) = crate::check(&mangled).map(|checked| checked.plan) else { continue };
            assert_eq!(diff(&old, &new).is_empty(), old == new, "{mangled}");
            changed += usize::from(old != new);
        }
    }
    assert!(changed > 100, "only {changed} changes were made");
}
