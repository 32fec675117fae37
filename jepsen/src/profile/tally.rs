//! The cumulative table of the soaks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::Summary;
use crate::edn;

const HEAD: &str = "# What the suite has been through\n\n\
One line a soak (`scripts/soak`), added by itself. Hours are those in which clients and faults went on with real processes.\n\n\
| when | commit | seeds | hours | faults | leader kills | steps not to be repeated | repeated | takeovers: median, p99, longest | violations | not known |\n\
|---|---|---|---|---|---|---|---|---|---|---|\n";

/// What `tally` is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Tally {
    /// The results of all tests, one after the other
    #[arg(value_name = "RESULTS.edn")]
    results: PathBuf,
    /// From which seed to which
    #[arg(long)]
    seeds: String,
    /// What was tested
    #[arg(long)]
    commit: String,
    /// Tests without a verdict
    #[arg(long)]
    unknown: u64,
    /// The table
    #[arg(long)]
    into: PathBuf,
}

/// Adds a line.
///
/// # Errors
/// If the results are not understood, or the table cannot be written.
pub(crate) fn tally(told: &Tally) -> anyhow::Result<ExitCode> {
    let text = fs::read_to_string(&told.results)
        .with_context(|| format!("cannot read {}", told.results.display()))?;
    let (mut sum, mut violations) = (Summary::default(), 0);
    for results in edn::read_all(&text)? {
        violations += u64::from(results["valid"] == "false");
        sum.add(serde_json::from_value(results["summary"].clone())?);
    }
    let line = line(told, &sum, violations);
    print!("{line}");
    append(&told.into, &line)?;
    Ok(ExitCode::SUCCESS)
}

fn line(told: &Tally, sum: &Summary, violations: u64) -> String {
    let faults: Vec<_> = sum.faults.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let day = jiff::Timestamp::now().strftime("%F");
    format!(
        "| {day} | {} | {} | {:.2} | {} | {} | {} | {} | {}, {}, {} ms | {violations} | {} |\n",
        told.commit,
        told.seeds,
        sum.seconds as f64 / 3600.0,
        faults.join(", "),
        sum.leader_kills,
        sum.once_steps,
        sum.repeated,
        sum.takeover_ms(50),
        sum.takeover_ms(99),
        sum.takeover_ms(100),
        told.unknown
    )
}

fn append(path: &Path, line: &str) -> anyhow::Result<()> {
    let before = fs::read_to_string(path).unwrap_or_else(|_| HEAD.to_owned());
    fs::write(path, with_line(&before, line)).with_context(|| format!("cannot write {}", path.display()))
}

/// The line goes below the last row of the first table: others may follow it.
fn with_line(before: &str, line: &str) -> String {
    let rows = before.split_inclusive('\n').scan(0, |at, row| {
        *at += row.len();
        Some((*at, row.starts_with('|')))
    });
    let table = rows.skip_while(|(_, is_row)| !is_row).take_while(|(_, is_row)| *is_row);
    let at = table.last().map_or(before.len(), |(at, _)| at);
    format!("{}{line}{}", &before[..at], &before[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_below_the_first_table() {
        assert_eq!(
            with_line("# a\n\n| h |\n| 1 |\n\n# b\n| x |\n", "| 2 |\n"),
            "# a\n\n| h |\n| 1 |\n| 2 |\n\n# b\n| x |\n"
        );
        assert!(with_line(HEAD, "| 1 |\n").ends_with("|---|\n| 1 |\n"));
        assert_eq!(with_line("", "| 1 |\n"), "| 1 |\n");
    }
}
