use super::*;

fn shop() -> Plan {
    crate::check(include_str!("../../tests/good/shop-failover.yaml")).unwrap().plan
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
fn names_in_quotes_stay_inside_them() {
    assert_eq!(quoted("a\"b\\\n"), r#""a\"b\\\n""#);
}
