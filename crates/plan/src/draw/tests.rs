use super::*;

fn shop() -> Plan {
    crate::check(include_str!("../../tests/good/shop-failover.yaml")).unwrap().plan
}

/// A step of every kind, with all that a picture shows.
fn kinds() -> Plan {
    let source = "{apiVersion: baton/v1, kind: Plan, metadata: {name: kinds}, spec: {
        params: {shards: {type: list}}, resources: {io: 2, net: 1}, steps: [
        {name: once, region: east, idempotent: false, command: ./a, undo: {noop: {}}, optional: true, draws: {io: 2, net: 1}, locks: [db, \"shard-${params.shards}\"]},
        {name: template, region: east, uses: write-file, with: {path: /a}, modes: [graceful, drill]},
        {name: each, forEach: \"${params.shards}\", region: east, idempotent: true, command: ./a},
        {name: three, forEach: [a, b, c], wait: 5s},
        {name: until, region: east, wait: {until: {command: ./a}}, inMode: {ungraceful: {noop: {}}}},
        {name: ask, needs: [once], approval: {message: 'Go \"on\"?', approvers: 2}},
        {name: hand, manual: Turn it.},
        {name: gate, gate: run.drill},
        {name: join, needs: [ask, hand, gate], barrier: {atLeast: 2}},
        {name: nothing, noop: {}},
        {name: other, needs: [join, nothing], plan: move-db}]}}";
    crate::check(source).unwrap_or_else(|problems| panic!("{problems:#?}")).plan
}

#[test]
fn text() {
    insta::assert_snapshot!(draw(&shop(), Format::Text));
}

#[test]
fn mermaid() {
    insta::assert_snapshot!(draw(&shop(), Format::Mermaid));
}

#[test]
fn dot() {
    insta::assert_snapshot!(draw(&shop(), Format::Dot));
}

#[test]
fn every_kind_has_its_look() {
    let pictures = [Format::Text, Format::Mermaid, Format::Dot].map(|format| draw(&kinds(), format));
    insta::assert_snapshot!(pictures.join("\n"));
}

#[test]
fn a_run_shows_where_each_step_stands() {
    let status = |step: &str| match step {
        "once" => Some("succeeded".to_owned()),
        "ask" => Some("awaiting_approval, 1 of 2".to_owned()),
        "hand" => Some("in_doubt: east-1 was last heard 5m ago".to_owned()),
        "gate" => Some("waiting".to_owned()),
        _ => None,
    };
    let pictures = [Format::Text, Format::Mermaid, Format::Dot]
        .map(|format| draw_with_status(&kinds(), format, &status));
    insta::assert_snapshot!(pictures.join("\n"));
}

#[test]
fn names_in_quotes_stay_inside_them() {
    assert_eq!(quoted("a\"b\\\n"), r#""a\"b\\\n""#);
}
