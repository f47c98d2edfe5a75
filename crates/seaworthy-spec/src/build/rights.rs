//! Who may do what, from the site file.
//!
//! This module must not decide anything: a name that nobody has gives nothing.

use std::collections::BTreeSet;

use seaworthy_model::{
    access::{Action, Actions, BUILT_IN, Grant, Rights, built_in},
    process::Tier,
};

use crate::{diagnostic::quoted, nearest::advice, source::Report, tree::Node};

use super::{site::named, text, texts};

/// Longest name of a person, in bytes.
const NAME_BYTES_MAX: usize = 254;

/// The rights of a site.
pub fn rights(document: &Node, report: &mut Report<'_>) -> Rights {
    let roles = named(document, "roles", |key, node| {
        let name = key.text().unwrap_or_default();
        if built_in(name).is_some() {
            let message = format!("`{name}` is built in, and means the same on every site");
            report.error("built-in-role", key.place, message, "give it another name");
        }
        Some(node.items().iter().filter_map(|item| Action::parse(item.text()?)).collect::<Actions>())
    });
    let known: BTreeSet<String> = roles.keys().cloned().chain(BUILT_IN.map(str::to_owned)).collect();
    let people = named(document, "people", |key, node| {
        person_name(key, report);
        Some(grants(node, &known, report))
    });
    let teams = named(document, "teams", |_, node| Some(grants(node, &known, report)));
    let teams = teams.into_iter().filter(|(_, grants)| !grants.is_empty()).collect();
    Rights { roles, people, teams }
}

fn grants(node: &Node, known: &BTreeSet<String>, report: &mut Report<'_>) -> Vec<Grant> {
    let Some(list) = node.get("roles") else { return vec![] };
    let one = |item: &Node| {
        let place = item.get("role").map_or(item.place, |role| role.place);
        let role = text(item, "role").or_else(|| item.text().map(str::to_owned))?;
        if !known.contains(&role) {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            report.error("unknown-role", place, format!("there is no role {}", quoted(&role)), advice(&role, &names));
        }
        let tier = |word: String| match word.as_str() {
            "A" => Some(Tier::A),
            "B" => Some(Tier::B),
            "C" => Some(Tier::C),
            _ => None,
        };
        let tiers = texts(item, "tiers").into_iter().filter_map(tier).collect();
        Some(Grant { role, services: texts(item, "services"), tiers })
    };
    // A mapping alone is one grant, not a list of its parts.
    list.items().iter().filter_map(one).collect()
}

/// One person has one name, and no two names look alike: small letters of ASCII, as mail addresses are written.
fn person_name(key: &Node, report: &mut Report<'_>) {
    let Some(name) = key.text() else { return };
    let (local, host) = name.rsplit_once('@').unwrap_or((name, ""));
    let fits = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._+-:".contains(&b))
    };
    // A host of the system may have capitals in its name.
    let good = if let Some(user) = local.strip_prefix("os:") {
        fits(user) && !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    } else {
        fits(local) && fits(host) && !local.contains(':') && !host.contains(':')
    };
    if !good || name.len() > NAME_BYTES_MAX {
        let message = format!("{} is not the name of a person", quoted(name));
        let help = "write the mail address in small letters, such as `ann@example.com`, or `os:NAME@HOST`";
        report.error("bad-name", key.place, message, help);
    }
}
