//! Files written to hurt: each ends in a refusal or in a plan, and none in a crash or a long wait.

use std::fmt::Write;

use baton_plan::{Problem, check, check_bytes};
use proptest::prelude::*;

const HEAD: &str = "apiVersion: baton/v1\nkind: Plan\nmetadata: {name: p}\nspec:\n  steps:\n";

fn refused(source: &str) -> Vec<Problem> {
    let Err(problems) = check(source) else {
        panic!("it is accepted: {}", source.chars().take(500).collect::<String>())
    };
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
    assert!(problems[0].message.contains("there only once the step itself is done"), "{}", problems[0]);
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

/// A plan with something more in its spec, and one step.
fn with_spec(more: &str, step: &str) -> String {
    HEAD.replace("  steps:\n", &format!("{more}  steps:\n{step}"))
}

fn numbered(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

#[test]
fn ten_thousand_resources_are_drawn_on_in_time() {
    let resources = format!("  resources: {{{}}}\n", numbered(2_000, |n| format!("r{n}: {}", n % 9 + 1)));
    let draws = numbered(2_000, |n| format!("r{n}: 1"));
    let step = |index: usize| {
        format!(
            "  - {{name: s{index}, region: a, noop: {{}}, undo: {{noop: {{}}}}, onFailure: {{undo: branch}}, draws: {{{draws}}}}}\n"
        )
    };
    let steps: String = (0..5).map(step).collect();
    let checked = check(&with_spec(&resources, &steps)).unwrap();
    assert_eq!(checked.plan.steps.iter().map(|step| step.draws.len()).sum::<usize>(), 10_000);
    let wrong = steps.replace("r7: 1", "r7: 100").replace("r8: 1", "x8: 1");
    assert_eq!(refused(&with_spec(&resources, &wrong)).len(), 10);
}

#[test]
fn many_wrong_names_are_compared_in_time() {
    let resources = format!("  resources: {{{}}}\n", numbered(3_000, |n| format!("resource-{n}: 1")));
    let draws = numbered(3_000, |n| format!("resuorce-{n}x: 1"));
    let step = format!("  - {{name: a, region: a, noop: {{}}, draws: {{{draws}}}}}\n");
    assert_eq!(refused(&with_spec(&resources, &step)).len(), 101);
}

#[test]
fn lists_have_bounds() {
    let step = |field: &str| format!("{HEAD}  - {{name: a, noop: {{}}, {field}}}\n");
    let items = numbered(1_001, |n| format!("i{n}"));
    for field in [format!("forEach: [{items}]"), format!("locks: [{items}]")] {
        says(&step(&field), "the list has 1001 items, and 1000 is the most");
    }
    says(&step(&format!("forEach: \"{items}\"")), "1000 items at most, and it has 1001");
    assert!(check(&step(&format!("forEach: [{}]", numbered(1_000, |n| format!("i{n}"))))).is_ok());
    let param = |field: &str| {
        with_spec(&format!("  params: {{p: {{type: list, {field}}}}}\n"), "  - {name: a, noop: {}}\n")
    };
    for field in [format!("enum: [{items}]"), format!("default: [{items}]"), format!("default: \"{items}\"")]
    {
        refused(&param(&field));
    }
    refused(&step(&format!("modes: [{}]", numbered(100_000, |_| "drill".to_owned()))));
    refused(&step(&format!("inMode: {{drill: {}1{}}}", "{drill: ".repeat(20), "}".repeat(20))));
    refused(&format!(
        "{HEAD}  - {{name: a, plan: {{name: b, params: {{x: [{}]}}}}}}\n",
        numbered(100_000, |n| format!("{n}"))
    ));
}

#[test]
fn patterns_cannot_take_long() {
    let param = |pattern: &str, value: &str| {
        with_spec(
            &format!("  params: {{p: {{type: string, pattern: '{pattern}', default: '{value}'}}}}\n"),
            "  - {name: a, noop: {}}\n",
        )
    };
    let long = "a".repeat(60_000);
    for pattern in ["(a*)*b", "(a|a)*b", "(a|aa)+$b", "(.*)*(.*)*(.*)*x", "(?:a?){50}a{50}b"] {
        says(&param(pattern, &long), "must fit the pattern");
    }
    for pattern in ["((((a{99}){99}){99}){99}){99}", "(", "[[:foo:]]", "(?P<", "\\pX", "(?x)a#", "a)(b"] {
        refused(&param(pattern, "a"));
    }
    refused(&param(&"(".repeat(5_000), "a"));
    refused(&param(&format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000)), "a"));
}

