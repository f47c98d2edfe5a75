//! What every look shares: a limit in time, texts of bounded length, and no secret in any of them.
//!
//! This module must not know any kind of look.

use std::{future::Future, time::Instant};

use seaworthy_model::{
    port::{LookOrder, Secret},
    run::Observation,
    time::Span,
    value::{Facts, OBSERVATION_BYTES_MAX, Value},
};

/// What stands where a secret stood.
const MASKED: &[u8] = b"***";

/// The secrets of one look, longest first, so that one that contains another is masked whole.
#[derive(Clone)]
pub(crate) struct Mask {
    values: Vec<Vec<u8>>,
}

impl Mask {
    pub(crate) fn of(secrets: &[Secret]) -> Self {
        let mut values: Vec<Vec<u8>> = secrets
            .iter()
            // A secret read from a file often ends with a line feed that its user leaves out.
            .flat_map(|secret| [secret.value.as_str(), secret.value.trim()])
            .filter(|value| !value.is_empty())
            .map(|value| value.as_bytes().to_vec())
            .collect();
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self { values }
    }

    /// Bytes to read so that a secret that begins inside the observation can be recognised to its end.
    pub(crate) fn room(&self) -> usize {
        OBSERVATION_BYTES_MAX + self.values.first().map_or(0, Vec::len)
    }

    /// The head of `bytes` as text: masked, invalid UTF-8 replaced, at most [`OBSERVATION_BYTES_MAX`].
    /// `seen` is how many bytes there were in all; returned is also how many of them are not in the text.
    pub(crate) fn head(&self, bytes: &[u8], seen: u64) -> (String, u64) {
        let mut kept = Vec::with_capacity(bytes.len().min(OBSERVATION_BYTES_MAX));
        let mut at = 0;
        while at < bytes.len() && kept.len() < OBSERVATION_BYTES_MAX {
            if let Some(secret) = self.values.iter().find(|value| bytes[at..].starts_with(value)) {
                kept.extend_from_slice(MASKED);
                at += secret.len();
            } else {
                kept.push(bytes[at]);
                at += 1;
            }
        }
        let mut text = String::from_utf8_lossy(&kept).into_owned();
        let mut dropped = seen.saturating_sub(at as u64);
        if text.len() > OBSERVATION_BYTES_MAX {
            // Replacement characters are longer than what they replace.
            let cut = text.floor_char_boundary(OBSERVATION_BYTES_MAX);
            dropped += (text.len() - cut) as u64;
            text.truncate(cut);
        }
        (text, dropped)
    }

    /// A whole text, masked and cut.
    pub(crate) fn text(&self, text: &str) -> (String, u64) {
        self.head(text.as_bytes(), text.len() as u64)
    }

    /// A sentence for people, masked.
    pub(crate) fn sentence(&self, text: &str) -> String {
        self.text(text).0
    }
}

/// Runs a look under the order's limit, masks what it says went wrong, and signs what it saw.
/// `look` gets the mask and returns facts and how much was left out of them.
pub(crate) async fn observe<F>(probe: &str, order: &LookOrder, mask: &Mask, look: F) -> Result<Observation, String>
where
    F: Future<Output = Result<(Facts, u64), String>>,
{
    let started = Instant::now();
    let (mut facts, dropped) = match tokio::time::timeout(order.timeout.to_std(), look).await {
        Ok(seen) => seen.map_err(|reason| mask.sentence(&reason))?,
        Err(_) => return Err(overdue(probe, order.timeout)),
    };
    let took = Span(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
    facts.entry("duration".into()).or_insert(Value::Duration(i64::try_from(took.0).unwrap_or(i64::MAX)));
    Ok(Observation { source: format!("probe/{probe}"), facts, took, dropped })
}

/// The sentence for a look that reached its limit.
pub(crate) fn overdue(probe: &str, limit: Span) -> String {
    format!("the {probe} look had no answer within its limit of {limit}; raise `timeout` if it needs longer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(values: &[&str]) -> Mask {
        let secrets: Vec<Secret> =
            values.iter().map(|value| Secret { name: "S".into(), value: (*value).into() }).collect();
        Mask::of(&secrets)
    }

    #[test]
    fn a_secret_that_contains_another_is_masked_whole() {
        assert_eq!(mask(&["pass", "password1"]).sentence("a password1 b pass"), "a *** b ***");
    }

    #[test]
    fn a_secret_across_the_cut_leaves_nothing_of_itself() {
        let mask = mask(&["tops3cret"]);
        let mut bytes = vec![b'x'; OBSERVATION_BYTES_MAX - 4];
        bytes.extend_from_slice(b"tops3cret and more");
        assert!(bytes.len() >= mask.room());
        let (text, dropped) = mask.head(&bytes[..mask.room()], bytes.len() as u64);
        assert!(!text.contains("tops"), "{}", &text[text.len() - 20..]);
        assert!(text.len() <= OBSERVATION_BYTES_MAX);
        assert!(dropped > 0);
    }

    #[test]
    fn a_secret_is_masked_with_and_without_its_line_feed() {
        assert_eq!(mask(&["abcd\n"]).sentence("abcd\nabcd"), "******");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_stay_within_the_limit() {
        let bytes = vec![0xff; OBSERVATION_BYTES_MAX];
        let (text, dropped) = mask(&[]).head(&bytes, bytes.len() as u64);
        assert!(text.len() <= OBSERVATION_BYTES_MAX);
        assert!(dropped > 0);
        assert!(text.chars().all(|c| c == char::REPLACEMENT_CHARACTER));
    }
}
