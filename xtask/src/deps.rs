//! Licences and bans of everything that goes into the binary, and advisories when a tool for them is there.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Place,
    deny::Deny,
    shell,
    test::{Outcome, Suite},
};

/// Longest time for the advisory tool, which may fetch its database.
const ADVISORIES_LIMIT: Duration = Duration::from_secs(180);

/// Runs and prints the checks. Returns whether all is well.
///
/// # Errors
/// None today; the shape is that of the other verbs.
pub fn run(place: &Place) -> Result<bool, String> {
    let suite = suite(place);
    for outcome in &suite.outcomes {
        match outcome {
            Outcome::Passed(what) => println!("{what}: ok"),
            Outcome::Failed(what, why) => println!("{what}: FAILED\n{why}"),
            Outcome::Skipped(what, why) => println!("SKIPPED: {what}: {why}"),
        }
    }
    Ok(!suite.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(..))))
}

/// The checks as a suite of `cargo xtask test`.
pub fn suite(place: &Place) -> Suite {
    let started = Instant::now();
    let outcomes = vec![inside(place), advisories(place)];
    Suite { name: "deps".into(), seconds: started.elapsed().as_secs_f64(), outcomes }
}

fn inside(place: &Place) -> Outcome {
    let what = "licences and bans".to_string();
    match metadata(place).and_then(|metadata| complaints(place, &metadata)) {
        Ok(complaints) if complaints.is_empty() => Outcome::Passed(what),
        Ok(complaints) => Outcome::Failed(what, complaints.join("\n")),
        Err(sentence) => Outcome::Failed(what, sentence),
    }
}

fn metadata(place: &Place) -> Result<Value, String> {
    let args = ["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"];
    let output = Command::new("cargo").args(args).current_dir(&place.root).output();
    let output = output.map_err(|e| format!("could not run `cargo metadata`: {e}"))?;
    if !output.status.success() {
        return Err(format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("`cargo metadata` did not answer with JSON: {e}"))
}

fn complaints(place: &Place, metadata: &Value) -> Result<Vec<String>, String> {
    let path = place.root.join("deny.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("could not read {}: {e}", path.display()))?;
    let deny = Deny::parse(&text);
    if deny.licences.is_empty() || deny.bans.is_empty() {
        return Err("deny.toml names no accepted licence or no banned crate".into());
    }
    let packages = metadata["packages"].as_array().filter(|list| !list.is_empty());
    let packages = packages.ok_or("`cargo metadata` lists no package")?;
    Ok(packages.iter().filter_map(|package| complaint(package, &deny)).collect())
}

fn complaint(package: &Value, deny: &Deny) -> Option<String> {
    let name = package["name"].as_str().unwrap_or("?");
    if deny.bans.iter().any(|banned| banned == name) {
        return Some(format!("  `{name}` is banned by deny.toml; `cargo tree -i {name}` says who brings it"));
    }
    let Some(expression) = package["license"].as_str() else {
        return Some(format!("  `{name}` names no licence; read its licence file and decide in deny.toml"));
    };
    (!accepts(expression, &deny.licences)).then(|| {
        format!(
            "  `{name}` is under `{expression}`, which deny.toml does not accept; leave it out or decide in deny.toml"
        )
    })
}

/// Whether an SPDX expression can be satisfied with the accepted licences. `/` is the old way to write OR.
fn accepts(expression: &str, accepted: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let verdict = any(&tokens, &mut at, accepted);
    verdict && at == tokens.len()
}

fn any(tokens: &[&str], at: &mut usize, accepted: &[String]) -> bool {
    let mut verdict = all(tokens, at, accepted);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        verdict |= all(tokens, at, accepted);
    }
    verdict
}

fn all(tokens: &[&str], at: &mut usize, accepted: &[String]) -> bool {
    let mut verdict = one(tokens, at, accepted);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        verdict &= one(tokens, at, accepted);
    }
    verdict
}

fn one(tokens: &[&str], at: &mut usize, accepted: &[String]) -> bool {
    if tokens.get(*at) == Some(&"(") {
        *at += 1;
        let verdict = any(tokens, at, accepted);
        *at += 1;
        return verdict;
    }
    let mut name = tokens.get(*at).copied().unwrap_or("").to_string();
    *at += 1;
    if tokens.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", tokens.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    accepted.contains(&name)
}

fn advisories(place: &Place) -> Outcome {
    let what = "advisories".to_string();
    let tool: (&str, &[&str]) = if shell::exists("cargo-deny") {
        ("cargo-deny", &["deny", "check", "advisories"])
    } else if shell::exists("cargo-audit") {
        ("cargo-audit", &["audit"])
    } else {
        let reason = "neither cargo-deny nor cargo-audit is installed; `cargo install cargo-deny` brings the check";
        return Outcome::Skipped(what, reason.into());
    };
    let mut command = Command::new("cargo");
    let ran =
        shell::run(command.args(tool.1).current_dir(&place.root), &place.logs.join("advisories.log"), ADVISORIES_LIMIT);
    let unreachable = |line: &&String| line.contains("failed to fetch") || line.contains("couldn't fetch");
    match ran.lines.iter().find(unreachable) {
        Some(line) if !ran.ok => {
            Outcome::Skipped(what, format!("the advisory database is not reachable: {}", line.trim()))
        }
        _ if ran.ok => Outcome::Passed(what),
        _ => Outcome::Failed(what, ran.lines.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_satisfied_or_not() {
        let accepted: Vec<String> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(String::from).into();
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("(GPL-2.0-only OR MIT) AND ISC", true),
            ("(GPL-2.0-only OR MIT) AND Zlib", false),
            ("Apache-2.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("", false),
            ("MIT MIT", false),
        ] {
            assert_eq!(accepts(expression, &accepted), expected, "{expression}");
        }
    }

    #[test]
    fn a_banned_an_unlisted_and_an_unnamed_licence_are_complaints() {
        let deny = Deny { licences: vec!["MIT".into()], bans: vec!["chrono".into()] };
        let said = |text: &str| complaint(&serde_json::from_str(text).unwrap(), &deny);
        assert!(said(r#"{"name":"chrono","license":"MIT"}"#).is_some_and(|s| s.contains("banned")));
        assert!(said(r#"{"name":"x","license":"GPL-3.0-only"}"#).is_some_and(|s| s.contains("does not accept")));
        assert!(said(r#"{"name":"x","license":null}"#).is_some_and(|s| s.contains("no licence")));
        assert_eq!(said(r#"{"name":"x","license":"MIT"}"#), None);
    }
}
