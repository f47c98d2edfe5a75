//! Whether a call from outside was signed by who knows the secret, and what makes it the same call as another.
//!
//! Must not know HTTP servers, the secret's place, nor what a call starts.

use seaworthy_model::{
    hmac::hmac_sha256,
    process::hex,
    time::{At, Span},
    trigger::HookStyle,
};
use sha2::{Digest as _, Sha256};

/// How far the time of a signature may be from ours.
pub const HOOK_TIME_APART: Span = Span::seconds(300);

/// The headers that decide. One that was not sent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// `Seaworthy-Signature` or `X-Hub-Signature-256`.
    pub signature: String,
    /// `Idempotency-Key`.
    pub key: String,
}

/// The keys of a call: another call with one of them is the same call, whatever else it says. One is drawn from what
/// was signed, so nobody can send a call that was seen again under another name.
///
/// # Errors
/// A sentence that helps who knows the secret and nobody else.
pub fn accept(style: HookStyle, secret: &[u8], signed: &Signed, body: &[u8], now: At) -> Result<Vec<String>, String> {
    let (claimed, mac, own) = match style {
        HookStyle::Github => {
            let claimed = signed.signature.strip_prefix("sha256=").unwrap_or_default();
            // No time is signed: the same body is the same call for ever.
            (claimed, hmac_sha256(secret, &[body]), hex(&Sha256::digest(body)))
        }
        HookStyle::Seaworthy => {
            let (time, claimed) = (part(&signed.signature, "t="), part(&signed.signature, "v1="));
            let mac = hmac_sha256(secret, &[time.as_bytes(), b".", body]);
            if equal(claimed, &hex(&mac)) {
                let seconds: i64 = time.parse().map_err(|_| "the time of the signature is not a number of seconds")?;
                let at = At(seconds.saturating_mul(1_000_000_000));
                if at.since(now).max(now.since(at)) > HOOK_TIME_APART {
                    return Err(format!(
                        "the signature is from another time: more than {HOOK_TIME_APART} from the clock here; sign it anew, and look at both clocks"
                    ));
                }
            }
            (claimed, mac, hex(&mac))
        }
    };
    if !equal(claimed, &hex(&mac)) {
        return Err("the signature is missing or wrong".to_owned());
    }
    let mut keys = vec![format!("signed/{own}")];
    if !signed.key.is_empty() {
        keys.push(format!("key/{}", hex(&Sha256::digest(signed.key.as_bytes()))));
    }
    Ok(keys)
}

/// What stands after `name` in a list with commas.
fn part<'s>(list: &'s str, name: &str) -> &'s str {
    list.split(',').find_map(|part| part.trim().strip_prefix(name)).unwrap_or_default()
}

/// Compares without telling by its time where a difference lies.
fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: At = At(1_800_000_000 * 1_000_000_000);

    fn seaworthy(secret: &[u8], time: i64, body: &[u8]) -> Signed {
        let time = time.to_string();
        let mac = hex(&hmac_sha256(secret, &[time.as_bytes(), b".", body]));
        Signed { signature: format!("t={time},v1={mac}"), key: String::new() }
    }

    #[test]
    fn github_signs_the_body_as_its_documentation_says() {
        // The example of GitHub's page on validating deliveries.
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signed = Signed { signature: signature.into(), key: String::new() };
        let keys = accept(HookStyle::Github, b"It's a Secret to Everybody", &signed, b"Hello, World!", NOW);
        assert_eq!(keys.map(|keys| keys.len()), Ok(1));
        let wrong = accept(HookStyle::Github, b"It's a Secret to Everybody", &signed, b"Hello, World?", NOW);
        assert_eq!(wrong, Err("the signature is missing or wrong".into()));
    }

    #[test]
    fn a_signature_that_is_wrong_missing_or_old_is_refused() {
        let ask = |signed: &Signed, body: &[u8]| accept(HookStyle::Seaworthy, b"secret", signed, body, NOW);
        let good = seaworthy(b"secret", 1_800_000_000, b"body");
        assert!(ask(&good, b"body").is_ok());
        assert!(ask(&seaworthy(b"secret", 1_800_000_300, b"body"), b"body").is_ok(), "the limit itself");
        for time in [1_800_000_301, 1_799_999_699, 0, -1] {
            assert!(ask(&seaworthy(b"secret", time, b"body"), b"body").unwrap_err().contains("another time"));
        }
        let wrong = [
            seaworthy(b"other", 1_800_000_000, b"body"),
            Signed::default(),
            Signed { signature: "t=,v1=".into(), ..Signed::default() },
            Signed { signature: good.signature.replace("t=18", "t=19"), ..Signed::default() },
        ];
        for signed in wrong {
            assert_eq!(ask(&signed, b"body"), Err("the signature is missing or wrong".into()), "{signed:?}");
        }
        assert!(ask(&good, b"bodY").is_err());
    }

    #[test]
    fn a_call_seen_before_is_known_under_whatever_key_it_comes() {
        let ask = |signed: &Signed| accept(HookStyle::Seaworthy, b"secret", signed, b"body", NOW).unwrap();
        let first = Signed { key: "a".into(), ..seaworthy(b"secret", 1_800_000_000, b"body") };
        let again = Signed { key: "b".into(), ..first.clone() };
        assert_eq!(ask(&first)[0], ask(&again)[0], "the same signature");
        let retried = Signed { key: "a".into(), ..seaworthy(b"secret", 1_800_000_007, b"body") };
        assert_ne!(ask(&first)[0], ask(&retried)[0]);
        assert_eq!(ask(&first)[1], ask(&retried)[1], "the same key of the sender");
    }
}
