//! A plan file: whatever it holds, it is a plan, or a page of problems that each point into it.
#![no_main]

use baton_plan::problem::render;
use baton_plan::{Format, check_bytes, check_document_bytes, draw, review};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = check_document_bytes(bytes, baton_plan::builtin());
    match check_bytes(bytes) {
        Ok(checked) => {
            for format in [Format::Text, Format::Dot, Format::Mermaid] {
                assert!(!draw(&checked.plan, format).is_empty());
            }
            let _ = review(&checked.plan);
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in &problems {
                assert!(problem.line > 0 && problem.column > 0 && !problem.help.is_empty(), "{problem}");
            }
            let source = String::from_utf8_lossy(bytes);
            assert!(!render(&source, "plan.yaml", &problems).is_empty());
        }
    }
});
