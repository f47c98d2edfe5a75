//! `$NAME` and `${NAME}` in addresses, by the environment that commands of the same process see.
//!
//! This module must not know what the address leads to.

use std::{borrow::Cow, path::Path};

use seaworthy_model::port::LookOrder;

/// The value of a name: the order's environment, its secrets, `WORKDIR` and `ARTIFACT`.
pub(crate) fn value_of<'a>(name: &str, order: &'a LookOrder) -> Option<Cow<'a, str>> {
    let path = |path: &'a Path| path.to_string_lossy();
    let given = order.env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let secret = order.secrets.iter().find(|secret| secret.name == name).map(|secret| secret.value.trim_end());
    match given.or(secret) {
        Some(value) => Some(Cow::Borrowed(value)),
        None if name == "WORKDIR" => Some(path(&order.workdir)),
        None if name == "ARTIFACT" => order.artifact.as_deref().map(path),
        None => None,
    }
}

/// Replaces every name. A name without a value is an error, never an empty text: an address with a hole
/// in it leads somewhere else.
///
/// Values inside `user:password@` are percent-encoded, so that a password may contain any character;
/// everywhere else they are taken as they are, so that a name may hold a whole address.
pub(crate) fn expand(text: &str, order: &LookOrder) -> Result<String, String> {
    let login = login_part(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let offset = text.len() - rest.len() + dollar;
        let tail = &rest[dollar + 1..];
        let Some((name, after)) = name_at(tail) else {
            out.push('$');
            rest = tail;
            continue;
        };
        let value = value_of(name, order).ok_or_else(|| {
            format!("`{text}` names ${name}, which has no value; set it in `env` or name it in `secrets`")
        })?;
        if login.contains(&offset) {
            percent_encode(&value, &mut out);
        } else {
            out.push_str(&value);
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Where `user:password` stands in the address as written.
fn login_part(text: &str) -> std::ops::Range<usize> {
    let Some(start) = text.find("://").map(|at| at + 3) else { return 0..0 };
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    text[start..end].rfind('@').map_or(0..0, |at| start..start + at)
}

fn name_at(tail: &str) -> Option<(&str, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, after) = match tail.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None => tail.split_at(tail.find(|c| !is_name(c)).unwrap_or(tail.len())),
    };
    let first = name.chars().next()?;
    (!first.is_ascii_digit() && name.chars().all(is_name)).then_some((name, after))
}

fn percent_encode(value: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The address as its file writes it, without a password that somebody wrote into it.
pub(crate) fn shown(text: &str) -> String {
    let login = login_part(text);
    match text[login.clone()].find(':') {
        Some(colon) => format!("{}:***{}", &text[..login.start + colon], &text[login.end..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use seaworthy_model::{
        port::Secret,
        process::Look,
        time::{At, Span},
    };

    use super::*;

    fn order() -> LookOrder {
        let look = Look::Http { url: String::new(), method: String::new(), headers: BTreeMap::new(), body: None };
        LookOrder {
            look,
            folder: "/site".into(),
            workdir: "/run/w".into(),
            env: vec![("SCRATCH".into(), "sw_1".into()), ("HOST".into(), "db1:5433".into())],
            secrets: vec![Secret { name: "PW".into(), value: "a@b:c/d e".into() }],
            masked: vec![],
            artifact: Some("/run/w/a.db".into()),
            timeout: Span::seconds(1),
            now: At(0),
        }
    }

    #[test]
    fn names_become_values() {
        for (text, expanded) in [
            ("postgresql:///$SCRATCH", "postgresql:///sw_1"),
            ("postgresql://u:$PW@$HOST/${SCRATCH}_x", "postgresql://u:a%40b%3Ac%2Fd%20e@db1:5433/sw_1_x"),
            ("sqlite:$ARTIFACT", "sqlite:/run/w/a.db"),
            ("sqlite:$WORKDIR/a$", "sqlite:/run/w/a$"),
            ("http://x/?price=$5", "http://x/?price=$5"),
        ] {
            assert_eq!(expand(text, &order()).unwrap(), expanded, "{text}");
        }
    }

    #[test]
    fn a_name_without_a_value_is_refused_by_name() {
        assert!(expand("postgresql:///$SCRATCHX", &order()).unwrap_err().contains("$SCRATCHX"));
    }

    #[test]
    fn a_password_written_into_an_address_is_not_shown() {
        assert_eq!(shown("postgresql://u:pw@h/d"), "postgresql://u:***@h/d");
        assert_eq!(shown("sqlite:a.db"), "sqlite:a.db");
    }
}
