//! Step templates: what a plan gets from one, and what is said when the two do not fit.

use baton_plan::template::Catalogue;
use baton_plan::{Checked, Described, Problem, StepTemplate, builtin, check, check_document, entries};

/// The step templates of some files, each registered as often as it is given.
struct Shelf(Vec<StepTemplate>);

impl Catalogue for Shelf {
    fn find(&self, name: &str, version: Option<u32>) -> Option<(u32, StepTemplate)> {
        let versions = (1..).zip(self.0.iter().filter(|template| template.name == name));
        let found = versions.filter(|(number, _)| version.is_none_or(|version| version == *number)).last();
        found.map(|(number, template)| (number, template.clone()))
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|template| template.name.clone()).collect()
    }
}

fn template(source: &str) -> StepTemplate {
    match check_document(source, builtin()).unwrap_or_else(|problems| panic!("{problems:#?}")) {
        Described::StepTemplate { template, .. } => template,
        Described::Plan(checked) => panic!("{checked:?}"),
    }
}

fn plan(spec: &str, shelf: &Shelf) -> Result<Checked, Vec<Problem>> {
    let source = format!("apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: p}}\nspec:\n{spec}");
    match check_document(&source, shelf)? {
        Described::Plan(checked) => Ok(checked),
        Described::StepTemplate { template, .. } => panic!("{template:?}"),
    }
}

fn shelf() -> Shelf {
    let (promote, people) =
        (include_str!("good/template-command.yaml"), include_str!("good/template-people.yaml"));
    Shelf(vec![template(promote), template(&people.replace("name: promote", "name: consent"))])
}

/// What the plan says of a step, a line each.
fn said(checked: &Checked, step: &str) -> String {
    let of = format!("step {step}");
    let entries = entries(&checked.plan).into_iter().filter(|entry| entry.of == of);
    entries.map(|entry| format!("{}: {}", entry.field, entry.value)).collect::<Vec<_>>().join("\n")
}

