//! Tokens: the text that is shown once, its hash that is kept, and what is known of one.
//!
//! This module must not know how chance is made nor where tokens are kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    id::{ActorId, TokenId},
    process::hex,
    time::{At, Span},
    who::Scope,
};

/// What every token begins with, so that people and scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "swt_";
/// No token lives longer.
pub const TOKEN_AGE_MAX: Span = Span::seconds(366 * 24 * 3600);
/// Tokens of one owner that may be in force at the same time.
pub const TOKENS_OF_ONE_MAX: usize = 100;
/// Longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 60;

/// Random bytes of a token.
const SECRET_BYTES: usize = 32;
/// Bytes of the checksum behind them: whoever finds a text can tell that it was a token without asking anybody.
const CHECK_BYTES: usize = 4;

/// A token as its owner holds it. Shown once, kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

impl TokenSecret {
    /// From even chance.
    pub fn new(chance: [u8; SECRET_BYTES]) -> TokenSecret {
        let body = hex(&chance);
        let check = check(&body);
        TokenSecret(format!("{TOKEN_PREFIX}{body}{check}"))
    }

    /// A text that can be a token: of the right form, with the right checksum.
    pub fn parse(text: &str) -> Option<TokenSecret> {
        let rest = text.strip_prefix(TOKEN_PREFIX)?;
        let small = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if rest.len() != 2 * (SECRET_BYTES + CHECK_BYTES) || !rest.bytes().all(small) {
            return None;
        }
        let (body, said) = rest.split_at(2 * SECRET_BYTES);
        (check(body) == said).then(|| TokenSecret(text.to_owned()))
    }

    /// For its owner's eyes.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is kept of it. The secret is as long as the hash, so nobody can try them all: no slow hash is needed.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("swt_…")
    }
}

fn check(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes())[..CHECK_BYTES])
}

/// Whoever holds the token of this hash speaks for `owner`, within its scope: the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub owner: ActorId,
    pub label: String,
    pub robot: bool,
    pub scope: Scope,
    pub expires: At,
    pub digest: String,
}

/// It was taken back for good: the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    pub reason: String,
}

/// What is known of a token, as far as its row says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    pub token: TokenId,
    pub digest: String,
    /// The person who answers for it.
    pub owner: ActorId,
    /// What the owner calls it.
    pub label: String,
    pub robot: bool,
    pub scope: Scope,
    pub made_at: At,
    pub expires: At,
    pub revoked_at: Option<At>,
    /// To the minute.
    pub used_at: Option<At>,
}

/// A label that is shown to people as it is: no control character, nothing that turns the direction of a text.
///
/// # Errors
/// A sentence.
pub fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    let plain = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if text.is_empty() || text.chars().count() > LABEL_CHARS_MAX || !text.chars().all(plain) {
        return Err(format!("a token needs a label of 1 to {LABEL_CHARS_MAX} characters that can be seen"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_hides_in_logs() {
        let token = TokenSecret::new([7; 32]);
        assert_eq!(TokenSecret::parse(token.text()), Some(token.clone()));
        assert_eq!(token.text().len(), 4 + 72);
        assert_eq!(format!("{token:?}"), "swt_…");
        assert_ne!(token.digest(), TokenSecret::new([8; 32]).digest());
    }

    #[test]
    fn what_is_not_quite_a_token_is_none() {
        let good = TokenSecret::new([0xab; 32]).text().to_owned();
        let wrong = good.replacen('a', "b", 1);
        let all =
            ["", "swt_", "swt_é", &good[..75], &format!("{good}0"), &wrong, &good.to_uppercase(), &format!(" {good}")];
        for text in all {
            assert_eq!(TokenSecret::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_label_is_what_it_looks_like() {
        assert_eq!(label(" ci of shop "), Ok("ci of shop".to_owned()));
        assert_eq!(label("<b>ci</b>"), Ok("<b>ci</b>".to_owned()), "pages escape it");
        for bad in ["", "  ", "a\u{202e}b", "a\nb", "a\u{200b}", &"x".repeat(61)] {
            assert!(label(bad).is_err(), "{bad:?}");
        }
    }
}
