//! Single values: from the text that people write to what the model holds, or a sentence about what is wrong.
//!
//! This module must not know keys or files. It is strict where YAML is generous: `no` is no false, `022` no 18.

use seaworthy_core::schedule::{parse_days, parse_time_in};
use seaworthy_model::{
    process::{Backoff, Bound, Overlap},
    time::{At, Span},
};

use crate::{
    diagnostic::quoted,
    nearest::advice,
    shape::{Kind, process::QUEUE_MAX},
};

/// Longest name of anything.
pub const NAME_CHARS_MAX: usize = 80;

/// What is wrong with a value, and what to write instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Wrong {
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

fn wrong(message: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong { code: "wrong-value", message: message.into(), help: help.into() }
}

/// Whether `text` is a value of this kind. Kinds that are no single text accept everything here.
///
/// # Errors
/// What is wrong with it.
pub fn check(kind: &Kind, text: &str) -> Result<(), Wrong> {
    match kind {
        Kind::Text | Kind::Expect | Kind::Cron | Kind::Calendar | Kind::Zone if text.trim().is_empty() => {
            Err(wrong("this is empty", "write a text, or leave the key out"))
        }
        Kind::Name => name(text),
        Kind::Variable | Kind::Secret => variable(text),
        Kind::Path => path(text),
        Kind::Span => span(text).map(drop),
        Kind::Size => size(text).map(drop),
        Kind::CountOrSpan { max } if text.chars().all(|c| c.is_ascii_digit()) => whole(text, 1, *max).map(drop),
        Kind::CountOrSpan { .. } => span(text).map(drop),
        Kind::Instant => instant(text, "UTC").map(drop),
        Kind::Days => parse_days(text).map(drop).map_err(|sentence| split(&sentence)),
        Kind::Bound => bound(text).map(drop),
        Kind::Backoff => backoff(text).map(drop),
        Kind::Overlap => overlap(text).map(drop),
        Kind::Whole { min, max } => whole(text, *min, *max).map(drop),
        Kind::True if text != "true" => Err(Wrong {
            code: "wrong-type",
            ..wrong("only `true` says something here", "write true, or leave the key out")
        }),
        Kind::Word(words) if !words.contains(&text) => {
            Err(wrong(format!("{} is not known here", quoted(text)), advice(text, words)))
        }
        _ => Ok(()),
    }
}

fn name(text: &str) -> Result<(), Wrong> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(good) && text.len() <= NAME_CHARS_MAX {
        return Ok(());
    }
    let help =
        format!("use letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most {NAME_CHARS_MAX}");
    Err(wrong(format!("{} is not a name", quoted(text)), help))
}

/// Names that Seaworthy itself gives to commands.
const VARIABLES_TAKEN: [&str; 4] = ["TRIGGER", "WORKDIR", "ARTIFACT", "SCRATCH"];

fn variable(text: &str) -> Result<(), Wrong> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(good) {
        let help = "use letters, digits and `_`, not beginning with a digit";
        return Err(wrong(format!("{} is not the name of an environment variable", quoted(text)), help));
    }
    if VARIABLES_TAKEN.contains(&text) || text.starts_with("SEAWORTHY_") {
        return Err(wrong(format!("{} is set by Seaworthy itself", quoted(text)), "choose another name"));
    }
    Ok(())
}

fn path(text: &str) -> Result<(), Wrong> {
    if text.starts_with('/') {
        return Err(wrong(
            format!("{} is an absolute path", quoted(text)),
            "write it relative, without the leading `/`",
        ));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(wrong(format!("{} leaves its folder", quoted(text)), "write a path without `..`"));
    }
    if text.is_empty() || text.split('/').any(|part| part.is_empty() || part == ".") {
        return Err(wrong(
            format!("{} is not a plain path", quoted(text)),
            "write a name, or names with one `/` between them",
        ));
    }
    Ok(())
}

/// A length of time that is more than none.
///
/// # Errors
/// What is wrong with it.
pub fn span(text: &str) -> Result<Span, Wrong> {
    match Span::parse(text) {
        Ok(Span::ZERO) => {
            Err(wrong("no time at all is not a length of time here", "write a longer one, such as `30s`"))
        }
        Ok(span) => Ok(span),
        Err(sentence) => Err(split(&sentence)),
    }
}

