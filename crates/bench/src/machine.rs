//! What the figures were measured on.

use std::fs;
use std::path::Path;

/// One line: cores, memory, kernel, and the file system's kind.
///
/// # Errors
/// If /proc is not mounted.
pub(crate) fn describe(dir: &Path) -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let total = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)).unwrap_or("0");
    let gib = total.parse::<u64>()? >> 20;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mounts = fs::read_to_string("/proc/mounts")?;
    let under = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holding = under.filter(|mount| mount.len() > 2 && dir.starts_with(mount[1]));
    let kind = holding.max_by_key(|mount| mount[1].len()).map_or("?", |mount| mount[2]).to_owned();
    Ok(format!("{cores} cores, {gib} GiB, Linux {}, {kind}", kernel.trim()))
}

/// Resident memory of a process, bytes; 0 once it has ended.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Processor time that a process has used so far, seconds; 0 once it has ended.
pub(crate) fn processor_seconds(pid: u32) -> f64 {
    seconds_of(&format!("/proc/{pid}/stat"))
}

/// The same of one of our own threads.
pub(crate) fn thread_seconds(thread: i32) -> f64 {
    seconds_of(&format!("/proc/self/task/{thread}/stat"))
}

fn seconds_of(stat: &str) -> f64 {
    let stat = fs::read_to_string(stat).unwrap_or_default();
    // The name, in brackets, may hold spaces: count from behind it.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields: Vec<f64> = after.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let ticks: f64 = fields.iter().skip(10).take(2).sum();
    #[expect(clippy::cast_precision_loss, reason = "it is 100")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    ticks / per_second
}

/// Bytes of all files below a folder, as the disk counts them.
pub(crate) fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let each = entries.flatten().map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => disk_bytes(&entry.path()),
        Ok(data) => data.blocks() * 512,
        Err(_) => 0,
    });
    each.sum()
}
