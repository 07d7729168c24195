//! Logs: structured, to stderr, level by `AKTA_LOG` (for example `info` or `akta=debug`). Never identities.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging at `default` unless `AKTA_LOG` says otherwise.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_env("AKTA_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second start, in tests, keeps the first.
    let _ = logger.try_init();
}
