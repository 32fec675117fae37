//! Files written to hurt: each ends in a refusal or in a plan, and none in a crash or a long wait.

use std::fmt::Write;

use baton_plan::{Problem, check, check_bytes};
use proptest::prelude::*;

const HEAD: &str = "apiVersion: baton/v1\nkind: Plan\nmetadata: {name: p}\nspec:\n  steps:\n";

fn refused(source: &str) -> Vec<Problem> {
    let problems = check(source).expect_err("it is accepted");
    for problem in &problems {
        assert!(problem.line > 0 && problem.column > 0 && !problem.help.is_empty(), "{problem}");
        assert!(problem.message.len() + problem.help.len() + problem.path.len() < 2000, "{problem}");
        assert!(!problem.to_string().contains(char::is_control), "{problem:?}");
    }
    let page = baton_plan::problem::render(source, "plan.yaml", &problems);
    assert!(page.len() < 200_000, "{} bytes are too much to read", page.len());
    problems
}

fn says(source: &str, what: &str) {
    let problems = refused(source);
    assert!(problems.iter().any(|problem| problem.message.contains(what)), "{:?}", problems.first());
}

/// A plan of many steps, each needing the one before; `more` is written into each.
fn chain(length: usize, more: impl Fn(usize) -> String) -> String {
    let mut source = HEAD.to_owned();
    for index in 0..length {
        let needs = index.checked_sub(1).map(|before| format!("step-{before}")).unwrap_or_default();
        writeln!(source, "  - {{name: step-{index}, needs: [{needs}], noop: {{}}{}}}", more(index)).unwrap();
    }
    source
}

#[test]
fn ten_thousand_steps_are_a_plan() {
    let plan = check(&chain(10_000, |_| String::new())).unwrap().plan;
    assert_eq!(plan.steps.len(), 10_000);
    assert_eq!(plan.steps[9_999].needs, [9_998]);
    assert_eq!(
        baton_plan::draw(&plan, baton_plan::Format::Text)
            .lines()
            .filter(|line| line.contains("step-"))
            .count(),
        10_000
    );
}

#[test]
fn one_step_more_is_not() {
    says(&chain(10_001, |_| String::new()), "10001 steps, and 10000 is the most");
}

#[test]
fn ten_thousand_steps_full_of_mistakes_list_the_first_hundred() {
    let problems = refused(&chain(10_000, |index| {
        format!(", need: [step-{index}x], timeuot: 5, region: A B, retry: x, wait: 1")
    }));
    assert_eq!(problems.len(), 101);
    assert!(problems[100].message.contains("further problems are not listed"));
}

#[test]
fn ten_thousand_needs_of_unknown_steps_are_looked_up_in_time() {
    let source = chain(10_000, |_| String::new()).replace("needs: [step-", "needs: [stop-");
    assert_eq!(refused(&source).len(), 101);
}

#[test]
fn a_ring_of_ten_thousand_steps_is_named_in_one_line() {
    let source = chain(10_000, |_| String::new()).replacen("needs: []", "needs: [step-9999]", 1);
    says(&source, "these 10000 steps wait for one another: step-0 → step-9999 →");
}

#[test]
fn references_across_ten_thousand_steps_are_followed() {
    let source = chain(10_000, |index| format!(", when: 'steps[\"step-{}\"].status != \"x\"'", index / 2));
    let problems = refused(&source);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("`step-0`, which is not upstream"), "{}", problems[0]);
}

#[test]
fn a_step_has_bounded_needs() {
    let needs: Vec<_> = (0..1001).map(|index| format!("s{index}")).collect();
    says(
        &format!("{HEAD}  - {{name: a, noop: {{}}, needs: [{}]}}\n", needs.join(", ")),
        "needs 1001 others, and 1000 is the most",
    );
}

#[test]
fn everything_that_nests_is_refused_before_the_stack_ends() {
    for open in ["[", "{a: ", "- ", "? ", "!!seq [", "&a [", "\"a\": {", "[{", "- - [", "a: &b {c: "] {
        refused(&open.repeat(100_000));
        refused(&format!("{HEAD}  - name: {}", open.repeat(100_000)));
    }
    let blocks: String = (0..2000).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n");
    says(&blocks, "nested more than 32 deep");
}

