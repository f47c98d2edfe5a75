//! What becomes of a site's own settings: who is told and how safely, how long what is kept, when nothing starts.
//!
//! The words name no address, no URL and no command of a route: those name people, and may be secret. This module must not
//! know files nor who confirms.

use seaworthy_model::{
    retain::SiteRetention,
    schedule::Blackout,
    site::{Outlet, Route, Site, SmtpSecurity, SmtpServer},
};

use super::{Difference, named};
use crate::{
    access,
    retain::Policy,
    schedule::{SILENT_MAX, longer, silences, utc},
};

/// What changes between two settings, weaker ones first. Equal ones give nothing.
pub fn settings(old: &Site, new: &Site) -> Vec<Difference> {
    let mut out = Vec::new();
    for (name, route) in &old.routes {
        self::route(name, route, new.routes.get(name), &mut out);
    }
    let added = new.routes.keys().filter(|name| !old.routes.contains_key(*name));
    out.extend(added.map(|name| Difference::shown(format!("route `{name}` added"))));
    mail(old.smtp.as_ref(), new.smtp.as_ref(), &mut out);
    kept(old.retention, new.retention, &mut out);
    blackouts(&old.blackouts, &new.blackouts, &mut out);
    rights(old, new, &mut out);
    if old.name != new.name {
        out.push(Difference::shown(format!("name from `{}` to `{}`", old.name, new.name)));
    }
    if old.public_url != new.public_url {
        let text = format!("public_url from {} to {}", named(&old.public_url), named(&new.public_url));
        let tls = |site: &Site| site.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        // Sessions then go over lines that anybody on the way reads.
        out.push(Difference { text, weaker: tls(old) && !tls(new) });
    }
    if old.teams != new.teams {
        out.push(Difference::shown("teams changed"));
    }
    if old.secrets != new.secrets {
        out.push(Difference::shown("places of secrets changed"));
    }
    if out.is_empty() && old != new {
        out.push(Difference::shown("something else of the settings changed"));
    }
    out.sort_by_key(|difference| !difference.weaker);
    out
}

/// Whoever was told by a route is still to be told.
fn route(name: &str, old: &Route, new: Option<&Route>, out: &mut Vec<Difference>) {
    let Some(new) = new else {
        return out.push(Difference::weaker(format!("route `{name}` removed: nobody is told by it any more")));
    };
    if old == new {
        return;
    }
    let before = out.len();
    let (was, is) = (receivers(old), receivers(new));
    for kind in ["smtp", "webhook", "command"] {
        let lost = was.iter().filter(|one| one.0 == kind && !is.contains(one)).count();
        if lost > 0 {
            let all = was.iter().filter(|one| one.0 == kind).count();
            let what = if kind == "smtp" { "mail addresses" } else { kind };
            out.push(Difference::weaker(format!("route `{name}` lost {lost} of {all} receivers by {what}")));
        }
    }
    if out.len() == before {
        out.push(Difference::shown(format!("route `{name}` changed, nobody lost")));
    }
}

/// Everybody whom a route reaches: the outlet's kind, and what tells them apart. A webhook that is not signed any more
/// is another one.
fn receivers(route: &Route) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    for outlet in &route.outlets {
        match outlet {
            Outlet::Smtp { to } => out.extend(to.iter().map(|to| (outlet.kind(), to.clone()))),
            Outlet::Webhook { url, secret } => {
                out.push((outlet.kind(), format!("{url} {}", secret.as_deref().unwrap_or_default())));
            }
            Outlet::Command { command } => out.push((outlet.kind(), format!("{command:?}"))),
        }
    }
    out
}

fn mail(old: Option<&SmtpServer>, new: Option<&SmtpServer>, out: &mut Vec<Difference>) {
    let (Some(old), Some(new)) = (old, new) else {
        return match (old, new) {
            (Some(_), None) => out.push(Difference::weaker("smtp removed: no mail is sent any more")),
            (None, Some(_)) => out.push(Difference::shown("smtp added")),
            _ => {}
        };
    };
    if (&old.host, old.port) != (&new.host, new.port) {
        let text = format!("smtp from {}:{} to {}:{}", old.host, old.port, new.host, new.port);
        out.push(Difference::weaker(text));
    }
    if safety(new.security) < safety(old.security) {
        out.push(Difference::weaker(format!("smtp security from {:?} to {:?}", old.security, new.security)));
    }
    if old != new {
        out.push(Difference::shown("smtp changed"));
    }
}

fn safety(security: SmtpSecurity) -> u8 {
    match security {
        SmtpSecurity::None => 0,
        SmtpSecurity::Starttls => 1,
        SmtpSecurity::Tls => 2,
    }
}

