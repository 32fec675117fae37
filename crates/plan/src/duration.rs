//! Durations as Go writes them: `500ms`, `90s`, `15m`, `1h30m`.

use crate::fault::{Fault, shortened};

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// Milliseconds of a duration.
///
/// # Errors
/// What is wrong and what to write instead.
pub fn parse(text: &str) -> Result<u64, Fault> {
    let short = shortened(text);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let help = format!("write `{short}s` for seconds, or another of `ms`, `s`, `m`, `h`");
        return Err(Fault::new(format!("`{short}` has no unit"), help));
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok());
    let help = match days {
        Some(days) => format!("write days as hours: `{}h`", u32::from(days) * 24),
        None => "write one like `500ms`, `90s`, `15m` or `1h30m`".to_owned(),
    };
    let wrong = || Fault::new(format!("`{short}` is not a duration"), help);
    parts(text).filter(|_| !text.is_empty()).ok_or_else(wrong)
}

fn parts(mut rest: &str) -> Option<u64> {
    let mut total_ms = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let (unit, unit_ms) = UNITS.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        total_ms = number.parse::<u64>().ok()?.checked_mul(unit_ms)?.checked_add(total_ms)?;
        rest = &after[unit.len()..];
    }
    Some(total_ms)
}

/// A duration as a person would write it: `1h30m`, `20s`, `500ms`.
pub fn written(ms: u64) -> String {
    let mut text = String::new();
    let mut rest = ms;
    for (unit, unit_ms) in UNITS.into_iter().rev() {
        if rest >= unit_ms {
            text.push_str(&format!("{}{unit}", rest / unit_ms));
            rest %= unit_ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{parse, written};

    #[test]
    fn durations() {
        let good = [("500ms", 500), ("90s", 90_000), ("15m", 900_000), ("1h30m", 5_400_000), ("0s", 0)];
        assert_eq!(good.map(|(text, _)| parse(text)), good.map(|(_, ms)| Ok(ms)));
        let bad =
            ["", "20", "s", "1d", "1.5h", "-1s", "1h 30m", "99999999999999999999s", "18446744073709551615h"];
        assert!(bad.iter().all(|text| parse(text).is_err()));
        assert!(parse("20").unwrap_err().help.contains("`20s`"));
    }
    #[test]
    fn a_duration_is_written_as_it_is_read() {
        for text in ["0s", "500ms", "1s500ms", "1h30m", "26h", "1m"] {
            assert_eq!(parse(text).map(written).as_deref(), Ok(text));
        }
    }
}
