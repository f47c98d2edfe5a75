//! Our own log: by level, for people or as JSON lines, on standard error.
//!
//! Never a secret, an address of a person or a body: what is logged is named field by field.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{out::cell, trouble::Trouble};

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
    let fmt = tracing_subscriber::fmt::layer().with_writer(|| Clean(std::io::stderr())).with_target(false);
    // A second start in one process (tests, demo) keeps the first.
    let _ = if json {
        registry.with(fmt.json().flatten_event(true)).try_init()
    } else {
        registry.with(fmt.with_ansi(false)).try_init()
    };
    Ok(())
}

/// One event is one line without control characters, whatever it quotes: somebody reads the log on a terminal.
struct Clean<W>(W);

impl<W: Write> Write for Clean<W> {
    /// The layer gives each event whole, with its newline.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let end = &text[line.len()..];
        self.0.write_all(format!("{}{end}", cell(line)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_control_characters() {
        let mut clean = Clean(Vec::new());
        clean.write_all(b"WARN `a`: not done: \x1b[2K\rVERIFIED\nINFO forged\n").unwrap();
        let said = String::from_utf8(clean.0).unwrap();
        assert_eq!(said, "WARN `a`: not done: \u{fffd}[2K\u{fffd}VERIFIED INFO forged\n");
    }
}
