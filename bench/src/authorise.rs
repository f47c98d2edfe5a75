//! May they? How long one decision takes, with a team larger than the site is made for: 200 people in 20 roles, each with
//! three grants for services and tiers.
//!
//! The limit is one look-up of a name among 200, in the map that the policy keeps: no answer can be had for less.

use std::{collections::BTreeMap, hint::black_box, time::Instant};

use seaworthy_core::access::{Policy, Target, decide};
use seaworthy_model::{
    access::{Action, Actions, Grant},
    id::{ActorId, TokenId},
    process::Tier,
    time::At,
    who::{Door, Login, Scope, Through, Who},
};
use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{Scratch, load},
    figure::{Samples, machine, ratios, round},
};

const TARGET_MICROS: f64 = 5.0;
const PEOPLE: usize = 200;
const ROLES: usize = 20;
const SERVICES: usize = 50;
/// Decisions that are timed together: one alone is shorter than the clock can tell.
const TOGETHER: usize = 10_000;

/// `authorise`.
pub fn authorise(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let rounds = ask.rounds.unwrap_or(if ask.quick { 10 } else { 100 });
    let mut site = load(&scratch.0, "process: p\nsteps: [{ id: a, noop: true }]\n")?.site;
    let names: Vec<String> = (0..PEOPLE).map(|n| format!("person{n:03}@example.com")).collect();
    let set =
        |n: usize| Action::ALL.iter().copied().filter(|a| !(*a as usize + n).is_multiple_of(3)).collect::<Actions>();
    site.rights.roles = (0..ROLES).map(|n| (format!("role{n}"), set(n))).collect();
    let grants = |n: usize| (0..3).map(move |k| grant(n, k)).collect::<Vec<_>>();
    site.rights.people = names.iter().enumerate().map(|(n, name)| (name.clone(), grants(n))).collect();
    let policy = Policy::of(&site);
    let askers: Vec<Who> = names.iter().enumerate().map(|(n, name)| who(n, name)).collect();
    let services: Vec<String> = (0..SERVICES).map(|n| format!("service{n}")).collect();
    let raw: BTreeMap<&str, usize> = names.iter().enumerate().map(|(n, name)| (name.as_str(), n)).collect();
    let (mut decided, mut looked, mut yes) = (Samples::default(), Samples::default(), 0);
    for _ in 0..rounds {
        let began = Instant::now();
        for n in 0..TOGETHER {
            let service = Some(services[n * 7 % SERVICES].as_str());
            let target = Target::Process { name: "backup-orders", service, tier: Tier::A };
            let action = Action::ALL[n * 5 % Action::ALL.len()];
            yes += usize::from(decide(&policy, black_box(&askers[n % PEOPLE]), action, target, At(1)).is_ok());
        }
        decided.0.push(began.elapsed().as_secs_f64() * 1e6 / TOGETHER as f64);
        let began = Instant::now();
        for n in 0..TOGETHER {
            black_box(raw.get(black_box(names[n % PEOPLE].as_str())));
        }
        looked.0.push(began.elapsed().as_secs_f64() * 1e6 / TOGETHER as f64);
    }
    let (value, all) = (decided.at(0.99), rounds * TOGETHER);
    Ok(json!({
        "figure": "authorise", "value": round(value), "unit": "µs", "limit": "one look-up of a name",
        "limit_value": round(looked.median()), "ratio": round(ratios(&decided, &looked).median()),
        "target": TARGET_MICROS, "met": value <= TARGET_MICROS && yes > 0 && yes < all,
        "decisions": all, "yes": yes, "decided_us": decided.many(), "looked_us": looked.many(),
        "machine": machine(&scratch.0),
    }))
}

fn grant(n: usize, k: usize) -> Grant {
    let services = (0..5).map(|s| format!("service{}", (n + k * 11 + s) % SERVICES)).collect();
    Grant { role: format!("role{}", (n + k) % ROLES), services, tiers: if k == 2 { vec![Tier::A] } else { vec![] } }
}

/// Every second one through a token, as a robot or not.
fn who(n: usize, name: &str) -> Who {
    let through = Through {
        token: TokenId::new(At(0), &[1; 10]),
        label: "ci".to_owned(),
        robot: n % 4 == 1,
        scope: Scope { may: Actions::all(), services: vec![] },
        expires: At(i64::MAX),
    };
    let login = Login { how: "passkey".to_owned(), at: At(0), fresh_until: At(i64::MAX) };
    Who {
        name: name.to_owned(),
        door: if n % 2 == 1 { Door::Token } else { Door::Login },
        login: Some(login),
        through: (n % 2 == 1).then_some(through),
        ..Who::nobody(ActorId::new(At(0), &[2; 10]))
    }
}
