//! Replacing secret values in a stream of bytes, before any of it is kept.
//!
//! Must not know where bytes come from or go. What is replaced for each secret of at least four bytes: its
//! value, its value without a final line break, each line of eight bytes or more of a value of several lines,
//! and, if they have eight bytes or more, its base64 in all three alignments (RFC 4648, both alphabets), its
//! percent encoding (RFC 3986) and its JSON form. Anything cleverer (reversed, encrypted, one letter per line)
//! passes: masks protect against accidents, not against the command itself.

use seaworthy_model::port::Secret;

/// Shorter values are not masked: they would blot out ordinary text and tell the value by its absence.
pub const MASKED_BYTES_MIN: usize = 4;
/// Derived forms shorter than this are not masked.
const FORM_BYTES_MIN: usize = 8;

/// What is replaced by what, longest first.
#[derive(Clone)]
pub struct Mask {
    patterns: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether a pattern begins with this byte.
    first: [bool; 256],
}

/// Never shows a value.
impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} patterns)", self.patterns.len())
    }
}

/// The mask over one stream, with the bytes that may be the beginning of a secret.
#[derive(Debug)]
pub struct Window {
    mask: Mask,
    held: Vec<u8>,
}

impl Mask {
    /// A mask for these secrets.
    pub fn of(secrets: &[Secret]) -> Mask {
        let mut patterns: Vec<(Vec<u8>, Vec<u8>)> = vec![];
        for secret in secrets.iter().filter(|secret| secret.value.len() >= MASKED_BYTES_MIN) {
            let instead = format!("***{}***", secret.name).into_bytes();
            for form in forms(&secret.value) {
                if !patterns.iter().any(|(known, _)| *known == form) {
                    patterns.push((form, instead.clone()));
                }
            }
        }
        patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
        let mut first = [false; 256];
        for (pattern, _) in &patterns {
            first[usize::from(pattern[0])] = true;
        }
        Mask { patterns, first }
    }

    /// Names of the secrets that are too short to be masked.
    pub fn unmasked(secrets: &[Secret]) -> Vec<String> {
        let short = secrets.iter().filter(|secret| secret.value.len() < MASKED_BYTES_MIN);
        short.map(|secret| secret.name.clone()).collect()
    }

    /// The mask over one stream.
    pub fn window(&self) -> Window {
        Window { mask: self.clone(), held: vec![] }
    }

    /// Masks a whole text.
    pub fn text(&self, text: &str) -> String {
        let mut window = self.window();
        let mut masked = window.feed(text.as_bytes());
        masked.extend(window.end());
        String::from_utf8_lossy(&masked).into_owned()
    }
}

impl Window {
    /// Takes the next bytes and gives those that are certain: only what may be the beginning of a secret stays.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.mask.patterns.is_empty() {
            return bytes.to_vec();
        }
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let (masked, used) = self.pass(&all, false);
        self.held = all.split_off(used);
        masked
    }

    /// The stream has ended: gives what was held back.
    pub fn end(&mut self) -> Vec<u8> {
        let all = std::mem::take(&mut self.held);
        self.pass(&all, true).0
    }

    /// Masked bytes, and how many of `all` they stand for.
    fn pass(&self, all: &[u8], ended: bool) -> (Vec<u8>, usize) {
        let mut masked = Vec::with_capacity(all.len());
        let mut at = 0;
        while at < all.len() {
            let next = all[at..].iter().position(|byte| self.mask.first[usize::from(*byte)]);
            let plain = next.map_or(all.len(), |ahead| at + ahead);
            masked.extend_from_slice(&all[at..plain]);
            at = plain;
            let rest = &all[at..];
            if rest.is_empty() {
                break;
            }
            // Longest first: a long one that may still come wins over a short one that is there already.
            let hit = self.mask.patterns.iter().find(|(pattern, _)| {
                rest.starts_with(pattern) || (!ended && rest.len() < pattern.len() && pattern.starts_with(rest))
            });
            match hit {
                Some((pattern, _)) if rest.len() < pattern.len() => break,
                Some((pattern, instead)) => {
                    masked.extend_from_slice(instead);
                    at += pattern.len();
                }
                None => {
                    masked.push(rest[0]);
                    at += 1;
                }
            }
        }
        (masked, at)
    }
}

fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    let trimmed = value.trim_end_matches(['\r', '\n']);
    if trimmed.len() >= MASKED_BYTES_MIN {
        forms.push(trimmed.as_bytes().to_vec());
    }
    let mut derived: Vec<Vec<u8>> = vec![];
    if trimmed.contains('\n') {
        derived.extend(trimmed.lines().map(|line| line.trim_end().as_bytes().to_vec()));
    }
    for text in [value, trimmed] {
        derived.extend(base64(text.as_bytes()));
        derived.extend(percent(text));
        let json = serde_json::Value::from(text).to_string();
        derived.push(json.trim_matches('"').as_bytes().to_vec());
    }
    forms.extend(derived.into_iter().filter(|form| form.len() >= FORM_BYTES_MIN));
    forms
}

