//! One-time codes of authenticator programs: RFC 6238 with the parameters that all of them know (SHA-1, 30 s, 6 digits).
//!
//! This module must not read a clock, and keeps nothing: who asks says which codes were used.

use ring::hmac;
use seaworthy_model::time::At;

use crate::same;

/// Length of one step.
const STEP_SECONDS: i64 = 30;
/// Clocks of phones are off by less than this many steps.
const STEPS_OFF: u64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;

/// The step whose code this is, of those around `now` that are newer than `after`.
pub fn matching(secret: &[u8], code: &str, now: At, after: u64) -> Option<u64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let here = u64::try_from(now.0.div_euclid(1_000_000_000 * STEP_SECONDS)).ok()?;
    let mut found = None;
    for step in here.saturating_sub(STEPS_OFF)..=here + STEPS_OFF {
        if same(of(secret, step).as_bytes(), digits.as_bytes()) && step > after {
            found = Some(step);
        }
    }
    found
}

/// The code of a step (RFC 4226, section 5.3).
fn of(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[tag.len() - 1] & 0xf);
    let four = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:0width$}", four % 10_u32.pow(DIGITS as u32), width = DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> At {
        At(seconds * 1_000_000_000)
    }

    #[test]
    fn codes_equal_the_vectors_of_rfc_6238() {
        // Appendix B has eight digits; six are their end.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(of(SECRET, seconds / 30), code);
        }
    }

    #[test]
    fn a_code_is_taken_once_and_a_little_off_the_clock() {
        let step = matching(SECRET, "287082", at(59), 0).unwrap();
        assert_eq!(step, 1);
        assert_eq!(matching(SECRET, "287 082", at(89), 0), Some(1), "the phone is late");
        assert_eq!(matching(SECRET, "287082", at(29), 0), Some(1), "the phone is early");
        assert_eq!(matching(SECRET, "287082", at(90), 0), None, "that was long ago");
        assert_eq!(matching(SECRET, "287082", at(59), step), None, "it was used");
        for wrong in ["", "28708", "2870822", "287083", "٢٨٧٠٨٢", "-87082"] {
            assert_eq!(matching(SECRET, wrong, at(59), 0), None, "{wrong}");
        }
        assert_eq!(matching(SECRET, "287082", At(i64::MIN), 0), None, "before there was time");
    }
}
