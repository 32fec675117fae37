//! Every plan under `good` is read, and every one under `bad` is refused with the recorded words.
//! `UPDATE=1 cargo test -p baton-plan` records them anew; read what changed.

use std::fs;
use std::path::{Path, PathBuf};

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

#[test]
fn bad_plans_are_refused_with_the_recorded_words() {
    let plans = plans("bad");
    assert!(plans.len() >= 45, "only {} bad plans", plans.len());
    let differences: Vec<_> = plans
        .iter()
        .filter_map(|path| {
            let bytes = fs::read(path).unwrap();
            let Err(problems) = baton_plan::check_bytes(&bytes) else {
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
            match baton_plan::check(&source) {
                Err(problems) => Some(baton_plan::problem::render(&source, &name(path), &problems)),
                Ok(checked) => differs(path, &format!("{checked:#?}\n")),
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
        "later-undo",
        "param-type",
        "wrong-kind",
        "region-name",
        "needs-text",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad").join(file).with_extension("yaml");
        assert!(!validator.is_valid(&value(&path)), "{file} is valid by the schema");
    }
}

fn value(path: &Path) -> serde_json::Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What is done to a plan is done to the log as well: its bytes are the derived ones, and reading them gives it back.
#[test]
fn a_plan_survives_being_written_and_read() {
    for path in plans("good") {
        let plan = baton_plan::check(&fs::read_to_string(path).unwrap()).unwrap().plan;
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<baton_plan::Plan>(&text).unwrap(), plan);
    }
}