/// A size of at least one byte.
///
/// # Errors
/// What is wrong with it.
pub fn size(text: &str) -> Result<u64, Wrong> {
    match seaworthy_core::expect::size(text.trim()) {
        Ok(0) => Err(wrong("nothing at all is not a size here", "write a larger one, such as `64MiB`")),
        Ok(bytes) => Ok(bytes),
        Err((message, help)) => Err(wrong(message, help)),
    }
}

/// A length of time, or a share of the usual one.
///
/// # Errors
/// What is wrong with it.
pub fn bound(text: &str) -> Result<Bound, Wrong> {
    let Some((number, rest)) = text.split_once('%') else {
        return span(text).map(Bound::Span);
    };
    let help = "write it as `20% of usual`, or as a length of time";
    if rest.split_whitespace().collect::<Vec<_>>() != ["of", "usual"] {
        return Err(wrong(format!("{} does not say per cent of what", quoted(text)), help));
    }
    let digits = number.trim().chars().all(|c| c.is_ascii_digit() || c == '.');
    match number.trim().parse::<f64>() {
        Ok(share) if digits && share > 0.0 && share <= 1e6 => Ok(Bound::OfUsual(share)),
        _ => Err(wrong(format!("`{}` is not a number of per cent above 0", number.trim()), help)),
    }
}

/// Shortest and longest wait: `1m..10m`; a single length is both.
///
/// # Errors
/// What is wrong with it.
pub fn backoff(text: &str) -> Result<Backoff, Wrong> {
    let (shortest, longest) = text.split_once("..").unwrap_or((text, text));
    let (shortest, longest) = (span(shortest)?, span(longest)?);
    if shortest > longest {
        return Err(wrong("the shortest wait is longer than the longest", "write the shorter one first: `1m..10m`"));
    }
    Ok(Backoff { shortest, longest })
}

/// `forbid`, `queue` (one waits), `queue(N)`, `replace`, `allow`.
///
/// # Errors
/// What is wrong with it.
pub fn overlap(text: &str) -> Result<Overlap, Wrong> {
    match text {
        "forbid" => Ok(Overlap::Forbid),
        "queue" => Ok(Overlap::Queue(1)),
        "replace" => Ok(Overlap::Replace),
        "allow" => Ok(Overlap::Allow),
        _ => match text.strip_prefix("queue(").and_then(|rest| rest.strip_suffix(')')) {
            Some(number) => whole(number.trim(), 1, QUEUE_MAX).map(Overlap::Queue),
            None => {
                let help = advice(text, &["forbid", "queue(3)", "replace", "allow"]);
                Err(wrong(format!("{} is not known here", quoted(text)), help))
            }
        },
    }
}

/// A whole number as people write it: digits only, no leading zero (which some readers take for octal).
///
/// # Errors
/// What is wrong with it.
pub fn whole(text: &str, min: u32, max: u32) -> Result<u32, Wrong> {
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        let message = format!("{} is not a whole number", quoted(text));
        return Err(Wrong { code: "wrong-type", ..wrong(message, "write digits only, without a leading zero") });
    }
    match text.parse::<u32>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(wrong(format!("{} is out of bounds", quoted(text)), format!("write a number from {min} to {max}"))),
    }
}

/// An instant; a local time without a zone is in `zone`.
///
/// # Errors
/// What is wrong with it.
pub fn instant(text: &str, zone: &str) -> Result<At, Wrong> {
    parse_time_in(text, zone).map_err(|sentence| split(&sentence))
}

/// Many sentences of other crates say what is wrong, then what to write.
fn split(sentence: &str) -> Wrong {
    let (message, help) = sentence.split_once("; ").unwrap_or((sentence, ""));
    wrong(message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trap_of_yaml_is_no_number() {
        for text in ["022", "1e3", "0x10", "1_000", "-1", "+1", "1.0", "", "4294967296"] {
            assert!(whole(text, 0, u32::MAX).is_err(), "{text}");
        }
        assert_eq!(whole("0", 0, 9), Ok(0));
    }

    #[test]
    fn a_bound_is_a_time_or_a_share_of_the_usual_one() {
        assert_eq!(bound("20% of usual"), Ok(Bound::OfUsual(20.0)));
        assert_eq!(bound("12.5 %  of  usual"), Ok(Bound::OfUsual(12.5)));
        assert_eq!(bound("3m"), Ok(Bound::Span(Span::seconds(180))));
        for text in ["20%", "20% of it", "0% of usual", "inf% of usual", "-3% of usual", "20"] {
            assert!(bound(text).is_err(), "{text}");
        }
    }
}
