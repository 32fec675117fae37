use super::*;

/// A tree as one line, each value with its place.
fn shown(node: &Node) -> String {
    let value = match &node.value {
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Map(entries) => {
            let entry = |(key, value): &(Key, Node)| {
                format!("{}({}:{})={}", key.name, key.at.line, key.at.column, shown(value))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
        value => format!("{value:?}"),
    };
    format!("{value}@{}:{}", node.at.line, node.at.column)
}

#[test]
fn every_value_knows_its_place() {
    let read = parse("a: 1\nü: [x, {y: ~}]\n").unwrap();
    assert_eq!(
        shown(&read),
        r#"{a(1:1)=Number("1")@1:4 ü(2:1)=[Text("x")@2:5 {y(2:9)=Null@2:12}@2:8]@2:4}@1:1"#
    );
}

#[test]
fn numbers_stay_as_they_are_written_and_words_are_no_truth_values() {
    let read =
        parse("[1.10, 007, 0x1F, 1e3, -5, yes, on, true, \"true\", !!str 12, .inf, 2026-01-01]").unwrap();
    let Value::List(items) = read.value else { panic!("{read:?}") };
    let shown: Vec<_> = items.iter().map(|item| format!("{:?}", item.value)).collect();
    let expected = [
        r#"Number("1.10")"#,
        r#"Number("007")"#,
        r#"Number("0x1F")"#,
        r#"Number("1e3")"#,
        r#"Number("-5")"#,
        r#"Text("yes")"#,
        r#"Text("on")"#,
        "Bool(true)",
        r#"Text("true")"#,
        r#"Text("12")"#,
        r#"Text(".inf")"#,
        r#"Text("2026-01-01")"#,
    ];
    assert_eq!(shown, expected);
}

#[test]
fn an_alias_stands_where_it_is_used() {
    let read = parse("a: &x {b: 1}\nc: *x\n").unwrap();
    assert_eq!(
        shown(&read),
        r#"{a(1:1)={b(1:8)=Number("1")@1:11}@1:7 c(2:1)={b(2:4)=Number("1")@2:4}@2:4}@1:1"#
    );
}

#[test]
fn what_another_system_put_around_the_text_does_not_matter() {
    let plain = shown(&parse("a: 1\nb: c\n").unwrap());
    assert_eq!(shown(&parse("\u{feff}a: 1\nb: c\n").unwrap()), plain);
    assert_eq!(shown(&parse("a: 1\r\nb: c\r\n").unwrap()), plain);
    assert_eq!(
        shown(&parse("{\"a\": 1,\n\"b\": \"c\"}").unwrap()),
        r#"{a(1:2)=Number("1")@1:7 b(2:1)=Text("c")@2:6}@1:1"#
    );
}
