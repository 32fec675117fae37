//! Work that may take long, apart from the threads that everything else runs on.

use futures::future::{Either, ready};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, spawn_blocking};

/// Whether there are threads for it. A runtime of one thread, which is what the simulator gives, has none: there every
/// order must be the runtime's own.
pub(crate) fn has_threads() -> bool {
    Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread
}

/// Begins what may take long, on a thread that may wait for it, whether or not anybody waits for its end; does it at once
/// where there is no such thread. An error is a panic of the work, or the end of the runtime.
pub(crate) fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, JoinError>> {
    match has_threads() {
        true => Either::Left(spawn_blocking(work)),
        false => Either::Right(ready(Ok(work()))),
    }
}
