//! Reading a plan goes down one stack frame for each level of what the author wrote. It gets a stack of its own on
//! which the largest text that the bounds allow fits many times over, so that no caller's thread can overflow.

use std::cell::Cell;
use std::thread;

/// About eight times what the largest condition needs in a build without optimisation. Only what is touched is taken.
const BYTES: usize = 64 << 20;

thread_local! {
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Does something on a deep stack and waits for it.
///
/// # Errors
/// A sentence when no thread could be started, or when what was done panicked: a defect in a parser is then a
/// refusal of the plan and not the end of the process.
pub(crate) fn deep<T: Send>(act: impl FnOnce() -> T + Send) -> Result<T, String> {
    if IS_DEEP.get() {
        return Ok(act());
    }
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("plan".to_owned()).stack_size(BYTES);
        let thread = builder.spawn_scoped(scope, || {
            IS_DEEP.set(true);
            act()
        });
        let thread = thread.map_err(|error| {
            format!("no thread could be started to read this ({error}); try again when the machine has room")
        })?;
        thread.join().map_err(|_| "reading this ended in a defect of ours; please report the text".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::deep;

    #[test]
    fn a_defect_is_a_sentence_and_the_caller_goes_on() {
        assert_eq!(deep(|| 7), Ok(7));
        assert_eq!(deep(|| deep(|| 7)), Ok(Ok(7)));
        let defect = deep(|| assert_eq!(1, 2)).unwrap_err();
        assert!(defect.contains("please report"), "{defect}");
    }
}
