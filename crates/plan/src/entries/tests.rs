use super::*;

#[test]
fn a_value_is_one_line() {
    assert_eq!(one_line("./a --b"), "./a --b");
    assert_eq!(one_line("a\nb"), r#""a\nb""#);
    assert_eq!(one_line(""), r#""""#);
    assert_eq!(one_line(" a"), r#"" a""#);
    assert_eq!(one_line(r#""a""#), r#""\"a\"""#);
}
