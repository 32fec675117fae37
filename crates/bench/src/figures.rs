//! What many measured times come to.

use std::time::Duration;

/// Times, in the order of their length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Of these.
    pub(crate) fn of(mut times: Vec<Duration>) -> Times {
        times.sort_unstable();
        Times(times)
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that this share of them does not exceed, in milliseconds; nothing of nothing is 0.
    pub(crate) fn ms_at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank"
        )]
        let rank = (share * self.0.len() as f64).ceil() as usize;
        let time = self.0.get(rank.clamp(1, self.0.len().max(1)) - 1);
        time.map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }

    /// The middle one, in milliseconds.
    pub(crate) fn p50_ms(&self) -> f64 {
        self.ms_at(0.5)
    }

    /// All but one in a hundred, in milliseconds.
    pub(crate) fn p99_ms(&self) -> f64 {
        self.ms_at(0.99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let times = Times::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(
            (times.ms_at(0.0), times.p50_ms(), times.p99_ms(), times.ms_at(1.0)),
            (1.0, 100.0, 198.0, 200.0)
        );
        assert_eq!(Times::default().p50_ms(), 0.0);
    }
}
