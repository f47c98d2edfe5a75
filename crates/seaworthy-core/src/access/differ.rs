//! What a changed site file does to rights: who may do more, and who may do less.
//!
//! This module must not know files.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::access::Actions;

use super::Policy;
use crate::change::Difference;

/// Every name and role whose rights differ, wider ones first. A right that somebody gains is what a person has to look at.
pub fn differences(old: &Policy, new: &Policy) -> Vec<Difference> {
    let names: BTreeSet<&str> = old.names().chain(new.names()).collect();
    let mut out = Vec::new();
    for name in names {
        let (before, after) = (by_place(old, name), by_place(new, name));
        let places: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for place in places {
            let of = |all: &BTreeMap<String, Actions>| all.get(place).copied().unwrap_or_default();
            // What one may everywhere one may here as well.
            let everywhere = |all: &BTreeMap<String, Actions>| all.get("").copied().unwrap_or_default();
            let gained = of(&after).but(of(&before)).but(everywhere(&before));
            let lost = of(&before).but(of(&after)).but(everywhere(&after));
            let within = if place.is_empty() { String::new() } else { format!(" ({place})") };
            if !gained.is_empty() {
                let text = format!("{name} may now{within}: {}", gained.words().join(", "));
                out.push(Difference { text, weaker: true });
            }
            if !lost.is_empty() {
                let text = format!("{name} may no longer{within}: {}", lost.words().join(", "));
                out.push(Difference { text, weaker: false });
            }
        }
    }
    // Accounts were given roles too, and no file names them: whoever has the role gains what it gains.
    for (role, may) in new.roles() {
        let gained = may.but(old.role(role));
        if !gained.is_empty() {
            let text = format!("role `{role}` gives now: {}", gained.words().join(", "));
            out.push(Difference { text, weaker: true });
        }
    }
    out.sort_by_key(|difference| !difference.weaker);
    out
}

/// What a name may, by where.
fn by_place(policy: &Policy, name: &str) -> BTreeMap<String, Actions> {
    let mut all: BTreeMap<String, Actions> = BTreeMap::new();
    for right in policy.rights(name) {
        let may = all.entry(right.within()).or_default();
        *may = may.or(right.may);
    }
    all
}
