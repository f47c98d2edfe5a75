//! Banned crates stay out of the lock file; the list is `bans.deny` of deny.toml, the same that cargo-deny reads.

use super::Finding;
use crate::{deny::Deny, tree::Tree};

pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(deny) = tree.get("deny.toml") else { return vec![] };
    let banned = Deny::parse(&deny.text).bans;
    let Some(lock) = tree.get("Cargo.lock") else { return vec![] };
    let mut findings = Vec::new();
    for (n, line) in lock.text.lines().enumerate() {
        let name = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'));
        if let Some(name) = name.filter(|name| banned.iter().any(|b| b == name)) {
            let message = format!("`{name}` is banned by deny.toml");
            let help = "see who brings it with `cargo tree -i NAME`; it is usually a default feature";
            findings.push(Finding::at("Cargo.lock", n + 1, message, help));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_crate_in_the_lock_file_is_found() {
        let deny = "[bans]\ndeny = [\n    { crate = \"openssl-sys\", reason = \"r\" },\n]\n";
        let lock = "[[package]]\nname = \"openssl\"\n\n[[package]]\nname = \"openssl-sys\"\n";
        let found = check(&Tree::of([("deny.toml", deny), ("Cargo.lock", lock)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [5]);
    }
}
