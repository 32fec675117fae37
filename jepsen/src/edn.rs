//! EDN, the notation in which Jepsen's tools keep what they know: written and read as the values of
//! JSON, with keywords for the keys of maps. What JSON has no word for is read as its nearest kin: a keyword as its
//! text, a set or a list as an array, a tagged value as the value.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use serde_json::{Map, Number, Value};

/// A value in EDN, on one line.
pub(crate) fn written(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("nil"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => text.push_str(&value.to_string()),
        Value::String(value) => write_string(value, text),
        Value::Array(values) => {
            text.push('[');
            for (at, value) in values.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { " " });
                write(value, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            text.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                write_key(key, text);
                text.push(' ');
                write(value, text);
            }
            text.push('}');
        }
    }
}

fn write_string(value: &str, text: &mut String) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            letter => text.push(letter),
        }
    }
    text.push('"');
}

fn write_key(key: &str, text: &mut String) {
    if is_symbol(key) {
        text.push(':');
        text.push_str(key);
    } else {
        write_string(key, text);
    }
}

/// What may follow a colon.
pub(crate) fn is_symbol(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.?!*".contains(letter))
}

/// Every value in a text, one after the other.
///
/// # Errors
/// A sentence with the place of the first thing that is not EDN.
pub(crate) fn read_all(text: &str) -> anyhow::Result<Vec<Value>> {
    let mut reader = Reader { text, at: 0 };
    let mut values = Vec::new();
    while reader.skip_blank()?.is_some() {
        values.push(reader.value().with_context(|| format!("not EDN, in line {}", reader.line()))?);
    }
    Ok(values)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn line(&self) -> usize {
        1 + self.text[..self.at.min(self.text.len())].matches('\n').count()
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> anyhow::Result<char> {
        let letter = self.peek().context("the text ends too soon")?;
        self.at += letter.len_utf8();
        Ok(letter)
    }

    /// The next letter that counts.
    fn skip_blank(&mut self) -> anyhow::Result<Option<char>> {
        loop {
            match self.peek() {
                Some(letter) if letter.is_whitespace() || letter == ',' => self.at += letter.len_utf8(),
                Some(';') => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                Some('#') if self.text[self.at..].starts_with("#_") => {
                    self.at += 2;
                    self.value()?;
                }
                other => return Ok(other),
            }
        }
    }

    fn value(&mut self) -> anyhow::Result<Value> {
        match self.skip_blank()?.context("the text ends too soon")? {
            '{' => self.map(),
            '[' => self.sequence(']'),
            '(' => self.sequence(')'),
            '"' => self.string(),
            '#' => self.dispatched(),
            ':' => {
                self.at += 1;
                Ok(Value::String(self.token().to_owned()))
            }
            '\\' => {
                self.at += 1;
                let letter = self.next()?;
                let rest = self.token();
                Ok(Value::String(format!("{letter}{rest}")))
            }
            _ => self.atom(),
        }
    }

    fn dispatched(&mut self) -> anyhow::Result<Value> {
        self.at += 1;
        if self.peek() == Some('{') {
            return self.sequence('}');
        }
        self.token();
        self.value()
    }

    fn sequence(&mut self, end: char) -> anyhow::Result<Value> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            if self.skip_blank()? == Some(end) {
                self.at += 1;
                return Ok(Value::Array(values));
            }
            values.push(self.value()?);
        }
    }

    fn map(&mut self) -> anyhow::Result<Value> {
        self.at += 1;
        let mut map = Map::new();
        loop {
            if self.skip_blank()? == Some('}') {
                self.at += 1;
                return Ok(Value::Object(map));
            }
            let key = match self.value()? {
                Value::String(key) => key,
                other => written(&other),
            };
            map.insert(key, self.value()?);
        }
    }

    fn string(&mut self) -> anyhow::Result<Value> {
        self.at += 1;
        let mut found = String::new();
        loop {
            match self.next()? {
                '"' => return Ok(Value::String(found)),
                '\\' => found.push(self.escaped()?),
                letter => found.push(letter),
            }
        }
    }

    fn escaped(&mut self) -> anyhow::Result<char> {
        Ok(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'u' => {
                let mut code = 0;
                for _ in 0..4 {
                    code = code * 16 + self.next()?.to_digit(16).context("\\u wants four digits")?;
                }
                char::from_u32(code).context("\\u names no letter")?
            }
            other => other,
        })
    }

    fn token(&mut self) -> &str {
        let rest = &self.text[self.at..];
        let end = rest.find(|letter: char| letter.is_whitespace() || ",;()[]{}\"".contains(letter));
        let end = end.unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn atom(&mut self) -> anyhow::Result<Value> {
        let token = self.token();
        Ok(match token {
            "" => bail!("an unexpected letter"),
            "nil" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => {
                let digits = token.trim_end_matches(['N', 'M']);
                let whole = digits.parse::<i64>().map(Number::from);
                let number = whole.or_else(|_| digits.parse::<u64>().map(Number::from)).ok();
                match number.or_else(|| Number::from_f64(digits.parse().ok()?)) {
                    Some(number) => Value::Number(number),
                    None => Value::String(token.to_owned()),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let value = json!({"index": 3, "value": ["run-1", null, true, -4, 1.5, "a \"b\"\n"], "odd key": {}});
        assert_eq!(read_all(&written(&value)).unwrap(), [value]);
    }

    #[test]
    fn histories_of_others_are_read() {
        let text = "; Jepsen\n{:type :ok, :f :read, :value [1 #{2 3}], :time 5N} #jepsen.Op{:process :nemesis} #_ x (1 2)";
        let read = read_all(text).unwrap();
        assert_eq!(read[0], json!({"type": "ok", "f": "read", "value": [1, [2, 3]], "time": 5}));
        assert_eq!(read[1..], [json!({"process": "nemesis"}), json!([1, 2])]);
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = format!("{:#}", read_all("1\n{:a").unwrap_err());
        assert!(error.contains("line 2") && error.contains("too soon"), "{error}");
    }
}