fn refused(spec: &str) -> String {
    let problems = plan(spec, &shelf()).expect_err("it is accepted");
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_step_has_the_template_s_work_under_its_own_name() {
    let checked = plan(
        "
  params: {target: {type: region}, db: {type: string}}
  steps:
    - name: promote-orders
      uses: promote
      with: {host: \"${params.db}\", to: \"${params.target}\", peers: [a, b]}
",
        &shelf(),
    )
    .unwrap();
    insta::assert_snapshot!(said(&checked, "promote-orders"));
}

#[test]
fn what_the_step_says_wins() {
    let checked = plan(
        "
  steps:
    - name: a
      uses: promote@1
      region: north
      with: {host: db-1, to: west}
      timeout: 1m
      retry: {attempts: 5}
      estimate: 2s
    - name: b
      uses: consent
      with: {what: the move}
      timeout: 10m
",
        &shelf(),
    )
    .unwrap();
    let a = said(&checked, "a");
    for line in
        ["region: north", "timeout: 1m", "retry: 5 attempts, pauses 1s to 1m, jitter 20%", "estimate: 2s"]
    {
        assert!(a.lines().any(|found| found == line), "{line} is not in\n{a}");
    }
    assert!(said(&checked, "b").contains("approval: Go on with ${params.what}?\n"));
    assert!(said(&checked, "b").contains("approval.timeout: 10m"));
}

#[test]
fn a_version_is_the_one_that_was_asked_for_or_the_newest() {
    let older = include_str!("good/template-people.yaml");
    let newer = older.replace("Go on", "Continue");
    let shelf = Shelf(vec![template(older), template(&newer)]);
    let step = |uses: &str| format!("  steps:\n    - {{name: a, uses: {uses}, with: {{what: it}}}}\n");
    for (uses, version, word) in
        [("promote", 2, "Continue"), ("promote@2", 2, "Continue"), ("promote@1", 1, "Go on")]
    {
        let checked = plan(&step(uses), &shelf).unwrap();
        assert_eq!(checked.plan.steps[0].uses.as_ref().unwrap().version, version);
        assert!(said(&checked, "a").contains(word));
    }
    let problems = plan(&step("promote@3"), &shelf).unwrap_err();
    assert_eq!(problems[0].message, "step template `promote` has no version 3");
}

#[test]
fn what_does_not_fit_is_said_where_it_stands() {
    insta::assert_snapshot!(refused(
        "
  steps:
    - {name: a, uses: promote, with: {host: DB_1, port: 0, to: West}}
    - {name: b, uses: promote, with: {port: five, to: west, peers: [x, \"y,z\"]}}
    - {name: c, uses: consent, with: {what: it}, region: east, retry: {attempts: 2}, success: 'true'}
    - {name: d, uses: consnet, with: {what: it}}
"
    ));
}

#[test]
fn a_step_without_a_region_takes_the_template_s_and_else_the_plan_s() {
    let no_region = include_str!("good/template-command.yaml").replace("  region: ${params.to}\n", "");
    let shelf = Shelf(vec![template(&no_region)]);
    let step = "  steps:\n    - {name: a, uses: promote, with: {host: db, to: west}}\n";
    assert_eq!(
        plan(&format!("  defaults: {{region: south}}\n{step}"), &shelf).unwrap().plan.steps[0]
            .region
            .as_ref()
            .unwrap()
            .to_string(),
        "south"
    );
    assert!(plan(step, &shelf).unwrap_err()[0].message.contains("no region says where"));
}

#[test]
fn a_template_that_may_not_be_repeated_cannot_be_made_to() {
    let bare = "apiVersion: baton/v1\nkind: StepTemplate\nmetadata: {name: charge}\nspec: {idempotent: false, command: ./charge}\n";
    let step = "  steps:\n    - {name: a, region: east, uses: charge, retry: {attempts: 2}}\n";
    let problems = plan(step, &Shelf(vec![template(bare)])).unwrap_err();
    assert!(problems[0].message.contains("cannot be tried again on its own word"), "{problems:?}");
}

#[test]
fn an_undo_needs_a_region_whoever_wrote_it() {
    let wait = "apiVersion: baton/v1\nkind: StepTemplate\nmetadata: {name: pause}\nspec: {wait: 3s, undo: {command: ./back, idempotent: true}}\n";
    let shelf = Shelf(vec![template(wait)]);
    let problems = plan("  steps:\n    - {name: a, uses: pause}\n", &shelf).unwrap_err();
    assert!(problems[0].message.contains("no region whose agent could do it"), "{problems:?}");
    assert!(plan("  steps:\n    - {name: a, region: east, uses: pause}\n", &shelf).is_ok());
}

#[test]
fn a_step_template_is_no_plan() {
    let problems = check(include_str!("good/template-people.yaml")).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "this is a step template, and a plan is needed here");
}

/// What the template does, done: written, found by its probe, and taken back.
#[test]
fn the_template_of_the_binary_does_what_it_says() {
    let folder = std::env::temp_dir().join(format!("baton-write-file-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (_, template) = builtin().find("write-file", None).unwrap();
    let (path, outputs) = (folder.join("motd"), folder.join("outputs"));
    let run = |command: &baton_plan::plan::Command| {
        let baton_plan::plan::Command::Argv(arguments) = command else { panic!("{command:?}") };
        let filled = arguments.iter().map(|argument| argument.to_string());
        let filled = filled.map(|text| match text.as_str() {
            "${params.path}" => path.to_str().unwrap().to_owned(),
            "${params.text}" => "two\nlines\n".to_owned(),
            other => other.to_owned(),
        });
        let filled: Vec<String> = filled.collect();
        let mut process = std::process::Command::new(&filled[0]);
        process.args(&filled[1..]).env("BATON_TOKEN", "7").env("BATON_OUTPUT", &outputs);
        process.status().unwrap().code().unwrap()
    };
    let baton_plan::plan::Action::Command(write) = &template.work.action else { panic!("{template:?}") };
    let probe = &template.work.probe.as_ref().unwrap().command;
    let baton_plan::plan::Action::Command(undo) = &template.undo.as_ref().unwrap().action else {
        panic!("{template:?}")
    };
    assert_eq!(run(probe), 1, "it is not there yet");
    assert_eq!((run(write), run(write), run(probe)), (0, 0, 0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\nlines\n");
    assert_eq!(std::fs::read_to_string(&outputs).unwrap().lines().next(), Some("bytes=10"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "no temporary file is left");
    std::fs::write(&path, "two\nlines").unwrap();
    assert_eq!(run(probe), 1, "another text is another file");
    assert_eq!((run(undo), run(undo), run(probe)), (0, 0, 1));
    std::fs::remove_dir_all(&folder).unwrap();
}
