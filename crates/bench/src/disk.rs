//! The disk's own rate: what no durable log of one file can exceed without grouping.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::figures::Times;
use crate::load::Measured;

/// Appends 256 bytes and syncs them, again and again.
///
/// # Errors
/// Those of the file system.
pub(crate) fn measure(dir: &Path, span: Duration) -> anyhow::Result<Measured> {
    let path = dir.join("raw");
    let mut file = File::create(&path)?;
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed() < span {
        let asked = Instant::now();
        file.write_all(&[7; 256])?;
        file.sync_data()?;
        times.push(asked.elapsed());
    }
    let took = begin.elapsed();
    std::fs::remove_file(&path)?;
    #[expect(clippy::cast_precision_loss, reason = "a count of syncs")]
    let rate = times.len() as f64 / took.as_secs_f64();
    Ok(Measured { rate, times: Times::of(times) })
}
