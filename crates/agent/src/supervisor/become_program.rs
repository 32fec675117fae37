//! What a child does between its birth and the program that it becomes. It shares the memory of the supervisor, which
//! waits for it: so everything is laid out before, and nothing here allocates, locks or unwinds.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{Access, access};

unsafe extern "C" {
    /// Where `execvp` finds both the environment and the path on which it looks for the program.
    static mut environ: *const *const c_char;
}

/// The names and the lines of this process's environment.
///
/// # Safety
/// As long as nobody changes it.
unsafe fn own_variables() -> impl Iterator<Item = (&'static [u8], *const c_char)> {
    // SAFETY: it is null, or an array of texts that ends with a null.
    let line = |at: usize| unsafe { environ.as_ref().map(|first| *ptr::from_ref(first).add(at)) };
    let lines = (0..).map_while(move |at| line(at).filter(|line| !line.is_null()));
    lines.map(|line| {
        // SAFETY: a text that ends with a zero.
        let text = unsafe { CStr::from_ptr(line) }.to_bytes();
        (text.split(|byte| *byte == b'=').next().unwrap_or_default(), line)
    })
}

/// Where it stands on this path: the first place that may be executed.
fn find(program: &str, path: &OsStr) -> Option<CString> {
    if program.contains('/') {
        return None;
    }
    let mut places = env::split_paths(path).map(|folder| folder.join(program));
    let place = places.find(|place| access(place, Access::EXEC_OK).is_ok())?;
    CString::new(place.into_os_string().into_vec()).ok()
}

/// A program about to be executed, in the words of the kernel.
pub(super) struct Program {
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    /// Where `execvp` would find it. That one looks by trying to execute what is not there, at a cost of its own.
    place: Option<CString>,
    stdout: RawFd,
    stderr: RawFd,
    supervisor: libc::pid_t,
    /// Why it could not be executed; zero while it could.
    failure: AtomicI32,
    /// What the pointers point to.
    _texts: Vec<CString>,
}

impl Program {
    /// Lays out everything that is needed: the environment is this process's own with what is given over it.
    ///
    /// # Errors
    /// A zero byte in a text.
    pub(super) fn new(
        argv: &[String],
        environment: &[(String, OsString)],
        stdout: RawFd,
        stderr: RawFd,
    ) -> io::Result<Program> {
        let given: BTreeMap<&[u8], &OsStr> =
            environment.iter().map(|(name, value)| (name.as_bytes(), value.as_os_str())).collect();
        let path =
            given.get(&b"PATH"[..]).map_or_else(|| env::var_os("PATH"), |path| Some((*path).to_owned()));
        let place = argv.first().zip(path).and_then(|(program, path)| find(program, &path));
        let lines = given.iter().map(|(name, value)| [name, &b"="[..], value.as_bytes()].concat());
        let mut texts = Vec::new();
        let mut point = |text: Vec<u8>| {
            texts.push(CString::new(text)?);
            Ok::<_, io::Error>(texts[texts.len() - 1].as_ptr())
        };
        let mut argv: Vec<_> =
            argv.iter().map(|word| point(word.clone().into_bytes())).collect::<Result<_, _>>()?;
        let mut envp: Vec<_> = lines.map(point).collect::<Result<_, _>>()?;
        // SAFETY: supervisors have one thread, and their environment stays where it is.
        envp.extend(
            unsafe { own_variables() }.filter(|(name, _)| !given.contains_key(name)).map(|(_, line)| line),
        );
        argv.push(ptr::null());
        envp.push(ptr::null());
        // SAFETY: it only asks.
        let supervisor = unsafe { libc::getpid() };
        let failure = AtomicI32::new(0);
        Ok(Program { argv, envp, place, stdout, stderr, supervisor, failure, _texts: texts })
    }

    /// Room on the stack for what `execvp` needs: a path, and a copy of the arguments where it takes the program for a
    /// shell's script.
    pub(super) fn stack_len(&self) -> usize {
        128 * 1024 + 2 * size_of_val(&self.argv[..])
    }

    /// Why the child did not become the program.
    pub(super) fn failure(&self) -> Option<io::Error> {
        match self.failure.load(Ordering::Acquire) {
            0 => None,
            code => Some(io::Error::from_raw_os_error(code)),
        }
    }

    /// Runs `birth` with the program's environment in the place of this process's own.
    ///
    /// # Safety
    /// Only in a process of one thread.
    pub(super) unsafe fn with_environment<T>(&self, birth: impl FnOnce() -> T) -> T {
        // SAFETY: nobody else reads it, and the program's own outlives the call.
        unsafe {
            let own = environ;
            environ = self.envp.as_ptr();
            let born = birth();
            environ = own;
            born
        }
    }

    /// In the child: the program, or the end.
    ///
    /// # Safety
    /// Only in a new process, under [`Program::with_environment`].
    pub(super) unsafe fn execute(&self) -> ! {
        // SAFETY: system calls with what was laid out, and the end of the child without running what belongs to its
        // parent.
        unsafe {
            let code = self.prepare().err().unwrap_or_else(|| {
                if let Some(place) = &self.place {
                    libc::execve(place.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr());
                }
                libc::execvp(self.argv[0], self.argv.as_ptr());
                *libc::__errno_location()
            });
            self.failure.store(if code == 0 { libc::EINVAL } else { code }, Ordering::Release);
            libc::_exit(127)
        }
    }

    /// # Safety
    /// Only in a new process.
    unsafe fn prepare(&self) -> Result<(), c_int> {
        // SAFETY: plain system calls; the set is initialised before it is used.
        unsafe {
            let done = |result: c_int| if result < 0 { Err(*libc::__errno_location()) } else { Ok(()) };
            done(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            if libc::getppid() != self.supervisor {
                // The supervisor died before the line above could tell us.
                return Err(libc::EPIPE);
            }
            done(libc::setpgid(0, 0))?;
            // Standard input is the supervisor's own, which reads nothing.
            done(libc::dup2(self.stdout, libc::STDOUT_FILENO))?;
            done(libc::dup2(self.stderr, libc::STDERR_FILENO))?;
            // A Rust program ignores it, and a step must not.
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            // The supervisor blocks SIGTERM for itself; its step must hear it.
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            done(libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut()))
        }
    }
}