fn kept(old: Option<SiteRetention>, new: Option<SiteRetention>, out: &mut Vec<Difference>) {
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    super::retain(Policy::of(None, Some(old.each)), Policy::of(None, Some(new.each)), out);
    if old.at_most == new.at_most {
        return;
    }
    let shown = |most: Option<u64>| most.map_or("any number of bytes".to_owned(), |most| format!("{most} bytes"));
    let weaker = new.at_most.is_some_and(|new| old.at_most.is_none_or(|old| new < old));
    let text = format!("retention: at most {} instead of {}", shown(new.at_most), shown(old.at_most));
    out.push(Difference { text, weaker });
}

/// A blackout takes nothing away for good, unless it hardly ends.
fn blackouts(old: &[Blackout], new: &[Blackout], out: &mut Vec<Difference>) {
    for blackout in new.iter().filter(|blackout| !old.contains(blackout)) {
        let long = blackout.until.since(blackout.from);
        let text = format!("no process starts for {long}: {}", blackout.reason);
        out.push(Difference { text, weaker: long > SILENT_MAX });
    }
    // One after the other they are as long as one.
    let alone = new.iter().any(|blackout| blackout.until.since(blackout.from) > SILENT_MAX);
    if let Some((from, until)) = longer(&silences(None, old), &silences(None, new)).filter(|_| !alone) {
        out.push(Difference::weaker(format!("blackouts: nothing starts from {} to {}", utc(from), utc(until))));
    }
    let gone = old.iter().filter(|blackout| !new.contains(blackout)).count();
    if gone > 0 {
        out.push(Difference::shown(format!("{gone} blackouts removed")));
    }
}

