//! A process that is born into the memory of its parent, on a stack of its own, while the parent waits until it has
//! become another program: as `vfork`, and into a cgroup, for which the C library has no words yet.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use rustix::process::Pid;

use super::become_program::Program;

/// As in the kernel's `sched.h`; the constant of the `libc` crate does not fit its own type.
const CLONE_INTO_CGROUP: u64 = 1 << 33;
const HOW: c_int = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD;

/// Starts the program, and comes back when it runs or has said why not. Where it cannot be born inside the cgroup,
/// ancestry finds it as well.
///
/// # Errors
/// If no process can be made.
pub(super) fn start(
    program: &Program,
    stack: &mut Stack,
    cgroup: Option<BorrowedFd<'_>>,
) -> io::Result<(Pid, OwnedFd)> {
    stack.grow_to(program.stack_len())?;
    let mut pidfd: RawFd = -1;
    // SAFETY: supervisors have one thread.
    let pid = unsafe {
        program.with_environment(|| {
            let inside = cgroup.and_then(|cgroup| born_inside(program, stack, cgroup, &mut pidfd));
            inside.map_or_else(|| born(program, stack, &mut pidfd), Ok)
        })
    }?;
    // SAFETY: the kernel has opened it for this process together with the child.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("a process without a number"))?;
    Ok((pid, pidfd))
}

extern "C" fn child(program: *mut c_void) -> ! {
    // SAFETY: it is the program of `start`, which waits.
    unsafe { (*program.cast::<Program>()).execute() }
}

extern "C" fn child_of_clone(program: *mut c_void) -> c_int {
    child(program)
}

unsafe fn born(program: &Program, stack: &Stack, pidfd: &mut RawFd) -> io::Result<i32> {
    let program = ptr::from_ref(program).cast_mut().cast();
    // SAFETY: the stack is unused, and this process waits until the child does not need it any more.
    let pid = unsafe {
        libc::clone(child_of_clone, stack.top(), HOW | libc::SIGCHLD, program, ptr::from_mut(pidfd))
    };
    if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(pid) }
}

/// `None` where the kernel refuses, or this machine's words for it are not known here.
unsafe fn born_inside(
    program: &Program,
    stack: &Stack,
    cgroup: BorrowedFd<'_>,
    pidfd: &mut RawFd,
) -> Option<i32> {
    // SAFETY: all zeros is a valid value of this plain C structure.
    let mut how: libc::clone_args = unsafe { std::mem::zeroed() };
    how.flags = CLONE_INTO_CGROUP | u64::from(HOW.cast_unsigned());
    how.pidfd = ptr::from_mut(pidfd) as u64;
    how.exit_signal = libc::SIGCHLD as u64;
    how.stack = stack.bottom as u64;
    how.stack_size = stack.length as u64;
    how.cgroup = cgroup.as_raw_fd() as u64;
    // SAFETY: as `born`.
    let pid = unsafe { clone3(&how, ptr::from_ref(program).cast_mut().cast()) };
    i32::try_from(pid).ok().filter(|pid| *pid > 0)
}

#[cfg(target_arch = "x86_64")]
unsafe fn clone3(how: &libc::clone_args, program: *mut c_void) -> isize {
    let mut result = libc::SYS_clone3 as isize;
    // SAFETY: the child leaves this code at once, for a function that never comes back, on a stack of its own.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, {program}",
            "call {child}",
            "ud2",
            "2:",
            child = in(reg) child as extern "C" fn(*mut c_void) -> !,
            program = in(reg) program,
            inout("rax") result,
            in("rdi") ptr::from_ref(how),
            in("rsi") size_of_val(how),
            out("rcx") _,
            out("r11") _,
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn clone3(how: &libc::clone_args, program: *mut c_void) -> isize {
    let mut result = ptr::from_ref(how) as isize;
    // SAFETY: the child leaves this code at once, for a function that never comes back, on a stack of its own.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, {program}",
            "blr {child}",
            "brk #1",
            "2:",
            child = in(reg) child as extern "C" fn(*mut c_void) -> !,
            program = in(reg) program,
            in("x8") libc::SYS_clone3,
            inout("x0") result,
            in("x1") size_of_val(how),
        );
    }
    result
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn clone3(_: &libc::clone_args, _: *mut c_void) -> isize {
    -1
}

/// Memory for the stack of one child after the other.
pub(super) struct Stack {
    bottom: *mut c_void,
    length: usize,
}

impl Stack {
    /// None yet.
    pub(super) fn new() -> Stack {
        Stack { bottom: ptr::null_mut(), length: 0 }
    }

    /// Makes it at least so long.
    fn grow_to(&mut self, length: usize) -> io::Result<()> {
        if length > self.length {
            *self = Stack::of(length.next_multiple_of(4096))?;
        }
        Ok(())
    }

    fn of(length: usize) -> io::Result<Stack> {
        let (how, whose) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory at a place of the kernel's choice.
        let bottom = unsafe { libc::mmap(ptr::null_mut(), length, how, whose, -1, 0) };
        if bottom == libc::MAP_FAILED {
            Err(io::Error::last_os_error())
        } else {
            Ok(Stack { bottom, length })
        }
    }

    fn top(&self) -> *mut c_void {
        self.bottom.wrapping_byte_add(self.length)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: nobody runs on it any more.
            unsafe { libc::munmap(self.bottom, self.length) };
        }
    }
}
