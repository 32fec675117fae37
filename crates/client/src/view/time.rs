//! Moments, as people and programs read them.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Serialize, Serializer};

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Wall time in Unix milliseconds, written as RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

impl Time {
    /// The moment so many milliseconds after 1970.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// None for the 0 that stands for "not yet" on the wire.
    pub(crate) fn unless_zero(ms: i64) -> Option<Self> {
        (ms != 0).then_some(Self(ms))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A clock set before the year -9999 or after 9999 is shown as the edge of the calendar.
        let edge = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let moment = Timestamp::from_millisecond(self.0).unwrap_or(edge);
        f.write_str(&PRINTER.timestamp_to_string(&moment))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_utc_with_milliseconds() {
        assert_eq!(Time::from_ms(1_700_000_000_000).to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Time::from_ms(1_700_000_000_007).to_string(), "2023-11-14T22:13:20.007Z");
        assert_eq!(Time::from_ms(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert!(Time::from_ms(i64::MAX).to_string().starts_with("9999-12-"));
    }
}