/// How many may do more, and less: `plan` says who, and the names stay out of the journal.
fn rights(old: &Site, new: &Site, out: &mut Vec<Difference>) {
    let all = access::differences(&access::Policy::of(old), &access::Policy::of(new));
    let more = all.iter().filter(|difference| difference.weaker).count();
    if more > 0 {
        out.push(Difference::weaker(format!("rights given that were not: {more}; `plan` says to whom")));
    }
    if all.len() > more {
        out.push(Difference::shown(format!("rights taken away: {}", all.len() - more)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use seaworthy_model::{
        access::{Grant, Rights},
        process::Command,
        retain::Retention,
        schedule::WhenOver,
        site::{StoreKind, Team},
        step::Line,
        time::{At, Span},
    };

    use super::*;

    fn site() -> Site {
        let outlets = vec![
            Outlet::Smtp { to: vec!["a@example.com".into(), "b@example.com".into()] },
            Outlet::Webhook { url: "https://hooks.example.com/T0/secret".into(), secret: Some("HOOK".into()) },
        ];
        Site {
            name: "acme".into(),
            store: StoreKind::Sqlite,
            public_url: None,
            teams: BTreeMap::from([("data".into(), Team { people: vec!["a@example.com".into()] })]),
            routes: BTreeMap::from([("oncall".into(), Route { outlets })]),
            smtp: Some(SmtpServer {
                host: "mail".into(),
                port: 25,
                from: "ops@example.com".into(),
                security: SmtpSecurity::Starttls,
                user: None,
                password: None,
                ca_file: None,
            }),
            secrets: BTreeMap::new(),
            blackouts: vec![],
            retention: None,
            rights: Rights::default(),
        }
    }

    /// What a change comes to, as one line each; a `!` is in front of what waits.
    fn shown(change: impl FnOnce(&mut Site)) -> Vec<String> {
        let mut new = site();
        change(&mut new);
        let mark = |d: Difference| format!("{}{}", if d.weaker { "! " } else { "" }, d.text);
        let lines: Vec<String> = settings(&site(), &new).into_iter().map(mark).collect();
        let text = lines.join("\n");
        assert!(!text.contains('@') && !text.contains("secret") && !text.contains("/bin"), "{text}");
        lines
    }

    fn outlets(site: &mut Site) -> &mut Vec<Outlet> {
        &mut site.routes.get_mut("oncall").unwrap().outlets
    }

    #[test]
    fn whoever_is_not_told_any_more_is_a_loss_and_who_is_told_too_is_not() {
        assert_eq!(shown(|_| {}), [""; 0]);
        assert_eq!(shown(|s| s.routes.clear()), ["! route `oncall` removed: nobody is told by it any more"]);
        let gone = shown(|s| outlets(s)[0] = Outlet::Smtp { to: vec!["b@example.com".into()] });
        assert_eq!(gone, ["! route `oncall` lost 1 of 2 receivers by mail addresses"]);
        let other = shown(|s| outlets(s)[1] = Outlet::Webhook { url: "http://x".into(), secret: Some("HOOK".into()) });
        assert_eq!(other, ["! route `oncall` lost 1 of 1 receivers by webhook"]);
        let unsigned = shown(|s| {
            let Outlet::Webhook { secret, .. } = &mut outlets(s)[1] else { panic!() };
            *secret = None;
        });
        assert_eq!(unsigned, other, "nobody can know any more that it comes from here");
        let more = shown(|s| {
            outlets(s).push(Outlet::Command { command: Command { line: Line::Args(vec!["/bin/page".into()]) } })
        });
        assert_eq!(more, ["route `oncall` changed, nobody lost"]);
        let moved = shown(|s| outlets(s).reverse());
        assert_eq!(moved, more, "the order is nobody's loss");
    }

    #[test]
    fn mail_that_goes_elsewhere_or_less_safely_waits() {
        assert_eq!(shown(|s| s.smtp = None), ["! smtp removed: no mail is sent any more"]);
        let smtp = |change: fn(&mut SmtpServer)| shown(|s| change(s.smtp.as_mut().unwrap()));
        assert_eq!(smtp(|m| m.host = "evil".into()), ["! smtp from mail:25 to evil:25", "smtp changed"]);
        let plain = smtp(|m| m.security = SmtpSecurity::None);
        assert_eq!(plain, ["! smtp security from Starttls to None", "smtp changed"]);
        assert_eq!(smtp(|m| m.security = SmtpSecurity::Tls), ["smtp changed"]);
    }

    #[test]
    fn pages_that_are_behind_tls_no_more_wait() {
        let mut old = site();
        old.public_url = Some("https://ops.example.com".into());
        let to = |url: Option<&str>| {
            let new = Site { public_url: url.map(str::to_owned), ..old.clone() };
            settings(&old, &new).iter().any(|one| one.weaker)
        };
        assert!(!to(Some("https://ops2.example.com/x")));
        assert!(to(Some("http://ops.example.com")) && to(None));
    }

    #[test]
    fn blackouts_that_follow_each_other_are_as_long_as_one() {
        let day = |n: i64| At(n * 86_400_000_000_000);
        let weeks = |starts: &[i64]| {
            shown(|s| {
                let one = |n: &i64| Blackout {
                    from: day(*n),
                    until: day(n + 14),
                    reason: "feast".into(),
                    over: WhenOver::Skip,
                };
                s.blackouts = starts.iter().map(one).collect();
            })
        };
        assert!(weeks(&[0, 16]).iter().all(|line| !line.starts_with('!')));
        let piece = weeks(&[0, 14]);
        assert_eq!(piece[0], "! blackouts: nothing starts from 1970-01-01T00:00:00Z to 1970-01-29T00:00:00Z");
    }

    #[test]
    fn what_is_kept_for_a_shorter_time_waits_and_so_does_a_blackout_that_hardly_ends() {
        let bodies = Retention { bodies: Some(Span::seconds(3_600)), ..Retention::default() };
        let shorter = shown(|s| s.retention = Some(SiteRetention { each: bodies, at_most: Some(1) }));
        let least = "! retention: at most 1 bytes instead of any number of bytes";
        assert_eq!(shorter, ["! keep: bodies from for ever to 1h", least]);
        let dark = |days: i64| {
            let until = At(0) + Span::seconds(days as u64 * 86_400);
            let blackout = Blackout { from: At(0), until, reason: "feast".into(), over: WhenOver::Skip };
            shown(|s| s.blackouts.push(blackout))
        };
        assert_eq!(dark(14), ["no process starts for 14d: feast"]);
        assert_eq!(dark(365), ["! no process starts for 365d: feast"]);
    }

    #[test]
    fn who_may_do_more_waits_and_who_may_do_less_does_not() {
        let give = |role: &str| {
            let grants = BTreeMap::from([("grace@example.com".to_owned(), vec![Grant::of(role)])]);
            Site { rights: Rights { people: grants, ..Rights::default() }, ..site() }
        };
        let text =
            |old: &Site, new: &Site| settings(old, new).into_iter().map(|d| (d.weaker, d.text)).collect::<Vec<_>>();
        let given = "rights given that were not: 1; `plan` says to whom".to_owned();
        assert_eq!(text(&site(), &give("viewer")), [(true, given.clone())]);
        assert_eq!(text(&give("viewer"), &give("owner")), [(true, given)]);
        assert_eq!(text(&give("owner"), &give("viewer")), [(false, "rights taken away: 1".to_owned())]);
    }

    #[test]
    fn settings_without_newer_keys_keep_their_digest_over_versions_of_the_program() {
        assert_eq!(site().digest(), "08228129acc8c3dd5bbd126cef58442373e0437e50fdd33da6d2e7c404c2e4db");
    }
}