#[test]
fn thousands_of_steps_that_undo_their_branch_are_reviewed_in_time() {
    let held = ", region: a, undo: {noop: {}}, locks: [shared], onFailure: {undo: branch}";
    let source = chain(3_000, |_| held.to_owned());
    assert!(
        check(&source).unwrap().warnings.is_empty(),
        "in a chain nothing is outside but what comes after"
    );
    let mut source = HEAD.to_owned();
    (0..3_000).for_each(|index| writeln!(source, "  - {{name: s{index}, noop: {{}}{held}}}").unwrap());
    let warnings = check(&source).unwrap().warnings;
    assert!(!warnings.is_empty() && warnings.iter().all(|warning| warning.code == Some("B103")));
}

#[test]
fn a_thousand_joins_are_reviewed_in_time() {
    let mut source = format!("{HEAD}  - {{name: a0, noop: {{}}}}\n  - {{name: b0, wait: 1s}}\n");
    for level in 1..1_000 {
        let before = level - 1;
        writeln!(source, "  - {{name: j{level}, needs: [a{before}, b{before}], noop: {{}}}}").unwrap();
        writeln!(source, "  - {{name: a{level}, needs: [j{level}], wait: {level}s}}").unwrap();
        writeln!(source, "  - {{name: b{level}, needs: [j{level}], wait: 1s}}").unwrap();
    }
    let findings = check(&source).unwrap().findings;
    let joins = findings.iter().filter(|finding| finding.code == "B303").count();
    assert!((1..=20).contains(&joins), "{joins} joins are named");
}

#[test]
fn step_templates_are_found_thousands_of_times() {
    let plan = |step: &dyn Fn(usize) -> String| {
        let steps = (0..3_000).map(|index| format!("  - {{name: s{index}, region: a, {}}}\n", step(index)));
        HEAD.to_owned() + &steps.collect::<String>()
    };
    assert_eq!(refused(&plan(&|index| format!("uses: t{index}"))).len(), 101);
    let known = plan(&|index| format!("uses: write-file, with: {{path: /{index}}}"));
    assert_eq!(check(&known).unwrap().plan.steps.len(), 3_000);
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

/// Plans that together say everything that can be said.
const GOOD: [&str; 8] = [
    include_str!("good/shop-failover.yaml"),
    include_str!("good/undo.yaml"),
    include_str!("good/people.yaml"),
    include_str!("good/held.yaml"),
    include_str!("good/shape.yaml"),
    include_str!("good/settings.yaml"),
    include_str!("good/used.yaml"),
    include_str!("good/params.yaml"),
];

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
    fn a_mangled_plan_is_read_or_refused(which in 0..GOOD.len(), from in 0_usize..2800, length in 0_usize..60, with in "[-a-z:{}\\[\\]$\" \n0-9]{0,12}") {
        let good = GOOD[which];
        let (from, to) = (from.min(good.len()), (from + length).min(good.len()));
        if let (Some(before), Some(after)) = (good.get(..from), good.get(to..)) {
            let mangled = format!("{before}{with}{after}");
            match check(&mangled) {
                Err(problems) => {
                    let lines = mangled.lines().count() + 1;
                    prop_assert!(problems.iter().all(|problem| problem.line <= lines));
                    baton_plan::problem::render(&mangled, "plan.yaml", &problems);
                }
                Ok(checked) => {
                    let text = serde_json::to_string(&checked.plan).unwrap();
                    let read: baton_plan::Plan = serde_json::from_str(&text).unwrap();
                    prop_assert!(baton_plan::diff(&checked.plan, &read).is_empty() && read == checked.plan);
                    baton_plan::draw(&read, baton_plan::Format::Dot);
                }
            }
        }
    }
}
