//! What a step wrote to `BATON_OUTPUT`: `key=value` lines become the step's outputs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

const KEYS: usize = 64;
const VALUE_LEN: usize = 4 * 1024;
const TOTAL_LEN: usize = 16 * 1024;

/// Outputs, and a sentence for each line that is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outputs {
    pub(super) values: BTreeMap<String, String>,
    pub(super) problems: Vec<String>,
}

/// Reads the file; one that is not there means no outputs.
pub(super) fn read(path: &Path) -> Outputs {
    let mut outputs = Outputs::default();
    // A step may put anything there: a pipe would never end, so only a plain file is read.
    if !fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file()) {
        return outputs;
    }
    let mut bytes = Vec::new();
    let limit = 2 * TOTAL_LEN as u64;
    match File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => parse(&String::from_utf8_lossy(&bytes)),
        Err(error) => {
            let problem = format!("BATON_OUTPUT cannot be read: {error}");
            outputs.problems.push(problem);
            outputs
        }
    }
}

fn parse(text: &str) -> Outputs {
    let mut outputs = Outputs::default();
    let mut total = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match accept(line, outputs.values.len(), total) {
            Ok((key, value)) => {
                total += key.len() + value.len();
                outputs.values.insert(key.to_owned(), value.to_owned());
            }
            Err(why) => outputs.problems.push(format!("BATON_OUTPUT line {number} is left out: {why}")),
        }
        // A file full of nonsense is named by its first lines.
        if outputs.problems.len() == 5 {
            outputs.problems.push("and perhaps more".into());
            break;
        }
    }
    outputs
}

fn accept(line: &str, keys: usize, total: usize) -> Result<(&str, &str), String> {
    let (key, value) = line.split_once('=').ok_or("it is not key=value")?;
    let mut letters = key.chars();
    let first = letters.next().ok_or("the key is empty")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(first.is_ascii_alphabetic() || first == '_') || !letters.all(fits) {
        return Err("a key begins with a letter or _ and goes on with letters, digits, _ or -".into());
    }
    if value.len() > VALUE_LEN {
        return Err(format!("the value of {key} is longer than {VALUE_LEN} bytes"));
    }
    if keys == KEYS {
        return Err(format!("there are {KEYS} outputs already"));
    }
    if total + key.len() + value.len() > TOTAL_LEN {
        return Err(format!("all outputs together are longer than {TOTAL_LEN} bytes"));
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_outputs_and_the_last_one_wins() {
        let outputs = parse("lsn=0/30\n\n_a-1=x=y \nlsn=0/40\nempty=\n");
        let expected = [("_a-1", "x=y "), ("empty", ""), ("lsn", "0/40")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(outputs.values, BTreeMap::from(expected));
        assert!(outputs.problems.is_empty());
    }

    #[test]
    fn bad_lines_are_named_and_the_rest_counts() {
        let long = format!("big={}", "v".repeat(VALUE_LEN + 1));
        let outputs = parse(&format!("nonsense\n9=x\nok=1\n{long}\n"));
        assert_eq!(outputs.values.len(), 1);
        let problems = outputs.problems.join("\n");
        assert_eq!(
            problems,
            "BATON_OUTPUT line 1 is left out: it is not key=value\n\
             BATON_OUTPUT line 2 is left out: a key begins with a letter or _ and goes on with letters, digits, _ or -\n\
             BATON_OUTPUT line 4 is left out: the value of big is longer than 4096 bytes"
        );
    }

    #[test]
    fn number_and_size_are_bounded() {
        let many: String = (0..100).map(|n| format!("k{n}=1\n")).collect();
        assert_eq!(parse(&many).values.len(), KEYS);
        let big: String = (0..10).map(|n| format!("k{n}={}\n", "v".repeat(VALUE_LEN))).collect();
        let outputs = parse(&big);
        assert_eq!(outputs.values.len(), 3);
        assert_eq!(outputs.problems.len(), 6);
    }

    #[test]
    fn a_pipe_in_the_file_s_place_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("absent")), Outputs::default());
        assert_eq!(read(folder.path()), Outputs::default());
    }
}
