use super::*;

struct Facts;

impl Scope for Facts {
    fn param(&self, name: &str) -> Option<String> {
        (name == "to").then(|| "west".to_owned())
    }

    fn run(&self, field: RunField) -> String {
        format!("<{}>", field.name())
    }

    fn output(&self, step: &str, key: &str) -> Option<String> {
        (step == "lag-check" && key == "seconds").then(|| "12".to_owned())
    }

    fn item(&self) -> Option<String> {
        Some("shard-1".to_owned())
    }
}

fn filled(text: &str) -> String {
    Template::parse(text).unwrap().render(&Facts).unwrap()
}

#[test]
fn references_are_filled_in() {
    assert_eq!(filled("plain"), "plain");
    assert_eq!(filled(""), "");
    assert_eq!(filled("db.${params.to}.example"), "db.west.example");
    assert_eq!(filled("${ run.id }/${run.drill}"), "<id>/<drill>");
    assert_eq!(filled("${steps.lag-check.outputs.seconds}s"), "12s");
    assert_eq!(filled(r#"${steps["lag-check"].outputs['seconds']}"#), "12");
    assert_eq!(filled("$HOME and $${HOME} and $"), "$HOME and ${HOME} and $");
    assert_eq!(filled("$$${params.to}"), "$${params.to}");
    assert_eq!(filled("restore ${item} in ${params.to}"), "restore shard-1 in west");
}

#[test]
fn a_template_gives_its_text_back() {
    for text in ["a ${params.to} b", "${steps.a-b.outputs.k}", "<${item}>", "$${HOME}", "plain", ""] {
        let template = Template::parse(text).unwrap();
        assert_eq!(template.to_string(), text);
        assert_eq!(Template::parse(&template.to_string()).unwrap(), template);
    }
    assert_eq!(Template::parse("$${x}").unwrap().as_literal(), Some("${x}"));
    assert_eq!(Template::parse("${run.id}").unwrap().as_literal(), None);
    assert_eq!(Template::literal("${x}").to_string(), "$${x}");
}

#[test]
fn references_give_way_to_other_text() {
    let template = Template::parse("db.${params.to}/${item}").unwrap();
    let replaced = template.replaced(|reference| match reference {
        Reference::Param(_) => Some(Template::parse("a-${params.from}-${run.id}").unwrap()),
        Reference::Item => Some(Template::literal("x")),
        _ => None,
    });
    assert_eq!(replaced, Template::parse("db.a-${params.from}-${run.id}/x").unwrap());
}

#[test]
fn a_value_that_is_missing_is_a_sentence() {
    let missing = |text: &str| Template::parse(text).unwrap().render(&Facts).unwrap_err().to_string();
    assert_eq!(
        missing("${params.from}"),
        "`${params.from}` has no value: the run was started without parameter `from`"
    );
    assert!(missing("${steps.a.outputs.b}").contains("step `a` left no output `b`"));
}

#[test]
fn what_is_no_reference_is_refused() {
    for text in [
        "${",
        "${}",
        "${HOME}",
        "${params}",
        "${run.age}",
        "${steps.a}",
        "${steps.a.status}",
        "${params.a.b}",
        "${a b}",
        "${item.name}",
        "${items}",
        "${params.}",
        "${steps[a].outputs.b}",
    ] {
        let fault = Template::parse(text).unwrap_err();
        assert!(!fault.message.is_empty() && !fault.help.is_empty(), "{text}");
    }
}

#[test]
fn field_names_stand_in_the_order_of_the_enum() {
    for name in RunField::NAMES {
        assert_eq!(RunField::of(name).unwrap().name(), name);
    }
}
