//! Our own log: by level, for people or as JSON lines, on standard error.
//!
//! Never a secret, an address of a person or a body: what is logged is named field by field.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::trouble::Trouble;

/// Starts the log. Roles log from `info` on, verbs only errors, unless a level is named.
///
/// # Errors
/// When the level is none of error, warn, info, debug, trace, off.
pub fn start(level: Option<&str>, json: bool, loud: bool) -> Result<(), Trouble> {
    let level: LevelFilter = match level {
        Some(text) => text.parse().map_err(|_| {
            Trouble::start(format!("`{text}` is not a log level; write off, error, warn, info, debug or trace"))
        })?,
        None if loud => LevelFilter::INFO,
        None => LevelFilter::ERROR,
    };
    // Libraries speak only when they are in trouble, however talkative we are asked to be.
    let filter = Targets::new().with_default(level.min(LevelFilter::WARN)).with_targets(
        [
            "seaworthy",
            "seaworthy_runtime",
            "seaworthy_store",
            "seaworthy_platform",
            "seaworthy_probe",
            "seaworthy_notify",
            "seaworthy_web",
        ]
        .map(|target| (target, level)),
    );
    let registry = tracing_subscriber::registry().with(filter);
    let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    // A second start in one process (tests, demo) keeps the first.
    let _ = if json {
        registry.with(fmt.json().flatten_event(true)).try_init()
    } else {
        registry.with(fmt.with_ansi(false)).try_init()
    };
    Ok(())
}
