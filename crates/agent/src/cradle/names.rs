//! By what a process is known: its arguments and its environment as `/proc` shows them. A supervisor that was forked has
//! those of the cradle, so it writes its own over them: a sweep finds it by its token, people by its folder.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What keeps room for a token, and for a word that is longer.
pub(super) const UNBORN: &str = "------------------------";

/// In the place of a token, of a supervisor that has no attempt.
pub(super) const WAITING: &str = "waiting";

const TOKEN: &[u8] = b"BATON_TOKEN=";

/// Where in this process's memory its names stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    arguments: (usize, usize),
    environment: (usize, usize),
}

impl Names {
    /// Asks the kernel.
    ///
    /// # Errors
    /// If it does not tell.
    pub(super) fn find() -> io::Result<Names> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        // The 48th of all, counted from one, is the 45th behind the name.
        let field = |at: usize| fields.get(at).and_then(|field| field.parse().ok()).filter(|at| *at != 0);
        let range = |first| Some((field(first)?, field(first + 1)?)).filter(|(from, to)| from <= to);
        match (range(45), range(47)) {
            (Some(arguments), Some(environment)) => Ok(Names { arguments, environment }),
            _ => Err(io::Error::other("the kernel does not tell where the arguments stand")),
        }
    }

    /// Writes those of a supervisor: of this attempt's, or of one that has none.
    pub(super) fn become_supervisor(self, token: &str, attempt: &Path) {
        // SAFETY: the kernel put the texts there before this process began, and says how far they reach; nobody else
        // looks at them in this process of one thread, and what stays within each text leaves it one.
        let [arguments, environment] = [self.arguments, self.environment].map(|(from, to)| unsafe {
            std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(from), to - from)
        });
        rewrite_arguments(arguments, attempt);
        rewrite_token(environment, token);
    }
}

fn rewrite_arguments(arguments: &mut [u8], attempt: &Path) {
    let program = arguments.iter().position(|byte| *byte == 0).unwrap_or_default();
    let words = [&b"supervise"[..], attempt.as_os_str().as_bytes(), b""].join(&0);
    if let Some(rest) = arguments.get_mut(program + 1..)
        && words.len() <= rest.len()
    {
        rest.fill(0);
        rest[..words.len()].copy_from_slice(&words);
    }
}

fn rewrite_token(environment: &mut [u8], token: &str) {
    let at = environment.split(|byte| *byte == 0).scan(0, |next, variable| {
        let from = *next;
        *next += variable.len() + 1;
        Some((from, variable.starts_with(TOKEN)))
    });
    // What an earlier token left of its room is zeros.
    if let Some((from, _)) = at.into_iter().find(|(_, is_its)| *is_its)
        && let Some(value) = environment.get_mut(from + TOKEN.len()..from + TOKEN.len() + UNBORN.len())
        && token.len() <= value.len()
    {
        value.fill(0);
        value[..token.len()].copy_from_slice(token.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_token_has_room() {
        let (folder, token) = ("/data/attempts", u64::MAX);
        let mut arguments = format!("/bin/baton\0cradle\0{folder}/{UNBORN}\0").into_bytes();
        rewrite_arguments(&mut arguments, Path::new(&format!("{folder}/{token}")));
        let text = String::from_utf8(arguments).unwrap();
        assert_eq!(text.trim_end_matches('\0'), format!("/bin/baton\0supervise\0{folder}/{token}"));
    }

    #[test]
    fn the_token_stands_where_a_sweep_looks_for_it() {
        let mut environment = format!("A=1\0BATON_TOKEN={UNBORN}\0Z=BATON_TOKEN=\0").into_bytes();
        rewrite_token(&mut environment, &u64::MAX.to_string());
        rewrite_token(&mut environment, "70");
        assert_eq!(crate::process::variable(&environment, "BATON_TOKEN"), Some(&b"70"[..]));
        assert_eq!(crate::process::variable(&environment, "Z"), Some(&b"BATON_TOKEN="[..]));
        rewrite_token(&mut environment, WAITING);
        assert_eq!(crate::process::variable(&environment, "BATON_TOKEN"), Some(WAITING.as_bytes()));
    }

    /// This process's own names, as the kernel shows them.
    #[test]
    fn the_kernel_tells_where_they_stand() {
        let names = Names::find().unwrap();
        let (from, to) = names.arguments;
        assert_eq!(fs::read("/proc/self/cmdline").unwrap().len(), to - from);
        let (from, to) = names.environment;
        assert_eq!(fs::read("/proc/self/environ").unwrap().len(), to - from);
    }
}
