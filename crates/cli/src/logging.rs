//! What a server or an agent tells its log: lines on stderr, filtered by `BATON_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Begins to log, from `info` upwards unless `BATON_LOG` says otherwise (`debug`, `baton_node=trace`, …). With
/// `stage=debug` each stage that a step goes through is a span and says how long it took.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env("BATON_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info,openraft=error,sled=warn"));
    let colour =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        // The stages of a step are spans: each says its time when it closes.
        .with_span_events(FmtSpan::CLOSE)
        .try_init();
}
