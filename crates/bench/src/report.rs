//! The table, as text, as JSON, and as a picture.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

/// What one part of the bench found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    what: String,
    unit: &'static str,
    baton: f64,
    beside: Vec<(&'static str, f64)>,
    target: Option<Target>,
    note: String,
}

/// What is aimed at, as a share of a yardstick of the same run; an absolute where no name stands.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// No less than this share of that one.
    AtLeast(f64, &'static str),
    /// No more than this share of that one.
    AtMost(f64, &'static str),
    /// No more than this.
    Within(f64),
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str, baton: f64) -> Row {
        Row { what: what.into(), unit, baton, beside: Vec::new(), target: None, note: String::new() }
    }

    pub(crate) fn beside(mut self, other: Option<(&'static str, f64)>) -> Row {
        self.beside.extend(other);
        self
    }

    pub(crate) fn target(self, target: Target) -> Row {
        Row { target: Some(target), ..self }
    }

    pub(crate) fn note(self, note: impl Into<String>) -> Row {
        Row { note: note.into(), ..self }
    }

    fn ratio(&self, of: &str) -> Option<f64> {
        let (_, other) = self.beside.iter().find(|(name, _)| *name == of)?;
        (*other > 0.0).then(|| self.baton / other)
    }

    /// The target in words, and whether it was met; nothing where its yardstick is missing.
    fn verdict(&self) -> (String, Option<bool>) {
        match self.target {
            None => (String::new(), None),
            Some(Target::AtLeast(share, of)) => {
                (format!("≥ {share} × {of}"), self.ratio(of).map(|ratio| ratio >= share))
            }
            Some(Target::AtMost(share, of)) => {
                (format!("≤ {share} × {of}"), self.ratio(of).map(|ratio| ratio <= share))
            }
            Some(Target::Within(most)) => (format!("≤ {}", figure(most)), Some(self.baton <= most)),
        }
    }
}

/// All rows, and what they were measured on.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    rows: Vec<Row>,
    #[serde(skip)]
    curves: Vec<Curve>,
}

/// What a curve depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Across {
    /// How many at once, in doublings.
    AtOnce,
    /// How many steps were done before.
    Before,
}

/// A line of the picture.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) across: Across,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Report {
    pub(crate) fn new(machine: String) -> Report {
        Report { machine, rows: Vec::new(), curves: Vec::new() }
    }

    /// Takes in a row, and says it: the bench takes minutes.
    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("{}", line(&row).join("  "));
        self.rows.push(row);
    }

    pub(crate) fn curve(&mut self, curve: Curve) {
        self.curves.push(curve);
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let head = ["what", "unit", "baton", "beside it", "target", "met", ""].map(str::to_owned);
        let lines: Vec<_> = std::iter::once(head).chain(self.rows.iter().map(line)).collect();
        let mut text = format!("{}\n\n", self.machine);
        let wide = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(wide);
        for line in &lines {
            let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        text
    }

    /// `bench.json` and `bench.svg`.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        std::fs::write(dir.join("bench.json"), serde_json::to_string_pretty(self)? + "\n")?;
        if !self.curves.is_empty() {
            std::fs::write(dir.join("bench.svg"), crate::plot::draw(&self.machine, &self.curves))?;
        }
        Ok(())
    }
}

fn line(row: &Row) -> [String; 7] {
    let beside = row.beside.iter().map(|(name, value)| {
        let ratio = row.ratio(name).map(|ratio| format!(" ({ratio:.2}×)")).unwrap_or_default();
        format!("{name} {}{ratio}", figure(*value))
    });
    let (target, met) = row.verdict();
    let met = met.map_or("", |met| if met { "yes" } else { "no" });
    [
        row.what.clone(),
        row.unit.to_owned(),
        figure(row.baton),
        beside.collect::<Vec<_>>().join(", "),
        target,
        met.to_owned(),
        row.note.clone(),
    ]
}

/// `1 client`, `64 clients`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Three digits that matter.
fn figure(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
