//! Reads stages out of a log: the lines that `tracing-subscriber` writes when a span closes.

/// One stage of a step or of an entry, in microseconds of the day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage {
    /// The kind of process that told of it.
    pub(super) who: &'static str,
    pub(super) name: String,
    pub(super) begin_us: f64,
    pub(super) end_us: f64,
}

/// The stages that a process told of.
pub(super) fn stages(who: &'static str, log: &str) -> Vec<Stage> {
    log.lines().filter_map(|line| stage(who, line)).collect()
}

/// Of a line like `2026-11-29T18:30:00.123456Z DEBUG propose{commands=1}:append{through=7}: close time.busy=8µs
/// time.idle=1.2ms`; other lines tell of none.
fn stage(who: &'static str, line: &str) -> Option<Stage> {
    let (head, times) = line.split_once(": close time.busy=")?;
    let (busy, idle) = times.split_once(" time.idle=")?;
    let mut words = head.split_whitespace();
    let end_us = of_day(words.next()?)?;
    let spans = head.split_once(" DEBUG ")?.1.trim_start();
    let last = spans.rsplit_once("}:").map_or(spans, |(_, last)| last);
    let name = last.split(['{', ':']).next()?.to_owned();
    let took = microseconds(busy)? + microseconds(idle)?;
    Some(Stage { who, name, begin_us: end_us - took, end_us })
}

/// Of a time like `2026-11-29T18:30:00.123456Z`.
fn of_day(time: &str) -> Option<f64> {
    let clock = time.split_once('T')?.1.strip_suffix('Z')?;
    let mut parts = clock.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some((hours * 3600.0 + minutes * 60.0 + seconds) * 1e6)
}

/// Of a length like `1.25ms`.
fn microseconds(length: &str) -> Option<f64> {
    let length = length.trim();
    let digits = length.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = length.split_at(digits);
    let factor = match unit {
        "ns" => 0.001,
        "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_span_is_a_stage() {
        let log = "2026-11-29T01:00:00.000500Z DEBUG propose{commands=1 index=9}:append{through=9}: close time.busy=8.50µs \
                   time.idle=0.1ms\n2026-11-29T01:00:01.000000Z  INFO took office term=3\n";
        let begin_us = 3600e6 + 500.0 - 108.5;
        let found = stages("leader", log);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].who), ("append", "leader"));
        assert!((found[0].begin_us - begin_us).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn a_span_without_fields_is_one_too() {
        let found =
            stages("agent", "2026-11-29T01:00:00Z DEBUG exec: close time.busy=2.00s time.idle=17ns\n");
        assert_eq!((found[0].name.as_str(), (found[0].end_us - found[0].begin_us).round()), ("exec", 2e6));
    }
}
