//! A disk that loses power: stands between this test's process and the kernel, knows which bytes
//! have been synced, and builds what a power cut at any instant could have left.
//!
//! The functions below replace the C library's for the whole test binary, as
//! `baton_storage::sync` does; everything but the two watched files passes through.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libc::{c_int, c_long, c_void, off64_t, size_t, ssize_t};

const SECTOR: usize = 512;

/// What a cut leaves of writes that were not synced.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tear {
    Nothing,
    Everything,
    SomeWrites,
    SomeSectors,
}

enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
    /// Room for at least so many bytes.
    Room(usize),
}

#[derive(Default)]
struct Image {
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

/// What is known of the watched files.
pub(crate) struct Disk {
    names: BTreeMap<u64, String>,
    images: BTreeMap<u64, Image>,
    /// Of these a sync does nothing, as if the device had lied.
    lying: Vec<u64>,
    random: fastrand::Rng,
    /// Syncs fail from now on; how many have.
    failing: Option<usize>,
    /// At each of the watched files' writes and syncs: one in so many is a cut.
    one_in: usize,
    on_cut: Box<dyn FnMut(Crash) + Send>,
}

/// The watched files as a cut left them.
pub(crate) struct Crash {
    pub(crate) tear: Tear,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

static DISK: Mutex<Option<Disk>> = Mutex::new(None);

fn disk() -> MutexGuard<'static, Option<Disk>> {
    DISK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches files of `folder` from now on; what they hold now counts as synced.
pub(crate) fn watch(
    folder: &Path,
    names: &[&str],
    lying: &[&str],
    seed: u64,
    one_in: usize,
    on_cut: impl FnMut(Crash) + Send + 'static,
) {
    let mut watched = Disk {
        names: BTreeMap::new(),
        images: BTreeMap::new(),
        lying: Vec::new(),
        failing: None,
        random: fastrand::Rng::with_seed(seed),
        one_in,
        on_cut: Box::new(on_cut),
    };
    for name in names {
        let path = folder.join(name);
        let inode = std::fs::metadata(&path).unwrap().ino();
        let durable = std::fs::read(&path).unwrap();
        watched.names.insert(inode, (*name).into());
        watched.images.insert(inode, Image { durable, pending: Vec::new() });
        if lying.contains(name) {
            watched.lying.push(inode);
        }
    }
    *disk() = Some(watched);
}

/// Every sync of a watched file fails from now on.
pub(crate) fn fail_syncs() {
    disk().as_mut().unwrap().failing = Some(0);
}

/// How many syncs have failed.
pub(crate) fn failed_syncs() -> usize {
    disk().as_ref().unwrap().failing.unwrap()
}

/// Stops watching.
pub(crate) fn unwatch() {
    *disk() = None;
}

impl Disk {
    fn event(&mut self, inode: u64, change: impl FnOnce(&mut Image, bool)) {
        let lies = self.lying.contains(&inode);
        if let Some(image) = self.images.get_mut(&inode) {
            change(image, lies);
            if self.random.usize(..self.one_in) == 0 {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        let tears = [Tear::Nothing, Tear::Everything, Tear::SomeWrites, Tear::SomeSectors];
        let tear = tears[self.random.usize(..tears.len())];
        let names = &self.names;
        let random = &mut self.random;
        let files = self.images.iter().map(|(inode, image)| (names[inode].clone(), image.torn(tear, random)));
        let files = files.collect();
        (self.on_cut)(Crash { tear, files });
    }
}

impl Image {
    fn torn(&self, tear: Tear, random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for pending in &self.pending {
            let kept = match tear {
                Tear::Nothing => false,
                Tear::Everything | Tear::SomeSectors => true,
                Tear::SomeWrites => random.bool(),
            };
            match pending {
                Pending::Length(length) if kept => bytes.resize(*length, 0),
                Pending::Room(length) if kept => make_room(&mut bytes, *length),
                Pending::Write(at, data) if kept => {
                    for (n, sector) in sectors(*at, data) {
                        if !matches!(tear, Tear::SomeSectors) || random.bool() {
                            put(&mut bytes, n, sector);
                        }
                    }
                }
                _ => {}
            }
        }
        bytes
    }

    fn sync(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Write(at, data) => put(&mut self.durable, at, &data),
                Pending::Length(length) => self.durable.resize(length, 0),
                Pending::Room(length) => make_room(&mut self.durable, length),
            }
        }
    }
}

/// A write, cut where the device's sectors meet.
fn sectors(at: usize, data: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let head = (SECTOR - at % SECTOR).min(data.len());
    let (first, rest) = data.split_at(head);
    let rest = rest.chunks(SECTOR).enumerate();
    std::iter::once((at, first)).chain(rest.map(move |(n, part)| (at + head + n * SECTOR, part)))
}

fn make_room(bytes: &mut Vec<u8>, length: usize) {
    bytes.resize(bytes.len().max(length), 0);
}

fn put(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    make_room(bytes, at + data.len());
    bytes[at..at + data.len()].copy_from_slice(data);
}

fn inode(fd: c_int) -> u64 {
    // SAFETY: a `stat` is plain numbers, for which zero is a value.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is there to be written to; any number may be passed as the descriptor.
    match unsafe { libc::fstat(fd, &raw mut stat) } {
        0 => stat.st_ino,
        _ => 0,
    }
}

fn watched(fd: c_int, change: impl FnOnce(&mut Image, bool)) -> bool {
    let mut disk = disk();
    let Some(disk) = disk.as_mut() else { return false };
    let inode = inode(fd);
    let known = disk.images.contains_key(&inode);
    disk.event(inode, change);
    known
}

fn refuses(fd: c_int) -> bool {
    let mut disk = disk();
    match disk.as_mut() {
        Some(Disk { failing: Some(failed), images, .. }) if images.contains_key(&inode(fd)) => {
            *failed += 1;
            true
        }
        _ => false,
    }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, count: size_t, at: off64_t) -> ssize_t {
    // SAFETY: the caller's promise for `pwrite64` is the system call's.
    let written = unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes, count, at) } as ssize_t;
    if let (Ok(length), Ok(at)) = (usize::try_from(written), usize::try_from(at)) {
        // SAFETY: the kernel has just read that many bytes from there.
        let data = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
        watched(fd, |image, _| image.pending.push(Pending::Write(at, data.to_vec())));
    }
    written
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(fd: c_int, length: off64_t) -> c_int {
    // SAFETY: takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) } as c_int;
    if let (0, Ok(length)) = (result, usize::try_from(length)) {
        watched(fd, |image, _| image.pending.push(Pending::Length(length)));
    }
    result
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fallocate64(fd: c_int, mode: c_int, at: off64_t, length: off64_t) -> c_int {
    // SAFETY: takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_fallocate, fd, mode, at, length) } as c_int;
    if let (0, Ok(end)) = (result, usize::try_from(at + length)) {
        watched(fd, |image, _| image.pending.push(Pending::Room(end)));
    }
    result
}

fn sync(fd: c_int, call: c_long) -> c_int {
    if refuses(fd) {
        // SAFETY: the address is this thread's own errno.
        unsafe { *libc::__errno_location() = libc::EIO };
        return -1;
    }
    let sync = |image: &mut Image, lies: bool| {
        if !lies {
            image.sync();
        }
    };
    match watched(fd, sync) {
        // The real device need not be troubled: what it would hold is known here.
        true => 0,
        // SAFETY: takes a number only.
        false => unsafe { libc::syscall(call, fd) as c_int },
    }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fdatasync)
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fsync)
}
