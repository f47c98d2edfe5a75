//! What every notifier shares: errors as sentences without a secret, and one limit in time.
//!
//! This module must not know any kind of outlet.

use std::{error::Error, future::Future};

use seaworthy_model::port::{Address, SendError};

/// Most of a foreign text (a server's words, a command's output) that goes into a sentence, in bytes.
const FOREIGN_BYTES_MAX: usize = 500;

/// Worth another try.
pub(crate) fn later(reason: impl Into<String>) -> SendError {
    SendError { retry: true, reason: reason.into() }
}

/// No use until somebody changes something.
pub(crate) fn never(reason: impl Into<String>) -> SendError {
    SendError { retry: false, reason: reason.into() }
}

/// Sends within the address's limit and masks every secret in what is said about it.
pub(crate) async fn within<F>(to: &Address, place: &str, sending: F) -> Result<String, SendError>
where
    F: Future<Output = Result<String, SendError>>,
{
    let sent = tokio::time::timeout(to.timeout.to_std(), sending).await;
    let sent = sent.unwrap_or_else(|_| Err(later(format!("{place} did not take the message within {}", to.timeout))));
    match sent {
        Ok(receipt) => Ok(masked(&receipt, to)),
        Err(error) => Err(SendError { reason: masked(&error.reason, to), ..error }),
    }
}

fn masked(text: &str, to: &Address) -> String {
    let mut values: Vec<&str> =
        to.secrets.iter().flat_map(|s| [s.value.as_str(), s.value.trim()]).filter(|value| !value.is_empty()).collect();
    // Longest first, so that one that contains another is masked whole.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.iter().fold(text.to_owned(), |text, value| text.replace(value, "***"))
}

/// The value of a named secret, without the line feed that a file ends with.
pub(crate) fn secret<'a>(to: &'a Address, name: &str) -> Result<&'a str, SendError> {
    let found = to.secrets.iter().find(|secret| secret.name == name);
    found.map(|secret| secret.value.trim_end_matches(['\r', '\n'])).ok_or_else(|| {
        never(format!("the secret `{name}` has no value here; say in the site file's `secrets` where it comes from"))
    })
}

/// An error with the causes below it, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    foreign(&text)
}

/// A foreign text on one line and cut.
pub(crate) fn foreign(text: &str) -> String {
    let mut line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.truncate(line.floor_char_boundary(FOREIGN_BYTES_MAX));
    line
}
