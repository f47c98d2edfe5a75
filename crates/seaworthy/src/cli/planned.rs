//! What `plan` says of the future: fire times with those that are left out, the busiest minutes, what is touched.
//!
//! Must not know what is in force: that is `difference`.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_core::schedule::{Holds, Timetable, utc};
use seaworthy_model::{
    port::Views,
    process::{Look, Process},
    schedule::Pause,
    site::{Loaded, Pinned, Site},
    time::{At, Span},
};
use serde_json::{Value, json};

use crate::{
    out::{Out, Tone},
    trouble::Trouble,
};

/// Fire times that are listed, apart from those that something keeps from running.
const FIRES: usize = 10;
/// Most of the latter that are listed in between.
const LEFT_OUT_MAX: usize = 20;
/// What the busiest minutes are looked for in.
const LOAD_WITHIN: Span = Span::seconds(24 * 3600);
/// Most starts of one process that are counted there: every minute of it.
const LOAD_STARTS_MAX: usize = 1_441;
/// Minutes and processes that are named.
const LOAD_MINUTES: usize = 5;
const LOAD_NAMES: usize = 5;

/// The last pause of a process, over or not.
///
/// # Errors
/// When the journal cannot be read.
pub async fn pause(views: Option<&dyn Views>, process: &str) -> Result<Option<Pause>, Trouble> {
    let Some(views) = views else { return Ok(None) };
    Ok(views.schedule(process).await?.and_then(|row| row.pause))
}

/// The next fire times, each with what keeps it from running, if anything does.
pub fn fires(out: &Out, pinned: &Pinned, site: &Site, pause: Option<&Pause>, from: At) -> Vec<Value> {
    let Some(schedule) = &pinned.process.schedule else {
        match pinned.process.observed {
            Some(_) => out.line("  its timetable is not known here"),
            None => out.line("  no schedule: it runs when a person asks"),
        }
        return Vec::new();
    };
    let Ok(timetable) = Timetable::parse(schedule) else { return Vec::new() };
    if let Some(jitter) = schedule.jitter {
        out.line(&format!("  each {} after its time: its part of the jitter of {jitter}", timetable.shift()));
    }
    let holds = Holds::of(schedule, &site.blackouts, pause);
    let (mut listed, mut at, mut due, mut left_out, mut unlisted) = (Vec::new(), from, 0, 0, 0_u32);
    while let Some(next) = timetable.next_after(at).filter(|_| due < FIRES && unlisted < 10_000) {
        at = next;
        let why = holds.on(&timetable, next).map(|(_, why)| why);
        match &why {
            None => due += 1,
            Some(_) if left_out < LEFT_OUT_MAX => left_out += 1,
            Some(_) => {
                unlisted += 1;
                continue;
            }
        }
        let said = why
            .as_ref()
            .map_or(String::new(), |why| format!("  {}", out.paint(Tone::Doubt, &format!("skipped: {why}"))));
        out.line(&format!("  {}   {}{said}", utc(next), timetable.local(next)));
        listed.push(json!({ "utc": utc(next), "local": timetable.local(next), "skipped": why }));
    }
    if unlisted > 0 {
        out.line(&format!("  and {unlisted} more are skipped"));
    }
    listed
}

/// The minutes of the next day in which most is started.
pub fn load(out: &Out, loaded: &Loaded, from: At) -> Vec<Value> {
    let mut minutes: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    let minute = i64::try_from(Span::seconds(60).0).unwrap_or(i64::MAX);
    for pinned in loaded.processes.values() {
        let Some(schedule) = pinned.process.fires() else { continue };
        let Ok(timetable) = Timetable::parse(schedule) else { continue };
        let holds = Holds::of(schedule, &loaded.site.blackouts, None);
        let fires = std::iter::successors(timetable.next_after(from), |at| timetable.next_after(*at));
        let fires = fires.take_while(|at| *at <= from + LOAD_WITHIN).take(LOAD_STARTS_MAX);
        for at in fires.filter(|at| holds.on(&timetable, *at).is_none()) {
            minutes.entry(at.0.div_euclid(minute)).or_default().push(&pinned.process.name);
        }
    }
    let mut busiest: Vec<(i64, Vec<&str>)> = minutes.into_iter().filter(|(_, names)| names.len() > 1).collect();
    busiest.sort_by_key(|(at, names)| (std::cmp::Reverse(names.len()), *at));
    busiest.truncate(LOAD_MINUTES);
    if !busiest.is_empty() {
        out.line("busiest minutes of the next 24 hours:");
    }
    let one = |(at, names): &(i64, Vec<&str>)| {
        let at = utc(At(at * minute));
        let some: Vec<&str> = names.iter().copied().take(LOAD_NAMES).collect();
        let more = names.len().saturating_sub(LOAD_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.line(&format!("  {at}   {} starts: {}{more}", names.len(), some.join(", ")));
        json!({ "utc": at, "starts": names.len(), "processes": some })
    };
    busiest.iter().map(one).collect()
}

/// What the definition itself says that it touches: its service, and hosts in URLs and in variables that name them.
/// Never a whole URL: there may be a password in it.
pub fn targets(process: &Process) -> Vec<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let drill = process.drill.as_ref().and_then(|drill| drill.restore.as_ref());
    let looks = process.verify.iter().chain(drill.into_iter().flat_map(|restore| &restore.verify));
    for look in looks.map(|check| &check.look) {
        match look {
            Look::Http { url, .. } | Look::Sql { url, .. } => found.extend(host(url)),
            _ => {}
        }
    }
    let own = process.steps.iter().flat_map(|step| &step.env);
    for (name, value) in process.env.iter().chain(own) {
        match host(value) {
            Some(host) => found.extend([host]),
            None if name.ends_with("HOST") && !value.is_empty() => found.extend([format!("host {value}")]),
            None => {}
        }
    }
    let service = process.service.as_ref().map(|service| format!("service {service}"));
    service.into_iter().chain(found).collect()
}

/// Scheme and host of a URL, without user and password.
fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    (!scheme.is_empty() && !host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_is_named_without_its_password() {
        let mut process = Process::named("it");
        process.service = Some("shop".into());
        let pairs = [("PGHOST", "db1"), ("REPO", "sftp://me:hunter2@vault/orders"), ("LEVEL", "3"), ("GHOST", "")];
        process.env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(targets(&process), ["service shop", "host db1", "sftp://vault"]);
    }
}