/// What a text that holds `value` has in its base64, whatever comes before and after it.
fn base64(value: &[u8]) -> Vec<Vec<u8>> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut forms = vec![];
    for before in 0..3 {
        let bits = |index: usize| value.get(index).map_or(0, |byte| u32::from(*byte));
        // Sextets that hold bits of the value only; the ones at the borders depend on the neighbours.
        let (from, to) = ((before * 8usize).div_ceil(6), (before + value.len()) * 8 / 6);
        let sextets = (from..to).map(|sextet| {
            let bit = sextet * 6 - before * 8;
            let pair = (bits(bit / 8) << 8) | bits(bit / 8 + 1);
            STANDARD[(pair >> (10 - bit % 8) & 63) as usize]
        });
        let whole: Vec<u8> = sextets.collect();
        let used = (before + value.len()) * 8 % 6;
        if used > 0 && !value.is_empty() {
            // At the very end of a text the last letter is filled up with zeros.
            let last = value[value.len() - 1] & ((1 << used) - 1);
            forms.push([whole.as_slice(), &[STANDARD[usize::from(last) << (6 - used)]]].concat());
        }
        forms.push(whole);
    }
    let url = |letter: &u8| match letter {
        b'+' => b'-',
        b'/' => b'_',
        other => *other,
    };
    let others: Vec<Vec<u8>> = forms.iter().map(|form| form.iter().map(url).collect()).collect();
    forms.into_iter().chain(others).collect()
}

/// Percent encoding with large and small digits, and with `+` for a blank.
fn percent(text: &str) -> Vec<Vec<u8>> {
    let mut large = String::new();
    let mut small = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            large.push(char::from(byte));
            small.push(char::from(byte));
        } else {
            large.push_str(&format!("%{byte:02X}"));
            small.push_str(&format!("%{byte:02x}"));
        }
    }
    let form = large.replace("%20", "+");
    vec![large.into_bytes(), small.into_bytes(), form.into_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, value: &str) -> Secret {
        Secret { name: name.into(), value: value.into() }
    }

    fn all(window: &mut Window, parts: &[&str]) -> String {
        let mut bytes: Vec<u8> = parts.iter().flat_map(|part| window.feed(part.as_bytes())).collect();
        bytes.extend(window.end());
        String::from_utf8(bytes).expect("the parts are text")
    }

    #[test]
    fn a_secret_is_masked_wherever_it_is_cut() {
        let mask = Mask::of(&[secret("PASS", "hunter2!x")]);
        let text = "a hunter2!x b hunter2!xhunter2!x";
        for first in 0..text.len() {
            for second in first..text.len() {
                let parts = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(all(&mut mask.window(), &parts), "a ***PASS*** b ***PASS******PASS***", "{parts:?}");
            }
        }
    }

    #[test]
    fn only_what_may_become_a_secret_waits() {
        let mut window = Mask::of(&[secret("PASS", "hunter2!")]).window();
        assert_eq!(window.feed(b"progress 10 %"), b"progress 10 %");
        assert_eq!(window.feed(b"hunt"), b"");
        assert_eq!(window.feed(b"ing"), b"hunting");
        assert_eq!(window.feed(b"hunter"), b"");
        assert_eq!(window.end(), b"hunter");
    }

    #[test]
    fn the_longer_of_two_secrets_wins() {
        let mask = Mask::of(&[secret("A", "abcd"), secret("B", "abcdefgh")]);
        assert_eq!(all(&mut mask.window(), &["abcd", "efgh abcd-"]), "***B*** ***A***-");
        assert_eq!(all(&mut mask.window(), &["abcdef"]), "***A***ef");
    }

    #[test]
    fn encoded_forms_are_masked() {
        let mask = Mask::of(&[secret("P", "pass/word +1")]);
        // printf 'user:pass/word +1' | base64
        assert_eq!(mask.text("Basic dXNlcjpwYXNzL3dvcmQgKzE="), "Basic dXNlcjp***P***=");
        // printf 'pass/word +1' | base64
        assert_eq!(mask.text("cGFzcy93b3JkICsx"), "***P***");
        // printf 'x:pass/word +1' | base64: the letters at the border hold bits of both
        assert_eq!(mask.text("eDpwYXNzL3dvcmQgKzE="), "eDp***P***=");
        assert_eq!(
            mask.text("url?p=pass%2Fword%20%2B1&p=pass%2fword%20%2b1&pass%2Fword+%2B1"),
            "url?p=***P***&p=***P***&***P***"
        );
        let quoted = Mask::of(&[secret("Q", "a\"b\nlonger line")]);
        assert_eq!(quoted.text(r#"{"q":"a\"b\nlonger line"}"#), r#"{"q":"***Q***"}"#);
        assert_eq!(quoted.text("a\"b\r\nlonger line\r\n"), "a\"b\r\n***Q***\r\n");
    }

    #[test]
    fn a_short_secret_is_not_masked_and_named() {
        let secrets = [secret("PIN", "123"), secret("LONG", "12345")];
        assert_eq!(Mask::unmasked(&secrets), ["PIN"]);
        assert_eq!(Mask::of(&secrets).text("123 12345"), "123 ***LONG***");
        assert_eq!(format!("{:?}", Mask::of(&secrets)).find("12345"), None);
    }
}
