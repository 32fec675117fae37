//! One thing that is wrong with a plan, and the page that shows it to the person who has to mend it.

use std::fmt::{self, Write};

use serde::Serialize;

/// What is wrong, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The field, such as `spec.steps[2].needs`; empty for the file as a whole.
    pub path: String,
    /// Of a warning that [`crate::review()`] gives as well, its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}; {}", self.message, self.help)
    }
}

/// The problems as a page: each with its line of the file, a mark under the place, and the way out.
pub fn render(source: &str, file_name: &str, problems: &[Problem]) -> String {
    page("error", source, file_name, problems)
}

/// [`render`] for what is allowed but looks like a mistake.
pub fn render_warnings(source: &str, file_name: &str, warnings: &[Problem]) -> String {
    page("warning", source, file_name, warnings)
}

fn page(severity: &str, source: &str, file_name: &str, problems: &[Problem]) -> String {
    let lines: Vec<&str> = source.lines().collect();
    let mut page = String::new();
    for problem in problems {
        let line = lines.get(problem.line - 1).copied().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = paragraph(&mut page, severity, file_name, line, problem);
    }
    page
}

fn paragraph(
    page: &mut String,
    severity: &str,
    file_name: &str,
    line: &str,
    problem: &Problem,
) -> fmt::Result {
    let number = problem.line.to_string();
    let margin = " ".repeat(number.len());
    let (shown, before) = window(line, problem.column);
    let code = problem.code.map(|code| format!("[{code}]")).unwrap_or_default();
    writeln!(page, "{severity}{code}: {}", problem.message)?;
    write!(page, "{margin}--> {file_name}:{}:{}", problem.line, problem.column)?;
    match problem.path.as_str() {
        "" => writeln!(page)?,
        path => writeln!(page, " ({path})")?,
    }
    if !shown.trim().is_empty() {
        writeln!(page, "{margin} |")?;
        writeln!(page, "{number} | {shown}")?;
        writeln!(page, "{margin} | {}^", " ".repeat(before))?;
    }
    writeln!(page, "{margin} = help: {}\n", problem.help)
}

/// The part of a line around a column that fits a terminal, and how many characters of it stand before the column.
/// Whatever a terminal might obey is shown as a dot.
fn window(line: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 100;
    let start = column.saturating_sub(WIDTH * 3 / 4);
    let visible = |c: char| if c.is_control() { '·' } else { c };
    let shown: String = line.chars().skip(start).take(WIDTH).map(visible).collect();
    (shown, (column - 1).saturating_sub(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize, column: usize) -> Problem {
        let (path, message, help) = ("spec.x".to_owned(), "it is wrong".to_owned(), "mend it".to_owned());
        Problem { line, column, path, code: None, message, help }
    }

    #[test]
    fn the_mark_stands_under_the_place() {
        let page = render("a: 1\nbb: ü c\n", "plan.yaml", &[problem(2, 7)]);
        assert_eq!(
            page,
            "error: it is wrong\n --> plan.yaml:2:7 (spec.x)\n  |\n2 | bb: ü c\n  |       ^\n  = help: mend it\n\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_place_and_control_characters_are_harmless() {
        let line = format!("{}\u{1b}[2J{}", "a".repeat(5000), "b".repeat(5000));
        let page = render(&line, "plan.yaml", &[problem(1, 5001)]);
        let lines: Vec<&str> = page.lines().collect();
        assert!(lines[3].len() < 120 && !page.contains('\u{1b}'), "{page}");
        assert_eq!(lines[3].chars().position(|c| c == '·'), lines[4].chars().position(|c| c == '^'));
    }

    #[test]
    fn a_place_after_the_end_is_no_reason_to_fail() {
        assert!(render("", "plan.yaml", &[problem(7, 9)]).contains("plan.yaml:7:9"));
        assert_eq!(problem(1, 2).to_string(), "line 1, column 2: spec.x: it is wrong; mend it");
    }
}
