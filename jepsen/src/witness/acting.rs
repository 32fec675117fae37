//! What targets are doing right now, for faults that wait for such a moment. Nothing is judged by it.

use std::fs;
use std::path::{Path, PathBuf};

use super::Seen;

/// A step that acts at its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acting {
    pub(crate) token: u64,
    /// Its target has seen the effect.
    pub(crate) applied: bool,
    pub(crate) class: String,
}

fn place(witness: &Path) -> PathBuf {
    witness.join("acting")
}

/// Notes what a target has just seen of a step.
///
/// # Errors
/// Those of the file system.
pub(crate) fn mark(witness: &Path, line: &Seen) -> anyhow::Result<()> {
    let mark = place(witness).join(line.pid.to_string());
    if matches!(&*line.what, "began" | "applied") {
        fs::create_dir_all(place(witness))?;
        let draft = mark.with_extension("new");
        fs::write(&draft, format!("{} {} {}", line.token, line.what, line.class))?;
        return Ok(fs::rename(draft, mark)?);
    }
    let _ = fs::remove_file(mark);
    Ok(())
}

/// Who acts. One that died without a word is left out.
pub(crate) fn now(witness: &Path) -> Vec<Acting> {
    let marks = fs::read_dir(place(witness)).into_iter().flatten().flatten();
    let alive = |name: &str| Path::new("/proc").join(name).exists();
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| alive(name))?;
        read(&fs::read_to_string(place(witness).join(name)).ok()?)
    };
    marks.filter_map(read).collect()
}

fn read(text: &str) -> Option<Acting> {
    let mut words = text.split_whitespace();
    let (token, what, class) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
    Some(Acting { token, applied: what == "applied", class: class.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::super::checker::made::seen;
    use super::*;

    #[test]
    fn a_step_acts_from_its_beginning_to_its_end() {
        let folder = std::env::temp_dir().join(format!("baton-jepsen-acting-{}", std::process::id()));
        let saw = |line: &str, pid| mark(&folder, &Seen { pid, ..seen(line) }).unwrap();
        let own = std::process::id();
        saw("1 began r/a 7 - P", own);
        assert_eq!(now(&folder), [Acting { token: 7, applied: false, class: "P".into() }]);
        saw("2 applied r/a 7 - P", own);
        assert!(now(&folder)[0].applied);
        saw("3 ended r/a 7 - P", own);
        // No process has so large a number.
        saw("4 began r/b 8", u32::MAX);
        assert!(now(&folder).is_empty());
        fs::remove_dir_all(&folder).unwrap();
    }
}