#[test]
fn bombs_of_aliases_do_not_go_off() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let many = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{many}]").unwrap();
    }
    says(&laughs, "aliases stand for more than 20000 values");
    let long = format!("big: &big \"{}\"\nall: [{}]\n", "x".repeat(60_000), vec!["*big"; 5000].join(", "));
    refused(&long);
    let merges =
        format!("a: &a {{b: 1}}\n{}", (0..5000).map(|n| format!("c{n}: {{<<: *a}}\n")).collect::<String>());
    refused(&merges);
}

#[test]
fn long_texts_are_refused_with_a_number() {
    let step = |text: &str| {
        format!("{HEAD}  - {{name: a, region: east, idempotent: true, command: [./a, \"{text}\"]}}\n")
    };
    says(&step(&"x".repeat(8_000_000)), "8000000 bytes long, and 65536 is the most");
    says(&step(&"x".repeat(9_000_000)), "and 8388608 is the most");
    assert!(check(&step(&"x".repeat(65_536))).is_ok());
    for text in
        ["1".repeat(70_000), "${".repeat(30_000), "${params.".repeat(7_000) + "}", "$".repeat(60_000) + "{"]
    {
        refused(&format!(
            "{HEAD}  - {{name: \"{text}\", wait: \"{text}\", when: \"{text}\", needs: [\"{text}\"], \"{text}\": 1}}\n"
        ));
    }
}

#[test]
fn very_many_values_are_refused() {
    says(&format!("a: [{}]", "1,".repeat(600_000)), "500000 values are the most");
    refused(&(0..100_000).fold(String::new(), |text, key| text + &format!("k{key}: 1\n")));
    let params =
        (0..201).fold("  params:\n".to_owned(), |text, n| text + &format!("    p{n}: {{type: string}}\n"));
    says(
        &HEAD.replace("  steps:\n", &(params + "  steps:\n  - {name: a, noop: {}}\n")),
        "there are 201 parameters",
    );
}

#[test]
fn characters_that_a_terminal_obeys_never_reach_it() {
    for text in ["\\u001b[2J", "\\u0000", "\\u0007", "\\r", "\\u009b31m"] {
        refused(&format!(
            "{HEAD}  - {{name: \"{text}\", \"k{text}\": 1, needs: [\"{text}\"], when: \"'{text}\", wait: \"{text}\", region: \"{text}\"}}\n"
        ));
    }
    refused("a: \u{1b}[2J");
    refused("\u{0}");
}

#[test]
fn bytes_that_are_no_text_are_placed() {
    let problems = check_bytes(b"apiVersion: x\nkind: \xff\xfe\n").unwrap_err();
    assert_eq!((problems[0].line, problems[0].column), (2, 7));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = check_bytes(&bytes);
    }

    #[test]
    fn random_yaml_never_panics(text in "[-a-c:{}\\[\\]&*!|>'\"#%@`?,$ \n\t0-9.~]{0,120}") {
        let _ = check(&text);
        let _ = check(&format!("{HEAD}  - name: {text}"));
        let _ = check(&format!("{HEAD}  - {{name: a, region: e, idempotent: true, command: [{text}]}}"));
    }

    /// A good plan with a piece cut out, doubled or replaced is read or refused, and every problem lies in the file.
    #[test]
    fn a_mangled_plan_is_read_or_refused(from in 0_usize..1900, length in 0_usize..60, with in "[-a-z:{}\\[\\]$\" \n0-9]{0,12}") {
        let good = include_str!("good/shop-failover.yaml");
        let (from, to) = (from.min(good.len()), (from + length).min(good.len()));
        if let (Some(before), Some(after)) = (good.get(..from), good.get(to..)) {
            let mangled = format!("{before}{with}{after}");
            if let Err(problems) = check(&mangled) {
                let lines = mangled.lines().count() + 1;
                prop_assert!(problems.iter().all(|problem| problem.line <= lines));
                baton_plan::problem::render(&mangled, "plan.yaml", &problems);
            }
        }
    }
}
