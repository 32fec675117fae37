use super::*;

fn resolve(given: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Vec<String>> {
    let plan = crate::check(include_str!("../../tests/good/everything.yaml")).unwrap().plan;
    plan.resolve_params(
        &given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    )
}

#[test]
fn defaults_fill_what_is_not_given() {
    let values = resolve(&[("count", "-7"), ("patience", "1h")]).unwrap();
    let values: Vec<_> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(values, ["count=-7", "deep=true", "empty=", "patience=1h", "ticket=0042", "to=west-1"]);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let wrong = resolve(&[
        ("cuont", "1"),
        ("count", "1.5"),
        ("deep", "yes"),
        ("to", "EU West"),
        ("patience", "5"),
        ("ticket", "a\0b"),
    ]);
    insta::assert_snapshot!(wrong.unwrap_err().join("\n"));
    let shop = crate::check(include_str!("../../tests/good/shop-failover.yaml")).unwrap().plan;
    insta::assert_snapshot!(shop.resolve_params(&BTreeMap::new()).unwrap_err().join("\n"));
}

/// What a start with one value says: the value that it begins with, or why there is none.
fn start(param: &str, value: &str) -> String {
    let source = format!(
        "{{apiVersion: baton/v1, kind: Plan, metadata: {{name: p}}, spec: {{params: {{p: {{{param}}}}}, steps: [{{name: a, noop: {{}}}}]}}}}"
    );
    let plan = crate::check(&source).unwrap_or_else(|problems| panic!("{problems:#?}")).plan;
    match plan.resolve_params(&[("p".to_owned(), value.to_owned())].into()) {
        Ok(values) => values["p"].clone(),
        Err(problems) => problems.join("\n"),
    }
}

#[test]
fn checks_hold_at_the_start() {
    let cases = [
        ("type: string, enum: [small, large]", vec!["small", "medium", ""]),
        ("type: integer, enum: [1, 2]", vec!["2", "3", "two"]),
        ("type: string, pattern: 'OPS-[0-9]+'", vec!["OPS-7", "OPS-7 or so", "my OPS-7"]),
        ("type: string, pattern: 'a|ab'", vec!["ab", "abc"]),
        ("type: region, pattern: 'eu-.*'", vec!["eu-west", "us-east"]),
        ("type: integer, min: 2, max: 10", vec!["2", "10", "1", "11", "-9223372036854775808"]),
        ("type: duration, min: 30s, max: 1h", vec!["30s", "60m", "29s999ms", "61m", "9999999999999h"]),
        ("type: list, enum: [a, b, c]", vec!["a,c", " a , b ", "[\"c\", \"a\"]", "a,d", ""]),
        ("type: list, pattern: 'h-[0-9]+'", vec!["h-1\nh-2", "h-1,h-x", "[\"h-1,h-2\"]"]),
    ];
    let told = cases.map(|(param, values)| {
        let told: Vec<_> =
            values.iter().map(|value| format!("  {value:?}: {}", start(param, value))).collect();
        format!("{param}\n{}", told.join("\n"))
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_list_is_bounded() {
    let many = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(start("type: list", &many(1000)), many(1000));
    assert!(start("type: list", &many(1001)).contains("1000 items at most, and it has 1001"));
    assert!(start("type: list", &"x".repeat(201)).contains("items of 200 characters at most"));
    assert!(start("type: list", "a\u{7}b").contains("without control characters"));
}
