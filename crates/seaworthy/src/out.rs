//! One way to print: to a terminal with colour, to a pipe without, and a closed pipe is not an error.
//!
//! This module must not know what is printed.

use std::io::{self, IsTerminal as _, Write as _};

/// Where a verb's words go.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// Only one JSON object, on the last line of standard output.
    pub json: bool,
    pub colour: bool,
}

/// What follows the escape character in what [`Out::paint`] writes.
const OURS: [&str; 6] = ["[32m", "[1;31m", "[33m", "[2m", "[1m", "[0m"];

/// What a word means; colour is never the only sign of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Doubt,
    Quiet,
    Strong,
}

impl Out {
    /// As the terminal and NO_COLOR say.
    pub fn new(json: bool) -> Out {
        Out { json, colour: !json && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// The text in the tone's colour, if there are colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Doubt => "33",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A line for people: nothing if JSON was asked for. Whatever is in it, the terminal gets no control character but
    /// tab, newline and our own colours.
    pub fn line(&self, text: &str) {
        if !self.json {
            raw(&self.shown(text));
        }
    }

    /// Keeps what [`Out::paint`] writes, if there are colours, and makes every other control character visible.
    fn shown(&self, text: &str) -> String {
        let mut parts = text.split('\x1b');
        let mut shown = safe(parts.next().unwrap_or_default());
        for part in parts {
            let ours = self.colour && OURS.iter().any(|code| part.starts_with(code));
            shown.push(if ours { '\x1b' } else { '\u{fffd}' });
            shown.push_str(&safe(part));
        }
        shown
    }

    /// The object for machines: nothing unless JSON was asked for.
    pub fn object(&self, value: &serde_json::Value) {
        if self.json {
            raw(&value.to_string());
        }
    }
}

/// A line on standard output, whoever reads it. A closed pipe is not an error, and a verb goes on without a reader:
/// what it does and its exit code do not depend on who listens.
pub fn raw(text: &str) {
    bytes(text.as_bytes());
    bytes(b"\n");
}

/// Bytes on standard output as they are. `false`: nobody reads them any more.
pub fn bytes(bytes: &[u8]) -> bool {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    !written.is_err_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// A line on standard error.
pub fn complain(text: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// What came from elsewhere as a part of one line of a table: it cannot begin a line of its own.
pub fn cell(text: &str) -> String {
    safe(text).replace(['\t', '\n'], " ")
}

/// What came from a command, safe for a terminal: control characters but tab and newline are made visible.
pub fn safe(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' | '\n' => c,
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_our_colours_and_no_other_control_character() {
        let tones = [Tone::Good, Tone::Bad, Tone::Doubt, Tone::Quiet, Tone::Strong];
        let out = Out { json: false, colour: true };
        for tone in tones {
            let painted = out.paint(tone, "word");
            assert_eq!(out.shown(&painted), painted, "{tone:?}");
        }
        assert_eq!(out.shown("a\x1b[2K\rb\x1b[1A\u{9b}2K\tc\n"), "a\u{fffd}[2K\u{fffd}b\u{fffd}[1A\u{fffd}2K\tc\n");
        assert_eq!(Out { colour: false, ..out }.shown("\x1b[32mVERIFIED"), "\u{fffd}[32mVERIFIED");
        assert_eq!(cell("failed\nVERIFIED"), "failed VERIFIED");
    }
}
