//! Reads the two lists of deny.toml that this house uses: accepted licences and banned crates.
//!
//! A reader for that one file, not for TOML: tables, `key = [ … ]` over several lines, strings and `{ crate = "…" }`.

/// What deny.toml says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deny {
    /// `licenses.allow`: SPDX identifiers.
    pub licences: Vec<String>,
    /// `bans.deny`: crate names.
    pub bans: Vec<String>,
}

impl Deny {
    /// Reads the text; unknown tables and keys are cargo-deny's business.
    pub fn parse(text: &str) -> Deny {
        let plain: String = text.lines().map(|line| format!("{}\n", without_remark(line))).collect();
        Deny { licences: strings(list(&plain, "licenses", "allow")), bans: crates(list(&plain, "bans", "deny")) }
    }
}

/// The line up to a `#` outside quotes.
fn without_remark(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

/// The text between the brackets of `key = [ … ]` in `[table]`.
fn list<'a>(text: &'a str, table: &str, key: &str) -> &'a str {
    let Some((_, body)) = text.split_once(&format!("[{table}]\n")) else { return "" };
    let body = body.split("\n[").next().unwrap_or("");
    let start = body.match_indices(key).find(|(at, _)| {
        let before = body[..*at].rsplit('\n').next().unwrap_or("");
        before.trim().is_empty() && body[at + key.len()..].trim_start().starts_with('=')
    });
    let list = start.and_then(|(at, _)| body[at..].split_once('['));
    list.and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inside, _)| inside)
}

fn strings(list: &str) -> Vec<String> {
    list.split('"').skip(1).step_by(2).map(str::to_string).collect()
}

/// `{ crate = "NAME", … }` and plain `"NAME"`; a version after `@` is left out.
fn crates(list: &str) -> Vec<String> {
    let named = list
        .split('{')
        .skip(1)
        .filter_map(|item| item.split_once("crate"))
        .filter_map(|(_, rest)| strings(rest).into_iter().next());
    let plain = list.lines().filter(|line| !line.contains('{')).flat_map(strings);
    named.chain(plain).map(|name| name.split('@').next().unwrap_or("").to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_are_read_and_remarks_are_not() {
        let text = "[graph]\nallow = [\"no\"]\n[licenses]\n# allow = [\"none\"]\nallow = [\n  \"MIT\", # \"GPL-3.0\"\n  \"ISC\",\n]\nconfidence = 0.9\n[bans]\nmultiple-versions = \"allow\"\ndeny = [\n  { crate = \"openssl-sys\", reason = \"a # is fine\" },\n  \"chrono@0.4\",\n]\n";
        let deny = Deny::parse(text);
        assert_eq!(deny.licences, ["MIT", "ISC"]);
        assert_eq!(deny.bans, ["openssl-sys", "chrono"]);
    }

    #[test]
    fn the_file_of_this_repository_has_both_lists() {
        let deny = Deny::parse(include_str!("../../deny.toml"));
        assert!(deny.licences.iter().any(|l| l == "MIT"), "{deny:?}");
        assert!(deny.bans.iter().any(|b| b == "openssl-sys"), "{deny:?}");
    }
}
