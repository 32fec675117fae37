//! Chance by name: what is drawn depends on the seed and on what it is drawn for, never on how much was drawn before.
//! So a script from which something was taken out meets the same luck everywhere else, and can be made shorter.

use std::hash::Hash;

use baton_engine::chain::digest;
use fastrand::Rng;

/// The luck of one schedule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    seed: u64,
}

impl Chance {
    /// Of this seed.
    pub(crate) fn new(seed: u64) -> Chance {
        Chance { seed }
    }

    /// A source for one purpose.
    pub(crate) fn of(&self, what: impl Hash) -> Rng {
        let mut rng = Rng::with_seed(digest(&(self.seed, digest(&what))));
        // FNV leaves neighbours close to each other.
        rng = Rng::with_seed(rng.u64(..) ^ rng.u64(..).rotate_left(32));
        rng
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&self, percent: u32, what: impl Hash) -> bool {
        percent > 0 && self.of(what).u32(..100) < percent
    }
}
