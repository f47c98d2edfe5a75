//! `$NAME` and `${NAME}` in what a step sends, by the environment of the step.
//!
//! This module must not know where the text goes. A name without a value is an error, never an empty text.

/// Replaces every name. `value` gives values; `$5` and a lone `$` stay as they are.
///
/// Inside `user:password@` of an address values are percent-encoded, so that a password may hold any character.
pub(super) fn expand(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let login = login(text);
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let at = text.len() - rest.len() + dollar;
        let Some((name, after)) = name(&rest[dollar + 1..]) else {
            out.push('$');
            rest = &rest[dollar + 1..];
            continue;
        };
        let value = value(name)
            .ok_or_else(|| format!("${name} has no value here: set it in `env`, or name it in `secrets`"))?;
        // A secret that was read from a file ends with a line break that nobody meant.
        let value = value.trim_end_matches(['\n', '\r']);
        if login.contains(&at) {
            encoded(value, &mut out)
        } else {
            out.push_str(value)
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The value of a name in our own environment, which is that of the step.
pub(super) fn own(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The address as its file writes it, without a password that somebody wrote into it.
pub(super) fn shown(address: &str) -> String {
    let login = login(address);
    match address[login.clone()].find(':') {
        Some(colon) => format!("{}:***{}", &address[..login.start + colon], &address[login.end..]),
        None => address.to_owned(),
    }
}

/// Where `user:password` stands in an address.
fn login(text: &str) -> std::ops::Range<usize> {
    let Some(start) = text.find("://").map(|at| at + 3) else { return 0..0 };
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    text[start..end].rfind('@').map_or(0..0, |at| start..start + at)
}

fn name(tail: &str) -> Option<(&str, &str)> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, after) = match tail.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None => tail.split_at(tail.find(|c| !of_name(c)).unwrap_or(tail.len())),
    };
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (begins && name.chars().all(of_name)).then_some((name, after))
}

fn encoded(value: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
