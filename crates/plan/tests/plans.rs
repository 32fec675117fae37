//! Every plan under `good` is read, and every one under `bad` is refused with the recorded words.
//! `UPDATE=1 cargo test -p baton-plan` records them anew; read what changed.

use std::fs;
use std::path::{Path, PathBuf};

use baton_plan::{Described, builtin, check_document, check_document_bytes};

fn plans(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut plans: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    plans.sort();
    plans
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Compares with the recorded text beside the plan, or records it.
fn differs(path: &Path, found: &str) -> Option<String> {
    let record = path.with_extension("txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(record, found).unwrap();
        return None;
    }
    let recorded = fs::read_to_string(&record).unwrap_or_default();
    (recorded != found).then(|| format!("{}\n--- recorded\n{recorded}--- found\n{found}", name(path)))
}

/// What the plan says, and what is said of it, a line each.
fn shown(checked: &baton_plan::Checked) -> String {
    let (mut text, mut of) = (String::new(), String::new());
    for entry in baton_plan::entries(&checked.plan) {
        if entry.of != of {
            text.push_str(&format!("{}\n", entry.of));
            of = entry.of;
        }
        text.push_str(&format!("  {}: {}\n", entry.field, entry.value));
    }
    text + &listed(&checked.warnings)
}

fn listed(warnings: &[baton_plan::Problem]) -> String {
    warnings.iter().map(|warning| format!("warning {warning}\n")).collect()
}

#[test]
fn bad_plans_are_refused_with_the_recorded_words() {
    let plans = plans("bad");
    assert!(plans.len() >= 125, "only {} bad plans", plans.len());
    let differences: Vec<_> = plans
        .iter()
        .filter_map(|path| {
            let bytes = fs::read(path).unwrap();
            let Err(problems) = check_document_bytes(&bytes, builtin()) else {
                return Some(format!("{} is accepted", name(path)));
            };
            differs(
                path,
                &baton_plan::problem::render(&String::from_utf8_lossy(&bytes), &name(path), &problems),
            )
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn good_plans_are_read_as_recorded() {
    let differences: Vec<_> = plans("good")
        .iter()
        .filter_map(|path| {
            let source = fs::read_to_string(path).unwrap();
            match check_document(&source, builtin()) {
                Err(problems) => Some(baton_plan::problem::render(&source, &name(path), &problems)),
                Ok(Described::Plan(checked)) => differs(path, &shown(&checked)),
                Ok(Described::StepTemplate { template, warnings }) => {
                    assert_eq!(template.name, "promote");
                    differs(path, &listed(&warnings))
                }
            }
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_schema_takes_what_check_takes() {
    let schema = baton_plan::schema();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in plans("good") {
        let instance = value(&path);
        let errors: Vec<_> = validator
            .iter_errors(&instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", name(&path));
    }
}

#[test]
fn the_schema_refuses_what_an_editor_can_see() {
    let validator = jsonschema::validator_for(&baton_plan::schema()).unwrap();
    for file in [
        "key-unknown",
        "key-missing-name",
        "idempotent-missing",
        "action-two",
        "action-none",
        "duration-bare",
        "undo-nothing",
        "param-type",
        "wrong-kind",
        "region-name",
        "needs-text",
        "approval-words",
        "draws",
        "in-mode-kind",
        "manual",
        "modes",
        "on-failure-mapping",
        "resources",
        "retry-jitter",
        "template-keys",
        "undo-idempotent",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad").join(file).with_extension("yaml");
        assert!(!validator.is_valid(&value(&path)), "{file} is valid by the schema");
    }
}

fn value(path: &Path) -> serde_json::Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn survives<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(what: &T) {
    let text = serde_json::to_string(what).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *what);
}

/// What is done to a plan is done to the log as well: its bytes are the derived ones, and reading them gives it back.
#[test]
fn a_plan_survives_being_written_and_read() {
    for path in plans("good") {
        match check_document(&fs::read_to_string(path).unwrap(), builtin()).unwrap() {
            Described::Plan(checked) => survives(&checked.plan),
            Described::StepTemplate { template, .. } => survives(&template),
        }
    }
}

/// Everything that is written one after the other stays so: nothing is sorted on the way through the log.
#[test]
fn the_order_of_everything_survives() {
    let source = "{apiVersion: baton/v1, kind: Plan, metadata: {name: p}, spec: {
        params: {z: {type: string, enum: [c, a, b], default: a}, a: {type: string, default: ''}, m: {type: list, default: [y, x]}},
        resources: {net: 1, disk: 2, cpu: 3}, locks: [z, a, m],
        steps: [
            {name: z, noop: {}}, {name: a, noop: {}}, {name: m, noop: {}},
            {name: b, needs: [m, z, a], region: east, idempotent: true, command: ./b, draws: {disk: 1, cpu: 1, net: 1},
             locks: [y, x], forEach: [q, p], modes: [drill, graceful], noEffect: [9, 3]},
            {name: c, plan: {name: other, params: {z: 1, a: 2}}},
            {name: d, approval: {message: Go?, roles: [z, a]}}]}}";
    let plan = baton_plan::check(source).unwrap_or_else(|problems| panic!("{problems:#?}")).plan;
    let read: baton_plan::Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    let said = |of: &str, field: &str| {
        let entries = baton_plan::entries(&read);
        entries.into_iter().find(|entry| entry.of == of && entry.field == field).unwrap().value
    };
    let names: Vec<_> = read.params.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "m"]);
    assert_eq!(
        read.resources.iter().map(|resource| resource.name.as_str()).collect::<Vec<_>>(),
        ["net", "disk", "cpu"]
    );
    assert_eq!(
        read.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(),
        ["z", "a", "m", "b", "c", "d"]
    );
    assert_eq!(read.steps[3].needs, [2, 0, 1]);
    assert_eq!(said("param z", "enum"), r#"["c", "a", "b"]"#);
    assert_eq!(said("param m", "default"), "y,x");
    assert_eq!(said("plan", "locks"), r#"["z", "a", "m"]"#);
    assert_eq!(said("step b", "draws"), "disk: 1, cpu: 1, net: 1");
    assert_eq!(said("step b", "locks"), r#"["y", "x"]"#);
    assert_eq!(said("step b", "forEach.items"), r#"["q", "p"]"#);
    assert_eq!(said("step b", "modes"), "drill, graceful");
    assert_eq!(said("step b", "noEffect"), "9, 3");
    assert_eq!(said("step d", "approval.roles"), r#"["z", "a"]"#);
    let baton_plan::plan::Action::Child(child) = &read.steps[4].work.action else {
        panic!("{:?}", read.steps[4])
    };
    assert_eq!(child.params.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["z", "a"]);
}
